"""What is said about odd ratings."""

import numpy as np
import pytest

from affectmap.agreement import warnings_of
from rating_files import make_ratings, simulate


def test_good_ratings_give_no_warning():
    assert warnings_of(simulate(40, n_repeats=12)) == []


def test_no_ratings_at_all():
    assert warnings_of(make_ratings()) == ["There are no ratings."]


def test_one_rater_has_nobody_to_compare_with():
    assert warnings_of(simulate(40, raters=("anna",))) == ["Only anna has rated: there is nobody to compare with."]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda v: 3 + v / 4, "bo uses only the upper half of the scale for valence: 3.25 to 4.25 in 40 ratings."),
        (lambda v: 1 + v / 4, "bo uses only the lower half of the scale for valence: 1.25 to 2.25 in 40 ratings."),
        (lambda v: 3.0 + 0 * v, "bo never moved valence: all 40 ratings are 3."),
    ],
)
def test_how_a_rater_uses_the_scale(change, expected):
    ratings = simulate(40)
    bo = ratings["rater"] == "bo"
    ratings.loc[bo, "valence"] = change(ratings.loc[bo, "valence"])
    assert expected in warnings_of(ratings)


def test_ends_mixed_up_and_low_agreement():
    ratings = simulate(40)
    bo = ratings["rater"] == "bo"
    ratings.loc[bo, "activation"] = 6 - ratings.loc[bo, "activation"]
    told = warnings_of(ratings)
    assert told[0].startswith("Activation: raters hardly agree (α = -")
    assert any(line.startswith("bo's activation runs against the other raters' (correlation -0.") for line in told)


def test_low_agreement_of_classes():
    ratings = simulate(60)
    ratings["emotion"] = np.random.default_rng(0).choice(["sad", "happy", "angry"], len(ratings))
    assert [line[:31] for line in warnings_of(ratings)] == ["Emotion: raters hardly agree (α"]


@pytest.mark.parametrize(
    ("n_shared", "words"), [(0, "no item has ratings"), (1, "1 item has ratings"), (7, "only 7 items have ratings")]
)
def test_too_few_shared_items(n_shared, words):
    ratings = simulate(30, raters=("anna", "bo"))
    theirs = (ratings["rater"] == "bo") & (ratings["file"] >= f"wav/{n_shared:03}.wav")
    ratings.loc[theirs, "file"] = "other/" + ratings.loc[theirs, "file"]
    ratings["emotion"] = None
    told = warnings_of(ratings)
    assert f"Valence: {words} of two or more people; 20 is little, 100 is better." in told


def test_repeats_that_differ():
    ratings = simulate(40, n_repeats=20)
    again = (ratings["rater"] == "chen") & (ratings["presentation"] == 2)
    ratings.loc[again, "valence"] = np.random.default_rng(0).uniform(1, 5, again.sum())
    (told,) = warnings_of(ratings)
    assert told.startswith("chen rates valence differently the second time: CCC ")
    assert "over 20 repeats" in told


def test_a_pace_that_cannot_be():
    ratings = simulate(40)
    ratings.loc[ratings["rater"] == "anna", "seconds"] = 0.8
    expected = "anna took 0.8 s for a rating (median of 40): too fast to listen and to judge?"
    assert warnings_of(ratings) == [expected]


def test_ratings_without_a_time_or_a_value():
    ratings = simulate(40)
    ratings[["seconds", "activation"]] = np.nan
    ratings["emotion"] = None
    assert warnings_of(ratings) == []
