"""The ordinal triplet loss against a loop over triplets, by hand, and in blocks."""

import math

import pytest
import torch

from affectmap.errors import ConfigError
from affectmap.losses import ordinal_triplet
from affectmap.losses.ordinal_triplet import OrdinalTripletLoss
from cases import each
from label_rows import plain_rows, weighted_batch


def naive(latent, label, weight, margin=1.0):
    rows = plain_rows(latent, label, weight)
    n = range(len(rows))
    total = mass = 0.0
    for a in n:
        for near in n:
            for far in n:
                y_near, y_far = (math.dist(rows[a][1], rows[i][1]) for i in (near, far))
                if a in (near, far) or not y_near < y_far:
                    continue
                z_near, z_far = (math.dist(rows[a][0], rows[i][0]) for i in (near, far))
                w = rows[a][2] * rows[near][2] * rows[far][2]
                total += w * max(0.0, z_near - z_far + margin * (y_far - y_near))
                mass += w
    return total / mass


@each("weighted", [False, True])
@each(("latent_dim", "n_labels"), [(2, None), (1, None), (3, 2)])
def test_equals_the_loop(latent_dim, n_labels, weighted):
    for seed in range(3):
        batch = weighted_batch(15, latent_dim, n_labels, seed, weighted)
        assert OrdinalTripletLoss(0.6)(*batch).item() == pytest.approx(naive(*batch, margin=0.6), rel=1e-12)


def test_three_points_by_hand():
    # From the first row the second is nearer (3 against 5, margin 1): no violation. From the second both are equally
    # far by label: no triplet. From the third the second is nearer (4 against 5): met exactly.
    latent = torch.tensor([[0.0, 0.0], [3.0, 0.0], [3.0, 4.0]], dtype=torch.float64)
    label = torch.tensor([1.0, 2.0, 3.0])
    assert OrdinalTripletLoss()(latent, label).item() == 0
    # Twice the margin: 3 - 5 + 2 = 0 and 4 - 5 + 2 = 1, over two triplets.
    assert OrdinalTripletLoss(2)(latent, label).item() == pytest.approx(0.5)


def test_zero_with_zero_gradient_where_distances_are_the_labels_or_wider():
    label = weighted_batch(n_labels=2)[1]
    latent = (1.5 * label).requires_grad_()
    loss = OrdinalTripletLoss()(latent, label)
    loss.backward()
    assert loss.item() == 0
    assert (latent.grad == 0).all()


@each("block", [1, 700, 5000])
def test_blocks_change_nothing(monkeypatch, block):
    latent, label, weight = weighted_batch(weighted=True)
    whole = OrdinalTripletLoss()(latent, label, weight)
    (gradient,) = torch.autograd.grad(whole, latent)
    monkeypatch.setattr(ordinal_triplet, "BLOCK", block)
    parts = OrdinalTripletLoss()(latent, label, weight)
    assert parts.item() == pytest.approx(whole.item(), rel=1e-14)
    assert torch.autograd.grad(parts, latent)[0].tolist() == gradient.tolist()


def test_wrong_settings():
    with pytest.raises(ConfigError, match="margin is -1; expected 0 or more"):
        OrdinalTripletLoss(-1)
    assert repr(OrdinalTripletLoss()) == "OrdinalTripletLoss(margin=1.0)"
