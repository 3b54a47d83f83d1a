"""Writing files and folders so that a reader finds the old or the new, never a half, and nothing is lost.

Everything is written under a temporary name beside its place and renamed when complete. A process that is
killed leaves the temporary one behind; its name begins with a dot and ends in ``.part``, and it may be
deleted. What exists is replaced only where that was asked for, a folder only if all in it was written by affectmap
(`affectmap.manifest`), and what is read for the result never. Links are followed; pipes and devices are written to.
"""

from __future__ import annotations

import ctypes
import errno
import json
import os
import re
import shutil
import stat
import sys
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from affectmap.errors import StorageError
from affectmap.manifest import MARKER, foreign_entry, listed_with, remove_listed, write_manifest
from affectmap.temporary import unnamed_file

__all__ = [
    "MARKER",
    "added_file",
    "check_new_file",
    "check_new_folder",
    "is_stream",
    "list_file",
    "new_file",
    "new_folder",
    "write_json",
    "write_text",
]

#: Failures to write that are named as such even where they happen in the writer's own code.
DISK_FULL = (errno.ENOSPC, errno.EDQUOT)
#: Descriptors of this process by the names that they have under Linux and macOS.
_DESCRIPTOR = re.compile(r"/(?:dev|proc/(?:self|thread-self|(?P<process>\d+)))/fd/(?P<number>\d+)")
_STREAMS = ("/dev/stdin", "/dev/stdout", "/dev/stderr")
_MAX_LINKS = 40
#: What Linux's renameat2 is asked to do.
_KEEP, _EXCHANGE = 1, 2


@contextmanager
def new_file(path: Path, *, overwrite: bool = True) -> Iterator[Path]:
    """Give a temporary path that becomes `path` on success; on any failure it is removed.

    Args:
        path: The file to be written, with the permissions of the one it replaces; its folder is made if
            missing. Of a link, the file that it leads to. A pipe or device is written to when all is there.
        overwrite: Whether an existing file may be replaced.

    Yields:
        The temporary path to write to.

    Raises:
        StorageError: If `path` is a folder, exists and shall be kept, or cannot be written.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> with new_file(folder / "notes.txt") as temporary:
        ...     _ = temporary.write_text("complete")
        >>> (folder / "notes.txt").read_text()
        'complete'
    """
    check_new_file(path, overwrite=overwrite)
    if is_stream(path):
        with unnamed_file() as (handle, temporary):
            with _translated(path, DISK_FULL):
                yield temporary
            _pour(handle, path)
        return
    target = Path(os.path.realpath(path))
    temporary = _beside(target)
    with _translated(path):
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary.touch(exist_ok=False)
    try:
        with _translated(path, DISK_FULL):
            yield temporary
        with _translated(path):
            if overwrite and target.exists():
                shutil.copymode(target, temporary)
            _put(temporary, target, overwrite=overwrite)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def check_new_file(path: Path, *, overwrite: bool, inputs: Iterable[Path] = ()) -> None:
    """Make sure that `new_file` may write `path`; call it before long work.

    Args:
        path: The file to be written.
        overwrite: Whether an existing file may be replaced.
        inputs: Files that the result is made from: they are never replaced, by whatever name or link.

    Raises:
        StorageError: If it is a folder, a disk or an input, exists and shall be kept, or cannot be made.
    """
    with _translated(path):
        if path.is_dir():
            raise StorageError(f"{path} is a folder; name a file")
        if path.is_block_device():
            raise StorageError(f"{path} is a disk, and all on it would be lost; name a file")
        if is_stream(path):
            _check_stream(path)
            return
        if path.is_symlink() and Path(os.path.realpath(path)).is_symlink():
            raise StorageError(f"{path} is a link that leads back to itself; name a file")
        if path.exists():
            if read := next((each for each in inputs if each.exists() and path.samefile(each)), None):
                also = "" if read == path else f", which is {read},"
                raise StorageError(f"{path}{also} is read for the result and is never replaced; name another with -o")
            if not overwrite:
                raise _exists(path, "file")
        _check_place(Path(os.path.realpath(path)), path)


def _exists(path: Path, kind: str) -> StorageError:
    return StorageError(f"{path} exists; name another {kind} with -o, or add --overwrite to replace it")


def _check_place(target: Path, path: Path) -> None:
    place = next(parent for parent in target.absolute().parents if parent.exists())
    if not (place.is_dir() and os.access(place, os.W_OK | os.X_OK)):
        raise StorageError(f"{path} cannot be written: {place} is not a folder or not yours to write; name another")


def is_stream(path: Path) -> bool:
    """Tell whether a path is a pipe, a terminal or another device, or one of this process's own descriptors."""
    if _descriptor(path) is not None:
        return True
    with suppress(OSError):
        mode = path.stat().st_mode
        return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode) or stat.S_ISBLK(mode))
    return False


def _check_stream(path: Path) -> None:
    number = _descriptor(path)
    if number is not None:
        os.fstat(number)  # which fails where it is closed
    elif not os.access(path, os.W_OK):
        raise StorageError(f"{path} is not yours to write; name another")


def _descriptor(path: Path) -> int | None:
    """Give the number of the open file that a path such as ``/dev/stdout`` stands for, through links."""
    name = os.path.abspath(path)  # noqa: PTH100 (links are followed one by one)
    for _ in range(_MAX_LINKS):
        if name in _STREAMS:
            return _STREAMS.index(name)
        found = _DESCRIPTOR.fullmatch(name)
        if found and found["process"] in (None, str(os.getpid())):
            return int(found["number"])
        try:
            name = os.path.normpath(Path(name).parent / Path(name).readlink())
        except OSError:  # no link, or nothing there
            return None
    return None


def _pour(content: BinaryIO, path: Path) -> None:
    """Write all to a pipe or device; a reader who leaves early, as ``head`` does, has what it wanted."""
    content.seek(0)
    number = _descriptor(path)
    with _translated(path), suppress(BrokenPipeError):
        if number is not None:
            for stream in (sys.stdout, sys.stderr):
                stream.flush()
            number = os.dup(number)  # where it stands, which a name that is opened anew would not
        with open(path if number is None else number, "wb") as stream:  # noqa: PTH123 (a descriptor, maybe)
            shutil.copyfileobj(content, stream)


def _beside(path: Path) -> Path:
    return path.absolute().with_name(f".{path.name[:40]}.{uuid.uuid4().hex[:12]}.part")


@contextmanager
def _translated(path: Path, only: tuple[int, ...] | None = None) -> Iterator[None]:
    """Turn a failure of the file system into one line."""
    try:
        yield
    except OSError as error:
        if only is not None and error.errno not in only:
            raise
        raise StorageError(
            f"{path} cannot be written: {error.strerror or error}; free or name another place"
        ) from error


def write_text(path: Path, text: str, *, overwrite: bool = True) -> None:
    """Write `text` to `path` as UTF-8, whole or not at all, as `new_file`; its folder is made if missing."""
    with new_file(path, overwrite=overwrite) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, content: object) -> None:
    """Write `content` as indented JSON, whole or not at all; ``NaN`` and infinity become ``null``."""
    write_text(path, json.dumps(_without_nan(content), indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def _without_nan(content: object) -> object:
    if hasattr(content, "tolist"):
        content = content.tolist()
    if isinstance(content, dict):
        return {str(key): _without_nan(value) for key, value in content.items()}
    if isinstance(content, (list, tuple)):
        return [_without_nan(value) for value in content]
    if isinstance(content, float) and (content != content or content in (float("inf"), float("-inf"))):
        return None
    return content


@contextmanager
def new_folder(path: Path, *, overwrite: bool = False, inputs: Iterable[Path] = ()) -> Iterator[Path]:
    """Give a temporary folder beside `path` that becomes it on success; see `check_new_folder` for what is replaced."""
    check_new_folder(path, overwrite=overwrite, inputs=inputs)
    temporary = _beside(path)
    made = [parent for parent in temporary.parents if not parent.exists()]
    with _translated(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.mkdir()
    own = temporary.stat()
    try:
        with _translated(path, DISK_FULL):
            yield temporary
        # Somebody else may have written the same folder meanwhile.
        check_new_folder(path, overwrite=overwrite, inputs=inputs)
        with _translated(path):
            write_manifest(temporary)
            _swap(temporary, path)
    except BaseException as error:
        with suppress(OSError):
            if os.path.samestat(temporary.stat(), own):  # and not what it was exchanged with
                shutil.rmtree(temporary, ignore_errors=True)
        for parent in made:
            with suppress(OSError):  # somebody else may use it by now
                parent.rmdir()
        if isinstance(error, StorageError):  # of a file within: its temporary place would tell nobody anything
            raise StorageError(str(error).replace(str(temporary), str(path))) from error
        raise


@contextmanager
def added_file(folder: Path, name: str) -> Iterator[Path]:
    """Give a temporary path that becomes a file of a folder made by `new_folder`, listed as affectmap's own.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp()) / "parts"
        >>> with new_folder(folder):
        ...     pass
        >>> with added_file(folder, "part-0.txt") as temporary:
        ...     _ = temporary.write_text("ours")
        >>> foreign_entry(folder) is None
        True
    """
    with new_file(folder / name) as temporary:
        yield temporary
    list_file(folder, name)


def list_file(folder: Path, name: str) -> None:
    """List a file of a folder as written by affectmap, as it is now."""
    write_text(folder / MARKER, listed_with(folder, name))


def check_new_folder(path: Path, *, overwrite: bool, inputs: Iterable[Path] = ()) -> None:
    """Make sure that `new_folder` may write `path`, an empty folder included; call it before long work.

    Args:
        path: The folder to be made.
        overwrite: Whether one that affectmap wrote may be replaced; with anything else in it, it is not.
        inputs: Files and folders that the result is made from: a folder that holds one is never replaced.

    Raises:
        StorageError: If it may not be written.
    """
    with _translated(path):
        if path.is_symlink():
            raise StorageError(f"{path} is a link; name the folder that it leads to with -o")
        if read := next((each for each in inputs if _lies_in(each, path)), None):
            raise StorageError(f"{path} holds {read}, which is read for the result; name another folder with -o")
        if path.is_dir():
            _check_replaceable(path, overwrite=overwrite)
        elif path.exists():
            raise StorageError(f"{path} exists and is not a folder; name another with -o")
        _check_place(path, path)


def _check_replaceable(path: Path, *, overwrite: bool) -> None:
    if any(path.iterdir()) and not overwrite:
        raise _exists(path, "folder")
    if path.is_mount() or Path.cwd().is_relative_to(path.resolve()):
        raise StorageError(f"{path} is mounted, or you are in it, and cannot be replaced; name a new folder inside it")
    _check_ours(path, path)


def _lies_in(file: Path, folder: Path) -> bool:
    """Tell whether a file is in a folder, or is it, by whatever name or link."""
    place = Path(os.path.realpath(file))
    if not folder.exists():
        return place.is_relative_to(os.path.realpath(folder))
    return any(each.exists() and each.samefile(folder) for each in (place, *place.parents))


def _check_ours(folder: Path, path: Path) -> None:
    if any(folder.iterdir()) and (foreign := foreign_entry(folder)):
        name = foreign.relative_to(folder)
        raise StorageError(
            f"{path} is left alone: {name} in it is not as affectmap wrote it; move it away, or name another folder "
            "with -o"
        )


def _swap(new: Path, path: Path) -> None:
    if not path.exists():
        _put(new, path, overwrite=False)
    elif _rename(new, path, _EXCHANGE):
        try:
            _check_ours(new, path)  # what came into the old one at the last moment is not lost
        except BaseException:
            _rename(new, path, _EXCHANGE)
            raise
        _remove(new)
    else:
        _swap_in_two_steps(new, path)


def _put(new: Path, path: Path, *, overwrite: bool) -> None:
    """Give a complete file or folder its name; unless it may be replaced, what has the name by now stays."""
    if overwrite:
        new.replace(path)
    elif not _rename(new, path, _KEEP):
        if path.exists():
            raise _exists(path, "folder" if new.is_dir() else "file")
        new.rename(path)


def _rename(one: Path, other: Path, how: int) -> bool:
    """Rename as Linux can do it in one step on most file systems; tell whether it was done."""
    if sys.platform != "linux":
        return False
    here = -100
    rename = getattr(ctypes.CDLL(None), "renameat2", None)
    return rename is not None and rename(here, os.fsencode(one), here, os.fsencode(other), how) == 0


def _swap_in_two_steps(new: Path, path: Path) -> None:
    """Elsewhere there is a moment without `path`; a kill just then leaves the old folder whole beside it."""
    old = new.with_suffix(".old")
    try:
        path.rename(old)
        _check_ours(old, path)
        new.rename(path)
    except BaseException:
        if old.exists() and not path.exists():
            old.rename(path)
        raise
    _remove(old)


def _remove(old: Path) -> None:
    """Remove what was replaced; what cannot be removed stays beside the new folder, under its temporary name."""
    with suppress(OSError):
        if any(old.iterdir()):
            remove_listed(old)
        else:
            old.rmdir()
