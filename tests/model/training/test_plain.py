"""The plain loop against one written from the method's text alone."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from affectmap.errors import ConfigError
from affectmap.losses import ContinuousMetricLoss
from affectmap.model.network import DenoisingAutoencoder
from affectmap.model.training import CURVES, TrainingSettings, train_plain

PRESETS = ("paper", "authors-code")


def train_by_hand(task, settings):
    """Training in float64 with PyTorch's own modules; also whether each batch had a metric term."""
    generator = torch.Generator().manual_seed(task.seed)
    n_rows, n_features = task.features.shape
    network = DenoisingAutoencoder(
        n_features, settings.hidden_dims, settings.latent_dim, 1.0, settings.preset, generator
    ).double()
    optimiser = torch.optim.Adam(network.parameters(), lr=settings.learning_rate)
    features, metric = torch.tensor(task.features).double(), ContinuousMetricLoss(settings.preset)
    label = torch.tensor(task.label)
    curves, had_terms = [], []
    for _ in range(settings.epochs):
        order = torch.randperm(n_rows, generator=generator)
        noises = torch.randn(n_rows, n_features, generator=generator).double()
        seen = []
        for start in range(0, n_rows, settings.batch_size):
            rows, noise = (values[start : start + settings.batch_size] for values in (order, noises))
            latent = network.encode(features[rows] + settings.noise_std * noise)
            reconstruction = nn.functional.mse_loss(network.decode(latent), features[rows])
            present = ~label[rows].isnan().any(dim=1)
            has_term = present.sum() > 1 and (label[rows][present] != label[rows][present][0]).any()
            total = reconstruction + task.weight * metric(latent, label[rows])
            if settings.preset == "authors-code" and has_term:
                total = total.log()
            optimiser.zero_grad()
            total.backward()
            optimiser.step()
            seen += [(total.item(), reconstruction.item(), metric(latent, label[rows]).item())] * len(rows)
            had_terms.append(bool(has_term))
        curves.append(np.mean(seen, axis=0))
    return network, np.array(curves), had_terms


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize(("n_labels", "missing", "batch_size"), [(1, 0.3, 16), (2, 0.2, 16), (1, 0.8, 4)])
def test_weights_and_curves_are_those_of_the_method(preset, n_labels, missing, batch_size, small, make_task):
    settings = replace(small, preset=preset, batch_size=batch_size, noise_std=0.7, epochs=2)
    task = make_task(n_labels=n_labels, missing=missing, weight=1.5)
    network, curves, had_terms = train_by_hand(task, settings)
    trained = train_plain(task, settings, dtype=torch.float64)
    for found, expected in zip(trained.network.parameters(), network.parameters(), strict=True):
        assert torch.allclose(found, expected, rtol=0, atol=1e-12)
    found = trained.curves
    assert np.allclose(found[["total", "reconstruction"]], curves[:, :2], rtol=0, atol=1e-12)
    assert np.allclose(found["slope"] + found["residual"], curves[:, 2], rtol=0, atol=1e-12)
    assert any(had_terms)
    assert all(had_terms) == (missing < 0.5)


def test_first_epoch_of_the_curves_by_definition(small, make_task):
    # One batch an epoch, so that the first row is what the untrained network does.
    task = make_task(n_rows=30, missing=0.2)
    trained = train_plain(task, replace(small, batch_size=30), dtype=torch.float64)
    generator = torch.Generator().manual_seed(task.seed)
    network = DenoisingAutoencoder(12, small.hidden_dims, generator=generator).double()
    order = torch.randperm(30, generator=generator)
    noise = torch.randn(30, 12, generator=generator).double()
    clean = torch.tensor(task.features).double()[order]
    latent = network.encode(clean + noise)
    label = torch.tensor(task.label)[order, 0]
    kept = ~label.isnan()
    d_z, d_y = nn.functional.pdist(latent[kept]), nn.functional.pdist(label[kept][:, None])
    slope = (d_z @ d_y) / (d_y @ d_y)
    expected = [
        (network.decode(latent) - clean).square().mean().item(),
        (1 - slope).abs().item(),
        (d_z - slope * d_y).square().mean().item(),
    ]
    assert trained.curves.loc[1].tolist() == pytest.approx([sum(expected), *expected, sum(expected[1:])], rel=1e-12)


def test_curves_have_one_row_an_epoch(small, make_task):
    curves = train_plain(make_task(), small).curves
    assert isinstance(curves, pd.DataFrame)
    assert tuple(curves.columns) == CURVES
    assert curves.index.tolist() == [1, 2, 3, 4]
    assert curves["total"].to_numpy() == pytest.approx(
        (curves["reconstruction"] + curves["slope"] + curves["residual"]).to_numpy()
    )
    assert curves["metric"].to_numpy() == pytest.approx((curves["slope"] + curves["residual"]).to_numpy())


@pytest.mark.parametrize("preset", PRESETS)
def test_weight_0_is_training_without_labels(preset, small, make_task, are_same):
    settings = replace(small, preset=preset)
    task = make_task(n_labels=2)
    without = train_plain(replace(task, label=None), settings)
    assert are_same(train_plain(replace(task, weight=0.0), settings), without)
    assert not are_same(train_plain(task, settings), without)
    assert (without.curves[["slope", "residual"]] == 0).all(axis=None)
    assert without.curves["total"].equals(without.curves["reconstruction"])


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("label", [np.nan, 3.0])
def test_labels_without_a_pair_are_no_labels(preset, label, small, make_task, are_same):
    settings = replace(small, preset=preset)
    task = make_task()
    constant = replace(task, label=np.full_like(task.label, label))
    assert are_same(train_plain(constant, settings), train_plain(replace(task, label=None), settings))


def test_same_seed_same_model(small, make_task, are_same):
    task = make_task()
    assert are_same(train_plain(task, small), train_plain(task, small))
    assert not are_same(train_plain(task, small), train_plain(replace(task, seed=1), small))


def test_global_generator_is_neither_used_nor_moved(small, make_task, are_same):
    torch.manual_seed(0)
    first = train_plain(make_task(), small)
    state = torch.get_rng_state()
    torch.manual_seed(1)
    assert are_same(train_plain(make_task(), small), first)
    torch.manual_seed(0)
    assert torch.equal(torch.get_rng_state(), state)


def test_metric_training_makes_distances_follow_those_of_labels(small, make_task):
    settings = replace(small, epochs=15)
    task = make_task(200)
    label_diff = nn.functional.pdist(torch.tensor(task.label))
    found = []
    for each in (task, replace(task, label=None)):
        trained = train_plain(each, settings)
        latent_diff = nn.functional.pdist(trained.network.encode(torch.tensor(task.features)).detach())
        found.append(torch.corrcoef(torch.stack([label_diff, latent_diff]))[0, 1].item())
        assert trained.curves["reconstruction"].iloc[-1] < trained.curves["reconstruction"].iloc[0]
    assert found[0] > found[1] + 0.1


def test_float64_holds_to_the_end(small, make_task):
    trained = train_plain(make_task(), small, dtype=torch.float64)
    assert {parameter.dtype for parameter in trained.network.parameters()} == {torch.float64}
    single = train_plain(make_task(), small)
    assert {parameter.dtype for parameter in single.network.parameters()} == {torch.float32}
    assert np.allclose(single.curves, trained.curves, rtol=1e-3)


def test_takes_arrays_that_may_not_be_written(small, make_task, are_same):
    task, locked = make_task(), make_task()
    locked.features.setflags(write=False)
    locked.label.setflags(write=False)
    assert are_same(train_plain(locked, small), train_plain(task, small))


def test_divergence_is_told(small, make_task):
    with pytest.raises(ConfigError, match=r"training diverged in epoch \d; standardise the features or lower"):
        train_plain(make_task(), replace(small, learning_rate=1e30))


def test_cuda_where_there_is_none(monkeypatch, small, make_task):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ConfigError, match="finds no CUDA device here; use 'cpu'"):
        train_plain(make_task(), small, device="cuda")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="PyTorch finds no CUDA device here")
def test_cuda_equals_cpu_to_rounding(small, make_task, difference):
    here, there = (train_plain(make_task(), small, device=d, dtype=torch.float64) for d in ("cpu", "cuda"))
    assert difference(here, there) < 1e-10


def test_default_settings_are_the_paper_s(make_task, are_same):
    task = make_task(20)
    assert are_same(train_plain(task), train_plain(task, TrainingSettings(preset="paper")))
