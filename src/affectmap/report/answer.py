"""What came out, in one sentence: how well ratings and emotions are told where no method was trained."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from affectmap.report.summary import CLEARLY, IN_PART, MANY, Leader, Transfer, interval_of
from affectmap.schema import LABELS
from affectmap.style import chance
from affectmap.text import listed, score

if TYPE_CHECKING:
    from affectmap.experiment.results import Results


def answer(results: Results) -> str:
    """Say in one sentence what came out: of unseen corpora, or of held-out speakers where there are none."""
    transfer = Transfer(results)
    corpora = transfer.targets
    if not corpora:
        transfer = Transfer(results, "held-out")
    parts = [words for label in LABELS if (words := _rating(transfer.leader([label]), label))]
    parts += [words for words in [_classes(transfer.leader(transfer.most_classes()))] if words]
    if not parts:
        return "Nothing could be measured: the corpora evaluated have neither ratings nor classes that the source has."
    if not corpora:
        where = f"On speakers of {listed(transfer.corpora_evaluated)} that were held out"
        return f"{where}, the map tells {listed(parts)}; no other corpus was given, so nothing is said of transfer."
    where = listed(corpora) if len(corpora) <= MANY else f"{len(corpora)} corpora"
    return f"On {where}, never used in training, the map tells {listed(parts)}."


def _rating(leader: Leader | None, label: str) -> str:
    if leader is None:
        return ""
    average = sum(row["mean"] for row in leader.rows) / len(leader.rows)
    how = "clearly" if average >= CLEARLY else "in part" if average >= IN_PART else "hardly"
    return f"{label} {how} (R² {_values(leader.rows)})"


def _classes(leader: Leader | None) -> str:
    if leader is None:
        return ""
    guesses = {score(chance(str(row["quantity"]))) for row in leader.rows}
    known = [interval_of(row) for row in leader.rows]
    sure = all(
        ends and ends[0] > (chance(str(row["quantity"])) or 0) for ends, row in zip(known, leader.rows, strict=True)
    )
    how = "better than guessing" if sure else "not surely better than guessing"
    return f"emotions {how} (UAR {_values(leader.rows)}; guessing {listed(sorted(guesses))})"


def _values(rows: Sequence[dict[str, Any]]) -> str:
    values = [max(float(row["mean"]), 0.0) for row in rows]
    if len(values) > MANY:
        return f"{score(min(values))} to {score(max(values))}"
    return listed(map(score, values))
