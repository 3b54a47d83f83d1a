import numpy as np
import torch

from affectmap.model.training import TrainingSettings
from affectmap.model.training.batches import StackBatches
from affectmap.model.training.workspace import Workspace


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
