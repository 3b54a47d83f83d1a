"""What lies in the folder: recordings that can be rated, and why others cannot."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import soundfile

from affectmap.audio.reading import MIN_DURATION_S, UNREADABLE, promised_share
from affectmap.corpora.folder import find_recordings
from affectmap.errors import AffectmapError
from affectmap.web.refusal import RefusalError
from affectmap.web.requests import find_recording

#: Longest utterance in seconds: nobody can give one rating to more.
LONGEST_S = 120.0
_NO_NAME = "not a file within the folder, or its name cannot be written; put a copy with a plain name there"
_CUT = 1.01  # a header may promise this many times what is there


class Found(NamedTuple):
    """A recording in the folder.

    Attributes:
        path: Relative to the folder, with forward slashes.
        content: SHA-256 of the file; empty where it could not be read.
        n_bytes: Its size.
        changed_ns: When it was changed, as the file system tells.
        duration_s: Seconds, as its header tells.
        note: Why it cannot be rated; empty where it can.
    """

    path: str
    content: str
    n_bytes: int
    changed_ns: int
    duration_s: float
    note: str


def look_through(folder: Path, known: Mapping[str, Found], without: Path | None = None) -> list[Found]:
    """List the recordings below a folder.

    Args:
        folder: The folder.
        known: What was found before, by path; a file of the same size and time is not read again.
        without: A folder whose files do not count, as where exports lie.

    Returns:
        Recordings in alphabetical order; those that lead out of the folder or cannot be read carry a note.

    Raises:
        CorpusError: If the folder is missing or holds no recording.

    Example:
        >>> import numpy as np, tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> soundfile.write(folder / "a.wav", np.zeros(16000), 16000)
        >>> _ = (folder / "b.wav").write_text("no sound")
        >>> [(found.path, found.duration_s, found.note[:9]) for found in look_through(folder, {})]
        [('a.wav', 1.0, ''), ('b.wav', 0.0, 'not audio')]
    """
    base = folder.expanduser().absolute()
    files = [file for file in find_recordings(base)[0] if without is None or not file.is_relative_to(without)]
    return [_look_at(base, file, known) for file in files]


def _look_at(base: Path, file: Path, known: Mapping[str, Found]) -> Found:
    path = file.relative_to(base).as_posix()
    storable = os.fsencode(path).decode("utf-8", errors="backslashreplace")
    try:
        real = find_recording(base, path)
        state = real.stat()
    except (RefusalError, OSError):
        return Found(storable, "", 0, 0, 0.0, _NO_NAME)
    if path != path.strip():  # a table of ratings drops the spaces, and would mean another file
        return Found(storable, "", 0, 0, 0.0, _NO_NAME)
    before = known.get(path)
    if before and before.content and (before.n_bytes, before.changed_ns) == (state.st_size, state.st_mtime_ns):
        return before
    try:
        with real.open("rb") as handle:
            content = hashlib.file_digest(handle, "sha256").hexdigest()
    except OSError as error:
        return Found(path, "", state.st_size, 0, 0.0, f"cannot be read ({error.strerror}); check its permissions")
    duration_s, note = _playable(real)
    return Found(path, content, state.st_size, state.st_mtime_ns, duration_s, note)


def _playable(file: Path) -> tuple[float, str]:
    """Give the duration, and why the file cannot be played."""
    try:
        share = promised_share(file)
        with soundfile.SoundFile(file) as sound:
            duration_s = sound.frames / sound.samplerate
    except AffectmapError as error:
        return 0.0, str(error).removeprefix(f"{file}: ")
    except UNREADABLE:
        return 0.0, "not audio that can be read; replace it"
    if share > _CUT:
        return duration_s, "cut short; restore the whole file"
    if not MIN_DURATION_S <= duration_s <= LONGEST_S:
        return duration_s, f"lasts {duration_s:.3g} s, expected {MIN_DURATION_S:g} to {LONGEST_S:g} s; cut it anew"
    return duration_s, ""
