"""The 88 eGeMAPSv02 functionals, of all utterances of a corpus or of single recordings and signals.

They are openSMILE's, number for number: for mono recordings those of ``Smile(FeatureSet.eGeMAPSv02,
FeatureLevel.Functionals).process_file``, for others those with ``channels=range(n)`` and ``mixdown=True``, and with
``resample=True`` where a rate is given. One thing differs: samples outside of -1..1, as decoders of lossy formats
produce them, are clipped here, while openSMILE lets them wrap around to the other sign.

A broken recording never ends the work: `extract_functionals` drops it with a finding, `measure_sources` gives a row
without values and says what the problem is.
"""

from __future__ import annotations

import os
import platform
import threading
from collections import Counter
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing
from functools import cache as cached
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from affectmap.audio.channels import Mix
from affectmap.audio.conditions import Conditions, measure_conditions
from affectmap.audio.decoding import RATES
from affectmap.audio.quality import LATER_THRESHOLDS, SignalFlags, signal_flags
from affectmap.audio.reading import MIN_DURATION_S, Signal, check_signal, read_recording, resample
from affectmap.errors import AudioError, ConfigError, CorpusError
from affectmap.features.recordings import RecordingCache
from affectmap.features.utterances import (
    Measure,
    Outcome,
    Utterance,
    Work,
    file_digest,
    measure_utterances,
    usable_rows,
)
from affectmap.names import printable
from affectmap.parallel.workers import WorkersError, completed, in_order, on_cluster
from affectmap.schema import FUNCTIONALS, Finding

if TYPE_CHECKING:
    import opensmile

FEATURE_SET = "eGeMAPSv02"
#: Rate in Hz of most speech corpora; a corpus with other rates is named in a note.
USUAL_RATE = 16000
#: Seconds that a file may last for `measure_sources`, which takes it into memory; a track takes any length.
LONGEST_S = 600.0

_READING = 3  # to be raised when recordings are read or mixed down differently: older rows no longer count
_LARGEST_SAMPLE = 32767 / 32768  # openSMILE works on 16 bits
_building = threading.Lock()

#: Path of a recording, a segment of one, or a mono signal of shape (n_samples,).
Source = str | Path | Utterance | npt.NDArray[Any]


class MeasuredCorpus(NamedTuple):
    """What was measured of a corpus.

    Attributes:
        functionals: Shape (n_used, 88), float32, in the order of its table.
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
    sampling_rate: int | None
    path: str
    digest: str | None  # of the file's bytes, where it may be another one


def measure_functionals(signal: Signal, sampling_rate: int) -> Signal:
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


@cached
def _smile() -> opensmile.Smile:
    import opensmile  # half a second, which a run that finds everything in the cache need not spend

    return opensmile.Smile(opensmile.FeatureSet.eGeMAPSv02, opensmile.FeatureLevel.Functionals)


def _measured(signal: Signal, sampling_rate: int) -> Signal:
    """Measure a signal; whatever openSMILE makes of it, one recording does not end the work."""
    try:
        functionals = measure_functionals(signal, sampling_rate)
    except MemoryError:  # the machine is at fault, not the recording
        raise
    except Exception as error:
        raise AudioError(f"openSMILE cannot measure it ({error})") from error
    n_unusable = int(np.sum(~np.isfinite(functionals)))
    if n_unusable:
        raise AudioError(f"{n_unusable} of its 88 functionals are not finite")
    return functionals


def extract_functionals(
    corpus: str,
    table: pd.DataFrame,
    *,
    cache: str | Path | None = None,
    sampling_rate: int | None = None,
    n_jobs: int | None = None,
    strict: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[pd.DataFrame, list[Finding]]:
    """Measure the functionals of all utterances of a corpus, or find them in the cache.

    Functionals depend on the sampling rate. By default every recording is measured at its own, and rates other than
    16 kHz are named in a note.

    Args:
        corpus: Its name.
        table: Its utterances, indexed by file, start and end; columns play no part.
        cache: Folder of the cache; by default the one of `affectmap.features.cache.cache_folder`.
        sampling_rate: Rate in Hz to which every recording is resampled; by default each keeps its own.
        n_jobs: Threads; by default one a core. The result does not depend on it, nor on the cluster that measures
            instead within `affectmap.parallel.cluster.work_on`.
        strict: Whether an unusable utterance is an error; by default it is dropped with a finding.
        progress: Called with the numbers of utterances done and in total.

    Returns:
        The functionals, float32, shape (n_used, 88), indexed as `table` and in its order, without the dropped
        utterances; and the findings: the dropped utterances (``unreadable``) in their order, then notes.

    Raises:
        AudioError: If no utterance can be used, or one cannot and `strict` is set.
        ConfigError: If `sampling_rate` or `n_jobs` is less than 1.

    Example:
        >>> import soundfile, tempfile
        >>> from affectmap.schema import segmented_index
        >>> file = Path(tempfile.mkdtemp()) / "hum.wav"
        >>> soundfile.write(file, 0.5 * np.sin(2 * np.pi * 220 * np.arange(8000) / 16000), 16000)
        >>> table = pd.DataFrame(index=segmented_index([str(file)]))
        >>> functionals, findings = extract_functionals("hums", table, cache=file.parent / "cache")
        >>> functionals.shape, findings
        ((1, 88), [])
    """
    measured = _measured_corpus(
        corpus, table, cache=cache, sampling_rate=sampling_rate, n_jobs=n_jobs, strict=strict, progress=progress
    )
    return measured.functionals, measured.findings


def _measured_corpus(
    corpus: str,
    table: pd.DataFrame,
    *,
    sampling_rate: int | None = None,
    n_jobs: int | None = None,
    **measuring: Any,  # noqa: ANN401 (options of measure_utterances)
) -> MeasuredCorpus:
    """Measure functionals and recording conditions at one reading of every recording; see `extract_functionals`."""
    _check_positive(sampling_rate=sampling_rate, n_jobs=n_jobs)
    how = _how(sampling_rate)
    columns = ("sampling_rate", "uneven_channels", *Conditions._fields, *FUNCTIONALS)
    measure = Measure(columns, how, partial(_outcomes, sampling_rate=sampling_rate))
    name = f"{corpus}-{FEATURE_SET}-{_rate_name(sampling_rate)}-{_READING}"
    rows, findings = measure_utterances(corpus, table.index, measure, name, n_jobs=n_jobs, **measuring)
    notes = [] if sampling_rate else _rate_notes(rows["sampling_rate"].to_numpy())
    notes += _condition_notes(rows)
    return MeasuredCorpus(
        rows[list(FUNCTIONALS)],
        rows[list(Conditions._fields)],
        [*findings, *(Finding(corpus, "", "note", note) for note in notes)],
    )


def _rate_name(sampling_rate: int | None) -> str:
    return f"{sampling_rate}Hz" if sampling_rate else "own-rate"


def _how(sampling_rate: int | None) -> str:
    """Name all that functionals depend on beside the recording."""
    how = f"{FEATURE_SET} {_rate_name(sampling_rate)} opensmile-{metadata.version('opensmile')} reading-{_READING}"
    return f"{how} soxr-{metadata.version('soxr')}" if sampling_rate else how


def _outcomes(work: Work, *, sampling_rate: int | None) -> Generator[tuple[int, Outcome], None, None]:
    """Measure on threads of this process, or on the workers of a cluster."""
    away, numbers, recordings = on_cluster(), list(work.utterances), []
    for utterance in work.utterances.values():
        # Links have the same names everywhere, maybe: they are not followed.
        path = os.path.abspath(utterance.file) if away else utterance.file  # noqa: PTH100
        recordings.append(_Recording(utterance, sampling_rate, path, work.digests[utterance.file] if away else None))
    results = completed(_outcome, recordings, backend=None if away else work.threads, batch_size="auto")
    with closing(results):
        for number, outcome in results:
            yield numbers[number], outcome


def _outcome(recording: _Recording) -> Outcome:
    """Give rate, whether channels are uneven, conditions and functionals, shape (95,), or why there are none."""
    (file, start_s, end_s), sampling_rate, path, digest = recording
    if digest is not None and file_digest(path) != digest:
        raise WorkersError(
            f"{path} is not on {platform.node()} what it is here; workers read recordings themselves: keep them where "
            "all machines see them under one path"
        )
    try:
        signal, own_rate, mix, _ = read_recording(path, start_s, end_s)
        check_signal(signal, own_rate, path)
        rate, conditions = sampling_rate or own_rate, measure_conditions(signal, own_rate)
        signal = resample(signal, own_rate, rate)
        check_signal(signal, rate, path)  # resampling may lose the one sample that the duration needs
    except AudioError as error:
        return AudioError(f"{Path(file)}: {str(error).removeprefix(f'{path}: ')}") if path != file else error
    try:
        return np.concatenate([np.array([own_rate, bool(mix.notes), *conditions], np.float32), _measured(signal, rate)])
    except AudioError as error:
        return AudioError(f"{Path(file)}: {error}; leave it out")


def _condition_notes(rows: pd.DataFrame) -> list[str]:
    """Tell of recordings with uneven channels, and of a narrow band that their rate does not explain."""
    least_hz = LATER_THRESHOLDS["min_bandwidth_hz"]
    narrow = (rows["bandwidth_hz"] < least_hz) & (rows["bandwidth_hz"] > 0) & (rows["sampling_rate"] > 2 * least_hz)
    told = {
        "have channels that are not one sound alike; affectmap embed says of a recording which were left out": (
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


def _rate_notes(rates: Signal) -> list[str]:
    counts = Counter(int(rate) for rate in rates)
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


def corpus_functionals(
    corpus: str,
    table: pd.DataFrame,
    functionals: pd.DataFrame | None = None,
    *,
    strict: bool = False,
    **measuring: Any,  # noqa: ANN401 (options of extract_functionals)
) -> MeasuredCorpus:
    """Give the functionals that a corpus brings, or else those of its recordings, as `extract_functionals`."""
    if functionals is None:
        return _measured_corpus(corpus, table, strict=strict, **measuring)
    missing = [name for name in FUNCTIONALS if name not in functionals.columns]
    if missing:
        raise CorpusError(f"{corpus}: {len(missing)} of the 88 functionals are missing, first {missing[0]}")
    if functionals.index.has_duplicates:
        raise CorpusError(f"{corpus}: its functionals name an utterance twice; name each once")
    with np.errstate(over="ignore"):  # beyond float32 is as unusable as infinity
        ordered = functionals if functionals.index.equals(table.index) else functionals.reindex(index=table.index)
        ordered = ordered if list(ordered.columns) == list(FUNCTIONALS) else ordered[list(FUNCTIONALS)]
        values = ordered.to_numpy(dtype=np.float32)
    counts, files = np.sum(~np.isfinite(values), axis=1), table.index.get_level_values("file")
    failures = {
        row: AudioError(f"{files[row]}: {counts[row]} of its 88 functionals are not finite numbers; leave it out")
        for row in np.flatnonzero(counts).tolist()
    }
    if strict and failures:
        raise next(iter(failures.values()))
    used, findings = usable_rows(corpus, table.index, values, FUNCTIONALS, failures)
    return MeasuredCorpus(used, None, findings)


def measure_sources(
    sources: Sequence[Source],
    sampling_rate: int | None,
    target_rate: int,
    *,
    clipped_share: float = 1.0,
    min_bandwidth_hz: float = 0.0,
    min_level: float = 0.0,
    max_pause_share: float = 1.0,
    channel: int | None = None,
    cache: RecordingCache | None = None,
    n_jobs: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[pd.DataFrame, list[SignalFlags]]:
    """Measure the functionals of recordings or signals at one rate, on all cores, or find them in a cache; no corpus.

    Args:
        sources: Paths of files of up to `LONGEST_S`, segments, or mono signals: floats with full scale at 1, or whole
            numbers as a microphone gives them.
        sampling_rate: Rate of signals, in Hz; files know their own.
        target_rate: Rate in Hz to which all are resampled before they are measured.
        clipped_share: Share of samples at full scale from which on a recording counts as clipped, 0..1.
        min_bandwidth_hz: Bandwidth below which a recording counts as narrow, in Hz; this and the next two as in
            `affectmap.audio.quality.SignalFlags.heard`.
        min_level: Level below which it counts as quiet, a part of full scale.
        max_pause_share: Share of pauses above which it counts as mostly pause.
        channel: The only channel of files to be read, counted from 1; by default all are mixed down.
        cache: What was measured before; by default nothing is looked up, and nothing kept.
        n_jobs: Threads; one a core by default.
        progress: Called with the numbers of recordings done and in total.

    Returns:
        Functionals (N, 88), float64, ``NaN`` where they cannot be had, indexed by ``file`` where all are paths (as
        `printable` writes them) and numbered elsewhere; and what the samples say of each.

    Raises:
        ConfigError: If a signal comes without a sampling rate or is not mono, or `n_jobs` is less than 1.

    Example:
        >>> functionals, flags = measure_sources([np.zeros(160), "missing.wav"], 16000, 16000)
        >>> functionals.shape, [each.problem for each in flags]
        ((2, 88), ['lasts 0.01 s, expected at least 0.06 s', 'there is no such file; restore it or correct its path'])
    """
    _check_positive(n_jobs=n_jobs)
    recordings = (str, Path, Utterance)
    signals = [each if isinstance(each, recordings) else _checked_signal(each, sampling_rate) for each in sources]
    measure = partial(
        _measured_source,
        rate=sampling_rate or 0,
        target_rate=target_rate,
        clipped_share=clipped_share,
        limits={"min_bandwidth_hz": min_bandwidth_hz, "min_level": min_level, "max_pause_share": max_pause_share},
        channel=channel,
    )
    found_or_measured = cache.remembered(measure, _how(target_rate)) if cache else measure
    functionals = np.full((len(signals), len(FUNCTIONALS)), np.nan)
    flags = []
    # Threads, not processes: openSMILE lets go of Python's lock while it measures.
    for row, (values, found) in enumerate(in_order(found_or_measured, signals, n_jobs or os.cpu_count() or 1)):
        functionals[row] = values
        flags.append(found)
        if progress:
            progress(row + 1, len(signals))
    paths = [printable(each) for each in sources if isinstance(each, (str, Path))]
    named = len(paths) == len(signals) > 0
    index = pd.Index(paths, name="file") if named else pd.RangeIndex(len(signals))
    return pd.DataFrame(functionals, index, list(FUNCTIONALS)), flags


def _measured_source(
    source: str | Path | Utterance | Signal,
    *,
    rate: int,
    target_rate: int,
    clipped_share: float,
    limits: Mapping[str, float],
    channel: int | None,
) -> tuple[Signal | float, SignalFlags]:
    """Give functionals, or NaN, and the flags; a bad recording is no error."""
    flags, mix, notes = SignalFlags(), Mix(), tuple[str, ...]()
    try:
        if isinstance(source, np.ndarray):
            signal = source
        else:
            file, *times = source if isinstance(source, Utterance) else (source,)
            longest_s = None if times else LONGEST_S
            signal, rate, mix, notes = read_recording(file, *times, longest_s=longest_s, channel=channel)
        flags = signal_flags(signal, rate, clipped_share).mixed(mix, notes)
        if flags.problem:
            return np.nan, flags
        signal = resample(signal, rate, target_rate)
        if len(signal) < MIN_DURATION_S * target_rate:  # resampling may lose the one sample that it needs
            return np.nan, signal_flags(signal, target_rate, clipped_share)
        flags = flags.heard(signal, target_rate, rate, **limits)
        return _measured(signal, target_rate), flags
    except AudioError as error:  # one recording does not end the rest
        named = "" if isinstance(source, np.ndarray) else f"{file}: "
        return np.nan, flags._replace(problem=str(error).removeprefix(named))
    except MemoryError as error:
        return np.nan, flags._replace(problem=f"memory does not suffice to measure it ({error})")


def _checked_signal(signal: npt.ArrayLike, sampling_rate: int | None) -> Signal:
    found = np.asarray(signal)
    if sampling_rate is None:
        raise ConfigError("a signal needs its sampling rate in Hz; give sampling_rate=16000 or the like")
    low, high = RATES
    if not low <= sampling_rate <= high:
        raise ConfigError(f"sampling_rate is {sampling_rate}; expected {low} to {high} Hz")
    if found.ndim != 1 or found.dtype.kind not in "fi":
        raise ConfigError(
            f"a signal has shape {found.shape} of {found.dtype}; expected mono numbers of shape (n_samples,); "
            "give one channel, or a file, whose channels are mixed down"
        )
    if found.dtype.kind == "i":
        found = found / -float(np.iinfo(found.dtype).min)
    return found.astype(np.float32)
