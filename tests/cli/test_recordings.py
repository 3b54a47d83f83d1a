"""Recordings as they are named on the command line."""

import os

import pytest

from affectmap.cli.embed import find_recordings, read_speakers, readable
from affectmap.errors import AudioError, LabelError


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


def test_without_the_input_nothing_is_copied():
    with readable(["a.wav", "b.wav"]) as files:
        assert files == ["a.wav", "b.wav"]


def test_speakers_beside_the_table_or_where_the_command_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "deep").mkdir()
    table = tmp_path / "deep" / "who.csv"
    table.write_text("﻿file,speaker\na.wav,007\nb.wav,bo\n", encoding="utf-8")
    assert read_speakers(table, ["deep/a.wav", "b.wav", str(tmp_path / "deep" / "b.wav")]) == ["007", "bo", "bo"]


def test_a_table_that_is_a_folder(tmp_path):
    with pytest.raises(LabelError, match="cannot be read"):
        read_speakers(tmp_path, ["a.wav"])
