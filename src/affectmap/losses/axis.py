"""Axis loss: the first latent axes are the labels themselves."""

from __future__ import annotations

from typing import Literal, get_args

from torch import Tensor

from affectmap.errors import ConfigError
from affectmap.losses.base import LabelLoss
from affectmap.losses.pairs import ccc, differing_mean, shares

AxisKind = Literal["ccc", "mse"]


class AxisLoss(LabelLoss):
    """Ask that latent axis l equals label l; axes beyond the labels are free.

    With the latent's column ``z_l`` and the label's column ``y_l``, weighted moments::

        ccc: L = mean over l of 1 − 2 cov(z_l, y_l) / (var z_l + var y_l + (mean z_l − mean y_l)²)
        mse: L = mean over l of mean (z_l − y_l)²

    The other losses leave open how the latent lies in its plane; this one fixes origin, direction and scale. Labels
    that do not differ within a batch take no part in its mean. It promises no invariance.

    Source: Lin 1989 for the coefficient; latent axes in place of a separate head are ours.

    Args:
        kind: ``ccc`` (default), in [0, 2]; ``mse``, ≥ 0, in the labels' squared unit.

    Raises:
        ConfigError: If `kind` is unknown, or there are more labels than latent axes.

    Example:
        >>> import torch
        >>> label = torch.tensor([[1.0, 5.0], [2.0, 3.0], [4.0, 4.0]])
        >>> loss = AxisLoss()
        >>> round(loss(label, label).item(), 6), round(loss(-label + 6, label).item(), 6)
        (0.0, 1.443182)
        >>> AxisLoss("mse")(label + 2, label).item()
        4.0
    """

    settings = ("kind",)

    def __init__(self, kind: AxisKind = "ccc") -> None:
        super().__init__()
        if kind not in get_args(AxisKind):
            raise ConfigError(f"kind is {kind!r}; expected one of {list(get_args(AxisKind))}")
        self.kind = kind

    def compute(self, latent: Tensor, label: Tensor, weight: Tensor) -> Tensor:
        """Average over labels."""
        axis, truth = (columns.transpose(1, 2) for columns in (latent[..., : label.shape[2]], label))
        share = shares(weight)[:, None, :]
        squares = (axis - truth).square()
        values = 1 - ccc(axis, truth, share) if self.kind == "ccc" else (share * squares).sum(dim=2)
        return differing_mean(values, label, weight)

    def check_dims(self, latent_dim: int, n_labels: int) -> None:
        """Raise a `ConfigError` unless every label has an axis."""
        if latent_dim < n_labels:
            raise ConfigError(f"{n_labels} labels need as many latent axes; got {latent_dim}")
