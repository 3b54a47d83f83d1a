"""Agreement as one long table: all raters together, each two of them, and each with their own repeats."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import TYPE_CHECKING, Any

import pandas as pd

from affectmap.agreement.coefficients import icc, interval_alpha, nominal_alpha, pair_measures, same_share
from affectmap.agreement.ratings import VALUES, rating_matrix, repeats
from affectmap.agreement.resampling import N_RESAMPLES, Estimate
from affectmap.schema import LABELS

if TYPE_CHECKING:
    from collections.abc import Mapping

COLUMNS = ("scope", "label", "measure", "rater", "other", "value", "low", "high", "n_items", "n_raters", "note")
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


def agreement_table(ratings: pd.DataFrame, n_resamples: int = N_RESAMPLES, seed: int = 0) -> pd.DataFrame:
    """Measure how far raters agree with each other and with themselves.

    Between raters their first ratings count (presentation 1). A rater's own consistency compares the first rating of a
    recording with the first repeat that has a value.

    Args:
        ratings: As from `read_ratings`.
        n_resamples: Resamples of items for the intervals.
        seed: Of the resamples.

    Returns:
        One row a value: ``scope`` (``all``, ``pair`` or ``own``), ``label`` (activation, valence or emotion),
        ``measure`` (a key of `MEASURES`), ``rater`` and ``other`` (empty where all are meant; ``difference`` is
        other minus rater), ``value`` with its 95 % interval ``low``, ``high`` (``NaN`` where there is none),
        ``n_items``, ``n_raters``, and a ``note`` that says why a value is missing or what was left out. A label that
        nobody gave has no rows.

    Example:
        >>> rows = [(file, rater, value) for file, values in {"a": (1, 2), "b": (3, 3), "c": (5, 4)}.items()
        ...         for rater, value in zip(("x", "y"), values)]
        >>> ratings = pd.DataFrame(rows, columns=["file", "rater", "activation"])
        >>> ratings = ratings.assign(valence=float("nan"), emotion=None, presentation=1, cannot_tell=False)
        >>> table = agreement_table(ratings)
        >>> table[table["measure"] == "ccc"][["scope", "rater", "other"]].values.tolist()
        [['pair', 'x', 'y']]
    """
    rows: list[dict[str, Any]] = []
    for label in VALUES:
        firsts = rating_matrix(ratings, label)
        if firsts.empty:
            continue
        options = {"n_resamples": n_resamples, "seed": seed}
        rows += _together(firsts, label, options)
        for one, other in combinations(firsts.columns, 2):
            for measure, estimate in _compare(firsts[one], firsts[other], label, _BETWEEN, options).items():
                rows.append(_row("pair", label, measure, estimate, 2, rater=one, other=other))
        rows += _own(firsts, repeats(ratings, label), label, options)
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _together(firsts: pd.DataFrame, label: str, options: Mapping[str, int]) -> Iterator[dict[str, Any]]:
    rated = firsts.dropna(axis="columns", how="all")
    n_raters = rated.shape[1]
    n_shared = int((rated.notna().sum(axis=1) >= 2).sum())
    if label in LABELS:
        found = icc(rated.to_numpy(dtype="float64"))
        complete = found.single.n_items
        note = f"of {len(rated)} items, the {complete} rated by all {n_raters}" if found.n_left_out else ""
        if complete < 2 and n_raters > 1:
            note = f"{complete or 'no'} item rated by all {n_raters} raters; see alpha"
        yield _row("all", label, "icc_2_1", found.single, n_raters, note=note)
        yield _row("all", label, "icc_2_k", found.average, n_raters, note=note)
        alpha = interval_alpha(rated.to_numpy(dtype="float64"), **options)
    else:
        alpha = nominal_alpha(rated.to_numpy(dtype=object), **options)
    n_single = len(rated) - n_shared
    note = f"{n_single} item{'' if n_single == 1 else 's'} with one rating left out" if n_single else ""
    yield _row("all", label, "alpha", alpha, n_raters, note=note)


def _compare(
    first: pd.Series, second: pd.Series, label: str, measures: tuple[str, ...], options: Mapping[str, int]
) -> dict[str, Estimate]:
    if label not in LABELS:
        return {"same": same_share(first.to_numpy(dtype=object), second.to_numpy(dtype=object), **options)}
    found = pair_measures(first.to_numpy(dtype="float64"), second.to_numpy(dtype="float64"), **options)
    return {measure: found[measure] for measure in measures}


def _own(firsts: pd.DataFrame, later: pd.DataFrame, label: str, options: Mapping[str, int]) -> Iterator[dict[str, Any]]:
    for rater in later.columns:
        both = pd.DataFrame({"first": firsts[rater], "again": later[rater]}).dropna()
        if both.empty:
            continue
        found = _compare(both["first"], both["again"], label, _OWN, options)
        if label in LABELS:
            found["icc_2_1"] = icc(both.to_numpy(dtype="float64")).single
        for measure, estimate in found.items():
            yield _row("own", label, measure, estimate, 1, rater=str(rater))


def _row(
    scope: str, label: str, measure: str, estimate: Estimate, n_raters: int, *, note: str = "", **who: str
) -> dict[str, Any]:
    names = {"rater": who.get("rater", ""), "other": who.get("other", "")}
    values = {"value": estimate.value, "low": estimate.low, "high": estimate.high, "n_items": estimate.n_items}
    about = {"scope": scope, "label": label, "measure": measure, **names}
    return about | values | {"n_raters": n_raters, "note": _reason(estimate, scope, n_raters, note)}


def _reason(estimate: Estimate, scope: str, n_raters: int, note: str) -> str:
    """Say why there is no value; else, or where `note` says it, what `note` says."""
    if estimate.value == estimate.value:
        return note
    if scope == "all" and n_raters < 2:
        return "one rater: nobody to compare with"
    return note or ("too few items, or ratings that do not vary" if estimate.n_items else "no shared items")
