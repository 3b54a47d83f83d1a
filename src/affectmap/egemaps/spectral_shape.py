"""Balance and tilt of the 20 ms spectrum: alpha ratio, Hammarberg index, two slopes, and spectral flux.

Conventions: `power` has shape (n_frames, n_bins), every descriptor shape (n_frames,).
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from affectmap.egemaps.framing import Floats, FrameGrid
from affectmap.egemaps.spectra import short_plan

SILENCE = 1e-14
SLOPE_BANDS_HZ = ((0.0, 500.0), (500.0, 1500.0))
# Of the corrected set: 0 Hz is no sound.
SOUND_SLOPE_BANDS_HZ = ((50.0, 500.0), (500.0, 1500.0))


@dataclass(frozen=True, eq=False)
class ShapePlan:
    """Limits of the bands as bins, and the slopes as linear forms of the log spectrum.

    Attributes:
        low, middle, high: First bin at or above 1 kHz, 2 kHz and beyond 5 kHz.
        flux: Number of bins below 5 kHz.
        slopes: Weights of the log spectrum's bins, shape (n_bins, 2), dB/Hz per dB.
    """

    low: int
    middle: int
    high: int
    flux: int
    slopes: Floats


@lru_cache(maxsize=16)
def shape_plan(grid: FrameGrid, corrected: bool = False) -> ShapePlan:
    """Plan the bands at a sampling rate; those of the corrected set have slopes by least squares.

    Example:
        >>> plan = shape_plan(FrameGrid.at(16000))
        >>> plan.low, plan.middle, plan.high, plan.flux
        (32, 64, 161, 160)
    """
    plan = short_plan(grid)
    frequencies = plan.frequencies
    low, middle, flux = (int(np.searchsorted(frequencies, limit)) for limit in (1000.0, 2000.0, 5000.0))
    high = int(np.searchsorted(frequencies, 5000.0, side="right"))
    slopes = np.zeros((plan.n_bins, 2), np.float64)
    for column, (lower, upper) in enumerate(SOUND_SLOPE_BANDS_HZ if corrected else SLOPE_BANDS_HZ):
        if corrected:
            bins = np.flatnonzero((frequencies >= lower) & (frequencies <= upper))
            weights = _least_squares_form(frequencies[bins])
        else:
            bins, weights = _slope_form(frequencies, plan.bin_hz, lower, upper)
        slopes[bins, column] = weights
    used = 1 + int(np.flatnonzero(slopes.any(axis=1)).max())
    return ShapePlan(low, middle, high, flux, slopes[:used])


def _least_squares_form(frequencies: Floats) -> Floats:
    """Give what each bin adds to the slope of the line through their levels, which no change of level moves."""
    centred = frequencies - frequencies.mean()
    return np.asarray(centred / np.square(centred).sum())


def _slope_form(frequencies: Floats, bin_hz: float, lower: float, upper: float) -> tuple[Floats, Floats]:
    """Give the bins of a band and what each adds to the regression's slope.

        slope = (N sum(g L) - sum(g) sum(w L)) / (N sum(g²) - sum(g)²),   g = w f

    where the w are 1 but at the edges, and N is one less than the number of bins (so in openSMILE 2.6).
    """
    first = int(np.searchsorted(frequencies, lower, side="right")) - 1
    last = int(np.searchsorted(frequencies, upper, side="right")) - 1
    on_bin = frequencies[last] == upper
    weights = np.ones(last - first + 1)
    weights[0] = (frequencies[first + 1] - lower) / bin_hz or 1.0
    weights[-1] = (upper - frequencies[last - 1 if on_bin else last]) / bin_hz or 1.0
    count = last - first
    weighted = weights * frequencies[first : last + 1]
    spread = count * (weighted**2).sum() - weighted.sum() ** 2
    return np.arange(first, last + 1), (count * weighted - weighted.sum() * weights) / spread


def alpha_ratio(power: Floats, plan: ShapePlan) -> Floats:
    """Compare the energy of 1 to 5 kHz with that below.

        10 lg(sum of P over [1000, 5000] Hz / sum of P over [0, 1000) Hz)

    in dB; 0 where nothing is below. Source: Eyben et al. (2016), "alpha ratio"; 0 Hz takes part here, there 50 Hz on.
    """
    below = power[:, : plan.low].sum(axis=1)
    above = power[:, plan.low : plan.high].sum(axis=1)
    return _decibels(above, below)


def hammarberg_index(power: Floats, plan: ShapePlan) -> Floats:
    """Compare the strongest bin below 2 kHz with the strongest of 2 to 5 kHz.

        10 lg(max of P over [0, 2000) Hz / max of P over [2000, 5000] Hz)

    in dB; 0 where the upper band is empty. Source: Hammarberg et al. (1980) in Eyben et al. (2016).
    """
    bands = power[:, : plan.middle], power[:, plan.middle : plan.high]
    return _decibels(*(band.max(axis=1, initial=0) for band in bands))


def _decibels(numerator: Floats, denominator: Floats) -> Floats:
    known = denominator > 0
    ratio = np.maximum(numerator, SILENCE) / np.where(known, denominator, 1)
    return np.where(known, 10 * np.log10(ratio), 0)


def spectral_slopes(power: Floats, plan: ShapePlan) -> Floats:
    """Fit a line to the spectrum in dB over 0 to 500 Hz and over 500 to 1500 Hz.

    Returns:
        Slopes in dB/Hz, shape (n_frames, 2). Source: Eyben et al. (2016), "spectral slope"; see `_slope_form`.
    """
    used = power[:, : len(plan.slopes)]
    levels = 10 * np.log10(np.maximum(used, SILENCE))
    return levels @ plan.slopes


def spectral_flux(magnitudes: Floats, plan: ShapePlan, before: Floats | None) -> Floats:
    """Measure the change of the magnitudes M below 5 kHz from frame to frame.

        sqrt(mean over bins of (M(t) - M(t-1))²)

    without normalisation. Source: Eyben et al. (2016), "spectral flux".

    Args:
        magnitudes: Shape (n_frames, n_bins).
        plan: Limits of the bands.
        before: Magnitudes of the frame before the first, at least of those bins; None at the start, whose flux is 0.
    """
    used = magnitudes[:, : plan.flux]
    changes = np.diff(used, axis=0, prepend=used[:1] if before is None else before[None, : plan.flux]).astype(
        np.float64
    )
    return np.asarray(np.sqrt(np.square(changes).mean(axis=1)))
