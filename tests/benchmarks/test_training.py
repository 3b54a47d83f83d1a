"""What the benchmark of training counts and compares; no time is asserted."""

import math

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

import loops
import step_profile
import training
import training_work
from harness import Row, row_of

TINY = training_work.Sizes(
    n_rows=140, few=3, few_epochs=2, loop_few=1, many=4, many_epochs=2, loop_many=1, pair_rows=64, memory=(),
    profiled=(2, 3), profiled_epochs=1, rounds=2, gemm_size=16, gemm_s=0.01, cores=1,
)  # fmt: skip


def test_operations_of_a_step_are_those_that_pytorch_counts():
    features = torch.zeros(loops.BATCH_SIZE, 88)
    encoder, decoder = loops.networks()
    with FlopCounterMode(display=False) as counter:
        loops.objective(encoder, decoder, features, features, torch.arange(64.0), loops.metric_loss).backward()
    assert step_profile.step_gflop() == pytest.approx(counter.get_total_flops() / 1e9)
    # 3-2 and back, five rows: 60 each way through a layer, three times, but nobody wants the gradient of the input.
    assert step_profile.step_gflop((3, 2), 5) == pytest.approx((6 * 60 - 60) / 1e9)


def test_tasks_take_folds_in_turn_and_share_them():
    given = training_work.tasks(7, TINY)
    assert [task.seed for task in given] == list(range(7))
    assert given[0].features is given[5].features is training_work.folds(140)[0][0]
    assert not np.array_equal(given[0].features, given[1].features)
    for task in given:
        assert task.features.shape == (140, 88)
        np.testing.assert_allclose(task.features.mean(axis=0), 0, atol=1e-6)
        assert task.n_labels == 1
        assert set(np.unique(task.label)) <= set(np.arange(1, 5.5, 0.5))


@pytest.mark.parametrize("name", ["in_memory_loop", "researcher_loop"])
def test_a_rival_that_does_less_ends_the_part(name, monkeypatch):
    monkeypatch.setattr(loops, name, lambda features, label, epochs, seed: [9.0] * epochs)
    with pytest.raises(RuntimeError, match=r"loop: losses \[9.0, 9.0\]; expected those of the plain trainer"):
        training.check_same_loss(TINY)


def test_costs_are_seconds_by_model_step(monkeypatch):
    monkeypatch.setattr(training, "in_turn", lambda candidates, rounds: dict.fromkeys(candidates, [12.0] * rounds))
    sizes = training_work.Sizes(n_rows=130, pair_rows=128, rounds=2, cores=4)
    taken = training.costs(sizes, n_models=8, epochs=5, loop_models=2, names=["in-memory loop", "pair loop"])
    # Three steps an epoch; the pair loop sees two, for two epochs, with one model a core.
    assert taken == {
        "in-memory loop": [12 / (4 * 2 * 5 * 3)] * 2,
        "pair loop": [12 / (4 * 2 * 2)] * 2,
        "stacked": [12 / (8 * 5 * 3)] * 2,
    }


def test_ratios_are_taken_round_by_round():
    taken = {"researcher's loop": [8.0, 9.0], "in-memory loop": [4.0, 6.0], "pair loop": [80.0, 90.0]}
    taken["stacked"] = [1.0, 3.0]
    first, second = training.ratio_rows(taken, 15, ("≥ 5", "≥ 3.5"))
    assert (first.name, first.aim, first.low, first.high) == ("15 models: researcher's loop / stacked", "≥ 5", 3.0, 8.0)
    assert (second.name, second.aim, second.value) == ("15 models: in-memory loop / stacked", "≥ 3.5", 3.0)
    whole, pairs, stacking = training.pair_rows(taken, 15)
    assert (whole.value, pairs.value, stacking.value) == (55.0, 10.0, 5.5)


def test_a_model_takes_3500_steps():
    rows = training.model_rows({"in-memory loop": [0.002], "stacked": [0.001]}, {"stacked": [0.0005]}, TINY)
    assert {row.name: row.value for row in rows} == {
        "a model, in-memory loop": pytest.approx(7.0),
        "a model, stacked, 3 models": pytest.approx(3.5),
        "a model, stacked, 4 models": pytest.approx(1.75),
    }
    assert training.rates({15: [0.001, 0.002, 0.004]}) == [[15, pytest.approx(1 / 7)]]


def test_share_of_the_machine(monkeypatch):
    monkeypatch.setattr(loops, "product_rate", lambda size, at_least_s: 50.0)
    machine, share = training.rate_rows({15: [step_profile.step_gflop() / 10]}, TINY)
    assert (machine.value, share.value) == (50.0, pytest.approx(20.0))


def test_without_a_gpu_the_row_says_so(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    (row,), points = training.gpu_rows(TINY)
    assert (row.name, row.note) == ("GPU: stacked, 15 to 10,000 models at once", "not measured: no CUDA device here")
    assert math.isnan(row.value)
    assert points == []


def test_with_a_gpu_every_size_is_measured(monkeypatch):
    speeds = {"cuda": lambda n: n / 100, "cpu": lambda n: 0.5}
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "a card")
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda: 2e6)
    monkeypatch.setattr(training, "train_stacked", lambda *given, **how: None)
    monkeypatch.setattr(training, "models_a_second", lambda n, sizes, device="cpu", n_jobs=1: speeds[device](n))
    rows, points = training.gpu_rows(TINY)
    assert points == [[15, 0.15], [100, 1.0], [1000, 10.0], [10000, 100.0]]
    assert [row.value for row in rows if row.unit == "×"] == [0.3, 2.0, 20.0, 200.0]
    assert [row.n for row in rows if row.unit == "×"] == [2, 2, 2, 1]
    assert rows[1].note == "a card, at most 2 MB of its memory so far"


def test_a_full_training_is_extrapolated_from_one_epoch_and_two(monkeypatch):
    seconds = iter([3.0, 5.0])
    monkeypatch.setattr(training, "seconds_of", lambda function: next(seconds))
    assert training.models_a_second(10, TINY) == pytest.approx(10 / (3 + 49 * 2))


@pytest.mark.parametrize(
    ("operator", "shapes", "kind"),
    [
        ("aten::bmm", [[15, 64, 64], [15, 64, 2]], "matrix products"),
        ("aten::normal_", [[64, 88]], "random numbers"),
        ("aten::_cdist_backward", [], "distances between pairs"),
        ("aten::mul_", [[15, 64, 64], []], "distances between pairs"),
        ("aten::mul_", [[15, 64, 40], []], step_profile.ELEMENTWISE),
        ("aten::_fused_adam_", [], "Adam"),
        ("aten::view", [[15, 64, 64]], "dispatch: views and new tensors"),
        ("autograd::engine::evaluate_function: BmmBackward0", [], step_profile.ENGINE),
        ("aten::copy_", [[15, 64, 64]], "gather and copy"),
    ],
)
def test_kinds_of_work(operator, shapes, kind):
    assert step_profile.kind_of(operator, shapes) == kind


def test_no_operator_has_two_kinds():
    names = [name for some in step_profile.KINDS.values() for name in some]
    assert len(names) == len(set(names))


def test_profile_adds_up(monkeypatch):
    found = dict.fromkeys((*step_profile.KINDS, step_profile.ELEMENTWISE, step_profile.REST), 10.0)
    monkeypatch.setattr(step_profile, "step_profile", lambda *given: {**found, "unprofiled": 55.5})
    lines = step_profile.profile_table([(15, [], None), (64, [], None)], 3).splitlines()
    assert lines[2] == "| work | 15 models | 64 models |"
    assert "| matrix products | 10.0 (12%) | 10.0 (12%) |" in lines
    assert f"| {step_profile.ENGINE} | 0.0 (0%) | 0.0 (0%) |" in lines
    assert lines[-2:] == ["| all | 80.0 | 80.0 |", "| all, without the profiler | 55.5 | 55.5 |"]


def test_a_step_has_matrix_products_and_randomness():
    spent = step_profile.step_profile(training_work.tasks(2, TINY), training_work.settings(1), TINY.n_steps)
    assert all(value >= 0 for value in spent.values())
    assert min(spent["matrix products"], spent["random numbers"], spent["unprofiled"]) > 0
    assert set(spent) <= {
        *step_profile.KINDS,
        step_profile.ELEMENTWISE,
        step_profile.ENGINE,
        step_profile.REST,
        "unprofiled",
    }


@pytest.mark.slow
@pytest.mark.slow
def test_the_part_measured_small_has_what_the_page_needs(monkeypatch):
    monkeypatch.setattr(training, "peak_memory", lambda function, *given: 12.0)
    part = training.measure_sizes(TINY)
    assert part["title"] == "Training"
    assert "| matrix products |" in part["text"]
    assert all(isinstance(row, Row) for row in part["rows"])
    known = {row.name: row for row in part["rows"]}
    assert len(known) == len(part["rows"])
    assert {name: row.aim for name, row in known.items() if row.aim} == {
        "3 models: researcher's loop / stacked": "≥ 5",
        "3 models: in-memory loop / stacked": "≥ 3.5",
        "4 models: researcher's loop / stacked": "≥ 7",
        "4 models: in-memory loop / stacked": "≥ 4.5",
    }
    assert all(math.isfinite(row.value) and row.low <= row.value <= row.high for row in part["rows"] if row.n)
    (panel,) = part["curves"]
    assert [x for x, _ in panel["lines"]["stacked"]] == [3, 4]


def test_memory_is_measured_for_every_size(monkeypatch):
    monkeypatch.setattr(training, "peak_memory", lambda function, *given: float(len(given[0])))
    sizes = training_work.Sizes(n_rows=130, memory=(2, 5))
    assert training.memory_rows(sizes) == [
        row_of(f"memory of stacked training, {n} models", n, "MB", note="one process") for n in (2, 5)
    ]


def test_from_cold_the_loop_pays_for_its_processes_too(monkeypatch):
    monkeypatch.setattr(training, "seconds_of", lambda function: 2.0)
    sizes = training_work.Sizes(n_rows=140, few=10, few_epochs=2, rounds=3, cores=1)
    start, whole, ratio = training.cold_rows({"in-memory loop": [0.1, 0.2, 0.3]}, 4.0, sizes)
    # Ten models of six steps at the median of 0.2 s, and 4 s.
    assert (start.value, whole.value, ratio.value) == (4.0, 2.0, pytest.approx((12 + 4) / 2))
    assert whole.name == "10 models of 6 steps, stacked, from cold"
