"""The loops that the stacked trainer is measured against do what it does, no less."""

import numpy as np
import pytest
import torch

import loops
from affectmap.losses import ContinuousMetricLoss
from affectmap.model.training import TrainingSettings, TrainingTask, train_plain

METRICS = (loops.metric_loss, loops.metric_loss_by_pairs)
LOOPS = (loops.researcher_loop, loops.in_memory_loop, loops.pair_loop)


@pytest.fixture(name="fold")
def make_fold():
    """Features with one direction that the label follows; the last batch has six rows."""
    rng = np.random.default_rng(0)
    source = rng.normal(size=(70, 1))
    features = source * rng.normal(size=(1, 88)) + 0.3 * rng.normal(size=(70, 88))
    return features.astype(np.float32), np.round(source[:, 0] + 3).astype(np.float32)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("n_rows", [2, 3, 17])
def test_objective_and_gradients_are_those_of_the_package(metric, n_rows):
    generator = torch.Generator().manual_seed(n_rows)
    clean, noise = torch.randn(2, n_rows, 6, generator=generator, dtype=torch.float64)
    label = torch.arange(n_rows, dtype=torch.float64) % 4
    encoder, decoder = (half.double() for half in loops.networks((6, 5, 3)))
    weights = [*encoder.parameters(), *decoder.parameters()]
    found = loops.objective(encoder, decoder, clean, clean + noise, label, metric)
    latent = encoder(clean + noise)
    expected = (decoder(latent) - clean).square().mean() + ContinuousMetricLoss()(latent, label)
    torch.testing.assert_close(found, expected, rtol=1e-6, atol=0)
    gradients = (torch.autograd.grad(value, weights) for value in (found, expected))
    for one, other in zip(*gradients, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("metric", METRICS)
def test_three_points_by_hand(metric):
    latent, label = torch.tensor([[0.0, 0.0], [3.0, 4.0], [0.0, 1.0]]), torch.tensor([1.0, 3.0, 4.0])
    # d_z = 5, 1, √18 and d_y = 2, 3, 1
    slope = (10 + 3 + 18**0.5) / 14
    residual = ((5 - 2 * slope) ** 2 + (1 - 3 * slope) ** 2 + (18**0.5 - slope) ** 2) / 3
    assert metric(latent, label).item() == pytest.approx(abs(1 - slope) + residual, rel=1e-6)


def test_network_is_that_of_the_paper():
    encoder, decoder = loops.networks()
    shapes = [tuple(layer.weight.shape) for layer in [*encoder, *decoder] if isinstance(layer, torch.nn.Linear)]
    assert shapes == [(40, 88), (20, 40), (10, 20), (2, 10), (10, 2), (20, 10), (40, 20), (88, 40)]
    for half in (encoder, decoder):
        assert [type(layer).__name__ for layer in half] == ["Linear", "ReLU"] * 3 + ["Linear"]


@pytest.mark.parametrize("seed", range(3))
def test_in_memory_loop_is_the_plain_trainer(seed, fold):
    features, label = fold
    trained = train_plain(TrainingTask(features, label[:, None], seed=seed), TrainingSettings(epochs=6))
    found = loops.in_memory_loop(features, label, 6, seed)
    np.testing.assert_allclose(found, trained.curves["total"], rtol=1e-4)


def test_pair_loop_differs_from_the_researchers_in_speed_only(fold):
    found, expected = (loop(*fold, 2, 5) for loop in (loops.pair_loop, loops.researcher_loop))
    np.testing.assert_allclose(found, expected, rtol=1e-4)


@pytest.mark.parametrize("loop", LOOPS)
def test_every_loop_learns_and_draws_by_its_seed(loop, fold):
    first, again, other = (loop(*fold, 5, seed) for seed in (1, 1, 2))
    assert first == again != other
    assert len(first) == 5
    assert np.isfinite(first).all()
    assert first[-1] < first[0]


def test_models_are_trained_one_after_the_other(fold):
    found = loops.train_in_turn(loops.in_memory_loop, *fold, 2, [3, 4])
    assert found == [loops.in_memory_loop(*fold, 2, seed) for seed in (3, 4)]


@pytest.mark.parametrize("losses", [[1.0, 1.5], [1.0, float("nan")], [float("inf")]])
def test_a_loop_that_does_not_learn_is_no_rival(losses, fold):
    def idle_loop(*arguments):
        return losses

    with pytest.raises(RuntimeError, match="idle_loop does not learn"):
        loops.train_in_turn(idle_loop, *fold, len(losses), [0])


def test_product_rate_counts_what_was_multiplied(monkeypatch):
    clock = iter([0.0, 0.0, 0.5, 2.0, 2.0])
    monkeypatch.setattr(loops.time, "perf_counter", lambda: next(clock))
    # Two products of 2 · 100³ operations in two seconds.
    assert loops.product_rate(100, at_least_s=1.0) == pytest.approx(0.002)
