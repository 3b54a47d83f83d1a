"""RankSim's value and its blackbox gradient against loops."""

import pytest
import torch

from affectmap.errors import ConfigError
from affectmap.losses.ranksim import RankSimLoss, ranks
from cases import each
from label_rows import cosine, plain_rows, weighted_batch


def loop_ranks(values, share):
    return [
        sum(w * ((other < value) + 0.5 * (other == value)) for other, w in zip(values, share, strict=True))
        for value in values
    ]


def distance(a, b):
    return sum((x - y) ** 2 for x, y in zip(a, b, strict=True)) ** 0.5


def loop_shares(rows, balance):
    counts = [sum(y == other for _, other, _ in rows) if balance else 1 for _, y, _ in rows]
    weights = [w / n for (*_, w), n in zip(rows, counts, strict=True)]
    return [w / sum(weights) for w in weights]


def naive(latent, label, weight, balance=True):
    rows = plain_rows(latent, label, weight)
    share = loop_shares(rows, balance)
    total = 0.0
    for (z_i, y_i, _), w_i in zip(rows, share, strict=True):
        # A row is as similar to itself as can be, whatever rounding says.
        placed = loop_ranks([1.0 if z is z_i else cosine(z_i, z) for z, *_ in rows], share)
        meant = loop_ranks([-distance(y_i, y) for _, y, _ in rows], share)
        total += w_i * sum(w * (a - b) ** 2 for w, a, b in zip(share, placed, meant, strict=True))
    return total


def naive_gradient(latent, label, interpolation):
    """Gradient on the latents: the interpolation by loops, then the chain rule of the cosine by PyTorch."""
    rows = plain_rows(latent, label)
    share = loop_shares(rows, balance=True)
    direction = latent / latent.norm(dim=1, keepdim=True)
    similarity = direction @ direction.T
    gradient = torch.zeros_like(similarity)
    for i, (_, y_i, _) in enumerate(rows):
        values = similarity[i].tolist()
        placed = loop_ranks(values, share)
        meant = loop_ranks([-distance(y_i, y) for _, y, _ in rows], share)
        slopes = [2 * (a - b) for a, b in zip(placed, meant, strict=True)]
        moved = loop_ranks([v - interpolation * g for v, g in zip(values, slopes, strict=True)], share)
        for j, (before, after) in enumerate(zip(placed, moved, strict=True)):
            gradient[i, j] = share[i] * share[j] * (before - after) / interpolation
    return torch.autograd.grad(similarity, latent, gradient)[0]


@each("balance", [True, False])
@each("weighted", [False, True])
@each(("latent_dim", "n_labels"), [(2, None), (3, 2)])
def test_equals_the_loop(latent_dim, n_labels, weighted, balance):
    for seed in range(3):
        batch = weighted_batch(15, latent_dim, n_labels, seed, weighted)
        assert RankSimLoss(balance=balance)(*batch).item() == pytest.approx(naive(*batch, balance), rel=1e-10)


@each("interpolation", [0.2, 2.0])
def test_gradient_is_the_interpolation_of_the_loop(interpolation):
    for seed in range(3):
        latent, label, _ = weighted_batch(13, 3, seed=seed)
        loss = RankSimLoss(interpolation)(latent, label)
        (found,) = torch.autograd.grad(loss, latent)
        torch.testing.assert_close(found, naive_gradient(latent, label, interpolation), rtol=1e-8, atol=1e-12)
        (tenfold,) = torch.autograd.grad(10 * RankSimLoss(interpolation)(latent, label), latent)
        torch.testing.assert_close(tenfold, 10 * found)


def test_three_points_by_hand():
    # Seen from each row the others are swapped by the cosine: ranks differ by a third for two of three.
    latent = torch.tensor([[1.0, 0.0], [-1.0, 0.1], [1.0, 0.2]], dtype=torch.float64)
    label = torch.tensor([1.0, 2.0, 4.0])
    # From row 1 and row 3 the others change places; from row 2 (distances 1 and 2; cosines near -1 and -.98) too.
    assert RankSimLoss()(latent, label).item() == pytest.approx(3 * 2 * (1 / 3) ** 2 / 9)


def test_zero_with_zero_gradient_where_all_ranks_agree():
    angle = torch.tensor([0.0, 0.1, 0.3, 0.7, 1.5], dtype=torch.float64)
    latent = torch.stack([angle.cos(), angle.sin()], dim=1).requires_grad_()
    loss = RankSimLoss()(latent, angle.detach())
    loss.backward()
    assert loss.item() == 0
    assert (latent.grad == 0).all()


def test_each_label_value_counts_once():
    latent = torch.randn(4, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    label = torch.tensor([1.0, 2.0, 4.0, 4.5])
    twice = torch.tensor([0, 1, 1, 2, 3])
    once = RankSimLoss()(latent, label).item()
    assert RankSimLoss()(latent[twice], label[twice]).item() == pytest.approx(once, rel=1e-12)
    assert RankSimLoss(balance=False)(latent[twice], label[twice]).item() != pytest.approx(once, rel=1e-3)


def test_gradient_descent_brings_ranks_together():
    latent, label, _ = weighted_batch(20, 3)
    loss = RankSimLoss()
    optimiser = torch.optim.Adam([latent], lr=0.02)
    first = loss(latent, label).item()
    for _ in range(200):
        optimiser.zero_grad()
        value = loss(latent, label)
        value.backward()
        optimiser.step()
    assert value.item() < 0.5 * first


def test_ranks_share_ties_by_weight():
    share = torch.tensor([0.1, 0.2, 0.3, 0.4])
    assert ranks(torch.tensor([2.0, 2.0, 1.0, 3.0]), share).tolist() == pytest.approx([0.45, 0.45, 0.15, 0.8])


def test_wrong_settings():
    with pytest.raises(ConfigError, match="interpolation is 0; expected a number above 0"):
        RankSimLoss(0)
    assert repr(RankSimLoss()) == "RankSimLoss(interpolation=2.0, balance=True)"
