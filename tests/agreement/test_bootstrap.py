"""Intervals over items."""

import math

import numpy as np
import pytest

import affectmap.agreement.bootstrap
from affectmap.agreement.bootstrap import estimate, interval, resampled_sums
from affectmap.errors import ConfigError


def test_interval_is_that_of_the_percentiles():
    samples = np.random.default_rng(0).normal(size=999)
    assert interval(samples) == pytest.approx(tuple(np.quantile(samples, [0.025, 0.975])))
    low, high = interval(samples, level=0.5)
    assert np.mean((samples >= low) & (samples <= high)) == pytest.approx(0.5, abs=0.01)


def test_interval_leaves_nan_out():
    samples = np.array([np.nan, 1.0, 2.0, np.nan, 3.0])
    assert interval(samples) == interval([1.0, 2.0, 3.0])
    assert interval([4.0, np.nan]) == (4.0, 4.0)
    for empty in ([], [np.nan, np.nan]):
        assert all(math.isnan(end) for end in interval(empty))


@pytest.mark.parametrize("level", [0, 1, 95, -0.1, math.nan])
def test_level_is_a_share(level):
    with pytest.raises(ConfigError, match="expected a share above 0 and below 1"):
        interval([1.0], level=level)


def test_sums_of_resamples_count_items_as_often_as_they_were_drawn(monkeypatch):
    sums = np.random.default_rng(0).normal(size=(30, 2))
    with_count = np.column_stack([sums, np.ones(30)])
    totals = resampled_sums(with_count, 3000, seed=1)
    assert (totals[:, 2] == 30).all()
    np.testing.assert_allclose(totals[:, :2].mean(axis=0), sums.sum(axis=0), atol=0.4)
    np.testing.assert_allclose(totals[:, :2].var(axis=0), 30 * sums.var(axis=0), rtol=0.1)
    np.testing.assert_array_equal(totals, resampled_sums(with_count, 3000, seed=1))
    assert resampled_sums(sums[:4]).shape == (0, 2)  # so few items give no interval
    monkeypatch.setattr(affectmap.agreement.bootstrap, "COUNTS_SIZE", 100)
    assert resampled_sums(with_count, 10, seed=1).shape == (10, 3)


def test_an_estimate_has_the_interval_of_its_resamples():
    sums = np.column_stack([np.ones(8), np.arange(8.0)])
    resampled = resampled_sums(sums, 500)

    def mean(totals):
        return totals[:, 1] / totals[:, 0]

    assert estimate(sums, resampled, mean, 8) == (3.5, *interval(mean(resampled)), 8)
    value, low, high, n_items = estimate(sums, resampled[:0], mean, 8)
    assert (value, n_items) == (3.5, 8)
    assert math.isnan(low)
    assert math.isnan(high)
    assert all(math.isnan(each) for each in estimate(sums, resampled, lambda totals: totals[:, 0] * np.nan, 8)[:3])
