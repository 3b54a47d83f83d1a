"""The stacked trainer against the plain loop, a model's independence of its neighbours, batches and gradients."""

import math
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from affectmap.errors import ConfigError
from affectmap.losses import LOSSES, metric_terms
from affectmap.model.network import Workspace
from affectmap.model.training import CURVES, VALIDATION_CURVES, TrainingSettings, train_plain, train_stacked
from affectmap.model.training import stacked as stacked_module
from affectmap.model.training.loop import draw_epoch, new_network
from affectmap.model.training.stacked import Batch, StackBatches, _metric_gradient
from affectmap.parallel.workers import WorkersError
from cases import each

PRESETS = ("paper", "authors-code")


@pytest.fixture
def mixed(make_task):
    """Ragged folds, with no label, one, two, and some of them missing; two numbers of steps."""
    return [
        make_task(70, 1, seed=0),
        make_task(65, 0, seed=1),
        make_task(79, 1, missing=0.3, seed=2),
        make_task(70, 2, seed=0),
        make_task(80, 2, missing=0.4, seed=3),
        make_task(66, 1, seed=4, weight=0.0),
        make_task(33, 1, missing=0.9, seed=5),
        make_task(48, 2, missing=0.2, seed=6, weight=2.5),
        make_task(70, 1, missing=1.0, seed=7),
    ]


@each("preset", PRESETS)
@each(("latent_dim", "batch_size"), [(2, 16), (3, 13), (2, 500)])
def test_equals_the_plain_loop(preset, latent_dim, batch_size, small, mixed, difference):
    settings = replace(small, preset=preset, latent_dim=latent_dim, batch_size=batch_size, epochs=2)
    together = train_stacked(mixed, settings, dtype=torch.float64)
    for task, model in zip(mixed, together, strict=True):
        assert difference(model, train_plain(task, settings, dtype=torch.float64)) < 1e-12


#: Settings beyond the paper's; every one of them changes what a step does.
BEYOND = (
    {"losses": "axis"},
    {"losses": "paper+axis", "reconstruction": 0.0, "schedule": "one-cycle"},
    {"losses": "rank-n-contrast+pair-ccc"},
    {"reconstruction": 0.3, "batches": "by-group"},
    {"reconstruction": 0.0},
)


def grouped(tasks):
    return [replace(task, group=np.arange(len(task.features)) % 3) for task in tasks]


@each("beyond", BEYOND)
def test_equals_the_plain_loop_beyond_the_paper(beyond, small, mixed, difference):
    settings, tasks = replace(small, epochs=2, **beyond), grouped(mixed[2:5])
    for task, model in zip(tasks, train_stacked(tasks, settings, dtype=torch.float64), strict=True):
        # Adam divides by gradients, and those near 0 carry the rounding of the encoder alone.
        assert difference(model, train_plain(task, settings, dtype=torch.float64)) < 1e-6


@each("beyond", BEYOND)
def test_settings_beyond_the_paper_change_the_model(beyond, small, make_task, are_same):
    (task,) = grouped([make_task(70, 2)])
    assert not are_same(train_plain(task, small), train_plain(task, replace(small, **beyond)))


@each("beyond", BEYOND)
def test_neighbours_do_not_change_one_bit_beyond_the_paper(beyond, small, mixed, are_same):
    settings, tasks = replace(small, epochs=2, **beyond), grouped(mixed[:5])
    alone = [train_stacked([task], settings)[0] for task in tasks]
    for chosen in ([*range(len(tasks))], [1, 0], [4, 3, 2]):
        for k, model in zip(chosen, train_stacked([tasks[k] for k in chosen], settings), strict=True):
            assert are_same(model, alone[k]), f"task {k} beside {chosen} differs from itself alone"


def test_without_reconstruction_the_decoder_is_left_alone(small, make_task):
    task = make_task(70, 2)
    model = train_stacked([task], replace(small, reconstruction=0.0))[0]
    fresh = new_network(task, small, torch.Generator().manual_seed(task.seed))
    assert all(
        torch.equal(a, b) for a, b in zip(model.network.decoder.parameters(), fresh.decoder.parameters(), strict=True)
    )
    assert not torch.equal(model.network.encoder[0].weight, fresh.encoder[0].weight)
    assert (model.curves["reconstruction"] == 0).all()


@each("preset", PRESETS)
def test_equals_the_plain_loop_on_88_functionals(preset, make_task, difference):
    tasks = [
        make_task(n_rows, n_labels, missing=0.2, n_features=88, seed=n_rows)
        for n_rows, n_labels in [(150, 1), (181, 2), (192, 0)]
    ]
    settings = TrainingSettings(preset=preset, epochs=3)
    for task, model in zip(tasks, train_stacked(tasks, settings, dtype=torch.float64), strict=True):
        assert difference(model, train_plain(task, settings, dtype=torch.float64)) < 1e-12


@each("hidden_dims", [(), (7,), (30, 3, 11, 5)])
def test_equals_the_plain_loop_for_other_layers(hidden_dims, small, make_task, difference):
    settings = replace(small, hidden_dims=hidden_dims)
    tasks = [make_task(70, 1), make_task(75, 2)]
    for task, model in zip(tasks, train_stacked(tasks, settings, dtype=torch.float64), strict=True):
        assert (
            difference(model, train_plain(task, settings, dtype=torch.float64)) < 1e-11
        )  # latents of three units lie close together, and their differences lose digits


@pytest.mark.slow
@each("preset", PRESETS)
@each("batch_size", [16, 13])
def test_neighbours_do_not_change_one_bit(preset, batch_size, small, mixed, are_same):
    settings = replace(small, preset=preset, batch_size=batch_size, epochs=2)
    alone = [train_stacked([task], settings)[0] for task in mixed]
    everyone = list(range(len(mixed)))
    for chosen in (everyone, everyone[::-1], [0, 1], [1, 0], [2, 4, 0], [3, 0], [8, 6, 5, 4, 3, 2]):
        together = train_stacked([mixed[k] for k in chosen], settings)
        for k, model in zip(chosen, together, strict=True):
            assert are_same(model, alone[k]), f"task {k} beside {chosen} differs from itself alone"


def test_neighbours_do_not_change_one_bit_on_88_functionals(make_task, are_same):
    tasks = [
        make_task(n_rows, n_labels, missing=0.2, n_features=88, seed=n_rows)
        for n_rows, n_labels in [(150, 1), (181, 2), (192, 0), (170, 1), (129, 2)]
    ]
    settings = TrainingSettings(epochs=4)
    alone = [train_stacked([task], settings)[0] for task in tasks]
    for chosen in ([0, 1, 2, 3, 4], [4, 2], [3, 1, 0]):
        for k, model in zip(chosen, train_stacked([tasks[k] for k in chosen], settings), strict=True):
            assert are_same(model, alone[k])


def test_more_tasks_than_one_stack_holds(small, make_task, are_same):
    tasks = [make_task(20 + k % 3, k % 3, seed=k) for k in range(stacked_module.STACK["cpu"] + 7)]
    models = train_stacked(tasks, small)
    assert len(models) == len(tasks)
    for k in (0, 1, 35, 36, len(tasks) - 1):
        assert are_same(models[k], train_stacked([tasks[k]], small)[0])


@each("preset", PRESETS)
@each("n_processes", [1, 2, 5])
def test_stacks_hold_every_task_once_and_are_even(preset, n_processes, make_task):
    settings = TrainingSettings(preset=preset)
    tasks = [make_task(60 + k % 9, k % 3) for k in range(140)]
    stacks = stacked_module._stacks(tasks, settings, n_processes, 64)
    assert sorted(k for stack in stacks for k in stack) == list(range(140))
    assert max(map(len, stacks)) <= 64
    for stack in stacks:
        assert len({math.ceil(len(tasks[k].features) / 64) for k in stack}) == 1
        assert preset == "paper" or len({tasks[k].n_labels for k in stack}) == 1


def test_processes_get_as_many_stacks_each_and_the_longest_first(make_task):
    tasks = [make_task(60)] * 300 + [make_task(600)] * 3
    stacks = stacked_module._stacks(tasks, TrainingSettings(), 2, 64)
    assert [len(stack) for stack in stacks] == [50] * 6 + [2, 1]
    stacks = stacked_module._stacks(tasks[100:], TrainingSettings(batch_size=10), 2, 2500)
    assert [len(stack) for stack in stacks] == [100, 100, 2, 1]


def test_shared_features_are_as_good_as_copies(small, make_task, are_same):
    task = make_task(70, 2)
    shared = [replace(task, seed=seed) for seed in range(3)]
    copies = [replace(each, features=task.features.copy()) for each in shared]
    for first, second in zip(train_stacked(shared, small), train_stacked(copies, small), strict=True):
        assert are_same(first, second)


def test_seeds_make_different_models(small, make_task):
    task = make_task()
    first, second, third = train_stacked([replace(task, seed=seed) for seed in (0, 1, 0)], small)
    for a, b, c in zip(*(model.network.parameters() for model in (first, second, third)), strict=True):
        assert not torch.equal(a, b)
        assert torch.equal(a, c)


def test_methods_of_one_seed_start_alike(small, make_task):
    task = make_task(n_labels=2)
    settings = replace(small, learning_rate=1e-30)
    metric, plain = train_stacked([task, replace(task, label=None)], settings)
    for a, b in zip(metric.network.parameters(), plain.network.parameters(), strict=True):
        assert torch.equal(a, b)
    assert metric.curves["reconstruction"].equals(plain.curves["reconstruction"])


@each("preset", PRESETS)
def test_weight_0_is_training_without_labels(preset, small, make_task, are_same):
    task = make_task(n_labels=2)
    settings = replace(small, preset=preset)
    metric, weightless, without = train_stacked([task, replace(task, weight=0.0), replace(task, label=None)], settings)
    assert are_same(weightless, without)
    assert not are_same(metric, without)


def test_a_batch_larger_than_the_corpus_costs_no_more_than_the_corpus(small, make_task, are_same):
    task = make_task(30)
    huge, fitting = (train_stacked([task, make_task(25)], replace(small, batch_size=size)) for size in (10**6, 64))
    assert are_same(huge[0], fitting[0])


def test_takes_arrays_that_may_not_be_written(small, make_task, are_same):
    task, locked = make_task(), make_task()
    locked.features.setflags(write=False)
    locked.label.setflags(write=False)
    assert are_same(train_stacked([locked], small)[0], train_stacked([task], small)[0])


@each("n_features", [12, 13])
def test_features_in_double_precision(n_features, small, make_task, difference):
    single = make_task(n_features=n_features)
    double = replace(single, features=single.features.astype(np.float64))
    expected = train_plain(double, small)
    for chosen in ([double], [double, replace(double, seed=1)], [double, single]):
        # Adam divides by gradients, so the rounding of float32, another on every processor, grows from step to step.
        assert difference(train_stacked(chosen, small)[0], expected) < 1e-3


def test_memory_that_runs_out_is_a_memory_error(small, make_task, monkeypatch):
    def fail(*arguments):
        raise RuntimeError("[enforce fail at alloc_cpu.cpp:1] DefaultCPUAllocator: can't allocate memory: 1 bytes")

    monkeypatch.setattr(stacked_module, "_differentiate", fail)
    with pytest.raises(WorkersError, match=r"memory ran out .*a smaller batch_size needs less"):
        train_stacked([make_task()], small)


def test_other_errors_of_pytorch_stay_what_they_are(small, make_task, monkeypatch):
    monkeypatch.setattr(stacked_module, "_differentiate", lambda *arguments: torch.ones(2) @ torch.ones(3))
    with pytest.raises(RuntimeError, match="size"):
        train_stacked([make_task()], small)


def test_larger_batches_make_smaller_stacks(make_task):
    tasks = [make_task(5000)] * 60
    stacks = stacked_module._stacks(tasks, TrainingSettings(batch_size=1024), 1, 64)
    assert [len(stack) for stack in stacks] == [15] * 4


def test_no_tasks_no_models(small):
    assert train_stacked([], small) == []


def test_models_are_ready_for_use(small, make_task):
    model, _ = train_stacked([make_task(), make_task(seed=1)], small)
    assert not model.network.training
    latent = model.network.encode(torch.tensor(make_task().features))
    assert latent.shape == (70, 2)
    assert {parameter.dtype for parameter in model.network.parameters()} == {torch.float32}
    assert model.network.noise_std == small.noise_std


@each("n_jobs", [0, -1])
def test_number_of_processes(n_jobs, small, make_task):
    with pytest.raises(ConfigError, match=f"n_jobs is {n_jobs}; expected 1 or more processes"):
        train_stacked([make_task()], small, n_jobs=n_jobs)


def test_widths_must_agree(small, make_task):
    with pytest.raises(ConfigError, match=r"\[12, 13\] features; expected one number for all"):
        train_stacked([make_task(), make_task(n_features=13)], small)


def test_divergence_is_reported(small, make_task):
    with pytest.raises(ConfigError, match=r"training diverged in epoch \d"):
        train_stacked([make_task()], replace(small, learning_rate=1e30))


def test_cuda_where_there_is_none(monkeypatch, small, make_task):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ConfigError, match="finds no CUDA device here; use 'cpu'"):
        train_stacked([make_task()], small, device="cuda")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="PyTorch finds no CUDA device here")
@each("preset", PRESETS)
def test_cuda_equals_cpu_to_rounding(preset, small, mixed, difference):
    settings = replace(small, preset=preset)
    here, there = (train_stacked(mixed, settings, device=d, dtype=torch.float64) for d in ("cpu", "cuda"))
    for first, second in zip(here, there, strict=True):
        assert difference(first, second) < 1e-10


def test_small_work_stays_in_one_process_and_one_stack(small, make_task, monkeypatch):
    asked = []
    original = stacked_module._stacks
    monkeypatch.setattr(
        stacked_module, "_stacks", lambda *arguments: asked.append(arguments[2]) or original(*arguments)
    )
    train_stacked([make_task()], small, n_jobs=8)
    assert asked == [1]


@pytest.mark.slow
def test_two_processes_change_nothing(small, mixed, make_task, are_same, monkeypatch):
    monkeypatch.setattr(stacked_module, "PARALLEL_STEPS", 0)
    # Over a megabyte, features come to a process as memory that may not be written.
    large = make_task(6000, 1, n_features=88, seed=1)
    assert large.features.nbytes > 2**20
    tasks = [replace(large, seed=seed) for seed in range(3)]
    settings = replace(small, epochs=1, batch_size=512)
    for chosen, chosen_settings in ((mixed, small), (tasks, settings)):
        one, two = (train_stacked(chosen, chosen_settings, n_jobs=n_jobs) for n_jobs in (1, 2))
        for first, second in zip(one, two, strict=True):
            assert are_same(first, second)
            assert np.isfinite(second.curves.to_numpy()).all()


def generators(n):
    return [torch.Generator().manual_seed(seed) for seed in range(n)]


def read(tasks, batch_size=16):
    batches = StackBatches(tasks, TrainingSettings(batch_size=batch_size), Workspace("cpu", torch.float32))
    for batch in batches.epoch(generators(len(tasks))):
        yield [None if value is None else value.clone() for value in batch]


def test_every_row_comes_once_with_its_own_label(make_task):
    tasks = [make_task(70, 1, seed=1), make_task(75, 2, missing=0.3, seed=2)]
    seen = [[], []]
    for clean, _, label, present, exists, n_rows in read(tasks):
        for k, task in enumerate(tasks):
            n = int(n_rows[k])
            assert exists is None or (exists[k, :n].all() and not exists[k, n:].any())
            for row in range(n):
                number = int(np.flatnonzero((task.features == clean[k, row].numpy()).all(axis=1))[0])
                seen[k].append(number)
                whole = np.isfinite(task.label[number]).all()
                assert bool(present[k, row]) == whole
                if whole:
                    assert label[k, row, : task.n_labels].tolist() == task.label[number].tolist()
    assert [sorted(numbers) for numbers in seen] == [list(range(70)), list(range(75))]


def test_presence_is_one_number_a_model_where_all_rows_are_alike(make_task):
    first, *_, last = read([make_task(70, 1), make_task(70, 0)])
    assert first[3].tolist() == [[1.0], [0.0]]
    assert last[3].shape == (2, 16), "the last batch is padded"
    assert last[3].sum(dim=1).tolist() == [6.0, 0.0]


def test_columns_are_padded_with_zeros(make_task):
    task = make_task(20, n_features=13)
    for clean, noise, *_ in read([task, task]):
        assert clean.shape[2] == noise.shape[2] == 16
        assert not clean[..., 13:].any()
        assert not noise[..., 13:].any()
        assert noise[..., :13].any()


def test_features_that_tasks_share_are_kept_once(make_task):
    task = make_task(70)
    shared = StackBatches([task] * 5, TrainingSettings(), Workspace("cpu", torch.float32))
    assert len(shared.features) == 70
    assert np.shares_memory(shared.features.numpy(), task.features), "not even copied"


def test_a_single_table_is_read_where_it_lies_and_left_as_it_is(make_task):
    task = make_task(70)
    task.features.setflags(write=False)
    before = task.features.copy()
    together = StackBatches([task, make_task(70)], TrainingSettings(), Workspace("cpu", torch.float32))
    alone = StackBatches([task], TrainingSettings(), Workspace("cpu", torch.float32))
    assert torch.equal(together.features[:70], alone.features)
    for batch in alone.epoch(generators(1)):
        batch.clean.add_(1)  # as a step may do with what it is given
    assert np.array_equal(task.features, before)


@pytest.fixture
def space():
    return Workspace("cpu", torch.float64)


def gradient_of(latent, label, present, weight, settings, space):
    gradient, values = _metric_gradient(latent, Batch(None, None, label, present, None, None), weight, settings, space)
    return SimpleNamespace(latent=gradient, values=values)


def of(losses):
    return TrainingSettings(preset=losses) if losses in PRESETS else TrainingSettings(losses=losses)


def batch(n_models=3, n_rows=9, latent_dim=2, n_labels=1, seed=0):
    generator = torch.Generator().manual_seed(seed)
    latent = torch.randn(n_models, n_rows, latent_dim, generator=generator, dtype=torch.float64)
    label = torch.randint(2, 11, (n_models, n_rows, n_labels), generator=generator).double() / 2
    weight = torch.linspace(0.5, 2.0, n_models, dtype=torch.float64)
    return latent, label, weight


def automatic(latent, label, present, weight, preset):
    """Loss by loss, with automatic differentiation."""
    gradients, values = [], []
    for k in range(len(latent)):
        leaf = latent[k].clone().requires_grad_()
        asked = label[k].clone()
        asked[present[k] == 0] = torch.nan
        value = sum(LOSSES[name]()(leaf, asked) for name in of(preset).loss_names)
        gradients.append(torch.autograd.grad(weight[k] * value, leaf)[0])
        values.append(value.detach())
    return torch.stack(gradients), torch.stack(values)


@each("preset", [*PRESETS, "axis", "paper+axis", "rank-n-contrast+paper", "stress"])
@each(("latent_dim", "n_labels"), [(2, 1), (2, 2), (5, 2)])
@each("missing", [0.0, 0.4])
def test_equals_automatic_differentiation(preset, latent_dim, n_labels, missing, space):
    latent, label, weight = batch(latent_dim=latent_dim, n_labels=n_labels)
    present = (torch.rand(3, 9, generator=torch.Generator().manual_seed(1)) >= missing).double()
    found = gradient_of(latent, label, present, weight, of(preset), space)
    gradient, value = automatic(latent, label, present, weight, preset)
    torch.testing.assert_close(found.latent, gradient, atol=1e-13, rtol=1e-11)
    torch.testing.assert_close(found.values.value, value, atol=1e-13, rtol=1e-11)
    assert found.values.usable.all() == ("paper" in preset or preset == "authors-code")


def test_points_that_coincide_have_a_finite_gradient(space):
    latent, label, weight = batch()
    latent[:, 4] = latent[:, 3]
    present = torch.ones(3, 9, dtype=torch.float64)
    found = gradient_of(latent, label, present, weight, of("paper"), space)
    torch.testing.assert_close(found.latent, automatic(latent, label, present, weight, "paper")[0])


@each("preset", PRESETS)
def test_presence_for_all_rows_at_once(preset, space):
    latent, label, weight = batch()
    whole = torch.tensor([[1.0], [0.0], [1.0]], dtype=torch.float64)
    at_once = gradient_of(latent, label, whole, weight, of(preset), space)
    row_by_row = gradient_of(latent, label, whole.repeat(1, 9), weight, of(preset), space)
    for first, second in zip([at_once.latent, *at_once.values], [row_by_row.latent, *row_by_row.values], strict=True):
        torch.testing.assert_close(first, second)
    assert at_once.values.usable.tolist() == [True, False, True]
    assert not at_once.latent[1].any()


@each("preset", [*PRESETS, "axis", "paper+axis"])
@each("case", ["equal labels", "one row", "no row"])
def test_without_a_metric_term_nothing_moves(preset, case, space):
    latent, label, weight = batch(n_models=1)
    present = torch.ones(1, 9, dtype=torch.float64)
    if case == "equal labels":
        label[:] = 3.0
    else:
        present[:, 1 if case == "one row" else 0 :] = 0
    found = gradient_of(latent, label, present, weight, of(preset), space)
    assert not found.latent.any()
    assert (found.values.slope.item(), found.values.residual.item(), found.values.usable.item()) == (0.0, 0.0, False)


def test_a_broken_latent_is_not_hidden(space):
    latent, label, weight = batch()
    latent[1, 2, 0] = torch.nan
    found = gradient_of(latent, label, torch.ones(3, 1, dtype=torch.float64), weight, of("paper"), space)
    assert found.latent[1].isnan().any()
    assert found.latent[[0, 2]].isfinite().all()


def test_the_workspace_carries_nothing_over(space):
    latent, label, weight = batch()
    present = torch.ones(3, 1, dtype=torch.float64)
    first = gradient_of(latent, label, present, weight, of("paper"), space)
    gradient_of(*batch(seed=1)[:2], present, weight, of("paper"), space)
    again = gradient_of(latent, label, present, weight, of("paper"), space)
    for before, after in zip([first.latent, *first.values], [again.latent, *again.values], strict=True):
        assert torch.equal(before, after)


# Validation


@each("beyond", ({}, *BEYOND))
def test_validation_rows_change_no_bit_of_what_is_trained(beyond, small, mixed, make_task, are_same):
    settings = replace(small, epochs=2, **beyond)
    tasks = grouped([task for task in mixed if task.weight][:5])
    seen = [replace(task, validation=grouped([make_task(33, task.n_labels, seed=9)])[0]) for task in tasks]
    for one, other in zip(train_stacked(tasks, settings), train_stacked(seen, settings), strict=True):
        assert tuple(other.curves.columns) == (*CURVES, *VALIDATION_CURVES)
        assert np.isfinite(other.curves.to_numpy()).all()
        assert are_same(one, replace(other, curves=other.curves[list(CURVES)]))


@each("preset", PRESETS)
def test_validation_is_the_loss_of_a_batch_that_no_step_sees(preset, small, make_task):
    settings = replace(small, preset=preset, epochs=3)
    tasks = [
        replace(make_task(70, 1, seed=k), validation=make_task(30 + 20 * k, 1, missing=0.2, seed=k)) for k in (1, 2)
    ]
    for task, model in zip(tasks, train_stacked(tasks, settings, dtype=torch.float64), strict=True):
        held_out, generator = task.validation, torch.Generator().manual_seed(task.validation.seed)
        rows, noise = next(draw_epoch(generator, held_out.features.shape, 16))
        features = torch.tensor(held_out.features)[rows].double()
        label = torch.tensor(held_out.label)[rows].double()
        with torch.no_grad():
            latent, reconstructed = model.network(features, noise.double())
            terms = metric_terms(latent[None], label[None], ~label.isnan().any(dim=1)[None], preset)
        reconstruction = (reconstructed - features).square().mean().item()
        metric = (terms.slope + terms.residual).item()
        total = reconstruction + metric
        last = model.curves.loc[3, list(VALIDATION_CURVES)]
        expected = [math.log(total) if preset == "authors-code" else total, reconstruction, terms.slope.item()]
        assert last.tolist() == pytest.approx([*expected, terms.residual.item(), metric], abs=1e-9)


def test_neighbours_change_no_bit_of_validation(small, make_task, are_same):
    tasks = [replace(make_task(70, 1, seed=k), validation=make_task(10 + 13 * k, 1, seed=k)) for k in range(4)]
    together = train_stacked(tasks, small)
    for task, model in zip(tasks, together, strict=True):
        assert are_same(model, train_stacked([task], small)[0])


def test_without_validation_rows_there_are_no_such_curves(small, make_task):
    with_, without = train_stacked([replace(make_task(), validation=make_task(20)), make_task()], small)
    assert len(with_.curves.columns) == 10
    assert tuple(without.curves.columns) == CURVES


@each("other", ({"n_labels": 2}, {"n_features": 13}))
def test_validation_rows_of_another_kind_are_refused(other, make_task):
    with pytest.raises(ConfigError, match="validation rows have other features or labels"):
        replace(make_task(), validation=make_task(20, **other))
