"""A table as dots with intervals: methods as lines, their colours and shapes those of all figures."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from affectmap.report.canvas import FULL_WIDTH, MAX_COLUMNS, NARROW_WIDTH, Grid
from affectmap.report.tables import GROUPS, Table
from affectmap.style import INK, METHOD_MARKS, MUTED, PLAIN_MARK, chance
from affectmap.text import is_number, score

_LABEL_WIDTH, _NARROW_LABELS = 2.3, 1.45


def dot_plot(table: Table, *, narrow: bool = False) -> Figure:
    """Draw a table as dots with intervals: corpora as columns, quantities as rows, methods as lines.

    Drawn for a narrow screen, corpora are rows and quantities are columns.
    """
    rows_of_quantities = _aligned_quantities(table)
    lines = [(group.title, row.label) for group in table.groups for row in group.rows]
    offsets = _offsets([group for group, _ in lines])
    grid = (
        _narrow_grid(table, len(rows_of_quantities), offsets) if narrow else _grid(table, rows_of_quantities, offsets)
    )
    figure = Figure(figsize=grid.size)
    for index, quantities in enumerate(rows_of_quantities):
        limits = _limits(table, quantities)
        for column, (corpus, quantity) in enumerate(zip(table.corpora, quantities, strict=True)):
            axes = grid.axes(figure, column, index) if narrow else grid.axes(figure, index, column)
            is_first = not index if narrow else column % grid.n_columns == 0
            labels = [_short(label, narrow=narrow) if is_first else "" for _, label in lines]
            _prepare(axes, labels, offsets, limits)
            heading = f"{textwrap.shorten(corpus, 26, placeholder='…') or corpus[:26]}"
            axes.set_title(heading if is_first or not narrow else "", loc="left", weight="bold")
            unit = table.unit if not narrow else ""
            axes.set_xlabel(f"{unit} of {quantity}".removeprefix(" of ") if quantity else "", color=MUTED)
            _draw_dots(axes, table, corpus, quantity, offsets)
    return figure


def _grid(table: Table, rows: Sequence[Sequence[str]], offsets: Sequence[float]) -> Grid:
    columns = min(len(table.corpora), MAX_COLUMNS)
    width = min(3.4, (FULL_WIDTH - _LABEL_WIDTH - 0.2) / columns - 0.25)
    return Grid(
        len(table.corpora), len(rows), (width, 0.19 * (max(offsets) + 1)), (0.25, 0.75),
        left=_LABEL_WIDTH, right=0.2, top=0.5, bottom=0.55,
    )  # fmt: skip


def _narrow_grid(table: Table, n_quantities: int, offsets: Sequence[float]) -> Grid:
    width = min(1.6, (NARROW_WIDTH - _NARROW_LABELS - 0.12) / n_quantities - 0.12)
    return Grid(
        n_quantities, len(table.corpora), (width, 0.17 * (max(offsets) + 1)), (0.12, 0.7),
        left=_NARROW_LABELS, right=0.12, top=0.35, bottom=0.5, most=n_quantities,
    )  # fmt: skip


def _short(label: str, *, narrow: bool) -> str:
    """Shorten a method's name where there is little room; the table and the wide figure have all of it."""
    if not narrow:
        return label
    short = label.removeprefix("DAE-").replace(" (activation, valence)", "").replace(", within the corpus", ", own")
    return short.replace(" (supervised)", ", own").replace("One rater, of the others' mean", "one rater")[:20]


def _aligned_quantities(table: Table) -> list[list[str]]:
    """Give each corpus its first quantity in the first row, its second in the second."""
    by_corpus = [[q for c, q in table.columns if c == corpus] for corpus in table.corpora]
    deepest = max(map(len, by_corpus))
    return [[(names[row] if row < len(names) else "") for names in by_corpus] for row in range(deepest)]


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


def _prepare(axes: Axes, labels: Sequence[str], offsets: Sequence[float], limits: tuple[float, float]) -> None:
    axes.set(xlim=limits, ylim=(max(offsets) + 0.7, -0.7))
    axes.set_yticks(list(offsets), labels)
    axes.tick_params(axis="y", length=0, labelsize=8.5, labelcolor=INK)
    axes.grid(visible=True, axis="x")
    axes.set_axisbelow(True)
    axes.spines["left"].set_visible(False)
    axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.xaxis.set_major_formatter(lambda value, _: score(value))


def _draw_dots(axes: Axes, table: Table, corpus: str, quantity: str, offsets: Sequence[float]) -> None:
    reference = chance(quantity) if table.unit == "UAR" else 0.0
    if reference is not None and quantity:
        axes.axvline(reference, color=MUTED, linewidth=1, linestyle=(0, (1, 2)))
    values = [row.records.get((corpus, quantity)) for group in table.groups for row in group.rows]
    titles = [(group.title, row.label) for group in table.groups for row in group.rows]
    for offset, record, (title, label) in zip(offsets, values, titles, strict=True):
        if record is not None and is_number(record["mean"]):
            _draw_dot(axes, record, offset, label, within=title == GROUPS[0])


def _draw_dot(axes: Axes, record: dict[str, Any], offset: float, label: str, *, within: bool) -> None:
    mark = METHOD_MARKS.get(label, PLAIN_MARK)
    low, high = record["ci_low"], record["ci_high"]
    if is_number(low) and is_number(high):
        axes.plot([low, high], [offset, offset], color=mark.colour, linewidth=1.6, solid_capstyle="butt", alpha=0.75)
    # Hollow: they saw labels that the others did not, and must not look like rivals.
    face = "white" if within else mark.colour
    left, _ = axes.get_xlim()
    place, marker = (left, "<") if record["mean"] < left else (record["mean"], mark.marker)
    axes.plot(place, offset, marker, color=face, markeredgecolor=mark.colour, markersize=6, clip_on=False)
