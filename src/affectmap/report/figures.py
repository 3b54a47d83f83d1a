"""All figures of a run: what is drawn, what is written below it, and where it goes; curves and dots are drawn here."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from affectmap.audit.verdicts import footnotes, signs_of
from affectmap.report.canvas import FULL_WIDTH, NARROW_WIDTH, Picture, file_stem, letter, save
from affectmap.report.diagrams import circumplex, layer_sizes, mean_ratings, network
from affectmap.report.dots import dot_plot
from affectmap.report.latent import latent_figure
from affectmap.report.maps import map_figure, plane_of
from affectmap.report.summary import Transfer
from affectmap.report.tables import Table, records_of
from affectmap.style import COMPARED, METHOD_MARKS, PLAIN_MARK, is_compared, ordered
from affectmap.text import DASH, counted, language_name, listed, number, spelt

if TYPE_CHECKING:
    from affectmap.experiment.results import Results

#: Utterances of a corpus that a figure draws at most; more would be one blot, minutes later.
DRAWN_POINTS = 10_000
_METRIC_TERMS = ("slope", "residual")
_CURVES = {"total": "total loss", "reconstruction": "reconstruction"} | {t: f"metric: {t}" for t in _METRIC_TERMS}
#: What the columns of losses on held-out rows begin with.
_VALIDATION = "validation_"


def draw_figures(results: Results, tables: dict[str, Table | None], folder: Path) -> dict[str, list[Picture]]:
    """Draw and save all figures, by their place on the page; call it within `drawing`."""
    places: dict[str, Callable[[], Iterator[Picture]]] = {
        "map": lambda: _map(results, folder),
        "maps": lambda: _maps(results, folder),
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


def shown_method(results: Results) -> str:
    """Choose the method of the first map: the autoencoder that explains activation best, else the first there is."""
    leaders = [leader.method for leader in Transfer(results).leaders()]
    methods = _methods(results)
    return next((name for name in leaders if name in methods), methods[0] if methods else "")


def _titles(results: Results) -> dict[str, str]:
    """Give what stands above the maps of each corpus: its name, its language, and whether the rest of it was used."""
    titles = {}
    for row in records_of(results.corpora):
        language = language_name(row["language"])
        known = "" if language == DASH or language.lower() in str(row["corpus"]).lower() else f", {language}"
        titles[str(row["corpus"])] = f"{row['corpus']}{known}{' (held-out part)' if row['role'] == 'source' else ''}"
    return titles


def _map(results: Results, folder: Path) -> Iterator[Picture]:
    method = shown_method(results)
    if not method:
        return
    mine = _drawn(results.embeddings[results.embeddings["method"] == method])
    n_rows = int((results.embeddings["method"] == method).sum())
    titles = {corpus: title for corpus, title in _titles(results).items() if (mine["corpus"] == corpus).any()}
    caption = (
        f"One dot an utterance, {n_rows:,} in all, none of them used in training, by {method}. {_about_plane(mine)}"
    )
    if plane_of(mine).is_named and mine[["activation", "valence"]].notna().all(axis=1).any():
        caption += " Large marks: where it puts an emotion on average; hollow ones: where raters put it."
    alt = f"Maps of {listed(titles)}, valence to the right and activation upwards, utterances coloured by emotion."
    pair = [map_figure(mine, [method], titles, narrow=narrow) for narrow in (False, True)]
    yield save(pair[0], folder, "map", caption, alt, pair[1])


def _about_plane(mine: pd.DataFrame) -> str:
    if plane_of(mine).is_named:
        return "All maps are on the scale of the ratings, 1 to 5, read out by one line fitted on the training rows."
    return "The training rows have too few ratings to name the axes."


def _maps(results: Results, folder: Path) -> Iterator[Picture]:
    methods = [name for name in _methods(results) if is_compared(name)]
    if len(methods) < 2:
        return
    mine = _drawn(results.embeddings[results.embeddings["method"].isin(methods)])
    titles = {corpus: title for corpus, title in _titles(results).items() if (mine["corpus"] == corpus).any()}
    caption = f"The same for all autoencoders, a row each. {_about_plane(mine)}"
    alt = f"Maps of {listed(titles)} by {listed(methods)}, valence to the right and activation upwards."
    pair = [map_figure(mine, methods, titles, narrow=narrow) for narrow in (False, True)]
    yield save(pair[0], folder, "figure3-maps", caption, alt, pair[1])


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
    yield save(circumplex(ratings), folder, "figure1-circumplex", caption, alt, circumplex(ratings, narrow=True))


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
    pair = [network(results.settings, narrow=narrow) for narrow in (False, True)]
    yield save(pair[0], folder, "figure2-network", caption, f"Network with layers {layers}.", pair[1])


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
        yield save(figure, folder, stem, caption, alt, latent_figure(drawn, corpora, narrow=True)[0])


def _drawn(embeddings: pd.DataFrame) -> pd.DataFrame:
    """Choose the rows to be drawn: always the same, so that the same results give the same figure."""
    if embeddings[["method", "corpus"]].value_counts().max() <= DRAWN_POINTS:
        return embeddings
    groups = embeddings.groupby(["method", "corpus"])
    parts = [rows.sample(min(len(rows), DRAWN_POINTS), random_state=0) for _, rows in groups]
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
    pair = [learning_curves(curves, narrow=narrow) for narrow in (False, True)]
    yield save(pair[0], folder, "figure4-learning-curves", caption, alt, pair[1])


def _dots(table: Table | None, folder: Path, stem: str, name: str) -> Iterator[Picture]:
    if table is None:
        return
    reference = "guessing" if table.unit == "UAR" else "zero: nothing explained"
    caption = (
        f"{name} as a picture. Lines: 95 % interval over speakers; hollow: trained on the corpus’s own labels; "
        f"dotted: {reference}.{_marked(table.records)}"
    )
    alt = f"{name}: {table.unit} of every method on {listed(table.corpora)}; the numbers are in the table."
    yield save(dot_plot(table), folder, file_stem(stem, name), caption, alt, dot_plot(table, narrow=True))


def _marked(records: Sequence[Mapping[str, Any]]) -> str:
    """Say in a caption which corpora an audit's verdicts bear on, as the tables' signs do."""
    text = ""
    for sign, words in footnotes(record.get("audit") for record in records):
        corpora = dict.fromkeys(str(each["corpus"]) for each in records if sign in signs_of([each.get("audit")]))
        text += f" {sign} {listed(corpora)}: {words}."
    return text


def learning_curves(curves: pd.DataFrame, *, narrow: bool = False) -> Figure:
    """Draw each loss by epoch, a panel a loss: mean over runs as a line, their range as a band, held-out rows thin."""
    figure = Figure(figsize=(NARROW_WIDTH, 4.6) if narrow else (FULL_WIDTH, 3.0))
    for index, (name, title) in enumerate(_CURVES.items()):
        row, column = divmod(index, 2)
        narrow_place = (0.11 + 0.5 * column, 0.62 - 0.39 * row, 0.37, 0.29)
        axes = figure.add_axes(narrow_place if narrow else (0.045 + 0.245 * index, 0.25, 0.2, 0.64))
        axes.set_title(title, loc="left", weight="bold")
        axes.set_xlabel("" if narrow and not row else "epoch")
        axes.grid(visible=True, axis="y")
        axes.xaxis.set_major_locator(MaxNLocator(5, integer=True, steps=[1, 2, 5, 10]))
        for method, rows in curves.groupby("method", sort=False):
            _draw_curve(axes, name, str(method), rows.groupby("epoch")[name].agg(["mean", "min", "max"]).dropna())
            if _VALIDATION + name in rows:
                _draw_validation(axes, name, str(method), rows.groupby("epoch")[_VALIDATION + name].mean().dropna())
    handles, names = figure.axes[0].get_legend_handles_labels()
    style: dict[str, Any] = {"ncols": 2, "fontsize": 7.5} if narrow else {"ncols": min(len(names), 5), "fontsize": 9}
    figure.legend(handles, names, loc="lower center", handlelength=2.8, **style)
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
