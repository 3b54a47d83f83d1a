"""Whisper's spectrogram: 10 ms steps, 25 ms windows, mel bands, logarithms.

Conventions: a signal is at 16 kHz; a spectrogram has shape (n_steps, n_bands), float32.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from affectmap.whisper.compiled import mel_bands

Floats = NDArray[np.float32]

SAMPLING_RATE = 16000
N_FFT, STEP = 400, 160
# The scale is linear up to 1 kHz, 15 mel there, and logarithmic from there on: a factor of 6.4 is 27 mel.
_BREAK_HZ, _BREAK_MEL, _LOG_STEP = 1000.0, 15.0, np.log(6.4) / 27
# Powers below 1e-10 count as that, and what lies 80 dB under the loudest band as that.
_LEAST_POWER, _RANGE = 1e-10, 8.0


def log_mel(signal: Floats, n_bands: int = 80) -> Floats:
    """Compute the spectrogram that Whisper takes.

    Windows are centred, the signal's ends reflected, the last window dropped. With m the decimal logarithm of the power
    in a mel band, at least -10, a value is (max(m, max m - 8) + 4) / 4.

    Args:
        signal: At 16 kHz, at least 201 samples.
        n_bands: 80, or 128 as in the third large model.

    Returns:
        Shape (n_samples // 160, n_bands).

    Example:
        >>> log_mel(np.zeros(1600, np.float32)).shape
        (10, 80)
    """
    padded = np.pad(signal, N_FFT // 2, mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(padded, N_FFT)[::STEP][: len(signal) // STEP]
    spectra = np.fft.rfft(frames * _window()).astype(np.complex64, copy=False)
    filters = mel_filters(n_bands)
    powers = mel_bands(spectra, filters)
    if powers is None:
        powers = (np.square(spectra.real) + np.square(spectra.imag)) @ filters
    bands = np.log10(np.maximum(powers, np.float32(_LEAST_POWER)))
    return np.asarray((np.maximum(bands, bands.max() - np.float32(_RANGE)) + np.float32(4)) / np.float32(4))


@lru_cache(maxsize=4)
def mel_filters(n_bands: int) -> Floats:
    """Give the weights of the bins in every band, shape (201, n_bands): triangles of area 1, equally spaced in mel.

    Source: Slaney (1998), "Auditory toolbox: a MATLAB toolbox for auditory modeling work".

    Example:
        >>> filters = mel_filters(80)
        >>> filters.shape, [int(i) for i in filters[:, [0, 40, 79]].argmax(axis=0)]
        ((201, 80), [1, 43, 192])
    """
    edges = _hertz(np.linspace(0, _mel(SAMPLING_RATE / 2), n_bands + 2))
    low, centre, high = edges[:-2], edges[1:-1], edges[2:]
    bins = np.arange(N_FFT // 2 + 1)[:, None] * (SAMPLING_RATE / N_FFT)
    triangles = np.minimum((bins - low) / (centre - low), (high - bins) / (high - centre))
    return np.asarray(np.maximum(triangles, 0) * 2 / (high - low), dtype=np.float32)


def _mel(hertz: float) -> float:
    return float(_BREAK_MEL + np.log(hertz / _BREAK_HZ) / _LOG_STEP)


def _hertz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    linear = mel * (_BREAK_HZ / _BREAK_MEL)
    return np.asarray(np.where(mel < _BREAK_MEL, linear, _BREAK_HZ * np.exp((mel - _BREAK_MEL) * _LOG_STEP)))


@lru_cache(maxsize=1)
def _window() -> Floats:
    """Give the Hann window of a period of 400 samples."""
    return np.asarray(0.5 - 0.5 * np.cos(2 * np.pi * np.arange(N_FFT) / N_FFT), dtype=np.float32)
