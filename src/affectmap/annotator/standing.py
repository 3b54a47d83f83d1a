"""Agreement so far, as the organiser's page shows it; worked out anew only when there are more ratings."""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from affectmap.annotator.raw import raw_csv
from affectmap.schema import AffectmapError

if TYPE_CHECKING:
    import pandas as pd

#: Resamples for the intervals: fewer than in the final table, as the page asks often.
N_RESAMPLES = 200
#: Seconds between two computations.
EVERY_S = 30.0
_COLUMNS = ("Label", "Measure", "Value", "95 % interval", "Recordings", "Raters", "Note")


def as_ratings(rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Give raw ratings as :mod:`affectmap.agreement` takes them, the last revision of each.

    Args:
        rows: From :meth:`affectmap.annotator.ratings.Ratings.all`.

    Returns:
        One row for each file, rater and presentation.

    Example:
        >>> row = {"file": "a.wav", "rater": "Ada", "activation": 3.5, "valence": 2.0, "emotion": None}
        >>> row |= {"cannot_tell": False, "comment": "", "presentation": 1, "revision": 1, "seconds": 4.25}
        >>> as_ratings([{**row, "rated_at": "2026-01-31T12:00:00.000Z"}])["valence"].tolist()
        [2.0]
    """
    from affectmap.agreement import read_ratings

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "ratings.csv"
        file.write_text(raw_csv(rows), encoding="utf-8")
        return read_ratings(file)


class Standing:
    """Agreement so far.

    Example:
        >>> Standing().of([])["note"]
        'No ratings yet.'
    """

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._found: tuple[int, float, dict[str, Any]] = (0, 0.0, {"note": "No ratings yet."})

    def of(self, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """Work out the agreement of all raters.

        Args:
            rows: Raw ratings, all of them.

        Returns:
            ``columns`` and ``rows`` of a table as text, ``warnings`` in plain words, and a ``note``.
        """
        with self._turn:
            n_rows, then, found = self._found
            if len(rows) != n_rows and (time.monotonic() - then > EVERY_S or not then):
                found = _standing(rows)
                self._found = (len(rows), time.monotonic(), found)
            return found


def _standing(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    from affectmap import agreement

    try:
        ratings = as_ratings(rows)
        table = agreement.agreement_table(ratings, n_resamples=N_RESAMPLES)
        warnings = agreement.warnings_of(ratings)
    except AffectmapError as error:  # without the extra, say
        return {"note": f"{error}."}
    together = table[table["scope"] == "all"]
    return {
        "columns": list(_COLUMNS),
        "rows": [_row(row) for row in together.to_dict("records")],
        "warnings": warnings,
        "note": f"From {len(rows)} ratings; first presentations count.",
    }


def _row(row: Mapping[Any, Any]) -> list[str]:
    from affectmap.agreement.table import MEASURES

    low, high = row["low"], row["high"]
    interval = f"{low:.2f} to {high:.2f}" if low == low and high == high else "–"
    value = f"{row['value']:.2f}" if row["value"] == row["value"] else "–"
    counts = [str(int(row["n_items"])), str(int(row["n_raters"]))]
    return [row["label"], MEASURES[row["measure"]], value, interval, *counts, row["note"]]
