"""Voices in numbers that people read, of single recordings: pitch, noise, cepstral peak, speaking rate, pauses.

`affectmap.egemaps.measure_voice` says what each of them is. No model takes them.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from affectmap.audio.cleaning import without_offset
from affectmap.audio.quality import CLIPPED_SHARE, LATER_THRESHOLDS, SignalFlags
from affectmap.audio.reading import Signal
from affectmap.egemaps import VOICE_NAMES, measure_voice
from affectmap.features.recordings import measured_or_not
from affectmap.parallel.workers import in_order
from affectmap.schema import Floats

_OF_SILENCE = ("duration_s", "voiced_share")


def measure_voices(
    files: Sequence[str | Path],
    *,
    channel: int | None = None,
    n_jobs: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[Floats, list[SignalFlags]]:
    """Measure voices, at 16 kHz and with the mean of the signal removed.

    Args:
        files: Recordings of up to ten minutes.
        channel: The only channel to be read, counted from 1; by default all are mixed down.
        n_jobs: Threads; one a core by default.
        progress: Called with the numbers of recordings done and in total.

    Returns:
        Values in the order of `affectmap.egemaps.VOICE_NAMES`, shape (n_files, 13), ``NaN`` where there are none; and
        what the samples say of each recording, every flag in words, with the problem of one that cannot be used. Of
        silence there is nothing but how long it lasts.

    Example:
        >>> values, flags = measure_voices(["missing.wav"])
        >>> values.shape, flags[0].problem
        ((1, 13), 'there is no such file; restore it or correct its path')
    """
    values, flags = np.full((len(files), len(VOICE_NAMES)), np.nan), []
    measure = partial(
        measured_or_not, measure=_values, channel=channel, clipped_share=CLIPPED_SHARE, limits=LATER_THRESHOLDS
    )
    for row, (found, flag) in enumerate(in_order(measure, files, n_jobs or os.cpu_count() or 1)):
        values[row] = found
        if flag.silent:
            values[row, [name not in _OF_SILENCE for name in VOICE_NAMES]] = np.nan
        flags.append(flag if flag.problem else flag._replace(notes=(*flag.notes, *_notes(flag, values[row]))))
        if progress:
            progress(row + 1, len(files))
    return values, flags


def _notes(flag: SignalFlags, values: Floats) -> Iterator[tuple[str, str]]:
    """Say what is seen of samples and values at once, and has no words yet."""
    if flag.silent:
        yield "silent", "it is silent"
    elif not values[VOICE_NAMES.index("voiced_share")]:
        yield "unvoiced", "nothing in it is voiced: no speech, or a whisper"
    if flag.clipped:
        yield "clipped", "its loudest samples lie at full scale and are cut off; record it softer"


def _values(signal: Signal, sampling_rate: int) -> Signal:
    found = measure_voice(without_offset(signal), sampling_rate)
    return np.array([found[name] for name in VOICE_NAMES])
