"""Weighted coefficients against plain sums, and where they are not defined."""

import pytest
import torch

from affectmap.losses.concordance import ccc, pearson
from affectmap.losses.pairs import differing_mean, shares
from cases import each
from label_batches import make_weight, weighted_moments


def make_series(seed=0):
    generator = torch.Generator().manual_seed(seed)
    left, right = torch.randn(2, 23, generator=generator, dtype=torch.float64)
    return left + 1, left + right, shares(make_weight(seed=seed))


def test_equal_plain_sums():
    left, right, share = make_series()
    triples = list(zip(share.tolist(), left.tolist(), right.tolist(), strict=True))
    mean_left, mean_right, var_left, var_right, cov = weighted_moments(triples)
    expected = 2 * cov / (var_left + var_right + (mean_left - mean_right) ** 2)
    assert ccc(left, right, share).item() == pytest.approx(expected, rel=1e-12)
    assert pearson(left, right, share).item() == pytest.approx(cov / (var_left * var_right) ** 0.5, rel=1e-12)


@each("coefficient", [ccc, pearson])
@each("dtype", [torch.float32, torch.float64])
@each("value", [0.0, 0.1, -1e6])
def test_a_constant_has_no_correlation_and_a_finite_gradient(coefficient, dtype, value):
    left, right, share = (tensor.to(dtype) for tensor in make_series())
    left = torch.full_like(left, value).requires_grad_()
    found = coefficient(left, right, share)
    (gradient,) = torch.autograd.grad(found, left)
    assert found.item() == pytest.approx(0, abs=1e-6)
    assert gradient.isfinite().all()
    (gradient,) = torch.autograd.grad(coefficient(left, left.detach(), share), left)
    assert gradient.isfinite().all()


def test_mean_over_labels_that_differ():
    label = torch.tensor([[[1.0, 3.0, 0.0], [2.0, 3.0, 1.0]], [[1.0, 2.0, 3.0], [1.0, 2.0, 3.0]]])
    values = torch.tensor([[1.0, float("nan"), 5.0], [7.0, 8.0, 9.0]])
    assert differing_mean(values, label, torch.ones(2, 2)).tolist() == [3.0, 0.0]
