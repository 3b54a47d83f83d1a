"""The encoder behind the engine ``whisper``: the first layers of Whisper base, found and loaded once a process."""

from __future__ import annotations

import threading
from functools import cache as cached
from pathlib import Path

from affectmap import whisper
from affectmap.errors import ModelError
from affectmap.features.encoders.locate import find_encoder
from affectmap.features.encoders.whisper_model import read_encoder
from affectmap.schema import WHISPER_DIM, WHISPER_LAYER
from affectmap.whisper import Encoder

_loading = threading.Lock()


def whisper_base() -> Encoder:
    """Give the encoder; threads may share it.

    Raises:
        ModelError: If it cannot be found, is damaged, or is no Whisper base; the message says what to do.
    """
    folder = find_encoder()
    with _loading:
        return _loaded(folder)


@cached
def _loaded(folder: Path) -> Encoder:
    encoder = Encoder(read_encoder(folder, WHISPER_LAYER))
    if encoder.dim != WHISPER_DIM:
        raise ModelError(
            f"{folder} gives {encoder.dim} numbers; expected the {WHISPER_DIM} of Whisper base; name its folder"
        )
    return encoder


def encoder_version() -> str:
    """Give the version of the encoder's arithmetic and what its weights are known by; empty where there is none."""
    try:
        encoder = whisper_base()
    except ModelError:
        return ""
    return f"{whisper.VERSION}-{encoder.digest[:12]}"
