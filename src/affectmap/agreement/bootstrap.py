"""How far an agreement would move with other items: totals of resamples, and percentile intervals.

Recordings are drawn with replacement. Nothing is computed on copied rows: every item adds its part to a few sums as
often as a resample contains it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from affectmap.errors import ConfigError
from affectmap.schema import Floats
from affectmap.stats.intervals import LEVEL, NAN

#: Items below which none are drawn: the interval would be far too narrow.
MIN_ITEMS = 5
N_RESAMPLES = 1000
#: Counts of items that may be taken at once.
COUNTS_SIZE = 2_000_000


class Estimate(NamedTuple):
    """A value with its 95 % interval, and the items that it rests on."""

    value: float
    low: float
    high: float
    n_items: int


def interval(samples: npt.ArrayLike, level: float = LEVEL) -> tuple[float, float]:
    """Percentile interval of bootstrap values (Efron 1981); ``NaN`` values are left out.

    Args:
        samples: Values of one quantity, or differences of two paired ones (B,).
        level: Share of the values that lie inside, above 0 and below 1.

    Returns:
        Low and high end, both ``NaN`` without a single value.

    Raises:
        ConfigError: If `level` is not between 0 and 1.

    Example:
        >>> interval([1.0, 2.0, 3.0, 4.0, 5.0], level=0.5)
        (2.0, 4.0)
    """
    if not 0 < level < 1:
        raise ConfigError(f"level is {level}; expected a share above 0 and below 1, such as 0.95")
    values = np.asarray(samples, dtype=np.float64)
    values = values[~np.isnan(values)]
    if not len(values):
        return NAN, NAN
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def resampled_sums(sums: Floats, n_resamples: int = N_RESAMPLES, seed: int = 0) -> Floats:
    """Draw items with replacement and add up what they contribute.

    Args:
        sums: What each item adds to the sums (N, M).
        n_resamples: Resamples B.
        seed: The same seed and number of items give the same resamples.

    Returns:
        Totals (B, M); none below `MIN_ITEMS` items.

    Example:
        >>> resampled_sums(np.ones((6, 1)), 2).tolist()
        [[6.0], [6.0]]
    """
    if len(sums) < MIN_ITEMS:
        return np.empty((0, sums.shape[1]))
    rng = np.random.default_rng(seed)
    step = max(1, COUNTS_SIZE // len(sums))
    sizes = [min(step, n_resamples - start) for start in range(0, n_resamples, step)]
    return np.concatenate([_item_counts(rng, len(sums), size) @ sums for size in sizes])


def _item_counts(rng: np.random.Generator, n_items: int, n_resamples: int) -> Floats:
    """Count how often each resample contains each of many items (B, N)."""
    items = rng.integers(n_items, size=(n_resamples, n_items))  # three times as fast as counts from a multinomial
    cells = items + n_items * np.arange(n_resamples)[:, None]
    return np.bincount(cells.ravel(), minlength=n_resamples * n_items).reshape(items.shape).astype(np.float64)


def estimate(sums: Floats, resampled: Floats, quantity: Callable[[Floats], Floats], n_items: int) -> Estimate:
    """Compute a quantity from sums over items, and its percentile interval.

    Args:
        sums: What each item adds to the sums (N, M).
        resampled: Totals of resamples (B, M), as from `resampled_sums`; several quantities may share them.
        quantity: Gives the quantity (B,) for each of several totals (B, M).
        n_items: Items that the value rests on.

    Returns:
        The value and its interval; no interval without resamples.

    Example:
        >>> ones = np.array([[1.0, value] for value in (1, 2, 3, 4, 5, 6)])
        >>> found = estimate(ones, resampled_sums(ones), lambda totals: totals[:, 1] / totals[:, 0], 6)
        >>> found.value, found.low < 3 < 4 < found.high
        (3.5, True)
    """
    value = float(quantity(sums.sum(axis=0, keepdims=True))[0])
    if np.isnan(value):
        return Estimate(value, value, value, n_items)
    return Estimate(value, *interval(quantity(resampled)), n_items)
