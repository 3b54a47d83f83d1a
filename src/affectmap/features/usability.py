"""Which recordings of a corpus can be used: each is decoded once, and what was found is kept in the cache."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from affectmap.audio.reading import READING, check_signal, read_recording
from affectmap.errors import AudioError
from affectmap.features.utterances import (
    Measure,
    Outcome,
    Utterance,
    Work,
    list_utterances,
    measured_rows,
    unusable_findings,
)
from affectmap.parallel.workers import completed
from affectmap.schema import Finding

_COLUMNS = ("duration_s", "has_notes")


class Usability(NamedTuple):
    """What opening the recordings of a corpus told.

    Attributes:
        duration_s: Seconds of each utterance, ``NaN`` where it cannot be used, indexed as its table.
        findings: Utterances that cannot be used (``unreadable``), then notes on others: several recordings in one file,
            channels that were left out.
    """

    duration_s: pd.Series
    findings: list[Finding]


def check_usability(
    corpus: str,
    table: pd.DataFrame,
    *,
    cache: str | Path | None = None,
    n_jobs: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Usability:
    """Open every recording of a corpus and find those that are broken, silent or too short.

    Args:
        corpus: Its name.
        table: Its utterances, indexed by file, start and end; columns play no part.
        cache: Folder of the cache; by default the one of `affectmap.features.cache.cache_folder`.
        n_jobs: Threads; by default one a core.
        progress: Called with the numbers of utterances done and in total.

    Returns:
        Durations and findings. What can be used is not opened again while its bytes are the same.

    Example:
        >>> import soundfile, tempfile
        >>> from affectmap.schema import segmented_index
        >>> folder = Path(tempfile.mkdtemp())
        >>> soundfile.write(folder / "hum.wav", np.sin(np.arange(8000) / 9), 16000)
        >>> soundfile.write(folder / "dead.wav", np.zeros(8000), 16000)
        >>> table = pd.DataFrame(index=segmented_index([str(folder / "hum.wav"), str(folder / "dead.wav")]))
        >>> found = check_usability("hums", table, cache=folder)
        >>> found.duration_s.tolist(), found.findings[0].kind, found.findings[0].detail[:6]
        ([0.5, nan], 'unreadable', 'silent')
    """
    measure = Measure(_COLUMNS, f"usable reading-{READING}", _outcomes)
    rows = measured_rows(table.index, measure, f"{corpus}-usable", cache=cache, n_jobs=n_jobs, progress=progress)
    findings = unusable_findings(corpus, table.index, rows.failures)
    noted = np.flatnonzero(rows.values[:, 1] == 1)
    utterances = list_utterances(table.index)
    findings += _notes(corpus, [utterances[row] for row in noted])
    findings += [Finding(corpus, "", "note", notice) for notice in rows.notices]
    return Usability(pd.Series(rows.values[:, 0], table.index, name="duration_s"), findings)


def _outcomes(work: Work) -> Generator[tuple[int, Outcome], None, None]:
    numbers = list(work.utterances)
    results = completed(_outcome, list(work.utterances.values()), backend=work.threads, batch_size="auto")
    with closing(results):
        for number, outcome in results:
            yield numbers[number], outcome


def _outcome(utterance: Utterance) -> Outcome:
    try:
        reading = read_recording(*utterance)
        check_signal(reading.signal, reading.sampling_rate, utterance.file)
    except AudioError as error:
        return error
    return np.array([len(reading.signal) / reading.sampling_rate, bool(reading.notes)], np.float32)


def _notes(corpus: str, utterances: Iterable[Utterance]) -> Iterator[Finding]:
    """Say what is to be told of utterances; only that there is something is in the cache."""
    for utterance in utterances:
        with suppress(AudioError):  # gone meanwhile
            for note in read_recording(*utterance).notes:
                yield Finding(corpus, utterance.file, "note", note)
