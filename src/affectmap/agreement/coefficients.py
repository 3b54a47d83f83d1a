"""Coefficients of agreement on a matrix of items by raters, with intervals.

Conventions:
    * N items in rows, K raters in columns, ``NaN`` (or ``None`` for classes) where a rater gave no value.
    * What cannot be computed is ``NaN``, never a warning and never zero: agreement needs ratings that differ.
    * Intervals are 95 %. That of the ICC is the one of an analysis of variance; all others leave one item out at a
      time (`affectmap.stats.intervals`). Fewer than five items get no interval.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import fdtri

from affectmap.schema import Floats
from affectmap.stats.intervals import LEVEL, Scale, equal_interval
from affectmap.stats.measures import NO_VARIANCE, bias_of, ccc_of, pair_sums, pearson_of

#: Items below which there is no interval: it would be far too narrow.
MIN_ITEMS = 5


class Estimate(NamedTuple):
    """A value with its 95 % interval over items, and the items that it rests on."""

    value: float
    low: float
    high: float
    n_items: int


class IntraclassCorrelation(NamedTuple):
    """ICC(2,1), ICC(2,k), the number k of raters, and how many items lack a rating and were left out."""

    single: Estimate
    average: Estimate
    n_raters: int
    n_left_out: int


def icc(ratings: npt.ArrayLike) -> IntraclassCorrelation:
    r"""Intraclass correlation for absolute agreement, raters and items drawn from many: ICC(2,1) and ICC(2,k).

    .. math::
        \text{ICC}(2,1) = \frac{M_I - M_E}{M_I + (k - 1) M_E + k (M_R - M_E) / n}, \qquad
        \text{ICC}(2,k) = \frac{M_I - M_E}{M_I + (M_R - M_E) / n}

    with the mean squares of items, raters and error of a two-way analysis of variance (Shrout and Fleiss 1979,
    Psychological Bulletin 86). The interval is that of McGraw and Wong 1996 (Psychological Methods 1, table 7, case
    2A), F-distributed with Satterthwaite's degrees of freedom; ICC(2,k) and its ends follow by Spearman and Brown.
    Only items that all raters rated take part.

    Args:
        ratings: Items by raters (N, K).

    Returns:
        Both, at most 1; ``NaN`` below two raters or two complete items, or where no rating differs.

    Example:
        >>> judges = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]
        >>> found = icc(judges)
        >>> round(found.single.value, 2), round(found.average.value, 2)
        (0.29, 0.62)
    """
    given = np.asarray(ratings, dtype=np.float64)
    complete = given[~np.isnan(given).any(axis=1)]
    n, k = complete.shape
    left_out = len(given) - n
    nothing = Estimate(float("nan"), float("nan"), float("nan"), n)
    if n < 2 or k < 2 or complete.var() < NO_VARIANCE:
        return IntraclassCorrelation(nothing, nothing, k, left_out)
    squares = _mean_squares(complete)
    single = _single(squares, n, k)
    low, high = _icc_interval(squares, single, n, k)
    average = Estimate(_spearman_brown(single, k), _spearman_brown(low, k), _spearman_brown(high, k), n)
    return IntraclassCorrelation(Estimate(single, low, high, n), average, k, left_out)


def _mean_squares(complete: Floats) -> tuple[float, float, float]:
    """Give the mean squares of items, raters and error."""
    n, k = complete.shape
    items = complete.mean(axis=1, keepdims=True)
    raters = complete.mean(axis=0, keepdims=True)
    error = complete - items - raters + complete.mean()
    return (
        float(k * np.var(items, ddof=1)),
        float(n * np.var(raters, ddof=1)),
        float(np.sum(error**2) / ((n - 1) * (k - 1))),
    )


def _single(squares: tuple[float, float, float], n: int, k: int) -> float:
    items, raters, error = squares
    return min(1.0, (items - error) / (items + (k - 1) * error + k * (raters - error) / n))


def _icc_interval(squares: tuple[float, float, float], single: float, n: int, k: int) -> tuple[float, float]:
    items, raters, error = squares
    if n < MIN_ITEMS:
        return float("nan"), float("nan")
    if 1 - single < NO_VARIANCE:
        return 1.0, 1.0
    a = k * single / (n * (1 - single))
    b = 1 + k * single * (n - 1) / (n * (1 - single))
    spread = (a * raters) ** 2 / (k - 1) + (b * error) ** 2 / ((n - 1) * (k - 1))
    if spread <= 0:
        return float("nan"), float("nan")
    freedom = (a * raters + b * error) ** 2 / spread
    tail = (1 + LEVEL) / 2
    above, below = float(fdtri(n - 1, freedom, tail)), float(fdtri(freedom, n - 1, tail))
    rest = k * raters + (k * n - k - n) * error
    low = n * (items - above * error) / (above * rest + n * items)
    high = n * (below * items - error) / (rest + n * below * items)
    return low, high


def _spearman_brown(value: float, k: int) -> float:
    below = 1 + (k - 1) * value
    return min(1.0, k * value / below) if below > 0 else float("nan")


def _estimate(sums: Floats, quantity: Callable[[Floats], Floats], scale: Scale) -> Estimate:
    """Compute one quantity from what each item adds to sums (N, M), with all items and without each."""
    n, total = len(sums), sums.sum(axis=0)
    value = float(quantity(total[None])[0])
    ends = equal_interval(value, quantity(total - sums), scale) if n >= MIN_ITEMS else (float("nan"),) * 2
    return Estimate(value, *ends, n)


def interval_alpha(ratings: npt.ArrayLike) -> Estimate:
    r"""Krippendorff's α for numbers, disagreement being the squared difference.

    .. math:: \alpha = 1 - \frac{D_o}{D_e}, \qquad
        D_o = \frac{1}{n} \sum_u \frac{1}{m_u - 1} \sum_{i \ne j} (x_{ui} - x_{uj})^2, \qquad
        D_e = \frac{1}{n (n - 1)} \sum_{i \ne j} (x_i - x_j)^2

    over the n ratings of all items u that m_u ≥ 2 raters rated (Krippendorff 2011, Computing Krippendorff's
    alpha-reliability, D). Missing ratings are allowed.

    Args:
        ratings: Items by raters (N, K).

    Returns:
        At most 1; 0 is what chance gives. ``NaN`` where no item has two ratings or no rating differs.

    Example:
        >>> round(interval_alpha([[1, 1], [2, 3], [4, 4], [5, np.nan]]).value, 3)
        0.912
    """
    given = np.asarray(ratings, dtype=np.float64)
    paired = given[(~np.isnan(given)).sum(axis=1) >= 2]
    there = ~np.isnan(paired)
    centre = paired[there].mean() if there.any() else 0.0
    values = np.where(there, paired - centre, 0.0)
    m, total, square = there.sum(axis=1), values.sum(axis=1), (values**2).sum(axis=1)
    disagreement = 2 * m / np.maximum(m - 1, 1) * np.maximum(square - total**2 / np.maximum(m, 1), 0)
    return _estimate(np.stack([m, disagreement, total, square], axis=1), _interval_alpha_of, "correlation")


def _interval_alpha_of(totals: Floats) -> Floats:
    n, disagreement, total, square = totals.T
    spread = np.maximum(square - total**2 / np.maximum(n, 1), 0)
    varies = spread > NO_VARIANCE * np.maximum(n, 1)
    expected = np.where(varies, 2 * spread / np.maximum(n - 1, 1), 1)
    return np.where(varies, 1 - disagreement / np.maximum(n, 1) / expected, np.nan)


def nominal_alpha(classes: npt.ArrayLike) -> Estimate:
    r"""Krippendorff's α for classes: `interval_alpha` with 1 for two classes that differ (Krippendorff 2011, C).

    Args:
        classes: Items by raters (N, K), ``None`` or ``NaN`` where a rater gave none.

    Returns:
        At most 1; ``NaN`` where no item has two classes or all are the same.

    Example:
        >>> round(nominal_alpha([["sad", "sad"], ["sad", "angry"], ["angry", "angry"], ["sad", None]]).value, 3)
        0.444
    """
    import pandas as pd

    cells = np.asarray(classes, dtype=object)
    codes, names = pd.factorize(cells.ravel())
    counts = np.stack([(codes == code).reshape(cells.shape).sum(axis=1) for code in range(len(names))] or [[]], axis=1)
    counts = counts[counts.sum(axis=1) >= 2].astype(np.float64)
    m = counts.sum(axis=1)
    disagreement = (m**2 - (counts**2).sum(axis=1)) / np.maximum(m - 1, 1)
    sums = np.column_stack([m, disagreement, counts])
    return _estimate(sums, _nominal_alpha_of, "correlation")


def _nominal_alpha_of(totals: Floats) -> Floats:
    n, disagreement, counts = totals[:, 0], totals[:, 1], totals[:, 2:]
    unlike = n**2 - (counts**2).sum(axis=1)
    varies = unlike > 0
    expected = np.where(varies, unlike / np.maximum(n * (n - 1), 1), 1)
    return np.where(varies, 1 - disagreement / np.maximum(n, 1) / expected, np.nan)


def pair_measures(first: npt.ArrayLike, second: npt.ArrayLike) -> dict[str, Estimate]:
    r"""Compare two columns of numbers.

    .. math:: \text{CCC} = \frac{2 s_{xy}}{s_x^2 + s_y^2 + (\bar{x} - \bar{y})^2}

    (Lin 1989, Biometrics 45, with 1/N in the variances), Pearson's correlation, the mean difference (second minus
    first) and the mean absolute difference.

    Args:
        first: Numbers (N,), ``NaN`` where there is none.
        second: Numbers (N,) of the same items.

    Returns:
        ``ccc`` and ``pearson`` (-1 to 1; ``NaN`` where neither, or for Pearson one, of the columns varies),
        ``difference`` and ``absolute_difference``.

    Example:
        >>> found = pair_measures([1, 2, 3, 4], [2, 3, 4, 5])
        >>> {name: round(estimate.value, 2) for name, estimate in found.items()}
        {'ccc': 0.71, 'pearson': 1.0, 'difference': 1.0, 'absolute_difference': 1.0}
    """
    x, y = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    shared = ~(np.isnan(x) | np.isnan(y))
    x, y = x[shared], y[shared]
    sums = pair_sums(x, y)
    return {name: _estimate(sums, quantity, scale) for name, (quantity, scale) in _PAIR_QUANTITIES.items()}


def _mean_of_last(totals: Floats) -> Floats:
    return np.where(totals[:, 0] > 0, totals[:, -1] / np.maximum(totals[:, 0], 1), np.nan)


_PAIR_QUANTITIES: dict[str, tuple[Callable[[Floats], Floats], Scale]] = {
    "ccc": (ccc_of, "correlation"),
    "pearson": (pearson_of, "correlation"),
    "difference": (bias_of, "plain"),
    "absolute_difference": (_mean_of_last, "plain"),
}


def same_share(first: npt.ArrayLike, second: npt.ArrayLike) -> Estimate:
    """Share of items that were given the same class twice; ``None`` where there is no class.

    Example:
        >>> same_share(["sad", "sad", None], ["sad", "angry", "sad"]).value
        0.5
    """
    import pandas as pd

    x, y = np.asarray(first, dtype=object), np.asarray(second, dtype=object)
    shared = ~(pd.isna(x) | pd.isna(y))
    same = (x[shared] == y[shared]).astype(np.float64)
    sums = np.stack([np.ones_like(same), same], axis=1)
    return _estimate(sums, _mean_of_last, "share")
