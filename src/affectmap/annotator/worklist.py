"""Every rater's own list: what lies in the folder, shuffled, with repeats; what comes later goes to its end."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable, Sequence

from sqlalchemy import Connection, func, insert, select, text, update

from affectmap.annotator.database import Database
from affectmap.annotator.order import order_of
from affectmap.annotator.recordings import Found
from affectmap.annotator.tables import ASSIGNMENTS, ITEMS, RATERS, RATINGS

_CODE_BYTES = 12
_UNKNOWN = -1  # so that the file is read again the next time
_GONE = "no longer in the folder; put it back"
_FIELDS = ("path", "content", "n_bytes", "changed_ns", "duration_s", "note")


class Worklist:
    """Recordings of a store, and who is to rate them.

    Args:
        database: Where they are kept.
        seed: Of the orders.
        repeat: Share of the recordings that everybody meets twice.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> from affectmap.annotator.database import open_database
        >>> worklist = Worklist(open_database(None, Path(tempfile.mkdtemp())), seed=0, repeat=0.1)
        >>> worklist.update([Found("a.wav", "f00d", 10, 0, 1.0, "")])
        1
        >>> [found.path for found in worklist.known().values()]
        ['a.wav']
    """

    def __init__(self, database: Database, *, seed: int, repeat: float) -> None:
        self._database, self._seed, self._repeat = database, seed, repeat

    def known(self) -> dict[str, Found]:
        """Give what was found so far.

        Returns:
            Recordings by path, in alphabetical order.
        """
        with self._database.reading() as connection:
            return _known(connection)

    def update(self, found: Iterable[Found], in_training: Collection[str] = ()) -> int:
        """Take over what the folder holds now, and put what is new at the end of everybody's list.

        Args:
            found: All of its recordings.
            in_training: Paths that are training items: raters know their references, so they are not rated.

        Returns:
            How many recordings are to be rated.
        """
        with self._database.writing() as connection:
            self._alone(connection)
            known, rated = _known(connection), set(connection.execute(_RATED_PATHS).scalars())
            present = {each.path: each for each in found}
            for path, each in present.items():
                before = known.get(path)
                _keep(connection, before, _judged(each, before if path in rated else None, in_training))
            for path in known.keys() - present.keys():
                _keep(connection, known[path], known[path]._replace(note=_GONE, n_bytes=_UNKNOWN))
            self._assign(connection)
            n_items = connection.scalar(select(func.count()).select_from(ITEMS).where(ITEMS.c.note == ""))
        return int(n_items or 0)

    def assign(self) -> None:
        """Give everybody a list: those who have none yet, and those whose list is too short."""
        with self._database.writing() as connection:
            self._alone(connection)
            self._assign(connection)

    def drop(self, item_id: int, note: str, *, look_again: bool) -> None:
        """Take a recording that turns out to be damaged or away from all lists; ratings given to it stay.

        Args:
            item_id: The recording.
            note: What is wrong with it.
            look_again: Whether it may come back as it is; else only once the file has changed.
        """
        values = {"note": note, **({"n_bytes": _UNKNOWN} if look_again else {})}
        with self._database.writing() as connection:
            connection.execute(update(ITEMS).where(ITEMS.c.id == item_id).values(values))

    def _alone(self, connection: Connection) -> None:
        if self._database.is_server:  # SQLite has one writer anyway
            connection.execute(text("LOCK TABLE items IN SHARE ROW EXCLUSIVE MODE"))

    def _assign(self, connection: Connection) -> None:
        items = connection.execute(select(ITEMS.c.id).where(ITEMS.c.note == "").order_by(ITEMS.c.path)).scalars().all()
        for rater_id, name in connection.execute(select(RATERS.c.id, RATERS.c.name).order_by(RATERS.c.id)).all():
            own = select(ASSIGNMENTS.c.item_id).where(ASSIGNMENTS.c.rater_id == rater_id)
            listed = set(connection.execute(own).scalars())
            new = [item for item in items if item not in listed]
            if new:
                self._append(connection, rater_id, name, new)

    def _append(self, connection: Connection, rater_id: int, name: str, new: Sequence[int]) -> None:
        own = select(func.count()).select_from(ASSIGNMENTS).where(ASSIGNMENTS.c.rater_id == rater_id)
        n_listed = connection.scalar(own) or 0
        order = order_of(new, self._repeat, self._seed, name, n_listed)
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


_RATED_PATHS = (
    select(ITEMS.c.path)
    .join(ASSIGNMENTS, ASSIGNMENTS.c.item_id == ITEMS.c.id)
    .join(RATINGS, RATINGS.c.assignment_id == ASSIGNMENTS.c.id)
    .distinct()
)


def _known(connection: Connection) -> dict[str, Found]:
    columns = [ITEMS.c[field] for field in _FIELDS]
    return {row[0]: Found(*row) for row in connection.execute(select(*columns).order_by(ITEMS.c.path))}


def _judged(each: Found, rated: Found | None, in_training: Collection[str]) -> Found:
    """Say why a recording that could be played is not to be rated; `rated` is what has ratings under its name."""
    if rated and each.content and rated.content != each.content:
        # The content that was rated stays noted, so that it may come back.
        note = "its sound has changed since it was first listed; restore it, or give the new one another name"
        return each._replace(content=rated.content, n_bytes=_UNKNOWN, note=note)
    if each.path in in_training:
        return each._replace(note="a training item, with a reference that raters know", n_bytes=_UNKNOWN)
    return each


def _keep(connection: Connection, before: Found | None, after: Found) -> None:
    if before is None:
        connection.execute(insert(ITEMS).values(after._asdict()))
    elif before != after:
        connection.execute(update(ITEMS).where(ITEMS.c.path == after.path).values(after._asdict()))
