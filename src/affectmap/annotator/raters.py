"""Raters: their names, links and pauses."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from typing import NamedTuple

from sqlalchemy import Connection, Row, insert, select, update
from sqlalchemy.exc import IntegrityError

from affectmap.annotator.database import RATERS, Database, now
from affectmap.annotator.settings import check_name
from affectmap.errors import UsageError

_TOKEN_BYTES = 18


class Rater(NamedTuple):
    """Somebody who rates; `token` is the secret part of the link, `paused` is set by the organiser."""

    id: int
    name: str
    token: str
    paused: bool
    trained: bool


class Raters:
    """The raters of a store.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> from affectmap.annotator.database import open_database
        >>> raters = Raters(open_database(None, Path(tempfile.mkdtemp())))
        >>> raters.add("Ada").name, raters.by_token("a guess")
        ('Ada', None)
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, name: str) -> Rater:
        """Add a rater with a link; raise `UsageError` if the name cannot be one or is taken, whatever its case."""
        check_name(name, "rater")
        row = {"name": name, "token": secrets.token_urlsafe(_TOKEN_BYTES), "paused": False, "added_at": now()}
        try:
            with self._database.writing() as connection:
                if name.casefold() in {each.name.casefold() for each in _all(connection)}:
                    raise _taken(name)
                connection.execute(insert(RATERS).values(row))
        except IntegrityError as error:  # somebody else was faster
            raise _taken(name) from error
        return self.named(name)

    def named(self, name: str) -> Rater:
        """Give a rater by name, whatever its case; add one where there is none."""
        known = {rater.name.casefold(): rater for rater in self.all()}
        return known.get(name.casefold()) or self.add(name)

    def all(self) -> list[Rater]:
        """List the raters in the order in which they were added."""
        with self._database.reading() as connection:
            return list(_all(connection))

    def by_token(self, token: str) -> Rater | None:
        """Find whose link has a token."""
        if not token.isascii() or not token.isprintable():
            return None
        with self._database.reading() as connection:
            row = connection.execute(select(RATERS).where(RATERS.c.token == token)).first()
        return _rater(row) if row else None

    def pause(self, rater_id: int, paused: bool) -> bool:
        """Pause a rater, or let one go on; tell whether there is such a rater."""
        return self._change(rater_id, paused=paused)

    def finish_training(self, rater_id: int) -> None:
        """Note that a rater has done the training."""
        self._change(rater_id, trained_at=now())

    def _change(self, rater_id: int, **values: object) -> bool:
        with self._database.writing() as connection:
            done = connection.execute(update(RATERS).where(RATERS.c.id == rater_id).values(**values))
        return bool(done.rowcount)


def _all(connection: Connection) -> Iterable[Rater]:
    return [_rater(row) for row in connection.execute(select(RATERS).order_by(RATERS.c.id))]


def _rater(row: Row[tuple[object, ...]]) -> Rater:
    found = row._mapping
    return Rater(found["id"], found["name"], found["token"], bool(found["paused"]), found["trained_at"] is not None)


def _taken(name: str) -> UsageError:
    return UsageError(f"there is a rater called {name!r} already; choose another name")
