"""How a model is corrected by a few ratings: simple ways, that of ``affectmap adapt --ratings``, and starting anew."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import product

import numpy as np
import numpy.typing as npt
from few_labels_models import Start

from affectmap.model.correction import (
    CLASS_STRENGTHS,
    RATING_STRENGTHS,
    Basis,
    Strengths,
    correct_rating,
    correct_scores,
)
from affectmap.schema import LABELS, Floats

Rows = npt.NDArray[np.int64]
#: What a method makes of ratings: the ratings (N, 2) and, of `ADAPT`, errors on each with it left out.
Predict = Callable[[Start, Rows, object], Floats]
NONE, ADAPT, SCRATCH = "none", "adapt --ratings", "ridge of the rated alone"


@dataclass(frozen=True)
class Method:
    """A way to predict.

    Attributes:
        predict: Predicts all recordings by the rated ones and a setting.
        settings: What may be chosen, by name.
    """

    predict: Predict
    settings: dict[str, object] = field(default_factory=lambda: {"": None})


def none(start: Start, rated: Rows, setting: object) -> Floats:
    """Predict as without ratings."""
    return start.ratings


def level(start: Start, rated: Rows, setting: object) -> Floats:
    """Add the mean error."""
    return start.ratings + (start.label[rated] - start.ratings[rated]).mean(axis=0)


def corrected(start: Start, rated: Rows, setting: object) -> Floats:
    """Correct each rating as `affectmap.model.correction` does; the setting is what it averages over."""
    return start.ratings + added(start.basis, rated, start.label[rated] - start.ratings[rated], setting)


def added(basis: Basis, rated: Rows, residual: Floats, setting: object) -> Floats:
    """Give the corrections of both ratings (N, 2)."""
    found = [correct_rating(basis, rated, column, setting) for column in residual.T]
    return np.stack([basis.inputs @ each.weight + each.bias for each in found], axis=1)


def sloped(start: Start, rated: Rows, setting: object) -> Floats:
    """Correct level and slope of each rating alone."""
    columns = []
    for column in range(len(LABELS)):
        own = start.ratings[:, [column]]
        residual = start.label[rated, column] - own[rated, 0]
        found = correct_rating(Basis(own, np.zeros((len(own), 1))), rated, residual, setting)
        columns.append(own[:, 0] + own[:, 0] * found.weight[0] + found.bias)
    return np.stack(columns, axis=1)


def scratch(start: Start, rated: Rows, setting: object) -> Floats:
    """Fit ridge regression to the rated recordings alone."""
    mean = start.label[rated].mean(axis=0)
    return mean + added(start.basis, rated, start.label[rated] - mean, setting)


def _single(*variances: tuple[float, ...]) -> dict[str, object]:
    return {_name(each): (Strengths(*each),) for each in product(*variances)}


def _name(values: tuple[float, ...]) -> str:
    return "/".join(f"{value:.3g}" for value in values)


def _scaled(factor: float) -> tuple[Strengths, ...]:
    return tuple(Strengths(*(factor * value for value in each)) for each in RATING_STRENGTHS)


METHODS = {
    NONE: Method(none),
    "level, as it is": Method(level),
    "level": Method(corrected, _single((1 / 4, 1 / 8, 1 / 16, 1 / 32), (0,), (0,))),
    "level and slope": Method(sloped, _single((1 / 8, 1 / 16), (1 / 8, 1 / 16, 1 / 32, 1 / 64), (0,))),
    "level and embedding": Method(corrected, _single((1 / 8, 1 / 16), (1 / 8, 1 / 16, 1 / 32, 1 / 64), (0,))),
    "one strength": Method(corrected, _single((1 / 16,), (1 / 64, 1 / 32), (0.05, 0.1, 0.2, 0.4, 0.8))),
    ADAPT: Method(corrected, {f"strengths x {factor:g}": _scaled(factor) for factor in (0.25, 0.5, 1, 2, 4)}),
    SCRATCH: Method(scratch, _single((0,), (0,), (0.5, 1, 2, 4))),
}


def class_scores(start: Start, rated: Rows, strengths: Strengths | None, *, anew: bool = False) -> Floats:
    """Give the scores of classes (N, C) after correction by rated recordings, or of these alone."""
    before = np.zeros_like(start.scores) if anew else start.scores
    numbers = np.array([start.classes.index(name) if name in start.classes else -1 for name in start.emotion[rated]])
    rows = rated[numbers >= 0]
    if strengths is None or len(set(start.emotion[rows].tolist())) < 2:
        return before
    weight, bias = correct_scores(start.basis, rows, before[rows], numbers[numbers >= 0], strengths)
    return np.asarray(before + start.basis.inputs @ weight + bias)


def _of_classes(*factors: float) -> dict[str, Strengths]:
    return {f"strengths x {each:g}": Strengths(*(each * value for value in CLASS_STRENGTHS)) for each in factors}


#: Ways to correct classes: settings, and whether the model's scores are thrown away.
CLASS_METHODS: dict[str, tuple[dict[str, Strengths | None], bool]] = {
    NONE: ({"": None}, False),
    "level": ({_name((value,)): Strengths(value, 0, 0) for value in (1, 1 / 4, 1 / 16)}, False),
    ADAPT: (dict(_of_classes(0.1, 0.3, 1, 3)), False),
    SCRATCH: (dict(_of_classes(0.3, 1, 3, 10)), True),
}
