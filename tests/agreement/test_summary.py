"""Agreement as text."""

import pytest

from affectmap.agreement import agreement_table
from affectmap.agreement.summary import text_tables
from rating_files import make_ratings, simulate


def tables_of(ratings):
    return {table.title: table for table in text_tables(ratings, agreement_table(ratings, 50))}


def test_all_tables_of_three_raters():
    tables = tables_of(simulate(20, n_repeats=6))
    assert list(tables) == ["All raters", "Two raters", "Same class", "Own consistency", "Each rater"]
    assert [len(table.rows) for table in tables.values()] == [3, 6, 6, 6, 3]
    for table in tables.values():
        assert {len(row) for row in table.rows} == {len(table.header)}
        assert table.legend.endswith(".")


def test_cells_are_the_values_of_the_table():
    ratings = simulate(20)
    values = agreement_table(ratings, 50).set_index(["scope", "label", "measure"]).loc[("all", "valence", "alpha")]
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


@pytest.mark.parametrize(
    "rows", [[], [{"file": "a", "rater": "x"}], [{"file": "a", "rater": "x", "cannot_tell": True}]]
)
def test_next_to_nothing(rows):
    assert set(tables_of(make_ratings(*rows))) <= {"Each rater"}
