"""What to train, and what comes of it: settings, tasks, trained models.

Settings and tasks check themselves when they are made, so that training needs no checks of its own.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from numbers import Integral, Real
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch

from affectmap.errors import ConfigError
from affectmap.losses import LOSSES, Preset, check_preset
from affectmap.model.network import HIDDEN_DIMS, DenoisingAutoencoder

CURVES = ("total", "reconstruction", "slope", "residual", "metric")

Schedule = Literal["constant", "one-cycle"]
Batching = Literal["mixed", "by-group"]


@dataclass(frozen=True)
class TrainingSettings:
    """What all models of one stack share.

    Attributes:
        preset: ``paper`` or ``authors-code``: form of loss and decoder. It brings no other values with it here;
            `of` does.
        hidden_dims: Encoder's hidden layer sizes.
        latent_dim: Size of the latent, ≥ 1.
        noise_std: σ of the noise on standardised features, ≥ 0.
        epochs: Passes over the data, ≥ 1.
        batch_size: Utterances a step, ≥ 1.
        learning_rate: Adam's, > 0.
        losses: Names of `affectmap.losses.LOSSES` joined by ``+``, added up in place of the preset's own loss, as
            in ``paper+axis``; empty for the preset's.
        reconstruction: Weight of L_rec, ≥ 0; at 0 the decoder is left as it was drawn.
        schedule: ``constant``, or ``one-cycle``: the learning rate rises to its value and falls to nothing (Smith and
            Topin 2019, PyTorch's default shape).
        batches: ``mixed``, or ``by-group``: a batch has rows of one group, up to its last and first rows, so that pairs
            are pairs within a corpus.

    Raises:
        ConfigError: If a value is out of its range.

    Example:
        >>> TrainingSettings(epochs=10).learning_rate
        0.001
    """

    preset: Preset = "paper"
    hidden_dims: tuple[int, ...] = HIDDEN_DIMS
    latent_dim: int = 2
    noise_std: float = 1.0
    epochs: int = 50
    batch_size: int = 64
    learning_rate: float = 1e-3
    losses: str = ""
    reconstruction: float = 1.0
    schedule: Schedule = "constant"
    batches: Batching = "mixed"

    def __post_init__(self) -> None:
        check_preset(self.preset)
        if not isinstance(self.hidden_dims, (tuple, list)):
            raise ConfigError(f"hidden_dims is {self.hidden_dims!r}; expected layer sizes such as {HIDDEN_DIMS}")
        object.__setattr__(self, "hidden_dims", tuple(self.hidden_dims))
        for size in self.hidden_dims:
            _check_whole("a size in hidden_dims", size)
        for name in ("latent_dim", "epochs", "batch_size"):
            _check_whole(name, getattr(self, name))
        _check_real("noise_std", self.noise_std)
        _check_real("learning_rate", self.learning_rate, above_zero=True)
        _check_real("reconstruction", self.reconstruction)
        _check_losses(self.losses, self.preset)
        _check_one_of("schedule", self.schedule, Schedule)
        _check_one_of("batches", self.batches, Batching)

    @property
    def loss_names(self) -> tuple[str, ...]:
        """Names of the losses on the latent that are added up.

        Example:
            >>> TrainingSettings().loss_names, TrainingSettings(losses="paper+axis").loss_names
            (('paper',), ('paper', 'axis'))
        """
        return tuple(self.losses.split("+")) if self.losses else (self.preset,)

    @staticmethod
    def of(preset: Preset, **chosen: Any) -> TrainingSettings:  # noqa: ANN401 (the fields' own types)
        """Give a preset's settings: the paper's, or those of its authors' code (lr 1e-4, 100 epochs).

        Args:
            preset: ``paper`` or ``authors-code``.
            **chosen: Fields that differ from the preset; ``None`` leaves the preset's value.

        Example:
            >>> TrainingSettings.of("authors-code", epochs=None, latent_dim=3).epochs
            100
        """
        settings = TrainingSettings(preset=preset)
        if preset == "authors-code":
            settings = replace(settings, epochs=100, learning_rate=1e-4)
        return replace(settings, **{name: value for name, value in chosen.items() if value is not None})


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


def _check_losses(losses: object, preset: Preset) -> None:
    names = losses.split("+") if isinstance(losses, str) and losses else []
    known = [name for name in LOSSES if name != "linear-head"]  # its weights are its user's to train
    if not isinstance(losses, str) or not set(names) <= set(known) or len(set(names)) < len(names):
        raise ConfigError(f"losses is {losses!r}; expected names joined by '+', each once, of {', '.join(known)}")
    if names and preset == "authors-code":
        raise ConfigError(f"losses is {losses!r}; authors-code is a loss itself, leave one of the two out")


def _check_one_of(name: str, value: object, choices: object) -> None:
    if value not in get_args(choices):
        raise ConfigError(f"{name} is {value!r}; expected one of {list(get_args(choices))}")


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


#: The paper's: the default of both trainers; last here because making it runs the checks above.
PAPER = TrainingSettings()
