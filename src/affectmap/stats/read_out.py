"""Ratings read out of an embedding by a straight line, so that embeddings of any scale can be shown on that of ratings.

Conventions:
    * The line is the one that least squares fit on rated training rows; the rows that are read out take no part in it.
    * Each rating has a line of its own, fitted on the rows that have it.
"""

from __future__ import annotations

import numpy as np

from affectmap.schema import LABEL_RANGE, Floats


def predicted_ratings(train: Floats, label: Floats, test: Floats) -> Floats:
    """Predict ratings (M, L) from embeddings (M, D), by least squares on others (N, D) with theirs (N, L)."""
    middle, mean = train.mean(axis=0), label.mean(axis=0)
    slopes, *_ = np.linalg.lstsq(train - middle, label - mean)
    prediction: Floats = (test - middle) @ slopes + mean
    return prediction


def read_out(train: Floats, label: Floats, test: Floats) -> Floats:
    """Read ratings out of embeddings, each by the training rows that have it.

    Args:
        train: Embeddings of the training rows, shape (N, D), finite.
        label: Their ratings, 1..5, shape (N, L); ``NaN`` where nobody rated.
        test: Embeddings to read out, shape (M, D).

    Returns:
        Ratings within 1..5, shape (M, L); ``NaN`` in a column that ``2 (D + 1)`` training rows or fewer have.

    Example:
        >>> z = np.arange(8.0)[:, None]
        >>> label = np.column_stack([1 + z / 2, np.full(8, np.nan)])
        >>> read_out(z[:6], label[:6], z[6:]).round(6).tolist()
        [[4.0, nan], [4.5, nan]]
    """
    ratings = np.full((len(test), label.shape[1]), np.nan)
    for column, values in enumerate(label.T):
        known = np.isfinite(values)
        if known.sum() > 2 * (train.shape[1] + 1):
            ratings[:, [column]] = predicted_ratings(train[known], values[known, None], test)
    clipped: Floats = np.clip(ratings, *LABEL_RANGE)
    return clipped
