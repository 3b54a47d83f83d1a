"""Concordance and correlation of distances against plain loops and by hand."""

import pytest
import torch

from affectmap.losses import PairCCCLoss, PairPearsonLoss
from cases import each
from label_batches import make_batch, make_weight, weighted_moments, weighted_pairs

shapes = each(("latent_dim", "n_labels", "missing"), [(2, None, 0), (3, 2, 0.2), (1, 1, 0.4)])


@shapes
def test_ccc_equals_the_double_loop(latent_dim, n_labels, missing):
    for seed in range(3):
        latent, label = make_batch(latent_dim=latent_dim, n_labels=n_labels, missing=missing, seed=seed)
        weight = make_weight(seed=seed)
        mean_z, mean_y, var_z, var_y, cov = weighted_moments(weighted_pairs(latent, label, weight))
        expected = 1 - 2 * cov / (var_z + var_y + (mean_z - mean_y) ** 2)
        assert PairCCCLoss()(latent, label, weight).item() == pytest.approx(expected, rel=1e-12)


def test_ccc_three_points_by_hand():
    # d_z 3, 4, 5 and d_y 1, 1, 2 in the order 12, 23, 13: means 4 and 4/3, variances 2/3 and 2/9, covariance 1/3.
    latent = torch.tensor([[0.0, 0.0], [3.0, 0.0], [3.0, 4.0]], dtype=torch.float64)
    expected = 1 - 2 * (1 / 3) / (2 / 3 + 2 / 9 + (8 / 3) ** 2)
    assert PairCCCLoss()(latent, torch.tensor([1.0, 2.0, 3.0])).item() == pytest.approx(expected, rel=1e-14)


def test_ccc_zero_with_zero_gradient_where_distances_are_those_of_labels():
    _, label = make_batch(n_labels=2)
    rotation = torch.tensor([[0.6, -0.8], [0.8, 0.6]], dtype=torch.float64)
    latent = (label @ rotation + 3).requires_grad_()
    loss = PairCCCLoss()(latent, label)
    loss.backward()
    assert loss.item() == pytest.approx(0, abs=1e-12)
    assert latent.grad.abs().max() < 1e-12


def test_ccc_one_label_distance_is_nothing_to_agree_with():
    latent = torch.tensor([[0.0, 0.0], [3.0, 4.0]], requires_grad=True)
    loss = PairCCCLoss()(latent, torch.tensor([1.0, 2.0]))
    loss.backward()
    assert loss.item() == 0
    assert (latent.grad == 0).all()


@shapes
def test_pearson_equals_the_double_loop(latent_dim, n_labels, missing):
    for seed in range(3):
        latent, label = make_batch(latent_dim=latent_dim, n_labels=n_labels, missing=missing, seed=seed)
        weight = make_weight(seed=seed)
        _, _, var_z, var_y, cov = weighted_moments(weighted_pairs(latent, label, weight))
        expected = 1 - cov / (var_z * var_y) ** 0.5
        assert PairPearsonLoss()(latent, label, weight).item() == pytest.approx(expected, rel=1e-12)


def test_pearson_three_points_by_hand():
    # d_z 3, 4, 5 and d_y 1, 1, 2 in the order 12, 23, 13: variances 2/3 and 2/9, covariance 1/3.
    latent = torch.tensor([[0.0, 0.0], [3.0, 0.0], [3.0, 4.0]], dtype=torch.float64)
    expected = 1 - (1 / 3) / (4 / 27) ** 0.5
    assert PairPearsonLoss()(latent, torch.tensor([1.0, 2.0, 3.0])).item() == pytest.approx(expected, rel=1e-13)


def test_pearson_its_square_is_the_pairwise_r2_of_table_1():
    latent, label = make_batch()
    latent_diff, label_diff = (torch.pdist(points.detach()) for points in (latent, label[:, None]))
    design = torch.stack([torch.ones_like(label_diff), label_diff], dim=1)
    fitted = design @ torch.linalg.lstsq(design, latent_diff[:, None]).solution[:, 0]
    r2 = 1 - (latent_diff - fitted).square().sum() / (latent_diff - latent_diff.mean()).square().sum()
    assert (1 - PairPearsonLoss()(latent, label).item()) ** 2 == pytest.approx(r2.item(), rel=1e-10)


def test_pearson_zero_with_zero_gradient_where_distances_are_proportional():
    _, label = make_batch(n_labels=2)
    latent = (7 * label - 3).requires_grad_()
    loss = PairPearsonLoss()(latent, label)
    loss.backward()
    assert loss.item() == pytest.approx(0, abs=1e-12)
    assert latent.grad.abs().max() < 1e-12


@each("place", [0.0, 0.1])
def test_pearson_a_latent_of_one_point_gives_1_and_no_gradient(place):
    latent = torch.full((6, 2), place, requires_grad=True)
    loss = PairPearsonLoss()(latent, torch.arange(6))
    loss.backward()
    assert loss.item() == 1
    assert (latent.grad == 0).all()
