"""The paper's claims (a) to (h), each tested on the scores of a run, and its table 2 with ours beside it.

A claim is a set of comparisons: differences that the claim says are positive, each with a 95 % interval over speakers
and a verdict (`affectmap.experiment.comparisons`). A claim is judged by the mean of its comparisons. The same letter is
the same claim wherever one stands.

Source: Das et al. 2022, section 5 and table 2.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pandas as pd

from affectmap.experiment.comparisons import FAILS, HOLDS, OPEN, Difference, cells, compare, judge
from affectmap.features.encoders.features import SUPERB
from affectmap.stats.intervals import NAN, difference, interval, mean
from affectmap.stats.scores import Key, Scores
from affectmap.style import ACT, SUPERVISED, UNSUPERVISED, VAL

CLAIM_COLUMNS = (
    "claim", "statement", "corpus", "quantity", "comparison", "difference", "ci_low", "ci_high", "n_speakers",
    "verdict",
)  # fmt: skip
TABLE2_COLUMNS = ("method", "features_corpus", "n_classes", "score", "unit", "origin")
#: Rows of table 2 from the paper, with the reference given there; scores in percent.
LITERATURE = (
    ("GAN (Latif et al. 2019)", "eGeMAPS, EMO-DB", 2, 66.0, "UAR", "literature"),
    ("FLUDA (Ahn et al. 2021)", "IS10, IEMOCAP and others", 4, 50.0, "UA", "literature"),
    ("VAE+LSTM (Latif et al. 2018)", "LogMel, IEMOCAP", 4, 56.08, "UA", "literature"),
    ("AE+LSTM (Latif et al. 2018)", "LogMel, IEMOCAP", 4, 55.42, "UA", "literature"),
    ("Stacked-AE+BLSTM-RNN (Ghosh et al. 2016)", "COVAREP, IEMOCAP", 4, 50.26, "UA", "literature"),
    ("DAE+Linear-SVM, the paper's baseline", "eGeMAPS, IEMOCAP", 4, 52.09, "UA", "paper"),
)

STATEMENTS = {
    "a": "Metric methods explain activation and valence of unseen corpora better than DAE-Unsupervised (the paper's "
    "exception, shown and not counted: activation of EMO-DB, where Metric-Act is only as good).",
    "b": "Activation of unseen corpora is explained better than their valence.",
    "c": "Metric methods classify unseen corpora better than DAE-Unsupervised.",
    "d": "Three classes are easier than four, because happy and angry are confused.",
    "e": "Metric-Act has the highest pairwise R² for activation; that of Metric-Val for valence is similar to the "
    "baseline's.",
    "f": "Metric-Val classifies unseen corpora better than Metric-Act more often than not.",
    "g": "SUPERB wins on IEMOCAP and SAVEE and falls below the autoencoders elsewhere, most of all with three classes.",
    "h": "Trained on a corpus' own ratings, metric methods explain those of its held-out speakers better than without.",
}
#: Table, corpus, quantity and method of the paper's exception to claim (a).
EXCEPTION = ("3", "emodb", "activation", ACT)
#: Pairwise R² that count as similar in claim (e) are so far apart at most: the paper's are .05 and .03.
SIMILAR = 0.02
#: Corpora on which the paper sees SUPERB ahead.
AHEAD = ("iemocap", "savee")


_EXCEPTED = " (the paper's exception)"
_NO_GAIN = f"{UNSUPERVISED} − {VAL} (similar: {VAL} at most {SIMILAR:g} higher)"
_ABOVE, _BELOW, _THREE = "UAR, SUPERB ahead", "UAR, SUPERB behind", "UAR, further behind"


def judge_claims(scores: Scores) -> pd.DataFrame:
    """Judge every claim that the run has numbers for.

    Args:
        scores: Scores of a whole run.

    Returns:
        One row a comparison, then one overall row (corpus ``all``) a claim; columns `CLAIM_COLUMNS`. A comparison
        without a value or an interval takes no part in the overall row, and neither does the exception to (a). Claims
        (d), (e) and (g) have parts of different kinds: they hold only where both do, do not where one does not, cannot
        be told where one is missing, and have no overall difference. "Highest" in (e) means above each of the others,
        and "similar" that Metric-Val is at most `SIMILAR` above the baseline. Claim (f) counts comparisons: its overall
        difference is the share that Metric-Val wins, less one half, without an interval; it holds where more than half
        of the comparisons hold, each by itself, and does not where more than half do not.
    """
    rows: list[tuple[object, ...]] = []
    for claim, find in _COMPARISONS.items():
        found = list(find(scores))
        if not found:
            continue
        judged = [judge(each) for each in found]
        if claim in _PARTS:
            overall = _all_parts(found, _PARTS[claim])
        else:
            overall = _majority(found) if claim == "f" else judge(_mean(found))
        rows += [(claim, STATEMENTS[claim], *row) for row in [*judged, overall]]
    return pd.DataFrame(rows, columns=list(CLAIM_COLUMNS))


def _mean(found: list[Difference]) -> Difference:
    valid = [each for each in found if each.counts and np.isfinite(interval(each.left_out).low)]
    name = (
        "mean of the comparisons" if len(valid) == len(found) else f"mean of {len(valid)} of {len(found)} comparisons"
    )
    return Difference(
        "all", "", name, mean([each.left_out for each in valid]), max((each.margin for each in valid), default=0.0)
    )


def _majority(found: list[Difference]) -> tuple[object, ...]:
    valid = [each for each in found if np.isfinite(each.left_out.value)]
    verdicts = [judge(each)[-1] for each in valid]
    share = float(np.mean([each.left_out.value > 0 for each in valid])) if valid else NAN
    some = "" if len(valid) == len(found) else f"{len(valid)} of {len(found)} "
    name = f"share of {some or 'the '}comparisons won, less one half"
    half, n_speakers = len(valid) / 2, len({key for each in valid for key in each.left_out.without})
    verdict = HOLDS if verdicts.count(HOLDS) > half else FAILS if verdicts.count(FAILS) > half else OPEN
    return "all", "", name, share - 0.5, NAN, NAN, n_speakers, verdict


def _all_parts(found: list[Difference], parts: tuple[str, ...]) -> tuple[object, ...]:
    of_part = ([each for each in found if part in (each.quantity, each.comparison)] for part in parts)
    verdicts = {judge(_mean(each))[-1] for each in of_part}
    verdict = FAILS if FAILS in verdicts else HOLDS if verdicts == {HOLDS} else OPEN
    n_speakers = len({key for each in found for key in each.left_out.without})
    return "all", "", "all parts", NAN, NAN, NAN, n_speakers, verdict


def _better_than_unsupervised(table: str) -> Callable[[Scores], Iterator[Difference]]:
    def find(scores: Scores) -> Iterator[Difference]:
        """Subtract the unsupervised value from each metric method's."""
        for less in cells(scores, table, UNSUPERVISED, "zero-shot"):
            for method in (ACT, VAL):
                more = less._replace(method=method)
                excepted = (more.table, more.corpus, more.quantity, method) == EXCEPTION
                names = f"{method} − {UNSUPERVISED}{_EXCEPTED if excepted else ''}"
                for found in compare(scores, more, less, less.quantity, names):
                    yield found._replace(counts=not excepted)

    return find


def _activation_over_valence(scores: Scores) -> Iterator[Difference]:
    for method in (UNSUPERVISED, ACT, VAL):
        for more in cells(scores, "3", method, "zero-shot"):
            if more.quantity == "activation":
                less = more._replace(quantity="valence")
                yield from compare(scores, more, less, "adjusted R²", f"activation − valence, {method}")


def _three_over_four(scores: Scores) -> Iterator[Difference]:
    for method in (UNSUPERVISED, ACT, VAL):
        for less in cells(scores, "4", method, "zero-shot"):
            if "H-A" in less.quantity:
                more = less._replace(quantity=less.quantity.replace("H-", ""))
                names = f"{more.quantity} − {less.quantity}, each above guessing, {method}"
                for found in compare(scores, more, less, "UAR", names):
                    by_chance = _guessing(more) - _guessing(less)
                    above = found.left_out.moved_to(found.left_out.value - by_chance)
                    yield found._replace(left_out=above)
        for key in cells(scores, "d", method, "zero-shot"):
            comparison = f"happy and angry errors that are swaps − even share, {method}"
            yield Difference(key.corpus, "confusion", comparison, scores.left_out(key))


def _guessing(key: Key) -> float:
    return 1 / (key.quantity.count("-") + 1)


def _pairwise(scores: Scores) -> Iterator[Difference]:
    for act in cells(scores, "1", ACT, "held-out"):
        if act.quantity == "activation":
            for other in (UNSUPERVISED, VAL):
                less = act._replace(method=other)
                yield from compare(scores, act, less, "activation", f"{ACT} − {other}")
    for val in cells(scores, "1", VAL, "held-out"):
        if val.quantity == "valence":
            more = val._replace(method=UNSUPERVISED)
            for found in compare(scores, more, val, "valence", _NO_GAIN):
                yield found._replace(margin=SIMILAR)


def _val_over_act(scores: Scores) -> Iterator[Difference]:
    for more in cells(scores, "4", VAL, "zero-shot"):
        yield from compare(scores, more, more._replace(method=ACT), more.quantity, f"{VAL} − {ACT}")


def _supervised_over_zero_shot(scores: Scores) -> Iterator[Difference]:
    for label, supervised in SUPERVISED.items():
        for more in cells(scores, "3", supervised, "supervised"):
            for method in (UNSUPERVISED, ACT, VAL) if more.quantity == label else ():
                less = more._replace(method=method, reading="zero-shot")
                yield from compare(scores, more, less, label, f"{supervised} − {method}")


def _superb(scores: Scores) -> Iterator[Difference]:
    for reading in ("held-out", "zero-shot"):
        for superb in cells(scores, "4", SUPERB, reading):
            for method in (UNSUPERVISED, ACT, VAL):
                ours = superb._replace(method=method)
                if superb.corpus in AHEAD:
                    names = f"{SUPERB} − {method}, {superb.quantity}"
                    yield from compare(scores, superb, ours, _ABOVE, names)
                else:
                    names = f"{method} − {SUPERB}, {superb.quantity}"
                    yield from compare(scores, ours, superb, _BELOW, names)
                    yield from _more_with_three(scores, ours, superb)


def _more_with_three(scores: Scores, ours: Key, superb: Key) -> Iterator[Difference]:
    if "H-A" not in superb.quantity:
        return
    three = superb.quantity.replace("H-", "")
    names = f"{ours.method} − {SUPERB}: {three} − {superb.quantity}"
    fewer, more = (key._replace(quantity=three) for key in (ours, superb))
    leads = [*compare(scores, fewer, more, _THREE, names), *compare(scores, ours, superb, _THREE, names)]
    if len(leads) == 2:
        with_three, with_four = leads
        yield with_three._replace(left_out=difference(with_three.left_out, with_four.left_out))


_COMPARISONS: dict[str, Callable[[Scores], Iterator[Difference]]] = {
    "a": _better_than_unsupervised("3"),
    "b": _activation_over_valence,
    "c": _better_than_unsupervised("4"),
    "d": _three_over_four,
    "e": _pairwise,
    "f": _val_over_act,
    "g": _superb,
    "h": _supervised_over_zero_shot,
}
#: Quantities or comparisons that must hold each by itself, where a claim says several things at once.
_PARTS = {
    "d": ("UAR", "confusion"),
    "e": (f"{ACT} − {UNSUPERVISED}", f"{ACT} − {VAL}", _NO_GAIN),
    "g": (_ABOVE, _BELOW, _THREE),
}


def table2(scores: Scores, sources: Sequence[str], features: str = "eGeMAPSv02") -> pd.DataFrame:
    """Put the unsupervised baseline of this run beside the literature, columns `TABLE2_COLUMNS`, scores in percent.

    Ours are held-out means over folds, with as many of the four classes as the source has.
    """
    ours = []
    for key in scores:
        is_baseline = (key.table, key.method, key.reading) == ("4", UNSUPERVISED, "held-out")
        if is_baseline and "H-A" in key.quantity and key.corpus in sources:
            n_classes = key.quantity.count("-") + 1
            method = f"{UNSUPERVISED} + linear SVC, {key.quantity}"
            ours.append((method, f"{features}, {key.corpus}", n_classes, 100 * scores.mean(key), "UAR", "this run"))
    return pd.DataFrame([*LITERATURE, *ours], columns=list(TABLE2_COLUMNS))
