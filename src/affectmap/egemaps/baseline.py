"""Offset and drift of a recording, taken out before the corrected set is measured.

Conventions: samples are at 16 kHz, full scale at 1.
"""

import numpy as np

from affectmap.egemaps.framing import Floats

# Samples of 1 ms are averaged; these are smoothed by a Gaussian that passes half at 10 Hz and a thousandth at 32 Hz.
STEP = 16
SPREAD = 18.7
REACH = 75
KERNEL = np.exp(-0.5 * np.square(np.arange(-REACH, REACH + 1) / SPREAD))


class BaselineRemover:
    """Subtract from every sample the mean around it, so that what is slower than a voice is gone.

    It keeps the samples of 75 ms, for what follows a sample counts as what comes before it.

    Example:
        >>> hum = np.sin(2 * np.pi * 100 * np.arange(16000) / 16000)
        >>> remover = BaselineRemover()
        >>> cleaned = np.concatenate([remover.add(hum + 0.3), remover.end()])
        >>> cleaned.shape, bool(np.abs(cleaned - hum)[1600:-1600].max() < 1e-4)
        ((16000,), True)
    """

    def __init__(self) -> None:
        self._samples = np.zeros(0)
        # Means of steps from the first that still takes part; how many of them lie before the kept samples.
        self._means = np.zeros(0)
        self._n_before = 0

    def add(self, samples: Floats) -> Floats:
        """Take in the next samples and give those whose surroundings are known."""
        self._samples = np.concatenate([self._samples, samples])
        n_known = len(self._means) - self._n_before
        new = self._samples[n_known * STEP : len(self._samples) // STEP * STEP]
        self._means = np.concatenate([self._means, new.reshape(-1, STEP).mean(axis=1)])
        return self._cleaned(len(self._means) - self._n_before - REACH - 1, ends=False)

    def end(self) -> Floats:
        """Give what is left."""
        rest = self._samples[(len(self._means) - self._n_before) * STEP :]
        if len(rest) and not len(self._means):
            self._means = np.array([rest.mean()])
        return self._cleaned(len(self._samples) / STEP, ends=True)

    def _cleaned(self, n_steps: float, ends: bool) -> Floats:
        """Clean the kept samples of so many steps."""
        n_samples = max(0, int(n_steps * STEP))
        if not n_samples:
            return self._samples[:0]
        n_means = len(self._means)
        weighted, weights = (
            np.convolve(values, KERNEL)[REACH : REACH + n_means] for values in (self._means, np.ones(n_means))
        )
        centres = (np.arange(n_means) - self._n_before + 0.5) * STEP - 0.5
        cleaned = self._samples[:n_samples] - np.interp(np.arange(n_samples), centres, weighted / weights)
        if not ends:
            self._samples = self._samples[n_samples:]
            kept = min(REACH + 1, self._n_before + n_samples // STEP)
            self._means = self._means[self._n_before + n_samples // STEP - kept :]
            self._n_before = kept
        return np.asarray(cleaned)
