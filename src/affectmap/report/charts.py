"""Learning curves, and tables 3 and 4 as pictures: one dot a mean, one line its interval."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from affectmap.report.canvas import FULL_WIDTH, MAX_COLUMNS, Grid
from affectmap.report.style import INK, METHOD_MARKS, MUTED, PLAIN_MARK, chance, is_number
from affectmap.report.tables import GROUPS, Table

_CURVES = {
    "total": "total loss",
    "reconstruction": "reconstruction",
    "slope": "metric: slope",
    "residual": "metric: residual",
}
_METRIC_TERMS = ("slope", "residual")
_LABEL_WIDTH = 2.3


def learning_curves(curves: pd.DataFrame) -> Figure:
    """Draw each loss by epoch: the mean over runs as a line, their range as a band.

    Args:
        curves: Columns method, epoch, total, reconstruction, slope, residual; one row a run and epoch.

    Returns:
        The figure, one panel a loss. A method without a loss (all ``NaN``) has no line for it.
    """
    figure = Figure(figsize=(FULL_WIDTH, 3.0))
    for index, (name, title) in enumerate(_CURVES.items()):
        axes = figure.add_axes((0.045 + 0.245 * index, 0.25, 0.2, 0.64))
        axes.set_title(title, loc="left", weight="bold")
        axes.set_xlabel("epoch")
        axes.grid(visible=True, axis="y")
        axes.xaxis.set_major_locator(MaxNLocator(5, integer=True, steps=[1, 2, 5, 10]))
        for method, rows in curves.groupby("method", sort=False):
            spread = rows.groupby("epoch")[name].agg(["mean", "min", "max"]).dropna()
            _draw_curve(axes, name, str(method), spread)
    handles, names = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="lower center", ncols=min(len(names), 5), fontsize=9, handlelength=2.8)
    return figure


def _draw_curve(axes: Axes, name: str, method: str, spread: pd.DataFrame) -> None:
    if name in _METRIC_TERMS and not spread["max"].any():
        # All zero: the method has no metric term, and a line at 0 would look like a perfect one.
        spread = spread.iloc[:0]
    mark = METHOD_MARKS.get(method, PLAIN_MARK)
    epoch = spread.index.to_numpy()
    # One epoch is no line: it is drawn as a point.
    marker = mark.marker if len(epoch) == 1 else ""
    axes.fill_between(epoch, spread["min"], spread["max"], color=mark.colour, alpha=0.15, linewidth=0)
    axes.plot(
        epoch,
        spread["mean"],
        color=mark.colour,
        linestyle=mark.dash,
        linewidth=1.6,
        marker=marker,
        label=method,
    )


def dot_plot(table: Table) -> Figure:
    """Draw a table as dots with intervals: corpora as columns, quantities as rows, methods as lines.

    Args:
        table: One of the page's tables.

    Returns:
        The figure. Panels in a row share their axis; guessing is a dotted line, and so is zero.
    """
    rows_of_quantities = _aligned_quantities(table)
    lines = [(group.title, row.label) for group in table.groups for row in group.rows]
    offsets = _offsets([group for group, _ in lines])
    height = 0.19 * (max(offsets) + 1)
    columns = min(len(table.corpora), MAX_COLUMNS)
    width = min(3.4, (FULL_WIDTH - _LABEL_WIDTH - 0.2) / columns - 0.25)
    grid = Grid(
        len(table.corpora), len(rows_of_quantities), (width, height), (0.25, 0.75),
        left=_LABEL_WIDTH, right=0.2, top=0.5, bottom=0.55,
    )  # fmt: skip
    figure = Figure(figsize=grid.size)
    for index, quantities in enumerate(rows_of_quantities):
        limits = _limits(table, quantities)
        for column, (corpus, quantity) in enumerate(zip(table.corpora, quantities, strict=True)):
            axes = grid.axes(figure, index, column)
            labels = [label if column % grid.n_columns == 0 else "" for _, label in lines]
            _prepare(axes, labels, offsets, limits, percent=table.unit == "UAR")
            heading = f"{textwrap.shorten(corpus, 26, placeholder='…') or corpus[:26]}"
            axes.set_title(heading, loc="left", weight="bold")
            axes.set_xlabel(_axis_title(quantity, table.unit), color=MUTED)
            _draw_dots(axes, table, corpus, quantity, offsets)
    return figure


def _aligned_quantities(table: Table) -> list[list[str]]:
    """Give each corpus its first quantity in the first row, its second in the second."""
    by_corpus = [[q for c, q in table.columns if c == corpus] for corpus in table.corpora]
    deepest = max(map(len, by_corpus))
    return [[(names[row] if row < len(names) else "") for names in by_corpus] for row in range(deepest)]


def _axis_title(quantity: str, unit: str) -> str:
    if not quantity:
        return ""
    return f"UAR of {quantity} in %" if unit == "UAR" else f"{unit} of {quantity}"


def _offsets(groups: Sequence[str]) -> list[float]:
    """Place lines from above, with half a line between groups."""
    offsets: list[float] = []
    for index, group in enumerate(groups):
        step = 0.0 if index == 0 else 1.0 if group == groups[index - 1] else 1.6
        offsets.append((offsets[-1] if offsets else 0.0) + step)
    return offsets


def _limits(table: Table, quantities: Sequence[str]) -> tuple[float, float]:
    values: list[float] = [0.0] if table.unit != "UAR" else [0.2, 1.0]
    for record in table.records:
        if record["quantity"] in quantities:
            values += [float(record[k]) for k in ("mean", "ci_low", "ci_high") if is_number(record[k])]
    # A hopeless value (R² has no lower end) must not squeeze the others.
    low, high = max(min(values), -0.5), min(max(*values, 0.1), 1.0)
    return low - 0.03 * (high - low), high + 0.03 * (high - low)


def _prepare(
    axes: Axes,
    labels: Sequence[str],
    offsets: Sequence[float],
    limits: tuple[float, float],
    *,
    percent: bool,
) -> None:
    axes.set(xlim=limits, ylim=(max(offsets) + 0.7, -0.7))
    axes.set_yticks(list(offsets), labels)
    axes.tick_params(axis="y", length=0, labelsize=8.5, labelcolor=INK)
    axes.grid(visible=True, axis="x")
    axes.set_axisbelow(True)
    axes.spines["left"].set_visible(False)
    axes.xaxis.set_major_locator(MaxNLocator(5))
    if percent:
        axes.xaxis.set_major_formatter(PercentFormatter(1.0, symbol=""))


def _draw_dots(axes: Axes, table: Table, corpus: str, quantity: str, offsets: Sequence[float]) -> None:
    reference = chance(quantity) if table.unit == "UAR" else 0.0
    if reference is not None and quantity:
        axes.axvline(reference, color=MUTED, linewidth=1, linestyle=(0, (1, 2)))
    values = [row.value(corpus, quantity) for group in table.groups for row in group.rows]
    titles = [(group.title, row.label) for group in table.groups for row in group.rows]
    for offset, record, (title, label) in zip(offsets, values, titles, strict=True):
        if record is not None and is_number(record["mean"]):
            _draw_dot(axes, record, offset, label, bound=title == GROUPS[0])


def _draw_dot(axes: Axes, record: dict[str, Any], offset: float, label: str, *, bound: bool) -> None:
    mark = METHOD_MARKS.get(label, PLAIN_MARK)
    low, high = record["ci_low"], record["ci_high"]
    if is_number(low) and is_number(high):
        axes.plot([low, high], [offset, offset], color=mark.colour, linewidth=1.6, solid_capstyle="butt", alpha=0.75)
    # Hollow: bounds saw labels that the others did not, and must not look like rivals.
    face = "white" if bound else mark.colour
    left, _ = axes.get_xlim()
    place, marker = (left, "<") if record["mean"] < left else (record["mean"], mark.marker)
    axes.plot(place, offset, marker, color=face, markeredgecolor=mark.colour, markersize=6, clip_on=False)
