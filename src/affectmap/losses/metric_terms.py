"""The two terms of the continuous metric loss, for K models at once: the trainers take them apart.

Source: Das et al. 2022, equations 2 to 4, and the code that its authors released.
"""

from __future__ import annotations

from typing import Literal, NamedTuple, get_args

import torch
from torch import Tensor

from affectmap.errors import ConfigError
from affectmap.losses.pairs import distances

Preset = Literal["paper", "authors-code"]


class MetricTerms(NamedTuple):
    """The parts of the continuous metric loss, each a scalar or one value a model.

    Attributes:
        slope: ``L_slope = |1 - α*|`` (eq. 3).
        residual: ``L_res = mean (d_z - α* d_y)²`` (eq. 4).
        usable: Whether there is a metric term at all: two labelled rows with different labels.
    """

    slope: Tensor
    residual: Tensor
    usable: Tensor


def check_preset(preset: str) -> None:
    """Raise a `ConfigError` unless `preset` is ``paper`` or ``authors-code``."""
    if preset not in get_args(Preset):
        raise ConfigError(f"preset is {preset!r}; expected one of {list(get_args(Preset))}")


def check_split(latent_dim: int, n_labels: int) -> None:
    """Raise a `ConfigError` unless ``authors-code`` can give each label its own part of the latent."""
    if latent_dim < n_labels:
        raise ConfigError(
            f"authors-code gives each label a part of the latent: {latent_dim} dimensions do not do for "
            f"{n_labels} labels; give it at least {n_labels}"
        )


def metric_terms(latent: Tensor, label: Tensor, present: Tensor, preset: Preset = "paper") -> MetricTerms:
    """Compute the terms of K models' batches at once, see `affectmap.losses.ContinuousMetricLoss`.

    Args:
        latent: ``(K, N, D)``.
        label: ``(K, N, L)``; values where `present` is false are ignored.
        present: ``(K, N)`` bool, whether the row exists and has all its labels; or the rows' weights, ≥ 0.
        preset: ``paper`` or ``authors-code``.

    Returns:
        Slope, residual and whether they exist, each ``(K,)``.

    Example:
        >>> latent = torch.tensor([[[0.0], [1.0]], [[0.0], [3.0]]])
        >>> label = torch.tensor([[[1.0], [2.0]], [[1.0], [2.0]]])
        >>> metric_terms(latent, label, torch.ones(2, 2, dtype=torch.bool)).slope.tolist()
        [0.0, 2.0]
    """
    label = torch.where(present[..., None] > 0, label, 0.0)
    pairs = (present[:, :, None] * present[:, None, :]).triu(diagonal=1).to(latent.dtype)
    if preset == "paper":
        return _slope_and_residual(distances(latent), distances(label), pairs)
    columns = label.unbind(dim=2) or (torch.zeros_like(latent[..., 0]),)
    parts = latent.tensor_split(len(columns), dim=2)
    terms = [
        _slope_and_residual(_signed(part.mean(dim=2)), _signed(column), pairs)
        for part, column in zip(parts, columns, strict=True)
    ]
    slope, residual, usable = (torch.stack(values) for values in zip(*terms, strict=True))
    return MetricTerms(slope.sum(dim=0), residual.sum(dim=0), usable.any(dim=0))


def _signed(values: Tensor) -> Tensor:
    return values[:, :, None] - values[:, None, :]


def _slope_and_residual(latent_diff: Tensor, label_diff: Tensor, pairs: Tensor) -> MetricTerms:
    weighted = label_diff * pairs
    label_squares = (weighted * label_diff).sum(dim=(1, 2))
    usable = label_squares > 0
    slope = (weighted * latent_diff).sum(dim=(1, 2)) / torch.where(usable, label_squares, 1.0)  # eq. 2
    error = (pairs * (latent_diff - slope[:, None, None] * label_diff).square()).sum(dim=(1, 2))
    total = pairs.sum(dim=(1, 2))
    residual = error / torch.where(total > 0, total, 1.0)  # eq. 4
    return MetricTerms((1 - slope).abs() * usable, residual * usable, usable)
