"""Agreement as small tables of text, the same on terminal and page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from affectmap.agreement.estimators import evaluator_weights
from affectmap.agreement.notices import BANDS
from affectmap.agreement.ratings import rating_matrix
from affectmap.agreement.table import MEASURES
from affectmap.schema import LABELS

if TYPE_CHECKING:
    import pandas as pd

DASH = "–"
_INTERVALS = "In brackets 95 % intervals: how far the value would move with other items; none below five items."


@dataclass(frozen=True)
class TextTable:
    """A table whose cells are written.

    Attributes:
        title: What it is about.
        header: A head for each column.
        rows: Cells, as many as heads.
        n_text: How many columns, from the left, hold words.
        legend: How to read it.
    """

    title: str
    header: list[str]
    rows: list[list[str]]
    n_text: int
    legend: str


def text_tables(ratings: pd.DataFrame, table: pd.DataFrame) -> list[TextTable]:
    """Write agreement for people.

    Args:
        ratings: As from `read_ratings`.
        table: Its agreement, as from `agreement_table`.

    Returns:
        All raters together, each two, each with their own repeats, and what each rater did; a table without rows is
        left out.

    Example:
        >>> from affectmap.agreement.table import agreement_table
        >>> import pandas as pd
        >>> ratings = pd.DataFrame({"file": ["a", "b", "a", "b"], "rater": ["x", "x", "y", "y"], "seconds": 4.0,
        ...                         "valence": [1.0, 2, 1, 3], "activation": float("nan"), "emotion": None,
        ...                         "presentation": 1, "cannot_tell": False})
        >>> text_tables(ratings, agreement_table(ratings))[1].rows
        [['x, y', 'valence', '.67', '1.00', '+.50', '2']]
    """
    tables = [_all(table), _pairs(table), _classes(table), _own(table), _raters(ratings)]
    return [one for one in tables if one.rows]


def short(value: float, digits: int = 2, *, signed: bool = False) -> str:
    """Write a number without the zero before its point.

    Example:
        >>> short(0.714), short(-0.5, signed=True), short(float("nan")), short(-0.001)
        ('.71', '−.50', '–', '.00')
    """
    if value != value:
        return DASH
    text = f"{round(value, digits) + 0.0:{'+' if signed else ''}.{digits}f}"
    return text.replace("0.", ".", 1).replace("-", "−") if abs(float(text)) < 1 else text.replace("-", "−")


def _cell(row: pd.Series | None, *, signed: bool = False) -> str:
    if row is None:
        return DASH
    value = short(row["value"], signed=signed)
    return value if row["low"] != row["low"] else f"{value} ({short(row['low'])} to {short(row['high'])})"


def _groups(rows: pd.DataFrame, by: Sequence[str]) -> Iterator[tuple[list[str], dict[str, pd.Series]]]:
    """Give the names of each group, and its rows by measure."""
    for names, group in rows.groupby(list(by), sort=False):
        yield [str(name) for name in names], {str(row["measure"]): row for _, row in group.iterrows()}


def _all(table: pd.DataFrame) -> TextTable:
    heads = ["icc_2_1", "icc_2_k", "alpha"]
    rows, notes = [], []
    for (label,), found in _groups(table[table["scope"] == "all"], ["label"]):
        cells = [_cell(found.get(measure)) for measure in heads]
        rows.append([label, *cells, str(found["alpha"]["n_items"]), str(found["alpha"]["n_raters"])])
        told = {str(row["note"]): measure for measure, row in reversed(found.items()) if row["note"]}
        notes += [f"{label}, {'ICC' if measure in heads[:2] else 'α'}: {note}" for note, measure in told.items()]
    legend = (
        "ICC(2,1): how well one rater stands for all; ICC(2,k): how well the mean of these raters does; only items "
        f"that all rated. {BANDS} Items: those with two ratings or more. {_INTERVALS}"
    )
    added = f" {'. '.join(note[0].upper() + note[1:] for note in notes)}." if notes else ""
    header = ["", *(MEASURES[measure] for measure in heads), "items", "raters"]
    return TextTable("All raters", header, rows, 1, legend + added)


def _pairs(table: pd.DataFrame) -> TextTable:
    rows = []
    mine = table[(table["scope"] == "pair") & table["label"].isin(LABELS)]
    for (one, other, label), found in _groups(mine, ["rater", "other", "label"]):
        n_items = found["ccc"]["n_items"]
        if n_items:
            cells = [_cell(found["ccc"]), _cell(found["pearson"]), _cell(found["difference"], signed=True)]
            rows.append([f"{one}, {other}", label, *cells, str(n_items)])
    legend = (
        "CCC is 1 where two raters give the same numbers, Pearson where they only rise and fall together. Difference: "
        "how much higher the second rates on average. Pairs without a common item are left out."
    )
    return TextTable("Two raters", ["raters", "", "CCC", "Pearson", "difference", "items"], rows, 2, legend)


def _classes(table: pd.DataFrame) -> TextTable:
    rows = []
    mine = table[(table["measure"] == "same") & (table["n_items"] > 0)]
    for _, row in mine.iterrows():
        who = f"{row['rater']}, {row['other']}" if row["scope"] == "pair" else f"{row['rater']}, repeats"
        rows.append([who, _cell(row), str(row["n_items"])])
    legend = "Share of items that both gave the same class, or one rater twice. Chance is not taken out, as it is in α."
    return TextTable("Same class", ["raters", "same", "items"], rows, 1, legend)


def _own(table: pd.DataFrame) -> TextTable:
    rows = []
    mine = table[(table["scope"] == "own") & table["label"].isin(LABELS)]
    for (rater, label), found in _groups(mine, ["rater", "label"]):
        cells = [_cell(found[measure]) for measure in ("absolute_difference", "ccc", "icc_2_1")]
        rows.append([rater, label, *cells, str(found["ccc"]["n_items"])])
    legend = (
        "First ratings and unseen repeats of the same recordings: mean absolute difference in points, CCC, ICC(2,1). "
        "No intervals below five items."
    )
    return TextTable("Own consistency", ["rater", "", "points apart", "CCC", "ICC(2,1)", "items"], rows, 2, legend)


def _raters(ratings: pd.DataFrame) -> TextTable:
    wide = {label: rating_matrix(ratings, label) for label in LABELS}
    weights = {label: dict(zip(w.columns, evaluator_weights(w), strict=True)) for label, w in wide.items()}
    rows = []
    for rater, mine in ((str(name), rows) for name, rows in ratings.groupby("rater", sort=True)):
        first = mine[mine["presentation"] == 1]
        counts = [len(first), len(mine) - len(first), int(first["cannot_tell"].sum())]
        seconds = f"{mine['seconds'].median():.1f}" if mine["seconds"].notna().any() else DASH
        used = [(_used(wide[label][rater].dropna()), short(weights[label][rater])) for label in LABELS]
        rows.append([rater, *map(str, counts), seconds, *(cell for pair in used for cell in pair)])
    header = ["rater", "first", "repeats", "cannot tell", "seconds", "activation", "weight", "valence", "weight"]
    legend = (
        "Ratings, median time, mean ± standard deviation of activation and valence, each with its weight in the "
        "evaluator-weighted estimator: correlation with the mean of the others, 0 where that is negative."
    )
    return TextTable("Each rater", header, rows, 1, legend)


def _used(values: pd.Series) -> str:
    if values.empty:
        return DASH
    return f"{values.mean():.1f} ± {values.std(ddof=0):.1f}"
