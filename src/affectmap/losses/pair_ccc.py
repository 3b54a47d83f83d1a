"""Concordance of latent distances with label distances."""

from __future__ import annotations

import torch
from torch import Tensor

from affectmap.losses.base import LabelLoss
from affectmap.losses.concordance import ccc
from affectmap.losses.pairs import differ, distances, pair_weights


class PairCCCLoss(LabelLoss):
    """Ask that latent distances agree with label distances in level, spread and order.

    Over all pairs i < j with ``d_z = ‖z_i − z_j‖₂`` and ``d_y = ‖y_i − y_j‖₂``, weighted moments::

        L = 1 − 2 cov(d_z, d_y) / (var d_z + var d_y + (mean d_z − mean d_y)²)

    Unlike the loss of the paper it is bounded, so a few distant points cannot rule a batch. Where all label
    distances are equal, as between two rows, there is nothing to agree with: the loss is 0.

    Source: Lin 1989 for the coefficient; on pairs, ours.

    The value is in [0, 2].

    Example:
        >>> loss = PairCCCLoss()
        >>> label = torch.tensor([1.0, 2.0, 4.0])
        >>> round(loss(label[:, None], label).item(), 6), round(loss(2 * label[:, None], label).item(), 6)
        (0.0, 0.636364)
    """

    rotation_invariant = True
    shift_invariant = True

    def compute(self, latent: Tensor, label: Tensor, weight: Tensor) -> Tensor:
        """Compute K losses, see `LabelLoss.compute`."""
        share = pair_weights(weight).flatten(1)
        latent_diff, label_diff = distances(latent).flatten(1), distances(label).flatten(1)
        return torch.where(differ(label_diff, share), 1 - ccc(latent_diff, label_diff, share), 0.0)
