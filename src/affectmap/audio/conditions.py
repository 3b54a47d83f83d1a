"""How a recording was made, as far as its samples tell: offset, level, noise floor, bandwidth and duration.

None of these is the voice, though level, duration and the noise floor (in pauses) depend on it, too. They are measured
on the samples as they were read, at their own rate, before anything is cleaned or resampled.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from affectmap.audio.cleaning import without_offset
from affectmap.audio.reading import Signal
from affectmap.schema import Floats

#: Levels in dB are not lower than this: digital silence, and less than 16 bits can hold.
LEAST_DB = -120.0
#: The noise floor is the level that this share of the frames stays below.
QUIET_SHARE = 0.1
#: How far below its loudest moments a signal's sound above the bandwidth lies, in dB, when it is loudest there: one
#: fricative shows what can be heard. Whole recordings of EMO-DB, URDU and AESDD reach 5.6 kHz at least, nearly all 7.5;
#: by telephone, as GSM or at 8 kHz nearly all of them stay below 5.2 kHz.
BAND_DB = 55.0
#: Length of a spectrum's window in seconds, about: a power of two.
WINDOW_S = 0.032
FRAME_S = 0.02
#: Length in seconds of the means that show what lies below 20 Hz, and the fewest of them.
RUMBLE_S = 0.05
_LEAST_FRAMES = 4
#: Loudest part of the windows that may be louder than a level that counts, and how many windows at most where few are.
_LOUDEST_SHARE, _LOUDEST = 0.03, 4
#: A band whose level moves by less, and that lies this far below the rest, holds the noise of a converter and no voice.
_STEADY_DB, _NOISE_DB = 5.0, 40.0
#: Windows in which a voice has moved for certain.
_ENOUGH = 90
#: Frequencies up to which the band is measured; what is lower is hum. The highest part is the filter of a converter.
_LOWEST_HZ, _HIGHEST_SHARE, _N_EDGES = 100.0, 0.97, 64
#: A pause lies this far below the loudest frames, or this part of the way from the noise floor to them.
_PAUSE_DB, _PAUSE_PART = 35.0, 0.3
_LEAST_POWER_DB, _MOST_POWER_DB = -200, 100
#: Windows transformed at a time, so that memory stays small.
_BLOCK = 512


class Conditions(NamedTuple):
    """Recording conditions of a signal.

    Attributes:
        offset: Mean of the samples, full scale at 1.
        level_db: Root mean square without the offset, in dB of full scale, at least `LEAST_DB`.
        noise_floor_db: Root mean square of the quietest tenth of its frames of 20 ms, likewise.
        bandwidth_hz: Frequency up to which it has sound; see `Bandwidth`; 0 for digital silence.
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
        noise_floor_db=_decibels(quantile(powers, QUIET_SHARE)),
        bandwidth_hz=bandwidth_hz(centred, sampling_rate),
        duration_s=len(signal) / sampling_rate,
    )


def quantile(values: Floats, share: float) -> float:
    """Give a quantile as `numpy.quantile`, to the bit, without the masked arrays that it loads at its first call.

    Args:
        values: (N,), of at least one, finite.
        share: Which, 0..1.

    Example:
        >>> quantile(np.array([3.0, 1.0, 2.0]), 0.25)
        1.5
    """
    ordered, place = np.sort(values), share * (len(values) - 1)
    below = math.floor(place)
    low, high, weight = ordered[below], ordered[min(below + 1, len(values) - 1)], place - below
    return float(low + (high - low) * weight if weight < 0.5 else high - (high - low) * (1 - weight))


class Levels(NamedTuple):
    """How loud a signal is, in dB of full scale, and how much of it is pause.

    Attributes:
        loudest_db: Level of its loudest frames: four of them are as loud.
        range_db: From the quietest tenth of its frames to these.
        pause_share: Share of frames that are far below the loudest, 0..1; in noise that the voice rises little above,
            nearer to the noise than to the voice.
    """

    loudest_db: float
    range_db: float
    pause_share: float


def measure_levels(signal: Signal, sampling_rate: int) -> Levels:
    """Measure levels over frames, offsets removed.

    Example:
        >>> tone = 0.1 * np.sin(2 * np.pi * 200 * np.arange(16000) / 16000).astype(np.float32)
        >>> [round(each, 2) for each in measure_levels(np.append(tone, np.zeros(48000, np.float32)), 16000)]
        [-23.01, 96.99, 0.75]
    """
    frame = max(1, min(round(FRAME_S * sampling_rate), len(signal)))
    powers = np.var(signal[: len(signal) // frame * frame].reshape(-1, frame), axis=1, dtype=np.float64)
    levels = np.maximum(10 * np.log10(np.maximum(powers, 1e-30)), LEAST_DB)
    loudest, floor = float(np.sort(levels)[-min(_LOUDEST, len(levels))]), quantile(levels, QUIET_SHARE)
    limit = max(loudest - _PAUSE_DB, floor + _PAUSE_PART * (loudest - floor))
    return Levels(loudest, loudest - floor, float(np.mean(levels <= limit)) if loudest > floor else 0.0)


def rumble_share(signal: Signal, sampling_rate: int) -> float:
    """Measure how much of a signal lies below some 20 Hz, where no voice is: a part of its root mean square, 0..1.

    It is taken from means of 50 ms, their own mean removed. Whole recordings of EMO-DB, URDU and AESDD stay below 0.2,
    but for one in a hundred.

    Example:
        >>> tone = 0.1 * np.sin(2 * np.pi * 200 * np.arange(16000) / 16000)
        >>> drift = np.linspace(-0.1, 0.1, 16000)
        >>> [round(rumble_share(each, 16000), 2) for each in (tone + 0.1, tone + drift)]
        [0.0, 0.63]
    """
    frame = round(RUMBLE_S * sampling_rate)
    n_frames = len(signal) // frame if frame else 0
    whole = float(np.std(signal, dtype=np.float64))
    if n_frames < _LEAST_FRAMES or not whole:
        return 0.0
    means = signal[: n_frames * frame].reshape(n_frames, frame).mean(axis=1, dtype=np.float64)
    return min(1.0, float(means.std()) / whole)


def bandwidth_hz(signal: Signal, sampling_rate: int) -> float:
    """Measure up to which frequency a signal has sound, in Hz; 0 for digital silence.

    Example:
        >>> noise = np.random.default_rng(0).normal(size=16000).astype(np.float32)
        >>> bandwidth_hz(noise, 16000), bandwidth_hz(0 * noise, 16000)
        (8000.0, 0.0)
    """
    bandwidth = Bandwidth(sampling_rate)
    bandwidth.add(signal)
    return bandwidth.hz()


class Bandwidth:
    """The bandwidth of a signal that comes in blocks; memory does not grow with its length.

    It is the lowest frequency above which, in the moments that are loudest there, all sound together lies `BAND_DB`
    below the loudest moments of the whole, or is a steady noise far below them.

    Args:
        sampling_rate: Of the blocks, in Hz.

    Example:
        >>> time = np.arange(16000, dtype=np.float32) / 16000
        >>> bandwidth = Bandwidth(16000)
        >>> bandwidth.add(np.sin(2 * np.pi * 500 * time))
        >>> bandwidth.add(np.sin(2 * np.pi * 2000 * time))
        >>> 2000 < bandwidth.hz() < 2200
        True
    """

    def __init__(self, sampling_rate: int) -> None:
        self._length = 1 << max(4, round(np.log2(WINDOW_S * sampling_rate)))
        self._shape = np.hanning(self._length).astype(np.float32)
        step = max(1, self._length // 2 // _N_EDGES)
        first = round(_LOWEST_HZ * self._length / sampling_rate)
        self._bins = np.arange(first, self._length // 2, step)
        self._edges = self._bins * sampling_rate / self._length
        self._nyquist, self._width = sampling_rate / 2, step * sampling_rate / self._length
        self._left = np.empty(0, np.float32)
        self._counts = np.zeros((len(self._bins), _MOST_POWER_DB - _LEAST_POWER_DB + 1), np.int64)

    def add(self, block: Signal) -> None:
        """Take a block of the signal, shape (n_samples,); its last samples wait for a whole window."""
        signal = np.concatenate([self._left, block]) if len(self._left) else block
        if len(signal) < self._length:
            self._left = signal.copy()
            return
        windows = np.lib.stride_tricks.sliding_window_view(signal, self._length)[:: self._length // 2]
        for first in range(0, len(windows), _BLOCK):
            self._count(windows[first : first + _BLOCK])
        self._left = signal[len(windows) * (self._length // 2) :].copy()

    def _count(self, windows: Signal) -> None:
        """Count the levels, in whole dB, of what lies above each edge."""
        windows = (windows - windows.mean(axis=1, keepdims=True)) * self._shape
        power = np.abs(np.fft.rfft(windows, axis=1)[:, self._bins[0] :]) ** 2
        above = np.add.reduceat(power, self._bins - self._bins[0], axis=1)[:, ::-1].cumsum(axis=1)[:, ::-1]
        levels = np.rint(10 * np.log10(np.maximum(above, 10 ** (_LEAST_POWER_DB / 10)))).astype(np.int64)
        levels = np.minimum(levels, _MOST_POWER_DB) - _LEAST_POWER_DB
        n_levels = self._counts.shape[1]
        shifted = levels + n_levels * np.arange(len(self._bins))
        self._counts += np.bincount(shifted.ravel(), minlength=self._counts.size).reshape(self._counts.shape)

    def hz(self) -> float:
        """Give the bandwidth of what was added so far."""
        counts, n_windows = self._counts, int(self._counts[0].sum())
        if not n_windows and len(self._left):  # shorter than a window
            one = Bandwidth(round(2 * self._nyquist))
            one.add(np.pad(self._left, (0, self._length - len(self._left))))
            return one.hz()
        below = counts.cumsum(axis=1)
        n_louder = max(min(_LOUDEST, n_windows // 4), int(_LOUDEST_SHARE * n_windows))
        loudest = (below >= max(1, n_windows - n_louder)).argmax(axis=1)
        quiet = (below >= max(1, n_windows // 10)).argmax(axis=1)
        if not loudest[0]:
            return 0.0
        lower = loudest[0] - loudest
        is_noise = (lower >= _NOISE_DB) & (loudest - quiet <= _STEADY_DB) & (n_windows >= _ENOUGH)
        audible = np.flatnonzero((lower < BAND_DB) & ~is_noise & (self._edges < _HIGHEST_SHARE * self._nyquist))
        highest = float(self._edges[audible[-1]]) + self._width if len(audible) else 0.0
        return self._nyquist if highest > _HIGHEST_SHARE * self._nyquist else highest


def _decibels(power: float) -> float:
    return max(LEAST_DB, float(10 * np.log10(power))) if power > 0 else LEAST_DB
