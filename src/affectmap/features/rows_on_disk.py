"""Rows of a file of the cache found by key where they lie: of a million rows a few megabytes are in memory."""

from __future__ import annotations

import hashlib
import io
import math
import mmap
import struct
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: Numbers of one row, shape (n_columns,).
Row = NDArray[np.float32]
#: Bytes in which the head of an array is looked for.
_LONGEST_HEAD = 1 << 14


def check_archive(file: Path) -> None:
    """Raise a `ValueError` if a file is compressed or damaged; zipfile has errors of its own beside it."""
    with zipfile.ZipFile(file) as archive:
        if any(each.compress_type != zipfile.ZIP_STORED for each in archive.infolist()):  # may unfold to gigabytes
            raise ValueError("it is compressed")
        if torn := archive.testzip():
            raise ValueError(f"the checksum of {torn} differs")


class RowsOnDisk:
    """Rows of one file found by key; in memory is nothing but a number for each key.

    Args:
        file: File of a cache.
        columns: Names that it must have.
        texts: Whether each row has a text.

    Raises:
        ValueError: If it is damaged or holds other columns; other errors are zipfile's and NumPy's.
    """

    def __init__(self, file: Path, columns: Sequence[str], texts: bool) -> None:
        check_archive(file)
        content = _mapped_bytes(file)
        arrays = {
            name: _member(file, content, f"{name}.npy") for name in ("keys", "columns", "rows", *["texts"] * texts)
        }
        self._keys, self._rows, self._texts = arrays["keys"], arrays["rows"], arrays.get("texts")
        n_rows = len(self._keys)
        if arrays["columns"].tolist() != list(columns) or self._rows.dtype != np.float32:
            raise ValueError("it holds other columns")
        if self._rows.shape != (n_rows, len(columns)) or (self._texts is not None and self._texts.shape != (n_rows,)):
            raise ValueError("it holds other rows")
        marks = np.fromiter(map(_mark, self._keys.tolist()), np.uint64, n_rows)
        self._row_of = np.argsort(marks, kind="stable").astype(np.uint32)
        self._marks = marks[self._row_of]

    def find(self, key: str) -> tuple[Row, str] | None:
        """Give a row and its text; of several with one key the last."""
        wanted = key.encode()
        mark = _mark(wanted)
        first, end = (int(np.searchsorted(self._marks, np.uint64(mark), side)) for side in ("left", "right"))
        for row in reversed(self._row_of[first:end].tolist()):
            if self._keys[row] == wanted:
                return np.array(self._rows[row]), "" if self._texts is None else str(self._texts[row], "utf-8")
        return None


def _mark(key: bytes) -> int:
    return int.from_bytes(hashlib.blake2b(key, digest_size=8).digest(), "little")


def _mapped_bytes(file: Path) -> mmap.mmap | bytes:
    if sys.platform == "win32":  # where what is mapped cannot be removed
        return file.read_bytes()
    with file.open("rb") as handle:
        return mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ)


def _member(file: Path, content: mmap.mmap | bytes, name: str) -> NDArray[Any]:
    """Give an array of an uncompressed archive where it lies."""
    with zipfile.ZipFile(file) as archive:
        start = archive.getinfo(name).header_offset
    n_name, n_extra = struct.unpack("<HH", content[start + 26 : start + 30])
    start += 30 + n_name + n_extra
    head = io.BytesIO(content[start : start + _LONGEST_HEAD])
    version = np.lib.format.read_magic(head)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, is_fortran, dtype = read(head)
    if is_fortran or dtype.hasobject:
        raise ValueError(f"{name} is no plain array")
    n_values = math.prod(shape)
    values = np.frombuffer(content, dtype, n_values, start + head.tell()) if n_values else np.zeros(0, dtype)
    return values.reshape(shape)
