"""Corpora to score a small model on: they bring their functionals, and their labels can be changed."""

from __future__ import annotations

import numpy as np
import pandas as pd

from affectmap.corpora import Corpus
from affectmap.evaluation.predictions import Predictions
from affectmap.schema import FUNCTIONALS, LABELS, segmented_index, validate_table
from affectmap.stats.measures import initials
from affectmap.utterances import tidy
from corpus_files import make_rows


def make_corpus(name: str = "pets", *, n_speakers: int = 5, sexes: bool = True, findings=(), **cells) -> Corpus:
    """Every speaker says every emotion twice; `cells` replace columns of the table."""
    rows = make_rows(n_speakers=n_speakers, emotions=cells.pop("emotions", ("neutral", "sad", "happy", "angry")))
    if sexes:
        rows["sex"] = ["female" if int(speaker[1:]) % 2 else "male" for speaker in rows["speaker"]]
    rows = rows.assign(**cells)
    index = segmented_index([f"/{name}/{file}" for file in rows["file"]])
    table = validate_table(rows.drop(columns=["file", *FUNCTIONALS]).set_axis(index, axis=0), name)
    functionals = rows[list(FUNCTIONALS)].set_axis(index, axis=0)
    return Corpus(name, table, tuple(findings), functionals=functionals)


def make_predictions(
    rows: list[dict], classes: tuple[str, ...] = ("sad", "angry"), reading: str = "alone"
) -> Predictions:
    """Predictions made by hand; a row has any of the columns of the table of utterances."""
    fixed = {"corpus": "pets", "start": 0.0, "end": np.nan, "method": "small", "fold": 0, "seed": 0, "use": "evaluated"}
    fixed |= {"reading": reading, "sex": None, "emotion": None, **dict.fromkeys(LABELS, np.nan)}
    listed = [{**fixed, "file": f"{number}.wav", "speaker": "a", **row} for number, row in enumerate(rows)]
    table = tidy(pd.DataFrame(listed))
    features = np.random.default_rng(0).normal(size=(len(table), 3))
    unusable = pd.DataFrame(columns=["file", "reason"])
    choices = {initials(classes): classes} if classes else {}
    return Predictions("pets", table, features, unusable, classes, choices, ())
