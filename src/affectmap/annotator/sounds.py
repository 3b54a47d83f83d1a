"""Recordings as a browser plays them: WAV with 16 bit, the whole or a range of it."""

from __future__ import annotations

import io
import re
import threading
from collections import OrderedDict
from pathlib import Path

import numpy as np
import soundfile

from affectmap.annotator.recordings import LONGEST_S
from affectmap.audio.reading import read_audio, resample
from affectmap.web.refusal import RefusalError

#: Bytes of sounds that are kept ready.
MAX_KEPT = 64_000_000
_HIGHEST_RATE = 48_000
_RANGE = re.compile(r"bytes=(\d{0,12})-(\d{0,12})")


class Sounds:
    """Sounds, made once and kept for a while.

    Args:
        max_kept: Bytes to keep at most.

    Example:
        >>> import tempfile
        >>> file = Path(tempfile.mkdtemp()) / "a.flac"
        >>> soundfile.write(file, np.zeros(1600), 16000)
        >>> len(Sounds().wave(file))
        3244
    """

    def __init__(self, max_kept: int = MAX_KEPT) -> None:
        self._max_kept, self._kept = max_kept, OrderedDict[tuple[Path, int, int], bytes]()
        self._turn = threading.Lock()

    def wave(self, file: Path) -> bytes:
        """Read a recording and write it as WAV.

        Args:
            file: The recording.

        Returns:
            A WAV file, mono, 16 bit, of the recording's own rate up to 48 kHz.

        Raises:
            AudioError: If it cannot be read.
            OSError: If it is gone.
        """
        state = file.stat()
        name = (file, state.st_size, state.st_mtime_ns)
        with self._turn:
            if name in self._kept:
                self._kept.move_to_end(name)
                return self._kept[name]
        content = _wave(file)
        with self._turn:
            self._kept[name] = content
            while len(self._kept) > 1 and sum(map(len, self._kept.values())) > self._max_kept:
                self._kept.popitem(last=False)
        return content


def _wave(file: Path) -> bytes:
    signal, sampling_rate = read_audio(file, longest_s=LONGEST_S + 1)
    rate = min(sampling_rate, _HIGHEST_RATE)
    samples = np.rint(np.clip(resample(signal, sampling_rate, rate), -1, 1) * (2**15 - 1)).astype(np.int16)
    handle = io.BytesIO()
    soundfile.write(handle, samples, rate, format="WAV", subtype="PCM_16")
    return handle.getvalue()


def part_of(content: bytes, wanted: str | None) -> tuple[int, bytes, dict[str, str]]:
    """Cut out what a header ``Range`` asks for (RFC 9110, section 14).

    Args:
        content: The whole.
        wanted: The header; None, or anything but one range of bytes, means all.

    Returns:
        Status, content, and headers.

    Raises:
        RefusalError: With status 416, if the range lies outside.

    Example:
        >>> part_of(b"abcdef", "bytes=2-3")
        (206, b'cd', {'Accept-Ranges': 'bytes', 'Content-Range': 'bytes 2-3/6'})
    """
    found = _RANGE.fullmatch(wanted.strip()) if wanted else None
    if not found or found.groups() == ("", ""):
        return 200, content, {"Accept-Ranges": "bytes"}
    first, last = found.groups()
    size = len(content)
    start = int(first) if first else max(size - int(last), 0)
    end = min(int(last), size - 1) if first and last else size - 1
    if first and last and int(last) < start:
        return 200, content, {"Accept-Ranges": "bytes"}
    if start >= size:  # so it does, too, where the last 0 bytes are asked for
        raise RefusalError(416, "the range lies outside of the sound", {"Content-Range": f"bytes */{size}"})
    headers = {"Accept-Ranges": "bytes", "Content-Range": f"bytes {start}-{end}/{size}"}
    return 206, content[start : end + 1], headers
