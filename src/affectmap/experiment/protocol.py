"""The paper's protocol around training: what is standardised, trained, embedded and scored for every fold.

Conventions:
    * Rows of the source are those of the pool of all source corpora, numbered in their order.
    * A task has training rows alone, standardised by their own statistics. Only the scores see a target's labels,
      and the supervised models, which are trained on them.
    * Every seed has a split of its own, and under ``target-20`` a fifth of each target of its own. All methods of one
      fold and seed share the model's seed, so that they differ in their labels and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

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
from affectmap.schema import LABELS, Features, Floats, Mask, Rows, column_prefixes
from affectmap.settings import fields_of
from affectmap.stats.baselines import FUNCTIONALS_88
from affectmap.stats.scores import (
    Embedded,
    Run,
    Score,
    SourceClassifiers,
    class_scores,
    cross_validated_scores,
    label_scores,
    pairwise_scores,
)
from affectmap.style import ACT, JOINT, UNSUPERVISED, VAL

#: Embeds standardised features ``(N, 88)`` in a space ``(N, D)``.
Embed = Callable[[Features], npt.NDArray[np.floating]]

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


@dataclass(frozen=True, eq=False)
class Embeddings:
    """One model's embeddings of everything that it is scored on.

    Attributes:
        run: Method, fold and seed.
        train: The source's training rows.
        held_out: The source's test rows, one item a corpus.
        targets: Evaluated rows of each target.
        statistics: Rows of the targets that these were normalised by and that are not evaluated.
    """

    run: Run
    train: Embedded
    held_out: tuple[Embedded, ...]
    targets: tuple[Embedded, ...]
    statistics: tuple[Embedded, ...] = ()


def embed_rows(
    corpus: PreparedCorpus | PooledSource, role: str, embedding: npt.NDArray[np.floating], rows: Rows
) -> Embedded:
    """Put the embedding ``(len(rows), D)`` of some rows together with what is known about them."""
    columns = (corpus.emotion[rows], corpus.label[rows], corpus.speaker[rows], corpus.file[rows])
    return Embedded(corpus.name, role, np.asarray(embedding, dtype=np.float64), *columns, rows)


def embed_all(
    run: Run,
    source: PooledSource,
    targets: Sequence[PreparedCorpus],
    material: Material,
    embed: Embed,
    *,
    only_known: bool = False,
) -> Embeddings:
    """Embed source and targets with one model: a network's ``embed``, or the ``transform`` of anything fitted.

    With `only_known`, rows without emotion and ratings are left out: they take part in no score.
    """
    corpus, fold = source.corpus_name, material.fold
    everything, position = _embed_kept(source, "source", material.source, embed, only_known)
    tested = [(part.name, position[fold.test[corpus[fold.test] == part.name]]) for part in source.corpora]
    held_out = [replace(everything.rows(rows[rows >= 0]), corpus=name) for name, rows in tested if len(rows)]
    evaluated = [_embed_kept(each, "target", material.targets[each.name], embed, only_known)[0] for each in targets]
    others = [(each, _not_evaluated(material.targets[each.name])) for each in targets]
    statistics = [_embed_kept(each, "target", rest, embed, only_known)[0] for each, rest in others if len(rest.rows)]
    train = position[fold.train]
    return Embeddings(run, everything.rows(train[train >= 0]), tuple(held_out), tuple(evaluated), tuple(statistics))


def _not_evaluated(scaled: ScaledRows) -> ScaledRows:
    return replace(scaled, rows=np.setdiff1d(np.concatenate(scaled.pool.rows), scaled.rows))


def _embed_kept(
    corpus: PreparedCorpus | PooledSource, role: str, scaled: ScaledRows, embed: Embed, only_known: bool
) -> tuple[Embedded, Rows]:
    """Embed rows of a corpus; give the position of each of its rows among those kept, -1 for none."""
    kept = np.ones(len(scaled.rows), dtype=np.bool_)
    if only_known:
        kept = _is_known(corpus)[scaled.rows]
    position = np.full(len(corpus.emotion), -1)
    position[scaled.rows[kept]] = np.arange(np.count_nonzero(kept))
    return embed_rows(corpus, role, embed_blocks(scaled, embed, kept), scaled.rows[kept]), position


def _is_known(corpus: PreparedCorpus | PooledSource) -> Mask:
    """Whether a row has an emotion or a rating; others take part in no score."""
    return np.isfinite(corpus.label).any(axis=1) | pd.notna(corpus.emotion)


def embed_blocks(scaled: ScaledRows, embed: Embed, kept: Mask | None = None) -> Floats:
    """Embed rows ``(N, D)`` a block at a time, so that no table of standardised features is needed.

    All are computed, also those that are not kept: the last bit may depend on how many are computed together.
    """
    parts, start = [], 0
    for block in scaled.blocks():
        part = np.asarray(embed(block), dtype=np.float64)
        parts.append(part if kept is None else part[kept[start : start + len(part)]])
        start += len(block)
    return np.concatenate(parts)


def score(
    embeddings: Embeddings, source_emotions: dict[str, npt.NDArray[np.object_]], config: ExperimentConfig
) -> list[Score]:
    """Score one model: tables 1, 3 and 4.

    All emotions of a source corpus decide the classes of its folds. The 88 functionals themselves have no table 3,
    where they would be fitted to the rows scored, and no probe, which would be their value within the corpus.
    """
    run, raw = embeddings.run, embeddings.run.method == FUNCTIONALS_88
    classifiers = SourceClassifiers(embeddings.train, config.svc_c_functionals if raw else config.svc_c)
    scores: list[Score] = []
    for each in embeddings.held_out:
        scores += pairwise_scores(run, each)
        scores += [] if raw else label_scores(run, each, "held-out")
        scores += class_scores(run, classifiers, each, "held-out", corpus_emotion=source_emotions[each.corpus])
    for each in embeddings.targets:
        scores += class_scores(run, classifiers, each, "zero-shot")
        if not raw:
            scores += label_scores(run, each, "zero-shot")
            scores += _by_speaker(run, each, "probe", config.svc_c, embeddings.train.emotion, config)
    return scores


def _by_speaker(
    run: Run, on: Embedded, reading: str, c: float, emotion: npt.NDArray[np.object_], config: ExperimentConfig
) -> Iterator[Score]:
    return cross_validated_scores(run, on, reading, c, n_folds=config.n_folds, seed=run.seed, source_emotion=emotion)
