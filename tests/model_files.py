"""Models made in a second from random functionals, with heads and intervals, and rows to put in."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np

from affectmap.model.embedder import Embedder
from affectmap.model.heads import CLASSES, Calibration, Heads, fit_heads
from affectmap.model.model import Model
from affectmap.schema import FUNCTIONALS, LABELS

N_FEATURES = len(FUNCTIONALS)
HALF_WIDTHS = {
    "source": {"activation": 1.5, "valence": 1.25},
    "adapted": {"activation": 1.0, "valence": 0.75},
    "speaker": {"activation": 1.125, "valence": 1.375},
}
#: Functionals that tell speech: voiced segments a second and their length, spread of pitch and of loudness.
SPEECH = [
    FUNCTIONALS.index(name)
    for name in (
        *("VoicedSegmentsPerSec", "MeanVoicedSegmentLengthSec"),
        *("F0semitoneFrom27.5Hz_sma3nz_stddevNorm", "loudness_sma3_stddevNorm"),
    )
]
CALIBRATION = Calibration(0.9, HALF_WIDTHS, 2.0)


def make_functionals(n: int = 60, seed: int = 0, offset: float = 3.0, scale: float = 2.0) -> np.ndarray:
    """Rows that float32 can hold, so that nothing is rounded on the way."""
    values = offset + scale * np.random.default_rng(seed).normal(size=(n, N_FEATURES))
    return values.astype(np.float32).astype(np.float64)


def make_speech(n: int = 60, seed: int = 0) -> np.ndarray:
    """Rows that no flag calls something else than speech."""
    values = make_functionals(n, seed)
    values[:, SPEECH] = np.abs(values[:, SPEECH]) + 1
    return values


@cache
def make_embedder(latent_dim: int = 2, preset: str = "paper") -> Embedder:
    """An embedder trained for two epochs."""
    label = np.random.default_rng(1).uniform(1, 5, size=(60, len(LABELS)))
    return Embedder(preset=preset, epochs=2, latent_dim=latent_dim).fit(make_functionals(), label)


@cache
def make_heads(embedder: Embedder) -> Heads:
    """Heads fitted on labels that follow the embedding."""
    latent = embedder.transform(make_functionals()).astype(np.float64)
    label = np.clip(3 + (latent - latent.mean(axis=0)) / latent.std(axis=0), 1, 5)[:, :2]
    label = np.tile(label, (1, 2))[:, :2]
    return fit_heads(latent, label, np.resize(np.array(CLASSES, dtype=object), len(latent)))


def make_model(**options) -> Model:
    """A small model with heads and intervals; `heads` and `calibration` may be None."""
    embedder = options.pop("embedder", None) or make_embedder()
    options = {"heads": make_heads(embedder), "calibration": CALIBRATION, "name": "small"} | options
    heads, calibration = options.pop("heads"), options.pop("calibration")
    model = embedder.model_.described(**options)
    return model if heads is None else model.with_heads(heads, calibration)


def write_model(folder: Path, overwrite: bool = False, hub: bool = False, **options) -> Path:
    """Write a small model to the folder and give it."""
    make_model(**options).save(folder, overwrite=overwrite, hub=hub)
    return folder
