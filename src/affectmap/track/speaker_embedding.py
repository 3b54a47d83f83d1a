"""What a voice sounds like, whatever it feels: a few numbers for each 1.6 s of speech, near for one speaker.

The mel-frequency cepstrum (Davis and Mermelstein 1980) of the louder frames, its means and standard deviations, is
projected by linear discriminant analysis (Fisher 1936): along the directions in which speakers differ most against what
one speaker varies between emotions and words, in units of that variation. The projection is learned from EMO-DB, AESDD
and URDU (``experiments/conversations/fit.py``); the experiment beside it measures it on corpora that it was not learned
from.

Conventions:
    * Signals are mono at 16 kHz.
    * An embedding has shape (n_windows, D), float64; a distance of 1 is the standard deviation within a speaker.
"""

from __future__ import annotations

from functools import lru_cache
from importlib import resources

import numpy as np
from safetensors.numpy import load

from affectmap.audio.reading import Signal
from affectmap.audio.speech_detection import RATE
from affectmap.schema import Floats
from affectmap.whisper.mel import mel_filters

#: Length of a window and time from one to the next, in seconds.
WINDOW_S, HOP_S = 1.6, 0.8
#: Numbers of `cepstral_statistics`.
N_STATISTICS = 40

_FRAME, _STEP, _N_BANDS, _N_CEPSTRA = 400, 160, 40, N_STATISTICS // 2
_LEAST_POWER = 1e-10
_QUIET_SHARE = 0.3  # of the frames, which pauses fill
_LEAST_STD = 0.1
_WEIGHTS = ("models", "affectmap-speakers-v1", "weights.safetensors")


def window_starts(n_samples: int) -> list[int]:
    """Place windows evenly over a segment; one shorter than a window is a window itself.

    Args:
        n_samples: Length of the segment.

    Returns:
        First sample of each.

    Example:
        >>> window_starts(8000), window_starts(3 * RATE)
        ([0], [0, 11200, 22400])
    """
    spare = max(0, n_samples - round(WINDOW_S * RATE))
    n_windows = round(spare / (HOP_S * RATE)) + 1 if spare else 1
    return [int(first) for first in np.linspace(0, spare, n_windows)]


def embed_windows(signal: Signal) -> tuple[Floats, Floats]:
    """Embed the windows of a segment of speech.

    Args:
        signal: Shape (n_samples,), at least 25 ms.

    Returns:
        The embeddings, shape (n_windows, D), and the middle of every window in seconds from the begin.

    Example:
        >>> noise = np.random.default_rng(0).normal(size=3 * RATE).astype(np.float32)
        >>> embeddings, middles = embed_windows(noise)
        >>> len(embeddings), middles.tolist()
        (3, [0.8, 1.5, 2.2])
    """
    scale, projection = _weights()
    length = min(len(signal), round(WINDOW_S * RATE))
    starts = window_starts(len(signal))
    statistics = np.array([cepstral_statistics(signal[first : first + length]) for first in starts])
    return statistics / scale @ projection, (np.array(starts) + length / 2) / RATE


def cepstral_statistics(signal: Signal) -> Floats:
    """Mean and logarithm of the standard deviation of 20 mel-frequency cepstral coefficients, without the level.

    Args:
        signal: Shape (n_samples,).

    Returns:
        Shape (40,); they do not change with the gain.

    Example:
        >>> noise = np.random.default_rng(0).normal(size=RATE).astype(np.float32)
        >>> bool(np.allclose(cepstral_statistics(noise), cepstral_statistics(0.1 * noise), atol=1e-3))
        True
    """
    centred = np.pad(signal - signal.mean(), (0, max(0, _FRAME - len(signal))))
    frames = np.lib.stride_tricks.sliding_window_view(centred, _FRAME)[::_STEP]
    spectra = np.fft.rfft(frames * np.hanning(_FRAME + 1)[:-1])
    powers = np.square(np.abs(spectra)) @ mel_filters(_N_BANDS)
    bands = np.log(np.maximum(powers, _LEAST_POWER * max(float(powers.max()), 1e-30)))
    level = bands.mean(axis=1)
    cepstra = bands[level >= np.quantile(level, _QUIET_SHARE)] @ _cosines()
    return np.concatenate([cepstra.mean(axis=0), np.log(cepstra.std(axis=0) + _LEAST_STD)])


@lru_cache(maxsize=1)
def _cosines() -> Floats:
    bands = np.arange(_N_BANDS)[:, None] + 0.5
    return np.asarray(np.cos(np.pi / _N_BANDS * bands * np.arange(1, _N_CEPSTRA + 1)))


@lru_cache(maxsize=1)
def _weights() -> tuple[Floats, Floats]:
    """Give what a statistic is divided by (40,), and the projection (40, D)."""
    tensors = load(resources.files("affectmap").joinpath(*_WEIGHTS).read_bytes())
    return tensors["scale"].astype(np.float64), tensors["projection"].astype(np.float64)
