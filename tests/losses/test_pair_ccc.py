"""Concordance of distances against plain loops and by hand."""

import pytest
import torch

from affectmap.losses import PairCCCLoss
from label_batches import make_batch, make_weight, weighted_moments, weighted_pairs

shapes = pytest.mark.parametrize(("latent_dim", "n_labels", "missing"), [(2, None, 0), (3, 2, 0.2), (1, 1, 0.4)])


@shapes
def test_equals_the_double_loop(latent_dim, n_labels, missing):
    for seed in range(3):
        latent, label = make_batch(latent_dim=latent_dim, n_labels=n_labels, missing=missing, seed=seed)
        weight = make_weight(seed=seed)
        mean_z, mean_y, var_z, var_y, cov = weighted_moments(weighted_pairs(latent, label, weight))
        expected = 1 - 2 * cov / (var_z + var_y + (mean_z - mean_y) ** 2)
        assert PairCCCLoss()(latent, label, weight).item() == pytest.approx(expected, rel=1e-12)


def test_three_points_by_hand():
    # d_z 3, 4, 5 and d_y 1, 1, 2 in the order 12, 23, 13: means 4 and 4/3, variances 2/3 and 2/9, covariance 1/3.
    latent = torch.tensor([[0.0, 0.0], [3.0, 0.0], [3.0, 4.0]], dtype=torch.float64)
    expected = 1 - 2 * (1 / 3) / (2 / 3 + 2 / 9 + (8 / 3) ** 2)
    assert PairCCCLoss()(latent, torch.tensor([1.0, 2.0, 3.0])).item() == pytest.approx(expected, rel=1e-14)


def test_zero_with_zero_gradient_where_distances_are_those_of_labels():
    _, label = make_batch(n_labels=2)
    rotation = torch.tensor([[0.6, -0.8], [0.8, 0.6]], dtype=torch.float64)
    latent = (label @ rotation + 3).requires_grad_()
    loss = PairCCCLoss()(latent, label)
    loss.backward()
    assert loss.item() == pytest.approx(0, abs=1e-12)
    assert latent.grad.abs().max() < 1e-12


def test_one_label_distance_is_nothing_to_agree_with():
    latent = torch.tensor([[0.0, 0.0], [3.0, 4.0]], requires_grad=True)
    loss = PairCCCLoss()(latent, torch.tensor([1.0, 2.0]))
    loss.backward()
    assert loss.item() == 0
    assert (latent.grad == 0).all()
