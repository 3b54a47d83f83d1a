"""Figures of merit: unweighted average recall and adjusted R², row by row and over pairs of rows.

Conventions:
    * ``(truth, prediction)`` and ``(label, predictors)``: what was observed comes first.
    * N rows (utterances), P predictors, D latent dimensions, L labels.
    * A row whose label is ``NaN`` takes no part; a predictor or latent that is not finite is an error.
    * What cannot be computed is ``NaN``, never a warning and never zero.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import fdtrc

from affectmap.errors import ConfigError
from affectmap.stats.least_squares import Floats, centred, distances, explained, pair_moments, regression_columns

#: Rows per block of the pairwise sums; few enough for a block to stay in the processor's cache.
BLOCK_ROWS = 16


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


def uar(truth: npt.ArrayLike, prediction: npt.ArrayLike) -> float:
    r"""Unweighted average recall, also called balanced accuracy.

    .. math:: \text{UAR} = \frac{1}{K} \sum_{k=1}^{K} \frac{\text{hits}_k}{\text{rows}_k}

    where the K classes are those that `truth` holds. A class that is only predicted has no recall and takes
    no part, as in scikit-learn's ``balanced_accuracy_score``.

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
    expected, hit, n_classes = class_hits(truth, prediction)
    if not n_classes:
        return float("nan")
    rows = np.bincount(expected, minlength=n_classes)
    return float(np.mean(np.bincount(expected, weights=hit, minlength=n_classes) / rows))


def class_hits(
    truth: npt.ArrayLike, prediction: npt.ArrayLike
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_], int]:
    """Number the classes of `truth` and tell which rows were predicted right.

    Args:
        truth: Observed classes (N,), names or numbers.
        prediction: Predicted classes (N,), of the same type.

    Returns:
        The number of each row's class (N,), from 0 on in sorted order; whether the row was hit (N,); and the
        number of classes in `truth`.

    Raises:
        ConfigError: If the lengths or types differ or a class is missing.

    Example:
        >>> class_hits(["sad", "angry"], ["sad", "sad"])
        (array([1, 0]), array([ True, False]), 2)
    """
    observed, predicted = _classes(truth, "truth"), _classes(prediction, "prediction")
    if observed.shape != predicted.shape:
        raise ConfigError(f"truth has {len(observed)} rows and prediction {len(predicted)}; expected as many")
    if len(observed) and (observed.dtype.kind == "U") != (predicted.dtype.kind == "U"):
        raise ConfigError(f"truth holds {observed.dtype.name} and prediction {predicted.dtype.name}; give one type")
    names, expected = np.unique(observed, return_inverse=True)
    return expected.astype(np.int64), np.asarray(observed == predicted, dtype=np.bool_), len(names)


def _classes(values: npt.ArrayLike, name: str) -> npt.NDArray[np.generic]:
    import pandas as pd

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

    (Das et al. 2022, table 1). The fit needs six sums over the pairs: their number, d_y, d_z, d_y², d_z² and
    d_y d_z. They are added up in blocks of rows, so that memory grows with N and not with N². Pairs that
    share a row depend on each other, so the p-value is far too small to be read as a test; the spread over
    speakers is what `affectmap.stats.bootstrap.SpeakerBootstrap` gives.

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
    return _fit(pair_moments(np.array([pairs, *sums, *squares])), pairs)


def _distance_sums(y: Floats, z: Floats, other_y: Floats, other_z: Floats) -> Floats:
    label_diff, latent_diff = distances(y, other_y), distances(z, other_z)
    # Not np.vdot: it starts BLAS threads for so short a sum, which wait for each other on a busy machine.
    product = np.einsum("ij,ij->", label_diff, latent_diff)
    return np.array([label_diff.sum(), latent_diff.sum(), product])


def _fit(moments: Floats, n: int) -> Fit:
    found = explained(moments)
    rank, freedom = int(found.rank), n - int(found.rank) - 1
    if rank == 0 or freedom < 1 or np.isnan(found.r2):
        return Fit(float(found.adjusted_r2), float("nan"), n)
    left = 1 - float(found.r2)
    ratio = float(found.r2) / rank / (left / freedom) if left > 0 else float("inf")
    return Fit(float(found.adjusted_r2), float(fdtrc(rank, freedom, ratio)), n)
