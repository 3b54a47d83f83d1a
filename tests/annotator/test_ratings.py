import uuid

import pytest
from pydantic import ValidationError

from affectmap.annotator.ratings import LONGEST_COMMENT, LONGEST_S, Rating
from affectmap.web.settings import explain

GOOD = {
    "item": "x",
    "key": uuid.UUID("0d4b6c9e-2c0b-4dd4-8a86-0f1f7e7a3c11"),
    "activation": 1,
    "valence": 4.5,
    "emotion": "sad",
    "cannot_tell": False,
    "comment": " well ",
    "seconds": 2.25,
}


def read(half_steps=True, **changes):
    return Rating.model_validate({**GOOD, **changes}, context={"half_steps": half_steps, "emotions": ["sad"]})


def test_what_is_kept():
    found = read()
    assert (found.activation, found.valence, found.emotion, found.comment) == (1.0, 4.5, "sad", "well")
    assert (found.seconds, found.corrects) == (2.25, None)
    assert found.key == GOOD["key"]


def test_who_cannot_tell_gives_no_numbers():
    assert read(cannot_tell=True, activation=7).activation is None
    assert read(cannot_tell=True, valence=None).cannot_tell


def test_continuous_ratings_are_rounded():
    assert read(half_steps=False, activation=3.1000000000000005).activation == 3.1


def test_what_a_database_would_not_take():
    assert read(comment="a\0b\ud800").comment == "ab?"
    assert read(seconds=1e9).seconds == LONGEST_S


def test_what_is_refused():
    for changes, reason in (
        ({"activation": None}, "activation is missing; choose a point, or say that you cannot tell"),
        ({"valence": None}, "valence is missing"),
        ({"activation": 0.5}, "activation is 0.5; expected a number from 1 to 5"),
        ({"activation": 5.5}, "expected a number from 1 to 5"),
        ({"activation": 3.2}, "expected a half step such as 3 or 3.5"),
        ({"activation": "3"}, "activation is 3; expected a valid number"),
        ({"activation": True}, "activation is true; expected a valid number"),
        ({"activation": float("nan")}, "activation is missing"),
        ({"activation": float("inf")}, "activation is inf; expected a number from 1 to 5"),
        ({"activation": 10**400}, "activation is '1000"),
        ({"valence": [1]}, "valence is"),
        ({"emotion": "joy"}, "emotion is 'joy'; expected one of sad, or null"),
        ({"emotion": 3}, "emotion is 3; expected a valid string"),
        ({"cannot_tell": "no"}, "cannot_tell is no; expected a valid boolean"),
        ({"comment": None}, "comment is null; expected a valid string"),
        ({"comment": "x" * (LONGEST_COMMENT + 1)}, "expected at most 2000 characters"),
        ({"seconds": -1}, "seconds is -1; expected greater than or equal to 0"),
        ({"seconds": None}, "seconds is null"),
        ({"seconds": float("nan")}, "seconds is nan"),
        ({"key": "1"}, "key is 1; "),
        ({"key": None}, "key is null"),
        ({"item": ""}, "item is ; expected at least 1 character"),
        ({"item": 3}, "item is 3; expected a valid string"),
        ({"corrects": 0}, "corrects is 0"),
        ({"corrects": True}, "corrects is true"),
        ({"corrects": 2**40}, "corrects is"),
        ({"rater": "Bob"}, "unknown field 'rater'"),
    ):
        with pytest.raises(ValidationError) as caught:
            read(**changes)
        assert reason in explain(caught.value.errors()[0]), changes


def test_what_is_no_rating():
    for body in (None, [], "x", 3, {}):
        with pytest.raises(ValidationError):
            Rating.model_validate(body)
