import uuid

import pytest

from affectmap.annotator.rating import LONGEST_COMMENT, LONGEST_S, read_rating
from affectmap.web.refusal import RefusalError

GOOD = {
    "item": "x",
    "key": "0d4b6c9e-2c0b-4dd4-8a86-0f1f7e7a3c11",
    "activation": 1,
    "valence": 4.5,
    "emotion": "sad",
    "cannot_tell": False,
    "comment": " well ",
    "seconds": 2.25,
}


def read(half_steps=True, **changes):
    return read_rating({**GOOD, **changes}, half_steps=half_steps, emotions=["sad"])


def test_what_is_kept():
    found = read()
    assert (found.activation, found.valence, found.emotion, found.comment) == (1.0, 4.5, "sad", "well")
    assert (found.seconds, found.corrects) == (2.25, None)
    assert uuid.UUID(found.key)


def test_who_cannot_tell_gives_no_numbers():
    assert read(cannot_tell=True, activation=7).activation is None
    assert read(cannot_tell=True, valence=None).cannot_tell


def test_continuous_ratings_are_rounded():
    assert read(half_steps=False, activation=3.1000000000000005).activation == 3.1


def test_what_a_database_would_not_take():
    assert read(comment="a\0b\ud800").comment == "ab?"
    assert read(seconds=1e9).seconds == LONGEST_S


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"activation": None}, "activation is missing; choose a point, or say that you cannot tell"),
        ({"valence": None}, "valence is missing"),
        ({"activation": 0.5}, "activation is 0.5; expected a number from 1 to 5"),
        ({"activation": 5.5}, "expected a number from 1 to 5"),
        ({"activation": 3.2}, "expected a half step such as 3 or 3.5"),
        ({"activation": "3"}, "activation is 3; expected a number"),
        ({"activation": True}, "activation is True; expected a number"),
        ({"activation": float("nan")}, "activation is nan"),
        ({"activation": 10**400}, "activation is 1000"),
        ({"valence": [1]}, "valence is"),
        ({"emotion": "joy"}, "emotion is 'joy'; expected one of sad, or null"),
        ({"emotion": 3}, "emotion is '3'"),
        ({"cannot_tell": "no"}, "cannot_tell is neither true nor false"),
        ({"comment": None}, "comment is missing or no text"),
        ({"comment": "x" * (LONGEST_COMMENT + 1)}, "comment has 2,001 characters; expected at most 2,000"),
        ({"seconds": -1}, "seconds is -1; expected 0 or more"),
        ({"seconds": None}, "seconds is None"),
        ({"key": "1"}, "key is no UUID"),
        ({"key": None}, "key is missing"),
        ({"item": ""}, "item is missing"),
        ({"item": 3}, "item is missing or no text"),
        ({"corrects": 0}, "corrects is 0"),
        ({"corrects": True}, "corrects is True"),
        ({"corrects": 2**40}, "corrects is"),
        ({"rater": "Bob"}, "unknown field 'rater'"),
    ],
)
def test_what_is_refused(changes, reason):
    with pytest.raises(RefusalError) as caught:
        read(**changes)
    assert caught.value.status == 422
    assert reason in caught.value.detail


@pytest.mark.parametrize("body", [None, [], "x", 3])
def test_what_is_no_rating(body):
    with pytest.raises(RefusalError, match="no JSON object"):
        read_rating(body, half_steps=True, emotions=[])
