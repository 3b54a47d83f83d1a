"""One rating as the page sends it: what it may hold, in plain words where it does not."""

from __future__ import annotations

import math
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from affectmap.schema import LABEL_RANGE
from affectmap.web.refusal import RefusalError

#: Longest comment, in characters.
LONGEST_COMMENT = 2000
#: Seconds that are kept at most: a page left open over night says nothing of the rating.
LONGEST_S = 86_400.0
_DIGITS = 3
_FIELDS = {"item", "activation", "valence", "emotion", "cannot_tell", "comment", "seconds", "key", "corrects"}


@dataclass(frozen=True)
class Rating:
    """What a rater confirmed.

    Attributes:
        item: Code of the entry in the rater's list.
        key: Made by the page; the same key sent again is the same rating.
        activation: 1..5; None where the rater cannot tell.
        valence: 1..5; None where the rater cannot tell.
        emotion: One of the classes asked for, or None.
        cannot_tell: Whether the rater says so.
        comment: Free text.
        seconds: From the sound's first play to the confirmation.
        corrects: The revision that this one replaces; None for a first rating.
    """

    item: str
    key: str
    activation: float | None = None
    valence: float | None = None
    emotion: str | None = None
    cannot_tell: bool = False
    comment: str = ""
    seconds: float = 0.0
    corrects: int | None = None


def read_rating(body: object, *, half_steps: bool, emotions: Sequence[str]) -> Rating:
    """Check what a page sends.

    Args:
        body: Decoded JSON.
        half_steps: Whether ratings lie on 1, 1.5, …, 5.
        emotions: Classes that may be named.

    Returns:
        The rating; activation and valence are None where the rater cannot tell, whatever was sent.

    Raises:
        RefusalError: With status 422, if a field is unknown, missing or out of range.

    Example:
        >>> key = "0d4b6c9e-2c0b-4dd4-8a86-0f1f7e7a3c11"
        >>> body = {"item": "x", "key": key, "activation": 3.5, "valence": 2, "seconds": 4.2}
        >>> read_rating(body, half_steps=True, emotions=[]).activation
        3.5
        >>> read_rating({**body, "valence": 7}, half_steps=True, emotions=[])
        Traceback (most recent call last):
        affectmap.web.refusal.RefusalError: valence is 7; expected a number from 1 to 5
    """
    if not isinstance(body, Mapping):
        raise _refused("the body is no JSON object; send the rating as one")
    unknown = sorted(str(field) for field in set(body) - _FIELDS)
    if unknown:
        raise _refused(f"unknown field {unknown[0][:40]!r}; expected some of {', '.join(sorted(_FIELDS))}")
    cannot_tell = body.get("cannot_tell", False)
    if not isinstance(cannot_tell, bool):
        raise _refused("cannot_tell is neither true nor false")
    labels = {label: None if cannot_tell else _label(body, label, half_steps) for label in ("activation", "valence")}
    return Rating(
        item=_text(body, "item", 100),
        key=_key(body),
        **labels,
        emotion=_emotion(body.get("emotion"), emotions),
        cannot_tell=cannot_tell,
        comment=_text(body, "comment", LONGEST_COMMENT, "").strip(),
        seconds=_seconds(body.get("seconds", 0.0)),
        corrects=_revision(body.get("corrects")),
    )


def _refused(detail: str) -> RefusalError:
    return RefusalError(422, detail)


def _number(value: object) -> float | None:
    """Give a finite number; None for anything else, true and false included."""
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > 1e300 or not math.isfinite(value):
        return None
    return float(value)


def _label(body: Mapping[str, object], name: str, half_steps: bool) -> float:
    value, (low, high) = body.get(name), LABEL_RANGE
    if value is None:
        raise _refused(f"{name} is missing; choose a point, or say that you cannot tell")
    number = _number(value)
    if number is None or not low <= number <= high:
        raise _refused(f"{name} is {str(value)[:20]}; expected a number from {low:g} to {high:g}")
    if half_steps and number * 2 % 1:
        raise _refused(f"{name} is {number:g}; expected a half step such as 3 or 3.5")
    return round(number, _DIGITS)


def _text(body: Mapping[str, object], name: str, longest: int, default: str | None = None) -> str:
    value = body.get(name, default)
    if not isinstance(value, str) or (default is None and not value):
        raise _refused(f"{name} is missing or no text")
    if len(value) > longest:
        raise _refused(f"{name} has {len(value):,} characters; expected at most {longest:,}")
    # Lone surrogates and zeros are no text that a database takes.
    return value.encode("utf-8", errors="replace").decode().replace("\0", "")


def _key(body: Mapping[str, object]) -> str:
    try:
        return str(uuid.UUID(_text(body, "key", 100)))
    except ValueError as error:
        raise _refused("key is no UUID; make a new one for every rating") from error


def _emotion(value: object, emotions: Sequence[str]) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or value not in emotions:
        expected = f"one of {', '.join(emotions)}, or null" if emotions else "null: no classes are asked for"
        raise _refused(f"emotion is {str(value)[:40]!r}; expected {expected}")
    return value


def _seconds(value: object) -> float:
    number = _number(value)
    if number is None or number < 0:
        raise _refused(f"seconds is {str(value)[:20]}; expected 0 or more")
    return round(min(number, LONGEST_S), _DIGITS)


def _revision(value: object) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value < 2**31 - 1:
        raise _refused(f"corrects is {str(value)[:20]}; expected the revision that is corrected, from 1 on")
    return value
