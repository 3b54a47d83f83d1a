"""Distances, weights of pairs and weighted coefficients against plain loops and sums."""

import math

import pytest
import torch

from affectmap.losses.pairs import (
    ccc,
    differ,
    differing_mean,
    distances,
    pair_weights,
    pearson,
    shares,
    squared_distances,
)
from cases import each
from label_batches import make_batch, make_weight, weighted_moments


def test_distances_equal_the_double_loop():
    points, _ = make_batch(n_rows=7, latent_dim=3)
    expected = torch.tensor([[math.dist(a, b) for b in points.tolist()] for a in points.tolist()], dtype=torch.float64)
    torch.testing.assert_close(distances(points), expected)
    torch.testing.assert_close(squared_distances(points), distances(points).square())
    torch.testing.assert_close(distances(points[None])[0], distances(points))
    torch.testing.assert_close(squared_distances(points[None])[0], squared_distances(points))


def test_close_points_keep_their_digits():
    points = torch.tensor([[1000.0], [1000.001]])
    expected = (points[1] - points[0]).item()
    assert distances(points)[0, 1].item() == expected


def test_gradients():
    points, _ = make_batch(n_rows=5, latent_dim=3)
    weight = torch.rand(5, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    for distance in (distances, squared_distances):
        assert torch.autograd.gradcheck(lambda given, d=distance: (d(given) * weight).sum(), (points,))


def test_gradient_is_0_where_points_coincide():
    points = torch.ones(3, 2, requires_grad=True)
    for distance in (distances, squared_distances):
        (gradient,) = torch.autograd.grad(distance(points).sum(), points)
        assert (gradient == 0).all()


def test_weights_of_pairs():
    weight = make_weight(5)
    weight[2] = 0
    total = sum(weight[i] * weight[j] for i in range(5) for j in range(5) if i != j)
    found = pair_weights(weight)
    for i in range(5):
        for j in range(5):
            torch.testing.assert_close(
                found[i, j], torch.zeros(()).double() if i == j else weight[i] * weight[j] / total
            )
    assert (pair_weights(torch.tensor([[0.0, 3.0], [0.0, 0.0]])) == 0).all()
    assert (shares(torch.zeros(2, 3)) == 0).all()


def test_differ_is_exact():
    label = torch.full((6,), 0.1)
    assert not differ(label, torch.ones(6))
    label[3] = torch.nextafter(label[3], torch.tensor(1.0))
    assert differ(label, torch.ones(6))
    assert not differ(label, (torch.arange(6) != 3).float())
    assert not differ(label, torch.zeros(6))


def make_series(seed=0):
    generator = torch.Generator().manual_seed(seed)
    left, right = torch.randn(2, 23, generator=generator, dtype=torch.float64)
    return left + 1, left + right, shares(make_weight(seed=seed))


def test_equal_plain_sums():
    left, right, share = make_series()
    triples = list(zip(share.tolist(), left.tolist(), right.tolist(), strict=True))
    mean_left, mean_right, var_left, var_right, cov = weighted_moments(triples)
    expected = 2 * cov / (var_left + var_right + (mean_left - mean_right) ** 2)
    assert ccc(left, right, share).item() == pytest.approx(expected, rel=1e-12)
    assert pearson(left, right, share).item() == pytest.approx(cov / (var_left * var_right) ** 0.5, rel=1e-12)


@each("coefficient", [ccc, pearson])
@each("dtype", [torch.float32, torch.float64])
@each("value", [0.0, 0.1, -1e6])
def test_a_constant_has_no_correlation_and_a_finite_gradient(coefficient, dtype, value):
    left, right, share = (tensor.to(dtype) for tensor in make_series())
    left = torch.full_like(left, value).requires_grad_()
    found = coefficient(left, right, share)
    (gradient,) = torch.autograd.grad(found, left)
    assert found.item() == pytest.approx(0, abs=1e-6)
    assert gradient.isfinite().all()
    (gradient,) = torch.autograd.grad(coefficient(left, left.detach(), share), left)
    assert gradient.isfinite().all()


def test_mean_over_labels_that_differ():
    label = torch.tensor([[[1.0, 3.0, 0.0], [2.0, 3.0, 1.0]], [[1.0, 2.0, 3.0], [1.0, 2.0, 3.0]]])
    values = torch.tensor([[1.0, float("nan"), 5.0], [7.0, 8.0, 9.0]])
    assert differing_mean(values, label, torch.ones(2, 2)).tolist() == [3.0, 0.0]
