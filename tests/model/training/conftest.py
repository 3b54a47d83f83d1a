"""Tasks that the tests of training share."""

from collections.abc import Callable

import numpy as np
import pytest
import torch

from affectmap.model.training import TrainedModel, TrainingSettings, TrainingTask


def make_task(n_rows=70, n_labels=1, missing=0.0, *, n_features=12, seed=0, weight=1.0):
    """Features with a few directions in them, and labels in half steps that depend on those."""
    rng = np.random.default_rng([n_rows, seed])
    sources = rng.normal(size=(n_rows, 3))
    features = np.tanh(sources @ rng.normal(size=(3, n_features))) + 0.3 * rng.normal(size=(n_rows, n_features))
    label = np.clip(np.round(2 * sources[:, :n_labels]) / 2 + 3, 1, 5)
    label[rng.random(label.shape) < missing] = np.nan
    return TrainingTask(features.astype(np.float32), label if n_labels else None, weight, seed)


def difference(first: TrainedModel, second: TrainedModel) -> float:
    """Largest difference between two models' weights and curves."""
    pairs = zip(first.network.parameters(), second.network.parameters(), strict=True)
    weights = max((a - b).abs().max().item() for a, b in pairs)
    return max(weights, np.abs(first.curves.to_numpy() - second.curves.to_numpy()).max())


def are_same(first: TrainedModel, second: TrainedModel) -> bool:
    """Whether two models have the same weights and curves to the last bit."""
    pairs = zip(first.network.parameters(), second.network.parameters(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs) and first.curves.equals(second.curves)


@pytest.fixture
def small() -> TrainingSettings:
    """Settings of a network that trains in no time."""
    return TrainingSettings(hidden_dims=(9, 6, 5), epochs=4, batch_size=16, learning_rate=1e-2)


@pytest.fixture(name="make_task")
def make_task_fixture() -> Callable[..., TrainingTask]:
    """Give `make_task`."""
    return make_task


@pytest.fixture(name="difference")
def difference_fixture() -> Callable[[TrainedModel, TrainedModel], float]:
    """Give `difference`."""
    return difference


@pytest.fixture(name="are_same")
def are_same_fixture() -> Callable[[TrainedModel, TrainedModel], bool]:
    """Give `are_same`."""
    return are_same
