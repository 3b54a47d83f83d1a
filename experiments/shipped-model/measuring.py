"""What is measured of a model that is to be shipped, by models of the same kind that were trained without a corpus."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
import pandas as pd
from elsewhere import elsewhere_table
from nested_coverage import nested_coverage
from sounds import flags_table, sounds_table
from training_corpora import CORPORA, Material

from affectmap.model.heads import CLASSES, Calibration, Heads, with_temperature
from affectmap.model.model import Model
from affectmap.preparation.prepared_corpus import PreparedCorpus
from affectmap.preparation.standardisation import PRIOR
from affectmap.schema import LABELS
from affectmap.stats.measures import calibration_error
from affectmap.transfer.calibration import (
    LEVEL,
    Evaluated,
    adapted,
    after,
    alone,
    by_speaker,
    largest_half_widths,
)
from transfer import max_distance, normalisations, quality

POLICIES = {"source": alone, "adapted": adapted}
SEED = 0
#: Normalisations that intervals are tried with.
COVERED = {
    "one recording alone": alone,
    **{f"{n} of the corpus": partial(after, n=n, unit="corpus", prior=PRIOR, seed=SEED) for n in (1, 10, 30)},
    "all of the corpus": adapted,
    **{f"{n} of the speaker": partial(after, n=n, unit="speaker", prior=PRIOR, seed=SEED) for n in (1, 10)},
    "all of the speaker": by_speaker,
}
#: Normalisations that the widths of a policy come from.
MEASURED = {
    "source": ("one recording alone",),
    "adapted": ("30 of the corpus", "all of the corpus"),
    "speaker": ("all of the speaker",),
}
#: Normalisations that the width of one comes from, as affectmap.model.model takes them.
WIDTH_FROM = {
    "one recording alone": MEASURED["source"],
    **dict.fromkeys(("1 of the corpus", "10 of the corpus"), MEASURED["source"] + MEASURED["adapted"]),
    **dict.fromkeys(("30 of the corpus", "all of the corpus"), MEASURED["adapted"]),
    **dict.fromkeys(
        ("1 of the speaker", "10 of the speaker", "all of the speaker"), MEASURED["source"] + MEASURED["speaker"]
    ),
}


class Kind(NamedTuple):
    """What is to be shipped.

    Attributes:
        train: Trains a model, heads included, on some corpora with a seed.
        others: Gives other models of the same sources, for comparison: their names, and what they predict of a corpus.
    """

    train: Callable[[Sequence[PreparedCorpus], int], Model]
    others: Callable[[Sequence[PreparedCorpus], PreparedCorpus], Iterable[tuple[str, Evaluated]]]


def compare_normalisations(kind: Kind, material: Material, n_seeds: int) -> pd.DataFrame:
    """Score every normalisation on each rated corpus by a model that was trained on the other four."""
    rows = []
    for seed in range(n_seeds):
        for corpus in material.rated.values():
            sources = [each for each in material.corpora.values() if each is not corpus]
            found = [*normalisations(kind.train(sources, seed), corpus, seed), *kind.others(sources, corpus)]
            rows += [
                {"normalisation": name, "corpus": corpus.name, "seed": seed, **quality(evaluated)}
                for name, evaluated in found
            ]
    return pd.DataFrame(rows)


class HeldOut:
    """Predictions on every rated corpus by models of others, and of those with classes alone; each trained once."""

    def __init__(self, kind: Kind, material: Material) -> None:
        self.corpora, self._classed, self._train = material.rated, tuple(material.classed.values()), kind.train
        self._trained: dict[tuple[str, ...], Model] = {}

    def evaluated(self, sources: tuple[str, ...], target: str, normalisation: str) -> Evaluated:
        """What a model of `sources` says about `target`; `normalisation` is one of POLICIES or COVERED."""
        if sources not in self._trained:
            self._trained[sources] = self._train([*(self.corpora[name] for name in sources), *self._classed], SEED)
        return (POLICIES | COVERED)[normalisation](self._trained[sources], self.corpora[target])

    def others(self, target: str) -> tuple[str, ...]:
        """Give all rated corpora but one."""
        return tuple(name for name in self.corpora if name != target)

    def trained_on(self, sources: tuple[str, ...]) -> Model:
        """Give the model of some corpora."""
        self.evaluated(sources, sources[0], "source")
        return self._trained[sources]


def coverage_table(held_out: HeldOut) -> pd.DataFrame:
    """Say how often the intervals of models that were trained without a corpus contain its ratings."""
    labels = {name: corpus.label for name, corpus in held_out.corpora.items()}
    return nested_coverage(lambda *which: held_out.evaluated(*which).ratings, labels, WIDTH_FROM, LEVEL)


def half_widths(held_out: HeldOut) -> dict[str, dict[str, float]]:
    """Half the widths by policy and label, from leave-one-corpus-out residuals on the corpus where they are largest."""
    names = held_out.corpora
    return largest_half_widths(
        [(held_out.trained_on(held_out.others(name)), names[name]) for name in names], LABELS, True
    )


def temperature_table(held_out: HeldOut) -> pd.DataFrame:
    """Calibration error on an unseen corpus, without a temperature and with two that did not see its labels.

    ``strict``: from models of one of the other rated corpora, and those with classes alone, on the rest of them, where
    the reported corpus played no part at all. ``others``: from the leave-one-corpus-out scores on the other corpora, as
    the shipped temperature is; the models that gave these scores had the reported corpus in training.
    """
    rows = []
    for corpus in held_out.corpora:
        others = held_out.others(corpus)
        strict = [((name,), rest) for name in others for rest in others if rest != name]
        plain = held_out.trained_on(others).heads
        variants = {
            "before": plain,
            "strict": tempered(held_out, plain, strict),
            "others": tempered(held_out, plain, [(held_out.others(name), name) for name in others]),
        }
        for policy in POLICIES:
            evaluated = held_out.evaluated(others, corpus, policy)
            row: dict[str, object] = {"corpus": corpus, "policy": policy}
            for name, heads in variants.items():
                probabilities = heads.probabilities(evaluated.latent)
                row[f"temperature_{name}"] = heads.temperature
                row[f"ece_{name}"] = calibration_error(evaluated.corpus.emotion, probabilities, CLASSES).value
            rows.append(row)
    return pd.DataFrame(rows)


def tempered(held_out: HeldOut, heads: Heads, pairs: Sequence[tuple[tuple[str, ...], str]]) -> Heads:
    evaluated = [held_out.evaluated(sources, target, policy) for sources, target in pairs for policy in POLICIES]
    scores, emotions = zip(*((each.scores, each.corpus.emotion) for each in evaluated), strict=True)
    return with_temperature(heads, np.concatenate(scores), np.concatenate(emotions))


def breakdown_table(held_out: HeldOut) -> pd.DataFrame:
    """Errors on unseen corpora, by sex of the speaker and by emotion."""
    rows = []
    for policy in POLICIES:
        for name, corpus in held_out.corpora.items():
            evaluated = held_out.evaluated(held_out.others(name), name, policy)
            groups = [("all", "all", np.ones(len(corpus.table), dtype=bool))]
            for column in ("sex", "emotion"):
                values = corpus.table[column].to_numpy(dtype=object)
                groups += [(column, v, values == v) for v in sorted({v for v in values if v is not None})]
            for column, value, mask in groups:
                rows.append(
                    {"policy": policy, "corpus": name, "group": column, "value": value, **_errors(evaluated, mask)}
                )
    return pd.DataFrame(rows)


def _errors(evaluated: Evaluated, mask: np.ndarray) -> dict[str, float]:
    corpus = evaluated.corpus
    present = [i for i, name in enumerate(CLASSES) if (corpus.emotion == name).any()]
    guess = np.array(CLASSES, dtype=object)[np.array(present)[evaluated.scores[:, present].argmax(axis=1)]]
    classed = mask & np.isin(corpus.emotion, CLASSES)
    found: dict[str, float] = {"n": int(mask.sum())}
    for i, label in enumerate(LABELS):
        difference = evaluated.ratings[mask, i] - corpus.label[mask, i]
        found |= {f"mae_{label}": float(np.nanmean(np.abs(difference))), f"bias_{label}": float(np.nanmean(difference))}
    recalls = [(guess == e)[classed & (corpus.emotion == e)] for e in set(corpus.emotion[classed])]
    found["recall"] = float(np.mean([each.mean() for each in recalls])) if recalls else float("nan")
    return found


def unfamiliar_table(held_out: HeldOut) -> pd.DataFrame:
    """Share of an unseen corpus that counts as unfamiliar."""
    rows = []
    for name in held_out.corpora:
        limit = max_distance(held_out.trained_on(held_out.others(name)))
        shares = {
            p: float((held_out.evaluated(held_out.others(name), name, p).distance > limit).mean()) for p in POLICIES
        }
        rows.append({"corpus": name, **shares})
    return pd.DataFrame(rows)


def calibrated(kind: Kind, material: Material, name: str, method: str) -> tuple[Model, dict[str, pd.DataFrame]]:
    """Calibrate the model of all corpora on leave-one-corpus-out predictions.

    Args:
        kind: The model.
        material: What it is trained on.
        name: Its name.
        method: What trains it, for ``model.yaml``.

    Returns:
        The model, without a card, and what was measured: every table but that of normalisations.
    """
    held_out = HeldOut(kind, material)
    tables = {
        "coverage": coverage_table(held_out).round(4),
        "temperature": temperature_table(held_out),
        "breakdown": breakdown_table(held_out),
        "unfamiliar": unfamiliar_table(held_out),
        "elsewhere": elsewhere_table(material, kind.train, SEED),
    }
    names, cards = tuple(held_out.corpora), list(CORPORA.values())
    trained = held_out.trained_on(names)
    heads = tempered(held_out, trained.heads, [(held_out.others(name), name) for name in names])
    calibration = Calibration(LEVEL, half_widths(held_out), max_distance(trained))
    model = trained.with_heads(heads, calibration).described(
        name=name,
        training={
            "method": method,
            "corpora": [card.title for card in cards],
            "languages": [language for card in cards for language in card.languages],
            "n_utterances": int(sum(len(corpus.table) for corpus in material.corpora.values())),
            "seed": SEED,
            "licence": "cc-by-nc-sa-4.0",
        },
    )
    tables["sounds"], tables["flags"] = sounds_table(model), flags_table(model, list(held_out.corpora.values()))
    return model, tables
