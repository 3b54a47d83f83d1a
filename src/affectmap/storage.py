"""Writing files and folders so that a reader finds the old or the new, never a half.

Everything is written under a temporary name beside its place and renamed when complete.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from affectmap.schema import StorageError

#: A file with this name marks a folder as written by affectmap; only such a folder is ever overwritten.
MARKER = ".affectmap"


@contextmanager
def new_file(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path`; on success it becomes `path`, on any failure it is removed.

    Args:
        path: The file to be written; its folder is made if missing.

    Yields:
        The temporary path to write to.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> with new_file(folder / "notes.txt") as temporary:
        ...     _ = temporary.write_text("complete")
        >>> (folder / "notes.txt").read_text()
        'complete'
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        _share_like_a_new_file(temporary)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _share_like_a_new_file(path: Path) -> None:
    mask = os.umask(0)
    os.umask(mask)
    path.chmod(0o666 & ~mask)


def write_text(path: Path, text: str) -> None:
    """Write `text` to `path` as UTF-8, whole or not at all."""
    with new_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, content: Any) -> None:
    """Write `content` to `path` as indented JSON in which ``NaN`` is ``null``, whole or not at all."""
    write_text(path, json.dumps(_without_nan(content), indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def _without_nan(content: Any) -> Any:
    if isinstance(content, dict):
        return {str(key): _without_nan(value) for key, value in content.items()}
    if isinstance(content, (list, tuple)):
        return [_without_nan(value) for value in content]
    if hasattr(content, "item"):
        content = content.item()
    if isinstance(content, float) and (content != content or content in (float("inf"), float("-inf"))):
        return None
    return content


@contextmanager
def new_folder(path: Path, *, overwrite: bool = False) -> Iterator[Path]:
    """Give a temporary folder beside `path`; on success it becomes `path`, on any failure it is removed.

    Args:
        path: The folder to be made.
        overwrite: Whether an existing folder may be replaced; only one that affectmap wrote is.

    Yields:
        The temporary folder to write into.

    Raises:
        StorageError: If `path` exists and may not be replaced, or cannot be made.

    Example:
        >>> import tempfile
        >>> target = Path(tempfile.mkdtemp()) / "results"
        >>> with new_folder(target) as temporary:
        ...     write_text(temporary / "a.txt", "a")
        >>> sorted(file.name for file in target.iterdir())
        ['.affectmap', 'a.txt']
    """
    check_new_folder(path, overwrite=overwrite)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent))
    try:
        yield temporary
        (temporary / MARKER).touch()
        mask = os.umask(0)
        os.umask(mask)
        temporary.chmod(0o777 & ~mask)
        _swap(temporary, path)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


def check_new_folder(path: Path, *, overwrite: bool) -> None:
    """Raise a `StorageError` unless :func:`new_folder` may write `path`; call it before long work."""
    if path.is_dir() and not any(path.iterdir()):
        return
    if path.is_symlink() or (path.exists() and not path.is_dir()):
        raise StorageError(f"{path} exists and is not a folder; name another with -o")
    if path.is_dir() and not overwrite:
        raise StorageError(f"{path} exists; name another folder with -o, or add --overwrite to replace it")
    if path.is_dir() and not (path / MARKER).exists():
        raise StorageError(f"{path} was not written by affectmap and is left alone; name another folder with -o")


def _swap(new: Path, path: Path) -> None:
    old = new.with_name(new.name + ".old")
    if path.exists():
        path.rename(old)
    new.rename(path)
    shutil.rmtree(old, ignore_errors=True)
