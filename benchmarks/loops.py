"""Three loops that train one autoencoder with the continuous metric loss, without this package.

They are what the stacked trainer is measured against: the loop that a researcher writes (`researcher_loop`),
the same with all data in memory and every cost that can go gone (`in_memory_loop`), and the same as the first
with a Python loop over the pairs (`pair_loop`). All train one network, 88-40-20-10-2 and back, with noise 1.0,
batches of 64 and Adam at 1e-3.

Tried for `in_memory_loop` and left out, for they bring less than timings scatter: ``cdist`` for ``pdist``,
all weights in one buffer, ``addmm`` for modules, ``torch.autograd.grad`` for ``backward``, a residual from sums.

Source: Das et al. 2022, equations 2 to 6 and section 4.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset

SIZES = (88, 40, 20, 10, 2)
BATCH_SIZE = 64
LEARNING_RATE = 1e-3

Metric = Callable[[Tensor, Tensor], Tensor]
Loop = Callable[[npt.NDArray[np.float32], npt.NDArray[np.float32], int, int], list[float]]


def metric_loss(latent: Tensor, label: Tensor) -> Tensor:
    """Compute the metric loss of latents ``(N, D)`` and labels ``(N,)``, not all equal, from all distances at once."""
    return _slope_and_residual(functional.pdist(latent), functional.pdist(label[:, None]))


def metric_loss_by_pairs(latent: Tensor, label: Tensor) -> Tensor:
    """Compute the same by a Python loop over the pairs i < j, one subtraction each; what can follow at once, does."""
    points, values = latent.unbind(), label.tolist()
    latent_diffs, label_diffs = [], []
    for i in range(len(points)):
        for j in range(i + 1, len(points)):
            latent_diffs.append(points[i] - points[j])
            label_diffs.append(abs(values[i] - values[j]))
    return _slope_and_residual(torch.stack(latent_diffs).norm(dim=1), torch.tensor(label_diffs))


def _slope_and_residual(latent_diff: Tensor, label_diff: Tensor) -> Tensor:
    slope = (label_diff * latent_diff).sum() / label_diff.square().sum()  # eq. 2
    return (1 - slope).abs() + (latent_diff - slope * label_diff).square().mean()  # eq. 3 to 5


def networks(sizes: tuple[int, ...] = SIZES) -> tuple[nn.Sequential, nn.Sequential]:
    """Make encoder and decoder: ReLU after every hidden layer, linear latent and output."""
    halves = []
    for half in (sizes, sizes[::-1]):
        layers: list[nn.Module] = []
        for n_in, n_out in itertools.pairwise(half):
            layers += [nn.Linear(n_in, n_out), nn.ReLU()]
        halves.append(nn.Sequential(*layers[:-1]))
    return halves[0], halves[1]


def objective(
    encoder: nn.Module, decoder: nn.Module, clean: Tensor, noisy: Tensor, label: Tensor, metric: Metric
) -> Tensor:
    """Compute what a batch minimises, ``L_rec + L_metric`` (eq. 6 with λ = 1)."""
    latent = encoder(noisy)
    return functional.mse_loss(decoder(latent), clean) + metric(latent, label)


def researcher_loop(
    features: npt.NDArray[np.float32],
    label: npt.NDArray[np.float32],
    epochs: int,
    seed: int,
    metric: Metric = metric_loss,
) -> list[float]:
    """Train one model as a researcher writes it: a DataLoader, modules, Adam, the loss read at every step.

    Args:
        features: ``(N, 88)``, standardised.
        label: ``(N,)``, none missing.
        epochs: Passes over the data.
        seed: Seed of weights, order and noise.
        metric: The metric loss of a batch.

    Returns:
        The mean objective of every epoch.
    """
    torch.manual_seed(seed)
    encoder, decoder = networks()
    optimiser = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], lr=LEARNING_RATE)
    data = TensorDataset(torch.tensor(features), torch.tensor(label))
    loader = DataLoader(data, batch_size=BATCH_SIZE, shuffle=True)
    losses = []
    for _ in range(epochs):
        total = 0.0
        for clean, batch_label in loader:
            noisy = clean + torch.randn_like(clean)
            loss = objective(encoder, decoder, clean, noisy, batch_label, metric)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            total += loss.item() * len(clean)
        losses.append(total / len(features))
    return losses


def pair_loop(features: npt.NDArray[np.float32], label: npt.NDArray[np.float32], epochs: int, seed: int) -> list[float]:
    """Train as `researcher_loop` does, with the loss by a Python loop over the pairs."""
    return researcher_loop(features, label, epochs, seed, metric_loss_by_pairs)


def in_memory_loop(
    features: npt.NDArray[np.float32], label: npt.NDArray[np.float32], epochs: int, seed: int
) -> list[float]:
    """Train one model by the best plain loop: order and noise drawn once an epoch, slices of tensors, fused Adam.

    The loss is read once an epoch. Arguments and result are those of `researcher_loop`.
    """
    torch.manual_seed(seed)
    encoder, decoder = networks()
    optimiser = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], lr=LEARNING_RATE, fused=True)
    all_clean, all_labels = torch.tensor(features), torch.tensor(label)
    losses = []
    for _ in range(epochs):
        order = torch.randperm(len(features))
        clean, labels = all_clean[order], all_labels[order]
        noisy = clean + torch.randn_like(clean)
        total = torch.zeros(())
        for batch in zip(*(part.split(BATCH_SIZE) for part in (clean, noisy, labels)), strict=True):
            loss = objective(encoder, decoder, *batch, metric=metric_loss)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            total += loss.detach() * len(batch[0])
        losses.append(total.item() / len(features))
    return losses


def train_in_turn(
    loop: Loop, features: npt.NDArray[np.float32], label: npt.NDArray[np.float32], epochs: int, seeds: list[int]
) -> list[list[float]]:
    """Train several models one after the other on one thread, as one process of many does; give their losses.

    Raises:
        RuntimeError: If a model does not learn.
    """
    torch.set_num_threads(1)
    losses = [loop(features, label, epochs, seed) for seed in seeds]
    for curve in losses:
        if not (np.isfinite(curve).all() and (epochs == 1 or curve[-1] < curve[0])):
            raise RuntimeError(f"{loop.__name__} does not learn: its loss went from {curve[0]:g} to {curve[-1]:g}")
    return losses


def product_rate(size: int, at_least_s: float) -> float:
    """Multiply two float32 matrices ``(size, size)`` on one thread for a while; give GFLOP a second."""
    torch.set_num_threads(1)
    one, other = torch.randn(2, size, size)
    torch.mm(one, other)
    start, n_products = time.perf_counter(), 0
    while time.perf_counter() - start < at_least_s:
        torch.mm(one, other)
        n_products += 1
    return n_products * 2 * size**3 / (time.perf_counter() - start) / 1e9
