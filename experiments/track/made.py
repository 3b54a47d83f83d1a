"""Recordings made of corpus files, pauses and noise, of which it is known where speech is.

`python experiments/track/made.py CORPUS_DIR OUT.wav --minutes 60` joins the WAV files of a folder (of 16 kHz) in a
seeded order. Between them lie pauses of 0.3 to 4 s, and behind every tenth file 8 s of something that is no speech; the
whole has a noise floor. `--stretches '*N?.wav,*W?.wav'` fills equal parts of the recording with files of these names.
The recording stays in your folder; nothing of it is committed.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soundfile

RATE = 16000
#: Parts of an utterance with more than this share of its peak, in frames of 20 ms, count as speech.
_SPEECH_LEVEL = 0.02


def parts(
    files: list[Path], n_samples: int, *, seed: int = 0, floor: float = 0.0005
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield signals and, for each of their samples, whether it is speech."""
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(files))
    done, turn = 0, 0
    while done < n_samples:
        speech, rate = soundfile.read(files[order[turn % len(files)]], dtype="float32")
        if rate != RATE or speech.ndim != 1:
            raise SystemExit(f"{files[order[turn % len(files)]]}: expected mono at {RATE} Hz")
        pieces = [(speech, _is_speech(speech)), _without_speech(np.zeros(rng.integers(int(0.3 * RATE), 4 * RATE)))]
        if turn % 10 == 9:
            pieces.append(_without_speech(_disturbance(rng, 8 * RATE, kind=turn // 10 % 4)))
        for signal, truth in pieces:
            noisy = signal + floor * rng.standard_normal(len(signal))
            yield noisy[: n_samples - done].astype(np.float32), truth[: n_samples - done]
            done = min(n_samples, done + len(signal))
        turn += 1


def _without_speech(signal: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return signal, np.zeros(len(signal), dtype=bool)


def _is_speech(signal: np.ndarray) -> np.ndarray:
    """Mark samples from the first to the last loud frame: short closures within words are part of the speech."""
    frames = np.abs(signal[: len(signal) // 320 * 320]).reshape(-1, 320).max(axis=1)
    loud = np.flatnonzero(frames > _SPEECH_LEVEL * np.abs(signal).max())
    truth = np.zeros(len(signal), dtype=bool)
    truth[loud[0] * 320 : (loud[-1] + 1) * 320] = True
    return truth


def _disturbance(rng: np.random.Generator, n_samples: int, kind: int) -> np.ndarray:
    """White noise, brown noise, a chord that swells, or knocks."""
    time = np.arange(n_samples) / RATE
    if kind == 0:
        return 0.05 * rng.standard_normal(n_samples)
    if kind == 1:
        brown = np.cumsum(rng.standard_normal(n_samples))
        brown -= np.linspace(brown[0], brown[-1], n_samples)
        return 0.3 * brown / np.abs(brown).max()
    if kind == 2:
        chord = sum(np.sin(2 * np.pi * pitch * time) for pitch in (220.0, 277.2, 329.6))
        return 0.1 * chord * np.sin(np.pi * time / time[-1]) ** 2
    knocks = np.zeros(n_samples)
    for first in rng.integers(0, n_samples - 2000, 16):
        knocks[first : first + 2000] += 0.4 * rng.standard_normal(2000) * np.exp(-np.arange(2000) / 200)
    return knocks


def write(corpus: Path, out: Path, minutes: float, *, stretches: tuple[str, ...] = ("*.wav",), seed: int = 0) -> None:
    """Write the recording in parts; memory does not grow with its length."""
    n_samples = round(minutes * 60 * RATE / len(stretches))
    with soundfile.SoundFile(out, "w", RATE, 1, subtype="PCM_16") as sound:
        for names in stretches:
            files = sorted(file for file in corpus.rglob(names) if file.stat().st_size > 1000)
            if not files:
                raise SystemExit(f"{corpus}: holds no file named {names}")
            for signal, _ in parts(files, n_samples, seed=seed):
                sound.write(np.clip(signal, -1, 1))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpus", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--stretches", default="*.wav")
    arguments = parser.parse_args()
    names = tuple(arguments.stretches.split(","))
    write(arguments.corpus, arguments.out, arguments.minutes, stretches=names)
