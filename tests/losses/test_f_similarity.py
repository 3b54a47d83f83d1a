"""f-similarity preservation against the dual form of f-divergences in loops, and by hand."""

import math

import pytest
import torch

from affectmap.errors import ConfigError
from affectmap.losses.f_similarity import FSimilarityLoss
from cases import each
from label_rows import plain_rows, weighted_batch

#: f, its derivative, and its convex conjugate.
CONVEX = {
    "kl": (lambda x: x * math.log(x), lambda x: 1 + math.log(x), lambda u: math.exp(u - 1)),
    "pearson": (lambda x: (x - 1) ** 2, lambda x: 2 * (x - 1), lambda u: u + u * u / 4),
    "jensen-shannon": (
        lambda x: x * math.log(x) - (x + 1) * math.log((x + 1) / 2),
        lambda x: math.log(2 * x / (x + 1)),
        lambda u: -math.log(2 - math.exp(u)),
    ),
}


def naive(latent, label, weight, divergence, bandwidth=1.0):
    f, slope, conjugate = CONVEX[divergence]
    rows = plain_rows(latent, label, weight)
    total = mass = 0.0
    for i, (z_i, y_i, w_i) in enumerate(rows):
        for z_j, y_j, w_j in rows[:i]:
            s, t = (math.exp(-(math.dist(a, b) ** 2) / 2 / bandwidth**2) for a, b in ((z_i, z_j), (y_i, y_j)))
            total += w_i * w_j * (conjugate(slope(s)) - t * slope(s) + f(t))
            mass += w_i * w_j
    return total / mass


@each("divergence", CONVEX)
@each("weighted", [False, True])
@each(("latent_dim", "n_labels"), [(2, None), (1, None), (3, 2)])
def test_equals_the_dual_form(divergence, latent_dim, n_labels, weighted):
    for seed in range(3):
        batch = weighted_batch(13, latent_dim, n_labels, seed, weighted)
        found = FSimilarityLoss(divergence, 1.3)(*batch)
        assert found.item() == pytest.approx(naive(*batch, divergence, 1.3), rel=1e-9)


def test_three_points_by_hand():
    # Latents in one place, s = 1; labels 1, 1 and 2 apart: t = e^-½ twice and e^-2, and -½ - t + 1 / t + ... in short
    # t log t - t + 1.
    terms = [t * math.log(t) - t + 1 for t in (math.exp(-0.5), math.exp(-0.5), math.exp(-2))]
    found = FSimilarityLoss()(torch.zeros(3, 2, dtype=torch.float64), torch.tensor([1.0, 2.0, 3.0]))
    assert found.item() == pytest.approx(sum(terms) / 3, rel=1e-14)


@each("divergence", CONVEX)
def test_zero_with_zero_gradient_at_the_optimum(divergence):
    label = weighted_batch(n_labels=2)[1]
    turn = torch.tensor([[0.6, -0.8], [0.8, 0.6]], dtype=torch.float64)
    latent = (label @ turn - 3).requires_grad_()
    loss = FSimilarityLoss(divergence)(latent, label)
    loss.backward()
    assert loss.item() == pytest.approx(0, abs=1e-15)
    assert latent.grad.abs().max() < 1e-12


@each("divergence", CONVEX)
def test_points_beyond_all_similarity_are_still_finite(divergence):
    latent = torch.tensor([[0.0], [500.0], [-900.0]], requires_grad=True)
    loss = FSimilarityLoss(divergence)(latent, torch.tensor([1.0, 2.0, 3.0]))
    loss.backward()
    assert loss.isfinite()
    assert latent.grad.isfinite().all()


def test_wrong_settings():
    with pytest.raises(ConfigError, match=r"divergence is 'tv'; expected one of \['kl', 'pearson', 'jensen-shannon'\]"):
        FSimilarityLoss("tv")
    with pytest.raises(ConfigError, match="bandwidth is 0; expected a number above 0"):
        FSimilarityLoss(bandwidth=0)
    assert repr(FSimilarityLoss()) == "FSimilarityLoss(divergence='kl', bandwidth=1.0)"
