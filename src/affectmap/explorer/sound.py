"""Excerpts for a page: a few seconds of a recording as MP3, and the outline of its sound.

Conventions:
    * An excerpt has one channel at 16 kHz and the level of the recording; it is for listening, not for measuring.
    * It is MP3 of varying bit rate: every browser plays it, and LAME in libsndfile encodes it several times faster than
      Opus, whose effort libsndfile does not let be lowered (``benchmarks/explorer.py``); Opus takes fewer bytes.
    * A recording that cannot be found or decoded gives an excerpt without sound that says why.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import soundfile

from affectmap.audio.decoding import Decoding
from affectmap.audio.quality import CLIPPED_SHARE, LATER_THRESHOLDS, SIGNAL_FLAGS, flags_text, signal_flags
from affectmap.audio.reading import SILENCE_PEAK, Reading, Signal, read_recording, resample
from affectmap.errors import AudioError
from affectmap.parallel.workers import local_threads, mapped, n_workers

if TYPE_CHECKING:
    import pandas as pd

#: Rate in Hz of excerpts.
RATE = 16000
#: Longest excerpt in seconds.
LONGEST_S = 30.0
#: Bars of the outline.
N_BARS = 56
#: Name of what excerpts are, for browsers.
MEDIA_TYPE = "audio/mpeg"
#: Part of the way from libsndfile's best MP3 to its smallest: about 3.3 kB a second of speech.
_COMPRESSION = 0.95


class Excerpt(NamedTuple):
    """What can be heard of an utterance.

    Attributes:
        sound: MP3; empty if there is a problem.
        outline: Peaks of `N_BARS` equal parts, 0..255, as bytes.
        length_s: Seconds that the utterance lasts; ``NaN`` if that is not known.
        problem: Why there is no sound, or that it is the beginning alone; empty otherwise.
        flags: What the samples tell, as a cell of `affectmap.explorer.flags`; ``None`` where not all were looked at.
    """

    sound: bytes
    outline: bytes
    length_s: float
    problem: str
    flags: str | None = None


class Beginning(NamedTuple):
    """Up to `LONGEST_S` of an utterance: what was read, the signal at `RATE`, and seconds of the whole utterance."""

    reading: Reading
    signal: Signal
    length_s: float


class Place(NamedTuple):
    """Where an utterance lies: a recording, and seconds in it, ``None`` for its ends."""

    file: Path
    start: float | None = None
    end: float | None = None


def places_of(utterances: pd.DataFrame) -> list[Place]:
    """Say where each utterance of a table lies, by its columns ``file``, ``start`` and ``end``."""
    columns = [utterances[name].tolist() for name in ("file", "start", "end")]
    return [Place(Path(str(file)), _known(start), _known(end)) for file, start, end in zip(*columns, strict=True)]


def take_excerpt(place: Place) -> Excerpt:
    r"""Cut an excerpt.

    Example:
        >>> import tempfile
        >>> file = Path(tempfile.mkdtemp(), "a.wav")
        >>> soundfile.write(file, 0.1 * np.sin(np.arange(32000) / 9), 16000)
        >>> found = take_excerpt(Place(file, 0.5, 1.5))
        >>> found.sound[:1], len(found.sound) < 4000, found.length_s, found.problem
        (b'\xff', True, 1.0, '')
        >>> take_excerpt(Place(Path("missing.wav"))).problem
        'there is no such file; restore it or correct its path'
    """
    try:
        reading, signal, length_s = read_beginning(place)
        problem = _shortened(len(signal) / RATE, length_s)
        flags = None if problem else _flags(reading, signal)
        return Excerpt(encoded(signal), outline(signal), length_s, problem, flags)
    except AudioError as error:
        return Excerpt(b"", bytes(N_BARS), float("nan"), str(error).removeprefix(f"{place.file}: "))


def read_beginning(place: Place) -> Beginning:
    """Read up to `LONGEST_S` of an utterance.

    Raises:
        AudioError: If it cannot be read.
    """
    start, end = place.start or 0.0, place.end
    decoding = Decoding(place.file)
    if end is None:
        end = decoding.count() / decoding.sampling_rate
    last = min(end, start + LONGEST_S)
    whole = last == end and not start and place.end is None
    reading = read_recording(place.file) if whole else read_recording(place.file, start, last)
    return Beginning(reading, resample(reading.signal, reading.sampling_rate, RATE), end - start)


def _flags(reading: Reading, signal: Signal) -> str:
    """Look at samples by the thresholds of models that say nothing of their own."""
    found = signal_flags(reading.signal, reading.sampling_rate, CLIPPED_SHARE).with_channels(reading.mix, reading.notes)
    if not found.problem:
        found = found.with_levels(signal, RATE, reading.sampling_rate, **LATER_THRESHOLDS)
    return flags_text({name: [getattr(found, name)] for name in SIGNAL_FLAGS})[0]


def _known(time: float | None) -> float | None:
    return None if time is None or time != time else float(time)


def _shortened(heard_s: float, length_s: float) -> str:
    return f"the first {heard_s:.0f} of {length_s:.0f} s" if length_s > heard_s + 1 else ""


def encoded(signal: Signal) -> bytes:
    """Encode a signal at `RATE` as MP3."""
    buffer = io.BytesIO()
    level = np.clip(np.nan_to_num(signal), -1, 1)
    how = {"compression_level": _COMPRESSION, "bitrate_mode": "VARIABLE"}
    soundfile.write(buffer, level, RATE, format="MP3", subtype="MPEG_LAYER_III", **how)
    return buffer.getvalue()


def outline(signal: Signal) -> bytes:
    """Give the peaks of `N_BARS` equal parts of a signal, the largest 255; silence is flat.

    Example:
        >>> list(outline(np.repeat(np.float32([0.0, 0.5]), 2800)))[27:29]
        [0, 255]
    """
    peaks = np.array([np.abs(part).max(initial=0) for part in np.array_split(np.nan_to_num(signal), N_BARS)])
    return bytes(np.round(255 * peaks / max(peaks.max(), 50 * SILENCE_PEAK)).astype(np.uint8).tolist())


def take_excerpts(
    places: Sequence[Place], *, n_jobs: int | None = None, progress: Callable[[int, int], None] | None = None
) -> list[Excerpt]:
    """Cut excerpts of many utterances, on threads; `progress` is called with the numbers done and in total."""
    with local_threads(n_workers(n_jobs)) as threads:
        return mapped(
            take_excerpt,
            places,
            backend=threads,
            batch_size=4,
            progress=lambda done: progress(done, len(places)) if progress else None,
        )
