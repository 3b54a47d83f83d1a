"""The split latent against the loss of the paper on every part, and by hand."""

import pytest
import torch

from affectmap.errors import ConfigError
from affectmap.losses import ContinuousMetricLoss, SplitLatentLoss
from label_batches import make_batch, make_weight, weighted_pairs


def naive_loss(latent, label, weight):
    pairs = weighted_pairs(latent, label, weight)
    squares = sum(w * d_y**2 for w, _, d_y in pairs)
    slope = sum(w * d_y * d_z for w, d_z, d_y in pairs) / squares
    error = sum(w * (d_z - slope * d_y) ** 2 for w, d_z, d_y in pairs)
    return abs(1 - slope) + error / sum(w for w, _, _ in pairs)


@pytest.mark.parametrize(
    ("latent_dim", "parts"), [(2, [(0, 1), (1, 2)]), (5, [(0, 3), (3, 5)]), (4, [(0, 2), (2, 3), (3, 4)])]
)
def test_equals_the_double_loop_on_every_part(latent_dim, parts):
    for seed in range(3):
        latent, label = make_batch(latent_dim=latent_dim, n_labels=len(parts), seed=seed)
        weight = make_weight(seed=seed)
        values = [naive_loss(latent[:, a:b], label[:, i], weight) for i, (a, b) in enumerate(parts)]
        expected = sum(values) / len(parts)
        assert SplitLatentLoss()(latent, label, weight).item() == pytest.approx(expected, rel=1e-12)


def test_three_points_by_hand():
    # Part 1 is its label. Part 2: d_z 4, 2, 2 for d_y 2, 1, 1, slope 2, nothing left over.
    latent = torch.tensor([[1.0, 0.0], [2.0, 4.0], [4.0, 2.0]])
    label = torch.tensor([[1.0, 5.0], [2.0, 3.0], [4.0, 4.0]])
    assert SplitLatentLoss()(latent, label).item() == pytest.approx((0 + 1) / 2)


def test_with_one_label_it_is_the_loss_of_the_paper():
    latent, label = make_batch(latent_dim=3, missing=0.2)
    assert SplitLatentLoss()(latent, label).item() == ContinuousMetricLoss()(latent, label).item()


def test_zero_where_every_part_keeps_the_distances_of_its_label():
    _, label = make_batch(n_labels=2)
    latent = torch.stack([3 - label[:, 0], label[:, 1] + 9], dim=1)
    assert SplitLatentLoss()(latent, label).item() == pytest.approx(0, abs=1e-12)
    assert SplitLatentLoss()(latent.flip(1), label).item() > 0.1


def test_a_label_that_does_not_differ_takes_no_part():
    latent, label = make_batch(latent_dim=4, n_labels=2)
    label[:, 1] = 0.1
    expected = ContinuousMetricLoss()(latent[:, :2], label[:, 0]).item()
    assert SplitLatentLoss()(latent, label).item() == pytest.approx(expected, rel=1e-14)


def test_more_labels_than_dimensions():
    with pytest.raises(ConfigError, match="3 labels need as many latent dimensions, one part each; got 2"):
        SplitLatentLoss()(torch.zeros(4, 2), torch.zeros(4, 3))
