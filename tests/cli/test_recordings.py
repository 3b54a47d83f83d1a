"""Recordings as they are named on the command line."""

import os

import pytest

from affectmap.cli.embed import list_recordings
from affectmap.errors import CorpusError


def test_folders_give_recordings_below_them_once(tmp_path):
    for name in ("b.flac", "a.Ogg", "x/c.wav", "x/.c.wav", "notes.md", ".git/d.wav"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    found = list_recordings([str(tmp_path / "b.flac"), str(tmp_path), "-", "gone.wav"])
    assert [os.path.relpath(each, tmp_path) if each.startswith("/") else each for each in found] == [
        *("b.flac", "a.Ogg", "x/c.wav"),
        *("-", "gone.wav"),
    ]


def test_linked_folders_and_what_is_passed_over(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("affectmap.corpora.folder.installed", lambda module: False)
    for name in ("speech/a.wav", "speech/b.m4a", "elsewhere/c.wav"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "speech" / "more").symlink_to(tmp_path / "elsewhere")
    assert list_recordings(["speech"]) == ["speech/a.wav", "speech/more/c.wav"]
    told = capsys.readouterr().err
    assert told.startswith("note: speech holds 1 recording that libsndfile cannot read, passed over (1 .m4a: b.m4a);")
    assert list_recordings(["speech/b.m4a"]) == ["speech/b.m4a"]  # named alone, its row says why


def test_a_folder_without_recordings(tmp_path):
    with pytest.raises(CorpusError, match="holds no recordings; expected files such as"):
        list_recordings([str(tmp_path)])
