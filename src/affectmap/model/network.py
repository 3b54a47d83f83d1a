"""The denoising autoencoder: 88 functionals in, two numbers in the middle, 88 out; alone, or many in one stack.

Source: Das et al. 2022, section 4 "System architecture" and eq. 1.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from affectmap.losses import check_preset
from affectmap.model.settings import PAPER, TrainingSettings
from affectmap.schema import Preset


class DenoisingAutoencoder(nn.Module):
    """Encoder 88-40-20-10-2 and its mirror image, fully connected, 9,310 parameters.

    ReLU follows every hidden layer; the latent and the output are linear. The preset ``authors-code`` has one
    ReLU only in the decoder, after the 10→20 layer, as in the code that the paper's authors released.

    Source: Das et al. 2022, section 4; Vincent et al. 2008 for denoising.

    Args:
        input_dim: Number of features, 88 for eGeMAPSv02 functionals.
        hidden_dims: Sizes of the encoder's hidden layers; the decoder has them in reverse.
        latent_dim: Size of the latent.
        noise_std: Standard deviation σ of the Gaussian noise on standardised features, ≥ 0.
        preset: ``paper`` or ``authors-code``.
        generator: Draws the initial weights; PyTorch's global one if missing.

    Example:
        >>> model = DenoisingAutoencoder()
        >>> sum(parameter.numel() for parameter in model.parameters())
        9310
        >>> model.encode(torch.zeros(5, 88)).shape
        torch.Size([5, 2])
    """

    def __init__(
        self,
        input_dim: int = 88,
        hidden_dims: tuple[int, ...] = PAPER.hidden_dims,
        latent_dim: int = PAPER.latent_dim,
        noise_std: float = PAPER.noise_std,
        preset: Preset = PAPER.preset,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        self.noise_std = noise_std
        down = (input_dim, *hidden_dims, latent_dim)
        up = down[::-1]
        self.encoder = nn.ModuleList(_linear(a, b, generator) for a, b in itertools.pairwise(down))
        self.decoder = nn.ModuleList(_linear(a, b, generator) for a, b in itertools.pairwise(up))
        self.encoder_relu, self.decoder_relu = relu_after(len(hidden_dims), preset)

    @classmethod
    def of_arrays(
        cls, arrays: Mapping[str, npt.NDArray[Any]], noise_std: float, preset: Preset
    ) -> DenoisingAutoencoder:
        """Make a network of the weights that `arrays` gave; a decoder that is not among them is drawn anew."""
        n_layers = sum(name.startswith("encoder.") for name in arrays) // 2
        sizes = [arrays[f"encoder.{i}.bias"].shape[0] for i in range(n_layers)]
        input_dim = arrays["encoder.0.weight"].shape[1]
        network = cls(input_dim, tuple(sizes[:-1]), sizes[-1], noise_std, preset, torch.Generator())
        values = {name: torch.tensor(arrays[name]) for name in network.state_dict() if name in arrays}
        network.load_state_dict(values, strict=False)
        return network.eval()

    def arrays(self) -> dict[str, npt.NDArray[np.float32]]:
        """Give a copy of the weights by name, as ``encoder.0.weight``."""
        return {name: value.detach().numpy().copy() for name, value in self.state_dict().items()}

    def encode(self, features: Tensor) -> Tensor:
        """Map standardised features ``(N, input_dim)`` to the latent ``(N, latent_dim)``."""
        return _run(self.encoder, self.encoder_relu, features)

    def embed(self, features: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Map standardised, clean features ``(N, input_dim)`` to the embedding ``(N, latent_dim)``, in NumPy.

        Example:
            >>> DenoisingAutoencoder(latent_dim=3).embed(np.zeros((5, 88), dtype=np.float32)).shape
            (5, 3)
        """
        with torch.no_grad():
            embedding: npt.NDArray[np.float32] = self.encode(torch.as_tensor(features, dtype=torch.float32)).numpy()
        return embedding

    def decode(self, latent: Tensor) -> Tensor:
        """Map a latent ``(N, latent_dim)`` back to standardised features ``(N, input_dim)``."""
        return _run(self.decoder, self.decoder_relu, latent)

    def forward(self, features: Tensor, noise: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Reconstruct from noisy features.

        Args:
            features: ``(N, input_dim)``, standardised and clean.
            noise: ``(N, input_dim)`` standard normal values, scaled here by σ; drawn here if missing.

        Returns:
            The latent of the noisy features ``(N, latent_dim)`` and the reconstruction ``(N, input_dim)``.
        """
        noise = torch.randn_like(features) if noise is None else noise
        latent = self.encode(features + self.noise_std * noise)
        return latent, self.decode(latent)


def relu_after(n_hidden: int, preset: Preset) -> tuple[tuple[bool, ...], tuple[bool, ...]]:
    """Say after which layers of encoder and decoder a ReLU follows.

    Args:
        n_hidden: Number of hidden layers on each side.
        preset: ``paper`` or ``authors-code``.

    Returns:
        Two tuples of ``n_hidden + 1`` booleans, one a layer.

    Raises:
        ConfigError: If `preset` is unknown.

    Example:
        >>> relu_after(3, "authors-code")
        ((True, True, True, False), (False, True, False, False))
    """
    check_preset(preset)
    every_hidden = (True,) * n_hidden + (False,)
    if preset == "paper":
        return every_hidden, every_hidden
    # The released code has ReLU only after the decoder's second layer, 10 -> 20.
    return every_hidden, tuple(layer == 1 and n_hidden > 1 for layer in range(n_hidden + 1))


def _run(layers: nn.ModuleList, relu: tuple[bool, ...], values: Tensor) -> Tensor:
    for layer, has_relu in zip(layers, relu, strict=True):
        values = layer(values)
        if has_relu:
            values = torch.relu(values)
    return values


class Linear(nn.Linear):
    """A linear layer whose constructor draws nothing: it would draw from the global generator, the caller's."""

    def reset_parameters(self) -> None:
        """Leave the weights as they are."""


def _linear(n_in: int, n_out: int, generator: torch.Generator | None) -> nn.Linear:
    layer = Linear(n_in, n_out)
    # PyTorch's default for a linear layer, uniform within 1/sqrt(n_in), but from this model's own generator.
    bound = 1 / math.sqrt(n_in)
    for parameter in (layer.weight, layer.bias):
        nn.init.uniform_(parameter, -bound, bound, generator=generator)
    return layer


class Workspace:
    """Arrays by name, made once: fresh ones of this size the system would map and clear at every step."""

    def __init__(self, device: str, dtype: torch.dtype) -> None:
        self.device, self.dtype = device, dtype
        self._arrays: dict[str, Tensor] = {}

    def take(self, name: str, *shape: int) -> Tensor:
        """Give the array of this name, its content left from last time; zeros when it is new or its shape changed."""
        array = self._arrays.get(name)
        if array is None or array.shape != shape:
            array = self._arrays[name] = torch.zeros(shape, device=self.device, dtype=self.dtype)
        return array


def padded(size: int) -> int:
    """Round a layer's size up to a multiple of four; padded units are 0 and stay 0.

    A weight matrix then has a multiple of 16 values, and every model's starts on 64 bytes: vector instructions have
    no left-over values, whose last bit would depend on the model's place in the stack.
    """
    return math.ceil(size / 4) * 4


class NetworkStack:
    """K networks of one shape in one buffer, of which weights ``(K, in, out)`` and biases ``(K, 1, out)`` are parts.

    Gradients are written down layer by layer: automatic differentiation would spend more time on keeping its records
    than these small products take.

    Args:
        networks: K networks with the settings' layers.
        settings: Layers and preset; with reconstruction at 0 nothing is decoded.
        space: Arrays for the layers' values.
    """

    def __init__(self, networks: list[DenoisingAutoencoder], settings: TrainingSettings, space: Workspace) -> None:
        self.space = space
        self.n_models, self.latent_dim = len(networks), settings.latent_dim
        layers = list(zip(*([*network.encoder, *network.decoder] for network in networks), strict=True))
        weights = [torch.stack([layer.weight.detach().T for layer in same]) for same in layers]
        biases = [torch.stack([layer.bias.detach()[None] for layer in same]) for same in layers]
        self.n_features = weights[0].shape[1]
        shapes = [(self.n_models, padded(value.shape[1]), padded(value.shape[2])) for value in weights]
        shapes += [(self.n_models, 1, padded(value.shape[2])) for value in biases]
        widths = [math.ceil(math.prod(shape) / 16) * 16 for shape in shapes]
        self.buffer = torch.zeros(sum(widths), device=space.device, dtype=space.dtype)
        self.buffer.grad = torch.zeros_like(self.buffer)
        parts, gradients = _parts(self.buffer, shapes, widths), _parts(self.buffer.grad, shapes, widths)
        for part, value in zip(parts, [*weights, *biases], strict=True):
            part[:, : value.shape[1], : value.shape[2]] = value
        n_layers = len(layers)
        self.weights, self.biases = parts[:n_layers], parts[n_layers:]
        self.weight_gradients, self.bias_gradients = gradients[:n_layers], gradients[n_layers:]
        encoder_relu, decoder_relu = relu_after(len(settings.hidden_dims), settings.preset)
        self.relu, self.n_encoder = encoder_relu + decoder_relu, len(encoder_relu)
        self.decodes = settings.reconstruction > 0

    def forward(self, noisy: Tensor) -> list[Tensor]:
        """Run all networks on ``(K, B, F)``; give the input and each layer's values, padded."""
        values = [noisy]
        n_layers = len(self.weights) if self.decodes else self.n_encoder
        layers = zip(self.weights[:n_layers], self.biases, self.relu, strict=False)
        for i, (weight, bias, has_relu) in enumerate(layers):
            out = self.space.take(f"layer {i}", *noisy.shape[:2], weight.shape[2])
            torch.baddbmm(bias, values[-1], weight, out=out)
            values.append(out.relu_() if has_relu else out)
        return values

    def latent(self, values: list[Tensor]) -> Tensor:
        """Latents ``(K, B, D)`` among the layers' values, without padding."""
        return values[self.n_encoder][..., : self.latent_dim]

    def backward(self, values: list[Tensor], output: Tensor, latent: Tensor) -> None:
        """Write the gradients of all weights and biases.

        Args:
            values: What `forward` gave.
            output: Gradient at the output ``(K, B, F)``, padded; not used without decoding.
            latent: Further gradient at the latents ``(K, B, D)``.
        """
        gradient = output
        if not self.decodes:
            gradient = self.space.take("latent", *values[-1].shape)
            gradient[..., : self.latent_dim] = latent
        for i in reversed(range(len(values) - 1)):
            torch.bmm(values[i].transpose(1, 2), gradient, out=self.weight_gradients[i])
            torch.sum(gradient, dim=1, keepdim=True, out=self.bias_gradients[i])
            if i == 0:
                return
            before = self.space.take(f"gradient {i}", *values[i].shape)
            gradient = torch.bmm(gradient, self.weights[i].transpose(1, 2), out=before)
            if self.relu[i - 1]:
                # The library's own step back through a ReLU: a product with a mask takes twice as long.
                torch.ops.aten.threshold_backward.grad_input(gradient, values[i], 0, grad_input=gradient)
            if i == self.n_encoder:  # met with a decoder only
                gradient[..., : self.latent_dim] += latent

    def copy_to(self, networks: list[DenoisingAutoencoder]) -> None:
        """Write the weights into the networks they were made of."""
        with torch.no_grad():
            for k, network in enumerate(networks):
                network.to(self.buffer.dtype)
                layers = [*network.encoder, *network.decoder]
                for layer, weight, bias in zip(layers, self.weights, self.biases, strict=True):
                    layer.weight.copy_(weight[k].T[: layer.out_features, : layer.in_features])
                    layer.bias.copy_(bias[k, 0, : layer.out_features])


def _parts(buffer: Tensor, shapes: list[tuple[int, int, int]], widths: list[int]) -> list[Tensor]:
    starts = itertools.accumulate(widths, initial=0)
    return [buffer[start : start + math.prod(shape)].view(shape) for start, shape in zip(starts, shapes, strict=False)]
