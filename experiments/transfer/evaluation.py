"""Read the corpora, normalise them, and evaluate a map on a held-out corpus."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from sklearn.svm import SVC

from affectmap.corpora import CARDS, load_corpus
from affectmap.preparation.prepared_corpus import PreparedCorpus, prepare
from affectmap.preparation.standardisation import POLICIES, fit_statistics, standardise_target
from affectmap.schema import FOUR_CLASSES
from affectmap.stats.intervals import LeftOut, leave_out_sums
from affectmap.stats.left_out import adjusted_r2_left_out, pairwise_left_out
from affectmap.stats.measures import class_measures

Features = npt.NDArray[np.float32]
Floats = npt.NDArray[np.float64]
Embed = Callable[[Features], Floats]

RATED, CLASSED = ("emodb", "urdu", "aesdd"), ("ravdess", "emovo")
#: Corpora that took part in nothing: no setting was chosen on them, and nothing was trained on them. Classes only.
UNSEEN = ("turev-db", "casia")
#: Names for people.
TITLES = {name: CARDS[name].title for name in RATED}
TITLES |= {"ravdess": "RAVDESS", "emovo": "EMOVO", "turev-db": "TurEV-DB", "casia": "CASIA"}
QUANTITIES = ("uar", "r2_activation", "r2_valence")
#: By the corpus's card: by speaker where every speaker was recorded in all emotions, else by all of the corpus.
BY_CARD = "card"
#: Policies of a held-out corpus, with the normalisation of training data that goes with each.
NORMALISATION = dict.fromkeys(POLICIES, "corpus") | {"speaker": "speaker", BY_CARD: "speaker"}
#: Rows of the source that its linear classifier is fitted on, drawn evenly; more change no result's second digit.
CLASSIFIER_ROWS = 1500


def read(data: Path, tables: Sequence[str] = CLASSED) -> dict[str, PreparedCorpus]:
    """Read the corpora with ratings below `data`, and those that come as tables."""
    folder, labels = data / "corpora", data / "corpora" / "labels"
    corpora = {name: prepare(load_corpus(f"{name}={folder / name}", labels)) for name in RATED}
    for name in tables:
        corpora[name] = prepare(load_corpus(f"table:{name}={data / 'features' / name}.parquet"))
    return corpora


class Source(NamedTuple):
    """Rows that a classifier is fitted on: of corpora standardised as a whole, or by speaker as their cards allow."""

    features: Features
    emotion: npt.NDArray[np.object_]
    corpus: npt.NDArray[np.int64]


def source_rows(sources: Sequence[PreparedCorpus], normalisation: str) -> Source:
    """Standardise all rows of the sources that have one of the four classes."""
    parts = []
    for number, corpus in enumerate(sources):
        four = np.isin(corpus.emotion, FOUR_CLASSES)
        features = by_card(corpus) if normalisation == "speaker" else by_corpus(corpus)
        parts.append((features[four], corpus.emotion[four], np.full(four.sum(), number)))
    return Source(*(np.concatenate(values) for values in zip(*parts, strict=True)))


def by_corpus(corpus: PreparedCorpus) -> Features:
    """Standardise all rows of a corpus by the statistics of all of them."""
    return fit_statistics(corpus.functionals).apply(corpus.functionals)


def is_balanced(corpus: PreparedCorpus) -> bool:
    """Say whether everybody was recorded in all emotions, as the corpus's authors have it; no label is looked at.

    Corpora that come as tables have no card; all four of them are acted, each speaker in all emotions.
    """
    return corpus.corpus.card is None or corpus.corpus.card.balanced


def by_card(corpus: PreparedCorpus) -> Features:
    """Standardise all rows of a corpus by speaker if everybody was recorded in all emotions, else by all rows."""
    return corpus.standardised_by_speaker if is_balanced(corpus) else by_corpus(corpus)


def target_rows(
    sources: Sequence[PreparedCorpus], target: PreparedCorpus, policy: str, seed: int
) -> tuple[Features, npt.NDArray[np.bool_]]:
    """Standardise a target under a policy, without its labels; say which rows are evaluated."""
    if policy in ("speaker", BY_CARD):
        features = by_card(target) if policy == BY_CARD else target.standardised_by_speaker
        return features, np.ones(len(target.table), dtype=bool)
    pooled = fit_statistics(np.concatenate([each.functionals for each in sources])) if policy == "source" else None
    return standardise_target(target.functionals, policy, source=pooled, seed=seed)


class Scores(NamedTuple):
    """Results of one map on one target: the value of each quantity, and what it is without each speaker."""

    values: dict[str, float]
    left_out: dict[str, LeftOut]


def evaluate(
    embed: Embed, source: Source, target: PreparedCorpus, rows: tuple[Features, npt.NDArray[np.bool_]], pairs: bool
) -> Scores:
    """Score one map on one target; `pairs` adds the 3-class UAR and pairwise R², which only claims need."""
    features, evaluated = rows
    latent = np.asarray(embed(features), dtype=np.float64)[evaluated]
    emotion, label, speaker = target.emotion[evaluated], target.label[evaluated], target.speaker[evaluated]
    source_latent = np.asarray(embed(source.features), dtype=np.float64)
    truth, guess, who = _classified(source_latent, source.emotion, latent, emotion, speaker, FOUR_CLASSES)
    found = {"uar": _uar(truth, guess, who, target.name)}
    few = latent if latent.shape[1] <= 16 else None
    for i, name in enumerate(("activation", "valence")):
        rated = np.isfinite(label[:, i])
        if few is None or not rated.any():
            continue
        embedded, rating, of = few[rated], label[rated, i], speaker[rated]
        found[f"r2_{name}"] = adjusted_r2_left_out(rating, embedded, of, target.name)
        if pairs:
            found[f"pairwise_{name}"] = pairwise_left_out(embedded, rating, of, target.name)
    if pairs:
        three = tuple(emotion for emotion in FOUR_CLASSES if emotion != "happy")
        truth, guess, who = _classified(source_latent, source.emotion, latent, emotion, speaker, three)
        found["uar_3"] = _uar(truth, guess, who, target.name)
    return Scores(dict.fromkeys(QUANTITIES, np.nan) | {name: each.value for name, each in found.items()}, found)


def _uar(
    truth: npt.NDArray[np.str_], guess: npt.NDArray[np.str_], speaker: npt.NDArray[np.object_], corpus: str
) -> LeftOut:
    measure = class_measures(truth, guess, sorted(set(truth)))["uar"]
    return leave_out_sums(measure.sums, measure.quantity, speaker, corpus)


def _classified(
    source_latent: Floats,
    source_emotion: npt.NDArray[np.object_],
    latent: Floats,
    emotion: npt.NDArray[np.object_],
    speaker: npt.NDArray[np.object_],
    classes: Sequence[str],
) -> tuple[npt.NDArray[np.str_], npt.NDArray[np.str_], npt.NDArray[np.object_]]:
    shared = [name for name in classes if (emotion == name).any() and (source_emotion == name).any()]
    train, test = np.flatnonzero(np.isin(source_emotion, shared)), np.isin(emotion, shared)
    if len(train) > CLASSIFIER_ROWS:
        train = np.random.default_rng(0).permutation(train)[:CLASSIFIER_ROWS]
    classifier = SVC(kernel="linear", C=1.0 if source_latent.shape[1] <= 16 else 0.01, class_weight="balanced")
    classifier.fit(source_latent[train], source_emotion[train].astype(str))
    return emotion[test].astype(str), classifier.predict(latent[test]), speaker[test]
