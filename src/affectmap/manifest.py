"""What affectmap wrote into a folder: the list that says which files may be removed when the folder is replaced.

Every folder written by `affectmap.files.new_folder` has a file `MARKER`: JSON with the SHA-256 digest of each other
file by its path. What is not in that list, or is not any more what was written, is somebody else's.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

from affectmap.errors import StorageError

#: A file with this name marks a folder as written by affectmap; only such a folder is ever replaced.
MARKER = ".affectmap"
#: Bytes of the longest list that is believed.
_LONGEST = 1 << 28


def write_manifest(folder: Path) -> None:
    """List all files below a folder in its `MARKER`.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> _ = (folder / "a.txt").write_text("ours")
        >>> write_manifest(folder)
        >>> foreign_entry(folder) is None
        True
        >>> _ = (folder / "b.txt").write_text("theirs")
        >>> foreign_entry(folder).name
        'b.txt'
    """
    files = {_name(file, folder): _digest(file) for file in _entries(folder) if not file.is_dir()}
    (folder / MARKER).write_text(_text(files), encoding="utf-8")


def listed_with(folder: Path, name: str) -> str:
    """Give the content of a folder's `MARKER` that lists one file more, as it is now."""
    return _text(_listed(folder) | {name: _digest(folder / name)})


def _text(files: dict[str, str]) -> str:
    return json.dumps({"files": files}, indent=1)


def foreign_entry(folder: Path) -> Path | None:
    """Find something in a folder that affectmap did not write, or that was changed since; ``None`` if there is nothing.

    Raises:
        StorageError: If the folder has no list that can be read.
        OSError: If something in it cannot be read.
    """
    listed = _listed(folder)
    parents = {parent.as_posix() for name in listed for parent in Path(name).parents}
    for entry in _entries(folder):
        name = _name(entry, folder)
        if name == MARKER:
            continue
        if entry.is_dir() and not entry.is_symlink():
            if name not in parents:
                return entry
        elif name not in listed or entry.is_symlink() or not entry.is_file() or _digest(entry) != listed[name]:
            return entry
    return None


def remove_listed(folder: Path) -> None:
    """Remove a folder's listed files and what is empty then; whatever else lies in it stays."""
    names = [*_listed(folder), MARKER]
    for name in names:
        (folder / name).unlink(missing_ok=True)
    for entry in reversed(_entries(folder)):
        if entry.is_dir() and not entry.is_symlink() and not any(entry.iterdir()):
            entry.rmdir()
    if not any(folder.iterdir()):
        folder.rmdir()


def _entries(folder: Path) -> list[Path]:
    """Give all that lies below a folder, folders before what is in them; links are not followed."""
    found: list[Path] = []

    def fail(error: OSError) -> None:
        raise error

    for place, folders, files in os.walk(folder, onerror=fail):
        found += [Path(place, name) for name in (*sorted(folders), *sorted(files))]
    return found


def _name(entry: Path, folder: Path) -> str:
    return entry.relative_to(folder).as_posix()


def _digest(file: Path) -> str:
    with file.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def _listed(folder: Path) -> dict[str, str]:
    """Read the list; names that lead out of the folder were not written by affectmap."""
    marker = folder / MARKER
    if marker.is_symlink() or not marker.is_file():
        raise StorageError(f"{folder} was not written by affectmap and is left alone; name another folder with -o")
    try:
        if marker.stat().st_size > _LONGEST:
            raise ValueError("it is too long")
        files = json.loads(marker.read_text(encoding="utf-8"))["files"]
        if not all(isinstance(text, str) for pair in files.items() for text in pair):
            raise TypeError("its names and digests are texts")
        if any(Path(name).is_absolute() or ".." in Path(name).parts for name in files):
            raise ValueError("it names files elsewhere")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise StorageError(
            f"{folder} has no list of what affectmap wrote into it, as older versions kept none, so nothing in it is "
            "removed; move it away or delete it yourself, or name another folder with -o"
        ) from error
    return dict(files)
