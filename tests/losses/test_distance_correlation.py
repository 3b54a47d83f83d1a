"""Distance correlation against its definition in loops, by hand, and what it can see."""

import math

import pytest
import torch

from affectmap.losses.distance_correlation import DistanceCorrelationLoss
from cases import each
from label_rows import plain_rows, weighted_batch


def naive(latent, label, weight):
    rows = plain_rows(latent, label, weight)
    whole = sum(w for *_, w in rows)
    share = [w / whole for *_, w in rows]
    n = range(len(rows))

    def centred(c):
        d = [[math.dist(rows[i][c], rows[j][c]) for j in n] for i in n]
        means = [sum(share[j] * d[i][j] for j in n) for i in n]
        mean = sum(share[i] * means[i] for i in n)
        return [[d[i][j] - means[i] - means[j] + mean for j in n] for i in n]

    def covariance(a, b):
        return sum(share[i] * share[j] * a[i][j] * b[i][j] for i in n for j in n)

    a, b = centred(0), centred(1)
    return 1 - math.sqrt(covariance(a, b) / math.sqrt(covariance(a, a) * covariance(b, b)))


@each("weighted", [False, True])
@each(("latent_dim", "n_labels"), [(2, None), (1, None), (3, 2)])
def test_equals_the_loop(latent_dim, n_labels, weighted):
    for seed in range(3):
        batch = weighted_batch(17, latent_dim, n_labels, seed, weighted)
        assert DistanceCorrelationLoss()(*batch).item() == pytest.approx(naive(*batch), rel=1e-10)


def test_three_points_by_hand():
    # Labels 0, 1, 2 have distances 0 1 2 / 1 0 1 / 2 1 0: row means 1, 2/3, 1, mean 8/9, centred in ninths
    # -10 2 8 / 2 -4 2 / 8 2 -10. An equilateral triangle of side 1, row means and mean 2/3: -2/3, and 1/3 elsewhere.
    label = torch.tensor([0.0, 1.0, 2.0])
    latent = torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.5, math.sqrt(0.75)]], dtype=torch.float64)
    labels, latents = (100 + 16 + 100 + 2 * (4 + 64 + 4)) / 81, (3 * 4 + 6) / 9
    both = (2 * (10 + 4 + 10) + 2 * (2 + 8 + 2)) / 27
    expected = 1 - math.sqrt(both / math.sqrt(labels * latents))
    assert DistanceCorrelationLoss()(latent, label).item() == pytest.approx(expected, rel=1e-12)


def test_zero_at_the_labels_turned_and_scaled():
    label = weighted_batch(n_labels=2)[1]
    turn = torch.tensor([[0.6, -0.8], [0.8, 0.6]], dtype=torch.float64)
    latent = (7 * label @ turn - 3).requires_grad_()
    loss = DistanceCorrelationLoss()(latent, label)
    loss.backward()
    assert loss.item() == pytest.approx(0, abs=1e-12)
    assert latent.grad.abs().max() < 1e-10


def test_sees_what_a_line_does_not():
    latent = torch.linspace(-1, 1, 41)[:, None]
    bent, unrelated = latent[:, 0].square(), torch.randn(41, generator=torch.Generator().manual_seed(0))
    loss = DistanceCorrelationLoss()
    assert torch.corrcoef(torch.stack([latent[:, 0], bent]))[0, 1].abs() < 1e-6
    assert loss(latent, bent) < 0.6 < loss(latent, unrelated)


def test_all_latents_in_one_place():
    latent = torch.ones(5, 2, requires_grad=True)
    loss = DistanceCorrelationLoss()(latent, torch.arange(5.0))
    loss.backward()
    assert (loss.item(), latent.grad.abs().sum().item()) == (1, 0)
