"""What is trained: every method on every fold, every method on the whole source, and the supervised upper bounds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from affectmap.config import ExperimentConfig, Method
from affectmap.folds import speaker_folds
from affectmap.preparation import PooledSource, PreparedCorpus
from affectmap.preprocessing import fit_statistics
from affectmap.protocol import Material
from affectmap.schema import LABELS, ConfigError
from affectmap.training import TrainingSettings, TrainingTask

#: Names in the tables, and the labels that the metric loss is given.
METHOD_LABELS: dict[Method, tuple[str, tuple[str, ...]]] = {
    "unsupervised": ("DAE-Unsupervised", ()),
    "activation": ("DAE-Metric-Act", ("activation",)),
    "valence": ("DAE-Metric-Val", ("valence",)),
    "joint": ("DAE-Metric-Joint", ("activation", "valence")),
}
#: Upper bounds of table 3: the loss trained on the target's own labels.
SUPERVISED = {"activation": "Metric-Act (supervised)", "valence": "Metric-Val (supervised)"}


class Job(NamedTuple):
    """One model to train.

    Attributes:
        method: Name in the tables.
        labels: Labels that the metric loss is given.
        corpus: Corpus trained on.
        fold: Number of the fold, from 1; 0 for a model of all rows.
        seed: Seed that the user named; the model's own also depends on the fold.
        task: Data for the trainer.
        held_out: For supervised upper bounds, the standardised test features and their rows in the corpus.
    """

    method: str
    labels: tuple[str, ...]
    corpus: str
    fold: int
    seed: int
    task: TrainingTask
    held_out: tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]] | None = None


def training_settings(config: ExperimentConfig) -> TrainingSettings:
    """Give the training settings: the preset's, with what the configuration sets.

    Example:
        >>> training_settings(ExperimentConfig(source=["emodb=x"], epochs=5)).epochs
        5
    """
    return TrainingSettings.of(
        config.preset,
        hidden_dims=tuple(config.hidden_dims),
        latent_dim=config.latent_dim,
        noise_std=config.noise_std,
        epochs=config.epochs,
        batch_size=config.batch_size,
        learning_rate=config.learning_rate,
    )


def label_columns(names: Sequence[str]) -> list[int]:
    """Give the columns of activation and valence by name.

    Example:
        >>> label_columns(["valence"])
        [1]
    """
    return [LABELS.index(name) for name in names]


def check_labels(source: PooledSource, methods: Sequence[Method]) -> None:
    """Make sure that every method has labels to learn from.

    Args:
        source: The pooled source.
        methods: Names as in the configuration.

    Raises:
        ConfigError: If a method's label is missing for all utterances, or the same for all that have it.
    """
    for method in methods:
        for name in METHOD_LABELS[method][1]:
            values = source.label[:, LABELS.index(name)]
            values = values[np.isfinite(values)]
            advice = f"give its label sheet with --labels, or leave out the method {method}"
            if not len(values):
                raise ConfigError(f"{source.name}: no utterance has a rating of {name}; {advice}")
            if values.min() == values.max():
                raise ConfigError(f"{source.name}: {name} is {values[0]:g} for all {len(values)} utterances; {advice}")


def source_jobs(source: PooledSource, material: Material, number: int, config: ExperimentConfig) -> Iterator[Job]:
    """Plan the models of one fold of the source.

    Args:
        source: The pooled source.
        material: The fold's material.
        number: Number of the fold, 0 for all rows. It makes the models' own seeds: the methods of a fold share them
            and so start from equal weights and meet equal order and noise.
        config: `methods`, `weight`, `seed` and `n_seeds` matter.

    Yields:
        One job a seed and method.
    """
    features = np.ascontiguousarray(material.source[material.train])
    label = source.label[material.train]
    for seed in range(config.seed, config.seed + config.n_seeds):
        for method in config.methods:
            name, labels = METHOD_LABELS[method]
            chosen = label[:, label_columns(labels)] if labels else None
            task = TrainingTask(features, chosen, config.weight, 1000 * seed + number)
            yield Job(name, labels, source.name, number, seed, task)


def supervised_jobs(target: PreparedCorpus, config: ExperimentConfig) -> Iterator[Job]:
    """Plan the upper bounds of table 3 on one target: folds by speaker, trained on its own labels.

    Args:
        target: A target; nothing is planned if its speakers are unknown, or fewer than the folds.
        config: `methods`, `n_folds`, `weight` and `seed` matter.

    Yields:
        One job a fold and label; none for a label that is missing or constant.
    """
    if not target.has_speakers or len(set(target.speaker)) < config.n_folds:
        return
    for number, fold in enumerate(speaker_folds(target.speaker, target.emotion, config.n_folds, config.seed), start=1):
        features = fit_statistics(target.functionals[fold.train]).apply(target.functionals)
        for label, name in SUPERVISED.items():
            values = target.label[:, label_columns([label])]
            if label in config.methods and len(np.unique(values[np.isfinite(values)])) > 1:
                task = TrainingTask(
                    features[fold.train], values[fold.train], config.weight, 1000 * config.seed + number
                )
                held_out = features[fold.test], fold.test
                yield Job(name, (label,), target.name, number, config.seed, task, held_out)
