"""What models cost: a process each, and no run ends because one cannot be measured."""

import subprocess
from types import SimpleNamespace

import audformat
import numpy as np
import pytest

from affectmap.experiment import costs
from affectmap.experiment.costs import (
    CLASSES,
    COST_COLUMNS,
    RATE,
    SMALL,
    CostOf,
    cost_of_minute,
    measure_costs,
    peak_memory_mb,
)
from affectmap.features.utterances import Utterance
from speech_models import write_classifier

OURS = CostOf("ours", SMALL, "", 9310, "cpu")


@pytest.mark.slow
def test_a_small_and_a_large_model(write_voice, tmp_path):
    folder = write_classifier(tmp_path / "er")
    index = audformat.segmented_index([str(write_voice("a.wav", seconds=1.0))])
    table, notes = measure_costs([OURS, CostOf("theirs", CLASSES, str(folder), 0, "cpu")], [index])
    assert notes == []
    assert list(table.columns) == list(COST_COLUMNS)
    assert table["parameters"].tolist() == [9310, 7804]
    assert (table["seconds_per_minute"] > 0).all()
    assert table["memory_mb"].between(20, 5000).all()


def test_without_sound_nothing_is_measured():
    table, notes = measure_costs([OURS], [audformat.segmented_index(["gone.wav"])])
    assert table.empty
    assert notes == ["costs were not measured: no corpus has recordings that can be read"]


@pytest.mark.parametrize(
    "fault", [subprocess.TimeoutExpired("x", 1), subprocess.CalledProcessError(1, "x"), OSError("none")]
)
def test_what_cannot_be_measured_is_told(write_voice, monkeypatch, fault):
    def fail(*arguments, **options):
        raise fault

    monkeypatch.setattr(subprocess, "run", fail)
    table, notes = measure_costs([OURS], [audformat.segmented_index([str(write_voice("a.wav"))])])
    assert table.empty
    assert notes == ["what ours costs could not be measured"]


def test_an_answer_that_is_none(write_voice, monkeypatch):
    monkeypatch.setattr(subprocess, "run", lambda *arguments, **options: SimpleNamespace(stdout=""))
    assert measure_costs([OURS], [audformat.segmented_index([str(write_voice("a.wav"))])])[0].empty


def test_a_minute_s_worth_is_counted(monkeypatch):
    clock, processor = iter([10.0, 13.0]), iter([5.0, 7.0])
    monkeypatch.setattr(costs.time, "perf_counter", lambda: next(clock))
    monkeypatch.setattr(costs.time, "process_time", lambda: next(processor))
    heard = []
    signals = [np.zeros(RATE, np.float32), np.zeros(2 * RATE, np.float32)]
    assert cost_of_minute(lambda: lambda signal: heard.append(len(signal)), signals) == pytest.approx((60, 40))
    assert heard == [RATE, RATE, 2 * RATE]  # the first once more, to warm up


def test_the_sample_is_as_long_as_it_must_be(write_voice, monkeypatch):
    monkeypatch.setattr(costs, "SAMPLE_S", 0.5)
    file = str(write_voice("a.wav", seconds=0.4))
    utterances = [Utterance("gone.wav", 0.0, None), *[Utterance(file, 0.0, None)] * 3]
    assert costs.sample_utterances(utterances) == utterances[1:3]


def test_memory_is_that_of_this_process():
    assert 20 < peak_memory_mb() < 50_000
