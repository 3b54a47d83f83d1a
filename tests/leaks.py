"""Finding sockets and processes that a test leaves behind, in the test that does so."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def _sockets() -> set[str]:
    found = set()
    for file in Path("/proc/self/fd").iterdir():
        try:
            target = str(file.readlink())
        except OSError:  # closed meanwhile
            continue
        if target.startswith("socket:"):
            found.add(target)
    return found


def _processes() -> set[str]:
    tasks = Path("/proc/self/task").glob("*/children")
    return {child for file in tasks for child in file.read_text().split()}


@contextmanager
def no_leaks() -> Iterator[None]:
    """See that no socket is left to the garbage collector, and that no process is left running.

    Sockets that somebody still refers to, as a browser's for the whole session, are theirs to close; a process may take
    the place of another, as a database's that is started again.
    """
    if not Path("/proc/self/fd").exists():
        yield
        return
    sockets, processes = _sockets(), _processes()
    yield
    if opened := _sockets() - sockets:
        gc.collect()
        assert not opened - _sockets(), "a socket was left open; close it where it is opened"
    assert len(_processes()) <= len(processes), "a process was left running; end it where it is started"
