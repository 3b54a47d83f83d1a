"""Recordings named on the command line: files, folders of them, or one on the input; and who speaks in each."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from affectmap.errors import AudioError, LabelError, UsageError
from affectmap.schema import AUDIO_SUFFIXES

#: What stands for the recording on the input.
STDIN = "-"
#: Largest recording that is taken from the input, in bytes.
MAX_INPUT = 1 << 30


def find_recordings(sources: Sequence[str]) -> list[str]:
    """List the recordings that are named, and those below the folders that are.

    Args:
        sources: Files, folders, or ``-``. A folder gives the files below it whose name ends like a recording's, in the
            order of their names, without hidden ones.

    Returns:
        Paths as they were named, each once; ``-`` stays.

    Raises:
        AudioError: If a folder holds no recording.

    Example:
        >>> folder = Path(tempfile.mkdtemp())
        >>> for name in ("b.wav", "a.WAV", "notes.txt"):
        ...     (folder / name).touch()
        >>> [Path(file).name for file in find_recordings([str(folder)])]
        ['a.WAV', 'b.wav']
    """
    found: list[str] = []
    for source in sources:
        if source == STDIN or not Path(source).is_dir():
            found.append(source)
            continue
        below = [file for file in Path(source).rglob("*") if file.suffix.lower() in AUDIO_SUFFIXES and file.is_file()]
        below = [file for file in below if not any(p.startswith(".") for p in file.relative_to(source).parts)]
        if not below:
            raise AudioError(
                f"{source}: no recording lies in it ({', '.join(AUDIO_SUFFIXES)}); name another folder, or files"
            )
        found += [str(file) for file in sorted(below)]
    return list(dict.fromkeys(found))


@contextmanager
def readable(recordings: Sequence[str]) -> Iterator[list[str]]:
    """Give paths that can be read: the recording on the input lies in a temporary file meanwhile.

    Args:
        recordings: Paths, and ``-`` at most once.

    Yields:
        The paths to read, in the same order.

    Raises:
        AudioError: If nothing is on the input, or more than `MAX_INPUT` bytes.
    """
    if STDIN not in recordings:
        yield list(recordings)
        return
    content = sys.stdin.buffer.read(MAX_INPUT + 1)
    if not content:
        raise AudioError("-: nothing is on the input; pipe a WAV file into it")
    if len(content) > MAX_INPUT:
        raise AudioError(f"-: more than {MAX_INPUT:,} bytes are on the input; write them to a file first")
    handle, name = tempfile.mkstemp(prefix="affectmap-", suffix=".wav")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        yield [name if each == STDIN else each for each in recordings]
    finally:
        Path(name).unlink(missing_ok=True)


def read_speakers(table: Path, recordings: Sequence[str]) -> list[str]:
    r"""Look up who speaks in each recording.

    Args:
        table: CSV with the columns ``file`` and ``speaker``; paths are taken as written, or from the table's folder. A
            byte that is not UTF-8 is written as `printable` writes it.
        recordings: Paths.

    Returns:
        Speaker of each recording.

    Raises:
        LabelError: If the table cannot be read, lacks a column, or lacks a recording.
        UsageError: If a recording comes from the input, which has no name.

    Example:
        >>> table = Path(tempfile.mkdtemp()) / "who.csv"
        >>> _ = table.write_text("file,speaker\na.wav,anna\n")
        >>> read_speakers(table, [str(table.with_name("a.wav"))])
        ['anna']
    """
    import pandas as pd

    if STDIN in recordings:
        raise UsageError("--speakers needs the names of files; a recording on the input has none")
    try:
        found = pd.read_csv(table, dtype=str, encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error).splitlines()[0]
        raise LabelError(
            f"{table} cannot be read ({reason}); expected CSV with the columns file and speaker"
        ) from error
    missing = [name for name in ("file", "speaker") if name not in found.columns]
    if missing:
        raise LabelError(f"{table}: no column {missing[0]}, got {list(found.columns)}; expected file and speaker")
    known = found.dropna(subset=["file", "speaker"])
    speaker_of = dict(zip((_place(table.parent / file) for file in known["file"]), known["speaker"], strict=True))
    speaker_of |= dict(zip((_place(Path(file)) for file in known["file"]), known["speaker"], strict=True))
    unknown = [file for file in recordings if _place(Path(file)) not in speaker_of]
    if unknown:
        raise LabelError(f"{table}: no speaker for {len(unknown)} of {len(recordings)} recordings, first {unknown[0]}")
    return [speaker_of[_place(Path(file))] for file in recordings]


def _place(path: Path) -> str:
    from affectmap.audio.reading import printable  # which loads what the command line need not wait for

    return os.path.normpath(printable(path.absolute()))
