"""Formats that libsndfile cannot read: known by their first bytes, and decoded by FFmpeg where PyAV is installed.

FFmpeg is told which format to expect and gets the bytes of the file alone: nothing in a recording makes it open others.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

import numpy as np

from affectmap.audio.links import MAX_LINKS, PIECE, Buffered, Link, View, bytes_at, search, too_many
from affectmap.errors import AudioError
from affectmap.extras import installed

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: What FFmpeg's durations are off by, in seconds: a few frames at either end.
FRAMES_S = 0.3

# First bytes, what they are of, and what FFmpeg calls it; empty where it does not read it.
_MARKS: tuple[tuple[bytes, str, str], ...] = (
    (b"#!AMR-MC", "AMR with several channels", ""),
    (b"#!AMR-WB\n", "AMR wideband", "amr"),
    (b"#!AMR\n", "AMR", "amr"),
    (b"#!SILK", "SILK", ""),
    (b"\x02#!SILK", "SILK", ""),
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "WMA", "asf"),
    (b"MAC ", "Monkey's Audio", "ape"),
    (b"wvpk", "WavPack", "wv"),
    (b"TTA1", "True Audio", "tta"),
    (b"MPCK", "Musepack", "mpc8"),
    (b"MP+", "Musepack", "mpc"),
    (b"ADIF", "AAC", "aac"),
    (b".ra\xfd", "RealAudio", "rm"),
    (b".RMF", "RealAudio", "rm"),
    (b"FLV\x01", "Flash video", "flv"),
    (b"DSD ", "DSD", "dsf"),
    (b"\x02dss", "DSS, as of dictation machines", "dss"),
    (b"\x03dss", "DSS, as of dictation machines", "dss"),
    (b"\x00\x00\x01\xba", "MPEG video", "mpeg"),
)
# What is no sound, and what to do.
_NO_SOUND: tuple[tuple[bytes, str], ...] = (
    (b"version https://git-lfs", "a pointer of Git LFS, not the recording itself; run git lfs pull"),
    (b"MThd", "MIDI: notes, and no sound; record what plays them"),
    (b"PK\x03\x04", "a ZIP archive; unpack it"),
    (b"\x1f\x8b", "a gzip archive; unpack it"),
    (b"7z\xbc\xaf", "a 7z archive; unpack it"),
    (b"%PDF", "a PDF, and no recording"),
    (b"\x89PNG", "a picture, and no recording"),
    (b"\xff\xd8\xff", "a picture, and no recording"),
    (b"<!doctype html", "a web page, and no recording; download it again"),
    (b"<html", "a web page, and no recording; download it again"),
)
# Where another recording begins within a file, where more than one may be joined.
_BEGINS = {"matroska": b"\x1a\x45\xdf\xa3", "amr": b"#!AMR", "asf": b"\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\x00\xaa"}
_GUESSED = ("aac", "ac3", "amr")  # FFmpeg guesses their length from their first frames
_MP4_SOUNDS = {
    b"mp4a": "AAC", b"alac": "ALAC", b"samr": "AMR", b"sawb": "AMR wideband", b"ac-3": "AC-3", b"Opus": "Opus",
    b"fLaC": "FLAC", b".mp3": "MP3", b"sowt": "PCM", b"twos": "PCM", b"lpcm": "PCM", b"sqcp": "QCELP", b"ulaw": "PCM",
}  # fmt: skip
_MATROSKA_SOUNDS = {
    b"A_OPUS": "Opus", b"A_VORBIS": "Vorbis", b"A_AAC": "AAC", b"A_FLAC": "FLAC", b"A_MPEG/L3": "MP3", b"A_PCM": "PCM",
    b"A_AC3": "AC-3",
}  # fmt: skip


_CAF_SOUNDS = {
    b"aac ": "AAC", b"aach": "AAC", b"aacp": "AAC", b"opus": "Opus", b"ilbc": "iLBC", b"samr": "AMR", b".mp3": "MP3",
    b"ac-3": "AC-3", b"Qclp": "QCELP",
}  # fmt: skip
_WAV_SOUNDS = {
    b"\x60\x01": "WMA", b"\x61\x01": "WMA", b"\x62\x01": "WMA", b"\xff\x00": "AAC", b"\x00\x20": "AC-3",
    b"\x01\x20": "DTS", b"\x22\x00": "TrueSpeech", b"\x42\x00": "G.723", b"\x45\x00": "G.726",
}  # fmt: skip


class Format(NamedTuple):
    """A format that libsndfile cannot read.

    Attributes:
        name: What it is called, with an article or advice where it is no sound.
        demuxer: What FFmpeg calls it; empty where FFmpeg cannot read it.
        is_sound: Whether it may hold sound.
    """

    name: str
    demuxer: str
    is_sound: bool = True


def refused(handle: BinaryIO) -> Format | None:
    """Recognise a format of which libsndfile reads some files, after it has refused one."""
    head = bytes_at(handle, 0, 64)
    if head.startswith(b"OggS") and b"\x7fFLAC" in head:
        return Format("FLAC in Ogg", "ogg")
    return Format("ALAC in CAF", "caf") if head.startswith(b"caff") and head[28:32] == b"alac" else None


def recognised(handle: BinaryIO, size: int) -> Format | None:
    r"""Recognise a format that libsndfile cannot read.

    Args:
        handle: The file, open for reading bytes.
        size: Its size in bytes.

    Returns:
        The format; ``None`` for those that libsndfile reads, and unknown ones.

    Example:
        >>> import io
        >>> content = b"\0\0\0\x1cftypM4A " + bytes(16)
        >>> recognised(io.BytesIO(content), len(content))
        Format(name='AAC in MP4', demuxer='mov', is_sound=True)
    """
    head = bytes_at(handle, 0, 64)
    for mark, name, demuxer in _MARKS:
        if head.startswith(mark):
            return Format(name, demuxer)
    for mark, text in _NO_SOUND:
        if head.lower().startswith(mark.lower()):
            return Format(text, "", is_sound=False)
    if head[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free"):
        return _mp4(handle, size, head)
    if head.startswith(b"\x1a\x45\xdf\xa3"):
        kind = "WebM" if b"webm" in head else "Matroska"
        return Format(_within(kind, _MATROSKA_SOUNDS, handle, size), "matroska")
    if head.startswith(b"RIFF") and head[8:12] == b"AVI ":
        return Format("AVI", "avi")
    if head.startswith(b"caff") and head[28:32] in _CAF_SOUNDS:
        return Format(f"{_CAF_SOUNDS[head[28:32]]} in CAF", "caf")
    if head.startswith(b"RIFF") and head[8:16] == b"WAVEfmt " and (codec := _WAV_SOUNDS.get(head[20:22])):
        return Format(f"{codec} in WAV", "wav")
    if head.startswith(b"OggS") and b"Speex   " in head:
        return Format("Speex in Ogg", "ogg")
    if head.startswith(b"OggS") and (b"theora" in head or b"fishead\0" in head):
        return Format("Ogg video", "ogg")
    if head.startswith(b"FORM") and head[8:12] not in (b"AIFF", b"AIFC", b"8SVX", b"16SV"):
        return None
    if head[:2] in (b"\xff\xf1", b"\xff\xf9"):
        return Format("AAC", "aac")
    return Format("AC-3", "ac3") if head[:2] == b"\x0b\x77" else None


def _mp4(handle: BinaryIO, size: int, head: bytes) -> Format:
    kind = {b"3gp": "3GP", b"3g2": "3GP", b"qt ": "QuickTime"}.get(head[8:11], "MP4")
    name = _within(kind, _MP4_SOUNDS, handle, size)
    return Format("AAC in MP4" if name == "MP4" and head[8:11] == b"M4A" else name, "mov")


def _within(kind: str, sounds: dict[bytes, str], handle: BinaryIO, size: int) -> str:
    """Name the sound in a container by the mark that stands in its head, which may lie at the end."""
    for place in (0, max(0, size - PIECE)):
        content = bytes_at(handle, place, PIECE)
        found = {content.find(mark): name for mark, name in sounds.items() if mark in content}
        if found:
            return f"{found[min(found)]} in {kind}"
    return kind


def foreign_links(handle: BinaryIO, size: int, format: Format) -> list[Link]:
    """Find recordings that follow one another in a file that libsndfile cannot read."""
    starts = [0]
    if format.demuxer == "mov":
        starts += _mp4_begins(handle, size)
    elif begin := _BEGINS.get(format.demuxer):
        while (found := search(handle, starts[-1] + 1, size, begin, _is_begin, 64)) < size:
            starts.append(found)
            if len(starts) > MAX_LINKS:
                raise too_many()
    return [Link(start, end) for start, end in zip(starts, [*starts[1:], size], strict=True)]


def _is_begin(head: bytes) -> bool:
    return not head.startswith(b"\x1a") or b"webm" in head or b"matroska" in head


def _mp4_begins(handle: BinaryIO, size: int) -> Iterator[int]:
    stream, position, n_found = Buffered(handle, size), 0, 0
    while position < size and len(head := stream.at(position, 16)) == 16:
        if head[4:8] == b"ftyp" and position:
            yield position
            n_found += 1
            if n_found > MAX_LINKS:
                raise too_many()
        length = int.from_bytes(head[:4], "big")
        length = int.from_bytes(head[8:], "big") if length == 1 else length
        if length < 8:
            return
        position += length


def advice(file: Path, format: Format) -> AudioError:
    """Say why a file of such a format cannot be read, and what to do."""
    if not format.is_sound:
        return AudioError(f"{file}: {format.name}")
    convert = f"convert it: ffmpeg -i {shlex.quote(file.name)} {shlex.quote(file.stem + '.wav')}"
    convert = convert if file.suffix else "convert it with ffmpeg to WAV"
    install = 'run pip install "affectmap[formats]", or ' if format.demuxer and not installed("av") else ""
    return AudioError(f"{file}: {format.name}, which libsndfile cannot read; {install}{convert}")


class ForeignSound:
    """The sound of a file that FFmpeg decodes: the first that the file holds; pictures are passed over.

    Args:
        file: Path of the recording.
        format: What it was recognised as.
        link: Where in the file it lies.

    Attributes:
        sampling_rate: In Hz, as it comes out of the decoder.
        n_channels: Number of channels.
        promised_s: Seconds that the file promises; 0 where it promises nothing.
        damage: What could not be decoded, after all was.

    Raises:
        AudioError: If it holds no sound, or cannot be read.
    """

    def __init__(self, file: Path, format: Format, link: Link) -> None:
        self._file, self._format, self._link, self.damage = file, format, link, ""
        first = None
        with self._opened() as (container, stream):
            duration = stream.duration and float(stream.duration * stream.time_base)
            if not duration and container.duration and len(container.streams) == 1:
                duration = container.duration / 1_000_000
            self.promised_s = 0.0 if format.demuxer in _GUESSED else max(0.0, duration or 0.0)
            for frame in self._frames(container, stream):
                first = frame
                break
        if first is None:
            raise AudioError(f"{file}: {format.name} without any sound that can be decoded; restore or convert it")
        self.sampling_rate, self.n_channels = int(first.sample_rate), len(first.layout.channels)
        self._layout = first.layout.name

    @contextmanager
    def _opened(self) -> Iterator[tuple[Any, Any]]:
        import av

        try:
            with (
                self._file.open("rb") as handle,
                av.open(View(handle, self._link), format=self._format.demuxer) as container,
            ):
                if not container.streams.audio:
                    raise AudioError(f"{self._file}: {self._format.name} without sound; name a recording")
                yield container, container.streams.audio[0]
        except (av.FFmpegError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise AudioError(
                f"{self._file}: {self._format.name}, but broken ({reason}); restore or convert it"
            ) from error

    def _frames(self, container: Any, stream: Any) -> Iterator[Any]:  # noqa: ANN401 (PyAV's)
        import av

        n_broken = 0
        for packet in container.demux(stream):
            try:
                yield from packet.decode()
            except (av.error.InvalidDataError, av.error.EOFError):
                n_broken += packet.size > 0
        self.damage = f"{n_broken} of its packets cannot be decoded" if n_broken else ""

    def blocks(self) -> Iterator[NDArray[np.float32]]:
        """Decode it from its begin.

        Yields:
            Blocks of a few thousand samples, shape (n_samples, n_channels), full scale at 1.

        Raises:
            AudioError: If it breaks off, or its rate or channels change.
        """
        import av

        resampler = av.AudioResampler(format="fltp", layout=self._layout, rate=self.sampling_rate)
        with self._opened() as (container, stream):
            for frame in self._frames(container, stream):
                if (frame.sample_rate, len(frame.layout.channels)) != (self.sampling_rate, self.n_channels):
                    raise AudioError(f"{self._file}: its rate or channels change within it; convert it")
                frame.pts = None
                for part in resampler.resample(frame):
                    yield np.ascontiguousarray(part.to_ndarray().T, dtype=np.float32)


def missing(sounds: Sequence[ForeignSound], n_read: int) -> str:
    """Say what is missing after all `n_read` samples of some sounds were decoded; empty where nothing is."""
    promised_s, held_s = sum(each.promised_s for each in sounds), n_read / sounds[0].sampling_rate
    if all(each.promised_s for each in sounds) and promised_s - held_s > FRAMES_S:
        return f"cut short, it holds {held_s:.2f} s of {promised_s:.2f} s"
    return next((each.damage for each in sounds if each.damage), "")
