"""The part on tracking: what it measures is there, on speech of its own; no time is asserted."""

import pytest
import soundfile

import tracking


@pytest.mark.slow
def test_rows_without_real_recordings(monkeypatch):
    monkeypatch.delenv("AFFECTMAP_DATA", raising=False)
    monkeypatch.setattr(tracking, "has_encoder", lambda: False)
    monkeypatch.setattr(tracking, "peak_memory", lambda function, name, file: 1.0)
    part = tracking.measure(quick=True, seconds=6.0)
    rows = {row.name: row for row in part["rows"]}
    assert len(rows) == 8
    assert rows["an hour of detected speech: one core"].aim == "≤ 190"
    assert all(row.value > 0 for name, row in rows.items() if "memory" not in name)
    assert "synthetic" in rows["an hour of detected speech: one core"].note


def test_a_joined_recording_has_its_length(tmp_path, monkeypatch):
    monkeypatch.delenv("AFFECTMAP_DATA", raising=False)
    tracking.join(tmp_path / "a.wav", 7.5)
    assert soundfile.info(tmp_path / "a.wav").frames == 7.5 * 16000
