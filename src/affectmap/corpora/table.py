"""Any corpus from one table, ``table:NAME=FILE``: CSV or parquet, one row for each utterance.

Columns: ``file`` (relative to the table's folder), and any of ``start``, ``end`` (seconds, or a time such as
``0 days 00:00:01.5``), ``emotion``, ``activation`` (or ``arousal``), ``valence``, ``speaker``, ``session``,
``sex``, ``language``; upper and lower case do not matter. With the 88 eGeMAPSv02 functionals as further
columns no audio is needed. Columns beyond these are left out, with a finding.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

from affectmap.corpora.folder import Corpus
from affectmap.errors import CorpusError
from affectmap.schema import (
    COLUMNS,
    FUNCTIONALS,
    INDEX,
    LABELS,
    NO_NUMBER,
    Emotion,
    Finding,
    closest_emotion,
    parse_emotion,
    segmented_index,
    text_of,
    validate_table,
)
from affectmap.tables import Rows, read_rows

if TYPE_CHECKING:
    import pandas as pd

_CLOCK = re.compile(r"(?:-?\d+ days? \+?)?\d{1,2}:\d\d:\d\d(?:\.\d+)?", re.ASCII)
_KNOWN = (*INDEX, *COLUMNS, "arousal", *FUNCTIONALS)
_CANONICAL = {known.lower(): known for known in _KNOWN}
_MEANT_FILE = ("filename", "file_name", "filepath", "file_path", "path")
_MAX_NAMED = 12


def load(name: str, file: Path) -> Corpus:
    r"""Read a corpus from a table.

    Args:
        name: Name of the corpus in this run.
        file: A CSV file (``.csv``) or a parquet file (``.parquet``).

    Returns:
        The corpus, with its functionals where the table brings them.

    Raises:
        CorpusError: If the file cannot be read, a column is missing, misspelt or given twice, a cell cannot
            be read, or none of the recordings exists.
        LabelError: If activation or valence is no number or lies outside 1..5.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> (folder / "a.wav").touch()
        >>> _ = (folder / "mine.csv").write_text("file,emotion,speaker\na.wav,Anger,1\n")
        >>> load("mine", folder / "mine.csv").table["emotion"].tolist()
        ['angry']
    """
    return build_corpus(name, read_rows(file.expanduser().absolute()))


def build_corpus(name: str, rows: Rows, language: str = "") -> Corpus:
    """Make a corpus of rows as they were written; rows that cannot be used are left out with a finding."""
    import pandas as pd

    rows = _with_known_names(rows)
    findings = _check_columns(name, rows)
    written = [text_of(cell) for cell in rows.frame["file"]]
    for cell, place in zip(written, rows.places, strict=True):
        if cell is None:
            raise CorpusError(f"{rows.origin}, {place} names no file; write one or remove the row")
    files = [str(rows.root / str(cell)) for cell in written]
    starts, ends = _times(rows)
    index = segmented_index(files, starts, ends)
    columns = {column: _column(rows, column) for column in COLUMNS}
    if language and not any(columns["language"]):
        columns["language"] = [language] * len(files)
    written_as = {"activation": "arousal"} if "arousal" in rows.frame else {}
    table = validate_table(pd.DataFrame(columns, index=index), rows.origin, written_as)
    functionals = _functionals(rows, index)
    kept, left_out = _usable(name, written, files, functionals, rows)
    unlabelled = _unlabelled(name, table[kept], [cell for cell, keep in zip(written, kept, strict=True) if keep])
    table = table[kept]
    spoken = sorted(set(table["language"].dropna()))
    return Corpus(
        name,
        table,
        (*findings, *left_out, *unlabelled, *_notes(name, table)),
        functionals=None if functionals is None else functionals[kept],
        language=", ".join(spoken),
    )


def _with_known_names(rows: Rows) -> Rows:
    """Write known names of columns as the schema does: ``Emotion`` is ``emotion``."""
    given = [str(column) for column in rows.frame.columns]
    named = [_CANONICAL.get(column.lower(), column) for column in given]
    for known, count in Counter(named).items():
        if count > 1:
            same = [column for column, name in zip(given, named, strict=True) if name == known]
            raise CorpusError(f"{rows.origin} has columns {' and '.join(same)}, which are one; keep one of them")
    return replace(rows, frame=rows.frame.set_axis(named, axis=1))


def _check_columns(name: str, rows: Rows) -> list[Finding]:
    given = [str(column) for column in rows.frame.columns]
    if "file" not in given:
        meant = next((column for column in given if column.strip().lower() in _MEANT_FILE), None)
        hint = "" if meant is None else f"; did you mean file? rename {meant} to file"
        raise CorpusError(f"{rows.origin} has no column file; got {', '.join(given[:8])}{hint}")
    if rows.frame.empty:
        raise CorpusError(f"{rows.origin} has no rows; expected at least one utterance")
    if {"activation", "arousal"} <= set(given):
        raise CorpusError(f"{rows.origin} has both activation and arousal, two names of one thing; keep one")
    absent = [functional for functional in FUNCTIONALS if functional not in given]
    if absent and len(absent) < len(FUNCTIONALS):
        raise CorpusError(
            f"{rows.origin} has {len(FUNCTIONALS) - len(absent)} of the {len(FUNCTIONALS)} functionals; "
            f"it lacks {', '.join(absent)}; give all of them or none"
        )
    # A misspelt column must not pass for one that is merely not known.
    others = [column for column in given if column not in _KNOWN]
    for column in others:
        close = get_close_matches(column.strip().lower(), (*INDEX, *COLUMNS, "arousal"), n=1, cutoff=0.8)
        if close:
            raise CorpusError(f"{rows.origin} has a column {column!r}; rename it to {close[0]!r} if it is that")
    detail = f"columns left out, for they are not known: {', '.join(others)}"
    return [Finding(name, "", "note", detail)] if others else []


def _column(rows: Rows, column: str) -> list[Any]:
    """Read one column of the shared schema; ``None`` where it is missing."""
    written = "arousal" if column == "activation" and "arousal" in rows.frame else column
    cells = [text_of(cell) for cell in rows.frame.get(written, [None] * len(rows.places))]
    return _emotions(rows, cells) if column == "emotion" else cells


def _emotions(rows: Rows, cells: list[str | None]) -> list[str | None]:
    """Read all emotions; unknown ones are named in one error, value by value."""
    emotions: dict[str, str] = {}
    strange: dict[str, str] = {}
    for cell, place in zip(cells, rows.places, strict=True):
        if cell is None or cell in emotions or cell in strange:
            continue
        try:
            emotions[cell] = str(parse_emotion(cell))
        except CorpusError:
            strange[cell] = place
    if strange:
        counts = Counter(cells)
        named = [_strange_emotion(cell, counts[cell], place) for cell, place in strange.items()]
        more = f" and {len(named) - _MAX_NAMED} more" if len(named) > _MAX_NAMED else ""
        raise CorpusError(
            f"{rows.origin}: unknown emotion{'s' if len(named) > 1 else ''} {', '.join(named[:_MAX_NAMED])}{more}; "
            f"expected some of {', '.join(sorted(Emotion))}"
        )
    return [None if cell is None else emotions[cell] for cell in cells]


def _strange_emotion(cell: str, count: int, place: str) -> str:
    close = closest_emotion(cell)
    where = place if count == 1 else f"{count} times, first {place}"
    return f"{cell!r} ({where}{'' if close is None else f'; did you mean {close}?'})"


def _times(rows: Rows) -> tuple[list[pd.Timedelta], list[Any]]:
    import pandas as pd

    empty: list[Any] = [None] * len(rows.places)
    starts, ends = (
        [
            _time(rows, cell, place, column)
            for cell, place in zip(rows.frame.get(column, empty), rows.places, strict=True)
        ]
        for column in ("start", "end")
    )
    begins = [pd.Timedelta(0) if start is None else start for start in starts]
    for start, end, place in zip(begins, ends, rows.places, strict=True):
        if end is not None and end <= start:
            raise CorpusError(
                f"{rows.origin}, {place} ends at {end.total_seconds():g} s and starts at "
                f"{start.total_seconds():g} s; expected an end after the start"
            )
    return begins, [pd.NaT if end is None else end for end in ends]


def _time(rows: Rows, cell: object, place: str, column: str) -> pd.Timedelta | None:
    text = text_of(cell)
    try:
        return None if text is None else parse_time(text, column)
    except CorpusError as error:
        raise CorpusError(f"{rows.origin}, {place}: {error}") from None


def parse_time(cell: str, column: str) -> pd.Timedelta | None:
    """Read seconds, or a time such as ``0 days 00:00:01.5``; ``None`` for ``NaT`` and ``nan``."""
    import pandas as pd

    if cell.lower() in ("nat", "nan"):
        return None
    try:
        # pandas would also read "5S" or "3 weeks"; what nobody writes for a recording is a slip here.
        time = pd.Timedelta(cell) if _CLOCK.fullmatch(cell) else pd.Timedelta(float(cell), unit="s")
    except (ValueError, OverflowError):
        raise CorpusError(f"{column} is {cell!r}; expected seconds, or a time such as 0 days 00:00:01.5") from None
    if time < pd.Timedelta(0):
        raise CorpusError(f"{column} is {cell}; expected 0 s or more")
    return time


def _functionals(rows: Rows, index: pd.MultiIndex) -> pd.DataFrame | None:
    import pandas as pd

    if FUNCTIONALS[0] not in rows.frame:
        return None
    columns = {}
    for functional in FUNCTIONALS:
        written = rows.frame[functional]
        number = pd.to_numeric(written.where(written != "", None), errors="coerce")
        unread = written.notna() & ~written.astype(str).str.lower().isin(NO_NUMBER) & number.isna()
        if unread.any():
            row = int(unread.to_numpy().argmax())
            raise CorpusError(
                f"{rows.origin}, {rows.places[row]}: {functional} is {written.iloc[row]!r}; expected a number"
            )
        columns[functional] = number.to_numpy(dtype="float32")
    return pd.DataFrame(columns, index=index)


def _usable(
    name: str, written: list[str | None], files: list[str], functionals: pd.DataFrame | None, rows: Rows
) -> tuple[list[bool], list[Finding]]:
    """Tell the rows to keep: those with finite functionals or, where the table has none, with a recording."""
    import numpy as np

    if functionals is not None:
        kept = np.isfinite(functionals.to_numpy()).all(axis=1).tolist()
        kind, detail = "unreadable", "its functionals are not all finite numbers; left out"
    else:
        # A sentence that stands where a path should be is too long for the file system, and for Path.is_file.
        exists = {file: os.path.isfile(file) for file in set(files)}  # noqa: PTH113
        kept = [exists[file] for file in files]
        kind, detail = "missing", f"named in {Path(rows.origin).name}, but no such recording was found; left out"
    if not any(kept):
        raise CorpusError(
            f"{rows.origin}: none of its {len(files)} rows can be used, first {files[0]} ({detail}); "
            f"paths are relative to {rows.root}"
        )
    absent = (cell for cell, keep in zip(written, kept, strict=True) if not keep)
    return kept, [Finding(name, str(cell), kind, detail, dropped=True) for cell in absent]


def _unlabelled(name: str, table: pd.DataFrame, written: list[str | None]) -> Iterator[Finding]:
    columns = [column for column in ("emotion", *LABELS) if table[column].notna().any()]
    for cell, empty in zip(written, table[columns].isna().to_numpy(), strict=True):
        absent = [f"no {column}" for column, missing in zip(columns, empty, strict=True) if missing]
        if absent:
            yield Finding(name, str(cell), "unlabelled", " and ".join(absent))


def _notes(name: str, table: pd.DataFrame) -> Iterator[Finding]:
    if table["speaker"].isna().all():
        yield Finding(name, "", "note", "no speaker is named: speakers cannot be kept apart in folds")
    elif table["speaker"].isna().any():
        detail = f"utterances without a speaker: {int(table['speaker'].isna().sum()):,}"
        yield Finding(name, "", "note", detail)
