"""What a page shows: every utterance once, and one map or several that put it somewhere.

Conventions:
    * Activation and valence run from 1 to 5 on every map, so that maps can be compared. Where a method gives an
      embedding alone, the straight line from it that least squares fit on training rows with ratings is its read-out:
      for display only, and said so beside the map.
    * The place of an utterance is the mean over folds and seeds. Rows in which a method was trained on the utterance
      never count; rows in which it lent its corpus statistics alone do where it was not evaluated, since no label took
      part.
    * An utterance without a place on a map stays in the list, with the reason where there is one.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from affectmap.explorer.classes import CLASSES, Classes, predicted_classes
from affectmap.explorer.flags import are_flags, gathered
from affectmap.schema import LABELS, Floats, Objects, Rows
from affectmap.stats.read_out import read_out
from affectmap.text import counted, listed
from affectmap.utterances import COORDINATE, KEYS, PREDICTED, PROBABILITIES, TRUTH

#: What an utterance is told apart by.
_UTTERANCE = ("corpus", "file", "start")
#: Columns of facts, in the order of the page; others follow.
FACTS = ("corpus", "file", "start", "end", "speaker", "sex", *TRUTH, "flags", "problem")
#: Name of the map that shows what people rated.
RATINGS = "ratings"
#: What follows a method's name where a reading makes a map of its own: whose statistics normalised the features of a
#: model (`affectmap.evaluation`), that it was trained on other speakers of the corpus itself, or a table's own values.
_READINGS = {
    "alone": "as it is",
    "corpus": "adapted to the corpus",
    "listen": "adapted to the corpus, listening",
    "speaker": "adapted to each speaker",
    "within": "within the corpus",
    "supervised": "",
    "table": "",
}
_OF_METHODS = frozenset(
    {*KEYS, *PREDICTED.values(), *PROBABILITIES, *(f"{each}_{end}" for each in LABELS for end in ("low", "high"))}
)


@dataclass(frozen=True, eq=False)
class Map:
    """Where a method puts every utterance.

    Attributes:
        name: What people choose it by.
        how: Where the values come from, a sentence.
        activation: Shape (N,), 1..5; ``NaN`` where an utterance has no place.
        valence: The same.
        classes: Predicted classes; ``None`` if no utterance has one.
        flags: Flags of each utterance on this map, shape (N,), as in `affectmap.explorer.flags`; ``None`` for those of
            the facts.
    """

    name: str
    how: str
    activation: Floats
    valence: Floats
    classes: Classes | None = None
    flags: Objects | None = None


@dataclass(frozen=True, eq=False)
class Points:
    """All that a page shows, sound aside.

    Attributes:
        title: Its heading.
        utterances: A row an utterance (N), columns `FACTS` and any others; ``file`` is the path on this machine.
        maps: One map or more.
        notes: What has to be known, a sentence each.
    """

    title: str
    utterances: pd.DataFrame
    maps: tuple[Map, ...]
    notes: tuple[str, ...] = ()

    @property
    def names(self) -> list[str]:
        """Names of recordings below the folder that all of them lie in: no page tells where that is."""
        files = [str(each).replace("\\", "/") for each in self.utterances["file"]]
        folders = {os.path.dirname(each) for each in files}  # noqa: PTH120 (of a million texts)
        try:
            common = os.path.commonpath(folders) if folders else ""
        except ValueError:  # absolute ones among relative ones
            return files
        return [each[len(common) :].lstrip("/") if common else each for each in files]


class _Key(NamedTuple):
    """What tells maps apart: a method, and a reading of `_READINGS` or nothing."""

    method: str
    reading: str

    @property
    def name(self) -> str:
        """The map's name."""
        return ", ".join(filter(None, [self.method, _READINGS.get(self.reading, "")]))


def points_of(rows: pd.DataFrame, title: str = "", notes: Sequence[str] = ()) -> Points:
    """Put a table of utterances (`affectmap.utterances`) in order for a page.

    Args:
        rows: A row for each utterance, method, fold and seed. Beside the columns of that table it may have ``problem``
            and any others; rows without a method bring facts alone.
        title: The heading; by default the corpora.
        notes: What has to be known.

    Returns:
        Every utterance once, in the order of its first row, and the maps: those of methods as they come, then what
        people rated, where anybody did.

    Example:
        >>> row = {"corpus": "pets", "file": "a.wav", "start": 0.0, "end": None, "speaker": "a", "sex": None}
        >>> row |= {"emotion": "sad", "activation": 2.0, "valence": 2.5, "method": "PCA-2", "reading": "zero-shot"}
        >>> row |= {"use": "evaluated", "predicted_valence": 2.0}
        >>> rows = [row | {"fold": fold, "seed": 0, "predicted_activation": 2.5 + fold / 2} for fold in (1, 2)]
        >>> points = points_of(pd.DataFrame(rows))
        >>> len(points.utterances), [(each.name, each.activation.tolist()) for each in points.maps]
        (1, [('PCA-2', [3.25]), ('ratings', [2.0])])
    """
    missing = [name for name in ("method", "reading", "use", "fold", "seed") if name not in rows]
    rows = rows.reset_index(drop=True).assign(**dict.fromkeys(missing))
    facts, number = _facts(rows)
    maps, more = [], list(notes)
    for key, part in _by_method(rows):
        made = _map_of(key, part, number[part.index], len(facts))
        if made is None:
            more.append(f"{key.name} has neither activation and valence nor an embedding, and so no map")
        else:
            maps.append(made)
    if facts[list(LABELS)].notna().all(axis=1).any():
        maps.append(_rated(facts))
    corpora = [str(name) for name in facts["corpus"].dropna().unique()]
    return Points(title or ", ".join(corpora), facts, tuple(maps), tuple(dict.fromkeys(more)))


def _facts(rows: pd.DataFrame) -> tuple[pd.DataFrame, Rows]:
    """Give the facts of each utterance, from its first row, and the number of the utterance of each row."""
    rows = rows.assign(**{name: None for name in FACTS if name not in rows})
    keys = pd.MultiIndex.from_frame(rows[list(_UTTERANCE)].astype(object).fillna(""))
    number, _ = pd.factorize(keys)
    first = ~pd.Series(number).duplicated().to_numpy()
    others = [
        name
        for name in rows.columns
        if name not in {*FACTS, *_OF_METHODS}
        and not CLASSES.fullmatch(re.sub("^probe_", "", str(name)))
        and not COORDINATE.fullmatch(str(name))
    ]
    facts = rows.loc[first, [*FACTS, *others]].reset_index(drop=True)
    for label in LABELS:
        facts[label] = pd.to_numeric(facts[label], errors="coerce")
    if are_flags(rows["flags"]):
        flags = gathered(rows["flags"], number.astype(np.int64), len(facts))
        facts["flags"] = pd.Series(flags, facts.index, dtype=object)
    return facts, number.astype(np.int64)


def _by_method(rows: pd.DataFrame) -> Iterator[tuple[_Key, pd.DataFrame]]:
    reading = rows["reading"].astype(object).where(rows["reading"].isin(list(_READINGS)), "")
    method = rows["method"].astype(object)
    for (name, how), part in rows[method.notna()].groupby([method, reading], sort=False):
        yield _Key(str(name), str(how)), part


def _map_of(key: _Key, rows: pd.DataFrame, number: Rows, n: int) -> Map | None:
    """Make the map of a method from its rows, which belong to the utterances numbered."""
    places, how = _places(rows, key)
    if places is None:
        return None
    use = rows["use"].astype(object)
    known = np.isfinite(places).all(axis=1)
    activation, valence = np.full(n, np.nan), np.full(n, np.nan)
    for role in ("statistics", "evaluated"):  # the later one stands
        of_role = (use == role).to_numpy() & known
        there = np.bincount(number[of_role], minlength=n)
        for values, column in ((activation, 0), (valence, 1)):
            sums = np.bincount(number[of_role], places[of_role, column], minlength=n)
            values[there > 0] = sums[there > 0] / there[there > 0]
    if not np.isfinite(activation).any():
        return None
    classes = predicted_classes(rows, number, n)
    text = f"{how}{_averaged(rows)}.{f' {classes.how}' if classes else ''}"
    has_flags = "flags" in rows and rows["flags"].notna().any() and are_flags(rows["flags"])
    return Map(key.name, text, activation, valence, classes, gathered(rows["flags"], number, n) if has_flags else None)


def _places(rows: pd.DataFrame, key: _Key) -> tuple[Floats | None, str]:
    """Give activation and valence (R, 2) of some rows, and where they come from."""
    names = list(PREDICTED.values())
    if set(names) <= set(rows.columns) and rows[names].notna().all(axis=1).any():
        return rows[names].to_numpy(np.float64), _HOW.get(key.reading, _READ_OUT)
    coordinates = [str(name) for name in rows.columns if COORDINATE.fullmatch(str(name)) and rows[name].notna().any()]
    if not coordinates:
        return None, ""
    places = np.full((len(rows), 2), np.nan)
    for _, part in rows.groupby(["fold", "seed"], sort=False):
        where = rows.index.get_indexer(part.index)
        places[where] = _read_out(part[coordinates].to_numpy(np.float64), part)
    return (places, _READ_OUT) if np.isfinite(places).any() else (None, "")


_OWN = "The model’s own activation and valence"
_WITHIN = "Activation and valence predicted by training on other speakers of the same corpus, ratings included"
_HOW = {
    **dict.fromkeys(("alone", "corpus", "listen", "speaker"), _OWN),
    **dict.fromkeys(("within", "supervised"), _WITHIN),
    "table": "Activation and valence as the table has them",
}
_READ_OUT = (
    "Activation and valence are read out of the embedding by a straight line fitted on ratings of the source’s "
    "training rows, for display only"
)


def _read_out(embedding: Floats, rows: pd.DataFrame) -> Floats:
    """Read activation and valence (R, 2) out of an embedding (R, D) by the training rows among its rows."""
    places = np.full((len(rows), len(LABELS)), np.nan)
    usable = np.isfinite(embedding).all(axis=1)
    training = (rows["use"].astype(object) == "training").to_numpy() & usable
    label = rows[list(LABELS)].apply(pd.to_numeric, errors="coerce").to_numpy(np.float64)
    places[usable] = read_out(embedding[training], label[training], embedding[usable])
    return places


def _averaged(rows: pd.DataFrame) -> str:
    several = [
        counted(rows.loc[rows["use"] == "evaluated", name].nunique(), name)
        for name in ("fold", "seed")
        if rows.loc[rows["use"] == "evaluated", name].nunique() > 1
    ]
    return f"; the mean over what {listed(several)} make of an utterance" if several else ""


def _rated(facts: pd.DataFrame) -> Map:
    activation, valence = (facts[label].to_numpy(np.float64, copy=True) for label in LABELS)
    return Map(RATINGS, "What people rated.", activation, valence)


def joined(parts: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """Put the tables of several sources under each other; a method that two of them have becomes one map."""
    filled = [part.dropna(axis=1, how="all") for part in parts if len(part)]
    # Categories of two tables are texts in the joined one.
    texts = [{name: object for name in part if part[name].dtype == "category"} for part in filled]
    return pd.concat([part.astype(kinds) for part, kinds in zip(filled, texts, strict=True)], ignore_index=True)
