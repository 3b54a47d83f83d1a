"""The continuous metric loss as the code that the paper's authors released computes it."""

from __future__ import annotations

from affectmap.losses.continuous_metric import ContinuousMetricLoss


class AuthorsCodeLoss(ContinuousMetricLoss):
    """Ask that signed latent differences equal signed label differences: slope one, no residual.

    The terms of `ContinuousMetricLoss` with other differences: ``d_z`` is the mean over the latent
    dimensions of ``z_i − z_j`` and ``d_y = y_i − y_j``, both signed. With several labels the latent is split in as
    many parts, one loss each, and the losses are summed. The form is not invariant under rotation of the latent.
    That code also takes the logarithm of the whole objective: see `affectmap.model.training`.

    Source: the code released with Das et al. 2022.

    Raises:
        ConfigError: If there are more labels than latent dimensions.

    Example:
        >>> import torch
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
