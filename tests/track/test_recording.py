"""Tracks of recordings of every kind, and streams that give the same values."""

import csv
import io
import json
import os
import tracemalloc
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile

from affectmap.audio import speech_detection as speech
from affectmap.errors import AudioError, ConfigError
from affectmap.schema import FUNCTIONALS
from affectmap.track import track as follow
from affectmap.track import track_stream
from affectmap.track.recording import MIN_SPEECH, csv_header, text_line


def pulse_code(file):
    return soundfile.read(file, dtype="int16")[0].astype("<i2").tobytes()


@pytest.fixture
def interview(tmp_path, voice):
    """Three stretches of voice, 2.5, 9 and 2 s, with silence between and around."""
    pause = np.zeros(32000)
    parts = [pause, voice(2.5), pause, voice(9.0, pitch=200, seed=1), pause, voice(2.0, pitch=120, seed=2), pause]
    soundfile.write(tmp_path / "interview.wav", np.concatenate(parts), 16000)
    return tmp_path / "interview.wav"


def test_segments_of_speech(interview, loud_is_speech, model):
    track = follow(interview, model)
    flat = track.flat()
    assert flat["start"].tolist() == pytest.approx([1.9, 6.4, 12, 17.4], abs=2.5)
    covered = (flat["end"] - flat["start"]).sum()
    assert covered == pytest.approx(2.5 + 9 + 2, abs=1.0)
    assert track.duration_s == 21.5
    assert flat.columns[:4].tolist() == ["file", "start", "end", "speech"]
    assert set(model.columns) < set(flat)
    assert flat["problem"].isna().all()


def test_values_are_the_models(interview, loud_is_speech, model):
    track = follow(interview, model)
    signal = soundfile.read(interview, dtype="float32")[0]
    flat = track.flat()
    pieces = [signal[round(s * 16000) : round(e * 16000)] for s, e in zip(flat["start"], flat["end"], strict=True)]
    alone = model.embed(pieces, 16000).drop(columns=["narrow_band", "note"])  # of the whole recording in a track
    pd.testing.assert_frame_equal(flat[list(alone)], alone, check_exact=True)


def test_levels_lie_among_the_values(interview, loud_is_speech, model):
    table = follow(interview, model, smoothing_s=100).table
    for label in ("activation", "valence"):
        level = table[f"{label}_level"]
        assert table[label].min() <= level.mean() <= table[label].max()
        assert (table[f"{label}_level_low"] <= level).all()
        assert (level <= table[f"{label}_level_high"]).all()
        assert table[f"{label}_level_high"].max() <= 5


def test_silent_windows_have_no_part_in_the_level(interview, loud_is_speech, model):
    table = follow(interview, model, window_s=2.0).table
    silent = table["silent"].to_numpy()
    assert silent.any()
    assert table["not_speech"].to_numpy()[table["speech"] < MIN_SPEECH].all()
    no_speech = table[table["not_speech"] & table["activation"].notna()]
    assert no_speech[["activation_low", "valence_high"]].drop_duplicates().to_numpy().tolist() in ([], [[1.0, 5.0]])
    heard = table[~table[["silent", "not_speech"]].any(axis=1)]
    assert len(heard)
    assert heard["activation"].min() - 0.5 <= table["activation_level"].min()


@pytest.mark.parametrize("settings", [{"window_s": 3.0}, {"window_s": 1.3, "hop_s": 0.7}, {"window_s": None}])
@pytest.mark.parametrize("statistics", ["source", "running"])
def test_a_stream_gives_the_files_values_to_the_last_bit(interview, loud_is_speech, model, settings, statistics):
    track = follow(interview, model, statistics=statistics, **settings)
    stream = io.BytesIO(pulse_code(interview))
    rows = pd.DataFrame(track_stream(stream, 16000, model, statistics=statistics, **settings))
    expected = track.flat()[list(rows)]
    assert len(rows) >= 4
    pd.testing.assert_frame_equal(
        rows.drop(columns=["file", "problem"]), expected.drop(columns=["file", "problem"]), check_exact=True
    )
    missing = set(track.flat()) - set(rows)
    assert missing == {f"{label}_level{end}" for label in ("activation", "valence") for end in ("", "_low", "_high")}


def test_running_statistics_forget_by_the_time_of_the_segments(interview, loud_is_speech, model, monkeypatch):
    settings = {"window_s": 0.3, "statistics": "running"}
    long = follow(interview, model, **settings).table["activation"]
    monkeypatch.setattr("affectmap.track.running_statistics.MEMORY_S", 2.5)
    short = follow(interview, model, **settings).table["activation"]
    pd.testing.assert_series_equal(short[:20], long[:20], check_exact=True)
    assert not np.allclose(short[20:], long[20:], equal_nan=True)


def test_threads_and_a_second_run_do_not_matter(interview, model):
    tables = [follow(interview, model, window_s=2, n_jobs=n_jobs).table for n_jobs in (1, 2, 2)]
    for table in tables[1:]:
        pd.testing.assert_frame_equal(table, tables[0], check_exact=True)


def test_the_smoothing_can_be_named(interview, model):
    assert follow(interview, model, window_s=3, hop_s=2, statistics="running", smoothing_s=20).smoothing_s == 20


def test_no_speech_at_all(tmp_path, model):
    soundfile.write(tmp_path / "hush.wav", 0.01 * np.random.default_rng(0).standard_normal(16000 * 5), 16000)
    track = follow(tmp_path / "hush.wav", model)
    assert len(track.table) == 0
    assert {*model.columns, "activation_level_low", "problem"} < set(track.table)
    assert track.notes == ["no speech was found in its 5.0 s"]
    track.to_csv(tmp_path / "hush.csv")
    assert pd.read_csv(tmp_path / "hush.csv").columns.tolist() == list(track.flat())


def test_shorter_than_one_window(write_voice, model):
    (row,) = follow(write_voice("a.wav", seconds=0.9), model, window_s=3).flat().itertuples()
    assert (row.start, row.end) == (0.0, 0.9)
    assert np.isfinite(row.activation)


def test_too_short_to_measure(write_voice, model):
    track = follow(write_voice("a.wav", seconds=0.03), model, window_s=3)
    assert len(track.table) == 0
    assert track.notes[0] == "the last 0.030 s are too short to measure"


def test_another_rate_is_resampled_and_told(write_voice, model):
    high = follow(write_voice("a.wav", sampling_rate=48000, seconds=3), model, window_s=3)
    assert high.notes[0] == "recorded at 48000 Hz, resampled to 16000 Hz, the rate of the model"
    assert len(high.table) == 1
    low = follow(write_voice("b.wav", sampling_rate=8000, seconds=3), model, window_s=3)
    assert low.notes[0].startswith("recorded at 8000 Hz: what lies above 4000 Hz is missing")


@pytest.mark.parametrize(
    ("sampling_rate", "subtype", "n_channels"), [(192000, "PCM_24", 1), (16000, "PCM_U8", 1), (44100, "PCM_16", 2)]
)
def test_kinds_of_recordings(tmp_path, voice, model, sampling_rate, subtype, n_channels):
    signal = np.stack([voice(4.0, sampling_rate)] + [np.zeros(4 * sampling_rate)] * (n_channels - 1), axis=1)
    soundfile.write(tmp_path / "a.wav", signal, sampling_rate, subtype=subtype)
    track = follow(tmp_path / "a.wav", model, window_s=2)
    assert track.table["activation"].notna().all()
    assert any("channel 2 of 2 is silent" in note for note in track.notes) == (n_channels == 2)


def test_noise_of_one_bit_is_clipped_and_no_error(tmp_path, model):
    noise = np.random.default_rng(0).choice([-1.0, 1.0], 16000 * 4)
    soundfile.write(tmp_path / "a.wav", noise, 16000, subtype="FLOAT")
    table = follow(tmp_path / "a.wav", model, window_s=2).table
    assert table["clipped"].all()
    assert table["not_speech"].all()


def test_samples_beyond_full_scale_have_no_values_and_a_reason(tmp_path, voice, model):
    soundfile.write(tmp_path / "a.wav", 9 * voice(4.0), 16000, subtype="FLOAT")
    track = follow(tmp_path / "a.wav", model, window_s=2)
    assert track.table["activation"].isna().all()
    assert "2 of 2 segments have no values, first at 0.0 s: peaks at" in track.notes[0]


def test_nan_samples_cost_their_window_only(tmp_path, voice, model):
    signal = voice(6.0)
    signal[40000:40100] = np.nan
    soundfile.write(tmp_path / "a.wav", signal, 16000, subtype="FLOAT")
    track = follow(tmp_path / "a.wav", model, window_s=2)
    assert track.table["activation"].isna().tolist() == [False, True, False]
    assert track.table["problem"].notna().tolist() == [False, True, False]
    assert any("NaN or infinity" in note for note in track.notes)


def test_a_sound_of_some_samples_has_no_band(tmp_path, model):
    soundfile.write(tmp_path / "a.wav", [0.3, 0.2, 0.1], 16000)
    track = follow(tmp_path / "a.wav", model, window_s=2)
    assert not any("kHz" in note for note in track.notes)


def test_a_cut_recording_is_tracked_as_far_as_it_goes(interview, model):
    whole = interview.read_bytes()
    interview.write_bytes(whole[: len(whole) // 2])
    track = follow(interview, model, window_s=2)
    assert track.duration_s == pytest.approx(21.5 / 2, abs=0.01)
    assert any("cut short" in note for note in track.notes)
    assert track.flat()["end"].max() == pytest.approx(track.duration_s, abs=0.001)


@pytest.mark.parametrize("content", [b"", b"notes " * 99])
def test_what_is_no_recording(tmp_path, model, content):
    (tmp_path / "a.wav").write_bytes(content)
    with pytest.raises(AudioError, match=r"empty|not audio"):
        follow(tmp_path / "a.wav", model)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"hop_s": 1.0}, "goes with fixed windows"),
        ({"smoothing_s": 0.0}, "smoothing is 0 s"),
        ({"n_jobs": 0}, "n_jobs is 0"),
        ({"statistics": "mine"}, "'mine' are unknown"),
    ],
)
def test_settings_that_cannot_be(write_voice, model, settings, message):
    with pytest.raises(ConfigError, match=message):
        follow(write_voice("a.wav"), model, **settings)


def test_a_model_of_another_rate(write_voice):
    class Other:
        sampling_rate = 8000

        def check_takes_recordings(self):
            pass

    with pytest.raises(ConfigError, match="model measures at 8000 Hz"):
        follow(write_voice("a.wav"), Other())


def test_a_stream_cannot_know_the_whole(model):
    with pytest.raises(ConfigError, match="take source or running"):
        next(track_stream(io.BytesIO(), 16000, model, statistics="recording"))


def test_a_streams_notes(model):
    notes = []
    assert list(track_stream(io.BytesIO(b"123"), 8000, model, notify=notes.append)) == []
    assert [note.split(":")[0] for note in notes][:2] == [
        "recorded at 8000 Hz",
        "the last byte is half a sample and was left out",
    ]


@pytest.mark.parametrize("format", ["csv", "json", "parquet"])
def test_tables_are_read_back(tmp_path, interview, model, format):
    track = follow(interview, model, window_s=3)
    track.write(tmp_path / "a", format)
    read = {"csv": pd.read_csv, "parquet": pd.read_parquet, "json": lambda file: pd.read_json(file, lines=True)}
    found, flat = read[format](tmp_path / "a"), track.flat()
    assert list(found) == list(flat)
    pd.testing.assert_frame_equal(
        found.drop(columns="problem"), flat.drop(columns="problem"), rtol=1e-5, check_dtype=False
    )


def test_a_format_that_is_none(tmp_path, interview, model):
    with pytest.raises(ConfigError, match="format 'xml' is unknown"):
        follow(interview, model, window_s=3).write(tmp_path / "a", "xml")


class Instant:
    """A model's face with nothing behind it, for hours of sound."""

    sampling_rate = 16000

    def __init__(self, model):
        self.model, self.empty = model, np.zeros((1, len(FUNCTIONALS)))
        self.metadata, self.inputs = model.metadata, model.inputs

    def check_takes_recordings(self):
        pass

    def measure(self, signals, sampling_rate, *, n_jobs=None, cache=None):
        from affectmap.audio.quality import SignalFlags

        return pd.DataFrame(self.empty), [SignalFlags()]

    def transform(self, functionals):
        return self.model.transform(functionals)


@pytest.mark.slow
def test_memory_does_not_grow_with_eight_hours(tmp_path, monkeypatch, model):
    """The detector and measuring are left out: what is tested is reading, cutting, waiting and the table."""
    monkeypatch.setattr(speech.Detector, "_look", lambda self, chunk: 0.9)

    def peak(hours):
        file = tmp_path / "long.wav"
        with soundfile.SoundFile(file, "w", 16000, 1, subtype="PCM_16") as sound:
            sound.write(np.zeros(1600, np.int16))
        size = hours * 3600 * 32000
        with file.open("r+b") as handle:  # a hole in the file: it takes no room on the disk
            handle.seek(4)
            handle.write((36 + size).to_bytes(4, "little"))
            handle.seek(40)
            handle.write(size.to_bytes(4, "little"))
            handle.truncate(44 + size)
        tracemalloc.start()
        track = follow(file, Instant(model), window_s=10.0)
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert track.duration_s == hours * 3600
        assert len(track.table) == hours * 360
        return found / 1e6

    one, eight = peak(1), peak(8)
    # 920 MB of samples lie in the longer one; a row of the table and its functionals take some 2 kB.
    assert eight < one + 20


@pytest.mark.slow
@pytest.mark.real
@pytest.mark.skipif(not os.environ.get("AFFECTMAP_DATA"), reason="AFFECTMAP_DATA names no folder with corpora/")
def test_anger_is_more_activated_than_sadness(tmp_path, model):
    folder = Path(os.environ["AFFECTMAP_DATA"], "corpora/emodb/wav")
    levels = []
    for letter in "WT":
        files = sorted(folder.glob(f"*{letter}?.wav"))[::6]
        signal = np.concatenate([np.append(soundfile.read(file)[0], np.zeros(16000)) for file in files])
        soundfile.write(tmp_path / "a.wav", signal, 16000)
        table = follow(tmp_path / "a.wav", model).table
        assert len(table) > 0.7 * len(files)
        levels.append(table["activation"].mean())
    assert levels[0] > levels[1] + 0.5


ROW = {
    "file": 'a "b", c.wav',
    "start": np.float64(3599.9680625),
    "speech": np.float32(0.5),
    "activation": 1.23456789,
    "valence": float("nan"),
    "silent": np.bool_(True),
    "problem": None,
}


def test_csv_is_read_back():
    header, row = csv.reader(io.StringIO(f"{csv_header(ROW)}\n{text_line(ROW, 'csv')}\n"))
    assert header == list(ROW)
    assert row == ['a "b", c.wav', "3599.9681", "0.5", "1.23457", "", "True", ""]


def test_json_is_read_back():
    found = json.loads(text_line(ROW, "json"))
    assert list(found) == list(ROW)
    assert found["valence"] is None
    assert found["silent"] is True
    assert found["start"] == 3599.9681


@pytest.mark.parametrize("name", ["a\nb.wav", "a\rb.wav", "ü😀.wav", "\t.wav"])
def test_strange_names(name):
    (row,) = csv.reader(io.StringIO(text_line({"file": name}, "csv"), newline=""))
    assert row == [name]
    assert not {"\n", "\r"} & set(text_line({"file": name}, "json"))
