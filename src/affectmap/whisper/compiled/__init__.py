"""The layers and the bands in C, for processors with AVX2 and whoever had a compiler when the package was installed.

`load` gives layers with the values of `plain.PlainLayers`, to the last digits of float32, and None without the compiled
file. Calls release Python's lock, so that threads run side by side, each in memory of its own; no call starts threads.
"""

import ctypes
import threading
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from affectmap.whisper.plain import EPSILON, Layer, Linear, Parameters, erf_polynomial

Array = NDArray[Any]
Floats = NDArray[np.float32]

# That of avx2.c: a compiled file of another is left alone, until the package is installed anew.
VERSION = 2
# Columns of a panel; numbers between the rows of a buffer, as in layers.h.
PANEL, GAP = 16, 16
# Numbers with a factor in common, the largest, and the largest root of their sum of squares in columns and in rows.
CHUNK, LARGEST, COLUMN_NORM, ROW_NORM = 32, 32767, 52000, 40000
Pointer = ctypes.c_void_p
INTEGER = ctypes.c_int64


class _Linear(ctypes.Structure):
    _fields_ = (
        *((name, Pointer) for name in ("panels", "words", "scales", "bias")),
        ("depth", INTEGER),
        ("width", INTEGER),
    )


class _Layer(ctypes.Structure):
    _fields_ = (
        *((name, Pointer) for name in ("attention_gain", "attention_offset", "forward_gain", "forward_offset")),
        *((name, _Linear) for name in ("qkv", "out", "fc1", "fc2")),
    )


class _Plan(ctypes.Structure):
    """Struct Plan of layers.h."""

    _fields_ = (
        *((name, INTEGER) for name in ("n_layers", "true_dim", "dim", "n_heads", "head", "n_hidden", "n_bands")),
        ("scale", ctypes.c_float),
        ("epsilon", ctypes.c_float),
        ("erf", Pointer),
        ("positions", Pointer),
        ("conv1", _Linear),
        ("conv2", _Linear),
        ("layers", Pointer),
    )


@lru_cache(maxsize=1)
def _library() -> ctypes.CDLL | None:
    """Load the compiled file; one of another version, or for another processor, counts as none."""
    for file in sorted(Path(__file__).parent.glob("_kernels*.so")):
        try:
            library = ctypes.CDLL(str(file))
            if library.kernels_version() == VERSION and library.has_avx2():
                library.size_of_work.argtypes, library.size_of_work.restype = (Pointer, INTEGER), INTEGER
                library.encode.argtypes = Pointer, Pointer, INTEGER, INTEGER, Pointer, Pointer, Pointer
                library.mel_bands.argtypes = Pointer, INTEGER, INTEGER, Pointer, Pointer, Pointer, INTEGER, Pointer
                library.encode.restype = library.mel_bands.restype = None
                return library
        except (OSError, AttributeError):
            continue
    return None


def available() -> bool:
    """Tell whether there is a compiled file that this processor can run."""
    return _library() is not None


def load(parameters: Parameters, exact: bool = True) -> "CompiledLayers | None":
    """Give the compiled layers, None where there are none; `exact`: in float32, else products in 16 bits."""
    library = _library()
    return CompiledLayers(parameters, library, exact) if library else None


def mel_bands(spectra: NDArray[np.complex64], filters: Floats) -> Floats | None:
    """Sum the powers of spectra in bands, shape (n, n_bands), by filters of shape (n_bins, n_bands).

    None where nothing is compiled. Unlike a product by NumPy it starts no threads.
    """
    library = _library()
    if library is None:
        return None
    spectra, rows = np.ascontiguousarray(spectra), np.ascontiguousarray(filters.T)
    used = rows != 0
    ends = used.argmax(axis=1), used.shape[1] - used[:, ::-1].argmax(axis=1)
    first, end = (np.ascontiguousarray(each, np.int64) for each in ends)
    bands = np.empty((len(spectra), len(rows)), np.float32)
    sizes = len(spectra), spectra.shape[1]
    library.mel_bands(_at(spectra), *sizes, _at(rows), _at(first), _at(end), len(rows), _at(bands))
    return bands


def _padded(n: int) -> int:
    return -(-n // PANEL) * PANEL


def _at(array: Array) -> int:
    return int(array.__array_interface__["data"][0])


class CompiledLayers:
    """The layers, ready to run; see `plain.PlainLayers`."""

    def __init__(self, parameters: Parameters, library: ctypes.CDLL, exact: bool) -> None:
        self._library, self.exact = library, exact
        # What the plan points to must live as long as it.
        self._kept: list[Array] = []
        self._dim = parameters.positions.shape[1]
        self._plan = self._fill_plan(parameters)
        self._own = threading.local()

    def _fill_plan(self, used: Parameters) -> _Plan:
        dim, head = _padded(self._dim), self._dim // used.n_heads
        layers = (_Layer * len(used.layers))(*(self._layer(layer, used.n_heads) for layer in used.layers))
        self._structures = layers
        n_bands = len(used.conv1.weight) // 3
        # The second convolution reads three rows of a buffer at once, what lies between them included.
        rows = np.arange(3 * self._dim) + np.repeat(np.arange(3) * (dim + GAP - self._dim), self._dim)
        return _Plan(
            len(layers),
            self._dim,
            dim,
            used.n_heads,
            _padded(head),
            _padded(used.layers[0].fc1.weight.shape[1]) if used.layers else PANEL,
            n_bands,
            head**-0.5,
            EPSILON,
            self._keep(erf_polynomial()),
            self._keep(_widened(used.positions)),
            self._linear(used.conv1, np.arange(3 * n_bands), np.arange(self._dim)),
            self._linear(used.conv2, rows, np.arange(self._dim)),
            ctypes.addressof(layers) if used.layers else None,
        )

    def _layer(self, layer: Layer, n_heads: int) -> _Layer:
        frame, hidden = np.arange(self._dim), np.arange(layer.fc1.weight.shape[1])
        head = self._dim // n_heads
        heads = frame % head + frame // head * _padded(head)
        qkv = np.concatenate([heads + part * n_heads * _padded(head) for part in range(3)])
        norms = (*layer.attention_norm, *layer.forward_norm)
        return _Layer(
            *(self._keep(_widened(norm[None])) for norm in norms),
            self._linear(layer.qkv, frame, qkv),
            self._linear(layer.out, heads, frame),
            self._linear(layer.fc1, frame, hidden),
            self._linear(layer.fc2, hidden, frame),
        )

    def _linear(self, linear: Linear, rows: Array, columns: Array) -> _Linear:
        """Put rows and columns of a weight into their places, among numbers that are 0, and cut it into panels."""
        depth = int(rows[-1]) + 1
        width = _padded(int(columns[-1]) + 1)
        weight, bias = np.zeros((depth, width), np.float16), np.zeros(width, np.float32)
        weight[np.ix_(rows, columns)] = linear.weight
        bias[columns] = linear.bias
        if self.exact:
            panels = weight.reshape(depth, -1, PANEL).transpose(1, 0, 2)
            return _Linear(self._keep(panels), None, None, self._keep(bias), depth, width)
        words, scales = _in_words(weight.astype(np.float32))
        return _Linear(None, self._keep(words), self._keep(scales), self._keep(bias), depth, width)

    def _keep(self, array: Array) -> int:
        kept = np.ascontiguousarray(array)
        self._kept.append(kept)
        return _at(kept)

    def run(self, spectrogram: Floats, n_frames: int, shares: Floats) -> Floats:
        """Run the encoder; see `plain.PlainLayers.run`."""
        n = len(spectrogram) // 2
        address = ctypes.addressof(self._plan)
        size = self._library.size_of_work(address, n)
        if getattr(self._own, "work", np.empty(0)).size < size + PANEL:
            self._own.work = np.empty(size + PANEL, np.float32)
        work = -(-_at(self._own.work) // 64) * 64  # where a line of the cache begins
        frames = np.zeros((n_frames, self._dim), np.float32)
        spectrogram, shares = np.ascontiguousarray(spectrogram), np.ascontiguousarray(shares)
        self._library.encode(address, _at(spectrogram), n, n_frames, _at(shares), work, _at(frames))
        return frames


def _in_words(weight: Floats) -> tuple[Array, Floats]:
    """Round a weight to integers of 16 bits; give them in pairs of rows, in panels, and what to multiply columns by.

    Factors are such that no sum overflows; see words.h.
    """
    depth, width = -(-len(weight) // CHUNK) * CHUNK, weight.shape[1]
    chunks = np.pad(weight, ((0, depth - len(weight)), (0, 0))).reshape(-1, CHUNK, width)
    by_norm = np.sqrt(np.square(chunks).sum(axis=1)) / COLUMN_NORM
    scales = np.maximum(np.abs(chunks).max(axis=1) / LARGEST, by_norm).max(axis=0)
    words = np.rint(chunks.reshape(depth, width) / np.where(scales > 0, scales, 1)).astype(np.int16)
    return words.reshape(depth // 2, 2, width // PANEL, PANEL).transpose(2, 0, 3, 1), scales.astype(np.float32)


def _widened(rows: Floats) -> Floats:
    return np.pad(rows, ((0, 0), (0, _padded(rows.shape[1]) - rows.shape[1])))
