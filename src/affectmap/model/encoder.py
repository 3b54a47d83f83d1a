"""The encoder of a model in NumPy alone: a row gets the same bits alone as among others, on any processor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from affectmap.preparation.standardisation import Statistics
from affectmap.schema import Floats

#: Rows that go through the network at a time, so that the memory of its layers stays small.
BLOCK_ROWS = 1024


def linear_map(values: Floats, weight: Floats, bias: Floats) -> Floats:
    """Map rows linearly, so that the bits of a row depend on nothing but the row.

    A matrix product may sum in another order for another number of rows, another place among them or another
    processor. Here every output sums its inputs one after another, and IEEE 754 rounds each sum and product.

    Args:
        values: (N, F), float64.
        weight: (F, O).
        bias: (O,).

    Returns:
        (N, O).
    """
    found = np.repeat(bias[:, None], len(values), axis=1)
    product = np.empty_like(found)
    for weights, value in zip(weight, np.ascontiguousarray(values.T), strict=True):
        found += np.multiply(weights[:, None], value, out=product)
    return found.T


def layer(tensors: Mapping[str, Any], name: str) -> tuple[Floats, Floats]:
    """Give weight (F, O) and bias (O,) of a layer in float64."""
    weight, bias = (tensors[f"{name}.{part}"].astype(np.float64) for part in ("weight", "bias"))
    return weight.T, bias


def standardised(features: Floats, statistics: Statistics) -> Floats:
    """Standardise features (N, F); a feature that is not usable in the statistics counts as 0.

    Example:
        >>> standardised(np.array([[3.0, 5.0]]), Statistics(np.array([1.0, 5.0]), np.array([2.0, 0.0]))).tolist()
        [[1.0, 0.0]]
    """
    usable = statistics.usable
    mean, std = np.where(usable, statistics.mean, 0.0), np.where(usable, statistics.std, np.inf)
    return (features - mean) / std


def encode(features: Floats, statistics: Statistics, layers: Sequence[tuple[Floats, Floats]]) -> tuple[Floats, Floats]:
    """Standardise features and run them through the encoder.

    Args:
        features: (N, F).
        statistics: Mean and standard deviation; a feature that is not usable in them counts as 0.
        layers: Weight and bias of each; all but the last are followed by max(x, 0).

    Returns:
        The embedding (N, D), and the root mean square z-score of the features (N,); ``NaN`` in rows with a feature
        that is not finite.

    Example:
        >>> statistics, layers = Statistics(np.ones(1), np.ones(1)), [(np.eye(1), np.zeros(1))]
        >>> latent, distance = encode(np.array([[3.0], [np.nan]]), statistics, layers)
        >>> latent.tolist(), distance.tolist()
        ([[2.0], [nan]], [2.0, nan])
    """
    latent, distance = np.empty((len(features), layers[-1][0].shape[1])), np.empty(len(features))
    for start in range(0, len(features), BLOCK_ROWS):
        block = features[start : start + BLOCK_ROWS].astype(np.float64)
        sound = np.asarray(np.isfinite(block).all(axis=1))
        block[~sound] = 0.0
        values = standardised(block, statistics)
        squares = linear_map(values**2, np.full((values.shape[1], 1), 1 / values.shape[1]), np.zeros(1))[:, 0]
        for weight, bias in layers[:-1]:
            values = np.maximum(linear_map(values, weight, bias), 0.0)
        rows = slice(start, start + len(block))
        latent[rows] = np.where(sound[:, None], linear_map(values, *layers[-1]), np.nan)
        distance[rows] = np.where(sound, np.sqrt(squares), np.nan)
    return latent, distance
