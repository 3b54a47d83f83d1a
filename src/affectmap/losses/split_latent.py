"""The continuous metric loss with a part of the latent for every label."""

from __future__ import annotations

import torch
from torch import Tensor

from affectmap.errors import ConfigError
from affectmap.losses.base import LabelLoss
from affectmap.losses.concordance import label_mean
from affectmap.losses.metric_terms import metric_terms


class SplitLatentLoss(LabelLoss):
    """Ask every part of the latent to keep the distances of its own label.

    The latent's columns are cut into L parts, as equal as can be, the first ones the longer. With the terms of
    `affectmap.losses.ContinuousMetricLoss` on part l and label l::

        L = mean over l of L_slope(part l, y_l) + L_res(part l, y_l)

    That is between two others: `ContinuousMetricLoss` measures one distance between vectors of labels, so that
    labels may mix in the latent; ``authors-code`` splits, too, but takes signed differences and adds the losses up.
    With one label it is the loss of the paper. Not invariant under rotation with several labels.

    Source: split by label as in the code released with Das et al. 2022; distances by eq. 2 to 5; together, ours.

    Raises:
        ConfigError: If there are more labels than latent dimensions.

    Example:
        >>> label = torch.tensor([[1.0, 5.0], [2.0, 3.0], [4.0, 4.0]])
        >>> loss = SplitLatentLoss()
        >>> loss(-label, label).item()
        0.0
        >>> round(loss(label.flip(1), label).item(), 3)
        1.722
    """

    shift_invariant = True

    def compute(self, latent: Tensor, label: Tensor, weight: Tensor) -> Tensor:
        """Compute K losses, see `LabelLoss.compute`."""
        n_labels = label.shape[2]
        parts = latent.tensor_split(n_labels, dim=2)
        terms = [metric_terms(part, label[..., i : i + 1], weight) for i, part in enumerate(parts)]
        values = torch.stack([term.slope + term.residual for term in terms], dim=1)
        return label_mean(values, label, weight)

    def check_dims(self, latent_dim: int, n_labels: int) -> None:
        """Raise a `ConfigError` unless every label has a part."""
        if latent_dim < n_labels:
            raise ConfigError(f"{n_labels} labels need as many latent dimensions, one part each; got {latent_dim}")
