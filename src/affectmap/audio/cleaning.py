"""What is taken out of a recording before it is measured: its offset, so that a cheap converter is no emotion.

Microphones and converters add a constant to the signal. Energy at 0 Hz counts in loudness, spectral balance, MFCC and
the harmonics, so that an offset nobody can hear turns one emotion into another. Nothing else is removed: what a filter
takes out below 20 Hz tells no more of the emotion (see ``experiments/offset``).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

#: What `without_offset` does, in words: part of what cached and saved features depend on.
CLEANING = "mean removed"


def without_offset(signal: NDArray[np.float32]) -> NDArray[np.float32]:
    """Subtract the mean of a signal, the recording's or segment's that is measured.

    Args:
        signal: Shape (n_samples,), full scale at 1, of at least one sample.

    Returns:
        The signal around 0, float32, shape (n_samples,).

    Example:
        >>> without_offset(np.array([0.25, 0.75, 0.5, 0.5], np.float32)).tolist()
        [-0.25, 0.25, 0.0, 0.0]
    """
    return np.asarray(signal - np.mean(signal, dtype=np.float64), dtype=np.float32)
