"""The losses on the latent, added up, with the paper's two terms apart."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor

from affectmap.losses import LOSSES, MetricTerms, Preset, metric_terms

#: Losses whose two terms the learning curves show, by their presets.
_PRESETS: dict[str, Preset] = {"paper": "paper", "authors-code": "authors-code"}


class MetricValues(NamedTuple):
    """What the losses on the latent come to, without λ, each ``(K,)``.

    Attributes:
        value: Their sum.
        slope: ``L_slope`` of the paper's loss; 0 where it is not among them.
        residual: ``L_res`` of the paper's loss; 0 where it is not among them.
        usable: Whether the paper's loss has a term at all.
    """

    value: Tensor
    slope: Tensor
    residual: Tensor
    usable: Tensor


def metric_values(latent: Tensor, label: Tensor, present: Tensor, names: tuple[str, ...]) -> MetricValues:
    """Add up losses on K models' batches.

    Args:
        latent: ``(K, B, D)``.
        label: ``(K, B, L)``, finite.
        present: 1 where a row exists and has its labels, else 0, ``(K, B)``.
        names: Of `affectmap.losses.LOSSES`.

    Returns:
        The sum and its parts.

    Example:
        >>> import torch
        >>> latent, label = torch.tensor([[[0.0], [3.0]]]), torch.tensor([[[1.0], [2.0]]])
        >>> metric_values(latent, label, torch.ones(1, 2), ("paper",)).value.tolist()
        [2.0]
    """
    zero = latent.new_zeros(len(latent))
    terms, rest = MetricTerms(zero, zero, zero > 0), zero
    for name in names:
        if name in _PRESETS:
            terms = metric_terms(latent, label, present > 0, _PRESETS[name])
        else:
            rest = rest + label_loss(name, latent, label, present)
    return MetricValues(terms.slope + terms.residual + rest, *terms)


def label_loss(name: str, latent: Tensor, label: Tensor, present: Tensor) -> Tensor:
    """Compute one loss of the library for K models, ``(K,)``."""
    loss = LOSSES[name]()
    loss.check_values = False
    values: Tensor = loss(latent, label, present)
    return values
