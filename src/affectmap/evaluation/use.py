"""Whether a model may be used on recordings like these, and for what, from ratings of two people or more.

The answer compares three distances: that of the model from the ratings, that of a model that gives every recording the
mean rating, and that of the raters from each other. It says

- *cannot be told* where the raters hardly agree, or where there are too few speakers for intervals;
- *not* where the model is not clearly nearer to the ratings than the mean rating is;
- *weak* where it is, and its CCC is below `WEAK_CCC`: differences found are there, those not found may be;
- *groups* where its CCC is higher: means over many recordings may be compared;
- *recordings* where its CCC with the ratings is also at least that of two raters with each other, over its whole
  interval: then a single value is worth about as much as that of one more rater.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from affectmap.evaluation.baselines import MEAN_RATING
from affectmap.evaluation.tables import is_clear, written
from affectmap.schema import LABELS
from affectmap.text import counted, is_number, listed, score

if TYPE_CHECKING:
    from affectmap.evaluation.scoring import Evaluation

#: Reliability of the mean of the raters below which half of what differs between their values is no recording's.
LEAST_RELIABLE = 0.5
#: CCC below which differences come out so much smaller than they are that none found means nothing; our convention.
WEAK_CCC = 0.3
#: Recordings below which a verdict is called preliminary.
FEW = 50


class Statement(NamedTuple):
    """One thing that an evaluation says: what about, in words, and whether it has to be read first."""

    about: str
    words: str
    warns: bool = False


class Raters(NamedTuple):
    """How far those who rated a label agree.

    Attributes:
        names: Who they are.
        reliability: ICC(2,k) of their mean, at most 1; ``NaN`` where it could not be told.
        ccc: Mean CCC of each two, −1 to 1.
        n: Recordings that all of them rated.
    """

    names: tuple[str, ...]
    reliability: float
    ccc: float
    n: int

    def as_dict(self) -> dict[str, Any]:
        """Give all as JSON has it: a missing number is ``None``."""
        numbers = {
            name: value if is_number(value) else None for name, value in self._asdict().items() if name != "names"
        }
        return {"names": list(self.names), **numbers}


def use(found: Evaluation, label: str) -> str:
    """Tell what the values of a label may be used for: ``unknown``, ``not``, ``weak``, ``groups``, ``recordings``."""
    raters, nearer = found.raters.get(label), found.row("mean_absolute_error", label, versus=MEAN_RATING)
    if raters is None or not raters.reliability >= LEAST_RELIABLE or nearer is None or not is_number(nearer.low):
        return "unknown"
    if not is_clear(nearer) or nearer.value > 0:
        return "not"
    ccc = found.row("ccc", label)
    if ccc is None or not ccc.value >= WEAK_CCC:
        return "weak"
    return "recordings" if ccc.low >= raters.ccc else "groups"


def uses(found: Evaluation) -> Iterator[Statement]:
    """Say in words what activation and valence may be used for on recordings like these, and what nobody measured."""
    rated = [label for label in LABELS if label in found.raters]
    for label in rated:
        answer = use(found, label)
        yield Statement(f"Use of {label}", _SAY[answer](found, label), answer in ("unknown", "not", "weak"))
    if rated:
        yield from _limits(found, min(found.raters[label].n for label in rated))


def _unknown(found: Evaluation, label: str) -> str:
    raters = found.raters[label]
    if not raters.reliability >= LEAST_RELIABLE:
        return (
            f"It cannot be told. {_agreement(raters)}: a model cannot be compared with what its raters do not agree "
            "on. Talk with them about the scale, rate again, or add raters."
        )
    return "It cannot be told: below three known speakers nothing says how these values move with other speakers."


def _not(found: Evaluation, label: str) -> str:
    nearer = found.row("mean_absolute_error", label, versus=MEAN_RATING)
    is_farther = nearer is not None and is_clear(nearer) and nearer.value > 0
    how = "clearly farther from" if is_farther else "not clearly nearer to"
    return (
        f"Do not use it here. The model is {how} the ratings than one that gives every recording the mean rating "
        f"({written(nearer)} points). {_agreement(found.raters[label])}, so the raters are not to blame."
    )


def _weak(found: Evaluation, label: str) -> str:
    return (
        "As a hint at most. The model is nearer to the ratings than one that gives every recording the mean rating, "
        f"but only a little: its CCC with them is {written(found.row('ccc', label))}, where two raters have "
        f"{score(found.raters[label].ccc)} with each other. Differences between groups come out much smaller than they "
        "are, and that none is found means nothing."
    )


def _groups(found: Evaluation, label: str) -> str:
    raters = found.raters[label]
    return (
        "Means over many recordings may be compared: of groups, conditions or times within recordings like these. "
        f"A single recording may not be judged by it: its CCC with the ratings is {written(found.row('ccc', label))}, "
        f"where two raters have {score(raters.ccc)} with each other."
    )


def _recordings(found: Evaluation, label: str) -> str:
    return (
        "A single value may be taken like that of one more rater: its CCC with the ratings is "
        f"{written(found.row('ccc', label))}, where two raters have {score(found.raters[label].ccc)} with each other. "
        "Means over many recordings may be compared, too."
    )


_SAY = {"unknown": _unknown, "not": _not, "weak": _weak, "groups": _groups, "recordings": _recordings}


def _agreement(raters: Raters) -> str:
    return f"The mean of {listed(raters.names)} has a reliability of {score(raters.reliability)} (ICC(2,k))"


def _limits(found: Evaluation, n: int) -> Iterator[Statement]:
    """Say where the answers end."""
    if found.in_sample:
        yield Statement(
            "Use", "The model was trained on these recordings: none of it says how it does on others.", True
        )
    unequal = [
        row.quantity
        for row in found.rows(by="sex", measure="mean_absolute_error")
        if row.versus and is_number(row.low) and is_clear(row)
    ]
    if unequal:
        words = f"Do not compare women with men by {listed(unequal)}: how far the model is off differs between them."
        yield Statement("Use", words, True)
    few = f" With {counted(n, 'recording')} rated by all this is preliminary." if n < FEW else ""
    words = (
        "All of this holds for recordings like these, of these speakers' kind, rated by these people. It was not "
        f"measured for another room, language or occasion.{few} Never use it to diagnose, or to decide about a person."
    )
    yield Statement("Use", words)
