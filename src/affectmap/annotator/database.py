"""The database behind the store, a SQLite file or PostgreSQL for teams, and its tables.

Conventions:
    * SQLite writes ahead (WAL) and waits for the disk at every commit (``synchronous=FULL``), so that a confirmed
      rating outlives a kill and a power cut. Once a minute the file takes over what was written ahead, so that a copy
      of it alone lacks little; its ``user_version`` says whether it may lack something. A failure is a
      `DatabaseFullError` or `DatabaseAwayError`, never half a transaction.
    * Times are text, ISO 8601 in UTC, such as ``2026-01-31T12:00:00.000Z``.
    * ``ratings`` only grows: a correction is a new row with the next revision, and the database refuses to change or
      delete one.
"""

from __future__ import annotations

import shutil
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Engine,
    Float,
    ForeignKey,
    Integer,
    MetaData,
    String,
    Table,
    UniqueConstraint,
    create_engine,
    event,
    select,
)
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import (
    ArgumentError,
    DatabaseError,
    InterfaceError,
    NoSuchModuleError,
    OperationalError,
    ProgrammingError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from affectmap.agreement.database import CLOSED, DATABASE, IN_USE
from affectmap.errors import StorageError, UsageError
from affectmap.extras import require

#: Threads that may ask at once, and so connections to SQLite that are kept.
MAX_THREADS = 40
_WAIT_S = 5.0
_POSTGRESQL_FULL = ("53100", "53200")
_TIGHT_BYTES = 1_000_000
#: File systems that are mounted, as Linux lists them.
MOUNTS = Path("/proc/self/mounts")
_DAMAGED = ("SQLITE_CORRUPT", "SQLITE_NOTADB")
_ON_NETWORK = ("nfs", "cifs", "smb", "9p", "afs", "ceph", "fuse.sshfs", "fuse.gvfs", "glusterfs", "lustre", "vboxsf")

METADATA = MetaData()

#: Recordings. `note` says why one is not rated, and is empty for those that are.
ITEMS = Table(
    "items",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("path", String, nullable=False, unique=True),
    Column("content", String(64), nullable=False),
    Column("n_bytes", BigInteger, nullable=False),
    Column("changed_ns", BigInteger, nullable=False),
    Column("duration_s", Float, nullable=False),
    Column("note", String, nullable=False),
)

#: Raters. `token` is the secret part of their link.
RATERS = Table(
    "raters",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("name", String, nullable=False, unique=True),
    Column("token", String, nullable=False, unique=True),
    Column("paused", Boolean, nullable=False),
    Column("trained_at", String),
    Column("added_at", String, nullable=False),
)

#: Every rater's own list. The page knows an entry by its `code`, which says nothing about the recording.
ASSIGNMENTS = Table(
    "assignments",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("code", String, nullable=False, unique=True),
    Column("rater_id", ForeignKey("raters.id"), nullable=False),
    Column("position", Integer, nullable=False),
    Column("item_id", ForeignKey("items.id"), nullable=False),
    Column("presentation", Integer, nullable=False),
    UniqueConstraint("rater_id", "position"),
    UniqueConstraint("rater_id", "item_id", "presentation"),
)

#: What was confirmed. `key` comes from the page: the same key sent twice is one rating.
RATINGS = Table(
    "ratings",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("assignment_id", ForeignKey("assignments.id"), nullable=False),
    Column("revision", Integer, nullable=False),
    Column("key", String, nullable=False, unique=True),
    Column("activation", Float),
    Column("valence", Float),
    Column("emotion", String),
    Column("cannot_tell", Boolean, nullable=False),
    Column("comment", String, nullable=False),
    Column("seconds", Float, nullable=False),
    Column("rated_at", String, nullable=False),
    UniqueConstraint("assignment_id", "revision"),
)

_REFUSE = {
    "sqlite": [
        f"CREATE TRIGGER ratings_refuse_{verb.lower()} BEFORE {verb} ON ratings "
        "BEGIN SELECT RAISE(ABORT, 'ratings are never changed'); END"
        for verb in ("UPDATE", "DELETE")
    ],
    "postgresql": [
        "CREATE OR REPLACE FUNCTION ratings_refuse() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'ratings are never changed'; END $$",
        "CREATE TRIGGER ratings_refuse BEFORE UPDATE OR DELETE OR TRUNCATE ON ratings "
        "FOR EACH STATEMENT EXECUTE FUNCTION ratings_refuse()",
    ],
}


@event.listens_for(RATINGS, "after_create")
def _refuse_changes(_table: Table, connection: Connection, **_options: object) -> None:
    for statement in _REFUSE[connection.dialect.name]:
        connection.exec_driver_sql(statement)


class DatabaseFullError(StorageError):
    """The disk below the database has no room left."""


class DatabaseAwayError(StorageError):
    """The database does not answer, is damaged, or somebody else holds it."""


class Database:
    """Transactions on a database whose tables exist; `folder` is that of a SQLite file, None for a server.

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
        self._lock: AbstractContextManager[Any] = threading.Lock() if folder else nullcontext()

    @property
    def is_server(self) -> bool:
        """Whether the database is a server that others may use at the same time."""
        return self._folder is None

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Give a connection that only reads; raise `DatabaseAwayError` if the database does not answer."""
        with self._translated(), self._engine.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Give one transaction, committed to the disk when the block is left and undone where it fails.

        Raises:
            DatabaseFullError: If there is no room left.
            DatabaseAwayError: If the database does not answer.
            IntegrityError: If a row exists already.
        """
        with self._translated(), self._lock, self._writer.begin() as connection:
            yield connection

    def checkpoint(self, state: int = IN_USE) -> None:
        """Let a SQLite file take over what was written ahead, and say in it whether it may lack something."""
        if self.is_server:
            return
        with self._translated(), self._lock, closing(self._engine.raw_connection()) as connection:
            cursor = connection.cursor()
            if cursor.execute("PRAGMA user_version").fetchone()[0] != state:
                cursor.execute(f"PRAGMA user_version={state}")
            cursor.execute("PRAGMA wal_checkpoint(PASSIVE)")

    def close(self) -> None:
        """Close the connections."""
        with suppress(StorageError):  # the ratings are safe in the log
            self.checkpoint(CLOSED)
        self.dispose()

    def dispose(self) -> None:
        """Close the connections of a database that could not be opened whole."""
        self._engine.dispose()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except DatabaseError as error:
            self._refuse(error)
            raise
        except (InterfaceError, PoolTimeoutError, sqlite3.Error) as error:
            self._refuse(error)

    def _refuse(self, error: Exception) -> None:
        """Raise the error of ours for a trouble of the database; return where it is none."""
        cause = getattr(error, "orig", None) or error
        reason = str(cause).strip().splitlines()[0]
        if self._is_full(cause):
            raise DatabaseFullError("the database's disk is full; free some space, nothing is lost") from error
        if str(getattr(cause, "sqlite_errorname", "")).startswith(_DAMAGED):
            raise DatabaseAwayError(
                f"the database is damaged ({reason}); end the annotator, keep {DATABASE} and its -wal, and restore a "
                f"copy, or save what can be read by sqlite3 {DATABASE} .recover"
            ) from error
        if isinstance(error, DatabaseError) and not isinstance(error, OperationalError):
            return
        raise DatabaseAwayError(f"the database does not answer ({reason}); what was saved is safe") from error

    def _is_full(self, cause: object) -> bool:
        name = str(getattr(cause, "sqlite_errorname", ""))
        if name.startswith("SQLITE_IOERR") and self._folder:  # so it is where the log's index cannot grow
            return shutil.disk_usage(self._folder).free < _TIGHT_BYTES
        return name == "SQLITE_FULL" or getattr(cause, "sqlstate", None) in _POSTGRESQL_FULL


def now() -> str:
    """Give the time as the tables keep it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def open_database(url: str | None, folder: Path) -> Database:
    """Open the database and make its tables where they are missing.

    A PostgreSQL server where there is a `url`, as SQLAlchemy writes it; else ``ratings.sqlite3`` in the folder.

    Raises:
        UsageError: If the URL names another kind of database, or the driver is not installed.
        StorageError: If the folder or the database cannot be used.
    """
    if url is None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StorageError(f"{folder} cannot be made: {error.strerror}; name another with --ratings") from error
    file = folder / DATABASE
    if url is None:
        _refuse_foreign(file)
    database = Database(_sqlite(file) if url is None else _postgresql(url), folder if url is None else None)
    try:
        with database.writing() as connection:
            METADATA.create_all(connection)
            for table in METADATA.sorted_tables:
                connection.execute(select(table).limit(0))
            if url is None and (found := connection.exec_driver_sql("PRAGMA quick_check(1)").scalar()) != "ok":
                raise DatabaseAwayError(f"it is damaged ({found}); restore a copy of it")
        database.checkpoint()
    except (DatabaseAwayError, OperationalError, ProgrammingError) as error:
        database.dispose()
        reason = str(getattr(error, "orig", None) or error).splitlines()[0]
        if url is None:
            raise StorageError(f"{file} cannot be used: {reason}; or name another folder with --ratings") from error
        if isinstance(error, DatabaseAwayError):
            raise
        raise StorageError(f"--database holds tables of another program ({reason}); name an empty one") from error
    return database


def _refuse_foreign(file: Path) -> None:
    """Leave another program's database as it is; what cannot be read is told of by who opens it."""
    names: set[str] = set()
    with (
        suppress(sqlite3.Error),
        closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as connection,
    ):
        names.update(name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'"))
    if names and names.isdisjoint(METADATA.tables):
        raise StorageError(
            f"{file} is another program's database and is left alone; name another folder with --ratings"
        )


def network_of(folder: Path) -> str | None:
    """Name the kind of network file system that a folder lies on; None for a disk of this machine, or where unknown."""
    try:
        lines = MOUNTS.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
    mounts = [(Path(place.encode().decode("unicode_escape")), kind) for _, place, kind, *_ in map(str.split, lines)]
    under = [(place, kind) for place, kind in mounts if folder.absolute().is_relative_to(place)]
    kind = max(under, key=lambda mount: len(mount[0].parts), default=(None, ""))[1]
    return kind if kind.startswith(_ON_NETWORK) else None


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
        mode = connection.execute("PRAGMA journal_mode=WAL").fetchone()[0]
        if mode != "wal":
            raise StorageError(
                f"{file} cannot be written ahead ({mode}), as on some network disks; name a folder on a disk of this "
                "machine with --ratings, or a server with --database"
            )
        for pragma in ("synchronous=FULL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("affectmap_writes")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _postgresql(text: str) -> Engine:
    expected = "expected a URL such as postgresql://user:password@host/name"
    try:
        url = make_url(text)
    except ArgumentError as error:
        raise UsageError(f"--database cannot be read; {expected}") from error
    if url.get_backend_name() != "postgresql":
        raise UsageError(f"--database is of kind {url.get_backend_name()}; {expected}")
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
        raise UsageError(f"--database cannot be used; {expected}") from error
