"""What several losses share: distances that can be differentiated everywhere, weights, safe ratios, correlations.

Conventions:
    `points` are ``(..., N, D)``, pairs ``(..., N, N)``, weights of rows ``(..., N)`` and ≥ 0. `left` and `right` are
    series ``(..., M)`` with `share` their weights ``(..., M)``, with sum 1, or all 0.
"""

from __future__ import annotations

import torch
from torch import Tensor


def distances(points: Tensor) -> Tensor:
    """Measure Euclidean distances between all rows; the gradient is 0 where two coincide."""
    # cdist has gradient 0 where two points coincide, so nothing is divided by zero there. Its fast mode, by
    # matrix product, loses digits for close points, which are most of the pairs here.
    return torch.cdist(points, points, compute_mode="donot_use_mm_for_euclid_dist")


def squared_distances(points: Tensor) -> Tensor:
    """Measure squared Euclidean distances between all rows, a column at a time."""
    total = torch.zeros_like(points[..., :1]) * points[..., None, :, 0]
    for column in points.unbind(dim=-1):
        total = total + (column[..., :, None] - column[..., None, :]).square()
    return total


def pair_weights(weight: Tensor) -> Tensor:
    """Give every pair the product of its rows' weights, divided by the sum of all these products.

    A sum of values times these is their weighted mean; every pair stands in it twice, as (i, j) and (j, i). The
    diagonal is 0, and all is 0 where fewer than two rows have a weight.
    """
    product = weight[..., :, None] * weight[..., None, :]
    product = product * (1 - torch.eye(weight.shape[-1], dtype=weight.dtype, device=weight.device))
    return shares(product.flatten(-2)).reshape(product.shape)


def shares(weight: Tensor) -> Tensor:
    """Divide weights by their sum along the last dimension; all 0 stays all 0."""
    total = weight.sum(dim=-1, keepdim=True)
    return ratio(weight, total)


def cosines(points: Tensor) -> Tensor:
    """Measure the cosines of the angles between all rows, seen from the origin; 0, with gradient 0, at the origin."""
    # By the largest coordinate first, so that no square under- or overflows.
    largest = points.detach().abs().amax(dim=-1, keepdim=True)
    points = ratio(points, largest)
    squares = points.square().sum(dim=-1, keepdim=True)
    direction = points / torch.where(squares > 0, squares, 1.0).sqrt()
    return direction @ direction.mT


def ratio(value: Tensor, divisor: Tensor) -> Tensor:
    """Divide, and give 0 with gradient 0 where the divisor is 0; what is ``NaN`` stays ``NaN``."""
    usable = divisor != 0
    return torch.where(usable, value / torch.where(usable, divisor, 1.0), 0.0)


def differ(values: Tensor, weight: Tensor) -> Tensor:
    """Say whether the values that have a weight differ at all, exactly, along the last dimension."""
    there = weight > 0
    highest = torch.where(there, values, -torch.inf).amax(dim=-1)
    return highest > torch.where(there, values, torch.inf).amin(dim=-1)


def labels_differ(label: Tensor, weight: Tensor) -> Tensor:
    """Say for K batches ``(K, N, L)`` whether two rows with a weight have different labels, ``(K,)``."""
    return differ(label.mT, weight[:, None, :]).any(dim=1)


def differing_mean(values: Tensor, label: Tensor, weight: Tensor) -> Tensor:
    """Average values ``(K, L)`` over the labels ``(K, N, L)`` that differ within their batch; 0 where none does."""
    usable = differ(label.transpose(1, 2), weight[:, None, :].expand(-1, label.shape[2], -1))
    return torch.where(usable, values, 0.0).sum(dim=1) / usable.sum(dim=1).clamp(min=1)


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
