"""Whose mean and spread: what each policy may know, and that the size of the portions does not matter."""

import numpy as np
import pandas as pd
import pytest

from affectmap.errors import ConfigError
from affectmap.model.model import load_model
from affectmap.track.running_statistics import PRIOR, UPDATE, SpeakerStandardising, Standardising


@pytest.fixture(scope="module")
def model():
    return load_model()


@pytest.fixture
def functionals(model):
    """Fifty segments of a voice that lies one spread above those of the training."""
    statistics = model.statistics
    noise = np.random.default_rng(0).normal(size=(50, 88))
    mean, std = (np.nan_to_num(values, nan=1.0) for values in (statistics.mean, statistics.std))
    return mean + std * (1 + 0.5 * noise)


@pytest.fixture(autouse=True)
def everything_is_speech(monkeypatch):
    monkeypatch.setattr("affectmap.model.computation.not_speech", lambda values, *_: np.zeros(len(values), bool))


def in_portions(standardising, functionals, counts, sizes):
    tables, first = [], 0
    for size in sizes:
        rows = slice(first, first + size)
        tables.append(standardising.transform(functionals[rows], counts[rows]))
        first += size
    return pd.concat(tables, ignore_index=True)


@pytest.mark.parametrize("policy", ["source", "running"])
@pytest.mark.parametrize("sizes", [[1] * 50, [3, 20, 7, 11, 9], [9, 1, 40]])
def test_portions_do_not_matter(model, functionals, policy, sizes):
    counts = np.arange(50) % 3 > 0
    at_once = Standardising(model, policy).transform(functionals, counts)
    pd.testing.assert_frame_equal(
        in_portions(Standardising(model, policy), functionals, counts, sizes), at_once, check_exact=True
    )


def test_source_is_the_model(model, functionals):
    found = Standardising(model, "source").transform(functionals, np.ones(50, bool))
    pd.testing.assert_frame_equal(found, model.transform(functionals))


def test_recording_is_adapted_to_what_counts(model, functionals):
    counts = np.arange(50) < 40
    found = Standardising(model, "recording").transform(functionals, counts)
    pd.testing.assert_frame_equal(found, model.adapt(functionals[:40], prior=PRIOR).transform(functionals))


def test_running_knows_only_the_past(model, functionals):
    counts = np.ones(50, bool)
    found = Standardising(model, "running").transform(functionals, counts)
    changed = functionals.copy()
    changed[30:] += 100 * np.abs(changed[30:])
    again = Standardising(model, "running").transform(changed, counts)
    pd.testing.assert_frame_equal(found[:30], again[:30], check_exact=True)
    pd.testing.assert_frame_equal(found[:UPDATE], model.transform(functionals[:UPDATE]))
    expected = model.adapt(functionals[:20], prior=PRIOR).transform(functionals[20:30])
    pd.testing.assert_frame_equal(found[20:30].reset_index(drop=True), expected)


def test_recording_means_all_of_it(model, functionals):
    many = np.tile(functionals, (30, 1))
    many[:300] += 0.5 * np.abs(many[:300])  # what a memory of the last 1200 would not hold
    found = Standardising(model, "recording").transform(many, np.ones(len(many), bool), 3.0 * np.arange(len(many)))
    pd.testing.assert_frame_equal(found, model.adapt(many, prior=PRIOR).transform(many))


@pytest.mark.parametrize("window_s", [1.0, 90.0])
def test_running_looks_back_an_hour_whatever_the_windows_length(model, functionals, window_s):
    many = np.tile(functionals, (50, 1))[: 1440 if window_s == 1 else 60]
    many[:30] += 0.5 * np.abs(many[:30])
    ends_s = window_s * np.arange(1, len(many) + 1)
    standardising = Standardising(model, "running")
    for first in range(0, len(many), 37):
        rows = slice(first, first + 37)
        standardising.transform(many[rows], np.ones(len(many[rows]), bool), ends_s[rows])
    known = many[ends_s >= ends_s[-1] - 3600]
    assert len(known) == (1440 if window_s == 1 else 41)
    found = standardising.transform(functionals[:5], np.ones(5, bool), ends_s[-1] + np.arange(5))
    pd.testing.assert_frame_equal(
        found, model.adapt(known, prior=PRIOR).transform(functionals[:5]), rtol=5e-3, atol=2e-3
    )


def test_many_short_windows_are_not_looked_at_again_and_again(model, functionals, monkeypatch):
    rows = []
    monkeypatch.setattr(model, "adapt", lambda known, prior: rows.append(len(known)) or model)
    Standardising(model, "running").transform(
        np.tile(functionals, (60, 1)), np.ones(3000, bool), 0.05 * np.arange(3000)
    )
    assert sum(rows) < 110 * 3000


@pytest.mark.parametrize("policy", ["source", "recording", "running"])
def test_nothing_and_nothing_usable(model, policy):
    assert len(Standardising(model, policy).transform(np.empty((0, 88)), np.empty(0, bool))) == 0
    found = Standardising(model, policy).transform(np.full((12, 88), np.nan), np.ones(12, bool))
    assert found["activation"].isna().all()


def test_few_segments_are_told(model, functionals):
    for n_rows, told in ((5, True), (40, False)):
        standardising = Standardising(model, "recording")
        standardising.transform(functionals[:n_rows], np.ones(n_rows, bool))
        assert bool(standardising.notes()) == told


def test_a_policy_that_is_none(model):
    with pytest.raises(ConfigError, match="statistics 'mine' are unknown; expected source, recording, running"):
        Standardising(model, "mine")


@pytest.mark.parametrize("policy", ["source", "recording", "running"])
def test_every_speaker_has_statistics_of_their_own(model, functionals, policy):
    names = np.array([None, "S1", "S2"], dtype=object)[np.arange(50) % 3]
    counts, ends_s = np.ones(50, bool), np.arange(50.0)
    found = SpeakerStandardising(model, policy).transform(functionals, counts, ends_s, names.tolist())
    assert found.index.tolist() == list(range(50))
    for name in (None, "S1", "S2"):
        rows = np.flatnonzero(names == name)
        alone = Standardising(model, policy).transform(functionals[rows], counts[rows], ends_s[rows])
        pd.testing.assert_frame_equal(found.loc[rows].reset_index(drop=True), alone, check_exact=True)


def test_speakers_with_few_segments_are_named(model, functionals):
    standardising = SpeakerStandardising(model, "recording")
    standardising.transform(functionals, np.ones(50, bool), np.arange(50.0), ["S1"] * 45 + ["S2"] * 5)
    assert [note.split(":")[0] for note in standardising.notes()] == ["S2"]
