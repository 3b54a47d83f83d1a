"""Gradient of the losses on the latents of K models at once; of the loss of the paper in closed form."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from affectmap.losses import metric_gradient as paper_gradient
from affectmap.model.settings import TrainingSettings
from affectmap.model.training.metric_values import MetricValues, metric_values
from affectmap.model.training.workspace import Workspace


class MetricGradient(NamedTuple):
    """What moves the latents, and the values of the losses.

    Attributes:
        latent: Gradient of λ times the sum of the losses, ``(K, B, D)``.
        values: The losses, without λ.
    """

    latent: Tensor
    values: MetricValues


def metric_gradient(
    latent: Tensor, label: Tensor, present: Tensor, weight: Tensor, settings: TrainingSettings, space: Workspace
) -> MetricGradient:
    """Differentiate the losses on the latents of K models' batches.

    Args:
        latent: ``(K, B, D)``.
        label: ``(K, B, L)``, finite.
        present: Whether a row exists and has its labels: 1 or 0, ``(K, B)``; or ``(K, 1)``, the same for all rows.
        weight: λ, ``(K,)``.
        settings: Name the losses; ``paper`` goes in closed form, all others by automatic differentiation.
        space: Arrays for the pairs.

    Returns:
        Gradient and values.

    Example:
        Two points further apart than their labels are pulled together:

        >>> latent, label = torch.tensor([[[0.0], [3.0]]]), torch.tensor([[[1.0], [2.0]]])
        >>> space = Workspace("cpu", torch.float32)
        >>> found = metric_gradient(latent, label, torch.ones(1, 1), torch.ones(1), TrainingSettings(), space)
        >>> found.latent.flatten().tolist(), found.values.slope.tolist()
        ([-1.0, 1.0], [2.0])
    """
    names = settings.loss_names
    if names == ("authors-code",):
        return _automatic(latent, label, present, weight, names)
    found = None
    if "paper" in names:
        gradient, terms = paper_gradient(latent, label, present, weight, space.take)
        found = MetricGradient(gradient, MetricValues(terms.slope + terms.residual, *terms))
    others = tuple(name for name in names if name != "paper")
    if others and label.shape[2]:
        rest = _automatic(latent, label, present, weight, others)
        found = rest if found is None else _added(found, rest)
    return _nothing(latent) if found is None else found


def _automatic(
    latent: Tensor, label: Tensor, present: Tensor, weight: Tensor, names: tuple[str, ...]
) -> MetricGradient:
    # Under the trainer nothing is recorded; here it is, from the latents on.
    with torch.enable_grad():
        leaf = latent.detach().requires_grad_()
        values = metric_values(leaf, label, present.expand(label.shape[:2]), names)
        (gradient,) = torch.autograd.grad((weight * values.value).sum(), leaf)
    return MetricGradient(gradient, MetricValues(*(value.detach() for value in values)))


def _added(paper: MetricGradient, rest: MetricGradient) -> MetricGradient:
    values = paper.values._replace(value=paper.values.value + rest.values.value)
    return MetricGradient(paper.latent + rest.latent, values)


def _nothing(latent: Tensor) -> MetricGradient:
    zero = latent.new_zeros(len(latent))
    return MetricGradient(torch.zeros_like(latent), MetricValues(zero, zero, zero, zero > 0))
