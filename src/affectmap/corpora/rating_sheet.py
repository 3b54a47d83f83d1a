r"""A sheet of ratings of some recordings: activation and valence from 1 to 5, classes of emotion, or any of these.

Conventions:
    * Columns are ``file``, ``activation``, ``valence`` and ``emotion``, each under the words that tables may have for
      it; others play no part. A row without any rating is one that nobody rated yet.
    * A file is named as in `affectmap.corpora.speakers`: by its path from the sheet's folder or the current one or,
      where that is none of the recordings, by the end of its path.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from affectmap.corpora.speakers import Finder, absolute
from affectmap.errors import AffectmapError, LabelError
from affectmap.names import read_columns
from affectmap.schema import LABELS, parse_emotion, parse_rating, text_of
from affectmap.tables import Problems, Rows, read_rows
from affectmap.text import counted

if TYPE_CHECKING:
    import pandas as pd

_FIELDS = ("file", *LABELS, "emotion")


class _Row(NamedTuple):
    """What a row says of a recording, and where it stands."""

    values: tuple[float | str | None, ...]
    place: str


def read_sheet_of_ratings(sheet: str | Path, recordings: Sequence[str | Path]) -> tuple[pd.DataFrame, list[str]]:
    r"""Look up how recordings were rated.

    Args:
        sheet: CSV or parquet with the columns of the module.
        recordings: Their paths.

    Returns:
        Those of the columns ``activation``, ``valence`` and ``emotion`` that the sheet has, one row a recording,
        ``NaN`` or ``None`` where nobody rated; and what has to be known about the sheet, sentences for people.

    Raises:
        LabelError: If the sheet cannot be read or lacks a column, rates no recording, or has a value that is no rating,
            a name that fits several recordings, or a recording that is rated twice with different values.

    Example:
        >>> import tempfile
        >>> sheet = Path(tempfile.mkdtemp(), "rated.csv")
        >>> _ = sheet.write_text("file,arousal\nb.wav,4.5\nc.wav,2\n")
        >>> table, notes = read_sheet_of_ratings(sheet, [sheet.parent / "a.wav", sheet.parent / "b.wav"])
        >>> table["activation"].tolist(), [note.partition(": ")[2] for note in notes]
        ([nan, 4.5], ['one recording is not among those given, first c.wav'])
    """
    import pandas as pd

    file = Path(sheet).expanduser()
    rows = read_rows(file, LabelError)
    names, notes = _columns(rows)
    fields = [field for field in _FIELDS[1:] if field in names]
    paths = [absolute(path) for path in recordings]
    finder, problems = Finder(file.absolute().parent, list(dict.fromkeys(paths))), Problems(file, LabelError)
    rated: dict[str, _Row] = {}
    strange: list[str] = []
    n_repeated = 0
    for name, row in _rated_rows(rows, names, fields, problems):
        found = finder.find(name)
        if len(found) > 1:
            problems.add(
                row.place, f"{name} fits {len(found)} recordings ({', '.join(found[:2])}); write its whole path"
            )
        elif not found:
            strange.append(name)
        elif (first := rated.setdefault(found[0], row)) is not row:
            n_repeated += 1
            if first.values != row.values:
                problems.add(row.place, f"rates {name} otherwise than {first.place}; keep one, or their mean")
    problems.check()
    notes += [f"names {counted(n_repeated, 'recording')} again, with the same ratings"] if n_repeated else []
    if not rated:
        raise LabelError(f"{file} {_none(strange, fields)}")
    if strange:
        is_one = "is" if len(strange) == 1 else "are"
        notes.append(f"{counted(len(strange), 'recording')} {is_one} not among those given, first {strange[0]}")
    nothing = _Row((None,) * len(fields), "")
    table = pd.DataFrame([rated.get(path, nothing).values for path in paths], columns=fields, dtype=object)
    for label in set(fields) & set(LABELS):
        table[label] = table[label].astype("float64")
    return table, [f"{file}: {note}" for note in notes]


def _none(strange: list[str], fields: list[str]) -> str:
    if strange:
        return f"rates none of the recordings given (first {strange[0]}); write the ends of their paths"
    return f"has no rating in {' or '.join(fields)}; fill in some rows"


def _columns(rows: Rows) -> tuple[list[str], list[str]]:
    header = [str(name) for name in rows.frame.columns]
    names, notes, _ = read_columns(header, _FIELDS, rows.origin, LabelError)
    if "file" not in names or not set(names) & set(_FIELDS[1:]):
        lacking = "file" if "file" not in names else "activation, valence or emotion"
        expected = "file and any of activation, valence (1 to 5) and emotion"
        raise LabelError(f"{rows.origin}: no column {lacking}, got {', '.join(header[:8])}; expected {expected}")
    return names, notes


def _rated_rows(rows: Rows, names: list[str], fields: list[str], problems: Problems) -> Iterator[tuple[str, _Row]]:
    """Give the file and the ratings of the rows that have any."""
    columns = {field: rows.frame.iloc[:, names.index(field)] for field in ("file", *fields)}
    for place, *cells in zip(rows.places, *columns.values(), strict=True):
        values = tuple(_value(field, cell, place, problems) for field, cell in zip(fields, cells[1:], strict=True))
        name = text_of(cells[0])
        if all(value is None for value in values):
            continue
        if name is None:
            problems.add(place, "names no file; write one or remove the row")
        else:
            yield name, _Row(values, place)


def _value(field: str, cell: object, place: str, problems: Problems) -> float | str | None:
    """Read a cell; ``None`` where nobody rated."""
    try:
        if field in LABELS:
            value = parse_rating(cell, field)
            return None if math.isnan(value) else value
        text = text_of(cell)
        return str(parse_emotion(text)) if text else None
    except AffectmapError as error:
        problems.add(place, str(error))
        return None
