"""What an engine measures of single recordings, segments and signals, of no corpus.

A broken recording never ends the work: it gives a row without values, and its flags say what the problem is.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import closing
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from affectmap.audio.quality import SignalFlags
from affectmap.audio.reading import READING, Signal, mono_signal
from affectmap.errors import ConfigError
from affectmap.features.engines import check_engine, feature_names, how_measured, measure_functionals
from affectmap.features.recordings import RecordingCache, measured_or_not
from affectmap.features.remote import measured_in_order
from affectmap.features.utterances import Utterance
from affectmap.names import printable
from affectmap.schema import DEFAULT_ENGINE, Engine, Floats

if TYPE_CHECKING:
    import pandas as pd

#: Path of a recording, a segment of one, or a mono signal of shape (n_samples,).
Source = str | Path | Utterance | npt.NDArray[Any]


def measure_sources(
    sources: Sequence[Source],
    sampling_rate: int | None,
    target_rate: int,
    **measuring: Any,  # noqa: ANN401 (options of measure_rows)
) -> tuple[pd.DataFrame, list[SignalFlags]]:
    """Measure as `measure_rows` does, and give a table, indexed by ``file`` where all are paths, else numbered."""
    import pandas as pd

    functionals, flags = measure_rows(sources, sampling_rate, target_rate, **measuring)
    names = feature_names(measuring.get("engine", DEFAULT_ENGINE))
    paths = [printable(each) for each in sources if isinstance(each, (str, Path))]
    index = pd.Index(paths, name="file") if len(paths) == len(sources) > 0 else pd.RangeIndex(len(sources))
    return pd.DataFrame(functionals, index, list(names)), flags


def measure_rows(
    sources: Sequence[Source],
    sampling_rate: int | None,
    target_rate: int,
    *,
    progress: Callable[[int, int], None] | None = None,
    **measuring: Any,  # noqa: ANN401 (options of measure_each)
) -> tuple[Floats, list[SignalFlags]]:
    """Measure the functionals of recordings or signals as `measure_each` does; no corpus.

    Args:
        sources: As of `measure_each`, like all that follows but `progress`.
        sampling_rate: Rate of signals, in Hz.
        target_rate: Rate in Hz at which all are measured.
        progress: Called with the numbers of recordings done and in total.
        **measuring: Engine, thresholds, channel, cache and threads.

    Returns:
        Features (N, F), ``NaN`` where they cannot be had; and what the samples say of each.

    Raises:
        ConfigError: If a signal comes without a sampling rate or is not mono, `n_jobs` is less than 1, or the engine
            measures at another rate.
        ModelError: If the engine's encoder cannot be found.

    Example:
        >>> functionals, flags = measure_rows([np.zeros(160), "missing.wav"], 16000, 16000)
        >>> functionals.shape, [each.problem for each in flags]
        ((2, 88), ['lasts 0.01 s, expected at least 0.06 s', 'there is no such file; restore it or correct its path'])
    """
    signals = [_checked(each, sampling_rate) for each in sources]
    functionals = np.full((len(signals), len(feature_names(measuring.get("engine", DEFAULT_ENGINE)))), np.nan)
    flags = []
    with closing(measure_each(signals, sampling_rate, target_rate, **measuring)) as results:
        for row, (values, found) in enumerate(results):
            functionals[row] = values
            flags.append(found)
            if progress:
                progress(row + 1, len(signals))
    return functionals, flags


def _checked(source: Source, sampling_rate: int | None) -> Source:
    return source if isinstance(source, (str, Path, Utterance)) else mono_signal(source, sampling_rate)


def measure_each(
    sources: Iterable[Source],
    sampling_rate: int | None,
    target_rate: int,
    *,
    engine: Engine = DEFAULT_ENGINE,
    clipped_share: float = 1.0,
    min_bandwidth_hz: float = 0.0,
    min_level: float = 0.0,
    max_pause_share: float = 1.0,
    max_rumble_share: float = 1.0,
    channel: int | None = None,
    cache: RecordingCache | None = None,
    n_jobs: int | None = None,
) -> Generator[tuple[Signal | float, SignalFlags]]:
    """Measure any number of recordings or signals at one rate, on all cores or a cluster, or find them in a cache.

    Args:
        sources: Taken one at a time, a few ahead: paths of files of up to `LONGEST_S`, segments, or mono signals:
            floats with full scale at 1, or whole numbers as a microphone gives them.
        sampling_rate: Rate of signals, in Hz; files know their own.
        target_rate: Rate in Hz to which all are resampled before they are measured.
        engine: What measures.
        clipped_share: Share of samples at full scale from which on a recording counts as clipped, 0..1.
        min_bandwidth_hz: Bandwidth below which a recording counts as narrow, in Hz; this and the next two as in
            `affectmap.audio.quality.SignalFlags.with_levels`.
        min_level: Level below which it counts as quiet, a part of full scale.
        max_pause_share: Share of pauses above which it counts as mostly pause.
        max_rumble_share: Share of what lies below 20 Hz above which it counts as rumble.
        channel: The only channel of files to be read, counted from 1; by default all are mixed down.
        cache: What was measured before; by default nothing is looked up, and nothing kept.
        n_jobs: Threads; one a core by default.

    Yields:
        The features of each in their order (F,), or ``NaN`` where they cannot be had, and what the samples say.

    Raises:
        ConfigError: If a signal comes without a sampling rate or is not mono, `n_jobs` is less than 1, or the engine
            measures at another rate.
        ModelError: If the engine's encoder cannot be found.

    Example:
        >>> [flags.silent for _, flags in measure_each([np.zeros(1600), np.ones(1600)], 16000, 16000)]
        [True, True]
    """
    check_least(1, n_jobs=n_jobs)
    check_engine(engine, target_rate)
    measure = partial(
        _measured_source,
        rate=sampling_rate or 0,
        target_rate=target_rate,
        engine=engine,
        clipped_share=clipped_share,
        limits={
            "min_bandwidth_hz": min_bandwidth_hz,
            "min_level": min_level,
            "max_pause_share": max_pause_share,
            "max_rumble_share": max_rumble_share,
        },
        channel=channel,
    )
    signals = (_checked(each, sampling_rate) for each in sources)
    yield from measured_in_order(measure, signals, engine, dependencies(engine, target_rate), cache, n_jobs)


def _measured_source(
    source: str | Path | Utterance | Signal,
    *,
    engine: Engine,
    **reading: Any,  # noqa: ANN401 (options of measured_or_not)
) -> tuple[Signal | float, SignalFlags]:
    """Give functionals, or NaN, and the flags; a bad recording is no error."""
    return measured_or_not(source, lambda signal, rate: measure_functionals(signal, rate, engine), **reading)


def dependencies(engine: Engine, sampling_rate: int) -> str:
    """Name all that functionals depend on beside the recording."""
    measured = " ".join(how_measured(engine).values())
    return f"{measured} {sampling_rate}Hz reading-{READING} soxr-{metadata.version('soxr')}"


def check_least(least: int, **numbers: int | None) -> None:
    """Raise a `ConfigError` if a number that is given is too small."""
    for name, number in numbers.items():
        if number is not None and number < least:
            raise ConfigError(f"{name} is {number}, expected at least {least}, or no value for the default")
