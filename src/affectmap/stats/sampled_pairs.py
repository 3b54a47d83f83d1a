"""The pairwise adjusted R² of corpora with too many pairs to visit: a sample of pairs and how sure it is.

Conventions are those of `affectmap.stats.metrics`. All pairs of 50,000 utterances take seconds, those of a million
half an hour; a million pairs drawn at random take a fraction of a second and tell the value to about ±.002.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from affectmap.errors import ConfigError
from affectmap.stats.least_squares import Floats, centred, explained, regression_columns
from affectmap.stats.metrics import pairwise_adjusted_r2

#: Fewer drawn pairs than this give no interval to rely on.
FEWEST_PAIRS = 1000
#: Pairs per block; few enough for a block to stay in the processor's cache.
BLOCK_PAIRS = 16384
#: Share of all samples whose interval holds the value of all pairs.
LEVEL = 0.95


class SampledFit(NamedTuple):
    """The adjusted R² of all pairs, as far as a sample of them tells.

    Attributes:
        adjusted_r2: Estimate of the value of all pairs; at most 1.
        low: Low end of its 95 % interval.
        high: High end.
        n: Pairs drawn; where all were taken, their number, and both ends are the value itself.
    """

    adjusted_r2: float
    low: float
    high: float
    n: int


#: Pairs drawn by default.
N_PAIRS = 1_000_000


def sampled_pairwise_adjusted_r2(
    latent: npt.ArrayLike, label: npt.ArrayLike, n_pairs: int = N_PAIRS, seed: int = 0
) -> SampledFit:
    r"""Estimate `affectmap.stats.metrics.pairwise_adjusted_r2` from pairs drawn at random.

    Pairs i < j are drawn uniformly and independently, with replacement, among the rows that have every label. With
    u and v for the standardised distances d_y and d_z, and r for their correlation in the sample of m pairs,

    .. math::
        \operatorname{var}(r) \approx \frac{1}{m} \, \overline{\left(u v - \tfrac{r}{2} (u^2 + v^2)\right)^2},
        \qquad \operatorname{artanh} r \pm 1.96 \, \frac{\sqrt{\operatorname{var}(r)}}{1 - r^2}

    is the interval of the correlation, and its squares are that of R² (from 0 on, where it holds 0). The bracket is the
    influence of one pair on r (Devlin, Gnanadesikan and Kettenring 1975, Robust estimation and outlier detection with
    correlation coefficients); no distribution is assumed but fourth moments, so ties and skew do no harm. R² itself
    would not do: where the relation vanishes so does its influence. The corrections of adjusted R² are those for the
    number of all pairs.

    The interval is about the pairs not drawn, of these same utterances; it says nothing about other speakers. It
    needs many pairs of every kind that matters: a few utterances very far from all others may be missed.

    Args:
        latent: Positions (N, D) or (N,).
        label: Labels (N,), or several at once (N, L); a row with any ``NaN`` is in no pair.
        n_pairs: Pairs to draw, at least 1,000. Where there are no more than that, all are taken.
        seed: The same seed draws the same pairs.

    Returns:
        The estimate and its interval; 0 throughout where all labels are equal, ``NaN`` where all positions are, and
        where all distances drawn are equal, of label or latent.

    Raises:
        ConfigError: If the shapes do not fit, a latent is not finite, a label is infinite, or `n_pairs` is too small.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> label = rng.integers(2, 11, 3000) / 2
        >>> latent = np.column_stack([label + rng.normal(size=3000), rng.normal(size=3000)])
        >>> fit = sampled_pairwise_adjusted_r2(latent, label, n_pairs=100_000)
        >>> [round(value, 3) for value in fit], round(pairwise_adjusted_r2(latent, label).adjusted_r2, 3)
        ([0.244, 0.239, 0.249, 100000], 0.238)
    """
    if n_pairs < FEWEST_PAIRS:
        raise ConfigError(f"n_pairs is {n_pairs}; expected at least {FEWEST_PAIRS:,}: fewer tell no interval")
    response, position, _ = regression_columns(label, latent, "latent")
    pairs = len(position) * (len(position) - 1) // 2
    if pairs <= n_pairs:
        exact = pairwise_adjusted_r2(position, response)
        return SampledFit(exact.adjusted_r2, exact.adjusted_r2, exact.adjusted_r2, exact.n)
    y, z = centred(response), centred(position)
    if not z.any():
        return _told((np.nan, np.nan, np.nan), pairs, n_pairs)
    if not y.any():
        return SampledFit(0.0, 0.0, 0.0, n_pairs)
    return _told(_r2_interval(_products(y, z, n_pairs, seed) / n_pairs, n_pairs), pairs, n_pairs)


def _told(r2: tuple[float, float, float], pairs: int, n_pairs: int) -> SampledFit:
    value, low, high = (float(1 - (1 - each) * (pairs - 1) / (pairs - 2)) for each in r2)
    return SampledFit(value, low, high, n_pairs)


def _drawn(y: Floats, z: Floats, n_pairs: int, seed: int) -> Iterator[tuple[Floats, Floats]]:
    """Distances of label and latent of the drawn pairs, in blocks."""
    rng = np.random.default_rng(seed)
    for start in range(0, n_pairs, BLOCK_PAIRS):
        size = min(BLOCK_PAIRS, n_pairs - start)
        one, other = rng.integers(len(z), size=size), rng.integers(len(z) - 1, size=size)
        other += other >= one  # each of the other rows with the same probability
        yield _between(y, one, other), _between(z, one, other)


def _between(rows: Floats, one: npt.NDArray[np.int64], other: npt.NDArray[np.int64]) -> Floats:
    difference = rows[one] - rows[other]
    squares: Floats = np.einsum("nd,nd->n", difference, difference)
    return np.sqrt(squares, out=squares)


def _products(y: Floats, z: Floats, n_pairs: int, seed: int) -> Floats:
    """Sums of products of the columns 1, a, b, a², ab, b² over the drawn pairs (6, 6).

    a and b are the distances of label and latent, shifted and scaled by the first block's mean and spread, so that
    fourth powers of large distances use up no digits.
    """
    products = np.zeros((6, 6))
    shift: Floats | None = None
    for distances in map(np.stack, _drawn(y, z, n_pairs, seed)):
        if shift is None:
            shift, scale = distances.mean(axis=1, keepdims=True), distances.std(axis=1, keepdims=True)
            scale[scale == 0] = 1.0
        a, b = (distances - shift) / scale
        columns = np.stack([np.ones_like(a), a, b, a * a, a * b, b * b])
        products += columns @ columns.T
    return products


def _r2_interval(means: Floats, n_pairs: int) -> tuple[float, float, float]:
    """R² and the ends of its interval, from mean products of the columns 1, a, b, a², ab, b²."""
    _, mean_a, mean_b = means[0, :3]
    variance_a, variance_b = means[1, 1] - mean_a**2, means[2, 2] - mean_b**2
    found = explained(n_pairs * means[:3, :3])
    if np.isnan(found.r2) or found.rank == 0:
        return (np.nan, np.nan, np.nan)
    if found.r2 == 1:
        return (1.0, 1.0, 1.0)
    spread = np.sqrt(variance_a * variance_b)
    r = float((means[1, 2] - mean_a * mean_b) / spread)
    # u v - r (u² + v²) / 2 as weights of the six columns
    of_a, of_b, of_both = r / (2 * variance_a), r / (2 * variance_b), 1 / spread
    influence = np.array(
        [
            of_both * mean_a * mean_b - of_a * mean_a**2 - of_b * mean_b**2,
            2 * of_a * mean_a - of_both * mean_b,
            2 * of_b * mean_b - of_both * mean_a,
            -of_a,
            of_both,
            -of_b,
        ]
    )
    variance = max(0.0, float(influence @ means @ influence)) / n_pairs
    margin = float(ndtri((1 + LEVEL) / 2)) * np.sqrt(variance) / (1 - r**2)
    ends = np.tanh(np.arctanh(r) + np.array([-margin, margin])) ** 2
    low = 0.0 if abs(np.arctanh(r)) <= margin else float(ends.min())
    return r**2, low, float(ends.max())
