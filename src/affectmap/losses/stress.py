"""Stress of multidimensional scaling, with label distances as the distances to be kept; Kruskal's and Sammon's."""

from __future__ import annotations

from torch import Tensor

from affectmap.losses.base import LabelLoss
from affectmap.losses.pairs import distances, pair_weights, ratio


class StressLoss(LabelLoss):
    """Ask that latent distances equal label distances, large label distances most.

    Over all pairs i < j with ``d_z = ‖z_i − z_j‖₂`` and ``d_y = ‖y_i − y_j‖₂``::

        L = Σ (d_z − d_y)² / Σ d_y²

    the normalised raw stress, ≥ 0, and 1 for a latent that has collapsed. Kruskal's stress-1 is its root, divided by
    ``Σ d_z²``: small for a latent far larger than the labels, and without gradient at the optimum, so it was not taken.
    By eq. 2 to 4 of Das et al. 2022, ``L = L_res / mean d_y² + L_slope²``. Not changed by rotation and shift.

    Source: Kruskal 1964, "Multidimensional scaling by optimizing goodness of fit to a nonmetric hypothesis";
    normalised as in Borg and Groenen 2005, "Modern Multidimensional Scaling".

    Example:
        >>> import torch
        >>> loss = StressLoss()
        >>> label = torch.tensor([1.0, 2.0, 4.0])
        >>> loss(label[:, None], label).item(), loss(torch.zeros(3, 2), label).item()
        (0.0, 1.0)
    """

    rotation_invariant = True
    shift_invariant = True

    def compute(self, latent: Tensor, label: Tensor, weight: Tensor) -> Tensor:
        """Compare all pairs."""
        share, label_diff = pair_weights(weight), distances(label)
        error = (share * (distances(latent) - label_diff).square()).sum(dim=(1, 2))
        size = (share * label_diff.square()).sum(dim=(1, 2))
        return ratio(error, size)


class SammonLoss(LabelLoss):
    """Ask that latent distances equal label distances, each error relative to its label distance.

    Over all pairs i < j with ``d_z = ‖z_i − z_j‖₂`` and ``d_y = ‖y_i − y_j‖₂ > 0``::

        L = 1 / Σ d_y · Σ (d_z − d_y)² / d_y

    ≥ 0, and 1 for a latent that has collapsed; near neighbours count for more than in `StressLoss`. Pairs with equal
    labels, frequent on a rating scale and a division by 0 here, take no part. Labels that differ by rounding only
    are not equal, and would rule the batch: round them first. Not changed by rotation and shift of the latent.

    Source: Sammon 1969, "A nonlinear mapping for data structure analysis", IEEE Transactions on Computers.

    Example:
        >>> import torch
        >>> loss = SammonLoss()
        >>> label = torch.tensor([1.0, 2.0, 4.0])
        >>> loss(label[:, None], label).item(), loss(torch.zeros(3, 2), label).item()
        (0.0, 1.0)
    """

    rotation_invariant = True
    shift_invariant = True

    def compute(self, latent: Tensor, label: Tensor, weight: Tensor) -> Tensor:
        """Compare all pairs."""
        share, label_diff = pair_weights(weight), distances(label)
        error = ratio((distances(latent) - label_diff).square(), label_diff)
        size = (share * label_diff).sum(dim=(1, 2))
        total = (share * error).sum(dim=(1, 2))
        return ratio(total, size)
