"""One value an item from several raters: mean, median, and the evaluator-weighted estimator.

Only first ratings count (presentation 1): with repeats one rater would count twice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
import numpy.typing as npt

from affectmap.agreement.ratings import rating_matrix
from affectmap.errors import ConfigError
from affectmap.schema import LABELS, Floats
from affectmap.stats.measures import NO_VARIANCE

if TYPE_CHECKING:
    import pandas as pd

Estimator = Literal["ewe", "mean", "median"]
#: Items that a rater must share with others before a correlation weighs that rater.
MIN_SHARED = 3


def evaluator_weights(ratings: npt.ArrayLike) -> Floats:
    r"""Weight of each rater: the correlation with the mean of the others.

    .. math:: r_k = \max\left(0, \operatorname{corr}(x_{\cdot k}, \bar{x}_{\cdot \setminus k})\right)

    over the items that the rater and others rated. Grimm and Kroschel 2005 (Evaluation of natural emotions using self
    assessment manikins, ASRU) correlate a rater with the mean of all, the rater included, which would let each rater
    of a small group vouch for themselves. Two raters always weigh the same.

    Args:
        ratings: Items by raters (N, K), ``NaN`` where a rater gave none.

    Returns:
        A number from 0 to 1 for each rater (K,); 0 where the correlation is negative, ``NaN`` where there is none:
        fewer than `MIN_SHARED` shared items, or no variation.

    Example:
        >>> evaluator_weights([[1, 1, 2, 5], [2, 2, 2, 4], [4, 3, 5, 1], [5, 5, 4, 2]]).round(2).tolist()
        [0.9, 0.94, 0.43, 0.0]
    """
    matrix = np.asarray(ratings, dtype=np.float64)
    given = ~np.isnan(matrix)
    total, count = np.where(given, matrix, 0).sum(axis=1), given.sum(axis=1)
    weights = np.full(matrix.shape[1], np.nan)
    for rater in range(matrix.shape[1]):
        shared = given[:, rater] & (count >= 2)
        own = matrix[shared, rater]
        others = (total[shared] - own) / (count[shared] - 1)
        if shared.sum() >= MIN_SHARED and min(own.var(), others.var()) > NO_VARIANCE:
            weights[rater] = max(0.0, float(np.corrcoef(own, others)[0, 1]))
    return weights


def weighted_estimate(ratings: npt.ArrayLike) -> Floats:
    r"""Evaluator-weighted estimator (EWE) of each item.

    .. math:: \hat{x}_n = \frac{\sum_k r_k x_{nk}}{\sum_k r_k}

    over the raters of the item, with the weights of `evaluator_weights` (Grimm and Kroschel 2005, eq. 6). Where
    no rater of an item has a weight above 0, it is the plain mean.

    Args:
        ratings: Items by raters (N, K), ``NaN`` where a rater gave none.

    Returns:
        A value for each item (N,), within the range of its ratings; ``NaN`` where nobody rated.

    Example:
        >>> weighted_estimate([[1, 1, 2, 5], [2, 2, 2, 4], [4, 3, 5, 1], [5, 5, 4, 2]]).round(2).tolist()
        [1.19, 2.0, 3.77, 4.81]
    """
    matrix = np.asarray(ratings, dtype=np.float64)
    given = ~np.isnan(matrix)
    weights = given * np.nan_to_num(evaluator_weights(matrix))
    weights = np.where(weights.sum(axis=1, keepdims=True) > 0, weights, given)
    total = weights.sum(axis=1)
    rated = total > 0
    values = np.full(len(matrix), np.nan)
    values[rated] = (weights * np.where(given, matrix, 0)).sum(axis=1)[rated] / total[rated]
    return _among(matrix, values)


def _among(matrix: Floats, values: Floats) -> Floats:
    """Keep the value of each item between its ratings: rounding leads out of them, and so off the scale."""
    given = ~np.isnan(matrix)
    lowest, highest = np.where(given, matrix, np.inf), np.where(given, matrix, -np.inf)
    return np.clip(values, lowest.min(axis=1, initial=np.inf), highest.max(axis=1, initial=-np.inf))


def estimates(ratings: pd.DataFrame) -> pd.DataFrame:
    """Estimate every item in every way.

    Args:
        ratings: Table as from `read_ratings`.

    Returns:
        One row an item, sorted by ``file``; for activation and valence ``_mean``, ``_median``, ``_ewe``,
        ``_n_raters`` and ``_spread`` (standard deviation between raters, ``NaN`` with one); the most frequent
        ``emotion`` (``None`` where several tie), ``emotion_share`` of raters who chose it, and ``emotion_n_raters``.

    Example:
        >>> estimates(ratings)[["activation_ewe", "activation_spread", "emotion"]].round(2).values.tolist()
        [[2.5, 0.71, 'sad'], [4.0, 0.0, None], [4.5, 0.71, 'angry']]
    """
    import pandas as pd

    files = pd.Index(sorted(ratings.loc[ratings["presentation"] == 1, "file"].unique()), name="file", dtype=object)
    table = pd.DataFrame(index=files)
    for label in LABELS:
        wide = rating_matrix(ratings, label).reindex(files).astype("float64")
        matrix = wide.to_numpy()
        table[f"{label}_mean"] = _among(matrix, wide.mean(axis=1).to_numpy())
        table[f"{label}_median"] = _among(matrix, wide.median(axis=1).to_numpy())
        table[f"{label}_ewe"] = weighted_estimate(matrix)
        table[f"{label}_n_raters"] = wide.notna().sum(axis=1)
        agree = wide.min(axis=1) == wide.max(axis=1)  # else rounding leaves them apart
        table[f"{label}_spread"] = wide.std(axis=1, ddof=1).mask(agree & (wide.count(axis=1) > 1), 0.0)
    chosen = [_most_frequent(row.dropna()) for _, row in rating_matrix(ratings, "emotion").reindex(files).iterrows()]
    table["emotion"] = pd.Series([emotion for emotion, _, _ in chosen], files, dtype=object)
    table["emotion_share"] = [share for _, share, _ in chosen]
    table["emotion_n_raters"] = [n for _, _, n in chosen]
    return table.reset_index()


def _most_frequent(emotions: pd.Series) -> tuple[str | None, float, int]:
    counted = emotions.value_counts()
    if counted.empty:
        return None, float("nan"), 0
    tied = len(counted) > 1 and counted.iloc[0] == counted.iloc[1]
    return None if tied else str(counted.index[0]), float(counted.iloc[0] / len(emotions)), len(emotions)


def gold_standard(ratings: pd.DataFrame, estimator: Estimator = "ewe") -> pd.DataFrame:
    """Give every item one activation, one valence and one emotion.

    Args:
        ratings: Table as from `read_ratings`.
        estimator: ``ewe``, ``mean`` or ``median``.

    Returns:
        Columns ``file``, ``activation``, ``valence``, ``emotion`` (the most frequent one, ``None`` where several
        tie) and ``n_raters`` (the most that gave any of them), sorted by file.

    Raises:
        ConfigError: If the estimator is not known.

    Example:
        >>> gold_standard(ratings, "mean").values.tolist()[0]
        ['a.wav', 2.5, 1.0, 'sad', 2]
    """
    import pandas as pd

    if estimator not in get_args(Estimator):
        raise ConfigError(f"estimator is {estimator!r}; expected one of {', '.join(get_args(Estimator))}")
    table = estimates(ratings)
    counts = table[[f"{value}_n_raters" for value in (*LABELS, "emotion")]]
    columns = {"file": table["file"], **{label: table[f"{label}_{estimator}"] for label in LABELS}}
    return pd.DataFrame(columns | {"emotion": table["emotion"], "n_raters": counts.max(axis=1)})
