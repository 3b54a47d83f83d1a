"""All figures of a run: which are drawn, what is written below them, and where they go."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from affectmap.audit.verdicts import footnotes, signs_of
from affectmap.report.canvas import Picture, file_stem, save
from affectmap.report.charts import dot_plot, learning_curves
from affectmap.report.diagrams import circumplex, layer_sizes, mean_ratings, network
from affectmap.report.latent import latent_figure
from affectmap.report.style import COMPARED, COMPARED_PREFIX, counted, is_compared, letter, listed, ordered, spelt
from affectmap.report.tables import Table

if TYPE_CHECKING:
    from affectmap.experiment.results import Results


#: Utterances of a corpus that a figure draws at most; more would be one blot, minutes later.
DRAWN_POINTS = 10_000


def draw_figures(results: Results, tables: dict[str, Table | None], folder: Path) -> dict[str, list[Picture]]:
    """Draw and save all figures; call it within `drawing`.

    Args:
        results: The results of a run.
        tables: As from `page_tables`.
        folder: Where the files go.

    Returns:
        Pictures by their place on the page; a place without data has none.
    """
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
    means = [f"{row['emotion']} {row['valence']:.1f}, {row['activation']:.1f}" for row in source.to_dict("records")]
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
    marked = _marked([{str(key): value for key, value in row.items()} for row in summary.to_dict("records")])
    for index, method in enumerate(_methods(results)):
        mine = results.embeddings[results.embeddings["method"] == method]
        corpora = [str(name) for name in results.corpora["corpus"] if (mine["corpus"] == name).any()]
        drawn = _drawn(mine)
        figure, frame = latent_figure(drawn, corpora)
        caption = f"{method}: the embedding of {len(mine):,} utterances, none of them used in training."
        if latent_dim > 2 and is_compared(method):
            caption += f" Its {spelt(latent_dim)} numbers are turned onto their two principal components."
        if len(drawn) < len(mine):
            caption += f" Drawn are {len(drawn):,} of them, at most {DRAWN_POINTS:,} of a corpus, chosen at random."
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
    curves = results.curves[results.curves["method"].astype(str).str.startswith(COMPARED_PREFIX)]
    # Fold 0 is a model of all rows, and no part of any table.
    if (curves["fold"] > 0).any():
        curves = curves[curves["fold"] > 0]
    if curves.empty:
        return
    runs = counted(len(curves[["fold", "seed"]].drop_duplicates()), "run")
    sources = results.corpora.loc[results.corpora["role"] == "source", "corpus"]
    caption = f"Learning curves on {listed(map(str, sources))}: mean and range of {runs} a method."
    alt = "Total loss, reconstruction, slope and residual of the metric loss by epoch, a line a method."
    yield save(learning_curves(curves), folder, "figure4-learning-curves", caption, alt)


def _dots(table: Table | None, folder: Path, stem: str, name: str) -> Iterator[Picture]:
    if table is None:
        return
    reference = "guessing" if table.unit == "UAR" else "zero: nothing explained"
    caption = (
        f"{name} as a picture. Dots: mean {table.unit}; lines: 95 % interval over speakers; hollow: trained "
        f"on the corpus itself, with its labels; the dotted line is {reference}.{_marked(table.records)}"
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
