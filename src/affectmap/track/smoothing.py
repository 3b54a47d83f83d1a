"""A level that moves slowly, out of values that scatter: local linear smoothing with an interval.

Conventions:
    * Times are the middles of segments, in seconds, ascending. A value that is ``NaN`` or has weight 0 plays no part.
    * The interval says where the *level* lies: what the values would show at that time without the scatter from one
      segment to the next. It does so with its probability where the level moves slowly against the kernel; near a step,
      which smoothing spreads, the level lies outside more often. It says nothing of an error that all values
      share, such as a model that hears a whole voice too calm.
"""

from __future__ import annotations

from statistics import NormalDist
from typing import NamedTuple

import numpy as np
import pandas as pd

from affectmap.schema import LABELS, Floats

#: Probability with which the interval contains the level.
CONFIDENCE = 0.95
#: Share of the recording that one standard deviation of the kernel spans, and its bounds in seconds.
_SHARE, _SHORTEST, _LONGEST = 1 / 60, 10.0, 60.0
_REACH = 4.0  # standard deviations beyond which a value does not count
_ROWS = 256  # computed together
_SLOPE_PENALTY = 0.1**2  # keeps the slope down where all neighbours lie within a tenth of the kernel
_MIN_FREEDOM = 2.0
_WITHOUT_LEVEL = ("too_short", "silent", "not_speech")


class Level(NamedTuple):
    """A smoothed trajectory, each of shape (n_times,); NaN where it cannot be estimated.

    Attributes:
        value: The level.
        low: Lower bound of the interval.
        high: Upper bound.
    """

    value: Floats
    low: Floats
    high: Floats


def default_smoothing(duration_s: float) -> float:
    """Standard deviation of the kernel for a recording: a 60th of it, but 10 to 60 s.

    Args:
        duration_s: Length of the recording in seconds.

    Returns:
        Seconds.

    Example:
        >>> default_smoothing(20), default_smoothing(3600)
        (10.0, 60.0)
    """
    return min(max(duration_s * _SHARE, _SHORTEST), _LONGEST)


def smooth(times: Floats, values: Floats, weights: Floats, smoothing_s: float) -> Level:
    r"""Smooth values by local lines with a Gaussian kernel (Fan and Gijbels 1996, section 2.3).

    The level is :math:`\hat m = L y`; its variance :math:`\hat\sigma^2 \sum_j L_{ij}^2 (1 + \rho) / (1 - \rho)`, where
    :math:`\hat\sigma^2` is the sum of squared residuals over their degrees of freedom, :math:`n - 2\,tr L + tr LL'`,
    and :math:`\rho \ge 0` the correlation from one segment to the next: neighbours that share samples are less than two
    observations. The bounds are those of Student's t. What persists longer than the kernel is level, not scatter.

    Args:
        times: Times in seconds, ascending, shape (n_times,).
        values: Shape (n_times,).
        weights: How much each counts, such as seconds of speech; ≥ 0.
        smoothing_s: Standard deviation of the kernel in seconds.

    Returns:
        The level at all `times`. Without at least two degrees of freedom the bounds are NaN.

    Example:
        >>> level = smooth(np.arange(50.0), np.tile([2.0, 4.0], 25), np.ones(50), smoothing_s=10)
        >>> bool(level.low[25] < 3 < level.high[25])
        True
    """
    used = np.isfinite(values) & (weights > 0)
    nothing = np.full(len(times), np.nan)
    if not used.any():
        return Level(nothing, nothing.copy(), nothing.copy())
    known, y, w = times[used], values[used], weights[used]
    level, spread = nothing.copy(), nothing.copy()
    for first in range(0, len(times), _ROWS):
        rows = slice(first, first + _ROWS)
        near, kernel = _local_lines(times[rows], known, w, smoothing_s)
        level[rows] = kernel @ y[near]
        spread[rows] = np.sum(kernel**2, axis=1)
    scatter = _scatter(known, y, w, smoothing_s)
    if scatter.freedom < _MIN_FREEDOM:
        return Level(level, nothing, nothing.copy())
    half = students_t((1 + CONFIDENCE) / 2, scatter.freedom) * np.sqrt(scatter.variance * spread)
    return Level(level, level - half, level + half)


def add_levels(table: pd.DataFrame, smoothing_s: float) -> None:
    """Add the levels of activation and valence to the table of a track, each speaker's from their own segments.

    Args:
        table: As in `affectmap.track.recording`; gets the columns ``activation_level``, ``_low``, ``_high`` and those
            of valence.
        smoothing_s: Standard deviation of the kernel in seconds.
    """
    start, end = (pd.TimedeltaIndex(table.index.get_level_values(name)).total_seconds() for name in ("start", "end"))
    weights = np.asarray(end - start) * table["speech"].fillna(1.0).to_numpy(np.float64)
    weights[table[list(_WITHOUT_LEVEL)].any(axis=1).to_numpy()] = 0.0
    speakers = table["speaker"].to_numpy(object) if "speaker" in table else np.zeros(len(table), object)
    for label in LABELS:
        if label in table:
            levels = np.full((3, len(table)), np.nan)
            for speaker in dict.fromkeys(speakers):
                rows = np.asarray(speakers == speaker, np.bool_)
                values = table[label].to_numpy(np.float64)[rows]
                levels[:, rows] = smooth(np.asarray(start + end)[rows] / 2, values, weights[rows], smoothing_s)
            for suffix, column in zip(("", "_low", "_high"), levels, strict=True):
                table[f"{label}_level{suffix}"] = np.clip(column, 1.0, 5.0)


def students_t(probability: float, freedom: float) -> float:
    """Quantile of Student's t, from that of the normal distribution: SciPy would be a fifth of the base install.

    Source: Abramowitz and Stegun (1964), formula 26.7.5.

    Args:
        probability: .5 to .999.
        freedom: Degrees of freedom, ≥ 2.

    Returns:
        The quantile; up to a probability of .975 within 1 % of the true one at 2 degrees of freedom, within .02 %
        from 5 on.

    Example:
        >>> round(students_t(0.975, 10), 3)
        2.228
    """
    z = NormalDist().inv_cdf(probability)
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    return z + sum(term / freedom**power for power, term in enumerate(terms, start=1))


class _Scatter(NamedTuple):
    variance: float
    freedom: float


def _scatter(times: Floats, values: Floats, weights: Floats, smoothing_s: float) -> _Scatter:
    """Variance of the values around their level, raised where neighbours resemble each other."""
    residuals = np.empty(len(values))
    freedom, expected = 0.0, 0.0  # sums of the diagonal, and of the one beside it, of (I - L)(I - L)'
    for first in range(0, len(times), _ROWS):
        rows = slice(first, first + _ROWS)
        near, kernel = _local_lines(times[rows], times, weights, smoothing_s)
        residuals[rows] = values[rows] - kernel @ values[near]
        left = -kernel
        left[np.arange(len(left)), np.arange(first, first + len(left)) - near.start] += 1
        freedom += float(np.sum(left**2))
        expected += float(np.sum(left[1:] * left[:-1]))
    square = float(residuals @ residuals)
    if square == 0 or freedom == 0:
        return _Scatter(0.0, freedom)
    # Residuals of a smoother alternate even where the values do not: only what exceeds that is correlation.
    correlation = float(residuals[1:] @ residuals[:-1]) / square - expected / freedom
    correlation = min(max(correlation, 0.0), 0.95)
    return _Scatter(square / freedom * (1 + correlation) / (1 - correlation), freedom)


def _local_lines(at: Floats, times: Floats, weights: Floats, smoothing_s: float) -> tuple[slice, Floats]:
    """Weights with which neighbours enter the level at some times, and which neighbours these are."""
    reach = _REACH * smoothing_s
    first, last = np.searchsorted(times, [at[0] - reach, at[-1] + reach])
    # Where nobody is near, the nearest one counts.
    first, last = max(0, min(int(first), len(times) - 1)), max(int(last), 1)
    near = slice(first, max(last, first + 1))
    distance = (times[near][None, :] - at[:, None]) / smoothing_s
    nearest = np.abs(distance).min(axis=1, keepdims=True)
    kernel = weights[near] * np.exp(-0.5 * (distance**2 - nearest**2))
    total = kernel.sum(axis=1, keepdims=True)
    slope = (kernel * distance).sum(axis=1, keepdims=True)
    square = (kernel * distance**2).sum(axis=1, keepdims=True) + _SLOPE_PENALTY * total
    return near, kernel * (square - slope * distance) / (total * square - slope**2)
