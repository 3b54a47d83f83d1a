"""The paper's protocol around training: folds, standardised material, and the scores of a model.

Conventions:
    * Rows of the source are those of the pool of all source corpora, numbered in their order.
    * Nothing here sees a target's labels, but the scores.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from affectmap.errors import ConfigError
from affectmap.experiment.config import ExperimentConfig
from affectmap.preparation.folds import Fold, leave_one_corpus_out, session_folds, speaker_folds, stratified_folds
from affectmap.preparation.pooled_sources import PooledSource, ScaledRows
from affectmap.preparation.prepared_corpus import PreparedCorpus, known_speakers
from affectmap.preparation.standardisation import Statistics, fit_statistics, target_statistics
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

Features = npt.NDArray[np.float32]
#: Places standardised features ``(N, 88)`` in a space ``(N, D)``.
Embed = Callable[[Features], npt.NDArray[np.floating]]


@dataclass(frozen=True, eq=False)
class Material:
    """What one fold trains and is evaluated on, standardised.

    Attributes:
        fold: The fold; `train` and `test` are rows of the pooled source.
        source: All rows of the source.
        statistics: Of the training rows.
        targets: For each target its evaluated rows.
    """

    fold: Fold
    source: ScaledRows
    statistics: Statistics
    targets: dict[str, ScaledRows]


def fold_kind(source: PooledSource, config: ExperimentConfig) -> str:
    """Say what the folds setting comes to.

    Args:
        source: The pooled source.
        config: `folds` and `preset` matter.

    Returns:
        The setting itself, or for ``auto``: ``stratified`` under the preset ``authors-code``, else ``session`` where
        every utterance has a session and no speaker is in two of them (as in IEMOCAP), else ``speaker``.
    """
    if config.folds != "auto":
        return config.folds
    if config.preset == "authors-code":
        return "stratified"
    sessions = _named_sessions(source)
    pairs = set(zip(source.speaker, sessions, strict=True))
    apart = all(corpus.has_speakers for corpus in source.corpora) and len(pairs) == len(set(source.speaker))
    return "session" if apart and None not in set(sessions) and len(set(sessions)) > 1 else "speaker"


def _named_sessions(source: PooledSource) -> npt.NDArray[np.object_]:
    names = [
        None if session is None else f"{corpus.name}/{session}"
        for corpus in source.corpora
        for session in corpus.table["session"].tolist()
    ]
    return np.array(names, dtype=object)


def source_folds(source: PooledSource, config: ExperimentConfig) -> tuple[Fold, ...]:
    """Split the source.

    Args:
        source: The pooled source.
        config: `folds`, `n_folds`, `seed` and `preset` matter. ``auto`` means: shuffled across speakers for the
            preset ``authors-code``, else by session where sessions share no speakers, else by speaker.

    Returns:
        The folds.

    Raises:
        ConfigError: If the source cannot be split so.

    Example:
        >>> import audformat, pandas as pd
        >>> from affectmap.corpora import Corpus
        >>> from affectmap.preparation.prepared_corpus import prepare
        >>> from affectmap.schema import COLUMNS, FUNCTIONALS
        >>> index = audformat.segmented_index([*"1234"])
        >>> table = pd.DataFrame({"speaker": [*"aabb"], "emotion": ["sad", "angry"] * 2}, index, COLUMNS)
        >>> brought = pd.DataFrame(np.eye(4, 88), index, FUNCTIONALS)
        >>> pets = prepare(Corpus("pets", table, functionals=brought))
        >>> config = ExperimentConfig(source=["pets=folder"], n_folds=2)
        >>> [fold.test.tolist() for fold in source_folds(PooledSource.of([pets]), config)]
        [[2, 3], [0, 1]]
    """
    kind = fold_kind(source, config)
    named = _named_sessions(source)
    if kind == "stratified":
        everyone_known = all(corpus.has_speakers for corpus in source.corpora)
        speaker = source.speaker if everyone_known else None
        return stratified_folds(source.emotion, config.n_folds, config.seed, speaker)
    if kind == "corpus":
        if len(source.corpora) < 2:
            raise ConfigError(f"folds by corpus need two sources or more, got {source.name}; add --source NAME=DIR")
        return leave_one_corpus_out(source.corpus_name)
    for corpus in source.corpora:
        known_speakers(corpus)
    if kind == "session":
        if any(session is None for session in named):
            raise ConfigError(f"{source.name} names no sessions for some utterances; use --folds speaker")
        return session_folds(named, source.speaker)
    n_speakers = len(set(source.speaker))
    if n_speakers < config.n_folds:
        fewer = f"--n-folds {n_speakers}, or " if n_speakers > 1 else ""
        raise ConfigError(
            f"{source.name}: speakers are too few, {n_speakers} for {config.n_folds} folds; use {fewer}"
            "--folds stratified, which shares speakers between training and test"
        )
    return speaker_folds(source.speaker, source.emotion, config.n_folds, config.seed)


def make_material(
    source: PooledSource, targets: Sequence[PreparedCorpus], fold: Fold, config: ExperimentConfig
) -> Material:
    """Settle how source and targets are standardised for one fold.

    Args:
        source: The pooled source.
        targets: The targets.
        fold: The fold.
        config: `policy` and `seed` matter.

    Returns:
        The fold's material.

    Raises:
        ConfigError: If the policy asks for speakers and one is unknown, or a target is too small for it.

    Example:
        >>> import audformat, pandas as pd
        >>> from affectmap.corpora import Corpus
        >>> from affectmap.preparation.prepared_corpus import prepare
        >>> from affectmap.schema import COLUMNS, FUNCTIONALS
        >>> index = audformat.segmented_index([*"1234"])
        >>> table = pd.DataFrame({"speaker": [*"aabb"], "emotion": ["sad", "angry"] * 2}, index, COLUMNS)
        >>> brought = pd.DataFrame(np.eye(4, 88), index, FUNCTIONALS)
        >>> pets = prepare(Corpus("pets", table, functionals=brought))
        >>> fold = Fold("fold 1", np.array([0, 1]), np.array([2, 3]), shares_speakers=False)
        >>> config = ExperimentConfig(source=["pets=folder"], policy="source")
        >>> material = make_material(PooledSource.of([pets]), [pets], fold, config)
        >>> material.source.features[:, 0].tolist(), material.targets["pets"].features[:, 0].tolist()
        ([1.0, -1.0, -1.0, -1.0], [1.0, -1.0, -1.0, -1.0])
    """
    values, statistics = source.scaled(fold.train, config.policy)
    targets_scaled = {target.name: _scaled_target(target, statistics, config) for target in targets}
    return Material(fold, values, statistics, targets_scaled)


def _scaled_target(target: PreparedCorpus, source: Statistics, config: ExperimentConfig) -> ScaledRows:
    pool = PooledSource.of([target])
    if config.policy == "speaker":
        known_speakers(target)
        return ScaledRows(pool, (None,), np.arange(len(target.table)))
    try:
        statistics, evaluated = target_statistics(target.functionals, config.policy, source=source, seed=config.seed)
    except ConfigError as error:
        raise ConfigError(f"{target.name}: {error}") from error
    return ScaledRows(pool, (statistics,), np.flatnonzero(evaluated))


@dataclass(frozen=True, eq=False)
class Placed:
    """One model's embeddings of everything that it is scored on.

    Attributes:
        run: Method, fold, seed, and the resamples.
        train: The source's training rows.
        held_out: The source's test rows, one item a corpus.
        targets: Evaluated rows of each target.
    """

    run: Run
    train: Embedded
    held_out: tuple[Embedded, ...]
    targets: tuple[Embedded, ...]


def embed_rows(
    corpus: PreparedCorpus | PooledSource,
    role: str,
    embedding: npt.NDArray[np.floating],
    rows: npt.NDArray[np.int64],
) -> Embedded:
    """Put rows of a corpus, in their embedding, together with what is known about them.

    Args:
        corpus: The corpus, or the pool.
        role: ``source`` or ``target``.
        embedding: Of the chosen rows ``(len(rows), D)``.
        rows: Numbers of the chosen rows.

    Returns:
        The embedding in float64 with emotion, labels, speaker and file of the same rows.
    """
    return Embedded(
        corpus.name,
        role,
        np.asarray(embedding, dtype=np.float64),
        corpus.emotion[rows],
        corpus.label[rows],
        corpus.speaker[rows],
        corpus.file[rows],
    )


def place(
    run: Run,
    source: PooledSource,
    targets: Sequence[PreparedCorpus],
    material: Material,
    embed: Embed,
    *,
    only_known: bool = False,
) -> Placed:
    """Embed source and targets with one model.

    Args:
        run: Which model it is.
        source: The pooled source.
        targets: The targets.
        material: The fold's material.
        embed: What the model does: a network's ``embed``, or the ``transform`` of anything fitted.
        only_known: Whether to leave out rows without emotion and ratings: they take part in no score.

    Returns:
        All embeddings that the model is scored on.
    """
    corpus, fold = source.corpus_name, material.fold
    everything, place_of = _embed_kept(source, "source", material.source, embed, only_known)
    tested = [(part.name, place_of[fold.test[corpus[fold.test] == part.name]]) for part in source.corpora]
    held_out = [replace(everything.rows(rows[rows >= 0]), corpus=name) for name, rows in tested if len(rows)]
    placed = [_embed_kept(each, "target", material.targets[each.name], embed, only_known)[0] for each in targets]
    train = place_of[fold.train]
    return Placed(run, everything.rows(train[train >= 0]), tuple(held_out), tuple(placed))


def _embed_kept(
    corpus: PreparedCorpus | PooledSource, role: str, scaled: ScaledRows, embed: Embed, only_known: bool
) -> tuple[Embedded, npt.NDArray[np.int64]]:
    """Embed rows of a corpus; tell the place of each of its rows among those kept, -1 for none."""
    kept = np.ones(len(scaled.rows), dtype=np.bool_)
    if only_known:
        kept = _is_known(corpus)[scaled.rows]
    place_of = np.full(len(corpus.emotion), -1)
    place_of[scaled.rows[kept]] = np.arange(np.count_nonzero(kept))
    return embed_rows(corpus, role, embed_blocks(scaled, embed, kept), scaled.rows[kept]), place_of


def _is_known(corpus: PreparedCorpus | PooledSource) -> npt.NDArray[np.bool_]:
    """Whether a row has an emotion or a rating; others take part in no score."""
    return np.isfinite(corpus.label).any(axis=1) | pd.notna(corpus.emotion)


def embed_blocks(
    scaled: ScaledRows, embed: Embed, kept: npt.NDArray[np.bool_] | None = None
) -> npt.NDArray[np.float64]:
    """Embed rows a block at a time, so that no table of standardised features is held.

    Args:
        scaled: The rows.
        embed: What the model does.
        kept: Which embeddings to keep; all by default. All are computed: the last bit of one may depend on how many
            are computed with it.

    Returns:
        The embedding ``(N, D)``.
    """
    parts, start = [], 0
    for block in scaled.blocks():
        part = np.asarray(embed(block), dtype=np.float64)
        parts.append(part if kept is None else part[kept[start : start + len(part)]])
        start += len(block)
    return np.concatenate(parts)


def score(placed: Placed, source_emotions: dict[str, npt.NDArray[np.object_]], config: ExperimentConfig) -> list[Score]:
    """Score one model: tables 1, 3 and 4.

    Args:
        placed: Its embeddings.
        source_emotions: All emotions of each source corpus, which decide the classes of its folds.
        config: `svc_c` and `svc_c_functionals` matter.

    Returns:
        All scores. Table 3 and the probe of the 88 functionals themselves are upper bounds; see
        `upper_bounds`.
    """
    run, raw = placed.run, placed.run.method == FUNCTIONALS_88
    classifiers = SourceClassifiers(placed.train, config.svc_c_functionals if raw else config.svc_c)
    scores: list[Score] = []
    for each in placed.held_out:
        scores += pairwise_scores(run, each)
        scores += [] if raw else label_scores(run, each, "held-out")
        scores += class_scores(run, classifiers, each, "held-out", corpus_emotion=source_emotions[each.corpus])
    for each in placed.targets:
        scores += class_scores(run, classifiers, each, "zero-shot")
        if not raw:
            scores += label_scores(run, each, "zero-shot")
            scores += cross_validated_scores(
                run,
                each,
                "probe",
                config.svc_c,
                n_folds=config.n_folds,
                seed=config.seed,
                source_emotion=placed.train.emotion,
            )
    return scores


def upper_bounds(
    run: Run,
    corpus: PreparedCorpus,
    role: str,
    source_emotion: npt.NDArray[np.object_],
    config: ExperimentConfig,
) -> list[Score]:
    """Score the 88 functionals within a corpus: a classifier and a regression fitted on its own labels.

    Args:
        run: Carries the resamples.
        corpus: Any corpus of the run, z-scored by its own statistics.
        role: ``source`` or ``target``.
        source_emotion: Emotions of the source; sets of classes shared with it are scored too.
        config: `svc_c_functionals`, `n_folds` and `seed` matter.

    Returns:
        Table 4, cross-validated by speaker where speakers are known, and table 3, where enough utterances are labelled.

    Example:
        >>> import audformat, pandas as pd
        >>> from affectmap.corpora import Corpus
        >>> from affectmap.preparation.prepared_corpus import prepare
        >>> from affectmap.schema import COLUMNS, FUNCTIONALS
        >>> index = audformat.segmented_index([*"1234"])
        >>> table = pd.DataFrame({"speaker": [*"aabb"], "emotion": ["sad", "angry"] * 2}, index, COLUMNS)
        >>> brought = pd.DataFrame(np.eye(4, 88), index, FUNCTIONALS)
        >>> pets = prepare(Corpus("pets", table, functionals=brought))
        >>> from affectmap.stats.bootstrap import SpeakerBootstrap
        >>> run = Run(FUNCTIONALS_88, 1, 0, {"pets": SpeakerBootstrap(["pets/a", "pets/b"])})
        >>> bounds = upper_bounds(run, pets, "target", pets.emotion, ExperimentConfig(source=["pets=folder"]))
        >>> [(score.key.quantity, score.fold, score.value) for score in bounds]
        [('S-A', 1, 0.5)]
    """
    scored = np.flatnonzero(_is_known(corpus))
    values = fit_statistics(corpus.functionals).apply(corpus.functionals[scored])
    everything = embed_rows(corpus, role, values, scored)
    scores = list(label_scores(run, everything, "within"))
    if corpus.has_speakers:
        scores += cross_validated_scores(
            run,
            everything,
            "within",
            config.svc_c_functionals,
            n_folds=config.n_folds,
            seed=config.seed,
            source_emotion=source_emotion,
        )
    return scores
