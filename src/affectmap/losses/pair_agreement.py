"""Agreement of latent distances with label distances: concordance, and correlation."""

from __future__ import annotations

import torch
from torch import Tensor

from affectmap.losses.base import LabelLoss
from affectmap.losses.pairs import ccc, differ, distances, pair_weights, pearson


class PairCCCLoss(LabelLoss):
    """Ask that latent distances agree with label distances in level, variance and order.

    Over all pairs i < j with ``d_z = ‖z_i − z_j‖₂`` and ``d_y = ‖y_i − y_j‖₂``, weighted moments::

        L = 1 − 2 cov(d_z, d_y) / (var d_z + var d_y + (mean d_z − mean d_y)²)

    in [0, 2]; bounded, so that a few distant points cannot rule a batch. Where all label distances are equal, as
    between two rows, the loss is 0. Not changed by rotation and shift of the latent.

    Source: Lin 1989 for the coefficient; on pairs, ours.

    Example:
        >>> loss = PairCCCLoss()
        >>> label = torch.tensor([1.0, 2.0, 4.0])
        >>> round(loss(label[:, None], label).item(), 6), round(loss(2 * label[:, None], label).item(), 6)
        (0.0, 0.636364)
    """

    rotation_invariant = True
    shift_invariant = True
    coefficient = staticmethod(ccc)

    def compute(self, latent: Tensor, label: Tensor, weight: Tensor) -> Tensor:
        """Compare all pairs."""
        share = pair_weights(weight).flatten(1)
        latent_diff, label_diff = distances(latent).flatten(1), distances(label).flatten(1)
        return torch.where(differ(label_diff, share), 1 - self.coefficient(latent_diff, label_diff, share), 0.0)


class PairPearsonLoss(PairCCCLoss):
    """Ask that latent distances are a linear function of label distances, of whatever slope and offset.

    Over all pairs i < j with ``d_z = ‖z_i − z_j‖₂`` and ``d_y = ‖y_i − y_j‖₂``, weighted moments::

        L = 1 − cov(d_z, d_y) / √(var d_z var d_y)

    in [0, 2]: the quantity of table 1 of Das et al. 2022, whose R² is ``(1 − L)²``. Where all label distances are equal
    the loss is 0; where all latent distances are, it is 1 with gradient 0. Not changed by rotation, shift and scale.

    Source: Pearson's coefficient between distance matrices is the statistic of Mantel 1967; as a loss, ours.

    Example:
        >>> label = torch.tensor([1.0, 2.0, 4.0])
        >>> round(PairPearsonLoss()(7 * label[:, None] - 3, label).item(), 6)
        0.0
    """

    scale_invariant = True
    coefficient = staticmethod(pearson)
