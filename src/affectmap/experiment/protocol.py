"""The paper's protocol around training: what is standardised and trained for every fold.

Conventions:
    * Rows of the source are those of the pool of all source corpora, numbered in their order.
    * A task has training rows alone, standardised by their own statistics. Only the scores see a target's labels,
      and the supervised models, which are trained on them.
    * Every seed has a split of its own, and under ``target-20`` a fifth of each target of its own. All methods of one
      fold and seed share the model's seed, so that they differ in their labels and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from affectmap.audit.verdicts import Audit
from affectmap.errors import ConfigError
from affectmap.experiment.config import ExperimentConfig, Method
from affectmap.features.engines import engine_of, how_measured
from affectmap.model.embedder import Embedder
from affectmap.model.metadata import COLUMNS
from affectmap.model.training import TrainedModel, TrainingSettings, TrainingTask
from affectmap.preparation.config import MEASURED
from affectmap.preparation.folds import Fold, source_folds
from affectmap.preparation.pooled_source import PooledSource, ScaledRows
from affectmap.preparation.prepared_corpus import PreparedCorpus
from affectmap.preparation.standardisation import Statistics, target_statistics
from affectmap.schema import LABELS, Features, Rows, column_prefixes
from affectmap.settings import fields_of
from affectmap.style import ACT, JOINT, UNSUPERVISED, VAL

#: Names in the tables, and the labels that the metric loss is given.
METHOD_LABELS: dict[Method, tuple[str, tuple[str, ...]]] = {
    "unsupervised": (UNSUPERVISED, ()),
    "activation": (ACT, ("activation",)),
    "valence": (VAL, ("valence",)),
    "joint": (JOINT, ("activation", "valence")),
}


@dataclass(frozen=True, eq=False)
class Material:
    """What one fold trains and is evaluated on, standardised.

    Attributes:
        fold: The fold; `train` and `test` are rows of the pooled source.
        source: All rows of the source.
        statistics: Statistics of the training rows.
        targets: For each target its evaluated rows.
        seed: Seed of the split, of the rows that targets are normalised by, and of the models.
        number: Number of the fold in its split, from 1; 0 for all rows.
    """

    fold: Fold
    source: ScaledRows
    statistics: Statistics
    targets: dict[str, ScaledRows]
    seed: int
    number: int


@dataclass(frozen=True, eq=False)
class Data:
    """Data of training and evaluation: standardised by seed and fold, and `whole`."""

    source: PooledSource
    targets: tuple[PreparedCorpus, ...]
    fold_kind: str
    materials: tuple[Material, ...]
    whole: Material
    audit: Audit


def make_material(
    source: PooledSource,
    targets: Sequence[PreparedCorpus],
    fold: Fold,
    config: ExperimentConfig,
    *,
    number: int = 1,
    seed: int | None = None,
) -> Material:
    """Decide how source and targets are standardised for one fold, by the policy of the configuration.

    The seed is by default the configuration's first, and `number` that of the fold; see `Material`.

    Raises:
        ConfigError: If the policy asks for speakers and one is unknown, or a target is too small for it.
    """
    seed = config.seed if seed is None else seed
    rows, statistics = source.scaled(fold.train, config.policy)
    scaled = {each.name: _scaled_target(each, statistics, config, seed) for each in targets}
    return Material(fold, rows, statistics, scaled, seed, number)


def seeds_of(config: ExperimentConfig) -> range:
    """Give the seeds of a run."""
    return range(config.seed, config.seed + config.n_seeds)


def make_materials(
    source: PooledSource, targets: Sequence[PreparedCorpus], kind: str, config: ExperimentConfig
) -> tuple[Material, ...]:
    """Split a source once a seed, and prepare every fold; see `source_folds` for the kinds of split."""
    return tuple(
        make_material(source, targets, fold, config, number=number, seed=seed)
        for seed in seeds_of(config)
        for number, fold in enumerate(source_folds(source, kind, config.n_folds, seed), start=1)
    )


def _scaled_target(target: PreparedCorpus, source: Statistics, config: ExperimentConfig, seed: int) -> ScaledRows:
    pool = PooledSource.of([target])
    if config.policy == "speaker":
        target.known_speakers()
        return ScaledRows(pool, (None,), np.arange(len(target.table)))
    try:
        statistics, evaluated = target_statistics(target.functionals, config.policy, source=source, seed=seed)
    except ConfigError as error:
        raise ConfigError(f"{target.name}: {error}") from error
    return ScaledRows(pool, (statistics,), np.flatnonzero(evaluated))


class OwnFold(NamedTuple):
    """A fold of a target by speaker, and how its evaluated rows are standardised."""

    scaled: ScaledRows
    fold: Fold


class Job(NamedTuple):
    """One model to train.

    Attributes:
        method: Name in the tables.
        labels: Labels that the metric loss is given.
        corpus: Corpus trained on.
        fold: Number of the fold, from 1; 0 for a model of all rows.
        seed: Seed of the run that it belongs to; the model's own also depends on the fold.
        task: Data for the trainer; ``None`` once it is trained, so that the data need not be kept.
        own: For a supervised model, the fold of the corpus that it is trained on.
    """

    method: str
    labels: tuple[str, ...]
    corpus: str
    fold: int
    seed: int
    task: TrainingTask | None
    own: OwnFold | None = None


def label_columns(names: Sequence[str]) -> list[int]:
    """Give the columns of labels in a label array ``(N, 2)`` by their names."""
    return [LABELS.index(name) for name in names]


def model_seed(seed: int, number: int) -> int:
    """Give a model's own seed: no other fold has it, and all methods share it."""
    return 1000 * seed + number


def source_jobs(source: PooledSource, material: Material, config: ExperimentConfig) -> Iterator[Job]:
    """List the models of one fold of the source, one a method.

    The rows that a fold holds out are not trained on: the learning curves have their loss, too.
    """
    train, test, number = material.fold.train, material.fold.test, material.number
    features, held_out = material.source.of(train), material.source.of(test) if number else None
    own = model_seed(material.seed, number)
    for method in config.methods:
        name, labels = METHOD_LABELS[method]
        validation = None if held_out is None else _task(source, held_out, test, labels, own, config)
        task = replace(_task(source, features, train, labels, own, config), validation=validation)
        yield Job(name, labels, source.name, number, material.seed, task)


def _task(
    source: PooledSource, features: Features, rows: Rows, labels: Sequence[str], seed: int, config: ExperimentConfig
) -> TrainingTask:
    chosen = source.label[rows][:, label_columns(labels)] if labels else None
    return TrainingTask(features, chosen, config.weight, seed, groups_of(source, rows, config))


def groups_of(pool: PooledSource, rows: Rows, config: ExperimentConfig) -> Rows | None:
    """Number the corpus of each row, which batches of one corpus alone need."""
    return np.unique(pool.corpus_name[rows], return_inverse=True)[1] if config.batches == "by-group" else None


def training_settings(config: ExperimentConfig) -> TrainingSettings:
    """Give the training settings: the preset's, with what the configuration sets."""
    return TrainingSettings(**{name: getattr(config, name) for name in fields_of(TrainingSettings)})


def wrap_model(job: Job, model: TrainedModel, material: Material, config: ExperimentConfig) -> Embedder:
    """Make an embedder of a trained model, which takes functionals and standardises them as its training rows were."""
    embedder = Embedder.of_trained(
        model,
        material.statistics,
        list(material.source.pool.corpora[0].feature_names),
        list(job.labels),
        training_settings(config),
        weight=config.weight,
        random_state=model_seed(job.seed, job.fold),
        device=config.device,
    )
    embedder.model_ = embedder.model_.described(**features_of(config))
    return embedder


def features_of(config: ExperimentConfig) -> dict[str, Any]:
    """Say in ``model.yaml``'s words what a model that was trained with these settings takes."""
    if config.features not in MEASURED:
        return {"features": config.features if column_prefixes(config.features) is None else COLUMNS}
    return {"sampling_rate": config.sampling_rate, "measured": how_measured(engine_of(config.features, config.engine))}
