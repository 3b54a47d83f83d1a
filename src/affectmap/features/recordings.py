"""Single recordings: how one is measured, bad ones too, and what was measured, kept and found by the sound alone.

A recording is found by its bytes, a signal such as a segment of a track by its samples, wherever they come from; the
cache knows no names and no sound. What cannot be measured is looked at anew every time.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from affectmap.audio.channels import Mix
from affectmap.audio.quality import SignalFlags, signal_flags
from affectmap.audio.reading import MIN_DURATION_S, Signal, read_recording, resample
from affectmap.errors import AudioError
from affectmap.features.cache import FeatureCache, cache_folder
from affectmap.features.utterances import Utterance, file_digest
from affectmap.schema import FUNCTIONALS, USUAL_RATE, WHISPER, WHISPER_FEATURES

#: Features of a recording or signal, shape (F,) or ``NaN``, and its flags.
Measured = tuple[Signal | float, SignalFlags]
#: Path of a recording, a segment of one, or a signal.
Source = str | Path | Utterance | Signal

#: Seconds that a file may last where it is taken into memory whole; a track takes any length.
LONGEST_S = 600.0


def measured_or_not(
    source: Source,
    measure: Callable[[Signal, int], Signal],
    *,
    rate: int = 0,
    target_rate: int = USUAL_RATE,
    clipped_share: float = 1.0,
    limits: Mapping[str, float] | None = None,
    channel: int | None = None,
) -> tuple[Signal | float, SignalFlags]:
    """Give what `measure` makes of a recording, or NaN, and the flags; a bad one is no error.

    The keywords are those of `affectmap.features.single_recordings.measure_rows`.
    """
    flags, mix, notes = SignalFlags(), Mix(), tuple[str, ...]()
    try:
        if isinstance(source, np.ndarray):
            signal = source
        else:
            file, *times = source if isinstance(source, Utterance) else (source,)
            longest_s = None if times else LONGEST_S
            signal, rate, mix, notes = read_recording(file, *times, longest_s=longest_s, channel=channel)
        flags = signal_flags(signal, rate, clipped_share).with_channels(mix, notes)
        if flags.problem:
            return np.nan, flags
        signal = resample(signal, rate, target_rate)
        if len(signal) < MIN_DURATION_S * target_rate:  # resampling may lose the one sample that it needs
            return np.nan, signal_flags(signal, target_rate, clipped_share)
        flags = flags.with_levels(signal, target_rate, rate, **limits) if limits else flags
        return measure(signal, target_rate), flags
    except AudioError as error:  # one recording does not end the rest
        named = "" if isinstance(source, np.ndarray) else str(AudioError(f"{file}: "))  # in one line, as below
        return np.nan, flags._replace(problem=str(error).removeprefix(named))
    except MemoryError as error:
        return np.nan, flags._replace(problem=f"memory does not suffice to measure it ({error})")


class RecordingCache:
    """Features and flags of recordings that were measured before; what an encoder gives lies in a file of its own.

    Used as a context, it is closed at the end, and also when the run is interrupted. Threads may share it.

    Args:
        folder: Folder of the cache; see `affectmap.features.cache.cache_folder`.

    Example:
        >>> import tempfile
        >>> from affectmap.features.single_recordings import measure_sources
        >>> folder, hum = Path(tempfile.mkdtemp()), 0.5 * np.sin(np.arange(16000) / 10)
        >>> for _ in range(2):  # measured, and found
        ...     with RecordingCache(folder) as cache:
        ...         functionals, flags = measure_sources([hum], 16000, 16000, cache=cache)
        >>> functionals.shape, flags[0].silent, [file.name for file in folder.glob("*.npz")]
        ((1, 88), False, ['recordings.npz'])
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._stores = {
            is_whisper: FeatureCache(cache_folder(folder), name, columns, texts=True)
            for is_whisper, name, columns in (
                (False, "recordings", FUNCTIONALS), (True, "recordings-whisper", WHISPER_FEATURES),
            )
        }  # fmt: skip
        self._lock = threading.Lock()

    def __enter__(self) -> RecordingCache:
        """Give the cache itself."""
        return self

    def __exit__(self, *error: object) -> None:
        """Write what is new."""
        with self._lock:
            for store in self._stores.values():
                store.close()

    @property
    def notices(self) -> list[str]:
        """Sentences about what could not be read or kept."""
        return [notice for store in self._stores.values() for notice in store.notices]

    def remembered(self, measure: partial[Measured], how: str) -> Callable[[Source], Measured]:
        """Give a function that measures only what is not known.

        Args:
            measure: Measures a recording or a signal; its keywords are all that the result depends on.
            how: What the result depends on beside them, the engine first, versions included.
        """
        how = full_how(measure, how)

        def find_or_measure(source: Source) -> Measured:
            digest = source_digest(source)
            found = self.find(digest, how)
            return found or self.keep(digest, how, measure(source))

        return find_or_measure

    def find(self, digest: str, how: str) -> Measured | None:
        """Give what was measured of the bytes with this digest, in the way that `full_how` names."""
        with self._lock:
            found = self._stores[_is_whisper(how)].find(f"{digest} {how}")
        if found is None:
            return None
        values, text = found
        flags: list[Any] = [_frozen(each) for each in json.loads(text)]
        return values, SignalFlags(*flags)

    def keep(self, digest: str, how: str, measured: Measured) -> Measured:
        """Keep what was measured, unless there is a problem or no digest; give it."""
        values, flags = measured
        if flags.problem is None and digest:
            row, text = np.asarray(values, np.float32), json.dumps(flags)
            with self._lock:
                self._stores[_is_whisper(how)].add(f"{digest} {how}", row, text)
        return measured


def _is_whisper(how: str) -> bool:
    """Tell by its first word, the engine, whether an encoder measures."""
    return how.split(" ", 1)[0] == WHISPER


def full_how(measure: partial[Measured], how: str) -> str:
    """Name the engine and digest all that a result depends on: `how`, the keywords of `measure`, and the flags."""
    keywords = json.dumps(measure.keywords, sort_keys=True, default=str)
    all_of_it = f"{how} {keywords} {','.join(SignalFlags._fields)}"
    return f"{how.split(' ', 1)[0]} {hashlib.sha256(all_of_it.encode()).hexdigest()[:32]}"


def source_digest(source: Source) -> str:
    """Digest a file's bytes, with the times of a segment, or a signal's samples; empty where there is no file."""
    if isinstance(source, np.ndarray):
        return f"samples-{hashlib.sha256(source.tobytes()).hexdigest()}"
    return with_times(source, file_digest(file_of(source) or ""))


def file_of(source: Source) -> str | None:
    """Give the path of a recording or of a segment's file; ``None`` for a signal."""
    if isinstance(source, np.ndarray):
        return None
    return source.file if isinstance(source, Utterance) else str(source)


def with_times(source: Source, digest: str) -> str:
    """Add the times of a segment to the digest of its file, if there is one."""
    return f"{digest} {source.start_s}-{source.end_s}" if isinstance(source, Utterance) and digest else digest


def _frozen(value: object) -> object:
    """Give lists, as JSON has them, as the tuples that they were."""
    return tuple(_frozen(each) for each in value) if isinstance(value, list) else value
