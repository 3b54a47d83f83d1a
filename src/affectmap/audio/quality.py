"""Five flags for what is wrong with a recording; they stand beside its values, where it has any.

``too_short``
    lasts less than `MIN_DURATION_S`: nothing can be measured, the values are ``NaN``;
``silent``
    stays within `SILENCE_PEAK` of a constant: the values are those of silence and mean nothing;
``clipped``
    too large a share of its samples lies at full scale, as from a microphone that was too loud, or lies far beyond it;
``not_speech``
    too little of it is voiced, or its pitch or loudness stands still;
``unfamiliar``
    its functionals lie further from the statistics in use than nearly all training utterances did.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from affectmap.audio.reading import MIN_DURATION_S, OVERLOAD_PEAK, SILENCE_PEAK, Signal
from affectmap.schema import FUNCTIONALS, Mask

FLAGS = ("too_short", "silent", "clipped", "not_speech", "unfamiliar")
#: Numbers that a model must hold for its flags.
THRESHOLDS = ("clipped_share", "min_voiced_share", "min_pitch_spread", "min_loudness_spread", "max_distance")
#: Samples of at least this part of full scale count as clipped.
FULL_SCALE = 0.999

_VOICED_RATE = FUNCTIONALS.index("VoicedSegmentsPerSec")
_VOICED_LENGTH = FUNCTIONALS.index("MeanVoicedSegmentLengthSec")
_PITCH_SPREAD = FUNCTIONALS.index("F0semitoneFrom27.5Hz_sma3nz_stddevNorm")
_LOUDNESS_SPREAD = FUNCTIONALS.index("loudness_sma3_stddevNorm")


class SignalFlags(NamedTuple):
    """Flags from the samples alone; see the module. `problem` says why nothing can be measured, else it is ``None``."""

    too_short: bool
    silent: bool
    clipped: bool
    problem: str | None


def signal_flags(signal: Signal, sampling_rate: int, clipped_share: float) -> SignalFlags:
    """Look at the samples of a recording; `clipped_share` is the share at full scale from which on it is clipped."""
    duration = len(signal) / sampling_rate
    if duration < MIN_DURATION_S:
        silent = not len(signal) or float(np.abs(signal).max()) < SILENCE_PEAK
        return SignalFlags(True, silent, False, f"lasts {duration:.4g} s, expected at least {MIN_DURATION_S} s")
    low, high = float(signal.min()), float(signal.max())
    if not np.isfinite(low + high):
        n_strange = int(np.count_nonzero(~np.isfinite(signal)))
        return SignalFlags(False, False, False, f"{n_strange} of {len(signal)} samples are NaN or infinity")
    peak = max(-low, high)
    if peak > OVERLOAD_PEAK:
        return SignalFlags(False, False, True, f"peaks at {peak:.3g}, expected -1..1; scale it to full scale 1")
    share = float(np.mean(np.abs(signal) >= FULL_SCALE))
    return SignalFlags(False, (high - low) / 2 < SILENCE_PEAK, share >= clipped_share, None)


def not_speech(functionals: npt.NDArray[np.float64], thresholds: Mapping[str, float]) -> Mask:
    """Which utterances do not sound like speech.

    The voiced share is the number of voiced segments a second times their mean length, the spread of pitch (loudness)
    the standard deviation of pitch in semitones (of loudness) over its mean. Noise has no voiced part; the pitch of a
    tone and the loudness of hums, chords and melodies do not change. Music, song and animals may pass.

    Args:
        functionals: (N, 88).
        thresholds: ``min_voiced_share``, ``min_pitch_spread`` and ``min_loudness_spread``: below one of them it is no
            speech.

    Returns:
        True for what is no speech (N,); False where the functionals are ``NaN``.

    Example:
        >>> least = {"min_voiced_share": 0.02, "min_pitch_spread": 0.005, "min_loudness_spread": 0.15}
        >>> not_speech(np.zeros((1, 88)), least)
        array([ True])
    """
    voiced_share = functionals[:, _VOICED_RATE] * functionals[:, _VOICED_LENGTH]
    return (
        (voiced_share < thresholds["min_voiced_share"])
        | (functionals[:, _PITCH_SPREAD] < thresholds["min_pitch_spread"])
        | (functionals[:, _LOUDNESS_SPREAD] < thresholds["min_loudness_spread"])
    )
