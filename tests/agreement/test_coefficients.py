"""Coefficients against published examples, established packages and plain loops."""

import itertools

import numpy as np
import pytest
from scipy.stats import t, ttest_1samp

from affectmap.agreement.coefficients import icc, interval_alpha, nominal_alpha, pair_measures, same_share
from affectmap.stats.intervals import equal_interval

#: Shrout and Fleiss 1979, table 2: six targets, four judges.
JUDGES = np.array([[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]], dtype=float)
_ = np.nan
#: Krippendorff 2011, D: four observers, twelve units.
UNITS = np.array(
    [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, _, _, _],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, _, 3],
        [_, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, _],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, _],
    ]
).T

MEASURES = (interval_alpha, nominal_alpha, lambda x: icc(x).single, lambda x: icc(x).average)


def random_ratings(n_items=40, n_raters=4, missing=0.0, seed=0):
    rng = np.random.default_rng(seed)
    truth = rng.uniform(1, 5, size=(n_items, 1))
    ratings = truth + rng.normal(scale=0.3, size=(1, n_raters)) + rng.normal(scale=0.6, size=(n_items, n_raters))
    ratings = np.clip(np.round(2 * ratings) / 2, 1, 5)
    ratings[rng.random(ratings.shape) < missing] = np.nan
    return ratings


def loop_alpha(units, distance):
    """Krippendorff's α by its definition, pair by pair."""
    units = [[x for x in unit if x == x and x is not None] for unit in units]
    units = [unit for unit in units if len(unit) >= 2]
    values = [x for unit in units for x in unit]
    n = len(values)
    observed = sum(sum(distance(a, b) for a, b in itertools.permutations(unit, 2)) / (len(unit) - 1) for unit in units)
    expected = sum(distance(a, b) for a, b in itertools.permutations(values, 2)) / (n - 1)
    return 1 - observed / expected


def test_icc_of_shrout_and_fleiss():
    found = icc(JUDGES)
    assert found.single.value == pytest.approx(0.29, abs=0.005)
    assert found.average.value == pytest.approx(0.62, abs=0.005)
    assert (found.single.n_items, found.n_raters, found.n_left_out) == (6, 4, 0)


def test_icc_of_few_items_has_no_interval():
    for n_items in (2, 4, 5):
        found = icc(JUDGES[:n_items])
        assert all(np.isfinite([found.single.value, found.average.value]))
        for each in (found.single, found.average):
            assert np.isnan([each.low, each.high]).tolist() == [n_items < 5] * 2


@pytest.mark.slow  # pingouin and statsmodels take a second to load
@pytest.mark.filterwarnings("ignore:The inplace keyword")  # of pingouin, with pandas 3
def test_icc_and_its_intervals_as_in_pingouin():
    pandas = pytest.importorskip("pandas")
    pingouin = pytest.importorskip("pingouin")
    for ratings in (JUDGES, random_ratings(), random_ratings(9, 2, seed=3), random_ratings(30, 7, seed=5)):
        long = pandas.DataFrame(ratings).melt(ignore_index=False, var_name="rater").reset_index()
        table = pingouin.intraclass_corr(long, targets="index", raters="rater", ratings="value", nan_policy="omit")
        found = icc(ratings)
        for name, mine in (("ICC(A,1)", found.single), ("ICC(A,k)", found.average)):
            row = table[table["Type"] == name].iloc[0]
            assert mine.value == pytest.approx(row["ICC"], abs=1e-9)
            ends = next(row[column] for column in row.index if str(column).startswith("CI95"))
            np.testing.assert_allclose(mine[1:3], ends, atol=0.005001)  # printed with two digits


@pytest.mark.slow
def test_icc_as_an_analysis_of_variance_gives_it():
    """By statsmodels' table of a two-way analysis."""
    import pandas as pd
    import statsmodels.api as sm
    from statsmodels.formula.api import ols

    ratings = random_ratings(15, 3, seed=2)
    long = pd.DataFrame(ratings).melt(ignore_index=False, var_name="rater").reset_index(names="item")
    table = sm.stats.anova_lm(ols("value ~ C(item) + C(rater)", long).fit())
    items, raters, error = (table["sum_sq"] / table["df"]).to_numpy()
    expected = (items - error) / (items + 2 * error + 3 * (raters - error) / 15)
    assert icc(ratings).single.value == pytest.approx(expected)


def test_icc_takes_the_items_that_all_rated():
    ratings = random_ratings(30, 3)
    holed = np.vstack([ratings, [[3, _, 4], [_, _, _]]])
    found, whole = icc(holed), icc(ratings)
    assert found.single == whole.single
    assert found.n_left_out == 2


def test_the_interval_of_an_icc_holds_the_truth_about_as_often_as_it_says():
    rng = np.random.default_rng(1)
    inside = 0
    for _trial in range(400):
        items, raters = rng.normal(size=(25, 1)), rng.normal(scale=0.5, size=(1, 5))
        found = icc(items + raters + rng.normal(scale=0.8, size=(25, 5))).single
        inside += found.low < 1 / (1 + 0.25 + 0.64) < found.high
    assert 0.91 <= inside / 400 <= 0.99


def test_alpha_of_krippendorff():
    assert interval_alpha(UNITS).value == pytest.approx(0.849, abs=0.0005)
    assert nominal_alpha(UNITS).value == pytest.approx(0.743, abs=0.0005)


def test_alpha_of_krippendorff_with_two_observers():
    """Krippendorff 2011, A: two classes; B: five."""
    first, second = [0, 1, 0, 0, 0, 0, 0, 0, 1, 0], [1, 1, 1, 0, 0, 1, 0, 0, 0, 0]
    assert nominal_alpha(np.transpose([first, second])).value == pytest.approx(0.095, abs=0.0005)
    first, second = list("aabbdcccedda"), list("babbbccceddd")
    assert nominal_alpha(np.transpose([first, second])).value == pytest.approx(0.692, abs=0.0005)


def test_alpha_as_in_krippendorff_package_and_as_its_definition():
    krippendorff = pytest.importorskip("krippendorff")
    for seed in range(5):
        ratings = random_ratings(25, 4, missing=0.3, seed=seed)
        mine = interval_alpha(ratings).value
        assert mine == pytest.approx(krippendorff.alpha(ratings.T, level_of_measurement="interval")), seed
        assert mine == pytest.approx(loop_alpha(ratings, lambda a, b: (a - b) ** 2)), seed
        mine = nominal_alpha(ratings).value
        assert mine == pytest.approx(krippendorff.alpha(ratings.T, level_of_measurement="nominal")), seed
        assert mine == pytest.approx(loop_alpha(ratings, lambda a, b: a != b)), seed


def test_alpha_of_classes_by_name():
    names = np.array(["sad", "angry", "happy", "fear", "calm"], dtype=object)
    classes = np.where(np.isnan(UNITS), None, names[np.nan_to_num(UNITS, nan=1).astype(int) - 1])
    assert nominal_alpha(classes).value == pytest.approx(0.743, abs=0.0005)


def test_order_of_items_and_raters_does_not_matter():
    for measure in MEASURES:
        ratings = random_ratings(20, 4)
        shuffled = np.random.default_rng(0).permutation(ratings)[:, [2, 0, 3, 1]]
        assert measure(shuffled).value == pytest.approx(measure(ratings).value)


def test_raters_who_say_the_same_agree():
    for measure in MEASURES:
        same = np.repeat(random_ratings(20, 1), 3, axis=1)
        assert measure(same)[:3] == pytest.approx((1, 1, 1))


def test_agreement_by_chance_is_about_zero():
    noise = np.random.default_rng(0).integers(1, 6, size=(3000, 3)).astype(float)
    for found in (interval_alpha(noise), nominal_alpha(noise), icc(noise).single):
        assert abs(found.value) < 0.03


def test_what_cannot_be_computed_is_nan():
    for ratings in (
        np.empty((0, 0)),
        np.empty((0, 3)),
        np.full((10, 3), np.nan),
        np.full((10, 3), 3.3),
        np.full((10, 1), 3.0),
        [[1.0], [2.0], [3.0]],
        [[3.0, 3.0]],
        [[1.0, np.nan], [np.nan, 2.0]],
    ):
        found = icc(ratings)
        for estimate in (found.single, found.average, interval_alpha(ratings), nominal_alpha(ratings)):
            assert np.isnan(estimate[:3]).all(), ratings


def test_one_item_of_two_ratings():
    assert np.isnan(icc([[1.0, 2.0]]).single.value)
    assert interval_alpha([[1.0, 2.0]]).value == pytest.approx(0)


def test_pairs_as_numpy_gives_them():
    x, y = random_ratings(50, 2, missing=0.2, seed=4).T
    found = pair_measures(x, y)
    both = ~np.isnan(x + y)
    a, b = x[both], y[both]
    expected = 2 * np.cov(a, b, bias=True)[0, 1] / (a.var() + b.var() + (a.mean() - b.mean()) ** 2)
    assert found["ccc"].value == pytest.approx(expected)
    assert found["pearson"].value == pytest.approx(np.corrcoef(a, b)[0, 1])
    assert found["difference"].value == pytest.approx(np.mean(b - a))
    assert found["absolute_difference"].value == pytest.approx(np.abs(a - b).mean())
    for estimate in found.values():
        assert estimate.n_items == both.sum()
        assert estimate.low <= estimate.value <= estimate.high


def test_intervals_leave_one_item_out_at_a_time():
    x, y = random_ratings(12, 2, seed=4).T
    found = pair_measures(x, y)
    without = [np.corrcoef(np.delete(x, k), np.delete(y, k))[0, 1] for k in range(12)]
    moves = np.arctanh(without) - np.arctanh(found["pearson"].value)
    margin = t.ppf(0.975, 11) * np.sqrt(11 / 12 * np.sum(moves**2))
    ends = np.tanh(np.arctanh(found["pearson"].value) + np.array([-margin, margin]))
    np.testing.assert_allclose(found["pearson"][1:3], ends, rtol=1e-5)
    # For a mean it is the interval of Student's t.
    np.testing.assert_allclose(found["difference"][1:3], ttest_1samp(y - x, 0).confidence_interval(), rtol=1e-5)


def test_alpha_without_an_item_is_alpha_of_the_others():
    ratings = random_ratings(10, 3, missing=0.2, seed=1)
    ratings = ratings[(~np.isnan(ratings)).sum(axis=1) >= 2]
    n, found = len(ratings), interval_alpha(ratings)
    without = [interval_alpha(np.delete(ratings, k, axis=0)).value for k in range(n)]
    np.testing.assert_allclose(found[1:3], equal_interval(found.value, without, "correlation"), rtol=1e-9)


def test_raters_who_always_agree_leave_no_doubt_about_ratings_and_some_about_classes():
    assert pair_measures([1, 2, 3, 4, 5], [1, 2, 3, 4, 5])["ccc"][:3] == pytest.approx((1, 1, 1))
    assert np.isnan(same_share(["sad"] * 6, ["sad"] * 6)[1:3]).all()


def test_intervals_hold_the_true_value():
    """A percentile interval over 15 items holds it in nine of ten cases."""
    rng = np.random.default_rng(0)
    true = 1 / (1 + 0.6**2)
    held = []
    for _ in range(400):
        rated = rng.normal(3, 1, 15)
        x, y = rated + 0.6 * rng.normal(size=(2, 15))
        _, low, high, _ = pair_measures(x, y)["ccc"]
        held.append(low <= true <= high)
    assert 0.92 < np.mean(held) < 0.98


def test_pairs_at_the_edge():
    for first, second, expected in (
        ([], [], {"ccc": _, "pearson": _, "difference": _}),
        ([_, 1], [1, _], {"ccc": _, "pearson": _, "difference": _}),
        ([3, 3], [3, 3], {"ccc": _, "pearson": _, "difference": 0}),
        ([3, 3], [3, 4], {"ccc": 0, "pearson": _, "difference": 0.5}),
        ([1, 2, 3], [3, 2, 1], {"ccc": -1, "pearson": -1, "difference": 0}),
    ):
        found = pair_measures(first, second)
        for name, value in expected.items():
            assert found[name].value == pytest.approx(value, nan_ok=True), (first, second, name)


def test_same_share():
    found = same_share(["sad"] * 8 + [None, "sad"], ["sad"] * 4 + ["angry"] * 4 + ["sad", None])
    assert (found.value, found.n_items) == (0.5, 8)
    assert found.low < 0.5 < found.high
    assert np.isnan(same_share([], []).value)


def test_few_items_have_no_interval():
    found = pair_measures([1, 2, 3, 4], [1, 2, 3, 5])["ccc"]
    assert found.value > 0.9
    assert np.isnan([found.low, found.high]).all()
