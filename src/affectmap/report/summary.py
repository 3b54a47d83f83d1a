"""The results in plain words and bars, made from the numbers: what transfers, how well and how surely.

Conventions:
    * Only corpora that no method was trained on count, and only values without any label of theirs (zero-shot).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from statistics import mean, median
from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd

from affectmap.report.tables import records_of
from affectmap.stats.intervals import no_interval
from affectmap.style import RIDGE, UNSUPERVISED, chance, class_names, is_compared
from affectmap.text import DASH, counted, is_number, language_name, listed, score, score_range, spelt, spelt_none

if TYPE_CHECKING:
    from affectmap.experiment.results import Results

#: Share of the ratings' differences from which a rating is predicted clearly, and in part.
CLEARLY, IN_PART = 0.3, 0.1
#: With fewer speakers or fewer evaluated utterances a corpus gets a warning.
FEW_SPEAKERS, FEW_UTTERANCES = 8, 100
#: With more corpora than this the text gives a range; the bars and tables have them all.
MANY = 3
#: Each claim of the paper in a few words.
_CLAIMS = {
    "a": "metric methods explain ratings better than the unsupervised one",
    "b": "activation is explained better than valence",
    "c": "metric methods recognise emotions better than the unsupervised one",
    "d": "three emotions are easier than four",
    "e": "of distances, those in activation gain from ratings and those in valence do not",
    "f": "Metric-Val mostly recognises emotions better than Metric-Act",
    "g": "SUPERB leads on IEMOCAP and SAVEE only",
    "h": "a corpus’s own ratings explain its other speakers better",
}


class Leader(NamedTuple):
    """The autoencoder that does best on average over the unseen corpora, its rows, and how many were compared."""

    method: str
    rows: list[dict[str, Any]]
    n_methods: int


class Transfer:
    """What was measured on corpora that no method was trained on; with the reading ``held-out`` that of sources."""

    def __init__(self, results: Results, reading: str = "zero-shot") -> None:
        self.corpora = results.corpora
        self.targets = [str(c) for c in results.corpora.loc[results.corpora["role"] == "target", "corpus"]]
        rows = results.summary[(results.summary["reading"] == reading) & (results.summary["table"] != "1")]
        role = "target" if reading == "zero-shot" else "source"
        known = {str(c) for c in results.corpora.loc[results.corpora["role"] == role, "corpus"]}
        self._rows = [row for row in records_of(rows) if is_number(row["mean"]) and row["corpus"] in known]

    @property
    def corpora_evaluated(self) -> list[str]:
        """Corpora that there is a value of."""
        return list(dict.fromkeys(str(row["corpus"]) for row in self._rows))

    def row(self, method: str, corpus: str, quantity: str) -> dict[str, Any] | None:
        """Give the summary's row, ``None`` if there is none."""
        for row in self._rows:
            if (row["method"], row["corpus"], row["quantity"]) == (method, corpus, quantity):
                return row
        return None

    def leader(self, quantities: Iterable[str]) -> Leader | None:
        """Find the autoencoder that is best on average, counted from guessing where one can guess."""
        mine = [r for r in self._rows if is_compared(r["method"]) and r["quantity"] in set(quantities)]
        # Only the largest set of classes of each corpus counts; S-H-A is that of AESDD, which has no neutral speech.
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
        return Leader(best, [row for row in mine if row["method"] == best], len(gain))

    def leaders(self) -> list[Leader]:
        """Find the leaders for activation, valence and classes, where there are any."""
        found = [self.leader(quantities) for quantities in (["activation"], ["valence"], self.most_classes())]
        return [leader for leader in found if leader]

    def most_classes(self) -> list[str]:
        """Name the quantities with the most classes that some unseen corpus has: N-S-H-A, or S-H-A without neutral."""
        named = {(row["corpus"], row["quantity"]) for row in self._rows if row["table"] == "4"}
        most = {max((quantity for corpus, quantity in named if corpus == each), key=len) for each, _ in named}
        return sorted(most)

    def not_rated(self, corpora: Iterable[str]) -> str:
        """Say which ratings nobody gave to some corpora; empty where all is rated."""
        missing: dict[str, list[str]] = {}
        for corpus in corpora:
            row = self.corpora[self.corpora["corpus"] == corpus].iloc[0]
            labels = [label for label in ("activation", "valence") if is_number(n := row[f"n_{label}"]) and n == 0]
            if labels:
                missing.setdefault(", ".join(labels).capitalize(), []).append(corpus)
        return " ".join(
            f"{labels}: not rated in {listed(names)}, so not measured." for labels, names in missing.items()
        )


def summarise(results: Results) -> list[tuple[str, str]]:
    """Say in a few sentences what came out: leading words and a sentence or two, in reading order."""
    transfer = Transfer(results)
    transferred = "" if transfer.targets else "No other corpus was given, so nothing can be said about transfer."
    sentences = [
        ("What was done.", _what_was_done(results)),
        ("Transfer.", transferred),
        ("Activation.", _about_rating(transfer, "activation")),
        ("Valence.", _about_rating(transfer, "valence")),
        ("Not rated.", transfer.not_rated(transfer.targets)),
        ("Emotions.", _about_classes(transfer)),
        ("A simpler map.", _about_ridge(transfer, results.comparisons)),
        ("The paper’s claims.", _about_claims(results.claims)),
    ]
    return [(lead, text) for lead, text in sentences if text]


def about_small(corpora: pd.DataFrame) -> str:
    """Warn of targets with few speakers or few evaluated utterances; empty where there is none."""
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
    if len(small) > MANY:
        few = f"fewer than {spelt(FEW_SPEAKERS)} speakers or {FEW_UTTERANCES} evaluated utterances"
        return f"{listed(small)} have {few} each: their results are very uncertain."
    return " ".join(f"{corpus} has only {counts}: its results are very uncertain." for corpus, counts in small.items())


def _named(results: Results, role: str) -> list[str]:
    rows = results.corpora[results.corpora["role"] == role].to_dict("records")
    languages = {str(row["corpus"]): language_name(row["language"]) for row in rows}
    return [f"{corpus} ({language})" if language != DASH else corpus for corpus, language in languages.items()]


def _what_was_done(results: Results) -> str:
    n_methods = sum(map(is_compared, results.summary["method"].unique()))
    sources, targets = _named(results, "source"), _named(results, "target")
    verb = "was" if n_methods == 1 else "were"
    start = f"{counted(n_methods, 'autoencoder').capitalize()} {verb} trained on {listed(sources)} and evaluated on"
    where = f"{counted(len(targets), 'unseen corpus')}: {listed(targets)}" if targets else "its held-out speakers"
    return f"{start} {where}."


def _about_rating(transfer: Transfer, label: str) -> str:
    leader = transfer.leader([label])
    if leader is None:
        return ""
    average = mean(row["mean"] for row in leader.rows)
    how = "clearly" if average >= CLEARLY else "in part" if average >= IN_PART else "hardly"
    explained = _each(leader.rows, "of the differences between ratings", least=0.0)
    predict = "hardly predict it" if how == "hardly" else f"predict it {how}"
    text = f"Embeddings of unseen corpora {predict}: {_chosen(leader)} explains {explained}."
    if leader.method == UNSUPERVISED:
        return f"{text} It uses no rating."
    plain = [transfer.row(UNSUPERVISED, row["corpus"], label) for row in leader.rows]
    shares = [max(row["mean"], 0.0) for row in plain if row]
    if not shares:
        return text
    explained = _range(shares) if len(shares) > MANY else listed(map(score, shares))
    return f"{text} {UNSUPERVISED}, which uses no rating, explains {explained}."


def _chosen(leader: Leader) -> str:
    """Name a method; one that was the best of several was chosen when the results were known."""
    if leader.n_methods == 1:
        return leader.method
    return f"{leader.method}, the best of the {spelt(leader.n_methods)} autoencoders and chosen afterwards,"


def _each(rows: Sequence[dict[str, Any]], what: str, least: float = -1.0) -> str:
    """Write the share of something in every corpus with its interval, or the range where there are many."""
    shares = [max(row["mean"], least) for row in rows]
    if len(rows) > MANY:
        return f"{_range(shares)} {what}"
    parts, words, what = [], "with other speakers ", f" {what}"
    for row, share in zip(rows, shares, strict=True):
        ends = interval_of(row)
        none = no_interval(row.get("n_speakers"))
        sure = f"{words}{score_range(*(max(end, least) for end in ends))}" if ends else none
        parts.append(f"{score(share)}{what} in {row['corpus']} ({sure})")
        # What the share and its range are of is said once.
        words, what = "" if ends else words, ""
    return listed(parts)


def _range(shares: Sequence[float]) -> str:
    low, middle, high = (score(choose(shares)) for choose in (min, median, max))
    return low if low == high else f"{low} to {high} (median {middle})"


def _about_classes(transfer: Transfer) -> str:
    leader = transfer.leader(transfer.most_classes())
    if leader is None:
        return ""
    by_classes: dict[str, list[dict[str, Any]]] = {}
    for row in leader.rows:
        by_classes.setdefault(str(row["quantity"]), []).append(row)
    parts = [
        _each(rows, f"of {listed(class_names(quantity))} speech (guessing gives {score(chance(quantity))})")
        for quantity, rows in by_classes.items()
    ]
    most = max(by_classes, key=len)
    return (
        f"Without a single label of the unseen corpus, a classifier on the embedding of {_chosen(leader)} "
        f"recognises {listed(parts)}; each emotion weighs the same. The tables name emotions by their "
        f"initials; {most}: {', '.join(class_names(most))}."
    )


def _about_ridge(transfer: Transfer, comparisons: pd.DataFrame) -> str:
    # Against the very methods that the sentences before praised.
    ours = {(row["method"], row["corpus"], row["quantity"]) for leader in transfer.leaders() for row in leader.rows}
    against_ridge = records_of(comparisons[comparisons["against"] == RIDGE])
    rows = [row for row in against_ridge if (row["method"], row["corpus"], row["quantity"]) in ours]
    rows = [row for row in rows if is_number(row["difference"])]
    if not rows:
        return ""
    told = [row["verdict"] for row in rows]
    average = score(mean(row["difference"] for row in rows), signed=True)
    return (
        f"Ridge regression from the same features straight to the ratings, beside the methods named above: in "
        f"{counted(len(rows), 'comparison')} the network is surely ahead in {spelt_none(told.count('above'))} and "
        f"surely behind in {spelt_none(told.count('below'))} (differences on the same speakers); {average} on average."
    )


def _about_claims(claims: pd.DataFrame) -> str:
    overall = claims[claims["corpus"] == "all"].drop_duplicates("claim")
    parts = [
        f"({row['claim']}) {_CLAIMS.get(str(row['claim']), 'see below')}: {row['verdict']}"
        for row in overall.to_dict("records")
    ]
    return f"On these corpora, {'; '.join(parts)}." if parts else ""


class Measure(NamedTuple):
    """One bar: what it is of, shares for its length, interval and two ticks, the words beside it, and its verdicts."""

    label: str
    kind: str
    share: float
    text: str
    method: str
    unsupervised: float | None
    guessing: float | None
    span: tuple[float, float] | None
    sureness: str
    audit: str = ""


class Glance(NamedTuple):
    """One unseen corpus, its measures, and a sentence on what nobody rated."""

    corpus: str
    about: str
    measures: list[Measure]
    missing: str


def glances(results: Results) -> list[Glance]:
    """Give the bars of "at a glance": for each unseen corpus the best autoencoder for each quantity."""
    transfer = Transfer(results)
    leaders = transfer.leaders()
    found = []
    for row in results.corpora[results.corpora["role"] == "target"].to_dict("records"):
        corpus, named = str(row["corpus"]), is_number(row["n_speakers"])
        measures = [
            _measure(transfer, leader, mine, named=named)
            for leader in leaders
            if (mine := next((each for each in leader.rows if each["corpus"] == corpus), None))
        ]
        language = language_name(row["language"])
        speakers = counted(int(row["n_speakers"]), "speaker") if named else ""
        about = ", ".join(filter(None, [language if language != DASH else "", speakers]))
        if measures:
            found.append(Glance(corpus, about, measures, transfer.not_rated([corpus])))
    return found


def _measure(transfer: Transfer, leader: Leader, row: Mapping[str, Any], *, named: bool) -> Measure:
    quantity = str(row["quantity"])
    guessing, ends = chance(quantity), interval_of(row)
    classes = f"Emotions recognised, of {spelt(len(class_names(quantity)))}" if guessing else ""
    plain = transfer.row(UNSUPERVISED, row["corpus"], quantity) if leader.method != UNSUPERVISED else None
    unknown = no_interval(row.get("n_speakers")) if named else "no interval: speakers not named"
    return Measure(
        label=classes or f"{quantity.capitalize()} explained",
        kind="classes" if classes else quantity,
        share=_within(row["mean"]),
        text=score(row["mean"]),
        method=leader.method,
        unsupervised=float(plain["mean"]) if plain else None,
        guessing=guessing,
        span=(_within(ends[0]), _within(ends[1])) if ends else None,
        sureness=f"95 % interval over speakers: {score_range(*ends)}" if ends else unknown,
        audit=row.get("audit", ""),
    )


def _within(share: float) -> float:
    return min(max(float(share), 0.0), 1.0)


def interval_of(row: Mapping[str, Any]) -> tuple[float, float] | None:
    """Give a row's interval over speakers, ``None`` unless both ends are known."""
    low, high = row["ci_low"], row["ci_high"]
    return (float(low), float(high)) if is_number(low) and is_number(high) else None
