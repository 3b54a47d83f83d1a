"""Differences between cells of a run, each with its interval over speakers, who leave both sides at once.

A difference is that of the observed values. Its interval is over speakers alone: folds and seeds are averaged, and
nothing says how far other training runs differ.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import pandas as pd

from affectmap.stats.baselines import FUNCTIONALS_88, PCA_2
from affectmap.stats.intervals import LeftOut, difference, interval
from affectmap.stats.scores import Key, Scores
from affectmap.style import RIDGE, is_compared

HOLDS, FAILS, OPEN = "holds", "does not hold", "cannot be told"
#: Verdicts on a method beside a simpler map.
ABOVE, BELOW = "above", "below"
#: What the autoencoders are set against: the readings of both, and the method.
_AGAINST = (("held-out", PCA_2), ("held-out", RIDGE), ("zero-shot", PCA_2), ("zero-shot", RIDGE))
_WITHIN = {"3": RIDGE, "4": FUNCTIONALS_88}
COMPARISON_COLUMNS = (
    "table", "corpus", "role", "quantity", "method", "against", "difference", "ci_low", "ci_high", "n_speakers",
    "verdict",
)  # fmt: skip


class Difference(NamedTuple):
    """One value less another one.

    Attributes:
        corpus: Corpus that both are measured on; ``all`` for a mean.
        quantity: What both are, for people.
        comparison: Which is subtracted from which, for people.
        left_out: The difference, also without each speaker.
        margin: Up to so far below 0 it still counts as what was claimed.
        counts: Whether it takes part in the mean of its kind.
    """

    corpus: str
    quantity: str
    comparison: str
    left_out: LeftOut
    margin: float = 0.0
    counts: bool = True


def compare(scores: Scores, more: Key, less: Key, quantity: str, comparison: str) -> Iterator[Difference]:
    """Subtract one cell from another, where both are there."""
    if more in scores and less in scores:
        yield Difference(more.corpus, quantity, comparison, difference(scores.left_out(more), scores.left_out(less)))


def cells(scores: Scores, table: str, method: str, reading: str) -> list[Key]:
    """Give the cells of a method in one table and reading."""
    return [key for key in scores if (key.table, key.method, key.reading) == (table, method, reading)]


def judge(each: Difference) -> tuple[object, ...]:
    """Give corpus, quantity, comparison, value, both ends of the interval, speakers, and the verdict.

    A difference holds where its whole interval lies above 0, or above less the margin; does not hold where it lies
    below; and else cannot be told.
    """
    found = interval(each.left_out)
    verdict = HOLDS if found.low > -each.margin else FAILS if found.high < -each.margin else OPEN
    return each.corpus, each.quantity, each.comparison, *found, verdict


def compare_baselines(scores: Scores) -> pd.DataFrame:
    """Set every autoencoder against PCA-2, ridge, and what the corpus' own labels give by held-out speakers.

    Args:
        scores: Scores of a whole run.

    Returns:
        One row a pair, in tables 3 and 4, columns `COMPARISON_COLUMNS`; above 0 the autoencoder is ahead.
    """
    rows = []
    for key in scores:
        if key.table not in _WITHIN or not is_compared(key.method):
            continue
        others = [key._replace(method=method) for reading, method in _AGAINST if reading == key.reading]
        others += [key._replace(method=_WITHIN[key.table], reading="within")] if key.reading == "zero-shot" else []
        for other in others:
            against = f"{other.method}, within the corpus" if other.reading == "within" else other.method
            for found in compare(scores, key, other, key.quantity, ""):
                *_, value, low, high, n_speakers, verdict = judge(found)
                words = {HOLDS: ABOVE, FAILS: BELOW}.get(str(verdict), OPEN)
                names = (key.table, key.corpus, key.role, key.quantity, key.method, against)
                rows.append((*names, value, low, high, n_speakers, words))
    return pd.DataFrame(rows, columns=list(COMPARISON_COLUMNS))
