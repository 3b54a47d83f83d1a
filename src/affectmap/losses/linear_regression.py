"""Error of a linear regression of the labels on the latent."""

from __future__ import annotations

import torch
from torch import Tensor

from affectmap.losses.base import LabelLoss, check_above_0
from affectmap.losses.pairs import differing_mean, ratio, shares


class LinearRegressionLoss(LabelLoss):
    """Ask that a linear function of the latent, whichever, predicts the labels: table 3 of Das et al. 2022 as a loss.

    With centred latents Z, scaled to a mean variance of 1, centred labels Y and the shares P of the rows::

        B = (Zᵀ P Z + r I)⁻¹ Zᵀ P Y
        L = mean over l of Σ_i p_i (y_il − z_i b_l)² / Σ_i p_i y_il²

    in [0, 1]: ``1 − R²`` of weighted least squares but for the ridge r, which keeps the gradient finite where the
    latent lies on a line or there are fewer rows than dimensions. Take N well above D: a batch fits itself with D + 1
    coefficients. No definition under the short name ``elr`` is known to us. Not changed by rotation, shift and scale.

    Source: ordinary least squares; as a loss, ours.

    Args:
        ridge: r, relative to the mean variance of a latent dimension. Default 1e-4.

    Raises:
        ConfigError: If `ridge` is not above 0.

    Example:
        >>> label = torch.tensor([1.0, 2.0, 4.0, 3.0])
        >>> latent = torch.stack([5 - label, torch.tensor([1.0, -1.0, 1.0, -1.0])], dim=1)
        >>> round(LinearRegressionLoss()(latent, label).item(), 6)
        0.0
    """

    rotation_invariant = True
    shift_invariant = True
    scale_invariant = True
    settings = ("ridge",)

    def __init__(self, ridge: float = 1e-4) -> None:
        super().__init__()
        check_above_0(ridge=ridge)
        self.ridge = ridge

    def compute(self, latent: Tensor, label: Tensor, weight: Tensor) -> Tensor:
        """Average over labels."""
        share = shares(weight)[..., None]
        points, truth = _scaled(latent, share), label - (share * label).sum(dim=1, keepdim=True)
        moments = points.mT @ (share * points)
        moments = moments + self.ridge * torch.eye(points.shape[2], dtype=points.dtype, device=points.device)
        slopes = torch.linalg.solve(moments, points.mT @ (share * truth))
        error = (share * (truth - points @ slopes).square()).sum(dim=1)
        total = (share * truth.square()).sum(dim=1)
        return differing_mean(ratio(error, total), label, weight)


def _scaled(latent: Tensor, share: Tensor) -> Tensor:
    mean = (share * latent).sum(dim=1, keepdim=True)
    centred = latent - mean
    variance = (share * centred.square()).sum(dim=1, keepdim=True).mean(dim=2, keepdim=True)
    # Rounding alone leaves points that coincide with a variance of about (eps · value)².
    noise = (8 * torch.finfo(latent.dtype).eps * mean).square().amax(dim=2, keepdim=True)
    constant = variance <= noise
    return torch.where(constant, 0.0, centred / torch.where(constant, 1.0, variance).sqrt())
