"""Vowels whose formants, harmonics and noise are known: a sum of harmonics, by source and filter."""

import numpy as np

# Peterson and Barney (1952), men; higher formants are the same for all.
MEN = {
    "i": (270, 2290, 3010), "ɪ": (390, 1990, 2550), "ɛ": (530, 1840, 2480), "æ": (660, 1720, 2410),
    "ɑ": (730, 1090, 2440), "ɔ": (570, 840, 2410), "ʊ": (440, 1020, 2240), "u": (300, 870, 2240),
    "ʌ": (640, 1190, 2390), "ɝ": (490, 1350, 1690),
}  # fmt: skip
HIGHER = (3500, 4400)
BANDWIDTHS = (60, 90, 120, 150, 200)
WOMEN = 1.15  # a vocal tract shorter by so much
TRACT_RATE = 16000


def vowel_formants(name: str, pitch: float) -> tuple[float, ...]:
    """Give the five formants in Hz; of voices from 160 Hz on those of a shorter vocal tract."""
    return tuple((WOMEN if pitch >= 160 else 1) * formant for formant in (*MEN[name], *HIGHER))


def tract(frequency: np.ndarray, formants: tuple[float, ...]) -> np.ndarray:
    """Give the filter's response at some frequencies: one digital resonator a formant, each 1 at 0 Hz (Klatt 1980)."""
    delay = np.exp(-2j * np.pi * frequency / TRACT_RATE)
    response = np.ones(len(frequency), complex)
    for formant, bandwidth in zip(formants, BANDWIDTHS, strict=True):
        pole = np.exp((-np.pi * bandwidth + 2j * np.pi * formant) / TRACT_RATE)
        response *= abs(1 - pole) ** 2 / ((1 - pole * delay) * (1 - np.conj(pole) * delay))
    return response


def harmonics(levels_db: np.ndarray, pitch: float, seconds: float = 0.6, sampling_rate: int = 16000) -> np.ndarray:
    """Add up harmonics of these levels, with phases by chance."""
    phases = np.random.default_rng(5).uniform(0, 2 * np.pi, len(levels_db))
    time = np.arange(round(seconds * sampling_rate)) / sampling_rate
    multiples = 2 * np.pi * pitch * np.arange(1, len(levels_db) + 1)
    return sum(
        10 ** (level / 20) * np.cos(omega * time + phase)
        for level, omega, phase in zip(levels_db, multiples, phases, strict=True)
    )


def vowel_levels(name: str, pitch: float) -> np.ndarray:
    """Give the levels in dB of a vowel's harmonics below 8 kHz: a source of -6 dB an octave, radiation included."""
    frequency = pitch * np.arange(1, int(7900 / pitch) + 1)
    response = tract(frequency, vowel_formants(name, pitch))
    return 20 * np.log10(np.abs(response) * frequency[0] / frequency)


def vowel(name: str, pitch: float, seconds: float = 0.6, sampling_rate: int = 16000) -> np.ndarray:
    """Speak a vowel with a peak of 0.5 and faint noise."""
    samples = harmonics(vowel_levels(name, pitch), pitch, seconds, sampling_rate)
    noise = np.random.default_rng(0).standard_normal(len(samples))
    return 0.5 * samples / np.abs(samples).max() + 1e-4 * noise
