"""What the means of tables 3 and 4 do not show: each class, agreement and error of ratings, each sex and speaker.

All of it is computed from the table of utterances (`affectmap.utterances`), by the measures of
`affectmap.stats.measures`, and averaged over folds and seeds as the tables are. Classes are those of the largest set
that a corpus shares with the source; ratings are predicted as the table says, so that nothing is fitted to what is
evaluated.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Any

import numpy as np
import pandas as pd

from affectmap.schema import LABELS, Mask, Objects
from affectmap.stats.intervals import leave_out_sums, left_out, speaker_numbers
from affectmap.stats.measures import Measure, class_measures, confusion, rating_measures
from affectmap.stats.scores import Key, Score
from affectmap.style import class_names
from affectmap.utterances import PREDICTED

#: What is measured, by the table of its scores.
RECALL, PRECISION, CCC, ERROR = "recall", "precision", "ccc", "error"
UAR_BY_SEX, CCC_BY_SEX, UAR_BY_SPEAKER = "uar by sex", "ccc by sex", "uar by speaker"
CONFUSION_COLUMNS = ("corpus", "method", "reading", "classes", "truth", "predicted", "n", "share")

_CLASSES = re.compile(r"[NSHA](-[NSHA])+")


def detailed_scores(utterances: pd.DataFrame, sources: Collection[str]) -> Iterator[Score]:
    """Measure every method, corpus, fold and seed of a table of utterances; speakers with a name get an interval.

    Args:
        utterances: The table of a run.
        sources: Names of the source corpora; the others are targets.
    """
    evaluated = utterances[utterances["use"] == "evaluated"]
    run: Any
    for corpus, rows in evaluated.groupby("corpus", observed=True):
        # If any is unknown, all count as one speaker's, as in the tables.
        named = rows["speaker"].notna().all()
        speaker = rows["speaker"].astype(object) if named else pd.Series("unknown", rows.index, dtype=object)
        for run, each in rows.assign(speaker=speaker).groupby(["method", "reading", "fold", "seed"], observed=True):
            method, reading, fold, seed = run
            key = Key("", str(method), str(corpus), "source" if corpus in sources else "target", "", str(reading))
            yield from _scores(each, key, fold, seed)


def _scores(rows: pd.DataFrame, key: Key, fold: int, seed: int) -> Iterator[Score]:
    sex, speaker = rows["sex"].astype(object).to_numpy(), rows["speaker"].to_numpy()

    def score(table: str, quantity: str, measure: Measure, some: Mask | None = None) -> Score:
        some = np.ones(len(rows), dtype=np.bool_) if some is None else some
        found = leave_out_sums(measure.sums[some], measure.quantity, speaker[some], key.corpus)
        n = int(measure.sums[some].any(axis=1).sum())
        return Score(key._replace(table=table, quantity=quantity), fold, seed, found.value, np.nan, n, found)

    sexes = sorted({str(each) for each in sex if isinstance(each, str)})
    for column in LABELS:
        if rows[PREDICTED[column]].notna().any() and rows[column].notna().any():
            measures = rating_measures(rows[column], rows[PREDICTED[column]])
            yield score(CCC, column, measures["ccc"])
            yield score(ERROR, column, measures["mean_absolute_error"])
            for each in sexes:
                yield score(CCC_BY_SEX, f"{column}, {each}", measures["ccc"], sex == each)
    classes = largest_classes(rows)
    if not classes:
        return
    names, truth = class_names(classes), rows["emotion"].astype(object).to_numpy()
    prediction = rows[classes].astype(object).to_numpy()
    told = pd.notna(prediction)
    measures = class_measures(np.where(told, truth, ""), np.where(told, prediction, ""), names)
    for name in names:
        yield score(RECALL, name, measures[f"recall_{name}"])
        yield score(PRECISION, name, measures[f"precision_{name}"])
    for each in sexes:
        yield score(UAR_BY_SEX, each, measures["uar"], sex == each)
    yield from _by_speaker(measures["uar"], speaker, key, fold, seed)


def _by_speaker(uar: Measure, speaker: Objects, key: Key, fold: int, seed: int) -> Iterator[Score]:
    """Give each speaker's own recall, averaged over the classes that the speaker has; there is no interval."""
    names, number, counts = speaker_numbers(speaker)
    own = np.zeros((len(names), uar.sums.shape[1]))
    np.add.at(own, number, uar.sums)
    for name, value, n in zip(names, uar.quantity(own).tolist(), counts.tolist(), strict=True):
        found = left_out(value, [np.nan], [name], [n], key.corpus)
        yield Score(key._replace(table=UAR_BY_SPEAKER, quantity=name), fold, seed, value, np.nan, n, found)


def largest_classes(rows: pd.DataFrame) -> str:
    """Name the largest set of classes that was predicted among some rows of the table; empty where there is none.

    Example:
        >>> largest_classes(pd.DataFrame({"N-S-A": ["sad"], "N-S-H-A": [None], "probe_N-S-H-A": ["sad"]}))
        'N-S-A'
    """
    sets = [str(name) for name in rows if _CLASSES.fullmatch(str(name)) and rows[name].notna().any()]
    return max(sets, key=len, default="")


def confusion_table(utterances: pd.DataFrame) -> pd.DataFrame:
    """Count predicted classes over all folds and seeds; columns `CONFUSION_COLUMNS`, shares are of a row's truth."""
    evaluated = utterances[utterances["use"] == "evaluated"]
    found = list[tuple[object, ...]]()
    cell: Any
    for cell, rows in evaluated.groupby(["corpus", "method", "reading"], observed=True):
        classes = largest_classes(rows)
        if not classes:
            continue
        names, told = class_names(classes), rows[rows[classes].notna()]
        counts = confusion(told["emotion"].astype(str), told[classes].astype(str), names).to_numpy().tolist()
        for truth, row in zip(names, counts, strict=True):
            found += [
                (*cell, classes, truth, name, n, n / max(sum(row), 1)) for name, n in zip(names, row, strict=True)
            ]
    return pd.DataFrame(found, columns=list(CONFUSION_COLUMNS))
