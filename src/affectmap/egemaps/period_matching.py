"""The length at which a signal is most like its own continuation, for many places at once.

Conventions: a request names a place and the shortest and longest length to try, in samples; arrays over requests have
shape (n_requests, ...).
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from affectmap.egemaps.framing import Floats

Request = tuple[int, int, int]


class Match(NamedTuple):
    """Two neighbouring periods.

    Attributes:
        period: Their length P; 0 if there are none.
        length: P refined by a parabola.
        correlation: Pearson's r of both at the parabola's top.
        height: Largest minus smallest sample of the first, its first and last sample excluded.
        next_height: The same of the second.
    """

    period: int
    length: float
    correlation: float
    height: float
    next_height: float


def match_periods(samples: Floats, requests: list[Request]) -> list[Match]:
    """Find the length P at which a period is most like the next.

        max over P of Pearson's r(x[a : a+P], x[a+P : a+2P])

    among strict local maxima; the last but one P is not looked at (so in openSMILE 2.6).

    Args:
        samples: float64, shape (n_samples,).
        requests: Place a, shortest and longest P.

    Example:
        >>> wave = np.sin(2 * np.pi * np.arange(400.0) / 100)
        >>> match_periods(wave, [(0, 90, 110)])[0].period
        100
    """
    start, shortest, longest = np.array(requests).T.copy()
    n_lengths = max(3, 1 + max(high - low for _, low, high in requests))
    lengths = shortest[:, None] + _places(n_lengths)
    windows = _windows(samples, start, 2 * (n_lengths - 1 + max(low for _, low, _ in requests)))
    products = _products(samples, windows, start, shortest, n_lengths)
    correlations = _correlations(windows, products, lengths)
    best, found = _highest_peaks(correlations, longest - shortest)
    places = best + _places(len(best)) * n_lengths
    left, middle, right = (correlations.take(places + shift) for shift in (-1, 0, 1))
    slope = left - right
    bend = np.where(found, left + right - 2 * middle, -1)
    shift = slope / (2 * bend)
    periods = shortest + best
    columns = (
        np.where(found, periods, 0),
        periods + shift,
        np.where(found, middle - 0.25 * slope * shift, -1),
        *_heights(windows, periods),
    )
    return list(map(Match, *(column.tolist() for column in columns)))


@lru_cache(maxsize=1024)
def _places(n_places: int) -> Floats:
    return np.arange(n_places)


@lru_cache(maxsize=1024)
def _triangle(n_lengths: int) -> Floats:
    return np.tri(n_lengths, n_lengths - 1, -1)


def _windows(samples: Floats, start: Floats, length: int) -> Floats:
    """Copy `length` samples from each start on; beyond the end the last is repeated, which no result depends on."""
    return samples.take(start[:, None] + _places(length), mode="clip")


def _shifted(windows: Floats, n_shifts: int, length: int) -> Floats:
    """View each window shifted by 0, 1, ... samples, shape (n_requests, n_shifts, length)."""
    row, sample = windows.strides
    return np.ndarray((len(windows), n_shifts, length), windows.dtype, windows, strides=(row, sample, sample))


def _products(samples: Floats, windows: Floats, start: Floats, shortest: Floats, n_lengths: int) -> Floats:
    """Give sum over i < P of x_i x_(P+i): first over i < shortest, then over what is left, a triangle."""
    n_common = windows.shape[1] // 2 + 1 - n_lengths
    common = windows[:, :n_common] * (_places(n_common) < shortest[:, None])
    later = _windows(samples, start + shortest, n_common + n_lengths)
    products = np.einsum("rpi,ri->rp", _shifted(later, n_lengths, n_common), common)
    latest = _windows(samples, start + 2 * shortest, 2 * n_lengths)
    triangles = _shifted(latest, n_lengths, n_lengths - 1) * _triangle(n_lengths)
    products += np.einsum("rpi,ri->rp", triangles, later[:, : n_lengths - 1])
    return np.asarray(products)


def _correlations(windows: Floats, products: Floats, lengths: Floats) -> Floats:
    """Give Pearson's r for every length, shape (n_requests, n_lengths); what is beyond the longest has no meaning.

    r = (P sum(xy) - sum(x) sum(y)) / sqrt((P sum(x²) - sum(x)²) (P sum(y²) - sum(y)²))
    """
    totals = np.zeros((2, len(windows), windows.shape[1] + 1))
    windows.cumsum(axis=1, out=totals[0, :, 1:])
    np.square(windows).cumsum(axis=1, out=totals[1, :, 1:])
    ends = lengths + (_places(len(windows)) * totals.shape[2])[:, None]
    totals = totals.reshape(2, -1)
    # Of the first period and of the second: the samples' sums and the sums of their squares.
    sums = np.empty((2, 2, *lengths.shape))
    totals.take(ends, axis=1, out=sums[:, 0], mode="clip")
    np.subtract(totals.take(ends + lengths, axis=1), sums[:, 0], out=sums[:, 1])
    means, squares = sums
    spreads = lengths * squares - means * means
    spread = spreads[0] * spreads[1]
    flat = spread <= 0
    joint = lengths * products - means[0] * means[1]
    return np.where(flat, 0, joint / np.sqrt(np.where(flat, 1, spread)))


def _highest_peaks(correlations: Floats, n_steps: Floats) -> tuple[Floats, Floats]:
    """Give the place of each row's highest strict local maximum, and whether there is one."""
    inner = correlations[:, 1:-1]
    peak = (inner > correlations[:, :-2]) & (inner > correlations[:, 2:])
    peak &= _places(inner.shape[1]) < n_steps[:, None] - 2
    heights = np.where(peak, inner, -2)
    best = heights.argmax(axis=1)
    return best + 1, heights.take(best + _places(len(best)) * heights.shape[1]) > -2


def _heights(windows: Floats, periods: Floats) -> tuple[Floats, Floats]:
    """Give largest minus smallest inner sample of the two periods at each window's start."""
    borders = np.empty((len(windows), 4), np.intp)
    borders[:, 0] = 1
    borders[:, 1] = periods - 1
    borders[:, 2] = periods + 1
    borders[:, 3] = 2 * periods - 1
    borders += (_places(len(windows)) * windows.shape[1])[:, None]
    values, places = windows.ravel(), borders.ravel()
    highest, lowest = np.maximum.reduceat(values, places), np.minimum.reduceat(values, places)
    # In float32, so that periods of one height differ by exactly 0: such a shimmer is left out of smoothing.
    heights = highest.astype(np.float32) - lowest.astype(np.float32)
    return heights[::4], heights[2::4]
