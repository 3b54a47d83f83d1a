"""The weights of an encoder, from a folder in the layout of the Hugging Face hub, and only those that are needed.

Conventions: a folder holds ``config.json`` and ``model.safetensors`` (or its parts), of a whole Whisper or of layers of
its encoder. Whatever they are stored in, weights are rounded to half precision, in which Whisper was published: what is
stored twice as long gives the same numbers, and the same digest.
"""

import hashlib
import json
import math
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Halves = NDArray[np.float16]

CONFIG = "config.json"
#: Frames in the 30 s that Whisper looks at.
N_POSITIONS = 1500
_LARGEST_JSON = 1 << 24
_SIZES = {"F16": 2, "F32": 4, "BF16": 2}
#: What stands before an encoder's tensors in a whole model, in one without a head, and in an encoder alone.
PREFIXES = ("model.encoder.", "encoder.", "")
_ADVICE = "get the encoder again"


class WeightsError(ValueError):
    """The folder of an encoder is missing, damaged, or holds another kind of model."""


class EncoderShape(NamedTuple):
    """What the configuration says of an encoder: layers, numbers a frame, heads, mel bands, longest input in frames."""

    n_layers: int
    dim: int
    n_heads: int
    n_hidden: int
    n_bands: int
    n_positions: int


@dataclass(frozen=True)
class EncoderWeights:
    """The weights of the first layers of an encoder.

    Attributes:
        shape: Its sizes; `n_layers` are those taken.
        tensors: By name, such as ``layers.0.fc1.weight``, in half precision.
    """

    shape: EncoderShape
    tensors: Mapping[str, Halves]

    @property
    def digest(self) -> str:
        """Digest the sizes and the weights, however they were stored: 32 digits."""
        total = hashlib.sha256(repr(tuple(self.shape)).encode())
        for name in sorted(self.tensors):
            total.update(name.encode() + b"\0")
            total.update(np.ascontiguousarray(self.tensors[name], "<f2").tobytes())
        return total.hexdigest()[:32]


def read_weights(folder: Path, n_layers: int) -> EncoderWeights:
    """Read the convolutions, the positions and the first layers.

    Args:
        folder: In the hub's layout; see the module.
        n_layers: How many transformer layers, 0 or more.

    Returns:
        The weights.

    Raises:
        WeightsError: If there is no such encoder, it is damaged, or has fewer layers.

    Example:
        >>> read_weights(Path("no/such/folder"), 3)
        Traceback (most recent call last):
        affectmap.whisper.weights.WeightsError: no/such/folder/config.json cannot be read (No such file or directory)...
    """
    shape = read_shape(folder)
    if not 0 <= n_layers <= shape.n_layers:
        raise WeightsError(f"{folder} has {shape.n_layers} layers; {n_layers} were asked for")
    shape = shape._replace(n_layers=n_layers)
    expected = tensor_shapes(shape)
    tensors = _read_named(folder, expected)
    for name, wanted in expected.items():
        if tensors[name].shape != wanted:
            raise WeightsError(f"{folder}: {name} has shape {tensors[name].shape}, {CONFIG} says {wanted}; {_ADVICE}")
        if not np.isfinite(tensors[name]).all():
            raise WeightsError(f"{folder}: {name} has values that are not finite, or beyond 65,504; {_ADVICE}")
    return EncoderWeights(shape, tensors)


def read_shape(folder: Path) -> EncoderShape:
    """Read the sizes of an encoder from its configuration.

    Raises:
        WeightsError: If it is missing, damaged, or that of another kind of model.
    """
    file = folder / CONFIG
    content = _start(file, _LARGEST_JSON)
    try:
        config = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise WeightsError(f"{file} is no JSON; {_ADVICE}") from error
    if not isinstance(config, dict) or config.get("model_type") != "whisper":
        kind = str(config.get("model_type"))[:40] if isinstance(config, dict) else type(config).__name__
        raise WeightsError(f"{file} describes {kind}; expected a model of the type whisper")
    if config.get("activation_function", "gelu") != "gelu":
        raise WeightsError(f"{file} has the activation {config['activation_function']}; expected gelu, as in Whisper")
    names = "encoder_layers", "d_model", "encoder_attention_heads", "encoder_ffn_dim", "num_mel_bins"
    sizes = [config.get(name) for name in (*names, "max_source_positions")]
    for name, size in zip((*names, "max_source_positions"), sizes, strict=True):
        if type(size) is not int or not 0 < size <= 1 << 16:
            raise WeightsError(f"{file} has {name} = {repr(size)[:40]}; expected a number of layers or units")
    shape = EncoderShape(*(int(size) for size in sizes if size is not None))
    if shape.dim % shape.n_heads:
        raise WeightsError(f"{file} has {shape.n_heads} heads; expected a divisor of {shape.dim}, its d_model")
    if shape.n_positions != N_POSITIONS:
        raise WeightsError(f"{file} has {shape.n_positions} positions; expected {N_POSITIONS}, as in Whisper")
    return shape


def tensor_shapes(shape: EncoderShape) -> dict[str, tuple[int, ...]]:
    """Name the tensors that an encoder of these sizes needs, each with its shape.

    Example:
        >>> shapes = tensor_shapes(EncoderShape(1, 512, 8, 2048, 80, 1500))
        >>> len(shapes), shapes["layers.0.fc1.weight"]
        (20, (2048, 512))
    """
    dim, n_hidden = shape.dim, shape.n_hidden
    shapes: dict[str, tuple[int, ...]] = {
        "conv1.weight": (dim, shape.n_bands, 3),
        "conv1.bias": (dim,),
        "conv2.weight": (dim, dim, 3),
        "conv2.bias": (dim,),
        "embed_positions.weight": (shape.n_positions, dim),
    }
    for layer in (f"layers.{i}." for i in range(shape.n_layers)):
        for name in ("self_attn_layer_norm.weight", "self_attn_layer_norm.bias"):
            shapes[layer + name] = (dim,)
        for name in ("q_proj", "k_proj", "v_proj", "out_proj"):
            shapes[f"{layer}self_attn.{name}.weight"] = (dim, dim)
            if name != "k_proj":  # which has none
                shapes[f"{layer}self_attn.{name}.bias"] = (dim,)
        for name in ("final_layer_norm.weight", "final_layer_norm.bias", "fc2.bias"):
            shapes[layer + name] = (dim,)
        shapes |= {f"{layer}fc1.weight": (n_hidden, dim), f"{layer}fc1.bias": (n_hidden,)}
        shapes[f"{layer}fc2.weight"] = (dim, n_hidden)
    return shapes


def _read_named(folder: Path, names: Iterable[str]) -> dict[str, Halves]:
    """Read tensors by name from the files of a folder."""
    missing = set(names)
    found: dict[str, Halves] = {}
    for file in sorted(folder.glob("model*.safetensors")):
        entries = read_header(file)
        present = {prefix + name: name for name in missing for prefix in PREFIXES if prefix + name in entries}
        found |= read_tensors(file, {long: entries[long] for long in present}, present)
        missing -= found.keys()
    if missing:
        raise WeightsError(f"{folder} lacks {len(missing)} of an encoder's tensors, first {min(missing)}; {_ADVICE}")
    return found


class TensorEntry(NamedTuple):
    """Where a tensor lies in its file: kind, shape, first byte and the byte after its last."""

    kind: str
    shape: tuple[int, ...]
    first: int
    end: int


def read_header(file: Path) -> dict[str, TensorEntry]:
    """Read what a file of safetensors says of its tensors.

    The format: eight bytes that tell the header's length, a header in JSON that gives each tensor's type, shape and
    bytes, then these bytes.

    Raises:
        WeightsError: If it is damaged: sizes that contradict each other, tensors that overlap or lie outside the file.
    """
    start = _start(file, 8)
    length = struct.unpack("<Q", start)[0] if len(start) == 8 else 0
    size = file.stat().st_size
    if not 0 < length <= min(_LARGEST_JSON, size - 8):
        raise WeightsError(f"{file} cannot be read: its header would have {length:,} of {size:,} bytes; {_ADVICE}")
    content = _start(file, 8 + length)[8:]
    try:
        entries = parse_entries(content, 8 + length)
    except WeightsError as error:
        raise WeightsError(f"{file} cannot be read: {error}; {_ADVICE}") from error
    ordered = sorted(entries.values(), key=lambda entry: (entry.first, entry.end))
    if any(after.first < before.end for before, after in pairwise(ordered)) or (ordered and ordered[-1].end > size):
        raise WeightsError(f"{file} cannot be read: it was cut short, or its tensors overlap; {_ADVICE}")
    return entries


def parse_entries(header: bytes, offset: int) -> dict[str, TensorEntry]:
    """Read the JSON of a header; tensors are counted from `offset`.

    Raises:
        WeightsError: If it is damaged.

    Example:
        >>> parse_entries(b'{"a": {"dtype": "F16", "shape": [2], "data_offsets": [0, 4]}}', 100)["a"]
        TensorEntry(kind='F16', shape=(2,), first=100, end=104)
    """
    try:
        entries = json.loads(header).items()
        return {name: _entry(value, offset) for name, value in entries if name != "__metadata__"}
    except (ValueError, RecursionError, TypeError, KeyError, AttributeError) as error:
        raise WeightsError("its header is damaged") from error


def _entry(value: Mapping[str, Any], offset: int) -> TensorEntry:
    kind, shape, (first, end) = str(value["dtype"]), tuple(value["shape"]), value["data_offsets"]
    if not all(type(number) is int and number >= 0 for number in (*shape, first, end)) or first > end:
        raise ValueError("a number is none")
    if kind in _SIZES and end - first != math.prod(shape) * _SIZES[kind]:
        raise ValueError("a tensor's bytes are not those of its shape")
    return TensorEntry(kind, shape, offset + first, offset + end)


def read_tensors(file: Path, entries: Mapping[str, TensorEntry], names: Mapping[str, str]) -> dict[str, Halves]:
    """Read some tensors of a file in half precision, under the names that are given for theirs."""
    tensors = {}
    try:
        with file.open("rb") as handle:
            for name, entry in entries.items():
                if entry.kind not in _SIZES:
                    kinds = ", ".join(_SIZES)
                    raise WeightsError(f"{file} has {name[:80]} of type {entry.kind[:20]}; expected {kinds}")
                handle.seek(entry.first)
                content = handle.read(entry.end - entry.first)
                tensors[names[name]] = _halves(content, entry)
    except OSError as error:
        raise WeightsError(f"{file} cannot be read ({error.strerror}); {_ADVICE}") from error
    return tensors


def _halves(content: bytes, entry: TensorEntry) -> Halves:
    if len(content) != entry.end - entry.first:
        raise WeightsError(f"a tensor ends after {len(content):,} of {entry.end - entry.first:,} bytes; {_ADVICE}")
    if entry.kind == "BF16":  # the upper half of a float32
        wide = (np.frombuffer(content, "<u2").astype(np.uint32) << 16).view(np.float32)
    else:
        wide = np.frombuffer(content, "<f2" if entry.kind == "F16" else "<f4")
    with np.errstate(over="ignore"):  # infinite then, and refused
        return np.asarray(wide.astype(np.float16).reshape(entry.shape))


def _start(file: Path, length: int) -> bytes:
    try:
        with file.open("rb") as handle:
            return handle.read(length)
    except OSError as error:
        raise WeightsError(f"{file} cannot be read ({error.strerror}); {_ADVICE}") from error
