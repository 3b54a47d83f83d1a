"""An encoder, ready to run: a signal in, frames or their means and standard deviations out."""

import threading
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from affectmap.whisper import compiled
from affectmap.whisper.mel import SAMPLING_RATE, STEP, log_mel
from affectmap.whisper.plain import PlainLayers, parameters_of
from affectmap.whisper.weights import EncoderWeights, read_weights

Floats = NDArray[np.float32]

#: Samples of a frame, of the silence behind a clip, and of the longest clip that goes in at once.
FRAME, SILENCE, WINDOW = 2 * STEP, SAMPLING_RATE // 2, 30 * SAMPLING_RATE


def load_encoder(folder: Path, n_layers: int, exact: bool = False) -> "Encoder":
    """Load the first layers of an encoder of Whisper's.

    Args:
        folder: In the hub's layout: ``config.json`` and ``model.safetensors``, of a whole model or of some layers.
        n_layers: How many transformer layers to run.
        exact: Whether means and standard deviations are those of frames in float32, too; see `Encoder`.

    Returns:
        The encoder.

    Raises:
        WeightsError: If there is no such encoder, it is damaged, or has fewer layers.
    """
    return Encoder(read_weights(folder, n_layers), exact)


class Encoder:
    """The first layers of an encoder. Threads may share it.

    A clip is followed by half a second of silence (up to 30 s in all), and its own frames count: one every 20 ms,
    complete ones only, at least two. A longer recording goes through in windows of 30 s, one after the other, each as a
    clip of its own; its frames are those of the windows.

    Frames are computed in float32. Where only their means and standard deviations are asked for, matrices are
    multiplied in integers of 16 bits, with a factor for every 32 of them, which takes about two thirds of the time:
    frames are then off by 1e-4, single ones by more, and means and standard deviations of real clips by less than 1e-3
    (`benchmarks/whisper.py`), a few thousandths of how much they differ between clips.
    `exact` computes these in float32, too, and so does NumPy where there are no compiled layers for the processor.

    Attributes:
        n_layers: Transformer layers.
        dim: Numbers a frame.
        digest: Of the weights, however they are stored.
        exact: Whether means and standard deviations are in float32, too.
        sampling_rate: That of the signals, in Hz.
    """

    sampling_rate = SAMPLING_RATE

    def __init__(self, weights: EncoderWeights, exact: bool = False) -> None:
        self.n_layers, self.dim = weights.shape.n_layers, weights.shape.dim
        self.digest = weights.digest
        self.exact = exact
        self._weights = weights
        self._loaded: dict[bool, compiled.CompiledLayers | PlainLayers] = {}
        self._loading = threading.Lock()

    def _layers(self, exact: bool) -> compiled.CompiledLayers | PlainLayers:
        """Give the layers of either arithmetic, made when they are first asked for."""
        with self._loading:
            if exact not in self._loaded:
                parameters = parameters_of(self._weights)
                self._loaded[exact] = compiled.load(parameters, exact) or PlainLayers(parameters)
            return self._loaded[exact]

    def hidden(self, signal: Floats, layers: Mapping[int, float] | None = None) -> Floats:
        """Give the frames of a signal.

        Args:
            signal: Mono, at 16 kHz, its mean removed, shape (n_samples,).
            layers: Share of every layer that counts, by its number, for a weighted mean; by default the last.

        Returns:
            Shape (n_frames, dim): n_samples // 320 frames, at least 2.

        Raises:
            ValueError: If the signal is not one channel of finite numbers or empty, or there is no such layer.
        """
        return np.concatenate(list(self._windows([signal], layers, exact=True)))

    def pooled(self, signal: Floats, layers: Mapping[int, float] | None = None) -> Floats:
        """Give the means of the frames of a signal, then their standard deviations (divisor n - 1), shape (2 dim,).

        Memory does not grow with the signal. Arguments and errors as `hidden`.
        """
        return self.pooled_of_blocks([signal], layers)

    def pooled_of_blocks(self, blocks: Iterable[Floats], layers: Mapping[int, float] | None = None) -> Floats:
        """Pool the frames of a recording that comes in blocks of any length; see `pooled`.

        Means and squared deviations of windows are joined as in Chan, Golub and LeVeque (1983), in float64.
        """
        n, mean, squares = 0, np.zeros(self.dim), np.zeros(self.dim)
        for window in self._windows(blocks, layers, self.exact):
            frames = window.astype(np.float64)
            shift = frames.mean(axis=0) - mean
            total = n + len(frames)
            squares += np.square(frames - frames.mean(axis=0)).sum(axis=0) + shift**2 * (n * len(frames) / total)
            mean += shift * (len(frames) / total)
            n = total
        return np.concatenate([mean, np.sqrt(squares / (n - 1))]).astype(np.float32)

    def _windows(self, blocks: Iterable[Floats], layers: Mapping[int, float] | None, exact: bool) -> Iterator[Floats]:
        shares, used, n_bands = self._shares(layers), self._layers(exact), self._weights.shape.n_bands
        n_before = 0
        for clip in _clips(blocks):
            n_frames = max(len(clip) // FRAME, 0 if n_before else 2)
            if n_frames:  # else the rest of a recording, shorter than a frame
                n_before += n_frames
                yield used.run(log_mel(with_silence(clip), n_bands), n_frames, shares)
        if not n_before:
            raise ValueError("The signal has no samples.")

    def _shares(self, layers: Mapping[int, float] | None) -> Floats:
        shares = np.zeros(self.n_layers + 1, np.float32)
        for layer, share in (layers or {self.n_layers: 1.0}).items():
            if not 0 <= layer <= self.n_layers:
                raise ValueError(f"Layer {layer} was asked for; this encoder has 0 to {self.n_layers}.")
            shares[layer] = share
        return shares


def with_silence(clip: Floats) -> Floats:
    """Give a clip of up to 30 s with half a second of silence behind it, cut at 30 s, in whole frames.

    Example:
        >>> [len(with_silence(np.ones(n, np.float32))) for n in (1, 1000, 479999)]
        [8320, 9280, 480000]
    """
    n_samples = min(len(clip) + SILENCE, WINDOW)
    padded = np.zeros(n_samples + -n_samples % FRAME, np.float32)
    padded[: len(clip)] = clip
    return padded


def _clips(blocks: Iterable[Floats]) -> Iterator[Floats]:
    """Cut a recording into windows, the last as long as what is left; keep no more than one."""
    clip, filled = np.empty(WINDOW, np.float32), 0
    for block in blocks:
        samples = _checked(block)
        while len(samples):
            taken = min(WINDOW - filled, len(samples))
            clip[filled : filled + taken] = samples[:taken]
            samples, filled = samples[taken:], filled + taken
            if filled == WINDOW:
                yield clip
                filled = 0
    if filled:
        yield clip[:filled]


def _checked(block: Floats) -> Floats:
    block = np.asarray(block)
    if block.ndim != 1:
        raise ValueError(f"A signal has the shape (n_samples,); this one has {block.shape}: give one channel.")
    if not np.issubdtype(block.dtype, np.floating):
        raise ValueError(f"The samples are {block.dtype}; give floating-point numbers, full scale at 1.")
    if not np.isfinite(block).all():
        raise ValueError("The signal holds values that are not finite.")
    return block
