"""Temporary files that no killed process leaves behind: recordings of people lie in some of them.

A file for one moment has no name where the system can do that, so that it is gone with the process, however that ends.
A folder carries a lock (`lock_file`) that the system releases when its process dies; the next process removes what is
left.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import IO, Any, BinaryIO

from affectmap.errors import StorageError

if sys.platform != "win32":
    import fcntl

#: Variables that name the folder for temporary files, in the order in which they count.
_NAMED_BY = ("TMPDIR", "TEMP", "TMP")
_SYSTEMS = ("/tmp", "/var/tmp", "/usr/tmp")
_PREFIX = "affectmap-"
_LOCK = ".lock"


def temporary_place() -> Path:
    """Give the folder for temporary files: the one named by ``TMPDIR``, never another instead, or the system's.

    Raises:
        StorageError: If that folder is missing or not to be written.
    """
    for name in _NAMED_BY:
        if place := os.environ.get(name):
            if not (Path(place).is_dir() and os.access(place, os.W_OK | os.X_OK)):
                raise StorageError(
                    f"{name} names {place}, which is no folder that you may write; make it, or correct it"
                )
            tempfile.tempdir = place  # for libraries: on their own they would move to another disk
            return Path(place)
    with suppress(FileNotFoundError):
        place = tempfile.gettempdir()
        if place in _SYSTEMS or not Path(place).samefile("."):  # which Python takes where all others are full
            return Path(place)
    raise StorageError("no folder for temporary files can be written; name one by TMPDIR")


@contextmanager
def unnamed_file() -> Iterator[tuple[BinaryIO, Path]]:
    """Give a temporary file, open for writing and reading, and a path by which this process reads or writes it.

    Raises:
        StorageError: If there is no place for it.

    Example:
        >>> with unnamed_file() as (handle, path):
        ...     _ = handle.write(b"voice")
        ...     handle.flush()
        ...     path.read_bytes()
        b'voice'
    """
    place = temporary_place()
    try:
        has_descriptors = Path("/proc/self/fd").is_dir()
        made: Any = tempfile.TemporaryFile if has_descriptors else partial(tempfile.NamedTemporaryFile, prefix=_PREFIX)
        handle = made(dir=place)
    except OSError as error:
        raise _unwritable(place, error) from error
    with handle:
        yield handle, Path(f"/proc/{os.getpid()}/fd/{handle.fileno()}" if has_descriptors else handle.name)


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """Give a temporary folder, removed at the end; what processes left that were killed is removed at the beginning.

    Raises:
        StorageError: If there is no place for it.

    Example:
        >>> with temporary_folder() as folder:
        ...     folder.is_dir()
        True
        >>> folder.exists()
        False
    """
    place = temporary_place()
    _remove_left(place)
    try:
        hidden = Path(tempfile.mkdtemp(prefix=f".{_PREFIX}", dir=place))
        lock = (hidden / _LOCK).open("wb")
    except OSError as error:
        raise _unwritable(place, error) from error
    with lock:
        lock_file(lock)
        folder = hidden.rename(place / hidden.name[1:])  # seen by others when it is locked
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def lock_file(handle: IO[bytes], *, wait: bool = True) -> bool:
    """Keep an open file from other processes until it is closed; the system releases it when this one dies.

    Windows and some network folders know no locks: nobody is kept away there.

    Args:
        handle: The file; what it holds plays no part.
        wait: Whether to wait until no other process has it.

    Returns:
        Whether it may be used; not if another process has it.

    Example:
        >>> with tempfile.TemporaryFile() as handle:
        ...     lock_file(handle, wait=False)
        True
    """
    if sys.platform != "win32":
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            return False
        except OSError:
            pass
    return True


def _remove_left(place: Path) -> None:
    """Remove the folders of processes that live no more."""
    if sys.platform == "win32":
        return
    for folder in place.glob(f"{_PREFIX}*"):
        with suppress(OSError):  # somebody else's, or gone by now
            if folder.is_symlink() or folder.stat().st_uid != os.getuid():
                continue
            with (folder / _LOCK).open("rb") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)


def _unwritable(place: Path, error: OSError) -> StorageError:
    return StorageError(
        f"{place}, the folder for temporary files, cannot be written ({error.strerror}); free it, or name another by "
        "TMPDIR"
    )
