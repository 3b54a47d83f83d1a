"""A tiny Whisper, and the real one where it is."""

import os
from pathlib import Path

import pytest

from speech_models import write_whisper


@pytest.fixture(scope="session")
def whisper_folder(tmp_path_factory) -> Path:
    """Sizes that are multiples of nothing that a processor likes."""
    sizes = {"d_model": 22, "encoder_layers": 3, "encoder_attention_heads": 2, "encoder_ffn_dim": 37}
    return write_whisper(tmp_path_factory.mktemp("whisper"), **sizes)


@pytest.fixture(scope="session")
def data() -> Path:
    if "AFFECTMAP_DATA" not in os.environ:
        pytest.skip("AFFECTMAP_DATA names no folder of recordings")
    return Path(os.environ["AFFECTMAP_DATA"])


@pytest.fixture(scope="session")
def real_folder(data) -> Path:
    return data / "encoders" / "whisper-base-encoder"
