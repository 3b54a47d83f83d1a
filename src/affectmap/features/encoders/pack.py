"""A folder with the part of an encoder that a model needs, in the hub's layout; and its file format.

A pack has the same bytes each time, whatever its weights were read from: a whole model in single precision, another
pack, on any machine.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from affectmap.documents import DocumentError, parse_json, read_start
from affectmap.errors import ModelError
from affectmap.features.encoders.cards import EncoderCard
from affectmap.features.encoders.locate import CONFIG, PREPROCESSOR, WEIGHTS
from affectmap.features.encoders.whisper_model import read_encoder
from affectmap.files import new_folder, write_json, write_text
from affectmap.whisper.weights import PREFIXES, EncoderWeights

NOTICE = "LICENSE.md"
#: What stands before the names of an encoder's tensors in a whole Whisper.
PREFIX = PREFIXES[0]
# What a reader of an encoder needs of the hub's two files of settings, without the decoder's and those of training.
_SETTINGS = (
    "activation_function", "d_model", "encoder_attention_heads", "encoder_ffn_dim", "encoder_layers",
    "max_source_positions", "model_type", "num_mel_bins", "scale_embedding",
)  # fmt: skip
_PREPROCESSING = (
    "chunk_length", "feature_extractor_type", "feature_size", "hop_length", "n_fft", "n_samples", "nb_max_frames",
    "padding_side", "padding_value", "return_attention_mask", "sampling_rate",
)  # fmt: skip


def read_checked(folder: Path, card: EncoderCard) -> EncoderWeights:
    """Read the weights that a known encoder's folder holds, and see that they are the known ones.

    Raises:
        ModelError: If they cannot be read, or are others.
    """
    weights = read_encoder(folder, card.layer)
    if weights.digest != card.digest:
        raise ModelError(
            f"{folder} holds other weights than those of {card.hub} that the models were trained on (digest "
            f"{weights.digest}, expected {card.digest}): they are damaged or of another version; fetch them again, or "
            "name another --revision"
        )
    return weights


def write_pack(source: Path, folder: Path, card: EncoderCard, *, overwrite: bool = False) -> None:
    """Write the part of a known encoder that models need.

    Args:
        source: Folder of the whole model, of its encoder, or of a pack.
        folder: Folder to make: `CONFIG`, `WEIGHTS` in half precision, `PREPROCESSOR` and `NOTICE`.
        card: The encoder.
        overwrite: Whether a folder that affectmap wrote may be replaced.

    Raises:
        ModelError: If the source cannot be read, or holds other weights than the known ones.
        StorageError: If the folder cannot be written.
    """
    weights = read_checked(source, card)
    settings = _chosen(source / CONFIG, _SETTINGS) | {"encoder_layers": card.layer}
    with new_folder(folder, overwrite=overwrite, inputs=[source]) as temporary:
        (temporary / WEIGHTS).write_bytes(serialise(weights.tensors))
        write_json(temporary / CONFIG, settings)
        write_json(temporary / PREPROCESSOR, _chosen(source / PREPROCESSOR, _PREPROCESSING))
        write_text(temporary / NOTICE, card.notice)
        read_checked(temporary, card)  # what the disk has of it


def _chosen(file: Path, names: tuple[str, ...]) -> dict[str, Any]:
    try:
        found = parse_json(read_start(file))
    except (OSError, DocumentError) as error:
        raise ModelError(f"{file} cannot be read as JSON ({error}); get the encoder again") from error
    if not isinstance(found, dict):
        raise ModelError(f"{file} holds no settings; get the encoder again")
    return {name: found[name] for name in names if name in found}


def serialise(tensors: Mapping[str, np.ndarray[Any, np.dtype[np.float16]]]) -> bytes:
    """Write tensors of half precision as safetensors, by name, each after `PREFIX`.

    Example:
        >>> from safetensors.numpy import load
        >>> load(serialise({"conv1.bias": np.array([1, 2], np.float16)}))
        {'model.encoder.conv1.bias': array([1., 2.], dtype=float16)}
    """
    entries, offset = {}, 0
    for name in sorted(tensors):
        end = offset + tensors[name].nbytes
        entries[PREFIX + name] = {"dtype": "F16", "shape": list(tensors[name].shape), "data_offsets": [offset, end]}
        offset = end
    content = [np.ascontiguousarray(tensors[name], "<f2").tobytes() for name in sorted(tensors)]
    return b"".join([header_bytes(entries), *content])


def header_bytes(entries: Mapping[str, Mapping[str, Any]]) -> bytes:
    """Write the header of a file of safetensors, its length before it; tensors begin at a multiple of 8 bytes.

    Example:
        >>> len(header_bytes({"a": {"dtype": "F16", "shape": [1], "data_offsets": [0, 2]}})) % 8
        0
    """
    text = json.dumps({"__metadata__": {"format": "pt"}, **entries}, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text
