"""The card of a trained model, from what is known: what it learned from, how, and what was measured."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from affectmap.model.model import Model
from affectmap.preparation.prepared_corpus import PreparedCorpus

_POLICIES = {
    "source": "as trained",
    "adapted": "adapted to 30 utterances of a corpus or more",
    "speaker": "each speaker by themselves",
}


def with_card(model: Model, corpora: Sequence[PreparedCorpus], name: str) -> Model:
    """Give a model its name, its card and what is known of its corpora.

    Args:
        model: As `affectmap.transfer.calibration.train_calibrated` gives it.
        corpora: What it was trained on.
        name: Of the model.

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
        "were learned from them; see each corpus. openSMILE, which measures functionals, is free for research and "
        "education only.",
    ]
    return named.described(card="\n\n".join(parts) + "\n")


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
