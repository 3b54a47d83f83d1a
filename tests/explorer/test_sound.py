"""Excerpts: what is heard, how small it is, and why there is none."""

import io
from pathlib import Path

import numpy as np
import soundfile

from affectmap.explorer.sound import N_BARS, Place, outline, places_of, take_excerpt, take_excerpts


def heard(excerpt):
    signal, rate = soundfile.read(io.BytesIO(excerpt.sound))
    return signal, rate


def test_an_excerpt_sounds_like_the_recording_and_is_small(write_voice):
    file = write_voice("voice.wav", seconds=2.0)
    found = take_excerpt(Place(file))
    signal, rate = heard(found)
    assert (len(signal) / rate, found.length_s, found.problem) == (2.0, 2.0, "")
    assert 1000 < len(found.sound) / 2 < 4000
    original, _ = soundfile.read(file)
    loudness = [np.sqrt(np.mean(each**2)) for each in (original, signal)]
    assert 0.7 < loudness[1] / loudness[0] < 1.3


def test_a_segment_is_cut_out_of_any_rate_and_channels(write_voice):
    file = write_voice("voice.wav", seconds=1.5, sampling_rate=44100, n_channels=2)
    found = take_excerpt(Place(file, 0.25, 0.75))
    assert found.length_s == 0.5
    signal, rate = heard(found)
    assert abs(len(signal) / rate - 0.5) < 0.01


def test_of_a_long_recording_the_beginning_is_taken_and_said(tmp_path):
    soundfile.write(tmp_path / "long.wav", np.full(8000 * 40, 0.1), 8000)
    found = take_excerpt(Place(tmp_path / "long.wav"))
    assert found.problem == "the first 30 of 40 s"
    assert len(heard(found)[0]) / heard(found)[1] == 30


def test_what_cannot_be_read_says_why_without_its_path(tmp_path):
    (tmp_path / "broken.wav").write_bytes(b"no audio")
    (tmp_path / "empty.wav").touch()
    places = [Place(tmp_path / name) for name in ("broken.wav", "empty.wav", "none.wav")] + [Place(tmp_path)]
    for found in take_excerpts(places, n_jobs=2):
        assert found.sound == b""
        assert found.problem
        assert str(tmp_path) not in found.problem
        assert len(found.outline) == N_BARS


def test_loud_and_strange_samples_are_no_trouble(tmp_path):
    soundfile.write(tmp_path / "loud.wav", np.full(16000, 1.7, np.float32), 16000, subtype="FLOAT")
    assert take_excerpt(Place(tmp_path / "loud.wav")).sound
    assert outline(np.full(10, np.nan, np.float32)) == bytes(N_BARS)
    assert outline(np.zeros(0, np.float32)) == bytes(N_BARS)


def test_places_have_no_end_where_an_utterance_is_the_file():
    import pandas as pd

    table = pd.DataFrame({"file": ["a.wav", "a.wav"], "start": [0.0, 1.0], "end": [np.nan, 2.0]})
    assert places_of(table) == [Place(Path("a.wav"), 0.0, None), Place(Path("a.wav"), 1.0, 2.0)]


def test_silence_is_flagged_and_flat(tmp_path, write_voice):
    soundfile.write(tmp_path / "silent.wav", np.full(16000, 1e-4), 16000, subtype="FLOAT")
    found = take_excerpt(Place(tmp_path / "silent.wav"))
    assert (found.flags, max(found.outline) <= 1) == ("silent", True)
    soundfile.write(tmp_path / "faint.wav", 5e-4 * np.sin(np.arange(16000) / 9), 16000, subtype="FLOAT")
    assert max(take_excerpt(Place(tmp_path / "faint.wav")).outline) < 5
    soundfile.write(tmp_path / "loud.wav", np.sign(np.sin(np.arange(16000) / 9)), 16000)
    assert "clipped" in take_excerpt(Place(tmp_path / "loud.wav")).flags.split(", ")
    assert "silent" not in take_excerpt(Place(write_voice("voice.wav"))).flags
    soundfile.write(tmp_path / "long.wav", np.zeros(16000 * 32), 16000)
    assert take_excerpt(Place(tmp_path / "long.wav")).flags is None
