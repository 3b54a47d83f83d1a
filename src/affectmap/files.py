"""Writing files and folders so that a reader finds the old or the new, never a half.

Everything is written under a temporary name beside its place and renamed when complete. A process that is
killed leaves the temporary one behind; its name begins with a dot and ends in ``.part``, and it may be
deleted.
"""

from __future__ import annotations

import ctypes
import errno
import json
import os
import shutil
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from affectmap.errors import StorageError

#: A file with this name marks a folder as written by affectmap; only such a folder is ever overwritten.
MARKER = ".affectmap"


#: Failures to write that are named as such even where they happen in the writer's own code.
DISK_FULL = (errno.ENOSPC, errno.EDQUOT)


@contextmanager
def new_file(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path`; on success it becomes `path`, on any failure it is removed.

    Args:
        path: The file to be written, with the permissions of the one it replaces; its folder is made if
            missing.

    Yields:
        The temporary path to write to.

    Raises:
        StorageError: If `path` is a folder or cannot be written.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> with new_file(folder / "notes.txt") as temporary:
        ...     _ = temporary.write_text("complete")
        >>> (folder / "notes.txt").read_text()
        'complete'
    """
    temporary = _beside(path)
    with _translated(path):
        if path.is_dir():
            raise StorageError(f"{path} is a folder; name a file")
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.touch(exist_ok=False)
    try:
        with _translated(path, DISK_FULL):
            yield temporary
        with _translated(path):
            if path.exists():
                shutil.copymode(path, temporary)
            temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


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


def write_text(path: Path, text: str) -> None:
    """Write `text` to `path` as UTF-8, whole or not at all; its folder is made if missing."""
    with new_file(path) as temporary:
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
def new_folder(path: Path, *, overwrite: bool = False) -> Iterator[Path]:
    """Give a temporary folder beside `path` that becomes it on success; only one that affectmap wrote is replaced."""
    check_new_folder(path, overwrite=overwrite)
    temporary = _beside(path)
    made = [parent for parent in temporary.parents if not parent.exists()]
    with _translated(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.mkdir()
    try:
        with _translated(path, DISK_FULL):
            yield temporary
        # Somebody else may have written the same folder meanwhile.
        check_new_folder(path, overwrite=overwrite)
        with _translated(path):
            (temporary / MARKER).touch()
            _swap(temporary, path)
    except BaseException as error:
        shutil.rmtree(temporary, ignore_errors=True)
        for parent in made:
            with suppress(OSError):  # somebody else may use it by now
                parent.rmdir()
        if isinstance(error, StorageError):  # of a file within: its temporary place would tell nobody anything
            raise StorageError(str(error).replace(str(temporary), str(path))) from error
        raise


def check_new_folder(path: Path, *, overwrite: bool) -> None:
    """Make sure that `new_folder` may write `path`, an empty folder included; call it before long work."""
    with _translated(path):
        if path.is_symlink():
            raise StorageError(f"{path} is a link; name the folder that it leads to with -o")
        if path.is_dir():
            _check_replaceable(path, overwrite=overwrite)
        elif path.exists():
            raise StorageError(f"{path} exists and is not a folder; name another with -o")
        place = next(parent for parent in path.absolute().parents if parent.exists())
        if not (place.is_dir() and os.access(place, os.W_OK | os.X_OK)):
            raise StorageError(f"{path} cannot be made: {place} is not a folder or not yours to write; name another")


def _check_replaceable(path: Path, *, overwrite: bool) -> None:
    if any(path.iterdir()):
        if not overwrite:
            raise StorageError(f"{path} exists; name another folder with -o, or add --overwrite to replace it")
        if not (path / MARKER).exists():
            raise StorageError(f"{path} was not written by affectmap and is left alone; name another folder with -o")
    if path.is_mount() or Path.cwd().is_relative_to(path.resolve()):
        raise StorageError(f"{path} is mounted, or you are in it, and cannot be replaced; name a new folder inside it")


def _swap(new: Path, path: Path) -> None:
    if not path.exists():
        new.rename(path)
    elif _exchange(new, path):
        shutil.rmtree(new, ignore_errors=True)
    else:
        _swap_in_two_steps(new, path)


def _exchange(one: Path, other: Path) -> bool:
    """Swap two folders in one step, which Linux can do on most file systems; tell whether it was done."""
    if sys.platform != "linux":
        return False
    here, exchange = -100, 2
    rename = getattr(ctypes.CDLL(None), "renameat2", None)
    return rename is not None and rename(here, os.fsencode(one), here, os.fsencode(other), exchange) == 0


def _swap_in_two_steps(new: Path, path: Path) -> None:
    """Elsewhere there is a moment without `path`; a kill just then leaves the old folder whole beside it."""
    old = new.with_suffix(".old")
    try:
        path.rename(old)
        new.rename(path)
    except BaseException:
        if old.exists() and not path.exists():
            old.rename(path)
        raise
    shutil.rmtree(old, ignore_errors=True)
