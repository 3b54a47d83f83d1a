"""Baselines against scikit-learn and closed forms."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.decomposition import PCA

from affectmap.errors import ConfigError
from affectmap.stats import baselines
from affectmap.stats.baselines import FUNCTIONALS_88, PCA_2, RidgeMap, baseline
from affectmap.style import RIDGE

NAN = float("nan")


@pytest.fixture
def features() -> np.ndarray:
    return np.random.default_rng(2).normal(size=(40, 5)).astype(np.float32)


@pytest.fixture
def label(features) -> np.ndarray:
    noise = np.random.default_rng(3).normal(size=(40, 2))
    return features[:, :2].astype(float) + 3 + 0.1 * noise


def closed_form(features: np.ndarray, label: np.ndarray, penalty: float, new: np.ndarray) -> np.ndarray:
    """Ridge regression with an intercept that is not penalised."""
    x, y = features.astype(float), label
    centred = x - x.mean(axis=0)
    weights = np.linalg.solve(centred.T @ centred + penalty * np.eye(x.shape[1]), centred.T @ (y - y.mean(axis=0)))
    return (new - x.mean(axis=0)) @ weights + y.mean(axis=0)


@pytest.mark.parametrize("penalty", [0.1, 300.0])
def test_ridge_by_its_normal_equations(features, label, penalty):
    new = np.random.default_rng(4).normal(size=(7, 5))
    found = RidgeMap(penalty).fit(features, label).transform(new)
    np.testing.assert_allclose(found, closed_form(features, label, penalty, new), rtol=1e-4)


def test_rows_with_a_missing_label_are_left_out(features, label):
    holes = label.copy()
    holes[3, 0], holes[5] = NAN, NAN
    known = np.delete(np.arange(40), [3, 5])
    np.testing.assert_array_equal(
        RidgeMap(1.0).fit(features, holes).transform(features),
        RidgeMap(1.0).fit(features[known], label[known]).transform(features),
    )


def test_a_single_label_makes_one_dimension(features, label):
    for one in (label[:, 0], label[:, :1]):
        assert RidgeMap().fit(features, one).transform(features).shape == (40, 1)


@pytest.mark.parametrize("label", [np.full((40, 2), NAN), np.column_stack([np.full(40, NAN), np.ones(40)])])
def test_ridge_needs_labels(features, label):
    with pytest.raises(ConfigError, match="ridge regression needs labels, and no utterance has them all"):
        RidgeMap().fit(features, label)


def test_two_principal_components(features):
    found = baseline(PCA_2).fit(features, np.full(40, NAN)).transform(features)
    centred = features.astype(float) - features.mean(axis=0)
    _, spread, axes = np.linalg.svd(centred, full_matrices=False)
    np.testing.assert_allclose(np.abs(found), np.abs(centred @ axes[:2].T), atol=1e-5)
    assert isinstance(baseline(PCA_2), PCA)
    assert spread[0] > spread[2]


def test_the_functionals_themselves_are_left_as_they_are(features):
    np.testing.assert_array_equal(baseline(FUNCTIONALS_88).fit(features).transform(features), features)


def test_the_penalty_reaches_the_ridge():
    assert baseline(RIDGE, penalty=7.0).penalty == 7.0
    assert baseline(RIDGE).penalty == 300.0


@pytest.mark.parametrize("name", [PCA_2, RIDGE, FUNCTIONALS_88])
def test_baselines_are_scikit_learn_s(features, label, name):
    first, second = baseline(name), clone(baseline(name))
    np.testing.assert_array_equal(
        first.fit(features, label).transform(features), second.fit(features, label).transform(features)
    )


def test_an_unknown_baseline_is_told_in_one_line():
    with pytest.raises(ConfigError, match="no baseline 'PCA-3'; expected one of"):
        baseline("PCA-3")


def test_components_of_many_rows_are_those_of_few():
    features = np.random.default_rng(0).normal(size=(300, 5)) * [5, 3, 1, 1, 1]
    few, many = (baseline(PCA_2, n_rows=n).fit(features) for n in (300, baselines.MANY_ROWS + 1))
    assert few.svd_solver != many.svd_solver
    np.testing.assert_allclose(np.abs(many.transform(features)), np.abs(few.transform(features)), atol=1e-9)
