"""Samples of any rate at 16 kHz, block by block, by a windowed sinc.

Source: Smith (2002), "Digital audio resampling": a sinc at the lower of both rates, cut by a Kaiser window.
"""

from functools import lru_cache
from math import ceil, floor, gcd

import numpy as np

from affectmap.egemaps.framing import Floats

RATE = 16000
# Crossings of zero to either side, the window's shape, and what part of the lower rate's band passes.
N_CROSSINGS = 32
KAISER = 9.0
PASS_BAND = 0.95


class Resampler:
    """Bring a recording to 16 kHz; one of that rate stays as it is.

    Example:
        >>> tone = np.sin(2 * np.pi * 200 * np.arange(4410) / 44100)
        >>> resampler = Resampler(44100)
        >>> resampled = np.concatenate([resampler.add(tone), resampler.end()])
        >>> expected = np.sin(2 * np.pi * 200 * np.arange(1600) / 16000)
        >>> resampled.shape, bool(np.allclose(resampled[200:-200], expected[200:-200], atol=1e-4))
        ((1600,), True)
    """

    def __init__(self, sampling_rate: int) -> None:
        common = gcd(sampling_rate, RATE)
        self._up, self._down = RATE // common, sampling_rate // common
        self._cutoff = PASS_BAND * min(1.0, RATE / sampling_rate)
        # Samples to either side that take part.
        self._reach = ceil(N_CROSSINGS / self._cutoff)
        self._samples = np.zeros(self._reach)
        # Position of the first kept sample; those before the recording are 0.
        self._offset, self._n_samples, self._n_given = -self._reach, 0, 0

    def add(self, samples: Floats) -> Floats:
        """Take in the next samples and give those at 16 kHz that are known by now, float64."""
        if self._up == self._down:
            return samples
        self._n_samples += len(samples)
        return self._resample(samples, self._n_samples - self._reach)

    def end(self) -> Floats:
        """Give what is left."""
        if self._up == self._down:
            return np.zeros(0)
        return self._resample(np.zeros(self._reach), self._n_samples)

    def _resample(self, samples: Floats, position: int) -> Floats:
        """Give the samples up to a position of the recording, which everything around them is known for."""
        self._samples = np.concatenate([self._samples, samples])
        first, end = self._n_given, max(self._n_given, ceil(max(0, position) * self._up / self._down))
        resampled = np.empty(end - first)
        for phase in range(first, min(first + self._up, end)):
            start, part = divmod(phase * self._down, self._up)
            count = len(resampled[phase - first :: self._up])
            place = start - self._reach + 1 - self._offset
            windows = np.lib.stride_tricks.as_strided(
                self._samples[place:],
                shape=(count, 2 * self._reach),
                strides=(self._down * self._samples.strides[0], self._samples.strides[0]),
                writeable=False,
            )
            resampled[phase - first :: self._up] = windows @ _weights(self._reach, self._cutoff, part / self._up)
        self._n_given = end
        needed = floor(end * self._down / self._up) - self._reach + 1
        self._samples, self._offset = self._samples[needed - self._offset :], needed
        return resampled


# Every block and every recording of a rate needs the same ones: up to 640 of the usual rates.
@lru_cache(maxsize=2048)
def _weights(reach: int, cutoff: float, part: float) -> Floats:
    """Weigh the samples around a place that lies by a part of a sample behind one."""
    distance = np.arange(1 - reach, reach + 1) - part
    window = np.i0(KAISER * np.sqrt(np.maximum(0, 1 - np.square(distance / reach)))) / np.i0(KAISER)
    weights = np.sinc(cutoff * distance) * window
    weights /= weights.sum()
    weights.setflags(write=False)
    return np.asarray(weights)
