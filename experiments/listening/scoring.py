"""Score listening: before and after, on utterances of the four classes, on ratings, by speaker, and with a model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
from folds import Target, targets

from affectmap.model.listening import USUAL, Listened, Settings, Shift, SourceClasses, listen
from affectmap.preparation.prepared_corpus import PreparedCorpus
from affectmap.schema import FOUR_CLASSES, LABELS, WHISPER, Floats, Objects
from affectmap.stats.measures import rating_measures
from affectmap.stats.metrics import adjusted_r2
from affectmap.transfer.calibration import with_own_heads
from affectmap.transfer.recipe import NEUTRAL, fit_transfer
from affectmap.transfer.settings import usual_recipe
from affectmap.transfer.source_classes import with_source_classes

FOUR = [str(name) for name in FOUR_CLASSES]
#: Utterances of the four classes that a speaker needs for a value of their own.
FEWEST = 20


def compared(
    source: SourceClasses, target: Target, settings: Settings, *, scored: Target | None = None
) -> dict[str, Any]:
    """Listen to a folder; score it, or another by what was learned there, before and after."""
    listened = listen(target.z.astype(np.float64), source, settings)
    of = target if scored is None else scored
    before, after = _outcomes(source, listened, of)
    row: dict[str, Any] = {
        "n": len(target.z), "agreement": listened.agreement, "is_used": listened.is_used,
        "changed": float((before[0].argmax(axis=1) != after[0].argmax(axis=1)).mean()),
    }  # fmt: skip
    for when, outcome in (("before", before), ("after", after)):
        row |= {f"{name}_{when}": value for name, value in _scores(*outcome, of.emotion, of.label).items()}
    return row


def _outcomes(source: SourceClasses, listened: Listened, target: Target) -> list[tuple[Floats, Floats]]:
    """Give probabilities of the four classes and places on the map, before and after."""
    z = target.z.astype(np.float64)
    shift = Shift(source, listened.weight, listened.bias)
    before = z @ source.weight + source.bias
    place = np.exp(before - before.max(axis=1, keepdims=True))
    place = place / place.sum(axis=1, keepdims=True) @ source.place
    old = Shift(source, source.weight, source.bias)
    return [(_four(old, z), place), (_four(shift, z), place + shift.moved(z))]


def _four(shift: Shift, z: Floats) -> Floats:
    """Give scores of the four classes; one that sources have no prototype of, as neutral of AESDD, is never chosen."""
    known = [name in shift.source.classes for name in FOUR]
    found = np.full((len(z), len(FOUR)), -np.inf)
    found[:, known] = shift.scores(z, tuple(name for name in FOUR if name in shift.source.classes))
    return found


def _scores(shown: Floats, place: Floats, emotion: Objects, label: Floats) -> dict[str, float]:
    found = {"uar": _uar(shown, emotion)}
    for i, name in enumerate(LABELS):
        rated = np.isfinite(label[:, i])
        fit = adjusted_r2(label[rated, i], place[rated]) if rated.sum() > 10 else None
        found[f"r2_{name}"] = fit.adjusted_r2 if fit else np.nan
        value = place[:, i] + NEUTRAL
        found[f"ccc_{name}"] = rating_measures(label[:, i], value)["ccc"].value if rated.any() else np.nan
    return found


def _uar(shown: Floats, emotion: Objects) -> float:
    guess = np.array(FOUR)[shown.argmax(axis=1)]
    classes = [name for name in FOUR if (emotion == name).any()]
    if not classes:
        return float("nan")
    # A class may be predicted that the folder has not: recall alone counts.
    return float(np.mean([(guess[emotion == name] == name).mean() for name in classes]))


def of_speakers(source: SourceClasses, target: Target, corpus: PreparedCorpus) -> Iterator[dict[str, Any]]:
    """Give the UAR of every speaker, and their sex where it is known, before and after."""
    rows = np.isin(corpus.emotion, FOUR) if target.folder == "four" else np.ones(len(corpus.emotion), dtype=bool)
    speaker, sex = corpus.speaker[rows], corpus.table["sex"].to_numpy(dtype=object)[rows]
    before, after = _outcomes(source, listen(target.z.astype(np.float64), source, USUAL), target)
    for name in pd.unique(speaker):
        own = speaker == name
        if np.isin(target.emotion[own], FOUR).sum() >= FEWEST:
            values = {
                when: _uar(each[0][own], target.emotion[own]) for when, each in (("before", before), ("after", after))
            }
            yield {"speaker": name, "sex": sex[own][0], "uar_before": values["before"], "uar_after": values["after"]}


def of_model(ear: str, corpora: Mapping[str, PreparedCorpus], name: str) -> list[dict[str, Any]]:
    """Train a model as ``affectmap train`` does, without a corpus; adapt it to that one, with and without listening."""
    sources = [each for other, each in corpora.items() if other != name]
    recipe = usual_recipe(WHISPER if ear == WHISPER else "egemaps")
    trained = with_own_heads(fit_transfer(sources, recipe).model_, sources)
    model = with_source_classes(trained, sources)
    target = next(each for each in targets(corpora[name]) if each.folder == "whole")
    features = corpora[name].functionals.astype(np.float64)
    rows = []
    for how in ("statistics", "listening"):
        table = model.adapt(features, listen=how == "listening").transform(features)
        shown = table[FOUR].to_numpy()
        row: dict[str, Any] = {"ear": ear, "corpus": name, "adapted_by": how, "uar": _uar(shown, target.emotion)}
        for i, label in enumerate(LABELS):
            rated = np.isfinite(target.label[:, i])
            place = table[["embedding_0", "embedding_1"]].to_numpy()[rated]
            fit = adjusted_r2(target.label[rated, i], place)
            row[f"r2_{label}"] = fit.adjusted_r2 if fit else np.nan
            row[f"ccc_{label}"] = rating_measures(target.label[:, i], table[label].to_numpy())["ccc"].value
        rows.append(row)
    return rows
