"""What is to be told of a recording that was tracked, in sentences for people."""

from __future__ import annotations

import pandas as pd

from affectmap.audio.conditions import Bandwidth
from affectmap.audio.quality import narrow_band_note
from affectmap.audio.reading import MIN_DURATION_S
from affectmap.audio.speech_detection import RATE
from affectmap.audio.stream import Recording, Source
from affectmap.model.model import Model


def band_note(bandwidth: Bandwidth, source: Source, model: Model) -> str | None:
    """Tell that a recording ends at a low frequency; None if it does not, or is too short to say.

    Args:
        bandwidth: What was read, at 16 kHz.
        source: Where it was read from.
        model: Holds the least bandwidth that it is fit for.

    Returns:
        The note, without what follows from it.
    """
    if isinstance(source, Recording) and source.seconds_read < MIN_DURATION_S:
        return None  # so short a sound has no band
    return narrow_band_note(bandwidth.hz(), RATE, source.sampling_rate, model.metadata["flags"]["min_bandwidth_hz"])


def rate_notes(source: Source, band_note: str | None) -> list[str]:
    """Tell of the rate and the band; a low rate says all that is to be said of the band.

    Args:
        source: The recording or stream.
        band_note: Of `band_note`.

    Returns:
        Sentences, one or none.
    """
    rate = source.sampling_rate
    if rate < RATE:
        return [
            f"recorded at {rate} Hz: what lies above {rate / 2:g} Hz is missing, which the model never met in "
            "training; expect values further off"
        ]
    notes = [f"recorded at {rate} Hz, resampled to {RATE} Hz, the rate of the model"] if rate > RATE else []
    if band_note:
        notes.append(f"{band_note}, which the model never met in training; expect values further off")
    return notes


def row_notes(table: pd.DataFrame) -> list[str]:
    """Say in a sentence or none how many segments have no values, and why the first has none.

    Args:
        table: Of a track.

    Returns:
        Sentences, one or none.

    Example:
        >>> index = pd.MultiIndex.from_tuples([("a.wav", pd.Timedelta("2s"), pd.Timedelta("3s"))])
        >>> row_notes(pd.DataFrame({"problem": ["too short"]}, index))
        ['the segment has no values, first at 2.0 s: too short']
    """
    problems = table["problem"].dropna()
    if problems.empty:
        return []
    first = f"first at {problems.index[0][1].total_seconds():.1f} s: {problems.iloc[0]}"
    told = f"{len(problems)} of {len(table)} segments have no values" if len(table) > 1 else "the segment has no values"
    return [f"{told}, {first}"]
