"""Rows of tables of utterances, for tests of the explorer."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

#: Names and texts that must come out as they are, and run nowhere.
HOSTILE = "<img src=x onerror=window.hacked=1>&\"'`</script><script>window.hacked=1</script>{{ body }}=cmd().wav"
EMOTIONS = ("neutral", "sad", "happy", "angry", "fear")


def make_rows(folder: Path, n: int = 24, *, seed: int = 0) -> pd.DataFrame:
    """Rows of a run: two methods, two folds each, ratings of all but one utterance, one recording that is missing."""
    rng = np.random.default_rng(seed)
    rows = []
    for number in range(n):
        name = f"{number:02}.wav" if number else HOSTILE.replace("/", "")
        rated = rng.uniform(1.2, 4.8, 2).round(1) if number != 3 else (np.nan, np.nan)
        facts = {
            "corpus": "birds" if number % 3 else "cats", "file": str(folder / name), "start": 0.0, "end": np.nan,
            "speaker": f"s{number % 4}", "sex": "female", "emotion": EMOTIONS[number % 5], "activation": rated[0],
            "valence": rated[1],
        }  # fmt: skip
        for method in ("DAE-Unsupervised", "DAE-Metric-Joint"):
            for fold in (1, 2):
                activation, valence = rng.uniform(1.5, 4.5, 2)
                made = {"predicted_activation": activation, "predicted_valence": valence, "N-S-H-A": "sad"}
                rows.append({**facts, "method": method, "reading": "zero-shot", "fold": fold, "seed": 0, "use": "evaluated", **made})  # fmt: skip
    return pd.DataFrame(rows)


def row(file="a.wav", **cells):
    """A row of PCA-2, evaluated, without values; `cells` are other columns."""
    fixed = {"corpus": "pets", "start": 0.0, "end": None, "speaker": "a", "sex": None, "emotion": "sad"}
    fixed |= {"activation": None, "valence": None, "method": "PCA-2", "reading": "zero-shot"}
    return {**fixed, "file": file, "fold": 1, "seed": 0, "use": "evaluated", **cells}
