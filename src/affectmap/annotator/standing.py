"""Agreement so far, as the organiser's page shows it; worked out anew only when there are more ratings."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any

from affectmap.annotator.raw import as_ratings
from affectmap.errors import AffectmapError
from affectmap.text import score, score_range

#: Resamples for the intervals: fewer than in the final table, as the page asks often.
N_RESAMPLES = 200
#: Seconds between two computations.
EVERY_S = 30.0
_COLUMNS = ("Label", "Measure", "Value", "95 % interval", "Recordings", "Raters", "Note")


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

    found = [score(row["value"]), score_range(row["low"], row["high"])]
    counts = [str(int(row["n_items"])), str(int(row["n_raters"]))]
    return [row["label"], MEASURES[row["measure"]], *found, *counts, row["note"]]
