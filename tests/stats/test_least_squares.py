import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from affectmap.errors import ConfigError
from affectmap.schema import FUNCTIONALS
from affectmap.stats.least_squares import centred, distances, explained, pair_sums, regression_columns


def moments_of(predictors, response, weight=None):
    columns = np.column_stack([np.ones(len(response)), predictors, response])
    return (columns * (1 if weight is None else np.asarray(weight)[:, None])).T @ columns


def least_squares_r2(predictors, response):
    design = np.column_stack([np.ones(len(response)), predictors])
    left = response - design @ np.linalg.lstsq(design, response)[0]
    return 1 - np.sum(left**2) / np.sum((response - response.mean()) ** 2)


@pytest.mark.parametrize("n_predictors", [1, 2, 7, 20])
def test_explained_is_least_squares(n_predictors):
    rng = np.random.default_rng(n_predictors)
    predictors = rng.normal(size=(60, n_predictors)) @ rng.normal(size=(n_predictors, n_predictors))
    response = predictors[:, 0] + rng.normal(size=60)
    found = explained(moments_of(predictors, response))
    r2 = least_squares_r2(predictors, response)
    assert found.r2 == pytest.approx(r2, rel=1e-8)
    assert found.adjusted_r2 == pytest.approx(1 - (1 - r2) * 59 / (59 - n_predictors), rel=1e-8)
    assert found.rank == n_predictors


def test_stacked_moments_are_those_one_by_one():
    rng = np.random.default_rng(0)
    stack = np.stack([[moments_of(rng.normal(size=(20, 3)), rng.normal(size=20)) for _ in range(4)] for _ in range(2)])
    found = explained(stack)
    for row, column in np.ndindex(2, 4):
        alone = explained(stack[row, column])
        assert found.r2[row, column] == alone.r2
        assert found.adjusted_r2[row, column] == alone.adjusted_r2
        assert found.rank[row, column] == alone.rank == 3


def test_weights_count_rows_as_copies_do():
    rng = np.random.default_rng(1)
    predictors, response, weight = rng.normal(size=(15, 2)), rng.normal(size=15), rng.integers(0, 4, 15)
    copied = explained(moments_of(np.repeat(predictors, weight, axis=0), np.repeat(response, weight)))
    weighted = explained(moments_of(predictors, response, weight))
    assert weighted.adjusted_r2 == pytest.approx(copied.adjusted_r2, rel=1e-10)


def test_rank_does_not_depend_on_the_order_of_the_predictors():
    rng = np.random.default_rng(2)
    two, response = rng.normal(size=(30, 2)), rng.normal(size=30)
    four = np.column_stack([two, two @ [1.0, 1.0], np.full(30, 2.0)])
    r2 = least_squares_r2(two, response)
    for _ in range(6):
        found = explained(moments_of(four[:, rng.permutation(4)], response))
        assert found.rank == 2
        assert found.r2 == pytest.approx(r2, rel=1e-9)


@pytest.mark.real
@pytest.mark.skipif("AFFECTMAP_DATA" not in os.environ, reason="AFFECTMAP_DATA names no folder")
@pytest.mark.parametrize("name", ["emovo", "ravdess"])
def test_the_88_functionals_hold_86_numbers(name):
    # Two of them are the ranges between two percentiles that are there as well, rounded to float32.
    features = pd.read_parquet(Path(os.environ["AFFECTMAP_DATA"]) / "features" / f"{name}.parquet")
    predictors = centred(features[list(FUNCTIONALS)].to_numpy(np.float64))
    assert explained(moments_of(predictors, np.arange(len(predictors)))).rank == 86


def test_what_cannot_be_told_is_nan_and_warns_of_nothing():
    nothing = explained(np.zeros((3, 3)))
    assert np.isnan(nothing.r2)
    assert np.isnan(nothing.adjusted_r2)
    constant = explained(moments_of(np.arange(5.0), np.full(5, 0.1)))
    assert np.isnan(constant.r2)
    assert constant.rank == 1
    saturated = explained(moments_of(np.array([0.0, 1.0]), np.array([2.0, 3.0])))
    assert saturated.r2 == 1
    assert np.isnan(saturated.adjusted_r2)


def test_moments_are_left_alone():
    moments = moments_of(np.arange(5.0), np.array([1.0, 0.0, 2.0, 5.0, 3.0]))
    before = moments.copy()
    explained(moments)
    np.testing.assert_array_equal(moments, before)


def test_pair_sums_are_symmetric_and_keep_the_stack():
    stacked = pair_sums(np.arange(24.0).reshape(2, 2, 6))
    assert stacked.shape == (2, 2, 3, 3)
    np.testing.assert_array_equal(stacked, np.swapaxes(stacked, -1, -2))
    label_diff, latent_diff = np.array([1.0, 2.0, 3.0]), np.array([2.0, 1.0, 5.0])
    sums = [3, 6.0, 8.0, label_diff @ latent_diff, label_diff @ label_diff, latent_diff @ latent_diff]
    np.testing.assert_allclose(pair_sums(np.array(sums)), moments_of(label_diff, latent_diff))


@pytest.mark.parametrize("dim", [1, 2, 9])
def test_distances_are_euclidean(dim):
    rng = np.random.default_rng(dim)
    one, two = rng.normal(size=(5, dim)), rng.normal(size=(7, dim))
    expected = np.linalg.norm(one[:, None] - two[None], axis=2)
    np.testing.assert_allclose(distances(one, two), expected, rtol=1e-13)
    assert distances(one, two[:0]).shape == (5, 0)


def test_centred_columns_have_no_mean_and_constant_ones_are_exactly_zero():
    rng = np.random.default_rng(3)
    columns = np.column_stack([rng.normal(size=101) + 1e5, np.full(101, 0.1), np.full(101, 1e9 / 3), np.zeros(101)])
    found = centred(columns)
    assert abs(found[:, 0].mean()) < 1e-10
    assert found[:, 0].std() == pytest.approx(columns[:, 0].std())
    assert not found[:, 1:].any()
    assert centred(np.empty((0, 2))).shape == (0, 2)


def test_a_small_spread_on_a_large_offset_is_no_constant():
    assert centred(np.array([[1e9], [1e9 + 0.01]])).tolist() == [[pytest.approx(-0.005)], [pytest.approx(0.005)]]


def test_regression_columns_keep_the_rows_with_every_label():
    label = [[1.0, 2.0], [np.nan, 2.0], [3.0, np.nan], [4.0, 5.0]]
    response, regressors, labelled = regression_columns(label, [1, 2, 3, 4])
    assert response.tolist() == [[1.0, 2.0], [4.0, 5.0]]
    assert regressors.tolist() == [[1.0], [4.0]]
    assert labelled.tolist() == [True, False, False, True]


def test_none_is_a_missing_label():
    assert regression_columns([1.0, None], [1.0, 2.0])[2].tolist() == [True, False]


def test_messages_use_the_name_that_the_caller_gave():
    with pytest.raises(ConfigError, match="1 of 2 rows of latent are not finite"):
        regression_columns([1.0, 2.0], [1.0, np.nan], "latent")
    with pytest.raises(ConfigError, match="latent must be numbers"):
        regression_columns([1.0, 2.0], ["a", "b"], "latent")
    with pytest.raises(ConfigError, match="label has 1 rows and latent 2"):
        regression_columns([1.0], [1.0, 2.0], "latent")
