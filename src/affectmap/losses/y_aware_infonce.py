"""y-aware InfoNCE: contrastive learning whose positives are positive by degrees."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from affectmap.losses.base import LabelLoss, check_above_0
from affectmap.losses.pairs import cosines, labels_differ, pair_weights, ratio, squared_distances


class YAwareInfoNCELoss(LabelLoss):
    """Draw rows together as much as a Gaussian kernel on their labels says.

    With ``s_ij = cos(z_i, z_j) / τ`` and ``k_ij = exp(−‖y_i − y_j‖² / 2σ²)``::

        L = mean over i of  −Σ_{j ≠ i} (k_ij / Σ_{l ≠ i} k_il) log ( exp s_ij / mean_{l ≠ i} exp s_il )

    Departure: the paper compares two augmented views of every row; here there is one latent a row, and a row is not
    compared with itself. Where all labels are equal the loss is 0; it is not 0 at its best and may be negative. A
    latent at the origin has cosines 0 and no gradient. O(N²). Not changed by rotation and scale of the latent.

    Source: Dufumier et al. 2021, "Contrastive Learning with Continuous Proxy Meta-Data for 3D MRI Classification",
    MICCAI, eq. 2, single view; τ = 0.1 and σ = 1 are defaults of the authors' code.

    Args:
        temperature: τ, > 0.
        bandwidth: σ in units of the labels, > 0.

    Raises:
        ConfigError: If either is not above 0.

    Example:
        >>> loss = YAwareInfoNCELoss()
        >>> label = torch.tensor([1.0, 1.0, 5.0])
        >>> near, far = torch.tensor([[1.0, 0], [1, 0], [0, 1]]), torch.tensor([[1.0, 0], [0, 1], [1, 0]])
        >>> bool(loss(near, label) < loss(far, label))
        True
    """

    rotation_invariant = True
    scale_invariant = True
    settings = ("temperature", "bandwidth")

    def __init__(self, temperature: float = 0.1, bandwidth: float = 1.0) -> None:
        super().__init__()
        check_above_0(temperature=temperature, bandwidth=bandwidth)
        self.temperature, self.bandwidth = temperature, bandwidth

    def compute(self, latent: Tensor, label: Tensor, weight: Tensor) -> Tensor:
        """Average over anchors."""
        similarity = cosines(latent) / self.temperature
        usable = pair_weights(weight) > 0
        anchors = weight * usable.any(dim=2)
        others = weight[:, None, :] * usable
        log_others = torch.where(usable, torch.where(usable, others, 1.0).log(), -math.inf)
        log_kernel = log_others - squared_distances(label) / (2 * self.bandwidth**2)
        # An anchor alone has nothing to take a softmax over.
        alone = ~usable.any(dim=2, keepdim=True)
        positive = torch.where(alone, 0.0, torch.where(alone, 0.0, log_kernel).softmax(dim=2))
        total = torch.where(alone, 0.0, similarity + log_others).logsumexp(dim=2)
        total = total - torch.where(alone[..., 0], 1.0, others.sum(dim=2)).log()
        error = total - (positive * similarity).sum(dim=2)
        return ratio((anchors * error).sum(dim=1), anchors.sum(dim=1)) * labels_differ(label, weight)
