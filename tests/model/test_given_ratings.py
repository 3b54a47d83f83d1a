"""Ratings that `Model.adapt` is given: brought to the rows of the features, or refused."""

import numpy as np
import pandas as pd
import pytest

from affectmap.errors import ConfigError
from affectmap.model.given_ratings import given_ratings
from cases import each


def test_a_table_may_have_the_rated_rows_alone():
    features = pd.DataFrame({"f0": [1.0, 2.0, 3.0]}, index=pd.Index(["a", "b", "c"], name="file"))
    ratings = pd.DataFrame({"valence": [2.0, 4.0], "emotion": [None, "sad"]}, index=["c", "a"])
    label, emotion = given_ratings(ratings, features, 3)
    np.testing.assert_array_equal(label, [[np.nan, 4.0], [np.nan, np.nan], [np.nan, 2.0]])
    assert emotion.tolist() == ["sad", None, None]


def test_a_strange_row_and_a_name_that_is_there_twice():
    features = pd.DataFrame({"f0": [1.0, 2.0]}, index=["a", "b"])
    with pytest.raises(ConfigError, match="1 ratings belong to no row of the features, first x"):
        given_ratings(pd.DataFrame({"valence": [2.0]}, index=["x"]), features, 2)
    with pytest.raises(ConfigError, match="names are there twice"):
        given_ratings(pd.DataFrame({"valence": [2.0, 3.0]}, index=["a", "a"]), features, 2)


@each(
    ("ratings", "message"),
    [
        ({}, "ratings have no column activation, valence or emotion"),
        ({"joy": [1, 2]}, "no column activation, valence or emotion; got joy"),
        ({"valence": [1.0]}, "valence has 1 ratings for 2 utterances"),
        ({"valence": [[1.0, 2.0], [3.0, 4.0]]}, "valence has 4 ratings for 2 utterances"),
        ({"valence": [0.5, 2.0]}, "valence is 0.5 in a rating; expected 1 to 5"),
        ({"activation": [np.inf, 2.0]}, "activation is inf in a rating"),
        ({"activation": ["high", 2.0]}, "activation has ratings that are no numbers"),
    ],
)
def test_what_is_no_rating(ratings, message):
    with pytest.raises(ConfigError, match=message):
        given_ratings(ratings, None, 2)
