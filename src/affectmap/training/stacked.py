"""The stacked trainer: all folds, methods and seeds at once.

Weights of K models are one tensor a layer, a step is one batched matrix product a layer, and one fused Adam moves
all. Models with the same number of steps an epoch go together; ragged last batches are padded and masked.
"""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from collections.abc import Iterable, Iterator

import joblib
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from affectmap.autoencoder import DenoisingAutoencoder, relu_after
from affectmap.losses import metric_terms
from affectmap.schema import ConfigError
from affectmap.training.steps import (
    curve_values,
    draw_epoch,
    finished,
    label_tensors,
    new_network,
    objective,
    one_thread,
)
from affectmap.training.tasks import CURVES, PAPER, TrainedModel, TrainingSettings, TrainingTask, check_together

#: Models trained in one stack; more bring no speed and cost memory.
STACK = 64
#: Model steps above which a second process pays for its own start.
PARALLEL_STEPS = 60_000


def train_stacked(
    tasks: list[TrainingTask],
    settings: TrainingSettings = PAPER,
    *,
    device: str = "cpu",
    dtype: torch.dtype = torch.float32,
    n_jobs: int = 1,
) -> list[TrainedModel]:
    """Train many models at once, each as :func:`train_plain` would.

    On the CPU a model's weights are the same to the last bit whichever tasks stand beside it and however many
    processes share the work; on other devices to rounding.

    Args:
        tasks: The models; features may differ in number of rows, not of columns.
        settings: Shared by all.
        device: ``cpu`` or ``cuda``.
        dtype: Of weights and arithmetic.
        n_jobs: Processes, used where the work is large enough to pay for them; ``cpu`` only.

    Returns:
        One trained model a task, in the order of `tasks`.

    Raises:
        ConfigError: If feature counts differ, labels or device do not fit the settings, or training diverges.

    Example:
        >>> features = np.random.default_rng(0).normal(size=(100, 88)).astype(np.float32)
        >>> tasks = [TrainingTask(features, None, seed=seed) for seed in range(3)]
        >>> [len(trained.curves) for trained in train_stacked(tasks, TrainingSettings(epochs=2))]
        [2, 2, 2]
    """
    check_together(tasks, settings, device)
    if n_jobs < 1:
        raise ConfigError(f"n_jobs is {n_jobs}; expected 1 or more processes")
    n_steps = sum(_steps(task, settings) for task in tasks) * settings.epochs
    n_processes = n_jobs if device == "cpu" and n_steps > PARALLEL_STEPS else 1
    stacks = _stacks(tasks, settings, n_processes)
    results = joblib.Parallel(n_jobs=n_processes)(
        joblib.delayed(_train_stack)([tasks[i] for i in stack], settings, device, dtype) for stack in stacks
    )
    trained: dict[int, TrainedModel] = {}
    for stack, models in zip(stacks, results, strict=True):
        trained.update(zip(stack, models, strict=True))
    return [trained[i] for i in range(len(tasks))]


def _steps(task: TrainingTask, settings: TrainingSettings) -> int:
    return math.ceil(len(task.features) / settings.batch_size)


def _batch_length(task: TrainingTask, settings: TrainingSettings) -> int:
    """Rows a batch of this task is padded to; its neighbours have no say in it, or they would in the last bit."""
    return min(settings.batch_size, math.ceil(len(task.features) / 64) * 64)


def _stacks(tasks: list[TrainingTask], settings: TrainingSettings, n_processes: int) -> list[list[int]]:
    groups = defaultdict(list)
    for i, task in enumerate(tasks):
        # The released code's loss splits the latent by label; the paper's takes labels padded with zeros.
        n_parts = max(task.n_labels, 1) if settings.preset == "authors-code" else 1
        groups[_steps(task, settings), _batch_length(task, settings), n_parts].append(i)
    stacks = []
    for group in groups.values():
        n_stacks = max(math.ceil(len(group) / STACK), min(n_processes, len(group)))
        stacks += [part.tolist() for part in np.array_split(group, n_stacks)]
    return stacks


def _train_stack(
    tasks: list[TrainingTask], settings: TrainingSettings, device: str, dtype: torch.dtype
) -> list[TrainedModel]:
    if len(tasks) == 1:
        # A stack of one would take another matrix product, with another last bit.
        return _train_stack(tasks * 2, settings, device, dtype)[:1]
    generators = [torch.Generator().manual_seed(task.seed) for task in tasks]
    networks = [new_network(task, settings, g) for task, g in zip(tasks, generators, strict=True)]
    stack = _Stack(networks, settings, device, dtype)
    data = _StackData(tasks, settings, device, dtype)
    with one_thread():
        curves = np.stack([_train_epoch(stack, data, generators) for _ in range(settings.epochs)])
    stack.copy_to(networks)
    return [finished(network, curves[:, :, k]) for k, network in enumerate(networks)]


def _train_epoch(stack: _Stack, data: _StackData, generators: list[torch.Generator]) -> npt.NDArray[np.float64]:
    sums = torch.zeros(len(CURVES), len(generators), dtype=torch.float64, device=data.features.device)
    for clean, noise, label, present, exists in data.batches(generators):
        latent, reconstructed = stack.forward(clean, noise)
        n_rows = exists.sum(dim=1)
        error = ((reconstructed - clean).square() * exists[..., None]).sum(dim=(1, 2))
        reconstruction = error / (n_rows * clean.shape[2])
        terms = metric_terms(latent, label, present, stack.settings.preset)
        total = objective(reconstruction, terms, data.weight, stack.settings.preset)
        stack.step(total)
        sums += n_rows * curve_values(total, reconstruction, terms)
    return (sums / data.n_rows).cpu().numpy()


class _Stack:
    """Weights of K networks in one buffer ``(K, width)``, seen as ``(K, in, out)`` and ``(K, 1, out)`` a layer.

    One buffer is one call of Adam. Every part starts and ends on 64 bytes: vector instructions then have no
    left-over elements, whose last bit would depend on K.
    """

    def __init__(
        self,
        networks: list[DenoisingAutoencoder],
        settings: TrainingSettings,
        device: str,
        dtype: torch.dtype,
    ) -> None:
        self.settings = settings
        layers = list(zip(*([*network.encoder, *network.decoder] for network in networks), strict=True))
        starting = [torch.stack([layer.weight.detach().T for layer in same]) for same in layers]
        starting += [torch.stack([layer.bias.detach()[None] for layer in same]) for same in layers]
        widths = [math.ceil(values[0].numel() / 16) * 16 for values in starting]
        buffer = torch.zeros(len(networks), sum(widths), device=device, dtype=dtype)
        buffer.grad = torch.zeros_like(buffer)
        self.parts = _parts(buffer, widths, starting)
        self.gradients = _parts(buffer.grad, widths, starting)
        for part, values in zip(self.parts, starting, strict=True):
            part.copy_(values).requires_grad_()
        self.weights, self.biases = self.parts[: len(layers)], self.parts[len(layers) :]
        self.optimiser = torch.optim.Adam([buffer], lr=settings.learning_rate, fused=True)
        encoder_relu, decoder_relu = relu_after(len(settings.hidden_dims), settings.preset)
        self.relu = encoder_relu + decoder_relu
        self.n_encoder = len(encoder_relu)

    def forward(self, clean: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
        """Give latents ``(K, B, D)`` and reconstructions ``(K, B, F)`` of noisy features ``(K, B, F)``."""
        values = clean + self.settings.noise_std * noise
        latent = values
        for i, (weight, bias, bends) in enumerate(zip(self.weights, self.biases, self.relu, strict=True)):
            values = torch.baddbmm(bias, values, weight)
            if bends:
                values = torch.relu(values)
            if i == self.n_encoder - 1:
                latent = values
        return latent, values

    def step(self, total: Tensor) -> None:
        """Move all weights once, down the gradient of the objectives ``(K,)``."""
        # The models share no weight, so the gradient of the sum is every model's own.
        for gradient, value in zip(self.gradients, torch.autograd.grad(total.sum(), self.parts), strict=True):
            gradient.copy_(value)
        self.optimiser.step()

    def copy_to(self, networks: list[DenoisingAutoencoder]) -> None:
        """Write the weights into the networks they were made of."""
        with torch.no_grad():
            for k, network in enumerate(networks):
                network.to(self.weights[0].dtype)
                layers = [*network.encoder, *network.decoder]
                for layer, weight, bias in zip(layers, self.weights, self.biases, strict=True):
                    layer.weight.copy_(weight[k].T)
                    layer.bias.copy_(bias[k, 0])


class _StackData:
    """Features and labels of K tasks, gathered a batch at a time; features that tasks share are kept once."""

    def __init__(self, tasks: list[TrainingTask], settings: TrainingSettings, device: str, dtype: torch.dtype) -> None:
        self.tasks, self.device, self.dtype = tasks, device, dtype
        self.batch_size, self.batch_length = settings.batch_size, _batch_length(tasks[0], settings)
        arrays = {id(task.features): task.features for task in tasks}
        # torch.tensor copies: an array that is read-only, as those of pandas are, may not be shared.
        self.features = torch.cat([torch.tensor(array) for array in arrays.values()]).to(device, dtype)
        first_rows = dict(zip(arrays, _first_rows(arrays.values()), strict=True))
        self.feature_start = self._column([first_rows[id(task.features)] for task in tasks])
        self.label_start = self._column(_first_rows([task.features for task in tasks]))
        self.n_rows = torch.tensor([len(task.features) for task in tasks], device=device)
        width = max(task.n_labels for task in tasks)
        labels, presences = zip(*(label_tensors(task, width, dtype) for task in tasks), strict=True)
        self.label, self.present = torch.cat(labels).to(device), torch.cat(presences).to(device)
        self.weight = torch.tensor([task.weight for task in tasks]).to(device, dtype)

    def _column(self, values: list[int]) -> Tensor:
        return torch.tensor(values, device=self.device)[:, None]

    def batches(self, generators: list[torch.Generator]) -> Iterator[tuple[Tensor, Tensor, Tensor, Tensor, Tensor]]:
        """Draw one epoch: features, noise, labels, whether a row has labels, whether it is no padding."""
        each = [
            draw_epoch(generator, task.features.shape, self.batch_size)
            for generator, task in zip(generators, self.tasks, strict=True)
        ]
        for drawn in zip(*each, strict=True):
            sizes = torch.tensor([len(rows) for rows, _ in drawn])
            # The last batch is padded to full length and the padding masked: folds differ in size.
            rows = torch.stack([_padded(rows, self.batch_length) for rows, _ in drawn]).to(self.device)
            noise = torch.stack([_padded(noise, self.batch_length) for _, noise in drawn])
            exists = (torch.arange(self.batch_length) < sizes[:, None]).to(self.device)
            clean = self.features[self.feature_start + rows]
            label_rows = self.label_start + rows
            present = self.present[label_rows] & exists
            yield clean, noise.to(self.device, self.dtype), self.label[label_rows], present, exists


def _parts(buffer: Tensor, widths: list[int], like: list[Tensor]) -> list[Tensor]:
    blocks = buffer.detach().split_with_sizes(widths, dim=1)
    return [block[:, : values[0].numel()].view(values.shape) for block, values in zip(blocks, like, strict=True)]


def _first_rows(arrays: Iterable[npt.NDArray[np.float32]]) -> list[int]:
    return list(itertools.accumulate((len(array) for array in arrays), initial=0))[:-1]


def _padded(values: Tensor, length: int) -> Tensor:
    if len(values) == length:
        return values
    return torch.cat([values, values.new_zeros(length - len(values), *values.shape[1:])])
