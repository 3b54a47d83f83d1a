"""Batches that the tests of losses share."""

import math
from itertools import combinations

import torch


def make_batch(n_rows=23, latent_dim=2, n_labels=None, missing=0.0, seed=0):
    """Random float64 latents, and labels on 1..5 in half steps (so with ties), a share of them missing."""
    generator = torch.Generator().manual_seed(seed)
    latent = torch.randn(n_rows, latent_dim, generator=generator, dtype=torch.float64).requires_grad_()
    shape = (n_rows,) if n_labels is None else (n_rows, n_labels)
    label = torch.randint(2, 11, shape, generator=generator).double() / 2
    label[torch.rand(shape, generator=generator) < missing] = float("nan")
    return latent, label


def label_rows(label):
    """Give the rows of a label tensor, each a list of its values."""
    return label.reshape(len(label), -1).tolist()


def weighted_pairs(latent, label, weight):
    """Give (w_i w_j, d_z, d_y) of every pair i < j by Python's own arithmetic."""
    rows = list(zip(weight.tolist(), latent.tolist(), label_rows(label), strict=True))
    rows = [row for row in rows if not any(math.isnan(value) for value in row[2])]
    return [
        (left[0] * right[0], math.dist(left[1], right[1]), math.dist(left[2], right[2]))
        for left, right in combinations(rows, 2)
    ]


def weighted_moments(triples):
    """Give means, variances and covariance of (w, x, y) by plain sums."""
    total = sum(w for w, _, _ in triples)
    mean_x, mean_y = sum(w * x for w, x, _ in triples) / total, sum(w * y for w, _, y in triples) / total
    var_x = sum(w * (x - mean_x) ** 2 for w, x, _ in triples) / total
    var_y = sum(w * (y - mean_y) ** 2 for w, _, y in triples) / total
    cov = sum(w * (x - mean_x) * (y - mean_y) for w, x, y in triples) / total
    return mean_x, mean_y, var_x, var_y, cov


def make_weight(n_rows=23, seed=7):
    """Random weights of rows in 0.2..1.2, float64."""
    return torch.rand(n_rows, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) + 0.2
