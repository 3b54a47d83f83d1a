"""Tables 1, 3 and 4 in the paper's form, made from the summary's rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import pandas as pd

from affectmap.audit.verdicts import footnotes, signs_of
from affectmap.schema import FOUR_CLASSES
from affectmap.stats.intervals import no_interval
from affectmap.style import COMPARED, QUANTITIES, is_compared, ordered
from affectmap.text import DASH, is_number, score, score_range

#: What is best where it is lowest.
ERROR_UNIT = "mean absolute error"
#: Groups of a table's rows, from above.
GROUPS = ("Trained on the corpus itself, held-out speakers", "Autoencoders", "Baselines", "Listeners")
_WITHIN = ("supervised", "within")
_RATER = "rater"
#: What the values of a table are, where it is not adjusted R².
UNITS = {
    "4": "UAR", "recall": "recall", "uar by sex": "UAR", "ccc": "CCC", "ccc by sex": "CCC", "error": ERROR_UNIT,
}  # fmt: skip
_Key = tuple[str, str]
_Rows = dict[str, dict[_Key, dict[str, Any]]]


class Cell(NamedTuple):
    """One value as it is written: mean, standard deviation, interval, all of it in words, and how it is marked."""

    mean: str
    sd: str = ""
    interval: str = ""
    hint: str = "no value"
    best: bool = False
    significant: bool = False
    signs: str = ""


class TableRow(NamedTuple):
    """One method: its name on the page, the summary's rows by corpus and quantity, and a cell a column."""

    label: str
    records: dict[_Key, dict[str, Any]]
    cells: list[Cell]


class TableGroup(NamedTuple):
    """Rows that belong together: trained on the corpus itself, autoencoders, baselines."""

    title: str
    rows: list[TableRow]


@dataclass(frozen=True)
class Table:
    """A table of the page.

    Attributes:
        columns: Corpus and quantity of each column.
        groups: Rows by group; a group without rows is left out.
        unit: ``UAR`` or ``adjusted R²``.
    """

    columns: list[_Key]
    groups: list[TableGroup]
    unit: str

    @property
    def corpora(self) -> list[str]:
        """Corpora in the order of the columns."""
        return list(dict.fromkeys(corpus for corpus, _ in self.columns))

    @property
    def spans(self) -> list[tuple[str, int]]:
        """Corpora with their number of columns, for the upper header."""
        return [(corpus, sum(c == corpus for c, _ in self.columns)) for corpus in self.corpora]

    @property
    def footnotes(self) -> list[tuple[str, str]]:
        """Signs that stand in it, each with what it means."""
        return footnotes(record.get("audit") for record in self.records)

    @property
    def records(self) -> list[dict[str, Any]]:
        """The summary's rows that the table shows."""
        return [record for group in self.groups for row in group.rows for record in row.records.values()]


def records_of(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Give the rows of a frame as dictionaries by the names of its columns."""
    return [{str(name): value for name, value in row.items()} for row in frame.to_dict("records")]


def build_table(summary: pd.DataFrame, which: str, corpora: Sequence[str], readings: Sequence[str]) -> Table | None:
    """Build table 1, 3 or 4 of some readings from a run's summary; ``None`` if the summary has nothing for it."""
    rows = summary[(summary["table"] == which) & summary["reading"].isin([*readings, *_WITHIN, _RATER])]
    records = records_of(rows)
    # They alone make no column: there would be nothing to compare them with.
    shown = {(record["corpus"], record["quantity"]) for record in records if record["reading"] in readings}
    if not shown:
        return None
    quantities = ordered((str(record["quantity"]) for record in records), (*QUANTITIES, *map(str, FOUR_CLASSES)))
    columns = [(corpus, quantity) for corpus in corpora for quantity in quantities if (corpus, quantity) in shown]
    grouped: dict[str, _Rows] = {title: {} for title in GROUPS}
    for record in records:
        if (record["corpus"], record["quantity"]) not in shown:
            continue
        mine = grouped[_group_of(record)].setdefault(_label(record), {})
        mine[record["corpus"], record["quantity"]] = record
    unit = UNITS.get(which, "adjusted R²")
    groups = [_group(title, rows, columns, unit) for title, rows in grouped.items()]
    return Table(columns, [group for group in groups if group.rows], unit)


def _group_of(record: dict[str, Any]) -> str:
    if record["reading"] in _WITHIN:
        return GROUPS[0]
    if record["reading"] == _RATER:
        return GROUPS[3]
    return GROUPS[1] if is_compared(record["method"]) else GROUPS[2]


def _label(record: dict[str, Any]) -> str:
    return f"{record['method']}, within the corpus" if record["reading"] == "within" else str(record["method"])


def _group(title: str, rows: _Rows, columns: Sequence[_Key], unit: str) -> TableGroup:
    best = {key: _best(rows, key, unit) for key in columns} if title == GROUPS[1] else {}
    labels = ordered(rows, COMPARED)
    cells = {label: [_cell(rows[label].get(key), unit, best.get(key)) for key in columns] for label in labels}
    return TableGroup(title, [TableRow(label, rows[label], cells[label]) for label in labels])


def _best(rows: _Rows, key: _Key, unit: str) -> str | None:
    """Find the best value of a column as it is written; a value alone in its column is no best."""
    means = [mine[key]["mean"] for mine in rows.values() if key in mine and is_number(mine[key]["mean"])]
    # By what is written: a lead that the digits do not show is no lead.
    return score(min(means) if unit == ERROR_UNIT else max(means)) if len(means) > 1 else None


def _cell(record: dict[str, Any] | None, unit: str, best: str | None) -> Cell:
    if record is None or not is_number(record["mean"]):
        return Cell(DASH)
    sd, interval = score(record["sd"]), score_range(record["ci_low"], record["ci_high"])
    # One run has no deviation, and few speakers no interval: neither leaves a mark.
    mean, sd, interval = score(record["mean"]), sd.replace(DASH, ""), "" if interval == DASH else interval
    over_speakers = f"95 % interval over speakers {interval}" if interval else no_interval(record.get("n_speakers"))
    runs = int(record["n_runs"]) if is_number(record["n_runs"]) else 0
    utterances = int(record["n"]) if is_number(record["n"]) else 0
    hint = f"{unit} {mean}{f' ± {sd}' if sd else ''}; {over_speakers}; {runs} runs, {utterances:,} utterances"
    flag = record["significant"]
    significant = bool(flag) if not pd.isna(flag) else False
    signs = signs_of([record.get("audit")])
    return Cell(mean, sd, interval, hint, best=mean == best, significant=significant, signs=signs)
