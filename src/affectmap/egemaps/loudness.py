"""What the ear makes of the 20 ms spectrum: 26 mel bands, loudness from them, and four cepstral coefficients.

Conventions: `bands` has shape (n_frames, 26), on the scale of the power spectrum.
"""

from dataclasses import dataclass
from functools import lru_cache
from math import floor

import numpy as np

from affectmap.egemaps.framing import Floats, FrameGrid
from affectmap.egemaps.spectra import short_plan

N_BANDS = 26
LOWEST_HZ = 20.0
HIGHEST_HZ = 8000.0
N_COEFFICIENTS = 4
LIFTER = 22


@dataclass(frozen=True, eq=False)
class MelPlan:
    """Triangles on the mel scale.

    Attributes:
        triangles: Weights of the bins, shape (n_bins, 26).
        hearing: Weight of equal loudness at each triangle's centre, shape (26,).
        cosines: Cosine transform with its lifter, shape (26, 4).
    """

    triangles: Floats
    hearing: Floats
    cosines: Floats


@lru_cache(maxsize=16)
def mel_plan(grid: FrameGrid) -> MelPlan:
    """Plan 26 triangles equally spaced on mel(f) = 1127 ln(1 + f/700), from 20 Hz to 8 kHz or the last bin."""
    plan = short_plan(grid)
    highest = min(HIGHEST_HZ, plan.frequencies[-1])
    edges = np.linspace(_mel(LOWEST_HZ), _mel(highest), N_BANDS + 2)
    positions = _mel(plan.frequencies)[:, None]
    rising = (positions - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - positions) / (edges[2:] - edges[1:-1])
    triangles = np.maximum(0, np.minimum(rising, falling))
    bins = np.arange(plan.n_bins)
    last = min(floor(highest / plan.bin_hz + 0.5), plan.n_bins)
    triangles[(bins <= floor(LOWEST_HZ / plan.bin_hz + 0.5)) | (bins >= last)] = 0
    centres = 700 * np.expm1(edges[1:-1] / 1127)
    return MelPlan(triangles, _equal_loudness(centres), _lifted_cosines())


def _mel(frequency: Floats | float) -> Floats:
    return 1127 * np.log1p(np.asarray(frequency) / 700)


def _equal_loudness(frequency: Floats) -> Floats:
    """Weigh frequencies by the ear's sensitivity.

        1e32 (ω² + 56.8e6) ω⁴ / ((ω² + 6.3e6)² (ω² + 0.38e9) (ω⁷ + 1.7e31)),   ω = 2 pi f

    Source: Hermansky (1990), eq. 7, with the term for high frequencies; ω⁷ (not ω⁶) as in openSMILE 2.6.
    """
    omega = 2 * np.pi * frequency
    squared = omega**2
    low = (squared + 56.8e6) * squared**2 / ((squared + 6.3e6) ** 2 * (squared + 0.38e9))
    return 1e32 * low / (omega**7 + 1.7e31)


def _lifted_cosines() -> Floats:
    orders = np.arange(1, N_COEFFICIENTS + 1)
    cosines = np.cos(np.pi * np.outer(np.arange(N_BANDS) + 0.5, orders) / N_BANDS)
    return np.asarray(np.sqrt(2 / N_BANDS) * cosines * (1 + LIFTER / 2 * np.sin(np.pi * orders / LIFTER)))


def mel_bands(power: Floats, plan: MelPlan) -> Floats:
    """Gather power spectra, shape (n_frames, n_bins), in 26 bands."""
    return power @ plan.triangles


def loudness(bands: Floats, plan: MelPlan) -> Floats:
    """Estimate the loudness.

        mean over bands b of (max(E_b, 9.3e-10) w(f_b))^0.33

    Source: Hermansky (1990): equal loudness, then Stevens' law; Eyben et al. (2016) sum the bands, here is their mean.

    Returns:
        Loudness without unit, > 0, shape (n_frames,).
    """
    return np.asarray(((np.maximum(bands, 9.3e-10) * plan.hearing) ** 0.33).mean(axis=1))


def mel_cepstrum(bands: Floats, plan: MelPlan) -> Floats:
    """Give the coefficients 1 to 4 of the mel cepstrum.

        c_i = (1 + 11 sin(pi i / 22)) sqrt(2/26) sum over b of ln(max(1, 32767² E_b)) cos(pi i (b + 1/2) / 26)

    Source: Davis and Mermelstein (1980), lifter 22 as in HTK.

    Returns:
        Coefficients, shape (n_frames, 4).
    """
    return np.log(np.maximum(bands * 32767.0**2, 1.0)) @ plan.cosines
