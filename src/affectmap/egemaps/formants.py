"""Formants of the 20 ms frames: a band of the spectrum, linear prediction, roots.

Conventions: `spectrum` is complex, shape (n_frames, n_bins), of frames delayed as in `spectra`; formants have shape
(n_frames, 3).

The three steps depart from theory as openSMILE 2.6 does, so that models and published results stay comparable: the band
ends at 3.4 kHz (at 16 kHz), the last third of the frame is left out, and the predictor's sign is turned. The results
serve as features; they are not the resonances of a vocal tract.
"""

from dataclasses import dataclass
from functools import lru_cache
from math import floor

import numpy as np

from affectmap.egemaps.framing import Floats, FrameGrid
from affectmap.egemaps.spectra import short_plan

LPC_RATE = 11000.0
ORDER = 11
N_FORMANTS = 3
LOWEST_HZ = 50.0
HIGHEST_HZ = 5450.0


@dataclass(frozen=True, eq=False)
class FormantPlan:
    """The partial inverse transform at one sampling rate.

    Attributes:
        waves: Cosines and sines of the bins from 1 on, float32, shape (n_bins - 1, 2, n_samples).
        n_bins: How many bins take part, 0 Hz among them.
        scale: Factor of their sum.
    """

    waves: Floats
    n_bins: int
    scale: np.float32

    @property
    def n_samples(self) -> int:
        """Count the samples at 11 kHz."""
        return int(self.waves.shape[2])


@lru_cache(maxsize=16)
def formant_plan(grid: FrameGrid) -> FormantPlan:
    """Plan the way from a spectrum to the samples at 11 kHz.

    Example:
        >>> formant_plan(FrameGrid.at(16000)).waves.shape
        (109, 2, 220)
    """
    plan = short_plan(grid)
    n_samples = floor(grid.short * LPC_RATE / grid.sampling_rate + 0.5)
    n_bins = min(plan.n_fft, n_samples) // 2
    period = plan.n_fft * n_samples / grid.short
    phases = 2 * np.pi * np.outer(np.arange(1, n_bins), np.arange(n_samples)) / period
    waves = np.stack([np.cos(phases), np.sin(phases)], axis=1).astype(np.float32)
    return FormantPlan(waves, n_bins, np.float32(2 / plan.n_fft))


def formants(spectrum: Floats, plan: FormantPlan) -> tuple[Floats, Floats]:
    """Estimate the first three formants.

    Returns:
        Frequencies and bandwidths in Hz, 0 where missing, each of shape (n_frames, 3).
    """
    return _resonances(_roots(predictor(band_samples(spectrum, plan))))


def band_samples(spectrum: Floats, plan: FormantPlan) -> Floats:
    """Take the band back to time at 11 kHz.

        y_i = (X_0 + sum over k of Re X_k cos(2 pi k i / nd) - Im X_k sin(2 pi k i / nd)) / (K / 2)

    Returns:
        float32 samples, shape (n_frames, n_samples).
    """
    samples = np.tile(spectrum[:, :1].real, plan.n_samples)
    for values, (cosines, sines) in zip(spectrum[:, 1 : plan.n_bins].T, plan.waves, strict=True):
        # Added up one after the other in float32, whose rounding is part of the result.
        samples += values.real[:, None] * cosines
        samples -= values.imag[:, None] * sines
    return samples * plan.scale


def predictor(samples: Floats) -> Floats:
    """Solve for the coefficients a of A(z) = 1 + sum a_i z^-i by autocorrelation and Levinson's recursion.

    All in float32: the samples are band limited, so the system is ill conditioned and the rounding's noise is part of
    the result.

    Returns:
        Coefficients, float32, shape (11, n_frames); all 0 for silence.
    """
    samples = np.ascontiguousarray(samples.T)
    # Added up one after the other, as a plain loop would; `sum` adds in pairs where it can.
    products = (samples[: len(samples) - lag] * samples[lag:] for lag in range(ORDER + 1))
    acf = np.stack([np.add.accumulate(columns, axis=0)[-1] for columns in products])
    coefficients = np.zeros((ORDER, samples.shape[1]), np.float32)
    error = acf[0].copy()
    for order in range(ORDER):
        known = error != 0
        total = acf[order + 1].copy()
        for earlier in range(order):
            total += coefficients[earlier] * acf[order - earlier]
        reflection = np.where(known, np.float32(-1) / np.where(known, error, 1) * total, 0)
        before = coefficients[:order].copy()
        coefficients[:order] += reflection * before[::-1]
        coefficients[order] = reflection
        error *= 1 - reflection * reflection
    return coefficients


def _roots(coefficients: Floats) -> Floats:
    """Give the roots of z^11 - sum a_i z^(11-i), complex, shape (n_frames, 11)."""
    companion = np.zeros((coefficients.shape[1], ORDER, ORDER))
    companion[:, 0] = coefficients.T
    companion[:, np.arange(1, ORDER), np.arange(ORDER - 1)] = 1
    return np.linalg.eigvals(companion)


def _resonances(roots: Floats) -> tuple[Floats, Floats]:
    """Read frequencies |arg z| 11000 / (2 pi) and bandwidths -ln|z| 11000 / pi off the roots.

    Roots outside the unit circle are mirrored inside; frequencies within [50, 5450] Hz are kept, in ascending order.
    """
    frequency = np.angle(roots) * (LPC_RATE / (2 * np.pi))
    bandwidth = np.abs(np.log(np.maximum(np.abs(roots), 1e-300))) * (LPC_RATE / np.pi)
    frequency = np.where((frequency >= LOWEST_HZ) & (frequency <= HIGHEST_HZ), frequency, np.inf)
    order = np.argsort(frequency, axis=1)[:, :N_FORMANTS]
    frequency, bandwidth = np.take_along_axis(frequency, order, axis=1), np.take_along_axis(bandwidth, order, axis=1)
    found = np.isfinite(frequency)
    return np.where(found, frequency, 0), np.where(found, bandwidth, 0)
