"""True formants and harmonics of voiced frames, for the corrected set: from the 60 ms spectrum and F0.

Conventions: `power` has shape (n_frames, n_bins), of voiced frames at 16 kHz; levels are in dB. What is missing is 0.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from affectmap.egemaps.formants import HIGHEST_HZ, LOWEST_HZ, LPC_RATE, N_FORMANTS
from affectmap.egemaps.framing import Floats, FrameGrid
from affectmap.egemaps.spectra import long_plan

# Five formants are expected below 5.5 kHz, each with a pair of poles.
ORDER = 10
EMPHASIS_HZ = 50.0
# A harmonic is looked for within so much of F0 around its multiple, a period within so much of its length.
SEARCH_RANGE = 0.2
# The strongest harmonic of the third formant lies within 20 % of it.
FORMANT_RANGE = 0.2
# The periodic part's share of the energy is known to so much: the noise ratio stays within ±60 dB.
LEAST_SHARE = 1e-6
# Stands for 0 dB, which would count as missing.
ZERO_DB = 1e-9


@dataclass(frozen=True, eq=False)
class VoicePlan:
    """What is known of the 60 ms spectrum before any sample.

    Attributes:
        bin_hz: Distance of two bins.
        cosines: From power at the bins up to 5.5 kHz to the autocorrelation of the pre-emphasised band, shape
            (n_bins, 11).
        window: Autocorrelation of the window, 1 at lag 0, shape (n_lags,).
    """

    bin_hz: float
    cosines: Floats
    window: Floats


@lru_cache(maxsize=16)
def voice_plan(grid: FrameGrid) -> VoicePlan:
    """Plan the tables at a sampling rate.

    Example:
        >>> plan = voice_plan(FrameGrid.at(16000))
        >>> plan.cosines.shape, plan.window.shape
        ((353, 11), (513,))
    """
    plan = long_plan(grid)
    used = plan.frequencies[plan.frequencies <= LPC_RATE / 2]
    pole = np.exp(-2 * np.pi * EMPHASIS_HZ / grid.sampling_rate)
    emphasis = 1 - 2 * pole * np.cos(2 * np.pi * used / grid.sampling_rate) + pole**2
    cosines = emphasis[:, None] * np.cos(2 * np.pi * np.outer(used, np.arange(ORDER + 1)) / LPC_RATE)
    cosines[0] /= 2
    window = np.fft.irfft(np.abs(np.fft.rfft(plan.window.astype(np.float64), plan.n_fft)) ** 2)[: plan.n_bins]
    return VoicePlan(plan.bin_hz, cosines, window / window[0])


def measure_voiced_frames(power: Floats, f0: Floats, plan: VoicePlan, rows: Floats) -> None:
    """Measure what the spectra of voiced frames tell.

    H1 and H2 are the levels of the strongest bins around F0 and 2 F0, A3 that of the strongest harmonic within 20 % of
    the third formant, and a formant's level that of the harmonic at its frequency, relative to H1.

    Source: Hanson (1997), "Glottal characteristics of female speakers", H1-H2 and H1-A3, without correction for the
    formants; Eyben et al. (2016), "formant relative energy".

    Args:
        power: float32.
        f0: In Hz, > 0, shape (n_frames,).
        plan: At the sampling rate.
        rows: Descriptors in the order of `names.SMOOTHED_NONZERO`, shape (n_frames, 15); those from the noise ratio on
            are filled in.
    """
    power = power.astype(np.float64)
    rows[:, 3] = noise_ratio(power, f0, plan)
    frequency, rows[:, 7::3] = true_formants(power, plan)
    rows[:, 6::3] = frequency
    first, second = (strongest(power, (k - SEARCH_RANGE) * f0, (k + SEARCH_RANGE) * f0, plan.bin_hz) for k in (1, 2))
    rows[:, 4] = _not_zero(first - second)
    for column, formant in enumerate(frequency.T):
        level = strongest(power, formant - f0 / 2, formant + f0 / 2, plan.bin_hz)
        rows[:, 8 + 3 * column] = np.where(formant > 0, _not_zero(level - first), 0)
    third = frequency[:, 2]
    level = strongest(power, (1 - FORMANT_RANGE) * third, (1 + FORMANT_RANGE) * third, plan.bin_hz)
    rows[:, 5] = np.where(third > 0, _not_zero(first - level), 0)


def _not_zero(level: Floats) -> Floats:
    return np.where(level == 0, ZERO_DB, level)


def true_formants(power: Floats, plan: VoicePlan) -> tuple[Floats, Floats]:
    """Estimate the first three formants by linear prediction of the band up to 5.5 kHz.

        r_i = sum over k of P_k |1 - p e^(-i w_k)|² cos(2 pi f_k i / 11000),   p = e^(-2 pi 50 / rate)

    is the autocorrelation of the pre-emphasised band at 11 kHz; Levinson's recursion solves for A(z) = 1 + sum a_i z^-i
    of order 10, and its roots z give frequencies arg z 11000 / (2 pi) and bandwidths -ln|z| 11000 / pi in Hz, of which
    those within [50, 5450] Hz are formants, in ascending order.

    Source: Makhoul (1975), "Spectral linear prediction: properties and applications"; band, order and pre-emphasis as
    in Praat's "To Formant (burg)". The band is the same for all voices: two that follow F0 would make formants jump
    with it.

    Returns:
        Frequencies and bandwidths in Hz, 0 where missing, each of shape (n_frames, 3).
    """
    roots = np.linalg.eigvals(_companion(_predictor(power[:, : len(plan.cosines)] @ plan.cosines)))
    frequency = np.angle(roots) * (LPC_RATE / (2 * np.pi))
    bandwidth = -np.log(np.maximum(np.abs(roots), 1e-300)) * (LPC_RATE / np.pi)
    frequency = np.where((frequency >= LOWEST_HZ) & (frequency <= HIGHEST_HZ), frequency, np.inf)
    order = np.argsort(frequency, axis=1)[:, :N_FORMANTS]
    frequency, bandwidth = (np.take_along_axis(values, order, axis=1) for values in (frequency, bandwidth))
    found = np.isfinite(frequency)
    return np.where(found, frequency, 0), np.where(found, bandwidth, 0)


def _predictor(acf: Floats) -> Floats:
    """Solve for the coefficients a_i by Levinson's recursion, shape (n_frames, 10)."""
    coefficients = np.zeros((len(acf), ORDER))
    error = acf[:, 0].copy()
    for order in range(ORDER):
        known = error > 0
        total = acf[:, order + 1] + np.einsum("ij,ij->i", coefficients[:, :order], acf[:, order:0:-1])
        reflection = np.where(known, -total / np.where(known, error, 1), 0)[:, None]
        coefficients[:, : order + 1] += reflection * np.hstack(
            [coefficients[:, :order][:, ::-1], np.ones((len(acf), 1))]
        )
        error *= 1 - reflection[:, 0] ** 2
    return coefficients


def _companion(coefficients: Floats) -> Floats:
    companion = np.zeros((len(coefficients), ORDER, ORDER))
    companion[:, 0] = -coefficients
    companion[:, np.arange(1, ORDER), np.arange(ORDER - 1)] = 1
    return companion


def strongest(power: Floats, lowest: Floats, highest: Floats, bin_hz: float) -> Floats:
    """Give the level of the strongest bin of a range, by a parabola through the levels in dB where it is a peak.

    A Gaussian window makes a harmonic's peak such a parabola.

    Args:
        power: float64.
        lowest: Of the range, in Hz, shape (n_frames,).
        highest: Likewise; the bins just outside take part.
        bin_hz: Distance of two bins.

    Returns:
        Levels in dB, shape (n_frames,).
    """
    last = power.shape[1] - 2
    start = np.clip(np.floor(lowest / bin_hz), 1, last)[:, None]
    end = np.clip(np.ceil(highest / bin_hz), 1, last)[:, None]
    bins = np.arange(power.shape[1])
    places = np.where((bins >= start) & (bins <= end), power, -1.0).argmax(axis=1)[:, None]
    left, middle, right = (
        10 * np.log10(np.maximum(np.take_along_axis(power, places + offset, axis=1)[:, 0], 1e-30))
        for offset in (-1, 0, 1)
    )
    return _top(left, middle, right)


def _top(left: Floats, middle: Floats, right: Floats) -> Floats:
    """Give the height of the parabola through three neighbours, the middle one where it is no peak."""
    curvature = left - 2 * middle + right
    is_peak = (middle >= left) & (middle >= right) & (curvature < 0)
    return np.asarray(middle + np.where(is_peak, np.square(left - right) / np.where(is_peak, -8 * curvature, 1), 0))


def noise_ratio(power: Floats, f0: Floats, plan: VoicePlan) -> Floats:
    """Compare the periodic with the remaining energy.

        10 lg(q / (1 - q)),   q = r(T) / w(T)

    where r is the autocorrelation of the windowed frame and w that of the window, both 1 at lag 0, and T the lag within
    20 % of a period at which q is largest, by a parabola. Without the division by w, as in eGeMAPS, the ratio of a
    perfect voice of 100 Hz is 7 dB, and of 200 Hz 14 dB.

    Source: Boersma (1993), "Accurate short-term analysis of the fundamental frequency and the harmonics-to-noise ratio
    of a sampled sound".

    Returns:
        dB, within ±60, shape (n_frames,).
    """
    n_lags = len(plan.window)
    acf = np.fft.irfft(power, axis=1)[:, :n_lags]
    total = acf[:, :1]
    share = acf / np.where(total > 0, total, 1) / plan.window
    period = 2 * plan.bin_hz * (n_lags - 1) / f0
    start = np.clip(np.floor((1 - SEARCH_RANGE) * period), 1, n_lags - 2)[:, None]
    end = np.clip(np.ceil((1 + SEARCH_RANGE) * period), 1, n_lags - 2)[:, None]
    lags = np.arange(n_lags)
    places = np.where((lags >= start) & (lags <= end), share, -np.inf).argmax(axis=1)[:, None]
    left, middle, right = (np.take_along_axis(share, places + offset, axis=1)[:, 0] for offset in (-1, 0, 1))
    share = np.clip(_top(left, middle, right), LEAST_SHARE, 1 - LEAST_SHARE)
    return np.asarray(_not_zero(10 * np.log10(share / (1 - share))))
