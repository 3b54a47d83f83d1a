import errno
import json
import os
import signal
import stat
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import numpy as np
import pytest

from affectmap import files as storage
from affectmap.errors import StorageError
from affectmap.files import MARKER, check_new_file, check_new_folder, new_file, new_folder, write_json, write_text
from affectmap.schema import Emotion

needs_permissions = pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")


def write_results(path, text, overwrite=False):
    with new_folder(path, overwrite=overwrite) as temporary:
        write_text(temporary / "deep" / "results.txt", text)


def read_results(path):
    return (path / "deep" / "results.txt").read_text()


def fail_after(writer, write, failure):
    with writer as temporary:
        write(temporary)
        raise failure


def names(folder):
    return sorted(file.name for file in folder.iterdir())


def permissions(path):
    return stat.S_IMODE(path.stat().st_mode)


def run_until_killed(code, *arguments):
    """Run code that says it is ready and waits, or that kills itself, and end it with SIGKILL."""
    prelude = "import os, shutil, signal, sys, time\nfrom pathlib import Path\nfrom affectmap import files as storage\n"
    prelude += "def ready(): print('ready', flush=True); time.sleep(60)\n"
    command = [sys.executable, "-c", prelude + textwrap.dedent(code), *map(str, arguments)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        if process.stdout.readline() == "ready\n":
            process.kill()
    assert process.returncode == -signal.SIGKILL


# Files


def test_file_is_written_whole_and_nothing_else_is_left(tmp_path):
    write_text(tmp_path / "a" / "b" / "notes.txt", "Größe ≥ 1\n")
    assert (tmp_path / "a" / "b" / "notes.txt").read_bytes() == "Größe ≥ 1\n".encode()
    assert names(tmp_path / "a" / "b") == ["notes.txt"]


@pytest.mark.parametrize("failure", [ValueError, KeyboardInterrupt, SystemExit])
def test_failure_leaves_the_old_file_and_no_litter(tmp_path, failure):
    file = tmp_path / "notes.txt"
    write_text(file, "old")
    with pytest.raises(failure):
        fail_after(new_file(file), lambda temporary: temporary.write_text("half"), failure)
    assert file.read_text() == "old"
    assert names(tmp_path) == ["notes.txt"]


def test_old_file_is_there_until_the_new_one_is_complete(tmp_path):
    file = tmp_path / "notes.txt"
    write_text(file, "old")
    with new_file(file) as temporary:
        temporary.write_text("new")
        assert file.read_text() == "old"
        assert temporary.parent == file.parent
    assert file.read_text() == "new"


def test_kill_in_the_middle_of_a_file_leaves_the_old_one(tmp_path):
    file = tmp_path / "notes.txt"
    write_text(file, "old")
    run_until_killed(
        """
        with storage.new_file(Path(sys.argv[1])) as temporary:
            temporary.write_text("half")
            ready()
        """,
        file,
    )
    assert file.read_text() == "old"
    litter = [name for name in names(tmp_path) if name != "notes.txt"]
    assert len(litter) == 1
    assert litter[0].startswith(".notes.txt.")
    assert litter[0].endswith(".part")
    write_text(file, "new")
    assert file.read_text() == "new"


def test_writers_at_once_never_mix(tmp_path):
    file, errors = tmp_path / "notes.txt", []
    texts = [letter * 20_000 for letter in "abcd"]
    write_text(file, texts[0])

    def write(text):
        for _ in range(25):
            write_text(file, text)
            if file.read_text() not in texts:
                errors.append(text)

    threads = [threading.Thread(target=write, args=(text,)) for text in texts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert file.read_text() in texts
    assert names(tmp_path) == ["notes.txt"]


@pytest.mark.parametrize(("mask", "file_mode", "folder_mode"), [(0o022, 0o644, 0o755), (0o077, 0o600, 0o700)])
def test_new_files_and_folders_have_the_permissions_of_any_other(tmp_path, mask, file_mode, folder_mode):
    before = os.umask(mask)
    try:
        write_text(tmp_path / "notes.txt", "a")
        write_results(tmp_path / "results", "a")
    finally:
        assert os.umask(before) == mask
    assert permissions(tmp_path / "notes.txt") == file_mode
    assert permissions(tmp_path / "results") == folder_mode


def test_replaced_file_keeps_its_permissions(tmp_path):
    file = tmp_path / "private.txt"
    write_text(file, "old")
    file.chmod(0o600)
    write_text(file, "new")
    assert permissions(file) == 0o600


def test_umask_of_the_process_is_never_touched(tmp_path, monkeypatch):
    def refuse(mask):
        raise AssertionError("another thread would see it")

    monkeypatch.setattr(os, "umask", refuse)
    write_text(tmp_path / "notes.txt", "a")
    write_results(tmp_path / "results", "a")


def test_name_may_be_as_long_as_the_file_system_allows(tmp_path):
    for name in ("x" * 255, "é" * 127):
        write_text(tmp_path / name, "long")
        assert (tmp_path / name).read_text() == "long"


def test_file_that_cannot_be_written_is_told_in_one_line(tmp_path):
    write_text(tmp_path / "file", "a")
    with pytest.raises(
        StorageError, match=r"file/notes.txt cannot be written: .*file is not a folder or not yours to write; name"
    ):
        write_text(tmp_path / "file" / "notes.txt", "b")
    with pytest.raises(StorageError, match=r"is a folder; name a file"):
        write_text(tmp_path, "b")
    with pytest.raises(StorageError, match="cannot be written: File name too long"):
        write_text(tmp_path / ("x" * 256), "b")
    assert names(tmp_path) == ["file"]


@needs_permissions
def test_folder_that_is_not_ours_is_told_in_one_line(tmp_path):
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(StorageError, match=r"notes.txt cannot be written: .* not yours to write"):
            write_text(tmp_path / "notes.txt", "b")
        with pytest.raises(StorageError, match="is not a folder or not yours to write"):
            check_new_folder(tmp_path / "results", overwrite=False)
    finally:
        tmp_path.chmod(0o700)


def test_full_disk_is_told_and_other_failures_of_the_writer_are_its_own(tmp_path):
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    for name, writer in (("notes", new_file(tmp_path / "notes")), ("results", new_folder(tmp_path / "results"))):
        with pytest.raises(StorageError, match=f"{name} cannot be written: No space left on device"), writer:
            raise full
    with pytest.raises(FileNotFoundError), new_file(tmp_path / "notes.txt"):
        (tmp_path / "input.wav").read_bytes()
    assert names(tmp_path) == []


# What is there already


def test_a_file_that_exists_stays_unless_it_may_be_replaced(tmp_path):
    file = tmp_path / "notes.txt"
    write_text(file, "old")
    for refused in (check_new_file, write_text):
        with pytest.raises(StorageError, match=r"notes.txt exists; name another file with -o, or add --overwrite"):
            refused(file, **{"overwrite": False} | ({"text": "new"} if refused is write_text else {}))
    assert file.read_text() == "old"
    check_new_file(file, overwrite=True)
    check_new_file(tmp_path / "other.txt", overwrite=False)


@pytest.mark.parametrize("in_one_step", [True, False])
def test_a_file_that_appears_meanwhile_stays(tmp_path, monkeypatch, in_one_step):
    if not in_one_step:
        monkeypatch.setattr(storage, "_rename", lambda *_: False)
    file = tmp_path / "notes.txt"
    with pytest.raises(StorageError, match="exists; name another file"), new_file(file, overwrite=False):
        file.write_text("theirs")
    assert file.read_text() == "theirs"
    assert names(tmp_path) == ["notes.txt"]
    write_text(tmp_path / "new.txt", "mine", overwrite=False)
    assert (tmp_path / "new.txt").read_text() == "mine"


def test_an_input_is_never_replaced_by_whatever_name(tmp_path):
    recording = tmp_path / "a.wav"
    recording.write_bytes(b"voice")
    (tmp_path / "link.wav").symlink_to(recording)
    os.link(recording, tmp_path / "second.wav")
    (tmp_path / "folder").mkdir()
    for name in ("a.wav", "link.wav", "second.wav", "folder/../a.wav"):
        with pytest.raises(StorageError, match="is read for the result and is never replaced"):
            check_new_file(tmp_path / name, overwrite=True, inputs=[tmp_path / "gone.wav", recording])
    check_new_file(tmp_path / "b.wav", overwrite=True, inputs=[recording])


def test_a_link_is_written_to_where_it_leads(tmp_path):
    (tmp_path / "data").mkdir()
    link = tmp_path / "latest.csv"
    link.symlink_to(tmp_path / "data" / "map.csv")
    write_text(link, "one", overwrite=False)
    assert (link.is_symlink(), (tmp_path / "data" / "map.csv").read_text()) == (True, "one")
    with pytest.raises(StorageError, match=r"latest.csv exists"):
        write_text(link, "two", overwrite=False)
    write_text(link, "two")
    assert (link.is_symlink(), (tmp_path / "data" / "map.csv").read_text()) == (True, "two")
    circle = tmp_path / "circle"
    circle.symlink_to(circle)
    with pytest.raises(StorageError, match="circle is a link that leads back to itself"):
        write_text(circle, "three")
    assert names(tmp_path) == ["circle", "data", "latest.csv"]


# Pipes and devices


needs_descriptors = pytest.mark.skipif(not Path("/dev/fd").exists(), reason="no names for open files")


@needs_descriptors
@pytest.mark.parametrize("name", ["/dev/fd/{}", "/proc/self/fd/{}", "link"])
def test_an_open_pipe_is_written_to(tmp_path, name):
    reading, writing = os.pipe()
    path = Path(name.format(writing))
    if name == "link":
        path = tmp_path / "link"
        path.symlink_to(f"/dev/fd/{writing}")
    check_new_file(path, overwrite=False)
    write_text(path, "through", overwrite=False)
    os.close(writing)
    with open(reading, "rb") as pipe:  # noqa: PTH123
        assert pipe.read() == b"through"
    with pytest.raises(StorageError, match="Bad file descriptor"):
        check_new_file(Path(f"/dev/fd/{writing}"), overwrite=False)


@needs_descriptors
def test_an_open_file_is_gone_on_with_where_it_stands(tmp_path):
    with (tmp_path / "log").open("ab") as log:
        log.write(b"before\n")
        log.flush()
        write_text(Path(f"/dev/fd/{log.fileno()}"), "after\n", overwrite=False)
    assert (tmp_path / "log").read_text() == "before\nafter\n"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes")
def test_a_named_pipe_is_written_to_and_stays(tmp_path):
    fifo, read = tmp_path / "fifo", []
    os.mkfifo(fifo)
    check_new_file(fifo, overwrite=False)
    reader = threading.Thread(target=lambda: read.append(fifo.read_bytes()))
    reader.start()
    write_text(fifo, "through", overwrite=False)
    reader.join()
    assert (read, stat.S_ISFIFO(fifo.stat().st_mode), names(tmp_path)) == ([b"through"], True, ["fifo"])


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no such devices")
def test_devices_are_written_to_and_full_ones_told(tmp_path):
    before = Path("/dev/null").stat()
    write_text(Path("/dev/null"), "nothing", overwrite=False)
    assert Path("/dev/null").stat().st_ino == before.st_ino
    with pytest.raises(StorageError, match="/dev/full cannot be written: No space left on device"):
        write_text(Path("/dev/full"), "x")
    with pytest.raises(StorageError, match="exists and is not a folder"):
        check_new_folder(Path("/dev/null"), overwrite=True)


@needs_descriptors
def test_a_reader_who_leaves_early_is_no_failure():
    reading, writing = os.pipe()
    os.close(reading)
    write_text(Path(f"/dev/fd/{writing}"), "x" * 1_000_000)
    os.close(writing)


def test_a_disk_is_never_written_over(tmp_path, monkeypatch):
    monkeypatch.setattr(Path, "is_block_device", lambda self: self.name == "sda")
    with pytest.raises(StorageError, match="sda is a disk"):
        write_text(tmp_path / "sda", "x")


# JSON


def test_json_has_null_for_what_is_no_number(tmp_path):
    content = {
        "nan": float("nan"),
        "infinite": [float("inf"), -np.inf],
        "numpy": (np.float32(0.5), np.int64(3), np.bool_(True), np.float64("nan")),
        "array": np.array([[1.0, np.nan]]),
        "text": "NaN, Größe",
        Emotion.SAD: {3: None},
    }
    write_json(tmp_path / "results.json", content)
    text = (tmp_path / "results.json").read_text(encoding="utf-8")
    assert json.loads(text, parse_constant=pytest.fail) == {
        "nan": None,
        "infinite": [None, None],
        "numpy": [0.5, 3, True, None],
        "array": [[1.0, None]],
        "text": "NaN, Größe",
        "sad": {"3": None},
    }
    assert "Größe" in text
    assert text.endswith("}\n")


def test_json_that_cannot_be_written_leaves_the_old(tmp_path):
    write_json(tmp_path / "results.json", [1])
    with pytest.raises(TypeError, match="not JSON serializable"):
        write_json(tmp_path / "results.json", [object()])
    assert json.loads((tmp_path / "results.json").read_text()) == [1]
    assert names(tmp_path) == ["results.json"]


# Folders


def test_folder_is_marked_and_complete(tmp_path):
    write_results(tmp_path / "new" / "results", "one")
    assert read_results(tmp_path / "new" / "results") == "one"
    assert names(tmp_path / "new" / "results") == [MARKER, "deep"]
    assert names(tmp_path / "new") == ["results"]


def test_relative_paths(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_results(Path("results"), "one")
    write_results(Path("deeper/results"), "two")
    write_results(Path("results"), "three", overwrite=True)
    assert read_results(tmp_path / "results") == "three"
    assert read_results(tmp_path / "deeper" / "results") == "two"
    assert names(tmp_path) == ["deeper", "results"]


@pytest.mark.parametrize("exchange", [True, False])
def test_overwriting_replaces_the_whole_folder(tmp_path, monkeypatch, exchange):
    if not exchange:
        monkeypatch.setattr(storage, "_rename", lambda *_: False)
    target = tmp_path / "results"
    with new_folder(target) as temporary:
        write_text(temporary / "stale" / "stale.txt", "of the old")
    write_results(target, "new", overwrite=True)
    assert read_results(target) == "new"
    assert names(target) == [MARKER, "deep"]
    assert names(tmp_path) == ["results"]


def test_existing_folder_is_refused_without_overwrite(tmp_path):
    write_results(tmp_path / "results", "old")
    with pytest.raises(StorageError, match=r"results exists; name another folder with -o, or add --overwrite"):
        write_results(tmp_path / "results", "new")
    assert read_results(tmp_path / "results") == "old"


def test_a_folder_that_holds_an_input_is_never_replaced(tmp_path):
    target = tmp_path / "results"
    write_results(target, "old")
    (tmp_path / "link").symlink_to(target)
    for name in ("results", "results/deep/results.txt", "link", "link/deep", "results/deep/.."):
        with pytest.raises(StorageError, match=r"results holds .*, which is read for the result; name another folder"):
            check_new_folder(target, overwrite=True, inputs=[tmp_path / name])
    check_new_folder(target, overwrite=True, inputs=[tmp_path, tmp_path / "results-2"])
    with pytest.raises(StorageError, match=r"new holds .*cache, which is read"):
        check_new_folder(tmp_path / "new", overwrite=False, inputs=[tmp_path / "new" / "cache"])


def test_folder_of_somebody_else_is_never_replaced(tmp_path):
    home = tmp_path / "home"
    write_text(home / "thesis.tex", "years")
    with pytest.raises(StorageError, match="was not written by affectmap and is left alone"):
        write_results(home, "new", overwrite=True)
    assert (home / "thesis.tex").read_text() == "years"
    assert names(tmp_path) == ["home"]


def test_empty_folder_may_be_filled(tmp_path):
    (tmp_path / "results").mkdir()
    write_results(tmp_path / "results", "one")
    assert read_results(tmp_path / "results") == "one"
    assert names(tmp_path) == ["results"]


def test_files_and_links_are_no_place_for_a_folder(tmp_path):
    write_text(tmp_path / "file", "a")
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    with pytest.raises(StorageError, match="file exists and is not a folder"):
        write_results(tmp_path / "file", "new", overwrite=True)
    for link in ("link", "dangling"):
        with pytest.raises(StorageError, match=f"{link} is a link; name the folder that it leads to"):
            write_results(tmp_path / link, "new", overwrite=True)
    with pytest.raises(StorageError, match=r"results cannot be written: .*file is not a folder"):
        check_new_folder(tmp_path / "file" / "results", overwrite=False)
    assert names(tmp_path) == ["dangling", "file", "link", "real"]


@pytest.mark.parametrize("inside", [".", "below"])
def test_folder_that_the_process_is_in_is_not_replaced(tmp_path, monkeypatch, inside):
    target = tmp_path / "results"
    write_results(target, "old")
    (target / inside).mkdir(exist_ok=True)
    monkeypatch.chdir(target / inside)
    with pytest.raises(StorageError, match="you are in it, and cannot be replaced; name a new folder inside it"):
        write_results(target, "new", overwrite=True)
    assert read_results(target) == "old"


@pytest.mark.parametrize("failure", [ValueError, KeyboardInterrupt])
def test_failure_leaves_the_old_folder_and_no_litter(tmp_path, failure):
    target = tmp_path / "results"
    write_results(target, "old")
    with pytest.raises(failure):
        fail_after(new_folder(target, overwrite=True), lambda temporary: write_text(temporary / "a", "half"), failure)
    assert read_results(target) == "old"
    assert names(tmp_path) == ["results"]


@pytest.mark.parametrize("failure", [OSError(errno.EIO, "Input/output error"), KeyboardInterrupt()])
def test_failure_between_the_two_steps_brings_the_old_folder_back(tmp_path, monkeypatch, failure):
    target = tmp_path / "results"
    write_results(target, "old")
    rename = Path.rename

    def fail_on_the_new(self, path):
        if self.suffix == ".part":
            raise failure
        return rename(self, path)

    monkeypatch.setattr(storage, "_rename", lambda *_: False)
    monkeypatch.setattr(Path, "rename", fail_on_the_new)
    with pytest.raises((StorageError, KeyboardInterrupt)):
        write_results(target, "new", overwrite=True)
    assert read_results(target) == "old"
    assert names(tmp_path) == ["results"]


def test_folder_that_appears_meanwhile_is_not_overwritten(tmp_path):
    target = tmp_path / "results"
    with pytest.raises(StorageError, match="results exists; name another folder"), new_folder(target):
        write_results(target, "first")
    assert read_results(target) == "first"
    assert names(tmp_path) == ["results"]


def test_kill_in_the_middle_of_a_folder_leaves_the_old_one(tmp_path):
    target = tmp_path / "results"
    write_results(target, "old")
    run_until_killed(
        """
        with storage.new_folder(Path(sys.argv[1]), overwrite=True) as temporary:
            storage.write_text(temporary / "deep" / "results.txt", "half")
            ready()
        """,
        target,
    )
    assert read_results(target) == "old"
    assert names(target) == [MARKER, "deep"]
    write_results(target, "new", overwrite=True)
    assert read_results(target) == "new"


@pytest.mark.skipif(sys.platform != "linux", reason="folders are exchanged in one step on Linux alone")
@pytest.mark.parametrize("step", ["before", "after"])
def test_kill_around_the_exchange_leaves_the_old_or_the_new(tmp_path, step):
    target = tmp_path / "results"
    write_results(target, "old")
    run_until_killed(
        """
        def kill(*_, **__): os.kill(os.getpid(), signal.SIGKILL)
        if sys.argv[2] == "before":
            storage._swap = kill
        else:
            storage.remove_listed = kill
        with storage.new_folder(Path(sys.argv[1]), overwrite=True) as temporary:
            storage.write_text(temporary / "deep" / "results.txt", "new")
        """,
        target,
        step,
    )
    assert read_results(target) == ("old" if step == "before" else "new")
    assert names(target) == [MARKER, "deep"]
    write_results(target, "newer", overwrite=True)
    assert read_results(target) == "newer"


def test_kill_between_two_steps_leaves_the_old_folder_whole_beside(tmp_path):
    target = tmp_path / "results"
    write_results(target, "old")
    run_until_killed(
        """
        storage._rename = lambda *_: False
        rename = Path.rename
        def kill_on_the_new(self, path):
            if self.suffix == ".part":
                os.kill(os.getpid(), signal.SIGKILL)
            rename(self, path)
        Path.rename = kill_on_the_new
        with storage.new_folder(Path(sys.argv[1]), overwrite=True) as temporary:
            storage.write_text(temporary / "deep" / "results.txt", "new")
        """,
        target,
    )
    (aside,) = tmp_path.glob(".results.*.old")
    assert read_results(aside) == "old"
    write_results(target, "newer")
    assert read_results(target) == "newer"
    assert read_results(aside) == "old"
