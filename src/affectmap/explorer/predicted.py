"""Corpora become points by a model: as it is, and adapted to each corpus without labels."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from affectmap.corpora import load_corpus
from affectmap.evaluation.predictions import Adapt, columns_for, predict
from affectmap.explorer.points import Points, joined, points_of
from affectmap.schema import COLUMNS

if TYPE_CHECKING:
    from affectmap.corpora import Corpus
    from affectmap.model.model import Model

_ADAPTED: tuple[Adapt, ...] = ("alone", "corpus")


def predicted_points(
    model: Model,
    specs: Sequence[str],
    labels: Path | None = None,
    *,
    title: str = "",
    **measuring: Any,  # noqa: ANN401 (options of predict)
) -> Points:
    """Put corpora on two maps of a model: before and after it is adapted to each of them.

    Args:
        model: The model.
        specs: Corpora, as `affectmap.corpora.load_corpus` takes them.
        labels: Folder of label sheets.
        title: Heading of the page; by default the corpora.
        **measuring: ``cache``, ``n_jobs`` and ``progress`` of `affectmap.evaluation.predictions.predict`.

    Returns:
        The points; an utterance that cannot be used has no place, and its ``problem`` says why.

    Raises:
        AffectmapError: If a corpus cannot be read, or none of its utterances used.
    """
    rows, notes = [], []
    for spec in specs:
        corpus = load_corpus(spec, labels, features=columns_for(model))
        for adapt in _ADAPTED:
            predictions = predict(model, corpus, adapt, **measuring)
            rows.append(_with_facts(predictions.utterances, corpus))
            notes += [f"{predictions.corpus}: {note}" for note in predictions.notes]
        reasons = predictions.unusable.set_index("file")["reason"]
        rows.append(_unusable(corpus, reasons))
    return points_of(joined(rows), title, list(dict.fromkeys(notes)))


def _with_facts(rows: pd.DataFrame, corpus: Corpus) -> pd.DataFrame:
    """Add what a corpus says of its utterances and the table of utterances has no column for."""
    others = [name for name in COLUMNS if name not in rows and corpus.table[name].notna().any()]
    known = corpus.table.sort_index(kind="stable")[others].reset_index()
    known = known.assign(start=known["start"].dt.total_seconds()).drop(columns="end")
    return rows.merge(known.drop_duplicates(["file", "start"]), on=["file", "start"], how="left")


def _unusable(corpus: Corpus, reasons: pd.Series) -> pd.DataFrame:
    table = corpus.table.reset_index()
    table = table[table["file"].isin(reasons.index)]
    times = {name: table[name].dt.total_seconds() for name in ("start", "end")}
    problem = table["file"].map(reasons[~reasons.index.duplicated()])
    return table.assign(**times, corpus=corpus.name, problem=problem, method=None, reading=None, use=None)
