"""Jitter and shimmer: the length and height of single glottal periods, found by correlating neighbouring periods.

Conventions: positions count samples from the start of the recording; periods T are in samples unless said otherwise.

Source: Eyben et al. (2016), "jitter" and "shimmer"; the matching of periods as in openSMILE 2.6.
"""

from math import ceil, floor, log10

import numpy as np

from affectmap.egemaps.framing import STEP_S, Floats, FrameGrid

# Periods are looked for within 10 % of the length that F0 tells.
SEARCH_RANGE = 0.1
LEAST_CORRELATION = 0.5
ROUNDING = 1e-10


class PeriodTracker:
    """Walk through voiced stretches period by period; the last period of a frame is compared across its border."""

    def __init__(self, grid: FrameGrid) -> None:
        self._grid = grid
        self._hop = ceil(STEP_S * grid.sampling_rate)
        self._frame = 0
        self._rest = 0
        self.position = 0
        self._forget()

    def _forget(self) -> None:
        self._last_period = 0.0
        self._jitter = 0.0
        self._shimmer = 0.0

    def add(self, f0: Floats, samples: Floats, offset: int) -> Floats:
        """Take in the next frames.

        Args:
            f0: In Hz, 0 for unvoiced, shape (n_frames,).
            samples: What the frames cover, from `position` or earlier on.
            offset: Position of `samples[0]`.

        Returns:
            Local jitter in [0, 1] and shimmer in dB, shape (n_frames, 2).
        """
        samples = samples.astype(np.float64)
        return np.array([self._frame_values(float(value), samples, offset) for value in f0]).reshape(-1, 2)

    def _frame_values(self, f0: float, samples: Floats, offset: int) -> tuple[float, float]:
        start = self._frame * self._grid.step
        self._frame += 1
        n_new = self._hop + self._rest
        limit = self._rest + self._grid.long
        if start - self._rest != self.position:
            self.position = start
            limit = self._grid.long
        if f0 <= 0:
            self._rest = 0
            self.position += n_new
            self._forget()
            return 0.0, 0.0
        length = self._grid.sampling_rate / f0
        shortest, longest = floor((1 - SEARCH_RANGE) * length), ceil((1 + SEARCH_RANGE) * length)
        n_needed = min(max(n_new, 2 * longest + 2), limit)
        first = self.position - offset
        part = samples[first : first + n_needed]
        done = self._walk(part, n_new, floor(length + 0.5), shortest, longest)
        self._rest = n_new - done
        self.position += done
        return min(1.0, self._jitter), 20 * log10(1 + min(1.0, self._shimmer))

    def _walk(self, part: Floats, n_new: int, expected: int, shortest: int, longest: int) -> int:
        """Match periods in the samples of a frame and give how many samples are done with."""
        periods, jumps, heights, differences = [], [], [], []
        at = done = 0
        while at < len(part) - 2 * longest - 1:
            period, refined, correlation = match_period(part[at : at + 2 * longest], shortest, longest)
            if period and correlation > LEAST_CORRELATION:
                seconds = refined / self._grid.sampling_rate
                periods.append(seconds)
                if self._last_period > 0:
                    jump = abs(self._last_period - seconds)
                    # Two frames may match the same periods. That difference is 0 but for rounding, and a jitter of
                    # exactly 0 is left out of smoothing and statistics.
                    jumps.append(jump if jump > ROUNDING * seconds else 0.0)
                self._last_period = seconds
                height, following = (_height(part[begin : begin + period]) for begin in (at, at + period))
                heights.append((height + following) / 2)
                differences.append(abs(height - following))
            at += period or expected
            if at < n_new - 1:
                done = at
        self._conclude(periods, jumps, heights, differences)
        return done

    def _conclude(
        self, periods: list[float], jumps: list[float], heights: list[float], differences: list[float]
    ) -> None:
        if periods:
            self._jitter = (sum(jumps) / len(jumps)) / (sum(periods) / len(periods)) if jumps else 0.0
            self._shimmer = sum(differences) / sum(heights) if sum(heights) else 0.0


def _height(period: Floats) -> float:
    inner = period[1:-1]
    return float(inner.max() - inner.min())


def match_period(samples: Floats, shortest: int, longest: int) -> tuple[int, float, float]:
    """Find the length P at which a period is most like the next.

        max over P of Pearson's r(x[0:P], x[P:2P])

    among strict local maxima; the last but one P is not looked at (so in openSMILE 2.6).

    Returns:
        P in samples (0 if there is none), P refined by a parabola, and r at the parabola's top.
    """
    correlations = _correlations(samples, shortest, longest)
    inner = correlations[1:-2]
    peaks = np.flatnonzero((inner > correlations[:-3]) & (inner > correlations[2:-1]))
    if not len(peaks):
        return 0, 0.0, 0.0
    best = int(peaks[inner[peaks].argmax()]) + 1
    left, middle, right = correlations[best - 1 : best + 2].tolist()
    offset = 0.5 * (left - right) / (left - 2 * middle + right)
    return shortest + best, shortest + best + offset, middle - 0.25 * (left - right) * offset


def _correlations(samples: Floats, shortest: int, longest: int) -> Floats:
    """Give r of x[0:P] and x[P:2P] for P = shortest to longest."""
    n_lags = longest - shortest + 1
    lengths = np.arange(shortest, longest + 1)
    products = np.correlate(samples[shortest : 2 * shortest + n_lags - 1], samples[:shortest], "valid")
    tail = np.lib.stride_tricks.as_strided(samples[2 * shortest :], (n_lags, n_lags - 1), samples.strides * 2)
    products = products + (tail * np.tri(n_lags, n_lags - 1, -1)) @ samples[shortest:longest]
    sums, squares = np.concatenate([[0], samples.cumsum()]), np.concatenate([[0], np.square(samples).cumsum()])
    first, second = sums[lengths], sums[2 * lengths] - sums[lengths]
    spread_first = lengths * squares[lengths] - first**2
    spread_second = lengths * (squares[2 * lengths] - squares[lengths]) - second**2
    spread = np.sqrt(np.maximum(spread_first * spread_second, 0))
    return np.where(spread > 0, (lengths * products - first * second) / np.where(spread > 0, spread, 1), 0)
