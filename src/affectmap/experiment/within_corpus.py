"""Within a corpus, by held-out speakers: what its own labels give, beside what those of the source give.

Conventions:
    * Policy, rows and pooling are those of the cells beside it. What a fold of the source holds out of a corpus is
      predicted from the training rows of that corpus, and each fold is scored by itself. Of a target, every evaluated
      row is predicted from the evaluated rows of other speakers, and all of them are scored at once, as zero-shot.
    * A target is split by speaker once for a seed: ridge, classifiers and supervised models have the same folds.
    * Ridge has the penalty of the ridge baseline, and its form: the embedding is the predicted ratings.
    * Nothing can be had of a target whose speakers are unknown, or that has one.

Source: Das et al. 2022, section 4 "Reference methods" 2 and 4.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from affectmap.experiment.config import ExperimentConfig
from affectmap.experiment.embeddings import Embed, embed_blocks, embed_rows
from affectmap.experiment.protocol import (
    Job,
    Material,
    OwnFold,
    groups_of,
    label_columns,
    model_seed,
)
from affectmap.model.training import TrainedModel, TrainingTask
from affectmap.preparation.folds import Fold, folds_of_rows
from affectmap.preparation.pooled_source import PooledSource, ScaledRows
from affectmap.preparation.prepared_corpus import PreparedCorpus
from affectmap.schema import LABELS, Floats, Objects, Rows
from affectmap.stats.baselines import FUNCTIONALS_88, RidgeMap
from affectmap.stats.read_out import predicted_ratings
from affectmap.stats.scores import Embedded, Predicted, Run, Score, cross_validated_scores, label_scores
from affectmap.style import ONE_RATER, RIDGE, SUPERVISED
from affectmap.text import spelt

#: Baselines that one source corpus trains within itself: table and method.
_OWN_BASELINES = {("3", RIDGE), ("4", FUNCTIONALS_88)}


def few_speakers_notes(targets: Iterable[PreparedCorpus], n_folds: int) -> list[str]:
    """Say in a sentence of which targets nothing can be had by held-out speakers, or on how few models are trained.

    Example:
        >>> few_speakers_notes([pets], n_folds=5)
        ['pets has two speakers: its within-corpus values are of models trained on one of them.']
    """
    notes = []
    for target in targets:
        n_speakers = len(set(target.speaker))
        if not target.has_speakers:
            notes.append(f"{target.title} has no within-corpus values: its speakers are not all named.")
        elif n_speakers < 2:
            notes.append(
                f"{target.title} has no within-corpus values: it has one speaker, and no other to be held out."
            )
        elif n_speakers < n_folds:
            trained = f"trained on {spelt(n_speakers - 1)} of them"
            notes.append(
                f"{target.title} has {spelt(n_speakers)} speakers: its within-corpus values are of models {trained}."
            )
    return notes


def supervised_folds(scaled: ScaledRows, seed: int, config: ExperimentConfig) -> Iterator[Iterator[Job]]:
    """List the supervised models of a target, fold by fold, so that features are made when they are needed.

    There is no job where a label is missing or constant in the training rows.
    """
    pool = scaled.pool
    folds = folds_of_rows(pool.speaker, pool.emotion, scaled.rows, config.n_folds, seed)
    for number, fold in enumerate(folds, start=1):
        yield _supervised_fold(OwnFold(scaled, fold), number, seed, config)


def _supervised_fold(own: OwnFold, number: int, seed: int, config: ExperimentConfig) -> Iterator[Job]:
    pool, train, features = own.scaled.pool, own.fold.train, None
    for label, name in SUPERVISED.items():
        values = pool.label[train][:, label_columns([label])]
        if label in config.methods and len(np.unique(values[np.isfinite(values)])) > 1:
            features = own.scaled.of(train) if features is None else features
            group = groups_of(pool, train, config)
            task = TrainingTask(features, values, config.weight, model_seed(seed, number), group)
            yield Job(name, (label,), pool.name, number, seed, task, own)


def supervised_scores(trained: Iterable[tuple[Job, TrainedModel]]) -> list[Score]:
    """Score the supervised models of each target, rating and seed on the rows that their folds hold out: table 3.

    Each model has a latent of its own, turned and scaled as it came. Least squares on the training rows take it to the
    ratings, so that the rows of all folds lie in one space; within a fold that changes no R².
    """
    models = defaultdict[tuple[str, str, int], list[tuple[OwnFold, Embed]]](list)
    for job, model in trained:
        if job.own is not None:
            models[job.method, job.corpus, job.seed].append((job.own, model.network.embed))
    scores = list[Score]()
    for (method, _, seed), each in models.items():
        scores += _supervised(Run(method, 0, seed), each)
    return scores


def _supervised(run: Run, models: Sequence[tuple[OwnFold, Embed]]) -> list[Score]:
    pool = models[0][0].scaled.pool
    columns, parts = _rated(pool, np.concatenate([own.fold.test for own, _ in models])), []
    for (scaled, fold), embed in models:
        label = pool.label[fold.train][:, columns]
        known = np.isfinite(label).all(axis=1)
        if columns and known.any():
            train, test = (embed_blocks(replace(scaled, rows=rows), embed) for rows in (fold.train, fold.test))
            parts.append((fold.test, predicted_ratings(train[known], label[known], test)))
    return _rating_scores(run, _joined(pool, pool.name, "target", parts), "supervised") if parts else []


def within_work(
    source: PooledSource, materials: Sequence[Material], config: ExperimentConfig
) -> Iterator[Callable[[], list[Score]]]:
    """List what is to be scored within corpora: ridge (table 3) and a linear classifier (table 4) of each.

    A single source needs none of it (`as_within`). Under the policy ``source`` a target has the statistics of a seed's
    first fold.
    """
    for material in materials:
        run = Run(FUNCTIONALS_88, 0, material.seed)
        for scaled in material.targets.values() if material.number == 1 else ():
            yield partial(target_within, run, scaled, source.emotion, config)
    for material in materials if len(source.corpora) > 1 else ():
        run = Run(FUNCTIONALS_88, material.number, material.seed)
        yield partial(source_within, run, material, config)


def target_within(run: Run, scaled: ScaledRows, source_emotion: Objects, config: ExperimentConfig) -> list[Score]:
    """Score what the labels of a target's evaluated rows train; sets of classes shared with the source, too."""
    pool = scaled.pool
    folds = folds_of_rows(pool.speaker, pool.emotion, scaled.rows, config.n_folds, run.seed)
    return _scores(run, scaled, pool.name, "target", folds, source_emotion, config)


def source_within(run: Run, material: Material, config: ExperimentConfig) -> list[Score]:
    """Score what the labels of each corpus of a pooled source train, on the rows that a fold of the run holds out.

    A corpus that the fold holds out as a whole is split by speaker.
    """
    scores, scaled, fold = list[Score](), material.source, material.fold
    pool = scaled.pool
    for corpus, rows in zip(pool.corpora, pool.rows, strict=True):
        train, test = (np.intersect1d(part, rows) for part in (fold.train, fold.test))
        if len(test):
            folds: Sequence[Fold] = [replace(fold, train=train, test=test)]
            if not len(train):
                folds = folds_of_rows(pool.speaker, pool.emotion, test, config.n_folds, run.seed)
            scores += _scores(run, scaled, corpus.name, "source", folds, pool.emotion[rows], config)
    return scores


def rater_scores(corpus: PreparedCorpus, role: str, seed: int) -> list[Score]:
    """Score what one rater explains of the others' mean, in table 3: nobody can expect more of a model of such ratings.

    The fold is the number of the rater, and all rows of the corpus are scored that the rater and another one rated.
    """
    scores = list[Score]()
    for label, ratings in corpus.corpus.single_ratings.items():
        values = ratings.reindex(corpus.file).to_numpy(dtype=np.float64)
        for k in range(values.shape[1]):
            others = np.delete(values, k, axis=1)
            n_others = np.isfinite(others).sum(axis=1)
            rows = np.flatnonzero(np.isfinite(values[:, k]) & (n_others > 0))
            mean = np.full((len(rows), len(LABELS)), np.nan)
            mean[:, label_columns([label])[0]] = np.nansum(others[rows], axis=1) / n_others[rows]
            on = replace(embed_rows(corpus, role, values[rows, k : k + 1], rows), label=mean)
            scores += label_scores(Run(ONE_RATER, k + 1, seed), on, "rater")
    return scores


def as_within(scores: Iterable[Score]) -> list[Score]:
    """Give the held-out values of baselines that a single source trains: these are values within the corpus."""
    return [
        score._replace(key=score.key._replace(reading="within"), predicted=None)
        for score in scores
        if score.key.reading == "held-out" and (score.key.table, score.key.method) in _OWN_BASELINES
    ]


def _scores(
    run: Run, scaled: ScaledRows, name: str, role: str, folds: Sequence[Fold], source_emotion: Objects,
    config: ExperimentConfig,
) -> list[Score]:  # fmt: skip
    """Score ridge and classifiers on the rows that folds hold out, all rows at once."""
    if not folds:
        return []
    pool = scaled.pool
    rows = np.unique(np.concatenate([part for fold in folds for part in (fold.train, fold.test)]))
    values, columns = scaled.of(rows), _rated(pool, rows)
    inside = [replace(f, train=np.searchsorted(rows, f.train), test=np.searchsorted(rows, f.test)) for f in folds]
    parts = []
    for fold, own in zip(folds, inside, strict=True):
        label = pool.label[fold.train][:, columns]
        if columns and np.isfinite(label).all(axis=1).any():
            parts.append(
                (fold.test, RidgeMap(config.ridge_penalty).fit(values[own.train], label).transform(values[own.test]))
            )
    everything = replace(embed_rows(pool, role, values, rows), corpus=name)
    found = _rating_scores(replace(run, method=RIDGE), _joined(pool, name, role, parts), "within") if parts else []
    return found + list(
        cross_validated_scores(
            replace(run, method=FUNCTIONALS_88), everything, "within", config.svc_c_functionals, folds=inside,
            source_emotion=source_emotion,
        )
    )  # fmt: skip


def _rating_scores(run: Run, on: Embedded, reading: str) -> list[Score]:
    predicted = Predicted(on.row, on.embedding)
    return [score._replace(predicted=predicted) for score in label_scores(run, on, reading)]


def _rated(pool: PooledSource, rows: Rows) -> list[int]:
    """Give the columns of labels that any of some rows has."""
    return np.flatnonzero(np.isfinite(pool.label[rows]).any(axis=0)).tolist()


def _joined(pool: PooledSource, name: str, role: str, parts: Sequence[tuple[Rows, Floats]]) -> Embedded:
    rows, values = (np.concatenate(each) for each in zip(*parts, strict=True))
    return replace(embed_rows(pool, role, values, rows), corpus=name)
