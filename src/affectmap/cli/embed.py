"""``affectmap embed``: embed recordings with a trained model."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from affectmap.cli import options
from affectmap.cli.progress import note, progress_bar
from affectmap.cli.recordings import find_recordings, read_speakers, readable
from affectmap.errors import AudioError, UsageError
from affectmap.extras import require

if TYPE_CHECKING:
    import pandas as pd

#: Recordings that are measured before their rows are printed.
CHUNK = 64

Format = Literal["csv", "json", "parquet", "audformat"]

_Sources = Annotated[
    list[str], typer.Argument(metavar="FILE|FOLDER|-", help="Recordings, folders of them, or - for one on the input.")
]
_Output = Annotated[
    Path | None,
    typer.Option(
        "-o",
        "--output",
        metavar="FILE",
        help="Table, written at the end; its suffix tells the format.",
        show_default="stdout",
    ),
]
_Format = Annotated[
    Format | None,
    typer.Option("--format", help="csv; json: a line each; audformat: -o is a folder to make.", show_default="csv"),
]
_Speakers = Annotated[
    Path | None,
    typer.Option(metavar="CSV", help="Columns file, speaker: standardise each speaker by their own recordings."),
]


@options.verb("affectmap embed speech/ > map.csv", "affectmap embed --format json a.wav b.wav")
def embed_command(
    source: _Sources,
    output: _Output = None,
    format: _Format = None,
    model: options.ModelFolder = None,
    speakers: _Speakers = None,
    overwrite: options.Overwrite = False,
    n_jobs: options.NJobs = None,
) -> None:
    """Embed recordings: embedding, activation, valence, classes and flags, one row a recording.

    A recording that cannot be used is a row without values, and the column problem says why; the exit code is 1 only if
    none could be used. A file may last ten minutes; affectmap track takes longer ones.
    """
    format = format or _format_of(output)
    if output is None and format in ("parquet", "audformat"):
        raise UsageError(f"{format} is no text; name {'a folder' if format == 'audformat' else 'a file'} with -o")
    if format in ("parquet", "audformat"):
        require(f"--format {format}", format, "pyarrow" if format == "parquet" else "audformat")
    if output is not None and format == "audformat":
        from affectmap.files import check_new_folder

        check_new_folder(output, overwrite=overwrite)
    recordings = find_recordings(source)
    names = read_speakers(speakers, recordings) if speakers else None
    tables = _embedded(recordings, names, model, n_jobs)
    n_failed = _print(tables, format) if output is None else _write(tables, format, output, overwrite=overwrite)
    if n_failed == len(recordings):
        raise AudioError(f"none of {n_failed} recordings could be used; the column problem says why")


def _embedded(
    recordings: list[str], names: list[str] | None, model: Path | None, n_jobs: int | None
) -> Iterator[pd.DataFrame]:
    """Give the rows of some recordings after another; speakers need all at once."""
    from affectmap.audio.reading import printable
    from affectmap.model.model import load_model

    loaded, total = load_model(model), len(recordings)
    size = max(1, total) if names else CHUNK
    with readable(recordings) as files, progress_bar("recordings") as progress:
        for start in range(0, total, size):
            some = files[start : start + size]

            def _report(done: int, _total: int, before: int = start) -> None:
                progress(before + done, total)

            with warnings.catch_warnings(record=True) as told:
                warnings.simplefilter("always")
                table = loaded.embed(some, speaker=names, n_jobs=n_jobs, progress=_report)
            names_given = [printable(each) for each in recordings[start : start + size]]
            table = table.set_axis(names_given, axis=0).rename_axis("file")
            for line in [*(str(warning.message) for warning in told), *_problems(table)]:
                note(f"note: {line}")
            yield table


def _problems(table: pd.DataFrame) -> Iterator[str]:
    for file, problem in table["problem"].dropna().items():
        yield f"no values for {file}: {problem}"


def _print(tables: Iterator[pd.DataFrame], format: Format) -> int:
    """Print rows as they come; give the number of those without values."""
    n_failed = 0
    try:
        for number, table in enumerate(tables):
            n_failed += int(table["problem"].notna().sum())
            typer.echo(_text(table, format, header=number == 0), nl=False)
    except BrokenPipeError:  # nobody reads any more, as behind `head`: end quietly, also when Python flushes at its end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return n_failed


def _format_of(output: Path | None) -> Format:
    suffix = output.suffix.lower() if output else ""
    if suffix == ".parquet":
        return "parquet"
    return "json" if suffix in (".json", ".jsonl", ".ndjson") else "csv"


def _text(table: pd.DataFrame, format: Format, *, header: bool = True) -> str:
    # Seven digits: what float32 functionals bear.
    if format == "csv":
        return table.to_csv(float_format="%.7g", lineterminator="\n", header=header)
    return table.reset_index().to_json(orient="records", lines=True, double_precision=7, force_ascii=False)


def _write(tables: Iterator[pd.DataFrame], format: Format, output: Path, *, overwrite: bool) -> int:
    """Write all rows, whole or not at all; give the number of those without values."""
    import pandas as pd

    from affectmap.files import new_file, write_text

    parts = list(tables)
    table = pd.concat([part.astype({"problem": object}) for part in parts])
    if format == "audformat":
        _write_database(table, output, overwrite=overwrite)
    elif format == "parquet":
        with new_file(output) as temporary:
            table.to_parquet(temporary)
    else:
        write_text(output, _text(table, format))
    return int(table["problem"].notna().sum())


def _write_database(table: pd.DataFrame, folder: Path, *, overwrite: bool) -> None:
    """Write an audformat database: the recordings stay where they are, with their absolute paths in the table."""
    import audformat

    from affectmap.files import new_folder

    database = audformat.Database("affectmap", description="Recordings placed by affectmap embed", usage="research")
    files = audformat.filewise_index([str(Path(file).absolute()) for file in table.index])
    database["embedding"] = audformat.Table(files)
    for name, values in table.items():
        kind = {"b": "bool", "f": "float"}.get(values.dtype.kind, "str")
        low, high = (1, 5) if str(name).startswith(("activation", "valence")) else (None, None)
        database.schemes[name] = audformat.Scheme(kind, minimum=low, maximum=high)
        database["embedding"][name] = audformat.Column(scheme_id=name)
        database["embedding"][name].set(values.to_numpy())
    with new_folder(folder, overwrite=overwrite) as temporary:
        database.save(str(temporary), storage_format="csv")


command = options.build(embed_command, "embed")
