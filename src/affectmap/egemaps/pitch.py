"""Candidates of the fundamental frequency: subharmonic summation over the 60 ms spectrum.

Conventions: `magnitudes` has shape (n_frames, n_bins); candidates have shape (n_frames, 6), frequency in Hz, 0 where a
slot is empty.

Source: Hermes (1988), "Measurement of pitch by subharmonic summation".
"""

from dataclasses import dataclass
from functools import cached_property, lru_cache
from math import floor, log2

import numpy as np

from affectmap.egemaps.framing import Floats, FrameGrid
from affectmap.egemaps.spectra import long_plan

N_CANDIDATES = 6
LOWEST_HZ = 55.0
HIGHEST_HZ = 1000.0
AXIS_START_HZ = 25.0
N_HARMONICS = 15
COMPRESSION = 0.85
# Of the octave spectrum's linear map, entries this far below a row's largest are left out.
NEGLIGIBLE = 1e-15
# Knots to either side whose values bend the spline at a knot.
BAND = 32
# Rows of that map are multiplied in groups, each with the bins that it needs.
ROWS_A_GROUP = 64


@dataclass(frozen=True, eq=False)
class Spline:
    """A natural cubic spline through values y at the bins, read off at the points of the octave axis.

    Its second derivatives m are 0 at both ends, and in between, h being the knots' distances,

        h_{i-1} m_{i-1} + 2 (h_{i-1} + h_i) m_i + h_i m_{i+1} = 6 ((y_{i+1} - y_i) / h_i - (y_i - y_{i-1}) / h_{i-1})

    which elimination from left to right and back solves.

    Attributes:
        rises: 6 / h, shape (n_bins - 1,).
        pivots: 1 / pivot and h_{i-1} / pivot of the elimination, shape (n_bins, 2).
        ratios: h_i / pivot, shape (n_bins,).
        left: The knot at or left of each point, shape (n_points,).
        weights: Of y at that knot and the next, then of m there, times the point's audibility, shape (n_points, 4).
    """

    rises: Floats
    pivots: Floats
    ratios: Floats
    left: Floats
    weights: Floats


@dataclass(frozen=True, eq=False)
class PitchPlan:
    """The octave axis at one sampling rate.

    Attributes:
        shifts: How many points harmonic h lies above its fundamental, for h = 1 to 15.
        n_points: Points of the octave axis, as many as bins.
        step: Distance of two points in octaves.
        spline: From enhanced magnitudes to the weighted octave spectrum, step by step.
    """

    shifts: tuple[int, ...]
    n_points: int
    step: float
    spline: Spline

    @cached_property
    def groups(self) -> tuple[tuple[slice, slice, Floats], ...]:
        """Give parts of the spline as a linear map.

        These are the points and the bins that each part joins, and its weights, shape (n_bins of the part, n_points of
        the part).
        """
        curvature = _curvature(self.spline)
        groups = []
        for first in range(0, self.n_points, ROWS_A_GROUP):
            rows = slice(first, min(first + ROWS_A_GROUP, self.n_points))
            part = _smoothed_spline(self.spline.left[rows], self.spline.weights[rows], curvature)
            groups.append(_trimmed(rows, *part))
        return tuple(groups)


@lru_cache(maxsize=16)
def pitch_plan(grid: FrameGrid) -> PitchPlan:
    """Plan the octave axis from 25 Hz to the last bin."""
    plan = long_plan(grid)
    n_points = plan.n_bins
    highest = plan.bin_hz * (n_points - 1)
    knots = np.log2(np.maximum(plan.frequencies, plan.bin_hz))
    knots[0] = 2 * knots[1] - knots[2]
    points = np.linspace(log2(AXIS_START_HZ), log2(highest), n_points)
    per_octave = float(np.float32(n_points / log2(highest / AXIS_START_HZ)))
    spline = _spline(knots, points, _audibility(n_points, per_octave))
    shifts = tuple(floor(per_octave * log2(h)) for h in range(1, N_HARMONICS + 1))
    return PitchPlan(shifts, n_points, float(points[1] - points[0]), spline)


def _spline(knots: Floats, points: Floats, audibility: Floats) -> Spline:
    gaps, last = np.diff(knots), len(knots) - 1
    pivots, ratios = np.zeros((last + 1, 2)), np.zeros(last + 1)
    for row in range(1, last):
        pivot = 2 * (gaps[row - 1] + gaps[row]) - gaps[row - 1] * ratios[row - 1]
        pivots[row], ratios[row] = (1 / pivot, gaps[row - 1] / pivot), gaps[row] / pivot
    left = np.clip(np.searchsorted(knots, points, side="right") - 1, 0, last - 1)
    gap = knots[left + 1] - knots[left]
    upper = (points - knots[left]) / gap
    lower = 1 - upper
    bends = ((side**3 - side) * gap**2 / 6 for side in (lower, upper))
    weights = np.column_stack([lower, upper, *bends]) * audibility[:, None]
    return Spline(6 / gaps, pivots, ratios, left, weights)


def _curvature(spline: Spline) -> Floats:
    """Give the map from values at the knots to the second derivatives.

    A value's influence shrinks to a quarter from knot to knot.

    Returns:
        Row i holds what the knots i - 32 to i + 32 add to m_i, shape (n_knots, 65).
    """
    last = len(spline.rises)
    curvature = np.zeros((last + 1, 2 * BAND + 1))
    curvature[1:last, BAND - 1], curvature[1:last, BAND + 1] = spline.rises[:-1], spline.rises[1:]
    curvature[1:last, BAND] = -spline.rises[:-1] - spline.rises[1:]
    for row in range(1, last):
        curvature[row] *= spline.pivots[row, 0]
        curvature[row, :-1] -= spline.pivots[row, 1] * curvature[row - 1, 1:]
    for row in range(last - 1, 0, -1):
        curvature[row, 1:] -= spline.ratios[row] * curvature[row + 1, :-1]
    return curvature


def _smoothed_spline(left: Floats, weights: Floats, curvature: Floats) -> tuple[int, Floats]:
    """Give the linear map from magnitudes M to the spline through their smoothed values, at some points.

        y_k = (M_{k-1} + 2 M_k + M_{k+1}) / 4, but the last stays

    Returns:
        The first bin that takes part, and the weights from it on, shape (n_points, n_bins).
    """
    n_knots = len(curvature)
    start = int(left[0]) - BAND - 1
    joined = np.zeros((len(left), int(left[-1]) + BAND + 3 - start))
    rows, columns = np.arange(len(left)), left - start
    band = columns[:, None] + np.arange(-BAND, BAND + 1)
    joined[rows[:, None], band] = weights[:, 2:3] * curvature[left]
    joined[rows[:, None], band + 1] += weights[:, 3:] * curvature[left + 1]
    joined[rows, columns] += weights[:, 0]
    joined[rows, columns + 1] += weights[:, 1]
    last = joined[:, n_knots - 1 - start :].copy()
    joined[:, n_knots - 1 - start :] = 0
    smoothed = joined / 2
    smoothed[:, 1:] += joined[:, :-1] / 4
    smoothed[:, :-1] += joined[:, 1:] / 4
    smoothed[:, n_knots - 1 - start :] += last
    outside = max(0, -start)
    return start + outside, smoothed[:, outside : n_knots - start]


def _audibility(n_points: int, per_octave: float) -> Floats:
    """Weigh the points by 1/2 + atan(3 (j + 1 - s) / ppo) / pi with s = ppo log2(65/50) - 1, at least 0."""
    shift = per_octave * log2(65 / 50) - 1
    weights = 0.5 + np.arctan(3 * (np.arange(n_points) + 1 - shift) / per_octave) / np.pi
    return np.asarray(np.maximum(0, weights))


def _trimmed(rows: slice, start: int, weights: Floats) -> tuple[slice, slice, Floats]:
    """Leave out the bins with negligible weights."""
    sizes = np.abs(weights)
    used = np.flatnonzero((sizes > NEGLIGIBLE * sizes.max(axis=1, keepdims=True)).any(axis=0))
    first, end = int(used[0]), int(used[-1]) + 1
    bins = slice(start + first, start + end)
    return rows, bins, np.ascontiguousarray(weights[:, first:end].T)


def pitch_candidates(magnitudes: Floats, plan: PitchPlan) -> tuple[Floats, Floats]:
    """Find up to six candidates a frame.

    Returns:
        Frequencies in Hz, within [55, 1000], and voicing in [0, 1), each of shape (n_frames, 6); empty slots are 0. The
        best candidate is first.
    """
    summed = subharmonic_sum(octave_spectrum(enhance_peaks(magnitudes), plan), plan)
    peaks = _largest_peaks(summed)
    frequency, score, voicing = _interpolate(summed, peaks, plan)
    kept = (frequency >= LOWEST_HZ) & (frequency <= HIGHEST_HZ)
    order = np.argsort(~kept, axis=1, kind="stable")
    frequency, score, voicing = (
        np.take_along_axis(np.where(kept, values, 0), order, axis=1) for values in (frequency, score, voicing)
    )
    return _swap_best_first(frequency, score), _swap_best_first(voicing, score)


def _swap_best_first(values: Floats, score: Floats) -> Floats:
    best = score.argmax(axis=1)
    rows = np.arange(len(values))
    swapped = values.copy()
    swapped[rows, best] = values[:, 0]
    swapped[:, 0] = values[rows, best]
    return swapped


def enhance_peaks(magnitudes: Floats) -> Floats:
    """Set the valleys between spectral peaks to 0.

    A bin is a peak where it exceeds its left and is not below its right neighbour. Between successive peaks p < q the
    bins p+3 to q-3 become 0; outside the first and the last nothing changes, but with one peak alone all bins from 3 on
    become 0.
    """
    peak = np.zeros(magnitudes.shape, bool)
    rises = magnitudes[:, 1:] > magnitudes[:, :-1]
    peak[:, 1:] = rises
    peak[:, 1:-1] &= ~rises[:, 1:]
    peak[:, 0] = magnitudes[:, 0] > magnitudes[:, 1]
    kept = peak.copy()
    for distance in (1, 2):
        kept[:, distance:] |= peak[:, :-distance]
        kept[:, :-distance] |= peak[:, distance:]
    n_bins = magnitudes.shape[1]
    bins = np.arange(n_bins, dtype=np.int32)
    first, last = peak.argmax(axis=1), n_bins - 1 - peak[:, ::-1].argmax(axis=1)
    no_peak = ~peak.any(axis=1)
    kept |= bins < np.where(no_peak, n_bins, first).astype(np.int32)[:, None]
    kept |= bins > last.astype(np.int32)[:, None]
    kept[(first == last) & ~no_peak, 3:] = False
    return magnitudes * kept


def octave_spectrum(enhanced: Floats, plan: PitchPlan) -> Floats:
    """Smooth, take to the octave axis by a natural cubic spline, weigh by audibility, and floor at 0."""
    octaves = np.empty((len(enhanced), plan.n_points))
    enhanced = enhanced.astype(np.float64)
    for points, bins, weights in plan.groups:
        np.matmul(enhanced[:, bins], weights, out=octaves[:, points])
    return np.maximum(octaves, 0, out=octaves)


def subharmonic_sum(octaves: Floats, plan: PitchPlan) -> Floats:
    """Add up 15 harmonics.

    SS_j = max(0, sum over h of 0.85^(h-1) Y_(j + floor(ppo log2 h)) / 15)
    """
    summed = octaves.copy()
    term = np.empty_like(octaves)
    for h, shift in enumerate(plan.shifts[1:], start=1):
        np.multiply(octaves[:, shift:], COMPRESSION**h, out=term[:, shift:])
        summed[:, :-shift] += term[:, shift:]
    summed /= N_HARMONICS
    return summed


def _largest_peaks(summed: Floats) -> Floats:
    """Give the places of the six largest strict local maxima, descending; -1 where there are fewer."""
    inner = summed[:, 1:-1]
    heights = np.where((inner > summed[:, :-2]) & (inner > summed[:, 2:]), inner, -1.0)
    rows = np.arange(len(summed))
    places = np.empty((len(summed), N_CANDIDATES), np.int64)
    for slot in range(N_CANDIDATES):
        highest = heights.argmax(axis=1)
        places[:, slot] = np.where(heights[rows, highest] > 0, highest + 1, -1)
        heights[rows, highest] = -1
    return places


def _interpolate(summed: Floats, peaks: Floats, plan: PitchPlan) -> tuple[Floats, Floats, Floats]:
    """Lay a parabola through each peak: frequency in Hz, score at its top, voicing 1 - mean(SS) / score."""
    places = np.maximum(peaks, 1)
    left, middle, right = (
        np.take_along_axis(summed, places + offset, axis=1).astype(np.float64) for offset in (-1, 0, 1)
    )
    curvature = np.where(peaks > 0, left - 2 * middle + right, -1)
    offset = 0.5 * (left - right) / curvature
    score = np.where(peaks > 0, middle - 0.25 * (left - right) * offset, 0)
    frequency = np.where(peaks > 0, AXIS_START_HZ * np.exp2((places + offset) * plan.step), 0)
    mean = summed.mean(axis=1, keepdims=True)
    voiced = score > mean
    voicing = np.where(voiced, 1 - mean / np.where(voiced, score, 1), 0)
    return frequency, score, voicing
