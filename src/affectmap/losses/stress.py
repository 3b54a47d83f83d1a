"""Stress of multidimensional scaling, with label distances as the distances to be kept."""

from __future__ import annotations

from torch import Tensor

from affectmap.losses.base import LabelLoss
from affectmap.losses.pairs import distances, pair_weights, ratio


class StressLoss(LabelLoss):
    """Ask that latent distances equal label distances, large label distances most.

    Over all pairs i < j with ``d_z = ‖z_i − z_j‖₂`` and ``d_y = ‖y_i − y_j‖₂``::

        L = Σ (d_z − d_y)² / Σ d_y²

    the normalised raw stress. Kruskal's stress-1 is its root with ``Σ d_z²`` below; that form is small for a
    latent blown up far beyond the labels, and its root has no gradient at the optimum, so it was not taken. By
    eq. 2 to 4 of Das et al. 2022, ``L = L_res / mean d_y² + L_slope²``: the same two terms, weighted by the labels.

    Source: Kruskal 1964, "Multidimensional scaling by optimizing goodness of fit to a nonmetric hypothesis";
    normalised as in Borg and Groenen 2005, "Modern Multidimensional Scaling".

    The value is ≥ 0, and 1 for a latent that has collapsed.

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
        """Compute K losses, see `LabelLoss.compute`."""
        share, label_diff = pair_weights(weight), distances(label)
        error = (share * (distances(latent) - label_diff).square()).sum(dim=(1, 2))
        size = (share * label_diff.square()).sum(dim=(1, 2))
        return ratio(error, size)
