"""A Whisper base in miniature: random weights that give as many numbers as the real one, and a model on them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from affectmap.model.folder import ModelFolder
from affectmap.model.heads import CLASSES, Calibration, fit_heads
from affectmap.model.metadata import new_metadata
from affectmap.model.model import Model
from affectmap.schema import WHISPER_DIM, WHISPER_FEATURES, WHISPER_LAYER
from affectmap.whisper.weights import EncoderShape, tensor_shapes
from model_files import HALF_WIDTHS

SHAPE = EncoderShape(WHISPER_LAYER, WHISPER_DIM, 8, 8, 80, 1500)


def write_whisper_base(folder: Path, *, seed: int = 0, dim: int = WHISPER_DIM) -> Path:
    """Write the folder of an encoder, in the hub's layout."""
    shape, rng = SHAPE._replace(dim=dim), np.random.default_rng(seed)
    tensors = {}
    for name, size in tensor_shapes(shape).items():
        values = rng.normal(0, 0.05, size)
        tensors[name] = (values + 1 if "norm.weight" in name else values).astype(np.float16)
    config = {
        "model_type": "whisper", "encoder_layers": shape.n_layers, "d_model": dim, "encoder_attention_heads": 8,
        "encoder_ffn_dim": shape.n_hidden, "num_mel_bins": shape.n_bands, "max_source_positions": shape.n_positions,
    }  # fmt: skip
    folder.mkdir(parents=True)
    save_file({f"encoder.{name}": value for name, value in tensors.items()}, folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps(config))
    return folder


def make_whisper_model(*, seed: int = 0) -> Model:
    """A linear map of random weights on what a Whisper base gives, with heads and intervals."""
    rng, n = np.random.default_rng(seed), len(WHISPER_FEATURES)
    tensors = {
        "mean": rng.normal(size=n).astype(np.float32), "std": np.ones(n, np.float32),
        "encoder.0.weight": rng.normal(0, 0.1, (2, n)).astype(np.float32), "encoder.0.bias": np.zeros(2, np.float32),
    }  # fmt: skip
    model = Model(ModelFolder(tensors, new_metadata(WHISPER_FEATURES, 2), "# tiny\n")).described(name="tiny")
    latent = rng.normal(size=(40, 2))
    heads = fit_heads(latent, np.clip(3 + latent, 1, 5), np.resize(np.array(CLASSES, dtype=object), 40))
    return model.with_heads(heads, Calibration(0.9, HALF_WIDTHS, 1e6))


def make_speech_sound(seconds: float, pitch: float = 130.0) -> np.ndarray:
    """A buzz whose pitch and loudness move as those of speech do, at 16 kHz."""
    time = np.arange(round(seconds * 16000)) / 16000
    phase = 2 * np.pi * np.cumsum(pitch * (1 + 0.2 * np.sin(2 * np.pi * 0.9 * time))) / 16000
    buzz = sum(np.sin(k * phase) / k for k in range(1, 9))
    noise = 0.005 * np.random.default_rng(0).standard_normal(len(time))
    return 0.2 * buzz * (0.55 + 0.45 * np.sin(2 * np.pi * 3 * time)) + noise
