"""Samples on the scale of the set, cut into frames of 20 and 60 milliseconds that start together.

Conventions: a block is a float32 array of shape (n_samples,); frames are views of shape (n_frames, n_samples). Frame i
of either length covers the samples from i * step on. Nothing is padded: only complete frames exist.
"""

from dataclasses import dataclass
from math import floor
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[Any]

STEP_S = 0.010
SHORT_S = 0.020
LONG_S = 0.060


@dataclass(frozen=True)
class FrameGrid:
    """Lengths in samples at one sampling rate, halves rounded up.

    Example:
        >>> FrameGrid.at(16000)
        FrameGrid(sampling_rate=16000, step=160, short=320, long=960)
        >>> FrameGrid.at(22050).step
        221
    """

    sampling_rate: int
    step: int
    short: int
    long: int

    @classmethod
    def at(cls, sampling_rate: int) -> "FrameGrid":
        """Give the grid at a sampling rate in Hz."""
        step, short, long = (floor(seconds * sampling_rate + 0.5) for seconds in (STEP_S, SHORT_S, LONG_S))
        return cls(sampling_rate, step, short, long)

    def n_frames(self, n_samples: int, length: int) -> int:
        """Count the complete frames of `length` samples in `n_samples`.

        Example:
            >>> FrameGrid.at(16000).n_frames(1600, length=960)
            5
        """
        return max(0, (n_samples - length) // self.step + 1)

    def frames(self, samples: Floats, length: int, n_frames: int) -> Floats:
        """View the first `n_frames` frames of `samples`, shape (n_frames, length)."""
        return np.lib.stride_tricks.as_strided(
            samples,
            shape=(n_frames, length),
            strides=(self.step * samples.strides[0], samples.strides[0]),
            writeable=False,
        )


def quantise(signal: Floats) -> Floats:
    """Bring a signal to the 16-bit scale of the set.

        x = trunc(clip(32768 signal, -32768, 32767)) / 32767

    The values reach from -1.00003 to 1. Source: openSMILE 2.6 reads 16-bit audio so; its Python wrapper lets samples of
    1.0 and more wrap around to -1, which is not followed here.

    Args:
        signal: Samples, full scale at 1, shape (n_samples,).

    Returns:
        float32 samples, same shape.

    Example:
        >>> quantise(np.array([0.0, 0.5, 2.0])).tolist()
        [0.0, 0.5000152587890625, 1.0]
    """
    scaled = np.multiply(signal, 32768.0)
    np.trunc(scaled, out=scaled)
    np.clip(scaled, -32768.0, 32767.0, out=scaled)
    return scaled.astype(np.float32) / np.float32(32767)
