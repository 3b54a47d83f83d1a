"""Noise and harmonics of voiced frames: harmonics-to-noise ratio, levels of harmonics and of those in formants.

Conventions: spectra of the 60 ms frames have shape (n_frames, n_bins); only voiced frames are given. Harmonic 0 is the
fundamental; levels are in dB relative to it.
"""

from dataclasses import dataclass

import numpy as np

from affectmap.egemaps.framing import Floats

N_HARMONICS = 100
LOWEST_LEVEL = -200.0
MISSING_LEVEL = -201.0
# A harmonic belongs to a formant within 20 % of its frequency.
FORMANT_RANGE = 0.2


def harmonics_to_noise(power: Floats, f0: Floats, highest_hz: float) -> Floats:
    """Compare the periodic with the remaining energy.

        10 lg(q), q = a / (a_0 - a) within [1e-9, 1e11]

    where a is the autocorrelation's absolute value at its strict local maximum nearest to one period.

    Source: Boersma (1993); from the power spectrum of the 60 ms frame as in openSMILE 2.6.

    Args:
        power: Shape (n_frames, n_bins).
        f0: In Hz, > 0, shape (n_frames,).
        highest_hz: Frequency of the last bin.

    Returns:
        HNR in dB, shape (n_frames,).
    """
    n_lags = power.shape[1]
    acf = np.abs(np.fft.irfft(power.astype(np.float64), axis=1)[:, :n_lags])
    lag = np.minimum((2 * highest_hz / f0).astype(np.int64), n_lags - 1)
    place = _nearest_peak(_is_peak(acf), lag, left_first=True)
    rows = np.arange(len(acf))
    periodic, total = acf[rows, np.where(place < 0, lag, place)], acf[:, 0]
    noise = total - periodic
    ratio = np.where(noise == 0, 1e11, periodic / np.where(noise == 0, 1, noise))
    return np.asarray(10 * np.log10(np.clip(ratio, 1e-9, 1e11)))


def _is_peak(values: Floats) -> Floats:
    peak = np.zeros(values.shape, bool)
    peak[:, 1:-1] = (values[:, 1:-1] > values[:, :-2]) & (values[:, 1:-1] > values[:, 2:])
    return peak


def _nearest_peak(peak: Floats, places: Floats, left_first: bool) -> Floats:
    """Give the peak nearest to each place, -1 without any; places have shape (n_frames,) or (n_frames, n)."""
    left, right = _peaks_beside(peak, places)
    n_bins = peak.shape[1]
    to_left = np.where(left < 0, 2 * n_bins, places - left)
    to_right = np.where(right >= n_bins, 2 * n_bins, right - places)
    take_left = to_left <= to_right if left_first else to_left < to_right
    nearest = np.where(take_left, left, right)
    return np.where(np.minimum(to_left, to_right) >= 2 * n_bins, -1, nearest)


def _peaks_beside(peak: Floats, places: Floats) -> tuple[Floats, Floats]:
    """Give the last peak at or left of each place, -1 without, and the first at or right of it, n_bins without."""
    n_frames, n_bins = peak.shape
    rows = np.arange(n_frames).reshape(-1, *(1,) * (places.ndim - 1)) * n_bins
    found = np.concatenate([[-1], np.flatnonzero(peak), [peak.size]])
    at = np.searchsorted(found, rows + places)
    right = found[at] - rows
    left = np.where(right == places, places, found[at - 1] - rows)
    return np.maximum(left, -1), np.minimum(right, n_bins)


@dataclass(frozen=True, eq=False)
class Harmonics:
    """Harmonics of voiced frames, every array of shape (n_frames, n_harmonics).

    Attributes:
        frequency: By a parabola, in Hz; 0 where there is none.
        magnitude: Of the harmonic's bin; 0 where there is none.
        level: In dB relative to the fundamental.
    """

    frequency: Floats
    magnitude: Floats
    level: Floats


def find_harmonics(magnitudes: Floats, f0: Floats, bin_hz: float, n_harmonics: int = N_HARMONICS) -> Harmonics:
    """Find the peaks of the spectrum at multiples of F0."""
    n_bins = magnitudes.shape[1]
    f0 = f0[:, None]
    multiples = np.arange(1, n_harmonics + 1)
    expected, lowest, highest = (_nearest_bin(f0 * (multiples + shift), bin_hz, n_bins) for shift in (0, -0.5, 0.5))
    left, right = _peaks_beside(_is_peak(magnitudes), expected)
    to_left = np.where(left < lowest, n_bins, expected - left)
    to_right = np.where(right > highest, n_bins, right - expected)
    bins = np.where(to_right <= to_left, right, left)
    valid = (np.minimum(to_left, to_right) < n_bins) & (bins >= _nearest_bin(f0 / 2, bin_hz, n_bins))
    bins = np.where(valid, bins, expected)
    valid &= bins < n_bins - 1
    return _measure(magnitudes, bins, valid, bin_hz)


def needed_harmonics(f0: Floats, formants: Floats) -> int:
    """Count the harmonics that a formant of these frames may take; at least three, at most 100.

    Example:
        >>> needed_harmonics(np.array([100.0]), np.array([[500.0, 1500.0, 2500.0]]))
        32
    """
    highest = float((formants.max(axis=1) / f0).max()) * (1 + FORMANT_RANGE)
    return min(N_HARMONICS, max(3, int(highest) + 2))


def _nearest_bin(frequency: Floats, bin_hz: float, n_bins: int) -> Floats:
    """Give the bin nearest to each frequency, the upper one of two as near; 0 beyond the spectrum."""
    places = frequency / bin_hz
    above = np.ceil(places)
    nearest = np.where(places - (above - 1) < above - places, above - 1, above)
    return np.where(above > n_bins - 1, 0, np.maximum(nearest, 0)).astype(np.int64)


def _measure(magnitudes: Floats, bins: Floats, valid: Floats, bin_hz: float) -> Harmonics:
    places = np.clip(bins, 1, magnitudes.shape[1] - 2)
    left, middle, right = (
        np.take_along_axis(magnitudes, places + offset, axis=1).astype(np.float64) for offset in (-1, 0, 1)
    )
    curvature = np.where(valid, left - 2 * middle + right, -1)
    offset = 0.5 * (left - right) / curvature
    top = middle - 0.25 * (left - right) * offset
    frequency, middle = np.where(valid, (places + offset) * bin_hz, 0), np.where(valid, middle, 0)
    first = np.where(valid[:, :1], middle[:, :1], 1)
    level = np.where(valid, 20 * np.log10(np.where(valid, top, 1) / first), LOWEST_LEVEL)
    level = np.maximum(level, LOWEST_LEVEL)
    level[:, 0] = 0
    repeated = np.zeros(bins.shape, bool)
    repeated[:, 1:] = bins[:, 1:] == bins[:, :-1]
    # Of a run of equal bins every second is cleared, for a cleared one has no bin to repeat.
    repeated[:, 2:] &= ~(repeated[:, 1:-1] & (bins[:, 2:] > 0))
    level[repeated], frequency[repeated], middle[repeated] = MISSING_LEVEL, 0, 0
    level[~valid[:, 0]] = MISSING_LEVEL
    return Harmonics(frequency, middle, level)


def formant_levels(harmonics: Harmonics, formants: Floats) -> tuple[Floats, Floats]:
    """Give the level of the strongest harmonic within 20 % of each formant.

    Args:
        harmonics: Of the same frames.
        formants: Frequencies in Hz, 0 where missing, shape (n_frames, n_formants).

    Returns:
        Levels in dB, 0 where there is no harmonic, and whether there is one, each of shape (n_frames, n_formants).
    """
    centres = formants[:, :, None]
    frequency = harmonics.frequency[:, None, :]
    near = (frequency >= (1 - FORMANT_RANGE) * centres) & (frequency <= (1 + FORMANT_RANGE) * centres) & (frequency > 0)
    strongest = np.where(near, harmonics.magnitude[:, None, :], -1).argmax(axis=2)
    found = np.asarray(near.any(axis=2))
    return np.where(found, np.take_along_axis(harmonics.level, strongest, axis=1), 0), found


def level_differences(harmonics: Harmonics, third: Floats, has_third: Floats) -> tuple[Floats, Floats]:
    """Give "logRelF0-H1-H2" and "logRelF0-H1-A3" in dB, each of shape (n_frames,).

        level_1 - level_2   and   level_1 - level of the third formant (201 where it has none), within ±201

    Source: openSMILE 2.6. With harmonic 0 as the fundamental these start from the harmonic at twice F0: they are
    H2 - H3 and H2 - A3 of the literature.
    """
    first, second = harmonics.level[:, 1], harmonics.level[:, 2]
    limit = -MISSING_LEVEL
    to_third = first - np.where(has_third, third, limit)
    return np.clip(first - second, -limit, limit), np.clip(to_third, -limit, limit)
