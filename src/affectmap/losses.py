"""Continuous metric loss: distances in the latent space follow distances between labels.

Conventions:
    * ``latent`` is ``(N, D)``, one row an utterance; ``label`` is ``(N,)`` or ``(N, L)`` in the same order.
    * A label that is ``NaN`` is missing; an utterance that lacks any of its labels takes part in no pair.
      That makes training *semi*-supervised.
    * A loss is a scalar. Where a batch has no usable pair, or its labels are all equal, it is exactly 0 and
      its gradient is 0: the batch has no metric term.

Source: Das, Lund, Lønfeldt, Pagsberg, Clemmensen (2022), "Continuous Metric Learning For Transferable Speech
Emotion Recognition and Embedding Across Low-resource Languages", NLDL, equations 2 to 5.
"""

from __future__ import annotations

from typing import Literal, NamedTuple, get_args

import torch
from torch import Tensor, nn

from affectmap.schema import ConfigError

Preset = Literal["paper", "authors-code"]


class MetricTerms(NamedTuple):
    """The parts of the continuous metric loss, each a scalar or one value a model.

    Attributes:
        slope: ``L_slope = |1 - α*|`` (eq. 3).
        residual: ``L_res = mean (d_z - α* d_y)²`` (eq. 4).
        usable: Whether there is a metric term at all: two labelled rows with different labels.
    """

    slope: Tensor
    residual: Tensor
    usable: Tensor


class ContinuousMetricLoss(nn.Module):
    r"""Ask that latent distances equal label distances: slope one, no residual.

    Over all pairs i < j with ``d_z = ‖z_i − z_j‖₂`` and ``d_y = ‖y_i − y_j‖₂``::

        α*      = Σ d_y d_z / Σ d_y²        (eq. 2: least squares for d_z = α d_y, no intercept)
        L_slope = |1 − α*|                  (eq. 3)
        L_res   = mean (d_z − α* d_y)²      (eq. 4)
        L       = L_slope + L_res           (eq. 5)

    The preset ``authors-code`` follows the code that the paper's authors released instead: ``d_z`` is the
    mean over the latent dimensions of ``z_i − z_j`` and ``d_y = y_i − y_j``, both signed; with several labels
    the latent is split in as many parts, one loss each, and the losses are summed. That form is not invariant
    under rotation of the latent. (That code's logarithm is of the whole objective: see training.)

    Source: Das et al. 2022, eq. 2 to 5.

    Args:
        preset: ``paper`` (default) or ``authors-code``.

    Raises:
        ConfigError: If `preset` is unknown, or the inputs' shapes do not fit.

    Example:
        Three points on a line, as far apart as their labels: nothing is left to learn.

        >>> loss = ContinuousMetricLoss()
        >>> latent = torch.tensor([[0.0, 0.0], [1.0, 0.0], [3.0, 0.0]], requires_grad=True)
        >>> loss(latent, torch.tensor([1.0, 2.0, 4.0])).item()
        0.0

        A missing label takes its utterance out of every pair:

        >>> loss(latent, torch.tensor([1.0, 3.0, float("nan")])).item()
        0.5
    """

    def __init__(self, preset: Preset = "paper") -> None:
        super().__init__()
        check_preset(preset)
        self.preset = preset

    def forward(self, latent: Tensor, label: Tensor) -> Tensor:
        """Compute the loss of one batch.

        Args:
            latent: ``(N, D)``, any floating dtype and device.
            label: ``(N,)`` or ``(N, L)``, any real dtype and device, ``NaN`` where missing.

        Returns:
            A scalar ≥ 0 in the dtype of `latent`; float32 for half precision, where sums over pairs overflow.

        Raises:
            ConfigError: If the shapes do not fit.
        """
        _check_shapes(latent, label, self.preset)
        if latent.dtype in (torch.float16, torch.bfloat16):
            latent = latent.float()
        label = label.to(latent)
        label = label[:, None] if label.dim() == 1 else label
        present = ~label.isnan().any(dim=1)
        terms = metric_terms(latent[None], label[None], present[None], self.preset)
        return (terms.slope + terms.residual).squeeze(0)

    def extra_repr(self) -> str:
        """Show the preset where PyTorch prints the module."""
        return f"preset={self.preset!r}"


def check_preset(preset: str) -> None:
    """Raise a `ConfigError` unless `preset` is ``paper`` or ``authors-code``."""
    if preset not in get_args(Preset):
        raise ConfigError(f"preset is {preset!r}; expected one of {list(get_args(Preset))}")


def check_split(latent_dim: int, n_labels: int) -> None:
    """Raise a `ConfigError` unless ``authors-code`` can give each label its own part of the latent."""
    if latent_dim < n_labels:
        raise ConfigError(
            f"authors-code gives each label a part of the latent: {latent_dim} dimensions do not do for "
            f"{n_labels} labels; give it at least {n_labels}"
        )


def metric_terms(latent: Tensor, label: Tensor, present: Tensor, preset: Preset = "paper") -> MetricTerms:
    """Compute the loss of K models' batches at once, as :class:`ContinuousMetricLoss` does for one.

    Args:
        latent: ``(K, N, D)``.
        label: ``(K, N, L)``; values where `present` is false are ignored.
        present: ``(K, N)`` bool, whether the row exists and has all its labels.
        preset: ``paper`` or ``authors-code``.

    Returns:
        Slope, residual and whether they exist, each ``(K,)``.

    Example:
        >>> latent = torch.tensor([[[0.0], [1.0]], [[0.0], [3.0]]])
        >>> label = torch.tensor([[[1.0], [2.0]], [[1.0], [2.0]]])
        >>> metric_terms(latent, label, torch.ones(2, 2, dtype=torch.bool)).slope.tolist()
        [0.0, 2.0]
    """
    label = torch.where(present[..., None], label, 0.0)
    pairs = (present[:, :, None] & present[:, None, :]).triu(diagonal=1)
    if preset == "paper":
        return _slope_and_residual(_distances(latent), _distances(label), pairs)
    columns = label.unbind(dim=2) or (torch.zeros_like(latent[..., 0]),)
    parts = latent.tensor_split(len(columns), dim=2)
    terms = [
        _slope_and_residual(_signed(part.mean(dim=2)), _signed(column), pairs)
        for part, column in zip(parts, columns, strict=True)
    ]
    slope, residual, usable = (torch.stack(values) for values in zip(*terms, strict=True))
    return MetricTerms(slope.sum(dim=0), residual.sum(dim=0), usable.any(dim=0))


def _check_shapes(latent: Tensor, label: Tensor, preset: Preset) -> None:
    if latent.dim() != 2 or label.dim() not in (1, 2) or len(latent) != len(label):
        shapes = f"latent {tuple(latent.shape)} and label {tuple(label.shape)}"
        raise ConfigError(f"{shapes} do not fit; expected (N, D) with (N,) or (N, L)")
    if not latent.is_floating_point():
        raise ConfigError(f"latent is {latent.dtype}; expected a floating dtype")
    if preset == "authors-code":
        check_split(latent.shape[1], 1 if label.dim() == 1 else label.shape[1])


def _distances(points: Tensor) -> Tensor:
    # cdist has gradient 0 where two points coincide, so nothing is divided by zero there. Its fast mode, by
    # matrix product, loses digits for close points, which are most of the pairs here.
    return torch.cdist(points, points, compute_mode="donot_use_mm_for_euclid_dist")


def _signed(values: Tensor) -> Tensor:
    return values[:, :, None] - values[:, None, :]


def _slope_and_residual(latent_diff: Tensor, label_diff: Tensor, pairs: Tensor) -> MetricTerms:
    label_diff = label_diff * pairs
    latent_diff = latent_diff * pairs
    label_squares = label_diff.square().sum(dim=(1, 2))
    usable = label_squares > 0
    slope = (label_diff * latent_diff).sum(dim=(1, 2)) / torch.where(usable, label_squares, 1.0)  # eq. 2
    error = (latent_diff - slope[:, None, None] * label_diff).square().sum(dim=(1, 2))
    residual = error / pairs.sum(dim=(1, 2)).clamp(min=1)  # eq. 4
    return MetricTerms((1 - slope).abs() * usable, residual * usable, usable)
