"""What to train, and what comes of it: tasks and trained models.

Tasks check themselves when they are made, so that training needs no checks of its own.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from numbers import Integral, Real

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch

from affectmap.errors import ConfigError
from affectmap.losses import LOSSES
from affectmap.model.network import DenoisingAutoencoder
from affectmap.model.settings import TrainingSettings

CURVES = ("total", "reconstruction", "slope", "residual", "metric")


@dataclass(frozen=True, eq=False)
class TrainingTask:
    """One model to train.

    Attributes:
        features: ``(N, F)`` float32, standardised. Tasks may share one array.
        label: ``(N, L)``, ``NaN`` where missing; ``None`` for unsupervised training.
        weight: λ of eq. 6, ≥ 0; 0 is unsupervised training too.
        seed: Of this model's generator, 0..2⁶³−1.
        group: Whole numbers ``(N,)``, such as the number of the corpus; needed by batches ``by-group`` alone.

    Raises:
        ConfigError: If there are no features, they are not finite, or labels, weight, seed or groups do not fit.

    Example:
        >>> TrainingTask(np.zeros((10, 88), dtype=np.float32), label=np.ones((10, 1))).n_labels
        1
    """

    features: npt.NDArray[np.float32]
    label: npt.NDArray[np.floating] | None
    weight: float = 1.0
    seed: int = 0
    group: npt.NDArray[np.integer] | None = None

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
        _check_real("weight", self.weight)
        _check_whole("seed", self.seed, least=0, most=2**63 - 1)
        if self.group is not None and self.group.shape != shape[:1]:
            raise ConfigError(f"groups have shape {self.group.shape}; expected ({shape[0]},), one an utterance")
        object.__setattr__(self, "seed", int(self.seed))  # PyTorch takes no integer of NumPy

    @property
    def n_labels(self) -> int:
        """Number of labels in the metric term; 0 if there is no such term."""
        return 0 if self.label is None or self.weight == 0 else self.label.shape[1]


@dataclass(frozen=True, eq=False)
class TrainedModel:
    """A trained network on the CPU and its learning curves.

    Attributes:
        network: In evaluation mode.
        curves: One row an epoch, counted from 1; columns `CURVES`, each the mean over the utterances of
            its value in their batch: the objective, L_rec (0 where it has no weight), L_slope and L_res (0 without the
            paper's loss), and the sum of the losses on the latent, without λ.
    """

    network: DenoisingAutoencoder
    curves: pd.DataFrame


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


def _check_whole(name: str, value: object, *, least: int = 1, most: float = math.inf) -> None:
    if not isinstance(value, Integral) or isinstance(value, bool) or not least <= int(value) <= most:
        limits = f"of {least} or more" if most == math.inf else f"from {least} to {most}"
        raise ConfigError(f"{name} is {value!r}; expected a whole number {limits}")


def _check_real(name: str, value: object, *, above_zero: bool = False) -> None:
    number = float(value) if isinstance(value, Real) and not isinstance(value, bool) else math.nan
    if not math.isfinite(number) or number < 0 or (above_zero and number == 0):
        raise ConfigError(f"{name} is {value!r}; expected a number {'above 0' if above_zero else 'of 0 or more'}")
