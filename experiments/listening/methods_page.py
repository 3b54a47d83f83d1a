"""Put the tables of methods.csv into docs/adaptation.md, the section "What else was tried"."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parent / "transfer"))

from affectmap.text import DASH, markdown, score  # noqa: E402
from evaluation import TITLES  # noqa: E402

START = "statistics only"
RATINGS = {"r2_activation": "R² act", "r2_valence": "R² val", "ccc_activation": "CCC act", "ccc_valence": "CCC val"}
#: Where else methods were run: heads, and what the rows have.
ELSEWHERE: dict[str, dict[str, str]] = {
    "by corpus": {"sources_without": "", "folder": "whole", "normalisation": "corpus"},
    "by card": {"sources_without": "", "folder": "whole", "normalisation": "card"},
    "four known, by corpus": {"sources_without": "", "folder": "four", "normalisation": "corpus"},
    "four known, by card": {"sources_without": "", "folder": "four", "normalisation": "card"},
    "no TurEV-DB, by corpus": {"sources_without": "turev-db", "folder": "whole", "normalisation": "corpus"},
    "no TurEV-DB, by card": {"sources_without": "turev-db", "folder": "whole", "normalisation": "card"},
}


def page_tables(folder: Path) -> Iterator[tuple[str, str]]:
    """Give the tables of the page by the name of their marks, made of methods.csv alone."""
    table = pd.read_csv(folder / "methods.csv", dtype={"sources_without": str})
    table["sources_without"] = table["sources_without"].fillna("")
    for ear in table["ear"].unique():
        own = table[table["ear"] == ear]
        yield f"methods-{ear}", _by_corpus(_rows(own, **ELSEWHERE["by corpus"]))
        yield f"elsewhere-{ear}", _elsewhere(own)


def _rows(table: pd.DataFrame, **having: str) -> pd.DataFrame:
    for column, value in having.items():
        table = table[table[column] == value]
    return table


def gains(rows: pd.DataFrame) -> pd.DataFrame:
    """Give the UAR of every method (row) minus the start's, by corpus (column)."""
    wide = rows.pivot(index="method", columns="corpus", values="uar")
    return wide.sub(wide.loc[START], axis=1)


def _by_corpus(rows: pd.DataFrame) -> str:
    """The mean over corpora, each corpus's gain, the worst loss, and ratings."""
    corpora = [name for name in TITLES if name in set(rows["corpus"])]
    gained, means = gains(rows), rows.groupby("method")[["uar", *RATINGS]].mean()
    start = rows[rows["method"] == START].set_index("corpus")["uar"]
    heads = ["method", "UAR", "gain", *(TITLES[name] for name in corpora), "worst", *RATINGS.values()]
    cells = [[START, score(means.loc[START, "uar"]), DASH, *(score(start[name]) for name in corpora), DASH]]
    cells[0] += [score(means.loc[START, name]) for name in RATINGS]
    for method in _ordered(rows):
        if method != START:
            own = gained.loc[method]
            signed = [own.mean(), *(own[name] for name in corpora), min(own.min(), 0.0)]
            row = [_titled(rows, method), score(means.loc[method, "uar"])]
            row += [score(value, signed=True) for value in signed]
            cells.append([*row, *(score(means.loc[method, name]) for name in RATINGS)])
    return markdown([heads, *cells])


def _elsewhere(table: pd.DataFrame) -> str:
    """The mean gain with the worst loss in brackets, for every folder, normalisation and choice of sources."""
    chosen = {head: _rows(table, **having) for head, having in ELSEWHERE.items()}
    parts = {head: gains(part) for head, part in chosen.items() if len(part)}
    rows = []
    for method in _ordered(table):
        if method == START:
            continue
        cells = []
        for part in parts.values():
            own = part.loc[method] if method in part.index else None
            worst = "" if own is None else f" ({score(min(own.min(), 0.0), signed=True)})"
            cells.append(DASH if own is None else score(own.mean(), signed=True) + worst)
        rows.append([_titled(table, method), *cells])
    return markdown([["method", *parts], *rows])


def _ordered(table: pd.DataFrame) -> Sequence[str]:
    return list(dict.fromkeys(table["method"]))


def _titled(table: pd.DataFrame, method: str) -> str:
    needs = table.loc[table["method"] == method, "needs_sources"].any()
    return f"{method} †" if needs else method
