"""What is trained, the plain loop that trains it, step by step, and the parts that the stacked trainer shares with it.

Source: Das et al. 2022, eq. 6 and section 4.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from numbers import Integral, Real
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from torch import Tensor
from torch.optim.lr_scheduler import OneCycleLR

from affectmap.errors import ConfigError
from affectmap.losses import LOSSES, MetricTerms, metric_terms
from affectmap.model.network import DenoisingAutoencoder
from affectmap.model.settings import PAPER, TrainingSettings
from affectmap.schema import Preset

CURVES = ("total", "reconstruction", "slope", "residual", "metric")
#: Columns of the same values on rows that no step sees.
VALIDATION_CURVES = tuple(f"validation_{name}" for name in CURVES)


@dataclass(frozen=True, eq=False)
class TrainingTask:
    """One model to train; it checks itself when it is made.

    Attributes:
        features: ``(N, F)`` float32, standardised. Tasks may share one array.
        label: ``(N, L)``, ``NaN`` where missing; ``None`` for unsupervised training.
        weight: λ of eq. 6, ≥ 0; 0 is unsupervised training too.
        seed: Seed of this model's generator, 0..2⁶³−1.
        group: Whole numbers ``(N,)``, such as the number of the corpus; needed by batches ``by-group`` alone.
        validation: Rows that no step sees, with a seed of their own: `train_stacked` notes the loss of one batch of
            them, always the same, after every epoch. Training is the same to the last bit without.

    Raises:
        ConfigError: If there are no features, they are not finite, or labels, weight, seed, groups or validation rows
            do not fit.

    Example:
        >>> TrainingTask(np.zeros((10, 88), dtype=np.float32), label=np.ones((10, 1))).n_labels
        1
    """

    features: npt.NDArray[np.float32]
    label: npt.NDArray[np.floating] | None
    weight: float = 1.0
    seed: int = 0
    group: npt.NDArray[np.integer] | None = None
    validation: TrainingTask | None = None

    def __post_init__(self) -> None:
        shape = self.features.shape
        if len(shape) != 2 or shape[1] == 0:
            raise ConfigError(f"features have shape {shape}; expected (N, F)")
        if shape[0] == 0:
            raise ConfigError("a model has no utterances to train on; check the folds and the emotions asked for")
        if not np.isfinite(self.features).all():
            raise ConfigError("features are not all finite; drop or repair such utterances before training")
        if self.label is not None:
            _check_label(self.label, shape[0])
        if isinstance(self.weight, bool) or not (isinstance(self.weight, Real) and 0 <= self.weight < math.inf):
            raise ConfigError(f"weight is {self.weight!r}; expected a number of 0 or more")
        if isinstance(self.seed, bool) or not (isinstance(self.seed, Integral) and 0 <= self.seed < 2**63):
            raise ConfigError(f"seed is {self.seed!r}; expected a whole number from 0 to {2**63 - 1}")
        if self.group is not None and self.group.shape != shape[:1]:
            raise ConfigError(f"groups have shape {self.group.shape}; expected ({shape[0]},), one an utterance")
        if self.validation is not None and (self.validation.features.shape[1], self.validation.n_labels) != (
            shape[1],
            self.n_labels,
        ):
            raise ConfigError("validation rows have other features or labels than those trained on")
        object.__setattr__(self, "seed", int(self.seed))  # PyTorch takes no integer of NumPy

    @property
    def n_labels(self) -> int:
        """Number of labels in the metric term; 0 if there is no such term, as with weight 0."""
        return 0 if self.label is None or self.weight == 0 else self.label.shape[1]


@dataclass(frozen=True, eq=False)
class TrainedModel:
    """A trained network on the CPU and its learning curves.

    Attributes:
        network: The trained network, in evaluation mode.
        curves: One row an epoch, counted from 1; columns `CURVES`, each the mean over the utterances of
            its value in their batch: the objective, L_rec (0 where it has no weight), L_slope and L_res (0 without the
            paper's loss), and the sum of the losses on the latent, without λ. With validation rows also
            `VALIDATION_CURVES`, the same of one batch of them after the epoch.
    """

    network: DenoisingAutoencoder
    curves: pd.DataFrame


def train_plain(
    task: TrainingTask, settings: TrainingSettings = PAPER, *, device: str = "cpu", dtype: torch.dtype = torch.float32
) -> TrainedModel:
    """Train one model, step by step: the readable reference that the stacked trainer is tested against.

    Args:
        task: Data, label, weight and seed.
        settings: Network, loss and optimiser.
        device: ``cpu`` or ``cuda``.
        dtype: Type of weights and arithmetic; the random draws are float32 in any case.

    Returns:
        The network and its learning curves.

    Raises:
        ConfigError: If labels or device do not fit the settings, or training diverges.

    Example:
        >>> features = np.random.default_rng(0).normal(size=(100, 88)).astype(np.float32)
        >>> trained = train_plain(TrainingTask(features, None), TrainingSettings(epochs=3))
        >>> trained.curves["reconstruction"].is_monotonic_decreasing
        True
    """
    check_together([task], settings, device)
    generator = torch.Generator().manual_seed(task.seed)
    network = new_network(task, settings, generator).to(device, dtype)
    optimiser = torch.optim.Adam(network.parameters(), lr=settings.learning_rate)
    features = torch.tensor(task.features).to(device, dtype)
    label, present = (tensor.to(device) for tensor in label_tensors(task, task.n_labels, dtype))
    weight = torch.tensor([task.weight]).to(device, dtype)
    names = settings.loss_names if task.n_labels else ()
    group = group_tensor(task, settings)
    schedule = one_cycle(optimiser, settings.epochs * math.ceil(len(features) / settings.batch_size), settings)
    curves = np.zeros((settings.epochs, len(CURVES)))
    with one_thread():
        for epoch in range(settings.epochs):
            for rows, noise in draw_epoch(generator, features.shape, settings.batch_size, group):
                rows = rows.to(device)
                clean = features[rows]
                latent, reconstructed = network(clean, noise.to(device, dtype))
                reconstruction = (reconstructed - clean).square().mean()[None] * (settings.reconstruction > 0)
                metric = metric_values(latent[None], label[rows][None], present[rows][None].to(dtype), names)
                total = objective(reconstruction, metric, weight, settings)
                optimiser.zero_grad()
                torch.autograd.backward(total)
                optimiser.step()
                if schedule is not None:
                    schedule.step()
                curves[epoch] += len(rows) * curve_values(total, reconstruction, metric)[:, 0].cpu().numpy()
    return finished(network, curves / len(features))


def check_together(tasks: list[TrainingTask], settings: TrainingSettings, device: str) -> None:
    """Raise a `ConfigError` unless these tasks can be trained with these settings on this device."""
    widths = {task.features.shape[1] for task in tasks}
    if len(widths) > 1:
        raise ConfigError(f"models of one stack have {sorted(widths)} features; expected one number for all")
    for task in tasks:
        if settings.batches == "by-group" and task.group is None:
            raise ConfigError("batches by-group need the group of every utterance; a task has none")
        if task.n_labels:
            for loss in settings.loss_names:
                LOSSES[loss]().check_dims(settings.latent_dim, task.n_labels)
    if device not in ("cpu", "cuda"):
        raise ConfigError(f"device is {device!r}; expected 'cpu' or 'cuda'")
    if device == "cuda" and not torch.cuda.is_available():
        raise ConfigError("device is 'cuda', but PyTorch finds no CUDA device here; use 'cpu'")


def _check_label(label: npt.NDArray[np.floating], n_rows: int) -> None:
    if label.ndim != 2 or len(label) != n_rows or label.shape[1] == 0:
        raise ConfigError(f"labels have shape {label.shape}; expected ({n_rows}, L), one row an utterance")
    if np.isinf(label).any():
        raise ConfigError("labels are infinite in places; expected finite numbers, or NaN where missing")


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
    """Draw row numbers ``(B,)`` and standard normal values ``(B, F)``, batch by batch, for one epoch of ``(N, F)``.

    With groups ``(N,)`` the rows of a group follow each other, and full batches come in random order.
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
    """Give a task's labels ``(N, width)``, zeros where missing, and whether a row has them all ``(N,)``."""
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


class MetricValues(NamedTuple):
    """The losses on the latents of K models, without λ, each ``(K,)``."""

    value: Tensor  # their sum
    slope: Tensor  # L_slope and L_res of the paper's loss, or of the authors' code; 0 where neither is among them
    residual: Tensor
    usable: Tensor  # whether that loss has a term at all


#: Losses whose two terms the learning curves show, by their presets.
_WITH_TERMS: dict[str, Preset] = {"paper": "paper", "authors-code": "authors-code"}


def metric_values(latent: Tensor, label: Tensor, present: Tensor, names: tuple[str, ...]) -> MetricValues:
    """Add up the losses of these names on K models' batches, see `affectmap.losses.metric_terms` for the shapes."""
    zero = latent.new_zeros(len(latent))
    terms, rest = MetricTerms(zero, zero, zero > 0), zero
    for name in names:
        if name in _WITH_TERMS:
            terms = metric_terms(latent, label, present > 0, _WITH_TERMS[name])
        else:
            loss = LOSSES[name]()
            loss.check_values = False
            rest = rest + loss(latent, label, present)
    return MetricValues(terms.slope + terms.residual + rest, *terms)


def objective(reconstruction: Tensor, metric: MetricValues, weight: Tensor, settings: TrainingSettings) -> Tensor:
    """Add up what K models minimise ``(K,)``: ``L = ρ L_rec + λ L_metric``, ρ = 1 in the paper (eq. 6).

    The authors' code takes its logarithm wherever there is a metric term.
    """
    total = settings.reconstruction * reconstruction + weight * metric.value
    if settings.preset == "authors-code":
        return torch.where(metric.usable, total.log(), total)
    return total


def one_cycle(optimiser: torch.optim.Optimizer, n_steps: int, settings: TrainingSettings) -> OneCycleLR | None:
    """Make the schedule of an optimiser, to be moved on after each of its steps; None where the rate is constant."""
    if settings.schedule == "constant":
        return None
    return OneCycleLR(optimiser, max_lr=settings.learning_rate, total_steps=n_steps)


def curve_values(total: Tensor, reconstruction: Tensor, metric: MetricValues) -> Tensor:
    """Put one step's values into the order of `CURVES`, ``(5, K)`` float64."""
    return torch.stack([total, reconstruction, metric.slope, metric.residual, metric.value]).detach().double()


def finished(
    network: DenoisingAutoencoder, curves: npt.NDArray[np.float64], validation: npt.NDArray[np.float64] | None = None
) -> TrainedModel:
    """Wrap a network and its curves, ``(epochs, 5)`` each; raise a `ConfigError` if training diverged."""
    table = pd.DataFrame(curves, columns=list(CURVES), index=pd.RangeIndex(1, len(curves) + 1, name="epoch"))
    if validation is not None:
        table[list(VALIDATION_CURVES)] = validation
    lost = np.flatnonzero(~np.isfinite(curves).all(axis=1))
    if len(lost):
        raise ConfigError(
            f"training diverged in epoch {lost[0] + 1}; standardise the features or lower the learning rate"
        )
    return TrainedModel(network.cpu().eval(), table)
