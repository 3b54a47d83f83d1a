r"""Gradient of the losses on the latent of K models at once; of the continuous metric loss in closed form.

With d = d_z, y = d_y, P pairs and :math:`S = \sum y^2`, the loss of Das et al. 2022 (eq. 2 to 5) moves a pair by

.. math::
    \frac{\partial L}{\partial d} = \frac{2}{P} (d - \alpha^* y) + \operatorname{sign}(\alpha^* - 1) \frac{y}{S}

since the residual is at its least in :math:`\alpha^*` already. As :math:`\partial d / \partial z_i = (z_i - z_j) / d`,

.. math::
    \frac{\partial L}{\partial z_i} = \sum_j (a + b \, y / d) (z_i - z_j), \qquad
    a = \frac{2}{P}, \quad b = \frac{\operatorname{sign}(\alpha^* - 1)}{S} - a \alpha^*

and a pair that coincides (d = 0) has no direction to move in: nothing. The derivation is ours; it saves most of the
time that automatic differentiation takes for pairs of 64 rows.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from affectmap.model.training.metric_values import MetricValues, metric_values
from affectmap.model.training.tasks import TrainingSettings
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
    found = _closed_form(latent, label, present, weight, space) if "paper" in names else None
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


def _closed_form(latent: Tensor, label: Tensor, present: Tensor, weight: Tensor, space: Workspace) -> MetricGradient:
    n_rows = latent.shape[1]
    latent_diff, label_diff = _distances(latent, "latent", space), _distances(label, "label", space)
    if present.shape[1] == n_rows:
        both = present[:, :, None] * present[:, None, :]
        latent_diff *= both
        label_diff *= both
        n_present = present.sum(dim=1)
    else:
        n_present = present[:, 0] * n_rows
    # Every pair is met twice, (i, j) and (j, i), in these sums.
    squares, product = _sum_of_products(label_diff, label_diff), _sum_of_products(label_diff, latent_diff)
    usable = (squares > 0) & (n_present > 1)
    squares, pairs = torch.where(usable, squares, 1.0), (n_present * (n_present - 1)).clamp(min=1)
    alpha = product / squares  # eq. 2
    residual = (_sum_of_products(latent_diff, latent_diff) - alpha * product).clamp(min=0) / pairs
    strength = weight * usable
    even = strength * 4 / pairs
    by_label = strength * 2 * (alpha - 1).sign() / squares - even * alpha
    ratio = torch.div(label_diff, latent_diff, out=label_diff).nan_to_num_(nan=0.0, posinf=0.0)
    gradient = by_label[:, None, None] * (latent * ratio.sum(dim=2, keepdim=True) - torch.bmm(ratio, latent))
    own = latent * present[..., None]
    centre = own.sum(dim=1, keepdim=True)
    gradient += even[:, None, None] * (n_present[:, None, None] * own - present[..., None] * centre)
    slope, residual = (1 - alpha).abs() * usable, residual * usable
    return MetricGradient(gradient, MetricValues(slope + residual, slope, residual, usable))


def _distances(points: Tensor, name: str, space: Workspace) -> Tensor:
    n_models, n_rows, n_columns = points.shape
    squares, difference = (space.take(f"{name} {use}", n_models, n_rows, n_rows) for use in ("squares", "difference"))
    if n_columns == 0:
        return squares.zero_()
    for i, column in enumerate(points.transpose(1, 2).contiguous().unbind(dim=1)):
        torch.sub(column[:, :, None], column[:, None, :], out=difference if i else squares)
        squares = squares.addcmul_(difference, difference) if i else squares.square_()
    return squares.sqrt_()


def _sum_of_products(left: Tensor, right: Tensor) -> Tensor:
    """Sum over all pairs, ``(K,)``."""
    sums: Tensor = torch.linalg.vecdot(left.flatten(1), right.flatten(1))
    return sums
