"""Ordinal triplets: what is nearer by label is nearer in the latent, by a margin in units of the labels.

Source: the hinge on triplets of Weinberger & Saul (2009), "Distance Metric Learning for Large Margin Nearest Neighbor
Classification", JMLR 10; the margin that grows with the labels is this project's.
"""

from __future__ import annotations

import torch
from torch import Tensor

from affectmap.errors import ConfigError
from affectmap.losses.base import LabelLoss
from affectmap.losses.pairs import distances, pair_weights, ratio

#: Triplets looked at together; more take memory and bring no speed.
BLOCK = 2**22


class OrdinalTripletLoss(LabelLoss):
    r"""Order latent distances from every anchor as label distances are, with a margin.

    The mean over all triplets of an anchor a, a nearer row n and a farther row f, d_y(a, n) < d_y(a, f), of::

        max(0,  d_z(a, n) − d_z(a, f) + m (d_y(a, f) − d_y(a, n)))

    with Euclidean distances. Equal label distances have no order and make no triplet. Latent distances that are m
    times the label distances give 0, and so does anything more spread out in the same order.

    With ``e = d_z − m d_y`` a triplet's term is ``max(0, e_n − e_f)``: the loss is piecewise linear in e, and its
    slopes are counts of violated triplets. These are counted in blocks of anchors, so time is O(N³) and memory
    O(N²) beside blocks of `BLOCK` triplets; nothing of them is kept for the gradient. At a tie ``e_n = e_f`` the
    gradient is 0.

    The value is ≥ 0.

    Source: Weinberger & Saul 2009 for the hinge over squared distances with a constant margin; distances are not
    squared here, all triplets take part, and the margin follows the labels.

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
    scale_invariant = False

    def __init__(self, margin: float = 1.0) -> None:
        super().__init__()
        if not margin >= 0:
            raise ConfigError(f"margin is {margin}; expected 0 or more, such as 1")
        self.margin = margin

    def compute(self, latent: Tensor, label: Tensor, weight: Tensor) -> Tensor:
        """Average over triplets; see `LabelLoss.compute`."""
        label_diff = distances(label)
        excess = distances(latent) - self.margin * label_diff
        others = weight[:, None, :] * (pair_weights(weight) > 0)
        slope, n_triplets = _violations(excess.detach(), label_diff, others)
        total = (weight[:, :, None] * slope * excess).sum(dim=(1, 2))
        return ratio(total, (weight * n_triplets).sum(dim=1))

    def extra_repr(self) -> str:
        """Show the settings where PyTorch prints the module."""
        return f"margin={self.margin}"


def _violations(excess: Tensor, label_diff: Tensor, others: Tensor) -> tuple[Tensor, Tensor]:
    """Count an anchor's triplets.

    Args:
        excess: e, ``(K, N, N)``, anchors first.
        label_diff: ``(K, N, N)``.
        others: Weight of a row for an anchor, ``(K, N, N)``, 0 for itself.

    Returns:
        Weighted number of violated triplets where the row is the nearer less where it is the farther one
        ``(K, N, N)``, and of all triplets ``(K, N)``.
    """
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
