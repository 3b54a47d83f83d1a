"""What the benchmark of training trains: how much, on which data."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from functools import cache

import joblib
import numpy as np
import numpy.typing as npt

import loops
from affectmap.model.training import TrainingSettings, TrainingTask

#: A model as the paper trains it on IEMOCAP: 4,425 utterances a fold in batches of 64 are 70 steps, 50 times.
FULL_EPOCHS, FULL_STEPS = 50, 3500
N_FOLDS = 5


@dataclass(frozen=True)
class Sizes:
    """How much is measured.

    Attributes:
        n_rows: Utterances of a fold.
        few: Models of one run of the paper, each trained for `few_epochs`.
        many: Models of a study with seeds, each trained for `many_epochs`.
        loop_few: Models a core that stand for `few` in the loops; `loop_many` for `many`.
        pair_rows: Utterances that the pair loop sees, twice.
        memory: Models of the runs whose memory is measured.
        profiled: Sizes of stacks whose step is taken apart.
        gpu: Models trained at once on a GPU.
        rounds: Repetitions of everything that is timed.
        gemm_size: Rows of the matrices multiplied, for `gemm_s` seconds.
        cores: Processes.
    """

    n_rows: int = 4425
    few: int = 15
    few_epochs: int = FULL_EPOCHS
    loop_few: int = 2
    many: int = 300
    many_epochs: int = 10
    loop_many: int = 2
    pair_rows: int = 1280
    memory: tuple[int, ...] = (15, 300)
    profiled: tuple[int, ...] = (15, 64)
    profiled_epochs: int = 2
    gpu: tuple[int, ...] = (15, 100, 1_000, 10_000)
    rounds: int = 3
    gemm_size: int = 2048
    gemm_s: float = 1.0
    cores: int = joblib.cpu_count()

    @property
    def n_steps(self) -> int:
        """Steps of one model in one epoch."""
        return steps_of(self.n_rows)


def steps_of(n_rows: int) -> int:
    """Count the steps of one epoch."""
    return math.ceil(n_rows / loops.BATCH_SIZE)


QUICK = Sizes(
    n_rows=1280, few_epochs=5, loop_few=1, many_epochs=2, loop_many=1, pair_rows=320, memory=(15,),
    profiled_epochs=1, rounds=1, gemm_s=0.3,
)  # fmt: skip


@cache
def folds(n_rows: int) -> list[tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]]:
    """Draw the training folds that all candidates share: standardised features ``(N, 88)`` and labels ``(N,)``."""
    rng = np.random.default_rng(0)
    drawn = []
    for _ in range(N_FOLDS):
        sources = rng.normal(size=(n_rows, 3))
        values = np.tanh(sources @ rng.normal(size=(3, 88))) + 0.3 * rng.normal(size=(n_rows, 88))
        values = (values - values.mean(axis=0)) / values.std(axis=0)
        label = np.clip(np.round(2 * sources[:, 0]) / 2 + 3, 1, 5)
        drawn.append((values.astype(np.float32), label.astype(np.float32)))
    return drawn


def tasks(n_models: int, sizes: Sizes) -> list[TrainingTask]:
    """Give tasks for the stacked trainer: folds in turn, a seed each, all with the metric loss."""
    given = itertools.islice(itertools.cycle(folds(sizes.n_rows)), n_models)
    return [TrainingTask(features, label[:, None], seed=seed) for seed, (features, label) in enumerate(given)]


def settings(epochs: int) -> TrainingSettings:
    """Give the paper's settings, for some epochs."""
    return TrainingSettings(epochs=epochs)
