"""From contours to the 88 functionals of a recording."""

import numpy as np

from affectmap.egemaps.contour_peaks import peak_rate, slopes
from affectmap.egemaps.framing import STEP_S, Floats
from affectmap.egemaps.smoothing import smooth, smooth_nonzero, smooth_nonzero_backward
from affectmap.egemaps.statistics import (
    mean_and_deviation,
    mean_and_deviation_nonzero,
    mean_and_spread,
    percentiles,
    segment_lengths,
)

# Below this a semitone value counts as unvoiced, and a mean square as silence.
LEAST_SEMITONE = 1e-6
LEAST_SQUARE = 1e-12
# Columns after F0 that hold a formant's frequency or bandwidth. These count in voiced frames, the levels, -201 where
# unvoiced, in all.
FORMANTS = np.array([5, 6, 8, 9, 11, 12])


def summarise(spectral: Floats, voice: Floats, n_decided: int, mean_square: float) -> Floats:
    """Give the functionals in the order of `names.FUNCTIONAL_NAMES`; see `contours.Contours` for the arguments."""
    f0, on_voice, in_voiced, in_unvoiced = _as_seen(spectral, voice, n_decided)
    smoothed = smooth(spectral)
    parts = (
        _with_peaks(f0[f0 != 0]),
        _with_peaks(smoothed[:, 0]),
        mean_and_deviation(smoothed[:, 5:]).T.ravel(),
        mean_and_deviation_nonzero(on_voice).T.ravel(),
        mean_and_deviation_nonzero(in_voiced).T.ravel(),
        mean_and_deviation_nonzero(in_unvoiced)[0],
        _times(smoothed[:, 0], f0),
        10 * np.log10([max(mean_square, LEAST_SQUARE)]),
    )
    return np.concatenate(parts)


def _as_seen(spectral: Floats, voice: Floats, n_decided: int) -> tuple[Floats, Floats, Floats, Floats]:
    """Smooth the contours that rest on F0, to the extent that openSMILE's functionals see them.

    That is the frames whose F0 was decided before the recording's end was known. To the smoothing of F0 and of the
    spectral descriptors the frame after them is known, too, to that of the others it is not. If none was decided (of
    some 100 ms voiced throughout), F0 is the first frame's, and the others smooth all frames.

    Returns:
        F0; the descriptors that rest on it; the spectral ones in voiced, and in unvoiced frames.
    """
    known = voice[: n_decided + 1] if n_decided else voice
    voiced = (known[:, :1] > LEAST_SEMITONE).astype(np.float64)
    spectral = spectral[: len(known), 1:]
    on_voice = known[:, 1:].copy()
    on_voice[:, FORMANTS] *= voiced
    masked = spectral * voiced, spectral[:, :5] * (1 - voiced)
    if not n_decided:
        in_voiced, in_unvoiced = (smooth_nonzero_backward(values) for values in masked)
        return known[:1, 0], smooth_nonzero(on_voice), in_voiced, in_unvoiced
    f0, in_voiced, in_unvoiced = (smooth_nonzero(values)[:n_decided] for values in (known[:, 0], *masked))
    return f0, smooth_nonzero(on_voice[:n_decided]), in_voiced, in_unvoiced


def _with_peaks(contour: Floats) -> Floats:
    mean, deviation = mean_and_deviation(contour[:, None]).ravel()
    return np.concatenate([[mean, deviation], percentiles(contour), slopes(contour)])


def _times(loudness: Floats, f0: Floats) -> Floats:
    voiced, unvoiced = segment_lengths(f0 != 0), segment_lengths(f0 == 0)
    rate = len(voiced) / (len(f0) * STEP_S)
    return np.array([peak_rate(loudness), rate, *mean_and_spread(voiced), *mean_and_spread(unvoiced)])
