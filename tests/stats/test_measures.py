import warnings

import numpy as np
import pytest
from scipy.stats import pearsonr
from sklearn.metrics import (
    accuracy_score,
    balanced_accuracy_score,
    confusion_matrix,
    mean_absolute_error,
    precision_score,
    r2_score,
    recall_score,
)

from affectmap.errors import ConfigError
from affectmap.stats.measures import (
    calibration_error,
    class_measures,
    confusion,
    interval_measures,
    rating_measures,
    reliability,
)
from cases import each

NAN = float("nan")
CLASSES = ["neutral", "sad", "happy", "angry"]


def values(measures):
    return {name: measure.value for name, measure in measures.items()}


def drawn(seed, n=60, n_classes=4):
    rng = np.random.default_rng(seed)
    names = np.array(CLASSES[:n_classes])
    return names[rng.integers(0, n_classes, n)], names[rng.integers(0, n_classes, n)], rng


# Classes


@each("seed", range(8))
def test_classes_are_scored_as_by_scikit_learn(seed):
    truth, prediction, _ = drawn(seed)
    found = values(class_measures(truth, prediction, CLASSES))
    assert found["uar"] == pytest.approx(balanced_accuracy_score(truth, prediction))
    assert found["accuracy"] == pytest.approx(accuracy_score(truth, prediction))
    for which, score in (("recall", recall_score), ("precision", precision_score)):
        expected = score(truth, prediction, labels=CLASSES, average=None)
        assert [found[f"{which}_{name}"] for name in CLASSES] == pytest.approx(expected)
    assert np.array_equal(confusion(truth, prediction, CLASSES), confusion_matrix(truth, prediction, labels=CLASSES))


def test_classes_by_hand():
    truth = ["sad", "sad", "sad", "angry", "fear", None]
    prediction = ["sad", "angry", "sad", "angry", "sad", "angry"]
    found = values(class_measures(truth, prediction, ["sad", "happy", "angry"]))
    assert found == pytest.approx(
        {"uar": (2 / 3 + 1) / 2, "accuracy": 3 / 4, "recall_sad": 2 / 3, "precision_sad": 1, "recall_happy": NAN,
         "precision_happy": NAN, "recall_angry": 1, "precision_angry": 1 / 2},
        nan_ok=True,
    )  # fmt: skip
    assert confusion(truth, prediction, ["sad", "angry"]).to_dict() == {
        "sad": {"sad": 2, "angry": 0}, "angry": {"sad": 1, "angry": 1}
    }  # fmt: skip


@each("truth", [[], ["fear", None]])
def test_without_a_row_of_the_classes_nothing_is_told(truth):
    found = values(class_measures(truth, ["sad"] * len(truth), ["sad", "angry"]))
    assert np.isnan(list(found.values())).all()


def test_a_single_class_has_a_recall():
    found = values(class_measures(["sad", "sad"], ["sad", "angry"], CLASSES))
    assert (found["uar"], found["recall_sad"]) == (0.5, 0.5)


# Ratings


@each("seed", range(8))
def test_ratings_are_scored_as_by_scikit_learn_and_scipy(seed):
    rng = np.random.default_rng(seed)
    truth = rng.uniform(1, 5, 50)
    prediction = (3 + 0.4 * (truth - 3) + rng.normal(0, 0.7, 50)).clip(1, 5)
    truth[::7] = NAN
    known = np.isfinite(truth)
    y, z = truth[known], prediction[known]
    found = values(rating_measures(truth, prediction))
    assert found["r2"] == pytest.approx(r2_score(y, z), abs=1e-12)
    assert found["pearson"] == pytest.approx(pearsonr(y, z).statistic, abs=1e-12)
    assert found["mean_absolute_error"] == pytest.approx(mean_absolute_error(y, z), abs=1e-12)
    assert found["bias"] == pytest.approx(np.mean(z - y), abs=1e-12)
    ccc = 2 * np.cov(y, z, ddof=0)[0, 1] / (y.var() + z.var() + (y.mean() - z.mean()) ** 2)
    assert found["ccc"] == pytest.approx(ccc, abs=1e-12)


def test_a_constant_prediction_has_no_correlation_and_no_concordance():
    found = values(rating_measures([1.0, 2.0, 3.0], [2.0, 2.0, 2.0]))
    assert found == pytest.approx(
        {"ccc": 0, "r2": 0, "pearson": NAN, "mean_absolute_error": 2 / 3, "bias": 0}, nan_ok=True
    )


def test_constant_ratings_have_nothing_to_explain():
    found = values(rating_measures([2.0, 2.0, 2.0], [1.0, 2.0, 4.5]))
    assert np.isnan([found["r2"], found["pearson"]]).all()
    assert (found["ccc"], found["bias"]) == (0, 0.5)


def test_without_ratings_nothing_is_told():
    found = values(rating_measures([NAN, NAN], [1.0, 2.0]))
    assert np.isnan(list(found.values())).all()


# Intervals and probabilities


def test_an_interval_contains_its_ends():
    found = values(interval_measures([2.0, 4.0, 4.1, NAN, 3.0], [2.0, 3.0, 3.0, 1.0, NAN], [3.0, 4.0, 4.0, 5.0, NAN]))
    assert found == pytest.approx({"coverage": 2 / 3, "width": 1.0})


def test_calibration_error_by_hand():
    # One class twice, at .6 and .8 in two bins: |1 - .6| / 2 + |0 - .8| / 2.
    chances = [[0.6, 0.4, 0, 0], [0.1, 0.8, 0.1, 0]]
    assert calibration_error(["neutral", "neutral"], chances, CLASSES).value == pytest.approx(0.6)
    assert np.isnan(calibration_error(["fear"], np.full((1, 4), 0.25), CLASSES).value)


@each("seed", range(4))
def test_calibration_error_is_that_of_the_plain_loop(seed):
    truth, _, rng = drawn(seed, n=80)
    chances = rng.dirichlet(np.ones(4), 80)
    weights = [1 / np.sum(truth == name) for name in truth]
    error = 0.0
    for low in np.arange(10) / 10:
        rows = [i for i in range(80) if low <= chances[i].max() < low + 0.1]
        error += abs(sum(weights[i] * ((CLASSES[chances[i].argmax()] == truth[i]) - chances[i].max()) for i in rows))
    assert calibration_error(truth, chances, CLASSES).value == pytest.approx(error / sum(weights))
    table = reliability(truth, chances, CLASSES)
    assert table["n"].sum() == 80
    assert table["weight"].sum() == pytest.approx(1)
    assert np.sum(table["weight"] * (table["hits"] - table["confidence"]).abs()) == pytest.approx(error / sum(weights))


def test_a_certain_prediction_is_in_the_last_bin():
    assert reliability(["sad"], [[0, 1, 0, 0]], CLASSES)[["low", "high", "hits"]].values.tolist() == [[0.9, 1.0, 1.0]]


def test_rows_without_a_probability_take_no_part():
    chances = [[0, 1, 0, 0], [NAN] * 4]
    assert reliability(["sad", "sad"], chances, CLASSES)["n"].tolist() == [1]
    assert calibration_error(["sad", "angry"], chances, CLASSES).value == 0


# What all measures share


def all_measures(seed, order=None):
    truth, prediction, rng = drawn(seed)
    rating = rng.uniform(1, 5, 60)
    predicted = rng.uniform(1, 5, 60)
    chances = rng.dirichlet(np.ones(4), 60)
    order = np.arange(60) if order is None else order
    columns = (each[order] for each in (truth, prediction, rating, predicted, chances))
    truth, prediction, rating, predicted, chances = columns
    return (
        class_measures(truth, prediction, CLASSES)
        | rating_measures(rating, predicted)
        | interval_measures(rating, predicted - 1, predicted + 1)
        | {"ece": calibration_error(truth, chances, CLASSES)}
    )


def test_the_order_of_rows_does_not_matter():
    order = np.random.default_rng(5).permutation(60)
    assert values(all_measures(0, order)) == pytest.approx(values(all_measures(0)), abs=1e-12)


def test_a_measure_of_some_rows_is_that_of_these_rows_alone():
    chosen = np.random.default_rng(6).random(60) < 0.5
    some = {name: measure.rows(chosen).value for name, measure in all_measures(1).items()}
    assert some == pytest.approx(values(all_measures(1, np.flatnonzero(chosen))), abs=1e-12)


def test_totals_without_each_group_are_those_of_the_rest():
    group = np.random.default_rng(7).integers(0, 5, 60)
    for name, measure in all_measures(2).items():
        sums = np.stack([measure.sums[group == which].sum(axis=0) for which in range(5)])
        without = measure.quantity(sums.sum(axis=0) - sums)
        expected = [measure.rows(group != which).value for which in range(5)]
        assert without == pytest.approx(expected, abs=1e-9), name


def test_a_difference_is_paired():
    one, other = all_measures(3), all_measures(4)
    for name in one:
        assert one[name].minus(other[name]).value == pytest.approx(one[name].value - other[name].value)
        assert one[name].minus(one[name]).value == 0


@each(
    "measure",
    [
        lambda: class_measures(["sad"], [], CLASSES),
        lambda: confusion(["sad"], [], CLASSES),
        lambda: rating_measures([1.0], []),
        lambda: interval_measures([1.0], [1.0], []),
        lambda: calibration_error([], [[0, 0, 0, 1]], CLASSES),
    ],
)
def test_lengths_that_differ_are_named(measure):
    with pytest.raises(ConfigError, match=r"expected as many"):
        measure()


def test_a_column_of_probabilities_is_needed_for_each_class():
    with pytest.raises(ConfigError, match=r"shape \(1, 2\); expected a column for each of"):
        calibration_error(["sad"], [[0.5, 0.5]], CLASSES)


def test_no_warning_comes_of_what_cannot_be_computed():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for measure in (*class_measures([], [], CLASSES).values(), *rating_measures([], []).values()):
            assert np.isnan(measure.value)
