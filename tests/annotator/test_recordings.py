import os

import numpy as np
import pytest
import soundfile

from affectmap.annotator import recordings
from affectmap.annotator.recordings import read_training, scan, synthetic_training
from affectmap.errors import CorpusError, LabelError
from conftest import make_voice


def notes(folder, known=None, **options):
    return {each.path: each.note for each in scan(folder, known or {}, **options)}


def test_what_can_be_rated(write_voice, tmp_path):
    for name in ("b/a.wav", "a.flac", "c.OGG"):
        write_voice(name)
    write_voice("labels/x.wav")
    found = scan(tmp_path, {}, without=tmp_path / "labels")
    assert [each.path for each in found] == ["a.flac", "b/a.wav", "c.OGG"]
    assert all(each.note == "" and len(each.content) == 64 and each.duration_s == 0.4 for each in found)


def test_every_kind_of_file_that_embed_takes(tmp_path):
    kinds = {"caf": "CAF", "w64": "W64", "rf64": "RF64", "oga": "OGG"}
    for suffix, kind in kinds.items():
        soundfile.write(tmp_path / f"a.{suffix}", make_voice(0.2), 16000, format=kind)
    assert notes(tmp_path) == dict.fromkeys([f"a.{suffix}" for suffix in sorted(kinds)], "")


def test_why_others_cannot(write_voice, tmp_path):
    cut = write_voice("cut.wav")
    cut.write_bytes(cut.read_bytes()[:3000])
    (tmp_path / "empty.wav").touch()
    torn = write_voice("torn.flac")
    torn.write_bytes(torn.read_bytes()[:3000])
    soundfile.write(tmp_path / "blip.wav", np.zeros(80), 8000)
    soundfile.write(tmp_path / "long.flac", np.zeros(8000 * 121), 8000)
    (tmp_path / "line\nbreak.wav").write_bytes(cut.read_bytes())
    (tmp_path / " ").mkdir()
    (tmp_path / " " / "spaces.wav").write_bytes(cut.read_bytes())
    (tmp_path / os.fsdecode(b"\xff.wav")).write_bytes(cut.read_bytes())
    found = notes(tmp_path)
    assert found["cut.wav"] == "cut short, it holds 0.09 s of 0.40 s; restore the whole file"
    assert found["empty.wav"] == "empty (0 bytes); restore it"
    assert found["blip.wav"] == "lasts 0.01 s, expected 0.06 to 120 s; cut it anew"
    assert found["long.flac"] == "lasts more than 120 s; cut it anew"
    assert found["torn.flac"].startswith(("broken, or not audio", "cut short, it holds"))
    assert "its name cannot be written" in found["line\nbreak.wav"]
    assert "its name cannot be written" in found[" /spaces.wav"]
    assert "its name cannot be written" in found["\\xff.wav"]


def test_files_are_read_once(write_voice, tmp_path, monkeypatch):
    write_voice("a.wav")
    write_voice("b.wav", seed=1)
    known = {each.path: each for each in scan(tmp_path, {})}
    looked, look = [], recordings._check_playable
    monkeypatch.setattr(recordings, "_check_playable", lambda file: looked.append(file.name) or look(file))
    write_voice("b.wav", seconds=0.5)
    again = {each.path: each for each in scan(tmp_path, known)}
    assert looked == ["b.wav"]
    assert again["a.wav"] == known["a.wav"]
    assert again["b.wav"].content != known["b.wav"].content


@pytest.mark.skipif(os.getuid() == 0, reason="root reads everything")
def test_files_without_permission(write_voice, tmp_path):
    write_voice("a.wav").chmod(0)
    assert notes(tmp_path)["a.wav"].startswith("cannot be read")


def test_no_folder(tmp_path):
    with pytest.raises(CorpusError, match="does not exist"):
        scan(tmp_path / "none", {})


def test_sheets_that_cannot_be_used(tmp_path):
    for text, reason in [
        ("file,activation\na.wav,1\n", "no column valence"),
        ("file,activation,valence\n", "has 0 rows; expected 1 to 5"),
        ("file,activation,valence\n" + "a.wav,1,1\n" * 6, "has 6 rows"),
        ("file,activation,valence\nb.wav,1,1\n", "line 2: path 'b.wav' is no file"),
        ("file,activation,valence\n../a.wav,1,1\n", "leads out of the served folder"),
        ("file,activation,valence\na.wav,6,1\n", "line 2: activation is 6; expected a number from 1 to 5"),
        ("file,activation,valence\na.wav,1,\n", "line 2: valence is empty; give the reference"),
    ]:
        (tmp_path / "a.wav").touch()
        (tmp_path / "t.csv").write_text(text)
        with pytest.raises(LabelError, match=reason):
            read_training(tmp_path / "t.csv", tmp_path)


def test_a_missing_sheet(tmp_path):
    with pytest.raises(LabelError, match="cannot be read"):
        read_training(tmp_path / "t.csv", tmp_path)


@pytest.mark.slow
def test_synthetic_speech_is_spoken_once(tmp_path):
    pytest.importorskip("espeakng_loader")
    items = synthetic_training(tmp_path, "ur-PK")
    assert len(items) == 5
    assert {item.file.parent for item in items} == {tmp_path / "ur"}
    labels = [(item.activation, item.valence) for item in items]
    assert max(activation for activation, _ in labels) >= 4
    assert min(activation for activation, _ in labels) <= 2
    assert max(valence for _, valence in labels) >= 4
    assert min(valence for _, valence in labels) <= 2
    spoken = items[0].file.stat().st_mtime_ns
    assert synthetic_training(tmp_path, "ur") == items
    assert items[0].file.stat().st_mtime_ns == spoken
    items[0].file.unlink()
    assert synthetic_training(tmp_path, "ur") == items
