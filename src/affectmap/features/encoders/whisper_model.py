"""Whisper's encoder as a source of features, by `affectmap.whisper`: no PyTorch, clips of any length, one by one."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from affectmap import whisper
from affectmap.audio.reading import Signal
from affectmap.errors import ModelError
from affectmap.whisper import Encoder, EncoderWeights, WeightsError, read_weights


def is_whisper(config: Mapping[str, Any]) -> bool:
    """Tell by its configuration whether a model is a Whisper."""
    return config.get("model_type") == "whisper"


def read_encoder(folder: Path, n_layers: int) -> EncoderWeights:
    """Read the weights of the first layers, as `affectmap.whisper.read_weights` does, with errors of affectmap.

    Raises:
        ModelError: If the folder holds something else, is damaged, or has fewer layers.
    """
    try:
        return read_weights(folder, n_layers)
    except WeightsError as error:
        raise ModelError(str(error)) from error


def whisper_digest(folder: Path, n_layers: int) -> str:
    """Digest everything that the numbers of the first layers depend on, however the weights are stored."""
    return f"whisper-{whisper.VERSION}-{read_encoder(folder, n_layers).digest}"


class WhisperModel:
    """The first layers of a Whisper.

    Args:
        folder: Folder of the whole model, of its encoder, or of a pack.
        n_layers: How many transformer layers to run.
        n_jobs: How many signals go through at once; results do not depend on it.

    Attributes:
        sampling_rate: That it takes, in Hz.
        n_parameters: Numbers in it, counted.
        longest_s: Seconds that a signal may last; longer ones than 30 s go through in windows.

    Raises:
        ModelError: If the folder holds something else, is damaged, or has fewer layers.
    """

    longest_s = math.inf

    def __init__(self, folder: Path, n_layers: int, *, n_jobs: int = 1) -> None:
        weights = read_encoder(folder, n_layers)
        self._n_jobs = n_jobs
        self._encoder = Encoder(weights)
        self.sampling_rate = self._encoder.sampling_rate
        self.n_parameters = sum(tensor.size for tensor in weights.tensors.values())

    def pooled(self, signals: Sequence[Signal], weights: Mapping[int, float]) -> Signal:
        """Give mean and standard deviation (divisor n - 1) over time of a weighted mean of layers, (n_signals, 2 D)."""
        with ThreadPoolExecutor(self._n_jobs) as pool:
            return np.stack(list(pool.map(lambda signal: self._encoder.pooled(signal, weights), signals)))
