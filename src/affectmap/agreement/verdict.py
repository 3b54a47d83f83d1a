"""What an agreement says in words: how far raters agree on each label, and whether their mean can be used.

Conventions:
    * Bounds of Krippendorff's α are his own (2004): .80 for reliable data, .667 for tentative conclusions; .40 below
      which there is little to learn from is a convention of this package.
    * Bounds of ICC(2,k) are those of Koo and Li (2016): .75 is good, .50 moderate.
"""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from affectmap.agreement.ratings import VALUES
from affectmap.agreement.table import LOW_ALPHA
from affectmap.schema import LABELS
from affectmap.text import counted, is_number, listed, score, score_range

#: α from which on raters agree as said, the highest first.
_ALPHA = ((0.8, "reliably"), (0.667, "well enough for tentative conclusions"), (LOW_ALPHA, "in part"))
#: ICC(2,k) from which on the mean of raters is as said.
_MEAN = ((0.9, "excellent"), (0.75, "good"), (0.5, "moderate"))


def verdict(table: pd.DataFrame) -> str:
    """Say how far raters agree, in a sentence or two.

    Args:
        table: Agreement, as from `agreement_table`.

    Example:
        >>> from affectmap.agreement import agreement_table
        >>> verdict(agreement_table(ratings)).split(";")[0]
        'The two raters agree well enough for tentative conclusions on activation (α .69) and valence (α .71)'
    """
    found = {(str(row["label"]), str(row["measure"])): row for _, row in table[table["scope"] == "all"].iterrows()}
    labels = [label for label in VALUES if (label, "alpha") in found]
    if not labels:
        return "Nobody rated anything, so nothing can be said."
    n_raters = max(int(row["n_raters"]) for row in found.values())
    if n_raters < 2:
        return "One rater alone: there is nobody to compare with, so nothing can be said about agreement."
    by_strength: dict[str, list[str]] = {}
    unknown = []
    for label in labels:
        row = found[label, "alpha"]
        if not is_number(row["value"]):
            unknown.append(f"Nothing can be said about {label}: {row['note']}.")
            continue
        how = next((words for least, words in _ALPHA if row["value"] >= least), "hardly")
        interval = f", {score_range(row['low'], row['high'])}" if is_number(row["low"]) else ""
        by_strength.setdefault(how, []).append(f"{label} (α {score(row['value'])}{interval})")
    parts = [f"{how} on {listed(some)}" for how, some in by_strength.items()]
    agree = [f"The {counted(n_raters, 'rater')} agree {'; '.join(parts)}."] if parts else []
    return " ".join([*agree, *unknown, *_means(found)])


def _means(found: Mapping[tuple[str, str], pd.Series]) -> list[str]:
    """Say how reliable the mean of these raters is, where all rated some items."""
    parts = []
    for label in LABELS:
        row = found.get((label, "icc_2_k"))
        if row is not None and is_number(value := row["value"]):
            how = next((words for least, words in _MEAN if value >= least), "poor")
            parts.append(f"{how} for {label} (ICC(2,k) {score(value)})")
    return [f"Their mean as a gold standard is {listed(parts)}."] if parts else []
