"""Weighted concordance and correlation of two series, with an answer and a gradient where they are constant."""

from __future__ import annotations

import torch
from torch import Tensor

from affectmap.losses.pairs import differ, ratio


def label_mean(values: Tensor, label: Tensor, weight: Tensor) -> Tensor:
    """Average the values of K models over the labels that differ within the batch; 0 where none does.

    Args:
        values: One a label, ``(K, L)``.
        label: ``(K, N, L)``.
        weight: Of the rows, ``(K, N)``, ≥ 0.

    Returns:
        ``(K,)``.

    Example:
        >>> label = torch.tensor([[[1.0, 3.0], [2.0, 3.0]]])
        >>> label_mean(torch.tensor([[0.5, 9.0]]), label, torch.ones(1, 2))
        tensor([0.5000])
    """
    usable = differ(label.transpose(1, 2), weight[:, None, :].expand(-1, label.shape[2], -1))
    return torch.where(usable, values, 0.0).sum(dim=1) / usable.sum(dim=1).clamp(min=1)


def ccc(left: Tensor, right: Tensor, share: Tensor) -> Tensor:
    """Compute Lin's concordance correlation coefficient, ``2 cov / (var + var' + (mean − mean')²)``.

    Source: Lin 1989, "A concordance correlation coefficient to evaluate reproducibility", Biometrics 45.

    Args:
        left: ``(..., M)``.
        right: ``(..., M)``.
        share: Weights with sum 1, or all 0, ``(..., M)``.

    Returns:
        ``(...)`` in [−1, 1]. Finite, but arbitrary, where both are constant: ask
        `affectmap.losses.pairs.differ` first.

    Example:
        >>> series = torch.tensor([1.0, 2.0, 3.0])
        >>> ccc(series, series + 1, torch.full((3,), 1 / 3)).item()  # 2 · 2/3 / (2/3 + 2/3 + 1)
        0.571428...
    """
    (left, left_mean), (right, right_mean) = _centred(left, share), _centred(right, share)
    between = (share * left * right).sum(dim=-1)
    spread = (share * (left.square() + right.square())).sum(dim=-1) + (left_mean - right_mean).square()
    return ratio(2 * between, spread)


def pearson(left: Tensor, right: Tensor, share: Tensor) -> Tensor:
    """Compute Pearson's correlation, ``cov / √(var var')``.

    Args:
        left: ``(..., M)``.
        right: ``(..., M)``.
        share: Weights with sum 1, or all 0, ``(..., M)``.

    Returns:
        ``(...)`` in [−1, 1]; 0, with gradient 0, where either is constant up to rounding.

    Example:
        >>> series = torch.tensor([1.0, 2.0, 3.0])
        >>> round(pearson(series, 5 - 2 * series, torch.full((3,), 1 / 3)).item(), 6)
        -1.0
    """
    moments = []
    constant = torch.zeros_like(share[..., 0], dtype=torch.bool)
    for series in (left, right):
        centred, mean = _centred(series, share)
        variance = (share * centred.square()).sum(dim=-1)
        # Rounding alone leaves a constant with a variance of about (eps · value)².
        constant = constant | (variance <= (8 * torch.finfo(series.dtype).eps * mean).square())
        moments.append((centred, variance))
    (left, left_variance), (right, right_variance) = moments
    between = (share * left * right).sum(dim=-1)
    scale = torch.where(constant, 1.0, left_variance).sqrt() * torch.where(constant, 1.0, right_variance).sqrt()
    return torch.where(constant, 0.0, between / scale)


def _centred(series: Tensor, share: Tensor) -> tuple[Tensor, Tensor]:
    mean = (share * series).sum(dim=-1)
    return series - mean[..., None], mean
