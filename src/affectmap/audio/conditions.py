"""How a recording was made, as far as its samples tell: offset, level, noise floor, bandwidth and duration.

None of these is the voice, though level, duration and the noise floor (in pauses) depend on it, too. They are measured
on the samples as they were read, at their own rate, before anything is cleaned or resampled.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from affectmap.audio.cleaning import without_offset
from affectmap.audio.reading import Signal
from affectmap.schema import Floats

#: Levels in dB are not lower than this: digital silence, and less than 16 bits can hold.
LEAST_DB = -120.0
#: The noise floor is the level that this share of the frames stays below.
QUIET_SHARE = 0.1
#: How far below its maximum the mean spectrum may lie where it still counts, in dB. Speech of full bandwidth reaches
#: 5.2 kHz at least in EMO-DB, URDU and AESDD; sent through a telephone's band, 4.9 kHz at most.
BAND_DB = 50.0
#: Length of a spectrum's window in seconds, about: a power of two.
WINDOW_S = 0.032
FRAME_S = 0.02
#: Bins over which the spectrum is smoothed, some 150 Hz.
_SMOOTHED_BINS = 5
#: Windows transformed at a time, so that memory stays small.
_BLOCK = 512


class Conditions(NamedTuple):
    """Recording conditions of a signal.

    Attributes:
        offset: Mean of the samples, full scale at 1.
        level_db: Root mean square without the offset, in dB of full scale, at least `LEAST_DB`.
        noise_floor_db: Root mean square of the quietest tenth of its frames of 20 ms, likewise.
        bandwidth_hz: Highest frequency of its mean spectrum within `BAND_DB` of the maximum; 0 for digital silence.
        duration_s: Length in seconds.
    """

    offset: float
    level_db: float
    noise_floor_db: float
    bandwidth_hz: float
    duration_s: float


def measure_conditions(signal: Signal, sampling_rate: int) -> Conditions:
    """Measure the recording conditions of a signal.

    Args:
        signal: As it was read, shape (n_samples,), full scale at 1, of at least one sample; finite.
        sampling_rate: In Hz.

    Returns:
        The conditions.

    Example:
        >>> tone = 0.1 + 0.5 * np.sin(2 * np.pi * 1000 * np.arange(16000) / 16000)
        >>> [round(each, 1) for each in measure_conditions(tone.astype(np.float32), 16000)]
        [0.1, -9.0, -9.0, 1093.8, 1.0]
    """
    centred = without_offset(signal)
    frame = max(1, round(FRAME_S * sampling_rate))
    framed = centred[: len(centred) // frame * frame] if len(centred) >= frame else centred
    powers = np.mean(np.square(framed.reshape(-1, min(frame, len(framed))), dtype=np.float64), axis=1)
    return Conditions(
        offset=float(np.mean(signal, dtype=np.float64)),
        level_db=_decibels(float(np.mean(np.square(centred, dtype=np.float64)))),
        noise_floor_db=_decibels(float(np.quantile(powers, QUIET_SHARE))),
        bandwidth_hz=bandwidth_hz(centred, sampling_rate),
        duration_s=len(signal) / sampling_rate,
    )


def bandwidth_hz(signal: Signal, sampling_rate: int) -> float:
    """Measure up to which frequency a signal without offset has sound, in Hz; 0 for digital silence.

    Example:
        >>> noise = np.random.default_rng(0).normal(size=16000).astype(np.float32)
        >>> bandwidth_hz(noise, 16000), bandwidth_hz(0 * noise, 16000)
        (8000.0, 0.0)
    """
    length = 1 << max(4, round(np.log2(WINDOW_S * sampling_rate)))
    power = _mean_spectrum(signal, length)
    power = np.convolve(power, np.full(_SMOOTHED_BINS, 1 / _SMOOTHED_BINS), "same")
    heard = np.flatnonzero(power > power.max() * 10 ** (-BAND_DB / 10))
    return float(heard[-1] * sampling_rate / length) if len(heard) else 0.0


def _mean_spectrum(signal: Signal, length: int) -> Floats:
    """Average the power spectra of overlapping windows (length // 2 + 1,)."""
    padded = np.pad(signal, (0, max(0, length - len(signal))))
    windows = np.lib.stride_tricks.sliding_window_view(padded, length)[:: length // 2]
    shape, total = np.hanning(length), np.zeros(length // 2 + 1)
    for first in range(0, len(windows), _BLOCK):
        total += np.sum(np.abs(np.fft.rfft(windows[first : first + _BLOCK] * shape, axis=1)) ** 2, axis=0)
    return total / len(windows)


def _decibels(power: float) -> float:
    return max(LEAST_DB, float(10 * np.log10(power))) if power > 0 else LEAST_DB
