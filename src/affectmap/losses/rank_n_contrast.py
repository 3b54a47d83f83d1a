"""Rank-N-Contrast: a row's neighbours by label are its neighbours in the latent, in the same order."""

from __future__ import annotations

import torch
from torch import Tensor

from affectmap.losses.base import LabelLoss, check_above_0
from affectmap.losses.pairs import distances, labels_differ, pair_weights, ratio


class RankNContrastLoss(LabelLoss):
    """Contrast every pair with the rows that are at least as far away by label.

    With ``s_ij = −‖z_i − z_j‖₂ / τ`` and ``S_ij`` the rows k ≠ i with d_y(i, k) ≥ d_y(i, j), j and ties included::

        L = mean over i ≠ j of  −log ( exp s_ij / Σ_{k ∈ S_ij} exp s_ik )

    Denominators are cumulative sums over each row's sorted label distances, ties exact: O(N² log N) in time, O(N²)
    in memory. Weights, divided by their mean, count in the mean and in the denominators. Where all labels are equal
    the loss is 0; it is not 0 at its best. Not changed by rotation and shift of the latent.

    Source: Zha, Cao, Son, Yang, Katabi 2023, "Rank-N-Contrast: Learning Continuous Representations for Regression",
    NeurIPS, eq. 1 and 2; τ = 2 and the Euclidean distance are that paper's defaults.

    Args:
        temperature: τ, > 0, in units of the latent.

    Raises:
        ConfigError: If `temperature` is not above 0.

    Example:
        >>> loss = RankNContrastLoss()
        >>> label = torch.tensor([1.0, 2.0, 4.0])
        >>> ordered, swapped = torch.tensor([[0.0], [10.0], [30.0]]), torch.tensor([[0.0], [30.0], [10.0]])
        >>> bool(loss(ordered, label) < loss(swapped, label))
        True
    """

    rotation_invariant = True
    shift_invariant = True
    settings = ("temperature",)

    def __init__(self, temperature: float = 2.0) -> None:
        super().__init__()
        check_above_0(temperature=temperature)
        self.temperature = temperature

    def compute(self, latent: Tensor, label: Tensor, weight: Tensor) -> Tensor:
        """Average over pairs."""
        pairs, similarity = pair_weights(weight), -distances(latent) / self.temperature
        mean_weight = ratio(weight.square().sum(dim=1), weight.sum(dim=1))
        share = ratio(weight, mean_weight[:, None])[:, None, :]
        usable = pairs > 0
        # An anchor without any other row must not have an empty sum, whose logarithm has no gradient.
        nothing = torch.where(usable.any(dim=2, keepdim=True), -torch.inf, 0.0)
        logits = torch.where(usable, similarity + torch.where(usable, share, 1.0).log(), nothing)
        # The anchor itself and absent rows come last, beyond all sums that are read.
        far, order = torch.where(usable, distances(label), -1.0).sort(dim=2, descending=True)
        sums = logits.gather(2, order).logcumsumexp(dim=2)
        last_tie = torch.searchsorted(-far, -far, right=True) - 1
        error = torch.where(far >= 0, sums.gather(2, last_tie) - similarity.gather(2, order), 0.0)
        return (pairs.gather(2, order) * error).sum(dim=(1, 2)) * labels_differ(label, weight)
