"""Reading one recording, and saying in one line why it cannot be used.

Conventions:
    * A *signal* is mono, float32, shape (n_samples,), with full scale at 1; a *sampling rate* is in Hz.
    * Any format and rate that libsndfile reads will do (wav, flac, ogg, mp3, aiff and more); several channels
      are mixed down as `affectmap.audio.channels` has it.
    * A recording that was cut short is refused rather than measured. libsndfile hides a cut in most formats,
      so the sizes in the headers of WAV, RF64 and AIFF and the last page of OGG are compared with the file;
      FLAC and MP3 show it while they are decoded; in rarer formats it stays unseen. A size of 0xFFFFFFFF and
      its like, which programs write when they cannot know the length in advance, promises nothing and is
      accepted.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from datetime import timedelta
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from affectmap.audio.channels import Mix, choose_mix, only_channel
from affectmap.errors import AudioError

#: Mono, shape (n_samples,), full scale at 1.
Signal = NDArray[np.float32]
#: eGeMAPS is all NaN below this duration, in seconds: it needs one window of 60 ms.
MIN_DURATION_S = 0.06
#: Lowest peak, as a part of full scale (-60 dB). eGeMAPSv02 counts a frame as voiced only above an RMS of
#: 0.001, so below this peak no pitch, formant, jitter or harmonicity can be measured: all of them are 0.
SILENCE_PEAK = 0.001
#: Highest peak; decoders of lossy formats overshoot 1 a little, more means samples that are not scaled to 1.
OVERLOAD_PEAK = 2.0
#: Seconds by which a file may fall short of its header, or a segment overrun its file: one step of frames.
TOLERANCE_S = 0.01
#: Rates in Hz that are read and resampled; others are taken for damage.
RATES = (1000, 768_000)
#: What libsndfile raises for files that it cannot read.
UNREADABLE = (soundfile.SoundFileError, TypeError, ValueError, OSError)

_BLOCK = 1 << 20  # values read at once, so that many channels never lie in memory together
_UNKNOWN_SIZE = 0x7FFFF000  # sizes from here on are written by programs that stream and cannot know the size
_MAX_CHUNKS = 1000  # a header with more is not a header: it is not searched to the end of a large file
_BYTE_ORDER = {b"RIFF": "<", b"RF64": "<", b"RIFX": ">", b"FORM": ">"}


class Reading(NamedTuple):
    """What was read: a signal, its sampling rate in Hz, and how channels became one."""

    signal: Signal
    sampling_rate: int
    mix: Mix


def read_audio(
    file: str | Path,
    start: float | timedelta | None = None,
    end: float | timedelta | None = None,
    *,
    longest_s: float | None = None,
    channel: int | None = None,
) -> tuple[Signal, int]:
    """Read a recording, or a segment of it, as one channel.

    Args:
        file: Path of the recording.
        start: Begin of the segment in seconds or as a time difference; None or NaT for the begin of the file.
        end: End of the segment; None or NaT for the end of the file.
        longest_s: Seconds that the file may last; its header is believed before anything is read.
        channel: The only channel to be read, counted from 1; by default all are mixed down, in a segment as in the
            whole file.

    Returns:
        The signal, shape (n_samples,), and its sampling rate in Hz.

    Raises:
        AudioError: If the file is missing, empty, not audio, broken, cut short or holds no samples, if its rate
            lies outside of `RATES` or it lasts too long, if it has no such channel, or if the segment lies outside of
            it.

    Example:
        >>> import tempfile
        >>> file = Path(tempfile.mkdtemp()) / "stereo.wav"
        >>> soundfile.write(file, np.full((16000, 2), [0.5, 0.25]), 16000)
        >>> signal, sampling_rate = read_audio(file, start=0.25, end=1.0)
        >>> signal.shape, signal[0].item(), sampling_rate
        ((12000,), 0.375, 16000)
    """
    return read_recording(file, start, end, longest_s=longest_s, channel=channel)[:2]


def read_recording(
    file: str | Path,
    start: float | timedelta | None = None,
    end: float | timedelta | None = None,
    *,
    longest_s: float | None = None,
    channel: int | None = None,
) -> Reading:
    """Read a recording as `read_audio` does, and tell of its channels."""
    file, start_s, end_s = Path(file), _seconds(start), _seconds(end)
    promised = promised_share(file)
    try:
        with soundfile.SoundFile(file) as sound:
            sampling_rate = int(sound.samplerate)
            if sound.frames == 0:
                raise AudioError(f"{file}: holds no samples, or its header was never completed; record it again")
            check_rate(file, sampling_rate)
            if longest_s is not None and sound.frames > longest_s * sampling_rate:
                raise _too_long(file, sound.frames / sampling_rate, longest_s)
            if sound.frames * (promised - 1) > TOLERANCE_S * sampling_rate:
                raise _cut_short(file, sound.frames / sampling_rate, sound.frames * promised / sampling_rate)
            first, count = _bounds(file, sound.frames, sampling_rate, start_s, end_s)
            mix = channel_mix(file, sound.channels, channel)
            if first:  # a few formats cannot seek, and need not for a whole file
                sound.seek(first)
            signal = np.concatenate([*map(mix.signal, _blocks(sound, count)), np.empty(0, np.float32)])
    except UNREADABLE as error:
        raise unreadable(file, error) from error
    if len(signal) < count - TOLERANCE_S * sampling_rate:
        raise _cut_short(file, len(signal) / sampling_rate, count / sampling_rate)
    return Reading(signal, sampling_rate, mix)


def channel_mix(file: Path, n_channels: int, channel: int | None = None) -> Mix:
    """Decide how the channels of a file become one signal, from the whole of it, or take one of them alone.

    Raises:
        AudioError: If there is no such channel.
    """
    if channel is not None:
        try:
            return only_channel(channel, n_channels)
        except AudioError as error:
            raise AudioError(f"{file}: {error}") from error
    if n_channels == 1:
        return Mix()
    status = file.stat()
    return _mix_of_file(file, status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=256)  # segments of one file
def _mix_of_file(file: Path, size: int, modified_ns: int) -> Mix:
    with soundfile.SoundFile(file) as sound:
        return choose_mix(_blocks(sound), sound.samplerate)


def check_rate(file: Path, sampling_rate: int) -> None:
    """Refuse a file whose header has a rate that no recording has: resampling would make it huge, or nothing."""
    low, high = RATES
    if not low <= sampling_rate <= high:
        raise AudioError(f"{file}: its rate is {sampling_rate} Hz, expected {low} to {high}; convert it")


def unreadable(file: Path, error: Exception) -> AudioError:
    """Say in one line why libsndfile cannot read a file; `error` is one of `UNREADABLE`."""
    if isinstance(error, UnicodeEncodeError):
        return AudioError(f"{file}: its path is not UTF-8; rename file or folder")
    reason = getattr(error, "error_string", str(error)).strip().rstrip(".") or "unknown format"
    return AudioError(f"{file}: broken, or not audio ({reason}); restore or convert it")


def check_signal(signal: Signal, sampling_rate: int, origin: str | Path) -> None:
    """Refuse a signal in which nothing can be measured, and say why.

    Args:
        signal: Shape (n_samples,), full scale at 1.
        sampling_rate: In Hz.
        origin: The recording it comes from, for the message.

    Raises:
        AudioError: If the signal is shorter than `MIN_DURATION_S`, holds NaN or infinity, is silent
            (peak below `SILENCE_PEAK`), constant but for less than that, or peaks above
            `OVERLOAD_PEAK`.

    Example:
        >>> check_signal(np.zeros(16000, np.float32), 16000, "pause.wav")
        Traceback (most recent call last):
        affectmap.errors.AudioError: pause.wav: silent, its peak of 0 is below 0.001 of full scale; ...
    """
    duration = len(signal) / sampling_rate
    if duration < MIN_DURATION_S:
        raise AudioError(f"{origin}: lasts {duration:.4g} s, expected at least {MIN_DURATION_S} s; leave it out")
    low, high = float(signal.min()), float(signal.max())
    peak = max(abs(low), abs(high))
    if not np.isfinite(low + high):
        strange = int(np.count_nonzero(~np.isfinite(signal)))
        raise AudioError(f"{origin}: {strange} of {len(signal)} samples are NaN or infinity; export it again")
    if peak < SILENCE_PEAK:
        raise AudioError(
            f"{origin}: silent, its peak of {peak:.2g} is below {SILENCE_PEAK} of full scale; "
            "record it louder or leave it out"
        )
    if (high - low) / 2 < SILENCE_PEAK:
        raise AudioError(
            f"{origin}: constant at {(low + high) / 2:.3g} of full scale, with no sound in it; leave it out"
        )
    if peak > OVERLOAD_PEAK:
        raise AudioError(f"{origin}: peaks at {peak:.3g}, expected -1..1; scale it to full scale 1")


def resample(signal: Signal, sampling_rate: int, target_rate: int) -> Signal:
    """Resample with libsoxr at its high quality, as openSMILE's own ``resample`` option does."""
    if sampling_rate == target_rate:
        return signal
    return np.asarray(soxr.resample(signal, sampling_rate, target_rate, quality="HQ"), dtype=np.float32)


def _seconds(time: float | timedelta | None) -> float | None:
    seconds = time.total_seconds() if isinstance(time, timedelta) else time
    return None if seconds is None or seconds != seconds else float(seconds)


def _bounds(file: Path, frames: int, sampling_rate: int, start: float | None, end: float | None) -> tuple[int, int]:
    """First sample and number of samples, rounded as openSMILE rounds them."""
    duration = frames / sampling_rate
    first_s, last_s = start or 0.0, duration if end is None else end
    if not (0 <= first_s < min(last_s, duration) and last_s <= duration + TOLERANCE_S):
        raise AudioError(
            f"{file}: segment {first_s:g}-{last_s:g} s lies outside of its {duration:.3f} s or is empty; "
            "correct its start and end"
        )
    first = round(first_s * sampling_rate)
    wanted = frames - first if end is None else round((last_s - first_s) * sampling_rate)
    return first, min(wanted, frames - first)


def _blocks(sound: soundfile.SoundFile, count: int | None = None) -> Iterator[Signal]:
    """Read blocks of shape (n_samples, n_channels), `count` samples in all, or what can be read."""
    size, left = max(1, _BLOCK // sound.channels), math.inf if count is None else count
    while left > 0:
        try:
            block = sound.read(int(min(left, size)), dtype="float32", always_2d=True)
        except UNREADABLE:
            if count is not None:
                raise
            return
        if not len(block):
            return
        yield block
        left -= len(block)


def _too_long(file: Path, duration_s: float, longest_s: float) -> AudioError:
    lasts, allowed = _duration_text(duration_s), _duration_text(longest_s)
    return AudioError(f"{file}: lasts {lasts}, expected up to {allowed} at once; use affectmap track")


def _duration_text(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    if minutes >= 60:
        return f"{minutes // 60} h {minutes % 60} min"
    parts = [f"{minutes} min"] * bool(minutes) + [f"{rest} s"] * (rest > 0 or not minutes)
    return " ".join(parts)


def _cut_short(file: Path, held_s: float, promised_s: float) -> AudioError:
    return AudioError(f"{file}: cut short, it holds {held_s:.2f} s of {promised_s:.2f} s; restore the whole file")


def promised_share(file: Path) -> float:
    """Say how many times the bytes of sound that a file holds its header promises; 1 where it promises nothing."""
    try:
        if not file.exists():
            raise AudioError(f"{file}: there is no such file; restore it or correct its path")
        if not file.is_file():
            raise AudioError(f"{file}: not a file; name a recording")
        size = file.stat().st_size
        if size == 0:
            raise AudioError(f"{file}: empty (0 bytes); restore it")
        with file.open("rb") as handle:
            if handle.read(4) == b"OggS":
                _check_last_ogg_page(handle, file, size)
                return 1.0
            promised, held = _sound_bytes(handle, size)
    except OSError as error:
        raise AudioError(f"{file}: cannot be opened ({error.strerror}); check its permissions") from error
    return promised / held if 0 < held < promised else 1.0


def _sound_bytes(handle: BinaryIO, size: int) -> tuple[int, int]:
    """Bytes of sound that a header of WAV, RF64 or AIFF promises and the file holds; 0, 0 for others."""
    handle.seek(0)
    order = _BYTE_ORDER.get(handle.read(12)[:4])
    position, large = 12, 0
    for _ in range(_MAX_CHUNKS):
        handle.seek(position)
        head = handle.read(24)
        if order is None or len(head) < 8:
            break
        name, length = struct.unpack(f"{order}4sI", head[:8])
        if name == b"ds64" and len(head) == 24:  # RF64 keeps the size of its data here, in 64 bits
            large = struct.unpack("<Q", head[16:24])[0]
        if name in (b"data", b"SSND"):
            promised = large or (length if length < _UNKNOWN_SIZE else 0)
            return promised, size - position - 8
        position += 8 + length + length % 2
    return 0, 0


def _check_last_ogg_page(handle: BinaryIO, file: Path, size: int) -> None:
    """See that the last page is as long as its own header says (RFC 3533, section 6)."""
    tail_start = max(0, size - 2 * 65307)  # a page has at most 65,307 bytes
    handle.seek(tail_start)
    tail = handle.read()
    page = tail[tail.rfind(b"OggS") :]
    if len(page) < 27 or len(page) < 27 + page[26] + sum(page[27 : 27 + page[26]]):
        raise AudioError(f"{file}: cut short within its last page; restore the whole file")
