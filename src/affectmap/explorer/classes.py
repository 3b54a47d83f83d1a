"""The predicted class of every utterance, among the classes that `affectmap.score` chooses among, too."""

from __future__ import annotations

import re
from typing import NamedTuple

import numpy as np
import pandas as pd

from affectmap.schema import FOUR_CLASSES, Objects, Rows
from affectmap.text import listed

#: Columns of predicted classes: a set of classes by its initials.
CLASSES = re.compile(r"[NSHA](?:-[NSHA])+")
_NAMES = {name[0].upper(): str(name) for name in FOUR_CLASSES}


class Classes(NamedTuple):
    """Predicted classes of a map.

    Attributes:
        chosen: The class of each utterance, shape (N,); ``None`` where there is none.
        among: The set that it is chosen among, its names; several corpora may have several.
        how: This in words, a sentence.
    """

    chosen: Objects
    among: str
    how: str


def predicted_classes(rows: pd.DataFrame, number: Rows, n: int) -> Classes | None:
    """Give the class that is predicted most often for each utterance.

    Args:
        rows: Rows of a table of utterances, of one method, shape (R,).
        number: The utterance of each, 0..n - 1.
        n: Utterances.

    Returns:
        Classes of each corpus among those that method and corpus share, or among all of the method's where that is one
        or nothing was predicted among them; ``None`` where nothing is predicted.

    Example:
        >>> rows = pd.DataFrame({"corpus": "pets", "emotion": ["sad", "angry", "bored"], "use": "evaluated"})
        >>> rows = rows.assign(**{"N-S-A": ["sad", "neutral", "sad"], "S-A": ["sad", "angry", "sad"]})
        >>> found = predicted_classes(rows, np.arange(3), 3)
        >>> found.chosen.tolist(), found.among, found.how
        (['sad', 'angry', 'sad'], 'sad, angry', 'The class is the likeliest of sad and angry.')
    """
    rows, number = rows[rows["use"] == "evaluated"], number[(rows["use"] == "evaluated").to_numpy()]
    chosen = pd.Series([None] * len(rows), rows.index, dtype=object)
    among: dict[str, list[str]] = {}
    for corpus, part in rows.groupby(rows["corpus"].astype(object), sort=False, dropna=False):
        if name := _set_of(part):
            chosen[part.index] = part[name].astype(object)
            among.setdefault(name, []).append(str(corpus))
    known = chosen.notna().to_numpy()
    if not known.any():
        return None
    codes, names = pd.factorize(chosen[known])
    counts = np.zeros((n, len(names)))
    np.add.at(counts, (number[known], codes), 1)
    found: Objects = np.asarray(names, dtype=object)[counts.argmax(axis=1)]
    found[counts.sum(axis=1) == 0] = None
    return Classes(found, "; or ".join(", ".join(_names(each)) for each in among), _in_words(among))


def _set_of(rows: pd.DataFrame) -> str | None:
    """Name the column of the classes that method and corpus share (see `affectmap.evaluation.predictions`)."""
    sets = [str(name) for name in rows.columns if CLASSES.fullmatch(str(name)) and rows[name].notna().any()]
    if not sets:
        return None
    own, there = max(sets, key=len), set(rows["emotion"].dropna()) if "emotion" in rows else set()
    shared = {initial for initial in own.split("-") if _NAMES[initial] in there}
    return next((name for name in sets if set(name.split("-")) == shared), own)


def _names(classes: str) -> list[str]:
    return [_NAMES[initial] for initial in classes.split("-")]


def _in_words(among: dict[str, list[str]]) -> str:
    each = {name: listed(_names(name)) for name in among}
    if len(each) == 1:
        return f"The class is the likeliest of {next(iter(each.values()))}."
    return f"The class is the likeliest {'; '.join(f'of {each[name]} in {listed(among[name])}' for name in among)}."
