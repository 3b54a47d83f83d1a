"""The database behind the store: a SQLite file, or PostgreSQL for teams.

Conventions: SQLite writes ahead (WAL) and waits for the disk at every commit (``synchronous=FULL``), so that what was
confirmed outlives a kill and a power cut. A failure is told as `DatabaseFullError` or
`DatabaseAwayError`, never as half a transaction.
"""

from __future__ import annotations

import shutil
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, InterfaceError, NoSuchModuleError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from affectmap.annotator.tables import METADATA
from affectmap.errors import StorageError, UsageError
from affectmap.extras import require

#: Threads that may ask at once, and so connections to SQLite that are kept.
MAX_THREADS = 40
_WAIT_S = 5.0
_POSTGRESQL_FULL = ("53100", "53200")
_TIGHT_BYTES = 1_000_000


class DatabaseFullError(StorageError):
    """The disk below the database has no room left."""


class DatabaseAwayError(StorageError):
    """The database does not answer, or somebody else holds it."""


class Database:
    """Transactions on a database whose tables exist.

    Args:
        engine: How to reach it.
        folder: Where a SQLite file lies; None for a server.

    Example:
        >>> import tempfile
        >>> database = open_database(None, Path(tempfile.mkdtemp()))
        >>> with database.reading() as connection:
        ...     connection.exec_driver_sql("PRAGMA journal_mode").scalar()
        'wal'
        >>> database.close()
    """

    def __init__(self, engine: Engine, folder: Path | None) -> None:
        self._engine, self._folder = engine, folder
        self._writer = engine.execution_options(affectmap_writes=True)
        # SQLite has one writer at a time and polls for its turn; waiting here is fair and short.
        self._turn: AbstractContextManager[Any] = threading.Lock() if folder else nullcontext()

    @property
    def is_server(self) -> bool:
        """Whether the database is a server that others may use at the same time."""
        return self._folder is None

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Give a connection that sees one moment and keeps nothing.

        Yields:
            The connection.

        Raises:
            DatabaseAwayError: If the database does not answer.
        """
        with self._told(), self._engine.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Give one transaction, committed to the disk when the block is left and undone where it fails.

        Yields:
            The connection.

        Raises:
            DatabaseFullError: If there is no room left.
            DatabaseAwayError: If the database does not answer.
            IntegrityError: If a row exists already.
        """
        with self._told(), self._turn, self._writer.begin() as connection:
            yield connection

    def close(self) -> None:
        """Let the connections go."""
        self._engine.dispose()

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except (OperationalError, InterfaceError, PoolTimeoutError) as error:
            if self._is_full(error):
                raise DatabaseFullError("the database's disk is full; free some space, nothing is lost") from error
            reason = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
            raise DatabaseAwayError(f"the database does not answer ({reason}); what was saved is safe") from error

    def _is_full(self, error: Exception) -> bool:
        cause = getattr(error, "orig", None)
        name = str(getattr(cause, "sqlite_errorname", ""))
        if name.startswith("SQLITE_IOERR") and self._folder:  # so it is where the log's index cannot grow
            return shutil.disk_usage(self._folder).free < _TIGHT_BYTES
        return name == "SQLITE_FULL" or getattr(cause, "sqlstate", None) in _POSTGRESQL_FULL


def open_database(url: str | None, folder: Path) -> Database:
    """Open the database and make its tables where they are missing.

    Args:
        url: Of a PostgreSQL server, as SQLAlchemy writes it; None for ``ratings.sqlite3`` in `folder`.
        folder: Made if missing.

    Returns:
        The database, to be closed by the caller.

    Raises:
        UsageError: If the URL names another kind of database, or the driver is not installed.
        StorageError: If the folder or the database cannot be used.
    """
    if url is None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StorageError(f"{folder} cannot be made: {error.strerror}; name another with --labels") from error
        engine = _sqlite(folder / "ratings.sqlite3")
    else:
        engine = _postgresql(url)
    database = Database(engine, folder if url is None else None)
    with database.writing() as connection:
        METADATA.create_all(connection)
    return database


def _sqlite(file: Path) -> Engine:
    engine = create_engine(
        URL.create("sqlite", database=str(file)),
        connect_args={"timeout": _WAIT_S, "check_same_thread": False},
        pool_size=MAX_THREADS,
        max_overflow=10,
    )

    @event.listens_for(engine, "connect")
    def prepare(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None  # begin() below says when a transaction begins
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("affectmap_writes")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _postgresql(text: str) -> Engine:
    told = "expected a URL such as postgresql://user:password@host/name"
    try:
        url = make_url(text)
    except ArgumentError as error:
        raise UsageError(f"--database cannot be read; {told}") from error
    if url.get_backend_name() != "postgresql":
        raise UsageError(f"--database is of kind {url.get_backend_name()}; {told}")
    require("--database", "annotate-postgresql", "psycopg")
    try:
        return create_engine(
            url.set(drivername="postgresql+psycopg"),
            connect_args={"connect_timeout": int(_WAIT_S)},
            pool_size=10,
            max_overflow=MAX_THREADS - 10,  # nobody waits for somebody else's connection
            pool_timeout=_WAIT_S,
            pool_pre_ping=True,
        )
    except (ArgumentError, NoSuchModuleError) as error:
        raise UsageError(f"--database cannot be used; {told}") from error
