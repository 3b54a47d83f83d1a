"""The report of a run: one page that opens offline, its figures, and every number as CSV and JSON."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from affectmap import files as storage
from affectmap.errors import StorageError
from affectmap.report.canvas import drawing
from affectmap.report.figures import draw_figures
from affectmap.report.page import page_tables, render
from affectmap.report.tables import records_of
from affectmap.report.text_tables import text_tables
from affectmap.tables import csv_text
from affectmap.text import latex_tables
from affectmap.utterances import write_large, write_utterances

if TYPE_CHECKING:
    from affectmap.experiment.results import Results

__all__ = ["write_report"]

#: Frames that name corpora, and are read by people on the page.
_SHOWN = (
    "corpora", "findings", "audit", "summary", "claims", "comparisons", "ratings", "embeddings", "curves", "details",
    "confusion",
)  # fmt: skip
#: Frames written as they are, beside the summary in its three tables.
_WRITTEN = ("audit", "table2", "claims", "comparisons", "corpora", "findings", "runs", "curves")


def write_report(results: Results, folder: Path, *, explorer: str = "") -> None:
    """Write the report of a run.

    Args:
        results: The results of a run.
        folder: An existing folder; gets ``report.html``, ``figures/`` (PNG and SVG), ``tables/`` (CSV and JSON,
            shares of one, not percent; and ``tables.tex``), and the tables of utterances and of their features.
        explorer: Name of a page in it that the report links: every utterance a point that can be heard.

    Raises:
        StorageError: If the folder does not exist.
    """
    if not folder.is_dir():
        raise StorageError(f"{folder} is no folder; make it before the report is written into it")
    write_tables(results, folder / "tables")
    if len(results.utterances):
        write_utterances(results.utterances, folder)
        write_large(results.features, folder, "features")
    results = with_titles(results)
    tables = page_tables(results)
    storage.write_text(folder / "tables" / "tables.tex", latex_tables(text_tables(results, tables)))
    with drawing():
        pictures = draw_figures(results, tables, folder / "figures")
    storage.write_text(folder / "report.html", render(results, tables, pictures, explorer))


def with_titles(results: Results) -> Results:
    """Name corpora by their titles, for people, with the given names in a column ``name`` of the corpora.

    A corpus without a title, or with one that another has, keeps its name.
    """
    corpora = results.corpora
    title = corpora["title"].where(corpora["title"].astype(bool), None).fillna(corpora["corpus"])
    # Two corpora under one title would look like one.
    title = title.mask(title.duplicated(keep=False), corpora["corpus"])
    title_of = dict(zip(corpora["corpus"], title, strict=True))
    changed: dict[str, Any] = {}
    for name in _SHOWN:
        frame: pd.DataFrame = getattr(results, name)
        if "corpus" not in frame:
            continue  # a run that has nothing for it
        changed[name] = frame.assign(corpus=[title_of.get(corpus, corpus) for corpus in frame["corpus"]])
    changed["corpora"]["name"] = corpora["corpus"]
    changed["audit"]["other"] = [title_of.get(corpus, corpus) for corpus in results.audit["other"]]
    return replace(results, **changed)


def write_tables(results: Results, folder: Path) -> None:
    """Write every number of a run: tables, single values, audit, corpora, findings, claims and settings."""
    frames = {f"table{which}": results.summary[results.summary["table"] == which] for which in "134"}
    frames |= {name: getattr(results, name) for name in _WRITTEN}
    frames |= {
        name: getattr(results, name) for name in ("costs", "details", "confusion") if len(getattr(results, name))
    }
    for name, frame in frames.items():
        storage.write_text(folder / f"{name}.csv", csv_text(frame))
        storage.write_json(folder / f"{name}.json", records_of(frame.astype(object).where(frame.notna(), None)))
    # Everything needed to run it again stands in one file.
    about = {name: getattr(results, name) for name in ("command", "settings", "versions", "notes", "timings")}
    storage.write_json(folder / "settings.json", about)
