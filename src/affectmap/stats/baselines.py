"""Simple maps that a metric embedding has to beat: two principal components, and ridge regression to the labels.

Both have scikit-learn's ``fit`` and ``transform``, so they are evaluated like any embedding.
"""

from __future__ import annotations

from typing import Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.decomposition import PCA
from sklearn.linear_model import Ridge
from sklearn.pipeline import FunctionTransformer

from affectmap.errors import ConfigError
from affectmap.style import RIDGE

#: Rows above which copies of the features for a singular value decomposition are too much.
MANY_ROWS = 65_536
#: Names of the baselines in tables.
FUNCTIONALS_88, PCA_2 = "88 functionals", "PCA-2"


class RidgeMap(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Linear map from functionals to the labels themselves, by ridge regression.

    The embedding is the prediction, so it has one dimension a label. Rows with a missing label are left out of `fit`.

    Args:
        penalty: Weight of the squared coefficients, > 0.

    Example:
        >>> features = np.array([[0.0, 1.0], [1.0, 0.0], [2.0, 1.0], [3.0, 0.0]])
        >>> RidgeMap(penalty=0.1).fit(features, np.array([1.0, 2.0, 3.0, np.nan])).transform(features).shape
        (4, 1)
    """

    def __init__(self, penalty: float = 300.0) -> None:
        self.penalty = penalty

    def fit(self, X: npt.ArrayLike, y: npt.ArrayLike) -> Self:
        """Fit the regression of labels ``(N,)`` or ``(N, L)`` on standardised features ``(N, F)``.

        Raises:
            ConfigError: If no row has all labels.
        """
        features, label = np.asarray(X), np.asarray(y, dtype=np.float64)
        label = label.reshape(len(label), -1)
        known = ~np.isnan(label).any(axis=1)
        if not known.any():
            raise ConfigError("ridge regression needs labels, and no utterance has them all")
        self.ridge_ = Ridge(alpha=self.penalty).fit(features[known], label[known])
        return self

    def transform(self, X: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Predict the labels ``(N, L)`` of features ``(N, F)``, on the scale that was fitted."""
        prediction = np.asarray(self.ridge_.predict(np.asarray(X)), dtype=np.float64)
        return prediction.reshape(len(prediction), -1)


def baseline(name: str, *, penalty: float = 300.0, n_rows: int = 0) -> TransformerMixin:
    """Make a baseline, unfitted, by its name in the tables.

    Args:
        name: `FUNCTIONALS_88` (no map at all), `PCA_2` or `RIDGE`.
        penalty: Penalty of the ridge regression.
        n_rows: Utterances that it will be fitted on. For more than `MANY_ROWS` the principal components are those
            of the covariance matrix, the same to rounding, which takes no further copies of the features.

    Raises:
        ConfigError: If there is no such baseline.

    Example:
        >>> baseline("PCA-2").fit_transform(np.eye(4)).shape
        (4, 2)
    """
    if name == PCA_2:
        return PCA(n_components=2, svd_solver="covariance_eigh" if n_rows > MANY_ROWS else "full")
    if name == RIDGE:
        return RidgeMap(penalty)
    if name == FUNCTIONALS_88:
        return FunctionTransformer()
    raise ConfigError(f"no baseline {name!r}; expected one of {[FUNCTIONALS_88, PCA_2, RIDGE]}")
