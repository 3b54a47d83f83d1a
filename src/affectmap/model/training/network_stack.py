"""K networks of one shape in one buffer: forward, backward and one call of Adam for all.

Gradients are written down layer by layer: automatic differentiation would spend more time on keeping its records
than these small products take.
"""

from __future__ import annotations

import math
from itertools import accumulate

import torch
from torch import Tensor

from affectmap.model.network import DenoisingAutoencoder, relu_after
from affectmap.model.settings import TrainingSettings
from affectmap.model.training.loop import one_cycle


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
    """Weights ``(K, in, out)`` and biases ``(K, 1, out)`` of every layer, parts of one buffer, sizes padded.

    Args:
        networks: K networks with the settings' layers.
        settings: Layers, preset, learning rate, schedule; with reconstruction at 0 nothing is decoded.
        space: Arrays for the layers' values.
        n_steps: Steps of the whole training, for the schedule.
    """

    def __init__(
        self, networks: list[DenoisingAutoencoder], settings: TrainingSettings, space: Workspace, n_steps: int
    ) -> None:
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
        self.optimiser = torch.optim.Adam([self.buffer], lr=settings.learning_rate, fused=True)
        self.schedule = one_cycle(self.optimiser, n_steps, settings)
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

    def step(self) -> None:
        """Move all weights once, down the gradients."""
        self.optimiser.step()
        if self.schedule is not None:
            self.schedule.step()

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
    starts = accumulate(widths, initial=0)
    return [buffer[start : start + math.prod(shape)].view(shape) for start, shape in zip(starts, shapes, strict=False)]
