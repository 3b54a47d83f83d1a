"""Ratings: keeping them, each once and for good, and telling a rater what comes next.

Conventions: an entry of a rater's list is *done* once it has a rating. Entries whose recording cannot be played any
more are passed over. Of several revisions the last counts.
"""

from __future__ import annotations

import statistics
from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, and_, exists, func, insert, select
from sqlalchemy.exc import IntegrityError

from affectmap.annotator.database import Database
from affectmap.annotator.raters import Rater, now
from affectmap.annotator.rating import Rating
from affectmap.annotator.tables import ASSIGNMENTS, ITEMS, RATERS, RATINGS
from affectmap.web.refusal import RefusalError

_PACE_OF = 20
_VALUES = ("activation", "valence", "emotion", "cannot_tell", "comment")


class Progress(NamedTuple):
    """How far a rater is.

    Attributes:
        n_done: Entries of the list that are rated.
        n_items: Entries of the list, repeats included.
        item: Code of the entry that comes next; None when all are done.
        following: Code of the one after it.
        previous: Code of the entry that was rated last; None before the first.
        rating: What was last said of it, with its revision.
    """

    n_done: int
    n_items: int
    item: str | None
    following: str | None
    previous: str | None
    rating: dict[str, Any] | None


class ConflictError(Exception):
    """A rating that is not kept, as things have moved on.

    Args:
        detail: One sentence for people.
        paused: Whether it is because the rater is paused.
    """

    def __init__(self, detail: str, *, paused: bool = False) -> None:
        super().__init__(detail)
        self.detail, self.paused = detail, paused


class Ratings:
    """The ratings of a store.

    Args:
        database: Where they are kept.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> from affectmap.annotator.database import open_database
        >>> from affectmap.annotator.raters import People
        >>> database = open_database(None, Path(tempfile.mkdtemp()))
        >>> Ratings(database).progress(People(database).add("Ada")).n_items
        0
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def save(self, rater: Rater, rating: Rating) -> int:
        """Keep a rating; when this returns it is on the disk.

        Args:
            rater: Whose.
            rating: What was confirmed. One whose key is known already is not kept again.

        Returns:
            Its revision, 1 for the first.

        Raises:
            ConflictError: If the rater is paused, or the entry has moved on: it is rated already, or has been
                corrected since.
            RefusalError: If the entry is not in this rater's list (404), or the key belongs to another (422).
            DatabaseFullError: If there is no room left.
            DatabaseAwayError: If the database does not answer.
        """
        try:
            return self._save(rater, rating)
        except IntegrityError:
            # Another tab was faster by a moment; now its row can be seen.
            return self._save(rater, rating)

    def _save(self, rater: Rater, rating: Rating) -> int:
        with self._database.writing() as connection:
            entry = connection.scalar(
                select(ASSIGNMENTS.c.id)
                .where(ASSIGNMENTS.c.rater_id == rater.id, ASSIGNMENTS.c.code == rating.item)
                .with_for_update()
            )
            if entry is None:
                raise RefusalError(404, "this recording is not in your list; load the page again")
            kept = connection.execute(
                select(RATINGS.c.assignment_id, RATINGS.c.revision).where(RATINGS.c.key == rating.key)
            ).first()
            if kept is not None:
                if kept.assignment_id != entry:
                    raise RefusalError(422, "this key belongs to another rating; make a new one for every rating")
                return int(kept.revision)
            last = connection.scalar(select(func.max(RATINGS.c.revision)).where(RATINGS.c.assignment_id == entry))
            _refuse_what_moved_on(connection, rater, rating, last)
            revision = (last or 0) + 1
            values = {name: getattr(rating, name) for name in (*_VALUES, "key", "seconds")}
            row = {**values, "assignment_id": entry, "revision": revision, "rated_at": now()}
            connection.execute(insert(RATINGS).values(row))
        return revision

    def progress(self, rater: Rater) -> Progress:
        """Tell how far a rater is, and what comes next.

        Args:
            rater: Who.

        Returns:
            Counts and the codes of the entries that the page needs now.
        """
        with self._database.reading() as connection:
            coming = connection.execute(_of(rater, ~_RATED, ITEMS.c.note == "").limit(2)).scalars().all()
            n_open = connection.scalar(_count(_of(rater, ~_RATED, ITEMS.c.note == "")))
            n_done = connection.scalar(_count(_of(rater, _RATED)))
            previous, rating = _last_of(connection, rater)
        return Progress(
            n_done=n_done or 0,
            n_items=(n_done or 0) + (n_open or 0),
            item=coming[0] if coming else None,
            following=coming[1] if len(coming) > 1 else None,
            previous=previous,
            rating=rating,
        )

    def pace_s(self, rater: Rater) -> float | None:
        """Tell how long a rater takes.

        Args:
            rater: Who.

        Returns:
            Median seconds of the last 20 entries; None before the first.
        """
        with self._database.reading() as connection:
            last = connection.execute(_firsts(rater, RATINGS.c.seconds).limit(_PACE_OF)).scalars().all()
        return round(statistics.median(last), 1) if last else None

    def recording_of(self, rater: Rater, code: str) -> tuple[int, str] | None:
        """Find the recording of an entry.

        Args:
            rater: Whose list.
            code: The entry.

        Returns:
            Number and path of the recording; None if the list has no such entry.
        """
        chosen = (
            select(ITEMS.c.id, ITEMS.c.path)
            .join(ASSIGNMENTS, ASSIGNMENTS.c.item_id == ITEMS.c.id)
            .where(ASSIGNMENTS.c.rater_id == rater.id, ASSIGNMENTS.c.code == code)
        )
        with self._database.reading() as connection:
            row = connection.execute(chosen).first()
        return (row.id, row.path) if row else None

    def all(self) -> list[dict[str, Any]]:
        """List every rating that was ever confirmed.

        Returns:
            Rows with the columns of the raw export, in the order in which they were confirmed.
        """
        chosen = (
            select(
                ITEMS.c.path.label("file"),
                RATERS.c.name.label("rater"),
                *(RATINGS.c[name] for name in _VALUES),
                ASSIGNMENTS.c.presentation,
                *(RATINGS.c[name] for name in ("revision", "rated_at", "seconds")),
            )
            .select_from(RATINGS)
            .join(ASSIGNMENTS, RATINGS.c.assignment_id == ASSIGNMENTS.c.id)
            .join(RATERS, ASSIGNMENTS.c.rater_id == RATERS.c.id)
            .join(ITEMS, ASSIGNMENTS.c.item_id == ITEMS.c.id)
            .order_by(RATINGS.c.id)
        )
        with self._database.reading() as connection:
            return [dict(row) for row in connection.execute(chosen).mappings()]


_RATED = exists().where(and_(RATINGS.c.assignment_id == ASSIGNMENTS.c.id, RATINGS.c.revision == 1))


def _of(rater: Rater, *conditions: Any) -> Select[str]:  # noqa: ANN401 (SQLAlchemy's own name for them is long)
    """Entries of a rater's list in their order."""
    joined = select(ASSIGNMENTS.c.code).join(ITEMS, ASSIGNMENTS.c.item_id == ITEMS.c.id)
    return joined.where(ASSIGNMENTS.c.rater_id == rater.id, *conditions).order_by(ASSIGNMENTS.c.position)


def _count(entries: Select[str]) -> Select[int]:
    return select(func.count()).select_from(entries.order_by(None).subquery())


def _firsts(rater: Rater, *columns: Any) -> Select[Any]:  # noqa: ANN401
    """First revisions of a rater, the latest one first."""
    joined = select(*columns).join(ASSIGNMENTS, RATINGS.c.assignment_id == ASSIGNMENTS.c.id)
    return joined.where(ASSIGNMENTS.c.rater_id == rater.id, RATINGS.c.revision == 1).order_by(RATINGS.c.id.desc())


def _last_of(connection: Connection, rater: Rater) -> tuple[str | None, dict[str, Any] | None]:
    latest = connection.execute(_firsts(rater, ASSIGNMENTS.c.id, ASSIGNMENTS.c.code).limit(1)).first()
    if latest is None:
        return None, None
    columns = [RATINGS.c[name] for name in (*_VALUES, "revision")]
    ordered = select(*columns).where(RATINGS.c.assignment_id == latest.id).order_by(RATINGS.c.revision.desc())
    return latest.code, dict(connection.execute(ordered.limit(1)).mappings().one())


def _refuse_what_moved_on(connection: Connection, rater: Rater, rating: Rating, last: int | None) -> None:
    if connection.scalar(select(RATERS.c.paused).where(RATERS.c.id == rater.id)):
        raise ConflictError("the organiser has paused you; what is not saved yet stays here", paused=True)
    if rating.corrects is None and last is not None:
        raise ConflictError("this recording is rated already, perhaps in another tab; here is where you are")
    if rating.corrects is not None and rating.corrects != last:
        raise ConflictError("this rating has changed meanwhile, perhaps in another tab; here is where you are")
