"""Measuring one recording for a client, and writing the result as the command line writes it.

Conventions:
    * A row holds what a line of ``affectmap embed`` or ``affectmap track`` holds, digit for digit; only ``file`` is the
      name that the client gave.
    * A recording that cannot be read is refused with 422. One that can be read and holds silence, noise or too little
      gets its row, with flags, as on the command line.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

import pandas as pd
import soundfile

from affectmap.audio.quality import FLAGS
from affectmap.audio.reading import UNREADABLE, promised_share, unreadable
from affectmap.errors import AffectmapError
from affectmap.model.model import Model
from affectmap.service.jobs import AbandonedError
from affectmap.service.settings import (
    LONGEST_UTTERANCE_S,
    MAX_CHANNELS,
    MAX_OVERLAP,
    MAX_RATE,
    MAX_ROWS,
    ServiceSettings,
)
from affectmap.service.uploads import Given
from affectmap.track import track
from affectmap.web.refusal import RefusalError

Format = Literal["csv", "json"]


@dataclass(frozen=True)
class TrackOptions:
    """Options of a track, named as those of ``affectmap track``; see `affectmap.track.track`.

    Attributes:
        windows: Length of fixed windows in seconds; None for detected speech.
        hop: From one window to the next.
        statistics: ``source``, ``recording`` or ``running``.
        smoothing: Of the levels, in seconds.
    """

    windows: float | None = None
    hop: float | None = None
    statistics: str = "source"
    smoothing: float | None = None

    def check(self, duration_s: float) -> None:
        """Refuse windows that would take far more work than the recording is long.

        Args:
            duration_s: Of the recording.

        Raises:
            RefusalError: If there are too many, or they overlap too often.
        """
        if self.windows is None:
            return
        hop = self.hop or self.windows
        if hop > 0 and self.windows / hop > MAX_OVERLAP:
            raise RefusalError(
                422, f"windows of {self.windows:g} s every {hop:g} s; the hop must be a tenth of them or more"
            )
        if hop > 0 and duration_s / hop > MAX_ROWS:
            raise RefusalError(
                422, f"a hop of {hop:g} s gives {duration_s / hop:,.0f} rows, at most {MAX_ROWS:,} are given"
            )


@dataclass(frozen=True)
class Answer:
    r"""A result.

    Attributes:
        lines: Gives the table as lines of CSV, its header first, or of JSON.
        about: What goes beside the rows into JSON.

    Example:
        >>> answer = Answer(lambda format: ['{"activation": 2.5}'], {"model": "m"})
        >>> answer.write("json")
        '{"model": "m", "rows": [\n{"activation": 2.5}\n]}\n'
    """

    lines: Callable[[Format], Iterable[str]]
    about: dict[str, Any]

    def write(self, format: Format) -> str:
        """Write it.

        Args:
            format: ``csv``, or ``json`` for an object whose ``rows`` are objects.

        Returns:
            The text.
        """
        if format == "csv":
            return "".join(f"{line}\n" for line in self.lines(format))
        head = json.dumps(self.about, ensure_ascii=False, allow_nan=False).removesuffix("}")
        return "".join([head, ', "rows": [\n', ",\n".join(self.lines(format)), "\n]}\n"])


def embed_answer(model: Model, given: Given, settings: ServiceSettings, gone: threading.Event) -> Answer:
    """Place one recording on the map.

    Args:
        model: The model.
        given: The recording.
        settings: Limits.
        gone: Set when the client has hung up.

    Returns:
        One row.

    Raises:
        RefusalError: If the recording cannot be read or is too long.
        AbandonedError: If nobody waits.
    """
    if gone.is_set():
        raise AbandonedError
    longest_s = min(LONGEST_UTTERANCE_S, settings.max_minutes * 60)
    with _named(given):
        duration_s = check_recording(given.file, longest_s, "POST it to /track")
        table = model.embed([given.file], n_jobs=1)
    table.index = pd.Index([given.name], name="file")
    problem = table["problem"].iloc[0]
    if problem and not table[list(FLAGS)].to_numpy(bool).any():
        raise RefusalError(422, f"{given.name}: {problem}")
    about = {"model": model.metadata["name"], "duration_s": round(duration_s, 4), "notes": []}
    return Answer(partial(_embedding_lines, table), about)


def _embedding_lines(table: pd.DataFrame, format: Format) -> list[str]:
    if format == "csv":
        return table.to_csv(float_format="%.7g", lineterminator="\n").splitlines()
    text = table.reset_index().to_json(orient="records", lines=True, double_precision=7, force_ascii=False)
    return text.splitlines()


def track_answer(
    model: Model, given: Given, settings: ServiceSettings, gone: threading.Event, options: TrackOptions
) -> Answer:
    """Follow a voice through a recording.

    Args:
        model: The model.
        given: The recording.
        settings: Limits.
        gone: Set when the client has hung up; the work then ends.
        options: Windows and the like.

    Returns:
        A row a segment.

    Raises:
        RefusalError: If the recording cannot be read or is too long, or an option is out of range.
        AbandonedError: If nobody waits.
    """

    def go_on(done_s: float, total_s: float) -> None:
        if gone.is_set():
            raise AbandonedError

    go_on(0, 0)
    with _named(given):
        duration_s = check_recording(given.file, settings.max_minutes * 60, "cut it into parts")
        options.check(duration_s)
        found = track(
            given.file,
            model,
            window_s=options.windows,
            hop_s=options.hop,
            statistics=options.statistics,
            smoothing_s=options.smoothing,
            n_jobs=max(1, (os.cpu_count() or 1) // settings.concurrency),  # the result does not depend on it
            progress=go_on,
        )
    found = replace(found, table=found.table.rename(index={str(given.file): given.name}, level="file"))
    about = {
        "model": model.metadata["name"],
        "duration_s": round(found.duration_s, 4),
        "smoothing_s": round(found.smoothing_s, 4),
        "notes": found.notes,
    }
    return Answer(found.lines, about)


@contextmanager
def _named(given: Given) -> Iterator[None]:
    """Tell errors of a recording by the client's name for it, and not by where it lies here."""
    try:
        yield
    except AffectmapError as error:
        raise RefusalError(422, str(error).replace(str(given.file), given.name)) from error


def check_recording(file: Path, longest_s: float, advice: str) -> float:
    """Look at a recording's head and refuse one that would take too much time or memory.

    Args:
        file: Path of the recording.
        longest_s: Seconds allowed.
        advice: What to do with a longer one.

    Returns:
        Its length in seconds, as its head has it.

    Raises:
        AudioError: If it cannot be read.
        RefusalError: If it is too long, or has too many channels or too high a rate.

    Example:
        >>> import numpy as np, tempfile
        >>> file = Path(tempfile.mkdtemp()) / "hum.wav"
        >>> soundfile.write(file, np.zeros(32000), 16000)
        >>> check_recording(file, 60, "cut it")
        2.0
        >>> check_recording(file, 1, "cut it")
        Traceback (most recent call last):
        affectmap.web.refusal.RefusalError: the recording lasts 2 s, at most 1 s are taken here; cut it
    """
    promised_share(file)
    try:
        with soundfile.SoundFile(file) as sound:
            n_samples, rate, n_channels = int(sound.frames), int(sound.samplerate), int(sound.channels)
    except UNREADABLE as error:
        raise unreadable(file, error) from error
    duration_s = n_samples / rate
    if duration_s > longest_s:
        raise RefusalError(
            413, f"the recording lasts {duration_s:,.0f} s, at most {longest_s:,.0f} s are taken here; {advice}"
        )
    if n_channels > MAX_CHANNELS:
        raise RefusalError(
            422, f"the recording has {n_channels} channels, expected at most {MAX_CHANNELS}; keep the voice's"
        )
    if rate > MAX_RATE:
        raise RefusalError(422, f"the recording has {rate} samples a second, expected at most {MAX_RATE}; resample it")
    return duration_s
