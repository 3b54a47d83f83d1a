"""Batches that the tests of losses share."""

import torch


def make_batch(n_rows=23, latent_dim=2, n_labels=None, missing=0.0, seed=0):
    """Random float64 latents, and labels on 1..5 in half steps (so with ties), a share of them missing."""
    generator = torch.Generator().manual_seed(seed)
    latent = torch.randn(n_rows, latent_dim, generator=generator, dtype=torch.float64).requires_grad_()
    shape = (n_rows,) if n_labels is None else (n_rows, n_labels)
    label = torch.randint(2, 11, shape, generator=generator).double() / 2
    label[torch.rand(shape, generator=generator) < missing] = float("nan")
    return latent, label
