"""The network by what it does: sizes, ReLU, what its seed decides; and a stack against its networks one by one."""

import math

import pytest
import torch

from affectmap.errors import ConfigError
from affectmap.model.network import DenoisingAutoencoder, NetworkStack, Workspace, padded, relu_after
from affectmap.model.training import TrainingSettings
from cases import each

PRESETS = ("paper", "authors-code")


def seeded(seed=0, **options):
    return DenoisingAutoencoder(generator=torch.Generator().manual_seed(seed), **options)


def weights(model):
    return torch.cat([parameter.detach().flatten() for parameter in model.parameters()])


def by_hand(layers, relu, values):
    """A chain of linear layers with ReLU where said, by matrix products."""
    for layer, bends in zip(layers, relu, strict=True):
        values = values @ layer.weight.T + layer.bias
        values = values.clamp(min=0) if bends else values
    return values


@pytest.mark.parametrize("preset", PRESETS)
def test_9310_parameters_and_the_paper_s_layers(preset):
    model = seeded(preset=preset)
    assert sum(parameter.numel() for parameter in model.parameters()) == 9310
    sizes = [(layer.in_features, layer.out_features) for layer in [*model.encoder, *model.decoder]]
    assert sizes == [(88, 40), (40, 20), (20, 10), (10, 2), (2, 10), (10, 20), (20, 40), (40, 88)]


@pytest.mark.parametrize(
    ("preset", "decoder_relu"),
    [("paper", (True, True, True, False)), ("authors-code", (False, True, False, False))],
)
def test_relu_where_the_preset_has_it(preset, decoder_relu):
    model = seeded(preset=preset)
    features = torch.randn(50, 88, generator=torch.Generator().manual_seed(1))
    latent = by_hand(model.encoder, (True, True, True, False), features)
    assert torch.allclose(model.encode(features), latent, atol=1e-6)
    # Latents far out, so that a ReLU too many or too few cannot hide.
    latent = 10 * torch.randn(50, 2, generator=torch.Generator().manual_seed(2))
    assert torch.allclose(model.decode(latent), by_hand(model.decoder, decoder_relu, latent), atol=1e-4)


def test_latent_and_output_take_both_signs():
    model = seeded()
    features = 5 * torch.randn(200, 88, generator=torch.Generator().manual_seed(1))
    latent, reconstructed = model(features)
    for values in (latent, reconstructed):
        assert (values < 0).any()
        assert (values > 0).any()


def test_same_seed_same_weights():
    assert torch.equal(weights(seeded(3)), weights(seeded(3)))
    assert not torch.equal(weights(seeded(3)), weights(seeded(4)))


def test_both_presets_start_from_the_same_weights():
    assert torch.equal(weights(seeded(3)), weights(seeded(3, preset="authors-code")))


def test_its_own_generator_leaves_the_global_one_alone():
    torch.manual_seed(0)
    before = torch.get_rng_state()
    seeded(3)
    assert torch.equal(torch.get_rng_state(), before)


def test_without_a_generator_the_global_one_decides():
    torch.manual_seed(0)
    first = weights(DenoisingAutoencoder())
    torch.manual_seed(0)
    assert torch.equal(weights(DenoisingAutoencoder()), first)
    assert not torch.equal(weights(DenoisingAutoencoder()), first)


def test_weights_lie_within_the_default_bound_of_pytorch():
    for layer in [*(model := seeded()).encoder, *model.decoder]:
        bound = 1 / math.sqrt(layer.in_features)
        for parameter in (layer.weight, layer.bias):
            assert parameter.abs().max() <= bound
        assert layer.weight.abs().max() > 0.8 * bound


@pytest.mark.parametrize(
    ("options", "n_parameters"),
    [
        ({"input_dim": 5, "hidden_dims": (4,), "latent_dim": 3}, 5 * 4 + 4 + 4 * 3 + 3 + 3 * 4 + 4 + 4 * 5 + 5),
        ({"input_dim": 5, "hidden_dims": (), "latent_dim": 1}, 5 + 1 + 5 + 5),
        ({"input_dim": 4, "hidden_dims": (6, 3), "latent_dim": 8}, 30 + 21 + 32 + 27 + 24 + 28),
    ],
)
@pytest.mark.parametrize("preset", PRESETS)
def test_sizes_are_parameters(options, n_parameters, preset):
    model = seeded(preset=preset, **options)
    assert sum(parameter.numel() for parameter in model.parameters()) == n_parameters
    latent, reconstructed = model(torch.zeros(7, options["input_dim"]))
    assert latent.shape == (7, options["latent_dim"])
    assert reconstructed.shape == (7, options["input_dim"])


def test_noise_is_scaled_and_reaches_the_latent():
    model = seeded(noise_std=0.5)
    clean, noise = torch.randn(2, 30, 88, generator=torch.Generator().manual_seed(1))
    latent, reconstructed = model(clean, noise)
    assert torch.equal(latent, model.encode(clean + 0.5 * noise))
    assert torch.equal(reconstructed, model.decode(latent))
    assert not torch.allclose(latent, model.encode(clean))


def test_noise_is_drawn_where_none_is_given():
    model = seeded(input_dim=50, hidden_dims=(), latent_dim=50, noise_std=2.0)
    with torch.no_grad():
        model.encoder[0].weight.copy_(torch.eye(50))
        model.encoder[0].bias.zero_()
    torch.manual_seed(0)
    first, second = (model(torch.full((400, 50), 7.0))[0] - 7.0 for _ in range(2))
    assert first.std().item() == pytest.approx(2.0, rel=0.02)
    assert first.mean().item() == pytest.approx(0.0, abs=0.05)
    assert not torch.equal(first, second)


def test_no_noise_is_clean_input():
    model = seeded(noise_std=0.0)
    features = torch.randn(10, 88, generator=torch.Generator().manual_seed(1))
    assert torch.equal(model(features)[0], model.encode(features))


@pytest.mark.parametrize(
    ("n_hidden", "preset", "decoder"),
    [
        (0, "paper", (False,)),
        (1, "paper", (True, False)),
        (0, "authors-code", (False,)),
        (1, "authors-code", (False, False)),
        (2, "authors-code", (False, True, False)),
        (4, "authors-code", (False, True, False, False, False)),
    ],
)
def test_relu_for_other_depths(n_hidden, preset, decoder):
    encoder = (True,) * n_hidden + (False,)
    assert relu_after(n_hidden, preset) == (encoder, decoder)


def test_unknown_preset_is_refused():
    with pytest.raises(ConfigError, match="preset is 'other'; expected one of"):
        DenoisingAutoencoder(preset="other")


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
    return networks, NetworkStack(networks, settings, Workspace("cpu", dtype))


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
    optimiser = torch.optim.Adam([stack.buffer], fused=True)
    for _ in range(5):
        values = stack.forward(features())
        stack.backward(values, values[-1] - features(), stack.latent(values).clone())
        optimiser.step()
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
