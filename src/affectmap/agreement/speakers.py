"""Who speaks in rated recordings: as the ratings say, a table, or the names of a supported corpus's recordings."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from affectmap.agreement.ratings import SPEAKER
from affectmap.corpora import speakers_by_name
from affectmap.corpora.speakers import read_speakers
from affectmap.errors import LabelError

if TYPE_CHECKING:
    import pandas as pd


def add_speakers(
    raw: pd.DataFrame,
    table: str | Path | None = None,
    audio: str | Path | None = None,
    notify: Callable[[str], None] = lambda line: None,
) -> pd.DataFrame:
    """Add the column ``speaker`` to ratings where speakers are known.

    Args:
        raw: Ratings, as from `read_raw` or `read_ratings`; a speaker that they name themselves stays.
        table: Table with the columns ``file`` and ``speaker``, which has all recordings; by default the names of
            recordings say who speaks, where more than half are named as those of one supported corpus.
        audio: Folder that the names of files start from, for a table that names their whole paths.
        notify: Called with what has to be known about the table.

    Returns:
        The ratings; without a column ``speaker`` where none is known.

    Raises:
        LabelError: If the table cannot be read or lacks a recording, or a recording has two speakers.

    Example:
        >>> from affectmap.agreement.ratings import typed
        >>> row = dict.fromkeys(("activation", "valence", "seconds"), 1.0) | {"emotion": None, "cannot_tell": False}
        >>> row |= {"rater": "x", "comment": "", "presentation": 1, "revision": 1, "rated_at": ""}
        >>> add_speakers(typed([{**row, "file": "03a01Fa.wav"}]))["speaker"].tolist()
        ['03']
    """
    files = list(dict.fromkeys(raw["file"]))
    known = _own(raw)
    if table is not None:
        names, notes = read_speakers(table, [Path(audio or "") / file for file in files])
        told: dict[str, str | None] = dict(zip(files, names, strict=True))
        for line in notes:
            notify(line)
    else:
        told = dict(zip(files, speakers_by_name([PurePosixPath(file) for file in files]), strict=True))
    for file, speaker in told.items():
        if table is not None and known.get(file, speaker) != speaker:
            raise LabelError(f"the speaker of {file} is {speaker!r} in {table}, and {known[file]!r} in the ratings")
    speakers = {file: known.get(file) or told.get(file) for file in files}
    if not any(speakers.values()):
        return raw
    return raw.assign(**{SPEAKER: raw["file"].map(speakers).astype(object).where(lambda cells: cells.notna(), None)})


def speakers_of(ratings: pd.DataFrame, files: Sequence[str]) -> list[str | None]:
    """List the speaker of each file as the ratings have it; empty where they name none."""
    known = _own(ratings)
    return [known.get(file) for file in files] if known else []


def _own(ratings: pd.DataFrame) -> Mapping[str, str]:
    """Give speakers by file, as the ratings name them."""
    if SPEAKER not in ratings:
        return {}
    known: dict[str, str] = {}
    named = ratings[ratings[SPEAKER].notna()]
    for file, speaker in zip(named["file"], named[SPEAKER], strict=True):
        if known.setdefault(file, speaker) != speaker:
            raise LabelError(f"the ratings name two speakers of {file}, {known[file]!r} and {speaker!r}; keep one")
    return known
