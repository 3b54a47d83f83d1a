"""What several losses share: distances that can be differentiated everywhere, weights of pairs, safe ratios."""

from __future__ import annotations

import torch
from torch import Tensor


def distances(points: Tensor) -> Tensor:
    """Measure Euclidean distances between all rows; the gradient is 0 where two coincide.

    Args:
        points: ``(..., N, D)``.

    Returns:
        ``(..., N, N)``, symmetric, 0 on the diagonal.

    Example:
        >>> points = torch.tensor([[0.0, 0.0], [3.0, 4.0]])
        >>> distances(points)
        tensor([[0., 5.],
                [5., 0.]])
    """
    # cdist has gradient 0 where two points coincide, so nothing is divided by zero there. Its fast mode, by
    # matrix product, loses digits for close points, which are most of the pairs here.
    return torch.cdist(points, points, compute_mode="donot_use_mm_for_euclid_dist")


def squared_distances(points: Tensor) -> Tensor:
    """Measure squared Euclidean distances between all rows, a column at a time.

    Args:
        points: ``(..., N, D)``.

    Returns:
        ``(..., N, N)``, symmetric, 0 on the diagonal.

    Example:
        >>> squared_distances(torch.tensor([[0.0, 0.0], [3.0, 4.0]]))
        tensor([[ 0., 25.],
                [25.,  0.]])
    """
    total = torch.zeros_like(points[..., :1]) * points[..., None, :, 0]
    for column in points.unbind(dim=-1):
        total = total + (column[..., :, None] - column[..., None, :]).square()
    return total


def pair_weights(weight: Tensor) -> Tensor:
    """Give every pair its share: the product of its rows' weights, over the sum of all these products.

    A sum of values times shares is their weighted mean. Every pair stands in it twice, as (i, j) and (j, i).

    Args:
        weight: Of the rows, ``(..., N)``, ≥ 0.

    Returns:
        ``(..., N, N)``, symmetric, 0 on the diagonal, sum 1; all 0 where fewer than two rows have a weight.

    Example:
        >>> pair_weights(torch.tensor([1.0, 1.0, 2.0])).round(decimals=3)
        tensor([[0.0000, 0.1000, 0.2000],
                [0.1000, 0.0000, 0.2000],
                [0.2000, 0.2000, 0.0000]])
    """
    product = weight[..., :, None] * weight[..., None, :]
    product = product * (1 - torch.eye(weight.shape[-1], dtype=weight.dtype, device=weight.device))
    return shares(product.flatten(-2)).reshape(product.shape)


def shares(weight: Tensor) -> Tensor:
    """Divide weights by their sum along the last dimension; all 0 stays all 0.

    Example:
        >>> shares(torch.tensor([[1.0, 3.0], [0.0, 0.0]]))
        tensor([[0.2500, 0.7500],
                [0.0000, 0.0000]])
    """
    total = weight.sum(dim=-1, keepdim=True)
    return ratio(weight, total)


def cosines(points: Tensor) -> Tensor:
    """Measure the cosines of the angles between all rows, seen from the origin.

    Args:
        points: ``(..., N, D)``.

    Returns:
        ``(..., N, N)``, symmetric; 0, with gradient 0, for a row at the origin.

    Example:
        >>> cosines(torch.tensor([[2.0, 0.0], [0.0, 3.0], [0.0, 0.0]]))
        tensor([[1., 0., 0.],
                [0., 1., 0.],
                [0., 0., 0.]])
    """
    # By the largest coordinate first, so that no square under- or overflows.
    largest = points.detach().abs().amax(dim=-1, keepdim=True)
    points = ratio(points, largest)
    squares = points.square().sum(dim=-1, keepdim=True)
    direction = points / torch.where(squares > 0, squares, 1.0).sqrt()
    return direction @ direction.mT


def ratio(value: Tensor, divisor: Tensor) -> Tensor:
    """Divide, and give 0 with gradient 0 where the divisor is 0; what is ``NaN`` stays ``NaN``.

    Example:
        >>> ratio(torch.tensor([1.0, 1.0]), torch.tensor([4.0, 0.0]))
        tensor([0.2500, 0.0000])
    """
    usable = divisor != 0
    return torch.where(usable, value / torch.where(usable, divisor, 1.0), 0.0)


def differ(values: Tensor, weight: Tensor) -> Tensor:
    """Tell whether the values that have a weight differ at all, exactly.

    Args:
        values: ``(..., M)``.
        weight: ``(..., M)``, ≥ 0.

    Returns:
        ``(...)`` bool; false where fewer than two values have a weight.

    Example:
        >>> differ(torch.tensor([0.1, 0.1, 9.0]), torch.tensor([1.0, 2.0, 0.0]))
        tensor(False)
    """
    there = weight > 0
    highest = torch.where(there, values, -torch.inf).amax(dim=-1)
    return highest > torch.where(there, values, torch.inf).amin(dim=-1)


def labels_differ(label: Tensor, weight: Tensor) -> Tensor:
    """Tell whether there are two rows with a weight whose labels differ.

    Args:
        label: ``(K, N, L)``.
        weight: ``(K, N)``, ≥ 0.

    Returns:
        ``(K,)`` bool.

    Example:
        >>> label = torch.tensor([[[1.0], [1.0], [3.0]]])
        >>> labels_differ(label, torch.tensor([[1.0, 1.0, 0.0]])), labels_differ(label, torch.ones(1, 3))
        (tensor([False]), tensor([True]))
    """
    return differ(label.mT, weight[:, None, :]).any(dim=1)
