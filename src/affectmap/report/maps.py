"""Maps of every corpus with named axes, activation upwards and valence to the right, all on one scale.

Conventions:
    * An embedding may be turned and stretched as it likes. For display alone it is read out in points of the ratings'
      scale, by the straight line that least squares fit on the source's training rows; columns ``predicted_activation``
      and ``predicted_valence``. Where the source has no ratings there is no such line, and the axes have no names.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from affectmap.report.canvas import FULL_WIDTH, MAX_COLUMNS, NARROW_WIDTH, Grid
from affectmap.report.latent import common_frame
from affectmap.schema import LABEL_RANGE, LABELS
from affectmap.style import (
    BEYOND_SCALE,
    EMOTION_MARKS,
    ENDS,
    LABEL_COLOURS,
    METHOD_MARKS,
    MUTED,
    OTHER_MARK,
    PLAIN_MARK,
    RULE,
)
from affectmap.utterances import PREDICTED

#: More points than this become a picture within the SVG.
_VECTOR_POINTS = 400


class Plane(NamedTuple):
    """What the two axes of a map are.

    Attributes:
        x: Column drawn to the right.
        y: Column drawn upwards.
        limits: Ends of both axes, first the x axis.
        is_named: Whether they are valence and activation.
    """

    x: str
    y: str
    limits: tuple[tuple[float, float], tuple[float, float]]
    is_named: bool


def plane_of(embeddings: pd.DataFrame) -> Plane:
    """Choose the axes of a map: the ratings as they are read out, else the embedding's own two numbers.

    Example:
        >>> plane_of(pd.DataFrame({"predicted_activation": [3.0], "predicted_valence": [2.0], "z1": 0.1, "z2": 0.2})).y
        'predicted_activation'
        >>> plane_of(pd.DataFrame({"z1": [0.1], "z2": [0.2]})).is_named
        False
    """
    y, x = (PREDICTED[label] for label in LABELS)
    if all(name in embeddings and embeddings[name].notna().any() for name in (x, y)):
        ends = (LABEL_RANGE[0] - BEYOND_SCALE, LABEL_RANGE[1] + BEYOND_SCALE)
        return Plane(x, y, (ends, ends), is_named=True)
    (left, low), half, _ = common_frame(embeddings[["z1", "z2"]].dropna().to_numpy(dtype=np.float64))
    return Plane("z1", "z2", ((left - half, left + half), (low - half, low + half)), is_named=False)


def map_figure(
    embeddings: pd.DataFrame, methods: Sequence[str], corpora: Mapping[str, str], *, narrow: bool = False
) -> Figure:
    """Draw the maps of some methods, a row a method and a column a corpus.

    Args:
        embeddings: Rows as in ``Results.embeddings``.
        methods: Methods in the order of the rows.
        corpora: Corpora in the order of the columns, each with what is written above it.
        narrow: Whether it has the width of a telephone, where columns continue below.
    """
    width, most = (NARROW_WIDTH, 2) if narrow else (FULL_WIDTH, MAX_COLUMNS)
    named = len(methods) > 1
    left, gap, columns = 0.85 if named else 0.55, 0.12, min(most, len(corpora))
    side = min(1.9 if named else 2.75, (width - left - 0.1) / columns - gap)
    grid = Grid(
        len(corpora), len(methods), (side, side), (gap, 0.12), left=left, right=0.1, top=0.3, bottom=0.5, most=most,
        above=0.45 if narrow else 0.28,
    )  # fmt: skip
    figure = Figure(figsize=grid.size)
    for row, method in enumerate(methods):
        mine = embeddings[embeddings["method"] == method]
        plane = plane_of(mine)
        for column, (corpus, title) in enumerate(corpora.items()):
            axes = grid.axes(figure, row, column)
            is_first, is_last = column % grid.n_columns == 0, row == len(methods) - 1
            _prepare(axes, plane, first=is_first, last=is_last)
            _draw(axes, mine[mine["corpus"] == corpus], plane, rasterised=len(mine) > _VECTOR_POINTS)
            if row == 0:
                axes.set_title(
                    _shortened(corpus if narrow else title, 22 if narrow else 34), loc="left", weight="bold", fontsize=9
                )
            if named and is_first:
                _name(axes, method)
    _draw_key(figure, embeddings, narrow=narrow)
    return figure


def _shortened(title: str, most: int) -> str:
    return title if len(title) <= most else f"{title[: most - 1]}…"


def _prepare(axes: Axes, plane: Plane, *, first: bool, last: bool) -> None:
    axes.set(xlim=plane.limits[0], ylim=plane.limits[1], aspect="equal")
    axes.grid(visible=True)
    axes.set_axisbelow(True)
    for spine in axes.spines.values():
        spine.set(visible=True, color=RULE)
    axes.tick_params(length=0, labelleft=first and plane.is_named, labelbottom=last and plane.is_named)
    if not plane.is_named:
        axes.set_xlabel("no named axis" if last else "", color=MUTED)
        return
    low, high = (int(end) for end in LABEL_RANGE)
    axes.set(xticks=range(low, high + 1), yticks=range(low, high + 1))
    for draw in (axes.axhline, axes.axvline):
        draw((low + high) / 2, color=RULE, linewidth=1.2, zorder=0)
    for label, is_shown, write in (("activation", first, axes.set_ylabel), ("valence", last, axes.set_xlabel)):
        calm, excited = ENDS[label]
        short = axes.get_window_extent().width < 150
        words = label if short else f"{calm} ← {label} → {excited}"
        if is_shown:
            write(words, color=LABEL_COLOURS[label], weight="bold", fontsize=8, labelpad=2)


def _draw(axes: Axes, mine: pd.DataFrame, plane: Plane, *, rasterised: bool) -> None:
    emotion = mine["emotion"].astype(object)
    shared: dict[str, Any] = {"rasterized": rasterised, "linewidths": 0.0, "alpha": 0.45}
    other = mine[~emotion.isin(list(EMOTION_MARKS))]
    axes.scatter(other[plane.x], other[plane.y], s=5, color=OTHER_MARK.colour, **shared)
    groups = {name: mine[emotion == name] for name in EMOTION_MARKS}
    for name, rows in groups.items():
        mark = EMOTION_MARKS[name]
        axes.scatter(rows[plane.x], rows[plane.y], s=12, color=mark.colour, marker=mark.marker, **shared)
    for name, rows in groups.items():
        if len(rows):
            _draw_means(axes, rows, plane, name)


def _draw_means(axes: Axes, rows: pd.DataFrame, plane: Plane, name: str) -> None:
    """Draw where the map places an emotion on average, with a line to where raters place it."""
    mark = EMOTION_MARKS[name]
    x, y = float(rows[plane.x].mean()), float(rows[plane.y].mean())
    rated = rows.dropna(subset=list(LABELS))
    if plane.is_named and len(rated):
        there = (float(rated["valence"].mean()), float(rated["activation"].mean()))
        axes.plot([x, there[0]], [y, there[1]], color=mark.colour, linewidth=1, zorder=3)
        style: dict[str, Any] = {"color": "white", "markeredgecolor": mark.colour, "markersize": 5.5}
        axes.plot(*there, mark.marker, markeredgewidth=1.2, zorder=4, **style)
    axes.plot(x, y, mark.marker, color=mark.colour, markersize=8, markeredgecolor="white", zorder=5)


def _name(axes: Axes, method: str) -> None:
    mark = METHOD_MARKS.get(method, PLAIN_MARK)
    short = method.removeprefix("DAE-")
    axes.annotate(
        short, (0, 0.5), (-48, 0), xycoords="axes fraction", textcoords="offset points", rotation=90, ha="center",
        va="center", color=mark.colour, weight="bold", fontsize=9,
    )  # fmt: skip


def _draw_key(figure: Figure, embeddings: pd.DataFrame, *, narrow: bool) -> None:
    emotions = embeddings["emotion"].astype(object)
    marks = {name: mark for name, mark in EMOTION_MARKS.items() if (emotions == name).any()}
    style: dict[str, Any] = {"ls": "", "markersize": 6}
    handles = [Line2D([], [], color=mark.colour, marker=mark.marker, **style) for mark in marks.values()]
    names = list(marks)
    if not emotions.isin(list(EMOTION_MARKS)).all():
        handles.append(Line2D([], [], color=OTHER_MARK.colour, marker=".", **style))
        names.append("other")
    if not names:
        return
    columns = 3 if narrow else 6
    figure.legend(handles, names, loc="upper left", bbox_to_anchor=(0.0, 1.0), ncols=columns, fontsize=8.5,
                  handletextpad=0.1, columnspacing=1.2, borderaxespad=0.1)  # fmt: skip
