"""Least squares from sums of products, which can be added up over blocks of rows and weighted by speaker.

Conventions:
    * *Moments* of a regression with P predictors are the (P + 2, P + 2) sums of products of the columns
      (1, predictors, response) over its rows; the first entry is the number of rows. Any number of such
      matrices may be stacked in front.
    * Columns are centred before their products are summed: a large offset would otherwise use up the digits.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.spatial.distance import cdist

from affectmap.errors import ConfigError

Floats = npt.NDArray[np.float64]

#: A column counts as constant, and a fit as perfect, where this share of the sum of squares or less is left.
ROUNDING = 1e-12
#: A predictor counts as collinear where this share of its variance or less is its own.
COLLINEAR = 1e-10


class Explained(NamedTuple):
    """What `explained` finds, one value for every matrix of moments.

    Attributes:
        r2: Explained share of the variance, 0..1; ``NaN`` where the response is constant.
        adjusted_r2: The same, corrected for the rank; ``NaN`` also where no degree of freedom is left.
        rank: Predictors that are neither constant nor collinear.
    """

    r2: Floats
    adjusted_r2: Floats
    rank: npt.NDArray[np.int64]


def explained(moments: npt.ArrayLike) -> Explained:
    r"""R² and adjusted R² of the response on the predictors, from the moments alone.

    The constant is swept out first, which leaves covariances; they are scaled to correlations, and then one
    predictor after the other is swept out (Gauss's elimination). What is left of the response's own entry is
    1 − R².

    .. math:: \bar{R}^2 = 1 - (1 - R^2) \frac{n - 1}{n - p - 1}

    where p is the rank. A predictor with no more than `COLLINEAR` of its variance left when its turn
    comes is not counted: a sum of others in float32 keeps about 1e-14. With no predictor left, R² is 0.

    Args:
        moments: (..., P + 2, P + 2), symmetric.

    Returns:
        R², adjusted R² and rank, each (...).

    Example:
        >>> columns = np.array([[1, 0, 1], [1, 1, 2], [1, 2, 3], [1, 3, 5]])
        >>> explained([columns.T @ columns, 2 * columns.T @ columns]).adjusted_r2.round(4)
        array([0.9486, 0.96  ])
    """
    sums = np.asarray(moments, dtype=np.float64)
    n = sums[..., 0, 0]
    correlation, varies = _correlation(sums)
    n_predictors = sums.shape[-1] - 2
    rank = np.zeros(n.shape, dtype=np.int64)
    for k in range(n_predictors):
        pivot = correlation[..., k, k]
        counts = pivot > COLLINEAR
        rest = correlation[..., k, k + 1 :]
        share = rest / np.where(counts, pivot, np.inf)[..., None]
        correlation[..., k + 1 :, k + 1 :] -= share[..., :, None] * rest[..., None, :]
        rank += counts
    left = np.where(rank > 0, correlation[..., -1, -1], 1.0)
    r2 = np.where(varies[..., -1], 1 - np.where(left > ROUNDING, np.minimum(left, 1), 0), np.nan)
    freedom = n - rank - 1
    adjusted = 1 - (1 - r2) * (n - 1) / np.where(freedom > 0, freedom, np.nan)
    return Explained(r2, adjusted, rank)


def _correlation(sums: Floats) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """Sweep the constant out and scale; a column that does not vary becomes zero."""
    n = sums[..., 0, 0]
    mean = sums[..., 0, 1:] / np.where(n > 0, n, np.inf)[..., None]
    correlation = sums[..., 1:, 1:] - mean[..., :, None] * sums[..., 0, None, 1:]
    spread = np.diagonal(correlation, axis1=-2, axis2=-1).copy()
    varies = spread > ROUNDING * np.diagonal(sums, axis1=-2, axis2=-1)[..., 1:]
    scale = 1 / np.sqrt(np.where(varies, spread, np.inf))
    correlation *= scale[..., :, None] * scale[..., None, :]
    return correlation, varies


def pair_moments(sums: Floats) -> Floats:
    """Arrange six sums over pairs of rows as the moments of the regression d_z = a + b d_y.

    Args:
        sums: (..., 6): the number of pairs, d_y, d_z, d_y d_z, d_y², d_z².

    Returns:
        The moments (..., 3, 3).

    Example:
        >>> pair_moments(np.array([3, 4, 5, 7, 6, 9])).tolist()
        [[3, 4, 5], [4, 6, 7], [5, 7, 9]]
    """
    return sums[..., [[0, 1, 2], [1, 4, 3], [2, 3, 5]]]


def distances(rows: Floats, others: Floats) -> Floats:
    """Euclidean distance of each row to each of the others.

    Args:
        rows: (N, D).
        others: (M, D).

    Returns:
        Distances (N, M).

    Example:
        >>> distances(np.array([[0.0, 0.0]]), np.array([[3.0, 4.0], [0.0, 1.0]])).tolist()
        [[5.0, 1.0]]
    """
    if rows.shape[1] == 1:
        difference: Floats = np.abs(rows - others.T)
        return difference
    return np.asarray(cdist(rows, others), dtype=np.float64)


def centred(columns: Floats) -> Floats:
    """Subtract each column's mean; a column that is constant up to rounding becomes exactly zero.

    Args:
        columns: (N, P).

    Returns:
        The centred columns (N, P).

    Example:
        >>> centred(np.array([[0.1, 1.0], [0.1, 2.0], [0.1, 3.0]])).tolist()
        [[0.0, -1.0], [0.0, 0.0], [0.0, 1.0]]
    """
    if not len(columns):
        return columns
    difference: Floats = columns - columns.mean(axis=0)
    smallest = 64 * np.finfo(np.float64).eps
    constant = np.abs(difference).max(axis=0) <= smallest * np.abs(columns).max(axis=0)
    difference[:, constant] = 0.0
    return difference


def regression_columns(
    label: npt.ArrayLike, predictors: npt.ArrayLike, name: str = "predictors"
) -> tuple[Floats, Floats, npt.NDArray[np.bool_]]:
    """Check a label and its predictors and make both two-dimensional.

    Args:
        label: (N,) or (N, L), ``NaN`` where missing.
        predictors: (N, P) or (N,).
        name: What messages call the predictors.

    Returns:
        The label (M, L) and the predictors (M, P) of the M rows that have every label, and which rows these
        are (N,).

    Raises:
        ConfigError: If the shapes do not fit, a predictor is not finite, or a label is infinite.

    Example:
        >>> regression_columns([1.0, float("nan")], [[0.5], [0.7]])
        (array([[1.]]), array([[0.5]]), array([ True, False]))
    """
    response, regressors = _numbers(label, "label"), _numbers(predictors, name)
    if len(response) != len(regressors):
        raise ConfigError(f"label has {len(response)} rows and {name} {len(regressors)}; expected as many")
    unusable = int((~np.isfinite(regressors)).any(axis=1).sum())
    if unusable:
        raise ConfigError(f"{unusable} of {len(regressors)} rows of {name} are not finite; leave these rows out")
    if np.isinf(response).any():
        raise ConfigError("label holds infinite values; give NaN where a label is missing")
    labelled = ~np.asarray(np.isnan(response).any(axis=1))
    return response[labelled], regressors[labelled], labelled


def _numbers(values: npt.ArrayLike, name: str) -> Floats:
    try:
        numbers = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise ConfigError(f"{name} must be numbers in rows of equal length") from None
    if numbers.ndim not in (1, 2):
        raise ConfigError(f"{name} has shape {numbers.shape}; expected one or two dimensions")
    return numbers[:, None] if numbers.ndim == 1 else numbers
