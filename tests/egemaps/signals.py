"""Synthetic signals that the golden tables are made of, each a pair of samples and sampling rate."""

from functools import cache

import numpy as np


def voice(seconds: float = 1.2, sampling_rate: int = 16000, pitch: float = 140.0, seed: int = 0):
    """Pulses with vibrato, slow loudness and two resonances, in two stretches with breath between; peak 0.5."""
    rng = np.random.default_rng(seed)
    time = np.arange(round(seconds * sampling_rate)) / sampling_rate
    phase = 2 * np.pi * pitch * (time + 0.004 * np.sin(2 * np.pi * 4.7 * time) - 0.05 * time**2)
    buzz = np.zeros(len(time))
    for harmonic in range(1, int(0.45 * sampling_rate / pitch)):
        frequency = harmonic * pitch
        resonance = 1 / (1 + ((frequency - 600) / 150) ** 2) + 0.5 / (1 + ((frequency - 1700) / 200) ** 2) + 0.02
        buzz += resonance * np.cos(harmonic * phase)
    loudness = 0.6 + 0.4 * np.sin(2 * np.pi * 3.1 * time)
    place = time / seconds
    voiced = (place < 0.45) | (place > 0.6)
    samples = buzz * loudness * voiced + 0.05 * rng.standard_normal(len(time))
    return 0.5 * samples / np.abs(samples).max(), sampling_rate


def _between_zeros(samples: np.ndarray, sampling_rate: int):
    return np.concatenate([np.zeros(8000), samples, np.zeros(8000)]), sampling_rate


def _sine(frequency: float, seconds: float = 1.0, sampling_rate: int = 16000):
    return 0.5 * np.sin(
        2 * np.pi * frequency * np.arange(round(seconds * sampling_rate)) / sampling_rate
    ), sampling_rate


def _noise(level: float, seed: int = 1):
    return level * np.random.default_rng(seed).standard_normal(16000), 16000


def _chirp():
    time = np.arange(24000) / 16000
    return sum(np.sin(2 * np.pi * k * (90 * time + 110 * time**2)) / (4 * k) for k in range(1, 8)), 16000


@cache
def all_signals() -> dict[str, tuple[np.ndarray, int]]:
    """Give every signal by name; all tests share the samples, which may not be written."""
    samples, rate = voice()
    signals = {
        "silence": (np.zeros(16000), 16000),
        "constant": (np.full(16000, 0.3), 16000),
        "noise": _noise(0.1),
        "faint noise": _noise(3e-4),
        "sine": _sine(200.0),
        "chirp": _chirp(),
        "voice": (samples, rate),
        "high voice": voice(pitch=310.0, seed=2),
        "clipped voice": (np.clip(20 * samples, -1, 32767 / 32768), rate),
        "voice between zeros": _between_zeros(samples, rate),
        "offset voice": (samples + 0.1, rate),
        "100 ms": (samples[1000:2600], rate),
        "60 ms": (samples[1000:1960], rate),
    }
    for other in (8000, 11025, 22050, 44100, 48000):
        signals[f"voice at {other} Hz"] = voice(sampling_rate=other)
    for given, _ in signals.values():
        given.setflags(write=False)
    return signals
