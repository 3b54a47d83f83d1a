"""The tables of a run with cells that are written, for LaTeX."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import pandas as pd

from affectmap.audit.verdicts import Audit, Check, Verdict, footnotes, signs_of
from affectmap.report.tables import Cell, Table, records_of
from affectmap.text import DASH, TextTable, is_number, language_name, number, score, score_range

if TYPE_CHECKING:
    from affectmap.experiment.results import Results

_TITLES = {
    "table1": "Distances in the embedding explained by label distances (adjusted R²)",
    "table3": "Labels explained by the embedding (adjusted R²)",
    "table4": "Emotion classes (UAR), classifier trained on the source",
    "table4_probe": "Emotion classes (UAR), classifier cross-validated by speaker on the target",
    "recall": "Recall of each class, classifier trained on the source",
    "ccc": "Ratings as predicted, without a line fitted to the corpus (CCC)",
    "error": "Ratings as predicted, without a line fitted to the corpus (mean absolute error)",
    "uar by sex": "Emotion classes (UAR) by sex",
    "ccc by sex": "Ratings as predicted (CCC) by sex",
}
_COUNTS = {
    "n_speakers": "speakers", "n_found": "found", "n_dropped": "dropped", "n_used": "used", "n_evaluated": "evaluated",
    **{name: name for name in ("neutral", "sad", "happy", "angry", "other")},
    "n_activation": "with activation", "n_valence": "with valence",
}  # fmt: skip


def text_tables(results: Results, tables: Mapping[str, Table | None]) -> Iterator[TextTable]:
    """Write the tables of a run, as its page shows them; some may have no rows.

    Args:
        results: The results, corpora named by their titles.
        tables: The page's tables by the keys of `TABLES` and `DETAILS` in `affectmap.report.page`.
    """
    for key, table in tables.items():
        if table is not None:
            yield _method_table(_TITLES[key], table)
    yield _literature(results.table2)
    yield _differences("The paper's claims", "claim", "comparison", results.claims)
    yield _differences("Against simpler maps and the corpus' own labels", "against", "method", results.comparisons)
    yield _corpora(results.corpora)
    yield cost_table(results.costs)
    yield Audit(tuple(_check(row) for row in records_of(results.audit))).text_table()


def _method_table(title: str, table: Table) -> TextTable:
    header = ["", *(f"{corpus}, {quantity}" for corpus, quantity in table.columns)]
    rows = [[row.label, *map(_written, row.cells)] for group in table.groups for row in group.rows]
    marks = {"±": "Mean ± standard deviation over folds and seeds", "▲": "▲ best of the autoencoders",
             "*": "* p < .05 over speakers"} | {sign: f"{sign} {words}" for sign, words in table.footnotes}  # fmt: skip
    told = [f"{words}." for mark, words in marks.items() if any(mark in cell for _, *cells in rows for cell in cells)]
    return TextTable(title, header, rows, 1, " ".join(told))


def _written(cell: Cell) -> str:
    sd = f" ± {cell.sd}" if cell.sd else ""
    return f"{cell.mean}{sd}{'▲' * cell.best}{'*' * cell.significant}{cell.signs}"


def _word(cell: object) -> str:
    return cell if isinstance(cell, str) and cell else DASH


def _signed(frame: pd.DataFrame) -> str:
    """Explain the signs in a frame's column ``audit``, which it may lack."""
    return " ".join(f"{sign} {words}." for sign, words in footnotes(frame.get("audit", ())))


def _literature(frame: pd.DataFrame) -> TextTable:
    rows = []
    for row in records_of(frame):
        share = score(row["score"] / 100 if is_number(row["score"]) else None) + signs_of([row.get("audit")])
        cells = (row["method"], row["features_corpus"], row["origin"], row["unit"])
        rows.append([*map(_word, cells), number(row["n_classes"], 0), share])
    legend = f"Only what this run found was measured here. {_signed(frame)}".strip()
    header = ["method", "features, corpus", "from", "measure", "classes", "score"]
    return TextTable("Similar systems in the literature", header, rows, 4, legend)


def _differences(title: str, first: str, compared: str, frame: pd.DataFrame) -> TextTable:
    rows = []
    for row in records_of(frame):
        names = [_word(row[name]) for name in (first, "corpus", "quantity", compared, "verdict")]
        difference = score(row["difference"], signed=True) + signs_of([row.get("audit")])
        rows.append([*names, difference, score_range(row["ci_low"], row["ci_high"], signed=True)])
    header = [first, "corpus", "quantity", compared, "verdict", "difference", "95 % interval"]
    statements = []
    if "statement" in frame:
        stated = frame.drop_duplicates("claim")
        statements = [f"({one}) {words}" for one, words in zip(stated["claim"], stated["statement"], strict=True)]
    legend = " ".join([*statements, "Intervals are over speakers.", _signed(frame)]).strip()
    return TextTable(title, header, rows, 5, legend)


def _corpora(frame: pd.DataFrame) -> TextTable:
    rows = [
        [
            *(_word(row["corpus"]), _word(row["role"]), language_name(row["language"]), _word(row["policy"])),
            *(number(row[name], 0) for name in _COUNTS),
        ]
        for row in records_of(frame)
    ]
    legend = "Utterances found, dropped, used and evaluated; of those used by emotion, and with a rating."
    return TextTable("Corpora", ["corpus", "role", "language", "policy", *_COUNTS.values()], rows, 4, legend)


def cost_table(frame: pd.DataFrame) -> TextTable:
    """Write what models cost, a line a model."""
    rows = []
    for row in records_of(frame):
        numbers = (row["parameters"], 0), (row["seconds_per_minute"], 2), (row["memory_mb"], 0)
        rows.append([str(row["model"]), str(row["device"]), *(number(value, digits) for value, digits in numbers)])
    return TextTable("What a minute of sound costs", ["", "device", "parameters", "seconds", "MB"], rows, 2, "")


def _check(row: Mapping[str, object]) -> Check:
    return Check(**{**row, "verdict": Verdict(str(row["verdict"]))})  # type: ignore[arg-type]
