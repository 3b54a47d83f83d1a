"""Corpora made by hand from random functionals, and scores with known values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from affectmap.corpora import Corpus
from affectmap.experiment.config import ExperimentConfig
from affectmap.preparation.folds import Fold, fold_kind, source_folds
from affectmap.preparation.pooled_source import PooledSource
from affectmap.preparation.prepared_corpus import PreparedCorpus
from affectmap.schema import FUNCTIONALS, segmented_index, validate_table
from affectmap.stats.intervals import left_out
from affectmap.stats.scores import Embedded, Key, Run, Score

FOUR = ("neutral", "sad", "happy", "angry")
RATED = {"neutral": (2.5, 3.0), "sad": (1.5, 2.0), "happy": (4.0, 4.5), "angry": (4.5, 1.5), "fear": (4.0, 2.0)}
NAN = float("nan")
#: A first fold and seed.
RUN = Run("PCA-2", 1, 0)


def make_corpus(
    name: str = "cats",
    emotions: Sequence[str] = FOUR,
    *,
    n_speakers: int = 4,
    n_takes: int = 3,
    n_sessions: int = 0,
    seed: int = 0,
    labelled: bool = True,
    offset: float = 0.0,
    scale: float = 1.0,
) -> PreparedCorpus:
    """Every speaker says every emotion a few times; the functionals follow the labels, speaker and corpus.

    Args:
        name: Of the corpus.
        emotions: Of those in `RATED`.
        n_speakers: Speakers ``s0``, ``s1`` ...
        n_takes: Utterances a speaker and emotion.
        n_sessions: Sessions that the speakers are dealt to in turn; 0 for none.
        seed: Of labels and functionals.
        labelled: Whether activation and valence are known.
        offset: Added to all functionals.
        scale: Their spread is multiplied by it.
    """
    rng = np.random.default_rng(seed)
    rows = [(s, e) for s in range(n_speakers) for e in emotions for _ in range(n_takes)]
    label = np.array([RATED[emotion] for _, emotion in rows]) + rng.choice([-0.5, 0.0, 0.5], (len(rows), 2))
    # The ways from labels to functionals are the same in every corpus, so that something can be transferred.
    ways = np.random.default_rng(99).normal(size=(2, len(FUNCTIONALS)))
    habit = 0.3 * rng.normal(size=(n_speakers, len(FUNCTIONALS)))
    functionals = label @ ways + habit[[s for s, _ in rows]] + rng.normal(size=(len(rows), len(FUNCTIONALS)))
    columns = {
        "emotion": [emotion for _, emotion in rows],
        "activation": label[:, 0].clip(1, 5) if labelled else NAN,
        "valence": label[:, 1].clip(1, 5) if labelled else NAN,
        "speaker": [f"s{s}" for s, _ in rows],
        "session": [f"day {s % n_sessions}" if n_sessions else None for s, _ in rows],
    }
    index = segmented_index([f"/{name}/{i}.wav" for i in range(len(rows))])
    table = validate_table(pd.DataFrame(columns, index), name)
    return PreparedCorpus(name, Corpus(name, table), table, scale * functionals + offset, ())


def with_cells(corpus: PreparedCorpus, **columns: object) -> PreparedCorpus:
    """Give a copy with other table columns, or with other ``functionals``."""
    functionals = columns.pop("functionals", corpus.functionals)
    return replace(corpus, table=corpus.table.assign(**columns), functionals=functionals)


def folds_of(source: PooledSource, config: ExperimentConfig) -> tuple[Fold, ...]:
    """Split a source as the settings of a run want it."""
    return source_folds(source, fold_kind(source, config.folds, config.preset), config.n_folds, config.seed)


def make_embedded(
    embedding: object,
    emotion: Sequence[str | None] | None = None,
    label: object = None,
    speaker: Sequence[str] | None = None,
    *,
    corpus: str = "cats",
    role: str = "target",
) -> Embedded:
    """Utterances placed by hand; each its own speaker, without emotion and label, unless said otherwise."""
    space = np.asarray(embedding, dtype=float)
    space = space.reshape(len(space), -1)
    n = len(space)
    names = [f"{corpus}/row {i}" for i in range(n)]
    return Embedded(
        corpus,
        role,
        space,
        np.array([None] * n if emotion is None else emotion, dtype=object),
        np.full((n, 2), NAN) if label is None else np.asarray(label, dtype=float),
        np.array(names if speaker is None else speaker, dtype=object),
        np.array(names, dtype=object),
        np.arange(n),
    )


def make_score(
    value: float,
    without: object = None,
    *,
    table: str = "4",
    method: str = "DAE-Unsupervised",
    corpus: str = "cats",
    role: str = "target",
    quantity: str = "N-S-A",
    reading: str = "zero-shot",
    fold: int = 1,
    seed: int = 0,
    p_value: float = NAN,
    n: int = 100,
) -> Score:
    """One value; without each speaker it is the value itself, 1/100 lower and 1/100 higher, unless given."""
    moved = value + np.array([-0.01, 0.0, 0.01]) if without is None else np.asarray(without, dtype=float)
    key = Key(table, method, corpus, role, quantity, reading)
    found = left_out(value, moved, [f"s{k}" for k in range(len(moved))], np.ones(len(moved)), corpus)
    return Score(key, fold, seed, value, p_value, n, found)
