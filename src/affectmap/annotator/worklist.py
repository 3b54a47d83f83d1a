"""Every rater's own list: what lies in the folder, shuffled, with repeats; what comes later goes to its end."""

from __future__ import annotations

import random
import secrets
from collections.abc import Collection, Iterable, Sequence

from sqlalchemy import Connection, func, insert, select, text, update

from affectmap.annotator.database import ASSIGNMENTS, ITEMS, RATERS, RATINGS, Database
from affectmap.annotator.recordings import ScannedFile

#: Other entries, at least, between a recording and its unseen repeat.
APART = 10
_CODE_BYTES = 12
_UNKNOWN = -1  # so that the file is read again the next time
_GONE = "no longer in the folder; put it back"
_FIELDS = ("path", "content", "n_bytes", "changed_ns", "duration_s", "note")


class Worklist:
    """Recordings of a store and who is to rate them; orders depend on `seed`, and a share of `repeat` comes twice.

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

    def __init__(self, database: Database, *, seed: int, repeat: float) -> None:
        self._database, self._seed, self._repeat = database, seed, repeat

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
    columns = [ITEMS.c[field] for field in _FIELDS]
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
