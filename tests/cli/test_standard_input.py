"""Recordings that come through pipes: they lie nowhere under a name, and what is said names the pipe."""

import io
import os
import sys
import tempfile
import threading
from pathlib import Path

import pytest
import soundfile

from affectmap.cli.standard_input import readable
from affectmap.errors import AudioError, StorageError
from conftest import make_voice


@pytest.fixture
def place(tmp_path, monkeypatch):
    """An empty folder for temporary files."""
    (tmp_path / "place").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "place"))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return tmp_path / "place"


def pipe_in(monkeypatch, content):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))


def wave(file, seconds=1.0):
    soundfile.write(file, make_voice(seconds=seconds), 16000)
    return file


def test_without_a_pipe_nothing_is_copied():
    with readable(["a.wav", "b.wav"]) as files:
        assert files == ["a.wav", "b.wav"]


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="files have names here")
def test_the_recording_has_no_name_and_is_gone_afterwards(place, monkeypatch):
    pipe_in(monkeypatch, b"voice" * 1_000_000)
    with readable(["a.wav", "-"]) as (first, second):
        assert (first, Path(second).read_bytes()) == ("a.wav", b"voice" * 1_000_000)
        assert list(place.iterdir()) == []
    assert not Path(second).exists()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes")
def test_named_pipes_are_read_as_the_input_is(affectmap, here, place):
    content = wave(here / "a.wav").read_bytes()
    os.mkfifo(here / "fifo.wav")
    writer = threading.Thread(target=(here / "fifo.wav").write_bytes, args=(content,))
    writer.start()
    done = affectmap("embed", "a.wav", "fifo.wav")
    writer.join()
    rows = done.out.splitlines()[1:]
    assert [row.partition(",")[0] for row in rows] == ["a.wav", "fifo.wav"]
    assert len({row.partition(",")[2] for row in rows}) == 1


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes")
def test_a_pipe_that_lies_in_a_folder_is_not_waited_for(affectmap, here, place):
    (here / "rec").mkdir()
    wave(here / "rec" / "a.wav")
    os.mkfifo(here / "rec" / "b.wav")
    done = affectmap("embed", "rec")
    assert (done.code, done.err) == (0, "note: no values for rec/b.wav: not a file; name a recording\n")
    assert len(done.out.splitlines()) == 3


def test_a_track_of_the_input(affectmap, here, place, monkeypatch):
    expected = affectmap("track", wave(here / "a.wav", 4.0), "--windows", 2)
    pipe_in(monkeypatch, (here / "a.wav").read_bytes())
    done = affectmap("track", "-", "--windows", 2)
    assert (done.code, done.out) == (0, expected.out.replace(str(here / "a.wav"), "-"))
    pipe_in(monkeypatch, b"no sound" * 100)
    done = affectmap("track", "-")
    assert (done.code, done.error.split(":")[0], "/proc" in done.err) == (1, "-", False)


def test_no_place_for_it_is_one_line(affectmap, here, place, monkeypatch):
    pipe_in(monkeypatch, wave(here / "a.wav").read_bytes())
    monkeypatch.setenv("TMPDIR", str(place / "gone"))
    for words in (["embed", "-"], ["track", "-"], ["serve"]):
        done = affectmap(*words)
        assert (done.code, done.out, done.error) == (
            1,
            "",
            f"TMPDIR names {place / 'gone'}, which is no folder that you may write; make it, or correct it",
        )


def test_a_full_place_is_one_line(place, monkeypatch):
    class Full(io.BytesIO):
        def write(self, chunk):
            raise OSError(28, "No space left on device")

    from contextlib import nullcontext

    pipe_in(monkeypatch, b"voice")
    monkeypatch.setattr("affectmap.temporary.unnamed_file", lambda: nullcontext((Full(), Path("x"))))
    with pytest.raises(StorageError, match=r"-: the recording cannot be kept while it is measured \(No space left"):
        readable(["-"]).__enter__()


def test_errors_name_the_pipe_and_not_where_its_content_lies(place, monkeypatch):
    pipe_in(monkeypatch, b"voice")
    with pytest.raises(AudioError, match=r"^-: broken$"), readable(["-"]) as (path,):
        raise AudioError(f"{path}: broken")
