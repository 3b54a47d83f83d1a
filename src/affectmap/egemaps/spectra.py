"""Spectra of windowed frames: Hamming over 20 ms, Gaussian over 60 ms.

Conventions: spectra have shape (n_frames, n_bins) with n_bins = K/2 + 1; frequencies are in Hz; magnitudes are those of
the plain sum, not divided by any length.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from affectmap.egemaps.framing import LONG_S, SHORT_S, Floats, FrameGrid
from affectmap.egemaps.split_radix import split_radix


@dataclass(frozen=True, eq=False)
class SpectrumPlan:
    """A window, the transform's length K (the next power of two) and its bins' distance in Hz.

    The frame stands in the middle of K samples: it is delayed by `delay` samples, which only phases notice.
    """

    window: Floats
    n_fft: int
    delay: int
    bin_hz: float

    @property
    def n_bins(self) -> int:
        """Count the bins from 0 Hz to half the sampling rate."""
        return self.n_fft // 2 + 1

    @property
    def frequencies(self) -> Floats:
        """Give the bins' frequencies in Hz."""
        return np.arange(self.n_bins) * self.bin_hz

    def transform(self, frames: Floats) -> Floats:
        """Transform frames, shape (n_frames, n_samples), to complex64 spectra, shape (n_frames, n_bins)."""
        padded = np.zeros((self.n_fft, len(frames)), np.float32)
        inner = padded[self.delay : self.delay + len(self.window)]
        np.multiply(frames.T, self.window[:, None], out=inner)
        real, imaginary = split_radix(self.n_fft).transform(padded)
        spectra = np.empty((len(frames), self.n_bins), np.complex64)
        spectra.real, spectra.imag = real.T, -imaginary.T
        return spectra


def _plan(window: Floats, seconds: float) -> SpectrumPlan:
    n_samples = len(window)
    n_fft = 1 << (n_samples - 1).bit_length()
    # The bins' distance follows the nominal length in seconds, not the rounded number of samples.
    bin_hz = n_samples / (seconds * n_fft)
    return SpectrumPlan(window.astype(np.float32), n_fft, (n_fft - n_samples) // 2, bin_hz)


@lru_cache(maxsize=16)
def short_plan(grid: FrameGrid) -> SpectrumPlan:
    """Plan the 20 ms spectra.

        w_n = 0.54 - 0.46 cos(2 pi n / (N - 1))

    Example:
        >>> plan = short_plan(FrameGrid.at(16000))
        >>> plan.n_fft, plan.bin_hz
        (512, 31.25)
    """
    return _plan(0.54 - 0.46 * np.cos(2 * np.pi * np.arange(grid.short) / (grid.short - 1)), SHORT_S)


@lru_cache(maxsize=16)
def long_plan(grid: FrameGrid) -> SpectrumPlan:
    """Plan the 60 ms spectra.

        w_n = exp(-((n - c) / 0.4c)² / 2),   c = (N - 1) / 2

    Example:
        >>> plan = long_plan(FrameGrid.at(16000))
        >>> plan.n_fft, plan.bin_hz
        (1024, 15.625)
    """
    centre = (grid.long - 1) / 2
    return _plan(np.exp(-0.5 * ((np.arange(grid.long) - centre) / (0.4 * centre)) ** 2), LONG_S)


def magnitudes(spectrum: Floats) -> Floats:
    """Give the magnitudes of complex spectra, same shape, float32."""
    return np.sqrt(power(spectrum))


def power(spectrum: Floats) -> Floats:
    """Give the squared magnitudes of complex spectra, same shape, float32."""
    squared = np.square(spectrum.real)
    squared += np.square(spectrum.imag)
    return np.asarray(squared)
