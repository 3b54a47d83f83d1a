"""The axis loss against plain loops and by hand."""

import pytest
import torch

from affectmap.errors import ConfigError
from affectmap.losses import AxisLoss
from cases import each
from label_batches import make_batch


def naive_ccc(left, right):
    n = len(left)
    mean_left, mean_right = sum(left) / n, sum(right) / n
    between = sum((a - mean_left) * (b - mean_right) for a, b in zip(left, right, strict=True)) / n
    spread = sum((a - mean_left) ** 2 for a in left) / n + sum((b - mean_right) ** 2 for b in right) / n
    return 2 * between / (spread + (mean_left - mean_right) ** 2)


def naive_mse(left, right):
    return sum((a - b) ** 2 for a, b in zip(left, right, strict=True)) / len(left)


@each("kind", ["ccc", "mse"])
@each("n_labels", [1, 2, 3])
def test_equals_the_plain_loop(kind, n_labels):
    latent, label = make_batch(latent_dim=3, n_labels=n_labels)
    total = 0.0
    for i in range(n_labels):
        left, right = latent[:, i].tolist(), label[:, i].tolist()
        total += 1 - naive_ccc(left, right) if kind == "ccc" else naive_mse(left, right)
    assert AxisLoss(kind)(latent, label).item() == pytest.approx(total / n_labels, rel=1e-12)


def test_three_points_by_hand():
    # Axis 0, 2, 4 against 1, 2, 3: covariance 4/3, variances 8/3 and 2/3, means equal: CCC 8/3 / (10/3) = 0.8.
    latent, label = torch.tensor([[0.0, 9.0], [2.0, 7.0], [4.0, 8.0]]), torch.tensor([1.0, 2.0, 3.0])
    assert AxisLoss()(latent, label).item() == pytest.approx(0.2, rel=1e-6)
    assert AxisLoss("mse")(latent, label).item() == pytest.approx(2 / 3, rel=1e-6)


def test_a_weight_is_a_row_said_so_often():
    latent, label = make_batch(n_labels=2)
    times = torch.arange(len(latent)) % 3
    said = latent.repeat_interleave(times, dim=0), label.repeat_interleave(times, dim=0)
    assert AxisLoss()(latent, label, times).item() == pytest.approx(AxisLoss()(*said).item(), rel=1e-12)


@each("kind", ["ccc", "mse"])
def test_zero_with_zero_gradient_where_axes_are_labels(kind):
    _, label = make_batch(n_labels=2)
    latent = torch.cat([label, torch.randn(len(label), 1)], dim=1).requires_grad_()
    loss = AxisLoss(kind)(latent, label)
    loss.backward()
    assert loss.item() == pytest.approx(0, abs=1e-14)
    assert latent.grad.abs().max() < 1e-14


def test_axes_beyond_the_labels_are_free():
    latent, label = make_batch(latent_dim=3, n_labels=2)
    AxisLoss()(latent, label).backward()
    assert (latent.grad[:, :2] != 0).all()
    assert (latent.grad[:, 2] == 0).all()


@each("kind", ["ccc", "mse"])
def test_a_label_that_does_not_differ_takes_no_part(kind):
    latent, label = make_batch(n_labels=2)
    label[:, 1] = 0.1
    assert AxisLoss(kind)(latent, label).item() == AxisLoss(kind)(latent, label[:, 0]).item()


def test_wrong_use():
    with pytest.raises(ConfigError, match=r"kind is 'mae'; expected one of \['ccc', 'mse'\]"):
        AxisLoss("mae")
    with pytest.raises(ConfigError, match="3 labels need as many latent axes; got 2"):
        AxisLoss()(torch.zeros(4, 2), torch.zeros(4, 3))
    assert repr(AxisLoss("mse")) == "AxisLoss(kind='mse')"
