"""A Whisper base in miniature: random weights that give as many numbers as the real one, and rows of its features."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from affectmap.features.encoders.whisper_base import DIM, N_LAYERS
from affectmap.whisper.weights import EncoderShape, tensor_shapes

SHAPE = EncoderShape(N_LAYERS, DIM, 8, 8, 80, 1500)


def write_whisper_base(folder: Path, *, seed: int = 0, dim: int = DIM) -> Path:
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
