"""What the experiments on settings and on the number of labels share: splits of the source, and how a map is scored."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from sklearn.preprocessing import StandardScaler

from affectmap.corpora import CARDS, load_corpus
from affectmap.preparation.folds import source_folds
from affectmap.preparation.pooled_source import PooledSource
from affectmap.preparation.prepared_corpus import PreparedCorpus, prepare
from affectmap.preparation.standardisation import fit_statistics
from affectmap.schema import LABELS, Features, Floats, Objects, Rows
from affectmap.stats.measures import scenarios
from affectmap.stats.metrics import adjusted_r2, uar
from affectmap.stats.scores import linear_svc

SOURCE, TARGETS = "emodb", ("urdu", "aesdd")
TITLES = {name: CARDS[name].title for name in ("emodb", "urdu", "aesdd")}
TITLES["emodb"] += ", held-out speakers"
QUANTITIES = {"r2_activation": "R² activation", "r2_valence": "R² valence", "uar": "UAR"}
COLOURS = {"emodb": ("#1661a8", "o"), "urdu": ("#cf8a00", "^"), "aesdd": ("#b01e52", "s")}
N_FOLDS = 5

Embed = Callable[[Features], Floats]


class Part(NamedTuple):
    """Standardised rows of one corpus with what is known of them."""

    corpus: str
    features: Features
    label: Floats
    emotion: Objects
    speaker: Objects


class Split(NamedTuple):
    """A training part of the source, its held-out speakers, and all targets."""

    train: Part
    evaluated: tuple[Part, ...]


def read(data: Path, cache: Path | None) -> tuple[PreparedCorpus, list[PreparedCorpus]]:
    """Read the source and the targets; what was measured before is in the cache."""
    folder = data / "corpora"
    source, *targets = (
        prepare(load_corpus(f"{name}={folder / name}", folder / "labels"), cache=cache) for name in (SOURCE, *TARGETS)
    )
    return source, targets


def splits(source: PreparedCorpus, targets: Sequence[PreparedCorpus], seed: int, n_folds: int = N_FOLDS) -> list[Split]:
    """Split the source by speaker; its rows are standardised by the training part, a target by itself."""
    others = [_part(each, np.arange(len(each.table)), np.arange(len(each.table))) for each in targets]
    return [
        Split(_part(source, fold.train, fold.train), (_part(source, fold.test, fold.train), *others))
        for fold in source_folds(PooledSource.of([source]), "speaker", n_folds, seed)
    ]


def _part(corpus: PreparedCorpus, rows: Rows, standard: Rows) -> Part:
    features = fit_statistics(corpus.functionals[standard]).apply(corpus.functionals[rows])
    return Part(corpus.name, features, corpus.label[rows], corpus.emotion[rows], corpus.speaker[rows])


def scores(embed: Embed, split: Split, labelled: Rows | None = None) -> list[dict[str, object]]:
    """Score a map on all that a split evaluates, a row a corpus.

    Args:
        embed: Gives the embedding of standardised features.
        split: Where it was trained, and what it is scored on.
        labelled: Rows of the training part whose emotions the classifier may learn; by default all.
    """
    train = split.train
    labelled = np.arange(len(train.label)) if labelled is None else labelled
    seen, emotion = embed(train.features[labelled]), train.emotion[labelled]
    found: list[dict[str, object]] = []
    for part in split.evaluated:
        place = embed(part.features)
        values = {f"r2_{name}": adjusted_r2(part.label[:, i], place).adjusted_r2 for i, name in enumerate(LABELS)}
        classes = [str(each) for each in next(iter(scenarios(train.emotion, part.emotion).values()))]
        found.append({"corpus": part.corpus, **values, "uar": _uar(classes, seen, emotion, place, part.emotion)})
    return found


def _uar(classes: Sequence[str], seen: Floats, emotion: Objects, place: Floats, truth: Objects) -> float:
    known, asked = np.isin(emotion, classes), np.isin(truth, classes)
    told = emotion[known].astype(str)
    if len(set(told)) < 2:  # nothing to tell apart: what one guess for all reaches
        return 1 / len(classes)
    # A classifier with a penalty sees the scale of the latent, which the loss leaves free.
    scale = StandardScaler().fit(seen[known])
    guess = linear_svc(1.0).fit(scale.transform(seen[known]), told).predict(scale.transform(place[asked]))
    return uar(truth[asked].astype(str), guess)
