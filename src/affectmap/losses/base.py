"""The base of all losses: it checks shapes, and handles missing labels, weights and devices."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import ClassVar, Self

import torch
from torch import Tensor, nn

from affectmap.errors import ConfigError


class LabelLoss(nn.Module):
    """A loss on latents and the labels of their utterances, to derive from: write `compute`, and set the invariances.

    What is promised here is tested for every loss in `affectmap.losses.LOSSES`:

    * *Missing labels*: a row with any ``NaN`` among its labels counts as absent.
    * *Weights* are those of rows, ≥ 0; a pair has the product of its two. Only ratios of weights count.
    * *No term*: with fewer than two usable rows, or labels that are all equal, a loss is exactly 0 and its
      gradient is 0. Where points coincide gradients are finite.
    * *Several batches*: leading dimensions are batches apart, such as those of K models.

    Attributes:
        rotation_invariant: Whether a rotation of the latents about the origin changes nothing.
        shift_invariant: Whether adding one vector to all latents changes nothing.
        scale_invariant: Whether multiplying all latents by one positive number changes nothing.
        settings: Attributes that the printed module shows.
        check_values: Whether infinite labels and negative weights are looked for. That waits for a GPU, and
            cannot be done under ``torch.func.vmap``; set it to false there.

    Example:
        >>> class NearOrigin(LabelLoss):
        ...     def compute(self, latent, label, weight):
        ...         return (weight * latent.square().sum(dim=2)).sum(dim=1) / weight.sum(dim=1).clamp(min=1e-9)
        >>> loss = NearOrigin()
        >>> loss(torch.tensor([[3.0, 4.0], [0.0, 0.0]]), torch.tensor([1.0, 5.0])).item()
        12.5
        >>> loss(torch.tensor([[3.0, 4.0], [0.0, 0.0]]), torch.tensor([1.0, float("nan")])).item()
        25.0
        >>> loss(torch.ones(7, 10, 2), torch.ones(7, 10)).shape
        torch.Size([7])
    """

    rotation_invariant: ClassVar[bool] = False
    shift_invariant: ClassVar[bool] = False
    scale_invariant: ClassVar[bool] = False
    settings: ClassVar[tuple[str, ...]] = ()
    check_values: bool = True

    @classmethod
    def for_dims(cls, latent_dim: int, n_labels: int) -> Self:
        """Make the loss, with its defaults, for latents of D and labels of L columns."""
        return cls()

    def forward(self, latent: Tensor, label: Tensor, weight: Tensor | None = None) -> Tensor:
        """Compute the loss of one batch, or of several at once.

        Args:
            latent: ``(..., N, D)``, any floating dtype and device.
            label: ``(..., N)`` if it has one dimension fewer than `latent`, else ``(..., N, L)``; any real dtype and
                device, ``NaN`` where missing.
            weight: Weights of the rows, ``(..., N)``, finite and ≥ 0. Default: 1 each.

        Returns:
            ``(...)``, a scalar for one batch, in the dtype of `latent`; float32 for half precision, where sums over
            pairs overflow. ``NaN`` where a usable row's latent is not finite.

        Raises:
            ConfigError: If types, shapes or dtypes do not fit, a label is infinite, or a weight is negative or not
                finite.
        """
        _check_tensors(latent, label, weight)
        _check_shapes(latent, label, weight)
        leading, (n_rows, latent_dim) = latent.shape[:-2], latent.shape[-2:]
        if torch.finfo(latent.dtype).bits < 32:
            latent = latent.float()
        n_labels = label.shape[-1] if label.dim() == latent.dim() else 1
        if n_labels:
            self.check_dims(latent_dim, n_labels)
        if 0 in (leading.numel(), n_rows, n_labels):
            return latent[..., :0, :].sum(dim=(-2, -1))
        label = label.to(latent).reshape(-1, n_rows, n_labels)
        weight = latent.new_ones(label.shape[:2]) if weight is None else weight.to(latent).reshape(-1, n_rows)
        if self.check_values:
            _check_values(label, weight)
        points, label, weight = _usable_rows(latent.reshape(-1, n_rows, latent_dim), label, weight)
        with _full_precision(latent.device.type):
            values = self.compute(points, label, weight)
        # Ranks and guarded ratios would hide that.
        diverged = ~points.isfinite().all(dim=2).all(dim=1)
        return torch.where(diverged, torch.nan, values).reshape(leading)

    def compute(self, latent: Tensor, label: Tensor, weight: Tensor) -> Tensor:
        """Compute K losses by batched tensor operations; `forward` does everything else.

        Args:
            latent: ``(K, N, D)``, 0 in rows of weight 0; not finite only where the network has diverged.
            label: ``(K, N, L)``, finite, 0 in rows of weight 0.
            weight: ``(K, N)``, the largest of a batch is 1; all 0 if no row is usable.

        Returns:
            ``(K,)``.
        """
        raise NotImplementedError(f"{type(self).__name__} has no compute")

    def check_dims(self, latent_dim: int, n_labels: int) -> None:
        """Raise a `ConfigError` if the loss cannot work with so many columns; by default all do."""

    def extra_repr(self) -> str:
        """Show the settings where PyTorch prints the module."""
        return ", ".join(f"{name}={value!r}" for name in self.settings if (value := getattr(self, name)) is not None)


def check_above_0(**settings: float) -> None:
    """Raise a `ConfigError` where a setting of a loss is not above 0."""
    for name, value in settings.items():
        if not value > 0:
            raise ConfigError(f"{name} is {value}; expected a number above 0")


def _check_tensors(latent: Tensor, label: Tensor, weight: Tensor | None) -> None:
    for name, given in (("latent", latent), ("label", label), ("weight", weight)):
        if not isinstance(given, Tensor) and not (name == "weight" and given is None):
            raise ConfigError(f"{name} is of type {type(given).__name__}; expected a tensor, see torch.as_tensor")
    if not latent.is_floating_point():
        raise ConfigError(f"latent is {latent.dtype}; expected a floating dtype")
    for name, given in (("label", label), ("weight", weight)):
        if given is not None and given.is_complex():
            raise ConfigError(f"{name} is {given.dtype}; expected a real dtype")


def _check_shapes(latent: Tensor, label: Tensor, weight: Tensor | None) -> None:
    n_leading = latent.dim() - 1
    fits = latent.dim() >= 2 and label.dim() - n_leading in (0, 1) and label.shape[:n_leading] == latent.shape[:-1]
    if not fits:
        shapes = f"latent {tuple(latent.shape)} and label {tuple(label.shape)}"
        expected = "expected (..., N, D) with (..., N) or (..., N, L)"
        raise ConfigError(f"{shapes} do not fit; {expected}{_reshaping(latent, label)}")
    if latent.shape[-1] == 0:
        raise ConfigError(f"latent {tuple(latent.shape)} has no dimension; expected D of 1 or more")
    if weight is not None and weight.shape != latent.shape[:-1]:
        expected = f"expected {tuple(latent.shape[:-1])}, one a row of latent {tuple(latent.shape)}"
        raise ConfigError(f"weight is {tuple(weight.shape)}; {expected}")


def _reshaping(latent: Tensor, label: Tensor) -> str:
    """Say how a latent that has as many rows as the label becomes one that fits."""
    if latent.shape[:1] != label.shape[:1] or label.dim() not in (1, 2):
        return ""
    if latent.dim() == 1:
        return "; give latent[:, None]" if label.dim() == 1 else "; give the latent first"
    return "; give latent.flatten(1), one row an utterance" if latent.dim() > 2 else ""


def _check_values(label: Tensor, weight: Tensor) -> None:
    if label.isinf().any():
        raise ConfigError(f"{int(label.isinf().sum())} labels are infinite; expected numbers, or NaN where missing")
    wrong = ~((weight >= 0) & weight.isfinite())
    if wrong.any():
        first = weight[wrong][0].item()
        raise ConfigError(f"{int(wrong.sum())} weights are negative or not finite, the first {first}; expected ≥ 0")


def _usable_rows(latent: Tensor, label: Tensor, weight: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    weight = torch.where(label.isnan().any(dim=2), 0.0, weight)
    largest = weight.amax(dim=1, keepdim=True)
    weight = weight / torch.where(largest > 0, largest, 1.0)
    usable = weight[..., None] > 0
    return torch.where(usable, latent, 0.0), torch.where(usable, label, 0.0), weight


def _full_precision(device: str) -> AbstractContextManager[object]:
    # Mixed precision would take the matrix products in here to 16 bits, too few for sums over pairs.
    return torch.autocast(device, enabled=False) if torch.is_autocast_enabled(device) else nullcontext()
