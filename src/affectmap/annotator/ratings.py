"""Ratings: what one may hold, storing each once and for good, and what a rater is to rate next.

Conventions: an entry of a rater's list is *done* once it has a rating. Entries whose recording cannot be played any
more are passed over. Of several revisions the last counts.
"""

from __future__ import annotations

import math
import statistics
from typing import Annotated, Any, NamedTuple
from uuid import UUID

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, ValidationInfo, field_validator, model_validator
from sqlalchemy import Connection, Select, and_, exists, func, insert, select, text
from sqlalchemy.exc import IntegrityError
from starlette.exceptions import HTTPException

from affectmap.agreement.database import QUERY
from affectmap.annotator.database import ASSIGNMENTS, ITEMS, RATERS, RATINGS, Database, now
from affectmap.annotator.raters import Rater
from affectmap.errors import LabelError
from affectmap.schema import LABELS, parse_rating

#: Longest comment, in characters.
LONGEST_COMMENT = 2000
#: Seconds that are kept at most: a page left open over night says nothing of the rating.
LONGEST_S = 86_400.0
_DIGITS = 3
_PACE_OF = 20
_VALUES = (*LABELS, "emotion", "cannot_tell", "comment")


def _label(value: object, info: ValidationInfo) -> float | None:
    """Read a label; the context says whether it must lie on a half step."""
    if value is None or isinstance(value, str | bool):
        return value  # type: ignore[return-value]  # what is no number is refused afterwards
    try:
        number = parse_rating(value, str(info.field_name))
    except LabelError as error:
        raise ValueError(str(error)) from error
    if (info.context or {}).get("half_steps") and number * 2 % 1 > 0:
        raise ValueError(f"{info.field_name} is {number:g}; expected a half step such as 3 or 3.5")
    return round(number, _DIGITS)


def _storable(text: object) -> object:
    """Replace what a database does not take: lone surrogates and zeros."""
    if not isinstance(text, str):
        return text
    return text.encode("utf-8", errors="replace").decode().replace("\0", "").strip()


_Label = Annotated[float | None, BeforeValidator(_label)]


class Rating(BaseModel, frozen=True, extra="forbid", strict=True):
    """What a rater confirmed, as the page sends it.

    The validation context may ask for ``half_steps`` (1, 1.5, …, 5) and list the ``emotions`` that may be named.

    Attributes:
        item: Code of the entry in the rater's list.
        key: Made by the page; the same key sent again is the same rating.
        activation: 1..5; None where the rater cannot tell.
        valence: 1..5; None where the rater cannot tell.
        emotion: One of the classes asked for, or None.
        cannot_tell: Whether the rater says so; activation and valence are then dropped, whatever was sent.
        comment: Free text.
        seconds: Time from the sound's first play to the confirmation.
        corrects: The revision that this one replaces; None for a first rating.

    Example:
        >>> sent = {"item": "x", "key": UUID(int=1), "activation": 3.5, "valence": 2, "seconds": 4.2}
        >>> Rating.model_validate(sent, context={"half_steps": True, "emotions": []}).activation
        3.5
    """

    item: str = Field(min_length=1, max_length=100)
    key: UUID = Field(strict=False)
    activation: _Label = None
    valence: _Label = None
    emotion: str | None = None
    cannot_tell: bool = False
    comment: Annotated[str, Field(max_length=LONGEST_COMMENT), BeforeValidator(_storable)] = ""
    seconds: Annotated[float, Field(ge=0), AfterValidator(lambda value: round(min(value, LONGEST_S), _DIGITS))] = 0.0
    corrects: int | None = Field(default=None, ge=1, lt=2**31 - 1)

    @model_validator(mode="before")
    @classmethod
    def _drop_labels(cls, sent: Any) -> Any:  # noqa: ANN401 (pydantic's own types)
        if isinstance(sent, dict) and sent.get("cannot_tell") is True:
            return {name: value for name, value in sent.items() if name not in LABELS}
        return sent

    @field_validator("emotion")
    @classmethod
    def _known_emotion(cls, value: str | None, info: ValidationInfo) -> str | None:
        asked = (info.context or {}).get("emotions")
        if value is None or asked is None or value in asked:
            return value
        expected = f"one of {', '.join(asked)}, or null" if asked else "null: no classes are asked for"
        raise ValueError(f"emotion is {value[:40]!r}; expected {expected}")

    @model_validator(mode="after")
    def _complete(self) -> Rating:
        for label in LABELS:
            value = getattr(self, label)
            if not self.cannot_tell and (value is None or math.isnan(value)):
                raise ValueError(f"{label} is missing; choose a point, or say that you cannot tell")
        return self


class Progress(NamedTuple):
    """How far a rater is.

    Attributes:
        n_done: Entries of the list that are rated.
        n_items: Entries of the list, repeats included.
        item: Code of the entry that comes next; None when all are done.
        following: Code of the one after it.
        previous: Code of the entry that was rated last; None before the first.
        rating: Last rating of it, with its revision.
    """

    n_done: int
    n_items: int
    item: str | None
    following: str | None
    previous: str | None
    rating: dict[str, Any] | None


class ConflictError(Exception):
    """A rating is not stored, as things have moved on, or the rater is paused."""

    def __init__(self, detail: str, *, paused: bool = False) -> None:
        super().__init__(detail)
        self.detail, self.paused = detail, paused


class Ratings:
    """The ratings of a store.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> from affectmap.annotator.database import open_database
        >>> from affectmap.annotator.raters import Raters
        >>> database = open_database(None, Path(tempfile.mkdtemp()))
        >>> Ratings(database).progress(Raters(database).add("Ada")).n_items
        0
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def save(self, rater: Rater, rating: Rating) -> int:
        """Store a rating and give its revision, 1 for the first; when this returns it is on the disk.

        A rating whose key is known already is not stored again.

        Raises:
            ConflictError: If the rater is paused, or the entry has moved on: it is rated already, or has been
                corrected since.
            HTTPException: If the entry is not in this rater's list (404), or the key belongs to another (422).
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
                raise HTTPException(404, "this recording is not in your list; load the page again")
            kept = connection.execute(
                select(RATINGS.c.assignment_id, RATINGS.c.revision).where(RATINGS.c.key == str(rating.key))
            ).first()
            if kept is not None:
                if kept.assignment_id != entry:
                    raise HTTPException(422, "this key belongs to another rating; make a new one for every rating")
                return int(kept.revision)
            last = connection.scalar(select(func.max(RATINGS.c.revision)).where(RATINGS.c.assignment_id == entry))
            _refuse_conflicts(connection, rater, rating, last)
            revision = (last or 0) + 1
            values = {name: getattr(rating, name) for name in (*_VALUES, "seconds")}
            row = {**values, "key": str(rating.key), "assignment_id": entry, "revision": revision, "rated_at": now()}
            connection.execute(insert(RATINGS).values(row))
        return revision

    def progress(self, rater: Rater) -> Progress:
        """Count what a rater has done, and find the entries that the page needs now."""
        with self._database.reading() as connection:
            coming = connection.execute(_entries(rater, ~_RATED, ITEMS.c.note == "").limit(2)).scalars().all()
            n_open = connection.scalar(_count(_entries(rater, ~_RATED, ITEMS.c.note == "")))
            n_done = connection.scalar(_count(_entries(rater, _RATED)))
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
        """Give the median seconds of the last 20 entries; None before the first."""
        with self._database.reading() as connection:
            last = connection.execute(_firsts(rater, RATINGS.c.seconds).limit(_PACE_OF)).scalars().all()
        return round(statistics.median(last), 1) if last else None

    def recording_of(self, rater: Rater, code: str) -> tuple[int, str] | None:
        """Give number and path of an entry's recording; None if the rater's list has no such entry."""
        chosen = (
            select(ITEMS.c.id, ITEMS.c.path)
            .join(ASSIGNMENTS, ASSIGNMENTS.c.item_id == ITEMS.c.id)
            .where(ASSIGNMENTS.c.rater_id == rater.id, ASSIGNMENTS.c.code == code)
        )
        with self._database.reading() as connection:
            row = connection.execute(chosen).first()
        return (row.id, row.path) if row else None

    def all(self) -> list[dict[str, Any]]:
        """List every rating ever confirmed, in that order, with the columns of the raw export."""
        with self._database.reading() as connection:
            rows = connection.execute(text(QUERY)).mappings()
            return [{**row, "cannot_tell": bool(row["cannot_tell"])} for row in rows]


_RATED = exists().where(and_(RATINGS.c.assignment_id == ASSIGNMENTS.c.id, RATINGS.c.revision == 1))


def _entries(rater: Rater, *conditions: Any) -> Select[str]:  # noqa: ANN401 (SQLAlchemy's own name for them is long)
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


def _refuse_conflicts(connection: Connection, rater: Rater, rating: Rating, last: int | None) -> None:
    if connection.scalar(select(RATERS.c.paused).where(RATERS.c.id == rater.id)):
        raise ConflictError("the organiser has paused you; what is not saved yet stays here", paused=True)
    if rating.corrects is None and last is not None:
        raise ConflictError("this recording is rated already, perhaps in another tab; here is where you are")
    if rating.corrects is not None and rating.corrects != last:
        raise ConflictError("this rating has changed meanwhile, perhaps in another tab; here is where you are")
