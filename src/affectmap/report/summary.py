"""The results in plain words, made from the numbers: what transfers, how well, and which claims hold."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Any

import pandas as pd

from affectmap.report.style import (
    RIDGE,
    UNSUPERVISED,
    chance,
    class_names,
    counted,
    is_compared,
    is_number,
    language_name,
    listed,
    out_of,
    percent,
    spelt,
)

if TYPE_CHECKING:
    from affectmap.results import Results

#: Share of the ratings' differences that counts as read clearly, and as read in part.
CLEARLY, IN_PART = 0.3, 0.1
#: With more corpora than this the text gives a range; the bars and tables have them all.
_MANY = 3
_VERDICTS = ("holds", "does not hold", "cannot be told")


@dataclass(frozen=True)
class Measure:
    """One bar of "at a glance": shares of one for its length and its two ticks, and the words beside it."""

    label: str
    share: float
    text: str
    method: str
    unsupervised: float | None
    guessing: float | None


@dataclass(frozen=True)
class Glance:
    """One unseen corpus and its measures."""

    corpus: str
    about: str
    measures: list[Measure]


@dataclass(frozen=True)
class _Leader:
    """The compared method that does best on average over the unseen corpora, and its rows."""

    method: str
    rows: list[dict[str, Any]]


class Transfer:
    """What the summary says about corpora that no method was trained on.

    Args:
        results: The results of a run.
    """

    def __init__(self, results: Results) -> None:
        self.corpora = results.corpora
        self.targets = [str(c) for c in results.corpora.loc[results.corpora["role"] == "target", "corpus"]]
        rows = results.summary[results.summary["reading"] == "zero-shot"]
        records = [{str(key): value for key, value in row.items()} for row in rows.to_dict("records")]
        self._rows = [row for row in records if is_number(row["mean"]) and row["corpus"] in self.targets]

    def value(self, method: str, corpus: str, quantity: str) -> float | None:
        """Give a mean without any label of the corpus, ``None`` if there is none."""
        for row in self._rows:
            if (row["method"], row["corpus"], row["quantity"]) == (method, corpus, quantity):
                return float(row["mean"])
        return None

    def leader(self, quantities: Iterable[str]) -> _Leader | None:
        """Find the compared method that is best on average, counted from guessing where one can guess."""
        mine = [r for r in self._rows if is_compared(r["method"]) and r["quantity"] in set(quantities)]
        # What is the most that one corpus has may be the lesser one of another.
        most = {
            r["corpus"]: max(len(other["quantity"]) for other in mine if other["corpus"] == r["corpus"]) for r in mine
        }
        mine = [r for r in mine if len(r["quantity"]) == most[r["corpus"]]]
        # Counted from guessing, or a corpus with fewer classes would always look better.
        gain: dict[str, list[float]] = {}
        for row in mine:
            gain.setdefault(row["method"], []).append(row["mean"] - (chance(row["quantity"]) or 0.0))
        if not gain:
            return None
        best = max(gain, key=lambda method: sum(gain[method]) / len(gain[method]))
        return _Leader(best, [row for row in mine if row["method"] == best])

    def most_classes(self) -> list[str]:
        """Quantities with the most classes that some unseen corpus has: N-S-H-A, or S-H-A without neutral."""
        named = {(row["corpus"], row["quantity"]) for row in self._rows if row["table"] == "4"}
        most = {max((quantity for corpus, quantity in named if corpus == each), key=len) for each, _ in named}
        return sorted(most)


def summarise(results: Results) -> list[tuple[str, str]]:
    """Say in a few sentences what came out.

    Args:
        results: The results of a run.

    Returns:
        Leading words and a sentence or two, in reading order.
    """
    transfer = Transfer(results)
    sentences = [("What was done.", _what_was_done(results))]
    if not transfer.targets:
        sentences.append(("Transfer.", "No other corpus was given, so nothing can be said about transfer."))
    sentences += [
        (f"{label.capitalize()}.", text)
        for label in ("activation", "valence")
        if (text := _about_rating(transfer, label))
    ]
    sentences += [("Emotions.", text) for text in [_about_classes(transfer)] if text]
    sentences += [("A simpler map.", text) for text in [_about_ridge(transfer)] if text]
    sentences += [("The paper’s claims.", text) for text in [_about_claims(results.claims)] if text]
    return sentences


def _named(results: Results, role: str) -> list[str]:
    rows = results.corpora[results.corpora["role"] == role].to_dict("records")
    return [f"{row['corpus']} ({language_name(row['language'])})" for row in rows]


def _what_was_done(results: Results) -> str:
    n_methods = sum(map(is_compared, results.summary["method"].unique()))
    sources, targets = _named(results, "source"), _named(results, "target")
    start = f"{counted(n_methods, 'autoencoder').capitalize()} learnt from {listed(sources)}"
    if not targets:
        return f"{start} and were tried on its speakers that were held out."
    unheard = f"{counted(len(targets), 'corpus')} never heard in training"
    return f"{start} and were then tried on {unheard}: {listed(targets)}."


def _about_rating(transfer: Transfer, label: str) -> str:
    leader = transfer.leader([label])
    if leader is None:
        return ""
    mean = sum(row["mean"] for row in leader.rows) / len(leader.rows)
    how = "clearly" if mean >= CLEARLY else "in part" if mean >= IN_PART else "hardly"
    shares = _each([max(row["mean"], 0.0) for row in leader.rows], [row["corpus"] for row in leader.rows])
    text = (
        f"It can {how} be read from the embedding of speech never heard in training: the best method, "
        f"{leader.method}, explains {shares} of the differences between ratings."
    )
    if leader.method == UNSUPERVISED:
        return f"{text} That is the autoencoder that saw no rating."
    plain = [transfer.value(UNSUPERVISED, row["corpus"], label) for row in leader.rows]
    known = [max(value, 0.0) for value in plain if value is not None]
    return f"{text} {UNSUPERVISED}, which saw no rating, explains {_each(known)}." if known else text


def _each(shares: Sequence[float], corpora: Sequence[str] = ()) -> str:
    """Write every share with its corpus, or the range where there are many."""
    if len(shares) > _MANY:
        low, middle, high = (percent(choose(shares)) for choose in (min, median, max))
        return low if low == high else f"{low} to {high} (median {middle})"
    places = [f" in {corpus}" for corpus in corpora] or [""] * len(shares)
    return listed(f"{percent(share)}{place}" for share, place in zip(shares, places, strict=True))


def _about_classes(transfer: Transfer) -> str:
    leader = transfer.leader(transfer.most_classes())
    if leader is None:
        return ""
    by_classes: dict[str, list[dict[str, Any]]] = {}
    for row in leader.rows:
        by_classes.setdefault(str(row["quantity"]), []).append(row)
    parts = [
        f"{_each([row['mean'] for row in rows], [row['corpus'] for row in rows])} of "
        f"{listed(class_names(quantity))} speech (guessing: {percent(chance(quantity))})"
        for quantity, rows in by_classes.items()
    ]
    return (
        f"Without a single label of the new corpus, a classifier on the embedding of {leader.method}, the "
        f"best of the compared methods, recognises {listed(parts)}, each emotion weighing the same."
    )


def _about_ridge(transfer: Transfer) -> str:
    # Against the very methods that the sentences before praised.
    better, total = 0, 0
    for quantities in (["activation"], ["valence"], transfer.most_classes()):
        leader = transfer.leader(quantities)
        for row in leader.rows if leader else []:
            ridge = transfer.value(RIDGE, row["corpus"], row["quantity"])
            if ridge is not None:
                total += 1
                better += ridge >= row["mean"]
    if total == 0:
        return ""
    verdict = (
        "and by that yardstick the network has not earned its place"
        if better > total / 2
        else "and by that yardstick the network earns its place, if not everywhere"
        if better
        else "and by that yardstick the network earns its place"
    )
    return (
        f"Ridge regression from the 88 features straight to the two ratings does as well as the methods "
        f"named above or better in {out_of(better, total, 'comparison')}, {verdict}."
    )


def _about_claims(claims: pd.DataFrame) -> str:
    overall = claims[claims["corpus"] == "all"]
    parts = []
    for verdict in _VERDICTS:
        letters = [f"({claim})" for claim in dict.fromkeys(overall.loc[overall["verdict"] == verdict, "claim"])]
        if letters:
            verb = {"holds": "hold" if len(letters) > 1 else "holds"}.get(verdict)
            verb = verb or (verdict.replace("does", "do") if len(letters) > 1 else verdict)
            parts.append(f"{listed(letters)} {verb}")
    return f"On these corpora {listed(parts)}." if parts else ""


def glances(results: Results) -> list[Glance]:
    """Give the bars of "at a glance": for each unseen corpus the best compared method for each quantity.

    Args:
        results: The results of a run.

    Returns:
        One item an unseen corpus that has any value.
    """
    transfer = Transfer(results)
    found = []
    for row in results.corpora[results.corpora["role"] == "target"].to_dict("records"):
        measures = [
            _measure(transfer, leader, row["corpus"])
            for quantities in (["activation"], ["valence"], transfer.most_classes())
            if (leader := transfer.leader(quantities)) and any(item["corpus"] == row["corpus"] for item in leader.rows)
        ]
        speakers = counted(int(row["n_speakers"]), "speaker") if is_number(row["n_speakers"]) else ""
        about = ", ".join(filter(None, [language_name(row["language"]), speakers]))
        if measures:
            found.append(Glance(str(row["corpus"]), about, measures))
    return found


def _measure(transfer: Transfer, leader: _Leader, corpus: str) -> Measure:
    row = next(row for row in leader.rows if row["corpus"] == corpus)
    quantity, mean = str(row["quantity"]), float(row["mean"])
    classes = chance(quantity)
    label = _class_label(quantity) if classes else f"{quantity.capitalize()} explained"
    unsupervised = transfer.value(UNSUPERVISED, corpus, quantity) if leader.method != UNSUPERVISED else None
    return Measure(label, min(max(mean, 0.0), 1.0), percent(mean), leader.method, unsupervised, classes)


def _class_label(quantity: str) -> str:
    return f"Emotions recognised, of {spelt(len(class_names(quantity)))}"
