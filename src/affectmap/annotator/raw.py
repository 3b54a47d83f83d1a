"""Raw ratings as CSV: the file that everything else is made of."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from typing import Any

#: Columns of raw ratings: one row for each that was confirmed; of several revisions the last counts.
COLUMNS = (
    "file",
    "rater",
    "activation",
    "valence",
    "emotion",
    "cannot_tell",
    "comment",
    "presentation",
    "revision",
    "rated_at",
    "seconds",
)


def raw_csv(rows: Iterable[Mapping[str, Any]]) -> str:
    r"""Write raw ratings as CSV.

    Args:
        rows: From :meth:`affectmap.annotator.ratings.Ratings.all`.

    Returns:
        UTF-8 text with a header; missing values are empty, truth values ``true`` and ``false``.

    Example:
        >>> row = {"file": "a.wav", "rater": "Ada", "activation": 3.5, "valence": 2.0, "emotion": None}
        >>> row |= {"cannot_tell": False, "comment": "", "presentation": 1, "revision": 1, "seconds": 4.25}
        >>> raw_csv([{**row, "rated_at": "2026-01-31T12:00:00.000Z"}]).splitlines()[1]
        'a.wav,Ada,3.5,2,,false,,1,1,2026-01-31T12:00:00.000Z,4.25'
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows([_cell(row[column]) for column in COLUMNS] for row in rows)
    return text.getvalue()


def _cell(value: str | float | None) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.10g}" if isinstance(value, float) else str(value)
