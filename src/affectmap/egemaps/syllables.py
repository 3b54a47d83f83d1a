"""Syllables and pauses from the course of the level: how fast somebody speaks, and how much of the time.

Conventions: `level` is in dB, one value every 10 ms, shape (n_frames,); only differences count.

Source: de Jong and Wempe (2009), "Praat script to detect syllable nuclei and measure speech rate automatically".
"""

from typing import NamedTuple

import numpy as np

from affectmap.egemaps.framing import STEP_S, Floats
from affectmap.egemaps.spectra import SpectrumPlan

LOWEST_HZ, HIGHEST_HZ = 60.0, 5000.0
# Silence is this far below the loudest frames, or below this part of full scale.
SILENCE_DB = 25.0
LEAST_LEVEL_DB = -90.0
# So deep is a dip between two nuclei at least.
DIP_DB = 2.0
SHORTEST_PAUSE_S = 0.3
SHORTEST_SPEECH_S = 0.1


class Timing(NamedTuple):
    """When somebody speaks.

    Attributes:
        nuclei: Frames in which syllables have their peak, shape (n_syllables,).
        speech: First and last frame of each stretch between pauses, shape (n_stretches, 2).
    """

    nuclei: Floats
    speech: Floats

    @property
    def span_s(self) -> float:
        """Time from the first stretch's beginning to the last one's end, in seconds."""
        return float(self.speech[-1, 1] + 1 - self.speech[0, 0]) * STEP_S if len(self.speech) else 0.0

    @property
    def pauses_s(self) -> Floats:
        """Lengths of the pauses between stretches, in seconds."""
        return np.asarray((self.speech[1:, 0] - self.speech[:-1, 1] - 1) * STEP_S)


def frame_level(power: Floats, plan: SpectrumPlan) -> Floats:
    """Give the level from 60 Hz to 5 kHz, so that offset and sampling rate do not matter.

        10 log10(2 sum over bins of P / (K sum over n of w_n²))

    Args:
        power: Power of the 60 ms spectra, shape (n_frames, n_bins).
        plan: How these were made: transform of K samples, window w.

    Returns:
        Level in dB, 0 for a mean square of 1, at least -120, shape (n_frames,).
    """
    used = (plan.frequencies >= LOWEST_HZ) & (plan.frequencies <= HIGHEST_HZ)
    mean_square = 2 * power[:, used].sum(axis=1, dtype=np.float64) / (plan.n_fft * np.square(plan.window).sum())
    return np.asarray(10 * np.log10(np.maximum(mean_square, 1e-12)))


def find_syllables(level: Floats, voiced: Floats) -> Timing:
    """Find syllable nuclei and the stretches of speech between pauses.

    Speech is what lies within 25 dB of the level that a hundredth of the frames exceed, and above -90 dB. A gap of less
    than 0.3 s is no pause, a stretch of less than 0.1 s no speech. A nucleus is a maximum of the level in speech, in a
    voiced frame, with a dip of at least 2 dB between it and the next. Where the background is louder than the
    threshold, pauses are not found.

    Source: de Jong and Wempe (2009), with their thresholds; the level is that of 60 ms frames.

    Args:
        level: In dB, shape (n_frames,).
        voiced: Whether frames are voiced, shape (n_frames,).

    Example:
        >>> time = np.arange(300) * 0.01
        >>> found = find_syllables(-20 + 5 * np.cos(2 * np.pi * 4 * time), np.ones(300, bool))
        >>> len(found.nuclei), round(found.span_s, 2)
        (11, 3.0)
    """
    if not len(level):
        return Timing(np.zeros(0, np.int64), np.zeros((0, 2), np.int64))
    threshold = max(float(np.percentile(level, 99)) - SILENCE_DB, LEAST_LEVEL_DB)
    speech = _stretches(np.flatnonzero(level > threshold))
    inside = np.zeros(len(level), bool)
    for first, last in speech:
        inside[first : last + 1] = True
    nuclei = _peaks(level)
    return Timing(nuclei[inside[nuclei] & (level[nuclei] > threshold) & voiced[nuclei].astype(bool)], speech)


def _stretches(loud: Floats) -> Floats:
    """Join loud frames across gaps that are no pauses and drop what is too short for speech."""
    breaks = np.flatnonzero(np.diff(loud) > round(SHORTEST_PAUSE_S / STEP_S))
    first = loud[np.concatenate([[0], breaks + 1])] if len(loud) else loud
    last = loud[np.concatenate([breaks, [len(loud) - 1]])] if len(loud) else loud
    long_enough = last - first + 1 >= round(SHORTEST_SPEECH_S / STEP_S)
    return np.stack([first[long_enough], last[long_enough]], axis=1)


def _peaks(level: Floats) -> Floats:
    """Find maxima that rise by `DIP_DB` from the dip before and are followed by a dip as deep."""
    turns = np.flatnonzero(np.diff(np.sign(np.diff(level))) != 0) + 1
    peaks, top, lowest = [], -1, float(level[0])
    for place in turns.tolist():
        value = float(level[place])
        if top < 0:
            lowest = min(lowest, value)
            if value - lowest >= DIP_DB:
                top = place
        elif value > level[top]:
            top = place
        elif level[top] - value >= DIP_DB:
            peaks.append(top)
            top, lowest = -1, value
    if top >= 0 and level[top] - level[-1] >= DIP_DB:
        peaks.append(top)
    return np.array(peaks, np.int64)
