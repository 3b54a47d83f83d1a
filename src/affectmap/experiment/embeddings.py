"""What every model and baseline makes of the corpora, and its scores.

Conventions:
    * Of the fold and seed that is shown every row is kept; of all others those that have a label and can be scored.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from affectmap.experiment.config import ExperimentConfig
from affectmap.experiment.protocol import Data, Job, Material
from affectmap.model.training import TrainedModel
from affectmap.preparation.pooled_source import PooledSource, ScaledRows
from affectmap.preparation.prepared_corpus import PreparedCorpus
from affectmap.schema import Features, Floats, Mask, Rows
from affectmap.stats.baselines import FUNCTIONALS_88, PCA_2, baseline
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
from affectmap.style import RIDGE

#: Embeds standardised features ``(N, 88)`` in a space ``(N, D)``.
Embed = Callable[[Features], npt.NDArray[np.floating]]


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


def embed_trained(
    data: Data, trained: Iterable[tuple[Job, TrainedModel]], config: ExperimentConfig
) -> Iterator[Embeddings]:
    """Embed the corpora with every model of a fold of the source."""
    of_fold = {(material.seed, material.number): material for material in data.materials}
    for job, model in trained:
        if job.fold and job.own is None:
            run = Run(job.method, job.fold, job.seed)
            yield _embed(run, data, of_fold[job.seed, job.fold], model.network.embed, config)


def embed_baselines(data: Data, config: ExperimentConfig) -> Iterator[Embeddings]:
    """Embed the corpora with every baseline, fitted on the training rows of every fold."""
    has_labels = all(np.isfinite(data.source.label[m.fold.train]).all(axis=1).any() for m in data.materials)
    for name in (PCA_2, FUNCTIONALS_88, *([RIDGE] if has_labels else [])):
        for material in data.materials:
            rows = material.fold.train
            fitted = baseline(name, penalty=config.ridge_penalty, n_rows=len(rows))
            fitted.fit(material.source.of(rows), data.source.label[rows])
            run = Run(name, material.number, material.seed)
            yield _embed(run, data, material, fitted.transform, config)


def _embed(run: Run, data: Data, material: Material, embed: Embed, config: ExperimentConfig) -> Embeddings:
    # What is shown is shown whole; of the others only what is scored need be kept.
    return embed_all(run, data.source, data.targets, material, embed, only_known=not is_shown(run, config))


def is_shown(run: Run, config: ExperimentConfig) -> bool:
    """Whether a run is the one that is drawn: the first fold and seed, in a space that can be."""
    return (run.fold, run.seed) == (1, config.seed) and run.method != FUNCTIONALS_88


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
