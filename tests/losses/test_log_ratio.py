"""The log-ratio loss against a loop over triplets, and by hand."""

import math

import pytest
import torch

from affectmap.errors import ConfigError
from affectmap.losses.log_ratio import LogRatioLoss
from cases import each
from label_rows import plain_rows, weighted_batch


def squared(a, b):
    return math.dist(a, b) ** 2


def naive(latent, label, weight, smoothing=1e-6):
    rows = plain_rows(latent, label, weight)
    n = range(len(rows))
    pairs = [(i, j) for i in n for j in n if i != j and rows[i][1] != rows[j][1]]
    mass = sum(rows[i][2] * rows[j][2] for i, j in pairs)
    mean = [sum(rows[i][2] * rows[j][2] * squared(rows[i][c], rows[j][c]) for i, j in pairs) / mass for c in (0, 1)]

    def log(a, i, c):
        return math.log(squared(rows[a][c], rows[i][c]) / mean[c] + smoothing)

    total = divisor = 0.0
    for a in n:
        for i in n:
            for j in n:
                if i == j or (a, i) not in pairs or (a, j) not in pairs:
                    continue
                w = rows[a][2] * rows[i][2] * rows[j][2]
                total += w * (log(a, i, 0) - log(a, j, 0) - log(a, i, 1) + log(a, j, 1)) ** 2
                divisor += w
    return total / divisor


@each("weighted", [False, True])
@each(("latent_dim", "n_labels"), [(2, None), (1, None), (3, 2)])
def test_equals_the_loop(latent_dim, n_labels, weighted):
    for seed in range(3):
        batch = weighted_batch(11, latent_dim, n_labels, seed, weighted)
        assert LogRatioLoss()(*batch).item() == pytest.approx(naive(*batch), rel=1e-10)


def test_three_points_by_hand():
    # Squared distances 9, 16, 25 for 1, 1, 4: from the first (9 and 25 for 1 and 4) log(9/25 · 4),
    # from the second (9 and 16 for 1 and 1) log(9/16), from the third (25 and 16 for 4 and 1) log(25/16 / 4).
    latent = torch.tensor([[0.0, 0.0], [3.0, 0.0], [3.0, 4.0]], dtype=torch.float64)
    expected = (math.log(36 / 25) ** 2 + math.log(9 / 16) ** 2 + math.log(25 / 64) ** 2) / 3
    found = LogRatioLoss(smoothing=1e-14)(latent, torch.tensor([1.0, 2.0, 3.0]))
    assert found.item() == pytest.approx(expected, rel=1e-10)


def test_zero_with_zero_gradient_where_distances_are_in_proportion():
    label = weighted_batch(n_labels=2)[1]
    turn = torch.tensor([[0.6, -0.8], [0.8, 0.6]], dtype=torch.float64)
    latent = (3 * label @ turn + 5).requires_grad_()
    loss = LogRatioLoss()(latent, label)
    loss.backward()
    assert loss.item() == pytest.approx(0, abs=1e-20)
    assert latent.grad.abs().max() < 1e-10


def test_one_pair_has_no_ratio():
    latent = torch.tensor([[0.0], [1.0], [5.0]], requires_grad=True)
    loss = LogRatioLoss()(latent, torch.tensor([1.0, 2.0, 2.0]), torch.tensor([1.0, 1.0, 0.0]))
    loss.backward()
    assert (loss.item(), latent.grad.tolist()) == (0, [[0], [0], [0]])


def test_coinciding_latents_are_pulled_by_the_others():
    latent = torch.tensor([[0.0, 0.0], [0.0, 0.0], [1.0, 0.0]], requires_grad=True)
    loss = LogRatioLoss()(latent, torch.tensor([1.0, 2.0, 4.0]))
    loss.backward()
    assert loss.isfinite()
    assert latent.grad.isfinite().all()
    assert latent.grad.abs().sum() > 0


def test_wrong_settings():
    with pytest.raises(ConfigError, match="smoothing is 0; expected a number above 0"):
        LogRatioLoss(0)
    assert repr(LogRatioLoss()) == "LogRatioLoss(smoothing=1e-06)"
