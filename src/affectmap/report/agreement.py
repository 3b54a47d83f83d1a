"""The page of agreement between raters, its pictures, and its numbers as CSV."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from affectmap import __version__
from affectmap.agreement.estimators import estimates
from affectmap.agreement.ratings import rating_matrix
from affectmap.agreement.table import text_tables
from affectmap.agreement.verdict import verdict
from affectmap.files import new_folder, write_text
from affectmap.report.canvas import FULL_WIDTH, MAX_COLUMNS, NARROW_WIDTH, Picture, drawing, save
from affectmap.report.page import template
from affectmap.schema import LABEL_RANGE, LABELS
from affectmap.style import INK, LABEL_COLOURS, MUTED, RULE
from affectmap.tables import csv_text
from affectmap.text import counted, latex_tables

#: Raters that are drawn at most; those with most ratings.
DRAWN_RATERS = 12
#: Items of a rater that are drawn at most.
DRAWN_ITEMS = 150
_NAME_LENGTH, _NARROW_NAME = 16, 14
#: Name of the picture that stands beside the verdict.
_GRID = "affect-grid"
#: Rows above which a table is folded.
_LONG = 12


def write_agreement(
    ratings: pd.DataFrame, table: pd.DataFrame, warnings: Sequence[str], folder: Path, *, overwrite: bool = False
) -> None:
    """Write agreement for people and programs.

    Args:
        ratings: Table as from `read_ratings`.
        table: Its agreement, as from `agreement_table`.
        warnings: What is odd, as from `warnings_of`.
        folder: The folder to be made; gets ``agreement.html``, ``agreement.csv``, ``gold_standard.csv``,
            ``tables.tex`` and ``figures/`` (PNG and SVG).
        overwrite: Whether a folder that affectmap wrote may be replaced.

    Raises:
        StorageError: If it cannot be written.
    """
    with new_folder(folder, overwrite=overwrite) as temporary:
        for name, frame in (("agreement", table), ("gold_standard", estimates(ratings))):
            text = csv_text(frame, float_format="%.6g")
            write_text(temporary / f"{name}.csv", text)
        write_text(temporary / "tables.tex", latex_tables(text_tables(ratings, table)))
        with drawing():
            pictures = list(_pictures(ratings, temporary / "figures"))
        write_text(temporary / "agreement.html", render(ratings, table, warnings, pictures))


def _pictures(ratings: pd.DataFrame, folder: Path) -> Iterator[Picture]:
    raters = drawn_raters(ratings)
    wide = {label: rating_matrix(ratings, label) for label in LABELS}
    n_raters = ratings["rater"].nunique()
    some = f" The {len(raters)} of {n_raters} raters with most ratings." if len(raters) < n_raters else ""
    if (wide["activation"].notna() & wide["valence"].reindex_like(wide["activation"]).notna()).any(axis=None):
        caption = (
            "Where each rater puts a recording (dot), and where the mean of the others lies (other end of its line). "
            "Lines that all lead one way show a rater who rates higher or lower than the others. "
            f"In brackets: recordings, of which at most {DRAWN_ITEMS} are drawn.{some}"
        )
        alt = "For each rater a square, valence to the right and activation upwards, with a dot a recording."
        pair = [affect_grid(ratings, raters, narrow=narrow) for narrow in (False, True)]
        yield save(pair[0], folder, _GRID, caption, alt, pair[1])
    if any(len(values) for values in wide.values()):
        caption = f"How often each rater used each half step; bars of a row share one scale; dotted: the middle.{some}"
        alt = "Bars of how often each rater used each step of activation and valence."
        pair = [scale_use(ratings, raters, narrow=narrow) for narrow in (False, True)]
        yield save(pair[0], folder, "scale-use", caption, alt, pair[1])


def render(
    ratings: pd.DataFrame, table: pd.DataFrame, warnings: Sequence[str], pictures: Sequence[Picture] = ()
) -> str:
    """Make the page, HTML that needs nothing beside it."""
    n_raters, n_files = ratings["rater"].nunique(), ratings["file"].nunique()
    return template("agreement.html").render(
        title=f"{counted(n_raters, 'rater')}, {counted(n_files, 'recording')}".capitalize(),
        warnings=warnings,
        verdict=verdict(table),
        tables=text_tables(ratings, table),
        pictures=pictures,
        has_grid=bool(pictures) and pictures[0].stem == _GRID,
        n_long=_LONG,
        version=__version__,
    )


def drawn_raters(ratings: pd.DataFrame) -> list[str]:
    """Choose the raters to be drawn: the `DRAWN_RATERS` with most ratings, in alphabetical order."""
    counted = ratings["rater"].value_counts()
    return sorted(sorted(counted.index, key=lambda rater: (-counted[rater], rater))[:DRAWN_RATERS])


def _shown(rater: str, *, narrow: bool = False) -> str:
    """Shorten a name that would run into the next panel."""
    most = _NARROW_NAME if narrow else _NAME_LENGTH
    return rater if len(rater) <= most else f"{rater[: most - 1]}…"


def affect_grid(ratings: pd.DataFrame, raters: list[str], *, narrow: bool = False) -> Figure:
    """Draw for each rater where recordings were placed, with a line from where the mean of the others lies."""
    wide = {label: rating_matrix(ratings, label) for label in LABELS}
    n_columns = min(len(raters), 2 if narrow else MAX_COLUMNS)
    n_rows = math.ceil(len(raters) / n_columns)
    side, gap = (1.4, 0.12) if narrow else (2.15, 0.3)
    figure = Figure(figsize=(0.65 + n_columns * (side + gap), n_rows * (side + 0.75) + 0.1))
    wide_in, high_in = figure.get_size_inches()
    for index, rater in enumerate(raters):
        row, column = divmod(index, n_columns)
        left, below = 0.6 + column * (side + gap), high_in - (row + 1) * (side + 0.75) + 0.4
        axes = figure.add_axes((left / wide_in, below / high_in, side / wide_in, side / high_in))
        own = pd.DataFrame({label: values[rater] for label, values in wide.items()}).dropna()
        others = pd.DataFrame({label: values.drop(columns=rater).mean(axis=1) for label, values in wide.items()})
        _draw_rater(axes, own, others.reindex(own.index).astype("float64"))
        axes.set_title(f"{_shown(rater, narrow=narrow)} ({len(own):,})", loc="left", weight="bold")
        axes.set_xlabel("valence", color=LABEL_COLOURS["valence"], weight="bold", fontsize=8)
        axes.set_ylabel(
            "activation" if not column else "", color=LABEL_COLOURS["activation"], weight="bold", fontsize=8
        )
    return figure


def _draw_rater(axes: Axes, own: pd.DataFrame, others: pd.DataFrame) -> None:
    low, high = LABEL_RANGE
    ticks = range(int(low), int(high) + 1)
    axes.set(xlim=(low - 0.25, high + 0.25), ylim=(low - 0.25, high + 0.25), xticks=ticks, yticks=ticks)
    axes.set_aspect("equal")
    for draw in (axes.axhline, axes.axvline):
        draw((low + high) / 2, color=RULE, linewidth=0.8, zorder=0)
    if len(own) > DRAWN_ITEMS:
        own = own.sample(DRAWN_ITEMS, random_state=0)
        others = others.loc[own.index]
    ends = np.stack([own.to_numpy(dtype="float64"), others.to_numpy(dtype="float64")])
    line: dict[str, Any] = {"color": MUTED, "linewidth": 0.5, "alpha": 0.5, "zorder": 1}
    axes.plot(ends[:, :, 1], ends[:, :, 0], **line)
    axes.plot(own["valence"], own["activation"], "o", color=INK, markersize=3, alpha=0.6, zorder=2)


def scale_use(ratings: pd.DataFrame, raters: list[str], *, narrow: bool = False) -> Figure:
    """Draw how often each rater used each half step: a column for each scale, a row a rater."""
    high_in = 0.9 + 0.5 * len(raters)
    figure = Figure(figsize=(NARROW_WIDTH if narrow else FULL_WIDTH * 0.75, high_in))
    left = 0.27 if narrow else 0.16
    width = (0.98 - left) / 2 - 0.05
    low, high = LABEL_RANGE
    for column, label in enumerate(LABELS):
        wide = rating_matrix(ratings, label)
        axes = figure.add_axes((left + (width + 0.05) * column, 0.5 / high_in, width, 1 - 0.9 / high_in))
        for index, rater in enumerate(raters):
            values = wide[rater].dropna().to_numpy(dtype="float64")
            steps, counts = np.unique(np.round(2 * values) / 2, return_counts=True)
            place = len(raters) - 1 - index
            axes.axhline(place, color=RULE, linewidth=0.6, zorder=0)
            heights = 0.85 * counts / max(1, counts.max(initial=1))
            axes.bar(steps, heights, width=0.38, bottom=place, color=LABEL_COLOURS[label])
        axes.axvline((low + high) / 2, color=MUTED, linewidth=0.8, linestyle=(0, (2, 2)), zorder=3)
        axes.set(xlim=(low - 0.4, high + 0.4), ylim=(-0.05, len(raters)), xticks=range(int(low), int(high) + 1))
        places = [len(raters) - 0.7 - i for i in range(len(raters))]
        axes.set_yticks(places, [] if column else [_shown(rater, narrow=narrow) for rater in raters])
        axes.tick_params(axis="y", length=0, labelcolor=INK)
        axes.spines["left"].set_visible(False)
        axes.set_title(label, loc="left", weight="bold")
    return figure
