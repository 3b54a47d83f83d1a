"""Temporary files: in the folder that the user named, and none left of a process that was killed."""

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from affectmap.errors import StorageError
from affectmap.temporary import lock_file, temporary_folder, temporary_place, unnamed_file
from cases import each


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    """An empty folder for temporary files."""
    (tmp_path / "place").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "place"))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return tmp_path / "place"


def killed(code, place, end=signal.SIGKILL):
    """Run code until it says that it is ready, and end it by a signal."""
    code = f"import time\nfrom affectmap.temporary import *\n{code}"
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env={**os.environ, "TMPDIR": str(place)}) as process:
        assert process.stdout.readline() == b"ready\n"
        process.send_signal(end)


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="files have names here")
def test_a_file_without_a_name_is_never_seen_and_gone_with_the_process(place):
    with unnamed_file() as (handle, path):
        handle.write(b"voice")
        handle.flush()
        assert (path.read_bytes(), path.is_file(), list(place.iterdir())) == (b"voice", True, [])
        path.write_text("written by its path")
        handle.seek(0)
        assert handle.read() == b"written by its path"
    for end in (signal.SIGKILL, signal.SIGTERM, signal.SIGHUP):
        code = "with unnamed_file() as (handle, path):\n handle.write(bytes(10**6)); print('ready', flush=True)"
        killed(f"{code}\n time.sleep(60)", place, end)
        assert list(place.iterdir()) == []


def test_where_files_need_names_it_has_one_for_a_while(place, monkeypatch):
    is_dir = Path.is_dir
    monkeypatch.setattr(Path, "is_dir", lambda self: is_dir(self) and not str(self).startswith("/proc"))
    with unnamed_file() as (handle, path):
        handle.write(b"voice")
        handle.flush()
        assert (path.parent, path.read_bytes()) == (place, b"voice")
    assert list(place.iterdir()) == []


def test_a_folder_is_removed_at_the_end_and_those_in_use_stay(place):
    with temporary_folder() as one, temporary_folder() as other:
        (one / "a.wav").write_bytes(b"voice")
        assert {one, other} == set(place.iterdir())
    assert list(place.iterdir()) == []
    with pytest.raises(KeyError), temporary_folder():
        raise KeyError
    assert list(place.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="no locks that a process's end releases")
def test_what_a_killed_process_left_is_removed_by_the_next_and_nothing_else(place):
    code = "with temporary_folder() as folder:\n (folder / 'a.wav').write_bytes(b'voice'); print('ready', flush=True)"
    killed(f"{code}\n time.sleep(60)", place)
    (left,) = place.iterdir()
    assert (left / "a.wav").exists()
    (place / "affectmap-notes").mkdir()
    (place / "affectmap-notes.txt").write_text("of the user")
    with temporary_folder() as folder:
        assert {each.name for each in place.iterdir()} == {folder.name, "affectmap-notes", "affectmap-notes.txt"}


@each("value", ["gone", "file", "file/below"])
def test_a_place_that_is_none_is_told_and_no_other_taken(place, value):
    (place / "file").write_text("")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", str(place / value))
        for make in (temporary_place, lambda: unnamed_file().__enter__(), lambda: temporary_folder().__enter__()):
            with pytest.raises(StorageError, match=f"TMPDIR names .*{value}, which is no folder that you may write"):
                make()


def test_libraries_take_the_named_place_too(place):
    assert temporary_place() == place
    assert tempfile.gettempdir() == str(place)


def test_a_full_place_is_told(place, monkeypatch):
    def full(**_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tempfile, "TemporaryFile", full)
    monkeypatch.setattr(tempfile, "NamedTemporaryFile", full)
    with pytest.raises(StorageError, match=r"place, the folder for temporary files, cannot be written \(No space left"):
        unnamed_file().__enter__()


def test_without_a_named_place_the_current_folder_is_none(tmp_path, monkeypatch):
    for name in ("TMPDIR", "TEMP", "TMP"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(tempfile, "gettempdir", lambda: str(Path.cwd()))  # what tempfile takes where all else is full
    with pytest.raises(StorageError, match="no folder for temporary files can be written; name one by TMPDIR"):
        temporary_place()
    monkeypatch.setattr(tempfile, "gettempdir", lambda: "/tmp")
    monkeypatch.chdir("/tmp")
    assert temporary_place() == Path("/tmp")


@pytest.mark.skipif(sys.platform == "win32", reason="no such locks")
def test_a_locked_file_is_nobody_elses_until_it_is_closed(tmp_path):
    file = tmp_path / "lock"
    with file.open("ab") as mine, file.open("ab") as other:
        assert lock_file(mine)
        assert not lock_file(other, wait=False)
        mine.close()
        assert lock_file(other, wait=False)
