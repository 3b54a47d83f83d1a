"""``affectmap voice`` as a user meets it."""

import io
import json

import numpy as np
import pandas as pd
import pytest
import soundfile

from affectmap.audio.cleaning import without_offset
from affectmap.egemaps import VOICE_NAMES, measure_voice
from conftest import make_voice


def write_syllables(file, per_second=4.0, seconds=2.0, offset=0.0):
    time = np.arange(round(16000 * seconds)) / 16000
    signal = make_voice(seconds=seconds) * (0.6 - 0.4 * np.cos(2 * np.pi * per_second * time)) + offset
    soundfile.write(file, 0.5 * signal, 16000)


def test_a_row_a_recording_in_units(affectmap, here):
    write_syllables(here / "a.wav")
    write_syllables(here / "b.wav", per_second=2.0)
    done = affectmap("voice", "a.wav", "b.wav")
    assert done.code == 0
    found = pd.read_csv(io.StringIO(done.out), index_col="file")
    assert tuple(found.columns) == (*VOICE_NAMES, "note", "problem")
    assert found["duration_s"].tolist() == [2, 2]
    assert found["speaking_rate"].tolist() == pytest.approx([4, 2], rel=0.1)
    signal, rate = soundfile.read(here / "a.wav", dtype="float32")
    expected = measure_voice(without_offset(signal), rate)
    assert found.loc["a.wav", list(VOICE_NAMES)].astype(float).to_dict() == pytest.approx(
        expected, rel=1e-5, nan_ok=True
    )


def test_an_offset_changes_nothing(affectmap, here):
    write_syllables(here / "a.wav")
    write_syllables(here / "b.wav", offset=0.05)
    rows = [line.split(",")[1:] for line in affectmap("voice", "a.wav", "b.wav").out.splitlines()[1:]]
    values = np.array([[float(cell or "nan") for cell in row[:-2]] for row in rows])
    assert values[0] == pytest.approx(values[1], rel=0.02, nan_ok=True)


def test_a_recording_that_cannot_be_used_is_a_row_with_a_problem(affectmap, here):
    (here / "bad.wav").write_bytes(b"RIFF")
    soundfile.write(here / "short.wav", np.zeros(100), 16000)
    write_syllables(here / "a.wav", seconds=1.0)
    done = affectmap("voice", "--format", "json", "bad.wav", "a.wav", "short.wav", "gone.wav")
    assert done.code == 0
    rows = [json.loads(line) for line in done.out.splitlines()]
    assert [row["problem"] is None for row in rows] == [False, True, False, False]
    assert rows[2]["problem"] == "lasts 0.00625 s, expected at least 0.06 s"
    assert "note: no values for gone.wav: there is no such file; restore it or correct its path" in done.err
    none = affectmap("voice", "gone.wav")
    assert none.code == 1
    assert none.error == "none of 1 recordings could be used; the column problem says why"


def test_silence_has_empty_cells_and_no_problem(affectmap, here):
    soundfile.write(here / "still.wav", np.zeros(16000), 16000)
    (row,) = pd.read_csv(io.StringIO(affectmap("voice", "still.wav").out)).to_dict("records")
    assert np.isnan([row[name] for name in ("f0_hz", "cpp_voiced_db", "speaking_rate", "problem")]).all()
    assert row["voiced_share"] == 0


def test_writes_a_table_whole_and_replaces_none(affectmap, here):
    write_syllables(here / "a.wav", seconds=0.5)
    for name in ("out.csv", "out.parquet"):
        assert affectmap("voice", "a.wav", "-o", name).code == 0
        assert affectmap("voice", "a.wav", "-o", name).code == 1
    assert affectmap("voice", "a.wav", "-o", "out.csv", "--overwrite").code == 0
    read = pd.read_parquet(here / "out.parquet").reset_index()
    assert read["f0_hz"].tolist() == pytest.approx(pd.read_csv(here / "out.csv")["f0_hz"].tolist(), rel=1e-5)
