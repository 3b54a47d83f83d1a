"""The stacked trainer: all folds, methods and seeds at once.

Weights of K models are one tensor a layer, a step is one batched matrix product a layer, and one fused Adam moves
all. Models with the same number of steps an epoch go together; ragged last batches are padded and masked.
"""

from __future__ import annotations

import math
from collections import defaultdict
from functools import partial

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from affectmap.errors import ConfigError
from affectmap.model.settings import PAPER, TrainingSettings
from affectmap.model.training.batches import Batch, StackBatches, batch_length
from affectmap.model.training.metric_gradient import metric_gradient
from affectmap.model.training.network_stack import NetworkStack
from affectmap.model.training.steps import curve_values, finished, memory_told, new_network, objective, one_thread
from affectmap.model.training.tasks import CURVES, TrainedModel, TrainingTask, check_together
from affectmap.model.training.workspace import Workspace
from affectmap.parallel.workers import mapped, n_workers

#: Models trained in one stack; more bring no speed on a CPU and cost memory, while a GPU wants thousands.
STACK = {"cpu": 64, "cuda": 2500}
#: Numbers that an array of pairs may have; a stack of larger batches takes fewer models.
PAIRS = 2**24
#: Model steps above which a second process pays for its own start.
PARALLEL_STEPS = 30_000


def train_stacked(
    tasks: list[TrainingTask],
    settings: TrainingSettings = PAPER,
    *,
    device: str = "cpu",
    dtype: torch.dtype = torch.float32,
    n_jobs: int = 1,
) -> list[TrainedModel]:
    """Train many models at once, each as `train_plain` would.

    On the CPU a model's weights are the same to the last bit whichever tasks stand beside it and however many
    processes share the work; on other devices to rounding.

    Args:
        tasks: The models; features may differ in number of rows, not of columns.
        settings: Shared by all.
        device: ``cpu`` or ``cuda``.
        dtype: Of weights and arithmetic.
        n_jobs: Processes, used where the work is large enough to pay for them; ``cpu`` only. Within
            `affectmap.parallel.cluster.work_on` the workers of the cluster take their place.

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
    n_processes = n_workers(n_jobs) if device == "cpu" and n_steps > PARALLEL_STEPS else 1
    stacks = _stacks(tasks, settings, n_processes, STACK[device])
    train = partial(_train_stack, settings=settings, device=device, dtype=dtype)
    results = mapped(train, [[tasks[i] for i in stack] for stack in stacks], n_jobs=n_processes)
    trained: dict[int, TrainedModel] = {}
    for stack, models in zip(stacks, results, strict=True):
        trained.update(zip(stack, models, strict=True))
    return [trained[i] for i in range(len(tasks))]


def _steps(task: TrainingTask, settings: TrainingSettings) -> int:
    return math.ceil(len(task.features) / settings.batch_size)


def _stacks(tasks: list[TrainingTask], settings: TrainingSettings, n_processes: int, most: int) -> list[list[int]]:
    """Share tasks out into stacks of at most `most`, as many for every process; the stacks with most work first."""
    groups = defaultdict(list)
    for i, task in enumerate(tasks):
        # The paper's loss takes labels padded with zeros; others count them.
        n_parts = 1 if settings.loss_names == ("paper",) else task.n_labels
        groups[_steps(task, settings), batch_length(task, settings), n_parts].append(i)
    stacks = []
    for (n_steps, length, _), group in groups.items():
        n_models = max(1, min(most, PAIRS // length**2))
        n_stacks = math.ceil(len(group) / (n_models * n_processes)) * n_processes
        parts = np.array_split(group, min(n_stacks, len(group)))
        stacks += [(n_steps * len(part), part.tolist()) for part in parts]
    return [stack for _, stack in sorted(stacks, key=lambda sized: -sized[0])]


def _train_stack(
    tasks: list[TrainingTask], settings: TrainingSettings, device: str, dtype: torch.dtype
) -> list[TrainedModel]:
    if len(tasks) == 1:
        # A stack of one would take another matrix product, with another last bit.
        return _train_stack(tasks * 2, settings, device, dtype)[:1]
    generators = [torch.Generator().manual_seed(task.seed) for task in tasks]
    networks = [new_network(task, settings, g) for task, g in zip(tasks, generators, strict=True)]
    with one_thread(), torch.no_grad(), memory_told():
        space = Workspace(device, dtype)
        n_steps = _steps(tasks[0], settings) * settings.epochs
        stack, batches = NetworkStack(networks, settings, space, n_steps), StackBatches(tasks, settings, space)
        epochs = [_train_epoch(stack, batches, generators, settings) for _ in range(settings.epochs)]
    stack.copy_to(networks)
    curves = np.stack(epochs)
    return [finished(network, curves[:, :, k]) for k, network in enumerate(networks)]


def _train_epoch(
    stack: NetworkStack, batches: StackBatches, generators: list[torch.Generator], settings: TrainingSettings
) -> npt.NDArray[np.float64]:
    sums = torch.zeros(len(CURVES), len(generators), dtype=torch.float64, device=batches.features.device)
    for batch in batches.epoch(generators):
        sums += batch.n_rows * _step(stack, batch, batches.weight, settings)
    return (sums / batches.n_rows).cpu().numpy()


def _step(stack: NetworkStack, batch: Batch, weight: Tensor, settings: TrainingSettings) -> Tensor:
    """Move every model once; give its values in the order of `CURVES`, ``(5, K)``."""
    noisy = torch.add(batch.clean, batch.noise, alpha=settings.noise_std, out=batch.noise)
    values = stack.forward(noisy)
    latent = stack.latent(values)
    latent_gradient, metric = metric_gradient(latent, batch.label, batch.present, weight, settings, stack.space)
    reconstruction, error = _reconstruction(stack, batch, values)
    total = objective(reconstruction, metric, weight, settings)
    scale = settings.reconstruction * 2 / (batch.n_rows * stack.n_features)
    if settings.preset == "authors-code":
        # d log L = dL / L, and the objective of a batch with a metric term is log L.
        share = torch.where(metric.usable, (-total).exp(), 1.0)
        scale, latent_gradient = scale * share, latent_gradient * share[:, None, None]
    if stack.decodes:
        error *= scale[:, None, None]
    stack.backward(values, error, latent_gradient)
    stack.step()
    return curve_values(total, reconstruction, metric)


def _reconstruction(stack: NetworkStack, batch: Batch, values: list[Tensor]) -> tuple[Tensor, Tensor]:
    """Give ``L_rec``, ``(K,)``, and the error that it comes of, in place of the output; 0 without a decoder."""
    if not stack.decodes:
        return torch.zeros_like(batch.n_rows), values[-1]
    error = torch.sub(values[-1], batch.clean, out=values[-1])
    if batch.exists is not None:
        error *= batch.exists[..., None]
    # Padded columns of the error are 0, so only the divisor has to know their number.
    return torch.linalg.vecdot(error.flatten(1), error.flatten(1)) / (batch.n_rows * stack.n_features), error
