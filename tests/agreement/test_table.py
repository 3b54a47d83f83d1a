"""The table of agreement."""

import numpy as np
import pandas as pd
import pytest

from affectmap.agreement import agreement_table
from affectmap.agreement.coefficients import icc, interval_alpha
from affectmap.agreement.ratings import rating_matrix
from affectmap.agreement.table import COLUMNS, MEASURES
from rating_files import make_ratings, simulate


def test_every_row_of_three_raters():
    ratings = simulate(25, n_repeats=8)
    table = agreement_table(ratings, n_resamples=50)
    assert list(table.columns) == list(COLUMNS)
    assert set(table["measure"]) == set(MEASURES)
    counted = table.groupby(["scope", "label"]).size().to_dict()
    assert counted == {
        ("all", "activation"): 3,
        ("all", "valence"): 3,
        ("all", "emotion"): 1,
        ("pair", "activation"): 9,
        ("pair", "valence"): 9,
        ("pair", "emotion"): 3,
        ("own", "activation"): 9,
        ("own", "valence"): 9,
        ("own", "emotion"): 3,
    }
    assert not table.duplicated(["scope", "label", "measure", "rater", "other"]).any()
    assert (table["low"] <= table["value"] + 1e-12).all()
    assert (table["value"] <= table["high"] + 1e-12).all()
    assert (table.loc[table["scope"] == "own", "n_items"] == 8).all()
    assert (table["note"] == "").all()


def test_values_are_those_of_the_matrix():
    ratings = simulate(25)
    table = agreement_table(ratings, n_resamples=50).set_index(["scope", "label", "measure"])["value"]
    wide = rating_matrix(ratings, "valence").to_numpy(float)
    assert table["all", "valence", "icc_2_1"].item() == pytest.approx(icc(wide).single.value)
    assert table["all", "valence", "alpha"].item() == pytest.approx(interval_alpha(wide).value)


def test_order_of_rows_does_not_matter():
    ratings = simulate(15, n_repeats=4)
    shuffled = ratings.sample(frac=1, random_state=0)
    pd.testing.assert_frame_equal(agreement_table(ratings, 50), agreement_table(shuffled, 50))


def test_the_sign_of_a_difference():
    ratings = make_ratings(
        *({"file": str(i), "rater": r, "valence": v + i % 3} for i in range(6) for r, v in (("a", 1.0), ("b", 2.0)))
    )
    row = agreement_table(ratings, 50).set_index("measure").loc["difference"]
    assert (row["rater"], row["other"], row["value"]) == ("a", "b", 1)


def test_incomplete_designs_say_what_was_left_out():
    ratings = simulate(20)
    ratings = ratings[~((ratings["rater"] == "chen") & (ratings["file"] > "wav/004.wav"))]
    ratings = ratings[~((ratings["rater"] == "bo") & (ratings["file"] == "wav/019.wav"))]
    notes = agreement_table(ratings, 50).query("scope == 'all' and label == 'valence'").set_index("measure")
    assert notes.loc["icc_2_1", ["n_items", "note"]].tolist() == [5, "of 20 items, the 5 rated by all 3"]
    assert notes.loc["alpha", ["n_items", "note"]].tolist() == [19, "1 item with one rating left out"]


def test_no_item_that_all_rated():
    ratings = simulate(20)
    number = ratings["file"].str[4:7].astype(int)
    ratings = ratings[number % 3 != ratings["rater"].map({"anna": 0, "bo": 1, "chen": 2})]
    row = agreement_table(ratings, 50).query("label == 'valence'").set_index("measure").loc["icc_2_1"]
    assert np.isnan(row["value"])
    assert row["note"] == "no item rated by all 3 raters; see alpha"


def test_a_rater_without_a_value_does_not_make_a_design_incomplete():
    ratings = simulate(10)
    ratings.loc[ratings["rater"] == "bo", "emotion"] = None
    ratings.loc[ratings["rater"] == "bo", "valence"] = np.nan
    found = agreement_table(ratings, 50).query("scope == 'all' and label == 'valence'")
    assert (found["n_raters"] == 2).all()
    assert found["value"].notna().all()
    assert (found["note"] == "").all()


def test_one_rater():
    table = agreement_table(simulate(10, raters=("anna",), n_repeats=6), 50)
    alone = table[table["scope"] == "all"]
    assert alone["value"].isna().all()
    assert set(alone["note"]) == {"one rater: nobody to compare with"}
    assert table.loc[table["scope"] == "own", "value"].notna().all()


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [{"file": "a", "rater": "x"}],
        [{"file": "a", "rater": "x", "valence": 3.0}],
        [{"file": "a", "rater": "x", "valence": 3.0}, {"file": "a", "rater": "y", "valence": 3.0}],
        [{"file": "a", "rater": "x", "valence": 3.0}, {"file": "b", "rater": "y", "valence": 3.0}],
        [{"file": str(i), "rater": r, "valence": 3.0} for i in range(9) for r in "xy"],
        [{"file": str(i), "rater": r, "emotion": "sad"} for i in range(9) for r in "xy"],
        [{"file": "a", "rater": "x", "valence": 3.0, "presentation": 2}],
        [{"file": "a", "rater": "x", "cannot_tell": True}, {"file": "a", "rater": "y", "cannot_tell": True}],
    ],
)
def test_little_to_compare_gives_reasons_and_no_values(rows):
    table = agreement_table(make_ratings(*rows), 50)
    between = table[table["scope"] != "own"]
    lacking = between[between["value"].isna()]
    assert (lacking["note"] != "").all()
    assert set(between.loc[between["value"].notna(), "measure"]) <= {"difference", "same"}


def test_the_first_repeat_with_a_value_is_compared():
    ratings = make_ratings(
        {"file": "a", "rater": "x", "valence": 3.0},
        {"file": "a", "rater": "x", "presentation": 2},
        {"file": "a", "rater": "x", "valence": 4.0, "presentation": 3},
        {"file": "a", "rater": "x", "valence": 5.0, "presentation": 4},
    )
    row = agreement_table(ratings, 50).set_index("measure").loc["absolute_difference"]
    assert (row["scope"], row["value"], row["n_items"]) == ("own", 1, 1)
