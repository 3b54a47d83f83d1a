"""The plain loop against one written from the method's text alone; its parts; and tasks that cannot be trained."""

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from affectmap.errors import ConfigError
from affectmap.losses import LOSSES, ContinuousMetricLoss
from affectmap.model.network import DenoisingAutoencoder
from affectmap.model.settings import LOSS_NAMES
from affectmap.model.training import CURVES, TrainingSettings, TrainingTask, train_plain
from affectmap.model.training.loop import (
    MetricValues,
    check_together,
    draw_epoch,
    finished,
    label_tensors,
    metric_values,
    objective,
    one_thread,
)
from cases import each

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


@each("preset", PRESETS)
@each(("n_labels", "missing", "batch_size"), [(1, 0.3, 16), (2, 0.2, 16), (1, 0.8, 4)])
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


@each("preset", PRESETS)
def test_weight_0_is_training_without_labels(preset, small, make_task, are_same):
    settings = replace(small, preset=preset)
    task = make_task(n_labels=2)
    without = train_plain(replace(task, label=None), settings)
    assert are_same(train_plain(replace(task, weight=0.0), settings), without)
    assert not are_same(train_plain(task, settings), without)
    assert (without.curves[["slope", "residual"]] == 0).all(axis=None)
    assert without.curves["total"].equals(without.curves["reconstruction"])


@each("preset", PRESETS)
@each("label", [np.nan, 3.0])
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
    for chosen in (task, replace(task, label=None)):
        trained = train_plain(chosen, settings)
        latent_diff = nn.functional.pdist(trained.network.encode(torch.tensor(task.features)).detach())
        found.append(torch.corrcoef(torch.stack([label_diff, latent_diff]))[0, 1].item())
        assert trained.curves["reconstruction"].iloc[-1] < trained.curves["reconstruction"].iloc[0]
    assert found[0] > found[1] + 0.1


def test_float64_stays_float64(small, make_task):
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


def test_divergence_is_reported(small, make_task):
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


def drawn(seed, shape, batch_size):
    return list(draw_epoch(torch.Generator().manual_seed(seed), shape, batch_size))


@each(("n_rows", "batch_size"), [(10, 3), (9, 3), (1, 4), (4, 4), (200, 3)])
def test_an_epoch_visits_every_row_once(n_rows, batch_size):
    batches = drawn(0, (n_rows, 5), batch_size)
    sizes = [len(rows) for rows, _ in batches]
    assert sorted(torch.cat([rows for rows, _ in batches]).tolist()) == list(range(n_rows))
    assert sizes[:-1] == [batch_size] * (math.ceil(n_rows / batch_size) - 1)
    assert [noise.shape for _, noise in batches] == [(size, 5) for size in sizes]


def test_noise_is_standard_normal_and_new_in_every_epoch():
    generator = torch.Generator().manual_seed(0)
    first, second = (list(draw_epoch(generator, (600, 40), 7)) for _ in range(2))
    noise = torch.cat([noise for _, noise in first])
    assert noise.mean().item() == pytest.approx(0, abs=0.03)
    assert noise.std().item() == pytest.approx(1, abs=0.03)
    assert len(noise.unique()) > 0.99 * noise.numel()
    assert not torch.equal(first[0][0], second[0][0])
    assert not torch.equal(first[0][1], second[0][1])


def test_the_seed_decides_order_and_noise():
    for (rows, noise), (same_rows, same_noise) in zip(drawn(1, (90, 4), 8), drawn(1, (90, 4), 8), strict=True):
        assert torch.equal(rows, same_rows)
        assert torch.equal(noise, same_noise)
    assert not torch.equal(drawn(1, (90, 4), 8)[0][0], drawn(2, (90, 4), 8)[0][0])


def test_labels_are_padded_and_missing_ones_marked():
    label = np.array([[1.0, 2.0], [np.nan, 3.0], [4.0, np.nan], [5.0, 1.5]])
    task = TrainingTask(np.zeros((4, 3), np.float32), label)
    values, present = label_tensors(task, 3, torch.float32)
    assert present.tolist() == [True, False, False, True]
    assert values[present].tolist() == [[1.0, 2.0, 0.0], [5.0, 1.5, 0.0]]
    assert values.isfinite().all()
    assert values.dtype == torch.float32


@each("task_options", [{"label": None}, {"label": np.ones((4, 2)), "weight": 0.0}])
def test_no_label_is_present_without_a_metric_term(task_options):
    values, present = label_tensors(TrainingTask(np.zeros((4, 3), np.float32), **task_options), 2, torch.float64)
    assert not present.any()
    assert (values == 0).all()


def test_objective_of_the_paper():
    terms = MetricValues(
        torch.tensor([0.75, 0.0]), torch.tensor([0.5, 0.0]), torch.tensor([0.25, 0.0]), torch.tensor([True, False])
    )
    total = objective(torch.tensor([1.0, 3.0]), terms, torch.tensor([2.0, 2.0]), TrainingSettings())
    assert total.tolist() == [2.5, 3.0]


def test_objective_of_the_authors_code_is_a_logarithm_only_with_a_metric_term():
    terms = MetricValues(
        torch.tensor([0.75, 0.0]), torch.tensor([0.5, 0.0]), torch.tensor([0.25, 0.0]), torch.tensor([True, False])
    )
    reconstruction = torch.tensor([1.0, 3.0], requires_grad=True)
    total = objective(reconstruction, terms, torch.tensor([2.0, 2.0]), TrainingSettings(preset="authors-code"))
    assert total.tolist() == pytest.approx([math.log(2.5), 3.0])
    total.sum().backward()
    assert reconstruction.grad.tolist() == pytest.approx([1 / 2.5, 1.0])


@pytest.fixture
def two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("two_threads")
def test_one_thread_gives_the_threads_back():
    with one_thread():
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == 2


@pytest.mark.usefixtures("two_threads")
def test_one_thread_gives_the_threads_back_after_an_error():
    with pytest.raises(ZeroDivisionError), one_thread():
        _ = 1 / 0
    assert torch.get_num_threads() == 2


def test_finished_counts_epochs_from_1():
    network = DenoisingAutoencoder(4, (3,), 2)
    trained = finished(network, np.arange(10.0).reshape(2, 5))
    assert trained.curves.index.tolist() == [1, 2]
    assert trained.curves.index.name == "epoch"
    assert tuple(trained.curves.columns) == CURVES
    assert not trained.network.training


@each("value", [np.nan, np.inf])
def test_a_diverged_model_is_no_model(value):
    curves = np.zeros((5, 5))
    curves[3:, 1] = value
    with pytest.raises(ConfigError, match="training diverged in epoch 4; standardise the features or lower"):
        finished(DenoisingAutoencoder(4, (3,), 2), curves)


def test_batches_by_group_are_of_one_group_and_hold_every_row_once():
    group = torch.tensor([0, 1, 2]).repeat(40)
    drawn = [rows for rows, _ in draw_epoch(torch.Generator().manual_seed(3), (120, 4), 20, group)]
    assert sorted(torch.cat(drawn).tolist()) == list(range(120))
    groups = [group[rows].unique().tolist() for rows in drawn]
    assert sorted(map(tuple, groups)) == [(0,), (0,), (1,), (1,), (2,), (2,)]
    assert groups != sorted(groups)
    assert [len(rows) for rows, _ in draw_epoch(torch.Generator(), (125, 4), 20, group.new_zeros(125))] == [20] * 6 + [
        5
    ]


def test_the_sum_is_that_of_the_losses_and_shows_the_paper_s_terms():
    generator = torch.Generator().manual_seed(0)
    latent, label = torch.randn(2, 12, 2, generator=generator), torch.rand(2, 12, 2, generator=generator)
    present = (torch.rand(2, 12, generator=generator) > 0.3).float()
    found = metric_values(latent, label, present, ("paper", "axis", "stress"))
    alone = {name: LOSSES[name]()(latent, label, present) for name in ("paper", "axis", "stress")}
    torch.testing.assert_close(found.value, sum(alone.values()))
    torch.testing.assert_close(found.slope + found.residual, alone["paper"])
    assert found.usable.all()


@each("names", [(), ("axis",)])
def test_without_the_paper_s_loss_its_terms_are_0(names):
    latent, label = torch.randn(2, 5, 2, generator=torch.Generator().manual_seed(0)), torch.arange(10.0).view(2, 5, 1)
    found = metric_values(latent, label, torch.ones(2, 5), names)
    assert found.slope.tolist() == found.residual.tolist() == [0, 0]
    assert (found.value > 0).all() == bool(names)


WHOLE = "expected a whole number of 1 or more"
WIDTH = "expected a whole number from 1 to 4096"


def features(*shape):
    return np.zeros(shape, dtype=np.float32)


def test_defaults_are_the_paper_s():
    settings = TrainingSettings()
    assert settings == TrainingSettings(preset="paper")
    assert (settings.epochs, settings.batch_size, settings.learning_rate) == (50, 64, 1e-3)
    assert (settings.hidden_dims, settings.latent_dim, settings.noise_std) == ((40, 20, 10), 2, 1.0)


def test_authors_code_brings_its_own_epochs_and_learning_rate():
    settings = TrainingSettings(preset="authors-code")
    assert (settings.preset, settings.epochs, settings.learning_rate) == ("authors-code", 100, 1e-4)
    assert settings == replace(TrainingSettings(), preset="authors-code", epochs=100, learning_rate=1e-4)


def test_chosen_values_come_before_the_preset_s():
    settings = TrainingSettings(preset="authors-code", epochs=7, learning_rate=None, latent_dim=4)
    assert (settings.epochs, settings.learning_rate, settings.latent_dim) == (7, 1e-4, 4)


@each(
    ("field", "value", "message"),
    [
        ("preset", "papers", r"preset is 'papers'; expected one of paper, authors-code"),
        ("preset", None, "preset is None"),
        ("epochs", 0, f"epochs is 0; {WHOLE}"),
        ("epochs", 2.5, f"epochs is 2.5; {WHOLE}"),
        ("epochs", True, f"epochs is True; {WHOLE}"),
        ("epochs", "50", f"epochs is '50'; {WHOLE}"),
        ("latent_dim", 0, f"latent_dim is 0; {WIDTH}"),
        ("latent_dim", None, f"latent_dim is None; {WIDTH}"),
        ("batch_size", 0, f"batch_size is 0; {WHOLE}"),
        ("batch_size", -64, f"batch_size is -64; {WHOLE}"),
        ("hidden_dims", (40, 0), rf"hidden_dims\[1\] is 0; {WIDTH}"),
        ("hidden_dims", (40, 20.0), rf"hidden_dims\[1\] is 20.0; {WIDTH}"),
        ("hidden_dims", 40, f"hidden_dims is 40; expected a list, each item a{WIDTH[10:]}"),
        ("hidden_dims", "40", "hidden_dims is '40'; expected a list, each item a whole number"),
        ("hidden_dims", (12_000, 12_000), rf"hidden_dims\[0\] is 12000; {WIDTH}"),
        ("hidden_dims", (2,) * 5000, r"hidden_dims is \(2, .*; expected a list"),
        ("latent_dim", 12_000, f"latent_dim is 12000; {WIDTH}"),
        ("epochs", 10**400, "epochs is a number of about 401 digits; expected one of at most 15"),
        ("noise_std", 10**400, "noise_std is a number of about 401 digits; expected one"),
        ("noise_std", -0.1, "noise_std is -0.1; expected a number of 0 or more"),
        ("noise_std", float("nan"), "noise_std is nan; expected a number of 0 or more"),
        ("noise_std", None, "noise_std is None; expected a number of 0 or more"),
        ("learning_rate", 0, "learning_rate is 0; expected a number above 0"),
        ("learning_rate", -1e-3, "learning_rate is -0.001; expected a number above 0"),
        ("learning_rate", float("inf"), "learning_rate is inf; expected a number above 0"),
        ("learning_rate", "1e-3", "learning_rate is '1e-3'; expected a number above 0"),
    ],
)
def test_settings_out_of_range(field, value, message):
    with pytest.raises(ConfigError, match=f"^{message}") as error:
        TrainingSettings(**{field: value})
    assert "\n" not in str(error.value)


def test_settings_take_numpy_s_numbers_and_lists():
    settings = TrainingSettings(
        epochs=np.int64(3), noise_std=np.float32(0), learning_rate=np.float64(0.1), hidden_dims=[4, np.int32(3)]
    )
    assert settings.hidden_dims == (4, 3)
    assert hash(settings) == hash(replace(settings))
    assert TrainingSettings(hidden_dims=()).hidden_dims == ()


@each(
    ("values", "message"),
    [
        ({"features": features(0, 88)}, "a model has no utterances to train on; check the folds and the emotions"),
        ({"features": features(5, 0)}, r"features have shape \(5, 0\); expected \(N, F\)"),
        ({"features": features(5)}, r"features have shape \(5,\); expected \(N, F\)"),
        ({"features": np.full((2, 2), np.nan)}, "features are not all finite"),
        ({"features": np.array([[1.0, np.inf]])}, "features are not all finite"),
        ({"label": np.ones(5)}, r"labels have shape \(5,\); expected \(5, L\), one row an utterance"),
        ({"label": np.ones((4, 1))}, r"labels have shape \(4, 1\); expected \(5, L\)"),
        ({"label": np.ones((5, 0))}, r"labels have shape \(5, 0\); expected \(5, L\)"),
        ({"label": np.full((5, 1), np.inf)}, "labels are infinite in places; expected finite numbers, or NaN"),
        ({"weight": -1.0}, "weight is -1.0; expected a number of 0 or more"),
        ({"weight": float("nan")}, "weight is nan; expected a number of 0 or more"),
        ({"weight": "1"}, "weight is '1'; expected a number of 0 or more"),
        ({"seed": -1}, "seed is -1; expected a whole number from 0 to 9223372036854775807"),
        ({"seed": 2**63}, "seed is 9223372036854775808; expected a whole number from 0 to"),
        ({"seed": None}, "seed is None; expected a whole number from 0 to"),
    ],
)
def test_tasks_that_cannot_be_trained(values, message):
    with pytest.raises(ConfigError, match=f"^{message}") as error:
        TrainingTask(**{"features": features(5, 88), "label": None} | values)
    assert "\n" not in str(error.value)


def test_number_of_labels_in_the_metric_term():
    label = np.ones((5, 2))
    assert TrainingTask(features(5, 88), label).n_labels == 2
    assert TrainingTask(features(5, 88), label, weight=0).n_labels == 0
    assert TrainingTask(features(5, 88), None).n_labels == 0
    assert TrainingTask(features(5, 88), np.ones((5, 1), dtype=int), seed=2**63 - 1).n_labels == 1


def test_seed_of_numpy_becomes_one_that_pytorch_takes():
    task = TrainingTask(features(5, 88), None, seed=np.int32(3))
    assert torch.Generator().manual_seed(task.seed).initial_seed() == 3


def test_widths_must_agree():
    tasks = [TrainingTask(features(5, width), None) for width in (88, 12, 88)]
    with pytest.raises(ConfigError, match=r"models of one stack have \[12, 88\] features; expected one number"):
        check_together(tasks, TrainingSettings(), "cpu")


def test_authors_code_splits_the_latent_by_label():
    task = TrainingTask(features(5, 88), np.ones((5, 2)))
    check_together([task], TrainingSettings(preset="paper", latent_dim=1), "cpu")
    settings = TrainingSettings(preset="authors-code", latent_dim=1)
    check_together([replace(task, weight=0)], settings, "cpu")
    with pytest.raises(ConfigError, match="1 dimensions do not do for 2 labels; give it at least 2"):
        check_together([task], settings, "cpu")


@each("device", ["gpu", "mps", "cuda:9", "", None, 0])
def test_other_devices(device):
    with pytest.raises(ConfigError, match=f"device is {device!r}; expected 'cpu' or 'cuda'"):
        check_together([], TrainingSettings(), device)


def test_a_task_for_cuda_where_there_is_none(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ConfigError, match="PyTorch finds no CUDA device here; use 'cpu'"):
        check_together([], TrainingSettings(), "cuda")


@each(
    ("values", "message"),
    [
        ({"losses": "papers"}, r"losses is 'papers'; expected names joined by '\+', each once, of .*paper, "),
        ({"losses": "axis+axis"}, "losses is 'axis\\+axis'; expected names"),
        ({"losses": "linear-head"}, "losses is 'linear-head'; expected names"),
        ({"losses": None}, "losses is None; expected a text"),
        ({"losses": "axis", "preset": "authors-code"}, "losses is 'axis'; authors-code is a loss itself"),
        ({"schedule": "cosine"}, r"schedule is 'cosine'; expected one of constant, one-cycle"),
        ({"batches": "by-corpus"}, r"batches is 'by-corpus'; expected one of mixed, by-group"),
        ({"reconstruction": -1.0}, "reconstruction is -1.0; expected a number of 0 or more"),
    ],
)
def test_settings_beyond_the_paper_are_checked(values, message):
    with pytest.raises(ConfigError, match=message):
        TrainingSettings(**values)


def test_axis_loss_needs_an_axis_for_every_label():
    task = TrainingTask(features(5, 88), np.ones((5, 2)))
    with pytest.raises(ConfigError, match="2 labels need as many latent axes; got 1"):
        check_together([task], TrainingSettings(losses="paper+axis", latent_dim=1), "cpu")


def test_batches_by_group_need_groups():
    task = TrainingTask(features(5, 88), np.ones((5, 2)))
    with pytest.raises(ConfigError, match="batches by-group need the group of every utterance; a task has none"):
        check_together([task], TrainingSettings(batches="by-group"), "cpu")
    with pytest.raises(ConfigError, match=r"groups have shape \(4,\); expected \(5,\), one an utterance"):
        replace(task, group=np.zeros(4, dtype=int))


def test_every_loss_can_be_named_but_the_one_with_weights():
    assert {*LOSS_NAMES, "linear-head"} == set(LOSSES)
