"""The stacked trainer: all folds, methods and seeds at once.

Weights of K models are one tensor a layer, a step is one batched matrix product a layer, and one fused Adam moves
all. Models with the same number of steps an epoch go together; ragged last batches are padded and masked.
"""

from __future__ import annotations

import itertools
import math
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from affectmap.errors import ConfigError
from affectmap.losses import metric_gradient
from affectmap.model.network import NetworkStack, Workspace, padded
from affectmap.model.settings import PAPER, TrainingSettings
from affectmap.model.training.loop import (
    CURVES,
    MetricValues,
    TrainedModel,
    TrainingTask,
    check_together,
    curve_values,
    draw_epoch,
    finished,
    group_tensor,
    label_tensors,
    metric_values,
    new_network,
    objective,
    one_cycle,
    one_thread,
)
from affectmap.parallel.workers import completed, n_workers

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
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[TrainedModel]:
    """Train many models at once, each as `train_plain` would.

    On the CPU a model's weights are the same to the last bit whichever tasks stand beside it and however many
    processes share the work; on other devices to rounding.

    Args:
        tasks: The models; features may differ in number of rows, not of columns.
        settings: Shared by all.
        device: ``cpu`` or ``cuda``.
        dtype: Type of weights and arithmetic.
        n_jobs: Processes, used where the work is large enough to pay for them; ``cpu`` only. Within
            `affectmap.parallel.cluster.work_on` the workers of the cluster take their place.
        progress: Called with the epochs of all models that are done and in total: after an epoch in this process, after
            a stack elsewhere.

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
    train, total = partial(_train_stack, settings=settings, device=device, dtype=dtype), len(tasks) * settings.epochs
    groups, trained = [[tasks[i] for i in stack] for stack in stacks], dict[int, TrainedModel]()
    if n_processes == 1:
        done = itertools.accumulate(len(group) for group in groups for _ in range(settings.epochs))
        train = partial(train, progress=lambda: progress(next(done), total))
    with closing(completed(train, groups, n_jobs=n_processes)) as results:
        for number, models in results:
            trained.update(zip(stacks[number], models, strict=True))
            progress(len(trained) * settings.epochs, total)
    return [trained[i] for i in range(len(tasks))]


def _steps(task: TrainingTask, settings: TrainingSettings) -> int:
    return math.ceil(len(task.features) / settings.batch_size)


def _stacks(tasks: list[TrainingTask], settings: TrainingSettings, n_processes: int, most: int) -> list[list[int]]:
    """Share tasks out into stacks of at most `most`, as many for every process; the stacks with most work first."""
    groups = defaultdict(list)
    for i, task in enumerate(tasks):
        # The paper's loss takes labels padded with zeros; others count them.
        n_parts = 1 if settings.loss_names == ("paper",) else task.n_labels
        is_validated = task.validation is not None
        groups[_steps(task, settings), _batch_length(task, settings), n_parts, is_validated].append(i)
    stacks = []
    for (n_steps, length, *_), group in groups.items():
        n_models = max(1, min(most, PAIRS // length**2))
        n_stacks = math.ceil(len(group) / (n_models * n_processes)) * n_processes
        parts = np.array_split(group, min(n_stacks, len(group)))
        stacks += [(n_steps * len(part), part.tolist()) for part in parts]
    return [stack for _, stack in sorted(stacks, key=lambda sized: -sized[0])]


def _train_stack(
    tasks: list[TrainingTask],
    settings: TrainingSettings,
    device: str,
    dtype: torch.dtype,
    progress: Callable[[], None] = lambda: None,
) -> list[TrainedModel]:
    if len(tasks) == 1:
        # A stack of one would take another matrix product, with another last bit.
        return _train_stack(tasks * 2, settings, device, dtype, progress)[:1]
    generators = [torch.Generator().manual_seed(task.seed) for task in tasks]
    networks = [new_network(task, settings, g) for task, g in zip(tasks, generators, strict=True)]
    with one_thread(), torch.no_grad(), _memory_errors():
        space = Workspace(device, dtype)
        stack, batches = NetworkStack(networks, settings, space), StackBatches(tasks, settings, space)
        optimiser = torch.optim.Adam([stack.buffer], lr=settings.learning_rate, fused=True)
        schedule = one_cycle(optimiser, _steps(tasks[0], settings) * settings.epochs, settings)
        validation = _Validation(tasks, settings, space)
        curves = np.zeros((settings.epochs, len(CURVES), len(tasks)))
        for epoch in range(settings.epochs):
            sums = torch.zeros(curves.shape[1:], dtype=torch.float64, device=device)
            for batch in batches.epoch(generators):
                sums += batch.n_rows * _differentiate(stack, batch, batches.weight, settings)
                optimiser.step()
                if schedule is not None:
                    schedule.step()
            curves[epoch] = (sums / batches.n_rows).cpu().numpy()
            validation.note(stack)
            progress()
    stack.copy_to(networks)
    seen = np.array(validation.seen)
    return [
        finished(network, curves[:, :, k], seen[:, :, k] if len(seen) else None) for k, network in enumerate(networks)
    ]


class _Validation:
    """Values of K models on a batch of their validation rows, the same after every epoch; nothing of them changes."""

    def __init__(self, tasks: list[TrainingTask], settings: TrainingSettings, space: Workspace) -> None:
        held_out = [task.validation for task in tasks if task.validation is not None]
        self.settings, self.seen = settings, list[npt.NDArray[np.float64]]()
        self.seeds = [task.seed for task in held_out]
        self.batches = StackBatches(held_out, settings, space) if held_out else None

    def note(self, stack: NetworkStack) -> None:
        """Note the values of the models as they are now, in the order of `CURVES`."""
        if self.batches is None:
            return
        # The same rows and noise each time, so that the curve has no noise of its own.
        batch = self.batches.first([torch.Generator().manual_seed(seed) for seed in self.seeds])
        settings = self.settings
        values = stack.forward(torch.add(batch.clean, batch.noise, alpha=settings.noise_std, out=batch.noise))
        # The output is overwritten with its error; the latent is another array.
        reconstruction, _ = _reconstruction(stack, batch, values)
        _, metric = _metric_gradient(stack.latent(values), batch, self.batches.weight, settings, stack.space)
        total = objective(reconstruction, metric, self.batches.weight, settings)
        self.seen.append(curve_values(total, reconstruction, metric).cpu().numpy())


def _differentiate(stack: NetworkStack, batch: Batch, weight: Tensor, settings: TrainingSettings) -> Tensor:
    """Write the gradients of every model; give its values in the order of `CURVES`, ``(5, K)``."""
    noisy = torch.add(batch.clean, batch.noise, alpha=settings.noise_std, out=batch.noise)
    values = stack.forward(noisy)
    latent = stack.latent(values)
    latent_gradient, metric = _metric_gradient(latent, batch, weight, settings, stack.space)
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
    return curve_values(total, reconstruction, metric)


def _metric_gradient(
    latent: Tensor, batch: Batch, weight: Tensor, settings: TrainingSettings, space: Workspace
) -> tuple[Tensor, MetricValues]:
    """Differentiate λ times the losses on K models' latents: the paper's in closed form, all others automatically."""
    names, label, present = settings.loss_names, batch.label, batch.present
    others = tuple(name for name in names if name != "paper")
    if others and (label.shape[2] or others == ("authors-code",)):
        # Nothing is recorded elsewhere in this trainer; here it is, from the latents on.
        with torch.enable_grad():
            leaf = latent.detach().requires_grad_()
            values = metric_values(leaf, label, present.expand(label.shape[:2]), others)
            (gradient,) = torch.autograd.grad((weight * values.value).sum(), leaf)
        values = MetricValues(*(value.detach() for value in values))
    elif others:
        gradient, values = torch.zeros_like(latent), metric_values(latent, label, present, ())
    if "paper" not in names:
        return gradient, values
    closed, terms = metric_gradient(latent, label, present, weight, space.take)
    total = terms.slope + terms.residual
    if not others:
        return closed, MetricValues(total, *terms)
    return closed + gradient, MetricValues(total + values.value, *terms)


def _reconstruction(stack: NetworkStack, batch: Batch, values: list[Tensor]) -> tuple[Tensor, Tensor]:
    """Give ``L_rec``, ``(K,)``, and the error that it comes of, in place of the output; 0 without a decoder."""
    if not stack.decodes:
        return torch.zeros_like(batch.n_rows), values[-1]
    error = torch.sub(values[-1], batch.clean, out=values[-1])
    if batch.exists is not None:
        error *= batch.exists[..., None]
    # Padded columns of the error are 0, so only the divisor has to know their number.
    return torch.linalg.vecdot(error.flatten(1), error.flatten(1)) / (batch.n_rows * stack.n_features), error


@contextmanager
def _memory_errors() -> Iterator[None]:
    """Raise a `MemoryError` where PyTorch raises an error of its own kind because memory ran out."""
    try:
        yield
    except RuntimeError as error:
        if isinstance(error, torch.OutOfMemoryError) or "can't allocate memory" in str(error):
            raise MemoryError("a stack of models does not fit; a smaller batch_size needs less") from error
        raise


class Batch(NamedTuple):
    """One step of K models; features are padded in width, the last batch of an epoch in length too."""

    clean: Tensor  # features (K, B, F)
    noise: Tensor  # standard normal values (K, B, F), 0 where padded
    label: Tensor  # (K, B, L), 0 where missing
    present: Tensor  # 1 where a row exists and has its labels, else 0: (K, B), or (K, 1) for all rows alike
    exists: Tensor | None  # 1 where a row is no padding (K, B); None where none is
    n_rows: Tensor  # rows that exist (K,)


def _batch_length(task: TrainingTask, settings: TrainingSettings) -> int:
    """Give the rows that a batch is padded to: the batch size, for smaller corpora the next multiple of 64 if less."""
    # A model's neighbours have no part in it, or they would have one in the last bit.
    return min(settings.batch_size, math.ceil(len(task.features) / 64) * 64)


class StackBatches:
    """Gathers the batches of K tasks with as many steps an epoch each; features that tasks share are kept once."""

    def __init__(self, tasks: list[TrainingTask], settings: TrainingSettings, space: Workspace) -> None:
        self.tasks, self.space = tasks, space
        self.batch_size, self.length = settings.batch_size, max(_batch_length(task, settings) for task in tasks)
        arrays = {id(task.features): task.features for task in tasks}
        self.features = _joined(list(arrays.values()), space)
        first_rows = dict(zip(arrays, _first_rows(arrays.values()), strict=True))
        self.feature_start = self._column([first_rows[id(task.features)] for task in tasks])
        self.label_start = self._column(_first_rows([task.features for task in tasks]))
        self.n_rows = self._column([len(task.features) for task in tasks])[:, 0]
        width = max(task.n_labels for task in tasks)
        labels, presences = zip(*(label_tensors(task, width, space.dtype) for task in tasks), strict=True)
        self.label = torch.cat(labels).to(space.device)
        self.present = torch.cat(presences).to(space.device, space.dtype)
        alike = all(bool(presence.all()) or not bool(presence.any()) for presence in presences)
        self.alike = self.present[self.label_start[:, 0]][:, None] if alike else None
        self.groups = [group_tensor(task, settings) for task in tasks]
        self.weight = torch.tensor([task.weight for task in tasks]).to(space.device, space.dtype)

    def _column(self, values: list[int]) -> Tensor:
        return torch.tensor(values, device=self.space.device)[:, None]

    def epoch(self, generators: list[torch.Generator]) -> Iterator[Batch]:
        """Draw one epoch with a generator a model; each batch is overwritten by the next."""
        each = [
            draw_epoch(generator, task.features.shape, self.batch_size, group)
            for generator, task, group in zip(generators, self.tasks, self.groups, strict=True)
        ]
        for drawn in zip(*each, strict=True):
            yield self._batch([rows for rows, _ in drawn], [noise for _, noise in drawn])

    def first(self, generators: list[torch.Generator]) -> Batch:
        """Draw the first batch of an epoch alone; tasks may differ in their number of steps."""
        each = zip(generators, self.tasks, self.groups, strict=True)
        drawn = [
            next(draw_epoch(generator, task.features.shape, self.batch_size, group)) for generator, task, group in each
        ]
        return self._batch([rows for rows, _ in drawn], [noise for _, noise in drawn])

    def _batch(self, rows: list[Tensor], noise: list[Tensor]) -> Batch:
        n_models, length = len(rows), self.length
        sizes = torch.tensor([len(each) for each in rows])
        full = all(len(each) == length for each in rows)
        numbers = torch.stack(rows if full else [_padded(each, length) for each in rows]).to(self.space.device)
        width = self.features.shape[1]
        clean = self.space.take("clean", n_models, length, width)
        torch.index_select(self.features, 0, (self.feature_start + numbers).view(-1), out=clean.view(-1, width))
        label_rows = self.label_start + numbers
        exists = None if full else (torch.arange(length) < sizes[:, None]).to(clean)
        if exists is None and self.alike is not None:
            present = self.alike
        else:
            present = self.present[label_rows]
            present = present if exists is None else present * exists
        return Batch(clean, self._noise(noise, full), self.label[label_rows], present, exists, sizes.to(clean))

    def _noise(self, drawn: list[Tensor], full: bool) -> Tensor:
        noise = self.space.take("noise", len(drawn), self.length, self.features.shape[1])
        if not full:
            drawn = [_padded(each, self.length) for each in drawn]
        if drawn[0].shape[1] == noise.shape[2] and drawn[0].dtype == noise.dtype and noise.is_cpu:
            return torch.stack(drawn, out=noise)
        noise[..., : drawn[0].shape[1]] = torch.stack(drawn).to(noise)
        return noise


def _joined(arrays: list[npt.NDArray[np.float32]], space: Workspace) -> Tensor:
    """Put arrays one below the other, columns padded; a single one is not copied."""
    n_features = arrays[0].shape[1]
    fits = arrays[0].dtype == np.float32 and space.dtype == torch.float32 and padded(n_features) == n_features
    if len(arrays) == 1 and fits:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it may be read-only, and is only read
            return torch.from_numpy(np.ascontiguousarray(arrays[0])).to(space.device)
    joined = torch.zeros(sum(map(len, arrays)), padded(n_features), dtype=space.dtype)
    for array, start in zip(arrays, _first_rows(arrays), strict=True):
        joined.numpy()[start : start + len(array), :n_features] = array
    return joined.to(space.device)


def _first_rows(arrays: Iterable[npt.NDArray[np.float32]]) -> list[int]:
    return list(itertools.accumulate((len(array) for array in arrays), initial=0))[:-1]


def _padded(values: Tensor, length: int) -> Tensor:
    if len(values) == length:
        return values
    return torch.cat([values, values.new_zeros(length - len(values), *values.shape[1:])])
