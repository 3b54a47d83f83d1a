"""The recording on the standard input, and those in named pipes: taken whole, into a file that nobody else sees."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO

from affectmap.errors import AffectmapError, AudioError, StorageError

#: What stands for the recording on the input.
STDIN = "-"
#: Largest recording that is taken from the input, in bytes.
MAX_INPUT = 1 << 30
_CHUNK = 1 << 20


@contextmanager
def readable(recordings: Sequence[str], awaited: Sequence[str] | None = None) -> Iterator[list[str]]:
    """Give paths that can be read any number of times: what comes through a pipe lies in a temporary file meanwhile.

    Args:
        recordings: Paths, or `STDIN`.
        awaited: Those of them that are waited for if they are pipes, for somebody has named them; by default all. A
            pipe that merely lies in a folder may never be written to.

    Raises:
        AudioError: If nothing comes, or too much.
        StorageError: If there is no place for it.
    """
    with ExitStack() as stack:
        pipes = {each for each in (recordings if awaited is None else awaited) if _is_pipe(each)}
        yield [stack.enter_context(_kept(each)) if each in pipes else each for each in recordings]


def _is_pipe(recording: str) -> bool:
    return recording == STDIN or Path(recording).is_fifo()


@contextmanager
def _kept(recording: str) -> Iterator[str]:
    from affectmap.temporary import unnamed_file

    with unnamed_file() as (handle, path):
        if recording == STDIN:
            _copy(sys.stdin.buffer, handle, recording)
        else:
            with Path(recording).open("rb") as pipe:
                _copy(pipe, handle, recording)
        try:
            yield str(path)
        except AffectmapError as error:  # where it lies here would tell nobody anything
            raise type(error)(str(error).replace(str(path), recording)) from error


def _copy(pipe: BinaryIO, handle: BinaryIO, name: str) -> None:
    n_bytes = 0
    while chunk := pipe.read(_CHUNK):
        n_bytes += len(chunk)
        if n_bytes > MAX_INPUT:
            raise AudioError(f"{name}: more than {MAX_INPUT:,} bytes are on the input; write them to a file first")
        try:
            handle.write(chunk)
            handle.flush()
        except OSError as error:
            raise StorageError(
                f"{name}: the recording cannot be kept while it is measured ({error.strerror}); free the folder for "
                "temporary files, or name another by TMPDIR"
            ) from error
    if not n_bytes:
        raise AudioError(f"{name}: nothing is on the input; pipe a WAV file into it")
