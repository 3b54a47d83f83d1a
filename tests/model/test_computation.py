"""The arithmetic of a model, apart from how recordings are measured."""

from __future__ import annotations

import numpy as np
import pytest

from affectmap.errors import ConfigError
from affectmap.model.computation import Computation
from affectmap.model.model import load_model
from affectmap.preparation.standardisation import Statistics
from affectmap.schema import LABELS


@pytest.fixture
def computation() -> Computation:
    return Computation(load_model().folder)


@pytest.fixture
def speech(computation: Computation) -> np.ndarray:
    """Rows near the training data's mean."""
    statistics = computation.statistics
    noise = np.random.default_rng(3).normal(size=(5, len(statistics.mean)))
    return statistics.mean + 0.1 * noise * statistics.std


def test_columns_are_network_heads_and_intervals(computation: Computation, speech: np.ndarray) -> None:
    columns = computation.columns(speech, [computation.statistics], np.zeros(5, np.int64))
    latent, _ = computation.embedding(speech)
    np.testing.assert_array_equal(np.column_stack([columns["embedding_0"], columns["embedding_1"]]), latent)
    assert computation.has_intervals
    for label, rating in zip(computation.heads.labels, computation.heads.ratings(latent).T, strict=True):
        np.testing.assert_array_equal(columns[label], rating)
        assert (columns[f"{label}_low"] < rating).all()
        assert (columns[f"{label}_high"] > rating).all()
    assert computation.heads.labels == tuple(LABELS)


def test_what_is_no_speech_is_blank_and_has_the_whole_scale(computation: Computation, speech: np.ndarray) -> None:
    rows = np.concatenate([speech, np.zeros_like(speech[:1])])
    np.testing.assert_array_equal(np.isnan(computation.speech_only(rows)).all(axis=1), [False] * 5 + [True])
    columns = computation.columns(rows, [computation.statistics], np.zeros(6, np.int64))
    assert columns["not_speech"].tolist() == [False] * 5 + [True]
    assert [columns["valence_low"][-1], columns["valence_high"][-1]] == [1, 5]


def test_rows_are_embedded_by_the_statistics_that_they_are_given(computation: Computation, speech: np.ndarray) -> None:
    mean, std = computation.statistics.mean, computation.statistics.std
    statistics, which = [computation.statistics, Statistics(mean + 0.5 * std, std)], np.array([0, 1, 0, 1, 0])
    shifted = speech + np.where(which == 1, 0.5, 0.0)[:, None] * std
    expected = computation.columns(speech, statistics[:1], np.zeros(5, np.int64))
    np.testing.assert_allclose(
        computation.columns(shifted, statistics, which)["activation"], expected["activation"], atol=1e-9
    )


def test_rows_of_another_width_are_refused(computation: Computation) -> None:
    with pytest.raises(ConfigError, match="88"):
        computation.checked(np.ones((2, 3)))
