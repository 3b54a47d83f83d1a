"""The parts that both ways of training are made of."""

import math

import numpy as np
import pytest
import torch

from affectmap.errors import ConfigError
from affectmap.model.network import DenoisingAutoencoder
from affectmap.model.training import CURVES, TrainingSettings, TrainingTask
from affectmap.model.training.metric_values import MetricValues
from affectmap.model.training.steps import draw_epoch, finished, label_tensors, objective, one_thread


def drawn(seed, shape, batch_size):
    return list(draw_epoch(torch.Generator().manual_seed(seed), shape, batch_size))


@pytest.mark.parametrize(("n_rows", "batch_size"), [(10, 3), (9, 3), (1, 4), (4, 4), (200, 3)])
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


@pytest.mark.parametrize("task_options", [{"label": None}, {"label": np.ones((4, 2)), "weight": 0.0}])
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


@pytest.mark.parametrize("value", [np.nan, np.inf])
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
