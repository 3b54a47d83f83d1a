"""Cepstral peak prominence: how far the voice's period stands out of the cepstrum; low in breathy and hoarse voices.

Conventions: spectra have shape (n_frames, n_bins), cepstra (n_frames, n_quefrencies). Both reach as far at every
sampling rate: frequencies to 5 kHz, quefrencies in steps of 0.1 ms.

Source: Hillenbrand, Cleveland and Erickson (1994), "Acoustic correlates of breathy vocal quality"; smoothed as in
Hillenbrand and Houde (1996).
"""

import numpy as np

from affectmap.egemaps.framing import Floats
from affectmap.egemaps.spectra import SpectrumPlan

HIGHEST_HZ = 5000.0
# The voice's period is looked for from 1/330 to 1/60 s, the line is laid from 1 ms to the cepstrum's end.
SHORTEST_PERIOD_S, LONGEST_PERIOD_S = 1 / 330, 1 / 60
LINE_FROM_S = 0.001
SMOOTHED_S = 0.0005
LEAST_POWER = 1e-12


def cepstral_peak_prominence(power: Floats, plan: SpectrumPlan) -> Floats:
    """Measure how far the highest peak of the cepstrum stands above the cepstrum's trend.

        C = 10 log10(smoothed |DFT(10 log10 P)|²),   CPP = C(q) - (a + b q)

    P is the power spectrum to 5 kHz; the squares are averaged over three frames and half a millisecond; q is the place
    of the largest value from 3.0 to 16.7 ms, refined by a parabola; a and b are those of the least-squares line through
    C from 1 ms on.

    Source: Hillenbrand, Cleveland and Erickson (1994); Hillenbrand and Houde (1996) average over 20 ms and 1 ms.

    Args:
        power: Power of the 60 ms spectra of successive frames, shape (n_frames, n_bins).
        plan: How these were made.

    Returns:
        CPP in dB, shape (n_frames,); it does not depend on the level.
    """
    n_used = min(round(HIGHEST_HZ / plan.bin_hz), plan.n_bins - 1)
    logarithms = 10 * np.log10(np.maximum(power[:, : n_used + 1].astype(np.float64), LEAST_POWER))
    squares = np.square(np.fft.irfft(logarithms, axis=1)[:, : n_used + 1])
    step = 1 / (2 * n_used * plan.bin_hz)
    cepstra = 10 * np.log10(np.maximum(_smoothed(squares, max(1, round(SMOOTHED_S / step))), 1e-30))
    quefrencies = np.arange(n_used + 1) * step
    line = quefrencies >= LINE_FROM_S
    design = np.stack([np.ones(line.sum()), quefrencies[line]], axis=1)
    trend = (np.linalg.pinv(design) @ cepstra[:, line].T).T
    first, last = np.searchsorted(quefrencies, [SHORTEST_PERIOD_S, LONGEST_PERIOD_S])
    place, height = _refined(cepstra, first + cepstra[:, first:last].argmax(axis=1))
    return np.asarray(height - trend[:, 0] - trend[:, 1] * place * step)


def _smoothed(squares: Floats, width: int) -> Floats:
    """Average over three frames, the first and the last being their own neighbours, and over an odd width."""
    padded = np.concatenate([squares[:1], squares, squares[-1:]])
    over_time = (padded[:-2] + padded[1:-1] + padded[2:]) / 3
    half = width // 2
    sums = np.cumsum(np.pad(over_time, ((0, 0), (half + 1, half)), mode="edge"), axis=1)
    return np.asarray((sums[:, 2 * half + 1 :] - sums[:, : -2 * half - 1]) / (2 * half + 1))


def _refined(cepstra: Floats, places: Floats) -> tuple[Floats, Floats]:
    """Lay a parabola through values around the largest: its top's place in steps, and its height."""
    rows = np.arange(len(cepstra))
    left, middle, right = (cepstra[rows, places + offset] for offset in (-1, 0, 1))
    curvature = left - 2 * middle + right
    is_peak = (middle >= left) & (middle >= right) & (curvature < 0)
    offset = np.where(is_peak, 0.5 * (left - right) / np.where(is_peak, curvature, 1), 0)
    return places + offset, middle - 0.25 * (left - right) * offset
