"""The paper's claims in plain words: a verdict, what the intervals mean, and each comparison on one scale."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from affectmap.report.style import is_number, number, out_of, spelt

#: Each claim in a few words, for the summary.
SHORT_NAMES = {
    "a": "metric methods explain ratings better than the unsupervised one",
    "b": "activation is explained better than valence",
    "c": "metric methods recognise emotions better than the unsupervised one",
    "d": "three emotions are easier than four",
    "e": "only distances in activation gain from ratings",
    "f": "Metric-Val mostly recognises emotions better than Metric-Act",
    "g": "SUPERB leads on IEMOCAP and SAVEE only",
}


@dataclass(frozen=True)
class Claim:
    """One claim of the paper with its verdict, and the comparisons it was tested by."""

    letter: str
    statement: str
    verdict: str
    overall: str
    rows: list[dict[str, Any]]


def claim_views(claims: pd.DataFrame) -> list[Claim]:
    """Put each claim's comparisons into words and onto one scale.

    Args:
        claims: The results' claims.

    Returns:
        One item a claim, in order; its rows have ``words``, ``shown`` and ``places`` of a small plot.
    """
    views = []
    for letter, group in claims.groupby("claim", sort=True):
        rows = [{str(k): v for k, v in row.items()} for row in group.to_dict("records")]
        overall = [row for row in rows if row["corpus"] == "all"]
        single = [row for row in rows if row["corpus"] != "all"]
        # One scale a claim, zero in the middle, so that its rows can be compared by eye.
        ends = [abs(row[k]) for row in rows for k in ("difference", "ci_low", "ci_high") if is_number(row[k])]
        scale = max(ends, default=0.0) or 1.0
        verdict = overall[0]["verdict"] if overall else "cannot be told"
        text = " ".join([_counts(single), *map(_overall_words, overall)])
        shown = [_claim_row(row, scale) for row in [*single, *overall]]
        views.append(Claim(str(letter), rows[0]["statement"], verdict, text, shown))
    return views


def _counts(single: list[dict[str, Any]]) -> str:
    above = sum(is_number(row["difference"]) and row["difference"] > 0 for row in single)
    clearly = sum(is_number(row["ci_low"]) and row["ci_low"] > 0 for row in single)
    verb = "speaks" if above == 1 else "speak"
    text = f"{out_of(above, len(single), 'comparison').capitalize()} {verb} for it"
    return f"{text}, {spelt(clearly) if clearly else 'none'} with the whole interval." if above else f"{text}."


def _overall_words(row: dict[str, Any]) -> str:
    if not is_number(row["difference"]):
        return (
            "It has parts of different kinds and holds only if all do." if "all parts" in str(row["comparison"]) else ""
        )
    points = f"{number(100 * row['difference'], 1, signed=True)} points of 100"
    return f"All together ({row['comparison']}): {points}. {interval_words(row['ci_low'], row['ci_high'])}"


def _claim_row(row: dict[str, Any], scale: float) -> dict[str, Any]:
    places = {
        key: 50 + 47 * row[key] / scale if is_number(row[key]) else None for key in ("difference", "ci_low", "ci_high")
    }
    low, high = (number(row[key], signed=True) for key in ("ci_low", "ci_high"))
    known = is_number(row["ci_low"]) and is_number(row["ci_high"])
    shown = {
        "difference": number(row["difference"], signed=True),
        "interval": f"{low} to {high}" if known else number(None),
    }
    return row | {"places": places, "shown": shown, "words": interval_words(row["ci_low"], row["ci_high"])}


def interval_words(low: object, high: object) -> str:
    """Say what an interval of a difference means, for people who do not read intervals.

    Example:
        >>> interval_words(0.02, 0.1)
        'The whole interval lies above zero: other speakers would most likely show the same.'
        >>> interval_words(-0.1, 0.1)
        'The interval includes zero: with other speakers it might have come out the other way.'
        >>> interval_words(-0.2, -0.1)
        'The whole interval lies below zero: other speakers would most likely show the opposite.'
        >>> interval_words(None, None)
        'There are too few speakers to say how sure this is.'
    """
    if not (is_number(low) and is_number(high)):
        return "There are too few speakers to say how sure this is."
    if low > 0:
        return "The whole interval lies above zero: other speakers would most likely show the same."
    if high < 0:
        return "The whole interval lies below zero: other speakers would most likely show the opposite."
    return "The interval includes zero: with other speakers it might have come out the other way."
