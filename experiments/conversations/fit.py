"""Learn by what speakers differ, whatever they feel: the projection of `affectmap.track.speaker_embedding`.

    AFFECTMAP_DATA=... python experiments/conversations/fit.py

Of EMO-DB, AESDD and URDU, the cepstral statistics of windows of 1.6 s, each corpus less its mean. The spread within
speakers holds all emotions and words; a tenth of its mean is added to all directions. The projection keeps the six
directions in which the means of speakers differ most, in units of that spread. `projection_of` takes any corpora, as
`run.py` needs; this command learns from all three and writes `src/affectmap/models/affectmap-speakers-v1`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import soxr
from safetensors.numpy import save_file

from affectmap import load_corpus
from affectmap.audio.reading import read_audio
from affectmap.audio.speech_detection import RATE
from affectmap.errors import AudioError
from affectmap.track.speaker_embedding import WINDOW_S, cepstral_statistics

OUT = Path(__file__).parents[2] / "src/affectmap/models/affectmap-speakers-v1/weights.safetensors"
CORPORA = ("emodb", "aesdd", "urdu")
N_DIRECTIONS = 6
#: Added to the spread within speakers, as a part of its mean.
RIDGE = 0.1
MIN_WINDOWS = 4  # of a speaker
N_UTTERANCES = 300  # of a corpus, at most


class Windows(NamedTuple):
    """Cepstral statistics of a corpus, shape (n, 40), and the speaker of each."""

    statistics: np.ndarray
    speakers: np.ndarray


def utterances_of(corpus: str) -> list[tuple[str, str, Path, np.ndarray]]:
    """Give speaker, emotion, file and signal of a corpus, without the quiet before and after the speech."""
    folder = Path(os.environ["AFFECTMAP_DATA"], "corpora", corpus)
    found = []
    for row in load_corpus(f"{corpus}={folder}").table.reset_index().itertuples():
        try:
            signal, rate = read_audio(folder / row.file)
        except AudioError:  # one of AESDD's is broken as published
            continue
        signal = soxr.resample(signal - signal.mean(), rate, RATE).astype(np.float32)
        peaks = np.abs(signal[: len(signal) // 320 * 320]).reshape(-1, 320).max(axis=1)
        loud = np.flatnonzero(peaks > 0.05 * np.abs(signal).max())
        found.append((str(row.speaker), str(row.emotion), Path(row.file), signal[loud[0] * 320 : loud[-1] * 320 + 320]))
    return found


def windows_of(utterances: list[tuple[str, str, Path, np.ndarray]]) -> Windows:
    """Measure windows that touch, of at most `N_UTTERANCES` utterances, drawn by a seed."""
    rng, length = np.random.default_rng(0), round(WINDOW_S * RATE)
    statistics, speakers = [], []
    for i in sorted(rng.permutation(len(utterances))[:N_UTTERANCES]):
        speaker, _, _, signal = utterances[i]
        spare = max(0, len(signal) - length)
        for first in np.linspace(0, spare, max(1, round(len(signal) / length))).astype(int):
            statistics.append(cepstral_statistics(signal[first : first + length]))
            speakers.append(speaker)
    return Windows(np.array(statistics), np.array(speakers))


def projection_of(corpora: Mapping[str, Windows]) -> tuple[np.ndarray, np.ndarray]:
    """Give the scale (40,) and the projection (40, 6)."""
    scale = np.mean([each.statistics.std(axis=0) for each in corpora.values()], axis=0)
    within, n_windows, means = np.zeros((len(scale), len(scale))), 0, []
    for statistics, speakers in corpora.values():
        values = (statistics - statistics.mean(axis=0)) / scale
        of_speakers = [values[speakers == name] for name in np.unique(speakers)]
        of_speakers = [each for each in of_speakers if len(each) >= MIN_WINDOWS]
        within += sum(len(each) * np.cov(each.T) for each in of_speakers)
        n_windows += sum(map(len, of_speakers))
        centres = np.array([each.mean(axis=0) for each in of_speakers])
        means.append(centres - centres.mean(axis=0))
    within /= n_windows
    within += RIDGE * np.trace(within) / len(within) * np.eye(len(within))
    whitening = np.linalg.cholesky(np.linalg.inv(within))
    directions = np.linalg.svd(np.concatenate(means) @ whitening, full_matrices=False)[2][:N_DIRECTIONS]
    return scale, whitening @ directions.T


def main() -> None:
    """Write the weights."""
    scale, projection = projection_of({name: windows_of(utterances_of(name)) for name in CORPORA})
    OUT.parent.mkdir(exist_ok=True)
    tensors = {"scale": scale.astype(np.float32), "projection": np.ascontiguousarray(projection, np.float32)}
    save_file(tensors, OUT)
    print(f"{OUT.name}: {projection.shape[1]} directions, {OUT.stat().st_size} bytes")


if __name__ == "__main__":
    main()
