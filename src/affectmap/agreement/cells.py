"""Cells of raw ratings: how each column is read, and what cannot be.

A cell that cannot be is a ``ValueError`` that says what was given and what was expected; the reader adds the place.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import PurePosixPath
from typing import Any

from affectmap.errors import CorpusError
from affectmap.schema import LABEL_RANGE, NO_NUMBER, parse_emotion


def _path(cell: str) -> str:
    if not cell:
        raise ValueError("names no recording; write its path in the column file, or remove the row")
    path = PurePosixPath(cell)
    if path.is_absolute() or "\\" in cell or ".." in path.parts or cell[1:2] == ":":
        raise ValueError(f"file is {cell!r}; expected a path relative to the folder of audio, with /")
    return str(path)


def _rater(cell: str) -> str:
    if not cell:
        raise ValueError("names no rater; write a name or number in the column rater")
    return cell


def _label(name: str) -> Callable[[str], float]:
    low, high = LABEL_RANGE

    def parse(cell: str) -> float:
        """Read a rating."""
        value = _number(cell, name, f"a number from {low:g} to {high:g}, or nothing")
        if not (math.isnan(value) or low <= value <= high):
            raise ValueError(f"{name} is {value:g}; expected {low:g} to {high:g}")
        return value

    return parse


def _number(cell: str, name: str, expected: str) -> float:
    if cell.lower() in NO_NUMBER:
        return float("nan")
    try:
        return float(cell)
    except ValueError:
        raise ValueError(f"{name} is {cell!r}; expected {expected}") from None


def _emotion(cell: str) -> str | None:
    if not cell:
        return None
    try:
        return str(parse_emotion(cell))
    except CorpusError:
        return cell  # raters may be asked for classes of the study's own


def _cannot_tell(cell: str) -> bool:
    if cell.lower() not in ("true", "false", ""):
        raise ValueError(f"cannot_tell is {cell!r}; expected true or false")
    return cell.lower() == "true"


def _count(name: str) -> Callable[[str], int]:
    def parse(cell: str) -> int:
        """Read a whole number from 1 on."""
        if cell and not (cell.isascii() and cell.isdigit() and int(cell)):
            raise ValueError(f"{name} is {cell!r}; expected 1, 2, 3 and so on")
        return int(cell or 1)

    return parse


def _time(cell: str) -> str:
    try:
        zone = datetime.fromisoformat(cell).utcoffset() if cell else timedelta(0)
    except ValueError:
        zone = None
    if zone != timedelta(0):
        raise ValueError(f"rated_at is {cell!r}; expected a time in UTC such as 2026-01-31T12:00:00Z")
    return cell


def _seconds(cell: str) -> float:
    value = _number(cell, "seconds", "a number, or nothing")
    if value < 0 or math.isinf(value):
        raise ValueError(f"seconds is {cell}; expected 0 or more")
    return value


#: From the text of a cell, without spaces around it, to its value; an empty cell has the column's default.
PARSE: dict[str, Callable[[str], Any]] = {
    "file": _path,
    "rater": _rater,
    "activation": _label("activation"),
    "valence": _label("valence"),
    "emotion": _emotion,
    "cannot_tell": _cannot_tell,
    "comment": str,
    "presentation": _count("presentation"),
    "revision": _count("revision"),
    "rated_at": _time,
    "seconds": _seconds,
}
