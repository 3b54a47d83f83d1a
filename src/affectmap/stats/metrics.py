r"""Metrics: unweighted average recall and adjusted R², row by row, over all pairs of rows and over a sample of pairs.

Conventions:
    * ``(truth, prediction)`` and ``(label, predictors)``: what was observed comes first.
    * N rows (utterances), P predictors, D latent dimensions, L labels.
    * A row whose label is ``NaN`` takes no part; a predictor or latent that is not finite is an error.
    * What cannot be computed is ``NaN``, never a warning and never zero.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import fdtrc, ndtri

from affectmap.errors import ConfigError
from affectmap.schema import Floats, Mask, Rows
from affectmap.stats.intervals import LEVEL
from affectmap.stats.least_squares import centred, distances, explained, pair_sums, regression_columns

__all__ = ["Fit", "SampledFit", "adjusted_r2", "pairwise_adjusted_r2", "sampled_pairwise_adjusted_r2", "uar"]

#: Rows per block of the pairwise sums; few enough for a block to stay in the processor's cache.
BLOCK_ROWS = 16
#: Sampled pairs per block, for the same reason.
BLOCK_PAIRS = 16384
#: Pairs drawn by default, and the fewest that give an interval to rely on.
N_PAIRS, FEWEST_PAIRS = 1_000_000, 1000


class Fit(NamedTuple):
    """A least-squares fit with intercept.

    Attributes:
        adjusted_r2: Explained variance, corrected for the number of predictors; at most 1, negative where the
            predictors explain less than as many random ones would.
        p_value: Probability of so large an F where no predictor matters, 0..1.
        n: Rows that took part; pairs of rows in `pairwise_adjusted_r2`.
    """

    adjusted_r2: float
    p_value: float
    n: int


class SampledFit(NamedTuple):
    """The adjusted R² of all pairs, estimated from `n` of them, and its 95 % interval.

    Where all pairs were taken, both ends are the value itself.
    """

    adjusted_r2: float
    low: float
    high: float
    n: int


def uar(truth: npt.ArrayLike, prediction: npt.ArrayLike) -> float:
    r"""Unweighted average recall, also called balanced accuracy.

    .. math:: \text{UAR} = \frac{1}{K} \sum_{k=1}^{K} \frac{\text{hits}_k}{\text{rows}_k}

    over the K classes in `truth`. A class that is only predicted has no recall and takes no part, as in
    scikit-learn's ``balanced_accuracy_score``.

    Args:
        truth: Observed classes (N,), names or numbers.
        prediction: Predicted classes (N,), of the same type.

    Returns:
        A number from 0 to 1, ``NaN`` without rows.

    Raises:
        ConfigError: If the lengths or types differ or a class is missing.

    Example:
        >>> uar(["sad", "sad", "angry", "angry"], ["sad", "angry", "angry", "angry"])
        0.75
    """
    expected, hit, n_classes = _class_hits(truth, prediction)
    if not n_classes:
        return float("nan")
    rows = np.bincount(expected, minlength=n_classes)
    return float(np.mean(np.bincount(expected, weights=hit, minlength=n_classes) / rows))


def _class_hits(truth: npt.ArrayLike, prediction: npt.ArrayLike) -> tuple[Rows, Mask, int]:
    """Number the sorted classes of `truth` (N,), say which rows were predicted right (N,), and count the classes."""
    observed, predicted = _classes(truth, "truth"), _classes(prediction, "prediction")
    if observed.shape != predicted.shape:
        raise ConfigError(f"truth has {len(observed)} rows and prediction {len(predicted)}; expected as many")
    if len(observed) and (observed.dtype.kind == "U") != (predicted.dtype.kind == "U"):
        raise ConfigError(f"truth is {observed.dtype.name} and prediction {predicted.dtype.name}; give one type")
    names, expected = np.unique(observed, return_inverse=True)
    return expected.astype(np.int64), np.asarray(observed == predicted, dtype=np.bool_), len(names)


def _classes(values: npt.ArrayLike, name: str) -> npt.NDArray[np.generic]:
    classes = np.asarray(values)
    if classes.ndim != 1:
        raise ConfigError(f"{name} has shape {classes.shape}; expected one class for each row")
    missing = int(pd.isna(classes).sum())
    if missing:
        raise ConfigError(f"{name} lacks the class of {missing} of {len(classes)} rows; leave these rows out")
    # A table's text columns are objects; as strings they compare with any other array of names.
    return np.array(classes.tolist()) if classes.dtype == object else classes


def adjusted_r2(label: npt.ArrayLike, predictors: npt.ArrayLike) -> Fit:
    r"""Adjusted R² and F-test of the regression label = b₀ + b·z.

    .. math::
        \bar{R}^2 = 1 - (1 - R^2) \frac{n - 1}{n - p - 1}, \qquad
        F = \frac{R^2 / p}{(1 - R^2) / (n - p - 1)} \sim F_{p,\; n - p - 1}

    where p is the rank of the centred predictors (Theil 1961, Economic Forecasts and Policy; used in table 3
    of Das et al. 2022). A constant predictor does not count, nor one that the others give up to float32
    rounding. As in statsmodels, a fit with no predictor left explains 0 and has no p-value. A constant label
    has no variance to explain: ``NaN``.

    Args:
        label: What is to be explained (N,); rows with ``NaN`` are left out.
        predictors: What explains it (N, P) or (N,).

    Returns:
        The fit; ``NaN`` where the label is constant or there are not more rows than parameters.

    Raises:
        ConfigError: If the shapes do not fit, a predictor is not finite, or a label is infinite.

    Example:
        >>> fit = adjusted_r2([1.0, 2.0, 3.0, 5.0], [[0.0], [1.0], [2.0], [3.0]])
        >>> round(fit.adjusted_r2, 4), round(fit.p_value, 4), fit.n
        (0.9486, 0.0173, 4)
    """
    response, regressors, _ = regression_columns(label, predictors)
    if response.shape[1] != 1:
        raise ConfigError(f"label has {response.shape[1]} columns; expected one, or call once for each")
    columns = np.hstack([np.ones_like(response), centred(regressors), centred(response)])
    return _fit(columns.T @ columns, len(response))


def pairwise_adjusted_r2(latent: npt.ArrayLike, label: npt.ArrayLike) -> Fit:
    r"""Adjusted R² of d_z = a + b d_y over all pairs of rows: do latent distances follow those of the label?

    .. math:: d_z = \lVert z_i - z_j \rVert_2, \qquad d_y = \lVert y_i - y_j \rVert_2, \qquad i < j

    (Das et al. 2022, table 1). Memory grows with N and not with N². Pairs that share a row depend on each other, so
    the p-value is far too small to be read as a test; `affectmap.stats.left_out` leads to an interval over speakers.

    Args:
        latent: Positions (N, D) or (N,).
        label: Labels (N,), or several at once (N, L); a row with any ``NaN`` is in no pair.

    Returns:
        The fit, whose ``n`` counts pairs; ``NaN`` below three pairs or where all latent distances are equal;
        0 and no p-value where all label distances are.

    Raises:
        ConfigError: If the shapes do not fit, a latent is not finite, or a label is infinite.

    Example:
        >>> fit = pairwise_adjusted_r2([[0.0, 0.0], [1.0, 0.0], [2.0, 0.5]], [1.0, 2.0, 3.0])
        >>> round(fit.adjusted_r2, 4), fit.n
        (0.9794, 3)
    """
    response, position, _ = regression_columns(label, latent, "latent")
    y, z = centred(response), centred(position)
    n = len(z)
    sums = np.zeros(3)
    for start in range(0, n, BLOCK_ROWS):
        stop = start + BLOCK_ROWS
        block = y[start:stop], z[start:stop]
        # Inside the block itself every pair is met twice.
        sums += 0.5 * _distance_sums(*block, *block) + _distance_sums(*block, y[stop:], z[stop:])
    pairs = n * (n - 1) // 2
    # Squared distances over all pairs add up to n times the squared distances from the mean.
    squares = n * np.array([np.sum(y * y), np.sum(z * z)])
    return _fit(pair_sums(np.array([pairs, *sums, *squares])), pairs)


def _distance_sums(y: Floats, z: Floats, other_y: Floats, other_z: Floats) -> Floats:
    label_diff, latent_diff = distances(y, other_y), distances(z, other_z)
    # Not np.vdot: it starts BLAS threads for so short a sum, which wait for each other on a busy machine.
    product = np.einsum("ij,ij->", label_diff, latent_diff)
    return np.array([label_diff.sum(), latent_diff.sum(), product])


def _fit(sums: Floats, n: int) -> Fit:
    found = explained(sums)
    rank, freedom = int(found.rank), n - int(found.rank) - 1
    if rank == 0 or freedom < 1 or np.isnan(found.r2):
        return Fit(float(found.adjusted_r2), float("nan"), n)
    left = 1 - float(found.r2)
    ratio = float(found.r2) / rank / (left / freedom) if left > 0 else float("inf")
    return Fit(float(found.adjusted_r2), float(fdtrc(rank, freedom, ratio)), n)


def sampled_pairwise_adjusted_r2(
    latent: npt.ArrayLike, label: npt.ArrayLike, n_pairs: int = N_PAIRS, seed: int = 0
) -> SampledFit:
    r"""Estimate `pairwise_adjusted_r2` from pairs drawn at random, for corpora with too many to visit.

    A million pairs take a fraction of a second and give the value to about ±.002. Pairs i < j are drawn uniformly, with
    replacement, among the rows that have every label. With u and v for the standardised distances d_y and d_z, and r
    for their correlation in the sample of m pairs,

    .. math::
        \operatorname{var}(r) \approx \frac{1}{m} \, \overline{\left(u v - \tfrac{r}{2} (u^2 + v^2)\right)^2},
        \qquad \operatorname{artanh} r \pm 1.96 \, \frac{\sqrt{\operatorname{var}(r)}}{1 - r^2}

    is the interval of the correlation, and its squares are that of R² (from 0 on, where it contains 0). The bracket is
    the influence of one pair on r (Devlin, Gnanadesikan and Kettenring 1975, Robust estimation and outlier detection
    with correlation coefficients), which needs fourth moments and no distribution. R² itself would not do: where the
    relation vanishes so does its influence.

    The interval is about the pairs not drawn, of these same utterances; it says nothing about other speakers. A few
    utterances very far from all others may be missed.

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
        raise ConfigError(f"n_pairs is {n_pairs}; expected at least {FEWEST_PAIRS:,}: fewer give no interval")
    response, position, _ = regression_columns(label, latent, "latent")
    pairs = len(position) * (len(position) - 1) // 2
    if pairs <= n_pairs:
        exact = pairwise_adjusted_r2(position, response)
        return SampledFit(exact.adjusted_r2, exact.adjusted_r2, exact.adjusted_r2, exact.n)
    y, z = centred(response), centred(position)
    if not z.any():
        return _sampled_fit((np.nan, np.nan, np.nan), pairs, n_pairs)
    if not y.any():
        return SampledFit(0.0, 0.0, 0.0, n_pairs)
    return _sampled_fit(_r2_interval(_products(y, z, n_pairs, seed) / n_pairs, n_pairs), pairs, n_pairs)


def _sampled_fit(r2: tuple[float, float, float], pairs: int, n_pairs: int) -> SampledFit:
    """Correct R² and its interval as if all pairs had been taken."""
    value, low, high = (float(1 - (1 - each) * (pairs - 1) / (pairs - 2)) for each in r2)
    return SampledFit(value, low, high, n_pairs)


def _pair_distances(y: Floats, z: Floats, n_pairs: int, seed: int) -> Iterator[tuple[Floats, Floats]]:
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

    a and b are the distances of label and latent, shifted and scaled by the first block's mean and standard deviation,
    so that fourth powers of large distances use up no digits.
    """
    products = np.zeros((6, 6))
    shift: Floats | None = None
    for drawn in map(np.stack, _pair_distances(y, z, n_pairs, seed)):
        if shift is None:
            shift, scale = drawn.mean(axis=1, keepdims=True), drawn.std(axis=1, keepdims=True)
            scale[scale == 0] = 1.0
        a, b = (drawn - shift) / scale
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
