"""What a model has to beat on a corpus: the mean rating, and linear models that learn the corpus itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from affectmap.extras import installed
from affectmap.preparation.standardisation import fit_statistics
from affectmap.schema import LABEL_RANGE, LABELS, Features, Floats, Objects
from affectmap.stats.measures import ratio
from affectmap.text import counted

if TYPE_CHECKING:
    from affectmap.evaluation.predictions import Predictions

MEAN_RATING, CHANCE, WITHIN = "mean rating", "chance", "within-corpus, held-out speakers"
#: Speakers below which nothing is learnt from the others.
FEWEST_SPEAKERS = 3
#: Folds of speakers, where there are as many, and penalties, those of the baselines of ``affectmap reproduce``.
N_FOLDS, RIDGE_PENALTY, SVC_C = 5, 300.0, 0.1
#: Utterances that a classifier is fitted on at most, some seconds' work; of more, so many drawn at random.
MOST_FITTED = 4000


def mean_ratings(label: Floats, speaker: Objects | None) -> Floats:
    """Predict each rating by the mean rating of the other speakers (N, L); where there are none, by that of all.

    Example:
        >>> mean_ratings(np.array([[1.0], [2.0], [4.0]]), np.array(["a", "a", "b"])).ravel().tolist()
        [4.0, 4.0, 1.5]
    """
    known = np.isfinite(label)
    total, n = np.where(known, label, 0.0).sum(axis=0), known.sum(axis=0)
    prediction = np.tile(ratio(total, n), (len(label), 1))
    for name in dict.fromkeys(() if speaker is None else speaker.tolist()):
        own = speaker == name
        others = n - known[own].sum(axis=0)
        rest = ratio(total - np.where(known[own], label[own], 0.0).sum(axis=0), others)
        prediction[own] = np.where(others > 0, rest, prediction[own])
    return prediction


def within_corpus(
    predictions: Predictions, choices: Mapping[str, tuple[str, ...]], seed: int = 0
) -> tuple[Floats, dict[str, Objects], str]:
    """Predict every utterance by linear models of the same features, fitted on other speakers of the corpus.

    Ridge regression for ratings and a linear support vector machine for classes, as the baselines of
    ``affectmap reproduce``. Features are standardised by each speaker where the model was adapted to speakers, and
    otherwise by the speakers that are fitted on.

    Args:
        predictions: What the model predicted of the corpus.
        choices: Classes to tell apart, by name.
        seed: Seed of the folds.

    Returns:
        Ratings (N, 2), ``NaN`` where nothing could be fitted; classes (N,) by choice, ``None`` where none; and why
        there is nothing, or empty.
    """
    ratings = np.full((len(predictions.utterances), len(LABELS)), np.nan)
    classes = {name: np.full(len(ratings), None, dtype=object) for name in choices}
    if why := _why_not(predictions):
        return ratings, classes, why
    from affectmap.preparation.folds import folds_of_rows
    from affectmap.stats.baselines import RidgeMap
    from affectmap.stats.scores import linear_svc

    table, speaker = predictions.utterances, np.asarray(predictions.speaker)
    emotion, label = table["emotion"].to_numpy(dtype=object), table[list(LABELS)].to_numpy(dtype=np.float64)
    folds = folds_of_rows(speaker, emotion, np.arange(len(table)), N_FOLDS, seed)
    if not folds:
        return ratings, classes, "utterances are too few for folds of speakers"
    for fold in folds:
        train, test = fold.train, fold.test
        values = _standardised(predictions, train)
        for column in range(len(LABELS)):
            rated = train[np.isfinite(label[train, column])]
            if len(rated):
                ridge = RidgeMap(RIDGE_PENALTY).fit(values[rated], label[rated, column])
                ratings[test, column] = ridge.transform(values[test])[:, 0].clip(*LABEL_RANGE)
        for name, each in choices.items():
            among = train[np.isin(emotion[train], each)]
            if len(among) > MOST_FITTED:
                among = np.sort(np.random.default_rng(seed).choice(among, MOST_FITTED, replace=False))
            if len(set(emotion[among])) > 1:
                model = linear_svc(SVC_C).fit(values[among], emotion[among].astype(str))
                classes[name][test] = model.predict(values[test]).astype(object)
    return ratings, classes, ""


def _why_not(predictions: Predictions) -> str:
    speaker = predictions.speaker
    if speaker is None:
        return "not all speakers are known"
    if len(set(speaker)) < FEWEST_SPEAKERS:
        return f"there {'is' if len(set(speaker)) == 1 else 'are'} {counted(len(set(speaker)), 'speaker')}"
    return "" if installed("sklearn") else 'it needs scikit-learn: pip install "affectmap[statistics]"'


def _standardised(predictions: Predictions, train: np.ndarray) -> Features:
    features = predictions.features
    if predictions.utterances["reading"].iloc[0] != "speaker":
        return fit_statistics(features[train]).apply(features)
    from affectmap.preparation.standardisation import standardise_target

    return standardise_target(features, "speaker", speaker=predictions.speaker)[0]
