"""Continuous metric loss: distances in the latent space follow distances between labels."""

from __future__ import annotations

from torch import Tensor

from affectmap.losses.base import LabelLoss
from affectmap.losses.metric_terms import Preset, check_preset, check_split, metric_terms


class ContinuousMetricLoss(LabelLoss):
    r"""Ask that latent distances equal label distances: slope one, no residual.

    Over all pairs i < j with ``d_z = ‖z_i − z_j‖₂`` and ``d_y = ‖y_i − y_j‖₂``::

        α*      = Σ d_y d_z / Σ d_y²        (eq. 2: least squares for d_z = α d_y, no intercept)
        L_slope = |1 − α*|                  (eq. 3)
        L_res   = mean (d_z − α* d_y)²      (eq. 4)
        L       = L_slope + L_res           (eq. 5)

    The preset ``authors-code`` follows the code that the paper's authors released instead, see
    `affectmap.losses.AuthorsCodeLoss`. Weights of rows are ours.

    Source: Das et al. 2022, eq. 2 to 5.

    Args:
        preset: ``paper`` (default) or ``authors-code``.

    Raises:
        ConfigError: If `preset` is unknown, or the inputs' shapes do not fit.

    Example:
        Three points on a line, as far apart as their labels: nothing is left to learn.

        >>> import torch
        >>> loss = ContinuousMetricLoss()
        >>> latent = torch.tensor([[0.0, 0.0], [1.0, 0.0], [3.0, 0.0]], requires_grad=True)
        >>> loss(latent, torch.tensor([1.0, 2.0, 4.0])).item()
        0.0

        A missing label takes its utterance out of every pair:

        >>> loss(latent, torch.tensor([1.0, 3.0, float("nan")])).item()
        0.5
    """

    rotation_invariant = True
    shift_invariant = True

    def __init__(self, preset: Preset = "paper") -> None:
        super().__init__()
        check_preset(preset)
        self.preset: Preset = preset

    def compute(self, latent: Tensor, label: Tensor, weight: Tensor) -> Tensor:
        """Compute K losses, see `LabelLoss.compute`."""
        terms = metric_terms(latent, label, weight, self.preset)
        return terms.slope + terms.residual

    def check_dims(self, latent_dim: int, n_labels: int) -> None:
        """Raise a `ConfigError` unless ``authors-code`` can give each label its own part of the latent."""
        if self.preset == "authors-code":
            check_split(latent_dim, n_labels)

    def extra_repr(self) -> str:
        """Show the preset where PyTorch prints the module."""
        return f"preset={self.preset!r}"
