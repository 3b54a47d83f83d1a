"""Rank-N-Contrast against the triple loop, by hand, and how its work grows."""

import math

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from affectmap.errors import ConfigError
from affectmap.losses.rank_n_contrast import RankNContrastLoss
from cases import each
from label_rows import plain_rows, weighted_batch


class NumbersMade(TorchDispatchMode):
    """Counts the numbers in all tensors that operations give, forwards and backwards."""

    n = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        found = function(*args, **(kwargs or {}))
        given = found if isinstance(found, tuple) else (found,)
        self.n += sum(each.numel() for each in given if isinstance(each, torch.Tensor))
        return found


def naive(latent, label, weight, temperature=2.0):
    rows = plain_rows(latent, label, weight)
    mean = sum(w * w for *_, w in rows) / sum(w for *_, w in rows)
    total = divisor = 0.0
    for i, (z_i, y_i, w_i) in enumerate(rows):
        others = [row for k, row in enumerate(rows) if k != i]
        for z_j, y_j, w_j in others:
            denominator = sum(
                w_k / mean * math.exp(-math.dist(z_i, z_k) / temperature)
                for z_k, y_k, w_k in others
                if math.dist(y_i, y_k) >= math.dist(y_i, y_j)
            )
            total += w_i * w_j * (math.dist(z_i, z_j) / temperature + math.log(denominator))
            divisor += w_i * w_j
    return total / divisor


@each("weighted", [False, True])
@each(("latent_dim", "n_labels"), [(2, None), (1, None), (3, 2)])
def test_equals_the_triple_loop(latent_dim, n_labels, weighted):
    for seed in range(3):
        batch = weighted_batch(19, latent_dim, n_labels, seed, weighted)
        assert RankNContrastLoss(0.7)(*batch).item() == pytest.approx(naive(*batch, temperature=0.7), rel=1e-12)


def test_three_points_by_hand():
    # Distances 3 (labels 1 apart), 5 (2 apart) and 4 (1 apart), τ = 1. From the first: the near one against both, the
    # far one against itself. From the second both are equally far: a tie, each against both. From the third likewise
    # as from the first.
    latent = torch.tensor([[0.0, 0.0], [3.0, 0.0], [3.0, 4.0]], dtype=torch.float64)
    first = 3 + math.log(math.exp(-3) + math.exp(-5))
    second = (3 + 4) + 2 * math.log(math.exp(-3) + math.exp(-4))
    third = 4 + math.log(math.exp(-4) + math.exp(-5))
    found = RankNContrastLoss(1)(latent, torch.tensor([1.0, 2.0, 3.0]))
    assert found.item() == pytest.approx((first + second + third) / 6, rel=1e-14)


def test_far_rows_do_not_vanish():
    # exp(-1000) is 0 even in float64.
    latent = torch.tensor([[0.0], [1000.0], [3000.0]], requires_grad=True)
    loss = RankNContrastLoss(1)(latent, torch.tensor([1.0, 2.0, 3.0]))
    loss.backward()
    # Only the middle one sees a tie, and from it the last one is 1,000 further away than the first.
    assert loss.item() == pytest.approx(1000 / 6)
    assert latent.grad.isfinite().all()


def test_order_is_all_it_wants():
    label = torch.arange(6.0)
    ordered = torch.tensor([0.0, 1.0, 2.1, 3.3, 4.6, 6.0])[:, None] * 40
    # Best are gaps so wide that every denominator holds but the pair itself, and those that tie with it.
    assert RankNContrastLoss()(ordered, label) < RankNContrastLoss()(ordered[[1, 0, 2, 3, 4, 5]], label)


def test_gradient_descent_orders_the_points():
    generator = torch.Generator().manual_seed(3)
    label = torch.rand(24, generator=generator)
    latent = torch.randn(24, 2, generator=generator).requires_grad_()
    optimiser = torch.optim.Adam([latent], lr=0.05)
    loss = RankNContrastLoss()
    for _ in range(150):
        optimiser.zero_grad()
        loss(latent, label).backward()
        optimiser.step()
    far = torch.cdist(label[:, None], label[:, None]), torch.cdist(latent.detach(), latent.detach())
    assert torch.corrcoef(torch.stack(far).reshape(2, -1))[0, 1] > 0.9


def test_work_grows_as_the_square():
    def numbers_made(n):
        latent, label, _ = weighted_batch(n)
        with NumbersMade() as made:
            RankNContrastLoss()(latent, label).backward()
        return made.n

    # Three times the rows: 9 times the pairs, 27 times the triplets.
    assert numbers_made(150) < 9.5 * numbers_made(50)


def test_wrong_settings():
    with pytest.raises(ConfigError, match="temperature is -1; expected a number above 0"):
        RankNContrastLoss(-1)
    assert repr(RankNContrastLoss()) == "RankNContrastLoss(temperature=2.0)"
