"""RankSim: each row ranks the others by latent similarity as it does by label distance."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from affectmap.losses.base import LabelLoss, check_above_0
from affectmap.losses.pairs import cosines, distances, labels_differ, shares


class RankSimLoss(LabelLoss):
    """Compare each row's ranking of the batch by latent similarity with that by label distance.

    With rk the ranks of a row of a matrix, divided by the number of rows::

        L = mean over i and j of (rk(cos(z_i, ·))_j − rk(−‖y_i − y_·‖)_j)²

    in [0, 1]. Ranks are flat almost everywhere; their *blackbox* gradient is that of an interpolation: with the slopes
    ``g = 2 (rk_z − rk_y)`` the similarities c get ``(rk(c) − rk(c − λ g)) / λ``. It is no derivative of the loss.

    Departures: g is the gradient of the term, where the source takes that of the whole objective; ties share the mean
    of their ranks, and every label value counts as one row (`balance`), where the paper draws one of each. The source
    has it beside a regression loss; alone it did not train the small encoder of ``docs/losses.md``. Where all labels
    are equal the loss is 0. O(N² log N). Not changed by rotation and scale of the latent.

    Source: Gong, Mori, Tung 2022, "RankSim: Ranking Similarity Regularization for Deep Imbalanced Regression", ICML,
    eq. 2 and 3; Vlastelica, Paulus, Musil, Martius, Rolínek 2020, "Differentiation of Blackbox Combinatorial Solvers",
    ICLR, algorithm 1.

    Args:
        interpolation: λ, > 0: larger is smoother and less faithful.
        balance: Whether each label value counts once.

    Raises:
        ConfigError: If `interpolation` is not above 0.

    Example:
        >>> loss = RankSimLoss()
        >>> label = torch.tensor([1.0, 2.0, 4.0])
        >>> ordered, swapped = torch.tensor([[1.0, 0], [1, 1], [-1, 1]]), torch.tensor([[1.0, 0], [-1, 1], [1, 1]])
        >>> loss(ordered, label).item(), loss(swapped, label).item() > 0
        (0.0, True)
    """

    rotation_invariant = True
    scale_invariant = True
    settings = ("interpolation", "balance")

    def __init__(self, interpolation: float = 2.0, balance: bool = True) -> None:
        super().__init__()
        check_above_0(interpolation=interpolation)
        self.interpolation, self.balance = interpolation, balance

    def compute(self, latent: Tensor, label: Tensor, weight: Tensor) -> Tensor:
        """Average over pairs of rows."""
        usable = labels_differ(label, weight)
        label_diff = distances(label)
        if self.balance:
            same = (label_diff == 0) & (weight > 0)[:, None, :]
            weight = weight / same.sum(dim=2).clamp(min=1)
        share = shares(weight)
        similarity = cosines(latent)
        of_other = share[:, None, :].expand_as(similarity)
        error: Tensor = _RankError.apply(  # type: ignore[no-untyped-call]
            similarity, ranks(-label_diff, of_other), of_other, self.interpolation
        )
        return (share[:, :, None] * of_other * error).sum(dim=(1, 2)) * usable


def ranks(values: Tensor, share: Tensor) -> Tensor:
    """Rank values ``(..., N)`` in 0..1: the share of weights (with sum 1) below, plus half of what is equal."""
    ordered, order = values.sort(dim=-1)
    until = share.gather(-1, order).cumsum(dim=-1)
    until = torch.cat([torch.zeros_like(until[..., :1]), until], dim=-1)
    values = values.contiguous()
    below, upto = (until.gather(-1, torch.searchsorted(ordered, values, right=right)) for right in (False, True))
    return (below + upto) / 2


class _RankError(torch.autograd.Function):
    """Squared differences of ranks, with the blackbox gradient (the source's ranks descend)."""

    generate_vmap_rule = True

    @staticmethod
    def forward(values: Tensor, target: Tensor, share: Tensor, interpolation: float) -> Tensor:
        return (ranks(values, share) - target).square()

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor, Tensor, float], output: Tensor) -> None:  # noqa: ANN401
        *tensors, ctx.interpolation = inputs
        ctx.save_for_backward(*tensors)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None, None]:  # noqa: ANN401
        values, target, share = ctx.saved_tensors
        placed = ranks(values, share)
        moved = ranks(values - ctx.interpolation * 2 * (placed - target), share)
        return gradient * (placed - moved) / ctx.interpolation, None, None, None
