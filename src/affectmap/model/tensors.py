"""Weights of a model: what must hold before a stranger's are used."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError
from safetensors.numpy import load as read_tensors

from affectmap.documents import DocumentError, first_line, parse_json
from affectmap.errors import ModelError
from affectmap.model import MAX_LAYERS, MAX_WIDTH
from affectmap.model.listening import listened_shapes, source_class_shapes
from affectmap.model.metadata import ADVICE, MAX_INPUTS

Array = npt.NDArray[np.float32] | npt.NDArray[np.float64]


#: Largest weight or bias; beyond it values overflow.
MAX_WEIGHT = 1e6
_MAX_HEADER = 1 << 20
# Weight and bias of encoder and decoder; mean and std; two heads; classes of the sources, and listened to.
_MAX_TENSORS = 4 * MAX_LAYERS + 13
_KINDS = ("F32", "F64")


def parse_tensors(content: bytes, file: str) -> dict[str, Array]:
    """Read safetensors; `file` is its path, for messages.

    Raises:
        ModelError: If it is damaged, or has more, larger or other tensors than a model of affectmap.
    """
    _check_header(content, file)
    try:
        tensors = read_tensors(content)
    except (SafetensorError, KeyError, ValueError, TypeError, AttributeError) as error:
        raise ModelError(f"{file} cannot be read ({first_line(error)}); {ADVICE}") from error
    for name, value in tensors.items():
        largest = np.finfo(np.float32).max if name in ("mean", "std") else MAX_WEIGHT
        # In the statistics NaN stands for a feature that nobody could measure.
        if (np.abs(value) > largest).any() or (name not in ("mean", "std") and np.isnan(value).any()):
            raise ModelError(f"{file} has values in {name} that are not finite, or beyond {largest:.3g}; {ADVICE}")
    return tensors


def _check_header(content: bytes, file: str) -> None:
    """Refuse what no model of affectmap has, before anything is made of it."""
    size = struct.unpack("<Q", content[:8])[0] if len(content) >= 8 else 0
    if not 0 < size <= min(_MAX_HEADER, len(content) - 8):
        raise ModelError(f"{file} cannot be read (its header has {size:,} bytes); {ADVICE}")
    try:
        header = parse_json(content[8 : 8 + size])
    except DocumentError as error:
        raise ModelError(f"{file} cannot be read (its header is damaged: {error}); {ADVICE}") from error
    entries = {name: entry for name, entry in header.items() if name != "__metadata__"} if type(header) is dict else {}
    if not 0 < len(entries) <= _MAX_TENSORS:
        raise ModelError(f"{file} has {len(entries)} tensors; expected 1 to {_MAX_TENSORS}; {ADVICE}")
    for name, entry in entries.items():
        kind, shape = (entry.get("dtype"), entry.get("shape")) if type(entry) is dict else (None, None)
        if kind not in _KINDS:
            expected = " or ".join(_KINDS)
            raise ModelError(f"{file} has {name[:80]} of type {str(kind)[:20]}; expected {expected}")
        if type(shape) is not list or len(shape) > 2 or not all(type(n) is int and 0 <= n <= MAX_INPUTS for n in shape):
            raise ModelError(f"{file} has {name[:80]} of shape {str(shape)[:80]}; {ADVICE}")


def check_tensors(tensors: Mapping[str, Array], metadata: Mapping[str, Any], folder: str) -> None:
    """See that shapes are those that ``model.yaml`` speaks of, layer after layer, and statistics sensible."""
    outputs = metadata["outputs"]
    n_inputs, latent_dim = len(metadata["inputs"]), len(outputs["embedding"])
    n_layers = sum(name.startswith("encoder.") for name in tensors) // 2
    sizes = [tensors.get(f"encoder.{i}.bias", np.empty(0)).size for i in range(n_layers - 1)]
    if n_layers > MAX_LAYERS or max(sizes, default=0) > MAX_WIDTH:
        raise ModelError(
            f"{folder} has {n_layers} layers of up to {max(sizes, default=0)} units; expected at most {MAX_LAYERS} of "
            f"{MAX_WIDTH}; {ADVICE}"
        )
    chain = [n_inputs, *sizes, latent_dim]
    expected: dict[str, tuple[int, ...]] = {"mean": (n_inputs,), "std": (n_inputs,)}
    expected |= _layer_shapes("encoder", chain)
    if any(name.startswith("decoder.") for name in tensors):
        expected |= _layer_shapes("decoder", chain[::-1])
    n_head_inputs = latent_dim + (n_inputs if "correction" in metadata else 0)
    for head, output in (("ratings", "ratings"), ("classes", "probabilities")):
        if output in outputs:
            size = len(outputs[output])
            expected |= {f"{head}.weight": (size, n_head_inputs), f"{head}.bias": (size,)}
    if "source_classes" in metadata:
        n_classes, mean = len(metadata["source_classes"]), tensors.get("source_classes.mean", np.empty((0, 0)))
        expected |= source_class_shapes(n_classes, n_inputs, latent_dim, mean.shape[-1])
        if metadata.get("listening", {}).get("is_used"):
            expected |= listened_shapes(n_classes, n_inputs)
    found = {name: value.shape for name, value in tensors.items()}
    for name in sorted(expected.keys() | found.keys()):
        if expected.get(name) != found.get(name):
            raise ModelError(
                f"{folder}: {name[:80]} is {found.get(name, 'missing')} in weights.safetensors, but "
                f"{expected.get(name, 'unknown')} by model.yaml and the other layers; {ADVICE}"
            )
    if (tensors["std"] < 0).any():
        raise ModelError(f"{folder} has a standard deviation below 0; {ADVICE}")


def _layer_shapes(side: str, sizes: list[int]) -> dict[str, tuple[int, ...]]:
    shapes: dict[str, tuple[int, ...]] = {}
    for i, (n_in, n_out) in enumerate(pairwise(sizes)):
        shapes |= {f"{side}.{i}.weight": (n_out, n_in), f"{side}.{i}.bias": (n_out,)}
    return shapes
