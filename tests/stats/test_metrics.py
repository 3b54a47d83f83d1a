import itertools
import math
import tracemalloc
import warnings

import numpy as np
import pandas as pd
import pytest
import statsmodels.api
from sklearn.metrics import balanced_accuracy_score, recall_score

from affectmap.errors import ConfigError
from affectmap.schema import Emotion
from affectmap.stats import metrics
from affectmap.stats.metrics import (
    LEVEL,
    Fit,
    SampledFit,
    adjusted_r2,
    pairwise_adjusted_r2,
    sampled_pairwise_adjusted_r2,
    uar,
)

NAN = float("nan")


def ordinary_least_squares(label, predictors):
    return statsmodels.api.OLS(label, statsmodels.api.add_constant(predictors, has_constant="add")).fit()


def naive_pairs(latent, label):
    rows = list(zip(np.atleast_2d(latent.T).T, np.atleast_2d(label.T).T, strict=True))
    pairs = itertools.combinations(rows, 2)
    found = [(math.dist(one[0], two[0]), math.dist(one[1], two[1])) for one, two in pairs]
    return np.array(found).T


def assert_same_fit(fit, oracle, n):
    assert fit.n == n
    assert fit.adjusted_r2 == pytest.approx(oracle.rsquared_adj, rel=1e-9, abs=1e-12)
    assert fit.p_value == pytest.approx(oracle.f_pvalue, rel=1e-6, abs=1e-300)


# Unweighted average recall


@pytest.mark.parametrize("seed", range(12))
def test_uar_is_that_of_scikit_learn(seed):
    rng = np.random.default_rng(seed)
    n_classes = int(rng.integers(1, 6))
    names = np.array(["neutral", "sad", "happy", "angry", "fear"])
    truth = names[rng.integers(0, n_classes, 40)]
    prediction = names[rng.integers(0, 5, 40)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = balanced_accuracy_score(truth, prediction)
        by_recall = recall_score(truth, prediction, labels=np.unique(truth), average="macro", zero_division=0)
    assert uar(truth, prediction) == pytest.approx(expected, abs=1e-15)
    assert uar(truth, prediction) == pytest.approx(by_recall, abs=1e-15)


def test_uar_gives_every_class_the_same_weight():
    truth = ["sad"] * 98 + ["angry"] * 2
    assert uar(truth, ["sad"] * 100) == 0.5
    assert uar(truth, ["sad"] * 99 + ["angry"]) == 0.75


def test_uar_of_one_row_one_class_and_nothing():
    assert uar(["sad"], ["sad"]) == 1.0
    assert uar(["sad", "sad"], ["angry", "sad"]) == 0.5
    assert math.isnan(uar([], []))
    assert math.isnan(uar(np.array([], dtype=object), np.array([], dtype="U5")))


def test_class_that_is_only_predicted_does_not_count():
    assert uar(["sad", "sad", "angry"], ["sad", "sad", "boredom"]) == 0.5


def test_names_compare_across_kinds_of_columns():
    truth = pd.Series([Emotion.SAD, Emotion.ANGRY, Emotion.ANGRY], dtype=object)
    for prediction in (
        ["sad", "angry", "sad"],
        pd.Categorical(["sad", "angry", "sad"]),
        pd.array(["sad", "angry", "sad"]),
    ):
        assert uar(truth, prediction) == 0.75
    assert uar([1, 2, 2], [1.0, 2.0, 1.0]) == 0.75


@pytest.mark.parametrize("missing", [None, NAN, pd.NA])
def test_missing_class_is_an_error(missing):
    holed = pd.Series(["sad", missing, "angry"], dtype=object)
    with pytest.raises(ConfigError, match="truth lacks the class of 1 of 3 rows"):
        uar(holed, ["sad"] * 3)
    with pytest.raises(ConfigError, match="prediction lacks the class of 1 of 3 rows"):
        uar(["sad"] * 3, holed)


@pytest.mark.parametrize(
    ("truth", "prediction", "message"),
    [
        (["sad"], ["sad", "sad"], "truth has 1 rows and prediction 2"),
        ([1, 2], ["1", "2"], "truth is int64 and prediction str"),
        ([["sad"], ["sad"]], ["sad", "sad"], r"truth has shape \(2, 1\)"),
        ("sad", "sad", r"truth has shape \(\)"),
        ([1.0, NAN], [1.0, 1.0], "truth lacks the class of 1 of 2"),
    ],
)
def test_uar_tells_what_is_wrong(truth, prediction, message):
    with pytest.raises(ConfigError, match=message):
        uar(truth, prediction)


# Adjusted R²


@pytest.mark.parametrize(("n", "n_predictors"), [(4, 1), (10, 2), (50, 5), (200, 88), (90, 88)])
@pytest.mark.parametrize("strength", [0.0, 0.3, 3.0])
def test_adjusted_r2_is_that_of_statsmodels(n, n_predictors, strength):
    rng = np.random.default_rng(n + n_predictors)
    predictors = rng.normal(size=(n, n_predictors))
    label = strength * predictors.sum(axis=1) + rng.normal(size=n)
    assert_same_fit(adjusted_r2(label, predictors), ordinary_least_squares(label, predictors), n)


def test_one_dimension_is_one_predictor():
    predictor = np.array([0.1, 0.4, 0.2, 0.9, 0.3])
    label = np.array([1.0, 2.0, 1.5, 4.0, 3.5])
    assert adjusted_r2(label, predictor) == adjusted_r2(label[:, None], predictor[:, None])
    assert_same_fit(adjusted_r2(label, predictor), ordinary_least_squares(label, predictor), 5)


def test_useless_predictors_may_explain_less_than_nothing():
    rng = np.random.default_rng(5)
    fits = [adjusted_r2(rng.normal(size=30), rng.normal(size=(30, 4))) for _ in range(200)]
    assert min(fit.adjusted_r2 for fit in fits) < 0
    assert abs(np.mean([fit.adjusted_r2 for fit in fits])) < 0.03
    assert 0.01 < np.mean([fit.p_value < 0.05 for fit in fits]) < 0.1


@pytest.mark.parametrize(("offset", "scale"), [(1e6, 1.0), (-1e8, 1e-3), (0.0, 1e-12), (1e3, 1e12)])
def test_offset_and_unit_of_the_predictors_do_not_matter(offset, scale):
    rng = np.random.default_rng(1)
    predictors = rng.normal(size=(80, 3))
    label = predictors @ [1.0, -2.0, 0.5] + rng.normal(size=80)
    plain, moved = adjusted_r2(label, predictors), adjusted_r2(label, predictors * scale + offset * scale)
    assert moved.adjusted_r2 == pytest.approx(plain.adjusted_r2, rel=1e-5)
    rotated = adjusted_r2(7 - 3 * label, predictors @ rng.normal(size=(3, 3)))
    assert rotated.adjusted_r2 == pytest.approx(plain.adjusted_r2, rel=1e-9)


def test_missing_labels_are_left_out():
    rng = np.random.default_rng(2)
    predictors, label = rng.normal(size=(30, 2)), rng.normal(size=30)
    label[[3, 7, 29]] = NAN
    kept = ~np.isnan(label)
    assert adjusted_r2(label, predictors) == adjusted_r2(label[kept], predictors[kept])
    assert adjusted_r2(label, predictors).n == 27


def test_collinear_and_constant_predictors_do_not_count():
    rng = np.random.default_rng(3)
    two = rng.normal(size=(40, 2))
    label = two.sum(axis=1) + rng.normal(size=40)
    expected = ordinary_least_squares(label, two)
    redundant = np.column_stack([np.full(40, 0.1), two[:, 0], 5 - two[:, 0], two, two[:, 0] - 3 * two[:, 1]])
    assert_same_fit(adjusted_r2(label, redundant), expected, 40)
    # The two halves and their sum, each rounded to float32, are three columns that hold two numbers a row.
    single = np.column_stack([two, two.sum(axis=1)]).astype(np.float32) + np.float32(30)
    assert_same_fit(adjusted_r2(label, single), ordinary_least_squares(label, single[:, :2].astype(float)), 40)


def test_nearly_collinear_predictors_count():
    rng = np.random.default_rng(4)
    one = rng.normal(size=60)
    predictors = np.column_stack([one, one + 1e-4 * rng.normal(size=60)])
    label = predictors[:, 1] - one + 1e-4 * rng.normal(size=60)
    fit = adjusted_r2(label, predictors)
    assert fit.adjusted_r2 == pytest.approx(ordinary_least_squares(label, predictors).rsquared_adj, rel=1e-6)
    assert fit.adjusted_r2 > 0.3


def test_constant_predictors_explain_nothing_and_have_no_p_value():
    label = np.array([1.0, 2.0, 3.0, 4.5])
    for predictors in (np.full((4, 2), 0.1), np.zeros(4), np.empty((4, 0))):
        fit = adjusted_r2(label, predictors)
        assert fit.adjusted_r2 == 0.0
        assert math.isnan(fit.p_value)


def test_constant_label_leaves_nothing_to_explain():
    fit = adjusted_r2(np.full(9, 0.1), np.arange(9.0))
    assert math.isnan(fit.adjusted_r2)
    assert math.isnan(fit.p_value)
    assert fit.n == 9


@pytest.mark.parametrize("n", range(5))
def test_no_more_rows_than_parameters_cannot_be_told(n):
    rng = np.random.default_rng(0)
    fit = adjusted_r2(rng.normal(size=n), rng.normal(size=(n, 4)))
    assert math.isnan(fit.adjusted_r2)
    assert math.isnan(fit.p_value)
    assert fit.n == n


def test_all_labels_missing_is_an_empty_fit():
    fit = adjusted_r2([NAN, NAN], [[1.0], [2.0]])
    assert fit.n == 0
    assert math.isnan(fit.adjusted_r2)


@pytest.mark.parametrize("n", [4, 5, 100])
def test_perfect_fit(n):
    predictors = np.random.default_rng(n).normal(size=(n, 2))
    assert adjusted_r2(3 + predictors @ [1.0, -0.3], predictors) == Fit(1.0, 0.0, n)


@pytest.mark.parametrize(
    ("label", "predictors", "message"),
    [
        ([1.0, 2.0], [[1.0], [NAN]], "1 of 2 rows of predictors are not finite"),
        ([NAN, 2.0], [[NAN], [1.0]], "1 of 2 rows of predictors are not finite"),
        ([1.0, np.inf], [[1.0], [2.0]], "label holds infinite values"),
        ([1.0, 2.0], [[1.0]], "label has 2 rows and predictors 1"),
        ([[1.0, 2.0]], [[1.0]], "label has 2 columns"),
        (["high", "low"], [[1.0], [2.0]], "label must be numbers"),
        ([1.0, 2.0], [[1.0], [2.0, 3.0]], "predictors must be numbers in rows of equal length"),
        ([1.0], [[[1.0]]], r"predictors has shape \(1, 1, 1\)"),
    ],
)
def test_adjusted_r2_tells_what_is_wrong(label, predictors, message):
    with pytest.raises(ConfigError, match=message):
        adjusted_r2(label, predictors)


def test_inputs_are_left_alone():
    label, predictors = np.array([1.0, 2.0, NAN, 5.0]), np.arange(8.0).reshape(4, 2)
    before = label.copy(), predictors.copy()
    adjusted_r2(label, predictors)
    pairwise_adjusted_r2(predictors, label)
    np.testing.assert_array_equal(label, before[0])
    np.testing.assert_array_equal(predictors, before[1])


# Adjusted R² over pairs


@pytest.mark.parametrize("n", [3, 4, 15, 16, 17, 31, 32, 33, 60])
@pytest.mark.parametrize("latent_dim", [1, 2, 10])
def test_pairwise_is_the_regression_over_all_pairs(n, latent_dim):
    rng = np.random.default_rng(n * latent_dim)
    latent = rng.normal(size=(n, latent_dim))
    label = latent[:, 0] + rng.normal(size=n)
    latent_diff, label_diff = naive_pairs(latent, label)
    expected = ordinary_least_squares(latent_diff, label_diff)
    assert_same_fit(pairwise_adjusted_r2(latent, label), expected, n * (n - 1) // 2)


def test_pairwise_with_several_labels_uses_their_distance():
    rng = np.random.default_rng(8)
    latent, label = rng.normal(size=(40, 2)), rng.integers(2, 11, (40, 2)) / 2
    label[5, 1] = NAN
    kept = np.arange(40) != 5
    latent_diff, label_diff = naive_pairs(latent[kept], label[kept])
    assert_same_fit(pairwise_adjusted_r2(latent, label), ordinary_least_squares(latent_diff, label_diff), 39 * 38 // 2)


def test_pairwise_with_many_equal_labels():
    rng = np.random.default_rng(9)
    label = rng.integers(1, 3, 50).astype(float)
    latent = label[:, None] + 0.3 * rng.normal(size=(50, 2))
    latent_diff, label_diff = naive_pairs(latent, label)
    assert_same_fit(pairwise_adjusted_r2(latent, label), ordinary_least_squares(latent_diff, label_diff), 1225)


def test_pairwise_does_not_depend_on_position_orientation_order_or_precision():
    rng = np.random.default_rng(10)
    latent, label = rng.normal(size=(70, 2)), rng.normal(size=70)
    plain = pairwise_adjusted_r2(latent, label).adjusted_r2
    angle = 0.7
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    order = rng.permutation(70)
    assert pairwise_adjusted_r2(latent @ turn, label).adjusted_r2 == pytest.approx(plain, rel=1e-9)
    assert pairwise_adjusted_r2(latent + 1e7, label - 1e5).adjusted_r2 == pytest.approx(plain, rel=1e-6)
    assert pairwise_adjusted_r2(latent[order], label[order]).adjusted_r2 == pytest.approx(plain, rel=1e-9)
    assert pairwise_adjusted_r2(-3 * latent, 2 * label).adjusted_r2 == pytest.approx(plain, rel=1e-9)
    single = latent.astype(np.float32)
    assert pairwise_adjusted_r2(single, label) == pairwise_adjusted_r2(single.astype(np.float64), label)


def test_pairwise_of_a_latent_that_is_the_label():
    label = np.random.default_rng(11).normal(size=40)
    assert pairwise_adjusted_r2(5 * label - 2, label) == Fit(1.0, 0.0, 780)


def test_missing_labels_are_in_no_pair():
    rng = np.random.default_rng(12)
    latent, label = rng.normal(size=(50, 2)), rng.normal(size=50)
    label[::7] = NAN
    kept = ~np.isnan(label)
    assert pairwise_adjusted_r2(latent, label) == pairwise_adjusted_r2(latent[kept], label[kept])


@pytest.mark.parametrize("n", range(3))
def test_fewer_than_three_pairs_cannot_be_told(n):
    fit = pairwise_adjusted_r2(np.arange(2.0 * n).reshape(n, 2), np.arange(float(n)))
    assert math.isnan(fit.adjusted_r2)
    assert math.isnan(fit.p_value)
    assert fit.n == n * (n - 1) // 2


def test_equal_labels_explain_nothing_and_a_collapsed_latent_has_nothing_to_explain():
    rng = np.random.default_rng(13)
    equal = pairwise_adjusted_r2(rng.normal(size=(20, 2)), np.full(20, 0.1))
    assert equal.adjusted_r2 == 0.0
    assert math.isnan(equal.p_value)
    collapsed = pairwise_adjusted_r2(np.full((20, 2), 0.1), rng.normal(size=20))
    assert math.isnan(collapsed.adjusted_r2)
    triangle = pairwise_adjusted_r2([[0.0, 0.0], [1.0, 0.0], [0.5, math.sqrt(0.75)]], [1.0, 2.0, 4.0])
    assert math.isnan(triangle.adjusted_r2)


def test_pairwise_refuses_a_latent_that_is_not_finite():
    with pytest.raises(ConfigError, match="1 of 3 rows of latent are not finite"):
        pairwise_adjusted_r2([[0.0], [np.inf], [1.0]], [1.0, 2.0, 3.0])
    with pytest.raises(ConfigError, match="label has 2 rows and latent 3"):
        pairwise_adjusted_r2(np.zeros((3, 2)), [1.0, 2.0])


def test_pairwise_memory_grows_with_the_rows_and_not_with_the_pairs():
    rng = np.random.default_rng(14)
    n = 3000
    latent, label = rng.normal(size=(n, 2)), rng.normal(size=n)
    tracemalloc.start()
    pairwise_adjusted_r2(latent, label)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 * n * metrics.BLOCK_ROWS * 6
    assert peak < 8 * n * n / 25


N_SEEDS = 300


def relation(kind: str, n: int = 2000):
    rng = np.random.default_rng(3)
    half_steps = rng.integers(2, 11, n) / 2
    noise = rng.normal(size=(n, 2))
    label = rng.normal(size=n) if kind == "none" else half_steps
    slope, spread = {"strong": (2.0, 0.3), "medium": (1.0, 1.0), "weak": (0.2, 1.0), "none": (0.0, 1.0)}[kind]
    return spread * noise + slope * label[:, None] * [1.0, 0.0], label


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["strong", "medium", "weak", "none"])
def test_the_interval_holds_the_value_of_all_pairs_as_often_as_it_says(kind):
    latent, label = relation(kind)
    exact = pairwise_adjusted_r2(latent, label).adjusted_r2
    fits = [sampled_pairwise_adjusted_r2(latent, label, 20_000, seed) for seed in range(N_SEEDS)]
    held = np.mean([fit.low <= exact <= fit.high for fit in fits])
    # Four standard deviations of a binomial share of so many seeds. Below R² = 0 nothing can lie, so there the
    # interval is in truth one-sided and may hold the value more often.
    tolerance = 4 * math.sqrt(LEVEL * (1 - LEVEL) / N_SEEDS)
    assert held >= LEVEL - tolerance
    assert held <= LEVEL + tolerance or kind in ("weak", "none")
    assert np.mean([fit.adjusted_r2 for fit in fits]) == pytest.approx(exact, abs=2e-3)
    assert all(fit.low <= fit.adjusted_r2 <= fit.high <= 1 for fit in fits)


def test_the_interval_narrows_with_the_root_of_the_pairs():
    latent, label = relation("medium")
    widths = [
        np.mean([fit.high - fit.low for fit in (sampled_pairwise_adjusted_r2(latent, label, m, s) for s in range(20))])
        for m in (4000, 64_000)
    ]
    assert widths[0] / widths[1] == pytest.approx(4, rel=0.15)


def test_the_variance_is_that_of_the_influences_pair_by_pair():
    latent, label = relation("medium", 300)
    fit = sampled_pairwise_adjusted_r2(latent, label, 5000, 1)
    rng = np.random.default_rng(1)
    one, other = rng.integers(300, size=5000), rng.integers(299, size=5000)
    other += other >= one
    a = np.abs(label[one] - label[other])
    b = np.linalg.norm(latent[one] - latent[other], axis=1)
    r = np.corrcoef(a, b)[0, 1]
    u, v = (a - a.mean()) / a.std(), (b - b.mean()) / b.std()
    margin = 1.959964 * np.sqrt(np.mean((u * v - r / 2 * (u * u + v * v)) ** 2) / 5000) / (1 - r * r)
    pairs = 300 * 299 / 2
    expected = [1 - (1 - np.tanh(np.arctanh(r) + k * margin) ** 2) * (pairs - 1) / (pairs - 2) for k in (0, -1, 1)]
    assert fit[:3] == pytest.approx(expected, rel=1e-6)


def test_pairs_are_drawn_uniformly_and_never_a_row_with_itself():
    # Of three far apart rows each pair has its own label distance; a row with itself would be a distance of 0.
    from affectmap.stats.metrics import _pair_distances

    rows = np.array([[0.0], [1.0], [3.0]])
    distances = np.concatenate([label for label, _ in _pair_distances(rows, rows, 60_000, 0)])
    kinds, counts = np.unique(distances, return_counts=True)
    assert kinds.tolist() == [1.0, 2.0, 3.0]
    np.testing.assert_allclose(counts / 60_000, 1 / 3, atol=4 * math.sqrt(2 / 9 / 60_000))


def test_where_all_pairs_are_few_all_are_taken():
    latent, label = relation("medium", 40)
    exact = pairwise_adjusted_r2(latent, label).adjusted_r2
    assert sampled_pairwise_adjusted_r2(latent, label) == SampledFit(exact, exact, exact, 780)
    assert math.isnan(sampled_pairwise_adjusted_r2(latent[:2], label[:2]).adjusted_r2)


def test_a_seed_gives_the_same_and_another_another():
    latent, label = relation("medium")
    first = sampled_pairwise_adjusted_r2(latent, label, 5000, 7)
    assert sampled_pairwise_adjusted_r2(latent, label, 5000, 7) == first
    assert sampled_pairwise_adjusted_r2(latent, label, 5000, 8) != first


def test_rows_without_a_label_are_never_drawn():
    latent, label = relation("medium")
    label[::3] = NAN
    latent[::3] = 1e6
    kept = np.isfinite(label)
    assert sampled_pairwise_adjusted_r2(latent, label, 5000) == sampled_pairwise_adjusted_r2(
        latent[kept], label[kept], 5000
    )


def test_shift_and_scale_do_not_matter():
    latent, label = relation("medium")
    plain = sampled_pairwise_adjusted_r2(latent, label, 5000)
    for moved in ((latent + 1e6, label - 50), (1e8 * latent, 1e-6 * label)):
        assert sampled_pairwise_adjusted_r2(*moved, 5000)[:3] == pytest.approx(plain[:3], rel=1e-5)


def test_several_labels_are_one_distance():
    rng = np.random.default_rng(0)
    label = rng.normal(size=(2000, 2))
    fit = sampled_pairwise_adjusted_r2(label + 0.5 * rng.normal(size=(2000, 2)), label, 50_000)
    assert 0.3 < fit.low < fit.high < 0.9


def test_edges():
    label = np.random.default_rng(1).normal(size=200)
    assert sampled_pairwise_adjusted_r2(5 * label, label, 2000) == SampledFit(1.0, 1.0, 1.0, 2000)
    assert sampled_pairwise_adjusted_r2(label, np.full(200, 0.1), 2000) == SampledFit(0.0, 0.0, 0.0, 2000)
    collapsed = sampled_pairwise_adjusted_r2(np.full(200, 0.1), label, 2000)
    assert np.isnan(collapsed[:3]).all()
    lonely = np.zeros(100_000)
    lonely[0] = 1  # in 2 of 100,000 pairs: none of these 1,000
    assert np.isnan(sampled_pairwise_adjusted_r2(np.arange(1e5), lonely, 1000)[:3]).all()


@pytest.mark.parametrize(
    ("latent", "label", "n_pairs", "message"),
    [
        ([1.0], [1.0], 999, "n_pairs is 999; expected at least 1,000"),
        ([np.inf, 1.0], [1.0, 2.0], 1000, "1 of 2 rows of latent are not finite"),
        ([0.0, 1.0], [1.0], 1000, "label has 1 rows and latent 2"),
        ([0.0, 1.0], [1.0, np.inf], 1000, "label holds infinite values"),
    ],
)
def test_it_tells_what_is_wrong(latent, label, n_pairs, message):
    with pytest.raises(ConfigError, match=message):
        sampled_pairwise_adjusted_r2(latent, label, n_pairs)


def test_memory_does_not_grow_with_the_pairs():
    latent, label = relation("medium", 3000)
    peaks = []
    for n_pairs in (50_000, 800_000):
        tracemalloc.start()
        sampled_pairwise_adjusted_r2(latent, label, n_pairs)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.1 * peaks[0]
