"""The cards of "at a glance": for each unseen corpus a few bars, each with how sure it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from affectmap.report.style import (
    DASH,
    UNSUPERVISED,
    chance,
    class_names,
    counted,
    is_number,
    language_name,
    listed,
    percent,
    spelt,
)
from affectmap.report.transfer import Leader, Transfer, bounds, percents

if TYPE_CHECKING:
    from affectmap.experiment.results import Results


@dataclass(frozen=True)
class Measure:
    """One bar: shares of one for its length, its interval and its two ticks, the words beside it, and its verdicts."""

    label: str
    share: float
    text: str
    method: str
    unsupervised: float | None
    guessing: float | None
    span: tuple[float, float] | None
    sureness: str
    audit: str = ""


@dataclass(frozen=True)
class Glance:
    """One unseen corpus, its measures, and a sentence on what nobody rated."""

    corpus: str
    about: str
    measures: list[Measure]
    missing: str


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
        named = is_number(row["n_speakers"])
        measures = [
            _measure(transfer, leader, row["corpus"], named)
            for quantities in (["activation"], ["valence"], transfer.most_classes())
            if (leader := transfer.leader(quantities)) and any(item["corpus"] == row["corpus"] for item in leader.rows)
        ]
        language = language_name(row["language"])
        speakers = counted(int(row["n_speakers"]), "speaker") if named else ""
        about = ", ".join(filter(None, [language if language != DASH else "", speakers]))
        if measures:
            found.append(Glance(str(row["corpus"]), about, measures, not_rated(transfer, [str(row["corpus"])])))
    return found


def not_rated(transfer: Transfer, corpora: list[str]) -> str:
    """Say what nobody rated in some corpora, empty where all is rated.

    Args:
        transfer: What was measured.
        corpora: Names of unseen corpora.

    Returns:
        A sentence for each set of missing ratings.
    """
    missing: dict[str, list[str]] = {}
    for corpus in corpora:
        if labels := transfer.unrated(corpus):
            missing.setdefault(", ".join(labels).capitalize(), []).append(corpus)
    return " ".join(f"{labels}: not rated in {listed(names)}, so not measured." for labels, names in missing.items())


def _measure(transfer: Transfer, leader: Leader, corpus: str, named: bool) -> Measure:
    row = next(row for row in leader.rows if row["corpus"] == corpus)
    quantity, mean = str(row["quantity"]), float(row["mean"])
    guessing, ends = chance(quantity), bounds(row)
    label = _class_label(quantity) if guessing else f"{quantity.capitalize()} explained"
    unsupervised = transfer.value(UNSUPERVISED, corpus, quantity) if leader.method != UNSUPERVISED else None
    if ends:
        sureness = f"95 % interval over speakers: {percents(*ends)}"
    else:
        sureness = f"interval unknown: {'too few speakers' if named else 'speakers not named'}"
    span = (_within(ends[0]), _within(ends[1])) if ends else None
    return Measure(
        label, _within(mean), percent(mean), leader.method, unsupervised, guessing, span, sureness, row.get("audit", "")
    )


def _within(share: float) -> float:
    return min(max(share, 0.0), 1.0)


def _class_label(quantity: str) -> str:
    return f"Emotions recognised, of {spelt(len(class_names(quantity)))}"
