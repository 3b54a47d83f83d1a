"""Agreement of raters: as one long table, as small tables of text, and what is odd about the ratings in plain words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from affectmap.agreement.coefficients import Estimate, icc, interval_alpha, nominal_alpha, pair_measures, same_share
from affectmap.agreement.estimators import MIN_SHARED, evaluator_weights
from affectmap.agreement.ratings import VALUES, rating_matrix, repeats
from affectmap.schema import LABEL_RANGE, LABELS
from affectmap.text import DASH, TextTable, number, score, score_range

AGREEMENT_COLUMNS = (
    "scope", "label", "measure", "rater", "other", "value", "low", "high", "n_items", "n_raters", "note",
)  # fmt: skip
#: Measures by how people write them.
MEASURES = {
    "icc_2_1": "ICC(2,1)",
    "icc_2_k": "ICC(2,k)",
    "alpha": "Krippendorff’s α",
    "ccc": "CCC",
    "pearson": "Pearson",
    "difference": "mean difference",
    "absolute_difference": "mean absolute difference",
    "same": "same class",
}
_OWN = ("absolute_difference", "ccc")
_BETWEEN = ("ccc", "pearson", "difference")
#: Ratings of one rater below which nothing is said of how the scale is used.
MIN_RATINGS = 10
#: Items rated by two or more below which agreement is hardly known.
FEW_SHARED = 20
LOW_ALPHA = 0.4
#: Agreement with oneself below which a rater's repeats are called poor.
POOR_OWN_CCC = 0.6
#: Median time in seconds that is too short to listen and to place a point.
FAST_SECONDS = 1.5

#: What the bands of α mean, as page and terminal explain them once.
BANDS = (
    "α is 1 where raters agree in full and 0 where they agree as chance would. Krippendorff (2004) asks for .80, and "
    "takes .67 for tentative conclusions; ratings of emotion are often lower. Below .40 there is little to learn from."
)
_INTERVALS = "In brackets 95 % intervals: how far the value would move with other items; none below five items."


def agreement_table(ratings: pd.DataFrame) -> pd.DataFrame:
    """Measure how far raters agree with each other and with themselves.

    Between raters, first ratings count (presentation 1). A rater's own consistency compares the first rating of a
    recording with the first repeat that has a value.

    Args:
        ratings: Table as from `read_ratings`.

    Returns:
        One row a value: ``scope`` (``all``, ``pair`` or ``own``), ``label`` (activation, valence or emotion),
        ``measure`` (a key of `MEASURES`), ``rater`` and ``other`` (empty where all are meant; ``difference`` is
        other minus rater), ``value`` with its 95 % interval ``low``, ``high`` (``NaN`` where there is none),
        ``n_items``, ``n_raters``, and a ``note`` that says why a value is missing or what was left out. A label that
        nobody gave has no rows.

    Example:
        >>> table = agreement_table(ratings)
        >>> table[table["measure"] == "ccc"][["scope", "label", "rater", "other"]].values.tolist()
        [['pair', 'activation', 'x', 'y'], ['pair', 'valence', 'x', 'y']]
    """
    rows: list[dict[str, Any]] = []
    for label in VALUES:
        firsts = rating_matrix(ratings, label)
        if firsts.empty:
            continue
        rows += _together(firsts, label)
        for one, other in combinations(firsts.columns, 2):
            for measure, estimate in _compare(firsts[one], firsts[other], label, _BETWEEN).items():
                rows.append(_row("pair", label, measure, estimate, 2, rater=one, other=other))
        rows += _own(firsts, repeats(ratings, label), label)
    return pd.DataFrame(rows, columns=list(AGREEMENT_COLUMNS))


def _together(firsts: pd.DataFrame, label: str) -> Iterator[dict[str, Any]]:
    rated = firsts.dropna(axis="columns", how="all")
    n_raters = rated.shape[1]
    n_shared = int((rated.notna().sum(axis=1) >= 2).sum())
    if label in LABELS:
        found = icc(rated)
        complete = found.single.n_items
        note = f"of {len(rated)} items, the {complete} rated by all {n_raters}" if found.n_left_out else ""
        if complete < 2 and n_raters > 1:
            note = f"{complete or 'no'} item rated by all {n_raters} raters; see alpha"
        yield _row("all", label, "icc_2_1", found.single, n_raters, note=note)
        yield _row("all", label, "icc_2_k", found.average, n_raters, note=note)
        alpha = interval_alpha(rated)
    else:
        alpha = nominal_alpha(rated)
    n_single = len(rated) - n_shared
    note = f"{n_single} item{'' if n_single == 1 else 's'} with one rating left out" if n_single else ""
    yield _row("all", label, "alpha", alpha, n_raters, note=note)


def _compare(first: pd.Series, second: pd.Series, label: str, measures: tuple[str, ...]) -> dict[str, Estimate]:
    if label not in LABELS:
        return {"same": same_share(first, second)}
    found = pair_measures(first, second)
    return {measure: found[measure] for measure in measures}


def _own(firsts: pd.DataFrame, later: pd.DataFrame, label: str) -> Iterator[dict[str, Any]]:
    for rater in later.columns:
        both = pd.DataFrame({"first": firsts[rater], "again": later[rater]}).dropna()
        if both.empty:
            continue
        found = _compare(both["first"], both["again"], label, _OWN)
        if label in LABELS:
            found["icc_2_1"] = icc(both).single
        for measure, estimate in found.items():
            yield _row("own", label, measure, estimate, 1, rater=str(rater))


def _row(
    scope: str,
    label: str,
    measure: str,
    estimate: Estimate,
    n_raters: int,
    rater: str = "",
    other: str = "",
    note: str = "",
) -> dict[str, Any]:
    about = {"scope": scope, "label": label, "measure": measure, "rater": rater, "other": other}
    return about | estimate._asdict() | {"n_raters": n_raters, "note": _reason(estimate, scope, n_raters, note)}


def _reason(estimate: Estimate, scope: str, n_raters: int, note: str) -> str:
    """Say why there is no value; else, or where `note` says it, what `note` says."""
    if estimate.value == estimate.value:
        return note
    if scope == "all" and n_raters < 2:
        return "one rater: nobody to compare with"
    return note or ("too few items, or ratings that do not vary" if estimate.n_items else "no shared items")


def text_tables(ratings: pd.DataFrame, table: pd.DataFrame) -> list[TextTable]:
    """Write agreement as small tables: all raters together, each two, repeats, and what each rater did."""
    tables = [_all_table(table), _pair_table(table), _class_table(table), _own_table(table), _rater_table(ratings)]
    return [one for one in tables if one.rows]


def _score(row: pd.Series | None) -> str:
    if row is None:
        return DASH
    value, interval = score(row["value"]), score_range(row["low"], row["high"])
    return value if interval == DASH else f"{value} ({interval})"


def _points(row: pd.Series, *, signed: bool = False) -> str:
    """Write a difference in points of the scale."""
    value, low, high = (number(row[end], 2, signed=signed) for end in ("value", "low", "high"))
    return value if DASH in (low, high) else f"{value} ({low} to {high})"


def _groups(rows: pd.DataFrame, by: Sequence[str]) -> Iterator[tuple[list[str], dict[str, pd.Series]]]:
    """Give the names of each group, and its rows by measure."""
    for names, group in rows.groupby(list(by), sort=False):
        yield [str(name) for name in names], {str(row["measure"]): row for _, row in group.iterrows()}


def _all_table(table: pd.DataFrame) -> TextTable:
    heads = ["icc_2_1", "icc_2_k", "alpha"]
    rows, notes = [], []
    for (label,), found in _groups(table[table["scope"] == "all"], ["label"]):
        cells = [_score(found.get(measure)) for measure in heads]
        rows.append([label, *cells, str(found["alpha"]["n_items"]), str(found["alpha"]["n_raters"])])
        said = {str(row["note"]): measure for measure, row in reversed(found.items()) if row["note"]}
        notes += [f"{label}, {'ICC' if measure in heads[:2] else 'α'}: {note}" for note, measure in said.items()]
    legend = (
        "ICC(2,1): how well one rater stands for all; ICC(2,k): how well the mean of these raters does; only items "
        f"that all rated. {BANDS} Items: those with two ratings or more. {_INTERVALS}"
    )
    added = f" {'. '.join(note[0].upper() + note[1:] for note in notes)}." if notes else ""
    header = ["", *(MEASURES[measure] for measure in heads), "items", "raters"]
    return TextTable("All raters", header, rows, 1, legend + added)


def _pair_table(table: pd.DataFrame) -> TextTable:
    rows = []
    mine = table[(table["scope"] == "pair") & table["label"].isin(LABELS)]
    for (one, other, label), found in _groups(mine, ["rater", "other", "label"]):
        n_items = found["ccc"]["n_items"]
        if n_items:
            cells = [_score(found["ccc"]), _score(found["pearson"]), _points(found["difference"], signed=True)]
            rows.append([f"{one}, {other}", label, *cells, str(n_items)])
    legend = (
        "CCC is 1 where two raters give the same numbers, Pearson where they only rise and fall together. Difference: "
        "how much higher the second rates on average. Pairs without a common item are left out."
    )
    return TextTable("Two raters", ["raters", "", "CCC", "Pearson", "difference", "items"], rows, 2, legend)


def _class_table(table: pd.DataFrame) -> TextTable:
    rows = []
    mine = table[(table["measure"] == "same") & (table["n_items"] > 0)]
    for _, row in mine.iterrows():
        who = f"{row['rater']}, {row['other']}" if row["scope"] == "pair" else f"{row['rater']}, repeats"
        rows.append([who, _score(row), str(row["n_items"])])
    legend = "Share of items that both gave the same class, or one rater twice; α, unlike it, corrects for chance."
    return TextTable("Same class", ["raters", "same", "items"], rows, 1, legend)


def _own_table(table: pd.DataFrame) -> TextTable:
    rows = []
    mine = table[(table["scope"] == "own") & table["label"].isin(LABELS)]
    for (rater, label), found in _groups(mine, ["rater", "label"]):
        cells = [_points(found["absolute_difference"]), _score(found["ccc"]), _score(found["icc_2_1"])]
        rows.append([rater, label, *cells, str(found["ccc"]["n_items"])])
    legend = (
        "First ratings and unseen repeats of the same recordings: mean absolute difference in points, CCC, ICC(2,1). "
        "No intervals below five items."
    )
    return TextTable("Own consistency", ["rater", "", "points apart", "CCC", "ICC(2,1)", "items"], rows, 2, legend)


def _rater_table(ratings: pd.DataFrame) -> TextTable:
    wide = {label: rating_matrix(ratings, label) for label in LABELS}
    weights = {label: dict(zip(w.columns, evaluator_weights(w), strict=True)) for label, w in wide.items()}
    rows = []
    for rater, mine in ((str(name), rows) for name, rows in ratings.groupby("rater", sort=True)):
        first = mine[mine["presentation"] == 1]
        counts = [len(first), len(mine) - len(first), int(first["cannot_tell"].sum())]
        seconds = number(mine["seconds"].median())
        used = [(_used(wide[label][rater].dropna()), score(weights[label][rater])) for label in LABELS]
        rows.append([rater, *map(str, counts), seconds, *(cell for pair in used for cell in pair)])
    header = ["rater", "first", "repeats", "cannot tell", "seconds", "activation", "weight", "valence", "weight"]
    legend = (
        "Ratings, median time, mean ± standard deviation of activation and valence, each with its weight in the "
        "evaluator-weighted estimator: correlation with the mean of the others, 0 where that is negative."
    )
    return TextTable("Each rater", header, rows, 1, legend)


def _used(values: pd.Series) -> str:
    return DASH if values.empty else f"{number(values.mean())} ± {number(values.std(ddof=0))}"


def warnings_of(ratings: pd.DataFrame) -> list[str]:
    """Say in plain words what is odd about ratings.

    The bounds are conventions, not measurements: they say where to look, not what to leave out.

    Args:
        ratings: Table as from `read_ratings`.

    Returns:
        A sentence for each oddity, those about all raters first; empty if there is none.

    Example:
        >>> warnings_of(ratings)[0]
        'Activation: only 3 items have ratings of two or more people; 20 is little, 100 is better.'
    """
    return [
        *_about_all_table(ratings),
        *(line for rater in sorted(ratings["rater"].unique()) for line in _about(rater, ratings)),
    ]


def _about_all_table(ratings: pd.DataFrame) -> Iterator[str]:
    raters = sorted(ratings["rater"].unique())
    if not raters:
        yield "There are no ratings."
        return
    if len(raters) == 1:
        yield f"Only {raters[0]} has rated: there is nobody to compare with."
        return
    for value in VALUES:
        wide = rating_matrix(ratings, value)
        if wide.empty:
            continue
        n_shared = int((wide.notna().sum(axis=1) >= 2).sum())
        if n_shared < FEW_SHARED:
            items = "no item has" if not n_shared else "1 item has" if n_shared == 1 else f"only {n_shared} items have"
            yield f"{value.capitalize()}: {items} ratings of two or more people; {FEW_SHARED} is little, 100 is better."
        alpha = (interval_alpha if value in LABELS else nominal_alpha)(wide).value
        if alpha < LOW_ALPHA:
            yield f"{value.capitalize()}: raters hardly agree (α = {score(alpha)}, below {score(LOW_ALPHA)})."


def _about(rater: str, ratings: pd.DataFrame) -> Iterator[str]:
    for label in LABELS:
        wide = rating_matrix(ratings, label)
        yield from _about_scale(rater, label, wide[rater].dropna())
        yield from _about_direction(rater, label, wide)
        yield from _about_repeats(rater, label, wide[rater], repeats(ratings, label))
    seconds = ratings.loc[ratings["rater"] == rater, "seconds"].dropna()
    if len(seconds) >= MIN_RATINGS and seconds.median() < FAST_SECONDS:
        yield (
            f"{rater} took {number(seconds.median())} s for a rating (median of {len(seconds)}): "
            "too fast to listen and to judge?"
        )


def _about_scale(rater: str, label: str, own: pd.Series) -> Iterator[str]:
    if len(own) < MIN_RATINGS:
        return
    middle = sum(LABEL_RANGE) / 2
    low, high = own.min(), own.max()
    if low == high:
        yield f"{rater} never moved {label}: all {len(own)} ratings are {low:.3g}."
    elif low >= middle or high <= middle:
        half = "upper" if low >= middle else "lower"
        used = f"{low:.3g} to {high:.3g} in {len(own)} ratings"
        yield f"{rater} uses only the {half} half of the scale for {label}: {used}."


def _about_direction(rater: str, label: str, wide: pd.DataFrame) -> Iterator[str]:
    others = wide.drop(columns=rater).mean(axis=1) if wide.shape[1] > 1 else wide[rater] * np.nan
    found = pair_measures(wide[rater], others)
    correlation = found["pearson"]
    if correlation.n_items >= max(MIN_RATINGS, MIN_SHARED) and correlation.value < 0:
        yield (
            f"{rater}'s {label} runs against the other raters' (correlation {score(correlation.value)} over "
            f"{correlation.n_items} items): were the ends of the scale mixed up?"
        )


def _about_repeats(rater: str, label: str, first: pd.Series, later: pd.DataFrame) -> Iterator[str]:
    if rater not in later:
        return
    again = later[rater].reindex(first.index)
    found = pair_measures(first, again)
    if found["ccc"].n_items >= MIN_RATINGS and found["ccc"].value < POOR_OWN_CCC:
        yield (
            f"{rater} rates {label} differently the second time: CCC {score(found['ccc'].value)} over "
            f"{found['ccc'].n_items} repeats, {number(found['absolute_difference'].value)} points apart on average."
        )
