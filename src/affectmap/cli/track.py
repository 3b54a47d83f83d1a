"""``affectmap track``: how a voice moves through a recording, or through a stream while it speaks."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from affectmap.cli import options
from affectmap.cli.progress import note, progress_bar
from affectmap.cli.standard_input import readable
from affectmap.errors import StorageError, UsageError
from affectmap.extras import installed

if TYPE_CHECKING:
    from affectmap.track.recording import Track

_Recording = Annotated[
    Path | None, typer.Argument(metavar="RECORDING|-", help="Any format, rate and length; - for one on the input.")
]
_Picture = Annotated[Path | None, typer.Option(metavar="FILE", help="Picture, .png or .svg.")]
_Windows = Annotated[float | None, typer.Option(metavar="S", help="Measure fixed windows of S seconds.")]
_Speech = Annotated[bool, typer.Option("--speech", help="Measure detected speech, as without --windows or --stream.")]
_Hop = Annotated[
    float | None, typer.Option(metavar="S", help="From one window to the next.", show_default="the window's length")
]
_Statistics = Annotated[
    Literal["source", "recording", "running"],
    typer.Option(help="Mean and standard deviation: the model's, this recording's, or those of the speech until then."),
]
_Speakers = Annotated[
    int | None,
    typer.Option(metavar="N", help="Tell 2 speakers apart, by channel or by voice.", show_default="not told apart"),
]
_Enrol = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Measure only the voice that speaks in FILE, alone, for 4 s or more."),
]
_SaveModel = Annotated[
    Path | None, typer.Option(metavar="DIR", help="Save the model adapted to this voice, for its other recordings.")
]
_Smoothing = Annotated[float | None, typer.Option(metavar="S", help="Standard deviation of the smoothing.")]
_Format = Annotated[
    Literal["csv", "json", "parquet"] | None,
    typer.Option("--format", help="csv; json: a line each.", show_default="csv"),
]
_Stream = Annotated[
    bool, typer.Option("--stream", help="Read 16 bit little-endian mono samples from stdin; print rows as they come.")
]
_Rate = Annotated[int, typer.Option(metavar="HZ", help="Sampling rate of the stream.")]


@options.verb(
    "affectmap track talk.wav --picture talk.png > talk.csv",
    "affectmap track interview.wav --speakers 2 -o interview.csv",
)
def track_command(
    recording: _Recording = None,
    output: options.TableFile = None,
    picture: _Picture = None,
    windows: _Windows = None,
    speech: _Speech = False,
    hop: _Hop = None,
    model: options.ModelFolder = None,
    statistics: _Statistics = "source",
    speakers: _Speakers = None,
    enrol: _Enrol = None,
    save_model: _SaveModel = None,
    smoothing: _Smoothing = None,
    format: _Format = None,
    overwrite: options.Overwrite = False,
    stream: _Stream = False,
    stream_rate: _Rate = 16000,
    channel: options.Channel = None,
    cache: options.Cache = None,
    no_cache: options.NoCache = False,
    n_jobs: options.NJobs = None,
) -> None:
    """Follow activation and valence through a recording: a table, and a picture of it.

    Every row is a segment of detected speech, or a window; docs/track.md explains columns and intervals.
    """
    _check_speakers(speakers, enrol, save_model)
    if speech and windows is not None:
        raise UsageError("--windows and --speech exclude each other; take one")
    if stream:
        unfit = {"recording": recording, "-o": output, "--picture": picture, "--smoothing": smoothing, "--cache": cache}
        unfit |= {"--speakers": speakers, "--enrol": enrol, "--save-model": save_model}
        _check_stream(format, statistics, {**unfit, "--channel": channel, "--n-jobs": n_jobs})
        windows = 3.0 if windows is None and not speech else windows
        _print_stream(stream_rate, model, format or "csv", window_s=windows, hop_s=hop, statistics=statistics)
        return
    if recording is None:
        raise UsageError("name a recording, or give --stream to read samples from stdin")
    if hop is not None and windows is None:
        raise UsageError("--hop goes with --windows")
    chosen = options.table_format(format, output)
    _check_outputs(output, chosen, picture, save_model, overwrite=overwrite, inputs=[recording, model, enrol])
    settings = {
        "window_s": windows, "hop_s": hop, "statistics": statistics, "smoothing_s": smoothing, "channel": channel,
        "n_jobs": n_jobs, "n_speakers": speakers, "enrol": enrol,
    }  # fmt: skip
    with options.recording_cache(cache, no_cache) as known, readable([str(recording)]) as (file,):
        track = _tracked(Path(file), recording.name, model, picture, cache=known, **settings)
    track = replace(track, table=track.table.rename(index={file: str(recording)}, level="file"))
    for line in track.notes:
        note(f"note: {line}")
    _write(track, output, chosen, overwrite=overwrite)
    if save_model:  # after the table, which is worth having where nothing can be adapted to
        from affectmap.model.model import load_model

        track.adapted(load_model(model)).save(save_model, overwrite=overwrite)
    if picture:
        if not installed("matplotlib"):
            raise typer.Exit(1)
        track.picture(picture, overwrite=overwrite)


def _check_outputs(
    output: Path | None,
    format: str,
    picture: Path | None,
    save_model: Path | None,
    *,
    overwrite: bool,
    inputs: list[Path | None],
) -> None:
    options.check_file(output, format, overwrite=overwrite, inputs=inputs)
    if picture:
        from affectmap.track.picture import check_picture_name

        check_picture_name(picture)
        options.check_file(picture, picture.suffix.lower(), overwrite=overwrite, inputs=inputs)
    if save_model:
        try:
            options.check_folder(save_model, overwrite=overwrite, inputs=inputs)
        except StorageError as error:  # of folders that -o names everywhere else
            raise StorageError(str(error).replace("with -o", "with --save-model")) from error


def _write(track: Track, output: Path | None, format: str, *, overwrite: bool) -> None:
    if output is not None:
        track.write(output, format, overwrite=overwrite)
        return
    with options.reader_may_leave():
        for line in track.lines(format):
            typer.echo(line)


def _check_speakers(speakers: int | None, enrol: Path | None, save_model: Path | None) -> None:
    if speakers is not None and not 1 <= speakers <= 2:
        raise UsageError(f"--speakers is {speakers}, expected 1 or 2: more voices are not told apart")
    if speakers is not None and enrol is not None:
        raise UsageError(
            "--speakers and --enrol exclude each other: an enrolled voice is told from all others; take one"
        )
    if save_model is not None and speakers == 2:
        raise UsageError("--save-model adapts to one voice; name it by --enrol instead of --speakers")


def _check_stream(format: str | None, statistics: str, unfit: Mapping[str, object]) -> None:
    if given := [name for name, value in unfit.items() if value is not None]:
        raise UsageError(f"--stream reads stdin and prints rows as they come; it takes no {given[0]}")
    if format == "parquet" or statistics == "recording":
        raise UsageError("--stream knows csv or json, and statistics source or running")


def _tracked(
    recording: Path,
    name: str,
    model: Path | None,
    picture: Path | None,
    **settings: Any,  # noqa: ANN401 (those of track)
) -> Track:
    from affectmap.model.model import load_model
    from affectmap.track import track

    if picture and not installed("matplotlib"):  # known before an hour is measured; its table is worth having
        note('note: no picture without matplotlib; run pip install "affectmap[plot]"')
    with progress_bar(f"{name} (s)") as progress:
        loaded = load_model(model)
        return track(recording, loaded, progress=lambda done, total: progress(round(done), round(total)), **settings)


def _print_stream(sampling_rate: int, model: Path | None, format: str, **settings: Any) -> None:  # noqa: ANN401
    from affectmap.model.model import load_model
    from affectmap.track import track_stream
    from affectmap.track.recording import csv_header, text_line

    n_rows = 0
    with options.reader_may_leave():
        try:
            loaded = load_model(model)
            rows = track_stream(
                sys.stdin.buffer, sampling_rate, loaded, notify=lambda line: note(f"note: {line}"), **settings
            )
            for n_rows, row in enumerate(rows, start=1):
                if format == "csv" and n_rows == 1:
                    print(csv_header(row))
                print(text_line(row, format), flush=True)
            if not n_rows:
                note("note: the stream had nothing to measure")
        except KeyboardInterrupt:  # the way to end a stream by hand
            note(f"note: stopped after {n_rows} rows")
