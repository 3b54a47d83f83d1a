"""The continuous metric loss of Das et al. 2022: its terms, its three forms, and its gradient in closed form.

Source: Das, Lund, Lønfeldt, Pagsberg, Clemmensen (2022), "Continuous Metric Learning For Transferable Speech Emotion
Recognition and Embedding Across Low-resource Languages", NLDL, equations 2 to 5, and the code released with it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, NamedTuple, get_args

import torch
from torch import Tensor

from affectmap.errors import ConfigError
from affectmap.losses.base import LabelLoss
from affectmap.losses.pairs import differing_mean, distances
from affectmap.schema import Preset


class MetricTerms(NamedTuple):
    """The terms of the loss, one value a model."""

    slope: Tensor  # L_slope = |1 − α*|, eq. 3
    residual: Tensor  # L_res = mean (d_z − α* d_y)², eq. 4
    usable: Tensor  # whether there is a term at all: two labelled rows with different labels


def check_preset(preset: str) -> None:
    """Raise a `ConfigError` unless `preset` is ``paper`` or ``authors-code``."""
    if preset not in get_args(Preset):
        raise ConfigError(f"preset is {preset!r}; expected one of {list(get_args(Preset))}")


def metric_terms(latent: Tensor, label: Tensor, present: Tensor, preset: Preset = "paper") -> MetricTerms:
    """Compute the terms of `ContinuousMetricLoss` for the batches of K models at once.

    Args:
        latent: ``(K, N, D)``.
        label: ``(K, N, L)``; values where `present` is false are ignored.
        present: ``(K, N)`` bool, whether the row exists and has all its labels; or the rows' weights, ≥ 0.
        preset: ``paper`` or ``authors-code``.

    Returns:
        Slope, residual and whether they exist, each ``(K,)``.

    Example:
        >>> latent = torch.tensor([[[0.0], [1.0]], [[0.0], [3.0]]])
        >>> label = torch.tensor([[[1.0], [2.0]], [[1.0], [2.0]]])
        >>> metric_terms(latent, label, torch.ones(2, 2, dtype=torch.bool)).slope.tolist()
        [0.0, 2.0]
    """
    label = torch.where(present[..., None] > 0, label, 0.0)
    pairs = (present[:, :, None] * present[:, None, :]).triu(diagonal=1).to(latent.dtype)
    if preset == "paper":
        return _slope_and_residual(distances(latent), distances(label), pairs)
    columns = label.unbind(dim=2) or (torch.zeros_like(latent[..., 0]),)
    parts = latent.tensor_split(len(columns), dim=2)
    terms = [
        _slope_and_residual(_signed(part.mean(dim=2)), _signed(column), pairs)
        for part, column in zip(parts, columns, strict=True)
    ]
    slope, residual, usable = (torch.stack(values) for values in zip(*terms, strict=True))
    return MetricTerms(slope.sum(dim=0), residual.sum(dim=0), usable.any(dim=0))


def _signed(values: Tensor) -> Tensor:
    return values[:, :, None] - values[:, None, :]


def _slope_and_residual(latent_diff: Tensor, label_diff: Tensor, pairs: Tensor) -> MetricTerms:
    weighted = label_diff * pairs
    label_squares = (weighted * label_diff).sum(dim=(1, 2))
    usable = label_squares > 0
    slope = (weighted * latent_diff).sum(dim=(1, 2)) / torch.where(usable, label_squares, 1.0)  # eq. 2
    error = (pairs * (latent_diff - slope[:, None, None] * label_diff).square()).sum(dim=(1, 2))
    total = pairs.sum(dim=(1, 2))
    residual = error / torch.where(total > 0, total, 1.0)  # eq. 4
    return MetricTerms((1 - slope).abs() * usable, residual * usable, usable)


class ContinuousMetricLoss(LabelLoss):
    """Ask that latent distances equal label distances: slope one, no residual.

    Over all pairs i < j with ``d_z = ‖z_i − z_j‖₂`` and ``d_y = ‖y_i − y_j‖₂``::

        α*      = Σ d_y d_z / Σ d_y²        (eq. 2: least squares for d_z = α d_y, no intercept)
        L_slope = |1 − α*|                  (eq. 3)
        L_res   = mean (d_z − α* d_y)²      (eq. 4)
        L       = L_slope + L_res           (eq. 5)

    The weights of rows are ours. Not changed by rotation and shift of the latent; the form of
    ``authors-code`` by shift alone.

    Source: Das et al. 2022, eq. 2 to 5.

    Args:
        preset: ``paper`` (default), or ``authors-code`` for the form of `AuthorsCodeLoss`.

    Raises:
        ConfigError: If `preset` is unknown.

    Example:
        >>> loss = ContinuousMetricLoss()
        >>> latent = torch.tensor([[0.0, 0.0], [1.0, 0.0], [3.0, 0.0]])  # as far apart as the labels
        >>> loss(latent, torch.tensor([1.0, 2.0, 4.0])).item()
        0.0
        >>> loss(latent, torch.tensor([1.0, 3.0, float("nan")])).item()  # a pair is left
        0.5
    """

    rotation_invariant = True
    shift_invariant = True
    settings: ClassVar[tuple[str, ...]] = ("preset",)

    def __init__(self, preset: Preset = "paper") -> None:
        super().__init__()
        check_preset(preset)
        self.preset: Preset = preset

    def compute(self, latent: Tensor, label: Tensor, weight: Tensor) -> Tensor:
        """Add the two terms."""
        terms = metric_terms(latent, label, weight, self.preset)
        return terms.slope + terms.residual

    def check_dims(self, latent_dim: int, n_labels: int) -> None:
        """Raise a `ConfigError` unless ``authors-code`` can give each label its own part of the latent."""
        if self.preset == "authors-code" and latent_dim < n_labels:
            raise ConfigError(
                f"authors-code gives each label a part of the latent: {latent_dim} dimensions do not do for "
                f"{n_labels} labels; give it at least {n_labels}"
            )


class AuthorsCodeLoss(ContinuousMetricLoss):
    """Ask that signed latent differences equal signed label differences: slope one, no residual.

    The terms of `ContinuousMetricLoss` with other differences: ``d_z`` is the mean over the latent dimensions of
    ``z_i − z_j`` and ``d_y = y_i − y_j``, both signed. Several labels split the latent into as many parts, whose losses
    are added up. That code also takes the logarithm of the whole objective, see `affectmap.model.training`. Not
    changed by a shift of the latent.

    Source: the code released with Das et al. 2022.

    Raises:
        ConfigError: If there are more labels than latent dimensions.

    Example:
        >>> loss = AuthorsCodeLoss()
        >>> latent = torch.tensor([[0.0, 0.0], [2.0, 0.0], [6.0, 0.0]])  # means 0, 1, 3
        >>> loss(latent, torch.tensor([1.0, 2.0, 4.0])).item()
        0.0
        >>> loss(-latent, torch.tensor([1.0, 2.0, 4.0])).item()  # slope -1
        2.0
    """

    rotation_invariant = False

    def __init__(self) -> None:
        super().__init__("authors-code")


class SplitLatentLoss(LabelLoss):
    """Ask every part of the latent to keep the distances of its own label.

    The latent's columns are cut into L parts, as equal as can be, the first ones the longer. With the terms of
    `ContinuousMetricLoss` on part l and label l::

        L = mean over l of L_slope(part l, y_l) + L_res(part l, y_l)

    With one label it is the loss of the paper, and with several it is not invariant under rotation, but under shift.

    Source: split by label as in the code released with Das et al. 2022; distances by eq. 2 to 5; together, ours.

    Raises:
        ConfigError: If there are more labels than latent dimensions.

    Example:
        >>> label = torch.tensor([[1.0, 5.0], [2.0, 3.0], [4.0, 4.0]])
        >>> loss = SplitLatentLoss()
        >>> loss(-label, label).item(), round(loss(label.flip(1), label).item(), 3)
        (0.0, 1.722)
    """

    shift_invariant = True

    def compute(self, latent: Tensor, label: Tensor, weight: Tensor) -> Tensor:
        """Average the parts' losses over the labels that differ."""
        parts = latent.tensor_split(label.shape[2], dim=2)
        terms = [metric_terms(part, label[..., i : i + 1], weight) for i, part in enumerate(parts)]
        return differing_mean(torch.stack([term.slope + term.residual for term in terms], dim=1), label, weight)

    def check_dims(self, latent_dim: int, n_labels: int) -> None:
        """Raise a `ConfigError` unless every label has a part."""
        if latent_dim < n_labels:
            raise ConfigError(f"{n_labels} labels need as many latent dimensions, one part each; got {latent_dim}")


# Equations 2 to 5 stand here a second time because of speed: differentiated by hand for K models at once they take a
# fraction of the time of automatic differentiation, and the stacked trainer's aims in benchmarks/training.py need that.
def metric_gradient(
    latent: Tensor, label: Tensor, present: Tensor, weight: Tensor, array: Callable[..., Tensor]
) -> tuple[Tensor, MetricTerms]:
    """Differentiate λ times the sum of K models' losses of the paper on their latents.

    With P pairs, d = d_z, y = d_y and S = Σ y², a pair moves the loss by ``∂L/∂d = 2/P (d − α* y) + sign(α* − 1) y/S``,
    since the residual is at its least in α* already. As ``∂d/∂z_i = (z_i − z_j) / d``::

        ∂L/∂z_i = Σ_j (a + b y/d) (z_i − z_j),    a = 2/P,    b = sign(α* − 1)/S − a α*

    and a pair that coincides (d = 0) moves nothing. The derivation is ours.

    Args:
        latent: ``(K, N, D)``.
        label: ``(K, N, L)``, finite.
        present: Whether a row exists and has its labels: 1 or 0, ``(K, N)``; or ``(K, 1)``, the same for all rows.
        weight: λ, ``(K,)``.
        array: Gives the array of a name and shape, whose content may be left from the last call.

    Returns:
        The gradient ``(K, N, D)``, and the terms without λ.
    """
    n_rows = latent.shape[1]
    latent_diff, label_diff = _distances_in(latent, "latent", array), _distances_in(label, "label", array)
    if present.shape[1] == n_rows:
        both = present[:, :, None] * present[:, None, :]
        latent_diff *= both
        label_diff *= both
        n_present = present.sum(dim=1)
    else:
        n_present = present[:, 0] * n_rows
    # Every pair stands in these sums twice, as (i, j) and (j, i).
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
    return gradient, MetricTerms((1 - alpha).abs() * usable, residual * usable, usable)


def _distances_in(points: Tensor, name: str, array: Callable[..., Tensor]) -> Tensor:
    n_models, n_rows, n_columns = points.shape
    squares, difference = (array(f"{name} {use}", n_models, n_rows, n_rows) for use in ("squares", "difference"))
    if n_columns == 0:
        return squares.zero_()
    for i, column in enumerate(points.transpose(1, 2).contiguous().unbind(dim=1)):
        torch.sub(column[:, :, None], column[:, None, :], out=difference if i else squares)
        squares = squares.addcmul_(difference, difference) if i else squares.square_()
    return squares.sqrt_()


def _sum_of_products(left: Tensor, right: Tensor) -> Tensor:
    sums: Tensor = torch.linalg.vecdot(left.flatten(1), right.flatten(1))
    return sums
