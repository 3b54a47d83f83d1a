"""Reading one recording, and saying in one line why it cannot be used.

Conventions:
    * A *signal* is mono, float32, shape (n_samples,), with full scale at 1; a *sampling rate* is in Hz.
    * Any format and rate that libsndfile reads will do (wav, flac, ogg, mp3, aiff and more) and, with the extra
      ``formats``, those of `affectmap.audio.formats`; several channels are mixed down as `affectmap.audio.channels` has
      it.
    * Recordings that follow one another in a file are one, and headers that do not know the length are no matter; see
      `affectmap.audio.decoding`.
    * A recording that was cut short is refused rather than measured: one that holds less than its header promises, an
      Ogg whose last page is not whole or whose pages are not all there, an MP3 whose last frame is not whole. In rarer
      formats a cut stays unseen, as libsndfile hides it. A size of 0, 0xFFFFFFFF or their like promises nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import soxr
from numpy.typing import ArrayLike, NDArray

from affectmap.audio.channels import Mix, choose_mix, only_channel
from affectmap.audio.cleaning import without_offset
from affectmap.audio.decoding import RATES, TOLERANCE_S, Block, Decoding
from affectmap.errors import AudioError, ConfigError

#: Part of the keys of all caches; to be raised when recordings are decoded, mixed down, judged or flagged differently.
READING = 5
#: Mono, shape (n_samples,), full scale at 1.
Signal = NDArray[np.float32]
#: eGeMAPS is all NaN below this duration, in seconds: it needs one window of 60 ms.
MIN_DURATION_S = 0.06
#: Lowest peak, as a part of full scale (-60 dB). eGeMAPSv02 counts a frame as voiced only above an RMS of
#: 0.001, so below this peak no pitch, formant, jitter or harmonicity can be measured: all of them are 0.
SILENCE_PEAK = 0.001
#: Highest peak; decoders of lossy formats overshoot 1 a little, more means samples that are not scaled to 1.
OVERLOAD_PEAK = 2.0


class Reading(NamedTuple):
    """What was read: a signal, its sampling rate in Hz, how channels became one, and what is to be told of the file."""

    signal: Signal
    sampling_rate: int
    mix: Mix
    notes: tuple[str, ...] = ()


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
        longest_s: Seconds that the file may last.
        channel: The only channel to be read, counted from 1; by default all are mixed down, in a segment as in the
            whole file.

    Returns:
        The signal, shape (n_samples,), and its sampling rate in Hz.

    Raises:
        AudioError: If the file is missing, empty, not audio, broken, cut short or holds no samples, if its rate
            lies outside of `affectmap.audio.decoding.RATES` or it lasts too long, if it has no such channel, or if the
            segment lies outside of it.

    Example:
        >>> import soundfile, tempfile
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
    decoding, start_s, end_s = Decoding(file), _seconds(start), _seconds(end)
    rate, n_samples = decoding.sampling_rate, decoding.count(longest_s)
    if longest_s is not None and n_samples > longest_s * rate:
        raise _too_long(decoding, n_samples / rate, longest_s)
    if problem := decoding.missing(n_samples):
        raise AudioError(f"{decoding.file}: {problem}; restore the whole file")
    if not n_samples:
        raise AudioError(f"{decoding.file}: holds no samples, or its header was never completed; record it again")
    first, count = _bounds(decoding.file, n_samples, rate, start_s, end_s)
    mix = channel_mix(decoding, channel)
    signal = _signal(decoding, mix, first, count)
    if len(signal) < count - TOLERANCE_S * rate:
        raise AudioError(
            f"{decoding.file}: cut short, it holds {(first + len(signal)) / rate:.2f} s of "
            f"{(first + count) / rate:.2f} s; restore the whole file"
        )
    return Reading(signal, rate, mix, (*decoding.notes(), *mix.notes))


def channel_mix(decoding: Decoding, channel: int | None = None) -> Mix:
    """Decide how the channels of a file become one signal, from the whole of it, or take one of them alone.

    Raises:
        AudioError: If there is no such channel.
    """
    if channel is not None:
        try:
            return only_channel(channel, decoding.n_channels)
        except AudioError as error:
            raise AudioError(f"{decoding.file}: {error}") from error
    if decoding.n_channels == 1:
        return Mix()
    status = decoding.file.stat()
    return _mix_of_file(decoding.file, status.st_ino, status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=256)  # segments of one file
def _mix_of_file(file: Path, number: int, size: int, modified_ns: int) -> Mix:
    decoding = Decoding(file)
    return choose_mix(_readable(decoding.blocks()), decoding.sampling_rate)


def _readable(blocks: Iterator[Block]) -> Iterator[Block]:
    """Give blocks up to where the file breaks off."""
    with suppress(AudioError):
        yield from blocks


def check_signal(signal: Signal, sampling_rate: int, origin: str | Path) -> None:
    """Refuse a signal in which nothing can be measured, and say why.

    Args:
        signal: Shape (n_samples,), full scale at 1.
        sampling_rate: In Hz.
        origin: The recording it comes from, for the message.

    Raises:
        AudioError: If the signal is shorter than `MIN_DURATION_S`, holds NaN or infinity, is silent, or peaks above
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
    if not np.isfinite(low + high):
        strange = int(np.count_nonzero(~np.isfinite(signal)))
        raise AudioError(f"{origin}: {strange} of {len(signal)} samples are NaN or infinity; export it again")
    if is_silent(signal):
        left = float(np.abs(without_offset(signal)).max())
        offset = f" without its offset of {np.mean(signal):.3g}" if max(-low, high) >= SILENCE_PEAK else ""
        raise AudioError(
            f"{origin}: silent, its peak of {left:.2g}{offset} is below {SILENCE_PEAK} of full scale; "
            "record it louder or leave it out"
        )
    peak = max(-low, high)
    if peak > OVERLOAD_PEAK:
        raise AudioError(f"{origin}: peaks at {peak:.3g}, expected -1..1; scale it to full scale 1")


def is_silent(signal: Signal) -> bool:
    """Say whether the peak of a signal, its offset removed, lies below `SILENCE_PEAK`.

    Example:
        >>> is_silent(np.full(16000, 0.3, np.float32)), is_silent(np.resize(np.float32([0.3, 0.31]), 16000))
        (True, False)
    """
    return not len(signal) or float(np.abs(without_offset(signal)).max()) < SILENCE_PEAK


def mono_signal(signal: ArrayLike, sampling_rate: float | None) -> Signal:
    """Check a signal that a caller gives, and scale whole numbers to full scale 1.

    Args:
        signal: Shape (n_samples,): floats with full scale at 1, or whole numbers of 8, 16 or 32 bits.
        sampling_rate: In Hz.

    Returns:
        The signal as float32.

    Raises:
        ConfigError: If it is anything else, or its rate is missing or lies outside of
            `affectmap.audio.decoding.RATES`.

    Example:
        >>> mono_signal(np.array([0, 16384, -32768], np.int16), 16000).tolist()
        [0.0, 0.5, -1.0]
    """
    found = np.asarray(signal)
    if sampling_rate is None:
        raise ConfigError("a signal needs its sampling rate in Hz; give sampling_rate=16000 or the like")
    low, high = RATES
    if not isinstance(sampling_rate, (int, float, np.number)) or not low <= sampling_rate <= high:
        raise ConfigError(f"sampling_rate is {sampling_rate!r}; expected {low} to {high} Hz")
    if found.ndim != 1 or found.dtype.kind not in "fi":
        raise ConfigError(
            f"a signal has shape {found.shape} of {found.dtype}; expected mono numbers of shape (n_samples,), floats "
            "or whole numbers with a sign; give one channel, or a file, whose channels are mixed down"
        )
    if found.dtype.kind == "i" and found.dtype.itemsize > 4:
        raise ConfigError(
            f"a signal is of {found.dtype}, which says nothing of its full scale; give it as int16 or int32, as it was "
            "recorded, or as floats from -1 to 1"
        )
    if found.dtype.kind == "i":
        found = found / -float(np.iinfo(found.dtype).min)
    return found.astype(np.float32)


def resample(signal: Signal, sampling_rate: int, target_rate: int) -> Signal:
    """Resample with libsoxr at its high quality, as if the signal's offset went on before and after it."""
    if sampling_rate == target_rate:
        return signal
    offset = np.mean(signal, dtype=np.float32)
    resampled = soxr.resample(signal - offset, sampling_rate, target_rate, quality="HQ")
    return np.asarray(resampled, dtype=np.float32) + offset


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


def _signal(decoding: Decoding, mix: Mix, first: int, count: int) -> Signal:
    signals: list[Signal] = []
    for block in decoding.blocks(first=first):
        signals.append(mix.signal(block[:count]))
        count -= len(signals[-1])
        if count <= 0:
            break
    return signals[0] if len(signals) == 1 else np.concatenate([*signals, np.empty(0, np.float32)])


def _too_long(decoding: Decoding, duration_s: float, longest_s: float) -> AudioError:
    lasts, allowed = _duration_text(duration_s), _duration_text(longest_s)
    lasts = lasts if decoding.is_counted() else f"more than {allowed}"
    return AudioError(f"{decoding.file}: lasts {lasts}, expected up to {allowed} at once; use affectmap track")


def _duration_text(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    if minutes >= 60:
        return f"{minutes // 60} h {minutes % 60} min"
    parts = [f"{minutes} min"] * bool(minutes) + [f"{rest} s"] * (rest > 0 or not minutes)
    return " ".join(parts)
