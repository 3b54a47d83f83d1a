"""The convolutions and transformer layers with NumPy alone.

Conventions: float32; frames are rows. A linear layer is ``x @ weight + bias``, its weight of shape (inputs, outputs).
"""

import math
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from affectmap.whisper.weights import EncoderWeights

Floats = NDArray[np.float32]

#: Added to the variance where a frame is normalised.
EPSILON = 1e-5
# Beyond it erf is 1 but for 2e-8; degree in its square of the polynomial in between.
_ERF_END, _ERF_DEGREE = 4.0, 16


class Linear(NamedTuple):
    """A linear layer."""

    weight: Floats
    bias: Floats


class Layer(NamedTuple):
    """A transformer layer: gain and offset of two normalisations, and four linear layers."""

    attention_norm: tuple[Floats, Floats]
    qkv: Linear
    out: Linear
    forward_norm: tuple[Floats, Floats]
    fc1: Linear
    fc2: Linear


class Parameters(NamedTuple):
    """The weights of an encoder in the order in which they are used; convolutions are linear layers of three frames."""

    conv1: Linear
    conv2: Linear
    positions: Floats
    layers: tuple[Layer, ...]
    n_heads: int


def parameters_of(weights: EncoderWeights) -> Parameters:
    """Bring weights into the order and the precision in which they are used."""
    tensors = {name: tensor.astype(np.float32) for name, tensor in weights.tensors.items()}
    layers = tuple(_layer(tensors, f"layers.{i}.") for i in range(weights.shape.n_layers))
    conv1, conv2 = (
        Linear(np.concatenate(list(tensors[f"{name}.weight"].transpose(2, 1, 0))), tensors[f"{name}.bias"])
        for name in ("conv1", "conv2")
    )
    return Parameters(conv1, conv2, tensors["embed_positions.weight"], layers, weights.shape.n_heads)


def _layer(tensors: Mapping[str, Floats], name: str) -> Layer:
    def linear(part: str) -> Linear:
        weight = np.ascontiguousarray(tensors[f"{name}{part}.weight"].T)
        return Linear(weight, tensors.get(f"{name}{part}.bias", np.zeros(weight.shape[1], np.float32)))

    def norm(part: str) -> tuple[Floats, Floats]:
        return tensors[f"{name}{part}.weight"], tensors[f"{name}{part}.bias"]

    parts = [linear(f"self_attn.{part}_proj") for part in "qkv"]
    qkv = Linear(*(np.concatenate(both, axis=-1) for both in zip(*parts, strict=True)))
    return Layer(
        norm("self_attn_layer_norm"),
        qkv,
        linear("self_attn.out_proj"),
        norm("final_layer_norm"),
        linear("fc1"),
        linear("fc2"),
    )


class PlainLayers:
    """The layers, ready to run."""

    def __init__(self, parameters: Parameters) -> None:
        self._parameters = parameters

    def run(self, spectrogram: Floats, n_frames: int, shares: Floats) -> Floats:
        """Run the encoder.

        Args:
            spectrogram: Shape (2 n, n_bands).
            n_frames: How many of the n frames to give, at least 1.
            shares: What counts of every layer, from 0 on, shape (n_layers + 1,).

        Returns:
            The sum of the layers, each times its share, shape (n_frames, dim).
        """
        total = np.zeros((n_frames, self._parameters.positions.shape[1]), np.float32)
        for share, frames in zip(shares, self._layers(spectrogram), strict=True):
            if share:
                total += share * frames[:n_frames]
        return total

    def _layers(self, spectrogram: Floats) -> Iterator[Floats]:
        used = self._parameters
        steps = gelu(_applied(used.conv1, _with_neighbours(spectrogram, 1)))
        frames = gelu(_applied(used.conv2, _with_neighbours(steps, 2)))
        frames = frames + used.positions[: len(frames)]
        yield frames
        for layer in used.layers:
            frames = frames + self._attention(layer, normalised(frames, *layer.attention_norm))
            hidden = gelu(_applied(layer.fc1, normalised(frames, *layer.forward_norm)))
            frames = frames + _applied(layer.fc2, hidden)
            yield frames

    def _attention(self, layer: Layer, frames: Floats) -> Floats:
        n_frames, dim = frames.shape
        heads = _applied(layer.qkv, frames).reshape(n_frames, 3, self._parameters.n_heads, -1)
        q, k, v = heads.transpose(1, 2, 0, 3)  # each (n_heads, n_frames, head_dim)
        logits = (q * np.float32(q.shape[-1] ** -0.5)) @ k.transpose(0, 2, 1)
        powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
        mixed = (powers / powers.sum(axis=-1, keepdims=True)) @ v
        return _applied(layer.out, np.ascontiguousarray(mixed.transpose(1, 0, 2)).reshape(n_frames, dim))


def _applied(linear: Linear, frames: Floats) -> Floats:
    return np.asarray(frames @ linear.weight + linear.bias)


def _with_neighbours(frames: Floats, stride: int) -> Floats:
    """Put every `stride`-th frame beside the one before and the one after it: rows of three frames."""
    padded = np.pad(frames, ((1, 1), (0, 0)))
    rows = [padded[i : i + len(frames) : stride] for i in range(3)]
    return np.concatenate(rows, axis=1)


def normalised(frames: Floats, gain: Floats, offset: Floats) -> Floats:
    """Shift and scale every frame to mean 0 and standard deviation 1 (divisor n), then by gain and offset."""
    centred = frames - frames.mean(axis=1, keepdims=True)
    variance = np.square(centred).mean(axis=1, keepdims=True)
    return np.asarray(centred / np.sqrt(variance + np.float32(EPSILON)) * gain + offset)


def gelu(x: Floats) -> Floats:
    """Compute x times the normal distribution's function at x, to about 1e-7 of the larger of 1 and x.

    Source: Hendrycks and Gimpel (2016), "Gaussian error linear units (GELUs)", the exact form.

    Example:
        >>> gelu(np.array([-1.0, 0.0, 1.0], np.float32)).round(4).tolist()
        [-0.15870000422000885, 0.0, 0.8413000106811523]
    """
    z = np.clip(x * np.float32(math.sqrt(0.5)), -_ERF_END, _ERF_END)
    u = z * z * np.float32(2 / _ERF_END**2) - np.float32(1)
    coefficients = erf_polynomial()
    ratio = np.full_like(u, coefficients[-1])
    for coefficient in coefficients[-2::-1]:
        ratio = ratio * u + coefficient
    return np.asarray(np.float32(0.5) * x * (np.float32(1) + z * ratio))


@lru_cache(maxsize=1)
def erf_polynomial() -> Floats:
    """Give p of erf(z) = z p(z^2 / 8 - 1) for |z| <= 4, the constant first: Chebyshev's interpolation, error 1e-8."""
    angles = (np.arange(200) + 0.5) * np.pi / 200
    roots = np.sqrt((np.cos(angles) + 1) / 2) * _ERF_END
    ratios = np.array([math.erf(root) / root for root in roots])
    degrees = np.arange(_ERF_DEGREE + 1)
    chebyshev = (2 - (degrees == 0)) * (ratios * np.cos(degrees[:, None] * angles)).mean(axis=1)
    return np.asarray(np.polynomial.chebyshev.cheb2poly(chebyshev), dtype=np.float32)
