"""What both ways of training are made of: draws, labels, the objective, and the model that comes of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from torch import Tensor
from torch.optim.lr_scheduler import OneCycleLR

from affectmap.errors import ConfigError
from affectmap.model.network import DenoisingAutoencoder
from affectmap.model.settings import TrainingSettings
from affectmap.model.training.metric_values import MetricValues
from affectmap.model.training.tasks import CURVES, TrainedModel, TrainingTask


@contextmanager
def one_thread() -> Iterator[None]:
    """Let PyTorch use one thread for a while."""
    # Two OpenMP threads on products this small stall more than they help, up to forty times.
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


@contextmanager
def memory_told() -> Iterator[None]:
    """Raise a `MemoryError` where PyTorch raises an error of its own kind because memory ran out."""
    try:
        yield
    except RuntimeError as error:
        if isinstance(error, torch.OutOfMemoryError) or "can't allocate memory" in str(error):
            raise MemoryError("a stack of models does not fit; a smaller batch_size needs less") from error
        raise


def new_network(task: TrainingTask, settings: TrainingSettings, generator: torch.Generator) -> DenoisingAutoencoder:
    """Make a task's network with initial weights from `generator`."""
    return DenoisingAutoencoder(
        input_dim=task.features.shape[1],
        hidden_dims=settings.hidden_dims,
        latent_dim=settings.latent_dim,
        noise_std=settings.noise_std,
        preset=settings.preset,
        generator=generator,
    )


def draw_epoch(
    generator: torch.Generator, shape: tuple[int, ...], batch_size: int, group: Tensor | None = None
) -> Iterator[tuple[Tensor, Tensor]]:
    """Draw one epoch's order and noise.

    Args:
        generator: The model's own.
        shape: ``(N, F)`` of the features.
        batch_size: Utterances a step; the last batch of an epoch has what is left.
        group: Of every row ``(N,)``: rows of a group then follow each other, and full batches come in random order.

    Yields:
        Row numbers ``(B,)`` and standard normal values ``(B, F)``, a batch at a time.

    Example:
        >>> drawn = draw_epoch(torch.Generator().manual_seed(0), (5, 88), batch_size=2)
        >>> [tuple(noise.shape) for _, noise in drawn]
        [(2, 88), (2, 88), (1, 88)]
    """
    n_rows, n_features = shape
    order = torch.randperm(n_rows, generator=generator)
    if group is not None:
        order = _group_by_group(order[group[order].argsort(stable=True)], batch_size, generator)
    # Noise is drawn for 64 batches at once: fast, and memory stays flat however large the corpus.
    for first in range(0, n_rows, 64 * batch_size):
        block = order[first : first + 64 * batch_size]
        noise = torch.randn(len(block), n_features, generator=generator)
        for start in range(0, len(block), batch_size):
            yield block[start : start + batch_size], noise[start : start + batch_size]


def _group_by_group(order: Tensor, batch_size: int, generator: torch.Generator) -> Tensor:
    n_full = len(order) // batch_size
    batches, rest = order[: n_full * batch_size].view(n_full, batch_size), order[n_full * batch_size :]
    return torch.cat([batches[torch.randperm(n_full, generator=generator)].flatten(), rest])


def label_tensors(task: TrainingTask, width: int, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Give a task's labels ``(N, width)``, zeros where missing, and whether a row has them all ``(N,)``.

    Example:
        >>> task = TrainingTask(np.zeros((2, 88), dtype=np.float32), np.array([[3.0], [np.nan]]))
        >>> label_tensors(task, 1, torch.float32)
        (tensor([[3.],
                [0.]]), tensor([ True, False]))
    """
    label = np.zeros((len(task.features), width))
    present = np.zeros(len(task.features), dtype=bool)
    if task.n_labels and task.label is not None:
        label[:, : task.n_labels] = np.nan_to_num(task.label)
        present = ~np.isnan(task.label).any(axis=1)
    return torch.as_tensor(label).to(dtype), torch.as_tensor(present)


def group_tensor(task: TrainingTask, settings: TrainingSettings) -> Tensor | None:
    """Give the groups that a task's batches keep to ``(N,)``; None where they are mixed."""
    if settings.batches == "mixed" or task.group is None:
        return None
    return torch.as_tensor(np.unique(task.group, return_inverse=True)[1])


def objective(reconstruction: Tensor, metric: MetricValues, weight: Tensor, settings: TrainingSettings) -> Tensor:
    """Add up what K models minimise: ``L = ρ L_rec + λ L_metric``, ρ = 1 in the paper.

    ``authors-code`` takes its logarithm wherever there is a metric term.

    Source: Das et al. 2022, eq. 6.

    Args:
        reconstruction: ``L_rec``, ``(K,)``.
        metric: The losses on the latent, each ``(K,)``.
        weight: λ, ``(K,)``.
        settings: Carry ρ and the preset.

    Returns:
        The objectives, ``(K,)``.

    Example:
        >>> half, quarter = torch.tensor([0.5]), torch.tensor([0.25])
        >>> metric = MetricValues(half + quarter, half, quarter, torch.tensor([True]))
        >>> objective(torch.tensor([1.0]), metric, torch.tensor([2.0]), TrainingSettings()).item()
        2.5
    """
    total = settings.reconstruction * reconstruction + weight * metric.value
    if settings.preset == "authors-code":
        return torch.where(metric.usable, total.log(), total)
    return total


def one_cycle(optimiser: torch.optim.Optimizer, n_steps: int, settings: TrainingSettings) -> OneCycleLR | None:
    """Make the schedule of an optimiser, to be moved on after each of its steps; None where the rate is constant.

    Args:
        optimiser: Adam.
        n_steps: Steps of the whole training.
        settings: Carry schedule and learning rate.
    """
    if settings.schedule == "constant":
        return None
    return OneCycleLR(optimiser, max_lr=settings.learning_rate, total_steps=n_steps)


def curve_values(total: Tensor, reconstruction: Tensor, metric: MetricValues) -> Tensor:
    """Put one step's values into the order of `CURVES`, ``(5, K)`` float64."""
    return torch.stack([total, reconstruction, metric.slope, metric.residual, metric.value]).detach().double()


def finished(network: DenoisingAutoencoder, curves: npt.NDArray[np.float64]) -> TrainedModel:
    """Wrap a network and its curves, ``(epochs, 5)``, after training.

    Raises:
        ConfigError: If training diverged.
    """
    table = pd.DataFrame(curves, columns=list(CURVES), index=pd.RangeIndex(1, len(curves) + 1, name="epoch"))
    lost = np.flatnonzero(~np.isfinite(curves).all(axis=1))
    if len(lost):
        raise ConfigError(
            f"training diverged in epoch {lost[0] + 1}; standardise the features or lower the learning rate"
        )
    return TrainedModel(network.cpu().eval(), table)
