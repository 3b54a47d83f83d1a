"""A recording of any length in blocks: memory does not grow with it.

Conventions:
    * A *source* has a sampling rate, gives blocks of a mono signal one after another, and notes what it met.
    * Unlike `read_audio`, which serves utterances, it takes what a damaged file still holds and
      says so: of an hour that was cut short the rest is worth having.
    * Samples that are no numbers count as silence here; `Recording.gaps` says where they lay.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import numpy as np
import soxr

from affectmap.audio.decoding import RATES, Block, Decoding, reason
from affectmap.audio.reading import Signal, channel_mix
from affectmap.errors import AudioError, ConfigError

_BLOCK_S = 4.0
_BLOCK_VALUES = 1 << 22  # of all channels together
_PCM_READ = 1 << 14  # bytes at most at once; a pipe gives what it has


class Recording:
    """A file in blocks.

    Args:
        file: Path; any format that `affectmap.audio.decoding` opens, any rate, any number of channels.
        channel: The only channel to be read, counted from 1; by default all are mixed down as
            `affectmap.audio.channels` has it, for which the file is read once more before.

    Raises:
        AudioError: If the file is missing, a folder, empty, not audio, or without samples or such a channel.

    Example:
        >>> import soundfile, tempfile
        >>> file = Path(tempfile.mkdtemp()) / "hum.wav"
        >>> soundfile.write(file, np.zeros(160000), 16000)
        >>> recording = Recording(file)
        >>> recording.duration_s, [len(block) for block in recording.blocks()]
        (10.0, [64000, 64000, 32000])
    """

    def __init__(self, file: str | Path, channel: int | None = None) -> None:
        self.file = Path(file)
        self.gaps: list[tuple[float, float]] = []
        self._decoding = Decoding(self.file)
        self.sampling_rate = self._decoding.sampling_rate
        if not self._decoding.n_samples:
            problem = self._decoding.missing(0) or "holds no samples, or its header was never completed"
            raise AudioError(f"{self.file}: {problem}; record it again")
        self.mix = channel_mix(self._decoding, channel)
        self._n_read, self._broken = 0, ""

    @property
    def duration_s(self) -> float:
        """Length in seconds; of a file that breaks off, as its header has it."""
        return self._decoding.duration_s

    @property
    def seconds_read(self) -> float:
        """Seconds that the blocks so far held."""
        return self._n_read / self.sampling_rate

    def blocks(self) -> Iterator[Signal]:
        """Read the file from its beginning; one that breaks off ends there with a note."""
        self.gaps.clear()
        self._n_read, self._broken = 0, ""
        size = max(1, min(round(_BLOCK_S * self.sampling_rate), _BLOCK_VALUES // self._decoding.n_channels))
        try:
            for block in self._decoding.blocks(size):
                yield self._mono(block)
        except AudioError as error:
            if not self._n_read:
                raise
            self._broken = reason(error)

    def _mono(self, block: Block) -> Signal:
        finite = np.isfinite(block)
        if not finite.all():
            strange = np.flatnonzero(~finite[:, np.array(self.mix.weights) > 0].all(axis=1)) + self._n_read
            if len(strange):
                self._add_gap(int(strange[0]), int(strange[-1]) + 1)
            block = np.where(finite, block, np.float32(0))
        self._n_read += len(block)
        return self.mix.signal(block)

    def _add_gap(self, first: int, last: int) -> None:
        begin, end = first / self.sampling_rate, last / self.sampling_rate
        if self.gaps and self.gaps[-1][1] == begin:  # the block before ended in it
            begin = self.gaps.pop()[0]
        self.gaps.append((begin, end))

    def notes(self) -> list[str]:
        """Tell what was met while reading."""
        notes = []
        if missing := self._decoding.missing(self._n_read):
            notes.append(f"{missing}; what is there was used")
        elif self._broken:
            notes.append(f"breaks off after {self.seconds_read:.2f} s ({self._broken}); what is there was used")
        notes += self._decoding.notes()
        if self.gaps:
            notes.append(
                f"samples between {self.gaps[0][0]:.2f} and {self.gaps[-1][1]:.2f} s are NaN or infinity; "
                f"segments that touch {'it' if len(self.gaps) == 1 else 'these places'} have no values"
            )
        return [*notes, *self.mix.notes]


class Readable(Protocol):
    """What raw samples are read from, such as a file open for reading bytes."""

    def read(self, size: int = ..., /) -> bytes:
        """Give some bytes, none at the end."""


class PulseCode:
    """Raw samples from a stream: 16 bit, little-endian, mono.

    Args:
        handle: Open for reading bytes, such as ``sys.stdin.buffer``.
        sampling_rate: In Hz.

    Raises:
        ConfigError: If the rate lies outside of `RATES`.

    Example:
        >>> import io
        >>> pcm = PulseCode(io.BytesIO(np.array([0, 16384, -32768], "<i2").tobytes() + b"x"), 16000)
        >>> [block.tolist() for block in pcm.blocks()], pcm.notes()
        ([[0.0, 0.5, -1.0]], ['the last byte is half a sample and was left out'])
    """

    duration_s = None

    def __init__(self, handle: Readable, sampling_rate: int) -> None:
        low, high = RATES
        if not low <= sampling_rate <= high:
            raise ConfigError(f"sampling_rate is {sampling_rate}, expected {low} to {high} Hz")
        self.sampling_rate = sampling_rate
        self.gaps: list[tuple[float, float]] = []
        self._handle, self._n_odd = handle, 0

    def blocks(self) -> Iterator[Signal]:
        """Give samples as soon as they are there, until the stream ends."""
        read = getattr(self._handle, "read1", None) or self._handle.read
        left = b""
        while data := read(_PCM_READ):
            data = left + data
            whole = len(data) // 2 * 2
            left = data[whole:]
            if whole:
                yield np.frombuffer(data[:whole], "<i2").astype(np.float32) / np.float32(32768)
        self._n_odd = len(left)

    def notes(self) -> list[str]:
        """Tell of a last byte that was no sample."""
        return ["the last byte is half a sample and was left out"] if self._n_odd else []


#: What can be tracked: a file, or samples that come as they are spoken.
Source = Recording | PulseCode


def at_rate(source: Source, sampling_rate: int) -> Iterator[Signal]:
    """Give a source's blocks at another rate, by libsoxr at its high quality; its own where the rates are equal.

    The mean of the first block is taken for the offset, which goes on before the begin and after the end.
    """
    if source.sampling_rate == sampling_rate:
        yield from source.blocks()
        return
    stream = soxr.ResampleStream(source.sampling_rate, sampling_rate, 1, dtype="float32", quality="HQ")
    offset: np.float32 | None = None
    for block in source.blocks():
        if offset is None:
            offset = np.mean(block, dtype=np.float32)
        resampled = stream.resample_chunk(block - offset)
        if len(resampled):
            yield resampled + offset
    yield stream.resample_chunk(np.empty(0, np.float32), last=True) + (0 if offset is None else offset)
