"""Models that never met a corpus, and what they say of it before anybody has rated it.

They are ridge regressions (`experiments/whisper-model/line.py`) on the rows and labels of the recipes: fitted in a
second, and about as good as the shipped networks, so that two corpora at a time can be left out.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
from line import line

from affectmap.model.computation import Computation
from affectmap.model.correction import Basis
from affectmap.model.encoder import standardised
from affectmap.model.heads import largest_half_width
from affectmap.model.model import Model
from affectmap.preparation.prepared_corpus import PreparedCorpus
from affectmap.preparation.standardisation import Statistics, adapted_statistics
from affectmap.schema import LABELS, Floats, Objects
from affectmap.transfer.calibration import LEVEL
from affectmap.transfer.source_classes import with_source_classes

RATED = ("emodb", "urdu", "aesdd")


@dataclass(frozen=True, eq=False)
class Start:
    """What is known of a corpus before anybody rates it: N recordings.

    Attributes:
        basis: Embedding and standardised features.
        ratings: What the model says (N, 2), not cut off at the ends of the scale.
        scores: Scores of its classes (N, C).
        classes: Their names.
        label: The corpus's ratings (N, 2).
        emotion: Its emotions (N,).
    """

    basis: Basis
    ratings: Floats
    scores: Floats
    classes: tuple[str, ...]
    label: Floats
    emotion: Objects


def adapted_start(model: Model, corpus: PreparedCorpus) -> Start:
    """Start as ``affectmap adapt`` does, from mean and standard deviation of all recordings."""
    statistics, _ = adapted_statistics(corpus.functionals.astype(np.float64), model.statistics)
    return _start(model, corpus, statistics)


def _start(model: Model, corpus: PreparedCorpus, statistics: Statistics) -> Start:
    values = corpus.functionals.astype(np.float64)
    latent, _ = model.embedding(values, statistics)
    heads = model.heads
    ratings = latent @ heads.rating_weight + heads.rating_bias
    basis = Basis(latent, standardised(values, statistics))
    return Start(basis, ratings, heads.scores(latent), heads.classes, corpus.label, corpus.emotion)


def listened_start(model: Model, corpus: PreparedCorpus) -> Start:
    """Start as ``affectmap adapt --listen`` does; classes are then those that were learned, if any were."""
    listened = model.adapt(corpus.functionals.astype(np.float64), listen=True)
    found, computation = _start(listened, corpus, listened.statistics), Computation(listened.folder)
    shift = computation.shift
    if shift is None or not computation.hears_classes:
        return found
    return replace(found, scores=shift.scores(found.basis.standardised, model.heads.classes))


#: Ways to start, by name.
STARTS = {"adapted": adapted_start, "listened": listened_start}


class HeldOut:
    """Models of all corpora but one or two, each fitted once.

    Args:
        material: ``rated`` and ``classed`` corpora by name.
    """

    def __init__(self, material: Any) -> None:  # noqa: ANN401 (of one of two experiments)
        self.rated, self._all = material.rated, material.corpora
        self._model = cache(self._fit)
        self._start = cache(self._make)

    def _fit(self, without: frozenset[str]) -> Model:
        sources = [corpus for name, corpus in self._all.items() if name not in without]
        return with_source_classes(line(sources), sources)

    def _make(self, way: str, target: str, without: frozenset[str]) -> Start:
        return STARTS[way](self._model(without), self.rated[target])

    def start(self, way: str, target: str, *also: str) -> Start:
        """Give what a model says of `target` that was fitted without it, and without `also`."""
        return self._start(way, target, frozenset({target, *also}))

    def half_widths(self, way: str, target: str) -> Floats:
        """Give half the widths of intervals (2,): of the errors on the other corpora, by models without `target`."""
        starts = [self.start(way, other, target) for other in self.rated if other != target]
        errors = [np.clip(each.ratings, 1, 5) - each.label for each in starts]
        return np.array([largest_half_width([each[:, i] for each in errors], LEVEL) for i in range(len(LABELS))])
