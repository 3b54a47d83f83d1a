"""What the model says about sounds that are no speech, made here from formulas."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from affectmap.audio.quality import FLAGS, LATER_THRESHOLDS, not_speech, signal_flags
from affectmap.audio.reading import read_audio
from affectmap.model.model import Model
from affectmap.preparation.prepared_corpus import PreparedCorpus

RATE, SECONDS = 16000, 2


def sounds() -> Iterator[tuple[str, npt.NDArray[np.float64]]]:
    """Give name and signal of every sound."""
    time = np.arange(RATE * SECONDS) / RATE
    noise = np.random.default_rng(0).normal(size=len(time))
    yield "digital silence", np.zeros(len(time))
    yield "noise of one bit", np.sign(noise) / 32768
    yield "white noise", 0.1 * noise
    yield "brown noise", 0.5 * np.cumsum(noise) / np.abs(np.cumsum(noise)).max()
    yield "tone of 220 Hz", 0.5 * np.sin(2 * np.pi * 220 * time)
    yield "hum of 50 Hz", 0.2 * sum(np.sin(2 * np.pi * 50 * k * time) / k for k in range(1, 10))
    yield "chord", 0.2 * sum(np.sin(2 * np.pi * pitch * time) for pitch in (220.0, 277.2, 329.6))
    yield "siren", 0.5 * np.sin(2 * np.pi * (100 * time + 200 * time**2))


def sounds_table(model: Model) -> pd.DataFrame:
    """Ratings and flags of every sound."""
    names, signals = zip(*sounds(), strict=True)
    table = model.embed(list(signals), RATE)
    flags = [" ".join(flag for flag in FLAGS if row[flag]) or "none" for _, row in table.iterrows()]
    columns = {label: table[label].to_numpy() for label in ("activation", "valence")}
    return pd.DataFrame({"sound": names, **columns, "flags": flags})


def flags_table(model: Model, corpora: Sequence[PreparedCorpus]) -> pd.DataFrame:
    """Share of every corpus' utterances, without outliers, that gets a flag."""
    thresholds, rows = model.metadata["flags"], []
    for corpus in corpora:
        limits, flags_of = {name: thresholds[name] for name in LATER_THRESHOLDS}, []
        for file in corpus.file:
            signal, rate = read_audio(file)
            flags_of.append(
                signal_flags(signal, rate, thresholds["clipped_share"]).with_levels(signal, rate, rate, **limits)
            )
        of_samples = ("silent", "quiet", "clipped", "narrow_band", "mostly_pause", "rumble")
        shares = {flag: float(np.mean([getattr(each, flag) for each in flags_of])) for flag in of_samples}
        found = not_speech(np.asarray(corpus.functionals, dtype=np.float64), thresholds)
        rows.append({"corpus": corpus.name, **shares, "not_speech": float(found.mean())})
    return pd.DataFrame(rows)
