"""All figures of a run: what is drawn, what is written below it, and where it goes; curves and dots are drawn here."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from affectmap.audit.verdicts import footnotes, signs_of
from affectmap.report.canvas import FULL_WIDTH, MAX_COLUMNS, Grid, Picture, file_stem, letter, save
from affectmap.report.diagrams import circumplex, latent_figure, layer_sizes, mean_ratings, network
from affectmap.report.tables import GROUPS, Table, records_of
from affectmap.style import COMPARED, INK, METHOD_MARKS, MUTED, PLAIN_MARK, chance, is_compared, ordered
from affectmap.text import counted, is_number, listed, number, score, spelt

if TYPE_CHECKING:
    from affectmap.experiment.results import Results

#: Utterances of a corpus that a figure draws at most; more would be one blot, minutes later.
DRAWN_POINTS = 10_000
_METRIC_TERMS = ("slope", "residual")
_CURVES = {"total": "total loss", "reconstruction": "reconstruction"} | {t: f"metric: {t}" for t in _METRIC_TERMS}
#: What the columns of losses on held-out rows begin with.
_VALIDATION = "validation_"
_LABEL_WIDTH = 2.3


def draw_figures(results: Results, tables: dict[str, Table | None], folder: Path) -> dict[str, list[Picture]]:
    """Draw and save all figures, by their place on the page; call it within `drawing`."""
    places: dict[str, Callable[[], Iterator[Picture]]] = {
        "circumplex": lambda: _circumplex(results, folder),
        "network": lambda: _network(results, folder),
        "latent": lambda: _latent(results, folder),
        "curves": lambda: _curves(results, folder),
        "table3": lambda: _dots(tables["table3"], folder, "figure5", "Table 3"),
        "table4": lambda: _dots(tables["table4"], folder, "figure6", "Table 4"),
    }
    pictures = {place: list(draw()) for place, draw in places.items()}
    n_compared = sum(map(is_compared, _methods(results)))
    pictures["latent"], pictures["baselines"] = pictures["latent"][:n_compared], pictures["latent"][n_compared:]
    return pictures


def _circumplex(results: Results, folder: Path) -> Iterator[Picture]:
    ratings = mean_ratings(results.ratings)
    source = ratings[ratings["role"] == "source"]
    others = ratings.loc[ratings["role"] == "target", "corpus"].unique()
    caption = "The circumplex: valence to the right, activation upwards, words after Russell (1980). "
    caption += _about_ratings(source) if len(source) else "The source corpus has no pairs of ratings to place in it."
    if len(others):
        caption += f" Hollow: the same for {listed(map(str, others))}."
    rows = source.to_dict("records")
    means = [f"{row['emotion']} {number(row['valence'])}, {number(row['activation'])}" for row in rows]
    alt = f"Circle of emotion words. Mean valence, activation: {'; '.join(means) or 'no ratings'}."
    yield save(circumplex(ratings), folder, "figure1-circumplex", caption, alt)


def _about_ratings(source: pd.DataFrame) -> str:
    return (
        f"Filled: where {listed(source['corpus'].unique())}’s raters place the emotions on average "
        f"({int(source['n'].sum()):,} utterances; lines: ± a standard deviation)."
    )


def _network(results: Results, folder: Path) -> Iterator[Picture]:
    sizes = layer_sizes(results.settings)
    layers = "-".join(map(str, sizes))
    caption = (
        f"The denoising autoencoder, {layers}, fully connected. It learns to restore features from noisy "
        f"ones through {counted(sizes[len(sizes) // 2], 'number')}, the embedding. The metric methods also "
        "ask that two utterances lie as far apart there as their ratings do."
    )
    yield save(network(results.settings), folder, "figure2-network", caption, f"Network with layers {layers}.")


def _latent(results: Results, folder: Path) -> Iterator[Picture]:
    sizes = layer_sizes(results.settings)
    latent_dim = sizes[len(sizes) // 2]
    summary = results.summary[results.summary["reading"].isin(["held-out", "zero-shot"])]
    marked = _marked(records_of(summary))
    for index, method in enumerate(_methods(results)):
        mine = results.embeddings[results.embeddings["method"] == method]
        corpora = [str(name) for name in results.corpora["corpus"] if (mine["corpus"] == name).any()]
        drawn = _drawn(mine)
        figure, frame = latent_figure(drawn, corpora)
        caption = f"{method}: the embedding of {len(mine):,} utterances, none of them used in training."
        if latent_dim > 2 and is_compared(method):
            caption += f" Its {spelt(latent_dim)} numbers are rotated onto their two principal components."
        if len(drawn) < len(mine):
            caption += f" The figure draws {len(drawn):,}, at most {DRAWN_POINTS:,} of a corpus, chosen at random."
        if frame.n_outside:
            caption += f" {counted(frame.n_outside, 'point').capitalize()} outside the frame."
        caption += marked
        alt = f"Scatter plots of the embedding of {method} for {listed(corpora)}."
        # Letters keep files apart whose methods differ in signs only.
        stem = file_stem(f"figure3{letter(index)}", method)
        yield save(figure, folder, stem, caption, alt)


def _drawn(embeddings: pd.DataFrame) -> pd.DataFrame:
    """Choose the rows to be drawn: always the same, so that the same results give the same figure."""
    if embeddings["corpus"].value_counts().max() <= DRAWN_POINTS:
        return embeddings
    parts = [rows.sample(min(len(rows), DRAWN_POINTS), random_state=0) for _, rows in embeddings.groupby("corpus")]
    return pd.concat(parts).sort_index()


def _methods(results: Results) -> list[str]:
    """Order the embedded methods as on the page: compared ones first."""
    names = ordered(map(str, results.embeddings["method"]), COMPARED)
    return sorted(names, key=lambda name: not is_compared(name))


def _curves(results: Results, folder: Path) -> Iterator[Picture]:
    curves = results.curves[results.curves["method"].astype(str).map(is_compared).astype(bool)]
    # Fold 0 is a model of all rows, and no part of any table.
    if (curves["fold"] > 0).any():
        curves = curves[curves["fold"] > 0]
    if curves.empty:
        return
    runs = counted(len(curves[["fold", "seed"]].drop_duplicates()), "run")
    sources = results.corpora.loc[results.corpora["role"] == "source", "corpus"]
    caption = f"Learning curves on {listed(map(str, sources))}: mean and range of {runs} a method."
    if _VALIDATION + "total" in curves:
        caption += " Thin lines: mean on rows held out, one batch a run."
    alt = "Total loss, reconstruction, slope and residual of the metric loss by epoch, a line a method."
    yield save(learning_curves(curves), folder, "figure4-learning-curves", caption, alt)


def _dots(table: Table | None, folder: Path, stem: str, name: str) -> Iterator[Picture]:
    if table is None:
        return
    reference = "guessing" if table.unit == "UAR" else "zero: nothing explained"
    caption = (
        f"{name} as a picture. Dots: mean {table.unit}; lines: 95 % interval over speakers; hollow: trained "
        f"on labels of the corpus itself, held-out speakers; the dotted line is {reference}.{_marked(table.records)}"
    )
    alt = f"{name}: {table.unit} of every method on {listed(table.corpora)}; the numbers are in the table."
    yield save(dot_plot(table), folder, file_stem(stem, name), caption, alt)


def _marked(records: Sequence[Mapping[str, Any]]) -> str:
    """Say in a caption which corpora an audit's verdicts bear on, as the tables' signs do."""
    text = ""
    for sign, words in footnotes(record.get("audit") for record in records):
        corpora = dict.fromkeys(str(each["corpus"]) for each in records if sign in signs_of([each.get("audit")]))
        text += f" {sign} {listed(corpora)}: {words}."
    return text


def learning_curves(curves: pd.DataFrame) -> Figure:
    """Draw each loss by epoch, a panel a loss: mean over runs as a line, their range as a band, held-out rows thin."""
    figure = Figure(figsize=(FULL_WIDTH, 3.0))
    for index, (name, title) in enumerate(_CURVES.items()):
        axes = figure.add_axes((0.045 + 0.245 * index, 0.25, 0.2, 0.64))
        axes.set_title(title, loc="left", weight="bold")
        axes.set_xlabel("epoch")
        axes.grid(visible=True, axis="y")
        axes.xaxis.set_major_locator(MaxNLocator(5, integer=True, steps=[1, 2, 5, 10]))
        for method, rows in curves.groupby("method", sort=False):
            _draw_curve(axes, name, str(method), rows.groupby("epoch")[name].agg(["mean", "min", "max"]).dropna())
            if _VALIDATION + name in rows:
                _draw_validation(axes, name, str(method), rows.groupby("epoch")[_VALIDATION + name].mean().dropna())
    handles, names = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="lower center", ncols=min(len(names), 5), fontsize=9, handlelength=2.8)
    return figure


def _draw_curve(axes: Axes, name: str, method: str, band: pd.DataFrame) -> None:
    if name in _METRIC_TERMS and not band["max"].any():
        # All zero: the method has no metric term, and a line at 0 would look like a perfect one.
        band = band.iloc[:0]
    mark = METHOD_MARKS.get(method, PLAIN_MARK)
    epoch = band.index.to_numpy()
    # One epoch is no line: it is drawn as a point.
    marker = mark.marker if len(epoch) == 1 else ""
    axes.fill_between(epoch, band["min"], band["max"], color=mark.colour, alpha=0.15, linewidth=0)
    line: dict[str, Any] = {"color": mark.colour, "linestyle": mark.dash, "linewidth": 1.6}
    axes.plot(epoch, band["mean"], marker=marker, label=method, **line)


def _draw_validation(axes: Axes, name: str, method: str, mean: pd.Series) -> None:
    if name not in _METRIC_TERMS or mean.any():
        axes.plot(mean.index, mean, color=METHOD_MARKS.get(method, PLAIN_MARK).colour, linewidth=0.7)


def dot_plot(table: Table) -> Figure:
    """Draw a table as dots with intervals: corpora as columns, quantities as rows, methods as lines."""
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
            _prepare(axes, labels, offsets, limits)
            heading = f"{textwrap.shorten(corpus, 26, placeholder='…') or corpus[:26]}"
            axes.set_title(heading, loc="left", weight="bold")
            axes.set_xlabel(f"{table.unit} of {quantity}" if quantity else "", color=MUTED)
            _draw_dots(axes, table, corpus, quantity, offsets)
    return figure


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
