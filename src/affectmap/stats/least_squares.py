"""Least squares from sums of products, which can be added up over blocks of rows and weighted by speaker.

Conventions:
    * *Sums* of a regression with P predictors are the (P + 2, P + 2) sums of products of the columns
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
from affectmap.schema import Floats

#: A column counts as constant, and a fit as perfect, where this share of the sum of squares or less is left.
ROUNDING = 1e-12
#: A predictor counts as collinear where this share of its variance or less is its own.
COLLINEAR = 1e-10
#: Rows per block of the sums over pairs of speakers.
BLOCK_ROWS = 32


class Explained(NamedTuple):
    """R² (``NaN`` where the response is constant), adjusted R² and rank, one value for every matrix of sums."""

    r2: Floats
    adjusted_r2: Floats
    rank: npt.NDArray[np.int64]


def explained(sums: npt.ArrayLike) -> Explained:
    r"""R² and adjusted R² of the response on the predictors, from sums of products alone.

    The constant is swept out first, which leaves covariances; they are scaled to correlations, and then one
    predictor after the other is swept out (Gauss's elimination). What is left of the response's own entry is
    1 − R².

    .. math:: \bar{R}^2 = 1 - (1 - R^2) \frac{n - 1}{n - p - 1}

    where p is the rank. A predictor with no more than `COLLINEAR` of its variance left when its turn
    comes is not counted: a sum of others in float32 keeps about 1e-14. With no predictor left, R² is 0.

    Args:
        sums: (..., P + 2, P + 2), symmetric.

    Returns:
        R², adjusted R² (``NaN`` also where no degree of freedom is left) and rank, each (...).

    Example:
        >>> columns = np.array([[1, 0, 1], [1, 1, 2], [1, 2, 3], [1, 3, 5]])
        >>> explained([columns.T @ columns, 2 * columns.T @ columns]).adjusted_r2.round(4)
        array([0.9486, 0.96  ])
    """
    sums = np.asarray(sums, dtype=np.float64)
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


def pair_sums(sums: Floats) -> Floats:
    """Arrange (..., 6) sums over pairs (their number, d_y, d_z, d_y d_z, d_y², d_z²) as those of d_z = a + b d_y."""
    return sums[..., [[0, 1, 2], [1, 4, 3], [2, 3, 5]]]


def distances(rows: Floats, others: Floats) -> Floats:
    """Euclidean distance (N, M) of each row (N, D) to each of the others (M, D)."""
    if rows.shape[1] == 1:
        difference: Floats = np.abs(rows - others.T)
        return difference
    return np.asarray(cdist(rows, others), dtype=np.float64)


def centred(columns: Floats) -> Floats:
    """Subtract the mean of each column (N, P); one that is constant up to rounding becomes exactly zero."""
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


def speaker_pair_sums(y: Floats, z: Floats, who: npt.NDArray[np.int64], n_speakers: int) -> Floats:
    """Six sums over the pairs of each two speakers a <= b (6, S, S), from rows sorted by speaker."""
    present, first, size = np.unique(who, return_index=True, return_counts=True)
    sums = np.zeros((3, n_speakers, n_speakers))
    for start in range(0, len(who), BLOCK_ROWS):
        rows = slice(start, start + BLOCK_ROWS)
        met, row_edges = np.unique(who[rows], return_index=True)
        # Speakers before these have met the rows already.
        later = int(np.searchsorted(present, met[0]))
        others, edges = slice(first[later], None), first[later:] - first[later]
        label_diff, latent_diff = distances(y[rows], y[others]), distances(z[rows], z[others])
        for total, block in zip(sums, (label_diff, latent_diff, label_diff * latent_diff), strict=True):
            by_speaker = np.add.reduceat(np.add.reduceat(block, edges, axis=1), row_edges, axis=0)
            total[met[:, None], present[None, later:]] += by_speaker
    rows_of = np.zeros(n_speakers)
    rows_of[present] = size
    squares = [_square_sums(columns, who, rows_of) for columns in (y, z)]
    return _each_pair_once(np.stack([np.outer(rows_of, rows_of), *sums, *squares]), rows_of)


def _square_sums(columns: Floats, who: npt.NDArray[np.int64], rows_of: Floats) -> Floats:
    """Squared distances between the rows of each two speakers, from sums and squared norms alone."""
    norm = np.bincount(who, np.sum(columns * columns, axis=1), minlength=len(rows_of))
    total = np.stack([np.bincount(who, column, minlength=len(rows_of)) for column in columns.T], axis=1)
    squares: Floats = np.outer(rows_of, norm) + np.outer(norm, rows_of) - 2 * total @ total.T
    return squares


def _each_pair_once(sums: Floats, rows_of: Floats) -> Floats:
    sums = np.triu(sums)
    same = np.arange(len(rows_of))
    # Inside a speaker every pair was met twice, and every row once with itself.
    sums[0, same, same] -= rows_of
    sums[:, same, same] /= 2
    return sums
