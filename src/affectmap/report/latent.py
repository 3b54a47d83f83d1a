"""Figure 3: the embedding of a method, corpora as columns, emotions and ratings as colours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Colormap, LinearSegmentedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from affectmap.report.canvas import FULL_WIDTH, MAX_COLUMNS, NARROW_WIDTH, Grid
from affectmap.schema import LABEL_RANGE, LABELS
from affectmap.style import EMOTION_MARKS, INK, LABEL_COLOURS, MUTED, OTHER_MARK

#: The outermost 2 % of the points do not decide how large the others are drawn.
_QUANTILES = (0.01, 0.99)
#: More points than this become a picture within the SVG.
_VECTOR_POINTS = 600
#: Fewer rated utterances than this give no direction worth an arrow.
_ARROW_POINTS = 10
#: From a pale to a deep shade of the rating's colour; the palest is still seen on white.
_MAPS: dict[str, Colormap] = {
    label: LinearSegmentedColormap.from_list(label, (pale, LABEL_COLOURS[label], deep))
    for label, pale, deep in (("activation", "#b5dfd2", "#002f24"), ("valence", "#edc9e3", "#3d0f33"))
}


class Frame(NamedTuple):
    """The square all panels of a figure show, and how many points lie outside it."""

    centre: tuple[float, float]
    half: float
    n_outside: int


def common_frame(points: npt.NDArray[np.float64]) -> Frame:
    """Choose one square around the middle 98 % of each dimension, so that a few far points cannot blow it up."""
    if len(points) == 0:
        return Frame((0.0, 0.0), 1.0, 0)
    low, high = np.quantile(points, _QUANTILES, axis=0)
    centre = (low + high) / 2
    half = max(float((high - low).max()) / 2 * 1.25, 1e-6)
    outside = (np.abs(points - centre) > half).any(axis=1)
    return Frame((float(centre[0]), float(centre[1])), half, int(outside.sum()))


def latent_figure(embeddings: pd.DataFrame, corpora: Sequence[str], *, narrow: bool = False) -> tuple[Figure, Frame]:
    """Draw one method's embedding, as fig. 3 of Das et al. 2022: corpora as columns, emotion and the ratings as rows.

    A rating that no utterance has gets no row. Of the width of a telephone, columns continue below after two.
    """
    embeddings = embeddings.dropna(subset=["z1", "z2"])
    rows = ["emotion", *(label for label in LABELS if embeddings[label].notna().any())]
    frame = common_frame(embeddings[["z1", "z2"]].to_numpy(dtype=np.float64))
    # Square panels with equal axes: the metric loss is about distances.
    width, most, left, right = (NARROW_WIDTH, 2, 0.55, 0.9) if narrow else (FULL_WIDTH, MAX_COLUMNS, 0.75, 1.45)
    gap, below = (0.08, 0.2) if narrow else (0.15, 0.15)
    side = min(1.9 if narrow else 2.6, (width - left - right) / min(len(corpora), most) - gap)
    grid = Grid(
        len(corpora), len(rows), (side, side), (gap, below), left=left, right=right, top=0.4, bottom=0.3, most=most
    )  # fmt: skip
    figure = Figure(figsize=grid.size)
    rasterised = len(embeddings) * len(rows) > _VECTOR_POINTS
    for column, corpus in enumerate(corpora):
        mine = embeddings[embeddings["corpus"] == corpus]
        for row, name in enumerate(rows):
            axes = grid.axes(figure, row, column)
            _frame_axes(axes, frame, first=column % grid.n_columns == 0, last=row == len(rows) - 1)
            if row == 0:
                axes.set_title(_shortened(corpus, 14 if narrow else 30), weight="bold", size=8.5 if narrow else 9.5)
            if column % grid.n_columns == 0:
                axes.set_ylabel(name, weight="bold", size=9.5)
            _draw_points(axes, mine, name, rasterised=rasterised)
            if column % grid.n_columns == grid.n_columns - 1 or column == len(corpora) - 1:
                _draw_key(axes, name, embeddings, size=6.5 if narrow else 8.5)
    return figure, frame


def _frame_axes(axes: Axes, frame: Frame, *, first: bool, last: bool) -> None:
    (x, y), half = frame.centre, frame.half
    axes.set(xlim=(x - half, x + half), ylim=(y - half, y + half), aspect="equal")
    ticks = MaxNLocator(4, steps=[1, 2, 5, 10])
    axes.set_xticks(ticks.tick_values(x - half, x + half)[1:-1])
    axes.set_yticks(ticks.tick_values(y - half, y + half)[1:-1])
    axes.tick_params(length=2, labelleft=first, labelbottom=last)
    axes.grid(visible=True)
    axes.set_axisbelow(True)
    for spine in axes.spines.values():
        spine.set(visible=True, color="#b9c0c8")


def _draw_points(axes: Axes, mine: pd.DataFrame, name: str, *, rasterised: bool) -> None:
    shared: dict[str, Any] = {"rasterized": rasterised, "linewidths": 0.0, "alpha": 0.8}
    if name == "emotion":
        known = mine["emotion"].isin(list(EMOTION_MARKS))
        axes.scatter(mine["z1"][~known], mine["z2"][~known], s=7, color=OTHER_MARK.colour, **shared)
        for emotion, mark in EMOTION_MARKS.items():
            rows = mine[mine["emotion"] == emotion]
            axes.scatter(rows["z1"], rows["z2"], s=13, color=mark.colour, marker=mark.marker, **shared)
        return
    rated = mine.dropna(subset=[name])
    if rated.empty:
        axes.text(0.5, 0.5, f"no {name} ratings", transform=axes.transAxes, ha="center", va="center", color=MUTED)
        return
    low, high = LABEL_RANGE
    points = axes.scatter(rated["z1"], rated["z2"], c=rated[name], s=13, cmap=_MAPS[name], **shared)
    points.set_clim(low, high)
    _draw_direction(axes, rated, name)


def _draw_direction(axes: Axes, rated: pd.DataFrame, name: str) -> None:
    """Point from the frame's centre to where the rating rises fastest, by least squares."""
    if len(rated) < _ARROW_POINTS or rated[name].nunique() < 2:
        return
    points = rated[["z1", "z2"]].to_numpy(dtype=np.float64)
    slope = np.linalg.lstsq(points - points.mean(axis=0), rated[name] - rated[name].mean(), rcond=None)[0]
    length = float(np.linalg.norm(slope))
    if length == 0:
        return
    (left, right), (low, high) = axes.get_xlim(), axes.get_ylim()
    # In a corner, where few points are, and as long in every panel: it is a direction, no size.
    corner = np.array([left + 0.14 * (right - left), low + 0.86 * (high - low)])
    step = slope / length * 0.09 * (right - left)
    style = {"arrowstyle": "-|>", "color": INK, "linewidth": 1.4, "mutation_scale": 10, "shrinkA": 0, "shrinkB": 0}
    axes.annotate("", xy=tuple(corner + step), xytext=tuple(corner - step), arrowprops=style)


def _shortened(name: str, most: int) -> str:
    return name if len(name) <= most else f"{name[: most - 1]}…"


def _draw_key(axes: Axes, name: str, embeddings: pd.DataFrame, *, size: float) -> None:
    if name != "emotion":
        low, high = LABEL_RANGE
        bar = axes.inset_axes((1.07, 0.1, 0.05, 0.8))
        colours = ScalarMappable(Normalize(low, high), _MAPS[name])
        axes.figure.colorbar(colours, cax=bar, ticks=[1, 2, 3, 4, 5]).outline.set_visible(False)
        bar.tick_params(length=0, labelsize=size - 0.5)
        bar.set_title("high" if name == "activation" else "positive", size=size - 0.5, color=MUTED, loc="left")
        bar.set_xlabel("low" if name == "activation" else "negative", size=size - 0.5, color=MUTED, loc="left")
        return
    known = embeddings["emotion"].isin(list(EMOTION_MARKS))
    marks = {emotion: mark for emotion, mark in EMOTION_MARKS.items() if (embeddings["emotion"] == emotion).any()}
    if not known.all():
        marks["other or none"] = OTHER_MARK
    handles = [Line2D([], [], ls="", color=mark.colour, marker=mark.marker, markersize=5) for mark in marks.values()]
    axes.legend(handles, list(marks), loc="center left", bbox_to_anchor=(1.01, 0.5), fontsize=size, handletextpad=0.2)
