"""Figures 1 and 2: the circumplex with the corpus's own ratings in it, and the network."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import matplotlib.patheffects as effects
import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyArrowPatch, FancyBboxPatch, Polygon

from affectmap.model.settings import PAPER
from affectmap.report.canvas import FULL_WIDTH, NARROW_WIDTH
from affectmap.schema import LABEL_RANGE, LABELS
from affectmap.style import EMOTION_MARKS, INK, MUTED, PLAIN_MARK, RULE
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
_ARROW: dict[str, Any] = {"arrowstyle": "-|>", "mutation_scale": 10, "color": MUTED, "linewidth": 1}
_HALO = [effects.withStroke(linewidth=3, foreground="white")]


def mean_ratings(ratings: pd.DataFrame) -> pd.DataFrame:
    """Average the ratings of each corpus and of the four emotions, over utterances that have both."""
    rated = ratings.dropna(subset=list(LABELS))
    rated = rated[rated["emotion"].isin(list(EMOTION_MARKS))]
    groups = rated.groupby(["role", "corpus", "emotion"], sort=True)
    deviations = {f"sd_{label}": (label, "std") for label in LABELS}
    return groups.agg(**{x: (x, "mean") for x in LABELS}, **deviations, n=("valence", "size")).reset_index()


def circumplex(ratings: pd.DataFrame, *, narrow: bool = False) -> Figure:
    """Draw the circle of emotion words and where the four emotions were rated on average (Russell 1980)."""
    figure = Figure(figsize=(NARROW_WIDTH, 2.8) if narrow else (7.2, 5.9))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(-0.4, 6.2) if narrow else (-0.1, 6.2), ylim=(0.6, 5.6) if narrow else (0.7, 5.5), aspect="equal")
    axes.axis("off")
    _draw_circle(axes, smaller := 2.0 if narrow else 0.0)
    # Other corpora are drawn first, so that they never cover the source.
    others = ratings[ratings["role"] == "target"]
    for row in others.to_dict("records"):
        mark = EMOTION_MARKS[row["emotion"]]
        style: dict[str, Any] = {"color": "white", "markeredgecolor": mark.colour, "markersize": 6 - smaller / 2}
        axes.plot(row["valence"], row["activation"], mark.marker, zorder=3, markeredgewidth=1.2, **style)
    taken = ratings[["valence", "activation"]].to_numpy(dtype=np.float64)
    for row in ratings[ratings["role"] == "source"].to_dict("records"):
        taken = np.vstack([taken, _draw_emotion(axes, row, taken, smaller)])
    return figure


def _draw_circle(axes: Axes, smaller: float) -> None:
    low, high = LABEL_RANGE
    middle, radius = (low + high) / 2, (high - low) / 2
    axes.add_patch(Circle((middle, middle), radius, facecolor="#f7f8fa", edgecolor=RULE, linewidth=1))
    style: dict[str, Any] = {"arrowstyle": "-|>", "mutation_scale": 9, "color": MUTED, "linewidth": 0.8}
    axes.add_patch(FancyArrowPatch((low - 0.1, middle), (high + 0.15, middle), **style))
    axes.add_patch(FancyArrowPatch((middle, low - 0.1), (middle, high + 0.15), **style))
    for tick in range(int(low), int(high) + 1):
        if tick != middle:
            axes.text(tick, middle - 0.09, str(tick), ha="center", va="top", size=7.5 - smaller / 2, color=MUTED)
            axes.text(middle - 0.07, tick, str(tick), ha="right", va="center", size=7.5 - smaller / 2, color=MUTED)
    axes.text(high + 0.2, middle, "valence", ha="left", va="center", size=10 - smaller, weight="bold")
    axes.text(middle, high + 0.18, "activation", ha="center", va="bottom", size=10 - smaller, weight="bold")
    for word, degrees in _WORDS.items():
        x, y = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
        side = "left" if x > 0.15 else "right" if x < -0.15 else "center"
        place = (middle + (radius + 0.1) * x, middle + (radius + 0.1) * y)
        axes.text(*place, word, ha=side, va="center", size=9 - smaller, color=MUTED, style="italic")


def _draw_emotion(
    axes: Axes, row: Mapping[Any, Any], taken: npt.NDArray[np.float64], smaller: float
) -> tuple[float, float]:
    """Draw where an emotion was rated, and its name where most room is; give the middle of the name."""
    mark = EMOTION_MARKS[row["emotion"]]
    at = (row["valence"], row["activation"])
    bars = {"xerr": row["sd_valence"], "yerr": row["sd_activation"]}
    axes.errorbar(*at, **bars, color=mark.colour, elinewidth=1, alpha=0.45, zorder=2)
    axes.plot(*at, mark.marker, color=mark.colour, markersize=11 - 2 * smaller, markeredgecolor="white", zorder=4)
    # The name goes to the corner with most room, so that it covers no mark of another corpus and no other name.
    corners = [(x, y) for x in (1, -1) for y in (1, -1)]
    room = [np.abs(taken - at - (0.4 * x, 0.2 * y)).max(axis=1).min() for x, y in corners]
    x, y = corners[int(np.argmax(room))]
    label = axes.annotate(
        row["emotion"], at, (9 * x, 8 * y), textcoords="offset points", size=11 - smaller, weight="bold"
    )
    label.set(ha="left" if x > 0 else "right", va="bottom" if y > 0 else "top", path_effects=_HALO, zorder=5)
    return at[0] + 0.4 * x, at[1] + 0.2 * y


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


def network(settings: Mapping[str, Any], *, narrow: bool = False) -> Figure:
    """Draw the autoencoder layer by layer, as fig. 2 of Das et al. 2022, with its inputs, outputs and both losses."""
    sizes = layer_sizes(settings)
    noise_std = float(find_settings(settings)["noise_std"])
    middle = len(sizes) // 2
    width, left, length, lowest = (NARROW_WIDTH, 0.35, 3.0, -2.85) if narrow else (FULL_WIDTH, 1.9, 6.6, -2.2)
    figure = Figure(figsize=(width, 1.7 - lowest))
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.set(xlim=(0, width), ylim=(lowest, 1.7))
    axes.axis("off")
    places = [left + length * layer / (len(sizes) - 1) for layer in range(len(sizes))]
    # By square root, as areas are seen: the smallest layer stays visible beside the largest.
    heights = [2.5 * math.sqrt(size / max(sizes)) for size in sizes]
    _draw_layers(axes, sizes, places, heights, middle=middle)
    _draw_losses(axes, places, heights, middle=middle, size=8 if narrow else 9)
    if narrow:
        ends = f"Left: features x + noise (σ = {number(noise_std, 1)}).\nRight: features x̂, freed of noise."
        axes.text(width / 2, -2.2, ends, ha="center", va="top", size=8, linespacing=1.35)
    else:
        _draw_ends(axes, places[0], places[-1], noise_std)
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


def _draw_ends(axes: Axes, first: float, last: float, noise_std: float) -> None:
    axes.add_patch(FancyArrowPatch((first - 0.6, 0), (first - 0.15, 0), **_ARROW))
    axes.add_patch(FancyArrowPatch((last + 0.15, 0), (last + 0.6, 0), **_ARROW))
    entry = f"features x\n+ noise\n(σ = {number(noise_std, 1)})"
    axes.text(first - 0.7, 0, entry, ha="right", va="center", linespacing=1.35)
    axes.text(last + 0.7, 0, "features x̂,\nfreed of noise", ha="left", va="center", linespacing=1.35)


def _draw_losses(axes: Axes, places: Sequence[float], heights: Sequence[float], *, middle: int, size: float) -> None:
    first, latent, last = places[0], places[middle], places[-1]
    below = -heights[0] / 2
    axes.add_patch(FancyArrowPatch((latent, -heights[middle] / 2 - 0.08), (latent, -0.98), **_ARROW))
    axes.text(latent + 0.1, -0.62, "embedding", ha="left", va="center", size=size + 1, weight="bold")
    axes.text(
        latent, -1.06, "metric loss: distances between\nembeddings like distances between ratings",
        ha="center", va="top", size=size, linespacing=1.3,
    )  # fmt: skip
    bracket = [(first, below - 0.1), (first, -1.75), (last, -1.75), (last, below - 0.1)]
    axes.plot(*zip(*bracket, strict=True), color=MUTED, linewidth=1, linestyle=(0, (3, 2)))
    axes.text(latent, -1.83, "reconstruction loss: x̂ against the clean x", ha="center", va="top", size=size)
