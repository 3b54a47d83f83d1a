import os

import numpy as np
import pytest
import soundfile

from affectmap.annotator import recordings as catalogue
from affectmap.annotator.recordings import look_through
from affectmap.errors import CorpusError


def notes(folder, known=None, **options):
    return {found.path: found.note for found in look_through(folder, known or {}, **options)}


def test_what_can_be_rated(write_voice, tmp_path):
    for name in ("b/a.wav", "a.flac", "c.OGG"):
        write_voice(name)
    write_voice("labels/x.wav")
    found = look_through(tmp_path, {}, without=tmp_path / "labels")
    assert [each.path for each in found] == ["a.flac", "b/a.wav", "c.OGG"]
    assert all(each.note == "" and len(each.content) == 64 and each.duration_s == 0.4 for each in found)


def test_why_others_cannot(write_voice, tmp_path):
    cut = write_voice("cut.wav")
    cut.write_bytes(cut.read_bytes()[:3000])
    (tmp_path / "empty.wav").touch()
    soundfile.write(tmp_path / "blip.wav", np.zeros(80), 8000)
    soundfile.write(tmp_path / "long.flac", np.zeros(8000 * 121), 8000)
    (tmp_path / "line\nbreak.wav").write_bytes(cut.read_bytes())
    (tmp_path / " ").mkdir()
    (tmp_path / " " / "spaces.wav").write_bytes(cut.read_bytes())
    (tmp_path / os.fsdecode(b"\xff.wav")).write_bytes(cut.read_bytes())
    found = notes(tmp_path)
    assert found["cut.wav"] == "cut short; restore the whole file"
    assert found["empty.wav"] == "empty (0 bytes); restore it"
    assert found["blip.wav"] == "lasts 0.01 s, expected 0.06 to 120 s; cut it anew"
    assert found["long.flac"].startswith("lasts 121 s")
    assert "its name cannot be written" in found["line\nbreak.wav"]
    assert "its name cannot be written" in found[" /spaces.wav"]
    assert "its name cannot be written" in found["\\xff.wav"]


def test_files_are_read_once(write_voice, tmp_path, monkeypatch):
    write_voice("a.wav")
    write_voice("b.wav", seed=1)
    known = {found.path: found for found in look_through(tmp_path, {})}
    looked, look = [], catalogue._playable
    monkeypatch.setattr(catalogue, "_playable", lambda file: looked.append(file.name) or look(file))
    write_voice("b.wav", seconds=0.5)
    again = {found.path: found for found in look_through(tmp_path, known)}
    assert looked == ["b.wav"]
    assert again["a.wav"] == known["a.wav"]
    assert again["b.wav"].content != known["b.wav"].content


@pytest.mark.skipif(os.getuid() == 0, reason="root reads everything")
def test_files_without_permission(write_voice, tmp_path):
    write_voice("a.wav").chmod(0)
    assert notes(tmp_path)["a.wav"].startswith("cannot be read")


def test_no_folder(tmp_path):
    with pytest.raises(CorpusError, match="does not exist"):
        look_through(tmp_path / "none", {})
