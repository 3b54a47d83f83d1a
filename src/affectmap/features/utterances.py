"""The one loop that measures utterances of a corpus: functionals, encoders' features, and a recogniser's answers.

What was measured is kept in a cache (`affectmap.features.cache`), found again by the recording's bytes, the segment,
and all else that the numbers depend on: a file that was moved or renamed is found, a changed one is measured again,
and copies of one recording are measured once. A recording that cannot be used is dropped with a finding that says
why; such recordings are looked at anew every time.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from affectmap.errors import AudioError
from affectmap.features.cache import FeatureCache, Stored, cache_folder
from affectmap.parallel.workers import Pool, local_threads, mapped, n_cores
from affectmap.schema import Finding

if TYPE_CHECKING:
    import pandas as pd

_DIGESTED_TOGETHER = 64  # files; each takes a fraction of a millisecond

#: A row of numbers, or why there is none.
Outcome = NDArray[np.float32] | AudioError


class Utterance(NamedTuple):
    """A recording, or a segment of one; `end_s` is ``None`` for the end of the file."""

    file: str
    start_s: float
    end_s: float | None


class Work(NamedTuple):
    """What is still to be measured: utterances by their row, digests of files by path, and threads of this process."""

    utterances: dict[int, Utterance]
    digests: Mapping[str, str]
    threads: Pool
    n_jobs: int


class Measure(NamedTuple):
    """What is measured of each utterance.

    Attributes:
        columns: Names of the numbers.
        how: What they depend on beside the recording, versions included.
        outcomes: Measures what a `Work` holds; gives rows of the table with their outcomes, in any order.
    """

    columns: Sequence[str]
    how: str
    outcomes: Callable[[Work], Generator[tuple[int, Outcome], None, None]]


def measure_utterances(
    corpus: str,
    index: pd.Index,
    measure: Measure,
    name: str,
    *,
    cache: str | Path | None = None,
    n_jobs: int | None = None,
    strict: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[pd.DataFrame, list[Finding]]:
    """Measure every utterance of a corpus, or find it in the cache.

    Args:
        corpus: Name of the corpus, for findings.
        index: Index of its table: file, start and end.
        measure: What is measured.
        name: Name of the cache's file.
        cache: Folder of the cache; see `cache_folder`.
        n_jobs: Threads; one a core by default. The result does not depend on it.
        strict: Whether an unusable utterance is an error; by default it is dropped with a finding.
        progress: Called with the numbers of utterances done and in total.

    Returns:
        One row an utterance that can be used, float32, in the order of `index`; and findings: the dropped utterances
        (``unreadable``) in their order, then notes of the cache.

    Raises:
        AudioError: If no utterance can be used, or one cannot and `strict` is set.
    """
    rows = measured_rows(index, measure, name, cache=cache, n_jobs=n_jobs, strict=strict, progress=progress)
    used, findings = usable_rows(corpus, index, rows.values, measure.columns, rows.failures)
    return used, [*findings, *(Finding(corpus, "", "note", note) for note in rows.notices)]


class MeasuredRows(NamedTuple):
    """Rows of all utterances, ``NaN`` where there are none and `failures` says why, and notices of the cache."""

    values: NDArray[np.float32]
    failures: dict[int, AudioError]
    notices: list[str]


def measured_rows(
    index: pd.Index,
    measure: Measure,
    name: str,
    *,
    cache: str | Path | None = None,
    n_jobs: int | None = None,
    strict: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> MeasuredRows:
    """Measure every utterance, or find it in the cache; see `measure_utterances`."""
    n_jobs = n_jobs or n_cores()
    report = progress or (lambda done, total: None)
    utterances = list_utterances(index)
    values = np.full((len(utterances), len(measure.columns)), np.nan, dtype=np.float32)
    failures: dict[int, AudioError] = {}
    store = FeatureCache(cache_folder(cache), name, measure.columns)
    # The cache is the inner context: after Ctrl-C it is written before the running measurements are awaited.
    with local_threads(n_jobs) as threads, store:
        digests = file_digests(utterances, threads)
        keys = row_keys(utterances, digests, measure.how)
        copies = _copies(keys, fill_known(values, keys, store.load()))
        n_done = len(utterances) - sum(map(len, copies.values()))
        report(n_done, len(utterances))
        work = Work({row: utterances[row] for row in copies}, digests, threads, n_jobs)
        with closing(measure.outcomes(work)) as outcomes:
            for first, outcome in outcomes:
                for row in copies[first]:
                    if isinstance(outcome, AudioError):
                        failures[row] = _named(outcome, utterances[first].file, utterances[row].file)
                        if strict:
                            raise failures[row]
                    else:
                        values[row] = outcome
                if keys[first] and not isinstance(outcome, AudioError):
                    store.add(keys[first], outcome)
                n_done += len(copies[first])
                report(n_done, len(utterances))
    return MeasuredRows(values, failures, store.notices)


def _copies(keys: Sequence[str], todo: Sequence[int]) -> dict[int, list[int]]:
    """Put rows of one content together, under the first; a file that cannot be read is like no other."""
    first: dict[str, int] = {}
    copies: dict[int, list[int]] = {}
    for row in todo:
        copies.setdefault(first.setdefault(keys[row], row) if keys[row] else row, []).append(row)
    return copies


def _named(failure: AudioError, measured: str, file: str) -> AudioError:
    """Tell of a file what was found in a copy of it."""
    return failure if file == measured else AudioError(f"{file}: {_bare(failure, measured)}")


def _bare(failure: AudioError, file: str) -> str:
    return str(failure).removeprefix(f"{file}: ").removeprefix(f"{Path(file)}: ")


def list_utterances(index: pd.Index) -> list[Utterance]:
    """List the utterances of a table, indexed by file, start and end."""
    import pandas as pd

    starts = pd.TimedeltaIndex(index.get_level_values("start")).total_seconds().fillna(0.0)
    ends = pd.TimedeltaIndex(index.get_level_values("end")).total_seconds()
    return [
        Utterance(file, start, None if end != end else end)
        for file, start, end in zip(index.get_level_values("file"), starts, ends, strict=True)
    ]


def file_digest(file: str) -> str:
    """Digest a file's bytes by SHA-256; empty where there is nothing to read, which reading it then explains."""
    try:
        if not Path(file).is_file():
            return ""
        with Path(file).open("rb") as handle:
            return hashlib.file_digest(handle, "sha256").hexdigest()
    except OSError:
        return ""


def file_digests(utterances: Sequence[Utterance], threads: Pool | None) -> dict[str, str]:
    """Digest every file once, on threads of this process or, by default, where workers are."""
    files = list(dict.fromkeys(utterance.file for utterance in utterances))
    digests = mapped(file_digest, files, backend=threads, batch_size=_DIGESTED_TOGETHER)
    return dict(zip(files, digests, strict=True))


def row_keys(utterances: Iterable[Utterance], digests: Mapping[str, str], how: str) -> list[str]:
    """Name what each row of a cache was measured from; empty where there is no file."""
    return [f"{digests[file]} {start}-{end} {how}" if digests[file] else "" for file, start, end in utterances]


def fill_known(values: NDArray[np.float32], keys: Sequence[str], known: Stored) -> list[int]:
    """Fill in the rows that a cache knows; give the numbers of those that are still to be measured."""
    row_of = {key: row for row, key in enumerate(known.keys)}
    position = np.array([row_of.get(key, -1) for key in keys], dtype=np.int64)
    found = position >= 0
    values[found] = known.rows[position[found]]
    return [int(row) for row in np.flatnonzero(~found)]


def usable_rows(
    corpus: str,
    index: pd.Index,
    values: NDArray[np.float32],
    columns: Sequence[str],
    failures: Mapping[int, AudioError],
) -> tuple[pd.DataFrame, list[Finding]]:
    """Keep the utterances that could be measured, and give a finding for each of the others."""
    import pandas as pd

    used = np.setdiff1d(np.arange(len(index)), list(failures))
    if len(used) == 0:
        first = "; ".join(str(failures[row]) for row in sorted(failures)[:3])
        raise AudioError(f"{corpus}: none of its {len(index)} utterances can be used: {first}")
    # A table of which every row is used is handed on, not copied.
    kept, kept_index = (values[used], index[used]) if failures else (values, index)
    rows = pd.DataFrame(kept, index=kept_index, columns=list(columns), copy=False)
    return rows, unusable_findings(corpus, index, failures)


def unusable_findings(corpus: str, index: pd.Index, failures: Mapping[int, AudioError]) -> list[Finding]:
    """Give a finding for each utterance that cannot be used."""
    utterances = list_utterances(index)
    return [
        Finding(corpus, utterances[row].file, "unreadable", _reason(failures[row], utterances[row]), True)
        for row in sorted(failures)
    ]


def _reason(failure: AudioError, utterance: Utterance) -> str:
    text = _bare(failure, utterance.file)
    if utterance.start_s == 0 and utterance.end_s is None:
        return text
    end = "its end" if utterance.end_s is None else f"{utterance.end_s:g} s"
    return f"from {utterance.start_s:g} s to {end}: {text}"
