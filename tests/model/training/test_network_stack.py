"""The stack against its networks one by one, and its arrays."""

import torch

from affectmap.model.network import DenoisingAutoencoder
from affectmap.model.training import TrainingSettings
from affectmap.model.training.network_stack import NetworkStack, Workspace, padded
from cases import each

SETTINGS = TrainingSettings(hidden_dims=(7, 5), latent_dim=3, noise_std=0.0)


def make_stack(settings=SETTINGS, n_features=10, dtype=torch.float64):
    networks = [
        DenoisingAutoencoder(
            input_dim=n_features,
            hidden_dims=settings.hidden_dims,
            latent_dim=settings.latent_dim,
            noise_std=0.0,
            preset=settings.preset,
            generator=torch.Generator().manual_seed(seed),
        ).double()
        for seed in range(3)
    ]
    return networks, NetworkStack(networks, settings, Workspace("cpu", dtype), 1)


def features(n_features=10):
    values = torch.zeros(3, 6, padded(n_features), dtype=torch.float64)
    values[..., :n_features] = torch.randn(3, 6, n_features, generator=torch.Generator().manual_seed(9)).double()
    return values


@each("preset", ["paper", "authors-code"])
def test_equals_the_networks_and_their_gradients(preset):
    settings = TrainingSettings(preset=preset, hidden_dims=(7, 5), latent_dim=3, noise_std=0.0)
    networks, stack = make_stack(settings)
    values = stack.forward(features())
    pull, push = torch.randn(3, 6, 12).double(), torch.randn(3, 6, 3).double()
    pull[..., 10:] = 0
    latents, outputs = stack.latent(values).clone(), values[-1][..., :10].clone()
    stack.backward(values, pull, push)
    for k, network in enumerate(networks):
        latent, output = network(features()[k, :, :10], torch.zeros(6, 10).double())
        torch.testing.assert_close(latents[k], latent)
        torch.testing.assert_close(outputs[k], output)
        torch.autograd.backward((output * pull[k, :, :10]).sum() + (latent * push[k]).sum())
        layers = [*network.encoder, *network.decoder]
        for i, layer in enumerate(layers):
            found = stack.weight_gradients[i][k]
            torch.testing.assert_close(found[: layer.in_features, : layer.out_features].T, layer.weight.grad)
            torch.testing.assert_close(stack.bias_gradients[i][k, 0, : layer.out_features], layer.bias.grad)


def test_padding_stays_zero():
    networks, stack = make_stack()
    for _ in range(5):
        values = stack.forward(features())
        stack.backward(values, values[-1] - features(), stack.latent(values).clone())
        stack.step()
    assert not stack.forward(features())[-1][..., 10:].any()
    for weight, layer in zip(stack.weights, [*networks[0].encoder, *networks[0].decoder], strict=True):
        assert not weight[:, layer.in_features :].any()
        assert not weight[..., layer.out_features :].any()


@each("dtype", [torch.float32, torch.float64])
def test_every_matrix_starts_on_64_bytes_from_the_first(dtype):
    _, stack = make_stack(dtype=dtype)
    first = stack.buffer.data_ptr()
    for weight in stack.weights:
        for matrix in weight:
            assert (matrix.data_ptr() - first) % 64 == 0
    assert stack.buffer.numel() % 16 == 0


def test_copy_gives_the_weights_back():
    networks, stack = make_stack()
    before = [parameter.clone() for network in networks for parameter in network.parameters()]
    stack.copy_to(networks)
    after = [parameter for network in networks for parameter in network.parameters()]
    assert all(torch.equal(a, b) for a, b in zip(before, after, strict=True))


def test_a_new_shape_is_a_new_array():
    space = Workspace("cpu", torch.float64)
    first = space.take("pairs", 2, 3)
    first.fill_(1)
    assert space.take("pairs", 2, 3).sum() == 6
    assert space.take("other", 2, 3).sum() == 0
    changed = space.take("pairs", 2, 4)
    assert (changed.shape, changed.dtype, changed.sum()) == ((2, 4), torch.float64, 0)
