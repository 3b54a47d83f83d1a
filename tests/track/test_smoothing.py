"""Smoothing: against weighted least squares, and whether the interval holds the level as often as it says."""

import numpy as np
import pytest
from scipy import stats

from affectmap.track.smoothing import smooth, students_t


def lines_by_hand(times, values, weights, smoothing_s):
    """A penalised line through the neighbours of every time, by solving its normal equations."""
    found = []
    for at in times:
        d = (times - at) / smoothing_s
        k = weights * np.exp(-0.5 * d**2)
        design = np.stack([np.ones_like(d), d], axis=1)
        normal = design.T @ (k[:, None] * design) + np.diag([0.0, 0.01 * k.sum()])
        found.append(np.linalg.solve(normal, design.T @ (k * values))[0])
    return np.array(found)


@pytest.mark.parametrize("n_times", [3, 40, 700])
def test_level_is_a_local_line(n_times):
    rng = np.random.default_rng(0)
    times = np.sort(rng.uniform(0, 3 * n_times, n_times))
    values, weights = rng.normal(size=n_times), rng.uniform(0.5, 2, n_times)
    level = smooth(times, values, weights, 12.0)
    np.testing.assert_allclose(level.value, lines_by_hand(times, values, weights, 12.0), atol=2e-3)


def test_invariances():
    rng = np.random.default_rng(0)
    times, values, weights = np.arange(60.0), rng.normal(size=60), rng.uniform(0.5, 2, 60)
    level = smooth(times, values, weights, 5.0)
    for changed in (
        smooth(times + 1e4, values, weights, 5.0),
        smooth(3 * times, values, weights, 15.0),
        smooth(times, values, 7 * weights, 5.0),
    ):
        np.testing.assert_allclose(changed, level, rtol=1e-6)
    np.testing.assert_allclose(smooth(times, 2 * values + 1, weights, 5.0), 2 * np.array(level) + 1, rtol=1e-9)


def test_a_constant_stays_and_its_interval_is_nothing():
    level = smooth(np.arange(30.0), np.full(30, 3.5), np.ones(30), 5.0)
    np.testing.assert_allclose(level, 3.5)


@pytest.mark.parametrize(("n_times", "smoothing_s"), [(30, 10.0), (150, 10.0), (600, 30.0)])
def test_the_interval_holds_the_level_19_times_in_20(n_times, smoothing_s):
    rng = np.random.default_rng(0)
    held = []
    for _ in range(60):
        times = np.sort(rng.uniform(0, 3 * n_times, n_times))
        truth = 3 + 0.8 * np.sin(2 * np.pi * times / (40 * smoothing_s))
        level = smooth(times, truth + 0.6 * rng.normal(size=n_times), np.ones(n_times), smoothing_s)
        held.append(np.mean((level.low < truth) & (truth < level.high)))
    assert 0.92 < np.mean(held) < 0.985


def test_windows_that_share_samples_do_not_make_it_surer():
    rng = np.random.default_rng(0)
    noise = 0.6 * rng.normal(size=3000)
    alone = smooth(np.arange(1000) * 3.0, noise[::3], np.ones(1000), 30.0)
    shared = np.convolve(noise, np.ones(3) / np.sqrt(3), "valid")  # each the mean of three, at every step
    often = smooth(np.arange(len(shared)) * 1.0, shared, np.ones(len(shared)), 30.0)
    width = [np.median(level.high - level.low) for level in (alone, often)]
    assert width[1] > 0.9 * width[0]


def test_what_has_no_weight_or_value_plays_no_part_but_gets_a_level():
    times, values, weights = np.arange(40.0), np.linspace(2, 4, 40), np.ones(40)
    values[7], weights[9] = np.nan, 0.0
    values[9] = 1e6
    level = smooth(times, values, weights, 5.0)
    assert np.isfinite(level).all()
    assert level.value[9] < 4


@pytest.mark.parametrize("n_times", [0, 1, 2])
def test_too_few_for_an_interval(n_times):
    level = smooth(np.arange(float(n_times)), np.full(n_times, 3.0), np.ones(n_times), 5.0)
    np.testing.assert_allclose(level.value, np.full(n_times, 3.0))
    assert np.isnan(level.low).all()
    assert np.isnan(level.high).all()


def test_nothing_known():
    level = smooth(np.arange(3.0), np.full(3, np.nan), np.ones(3), 5.0)
    assert np.isnan(level).all()


def test_a_lonely_time_takes_the_nearest_value():
    level = smooth(np.array([0.0, 1, 2, 3, 1e6]), np.array([1, 1, 1, 1, np.nan]), np.ones(5), 5.0)
    assert level.value[4] == pytest.approx(1)


@pytest.mark.parametrize(
    ("freedom", "tolerance"), [(2, 1e-2), (3, 2e-3), (5, 2e-4), (7.5, 2e-5), (30, 1e-6), (1e6, 1e-9)]
)
@pytest.mark.parametrize("probability", [0.5, 0.75, 0.95, 0.975])
def test_quantiles_of_students_t_are_scipy_s(probability, freedom, tolerance):
    expected = stats.t.ppf(probability, freedom)
    assert students_t(probability, freedom) == pytest.approx(expected, rel=tolerance, abs=1e-9)
