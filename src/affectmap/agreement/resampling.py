"""Intervals by drawing items with replacement, for quantities that are functions of sums over items.

Nothing is computed on copied rows: each item adds its part to the sums as often as a resample holds it (Efron 1981).
Percentile intervals are somewhat too narrow where there are few items.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from affectmap.stats.bootstrap import interval

Floats = npt.NDArray[np.float64]

#: Items below which no items are drawn: the interval would be far too narrow.
MIN_ITEMS = 5
#: Resamples where nothing else is said.
N_RESAMPLES = 1000
#: What intervals hold.
LEVEL = 0.95
# Numbers of a block of resamples held at once.
_BLOCK = 2_000_000


class Estimate(NamedTuple):
    """A value with its 95 % interval, and the items that it rests on."""

    value: float
    low: float
    high: float
    n_items: int


def drawn(
    sums: Floats, quantity: Callable[[Floats], Floats], n_items: int, n_resamples: int = N_RESAMPLES, seed: int = 0
) -> Estimate:
    """Compute a quantity from sums over items, and its interval from items drawn with replacement.

    Args:
        sums: What each item adds to the sums (N, M).
        quantity: Gives the quantity (B,) for each of several totals (B, M).
        n_items: Items that the value rests on.
        n_resamples: Resamples.
        seed: The same seed and items give the same interval.

    Returns:
        The value and its percentile interval; no interval below `MIN_ITEMS` items.

    Example:
        >>> ones = np.array([[1.0, value] for value in (1, 2, 3, 4, 5, 6)])
        >>> found = drawn(ones, lambda totals: totals[:, 1] / totals[:, 0], 6)
        >>> found.value, found.low < 3 < 4 < found.high
        (3.5, True)
    """
    return estimate(sums, resampled_sums(sums, n_resamples, seed), quantity, n_items)


def resampled_sums(sums: Floats, n_resamples: int = N_RESAMPLES, seed: int = 0) -> Floats:
    """Add up the items of every resample.

    Args:
        sums: What each item adds to the sums (N, M).
        n_resamples: Resamples.
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
    step = max(1, _BLOCK // len(sums))
    sizes = [min(step, n_resamples - start) for start in range(0, n_resamples, step)]
    return np.concatenate([_counts(rng, len(sums), size) @ sums for size in sizes])


def _counts(rng: np.random.Generator, n_items: int, n_resamples: int) -> Floats:
    """Tell how often each resample holds each item (B, N)."""
    items = rng.integers(n_items, size=(n_resamples, n_items))
    cells = items + n_items * np.arange(n_resamples)[:, None]
    return np.bincount(cells.ravel(), minlength=n_resamples * n_items).reshape(items.shape).astype(np.float64)


def estimate(sums: Floats, resampled: Floats, quantity: Callable[[Floats], Floats], n_items: int) -> Estimate:
    """Compute a quantity and its interval from totals of resamples, which several quantities may share.

    Args:
        sums: What each item adds to the sums (N, M).
        resampled: Totals of resamples (B, M).
        quantity: Gives the quantity (B,) for each of several totals (B, M).
        n_items: Items that the value rests on.

    Returns:
        The value and its percentile interval; no interval without resamples.

    Example:
        >>> ones = np.ones((6, 1))
        >>> estimate(ones, resampled_sums(ones, 10), lambda totals: totals[:, 0] / 6, 6)
        Estimate(value=1.0, low=1.0, high=1.0, n_items=6)
    """
    value = float(quantity(sums.sum(axis=0, keepdims=True))[0])
    if np.isnan(value):
        return Estimate(value, value, value, n_items)
    return Estimate(value, *interval(quantity(resampled), LEVEL), n_items)
