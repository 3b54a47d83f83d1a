"""Rows of numbers on disk, found again by the content they were measured from.

One ``.npz`` file a corpus holds all rows: ``keys``, ``columns`` and ``rows``. While a run measures, new rows go every
two seconds to small part files beside it, and at the end all are merged into the one file; one that has `MAX_BYTES` is
left as it is, and others are begun, so that a row is rewritten a few times at most, whatever their number. A run that
is killed loses two seconds, and the next one picks up the parts that were left. Every write is atomic and made under a
lock of the folder, which the system releases when a process dies (on Windows there is none: of two runs at once one may
lose rows, and measures them again). The files carry checksums: damage is noticed, and what was lost is measured again.
The folder may hold other files: only what has the name and the make of one of these is replaced or removed.

Nothing that happens to the cache stops a run: what could not be read or kept stands in ``notices``.
"""

from __future__ import annotations

import os
import re
import sys
import time
import uuid
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np
import platformdirs
from numpy.typing import NDArray

from affectmap.errors import StorageError
from affectmap.features.rows_on_disk import Row, RowsOnDisk, check_archive
from affectmap.files import new_file
from affectmap.temporary import lock_file

_Read = TypeVar("_Read")
#: Seconds of work that a killed run may lose.
FLUSH_S = 2.0
#: Part files of one run that are merged at once, so that a run of hours leaves no thousands of them.
MAX_PARTS = 30
#: Size in bytes from which on a file is merged with no other.
MAX_BYTES = 64 << 20
#: Arrays of a file.
_MEMBERS = {"keys.npy", "columns.npy", "rows.npy"}
#: Characters of a name that `affectmap.files` keeps in the temporary one.
_N_KEPT = 40


def _is_foreign(file: Path) -> bool:
    """Tell whether a file, whole as it is, holds nothing that a cache does."""
    with suppress(Exception), zipfile.ZipFile(file) as archive:  # damaged ones raise errors of many classes
        return bool(names := archive.namelist()) and _MEMBERS.isdisjoint(names)
    return False


def _encoded(texts: Iterable[str]) -> NDArray[np.bytes_]:
    return np.array([text.encode() for text in texts], dtype=np.bytes_)


def _decoded(texts: NDArray[np.bytes_]) -> list[str]:
    return [str(text, "utf-8") for text in texts]


class Stored(NamedTuple):
    """Rows by key, each key once.

    Attributes:
        keys: What each row was measured from.
        rows: Their numbers, float32, shape (n_rows, n_columns).
        texts: Their texts; empty ones where they have none.
    """

    keys: list[str]
    rows: NDArray[np.float32]
    texts: list[str]


def cache_folder(cache: str | Path | None = None) -> Path:
    """Give the folder named, or else that of ``AFFECTMAP_CACHE``, or ``features`` in the user's cache folder."""
    named = cache or os.environ.get("AFFECTMAP_CACHE")
    return Path(named) if named else Path(platformdirs.user_cache_dir("affectmap")) / "features"


class FeatureCache:
    """Rows of float32 numbers by key, kept in `folder` under `name`.

    Used as a context, it is closed at the end, and also when the run is interrupted.

    Args:
        folder: Where the files lie; it is made when the first row is written.
        name: Names the corpus and the kind of features; characters unfit for a file name become ``_``. Two names
            that share a file do no harm: rows are found by their keys.
        columns: Names of the numbers in a row.
        texts: Whether each row has a text, too.

    Attributes:
        notices: Sentences about what could not be read or kept.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> with FeatureCache(folder, "pets", ["pitch", "loudness"]) as cache:
        ...     cache.add("sha256 of cat.wav", np.array([440.0, 0.5], np.float32))
        >>> stored = FeatureCache(folder, "pets", ["pitch", "loudness"]).load()
        >>> stored.keys, stored.rows.tolist()
        (['sha256 of cat.wav'], [[440.0, 0.5]])
    """

    def __init__(self, folder: Path, name: str, columns: Sequence[str], *, texts: bool = False) -> None:
        self.folder = folder
        self.notices: list[str] = []
        self._stem = re.sub(r"[^\w-]", "_", name)[:100]
        self._columns, self._texts = list(columns), texts
        self._fresh: dict[str, tuple[Row, str]] = {}
        self._last_flush = time.monotonic()
        self._n_parts = 0
        self._damaged: set[Path] = set()
        self._writable = True
        self._found_in: dict[Path, RowsOnDisk] | None = None

    def __enter__(self) -> FeatureCache:
        """Give the cache itself."""
        return self

    def __exit__(self, *error: object) -> None:
        """Close the cache."""
        self.close()

    def load(self) -> Stored:
        """Read all rows, those of unmerged parts included."""
        if not self.folder.is_dir():
            return self._empty()
        try:
            with self._lock():
                return self._stored(self._files())
        except OSError:  # a folder that only others may write is read without a lock
            return self._stored(self._files())

    def find(self, key: str) -> tuple[Row, str] | None:
        """Give a row and its text, and read no others; what other processes add after the first call is not seen."""
        if key in self._fresh:
            return self._fresh[key]
        if self._found_in is None:
            self._found_in = {}
            if self.folder.is_dir():
                try:
                    with self._lock():
                        self._open(self._files())
                except OSError:  # as in load
                    self._open(self._files())
        found = (rows.find(key) for rows in reversed(self._found_in.values()))
        return next((each for each in found if each is not None), None)

    def _open(self, files: Iterable[Path]) -> None:
        if self._found_in is not None:
            for file in files:
                rows = self._guarded(file, lambda file: RowsOnDisk(file, self._columns, self._texts))
                if rows is not None:
                    self._found_in[file] = rows

    def add(self, key: str, row: Row, text: str = "") -> None:
        """Keep a row; it reaches the disk with the first row after `FLUSH_S` seconds, or at the end."""
        if not self._writable:
            return
        self._fresh[key] = row, text
        if time.monotonic() - self._last_flush >= FLUSH_S:
            self._attempt()

    def close(self) -> None:
        """Write what is still in memory and merge everything into the one file, if there is anything new."""
        small = self._mergeable()
        if self._fresh or self._damaged or len(small) > 1 or (small and not self._main.exists()):
            self._attempt(merge=True)

    def _attempt(self, merge: bool = False) -> None:
        if not self._writable:
            return
        try:
            with self._lock():
                if _is_foreign(self._main):
                    raise StorageError(f"{self._main.name} in it is another program's; name another folder")
                self._flush()
                if merge or self._n_parts > MAX_PARTS:
                    self._merge()
        except (OSError, StorageError) as error:
            self._writable = False
            cause = error.__cause__ or error
            reason = getattr(cause, "strerror", None) or str(cause).splitlines()[0]
            self.notices.append(f"the cache {self.folder} cannot be written ({reason}); new features are not kept")

    def _flush(self) -> None:
        if self._fresh:
            part = self._new_part()
            rows, texts = zip(*self._fresh.values(), strict=True)
            self._write(part, self._checked(list(self._fresh), rows, texts))
            self._open([part])
            self._fresh = {}
            self._n_parts += 1
        self._last_flush = time.monotonic()

    def _merge(self) -> None:
        files = self._mergeable()
        if len(files) > 1 or self._damaged or files not in ([], [self._main]):
            self._unite(files)
        if sys.platform != "win32":  # under the lock nobody writes, so these were left by killed runs
            for torn in self.folder.glob(".*.part"):
                if self._is_ours(torn.name[1:].rsplit(".", 2)[0], _N_KEPT):
                    torn.unlink(missing_ok=True)
        self._n_parts, self._damaged = 0, set()

    def _unite(self, files: Sequence[Path]) -> None:
        is_full = self._main not in files and self._main.exists()
        united = self._new_part() if is_full else self._main
        self._write(united, self._stored(files))
        if self._found_in is not None:
            self._found_in = {file: rows for file, rows in self._found_in.items() if file not in files}
            self._open([united])
        for file in set(files) - {united}:
            file.unlink(missing_ok=True)

    def _mergeable(self) -> list[Path]:
        """List the files that are small or damaged."""
        return [file for file in self._files() if file in self._damaged or file.stat().st_size < MAX_BYTES]

    def _new_part(self) -> Path:
        return self.folder / f"{self._stem}.{uuid.uuid4().hex}.npz"

    @property
    def _main(self) -> Path:
        return self.folder / f"{self._stem}.npz"

    def _files(self) -> list[Path]:
        files = sorted(self.folder.glob(f"{self._stem}*.npz"), key=lambda file: (file != self._main, file.name))
        return [file for file in files if self._is_ours(file.name) and not _is_foreign(file)]

    def _is_ours(self, name: str, n_kept: int | None = None) -> bool:
        """Tell whether a file has the name of the main one or of a part, of which so many characters were kept."""
        start = len(self._stem) + 1
        masked = name[:start] + re.sub("[0-9a-f]", "0", name[start:])
        return name == self._main.name[:n_kept] or masked == f"{self._stem}.{'0' * 32}.npz"[:n_kept]

    def _stored(self, files: Sequence[Path]) -> Stored:
        parts = [self._read(file) for file in files]
        keys, texts = ([each for part in parts for each in part[number]] for number in (0, 2))
        rows = np.concatenate([part.rows for part in parts]) if parts else self._empty().rows
        last = sorted({key: row for row, key in enumerate(keys)}.values())
        if len(last) == len(keys):
            return Stored(keys, rows, texts)
        return Stored([keys[row] for row in last], rows[last], [texts[row] for row in last])

    def _read(self, file: Path) -> Stored:
        return self._guarded(file, self._content) or self._empty()

    def _guarded(self, file: Path, read: Callable[[Path], _Read]) -> _Read | None:
        try:
            return read(file)
        except FileNotFoundError:  # merged by another run meanwhile
            return None
        except Exception as error:  # of many unrelated classes, from zipfile, NumPy and the tokenizer behind it
            if file not in self._damaged:
                reason = str(error).splitlines()[0] if str(error) else type(error).__name__
                self._notice(f"the cache file {file} is damaged ({reason}); its rows are measured again")
            self._damaged.add(file)
            return None

    def _content(self, file: Path) -> Stored:
        check_archive(file)
        with np.load(file, allow_pickle=False) as stored:
            keys, columns, rows = _decoded(stored["keys"]), stored["columns"], stored["rows"]
            texts = _decoded(stored["texts"]) if self._texts else [""] * len(keys)
        if columns.tolist() != self._columns or rows.dtype != np.float32:
            raise ValueError("it holds other columns")
        return self._checked(keys, rows, texts)

    def _notice(self, text: str) -> None:
        if text not in self.notices:
            self.notices.append(text)

    def _write(self, file: Path, stored: Stored) -> None:
        arrays: dict[str, Any] = {"keys": _encoded(stored.keys), "columns": np.array(self._columns)}
        arrays |= {"texts": _encoded(stored.texts)} if self._texts else {}
        with new_file(file) as temporary, temporary.open("wb") as handle:
            np.savez(handle, **arrays, rows=stored.rows)

    def _checked(self, keys: list[str], rows: Sequence[Row] | Row, texts: Sequence[str]) -> Stored:
        values = np.asarray(rows, dtype=np.float32).reshape(len(keys), len(self._columns))
        if len(texts) != len(keys):
            raise ValueError("it holds other texts")
        return Stored(keys, values, list(texts))

    def _empty(self) -> Stored:
        return self._checked([], [], [])

    @contextmanager
    def _lock(self) -> Iterator[None]:
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / ".lock").open("ab") as handle:
            lock_file(handle)
            yield
