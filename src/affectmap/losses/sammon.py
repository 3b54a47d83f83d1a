"""Sammon's stress, with label distances as the distances to be kept."""

from __future__ import annotations

from torch import Tensor

from affectmap.losses.base import LabelLoss
from affectmap.losses.pairs import distances, pair_weights, ratio


class SammonLoss(LabelLoss):
    """Ask that latent distances equal label distances, an error counting by its share of the label distance.

    Over all pairs i < j with ``d_z = ‖z_i − z_j‖₂`` and ``d_y = ‖y_i − y_j‖₂ > 0``::

        L = 1 / Σ d_y · Σ (d_z − d_y)² / d_y

    so that near neighbours count for more than in `affectmap.losses.StressLoss`. Pairs with equal labels,
    frequent on a rating scale and a division by 0 here, take no part: nothing pulls them together. Labels that
    differ by rounding only are not equal, and would rule the batch: round them first.

    Source: Sammon 1969, "A nonlinear mapping for data structure analysis", IEEE Transactions on Computers.

    The value is ≥ 0, and 1 for a latent that has collapsed.

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
        """Compute K losses, see `LabelLoss.compute`."""
        share, label_diff = pair_weights(weight), distances(label)
        error = ratio((distances(latent) - label_diff).square(), label_diff)
        size = (share * label_diff).sum(dim=(1, 2))
        total = (share * error).sum(dim=(1, 2))
        return ratio(total, size)
