"""The results in plain words, made from the numbers: what transfers, how well, how surely, and which claims hold."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import mean, median
from typing import TYPE_CHECKING, Any

import pandas as pd

from affectmap.report.claims import SHORT_NAMES
from affectmap.report.glance import not_rated
from affectmap.report.style import (
    DASH,
    RIDGE,
    UNSUPERVISED,
    chance,
    class_names,
    counted,
    is_compared,
    is_number,
    language_name,
    listed,
    number,
    out_of,
    percent,
    spelt,
)
from affectmap.report.transfer import Leader, Transfer, bounds, percents

if TYPE_CHECKING:
    from affectmap.experiment.results import Results

#: Share of the ratings' differences that counts as read clearly, and as read in part.
CLEARLY, IN_PART = 0.3, 0.1
#: With fewer speakers or fewer evaluated utterances a corpus gets a warning.
FEW_SPEAKERS, FEW_UTTERANCES = 8, 100
#: With more corpora than this the text gives a range; the bars and tables have them all.
_MANY = 3


def summarise(results: Results) -> list[tuple[str, str]]:
    """Say in a few sentences what came out.

    Args:
        results: The results of a run.

    Returns:
        Leading words and a sentence or two, in reading order.
    """
    transfer = Transfer(results)
    transferred = "" if transfer.targets else "No other corpus was given, so nothing can be said about transfer."
    sentences = [
        ("Take care.", _about_small(results.corpora)),
        ("What was done.", _what_was_done(results)),
        ("Transfer.", transferred),
        ("Activation.", _about_rating(transfer, "activation")),
        ("Valence.", _about_rating(transfer, "valence")),
        ("Not rated.", not_rated(transfer, transfer.targets)),
        ("Emotions.", _about_classes(transfer)),
        ("A simpler map.", _about_ridge(transfer)),
        ("The paper’s claims.", _about_claims(results.claims)),
    ]
    return [(lead, text) for lead, text in sentences if text]


def _about_small(corpora: pd.DataFrame) -> str:
    small: dict[str, str] = {}
    for row in corpora[corpora["role"] == "target"].to_dict("records"):
        counts = [
            counted(int(row[key]), noun)
            for key, noun, few in (
                ("n_speakers", "speaker", FEW_SPEAKERS),
                ("n_evaluated", "evaluated utterance", FEW_UTTERANCES),
            )
            if is_number(row[key]) and row[key] < few
        ]
        if counts:
            small[str(row["corpus"])] = listed(counts)
    if len(small) > _MANY:
        few = f"fewer than {spelt(FEW_SPEAKERS)} speakers or {FEW_UTTERANCES} evaluated utterances"
        return f"{listed(small)} have {few} each: their figures are very uncertain."
    return " ".join(f"{corpus} has only {counts}: its figures are very uncertain." for corpus, counts in small.items())


def _named(results: Results, role: str) -> list[str]:
    rows = results.corpora[results.corpora["role"] == role].to_dict("records")
    languages = [language_name(row["language"]) for row in rows]
    return [
        f"{row['corpus']} ({language})" if language != DASH else str(row["corpus"])
        for row, language in zip(rows, languages, strict=True)
    ]


def _what_was_done(results: Results) -> str:
    n_methods = sum(map(is_compared, results.summary["method"].unique()))
    sources, targets = _named(results, "source"), _named(results, "target")
    start = f"{counted(n_methods, 'autoencoder').capitalize()} learnt from {listed(sources)}"
    verb = "was" if n_methods == 1 else "were"
    if not targets:
        return f"{start} and {verb} tried on its speakers that were held out."
    unheard = f"{counted(len(targets), 'corpus')} never heard in training"
    return f"{start} and {verb} then tried on {unheard}: {listed(targets)}."


def _about_rating(transfer: Transfer, label: str) -> str:
    leader = transfer.leader([label])
    if leader is None:
        return ""
    average = mean(row["mean"] for row in leader.rows)
    how = "clearly" if average >= CLEARLY else "in part" if average >= IN_PART else "hardly"
    text = (
        f"It can {how} be read from the embedding of speech never heard in training: "
        f"{_chosen(leader)} explains {_each(leader.rows, least=0.0)} of the differences between ratings."
    )
    if leader.method == UNSUPERVISED:
        return f"{text} That is the autoencoder that saw no rating."
    plain = [transfer.row(UNSUPERVISED, row["corpus"], label) for row in leader.rows]
    shares = [max(row["mean"], 0.0) for row in plain if row]
    if not shares:
        return text
    explained = _range(shares) if len(shares) > _MANY else listed(map(percent, shares))
    return f"{text} {UNSUPERVISED}, which saw no rating, explains {explained}."


def _chosen(leader: Leader) -> str:
    """Name a method; one that was the best of several was chosen when the results were known."""
    if leader.n_methods == 1:
        return leader.method
    return f"{leader.method}, the best of the {spelt(leader.n_methods)} compared methods and chosen afterwards,"


def _each(rows: Sequence[dict[str, Any]], least: float = -1.0) -> str:
    """Write every share with its corpus and interval, or the range where there are many."""
    shares = [max(row["mean"], least) for row in rows]
    if len(rows) > _MANY:
        return _range(shares)
    parts, words = [], "with other speakers "
    for row, share in zip(rows, shares, strict=True):
        ends = bounds(row)
        sure = f"{words}{percents(*(max(end, least) for end in ends))}" if ends else "interval unknown"
        # What the range is, is said once.
        words = "" if ends else words
        parts.append(f"{percent(share)} in {row['corpus']} ({sure})")
    return listed(parts)


def _range(shares: Sequence[float]) -> str:
    low, middle, high = (percent(choose(shares)) for choose in (min, median, max))
    return low if low == high else f"{low} to {high} (median {middle})"


def _about_classes(transfer: Transfer) -> str:
    leader = transfer.leader(transfer.most_classes())
    if leader is None:
        return ""
    by_classes: dict[str, list[dict[str, Any]]] = {}
    for row in leader.rows:
        by_classes.setdefault(str(row["quantity"]), []).append(row)
    parts = [
        f"{_each(rows)} of {listed(class_names(quantity))} speech (guessing: {percent(chance(quantity))})"
        for quantity, rows in by_classes.items()
    ]
    most = max(by_classes, key=len)
    return (
        f"Without a single label of the new corpus, a classifier on the embedding of {_chosen(leader)} "
        f"recognises {listed(parts)}, each emotion weighing the same. In the tables they are "
        f"initials; {most}: {', '.join(class_names(most))}."
    )


def _about_ridge(transfer: Transfer) -> str:
    # Against the very methods that the sentences before praised.
    leaders = [transfer.leader(quantities) for quantities in (["activation"], ["valence"], transfer.most_classes())]
    ours = [row for leader in leaders if leader for row in leader.rows]
    pairs = [(row, ridge) for row in ours if (ridge := transfer.row(RIDGE, row["corpus"], row["quantity"]))]
    leads = [row["mean"] - ridge["mean"] for row, ridge in pairs if row["mean"] > ridge["mean"]]
    ridge_words, total = "Ridge regression from the same features straight to the ratings", len(pairs)
    if total == 0:
        return ""
    if len(leads) == total:
        where = f"all {counted(total, 'comparison')}" if total > 1 else "the one comparison there is"
        by = f"by {number(100 * mean(leads), 1)} points of 100{' on average' if total > 1 else ''}"
        return f"{ridge_words} reaches less: the network leads in {where}, {by}{_overlap(pairs)}."
    where = f"{out_of(total - len(leads), total, 'comparison')}" if total > 1 else "the one comparison there is"
    rest = "the network has no clear advantage" if 2 * len(leads) <= total else "the network leads in the others"
    return f"{ridge_words} reaches the same or more in {where}; {rest}. Such counts do not settle which is better."


def _overlap(pairs: Sequence[tuple[dict[str, Any], dict[str, Any]]]) -> str:
    """Say in how many pairs the intervals overlap; the worse one of a pair comes second."""
    known = [(mine, other) for row, ridge in pairs if (mine := bounds(row)) and (other := bounds(ridge))]
    overlapping = sum(other[1] >= mine[0] for mine, other in known)
    if overlapping == 0:
        return "" if known else ", but how surely is unknown"
    where = "" if overlapping == len(pairs) else f" in {out_of(overlapping, len(pairs), 'comparison')}"
    return f", but the intervals overlap{where}, so this does not settle which is better"


def _about_claims(claims: pd.DataFrame) -> str:
    overall = claims[claims["corpus"] == "all"].drop_duplicates("claim")
    parts = [
        f"({row['claim']}) {SHORT_NAMES.get(str(row['claim']), 'see below')}: {row['verdict']}"
        for row in overall.to_dict("records")
    ]
    return f"On these corpora, {'; '.join(parts)}." if parts else ""
