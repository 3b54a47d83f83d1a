"""The regression's error against loops, NumPy's least squares and by hand."""

import numpy as np
import pytest
import torch

from affectmap.errors import ConfigError
from affectmap.losses import LinearRegressionLoss
from cases import each
from label_batches import label_rows, make_batch, make_weight


def naive_loss(latent, label, weight, ridge):
    """Sums by loops; D equations solved by Gaussian elimination."""
    rows = list(zip(weight.tolist(), latent.tolist(), label_rows(label), strict=True))
    total, dims, n_labels = sum(w for w, _, _ in rows), latent.shape[1], len(rows[0][2])

    def mean(value):
        return sum(w * value(z, y) for w, z, y in rows) / total

    centre = [mean(lambda z, y, a=a: z[a]) for a in range(dims)]
    moments = [
        [mean(lambda z, y, a=a, b=b: (z[a] - centre[a]) * (z[b] - centre[b])) for b in range(dims)] for a in range(dims)
    ]
    size = sum(moments[a][a] for a in range(dims)) / dims
    for a in range(dims):
        moments[a][a] += ridge * size
    values = []
    for k in range(n_labels):
        middle = mean(lambda z, y, k=k: y[k])
        products = [mean(lambda z, y, a=a, k=k, m=middle: (z[a] - centre[a]) * (y[k] - m)) for a in range(dims)]
        slopes = solve([[*row, product] for row, product in zip(moments, products, strict=True)])

        def error(z, y, k=k, middle=middle, slopes=slopes):
            return y[k] - middle - sum(b * (z[a] - centre[a]) for a, b in enumerate(slopes))

        values.append(mean(lambda z, y, e=error: e(z, y) ** 2) / mean(lambda z, y, k=k, m=middle: (y[k] - m) ** 2))
    return sum(values) / n_labels


def solve(rows):
    size = len(rows)
    for i in range(size):
        rows[i] = [value / rows[i][i] for value in rows[i]]
        for j in range(size):
            if j != i:
                rows[j] = [a - rows[j][i] * b for a, b in zip(rows[j], rows[i], strict=True)]
    return [row[-1] for row in rows]


@each("ridge", [1e-4, 0.3])
@each(("latent_dim", "n_labels"), [(1, None), (2, 2), (4, 3)])
def test_equals_the_plain_loops(ridge, latent_dim, n_labels):
    for seed in range(3):
        latent, label = make_batch(latent_dim=latent_dim, n_labels=n_labels, seed=seed)
        weight = make_weight(seed=seed)
        expected = naive_loss(latent, label, weight, ridge)
        assert LinearRegressionLoss(ridge)(latent, label, weight).item() == pytest.approx(expected, rel=1e-10)


def test_is_1_minus_r2_but_for_the_ridge():
    latent, label = make_batch(latent_dim=3)
    design = np.column_stack([np.ones(len(label)), latent.detach().numpy()])
    residual = label.numpy() - design @ np.linalg.lstsq(design, label.numpy(), rcond=None)[0]
    expected = residual.var() / label.numpy().var()
    assert LinearRegressionLoss(1e-9)(latent, label).item() == pytest.approx(expected, rel=1e-12)
    assert LinearRegressionLoss()(latent, label).item() == pytest.approx(expected, abs=1e-6)


def test_three_points_by_hand():
    # z -1, 0, 1 and y 1, 1, 4: slope 1.5, fitted .5, 2, 3.5, errors .5, -1, .5, so 1.5 of 6.
    latent = torch.tensor([[-1.0], [0.0], [1.0]], dtype=torch.float64)
    loss = LinearRegressionLoss(1e-12)(latent, torch.tensor([1.0, 1.0, 4.0]))
    assert loss.item() == pytest.approx(0.25, rel=1e-9)


def test_zero_with_zero_gradient_where_a_plane_is_the_label():
    latent, _ = make_batch(latent_dim=3)
    label = latent.detach() @ torch.tensor([1.0, -2.0, 0.5], dtype=torch.float64) + 3
    loss = LinearRegressionLoss()(latent, label)
    loss.backward()
    assert loss.item() == pytest.approx(0, abs=1e-6)
    assert latent.grad.abs().max() < 1e-3


def test_no_linear_map_of_the_latent_matters_when_the_ridge_is_small():
    latent, label = make_batch(n_labels=2)
    stretched = latent @ torch.tensor([[2.0, 1.0], [0.3, -1.0]], dtype=torch.float64)
    loss = LinearRegressionLoss(1e-10)
    assert loss(stretched, label).item() == pytest.approx(loss(latent, label).item(), rel=1e-8)


@each("dtype", [torch.float32, torch.float64])
@each("kind", ["line", "fewer rows than dimensions", "point"])
def test_degenerate_batches_have_a_moderate_gradient(dtype, kind):
    latent, label = make_batch(n_rows=12, latent_dim=3)
    latent = latent.detach().to(dtype)
    if kind == "line":
        latent = latent[:, :1] * torch.tensor([1.0, 2.0, 3.0], dtype=dtype)
    elif kind == "point":
        latent[:] = 0.1
    else:
        latent, label = latent[:3], label[:3]
    latent.requires_grad_()
    loss = LinearRegressionLoss()(latent, label)
    loss.backward()
    assert 0 <= loss.item() <= 1
    assert latent.grad.abs().max() < 10
    if kind == "point":
        assert loss.item() == 1


def test_wrong_ridge():
    with pytest.raises(ConfigError, match="ridge is 0; expected a number above 0"):
        LinearRegressionLoss(0)
    assert repr(LinearRegressionLoss(0.5)) == "LinearRegressionLoss(ridge=0.5)"
