"""Stress, and Sammon's, against plain loops and by hand."""

import pytest
import torch

from affectmap.losses import SammonLoss, StressLoss, metric_terms
from cases import each
from label_batches import make_batch, make_weight, weighted_pairs

shapes = each(("latent_dim", "n_labels", "missing"), [(2, None, 0), (3, 2, 0.2), (1, 1, 0.4)])


@shapes
def test_stress_equals_the_double_loop(latent_dim, n_labels, missing):
    for seed in range(3):
        latent, label = make_batch(latent_dim=latent_dim, n_labels=n_labels, missing=missing, seed=seed)
        pairs = weighted_pairs(latent, label, make_weight(seed=seed))
        expected = sum(w * (d_z - d_y) ** 2 for w, d_z, d_y in pairs) / sum(w * d_y**2 for w, _, d_y in pairs)
        found = StressLoss()(latent, label, make_weight(seed=seed))
        assert found.item() == pytest.approx(expected, rel=1e-12)


def test_stress_three_points_by_hand():
    # d_z 3, 4, 5 and d_y 1, 1, 2: (4 + 9 + 9) / 6.
    latent = torch.tensor([[0.0, 0.0], [3.0, 0.0], [3.0, 4.0]], dtype=torch.float64)
    assert StressLoss()(latent, torch.tensor([1.0, 2.0, 3.0])).item() == pytest.approx(22 / 6, rel=1e-14)


def test_stress_is_made_of_the_terms_of_the_paper():
    latent, label = make_batch(n_labels=2)
    terms = metric_terms(latent[None], label[None], torch.ones(1, len(label), dtype=torch.bool))
    expected = terms.residual / torch.pdist(label).square().mean() + terms.slope.square()
    assert StressLoss()(latent, label).item() == pytest.approx(expected.item(), rel=1e-12)


def test_stress_zero_with_zero_gradient_at_the_optimum():
    _, label = make_batch(n_labels=2)
    rotation = torch.tensor([[0.6, -0.8], [0.8, 0.6]], dtype=torch.float64)
    latent = (label @ rotation + 3).requires_grad_()
    loss = StressLoss()(latent, label)
    loss.backward()
    assert loss.item() == pytest.approx(0, abs=1e-14)
    assert latent.grad.abs().max() < 1e-14


@shapes
def test_sammon_equals_the_double_loop(latent_dim, n_labels, missing):
    for seed in range(3):
        latent, label = make_batch(latent_dim=latent_dim, n_labels=n_labels, missing=missing, seed=seed)
        weight = make_weight(seed=seed)
        pairs = [pair for pair in weighted_pairs(latent, label, weight) if pair[2] > 0]
        error = sum(w * (d_z - d_y) ** 2 / d_y for w, d_z, d_y in pairs)
        expected = error / sum(w * d_y for w, _, d_y in pairs)
        assert SammonLoss()(latent, label, weight).item() == pytest.approx(expected, rel=1e-12)


def test_sammon_three_points_by_hand():
    # d_z 3, 4, 5 and d_y 1, 1, 2: (4/1 + 9/1 + 9/2) / 4.
    latent = torch.tensor([[0.0, 0.0], [3.0, 0.0], [3.0, 4.0]], dtype=torch.float64)
    assert SammonLoss()(latent, torch.tensor([1.0, 2.0, 3.0])).item() == pytest.approx(17.5 / 4, rel=1e-14)


def test_sammon_a_pair_with_equal_labels_takes_no_part():
    latent = torch.tensor([[0.0], [1.0], [9.0]], requires_grad=True)
    loss = SammonLoss()(latent, torch.tensor([1.0, 2.0, 2.0]))
    assert loss.item() == pytest.approx((0 + 64) / 2)
    loss.backward()
    assert latent.grad[1].item() == 0


def test_sammon_zero_with_zero_gradient_at_the_optimum():
    _, label = make_batch(n_labels=2)
    rotation = torch.tensor([[0.6, -0.8], [0.8, 0.6]], dtype=torch.float64)
    latent = (label @ rotation + 3).requires_grad_()
    loss = SammonLoss()(latent, label)
    loss.backward()
    assert loss.item() == pytest.approx(0, abs=1e-14)
    assert latent.grad.abs().max() < 1e-14
