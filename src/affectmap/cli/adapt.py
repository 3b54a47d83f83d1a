"""``affectmap adapt``: a model for another corpus, language or recording condition, by recordings of it."""

from __future__ import annotations

import warnings
from itertools import compress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from affectmap.cli import options
from affectmap.cli.embed import Speakers, feature_table, list_recordings, speaker_names
from affectmap.cli.progress import note, progress_bar
from affectmap.cli.standard_input import STDIN
from affectmap.errors import AudioError, UsageError
from affectmap.text import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from affectmap.audio.quality import SignalFlags
    from affectmap.model.model import Model

_Unlabelled = Annotated[
    list[str],
    typer.Argument(
        metavar="FOLDER",
        help="Recordings of a corpus, language or person, or a table with the model's features; no labels needed.",
    ),
]
_Sheet = Annotated[
    Path | None,
    typer.Option(
        "--ratings",
        metavar="SHEET",
        help="Table of file, activation, valence (1 to 5) and emotion, or some of these, for a few of the recordings.",
    ),
]


_Listen = Annotated[
    bool, typer.Option("--listen", help="Learn the classes of the recordings, too, where these seem to be known ones.")
]


@options.verb(
    "affectmap adapt speech/ --listen -o adapted",
    "affectmap adapt speech/ --ratings rated.csv -o adapted",
)
def adapt_command(
    source: _Unlabelled,
    output: options.Output = Path("adapted"),
    ratings: _Sheet = None,
    overwrite: options.Overwrite = False,
    model: options.ModelFolder = None,
    listen: _Listen = False,
    speakers: Speakers = None,
    channel: options.Channel = None,
    cache: options.Cache = None,
    no_cache: options.NoCache = False,
    n_jobs: options.NJobs = None,
    backend: options.Backend = "local",
    scheduler: options.Scheduler = None,
) -> None:
    """Adapt a model to recordings and save it, for embed --model. Labels are not needed.

    Take thirty recordings or more, of many emotions and, where people shall be compared, of many people. With --listen
    it learns how emotions sound in them, from a hundred on; it decides without labels whether it may, and says so
    (docs/adaptation.md).
    With --ratings what a few of them were rated corrects the model's ratings and classes, so far as leaving one rating
    out at a time speaks for it; docs/few-labels.md says how much a number of ratings brings.
    """
    from affectmap.corpora.feature_columns import read_inputs
    from affectmap.model.correction import correction_text
    from affectmap.model.model import load_model

    if STDIN in source:
        raise UsageError("adapt takes files and folders, many of them; a recording on the input is one")
    table = feature_table(source)
    recordings = [str(table)] if table else list_recordings(source)
    options.check_folder(output, overwrite=overwrite, inputs=[*recordings, model, ratings, speakers])
    if speakers and not listen:
        raise UsageError("--speakers is for --listen, which then compares each speaker with themselves; add --listen")
    loaded = load_model(model)
    if listen:
        loaded.check_can_listen()
    given: Any = recordings
    if table is not None:
        given = read_inputs(table, loaded.inputs)
        recordings = given.index.tolist()
    names = speaker_names(speakers, recordings) if speakers else None
    rated = _ratings(ratings, recordings) if ratings is not None else None
    with (
        options.working_on(backend, scheduler),
        options.recording_cache(cache, no_cache) as known,
        progress_bar("recordings") as progress,
    ):
        functionals, flags = loaded.measure(given, channel=channel, cache=known, n_jobs=n_jobs, progress=progress)
    is_used = _usable(loaded, functionals, flags, recordings)
    speaker = None if names is None else list(compress(names, is_used))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        adapted = loaded.adapt(functionals[is_used], listen=listen, speaker=speaker, ratings=_of(rated, is_used))
    for warning in caught:
        note(f"note: {warning.message}")
    adapted.save(output, overwrite=overwrite)
    standardisation = adapted.metadata["standardisation"]
    n_used, n_outliers = standardisation["n_utterances"], standardisation["n_left_out"]
    note(f"adapted to {n_used} recordings; {n_outliers} outliers left out")
    if adapted.listening_text:
        note(adapted.listening_text)
    if rated is not None:
        note(f"corrected {correction_text(adapted.metadata['correction'])}")
    typer.echo(output.resolve())


def _usable(model: Model, features: pd.DataFrame, flags: Sequence[SignalFlags], recordings: list[str]) -> list[bool]:
    """Tell which recordings can be used, and note why others cannot and what is odd about any."""
    from affectmap.audio.quality import notes_on
    from affectmap.model.sources import why_unusable
    from affectmap.names import printable

    reasons = why_unusable(flags, model.transform(features)["not_speech"])
    for file, reason in zip(recordings, reasons, strict=True):
        if reason:
            note(f"note: left out {printable(file)}: {reason}")
    for line in notes_on([printable(file) for file in recordings], flags):
        note(f"note: {line}")
    is_used = [reason is None for reason in reasons]
    if not any(is_used):
        raise AudioError(f"none of {counted(len(recordings), 'recording')} could be used; name others")
    return is_used


def _ratings(sheet: Path, recordings: list[str]) -> pd.DataFrame:
    from affectmap.corpora.rating_sheet import read_sheet_of_ratings

    table, notes = read_sheet_of_ratings(sheet, recordings)
    for line in notes:
        note(f"note: {line}")
    return table


def _of(rated: pd.DataFrame | None, is_used: list[bool]) -> dict[str, Any] | None:
    """Give the ratings of the recordings that are used, and say how many are of others."""
    if rated is None:
        return None
    n_lost = int(rated[[not each for each in is_used]].notna().any(axis=1).sum())
    if n_lost:
        note(f"note: {counted(n_lost, 'rated recording')} cannot be used; see above")
    return {str(name): column.to_numpy() for name, column in rated[is_used].items()}
