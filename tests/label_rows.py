"""Batches with weights, and the same as plain Python rows, for the loops that losses are tested against."""

import math

import torch

from label_batches import make_batch


def weighted_batch(n_rows=17, latent_dim=2, n_labels=None, seed=0, weighted=False):
    """Latents, labels with ties, and weights of which some are 0 (or no weights)."""
    latent, label = make_batch(n_rows, latent_dim, n_labels, seed=seed)
    generator = torch.Generator().manual_seed(100 + seed)
    weight = torch.rand(n_rows, generator=generator, dtype=torch.float64) + 0.1
    weight[torch.rand(n_rows, generator=generator) < 0.3] = 0
    return latent, label, weight if weighted else None


def plain_rows(latent, label, weight=None):
    """Give the rows that count as (latent, labels, weight): two lists and a number."""
    weights = [1.0] * len(latent) if weight is None else weight.tolist()
    labels = label.reshape(len(latent), -1).tolist()
    rows = zip(latent.tolist(), labels, weights, strict=True)
    return [(z, y, w) for z, y, w in rows if w > 0 and not any(math.isnan(value) for value in y)]


def cosine(a, b):
    """Cosine of the angle between two lists."""
    return sum(x * y for x, y in zip(a, b, strict=True)) / (math.hypot(*a) * math.hypot(*b))
