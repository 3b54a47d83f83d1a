"""y-aware InfoNCE against loops, by hand, and its bound."""

import math

import pytest
import torch

from affectmap.errors import ConfigError
from affectmap.losses.y_aware_infonce import YAwareInfoNCELoss
from cases import each
from label_rows import cosine, plain_rows, weighted_batch


def naive(latent, label, weight, temperature=0.1, bandwidth=1.0):
    rows = plain_rows(latent, label, weight)
    total = 0.0
    for i, (z_i, y_i, w_i) in enumerate(rows):
        others = [row for k, row in enumerate(rows) if k != i]
        kernel = [w * math.exp(-(math.dist(y_i, y) ** 2) / 2 / bandwidth**2) for _, y, w in others]
        scores = [cosine(z_i, z) / temperature for z, *_ in others]
        mass = sum(w for *_, w in others)
        mean = sum(w * math.exp(score) for score, (*_, w) in zip(scores, others, strict=True)) / mass
        for k, score in zip(kernel, scores, strict=True):
            total -= w_i * k / sum(kernel) * math.log(math.exp(score) / mean)
    return total / sum(w for *_, w in rows)


@each("weighted", [False, True])
@each(("latent_dim", "n_labels"), [(2, None), (1, None), (3, 2)])
def test_equals_the_loop(latent_dim, n_labels, weighted):
    for seed in range(3):
        batch = weighted_batch(17, latent_dim, n_labels, seed, weighted)
        found = YAwareInfoNCELoss(0.3, 0.8)(*batch)
        assert found.item() == pytest.approx(naive(*batch, temperature=0.3, bandwidth=0.8), rel=1e-10)


def test_three_points_by_hand():
    # Cosines 1, 0, 0; τ = 1; labels 1, 1, 3 with σ = 1: kernels 1 and exp(-2).
    latent = torch.tensor([[1.0, 0.0], [2.0, 0.0], [0.0, 3.0]], dtype=torch.float64)
    k = math.exp(-2)
    mean = math.log((math.e + 1) / 2)
    expected = (2 * (mean - 1 / (1 + k)) + 0) / 3
    found = YAwareInfoNCELoss(1)(latent, torch.tensor([1.0, 1.0, 3.0]))
    assert found.item() == pytest.approx(expected, rel=1e-12)


def test_is_above_the_entropy_of_the_kernel_and_reaches_it():
    # A cross-entropy is least, and the entropy, where the softmax is the kernel: cos / τ = -d² / 2σ² plus a constant.
    label = torch.tensor([1.0, 1.5, 3.0, 4.0], dtype=torch.float64)
    angle = torch.randn(4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    squares = (label[:, None] - label).square() / 2
    kernel = torch.softmax(torch.where(torch.eye(4, dtype=torch.bool), -torch.inf, -squares), dim=1)
    entropy = -(kernel * kernel.clamp(min=1e-300).log()).sum(dim=1).mean().item() - math.log(3)
    random = torch.stack([angle.cos(), angle.sin()], dim=1)
    assert YAwareInfoNCELoss(1)(random, label).item() > entropy
    # Any Gram matrix 1 - d² / c with c large is one of unit vectors: on a small circle cos θ = 1 - θ² / 2.
    small = label / 1000
    near = torch.stack([small.cos(), small.sin()], dim=1)
    assert YAwareInfoNCELoss(1e-6)(near, label).item() == pytest.approx(entropy, rel=1e-5)


def test_a_latent_at_the_origin_has_finite_gradients():
    latent = torch.zeros(4, 2)
    latent[1:] = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    latent.requires_grad_()
    YAwareInfoNCELoss()(latent, torch.arange(4.0)).backward()
    assert latent.grad.isfinite().all()
    assert latent.grad[0].tolist() == [0, 0]


def test_labels_far_apart_do_not_vanish():
    latent = weighted_batch(3)[0]
    loss = YAwareInfoNCELoss()(latent, torch.tensor([0.0, 1e3, 1e4], dtype=torch.float64))
    loss.backward()
    assert loss.isfinite()
    assert latent.grad.isfinite().all()


def test_wrong_settings():
    with pytest.raises(ConfigError, match="temperature is 0; expected a number above 0"):
        YAwareInfoNCELoss(0)
    assert repr(YAwareInfoNCELoss()) == "YAwareInfoNCELoss(temperature=0.1, bandwidth=1.0)"
