"""The map of a score: utterances where the model puts them, drawn in the page itself."""

from __future__ import annotations

from typing import Any, NamedTuple

import pandas as pd

from affectmap.evaluation.scoring import Evaluation
from affectmap.report.marks import PATHS
from affectmap.schema import LABEL_RANGE, LABELS
from affectmap.style import BEYOND_SCALE, EMOTION_MARKS, OTHER_MARK, Mark
from affectmap.utterances import PREDICTED

#: Utterances that the map draws at most; more would be one blot.
DRAWN_POINTS = 2000


class Map(NamedTuple):
    """What the map draws, in a square of 100 by 100 whose second axis goes down."""

    points: list[dict[str, Any]]
    means: list[dict[str, Any]]
    emotions: list[tuple[str, str, str]]
    n_all: int
    n_left: int


def score_map(found: Evaluation) -> Map:
    """Place the utterances of an evaluation on activation and valence; without points where the model predicts none."""
    rows = found.utterances
    y, x = (PREDICTED[label] for label in LABELS)
    if not {x, y} <= set(rows):
        return Map([], [], [], 0, 0)
    rows = rows.dropna(subset=[x, y])
    drawn = rows.sample(DRAWN_POINTS, random_state=0).sort_index() if len(rows) > DRAWN_POINTS else rows
    emotion = rows["emotion"].astype(object)
    points = [_point(*values) for values in zip(drawn[x], drawn[y], drawn["emotion"].astype(object), strict=True)]
    shown = {name: mark for name, mark in EMOTION_MARKS.items() if (emotion == name).any()}
    means = [_mean(name, mark, rows[emotion == name], x, y) for name, mark in shown.items()]
    key = [(name, PATHS[mark.marker], mark.colour) for name, mark in shown.items()]
    return Map(points, means, key, len(rows), len(rows) - len(drawn))


def _place(valence: float, activation: float) -> tuple[float, float]:
    low, high = LABEL_RANGE[0] - BEYOND_SCALE, LABEL_RANGE[1] + BEYOND_SCALE
    across, up = ((float(value) - low) / (high - low) for value in (valence, activation))
    return round(100 * across, 1), round(100 * (1 - up), 1)


def _point(valence: float, activation: float, emotion: object) -> dict[str, Any]:
    mark = EMOTION_MARKS.get(str(emotion), OTHER_MARK)
    x, y = _place(valence, activation)
    return {"x": x, "y": y, "shape": PATHS[mark.marker], "colour": mark.colour}


def _mean(name: str, mark: Mark, rows: pd.DataFrame, x: str, y: str) -> dict[str, Any]:
    across, up = _place(rows[x].mean(), rows[y].mean())
    rated = rows.dropna(subset=list(LABELS))
    there = _place(rated["valence"].mean(), rated["activation"].mean()) if len(rated) else None
    shape = {"shape": PATHS[mark.marker], "colour": mark.colour}
    return {"name": name, "x": across, "y": up, "rated": there, **shape}
