"""The shipped model itself on two corpora that it never heard and that nobody rated: RAVDESS and EMOVO."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from affectmap.calibration import CLASSES
from affectmap.inference import Model
from affectmap.metrics import uar

NAMES = {"ravdess": "RAVDESS (en)", "emovo": "EMOVO (it)"}


def elsewhere_table(model: Model, folder: Path) -> pd.DataFrame:
    """Score the classes by each way of standardising; calm is not neutral and takes no part.

    Args:
        model: The shipped model.
        folder: Holds ``ravdess.parquet`` and ``emovo.parquet``: functionals at 16 kHz, emotion and speaker.
    """
    rows = []
    for name, title in NAMES.items():
        corpus = pd.read_parquet(folder / f"{name}.parquet").dropna(subset=["emotion"])
        ways = {
            "as shipped": model.transform(corpus),
            "adapted to all of the place": model.adapt(corpus).transform(corpus),
            "all of the speaker": model.transform(corpus, speaker=corpus["speaker"]),
        }
        emotion = corpus["emotion"].to_numpy(dtype=object)
        classed = np.isin(emotion, CLASSES)
        for way, table in ways.items():
            guess = table[list(CLASSES)].idxmax(axis=1).to_numpy(dtype=object)
            row = {"corpus": title, "mean and spread from": way, "UAR": uar(emotion[classed], guess[classed])}
            row |= {f"activation of {each}": float(table["activation"][emotion == each].mean()) for each in CLASSES}
            rows.append(row | {flag: _percent(table[flag]) for flag in ("not_speech", "unfamiliar")})
    return pd.DataFrame(rows)


def _percent(flag: pd.Series) -> str:
    return f"{100 * flag.mean():.1f} %"
