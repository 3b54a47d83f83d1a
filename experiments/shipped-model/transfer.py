"""Leave-one-corpus-out: what a model of the other corpora predicts of an unseen one, under every normalisation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from affectmap.model.heads import CLASSES, fit_heads
from affectmap.model.model import Model
from affectmap.preparation.prepared_corpus import PreparedCorpus
from affectmap.preparation.standardisation import PRIOR, adapted_statistics, fit_statistics
from affectmap.schema import LABELS
from affectmap.stats.baselines import RidgeMap
from affectmap.stats.metrics import adjusted_r2, uar
from affectmap.transfer.calibration import Evaluated, adapted, after, alone, by_speaker, with_own_heads
from affectmap.transfer.recipe import NEUTRAL, fit_transfer, gather
from affectmap.transfer.settings import Recipe

#: Utterances of a corpus or speaker that statistics are taken from.
N_UTTERANCES = (1, 3, 10, 30)


def train(sources: Sequence[PreparedCorpus], seed: int) -> Model:
    """Train with the recipe; heads are fitted on corpora that are each standardised as a whole, by real ratings."""
    return with_own_heads(fit_transfer(sources, seed=seed).model_, sources)


def max_distance(model: Model) -> float:
    """Distance within which nearly all training utterances are."""
    return float(model.metadata["flags"]["max_distance"])


def normalisations(model: Model, corpus: PreparedCorpus, seed: int) -> Iterator[tuple[str, Evaluated]]:
    """Give every normalisation that the table compares."""
    yield "one recording alone", alone(model, corpus)
    for unit in ("corpus", "speaker"):
        for n in N_UTTERANCES:
            yield f"{n} of the {unit}", after(model, corpus, n, unit, PRIOR, seed)
        for n in (10, 30):
            yield f"{n} of the {unit}, no prior", after(model, corpus, n, unit, 0, seed)
    yield "all of the speaker", by_speaker(model, corpus)
    yield "all of the corpus", adapted(model, corpus)


def ridge(sources: Sequence[PreparedCorpus], corpus: PreparedCorpus) -> Evaluated:
    """The line to beat: ridge regression on the very rows and labels of the recipe, adapted to all of the corpus."""
    material = gather(sources, Recipe())
    line = RidgeMap().fit(material.features, material.label + NEUTRAL)
    features = np.concatenate([fit_statistics(each.functionals).apply(each.functionals) for each in sources])
    label, emotion = (np.concatenate([getattr(each, name) for each in sources]) for name in ("label", "emotion"))
    heads = fit_heads(line.transform(features), label, emotion)
    own = fit_statistics(np.concatenate([each.functionals for each in sources]))
    statistics, _ = adapted_statistics(corpus.functionals.astype(np.float64), own)
    latent = line.transform(statistics.apply(corpus.functionals))
    return Evaluated(corpus, latent, heads.ratings(latent), heads.scores(latent), np.zeros(len(latent)))


def quality(evaluated: Evaluated) -> dict[str, float]:
    """UAR of the classes that the corpus has, and how well embedding and ratings fit its labels."""
    corpus = evaluated.corpus
    classed = np.isin(corpus.emotion, CLASSES)
    present = [i for i, name in enumerate(CLASSES) if (corpus.emotion == name).any()]
    guess = np.array(CLASSES, dtype=object)[np.array(present)[evaluated.scores[:, present].argmax(axis=1)]]
    found = {"uar": uar(corpus.emotion[classed], guess[classed])}
    if not np.isfinite(corpus.label).any():
        return found
    for i, label in enumerate(LABELS):
        truth = corpus.label[:, i]
        found[f"r2_{label}"] = adjusted_r2(truth, evaluated.latent).adjusted_r2
        found[f"mae_{label}"] = float(np.nanmean(np.abs(truth - evaluated.ratings[:, i])))
    return found
