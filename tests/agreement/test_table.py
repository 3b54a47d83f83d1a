"""Agreement as a table, as text, and what is said about odd ratings."""

import numpy as np
import pandas as pd
import pytest

from affectmap.agreement import agreement_table, warnings_of
from affectmap.agreement.coefficients import icc, interval_alpha
from affectmap.agreement.ratings import rating_matrix
from affectmap.agreement.table import AGREEMENT_COLUMNS, MEASURES, text_tables
from rating_files import make_ratings, simulate


def test_every_row_of_three_raters():
    ratings = simulate(25, n_repeats=8)
    table = agreement_table(ratings)
    assert list(table.columns) == list(AGREEMENT_COLUMNS)
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
    table = table.dropna(subset=["low"])  # classes on which all agree have no interval
    assert len(table) > 40
    assert (table["low"] <= table["value"] + 1e-12).all()
    assert (table["value"] <= table["high"] + 1e-12).all()
    assert (table.loc[table["scope"] == "own", "n_items"] == 8).all()
    assert (table["note"] == "").all()


def test_values_are_those_of_the_matrix():
    ratings = simulate(25)
    table = agreement_table(ratings).set_index(["scope", "label", "measure"])["value"]
    wide = rating_matrix(ratings, "valence").to_numpy(float)
    assert table["all", "valence", "icc_2_1"].item() == pytest.approx(icc(wide).single.value)
    assert table["all", "valence", "alpha"].item() == pytest.approx(interval_alpha(wide).value)


def test_order_of_rows_does_not_matter():
    ratings = simulate(15, n_repeats=4)
    shuffled = ratings.sample(frac=1, random_state=0)
    pd.testing.assert_frame_equal(agreement_table(ratings), agreement_table(shuffled))


def test_the_sign_of_a_difference():
    ratings = make_ratings(
        *({"file": str(i), "rater": r, "valence": v + i % 3} for i in range(6) for r, v in (("a", 1.0), ("b", 2.0)))
    )
    row = agreement_table(ratings).set_index("measure").loc["difference"]
    assert (row["rater"], row["other"], row["value"]) == ("a", "b", 1)


def test_incomplete_designs_say_what_was_left_out():
    ratings = simulate(20)
    ratings = ratings[~((ratings["rater"] == "chen") & (ratings["file"] > "wav/004.wav"))]
    ratings = ratings[~((ratings["rater"] == "bo") & (ratings["file"] == "wav/019.wav"))]
    notes = agreement_table(ratings).query("scope == 'all' and label == 'valence'").set_index("measure")
    assert notes.loc["icc_2_1", ["n_items", "note"]].tolist() == [5, "of 20 items, the 5 rated by all 3"]
    assert notes.loc["alpha", ["n_items", "note"]].tolist() == [19, "1 item with one rating left out"]


def test_no_item_that_all_rated():
    ratings = simulate(20)
    number = ratings["file"].str[4:7].astype(int)
    ratings = ratings[number % 3 != ratings["rater"].map({"anna": 0, "bo": 1, "chen": 2})]
    row = agreement_table(ratings).query("label == 'valence'").set_index("measure").loc["icc_2_1"]
    assert np.isnan(row["value"])
    assert row["note"] == "no item rated by all 3 raters; see alpha"


def test_a_rater_without_a_value_does_not_make_a_design_incomplete():
    ratings = simulate(10)
    ratings.loc[ratings["rater"] == "bo", "emotion"] = None
    ratings.loc[ratings["rater"] == "bo", "valence"] = np.nan
    found = agreement_table(ratings).query("scope == 'all' and label == 'valence'")
    assert (found["n_raters"] == 2).all()
    assert found["value"].notna().all()
    assert (found["note"] == "").all()


def test_one_rater():
    table = agreement_table(simulate(10, raters=("anna",), n_repeats=6))
    alone = table[table["scope"] == "all"]
    assert alone["value"].isna().all()
    assert set(alone["note"]) == {"one rater: nobody to compare with"}
    assert table.loc[table["scope"] == "own", "value"].notna().all()


NEXT_TO_NOTHING = (
    [],
    [{"file": "a", "rater": "x"}],
    [{"file": "a", "rater": "x", "valence": 3.0}],
    [{"file": "a", "rater": "x", "valence": 3.0}, {"file": "a", "rater": "y", "valence": 3.0}],
    [{"file": "a", "rater": "x", "valence": 3.0}, {"file": "b", "rater": "y", "valence": 3.0}],
    [{"file": str(i), "rater": r, "valence": 3.0} for i in range(9) for r in "xy"],
    [{"file": str(i), "rater": r, "emotion": "sad"} for i in range(9) for r in "xy"],
    [{"file": "a", "rater": "x", "valence": 3.0, "presentation": 2}],
    [{"file": "a", "rater": "x", "cannot_tell": True}, {"file": "a", "rater": "y", "cannot_tell": True}],
)


def test_little_to_compare_gives_reasons_and_no_values():
    for rows in NEXT_TO_NOTHING:
        table = agreement_table(make_ratings(*rows))
        between = table[table["scope"] != "own"]
        lacking = between[between["value"].isna()]
        assert (lacking["note"] != "").all(), rows
        assert set(between.loc[between["value"].notna(), "measure"]) <= {"difference", "same"}, rows


def test_the_first_repeat_with_a_value_is_compared():
    ratings = make_ratings(
        {"file": "a", "rater": "x", "valence": 3.0},
        {"file": "a", "rater": "x", "presentation": 2},
        {"file": "a", "rater": "x", "valence": 4.0, "presentation": 3},
        {"file": "a", "rater": "x", "valence": 5.0, "presentation": 4},
    )
    row = agreement_table(ratings).set_index("measure").loc["absolute_difference"]
    assert (row["scope"], row["value"], row["n_items"]) == ("own", 1, 1)


def tables_of(ratings):
    return {table.title: table for table in text_tables(ratings, agreement_table(ratings))}


def test_all_tables_of_three_raters():
    tables = tables_of(simulate(20, n_repeats=6))
    assert list(tables) == ["All raters", "Two raters", "Same class", "Own consistency", "Each rater"]
    assert [len(table.rows) for table in tables.values()] == [3, 6, 6, 6, 3]
    for table in tables.values():
        assert {len(row) for row in table.rows} == {len(table.header)}
        assert table.legend.endswith(".")


def test_cells_are_the_values_of_the_table():
    ratings = simulate(20)
    values = agreement_table(ratings).set_index(["scope", "label", "measure"]).loc[("all", "valence", "alpha")]
    cell = tables_of(ratings)["All raters"].rows[1][3]
    expected = [f"{values[name].item():.2f}".replace("0.", ".") for name in ("value", "low", "high")]
    assert cell == f"{expected[0]} ({expected[1]} to {expected[2]})"


def test_what_was_left_out_is_told_below():
    ratings = simulate(20)
    ratings = ratings[~((ratings["rater"] == "bo") & (ratings["file"] == "wav/019.wav"))]
    assert "Valence, ICC: of 20 items, the 19 rated by all 3." in tables_of(ratings)["All raters"].legend


def test_one_rater_has_fewer_tables():
    tables = tables_of(simulate(20, raters=("anna",)))
    assert list(tables) == ["All raters", "Each rater"]
    assert tables["All raters"].rows[0] == ["activation", "–", "–", "–", "0", "1"]
    assert "Activation, ICC: one rater: nobody to compare with." in tables["All raters"].legend


def test_what_a_rater_did():
    ratings = make_ratings(
        {"file": "a", "rater": "x", "activation": 1.0, "seconds": 2.0},
        {"file": "b", "rater": "x", "activation": 3.0, "seconds": 5.0},
        {"file": "b", "rater": "x", "activation": 3.0, "seconds": 3.0, "presentation": 2},
        {"file": "c", "rater": "x", "cannot_tell": True, "seconds": 9.0},
    )
    assert tables_of(ratings)["Each rater"].rows == [["x", "3", "1", "1", "4.0", "2.0 ± 1.0", "–", "–", "–"]]


def test_next_to_nothing():
    for rows in ([], [{"file": "a", "rater": "x"}], [{"file": "a", "rater": "x", "cannot_tell": True}]):
        assert set(tables_of(make_ratings(*rows))) <= {"Each rater"}, rows


def test_differences_keep_their_zero_and_have_an_interval():
    values = agreement_table(simulate(20)).query("scope == 'pair' and label == 'valence' and measure == 'difference'")
    (value, low, high), *_ = values[["value", "low", "high"]].to_numpy()
    signed = [f"{each:+.2f}".replace("-", "−") for each in (value, low, high)]
    cells = next(row for row in tables_of(simulate(20))["Two raters"].rows if row[1] == "valence")
    assert cells[4] == f"{signed[0]} ({signed[1]} to {signed[2]})"


def test_good_ratings_give_no_warning():
    assert warnings_of(simulate(40, n_repeats=12)) == []


def test_no_ratings_at_all():
    assert warnings_of(make_ratings()) == ["There are no ratings."]


def test_one_rater_has_nobody_to_compare_with():
    assert warnings_of(simulate(40, raters=("anna",))) == ["Only anna has rated: there is nobody to compare with."]


def test_how_a_rater_uses_the_scale():
    for change, expected in (
        (lambda v: 3 + v / 4, "bo uses only the upper half of the scale for valence: 3.25 to 4.25 in 40 ratings."),
        (lambda v: 1 + v / 4, "bo uses only the lower half of the scale for valence: 1.25 to 2.25 in 40 ratings."),
        (lambda v: 3.0 + 0 * v, "bo never moved valence: all 40 ratings are 3."),
    ):
        ratings = simulate(40)
        bo = ratings["rater"] == "bo"
        ratings.loc[bo, "valence"] = change(ratings.loc[bo, "valence"])
        assert expected in warnings_of(ratings), expected


def test_ends_mixed_up_and_low_agreement():
    ratings = simulate(40)
    bo = ratings["rater"] == "bo"
    ratings.loc[bo, "activation"] = 6 - ratings.loc[bo, "activation"]
    said = warnings_of(ratings)
    assert said[0].startswith("Activation: raters hardly agree (α = −")
    assert any(line.startswith("bo's activation runs against the other raters' (correlation −.") for line in said)


def test_low_agreement_of_classes():
    ratings = simulate(60)
    ratings["emotion"] = np.random.default_rng(0).choice(["sad", "happy", "angry"], len(ratings))
    assert [line[:31] for line in warnings_of(ratings)] == ["Emotion: raters hardly agree (α"]


def test_too_few_shared_items():
    cases = {0: "no item has ratings", 1: "1 item has ratings", 7: "only 7 items have ratings"}
    for n_shared, words in cases.items():
        ratings = simulate(30, raters=("anna", "bo"))
        theirs = (ratings["rater"] == "bo") & (ratings["file"] >= f"wav/{n_shared:03}.wav")
        ratings.loc[theirs, "file"] = "other/" + ratings.loc[theirs, "file"]
        ratings["emotion"] = None
        assert f"Valence: {words} of two or more people; 20 is little, 100 is better." in warnings_of(ratings), words


def test_repeats_that_differ():
    ratings = simulate(40, n_repeats=20)
    again = (ratings["rater"] == "chen") & (ratings["presentation"] == 2)
    ratings.loc[again, "valence"] = np.random.default_rng(0).uniform(1, 5, again.sum())
    (said,) = warnings_of(ratings)
    assert said.startswith("chen rates valence differently the second time: CCC ")
    assert "over 20 repeats" in said


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
