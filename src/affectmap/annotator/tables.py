"""Tables of the store.

Conventions:
    * Times are text, ISO 8601 in UTC, such as ``2026-01-31T12:00:00.000Z``.
    * ``ratings`` only grows: a correction is a new row with the next revision, and the database itself refuses to
      change or delete one.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Float,
    ForeignKey,
    Integer,
    MetaData,
    String,
    Table,
    UniqueConstraint,
    event,
)

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

#: People. `token` is what their link holds.
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

#: Every rater's own list. `code` is what the page knows an entry by; it tells nothing.
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
