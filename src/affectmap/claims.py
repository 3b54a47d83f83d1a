"""The paper's claims (a) to (f), each put to the numbers of a run.

A claim is a set of comparisons: differences that the claim says are positive, each with a 95 % interval from resampled
speakers. Both sides of a difference meet the same resamples. A comparison holds where its whole interval is above 0,
does not hold where it is below, and else cannot be told. A claim is judged by the mean of its comparisons.

Source: Das et al. 2022, section 5.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from affectmap.bootstrap import interval
from affectmap.scores import Key, Scores

Floats = npt.NDArray[np.float64]

UNSUPERVISED, ACT, VAL = "DAE-Unsupervised", "DAE-Metric-Act", "DAE-Metric-Val"
COLUMNS = (
    "claim",
    "statement",
    "corpus",
    "quantity",
    "comparison",
    "difference",
    "ci_low",
    "ci_high",
    "verdict",
)
HOLDS, FAILS, OPEN = "holds", "does not hold", "cannot be told"

STATEMENTS = {
    "a": "Metric methods explain activation and valence of unseen corpora better than DAE-Unsupervised "
    "(the paper's exception: activation on EMO-DB).",
    "b": "Activation of unseen corpora is explained better than their valence.",
    "c": "Metric methods classify unseen corpora better than DAE-Unsupervised.",
    "d": "Three classes are easier than four, because happy and angry are confused.",
    "e": "Metric-Act has the highest pairwise R² for activation; Metric-Val gains none for valence over the baseline.",
    "f": "Metric-Val classifies unseen corpora better than Metric-Act more often than not.",
}


class _Difference(NamedTuple):
    corpus: str
    quantity: str
    comparison: str
    value: float
    resamples: Floats


def judge_claims(scores: Scores) -> pd.DataFrame:
    """Judge every claim that the run has numbers for.

    Args:
        scores: Of a whole run.

    Returns:
        One row a comparison, then one overall row (corpus ``all``) a claim; columns :data:`COLUMNS`. Claims (d) and
        (e) have two halves of different kinds: they hold only where both do, and have no overall difference. Claim
        (f) counts comparisons: its overall difference is the share that Metric-Val wins, less one half.

    Example:
        >>> judge_claims(Scores([])).empty
        True
    """
    rows: list[tuple[object, ...]] = []
    for claim, find in _COMPARISONS.items():
        found = list(find(scores))
        if not found:
            continue
        judged = [_judge(each) for each in found]
        if claim in ("d", "e"):
            overall = _both_halves(found)
        else:
            overall = _judge(_majority(found) if claim == "f" else _mean(found))
        rows += [(claim, STATEMENTS[claim], *row) for row in [*judged, overall]]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _judge(each: _Difference) -> tuple[object, ...]:
    low, high = interval(each.resamples)
    verdict = HOLDS if low > 0 else FAILS if high < 0 else OPEN
    return each.corpus, each.quantity, each.comparison, each.value, low, high, verdict


def _mean(found: list[_Difference]) -> _Difference:
    resamples = np.mean([each.resamples for each in found], axis=0)
    return _Difference("all", "", "mean of the comparisons", float(np.mean([each.value for each in found])), resamples)


def _majority(found: list[_Difference]) -> _Difference:
    wins = [_Difference("", "", "", float(each.value > 0), _won(each.resamples)) for each in found]
    mean = _mean(wins)
    return _Difference("all", "", "share of comparisons won, less one half", mean.value - 0.5, mean.resamples - 0.5)


def _won(differences: Floats) -> Floats:
    return np.where(np.isfinite(differences), (differences > 0).astype(float), np.nan)


def _both_halves(found: list[_Difference]) -> tuple[object, ...]:
    halves = {each.quantity for each in found}
    verdicts = [_judge(_mean([each for each in found if each.quantity == half]))[-1] for half in halves]
    verdict = FAILS if FAILS in verdicts else HOLDS if set(verdicts) == {HOLDS} else OPEN
    nan = float("nan")
    return "all", "", "both halves", nan, nan, nan, verdict


def _difference(scores: Scores, more: Key, less: Key, quantity: str, comparison: str) -> Iterator[_Difference]:
    if more in scores and less in scores:
        value = scores.mean(more) - scores.mean(less)
        resamples = scores.resamples(more) - scores.resamples(less)
        yield _Difference(more.corpus, quantity, comparison, value, resamples)


def _cells(scores: Scores, table: str, method: str, reading: str) -> list[Key]:
    return [key for key in scores.keys() if (key.table, key.method, key.reading) == (table, method, reading)]  # noqa: SIM118


def _better_than_unsupervised(table: str) -> Callable[[Scores], Iterator[_Difference]]:
    def compare(scores: Scores) -> Iterator[_Difference]:
        for less in _cells(scores, table, UNSUPERVISED, "zero-shot"):
            for method in (ACT, VAL):
                more = less._replace(method=method)
                yield from _difference(scores, more, less, less.quantity, f"{method} − {UNSUPERVISED}")

    return compare


def _activation_over_valence(scores: Scores) -> Iterator[_Difference]:
    for method in (UNSUPERVISED, ACT, VAL):
        for more in _cells(scores, "3", method, "zero-shot"):
            if more.quantity == "activation":
                less = more._replace(quantity="valence")
                yield from _difference(scores, more, less, "adjusted R²", f"activation − valence, {method}")


def _three_over_four(scores: Scores) -> Iterator[_Difference]:
    for method in (UNSUPERVISED, ACT, VAL):
        for less in _cells(scores, "4", method, "zero-shot"):
            if "H-A" in less.quantity:
                more = less._replace(quantity=less.quantity.replace("H-", ""))
                names = f"{more.quantity} − {less.quantity}, {method}"
                yield from _difference(scores, more, less, "UAR", names)
        for key in _cells(scores, "d", method, "zero-shot"):
            comparison = f"happy and angry errors that are swaps − even share, {method}"
            yield _Difference(key.corpus, "confusion", comparison, scores.mean(key), scores.resamples(key))


def _pairwise(scores: Scores) -> Iterator[_Difference]:
    for act in _cells(scores, "1", ACT, "held-out"):
        if act.quantity == "activation":
            for other in (UNSUPERVISED, VAL):
                less = act._replace(method=other)
                yield from _difference(scores, act, less, "activation", f"{ACT} − {other}")
    for val in _cells(scores, "1", VAL, "held-out"):
        if val.quantity == "valence":
            more = val._replace(method=UNSUPERVISED)
            yield from _difference(scores, more, val, "valence", f"{UNSUPERVISED} − {VAL}")


def _val_over_act(scores: Scores) -> Iterator[_Difference]:
    for more in _cells(scores, "4", VAL, "zero-shot"):
        yield from _difference(scores, more, more._replace(method=ACT), more.quantity, f"{VAL} − {ACT}")


_COMPARISONS: dict[str, Callable[[Scores], Iterator[_Difference]]] = {
    "a": _better_than_unsupervised("3"),
    "b": _activation_over_valence,
    "c": _better_than_unsupervised("4"),
    "d": _three_over_four,
    "e": _pairwise,
    "f": _val_over_act,
}
