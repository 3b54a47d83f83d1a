"""Rows of a track as lines of text, the same from a file and from a stream."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping
from typing import Any

#: Written with four digits behind the point: a sample at 16 kHz is 0.0000625 s.
_TIMES = ("start", "end")


def csv_header(names: Iterable[str]) -> str:
    """Write the head of a CSV table.

    Args:
        names: Of the columns.

    Returns:
        A line without its end.

    Example:
        >>> csv_header(["file", "start"])
        'file,start'
    """
    return _csv(names)


def text_line(row: Mapping[str, Any], format: str) -> str:
    """Write a row: numbers with six significant digits, times with four behind the point; no value, nothing written.

    Args:
        row: Values by column.
        format: ``csv`` or ``json``.

    Returns:
        A line without its end.

    Example:
        >>> text_line({"start": 1 / 3, "activation": 2 / 3, "silent": False, "valence": float("nan")}, "csv")
        '0.3333,0.666667,False,'
        >>> text_line({"start": 1 / 3, "valence": float("nan")}, "json")
        '{"start": 0.3333, "valence": null}'
    """
    cells = {name: _rounded(name, value) for name, value in row.items()}
    if format == "json":
        return json.dumps(cells, ensure_ascii=False, allow_nan=False)
    return _csv(cells.values())


def _rounded(name: str, value: object) -> object:
    if hasattr(value, "item"):
        value = value.item()
    if not isinstance(value, float):
        return value
    if value != value:
        return None
    return round(value, 4) if name in _TIMES else float(f"{value:.6g}")


def _csv(cells: Iterable[object]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerow(cells)  # so that both are quoted within names
    return text.getvalue().removesuffix("\r\n")
