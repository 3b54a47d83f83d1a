"""Raw ratings from the annotator's own database: its SQLite file, in use, killed or copied, or PostgreSQL.

Nothing is written, neither to the database nor beside it, where another program has it open or not. It may come from a
stranger: what is read of it is as much checked as the cells of a CSV file.
"""

from __future__ import annotations

import shutil
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from affectmap.errors import LabelError, StorageError
from affectmap.extras import require
from affectmap.temporary import temporary_folder

#: Name of the annotator's database in its folder.
DATABASE = "ratings.sqlite3"
#: Its ``user_version`` while the annotator has it open, when its log may hold more than it, and once it has closed it.
IN_USE, CLOSED = 1, 2
#: Ratings that are read at most, bytes of one, and seconds that reading may take.
MAX_RATINGS = 5_000_000
_MAX_BYTES = 1_000_000
_MAX_S = 120.0
_WAIT_S = 5.0
_TRIES = 5

#: Every rating ever confirmed, in that order, with the columns of the raw export.
QUERY = """
SELECT items.path AS file, raters.name AS rater, ratings.activation, ratings.valence, ratings.emotion,
       ratings.cannot_tell, ratings.comment, assignments.presentation, ratings.revision, ratings.rated_at,
       ratings.seconds
FROM ratings
JOIN assignments ON ratings.assignment_id = assignments.id
JOIN raters ON assignments.rater_id = raters.id
JOIN items ON assignments.item_id = items.id
ORDER BY ratings.id
"""
_TABLES = {"items", "raters", "assignments", "ratings"}
_SERVERS = ("postgresql:", "postgresql+psycopg:", "postgres:")
_HEAD = b"SQLite format 3\0"


def is_server(source: object) -> bool:
    """Tell whether a source of ratings is the URL of a PostgreSQL server."""
    return isinstance(source, str) and source.startswith(_SERVERS)


def is_database(file: Path) -> bool:
    """Tell whether a file is one of SQLite's, by its beginning or, where that is damaged, by its name.

    Example:
        >>> is_database(Path("ratings.sqlite3")), is_database(Path("ratings.csv"))
        (True, False)
    """
    if file.suffix.lower() in (".sqlite3", ".sqlite", ".db"):
        return True
    try:
        with file.open("rb") as stream:
            return stream.read(len(_HEAD)) == _HEAD
    except OSError:
        return False


def read_database(file: Path, notify: Callable[[str], None]) -> list[dict[str, str]]:
    """Read the ratings of the annotator's SQLite file, also while it runs, after a kill, and where nobody may write.

    Args:
        file: The database; what its log beside it (``-wal``) holds is read with it.
        notify: Called with a line where the log seems to be missing.

    Returns:
        The cells of each rating as text by column, as a CSV file would have them.

    Raises:
        LabelError: If the file is missing, damaged, or no database of the annotator.
        StorageError: If it cannot be copied to where it can be read.
    """
    if not file.is_file():
        raise LabelError(f"{file} does not exist or is not a file; name {DATABASE} or a CSV file of ratings")
    try:
        if not _log_of(file).exists():
            # Without a log nothing is pending, and SQLite would leave one behind.
            found, version = _read(file, "immutable=1")
            if version == IN_USE and not _log_of(file).exists():
                notify(
                    f"{file} was copied while the annotator ran, or has lost its log, so that the newest ratings may "
                    f"be missing; copy {_log_of(file).name} with it, or end the annotator first"
                )
            return found
        try:
            return _read(file, "mode=ro")[0]
        except sqlite3.OperationalError as error:
            if not _is_out_of_reach(error):
                raise
        return _read_copy(file)
    except sqlite3.Error as error:
        raise _damaged(file, error) from error


def _log_of(file: Path) -> Path:
    return file.with_name(f"{file.name}-wal")


def _is_out_of_reach(error: sqlite3.OperationalError) -> bool:
    """Tell whether SQLite lacks the index of the log, which it must write beside the database."""
    return str(error.sqlite_errorname).startswith(("SQLITE_CANTOPEN", "SQLITE_READONLY"))


def _read(file: Path, how: str) -> tuple[list[dict[str, str]], int]:
    """Give the ratings, and the database's ``user_version``."""
    uri = f"{file.absolute().as_uri()}?{how}"
    with closing(sqlite3.connect(uri, uri=True, timeout=_WAIT_S)) as connection:
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _MAX_BYTES)
        end = time.monotonic() + _MAX_S
        connection.set_progress_handler(lambda: time.monotonic() > end, 100_000)
        connection.execute("PRAGMA trusted_schema=OFF")
        connection.execute("BEGIN")
        # A view may be made so that it never ends.
        kinds = dict(connection.execute("SELECT name, type FROM sqlite_master WHERE type IN ('table', 'view')"))
        lacking = sorted(name for name in _TABLES if kinds.get(name) != "table")
        if lacking:
            raise LabelError(
                f"{file} has no table {lacking[0]}, and so is not the annotator's, or was copied without "
                f"{_log_of(file).name}; name the annotator's {DATABASE} with its log beside it"
            )
        cursor = connection.execute(QUERY)
        columns = [column for column, *_ in cursor.description]
        rows = [_cells(columns, row) for row in _bounded(cursor, file)]
        return rows, int(connection.execute("PRAGMA user_version").fetchone()[0])


def _bounded(rows: Iterable[Sequence[Any]], origin: object) -> Iterator[Sequence[Any]]:
    for number, row in enumerate(rows):
        if number >= MAX_RATINGS:
            raise LabelError(f"{origin} has more than {MAX_RATINGS:,} ratings; export them as CSV in parts")
        yield row


def _cells(columns: Sequence[str], row: Sequence[Any]) -> dict[str, str]:
    cells = dict(zip(columns, map(_cell, row), strict=True))
    cells["cannot_tell"] = {"0": "false", "1": "true"}.get(cells["cannot_tell"], cells["cannot_tell"])
    return cells


def _cell(value: object) -> str:
    """Write what a database holds as a cell of a CSV file."""
    if value is None:
        return ""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return str(value)


def _read_copy(file: Path) -> list[dict[str, str]]:
    """Read a copy of the database and its log, both as of one moment."""
    with temporary_folder() as folder:
        copy = folder / DATABASE
        for _ in range(_TRIES):
            before = _state(file)
            try:
                shutil.copyfile(file, copy)
                shutil.copyfile(_log_of(file), _log_of(copy))
            except OSError as error:
                raise StorageError(
                    f"{file} cannot be copied to {folder} to be read: {error.strerror}; free some space, or let the "
                    "folder of the database be written to"
                ) from error
            if _state(file) == before:
                return _read(copy, "mode=rw")[0]
            time.sleep(0.1)
    raise LabelError(f"{file} changes too fast to be copied; try again, or end the annotator first")


def _state(file: Path) -> list[tuple[int, int]]:
    return [(found.st_mtime_ns, found.st_size) for found in (file.stat(), _log_of(file).stat())]


def _damaged(file: Path, error: sqlite3.Error) -> LabelError:
    return LabelError(
        f"{file} cannot be read ({error}); if no other program holds it, it is damaged: restore a copy, use the last "
        f"ratings.csv, or save what can be read by sqlite3 {file.name} .recover"
    )


def read_server(url: str) -> list[dict[str, str]]:
    """Read the ratings from a PostgreSQL database of the annotator's, as `read_database` does.

    Raises:
        LabelError: If it does not answer, or is not the annotator's.
        UsageError: If the driver is not installed.
    """
    require("a PostgreSQL database", "annotate-postgresql", "psycopg")
    import psycopg

    plain = url.replace("postgresql+psycopg:", "postgresql:", 1)
    try:
        with psycopg.connect(plain, connect_timeout=int(_WAIT_S)) as connection:
            connection.read_only = True
            cursor = connection.execute(f"{QUERY} LIMIT {MAX_RATINGS + 1}".encode())
            columns = [column.name for column in cursor.description or ()]
            return [_cells(columns, row) for row in _bounded(cursor, "the database")]
    except psycopg.Error as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise LabelError(
            f"the database of {plain.rpartition('@')[2].partition('?')[0]} cannot be read ({reason}); expected one of "
            "the annotator's, as postgresql://user:password@host/name"
        ) from error
