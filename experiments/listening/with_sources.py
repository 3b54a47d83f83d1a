"""Methods that need source recordings while they adapt; a user of a model folder has none.

Those of the package skada (0.6, with POT 0.9; ``pip install skada``) transform the features of the sources or of the
held-out folder, in the space of the classes, and fit a classifier on the sources. They are left out where skada is not
installed; nothing else needs it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from typing import Any

import numpy as np
from folds import Fold, SourceRows
from peers import Method, Outcome, mixed, self_trained_with_sources
from sklearn.linear_model import LogisticRegression
from sklearn.semi_supervised import LabelSpreading

from affectmap.schema import Features, Floats, Rows

HAS_SKADA = find_spec("skada") is not None


def _classifier() -> LogisticRegression:
    return LogisticRegression(class_weight="balanced", max_iter=1000)


def _numbers(source: SourceRows, fold: Fold) -> Rows:
    return np.array([fold.classes.names.index(name) for name in source.emotion])


def _logarithm(fold: Fold, probability: Floats) -> Outcome:
    """Take probabilities as they are, none of them nothing."""
    held = np.maximum(probability, 1e-12)
    return mixed(fold.classes, np.log(held / held.sum(axis=1, keepdims=True)))


def logistic(fold: Fold, z: Features) -> Outcome:
    """Adapt nothing: a logistic classifier on the sources, which the methods of skada change."""
    known = _classifier().fit(fold.classes.rows(fold.source.features), _numbers(fold.source, fold))
    return _logarithm(fold, known.predict_proba(fold.classes.rows(z)))


def label_spreading(fold: Fold, z: Features) -> Outcome:
    """Spread the sources' labels to the folder over one graph (scikit-learn's defaults, seven neighbours)."""
    source = fold.classes.rows(fold.source.features)
    number = np.concatenate([_numbers(fold.source, fold), np.full(len(z), -1)])
    spread = LabelSpreading(kernel="knn").fit(np.concatenate([source, fold.classes.rows(z)]), number)
    return _logarithm(fold, np.nan_to_num(spread.label_distributions_[len(source) :]))


def _skada(kind: str, settings: dict[str, Any], fold: Fold, z: Features) -> Outcome:
    import skada  # late: an experiment runs without it

    source, target = fold.classes.rows(fold.source.features), fold.classes.rows(z)
    domain = np.concatenate([np.ones(len(source), dtype=int), np.full(len(target), -2)])
    number = np.concatenate([_numbers(fold.source, fold), np.full(len(target), -1)])
    model = getattr(skada, kind)(_classifier(), **settings)
    model.fit(np.concatenate([source, target]), number, sample_domain=domain)
    return _logarithm(fold, model.predict_proba(target, sample_domain=domain[len(source) :]))


def _of(kind: str, **settings: object) -> Callable[[Fold, Features], Outcome]:
    return partial(_skada, kind, settings)


#: By name; the first is what the others adapt.
NEED_SOURCES: dict[str, Method] = {
    "logistic classifier, statistics only": logistic,
    "self-training of the metric map with the sources": self_trained_with_sources,
    "label spreading from the sources": label_spreading,
}
#: Of the package skada; default settings, but costs divided by their median where entropy needs a scale.
SKADA: dict[str, Method] = {
    "CORAL (skada)": _of("CORAL"),
    "subspace alignment (skada)": _of("SubspaceAlignment", n_components=20, random_state=0),
    "linear optimal transport (skada)": _of("LinearOTMapping"),
    "optimal transport (skada)": _of("OTMapping"),
    "entropic optimal transport (skada)": _of("EntropicOTMapping", norm="median"),
}
