"""Distance correlation: any dependence between latent and labels, linear or not."""

from __future__ import annotations

import torch
from torch import Tensor

from affectmap.losses.base import LabelLoss
from affectmap.losses.pairs import distances, ratio, shares


class DistanceCorrelationLoss(LabelLoss):
    """One minus the distance correlation of latent and labels.

    With A and B the matrices of Euclidean distances between latents and between labels, their row and column means
    taken off and the mean of all added again (double centring)::

        dCov²(A, B) = mean of A_ij B_ij over all i and j
        L = 1 − dCor,   dCor² = dCov²(A, B) / √(dCov²(A, A) dCov²(B, B))

    in [0, 1]; 0 where the latent is the labels turned, shifted and scaled. This is the V-statistic, biased upwards in
    small batches, with weights ``w_i w_j / (Σ w)²``. Where all latents coincide dCor is 0, without gradient. O(N²).
    Not changed by rotation, shift and scale of the latent.

    Source: Székely, Rizzo, Bakirov 2007, "Measuring and testing dependence by correlation of distances", Annals of
    Statistics 35(6), definitions 4 and 5.

    Example:
        >>> loss = DistanceCorrelationLoss()
        >>> label = torch.tensor([1.0, 2.0, 4.0])
        >>> round(loss(-3 * label[:, None], label).item(), 6), loss(torch.ones(3, 2), label).item()
        (0.0, 1.0)
    """

    rotation_invariant = True
    shift_invariant = True
    scale_invariant = True

    def compute(self, latent: Tensor, label: Tensor, weight: Tensor) -> Tensor:
        """Compare centred distances; see `LabelLoss.compute`."""
        # The scale of the latent is free, so it may as well be one whose squares do not under- or overflow.
        latent = ratio(latent, latent.detach().abs().amax(dim=(1, 2), keepdim=True))
        share = shares(weight)
        pairs = share[:, :, None] * share[:, None, :]
        latent_part, label_part = (_centred(distances(points), share) for points in (latent, label))
        label_variance = (pairs * label_part.square()).sum(dim=(1, 2))
        variances = (pairs * latent_part.square()).sum(dim=(1, 2)) * label_variance
        covariance = (pairs * latent_part * label_part).sum(dim=(1, 2))
        squared = ratio(covariance, _root(variances))
        return (1 - _root(squared)) * (label_variance > 0)


def _centred(values: Tensor, share: Tensor) -> Tensor:
    means = (values * share[:, None, :]).sum(dim=2)
    mean = (means * share).sum(dim=1)
    return values - means[:, :, None] - means[:, None, :] + mean[:, None, None]


def _root(values: Tensor) -> Tensor:
    """Square root, with gradient 0 at 0."""
    positive = values > 0
    return torch.where(positive, torch.where(positive, values, 1.0).sqrt(), 0.0)
