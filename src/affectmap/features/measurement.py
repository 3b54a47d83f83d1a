"""Functionals of recordings or signals at one sampling rate, and what is wrong with each; a bad one stops nothing.

Unlike `features.functionals` this knows no corpus and keeps no cache: a recording is measured, and nothing of it
stays.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from affectmap.audio.quality import SignalFlags, signal_flags
from affectmap.audio.reading import MIN_DURATION_S, RATES, printable, read_audio, resample
from affectmap.errors import AudioError, ConfigError
from affectmap.features.functionals import measure_functionals
from affectmap.schema import FUNCTIONALS

Floats = npt.NDArray[np.float64]
#: Path of a recording, or a mono signal of shape (n_samples,).
Source = str | Path | npt.NDArray[Any]
#: Seconds that a file may last: one is measured as a whole, in memory; `affectmap.track.recording` takes any length.
LONGEST_S = 600.0


def measure_sources(
    sources: Sequence[Source],
    sampling_rate: int | None,
    target_rate: int,
    *,
    clipped_share: float = 1.0,
    n_jobs: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[pd.DataFrame, list[SignalFlags]]:
    """Measure the functionals of recordings or signals, on all cores.

    Args:
        sources: Paths of files of up to `LONGEST_S`, or mono signals: floats with full scale at 1, or whole
            numbers as a microphone gives them.
        sampling_rate: Of signals, in Hz; files know their own.
        target_rate: Rate in Hz to which all are resampled before they are measured.
        clipped_share: Share of samples at full scale from which on a recording counts as clipped, 0..1.
        n_jobs: Threads; one a core by default.
        progress: Called with the numbers of recordings done and in total.

    Returns:
        Functionals (N, 88), float64, ``NaN`` where they cannot be had, indexed by ``file`` where all are paths (as
        `printable` writes them) and numbered elsewhere; and what the samples tell of each.

    Raises:
        ConfigError: If a signal comes without a sampling rate or is not mono, or `n_jobs` is less than 1.

    Example:
        >>> functionals, heard = measure_sources([np.zeros(160), "missing.wav"], 16000, 16000)
        >>> functionals.shape, [each.problem for each in heard]
        ((2, 88), ['lasts 0.01 s, expected at least 0.06 s', 'there is no such file; restore it or correct its path'])
    """
    if n_jobs is not None and n_jobs < 1:
        raise ConfigError(f"n_jobs is {n_jobs}, expected at least 1, or None for one a core")
    signals = [each if isinstance(each, (str, Path)) else _checked_signal(each, sampling_rate) for each in sources]
    functionals = np.full((len(signals), len(FUNCTIONALS)), np.nan)
    heard = []
    # Threads, not processes: openSMILE lets go of Python's lock while it measures.
    pool = ThreadPoolExecutor(min(n_jobs or os.cpu_count() or 1, max(1, len(signals))))
    try:
        found = pool.map(lambda each: _measured(each, sampling_rate, target_rate, clipped_share), signals)
        for row, (values, told) in enumerate(found):
            heard.append(told)
            functionals[row] = values
            if progress:
                progress(row + 1, len(signals))
    finally:
        pool.shutdown(cancel_futures=True)
    paths = [printable(each) for each in sources if isinstance(each, (str, Path))]
    named = len(paths) == len(signals) > 0
    index = pd.Index(paths, name="file") if named else pd.RangeIndex(len(signals))
    return pd.DataFrame(functionals, index, list(FUNCTIONALS)), heard


def _measured(
    source: Source, sampling_rate: int | None, target_rate: int, clipped_share: float
) -> tuple[Floats, SignalFlags]:
    nothing = np.full(len(FUNCTIONALS), np.nan)
    try:
        signal, rate = (source, sampling_rate or 0) if isinstance(source, np.ndarray) else _read(source)
        told = signal_flags(signal, rate, clipped_share)
        if told.problem:
            return nothing, told
        signal = resample(signal, rate, target_rate)
        if len(signal) < MIN_DURATION_S * target_rate:  # resampling may lose the one sample that it needs
            return nothing, signal_flags(signal, target_rate, clipped_share)
        functionals = np.asarray(measure_functionals(signal, target_rate), dtype=np.float64)
    except AudioError as error:
        return nothing, SignalFlags(False, False, False, str(error).removeprefix(f"{source}: "))
    except (RuntimeError, MemoryError) as error:  # one recording does not end the rest
        return nothing, SignalFlags(False, False, False, f"openSMILE cannot measure it ({error})")
    n_unusable = int(np.count_nonzero(~np.isfinite(functionals)))
    if n_unusable:
        return nothing, told._replace(problem=f"{n_unusable} of its 88 functionals are not finite")
    return functionals, told


def _read(file: str | Path) -> tuple[npt.NDArray[np.float32], int]:
    return read_audio(file, longest_s=LONGEST_S)


def _checked_signal(signal: npt.ArrayLike, sampling_rate: int | None) -> npt.NDArray[np.float32]:
    found = np.asarray(signal)
    if sampling_rate is None:
        raise ConfigError("a signal needs its sampling rate in Hz; give sampling_rate=16000 or the like")
    low, high = RATES
    if not low <= sampling_rate <= high:
        raise ConfigError(f"sampling_rate is {sampling_rate}; expected {low} to {high} Hz")
    if found.ndim != 1 or found.dtype.kind not in "fi":
        raise ConfigError(
            f"a signal has shape {found.shape} of {found.dtype}; expected mono numbers of shape (n_samples,); "
            "average its channels first"
        )
    if found.dtype.kind == "i":
        found = found / -float(np.iinfo(found.dtype).min)
    return found.astype(np.float32)
