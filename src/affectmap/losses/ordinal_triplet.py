"""Ordinal triplets: what is nearer by label is nearer in the latent, by a margin in units of the labels."""

from __future__ import annotations

import torch
from torch import Tensor

from affectmap.errors import ConfigError
from affectmap.losses.base import LabelLoss
from affectmap.losses.pairs import distances, pair_weights, ratio

#: Triplets looked at together; more take memory and bring no speed.
BLOCK = 2**22


class OrdinalTripletLoss(LabelLoss):
    """Order latent distances from every anchor as label distances are, with a margin.

    The mean over all triplets of an anchor a, a nearer row n and a farther row f, d_y(a, n) < d_y(a, f), of::

        max(0,  d_z(a, n) − d_z(a, f) + m (d_y(a, f) − d_y(a, n)))

    with Euclidean distances; ≥ 0. Equal label distances make no triplet. With ``e = d_z − m d_y`` a triplet's term is
    ``max(0, e_n − e_f)``, so the slopes in e are counts of violated triplets: O(N³) in time, O(N²) in memory beside
    blocks of `BLOCK` triplets. At a tie the gradient is 0. Not changed by rotation and shift of the latent.

    Source: Weinberger & Saul 2009, "Distance Metric Learning for Large Margin Nearest Neighbor Classification", JMLR,
    for the hinge over squared distances with a constant margin; the margin that follows the labels is ours.

    Args:
        margin: m, latent units a unit of the labels, ≥ 0.

    Raises:
        ConfigError: If `margin` is negative.

    Example:
        >>> loss = OrdinalTripletLoss()
        >>> label = torch.tensor([1.0, 2.0, 4.0])
        >>> loss(label[:, None], label).item(), loss(torch.zeros(3, 1), label).item()
        (0.0, 1.3333333730697632)
    """

    rotation_invariant = True
    shift_invariant = True
    settings = ("margin",)

    def __init__(self, margin: float = 1.0) -> None:
        super().__init__()
        if not margin >= 0:
            raise ConfigError(f"margin is {margin}; expected 0 or more, such as 1")
        self.margin = margin

    def compute(self, latent: Tensor, label: Tensor, weight: Tensor) -> Tensor:
        """Average over triplets."""
        label_diff = distances(label)
        excess = distances(latent) - self.margin * label_diff
        others = weight[:, None, :] * (pair_weights(weight) > 0)
        slope, n_triplets = _violations(excess.detach(), label_diff, others)
        total = (weight[:, :, None] * slope * excess).sum(dim=(1, 2))
        return ratio(total, (weight * n_triplets).sum(dim=1))


def _violations(excess: Tensor, label_diff: Tensor, others: Tensor) -> tuple[Tensor, Tensor]:
    """Count violated triplets (where a row is nearer, less where it is farther), and all of an anchor."""
    n_models, n_rows, _ = excess.shape
    n_blocks = min(n_rows, 1 + n_models * n_rows**3 // BLOCK)
    slopes, numbers = [], []
    blocks = (values.tensor_split(n_blocks, dim=1) for values in (excess, label_diff, others))
    for e, d, w in zip(*blocks, strict=True):
        ordered = d[..., :, None] < d[..., None, :]
        violated = (ordered & (e[..., :, None] > e[..., None, :])).to(e.dtype)
        slopes.append(w * (_product(violated, w) - _product(violated.mT, w)))
        numbers.append((w * _product(ordered.to(e.dtype), w)).sum(dim=2))
    return torch.cat(slopes, dim=1), torch.cat(numbers, dim=1)


def _product(matrix: Tensor, vector: Tensor) -> Tensor:
    return (matrix @ vector[..., None]).squeeze(-1)
