"""Weighted concordance and correlation of two series, with an answer and a gradient where they are constant.

Conventions:
    Series and `share` are ``(..., M)``, results ``(...)``; `share` are weights with sum 1, or all 0.
"""

from __future__ import annotations

import torch
from torch import Tensor

from affectmap.losses.pairs import ratio


def ccc(left: Tensor, right: Tensor, share: Tensor) -> Tensor:
    """Compute Lin's (1989) concordance correlation; finite, but arbitrary, where both series are constant."""
    (left, left_mean), (right, right_mean) = _centred(left, share), _centred(right, share)
    between = (share * left * right).sum(dim=-1)
    spread = (share * (left.square() + right.square())).sum(dim=-1) + (left_mean - right_mean).square()
    return ratio(2 * between, spread)


def pearson(left: Tensor, right: Tensor, share: Tensor) -> Tensor:
    """Compute Pearson's correlation; 0, with gradient 0, where either series is constant up to rounding."""
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
