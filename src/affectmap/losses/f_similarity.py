"""f-similarity preservation: similarities in the latent equal similarities of soft labels."""

from __future__ import annotations

from typing import Literal, get_args

import torch
from torch import Tensor

from affectmap.errors import ConfigError
from affectmap.losses.base import LabelLoss, check_above_0
from affectmap.losses.pairs import labels_differ, pair_weights, squared_distances

Divergence = Literal["kl", "pearson", "jensen-shannon"]


class FSimilarityLoss(LabelLoss):
    """Ask that Gaussian similarities of latents equal those of labels, in the measure of an f-divergence.

    With ``s = exp(−‖z_i − z_j‖² / 2σ²)``, ``t = exp(−‖y_i − y_j‖² / 2σ²)`` and f convex, the mean over pairs of the
    dual form of the f-divergence, less its minimum: ``f(t) − f(s) − f'(s) (t − s) ≥ 0``, which is

    ==================  ============================  =======================================
    `divergence`        f(x)                          the term of a pair
    ==================  ============================  =======================================
    ``kl``              x log x                       t log(t / s) − t + s
    ``pearson``         (x − 1)²                      (t − s)²
    ``jensen-shannon``  x log x − (x + 1) log (x+1)/2  f(t) − t log s + (t + 1) log (s + 1)/2
    ==================  ============================  =======================================

    Departure: the source, of which only the abstract was at hand, has similarities of soft labels over classes; the
    Gaussian ones of continuous labels are ours. Where all labels are equal the loss is 0. O(N²). Not changed by
    rotation and shift of the latent.

    Source: Zhang, Kong, Essl, Mower Provost 2019, "f-Similarity Preservation Loss for Soft Labels: A Demonstration on
    Cross-Corpus Speech Emotion Recognition", AAAI; in principle.

    Args:
        divergence: ``kl`` (default), ``pearson`` or ``jensen-shannon``.
        bandwidth: σ in units of the labels and of the latent, > 0.

    Raises:
        ConfigError: If `divergence` is unknown or `bandwidth` not above 0.

    Example:
        >>> loss = FSimilarityLoss()
        >>> label = torch.tensor([1.0, 2.0, 4.0])
        >>> loss(label[:, None] - 7, label).item(), loss(torch.zeros(3, 1), label).item() > 0
        (0.0, True)
    """

    rotation_invariant = True
    shift_invariant = True
    settings = ("divergence", "bandwidth")

    def __init__(self, divergence: Divergence = "kl", bandwidth: float = 1.0) -> None:
        super().__init__()
        if divergence not in get_args(Divergence):
            raise ConfigError(f"divergence is {divergence!r}; expected one of {list(get_args(Divergence))}")
        check_above_0(bandwidth=bandwidth)
        self.divergence, self.bandwidth = divergence, bandwidth

    def compute(self, latent: Tensor, label: Tensor, weight: Tensor) -> Tensor:
        """Average over pairs."""
        pairs = pair_weights(weight)
        log_s, log_t = (-squared_distances(points) / (2 * self.bandwidth**2) for points in (latent, label))
        return (pairs * self._terms(log_s, log_t)).sum(dim=(1, 2)) * labels_differ(label, weight)

    def _terms(self, log_s: Tensor, log_t: Tensor) -> Tensor:
        """Compute every pair's term from logarithms, which do not vanish where similarities do."""
        s, t = log_s.exp(), log_t.exp()
        if self.divergence == "pearson":
            return (t - s).square()
        if self.divergence == "kl":
            return t * (log_t - log_s) - t + s
        return t * (log_t - log_s) + (t + 1) * (torch.log1p(s) - torch.log1p(t))
