"""What is trained: every method on every fold, every method on the whole source, and the supervised upper bounds.

Conventions:
    * A task holds training rows alone, standardised by their own statistics.
    * All methods of one fold and seed share the model's seed, so that they differ in their labels and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain
from typing import NamedTuple

import numpy as np

from affectmap.errors import ConfigError
from affectmap.experiment.config import ExperimentConfig, Method
from affectmap.experiment.protocol import Material
from affectmap.model.embedder import Embedder
from affectmap.model.training import TrainedModel, TrainingSettings, TrainingTask
from affectmap.preparation.folds import Fold, most_speaker_folds, speaker_folds
from affectmap.preparation.pooled_sources import PooledSource, ScaledRows
from affectmap.preparation.prepared_corpus import PreparedCorpus
from affectmap.schema import LABELS
from affectmap.settings import fields_of

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
        task: Data for the trainer; ``None`` once it is trained, so that the data need not be kept.
        held_out: For supervised upper bounds, the test rows in the corpus.
    """

    method: str
    labels: tuple[str, ...]
    corpus: str
    fold: int
    seed: int
    task: TrainingTask | None
    held_out: ScaledRows | None = None


def training_settings(config: ExperimentConfig) -> TrainingSettings:
    """Give the training settings: the preset's, with what the configuration sets.

    Args:
        config: All settings.

    Returns:
        The settings of training.

    Example:
        >>> training_settings(ExperimentConfig(source=["emodb=x"], epochs=5)).epochs
        5
    """
    return TrainingSettings(**{name: getattr(config, name) for name in fields_of(TrainingSettings)})


def label_columns(names: Sequence[str]) -> list[int]:
    """Give the columns of labels by their names.

    Args:
        names: Any of ``activation`` and ``valence``.

    Returns:
        Their places in a label array ``(N, 2)``.

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
        ConfigError: If no utterance has all labels of a method, or one of them is the same for all that do.

    Example:
        >>> import audformat, pandas as pd
        >>> from affectmap.corpora import Corpus
        >>> from affectmap.preparation.prepared_corpus import prepare
        >>> from affectmap.schema import COLUMNS, FUNCTIONALS
        >>> index = audformat.segmented_index([*"1234"])
        >>> table = pd.DataFrame({"speaker": [*"aabb"], "activation": [2.0, 4.0] * 2}, index, COLUMNS)
        >>> brought = pd.DataFrame(np.eye(4, 88), index, FUNCTIONALS)
        >>> pets = prepare(Corpus("pets", table, functionals=brought))
        >>> check_labels(PooledSource.of([pets]), ["unsupervised", "activation"])
    """
    for method in methods:
        names = METHOD_LABELS[method][1]
        label = source.label[:, label_columns(names)]
        label = label[np.isfinite(label).all(axis=1)]
        wanted = f"{'a column' if len(names) == 1 else 'columns'} {' and '.join(names)}"
        advice = (
            f"give its label sheet with --labels, or, in a table, {wanted}; "
            f"or leave the method {method} out, as with --method unsupervised"
        )
        if names and not len(label):
            raise ConfigError(f"{source.name}: no utterance has a rating of {' and '.join(names)}; {advice}")
        for name, values in zip(names, label.T, strict=True):
            if values.min() == values.max():
                raise ConfigError(f"{source.name}: {name} is {values[0]:g} for all {len(values)} utterances; {advice}")


def model_seed(seed: int, number: int) -> int:
    """Give a model's own seed.

    Args:
        seed: Seed that the user named, or the next ones.
        number: Number of the fold, 0 for all rows.

    Returns:
        A seed that no other fold has, shared by all methods.

    Example:
        >>> model_seed(2, 3)
        2003
    """
    return 1000 * seed + number


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

    Example:
        >>> import audformat, pandas as pd
        >>> from affectmap.corpora import Corpus
        >>> from affectmap.preparation.prepared_corpus import prepare
        >>> from affectmap.schema import COLUMNS, FUNCTIONALS
        >>> index = audformat.segmented_index([*"1234"])
        >>> table = pd.DataFrame({"speaker": [*"aabb"], "activation": [2.0, 4.0] * 2}, index, COLUMNS)
        >>> brought = pd.DataFrame(np.eye(4, 88), index, FUNCTIONALS)
        >>> pets = prepare(Corpus("pets", table, functionals=brought))
        >>> from affectmap.preparation.folds import Fold
        >>> from affectmap.experiment.protocol import make_material
        >>> config = ExperimentConfig(source=["pets=folder"], methods=["unsupervised", "activation"])
        >>> source, fold = PooledSource.of([pets]), Fold("fold 1", np.array([0, 1]), np.array([2, 3]), False)
        >>> jobs = list(source_jobs(source, make_material(source, [], fold, config), 1, config))
        >>> [(job.method, job.task.seed, job.task.n_labels, len(job.task.features)) for job in jobs]
        [('DAE-Unsupervised', 1, 0, 2), ('DAE-Metric-Act', 1, 1, 2)]
    """
    features = material.source.of(material.fold.train)
    label = source.label[material.fold.train]
    for seed in range(config.seed, config.seed + config.n_seeds):
        for method in config.methods:
            name, labels = METHOD_LABELS[method]
            chosen = label[:, label_columns(labels)] if labels else None
            task = TrainingTask(features, chosen, config.weight, model_seed(seed, number))
            yield Job(name, labels, source.name, number, seed, task)


def supervised_jobs(target: PreparedCorpus, config: ExperimentConfig) -> Iterator[Job]:
    """Plan the upper bounds of table 3 on one target: folds by speaker, trained on its own labels.

    Args:
        target: A target; nothing is planned if its speakers are unknown, or there is only one.
        config: `methods`, `n_folds` (fewer where there are fewer speakers or utterances), `weight` and `seed` matter.

    Yields:
        One job a fold and label; none where a label is missing or constant in the training rows.

    Example:
        >>> import audformat, pandas as pd
        >>> from affectmap.corpora import Corpus
        >>> from affectmap.preparation.prepared_corpus import prepare
        >>> from affectmap.schema import COLUMNS, FUNCTIONALS
        >>> index = audformat.segmented_index([*"1234"])
        >>> table = pd.DataFrame({"speaker": [*"aabb"], "activation": [2.0, 4.0] * 2}, index, COLUMNS)
        >>> brought = pd.DataFrame(np.eye(4, 88), index, FUNCTIONALS)
        >>> pets = prepare(Corpus("pets", table, functionals=brought))
        >>> jobs = list(supervised_jobs(pets, ExperimentConfig(source=["dogs=folder"])))
        >>> [(job.method, job.fold, job.held_out.rows.tolist()) for job in jobs]
        [('Metric-Act (supervised)', 1, [2, 3]), ('Metric-Act (supervised)', 2, [0, 1])]
    """
    yield from chain.from_iterable(supervised_folds(target, config))


def supervised_folds(target: PreparedCorpus, config: ExperimentConfig) -> Iterator[Iterator[Job]]:
    """Plan as `supervised_jobs`, fold by fold, so that the features of one need not wait for those of the next.

    Args:
        target: A target.
        config: As there.

    Yields:
        The jobs of one fold after another.
    """
    n_folds = most_speaker_folds(target.speaker, target.emotion, config.n_folds)
    if not target.has_speakers or n_folds < 2:
        return
    pool = PooledSource.of([target])
    for number, fold in enumerate(speaker_folds(target.speaker, target.emotion, n_folds, config.seed), start=1):
        yield _supervised_fold(pool, fold, number, config)


def _supervised_fold(pool: PooledSource, fold: Fold, number: int, config: ExperimentConfig) -> Iterator[Job]:
    scaled, _ = pool.scaled(fold.train, "target-20")
    features = None
    for label, name in SUPERVISED.items():
        values = pool.label[fold.train][:, label_columns([label])]
        if label in config.methods and len(np.unique(values[np.isfinite(values)])) > 1:
            features = scaled.of(fold.train) if features is None else features
            task = TrainingTask(features, values, config.weight, model_seed(config.seed, number))
            yield Job(name, (label,), pool.name, number, config.seed, task, replace(scaled, rows=fold.test))


def wrap_model(job: Job, model: TrainedModel, material: Material, config: ExperimentConfig) -> Embedder:
    """Make an embedder of a trained model.

    Args:
        job: What was trained.
        model: What came of it.
        material: Carries the statistics of the training rows.
        config: All settings.

    Returns:
        An embedder that takes functionals and standardises them with those statistics.
    """
    return Embedder.of_trained(
        model,
        material.statistics,
        list(material.source.pool.corpora[0].feature_names),
        list(job.labels),
        training_settings(config),
        weight=config.weight,
        random_state=model_seed(job.seed, job.fold),
        device=config.device,
    )
