"""Training: the plain loop, to be read, and the stacked one, to be used.

Both draw initial weights, order and noise of a model from that model's own generator, so a seed gives the same model
whichever way and beside whichever others it is trained.

Source: Das et al. 2022, eq. 6 and section 4; stacking is ours.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import joblib
import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from torch import Tensor

from affectmap.autoencoder import HIDDEN_DIMS, DenoisingAutoencoder, relu_after
from affectmap.losses import MetricTerms, Preset, metric_terms
from affectmap.schema import ConfigError

CURVES = ("total", "reconstruction", "slope", "residual")
#: Models trained in one stack; more bring no speed and cost memory.
STACK = 64
#: Model steps above which a second process pays for its own start.
PARALLEL_STEPS = 60_000


@dataclass(frozen=True)
class TrainingSettings:
    """What all models of one stack share.

    Attributes:
        preset: ``paper`` or ``authors-code``: form of loss and decoder.
        hidden_dims: Encoder's hidden layer sizes.
        latent_dim: Size of the latent.
        noise_std: σ of the noise on standardised features.
        epochs: Passes over the data.
        batch_size: Utterances a step.
        learning_rate: Adam's.
    """

    preset: Preset = "paper"
    hidden_dims: tuple[int, ...] = HIDDEN_DIMS
    latent_dim: int = 2
    noise_std: float = 1.0
    epochs: int = 50
    batch_size: int = 64
    learning_rate: float = 1e-3

    @staticmethod
    def of(preset: Preset) -> TrainingSettings:
        """Give a preset's settings: the paper's, or those of its authors' code (lr 1e-4, 100 epochs).

        Example:
            >>> TrainingSettings.of("authors-code").epochs
            100
        """
        settings = TrainingSettings(preset=preset)
        return settings if preset == "paper" else replace(settings, epochs=100, learning_rate=1e-4)


@dataclass(frozen=True, eq=False)
class TrainingTask:
    """One model to train.

    Attributes:
        features: ``(N, F)`` float32, standardised. Tasks may share one array.
        label: ``(N, L)`` on 1..5, ``NaN`` where missing; ``None`` for unsupervised training.
        weight: λ of eq. 6, ≥ 0.
        seed: Of this model's generator.
    """

    features: npt.NDArray[np.float32]
    label: npt.NDArray[np.floating] | None
    weight: float = 1.0
    seed: int = 0

    @property
    def n_labels(self) -> int:
        """Number of labels in the metric term; 0 if there is no such term."""
        return 0 if self.label is None or self.weight == 0 else self.label.shape[1]


@dataclass(frozen=True, eq=False)
class TrainedModel:
    """A trained network on the CPU and its learning curves (one row an epoch, columns :data:`CURVES`)."""

    network: DenoisingAutoencoder
    curves: pd.DataFrame


def train_plain(
    task: TrainingTask,
    settings: TrainingSettings = TrainingSettings(),
    *,
    device: str = "cpu",
    dtype: torch.dtype = torch.float32,
) -> TrainedModel:
    """Train one model, step by step: the readable reference.

    Args:
        task: Data, label, weight and seed.
        settings: Network, loss and optimiser.
        device: ``cpu`` or ``cuda``.
        dtype: Of weights and arithmetic; the random draws are float32 in any case.

    Returns:
        The network and its learning curves.

    Example:
        >>> features = np.random.default_rng(0).normal(size=(100, 88)).astype(np.float32)
        >>> trained = train_plain(TrainingTask(features, None), replace(TrainingSettings(), epochs=3))
        >>> trained.curves["reconstruction"].is_monotonic_decreasing
        True
    """
    generator = torch.Generator().manual_seed(task.seed)
    network = _new_network(task, settings, generator).to(device, dtype)
    optimiser = torch.optim.Adam(network.parameters(), lr=settings.learning_rate)
    features = torch.as_tensor(task.features).to(device, dtype)
    label, present = (tensor.to(device) for tensor in _label_and_presence(task, task.n_labels, dtype))
    weight = torch.tensor([task.weight]).to(device, dtype)
    curves = np.zeros((settings.epochs, len(CURVES)))
    with _one_thread():
        for epoch in range(settings.epochs):
            for rows, noise in _batches(generator, features.shape, settings.batch_size):
                rows = rows.to(device)
                clean = features[rows]
                latent, reconstructed = network(clean, noise.to(device, dtype))
                reconstruction = (reconstructed - clean).square().mean()[None]
                terms = metric_terms(latent[None], label[rows][None], present[rows][None], settings.preset)
                total = _total(reconstruction, terms, weight, settings)
                optimiser.zero_grad()
                total.sum().backward()
                optimiser.step()
                curves[epoch] += len(rows) * _step_values(total, reconstruction, terms)[:, 0].cpu().numpy()
    return _trained(network, curves / len(features))


def train_stacked(
    tasks: list[TrainingTask],
    settings: TrainingSettings = TrainingSettings(),
    *,
    device: str = "cpu",
    dtype: torch.dtype = torch.float32,
    n_jobs: int = 1,
) -> list[TrainedModel]:
    """Train many models at once, each as :func:`train_plain` would.

    Weights of K models are one tensor ``(K, in, out)``, a step is one batched matrix product a layer, and one
    fused Adam moves all. Models with the same number of steps an epoch go together.

    Args:
        tasks: The models; features may differ in number of rows, not of columns.
        settings: Shared by all.
        device: ``cpu`` or ``cuda``.
        dtype: Of weights and arithmetic.
        n_jobs: Processes, used where the work is large enough to pay for them; ``cpu`` only.

    Returns:
        One trained model a task, in the order of `tasks`.

    Raises:
        ConfigError: If a task has no rows, or feature counts differ.

    Example:
        >>> features = np.random.default_rng(0).normal(size=(100, 88)).astype(np.float32)
        >>> tasks = [TrainingTask(features, None, seed=seed) for seed in range(3)]
        >>> [len(trained.curves) for trained in train_stacked(tasks, replace(TrainingSettings(), epochs=2))]
        [2, 2, 2]
    """
    _check_tasks(tasks, device)
    stacks = _stacks(tasks, settings, n_jobs)
    n_steps = sum(math.ceil(len(task.features) / settings.batch_size) for task in tasks) * settings.epochs
    parallel = n_jobs > 1 and device == "cpu" and n_steps > PARALLEL_STEPS
    run = joblib.Parallel(n_jobs=n_jobs if parallel else 1)
    results = run(
        joblib.delayed(_train_stack)([tasks[i] for i in stack], settings, device, dtype) for stack in stacks
    )
    trained: dict[int, TrainedModel] = {}
    for stack, models in zip(stacks, results, strict=True):
        trained.update(zip(stack, models, strict=True))
    return [trained[i] for i in range(len(tasks))]


def _check_tasks(tasks: list[TrainingTask], device: str) -> None:
    widths = {task.features.shape[1] for task in tasks}
    if len(widths) > 1:
        raise ConfigError(f"models of one stack have {sorted(widths)} features; expected one number for all")
    if any(len(task.features) == 0 for task in tasks):
        raise ConfigError("a model has no utterances to train on; check the folds and the emotions asked for")
    if device.startswith("cuda") and not torch.cuda.is_available():
        raise ConfigError("device is cuda, but PyTorch finds no CUDA device here; use --device cpu")


def _stacks(tasks: list[TrainingTask], settings: TrainingSettings, n_jobs: int) -> list[list[int]]:
    groups = defaultdict(list)
    for i, task in enumerate(tasks):
        n_steps = math.ceil(len(task.features) / settings.batch_size)
        # The released code's loss splits the latent by label; the paper's takes labels padded with zeros.
        splits_latent = settings.preset == "authors-code"
        groups[n_steps, task.n_labels if splits_latent else 0].append(i)
    stacks = []
    for group in groups.values():
        size = min(STACK, math.ceil(len(group) / n_jobs))
        stacks += [group[start : start + size] for start in range(0, len(group), size)]
    return stacks


def _train_stack(
    tasks: list[TrainingTask], settings: TrainingSettings, device: str, dtype: torch.dtype
) -> list[TrainedModel]:
    if len(tasks) == 1:  # a stack of one would take another matrix product, with another last bit
        return _train_stack(tasks * 2, settings, device, dtype)[:1]
    generators = [torch.Generator().manual_seed(task.seed) for task in tasks]
    networks = [_new_network(task, settings, g) for task, g in zip(tasks, generators, strict=True)]
    stack = _Stack(networks, settings, device, dtype)
    data = _StackData(tasks, settings, device, dtype)
    with _one_thread():
        curves = np.stack([_train_epoch(stack, data, generators) for _ in range(settings.epochs)])
    stack.copy_to(networks)
    return [_trained(network, curves[:, :, k]) for k, network in enumerate(networks)]


@contextmanager
def _one_thread() -> Iterator[None]:
    # Two OpenMP threads on products this small stall more than they help, up to forty times.
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _train_epoch(
    stack: _Stack, data: _StackData, generators: list[torch.Generator]
) -> npt.NDArray[np.float64]:
    sums = torch.zeros(len(CURVES), len(generators), dtype=torch.float64, device=data.features.device)
    for clean, noise, label, present, exists in data.batches(generators):
        latent, reconstructed = stack.forward(clean, noise)
        n_rows = exists.sum(dim=1)
        error = ((reconstructed - clean).square() * exists[..., None]).sum(dim=(1, 2))
        reconstruction = error / (n_rows * clean.shape[2])
        terms = metric_terms(latent, label, present, stack.settings.preset)
        total = _total(reconstruction, terms, data.weight, stack.settings)
        stack.step(total)
        sums += n_rows * _step_values(total, reconstruction, terms)
    return (sums / data.n_rows).cpu().numpy()


class _Stack:
    """Weights of K networks in one buffer ``(K, width)``, seen as ``(K, in, out)`` and ``(K, 1, out)`` a layer.

    One buffer is one call of Adam. Every part starts and ends on 64 bytes: vector instructions then have no left-over
    elements, whose last bit would depend on K.
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
        starts = np.cumsum([0, *(_aligned(part[0].numel()) for part in starting)])
        buffer = torch.zeros(len(networks), int(starts[-1]), device=device, dtype=dtype)
        buffer.grad = torch.zeros_like(buffer)
        self.parts = [_part(buffer, start, values) for start, values in zip(starts, starting, strict=False)]
        self.gradients = [
            _part(buffer.grad, start, values) for start, values in zip(starts, starting, strict=False)
        ]
        for part, values in zip(self.parts, starting, strict=True):
            part.copy_(values).requires_grad_()
        self.weights, self.biases = self.parts[: len(layers)], self.parts[len(layers) :]
        self.optimiser = torch.optim.Adam([buffer], lr=settings.learning_rate, fused=True)
        encoder_relu, decoder_relu = relu_after(len(settings.hidden_dims), settings.preset)
        self.relu = encoder_relu + decoder_relu
        self.n_encoder = len(encoder_relu)

    def forward(self, clean: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
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
        # The models share no weight, so the gradient of the sum is every model's own.
        for gradient, value in zip(self.gradients, torch.autograd.grad(total.sum(), self.parts), strict=True):
            gradient.copy_(value)
        self.optimiser.step()

    def copy_to(self, networks: list[DenoisingAutoencoder]) -> None:
        with torch.no_grad():
            for k, network in enumerate(networks):
                network.to(self.weights[0].dtype)
                layers = [*network.encoder, *network.decoder]
                for layer, weight, bias in zip(layers, self.weights, self.biases, strict=True):
                    layer.weight.copy_(weight[k].T)
                    layer.bias.copy_(bias[k, 0])


class _StackData:
    """Features (each array once, however many tasks share it) and labels of K tasks, gathered a batch at a time."""

    def __init__(
        self, tasks: list[TrainingTask], settings: TrainingSettings, device: str, dtype: torch.dtype
    ) -> None:
        self.tasks, self.batch_size, self.device, self.dtype = tasks, settings.batch_size, device, dtype
        arrays = {id(task.features): task.features for task in tasks}
        starts = dict(zip(arrays, np.cumsum([0, *(len(a) for a in arrays.values())]), strict=False))
        self.features = torch.cat([torch.as_tensor(a) for a in arrays.values()]).to(device, dtype)
        self.feature_start = torch.tensor([int(starts[id(task.features)]) for task in tasks], device=device)[
            :, None
        ]
        n_rows = [len(task.features) for task in tasks]
        self.n_rows = torch.tensor(n_rows, device=device)
        self.label_start = torch.tensor([sum(n_rows[:k]) for k in range(len(tasks))], device=device)[:, None]
        width = max(task.n_labels for task in tasks)
        labels = [_label_and_presence(task, width, dtype) for task in tasks]
        self.label = torch.cat([label for label, _ in labels]).to(device)
        self.present = torch.cat([present for _, present in labels]).to(device)
        self.weight = torch.tensor([task.weight for task in tasks]).to(device, dtype)

    def batches(
        self, generators: list[torch.Generator]
    ) -> Iterator[tuple[Tensor, Tensor, Tensor, Tensor, Tensor]]:
        each = [
            _batches(g, task.features.shape, self.batch_size)
            for g, task in zip(generators, self.tasks, strict=True)
        ]
        for drawn in zip(*each, strict=True):
            sizes = torch.tensor([len(rows) for rows, _ in drawn])
            # The last batch is padded to full length and the padding masked: folds differ in size, and a model's
            # sums must not change in their last bit with the lengths of its neighbours.
            rows = torch.stack([_padded(rows, self.batch_size) for rows, _ in drawn]).to(self.device)
            noise = torch.stack([_padded(noise, self.batch_size) for _, noise in drawn]).to(
                self.device, self.dtype
            )
            exists = (torch.arange(self.batch_size) < sizes[:, None]).to(self.device)
            label_rows = self.label_start + rows
            present = self.present[label_rows] & exists
            yield self.features[self.feature_start + rows], noise, self.label[label_rows], present, exists


def _aligned(n_values: int) -> int:
    return math.ceil(n_values / 16) * 16


def _part(buffer: Tensor, start: int, like: Tensor) -> Tensor:
    return buffer.detach()[:, start : start + like[0].numel()].unflatten(1, like.shape[1:])


def _padded(values: Tensor, length: int) -> Tensor:
    if len(values) == length:
        return values
    return torch.cat([values, values.new_zeros(length - len(values), *values.shape[1:])])


def _batches(
    generator: torch.Generator, shape: tuple[int, ...], batch_size: int
) -> Iterator[tuple[Tensor, Tensor]]:
    """Draw one epoch: row numbers and standard normal noise, a batch at a time."""
    n_rows, n_features = shape
    # Noise is drawn for 64 batches at once: fast, and memory stays flat however large the corpus.
    for block in torch.randperm(n_rows, generator=generator).split(64 * batch_size):
        noise = torch.randn(len(block), n_features, generator=generator)
        yield from zip(block.split(batch_size), noise.split(batch_size), strict=True)


def _label_and_presence(task: TrainingTask, width: int, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    label = np.zeros((len(task.features), width))
    present = np.zeros(len(task.features), dtype=bool)
    if task.n_labels and task.label is not None:
        label[:, : task.n_labels] = np.nan_to_num(task.label)
        present = ~np.isnan(task.label).any(axis=1)
    return torch.as_tensor(label).to(dtype), torch.as_tensor(present)


def _total(reconstruction: Tensor, terms: MetricTerms, weight: Tensor, settings: TrainingSettings) -> Tensor:
    total = reconstruction + weight * (terms.slope + terms.residual)  # eq. 6
    if settings.preset == "authors-code":
        return torch.where(terms.usable, total.log(), total)
    return total


def _new_network(
    task: TrainingTask, settings: TrainingSettings, generator: torch.Generator
) -> DenoisingAutoencoder:
    return DenoisingAutoencoder(
        input_dim=task.features.shape[1],
        hidden_dims=settings.hidden_dims,
        latent_dim=settings.latent_dim,
        noise_std=settings.noise_std,
        preset=settings.preset,
        generator=generator,
    )


def _step_values(total: Tensor, reconstruction: Tensor, terms: MetricTerms) -> Tensor:
    return torch.stack([total, reconstruction, terms.slope, terms.residual]).detach().double()


def _trained(network: DenoisingAutoencoder, curves: npt.NDArray[np.float64]) -> TrainedModel:
    table = pd.DataFrame(curves, columns=list(CURVES), index=pd.RangeIndex(1, len(curves) + 1, name="epoch"))
    return TrainedModel(network.cpu().eval(), table)
