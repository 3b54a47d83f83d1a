"""What an engine measures, such as the 88 functionals, of a corpus' utterances; see `single_recordings` for others.

`affectmap.features.engines` measures them, at 16 kHz unless another rate is asked for: recordings of other rates are
resampled, since functionals depend on the rate, and a note says so.

A broken recording never ends the work: it is dropped with a finding.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from affectmap.audio.conditions import Conditions, measure_conditions
from affectmap.audio.quality import LATER_THRESHOLDS
from affectmap.audio.reading import (
    Signal,
    check_signal,
    read_recording,
    resample,
)
from affectmap.errors import AudioError, CorpusError
from affectmap.features.engines import check_engine, engine_version, feature_names, measure_functionals
from affectmap.features.remote import check_worker
from affectmap.features.single_recordings import check_least, dependencies
from affectmap.features.utterances import (
    Measure,
    Outcome,
    Utterance,
    Work,
    measure_utterances,
    usable_rows,
)
from affectmap.parallel.workers import completed, on_cluster
from affectmap.schema import DEFAULT_ENGINE, FUNCTIONALS, USUAL_RATE, Engine, Finding

if TYPE_CHECKING:
    import pandas as pd

_LOWEST_RATE = 2000  # in Hz; below it there is no band to measure in


class MeasuredCorpus(NamedTuple):
    """What was measured of a corpus.

    Attributes:
        functionals: Shape (n_used, F), float32, in the order of its table: 88 functionals, or what another engine
            measures.
        conditions: Recording conditions, columns as in `affectmap.audio.conditions.Conditions`, indexed likewise;
            ``None`` where the corpus brings its functionals.
        findings: Dropped utterances, then notes.
    """

    functionals: pd.DataFrame
    conditions: pd.DataFrame | None
    findings: list[Finding]


class _Recording(NamedTuple):
    """What a worker needs to know to measure one utterance."""

    utterance: Utterance
    sampling_rate: int
    engine: Engine
    path: str
    digest: str | None  # of the file's bytes, where it may be another one
    version: str  # of the engine


def extract_functionals(
    corpus: str,
    table: pd.DataFrame,
    *,
    cache: str | Path | None = None,
    sampling_rate: int = USUAL_RATE,
    engine: Engine = DEFAULT_ENGINE,
    n_jobs: int | None = None,
    strict: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[pd.DataFrame, list[Finding]]:
    """Measure the functionals of all utterances of a corpus, or find them in the cache.

    All are measured at one rate; a note names recordings of other rates, which are resampled.

    Args:
        corpus: Its name.
        table: Its utterances, indexed by file, start and end; columns play no part.
        cache: Folder of the cache; by default the one of `affectmap.features.cache.cache_folder`.
        sampling_rate: Rate in Hz to which recordings are resampled, 2000 or more.
        engine: What measures.
        n_jobs: Threads; by default one a core. The result does not depend on it, nor on the cluster that measures
            instead within `affectmap.parallel.cluster.work_on`.
        strict: Whether an unusable utterance is an error; by default it is dropped with a finding.
        progress: Called with the numbers of utterances done and in total.

    Returns:
        The functionals, float32, shape (n_used, F), indexed as `table` and in its order, without the dropped
        utterances; and the findings: the dropped utterances (``unreadable``) in their order, then notes.

    Raises:
        AudioError: If no utterance can be used, or one cannot and `strict` is set.
        ConfigError: If `sampling_rate` is less than 2000 or not the engine's, or `n_jobs` is less than 1.
        ModelError: If the engine's encoder cannot be found.
        UsageError: If the engine is not installed.

    Example:
        >>> import pandas as pd, soundfile, tempfile
        >>> from affectmap.schema import segmented_index
        >>> file = Path(tempfile.mkdtemp()) / "hum.wav"
        >>> soundfile.write(file, 0.5 * np.sign(np.sin(2 * np.pi * 220 * np.arange(8000) / 16000)), 16000)
        >>> table = pd.DataFrame(index=segmented_index([str(file)]))
        >>> functionals, findings = extract_functionals("hums", table, cache=file.parent / "cache")
        >>> functionals.shape, findings
        ((1, 88), [])
    """
    measured = _measured_corpus(
        corpus, table, sampling_rate, engine, cache=cache, n_jobs=n_jobs, strict=strict, progress=progress
    )
    return measured.functionals, measured.findings


def _measured_corpus(
    corpus: str,
    table: pd.DataFrame,
    sampling_rate: int = USUAL_RATE,
    engine: Engine = DEFAULT_ENGINE,
    *,
    n_jobs: int | None = None,
    **measuring: Any,  # noqa: ANN401 (options of measure_utterances)
) -> MeasuredCorpus:
    """Measure functionals and recording conditions at one reading of every recording; see `extract_functionals`."""
    check_least(1, n_jobs=n_jobs)
    check_least(_LOWEST_RATE, sampling_rate=sampling_rate)
    check_engine(engine, sampling_rate)
    columns = ("sampling_rate", "uneven_channels", *Conditions._fields, *feature_names(engine))
    measure = Measure(
        columns, dependencies(engine, sampling_rate), partial(_outcomes, sampling_rate=sampling_rate, engine=engine)
    )
    name = f"{corpus}-{engine}-{sampling_rate}Hz"
    rows, findings = measure_utterances(corpus, table.index, measure, name, n_jobs=n_jobs, **measuring)
    notes = _rate_notes(rows["sampling_rate"].to_numpy(), sampling_rate)
    notes += _condition_notes(rows)
    return MeasuredCorpus(
        rows[list(feature_names(engine))],
        rows[list(Conditions._fields)],
        [*findings, *(Finding(corpus, "", "note", note) for note in notes)],
    )


def _outcomes(work: Work, *, sampling_rate: int, engine: Engine) -> Generator[tuple[int, Outcome], None, None]:
    """Measure on threads of this process, or on the workers of a cluster."""
    away, numbers, recordings, version = on_cluster(), list(work.utterances), [], engine_version(engine)
    for utterance in work.utterances.values():
        # Links have the same names everywhere, maybe: they are not followed.
        path = os.path.abspath(utterance.file) if away else utterance.file  # noqa: PTH100
        digest = work.digests[utterance.file] if away else None
        recordings.append(_Recording(utterance, sampling_rate, engine, path, digest, version))
    results = completed(_outcome, recordings, backend=None if away else work.threads, batch_size="auto")
    with closing(results):
        for number, outcome in results:
            yield numbers[number], outcome


def _outcome(recording: _Recording) -> Outcome:
    """Give rate, whether channels are uneven, conditions and features, shape (7 + F,), or why there are none."""
    (file, start_s, end_s), rate, engine, path, digest, version = recording
    check_worker(engine, version, path, digest)
    try:
        signal, own_rate, mix, _ = read_recording(path, start_s, end_s)
        check_signal(signal, own_rate, path)
        conditions = measure_conditions(signal, own_rate)
        signal = resample(signal, own_rate, rate)
        check_signal(signal, rate, path)  # resampling may lose the one sample that the duration needs
    except AudioError as error:
        return AudioError(f"{Path(file)}: {str(error).removeprefix(f'{path}: ')}") if path != file else error
    try:
        functionals = measure_functionals(signal, rate, engine)
        return np.concatenate([np.array([own_rate, bool(mix.notes), *conditions], np.float32), functionals])
    except AudioError as error:
        return AudioError(f"{Path(file)}: {error}; leave it out")


def _condition_notes(rows: pd.DataFrame) -> list[str]:
    """Tell of recordings with uneven channels, and of a narrow band that their rate does not explain."""
    least_hz = LATER_THRESHOLDS["min_bandwidth_hz"]
    narrow = (rows["bandwidth_hz"] < least_hz) & (rows["bandwidth_hz"] > 0) & (rows["sampling_rate"] > 2 * least_hz)
    told = {
        "have channels that are not one sound alike; affectmap embed tells what became of each recording's": (
            rows["uneven_channels"] > 0
        ),
        f"have no sound above {least_hz:g} Hz, as over the telephone, which moves functionals": narrow,
    }
    files = rows.index.get_level_values("file")
    return [
        f"{int(those.sum())} of {len(rows)} utterances {words}; first {files[int(those.to_numpy().argmax())]}"
        for words, those in told.items()
        if those.any()
    ]


def _rate_notes(rates: Signal, target_rate: int) -> list[str]:
    """Name other rates than the one at which all were measured."""
    counts = Counter(int(rate) for rate in rates if rate != target_rate)
    if not counts:
        return []
    listed = ", ".join(f"{rate} Hz ({count})" for rate, count in sorted(counts.items()))
    lowest = min(counts)
    missing = f"; what lies above {lowest / 2:g} Hz is missing in those of {lowest} Hz" if lowest < target_rate else ""
    return [f"recorded at {listed}, resampled to {target_rate} Hz, at which all were measured{missing}"]


def corpus_functionals(
    corpus: str,
    table: pd.DataFrame,
    functionals: pd.DataFrame | None = None,
    features: Sequence[str] = FUNCTIONALS,
    *,
    strict: bool = False,
    **measuring: Any,  # noqa: ANN401 (options of extract_functionals)
) -> MeasuredCorpus:
    """Give the functionals that a corpus brings, or else those of its recordings, as `extract_functionals`.

    With other `features`, those that it brings.
    """
    if functionals is None:
        return _measured_corpus(corpus, table, strict=strict, **measuring)
    noun = "88 functionals" if tuple(features) == FUNCTIONALS else f"{len(features)} features"
    missing = [name for name in features if name not in functionals.columns]
    if missing:
        raise CorpusError(f"{corpus}: {len(missing)} of the {noun} are missing, first {missing[0]}")
    if functionals.index.has_duplicates:
        raise CorpusError(f"{corpus}: its functionals name an utterance twice; name each once")
    with np.errstate(over="ignore"):  # beyond float32 is as unusable as infinity
        ordered = functionals if functionals.index.equals(table.index) else functionals.reindex(index=table.index)
        ordered = ordered if list(ordered.columns) == list(features) else ordered[list(features)]
        values = ordered.to_numpy(dtype=np.float32)
    counts, files = np.sum(~np.isfinite(values), axis=1), table.index.get_level_values("file")
    failures = {
        row: AudioError(f"{files[row]}: {counts[row]} of its {noun} are not finite numbers; leave it out")
        for row in np.flatnonzero(counts).tolist()
    }
    if strict and failures:
        raise next(iter(failures.values()))
    used, findings = usable_rows(corpus, table.index, values, features, failures)
    return MeasuredCorpus(used, None, findings)
