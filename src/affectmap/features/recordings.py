"""What was measured of single recordings, kept in the cache: functionals and flags, found again by the sound alone.

A recording is found by its bytes, a signal such as a segment of a track by its samples, wherever they come from; the
cache knows no names and no sound. What cannot be measured is looked at anew every time.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from affectmap.audio.quality import SignalFlags
from affectmap.audio.reading import Signal
from affectmap.features.cache import FeatureCache, Row, cache_folder
from affectmap.features.utterances import Utterance, file_digest
from affectmap.schema import FUNCTIONALS

#: Functionals of a recording or signal, shape (88,) or ``NaN``, and its flags.
Measured = tuple[Signal | float, SignalFlags]


class RecordingCache:
    """Functionals and flags of recordings that were measured before.

    Used as a context, it is closed at the end, and also when the run is interrupted. Threads may share it.

    Args:
        folder: Folder of the cache; see `affectmap.features.cache.cache_folder`.

    Example:
        >>> import tempfile
        >>> from affectmap.features.functionals import measure_sources
        >>> folder, hum = Path(tempfile.mkdtemp()), 0.5 * np.sin(np.arange(16000) / 10)
        >>> for _ in range(2):  # measured, and found
        ...     with RecordingCache(folder) as cache:
        ...         functionals, flags = measure_sources([hum], 16000, 16000, cache=cache)
        >>> functionals.shape, flags[0].silent, [file.name for file in folder.glob("*.npz")]
        ((1, 88), False, ['recordings.npz'])
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._store = FeatureCache(cache_folder(folder), "recordings", FUNCTIONALS, texts=True)
        self._lock = threading.Lock()
        self._known: dict[str, tuple[Row, str]] | None = None

    def __enter__(self) -> RecordingCache:
        """Give the cache itself."""
        return self

    def __exit__(self, *error: object) -> None:
        """Write what is new."""
        with self._lock:
            self._store.close()

    @property
    def notices(self) -> list[str]:
        """Sentences about what could not be read or kept."""
        return self._store.notices

    def remembered(self, measure: partial[Measured], how: str) -> Callable[[str | Path | Utterance | Signal], Measured]:
        """Give a function that measures only what is not known.

        Args:
            measure: Measures a recording or a signal; its keywords are all that the result depends on.
            how: What the result depends on beside them, versions included.
        """
        keywords = json.dumps(measure.keywords, sort_keys=True, default=str)
        how = f"{how} {keywords} {','.join(SignalFlags._fields)}"

        def find_or_measure(source: str | Path | Utterance | Signal) -> Measured:
            key = f"{_digest(source)} {how}"
            if (found := self._find(key)) is not None:
                return found
            values, flags = measure(source)
            if flags.problem is None and not key.startswith(" "):
                self._keep(key, np.asarray(values, np.float32), json.dumps(flags))
            return values, flags

        return find_or_measure

    def _find(self, key: str) -> Measured | None:
        with self._lock:
            if self._known is None:
                stored = self._store.load()
                self._known = dict(zip(stored.keys, zip(stored.rows, stored.texts, strict=True), strict=True))
            if key not in self._known:
                return None
            values, text = self._known[key]
        flags: list[Any] = [_frozen(each) for each in json.loads(text)]
        return values, SignalFlags(*flags)

    def _keep(self, key: str, values: Row, text: str) -> None:
        with self._lock:
            self._store.add(key, values, text)
            if self._known is not None:
                self._known[key] = values, text


def _digest(source: str | Path | Utterance | Signal) -> str:
    """Digest a file's bytes, with the times of a segment, or a signal's samples; empty where there is no file."""
    if isinstance(source, np.ndarray):
        return f"samples-{hashlib.sha256(source.tobytes()).hexdigest()}"
    if isinstance(source, Utterance):
        digest = file_digest(source.file)
        return f"{digest} {source.start_s}-{source.end_s}" if digest else ""
    return file_digest(str(source))


def _frozen(value: object) -> object:
    """Give lists, as JSON has them, as the tuples that they were."""
    return tuple(_frozen(each) for each in value) if isinstance(value, list) else value
