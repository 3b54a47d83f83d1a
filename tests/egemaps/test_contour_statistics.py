from itertools import pairwise

import numpy as np
import pytest

from affectmap.egemaps.contour_peaks import find_extrema, peak_rate, slopes, slopes_of_stretches
from affectmap.egemaps.smoothing import smooth, smooth_nonzero, smooth_nonzero_backward, with_last_repeated
from affectmap.egemaps.statistics import (
    mean_and_deviation,
    mean_and_deviation_nonzero,
    mean_and_spread,
    percentiles,
    segment_lengths,
)

RNG = np.random.default_rng(8)


class TestSmoothing:
    def test_over_all_values(self):
        contour = RNG.random((9, 2))
        padded = np.concatenate([contour[:1], contour, contour[-1:]])
        np.testing.assert_allclose(smooth(contour), [padded[t : t + 3].mean(axis=0) for t in range(9)])

    def test_over_values_that_are_not_zero(self):
        contour = RNG.integers(0, 3, 40).astype(float)
        padded = np.concatenate([contour[:1], contour, contour[-1:]])
        for t, value in enumerate(smooth_nonzero(contour)):
            near = padded[t : t + 3]
            assert value == pytest.approx(near[near != 0].mean() if contour[t] else 0)

    def test_backward_takes_each_frame_for_its_next(self):
        np.testing.assert_allclose(smooth_nonzero_backward(np.array([1.0, 4.0, 7.0])), [1, 3, 6])

    def test_the_last_input_is_repeated(self):
        contour = np.array([1.0, 2.0, 6.0])
        assert with_last_repeated(smooth(contour), contour)[-1] == 6

    def test_nothing_stays_nothing(self):
        assert len(smooth(np.zeros(0))) == len(smooth_nonzero(np.zeros(0))) == 0


class TestMeanAndDeviation:
    def test_by_numpy(self):
        values = RNG.random((30, 3)) + 1
        mean, deviation = mean_and_deviation(values)
        np.testing.assert_allclose(mean, values.mean(axis=0))
        np.testing.assert_allclose(deviation, values.std(axis=0) / values.mean(axis=0))

    def test_leaves_zeros_out(self):
        values = np.array([[0.0, 0.0], [2.0, 0.0], [4.0, 0.0]])
        np.testing.assert_allclose(mean_and_deviation_nonzero(values), [[3, 0], [1 / 3, 0]])

    def test_a_mean_of_zero_divides_by_one(self):
        np.testing.assert_allclose(mean_and_deviation(np.array([[-1.0], [1.0]])), [[0], [1]])

    def test_nothing_is_zero(self):
        np.testing.assert_array_equal(mean_and_deviation(np.zeros((0, 2))), np.zeros((2, 2)))


class TestPercentiles:
    @pytest.mark.parametrize("n", [1, 2, 3, 57])
    def test_by_numpy(self, n):
        contour = RNG.random(n)
        low, middle, high = np.percentile(contour, [20, 50, 80])
        np.testing.assert_allclose(percentiles(contour), [low, middle, high, high - low])

    def test_nothing_is_zero(self):
        assert percentiles(np.zeros(0)).tolist() == [0, 0, 0, 0]


def plain_segments(matching: np.ndarray) -> list[float]:
    """Run the state machine frame by frame."""
    lengths, first, count, gap, last = [], -1, 0, 0, 0
    for i, match in enumerate(matching):
        if match:
            if first < 0:
                first, count = i, 0
            count, gap, last = count + 1, 0, i
        elif first >= 0:
            gap += 1
            if gap == 2:
                if count >= 3:
                    lengths.append(i - 2 - first)
                first = -1
    if first >= 0 and count >= 3:
        lengths.append(last - first)
    return [length * 0.01 for length in lengths]


class TestSegmentLengths:
    @pytest.mark.parametrize("seed", range(8))
    def test_by_plain_loops(self, seed):
        matching = np.random.default_rng(seed).random(200) < 0.55
        np.testing.assert_allclose(segment_lengths(matching), plain_segments(matching))

    def test_all_and_nothing(self):
        assert segment_lengths(np.ones(11, bool)).tolist() == [0.1]
        assert len(segment_lengths(np.zeros(11, bool))) == len(segment_lengths(np.zeros(0, bool))) == 0

    def test_at_most_a_thousand(self):
        assert len(segment_lengths(np.tile([True] * 3 + [False] * 2, 1200))) == 1000

    def test_any_number_where_none_is_given(self):
        matching = np.tile([True, True, True, False, False, False], 1500)
        assert len(segment_lengths(matching, None)) == 1500

    def test_mean_and_spread(self):
        assert mean_and_spread(np.array([0.1, 0.3])) == pytest.approx((0.2, 0.1))
        assert mean_and_spread(np.zeros(0)) == (0, 0)


class TestPeaks:
    def test_counts_the_peaks_of_a_sine(self):
        contour = np.sin(2 * np.pi * 5 * np.arange(100) / 100 + 0.1)
        assert peak_rate(contour) == pytest.approx(5)

    def test_small_ripples_do_not_count(self):
        time = np.arange(200) / 100
        contour = np.sin(2 * np.pi * 2 * time + 0.1) + 0.02 * np.sin(2 * np.pi * 23 * time)
        assert peak_rate(contour) == pytest.approx(2)

    def test_extrema_take_turns(self):
        kinds = [extremum.is_maximum for extremum in find_extrema(RNG.random(300))]
        assert all(a != b for a, b in pairwise(kinds))

    def test_slopes_of_a_triangle_wave(self):
        contour = np.abs((np.arange(121) + 10) % 40 - 20.0)
        rising, rising_spread, falling, falling_spread = slopes(contour[:100])
        assert rising == pytest.approx(100)
        assert rising_spread == pytest.approx(0, abs=1e-9)
        assert falling > 0
        assert falling_spread >= 0

    def test_a_line_has_the_slope_of_its_ends_per_frame(self):
        assert slopes(np.arange(10.0)).tolist() == [0.9, 0, 0, 0]
        assert slopes(-np.arange(10.0)).tolist() == [0, 0, -0.9, 0]

    def test_nothing_and_constants_are_flat(self):
        assert slopes(np.zeros(0)).tolist() == slopes(np.full(20, 3.0)).tolist() == [0, 0, 0, 0]
        assert peak_rate(np.zeros(0)) == peak_rate(np.full(20, 3.0)) == 0


class TestSlopesOfStretches:
    def test_of_triangles_are_known_and_the_end_counts(self):
        triangle = np.abs((np.arange(81) + 20) % 40 - 20) / 10  # from 2 down to 0 and up again, twice
        np.testing.assert_allclose(slopes_of_stretches([triangle]), [10, 0, 10, 0])
        # Up to 1 in 10 frames and down to 0.5 in 10, with nothing between stretches.
        up_and_down = np.concatenate([np.linspace(0, 1, 11), np.linspace(1, 0.5, 11)[1:]])
        np.testing.assert_allclose(slopes_of_stretches([up_and_down, up_and_down + 7]), [10, 0, 5, 0])

    def test_deviation_is_that_of_all_parts(self):
        stretches = [np.linspace(0, rise, 11) for rise in (1.0, 2.0, 6.0)]
        np.testing.assert_allclose(slopes_of_stretches(stretches), [30, np.std([10, 20, 60]), 0, 0])

    def test_nothing_one_frame_and_constants_are_flat(self):
        for stretches in ([], [np.ones(1)], [np.ones(1), np.zeros(1)], [np.ones(40)]):
            assert not slopes_of_stretches(stretches).any()
