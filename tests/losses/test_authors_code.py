"""The form of the authors' code under its own name; its values are tested with the loss of the paper."""

import torch

from affectmap.losses import AuthorsCodeLoss, ContinuousMetricLoss
from label_batches import make_batch, make_weight, weighted_moments


def test_is_the_preset():
    latent, label = make_batch(latent_dim=5, n_labels=2, missing=0.2)
    assert AuthorsCodeLoss()(latent, label) == ContinuousMetricLoss("authors-code")(latent, label)
    assert repr(AuthorsCodeLoss()) == "AuthorsCodeLoss(preset='authors-code')"


def test_weights_are_those_of_a_regression_of_means_on_labels():
    # Over all pairs of rows, weighted by products, signed differences have twice the moments of the rows.
    latent, label = make_batch()
    weight = make_weight()
    rows = list(zip(weight.tolist(), latent.mean(dim=1).tolist(), label.tolist(), strict=True))
    _, _, var_z, var_y, cov = weighted_moments(rows)
    slope, total = cov / var_y, weight.sum().item()
    # Mean over pairs i ≠ j, so without the pairs of a row with itself.
    share = 1 / (1 - (weight / total).square().sum().item())
    expected = abs(1 - slope) + 2 * share * (var_z - slope * cov)
    torch.testing.assert_close(AuthorsCodeLoss()(latent, label, weight).item(), expected)
