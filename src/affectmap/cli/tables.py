"""The tables of a run as text: mean ± standard deviation over folds and seeds, best values marked."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd
import typer

from affectmap.audit.verdicts import footnotes, signs_of
from affectmap.report.text_tables import cost_table
from affectmap.style import SUPERVISED, is_compared
from affectmap.text import DASH, aligned, is_number, score, table_text

if TYPE_CHECKING:
    from affectmap.experiment.results import Results

#: Columns in the terminal, by method; the first four compete for the mark.
HEADS = {
    "DAE-Unsupervised": "Unsup.",
    "DAE-Metric-Act": "Act",
    "DAE-Metric-Val": "Val",
    "DAE-Metric-Joint": "Joint",
    "PCA-2": "PCA-2",
    "Ridge (activation, valence)": "Ridge",
    "88 functionals": "88 feat.",
    "SUPERB": "SUPERB",
}
_SHOWN = (
    ("1", ("held-out",), "Table 1. Distances explained by label distances (adjusted R²), held-out fold of the source"),
    ("3", ("held-out", "zero-shot"), "Table 3. Labels explained by the embedding (adjusted R²)"),
    ("4", ("held-out", "zero-shot"), "Table 4. Emotion classes (UAR), classifier trained on the source"),
    ("4", ("probe",), "Table 4, probe. Emotion classes (UAR), classifier cross-validated by speaker on the target"),
)
_LEGEND = (
    "± standard deviation over folds and seeds; ▲ best of the autoencoders; within: trained on the corpus' own labels, "
    "held-out speakers (table 3: ridge; table 4: a linear classifier on the 88 features); superv.: the metric loss so "
    "trained on the rating of the row; rater: what one rater explains of the others' mean, where there are two or more"
)


def print_tables(results: Results) -> None:
    """Print the tables and the claims to stdout."""
    for note in results.notes:
        typer.echo(f"Note: {note}")
    for table, readings, title in _SHOWN:
        text = format_table(results.summary, table, readings)
        if text:
            typer.echo(f"\n{title}\n{text}")
    legend = _LEGEND.replace("88", str(results.settings.get("input_dim", 88)))
    typer.echo(f"\n{legend}\n{_how(results.settings)}")
    for sign, words in footnotes(results.summary.get("audit", ())):
        typer.echo(f"{sign} {words}")
    if len(getattr(results, "costs", ())):
        typer.echo(f"\n{table_text(cost_table(results.costs), len(results.costs))}")
    overall = results.claims[results.claims["corpus"] == "all"]
    if len(overall):
        typer.echo("\nThe paper's claims on these corpora")
        for row in overall.itertuples():
            typer.echo(f"  ({row.claim}) {row.verdict}: {row.statement}")


def _how(settings: dict[str, Any]) -> str:
    return (
        f"targets standardised by policy {settings['policy']}; source folds by {settings['folds']}; "
        f"utterances with any |z| > {settings['outlier_threshold']:g} dropped"
    )


def format_table(summary: pd.DataFrame, table: str, readings: tuple[str, ...]) -> str:
    """Format table 1, 3 or 4 in some readings: a line a corpus and quantity, a column a method; empty without values.

    The last columns are within the corpus, by held-out speakers. A corpus has the signs of the verdicts that bear on
    its results.
    """
    cells = summary[(summary["table"] == table) & summary["reading"].isin(readings)]
    if cells.empty:
        return ""
    names = HEADS | {raw: raw.replace("features", "feat.") for raw in _raw_methods(summary)}
    heads = [method for method in names if method in set(cells["method"])]
    rows = [["", "", *(f"{names[method]} " for method in heads)]]
    keys = list[tuple[str, str]]()
    for (corpus, quantity), group in cells.groupby(["corpus", "quantity"], sort=False):
        by_method = {str(row["method"]): row for _, row in group.iterrows()}
        best = _best([row["mean"] for method, row in by_method.items() if is_compared(method)])
        name = f"{corpus}{signs_of(group.get('audit', ()))}"
        rows.append([name, str(quantity), *(_cell(by_method.get(method), best) for method in heads)])
        keys.append((str(corpus), str(quantity)))
    for head, own in _within_corpus(summary[summary["table"] == table]).items():
        column = [own.get(key, "") for key in keys]
        if any(column):
            rows = [[*row, cell] for row, cell in zip(rows, [head, *column], strict=True)]
    return aligned(rows, n_text=2)


def _best(means: list[float]) -> str | None:
    """Write the best value as the table does; a lead that its digits do not show, or over nothing, is no lead."""
    written = [score(mean) for mean in sorted(mean for mean in means if is_number(mean))]
    return written[-1] if written and written[0] != written[-1] else None


def _cell(row: pd.Series | None, best: str | None) -> str:
    if row is None or not is_number(row["mean"]):
        return f"{DASH} "
    mark = "▲" if score(row["mean"]) == best and is_compared(str(row["method"])) else " "
    sd = f"±{score(row['sd'])}" if is_number(row["sd"]) else ""
    return f"{score(row['mean'])}{sd}{mark}"


def _within_corpus(summary: pd.DataFrame) -> dict[str, dict[tuple[str, str], str]]:
    """Write what a corpus' own labels reach, by column and by corpus and quantity."""
    columns: dict[str, dict[tuple[str, str], str]] = {"within": {}, "superv.": {}, "rater": {}}
    for row in summary[summary["reading"].isin(["within", "supervised", "rater"])].to_dict("records"):
        key = str(row["corpus"]), str(row["quantity"])
        if row["reading"] in columns:
            columns[str(row["reading"])][key] = _written(row)
        elif row["method"] == SUPERVISED.get(key[1]):
            columns["superv."][key] = _written(row)
    return columns


def _written(row: Mapping[Hashable, Any]) -> str:
    sd = f"±{score(row['sd'])}" if is_number(row["sd"]) else ""
    return f"{score(row['mean'])}{sd}{signs_of([row.get('audit')])}"


def _raw_methods(summary: pd.DataFrame) -> list[str]:
    """Name the row of an encoder's features themselves, which says how many they are."""
    return [method for method in summary["method"].unique() if str(method).endswith(" features")]
