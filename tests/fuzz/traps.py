"""Kinds with known faults: what a search must find."""

from __future__ import annotations

import ctypes
import time
from pathlib import Path

from affectmap.errors import CorpusError
from fuzz.kinds import Kind


def _make(folder: Path) -> None:
    (folder / "word").write_bytes(b"valid")


def _refuse(folder: Path) -> None:
    if (folder / "word").read_bytes() != b"valid":
        raise CorpusError("word is not valid; write valid")


def _trap(fault):
    def read(folder: Path) -> None:
        if (folder / "word").read_bytes() != b"valid":
            fault()

    return Kind(_make, {"word": lambda content, rng: rng.bytes(3)}, read)


KINDS = {
    "refused": Kind(_make, {"word": lambda content, rng: rng.bytes(3)}, _refuse),
    "foreign": _trap(lambda: {}["missing"]),
    "slow": _trap(lambda: time.sleep(3600)),
    "large": _trap(lambda: bytearray(1_200_000_000)),
    "dead": _trap(lambda: ctypes.string_at(0)),
}
