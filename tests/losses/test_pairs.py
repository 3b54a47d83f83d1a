"""Distances and weights of pairs against plain loops."""

import math

import torch

from affectmap.losses.pairs import differ, distances, pair_weights, shares, squared_distances
from label_batches import make_batch, make_weight


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
