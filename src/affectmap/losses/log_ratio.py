"""Log-ratio loss: ratios of latent distances equal ratios of label distances."""

from __future__ import annotations

from torch import Tensor

from affectmap.losses.base import LabelLoss, check_above_0
from affectmap.losses.pairs import pair_weights, ratio, squared_distances


class LogRatioLoss(LabelLoss):
    """Ask that, seen from an anchor, ratios of latent distances are ratios of label distances.

    The mean over triplets of an anchor a and two more rows i and j, with D the *squared* Euclidean distance, of::

        (log D_z(a, i) / D_z(a, j)  −  log D_y(a, i) / D_y(a, j))²

    ≥ 0. With ``u_i = log D_z(a, i) − log D_y(a, i)`` a triplet's term is ``(u_i − u_j)²``, so the mean over all
    triplets is the variance of u an anchor: O(N²). Not changed by rotation, shift and scale of the latent.

    Departures: every triplet of the batch takes part, where the paper samples neighbours; `smoothing` keeps logarithms
    and gradients finite. A row whose label is the anchor's takes part in none of that anchor's triplets.

    Source: Kim, Seo, Laptev, Cho, Kwak 2019, "Deep Metric Learning Beyond Binary Supervision", CVPR, eq. 2.

    Args:
        smoothing: Added to squared distances, as a share of their mean; > 0.

    Raises:
        ConfigError: If `smoothing` is not above 0.

    Example:
        >>> import torch
        >>> loss = LogRatioLoss()
        >>> latent, label = torch.tensor([[0.0], [2.0], [6.0]]), torch.tensor([1.0, 2.0, 4.0])
        >>> round(loss(latent, label).item(), 6), loss(latent.square(), label).item() > 0
        (0.0, True)
    """

    rotation_invariant = True
    shift_invariant = True
    scale_invariant = True
    settings = ("smoothing",)

    def __init__(self, smoothing: float = 1e-6) -> None:
        super().__init__()
        check_above_0(smoothing=smoothing)
        self.smoothing = smoothing

    def compute(self, latent: Tensor, label: Tensor, weight: Tensor) -> Tensor:
        """Average over triplets."""
        # The scale of the latent is free, so it may as well be one whose squares do not under- or overflow.
        latent = ratio(latent, latent.detach().abs().amax(dim=(1, 2), keepdim=True))
        label_squares = squared_distances(label)
        pairs = pair_weights(weight) * (label_squares > 0)
        difference = self._logarithms(squared_distances(latent), pairs) - self._logarithms(label_squares, pairs)
        others = weight[:, None, :] * (pairs > 0)
        total = others.sum(dim=2)
        mean = ratio((others * difference).sum(dim=2), total)
        squares = 2 * total * (others * (difference - mean[:, :, None]).square()).sum(dim=2)
        n_triplets = total.square() - others.square().sum(dim=2)
        return ratio((weight * squares).sum(dim=1), (weight * n_triplets).sum(dim=1))

    def _logarithms(self, squares: Tensor, pairs: Tensor) -> Tensor:
        mean = ratio((pairs * squares).sum(dim=(1, 2)), pairs.sum(dim=(1, 2)))
        return (ratio(squares, mean[:, None, None]) + self.smoothing).log()
