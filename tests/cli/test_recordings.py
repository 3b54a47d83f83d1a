"""Recordings as they are named on the command line."""

import os

import pytest

from affectmap.cli.embed import find_recordings
from affectmap.errors import AudioError


def test_folders_give_recordings_below_them_once(tmp_path):
    for name in ("b.flac", "a.Ogg", "x/c.wav", "x/.c.wav", "notes.md", ".git/d.wav"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    found = find_recordings([str(tmp_path / "b.flac"), str(tmp_path), "-", "gone.wav"])
    assert [os.path.relpath(each, tmp_path) if each.startswith("/") else each for each in found] == [
        *("b.flac", "a.Ogg", "x/c.wav"),
        *("-", "gone.wav"),
    ]


def test_a_folder_without_recordings(tmp_path):
    with pytest.raises(AudioError, match="no recording lies in it"):
        find_recordings([str(tmp_path)])
