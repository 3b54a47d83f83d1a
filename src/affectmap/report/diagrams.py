"""Figures 1 to 3: the circumplex with the corpus's own ratings in it, the network, and the embeddings."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import matplotlib.patheffects as effects
import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Colormap, LinearSegmentedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Circle, FancyArrowPatch, FancyBboxPatch, Polygon
from matplotlib.ticker import MaxNLocator

from affectmap.model.settings import PAPER
from affectmap.report.canvas import FULL_WIDTH, Grid
from affectmap.schema import LABEL_RANGE, LABELS
from affectmap.style import EMOTION_MARKS, INK, LABEL_COLOURS, MUTED, OTHER_MARK, PLAIN_MARK, RULE
from affectmap.text import number

#: Words of the circumplex and their angle in degrees from positive valence, after Russell 1980, fig. 2.
_WORDS = {
    "pleased": 8,
    "excited": 45,
    "astonished": 70,
    "alarmed": 108,
    "tense": 127,
    "distressed": 146,
    "miserable": 188,
    "gloomy": 209,
    "bored": 232,
    "tired": 254,
    "calm": 312,
    "content": 336,
}
_DEFAULTS = {"input_dim": 88, **vars(PAPER)}
_HALO = [effects.withStroke(linewidth=3, foreground="white")]
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


def mean_ratings(ratings: pd.DataFrame) -> pd.DataFrame:
    """Average the ratings of each corpus and of the four emotions, over utterances that have both."""
    rated = ratings.dropna(subset=list(LABELS))
    rated = rated[rated["emotion"].isin(list(EMOTION_MARKS))]
    groups = rated.groupby(["role", "corpus", "emotion"], sort=True)
    deviations = {f"sd_{label}": (label, "std") for label in LABELS}
    return groups.agg(**{x: (x, "mean") for x in LABELS}, **deviations, n=("valence", "size")).reset_index()


def circumplex(ratings: pd.DataFrame) -> Figure:
    """Draw the circle of emotion words and where the four emotions were rated on average (Russell 1980)."""
    figure = Figure(figsize=(7.2, 5.9))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(-0.1, 6.2), ylim=(0.7, 5.5), aspect="equal")
    axes.axis("off")
    _draw_circle(axes)
    # Other corpora are drawn first, so that they never cover the source.
    others = ratings[ratings["role"] == "target"]
    for row in others.to_dict("records"):
        mark = EMOTION_MARKS[row["emotion"]]
        style: dict[str, Any] = {"color": "white", "markeredgecolor": mark.colour, "markersize": 6}
        axes.plot(row["valence"], row["activation"], mark.marker, zorder=3, markeredgewidth=1.2, **style)
    taken = ratings[["valence", "activation"]].to_numpy(dtype=np.float64)
    for row in ratings[ratings["role"] == "source"].to_dict("records"):
        _draw_emotion(axes, row, taken)
    return figure


def _draw_circle(axes: Axes) -> None:
    low, high = LABEL_RANGE
    middle, radius = (low + high) / 2, (high - low) / 2
    axes.add_patch(Circle((middle, middle), radius, facecolor="#f7f8fa", edgecolor=RULE, linewidth=1))
    style: dict[str, Any] = {"arrowstyle": "-|>", "mutation_scale": 9, "color": MUTED, "linewidth": 0.8}
    axes.add_patch(FancyArrowPatch((low - 0.1, middle), (high + 0.15, middle), **style))
    axes.add_patch(FancyArrowPatch((middle, low - 0.1), (middle, high + 0.15), **style))
    for tick in range(int(low), int(high) + 1):
        if tick != middle:
            axes.text(tick, middle - 0.09, str(tick), ha="center", va="top", size=7.5, color=MUTED)
            axes.text(middle - 0.07, tick, str(tick), ha="right", va="center", size=7.5, color=MUTED)
    axes.text(high + 0.2, middle, "valence", ha="left", va="center", size=10, weight="bold")
    axes.text(middle, high + 0.18, "activation", ha="center", va="bottom", size=10, weight="bold")
    for word, degrees in _WORDS.items():
        x, y = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
        side = "left" if x > 0.15 else "right" if x < -0.15 else "center"
        place = (middle + (radius + 0.1) * x, middle + (radius + 0.1) * y)
        axes.text(*place, word, ha=side, va="center", size=9, color=MUTED, style="italic")


def _draw_emotion(axes: Axes, row: Mapping[Any, Any], taken: npt.NDArray[np.float64]) -> None:
    mark = EMOTION_MARKS[row["emotion"]]
    at = (row["valence"], row["activation"])
    bars = {"xerr": row["sd_valence"], "yerr": row["sd_activation"]}
    axes.errorbar(*at, **bars, color=mark.colour, elinewidth=1, alpha=0.45, zorder=2)
    axes.plot(*at, mark.marker, color=mark.colour, markersize=11, markeredgecolor="white", zorder=4)
    # The name goes to the corner with most room, so that it covers no other corpus's mark.
    corners = [(x, y) for x in (1, -1) for y in (1, -1)]
    room = [np.abs(taken - at - (0.4 * x, 0.2 * y)).max(axis=1).min() for x, y in corners]
    x, y = corners[int(np.argmax(room))]
    label = axes.annotate(row["emotion"], at, (9 * x, 8 * y), textcoords="offset points", size=11, weight="bold")
    label.set(ha="left" if x > 0 else "right", va="bottom" if y > 0 else "top", path_effects=_HALO, zorder=5)


def find_settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Find what the network's figure needs, wherever in nested settings it stands; the paper's where it is missing."""
    found = dict(_walk(settings))
    names = ("input_dim", "hidden_dims", "latent_dim", "noise_std")
    return {name: found.get(name, _DEFAULTS[name]) for name in names}


def _walk(settings: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in settings.items():
        if isinstance(value, Mapping):
            yield from _walk(value)
        else:
            yield name, value


def layer_sizes(settings: Mapping[str, Any]) -> list[int]:
    """Give the sizes of all layers from the features in to the features out; the embedding's is the middle one."""
    found = find_settings(settings)
    down = [int(found["input_dim"]), *map(int, found["hidden_dims"]), int(found["latent_dim"])]
    return down + down[-2::-1]


def network(settings: Mapping[str, Any]) -> Figure:
    """Draw the autoencoder layer by layer, as fig. 2 of Das et al. 2022, with its inputs, outputs and both losses."""
    sizes = layer_sizes(settings)
    noise_std = float(find_settings(settings)["noise_std"])
    middle = len(sizes) // 2
    figure = Figure(figsize=(10.4, 3.9))
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.set(xlim=(0, 10.4), ylim=(-2.2, 1.7))
    axes.axis("off")
    places = [1.9 + 6.6 * layer / (len(sizes) - 1) for layer in range(len(sizes))]
    # By square root, as areas are seen: the smallest layer stays visible beside the largest.
    heights = [2.5 * math.sqrt(size / max(sizes)) for size in sizes]
    _draw_layers(axes, sizes, places, heights, middle=middle)
    _draw_flow(axes, places, heights, middle=middle, noise_std=noise_std)
    return figure


def _draw_layers(
    axes: Axes, sizes: Sequence[int], places: Sequence[float], heights: Sequence[float], *, middle: int
) -> None:
    for (x, high), (next_x, next_high) in itertools.pairwise(zip(places, heights, strict=True)):
        corners = [(x, high / 2), (next_x, next_high / 2), (next_x, -next_high / 2), (x, -high / 2)]
        axes.add_patch(Polygon(corners, facecolor="#eef2f6", edgecolor="none", zorder=1))
    for layer, (size, x, high) in enumerate(zip(sizes, places, heights, strict=True)):
        colour = INK if layer == middle else PLAIN_MARK.colour
        box = FancyBboxPatch((x - 0.09, -high / 2), 0.18, high, boxstyle="round,pad=0,rounding_size=0.07")
        box.set(facecolor=colour, edgecolor="white", linewidth=1, zorder=3)
        axes.add_patch(box)
        axes.text(x, high / 2 + 0.1, str(size), ha="center", va="bottom", size=10, weight="bold")
    first, last = places[0], places[-1]
    for x, word in (((first + places[middle]) / 2, "encoder"), ((last + places[middle]) / 2, "decoder")):
        axes.text(x, 1.35, word, ha="center", va="center", size=10, color=MUTED)


def _draw_flow(axes: Axes, places: Sequence[float], heights: Sequence[float], *, middle: int, noise_std: float) -> None:
    arrow: dict[str, Any] = {"arrowstyle": "-|>", "mutation_scale": 10, "color": MUTED, "linewidth": 1}
    first, latent, last = places[0], places[middle], places[-1]
    axes.add_patch(FancyArrowPatch((first - 0.6, 0), (first - 0.15, 0), **arrow))
    axes.add_patch(FancyArrowPatch((last + 0.15, 0), (last + 0.6, 0), **arrow))
    entry = f"features x\n+ noise\n(σ = {number(noise_std, 1)})"
    axes.text(first - 0.7, 0, entry, ha="right", va="center", linespacing=1.35)
    axes.text(last + 0.7, 0, "features x̂,\nfreed of noise", ha="left", va="center", linespacing=1.35)
    below = -heights[0] / 2
    axes.add_patch(FancyArrowPatch((latent, -heights[middle] / 2 - 0.08), (latent, -0.98), **arrow))
    axes.text(latent + 0.1, -0.62, "embedding", ha="left", va="center", size=10, weight="bold")
    axes.text(
        latent, -1.06, "metric loss: distances between\nembeddings like distances between ratings",
        ha="center", va="top", size=9, linespacing=1.3,
    )  # fmt: skip
    bracket = [(first, below - 0.1), (first, -1.75), (last, -1.75), (last, below - 0.1)]
    axes.plot(*zip(*bracket, strict=True), color=MUTED, linewidth=1, linestyle=(0, (3, 2)))
    axes.text(latent, -1.83, "reconstruction loss: x̂ against the clean x", ha="center", va="top", size=9)


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


def latent_figure(embeddings: pd.DataFrame, corpora: Sequence[str]) -> tuple[Figure, Frame]:
    """Draw one method's embedding, as fig. 3 of Das et al. 2022: corpora as columns, emotion and the ratings as rows.

    A rating that no utterance has gets no row.
    """
    embeddings = embeddings.dropna(subset=["z1", "z2"])
    rows = ["emotion", *(label for label in LABELS if embeddings[label].notna().any())]
    frame = common_frame(embeddings[["z1", "z2"]].to_numpy(dtype=np.float64))
    # Square panels with equal axes: the metric loss is about distances.
    side = min(2.6, (FULL_WIDTH - 2.2) / min(len(corpora), 4) - 0.15)
    grid = Grid(len(corpora), len(rows), (side, side), (0.15, 0.15), left=0.75, right=1.45, top=0.4, bottom=0.3)
    figure = Figure(figsize=grid.size)
    rasterised = len(embeddings) * len(rows) > _VECTOR_POINTS
    for column, corpus in enumerate(corpora):
        mine = embeddings[embeddings["corpus"] == corpus]
        for row, name in enumerate(rows):
            axes = grid.axes(figure, row, column)
            _frame_axes(axes, frame, first=column % grid.n_columns == 0, last=row == len(rows) - 1)
            if row == 0:
                axes.set_title(corpus if len(corpus) <= 30 else f"{corpus[:29]}…", weight="bold")
            if column % grid.n_columns == 0:
                axes.set_ylabel(name, weight="bold", size=9.5)
            _draw_points(axes, mine, name, rasterised=rasterised)
            if column % grid.n_columns == grid.n_columns - 1 or column == len(corpora) - 1:
                _draw_key(axes, name, embeddings)
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


def _draw_key(axes: Axes, name: str, embeddings: pd.DataFrame) -> None:
    if name != "emotion":
        low, high = LABEL_RANGE
        bar = axes.inset_axes((1.07, 0.1, 0.05, 0.8))
        colours = ScalarMappable(Normalize(low, high), _MAPS[name])
        axes.figure.colorbar(colours, cax=bar, ticks=[1, 2, 3, 4, 5]).outline.set_visible(False)
        bar.tick_params(length=0)
        bar.set_title("high" if name == "activation" else "positive", size=8, color=MUTED, loc="left")
        bar.set_xlabel("low" if name == "activation" else "negative", size=8, color=MUTED, loc="left")
        return
    known = embeddings["emotion"].isin(list(EMOTION_MARKS))
    marks = {emotion: mark for emotion, mark in EMOTION_MARKS.items() if (embeddings["emotion"] == emotion).any()}
    if not known.all():
        marks["other or none"] = OTHER_MARK
    handles = [Line2D([], [], ls="", color=mark.colour, marker=mark.marker, markersize=5) for mark in marks.values()]
    axes.legend(handles, list(marks), loc="center left", bbox_to_anchor=(1.01, 0.5), fontsize=8.5, handletextpad=0.2)
