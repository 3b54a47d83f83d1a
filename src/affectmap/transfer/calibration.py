"""What ``affectmap train`` adds to a network, from its own corpora: heads, intervals, thresholds, and the card.

Conventions:
    * Heads are fitted on corpora that are each standardised as a whole, on real ratings and classes.
    * What is measured about an utterance comes from a model that was trained without it: without its corpus where two
      corpora or more have ratings, otherwise without its speaker.
    * A *normalisation* says whose statistics standardise the evaluated utterances; a *policy* of a model's intervals
      takes its width from one or two of them.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from affectmap.errors import ConfigError
from affectmap.model.heads import Calibration, Heads, fit_heads, largest_half_width, with_temperature
from affectmap.model.model import Model
from affectmap.preparation.folds import most_speaker_folds, speaker_folds
from affectmap.preparation.prepared_corpus import PreparedCorpus
from affectmap.preparation.standardisation import (
    ENOUGH,
    PRIOR,
    Statistics,
    adapted_statistics,
    fit_statistics,
    mixed_statistics,
    speaker_statistics,
)
from affectmap.schema import LABELS, Floats

#: Share of training utterances that are nearer than what counts as unfamiliar.
FAMILIAR = 0.995
#: Probability that intervals are meant for.
LEVEL = 0.9
#: Folds of speakers where a single corpus has ratings.
N_FOLDS = 5

#: Trains a model on some corpora.
Train = Callable[[Sequence[PreparedCorpus]], Model]


class Evaluated(NamedTuple):
    """What a model predicts of all utterances of a corpus under one normalisation: N rows each."""

    corpus: PreparedCorpus
    latent: Floats
    ratings: Floats
    scores: Floats
    distance: Floats


def evaluate(model: Model, corpus: PreparedCorpus, statistics: Sequence[Statistics], which: npt.ArrayLike) -> Evaluated:
    """Run a model with several statistics; `which` says which of them standardises each row (N,)."""
    latent, distance = np.empty((len(corpus.table), model.layers[-1][0].shape[1])), np.empty(len(corpus.table))
    for number, each in enumerate(statistics):
        rows = np.flatnonzero(np.asarray(which) == number)
        latent[rows], distance[rows] = model.embedding(corpus.functionals[rows], each)
    ratings = np.full((len(latent), len(LABELS)), np.nan)
    ratings[:, [LABELS.index(label) for label in model.heads.labels]] = model.heads.ratings(latent)
    return Evaluated(corpus, latent, ratings, model.heads.scores(latent), distance)


def alone(model: Model, corpus: PreparedCorpus) -> Evaluated:
    """Standardise each utterance as if it were the only one: with the model's own statistics."""
    return evaluate(model, corpus, [model.statistics], np.zeros(len(corpus.table)))


def adapted(model: Model, corpus: PreparedCorpus) -> Evaluated:
    """Standardise the corpus by all of it, without labels, as ``Model.adapt`` does."""
    statistics, _ = adapted_statistics(corpus.functionals.astype(np.float64), model.statistics)
    return evaluate(model, corpus, [statistics], np.zeros(len(corpus.table)))


def by_speaker(model: Model, corpus: PreparedCorpus) -> Evaluated:
    """Standardise every speaker by all of their own utterances, as ``Model.transform`` does."""
    with warnings.catch_warnings(action="ignore"):
        found = speaker_statistics(corpus.functionals.astype(np.float64), corpus.speaker, model.statistics)
    return evaluate(model, corpus, *found)


def after(model: Model, corpus: PreparedCorpus, n: int, unit: str, prior: float, seed: int) -> Evaluated:
    """Standardise with `n` utterances of the corpus or each speaker (`unit`), drawn at random, beside a prior."""
    whole = np.full(len(corpus.table), corpus.name, dtype=object)
    groups, rng = (corpus.speaker if unit == "speaker" else whole), np.random.default_rng(seed)
    statistics, which = [], np.zeros(len(groups), dtype=np.int64)
    for number, group in enumerate(dict.fromkeys(groups.tolist())):
        rows = np.flatnonzero(groups == group)
        own = corpus.functionals[rng.permutation(rows)[:n]]
        which[rows] = number
        statistics.append(mixed_statistics(fit_statistics(own), model.statistics, len(own) / (len(own) + prior)))
    return evaluate(model, corpus, statistics, which)


#: Normalisations that the width of each policy's intervals comes from.
MEASURED: dict[str, tuple[Callable[[Model, PreparedCorpus], Evaluated], ...]] = {
    "source": (alone,),
    "adapted": (partial(after, n=ENOUGH, unit="corpus", prior=PRIOR, seed=0), adapted),
    "speaker": (by_speaker,),
}


def with_own_heads(model: Model, corpora: Sequence[PreparedCorpus]) -> Model:
    """Fit the heads of a model on the corpora that it was trained on.

    Args:
        model: The model; heads that it has are replaced.
        corpora: Each is standardised as a whole.

    Returns:
        The model with heads for the ratings and classes that have enough utterances.
    """
    latent = np.concatenate(
        [model.embedding(each.functionals, fit_statistics(each.functionals))[0] for each in corpora]
    )
    label, emotion = (np.concatenate([getattr(each, name) for each in corpora]) for name in ("label", "emotion"))
    heads = fit_heads(latent, label, emotion)
    return model.with_heads(heads, Calibration(LEVEL, {}, max_distance(corpora)))


def max_distance(corpora: Sequence[PreparedCorpus]) -> float:
    """Give the distance within which nearly all utterances of corpora are that are standardised as a whole."""
    squares = [
        np.mean(fit_statistics(c.functionals).apply(c.functionals).astype(np.float64) ** 2, axis=1) for c in corpora
    ]
    return float(np.quantile(np.sqrt(np.concatenate(squares)), FAMILIAR))


def train_calibrated(
    train: Train,
    corpora: Sequence[PreparedCorpus],
    *,
    seed: int = 0,
    notify: Callable[[str], None] = lambda line: None,
) -> Model:
    """Train a model on all corpora, fit its heads, and measure on held-out utterances how far they can be trusted.

    Args:
        train: Trains on the corpora that it gets; called once for all, and once for every part that is held out.
        corpora: What to train on; some may have classes alone.
        seed: Seed of the folds of speakers.
        notify: Takes one line for people at a time.

    Returns:
        The model with heads, and with intervals and a temperature where they could be measured. ``calibration`` among
        the metadata of its training says how.
    """
    model = with_own_heads(train(corpora), corpora)
    if not model.heads.labels and not model.heads.classes:
        notify("note: no heads: the sources have neither ratings nor classes enough")
        return model.described(training={"calibration": "no head could be fitted"})
    parts, how = held_out_parts(corpora, model.heads, seed)
    if not parts:
        notify(f"note: no intervals: {how}")
        return model.described(training={"calibration": f"nothing was measured: {how}"})
    notify(f"measuring on {how}: {len(parts)} more trainings")
    try:
        evaluations = [(with_own_heads(train(rest), rest), held) for rest, held in parts]
    except ConfigError as error:
        notify(f"note: no intervals: a part of the sources cannot be trained on ({error})")
        return model.described(
            training={"calibration": "nothing was measured: a part of the sources cannot be trained on"}
        )
    groups_are_corpora = len({held.name for _, held in evaluations}) > 1
    widths = largest_half_widths(evaluations, model.heads.labels, groups_are_corpora)
    heads = _tempered(model.heads, evaluations, notify)
    calibration = Calibration(LEVEL, widths, float(model.metadata["flags"]["max_distance"]))
    return model.with_heads(heads, calibration).described(training={"calibration": f"measured on {how}"})


def held_out_parts(
    corpora: Sequence[PreparedCorpus], heads: Heads, seed: int
) -> tuple[list[tuple[list[PreparedCorpus], PreparedCorpus]], str]:
    """Give pairs of corpora to train on and one to evaluate, and say what is held out, or why nothing can be."""
    columns = [LABELS.index(label) for label in heads.labels]
    has_truth = (
        (lambda each: np.isfinite(each.label[:, columns]).all(axis=1).any())
        if columns
        else (lambda each: np.isin(each.emotion, heads.classes).any())
    )
    known = [each for each in corpora if has_truth(each)]
    if len(known) > 1:
        names = ", ".join(each.name for each in known)
        return [([c for c in corpora if c is not each], each) for each in known], f"held-out corpora ({names})"
    (only,) = known
    n_folds = most_speaker_folds(only.speaker, only.emotion, N_FOLDS) if only.has_speakers else 0
    if n_folds < 2:
        return [], f"{only.name} has no two speakers to hold out"
    parts = []
    for fold in speaker_folds(only.speaker, only.emotion, n_folds, seed):
        rest = [_rows_of(each, fold.train) if each is only else each for each in corpora]
        parts.append((rest, _rows_of(only, fold.test)))
    return parts, f"held-out speakers of {only.name} ({n_folds} folds)"


def _rows_of(corpus: PreparedCorpus, rows: npt.NDArray[np.int64]) -> PreparedCorpus:
    return replace(corpus, table=corpus.table.iloc[rows], functionals=corpus.functionals[rows])


def largest_half_widths(
    evaluations: Sequence[tuple[Model, PreparedCorpus]], labels: Sequence[str], groups_are_corpora: bool
) -> dict[str, dict[str, float]]:
    """Give half the widths by policy and label: of the corpus and normalisation where they are largest."""
    widths: dict[str, dict[str, float]] = {}
    for policy, normalisations in MEASURED.items() if labels else ():
        if policy == "speaker" and not all(held.has_speakers for _, held in evaluations):
            continue
        residuals = []
        for normalisation in normalisations:
            found = [held.label - normalisation(model, held).ratings for model, held in evaluations]
            residuals += found if groups_are_corpora else [np.concatenate(found)]
        widths[policy] = {
            label: largest_half_width([each[:, LABELS.index(label)] for each in residuals], LEVEL) for label in labels
        }
    return widths


def _tempered(
    heads: Heads, evaluations: Sequence[tuple[Model, PreparedCorpus]], notify: Callable[[str], None]
) -> Heads:
    """Give the heads the temperature that held-out scores ask for, where the same classes were fitted."""
    found = [
        normalisation(model, held)
        for model, held in evaluations
        for normalisation in (alone, adapted)
        if model.heads.classes == heads.classes and np.isin(held.emotion, heads.classes).any()
    ]
    if not heads.classes or not found:
        return heads
    scores, emotions = (
        np.concatenate(each) for each in zip(*((e.scores, e.corpus.emotion) for e in found), strict=True)
    )
    with warnings.catch_warnings(record=True) as notes:
        warnings.simplefilter("always")
        tempered = with_temperature(heads, scores, emotions)
    for note in notes:
        notify(f"note: {note.message}")
    return tempered


#: What a policy of intervals is called on a card.
_POLICIES = {
    "source": "as trained",
    "adapted": "adapted to 30 utterances of a corpus or more",
    "speaker": "each speaker by themselves",
}


def with_card(model: Model, corpora: Sequence[PreparedCorpus], name: str) -> Model:
    """Give a model its name, its card and what is known of its corpora.

    Args:
        model: As `train_calibrated` gives it.
        corpora: What it was trained on.
        name: Name of the model.

    Returns:
        The model with a card and, among the metadata of its training, ``corpora``, ``languages`` and ``n_utterances``.
    """
    languages = list(dict.fromkeys(language for corpus in corpora for language in _languages(corpus)))
    n_utterances = sum(len(corpus.table) for corpus in corpora)
    titles = [corpus.title for corpus in corpora]
    named = model.described(
        name=name, training={"corpora": titles, "languages": languages, "n_utterances": n_utterances}
    )
    parts = [
        f"# {name}",
        f"{_purpose(named)} Written by `affectmap train`.",
        "## Intended use",
        "Research on groups of recordings. **Not** for diagnosis or treatment, not for decisions about a person, not "
        "for surveillance. It says how a voice sounds to those who rated the corpora below; it does not tell what "
        "anybody feels.",
        "## Trained on",
        "\n".join(_corpus_line(corpus) for corpus in corpora),
        _method(named),
        "## What was measured",
        "\n".join(f"- {line}" for line in _measured(named)),
        "## Limits",
        "- Nothing is known about other languages, recording conditions, ages or ways of speaking than those of the "
        "corpora above.\n- The level of the values depends on microphone, room and voice: compare recordings of one "
        "recording condition, or adapt the model with `affectmap adapt`.\n- Terms of the corpora may reach models that "
        f"were learned from them; see each corpus.{_engine_terms(named)}",
    ]
    return named.described(card="\n\n".join(parts) + "\n")


def _engine_terms(model: Model) -> str:
    if model.metadata.get("measured", {}).get("engine") != "opensmile":
        return ""
    return " openSMILE, which measures functionals, is free for research and education only."


def _languages(corpus: PreparedCorpus) -> Sequence[str]:
    if corpus.corpus.card:
        return corpus.corpus.card.languages
    return sorted({str(each) for each in corpus.table["language"].dropna()})


def _purpose(model: Model) -> str:
    heads = model.heads
    what = [f"an embedding of {len(model.metadata['outputs']['embedding'])} dimensions", *heads.labels]
    what += [f"probabilities of {', '.join(heads.classes)}"] if heads.classes else []
    return f"Predicts {'; '.join(what)} from {model.input_text}."


def _corpus_line(corpus: PreparedCorpus) -> str:
    card, languages = corpus.corpus.card, "/".join(_languages(corpus))
    about = [languages] if languages else []
    about += [f"licence: {card.licence}"] if card else []
    n_rated = int(np.isfinite(corpus.label).any(axis=1).sum())
    known = f" ({'; '.join(about)})" if about else ""
    cite = f" {card.citation}." if card else ""
    return f"- {corpus.title}{known}: {len(corpus.table)} utterances, {n_rated} of them rated.{cite}"


def _method(model: Model) -> str:
    training = model.metadata["training"]
    if training.get("recipe"):
        return (
            "Trained by the recipe of `affectmap.transfer.recipe` for unseen corpora; settings are in `model.yaml`. "
            "The embedding is in points from the middle of the scale, activation first."
        )
    labels = " and ".join(training["labels"]) or "no labels"
    return f"Trained by the method of Das et al. 2022 with {labels}; settings are in `model.yaml`."


def _measured(model: Model) -> list[str]:
    metadata, lines = model.metadata, []
    lines.append(f"How: {metadata['training'].get('calibration', 'nothing was measured')}.")
    intervals = metadata.get("intervals")
    if intervals:
        lines.append(
            f"Intervals are meant for {100 * intervals['level']:g} % of the ratings. They are split-conformal: the "
            "order statistic of errors on held-out utterances, the largest where several corpora were held out. "
            "Nothing is promised for another corpus."
        )
        for policy, text in _POLICIES.items():
            widths = ", ".join(f"{label} ±{width:.2f}" for label, width in intervals.get(policy, {}).items())
            lines += [f"Half widths, {text}: {widths}."] if widths else []
    elif model.heads.labels:
        lines.append("Ratings have no intervals.")
    if model.heads.classes:
        lines.append(
            f"Probabilities take all classes as equally frequent; temperature {model.heads.temperature:.2f} (1 where "
            "it could not be measured). They are a rough order."
        )
    limit = metadata["flags"]["max_distance"]
    return [*lines, f"`unfamiliar` marks what is further off than 99.5 % of the training utterances ({limit:.2f})."]
