"""Raters: their names, links and pauses, and every rater's own list of recordings.

Conventions: a list is the folder's recordings, shuffled, with repeats; what comes later goes to its end.
"""

from __future__ import annotations

import random
import secrets
from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

from sqlalchemy import Connection, Row, func, insert, select, text, update
from sqlalchemy.exc import IntegrityError

from affectmap.annotator.database import ASSIGNMENTS, ITEMS, RATERS, RATINGS, Database, now
from affectmap.annotator.recordings import ScannedFile
from affectmap.annotator.settings import check_name
from affectmap.errors import UsageError

#: Other entries, at least, between a recording and its unseen repeat.
APART = 10
_CODE_BYTES = 12
_UNKNOWN = -1  # so that the file is read again the next time
_GONE = "no longer in the folder; put it back"
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


class Worklist:
    """Recordings of a store and who is to rate them; orders depend on `seed`, and a share of `repeat` comes twice.

    Recordings whose paths are in `first` come before all others, in an order of their own, once.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> from affectmap.annotator.database import open_database
        >>> worklist = Worklist(open_database(None, Path(tempfile.mkdtemp())), seed=0, repeat=0.1)
        >>> worklist.update([ScannedFile("a.wav", "f00d", 10, 0, 1.0, "")])
        1
        >>> [each.path for each in worklist.known().values()]
        ['a.wav']
    """

    def __init__(self, database: Database, *, seed: int, repeat: float, first: Iterable[str] = ()) -> None:
        self._database, self._seed, self._repeat, self._first = database, seed, repeat, frozenset(first)

    def known(self) -> dict[str, ScannedFile]:
        """Give the results of the last scan by path, in alphabetical order."""
        with self._database.reading() as connection:
            return _known(connection)

    def update(self, scanned: Iterable[ScannedFile], in_training: Collection[str] = ()) -> int:
        """Take over a scan, put new recordings at the end of every list, and give how many are to be rated.

        Paths that are training items are not rated, as raters know their references.
        """
        with self._database.writing() as connection:
            self._lock_for_writing(connection)
            known, rated = _known(connection), set(connection.execute(_RATED_PATHS).scalars())
            present = {each.path: each for each in scanned}
            for path, each in present.items():
                before = known.get(path)
                _store(connection, before, _with_note(each, before if path in rated else None, in_training))
            for path in known.keys() - present.keys():
                _store(connection, known[path], known[path]._replace(note=_GONE, n_bytes=_UNKNOWN))
            self._assign(connection)
            n_items = connection.scalar(select(func.count()).select_from(ITEMS).where(ITEMS.c.note == ""))
        return int(n_items or 0)

    def assign(self) -> None:
        """Complete every rater's list."""
        with self._database.writing() as connection:
            self._lock_for_writing(connection)
            self._assign(connection)

    def drop(self, item_id: int, note: str, *, scan_again: bool) -> None:
        """Take a damaged or missing recording off all lists until its file changes, or until the next scan."""
        values = {"note": note, **({"n_bytes": _UNKNOWN} if scan_again else {})}
        with self._database.writing() as connection:
            connection.execute(update(ITEMS).where(ITEMS.c.id == item_id).values(values))

    def _lock_for_writing(self, connection: Connection) -> None:
        if self._database.is_server:  # SQLite has one writer anyway
            connection.execute(text("LOCK TABLE items IN SHARE ROW EXCLUSIVE MODE"))

    def _assign(self, connection: Connection) -> None:
        usable = select(ITEMS.c.id, ITEMS.c.path).where(ITEMS.c.note == "").order_by(ITEMS.c.path)
        items = {item: path in self._first for item, path in connection.execute(usable).all()}
        for rater_id, name in connection.execute(select(RATERS.c.id, RATERS.c.name).order_by(RATERS.c.id)).all():
            own = select(ASSIGNMENTS.c.item_id).where(ASSIGNMENTS.c.rater_id == rater_id)
            listed = set(connection.execute(own).scalars())
            new = [item for item in items if item not in listed]
            if new:
                early = [item for item in new if items[item]]
                self._append(connection, rater_id, name, early, [item for item in new if not items[item]])

    def _append(
        self, connection: Connection, rater_id: int, name: str, early: Sequence[int], new: Sequence[int]
    ) -> None:
        own = select(func.count()).select_from(ASSIGNMENTS).where(ASSIGNMENTS.c.rater_id == rater_id)
        n_listed = connection.scalar(own) or 0
        order = order_of(early, 0.0, self._seed, name, n_listed)
        order += order_of(new, self._repeat, self._seed, name, n_listed)
        rows = [
            {
                "code": secrets.token_urlsafe(_CODE_BYTES),
                "rater_id": rater_id,
                "position": position,
                "item_id": item,
                "presentation": presentation,
            }
            for position, (item, presentation) in enumerate(order, start=n_listed)
        ]
        connection.execute(insert(ASSIGNMENTS), rows)


def order_of(items: Sequence[int], repeat: float, *key: str | int) -> list[tuple[int, int]]:
    """Shuffle items and slip in a share of them again, each at least `APART` entries after its first time.

    Args:
        items: Numbers of the items, in an order that does not depend on chance.
        repeat: Share of them to repeat, 0..0.5; fewer where the list is too short to keep them apart.
        *key: What the order depends on: the same key and items give the same order.

    Returns:
        Item and presentation: 1 the first time, 2 the second.

    Example:
        >>> order = order_of(range(20), 0.1, 0, "Ada")
        >>> len(order), sorted(item for item, presentation in order if presentation == 1) == list(range(20))
        (22, True)
        >>> order_of([1, 2, 3], 0.5, 0, "Ada") == order_of([1, 2, 3], 0.5, 0, "Ada")
        True
    """
    chance = random.Random("\0".join(map(str, key)))
    shuffled = list(items)
    chance.shuffle(shuffled)
    n_early = len(shuffled) - APART  # only these have room enough behind them
    n_repeats = min(round(repeat * len(shuffled)), max(n_early, 0))
    before: dict[int, list[int]] = {}
    for index in chance.sample(range(max(n_early, 0)), n_repeats):
        # Before the entry at this index; the last stands for the end of the list.
        before.setdefault(chance.randint(index + APART + 1, len(shuffled)), []).append(shuffled[index])
    order: list[tuple[int, int]] = []
    for index in range(len(shuffled) + 1):
        order += [(item, 2) for item in before.get(index, [])]
        order += [(item, 1) for item in shuffled[index : index + 1]]
    return order


_RATED_PATHS = (
    select(ITEMS.c.path)
    .join(ASSIGNMENTS, ASSIGNMENTS.c.item_id == ITEMS.c.id)
    .join(RATINGS, RATINGS.c.assignment_id == ASSIGNMENTS.c.id)
    .distinct()
)


def _known(connection: Connection) -> dict[str, ScannedFile]:
    columns = [ITEMS.c[field] for field in ScannedFile._fields]
    return {row[0]: ScannedFile(*row) for row in connection.execute(select(*columns).order_by(ITEMS.c.path))}


def _with_note(each: ScannedFile, rated: ScannedFile | None, in_training: Collection[str]) -> ScannedFile:
    """Say why a recording that could be played is not to be rated; `rated` is what has ratings under its name."""
    if rated and each.content and rated.content != each.content:
        # The content that was rated stays noted, so that it may come back.
        note = "its sound has changed since it was first listed; restore it, or give the new one another name"
        return each._replace(content=rated.content, n_bytes=_UNKNOWN, note=note)
    if each.path in in_training:
        return each._replace(note="a training item, with a reference that raters know", n_bytes=_UNKNOWN)
    return each


def _store(connection: Connection, before: ScannedFile | None, after: ScannedFile) -> None:
    if before is None:
        connection.execute(insert(ITEMS).values(after._asdict()))
    elif before != after:
        connection.execute(update(ITEMS).where(ITEMS.c.path == after.path).values(after._asdict()))
