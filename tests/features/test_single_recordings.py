"""Functionals of recordings and signals, good and bad."""

import os
import sys
import tracemalloc

import numpy as np
import pandas as pd
import pytest
import soundfile

from affectmap.audio.reading import resample
from affectmap.errors import ConfigError
from affectmap.features.engines import measure_functionals
from affectmap.features.single_recordings import measure_sources
from affectmap.schema import FUNCTIONALS


def test_a_file_and_its_signal_give_the_same(write_voice):
    file = write_voice("a.wav")
    signal, rate = soundfile.read(file, dtype="float32")
    of_file, _ = measure_sources([file], None, 16000)
    of_signal, _ = measure_sources([signal], rate, 16000)
    np.testing.assert_array_equal(of_file.to_numpy(), of_signal.to_numpy())
    np.testing.assert_array_equal(of_file.to_numpy()[0].astype(np.float32), measure_functionals(signal, rate))
    assert of_file.index.tolist() == [str(file)]
    assert of_file.index.name == "file"
    assert isinstance(of_signal.index, pd.RangeIndex)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets a name be any bytes")
def test_a_name_that_is_no_text_is_a_row_without_values(write_voice, tmp_path):
    good = write_voice("good.wav")
    strange = str(tmp_path / os.fsdecode(b"caf\xe9.wav"))
    os.link(good, strange)
    table, heard = measure_sources([strange, good], None, 16000)
    assert table.index.tolist() == [f"{tmp_path}/caf\\xe9.wav", str(good)]
    assert np.isfinite(table.to_numpy()).all(axis=1).tolist() == [False, True]
    assert [each.problem for each in heard] == ["its path is not UTF-8; rename file or folder", None]


def test_other_rates_are_resampled(voice):
    signal = voice(sampling_rate=44100).astype(np.float32)
    found, _ = measure_sources([signal], 44100, 16000)
    expected = measure_functionals(resample(signal, 44100, 16000), 16000)
    np.testing.assert_array_equal(found.to_numpy()[0].astype(np.float32), expected)


@pytest.mark.parametrize("dtype", [np.int16, np.int32, np.float64])
def test_samples_as_a_microphone_gives_them(voice, dtype):
    signal = np.round(voice() * 32768) / 32768
    whole = np.issubdtype(dtype, np.integer)
    given = (signal * -float(np.iinfo(dtype).min)).astype(dtype) if whole else signal.astype(dtype)
    found, expected = measure_sources([given, signal], 16000, 16000)[0].to_numpy()
    np.testing.assert_array_equal(found, expected)


def test_bad_recordings_are_rows_without_values_in_their_place(write_voice, tmp_path):
    good, cut = write_voice("good.wav"), write_voice("cut.wav")
    cut.write_bytes(cut.read_bytes()[:-3000])
    (tmp_path / "text.wav").write_text("no sound")
    soundfile.write(tmp_path / "short.wav", np.ones(100) / 2, 16000)
    files = [tmp_path / "text.wav", good, cut, tmp_path / "gone.wav", tmp_path / "short.wav", tmp_path]
    table, heard = measure_sources(files, None, 16000)
    assert np.isfinite(table.to_numpy()).all(axis=1).tolist() == [False, True, False, False, False, False]
    problems = [each.problem for each in heard]
    assert problems[1] is None
    for problem, expected in zip(
        [problems[0], *problems[2:]],
        ["not audio", "cut short", "no such file", "lasts 0.00625 s", "not a file"],
        strict=True,
    ):
        assert expected in problem
        assert str(tmp_path) not in problem
    assert [each.too_short for each in heard] == [False, False, False, False, True, False]


def sparse_wave(file, *, seconds, sampling_rate=16000):
    """A WAV file of zeros that takes no room on the disk."""
    soundfile.write(file, np.zeros(1), sampling_rate)
    n_bytes = 2 * seconds * sampling_rate
    head = bytearray(file.read_bytes()[:44])
    head[4:8], head[40:44] = (n.to_bytes(4, "little") for n in (n_bytes + 36, n_bytes))
    file.write_bytes(head)
    with file.open("r+b") as handle:
        handle.truncate(44 + n_bytes)


@pytest.mark.slow
def test_a_file_of_hours_is_refused_by_its_header_and_the_others_go_on(write_voice, tmp_path):
    sparse_wave(tmp_path / "night.wav", seconds=8 * 3600)
    sparse_wave(tmp_path / "lecture.wav", seconds=601)
    files = [tmp_path / "night.wav", write_voice("good.wav"), tmp_path / "lecture.wav"]
    tracemalloc.start()
    table, heard = measure_sources(files, None, 16000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert np.isfinite(table.to_numpy()).all(axis=1).tolist() == [False, True, False]
    assert heard[0].problem == "lasts 8 h 0 min, expected up to 10 min at once; use affectmap track"
    assert heard[1].problem is None
    assert heard[2].problem == "lasts 10 min 1 s, expected up to 10 min at once; use affectmap track"
    assert peak < 50e6


@pytest.mark.parametrize("sampling_rate", [1, 999, 768_001, 2**31 - 1])
def test_a_header_with_a_rate_that_cannot_be(write_voice, tmp_path, sampling_rate):
    soundfile.write(tmp_path / "odd.wav", np.full(300, 0.5), sampling_rate)
    table, heard = measure_sources([tmp_path / "odd.wav", write_voice("good.wav")], None, 16000)
    assert heard[0].problem == f"its rate is {sampling_rate} Hz, expected 1000 to 768000; convert it"
    assert np.isfinite(table.to_numpy()).all(axis=1).tolist() == [False, True]


def test_resampling_may_make_it_too_short(monkeypatch):
    import affectmap.features.recordings

    monkeypatch.setattr(affectmap.features.recordings, "resample", lambda signal, *rates: signal[:-1])
    table, heard = measure_sources([0.5 * np.resize([1.0, -1.0], 960)], 16000, 16000)
    assert heard[0].too_short
    assert heard[0].problem == "lasts 0.05994 s, expected at least 0.06 s"
    assert np.isnan(table.to_numpy()).all()


def test_silence_is_measured():
    table, heard = measure_sources([np.zeros(16000)], 16000, 16000)
    assert heard[0].silent
    assert np.isfinite(table.to_numpy()).all()


def test_threads_change_nothing(write_voice):
    files = [write_voice(f"{i}.wav", pitch=100 + 30 * i, seed=i) for i in range(5)]
    calls = []
    one, _ = measure_sources(files, None, 16000, n_jobs=1)
    three, _ = measure_sources(files, None, 16000, n_jobs=3, progress=lambda *done: calls.append(done))
    pd.testing.assert_frame_equal(one, three)
    assert calls == [(i, 5) for i in range(1, 6)]


def test_the_engine_may_fail_for_one(voice, monkeypatch):
    def fail(signal, rate):
        raise RuntimeError("component died")

    monkeypatch.setattr("affectmap.egemaps.functionals", fail)
    table, heard = measure_sources([voice()], 16000, 16000)
    assert heard[0].problem == "affectmap.egemaps cannot measure it (component died)"
    assert table.shape == (1, len(FUNCTIONALS))
    assert np.isnan(table.to_numpy()).all()


def test_opensmile_may_be_asked_for(voice):
    asked, _ = measure_sources([voice()], 16000, 16000, engine="opensmile")
    expected = measure_functionals(voice().astype(np.float32), 16000, "opensmile")
    np.testing.assert_array_equal(asked.to_numpy()[0].astype(np.float32), expected)


@pytest.mark.parametrize("sampling_rate", [16000, 44100])
def test_an_offset_changes_nothing_at_any_rate(voice, sampling_rate):
    signal = voice(sampling_rate=sampling_rate).astype(np.float32)
    table, heard = measure_sources([signal, signal + np.float32(0.2)], sampling_rate, 16000)
    values = table.to_numpy()
    assert np.max(np.abs(values[1] - values[0]) / np.maximum(np.abs(values[0]), 0.1)) < 0.02
    assert heard[0] == heard[1]


def test_nothing_gives_an_empty_table():
    table, heard = measure_sources([], None, 16000)
    assert table.shape == (0, 88)
    assert heard == []


@pytest.mark.parametrize(
    ("signal", "rate", "message"),
    [
        (np.zeros(100), None, "a signal needs its sampling rate"),
        (np.zeros(100), 0, "sampling_rate is 0; expected 1000 to 768000 Hz"),
        (np.zeros(100), 1, "sampling_rate is 1; expected"),
        (np.zeros((100, 2)), 16000, r"shape \(100, 2\) of float64; expected mono"),
        (np.zeros(100, dtype=complex), 16000, "of complex128"),
        (np.array(["a"]), 16000, "expected mono numbers"),
        (np.array(1.0), 16000, r"shape \(\)"),
        (np.zeros(100), "16000", "sampling_rate is '16000'; expected 1000"),
        (np.zeros(100), float("nan"), "sampling_rate is nan; expected 1000"),
        (np.zeros(100, np.uint8), 16000, "of uint8; expected mono numbers .* with a sign"),
        (np.zeros(100, np.int64), 16000, "of int64, which says nothing of its full scale; give it as int16"),
    ],
)
def test_signals_that_are_none_are_the_callers_mistake(signal, rate, message):
    with pytest.raises(ConfigError, match=message):
        measure_sources([signal], rate, 16000)


def test_a_number_of_threads_below_one():
    with pytest.raises(ConfigError, match="n_jobs is 0"):
        measure_sources([], None, 16000, n_jobs=0)
