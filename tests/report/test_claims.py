import numpy as np
import pytest

from affectmap.report.claims import claim_views, interval_words


def test_one_item_a_claim_with_all_its_comparisons(whole_results):
    views = claim_views(whole_results.claims)
    assert [view.letter for view in views] == list("abcdef")
    assert [view.verdict for view in views] == ["holds", "holds", "cannot be told", "holds", "does not hold", "holds"]
    assert all([row["corpus"] for row in view.rows] == ["urdu", "aesdd", "all"] for view in views)


def test_words_count_comparisons_and_explain_the_interval(whole_results):
    first, _, third, fourth, fifth, sixth = claim_views(whole_results.claims)
    assert first.overall == (
        "Two of two comparisons speak for it, two with the whole interval. All together (mean of the comparisons): "
        "+9.0 points of 100. The whole interval lies above zero: other speakers would most likely show the same."
    )
    assert third.overall.startswith("One of two comparisons speaks for it, none with the whole interval.")
    assert fourth.overall.endswith("It has parts of different kinds and holds only if all do.")
    assert (
        fifth.overall
        == "None of two comparisons speak for it. It has parts of different kinds and holds only if all do."
    )
    assert "share of comparisons won, less one half" in sixth.overall


def test_places_of_the_small_plot_are_on_one_scale_around_zero(whole_results):
    for view in claim_views(whole_results.claims):
        ends = [
            row["places"][key] for row in view.rows for key in ("ci_low", "ci_high") if row["places"][key] is not None
        ]
        assert min(ends) >= 3
        assert max(ends) <= 97
        for row in view.rows:
            if row["places"]["difference"] is not None:
                assert np.sign(row["places"]["difference"] - 50) == np.sign(round(row["difference"], 12))


def test_missing_numbers_have_no_place_and_a_dash(whole_results):
    claims = whole_results.claims.assign(difference=np.nan, ci_low=np.nan, ci_high=np.nan)
    for view in claim_views(claims):
        assert set(view.rows[0]["places"].values()) == {None}
        assert view.rows[0]["shown"] == {"difference": "–", "interval": "–"}
        assert view.rows[0]["words"] == "There are too few speakers to say how sure this is."


def test_a_claim_without_overall_row_cannot_be_told(whole_results):
    single = whole_results.claims[whole_results.claims["corpus"] != "all"]
    assert {view.verdict for view in claim_views(single)} == {"cannot be told"}
    assert claim_views(single.iloc[:0]) == []


def test_equal_results_are_at_zero(whole_results):
    claims = whole_results.claims.assign(difference=0.0, ci_low=0.0, ci_high=0.0)
    assert claim_views(claims)[0].rows[0]["places"]["difference"] == 50
    assert "includes zero" in claim_views(claims)[0].rows[0]["words"]


@pytest.mark.parametrize(
    ("low", "high", "word"), [(1e-9, 1, "above"), (0.0, 1, "includes"), (-1, 0.0, "includes"), (-1, -1e-9, "below")]
)
def test_zero_belongs_to_the_interval(low, high, word):
    assert word in interval_words(low, high)
