"""The 88 eGeMAPSv02 functionals of every utterance of a corpus, on all cores, each recording measured once.

They are openSMILE's, number for number: for mono recordings those of ``Smile(FeatureSet.eGeMAPSv02,
FeatureLevel.Functionals).process_file``, for others those with ``channels=range(n)`` and ``mixdown=True``,
and with ``resample=True`` where a rate is given. One thing differs: samples outside of -1..1, as decoders of
lossy formats produce them, are clipped here, while openSMILE lets them wrap around to the other sign.

Functionals depend on the sampling rate. By default every recording is measured at its own, and rates other
than 16 kHz are told in a note.

Results are cached by what was measured (`affectmap.features.cache`): the recording's bytes, the segment,
the feature set, the rate and the version of openSMILE. So a file that was moved or renamed is found, and a
changed one is measured again. Recordings that cannot be used are looked at anew every time.
"""

from __future__ import annotations

import os
import platform
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from functools import cache as cached
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import joblib
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from affectmap.audio.reading import check_signal, read_audio, resample
from affectmap.errors import AudioError, ConfigError, CorpusError
from affectmap.features.cache import FeatureCache, cache_folder
from affectmap.features.utterances import (
    Utterance,
    file_digest,
    file_digests,
    fill_known,
    list_utterances,
    row_keys,
    usable_rows,
)
from affectmap.parallel.workers import WorkersError, completed, local_threads, on_cluster
from affectmap.schema import FUNCTIONALS, Finding

if TYPE_CHECKING:
    import opensmile

FEATURE_SET = "eGeMAPSv02"
#: Rate in Hz of most speech corpora; a corpus with other rates is told in a note.
USUAL_RATE = 16000

_READING = 1  # to be raised when recordings are read or mixed down differently: older rows no longer count
_LARGEST_SAMPLE = 32767 / 32768  # openSMILE works on 16 bits
_COLUMNS = ("sampling_rate", *FUNCTIONALS)
_building = threading.Lock()


class _Recording(NamedTuple):
    """What a worker needs to know to measure one utterance."""

    utterance: Utterance
    sampling_rate: int | None
    path: str
    digest: str | None  # of the file's bytes, where it may be another one


def measure_functionals(signal: NDArray[np.float32], sampling_rate: int) -> NDArray[np.float32]:
    """Measure one signal with openSMILE: eGeMAPS (Eyben et al. 2016) in its version 02.

    Args:
        signal: Mono, shape (n_samples,), full scale at 1, at least 0.06 s; it is clipped to -1..1.
        sampling_rate: In Hz.

    Returns:
        The functionals in the order of `FUNCTIONALS`, shape (88,).

    Example:
        >>> tone = np.sin(2 * np.pi * 220 * np.arange(8000) / 16000).astype(np.float32)
        >>> measure_functionals(tone, 16000).shape
        (88,)
    """
    with _building:
        smile = _smile()
    measured = smile(np.clip(signal, -1.0, _LARGEST_SAMPLE), sampling_rate)
    return np.asarray(measured, dtype=np.float32).reshape(-1)


def extract_functionals(
    corpus: str,
    table: pd.DataFrame,
    *,
    cache: Path | None = None,
    sampling_rate: int | None = None,
    n_jobs: int | None = None,
    strict: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[pd.DataFrame, list[Finding]]:
    """Measure the functionals of all utterances of a corpus, or find them in the cache.

    Args:
        corpus: Its name.
        table: Its utterances, indexed by file, start and end; columns play no part.
        cache: Folder of the cache; see `cache_folder`.
        sampling_rate: Rate in Hz to which every recording is resampled; by default each keeps its own.
        n_jobs: Threads; by default one a core. The result does not depend on it, nor on the cluster that measures
            instead within `affectmap.parallel.cluster.work_on`.
        strict: Whether an unusable utterance is an error; by default it is dropped and told.
        progress: Called with the numbers of utterances done and in total, after each.

    Returns:
        The functionals, float32, shape (n_used, 88), indexed as `table` and in its order, without the dropped
        utterances; and the findings: the dropped utterances (``unreadable``) in their order, then notes.

    Raises:
        AudioError: If no utterance can be used, or one cannot and `strict` is set.
        ConfigError: If `sampling_rate` or `n_jobs` is less than 1.

    Example:
        >>> import audformat, soundfile, tempfile
        >>> file = Path(tempfile.mkdtemp()) / "hum.wav"
        >>> soundfile.write(file, 0.5 * np.sin(2 * np.pi * 220 * np.arange(8000) / 16000), 16000)
        >>> table = pd.DataFrame(index=audformat.segmented_index([str(file)]))
        >>> functionals, findings = extract_functionals("hums", table, cache=file.parent / "cache")
        >>> functionals.shape, findings
        ((1, 88), [])
    """
    _check_positive(sampling_rate=sampling_rate, n_jobs=n_jobs)
    n_jobs = n_jobs or joblib.cpu_count()
    report = progress or (lambda done, total: None)
    utterances = list_utterances(table.index)
    values = np.full((len(utterances), len(_COLUMNS)), np.nan, dtype=np.float32)
    failures: dict[int, AudioError] = {}
    store = FeatureCache(cache_folder(cache), f"{corpus}-{FEATURE_SET}-{_rate_name(sampling_rate)}", _COLUMNS)
    # The cache is the inner context: after Ctrl-C it is written before the running measurements are awaited.
    with local_threads(n_jobs) as threads, store, ExitStack() as stack:
        digests = file_digests(utterances, threads)
        keys = _keys(utterances, digests, sampling_rate)
        todo = fill_known(values, keys, store.load())
        n_done = len(utterances) - len(todo)
        report(n_done, len(utterances))
        recordings = _recordings(utterances, todo, sampling_rate, digests)
        backend = None if on_cluster() else threads
        outcomes = stack.enter_context(closing(completed(_outcome, recordings, backend=backend, batch_size="auto")))
        for number, outcome in outcomes:
            row = todo[number]
            if isinstance(outcome, AudioError):
                if strict:
                    raise outcome
                failures[row] = outcome
            else:
                values[row] = outcome
                if keys[row]:
                    store.add(keys[row], outcome)
            n_done += 1
            report(n_done, len(utterances))
    functionals, findings = usable_rows(corpus, table.index, values[:, 1:], FUNCTIONALS, failures)
    notes = [*store.notices, *([] if sampling_rate else _rate_notes(values[:, 0]))]
    return functionals, [*findings, *(Finding(corpus, "", "note", note) for note in notes)]


def corpus_functionals(
    corpus: str,
    table: pd.DataFrame,
    functionals: pd.DataFrame | None = None,
    *,
    cache: Path | None = None,
    sampling_rate: int | None = None,
    n_jobs: int | None = None,
    strict: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[pd.DataFrame, list[Finding]]:
    """Functionals of a corpus: those that it brings, or else those of its recordings.

    Args:
        corpus: Its name.
        table: Its utterances.
        functionals: Those it brings, indexed as `table`, the 88 columns in any order; None to measure.
        cache: Here and below see `extract_functionals`; with functionals brought only `strict` matters.
        sampling_rate: Rate in Hz to resample to.
        n_jobs: Threads.
        strict: Whether an unusable utterance is an error.
        progress: Called with the numbers of utterances done and in total.

    Returns:
        As `extract_functionals`; utterances with missing or non-finite functionals are dropped.

    Raises:
        CorpusError: If a column is missing among the functionals brought, or an utterance is named twice.
        AudioError: If no utterance can be used, or one cannot and `strict` is set.

    Example:
        >>> import audformat
        >>> table = pd.DataFrame(index=audformat.segmented_index(["a.wav", "b.wav"]))
        >>> brought = pd.DataFrame(1.0, table.index, list(FUNCTIONALS))
        >>> brought.iloc[1, 5] = np.nan
        >>> used, findings = corpus_functionals("pets", table, brought)
        >>> used.shape, findings[0].file
        ((1, 88), 'b.wav')
    """
    if functionals is not None:
        return _brought(corpus, table.index, functionals, strict)
    return extract_functionals(
        corpus,
        table,
        cache=cache,
        sampling_rate=sampling_rate,
        n_jobs=n_jobs,
        strict=strict,
        progress=progress,
    )


def _brought(
    corpus: str, index: pd.Index, functionals: pd.DataFrame, strict: bool
) -> tuple[pd.DataFrame, list[Finding]]:
    missing = [name for name in FUNCTIONALS if name not in functionals.columns]
    if missing:
        raise CorpusError(f"{corpus}: {len(missing)} of the 88 functionals are missing, first {missing[0]}")
    if functionals.index.has_duplicates:
        raise CorpusError(f"{corpus}: its functionals name an utterance twice; name each once")
    with np.errstate(over="ignore"):  # beyond float32 is as unusable as infinity
        ordered = functionals if functionals.index.equals(index) else functionals.reindex(index=index)
        ordered = ordered if list(ordered.columns) == list(FUNCTIONALS) else ordered[list(FUNCTIONALS)]
        values = ordered.to_numpy(dtype=np.float32)
    files = index.get_level_values("file")
    failures = {
        row: AudioError(f"{files[row]}: {n_unusable} of its 88 functionals are not finite numbers; leave it out")
        for row, n_unusable in _unusable_counts(values)
    }
    if strict and failures:
        raise next(iter(failures.values()))
    return usable_rows(corpus, index, values, FUNCTIONALS, failures)


def _unusable_counts(values: NDArray[np.float32]) -> list[tuple[int, int]]:
    """Rows with functionals that are not finite, and how many."""
    counts = np.sum(~np.isfinite(values), axis=1)
    return [(int(row), int(counts[row])) for row in np.flatnonzero(counts)]


def _outcome(recording: _Recording) -> NDArray[np.float32] | AudioError:
    """The recording's rate and its functionals, shape (89,), or why there are none."""
    (file, start_s, end_s), sampling_rate, path, digest = recording
    if digest is not None and file_digest(path) != digest:
        raise WorkersError(
            f"{path} is not on {platform.node()} what it is here; workers read recordings themselves: keep them where "
            "all machines see them under one path"
        )
    try:
        signal, own_rate = read_audio(path, start_s, end_s)
        check_signal(signal, own_rate, path)
        rate = sampling_rate or own_rate
        signal = resample(signal, own_rate, rate)
        check_signal(signal, rate, path)  # resampling may lose the one sample that the duration needs
        functionals = _measured(signal, rate, path)
    except AudioError as error:
        reason = str(error).removeprefix(f"{path}: ")
        return error if path == file else AudioError(f"{Path(file)}: {reason}")
    return np.concatenate([np.array([own_rate], np.float32), functionals])


def _measured(signal: NDArray[np.float32], sampling_rate: int, file: str) -> NDArray[np.float32]:
    try:
        functionals = measure_functionals(signal, sampling_rate)
    except MemoryError:  # that is no fault of the recording
        raise
    except Exception as error:  # whatever openSMILE raises, one recording does not end the run
        raise AudioError(f"{file}: openSMILE cannot measure it ({error}); leave it out") from error
    n_unusable = int(np.sum(~np.isfinite(functionals)))
    if n_unusable:
        raise AudioError(f"{file}: {n_unusable} of its 88 functionals are not finite; leave it out")
    return functionals


@cached
def _smile() -> opensmile.Smile:
    import opensmile  # half a second, which a run that finds everything in the cache need not spend

    return opensmile.Smile(opensmile.FeatureSet.eGeMAPSv02, opensmile.FeatureLevel.Functionals)


def _recordings(
    utterances: Sequence[Utterance], rows: Sequence[int], sampling_rate: int | None, digests: dict[str, str]
) -> list[_Recording]:
    if not on_cluster():
        return [_Recording(utterances[row], sampling_rate, utterances[row].file, None) for row in rows]
    files = [utterances[row].file for row in rows]
    paths = [os.path.abspath(file) for file in files]  # noqa: PTH100 (links have the same names everywhere, maybe)
    return [
        _Recording(utterances[row], sampling_rate, path, digests[file])
        for row, path, file in zip(rows, paths, files, strict=True)
    ]


def _keys(utterances: Sequence[Utterance], digests: dict[str, str], sampling_rate: int | None) -> list[str]:
    software = f"opensmile-{metadata.version('opensmile')} reading-{_READING}"
    if sampling_rate:
        software += f" soxr-{metadata.version('soxr')}"
    how = f"{FEATURE_SET} {_rate_name(sampling_rate)} {software}"
    return row_keys(utterances, digests, how)


def _rate_name(sampling_rate: int | None) -> str:
    return f"{sampling_rate}Hz" if sampling_rate else "own-rate"


def _rate_notes(rates: NDArray[np.float32]) -> list[str]:
    counts = Counter(int(rate) for rate in rates[np.isfinite(rates)])
    if set(counts) == {USUAL_RATE}:
        return []
    listed = ", ".join(f"{rate} Hz ({count})" for rate, count in sorted(counts.items()))
    return [
        f"recorded and measured at {listed}; functionals depend on the rate: compare them with those of the "
        "same rate only, or give a sampling rate to which all are resampled"
    ]


def _check_positive(**numbers: int | None) -> None:
    for name, number in numbers.items():
        if number is not None and number < 1:
            raise ConfigError(f"{name} is {number}, expected at least 1, or None for the default")
