"""Concordance of a learnable linear head with the labels."""

from __future__ import annotations

from typing import Self

import torch
from torch import Tensor, nn

from affectmap.errors import ConfigError
from affectmap.losses.base import LabelLoss
from affectmap.losses.pairs import ccc, differing_mean, shares


class LinearHeadLoss(LabelLoss):
    """Ask that a linear head, trained with the network, predicts the labels from the latent.

    With the head's weights W and bias b, and weighted moments of ``ŷ = z W + b``::

        L = mean over l of 1 − 2 cov(ŷ_l, y_l) / (var ŷ_l + var y_l + (mean ŷ_l − mean y_l)²)

    in [0, 2]. Give its parameters to the optimiser, too: ``Adam([*network.parameters(), *loss.parameters()])``. Labels
    that do not differ within a batch take no part in its mean. It promises no invariance.

    Source: Lin 1989 for the coefficient; a network trained on it, Trigeorgis et al. 2016, "Adieu features?", ICASSP.

    Args:
        latent_dim: Columns of the latent, D.
        n_labels: Columns of the label, L.
        n_models: A head for each of so many leading batches; by default one head for all.
        generator: For the initial weights, uniform in ± 1/√D. Default: PyTorch's own.

    Raises:
        ConfigError: If the inputs do not have that many columns or batches.

    Example:
        >>> loss = LinearHeadLoss(latent_dim=2, generator=torch.Generator().manual_seed(0))
        >>> latent, label = torch.eye(2), torch.tensor([2.0, 4.0])
        >>> optimiser = torch.optim.Adam(loss.parameters(), lr=0.3)
        >>> for _ in range(80):
        ...     optimiser.zero_grad()
        ...     loss(latent, label).backward()
        ...     optimiser.step()
        >>> loss.ratings(latent).round(decimals=1).squeeze(1).tolist()
        [2.0, 4.0]
    """

    settings = ("latent_dim", "n_labels", "n_models")

    def __init__(
        self,
        latent_dim: int = 2,
        n_labels: int = 1,
        *,
        n_models: int | None = None,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        if latent_dim < 1 or n_labels < 1:
            raise ConfigError(f"a head from {latent_dim} dimensions to {n_labels} labels; expected 1 or more of each")
        self.latent_dim, self.n_labels, self.n_models = latent_dim, n_labels, n_models
        leading = () if n_models is None else (n_models,)
        bound = latent_dim**-0.5
        draws = torch.empty(*leading, latent_dim + 1, n_labels).uniform_(-bound, bound, generator=generator)
        self.weight = nn.Parameter(draws[..., :-1, :].clone())
        self.bias = nn.Parameter(draws[..., -1:, :].clone())

    @classmethod
    def for_dims(cls, latent_dim: int, n_labels: int) -> Self:
        """Make a head for so many columns."""
        return cls(latent_dim, n_labels)

    def ratings(self, latent: Tensor) -> Tensor:
        """Predict labels ``(..., N, L)`` from latents ``(..., N, D)``; with a head a model, first K models."""
        return latent @ self.weight.to(latent) + self.bias.to(latent)

    def compute(self, latent: Tensor, label: Tensor, weight: Tensor) -> Tensor:
        """Average over labels."""
        if self.n_models not in (None, len(latent)):
            raise ConfigError(f"{len(latent)} batches for the heads of {self.n_models} models; expected as many")
        found, truth = self.ratings(latent).mT, label.mT
        return differing_mean(1 - ccc(found, truth, shares(weight)[:, None, :]), label, weight)

    def check_dims(self, latent_dim: int, n_labels: int) -> None:
        """Raise a `ConfigError` unless the head fits."""
        if (latent_dim, n_labels) != (self.latent_dim, self.n_labels):
            own = f"the head is from {self.latent_dim} dimensions to {self.n_labels} labels"
            raise ConfigError(f"{own}; got {latent_dim} and {n_labels}: make it with LinearHeadLoss.for_dims")
