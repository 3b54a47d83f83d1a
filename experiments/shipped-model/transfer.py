"""Leave-one-corpus-out: what a model of the other corpora says about one that it never heard, however standardised."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from affectmap.model.embedder import Embedder
from affectmap.model.heads import CLASSES, Heads, fit_heads, fit_ratings
from affectmap.preparation.prepared_corpus import PreparedCorpus
from affectmap.preparation.standardisation import (
    PRIOR,
    adapted_statistics,
    fit_statistics,
    mixed_statistics,
    speaker_statistics,
)
from affectmap.schema import LABELS
from affectmap.stats.baselines import RidgeMap
from affectmap.stats.metrics import adjusted_r2, uar
from affectmap.transfer.recipe import NEUTRAL, fit_transfer, gather
from affectmap.transfer.settings import Recipe

Floats = npt.NDArray[np.float64]

#: Utterances of a place or speaker that statistics are taken from.
HEARD = (1, 3, 10, 30)
#: Share of training utterances that lie nearer than what counts as unfamiliar.
FAMILIAR = 0.995


class Trained(NamedTuple):
    """An embedder of some corpora, heads fitted on its embedding of them, and their standardised functionals."""

    embedder: Embedder
    heads: Heads
    features: npt.NDArray[np.float32]


class Heard(NamedTuple):
    """What a model says about all utterances of a corpus under one way of standardising."""

    corpus: PreparedCorpus
    latent: Floats
    ratings: Floats
    scores: Floats
    distance: Floats


def train(sources: Sequence[PreparedCorpus], seed: int) -> Trained:
    """Train with the recipe; heads are fitted on corpora that are each standardised as a whole, by real ratings."""
    embedder = fit_transfer(sources, seed=seed)
    features = np.concatenate([fit_statistics(each.functionals).apply(each.functionals) for each in sources])
    label, emotion = (np.concatenate([getattr(each, name) for each in sources]) for name in ("label", "emotion"))
    latent = embedder.network_.embed(features)
    has_all = set(CLASSES) <= set(emotion)
    heads = fit_heads(latent, label, emotion) if has_all else fit_ratings(latent, label)
    return Trained(embedder, heads, features)


def max_distance(trained: Trained) -> float:
    """Distance within which nearly all training utterances lie."""
    return float(np.quantile(np.sqrt(np.mean(trained.features.astype(np.float64) ** 2, axis=1)), FAMILIAR))


def hear(trained: Trained, corpus: PreparedCorpus, features: npt.NDArray[np.float32]) -> Heard:
    """Apply a model to standardised features."""
    latent = trained.embedder.network_.embed(features).astype(np.float64)
    distance = np.sqrt(np.mean(features.astype(np.float64) ** 2, axis=1))
    return Heard(corpus, latent, trained.heads.ratings(latent), trained.heads.scores(latent), distance)


def adapted(trained: Trained, corpus: PreparedCorpus) -> Heard:
    """All of the corpus standardised by all of it, without labels, as ``Model.adapt`` does."""
    statistics, _ = adapted_statistics(_raw(corpus), trained.embedder.statistics_)
    return hear(trained, corpus, statistics.apply(corpus.functionals))


def alone(trained: Trained, corpus: PreparedCorpus) -> Heard:
    """Each utterance as if it were the only one: with the statistics of the source."""
    return hear(trained, corpus, trained.embedder.statistics_.apply(corpus.functionals))


def by_speaker(trained: Trained, corpus: PreparedCorpus) -> Heard:
    """Every speaker standardised by all of their own utterances, as ``Model.transform`` does."""
    raw, features = _raw(corpus), np.zeros(corpus.functionals.shape, dtype=np.float32)
    with warnings.catch_warnings(action="ignore"):
        statistics, which = speaker_statistics(raw, corpus.speaker, trained.embedder.statistics_)
    for number, each in enumerate(statistics):
        if (which == number).any():
            features[which == number] = each.apply(raw[which == number])
    return hear(trained, corpus, features)


def after(trained: Trained, corpus: PreparedCorpus, n: int, unit: str, prior: float, seed: int) -> Heard:
    """All of a speaker or place with the statistics of `n` of its utterances, drawn at random, these included."""
    place = np.full(len(corpus.table), corpus.name, dtype=object)
    groups, rng = (corpus.speaker if unit == "speaker" else place), np.random.default_rng(seed)
    functionals, source = _raw(corpus), trained.embedder.statistics_
    features = np.zeros(functionals.shape, dtype=np.float32)
    for group in dict.fromkeys(groups.tolist()):
        rows = np.flatnonzero(groups == group)
        own = functionals[rng.permutation(rows)[:n]]
        statistics = mixed_statistics(fit_statistics(own), source, len(own) / (len(own) + prior))
        features[rows] = statistics.apply(functionals[rows])
    return hear(trained, corpus, features)


def ways(trained: Trained, corpus: PreparedCorpus, seed: int) -> Iterator[tuple[str, Heard]]:
    """Every way of standardising that the table compares."""
    yield "one recording alone", alone(trained, corpus)
    for unit in ("place", "speaker"):
        for n in HEARD:
            yield f"{n} of the {unit}", after(trained, corpus, n, unit, PRIOR, seed)
        for n in (10, 30):
            yield f"{n} of the {unit}, no prior", after(trained, corpus, n, unit, 0, seed)
    yield "all of the speaker", by_speaker(trained, corpus)
    yield "all of the place", adapted(trained, corpus)


def ridge(sources: Sequence[PreparedCorpus], corpus: PreparedCorpus) -> Heard:
    """The line to beat: ridge regression on the very rows and labels of the recipe, adapted to all of the place."""
    material = gather(sources, Recipe())
    line = RidgeMap().fit(material.features, material.label + NEUTRAL)
    features = np.concatenate([fit_statistics(each.functionals).apply(each.functionals) for each in sources])
    label, emotion = (np.concatenate([getattr(each, name) for each in sources]) for name in ("label", "emotion"))
    heads = fit_heads(line.transform(features), label, emotion)
    own = fit_statistics(np.concatenate([each.functionals for each in sources]))
    statistics, _ = adapted_statistics(_raw(corpus), own)
    place = line.transform(statistics.apply(corpus.functionals))
    return Heard(corpus, place, heads.ratings(place), heads.scores(place), np.zeros(len(place)))


def quality(heard: Heard) -> dict[str, float]:
    """UAR of the classes that the corpus has, and how well embedding and ratings fit its labels."""
    corpus = heard.corpus
    classed = np.isin(corpus.emotion, CLASSES)
    present = [i for i, name in enumerate(CLASSES) if (corpus.emotion == name).any()]
    guess = np.array(CLASSES, dtype=object)[np.array(present)[heard.scores[:, present].argmax(axis=1)]]
    found = {"uar": uar(corpus.emotion[classed], guess[classed])}
    if not np.isfinite(corpus.label).any():
        return found
    for i, label in enumerate(LABELS):
        truth = corpus.label[:, i]
        found[f"r2_{label}"] = adjusted_r2(truth, heard.latent).adjusted_r2
        found[f"mae_{label}"] = float(np.nanmean(np.abs(truth - heard.ratings[:, i])))
    return found


def _raw(corpus: PreparedCorpus) -> Floats:
    return np.asarray(corpus.functionals, dtype=np.float64)
