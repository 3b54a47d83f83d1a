"""What the ratings say: exports, each rater's own consistency, and the agreement so far."""

from __future__ import annotations

import io
import threading
import time
import zipfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from affectmap.agreement import add_speakers, export_database, export_sheet, last_revisions, read_raw
from affectmap.agreement.ratings import csv_of, parse_class, rating_matrix, repeats, typed
from affectmap.annotator.store import Store
from affectmap.errors import AffectmapError, LabelError, StorageError
from affectmap.files import write_text
from affectmap.schema import LABELS
from affectmap.temporary import temporary_folder
from affectmap.text import score, score_range

if TYPE_CHECKING:
    import pandas as pd

#: Name of the raw ratings in the labels folder when the server has ended.
RATINGS = "ratings.csv"
#: Seconds between two computations of the agreement.
EVERY_S = 30.0
_COLUMNS = ("Label", "Measure", "Value", "95 % interval", "Recordings", "Raters", "Note")
_Rows = Sequence[Mapping[str, Any]]


def raw_csv(rows: _Rows) -> str:
    """Write rows of `Ratings.all` as CSV, which `affectmap.agreement.read_ratings` reads."""
    return csv_of(add_speakers(typed(rows)))


def as_ratings(rows: _Rows) -> pd.DataFrame:
    """Give the last revision of each rating, as `affectmap.agreement.read_ratings` does from the file."""
    return last_revisions(typed([{**row, "emotion": parse_class(row["emotion"] or "")} for row in rows]))


def _sheet(rows: _Rows) -> bytes:
    with temporary_folder() as folder:
        file = folder / "labels.csv"
        export_sheet(as_ratings(rows), file)
        return file.read_bytes()


def _database(rows: _Rows) -> bytes:
    """Zip an audformat database with relative names, which works where it is unpacked beside its audio."""
    content = io.BytesIO()
    with temporary_folder() as temporary:
        folder = temporary / "ratings"
        export_database(add_speakers(as_ratings(rows)), folder)
        with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
            for file in sorted(each for each in folder.rglob("*") if each.is_file()):
                archive.write(file, file.relative_to(folder).as_posix())
    return content.getvalue()


#: Exports by file name: title, media type, and how it is written.
EXPORTS: dict[str, tuple[str, str, Callable[[_Rows], bytes]]] = {
    "ratings.csv": ("Raw ratings (CSV)", "text/csv; charset=utf-8", lambda rows: raw_csv(rows).encode()),
    "labels.csv": ("Label sheet (CSV)", "text/csv; charset=utf-8", _sheet),
    "audformat.zip": ("audformat database (ZIP)", "application/zip", _database),
}


def save_ratings(store: Store) -> tuple[int, Path]:
    """Write the raw ratings to the labels folder; give how many there are, and the file, which needs at least one.

    Raises:
        StorageError: If the file cannot be written, or holds ratings that the database has not.
    """
    rows, file = store.ratings.all(), store.settings.labels_folder / RATINGS
    if rows:
        _check_known(file, rows)
        write_text(file, raw_csv(rows))
    return len(rows), file


def _check_known(file: Path, rows: _Rows) -> None:
    """Replace no ratings but those of this database: others may be the only copy of somebody's work."""
    known = {row["rated_at"] for row in rows}
    with suppress(LabelError):  # which no file of this database has
        if not file.exists() or set(read_raw([file])["rated_at"]) <= known:
            return
    raise StorageError(f"{file} holds ratings that are not in the database; move it away, or export them by the page")


def own_consistency(rows: _Rows) -> dict[str, dict[str, float]]:
    r"""Average how far a rater's second rating of a recording lies from the first.

    ``mean |second - first|`` over the recordings that were rated twice, of the ratings that
    `affectmap.agreement.agreement_table` compares; the last revision of each counts.

    Args:
        rows: Raw ratings.

    Returns:
        By rater: number of recordings ``n``, and the mean difference in ``activation`` and ``valence``, 0..4. Raters
        who have no such pair yet are left out.

    Example:
        >>> row = {"rater": "Ada", "file": "a.wav", "activation": 3.0, "valence": 2.0, "emotion": None, "seconds": 4.0}
        >>> row |= {"cannot_tell": False, "comment": "", "revision": 1, "rated_at": "2026-01-31T12:00:00.000Z"}
        >>> own_consistency([{**row, "presentation": 1}, {**row, "presentation": 2, "valence": 2.5}])
        {'Ada': {'n': 1, 'activation': 0.0, 'valence': 0.5}}
    """
    twice = {(row["rater"], row["file"]) for row in rows if row["presentation"] > 1}
    ratings = as_ratings([row for row in rows if (row["rater"], row["file"]) in twice])
    apart = {label: (repeats(ratings, label) - rating_matrix(ratings, label)).abs() for label in LABELS}
    n_both = apart[LABELS[0]].notna().sum()
    return {
        rater: {"n": int(n_both[rater]), **{label: round(float(apart[label][rater].mean()), 3) for label in LABELS}}
        for rater in n_both.index[n_both > 0]
    }


class AgreementSoFar:
    """The agreement of all raters, computed again when there are more ratings, and not too often.

    Example:
        >>> AgreementSoFar().of([])["note"]
        'No ratings yet.'
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last: tuple[int, float, dict[str, Any]] = (0, 0.0, {"note": "No ratings yet."})

    def of(self, rows: _Rows) -> dict[str, Any]:
        """Give ``columns`` and ``rows`` of a table as text, ``warnings`` in plain words, and a ``note``."""
        with self._lock:
            n_rows, then, agreement = self._last
            if len(rows) != n_rows and (time.monotonic() - then > EVERY_S or not then):
                agreement = _agreement(rows)
                self._last = (len(rows), time.monotonic(), agreement)
            return agreement


def _agreement(rows: _Rows) -> dict[str, Any]:
    from affectmap import agreement

    try:
        ratings = as_ratings(rows)
        table = agreement.agreement_table(ratings)
        warnings = agreement.warnings_of(ratings)
    except AffectmapError as error:  # without the extra, say
        return {"note": f"{error}."}
    together = table[table["scope"] == "all"]
    return {
        "columns": list(_COLUMNS),
        "rows": [_agreement_row(row) for row in together.to_dict("records")],
        "warnings": warnings,
        "note": f"From {len(rows)} ratings; first presentations count.",
    }


def _agreement_row(row: Mapping[Any, Any]) -> list[str]:
    from affectmap.agreement.table import MEASURES

    shown = [score(row["value"]), score_range(row["low"], row["high"])]
    counts = [str(int(row["n_items"])), str(int(row["n_raters"]))]
    return [row["label"], MEASURES[row["measure"]], *shown, *counts, row["note"]]
