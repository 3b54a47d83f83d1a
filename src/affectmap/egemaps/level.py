"""The level of a recording: by what it is scaled before the corrected set is measured, and how far it ranges.

Conventions: samples are at 16 kHz; frames of 20 ms follow each other without overlap; levels are in dB re full scale.
"""

import numpy as np

from affectmap.egemaps.framing import Floats

FRAME = 320  # samples

# Every recording is brought to this level, at which the floors and thresholds of eGeMAPS make sense for speech.
COMMON_DB = -26.0
# Frames so much below the mean power do not count for the level, or for its range.
LEVEL_GATE_DB = 10.0
RANGE_GATE_DB = 20.0
# Of the mean power: what is below is silence.
LEAST_SQUARE = 1e-12


class Level:
    """Level of a recording that comes in blocks.

    Source: ITU-R BS.1770-4, relative gate (without its weighting and with frames of 20 ms); EBU Tech 3342, range.

    Example:
        >>> level = Level()
        >>> level.add(0.1 * np.sin(2 * np.pi * 100 * np.arange(32000) / 16000))
        >>> round(float(0.1 * level.gain / 2**0.5), 4)
        0.0501
    """

    def __init__(self) -> None:
        self._rest = np.zeros(0)
        self._powers = [np.zeros(0)]

    def add(self, samples: Floats) -> None:
        """Take in the next samples, without offset."""
        samples = np.concatenate([self._rest, samples])
        n_used = len(samples) // FRAME * FRAME
        self._powers.append(np.square(samples[:n_used].reshape(-1, FRAME)).mean(axis=1))
        self._rest = samples[n_used:]

    @property
    def gain(self) -> float:
        """Factor that brings the recording to the common level; 0 for silence."""
        power = self._gated(LEVEL_GATE_DB)
        return float(np.sqrt(10 ** (COMMON_DB / 10) / power.mean())) if len(power) else 0.0

    @property
    def range(self) -> float:
        """Distance of the percentiles 10 and 95 of the frames' levels, in dB; 0 for silence."""
        power = self._gated(RANGE_GATE_DB)
        low, high = np.percentile(10 * np.log10(power), [10, 95]) if len(power) else (0.0, 0.0)
        return float(high - low)

    def _gated(self, gate_db: float) -> Floats:
        power = np.concatenate(self._powers)
        if not len(power) or power.mean() <= LEAST_SQUARE:
            return power[:0]
        return np.asarray(power[power > power.mean() * 10 ** (-gate_db / 10)])
