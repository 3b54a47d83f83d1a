"""Measuring recordings for clients, and writing a result as the command line writes it.

Conventions:
    * A row equals a line of ``affectmap embed`` or ``affectmap track``, digit for digit; only ``file`` is the name that
      the client sent.
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
from uuid import UUID

import pandas as pd
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from affectmap.audio.decoding import Decoding
from affectmap.audio.quality import FLAGS
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
from affectmap.service.uploads import Recording
from affectmap.tables import csv_lines
from affectmap.track import track
from affectmap.web.connections import MAX_CONNECTIONS

Format = Literal["csv", "json"]


class EmbedOptions(BaseModel):
    """Options of ``/embed``."""

    format: Format | None = Field(
        default=None, description="json or csv; else as the header Accept asks, JSON by default."
    )
    channel: int | None = Field(
        default=None, ge=1, description="Take one channel alone, from 1; else they are mixed by what they hold."
    )


class TrackOptions(EmbedOptions):
    """Options of ``/track``, named as those of ``affectmap track``."""

    windows: float | None = Field(
        default=None, gt=0, allow_inf_nan=False, description="Length of fixed windows (s); else detected speech."
    )
    hop: float | None = Field(default=None, gt=0, allow_inf_nan=False, description="From one window to the next (s).")
    statistics: Literal["source", "recording", "running"] = Field(
        default="source", description="Normalisation: whose mean and standard deviation."
    )
    smoothing: float | None = Field(default=None, gt=0, allow_inf_nan=False, description="Smoothing of the levels (s).")
    progress: UUID | None = Field(
        default=None, description="A new random UUID, by which GET /progress/UUID says how far the work is."
    )

    def check(self, duration_s: float) -> None:
        """Refuse windows that take far more work than the recording is long."""
        if self.windows is None:
            return
        check_overlap(self.windows, self.hop)
        hop = self.hop or self.windows
        if duration_s / hop > MAX_ROWS:
            raise HTTPException(
                422, f"a hop of {hop:g} s gives {duration_s / hop:,.0f} rows, at most {MAX_ROWS:,} are given"
            )


def check_overlap(window_s: float, hop_s: float | None) -> None:
    """Refuse windows of which too many overlap (422)."""
    if hop_s and window_s / hop_s > MAX_OVERLAP:
        detail = f"windows of {window_s:g} s every {hop_s:g} s; the hop must be a tenth of them or more"
        raise HTTPException(422, detail)


@dataclass(frozen=True)
class Result:
    r"""A table that gives itself as lines of CSV, its header first, or of JSON; `about` stands beside the rows in JSON.

    Example:
        >>> Result(lambda format: ['{"activation": 2.5}'], {"model": "m"}).write("json")
        '{"model": "m", "rows": [\n{"activation": 2.5}\n]}\n'
    """

    lines: Callable[[Format], Iterable[str]]
    about: dict[str, Any]

    def write(self, format: Format) -> str:
        """Write it as CSV, or as a JSON object whose ``rows`` are objects."""
        if format == "csv":
            return "".join(f"{line}\n" for line in self.lines(format))
        head = json.dumps(self.about, ensure_ascii=False, allow_nan=False).removesuffix("}")
        return "".join([head, ', "rows": [\n', ",\n".join(self.lines(format)), "\n]}\n"])


def embed_result(
    model: Model, recording: Recording, settings: ServiceSettings, abandoned: threading.Event, options: EmbedOptions
) -> Result:
    """Embed one recording; `abandoned` is set when the client has hung up."""
    if abandoned.is_set():
        raise AbandonedError
    longest_s = min(LONGEST_UTTERANCE_S, settings.max_minutes * 60)
    with _errors_by_name(recording):
        duration_s = check_recording(recording.file, longest_s, "POST it to /track")
        table = model.embed([recording.file], channel=options.channel, n_jobs=1)
    table.index = pd.Index([recording.name], name="file")
    note, problem = table[["note", "problem"]].iloc[0]
    if problem and not table[list(FLAGS)].to_numpy(bool).any():
        raise HTTPException(422, f"{recording.name}: {problem}")
    about = {"model": model.metadata["name"], "duration_s": round(duration_s, 4), "notes": [note] if note else []}
    return Result(partial(_embedding_lines, table), about)


def _embedding_lines(table: pd.DataFrame, format: Format) -> list[str]:
    if format == "csv":
        return csv_lines(table, index=True, float_format="%.7g")
    text = table.reset_index().to_json(orient="records", lines=True, double_precision=7, force_ascii=False)
    return text.splitlines()


_UNKNOWN = {"done_s": 0.0, "total_s": 0.0}


class Progress:
    """How far tracks under way are, in seconds of their recordings, each by the random key that its client chose.

    Example:
        >>> progress, key = Progress(), UUID(int=7)
        >>> with progress.told(key) as tell:
        ...     tell(30.0, 120.0)
        ...     progress.of(key)
        {'done_s': 30.0, 'total_s': 120.0}
        >>> progress.of(key)
        {'done_s': 0.0, 'total_s': 0.0}
    """

    def __init__(self) -> None:
        self._known: dict[UUID, dict[str, float]] = {}

    @contextmanager
    def told(self, key: UUID | None) -> Iterator[Callable[[float, float], None]]:
        """Give a function that notes seconds done and seconds in all; forgotten when the context ends.

        Raises:
            HTTPException: If another track under way has the key (409).
        """
        if key is None:
            yield lambda done_s, total_s: None
            return
        if self._known.setdefault(key, mine := {"done_s": 0.0, "total_s": 0.0}) is not mine:
            raise HTTPException(409, "another track under way has this key; make a new random one")
        try:
            yield lambda done_s, total_s: mine.update(done_s=round(done_s, 1), total_s=round(total_s, 1))
        finally:
            del self._known[key]

    def of(self, key: UUID) -> dict[str, float]:
        """Say how far a track is; 0 of 0 s where none under way has the key: it waits, has ended, or never was."""
        return dict(self._known.get(key, _UNKNOWN))


def track_result(
    model: Model,
    recording: Recording,
    settings: ServiceSettings,
    abandoned: threading.Event,
    options: TrackOptions,
    tell: Callable[[float, float], None] = lambda done_s, total_s: None,
) -> Result:
    """Track a recording, a row a segment; the work ends when `abandoned` is set, and `tell` learns how far it is."""

    def go_on(done_s: float, total_s: float) -> None:
        if abandoned.is_set():
            raise AbandonedError
        tell(done_s, total_s)

    go_on(0, 0)
    with _errors_by_name(recording):
        duration_s = check_recording(recording.file, settings.max_minutes * 60, "cut it into parts")
        options.check(duration_s)
        found = track(
            recording.file,
            model,
            window_s=options.windows,
            hop_s=options.hop,
            statistics=options.statistics,
            smoothing_s=options.smoothing,
            channel=options.channel,
            n_jobs=max(1, (os.cpu_count() or 1) // settings.n_jobs),  # the result does not depend on it
            progress=go_on,
        )
    found = replace(found, table=found.table.rename(index={str(recording.file): recording.name}, level="file"))
    about = {
        "model": model.metadata["name"],
        "duration_s": round(found.duration_s, 4),
        "smoothing_s": round(found.smoothing_s, 4),
        "notes": found.notes,
    }
    return Result(found.lines, about)


@contextmanager
def _errors_by_name(recording: Recording) -> Iterator[None]:
    """Refuse what cannot be measured, naming it as the client did and not by where it lies here."""
    try:
        yield
    except AffectmapError as error:
        raise HTTPException(422, str(error).replace(str(recording.file), recording.name)) from error


def check_recording(file: Path, longest_s: float, advice: str) -> float:
    """Look at a recording, refuse one that takes too much time or memory, and give its length in seconds.

    Raises:
        AudioError: If it cannot be read.
        HTTPException: If it is too long (413; `advice` says what to do), or has too many channels or too high a rate.

    Example:
        >>> import numpy as np, soundfile, tempfile
        >>> file = Path(tempfile.mkdtemp()) / "hum.wav"
        >>> soundfile.write(file, np.zeros(32000), 16000)
        >>> check_recording(file, 60, "cut it")
        2.0
        >>> check_recording(file, 1, "cut it")
        Traceback (most recent call last):
        starlette.exceptions.HTTPException: 413: the recording lasts 2 s, at most 1 s are taken here; cut it
    """
    decoding = Decoding(file)
    rate, n_channels = decoding.sampling_rate, decoding.n_channels
    if n_channels > MAX_CHANNELS:
        raise HTTPException(
            422, f"the recording has {n_channels} channels, expected at most {MAX_CHANNELS}; keep the voice's"
        )
    if rate > MAX_RATE:
        raise HTTPException(422, f"the recording has {rate} samples a second, expected at most {MAX_RATE}; resample it")
    duration_s = decoding.count(longest_s) / rate
    if duration_s > longest_s:
        lasts = f"{duration_s:,.0f} s" if decoding.is_counted() else "longer"
        raise HTTPException(413, f"the recording lasts {lasts}, at most {longest_s:,.0f} s are taken here; {advice}")
    return duration_s


class Refusal(BaseModel):
    """Why a request is refused."""

    detail: str


_REFUSED = {
    401: "the token is missing or wrong",
    403: "a path out of the served folder, or a page from elsewhere",
    404: "no such file",
    409: "another track under way has this key",
    406: "neither JSON nor CSV is wanted",
    408: "the body comes too slowly, or takes too long",
    413: "the body is too large or the recording too long",
    415: "the body is compressed",
    421: "the service is asked under a name that is not this machine's",
    422: "the recording cannot be read, or an option is out of range",
    429: "too many recordings at once; Retry-After says when to try again",
    507: "the folder for temporary files is full or missing",
}
#: What the server itself answers before the application sees the request.
_REFUSED_UNREAD = {
    400: "the request is no HTTP; plain text",
    503: f"more than {MAX_CONNECTIONS} connections at once",
}
_ROWS = {
    "type": "object",
    "required": ["rows"],
    "properties": {
        "model": {"type": "string"},
        "duration_s": {"type": "number"},
        "smoothing_s": {"type": "number"},
        "notes": {"type": "array", "items": {"type": "string"}},
        "rows": {"type": "array", "items": {"type": "object"}},
    },
}
_TEXT = {"schema": {"type": "string"}}
#: What comes back, as OpenAPI describes it.
RESULTS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "rows as affectmap embed and affectmap track print them",
        "content": {"application/json": {"schema": _ROWS}, "text/csv": _TEXT},
    },
    **{status: {"description": reason, "model": Refusal} for status, reason in _REFUSED.items()},
    **{status: {"description": why, "content": {"text/plain": _TEXT}} for status, why in _REFUSED_UNREAD.items()},
}
