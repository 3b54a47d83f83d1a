"""Correlation of latent distances with label distances."""

from __future__ import annotations

import torch
from torch import Tensor

from affectmap.losses.base import LabelLoss
from affectmap.losses.concordance import pearson
from affectmap.losses.pairs import differ, distances, pair_weights


class PairPearsonLoss(LabelLoss):
    """Ask that latent distances are a linear function of label distances, of whatever slope and offset.

    Over all pairs i < j with ``d_z = ‖z_i − z_j‖₂`` and ``d_y = ‖y_i − y_j‖₂``, weighted moments::

        L = 1 − cov(d_z, d_y) / √(var d_z var d_y)

    This is the quantity of table 1 of Das et al. 2022 as a loss: the R² of regressing ``d_z`` on ``d_y`` is
    ``(1 − L)²``. The scale of the latent is left open. Where all label distances are equal the loss is 0; where all
    latent distances are, it is 1 with gradient 0.

    Source: Pearson's coefficient between distance matrices is the statistic of Mantel 1967; as a loss, ours.

    The value is in [0, 2].

    Example:
        >>> loss = PairPearsonLoss()
        >>> label = torch.tensor([1.0, 2.0, 4.0])
        >>> round(loss(7 * label[:, None] - 3, label).item(), 6)
        0.0
    """

    rotation_invariant = True
    shift_invariant = True
    scale_invariant = True

    def compute(self, latent: Tensor, label: Tensor, weight: Tensor) -> Tensor:
        """Compute K losses, see `LabelLoss.compute`."""
        share = pair_weights(weight).flatten(1)
        latent_diff, label_diff = distances(latent).flatten(1), distances(label).flatten(1)
        return torch.where(differ(label_diff, share), 1 - pearson(latent_diff, label_diff, share), 0.0)
