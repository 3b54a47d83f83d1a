"""Opening any recording and decoding it block by block: what a header counts is compared, never believed.

Conventions:
    * A *block* is float32, shape (n_samples, n_channels), with full scale at 1; a *sampling rate* is in Hz.
    * Recordings that follow one another in a file (see `affectmap.audio.containers`) are one sound if their rates and
      channels agree; else the file is refused.
    * The length is known from bytes, pages or frames; where only decoding tells it, the file is decoded once to count.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import BinaryIO

import numpy as np
import soundfile
from numpy.typing import NDArray

from affectmap.audio.containers import find_links
from affectmap.audio.formats import ForeignSound, Format, advice, foreign_links, missing, recognised, refused
from affectmap.audio.links import PIECE, Link, View, bytes_at
from affectmap.errors import AudioError
from affectmap.extras import installed

#: Shape (n_samples, n_channels), full scale at 1.
Block = NDArray[np.float32]
#: Seconds by which a file may fall short of its header, or a segment overrun its file: one step of frames.
TOLERANCE_S = 0.01
#: Rates in Hz that are read and resampled; others are taken for damage.
RATES = (1000, 768_000)
#: What libsndfile raises for files that it cannot read.
UNREADABLE = (soundfile.SoundFileError, TypeError, ValueError, OSError)
#: Values, of all channels together, that are read at once.
BLOCK_VALUES = 1 << 20

_STEP = 1 << 12  # samples
_MANY = 1024  # bytes: fewer are a tag, or fill a sector
_MAX_PACKED = 1 << 13  # samples in a byte: FLAC packs 65,535 of silence into a dozen
_NO_LENGTH = 1 << 62  # from here on libsndfile means that it does not know


class Decoding:
    """The sound of a file.

    Args:
        file: Path of the recording.

    Attributes:
        file: The path.
        sampling_rate: In Hz.
        n_channels: Number of channels.

    Raises:
        AudioError: If the file is missing, a folder, empty, not audio, or its rate lies outside of `RATES`, or if it
            holds recordings of several rates or numbers of channels.

    Example:
        >>> import tempfile
        >>> file = Path(tempfile.mkdtemp()) / "twice.wav"
        >>> soundfile.write(file, np.zeros((1000, 2)), 16000)
        >>> _ = file.write_bytes(2 * file.read_bytes())  # as cat makes it
        >>> decoding = Decoding(file)
        >>> decoding.n_samples, [block.shape for block in decoding.blocks(600)]
        (2000, [(600, 2), (400, 2), (600, 2), (400, 2)])
    """

    def __init__(self, file: str | Path) -> None:
        self.file = Path(file)
        self._size = _checked_size(self.file)
        self._links: list[Link] = []
        self._foreign: list[ForeignSound] = []
        self._n_uncounted = 0
        try:
            with self.file.open("rb") as handle:
                about = self._open(handle)
        except AudioError as error:
            raise error if str(error).startswith(f"{self.file}: ") else AudioError(f"{self.file}: {error}") from None
        except soundfile.SoundFileError as error:
            raise unreadable(self.file, error) from error
        except OSError as error:
            raise AudioError(f"{self.file}: cannot be opened ({error.strerror}); check its permissions") from error
        except (TypeError, ValueError) as error:
            raise unreadable(self.file, error) from error
        self.sampling_rate, self.n_channels = about[0][:2]
        self._n_claimed = [each[2] for each in about]
        self._n_counted: int | None = None
        self._broken = ""
        low, high = RATES
        if not low <= self.sampling_rate <= high:
            raise AudioError(f"{self.file}: its rate is {self.sampling_rate} Hz, expected {low} to {high}; convert it")
        kinds = list(dict.fromkeys(f"{rate} Hz with {n} channel{'s' * (n > 1)}" for rate, n, _ in about))
        if len(kinds) > 1:
            raise AudioError(
                f"{self.file}: holds {len(about)} recordings one after another, of {' and '.join(kinds[:3])}; "
                "split it into a file for each"
            )

    @property
    def n_links(self) -> int:
        """Number of recordings that follow one another in the file."""
        return len(self._links) or len(self._foreign)

    def notes(self) -> list[str]:
        """Tell of what no header counts: recordings that follow the first, and bytes that may be sound."""
        notes = [f"{self.n_links} recordings follow one another in the file; all were used"] * (self.n_links > 1)
        if self._n_uncounted:
            notes.append(
                f"{self._n_uncounted:,} bytes behind its sound are not counted by its header and were left out; "
                "if they are sound, mend the header"
            )
        return notes

    @property
    def n_samples(self) -> int:
        """Samples of a channel that the file holds or, where it breaks off, that its header claims."""
        return self.count()

    @property
    def duration_s(self) -> float:
        """`n_samples` in seconds."""
        return self.n_samples / self.sampling_rate

    def count(self, longest_s: float | None = None) -> int:
        """Give `n_samples`; where only decoding tells it, stop soon after `longest_s` seconds."""
        if self._n_counted is not None:
            return self._n_counted
        if self.is_counted():
            return sum(self._n_claimed)
        n_samples = 0
        try:
            for block in self.blocks(1 << 16):
                n_samples += len(block)
                if longest_s is not None and n_samples > longest_s * self.sampling_rate:
                    return n_samples
        except AudioError as error:
            if not n_samples:
                raise
            self._broken = f"breaks off after {n_samples / self.sampling_rate:.2f} s ({reason(error)})"
        self._n_counted = n_samples
        return n_samples

    def is_counted(self) -> bool:
        """Whether `n_samples` is known without decoding."""
        is_told = not self._foreign and all(map(self._is_believed, self._n_claimed, self._links))
        return is_told or self._n_counted is not None

    @staticmethod
    def _is_believed(n_samples: int, link: Link) -> bool:
        return n_samples <= _MAX_PACKED * (len(link.head) + link.end - link.start)

    def blocks(self, n: int | None = None, first: int = 0) -> Iterator[Block]:
        """Decode the file from a sample on.

        Args:
            n: Samples of a block at most; by default as many as have `BLOCK_VALUES` values.
            first: The first sample.

        Yields:
            Blocks of at least one sample.

        Raises:
            AudioError: If it breaks off.
        """
        n = n or max(1, BLOCK_VALUES // self.n_channels)
        if self._foreign:
            yield from _rearranged(chain.from_iterable(each.blocks() for each in self._foreign), n, first)
            return
        n_done = first
        try:
            with self.file.open("rb") as handle:
                for link, n_claimed in zip(self._links, self._n_claimed, strict=True):
                    is_believed = self._is_believed(n_claimed, link)
                    if first and is_believed and first >= n_claimed:
                        first -= n_claimed
                        continue
                    with self._opened(handle, link) as sound:
                        if first and is_believed and sound.can_seek:
                            sound.seek(first)
                            first = 0
                        for block in _blocks(sound, n):
                            if first < len(block):
                                yield block[first:]
                                n_done += len(block) - first
                            first = max(0, first - len(block))
        except UNREADABLE as error:
            if not n_done:
                raise unreadable(self.file, error) from error
            problem = self.missing(n_done) or f"breaks off after {n_done / self.sampling_rate:.2f} s ({reason(error)})"
            raise AudioError(f"{self.file}: {problem}; restore the whole file") from error

    def missing(self, n_read: int) -> str:
        """Say what is missing after all `n_read` samples were decoded; empty where nothing is."""
        if self._foreign:
            return missing(self._foreign, n_read) or self._broken
        promised = 0.0
        for n_claimed, link in zip(self._n_claimed, self._links, strict=True):
            promised += n_claimed * link.promised if n_claimed < _NO_LENGTH else 0
        if promised - n_read > TOLERANCE_S * self.sampling_rate:
            held, whole = n_read / self.sampling_rate, promised / self.sampling_rate
            return f"cut short, it holds {held:.2f} s of {whole:.2f} s"
        return next((link.damage for link in self._links if link.damage), self._broken)

    def _open(self, handle: BinaryIO) -> list[tuple[int, int, int]]:
        """Find the recordings; give rate, channels and claimed samples of each."""
        format = recognised(handle, self._size)
        if format is None:
            try:
                self._links = find_links(handle, self._size) or [Link(0, self._size)]
                self._n_uncounted = _uncounted(handle, self._links[-1].end, self._size)
                return [self._about(handle, link) for link in self._links]
            except soundfile.SoundFileError:
                if (format := refused(handle)) is None:
                    raise
                self._links, self._n_uncounted = [], 0
        self._foreign = self._foreign_sounds(handle, format)
        return [(each.sampling_rate, each.n_channels, _NO_LENGTH) for each in self._foreign]

    def _foreign_sounds(self, handle: BinaryIO, format: Format) -> list[ForeignSound]:
        """Give decoders of a format that libsndfile cannot read, or refuse the file with advice."""
        if not format.demuxer or not installed("av"):
            raise advice(self.file, format)
        return [ForeignSound(self.file, format, link) for link in foreign_links(handle, self._size, format)]

    def _about(self, handle: BinaryIO, link: Link) -> tuple[int, int, int]:
        try:
            with self._opened(handle, link) as sound:
                return int(sound.samplerate), int(sound.channels), int(sound.frames)
        except soundfile.SoundFileError as error:
            if not link.damage:
                raise
            raise AudioError(f"{self.file}: {link.damage}; restore the whole file") from error

    @contextmanager
    def _opened(self, handle: BinaryIO, link: Link) -> Iterator[_Sound]:
        if not link.head and (link.start, link.end) == (0, self._size):
            with _Sound(self.file) as sound:
                yield sound
            return
        view = View(handle, link)
        try:
            with _Sound(view) as sound:
                yield sound
        finally:
            if view.error:
                raise view.error


def _uncounted(handle: BinaryIO, end: int, size: int) -> int:
    """Count bytes behind the last chunk of WAV and AIFF, if they are many and not all 0."""
    if size - end < _MANY or bytes_at(handle, 0, 4) not in (b"RIFF", b"RIFX", b"RF64", b"BW64", b"FORM"):
        return 0
    return size - end if any(bytes_at(handle, end, PIECE)) else 0


def _rearranged(blocks: Iterable[Block], n: int, first: int) -> Iterator[Block]:
    """Give blocks of `n` samples, the last shorter, from a sample on."""
    kept: list[Block] = []
    n_kept = 0
    for block in blocks:
        skipped, first = min(first, len(block)), max(0, first - len(block))
        kept.append(block[skipped:])
        n_kept += len(kept[-1])
        if n_kept >= n:
            joined = np.concatenate(kept)
            whole = n_kept // n * n
            for start in range(0, whole, n):
                yield joined[start : start + n]
            kept, n_kept = [joined[whole:]], n_kept - whole
    if n_kept:
        yield np.concatenate(kept)


def _blocks(sound: _Sound, n: int) -> Iterator[Block]:
    """Read to the end in small steps, as what libsndfile read before an error is lost with the step."""
    while True:
        block, n_read, error = np.empty((min(n, max(1, sound.frames)), sound.channels), np.float32), 0, None
        while n_read < len(block):
            step = block[n_read : n_read + _STEP]
            try:
                n_step = len(sound.read(out=step))
            except soundfile.SoundFileError as found:
                n_step, error = 0, found
            n_read += n_step
            if n_step < len(step):
                break
        if n_read:
            yield block[:n_read]
        if error:
            raise error
        if n_read < len(block):
            return


class _Sound(soundfile.SoundFile):  # type: ignore[misc]  # it has no types
    """A sound that is read from its begin to its end.

    Its base seeks after every block, which fails where the length is not known.
    """

    @property
    def can_seek(self) -> bool:
        return bool(super().seekable())

    def seekable(self) -> bool:
        return False


def _checked_size(file: Path) -> int:
    try:
        if not file.exists():
            raise AudioError(f"{file}: there is no such file; restore it or correct its path")
        if not file.is_file():
            raise AudioError(f"{file}: not a file; name a recording")
        size = file.stat().st_size
    except OSError as error:
        raise AudioError(f"{file}: cannot be opened ({error.strerror}); check its permissions") from error
    if size == 0:
        raise AudioError(f"{file}: empty (0 bytes); restore it")
    return size


def unreadable(file: Path, error: Exception) -> AudioError:
    """Say in one line why libsndfile cannot read a file; `error` is one of `UNREADABLE`."""
    if isinstance(error, UnicodeEncodeError):
        return AudioError(f"{file}: its path is not UTF-8; rename file or folder")
    return AudioError(f"{file}: broken, or not audio ({reason(error)}); restore or convert it")


def reason(error: BaseException) -> str:
    """Give the words of libsndfile in an error, or in what caused it."""
    cause = error.__cause__ or error
    words = getattr(cause, "error_string", str(cause)).strip().rstrip(".")
    # It was opened: so libsndfile speaks of tags that no sound follows.
    return "unknown format" if not words or words.startswith("File does not exist") else words
