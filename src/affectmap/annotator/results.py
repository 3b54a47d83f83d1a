"""What the organiser takes home: raw ratings, a label sheet, an audformat database."""

from __future__ import annotations

import io
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

from affectmap.agreement import export_database, export_sheet
from affectmap.annotator.raw import as_ratings, raw_csv
from affectmap.annotator.store import Store
from affectmap.files import write_text

#: Where the raw ratings lie below the labels folder when the server has ended.
RATINGS = "ratings.csv"


def _raw(store: Store) -> bytes:
    return raw_csv(store.ratings.all()).encode()


def _sheet(store: Store) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "labels.csv"
        export_sheet(as_ratings(store.ratings.all()), file)
        return file.read_bytes()


def _database(store: Store) -> bytes:
    """Relative names: the database works where it is unpacked beside its audio."""
    content = io.BytesIO()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "ratings"
        export_database(as_ratings(store.ratings.all()), folder)
        with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
            for file in sorted(each for each in folder.rglob("*") if each.is_file()):
                archive.write(file, file.relative_to(folder).as_posix())
    return content.getvalue()


#: By file name: what it is for people, media type, and how it is written.
EXPORTS: dict[str, tuple[str, str, Callable[[Store], bytes]]] = {
    "ratings.csv": ("Raw ratings (CSV)", "text/csv; charset=utf-8", _raw),
    "labels.csv": ("Label sheet (CSV)", "text/csv; charset=utf-8", _sheet),
    "audformat.zip": ("audformat database (ZIP)", "application/zip", _database),
}


def keep_ratings(store: Store) -> tuple[int, Path]:
    """Write the raw ratings to the labels folder.

    Args:
        store: Whose.

    Returns:
        How many there are, and the file; nothing is written where there are none.

    Raises:
        StorageError: If the file cannot be written.
    """
    rows, file = store.ratings.all(), store.settings.labels_folder / RATINGS
    if rows:
        write_text(file, raw_csv(rows))
    return len(rows), file
