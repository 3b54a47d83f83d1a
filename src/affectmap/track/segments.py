"""Cut a source of sound into segments and measure them, in order, on all cores, with only a few segments in memory."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from affectmap.audio.conditions import Bandwidth
from affectmap.audio.quality import SignalFlags
from affectmap.audio.reading import Signal
from affectmap.audio.speech_detection import RATE, Cutter, Segment
from affectmap.audio.stream import Source, at_rate
from affectmap.features.recordings import RecordingCache
from affectmap.model.model import Model
from affectmap.parallel.workers import in_order
from affectmap.track.turns import TurnCutter


class Measured(NamedTuple):
    """A segment without its samples.

    Attributes:
        start_s: Its begin in seconds.
        end_s: Its end.
        speech: Mean probability of speech, 0..1 or NaN.
        functionals: Shape (F,), as the model takes them; NaN where they cannot be had.
        flags: What is wrong with its samples.
        speaker: Who speaks, where that was asked.
    """

    start_s: float
    end_s: float
    speech: float
    functionals: NDArray[np.float64]
    flags: SignalFlags
    speaker: str | None = None


def measured_segments(
    source: Source,
    cutter: Cutter | TurnCutter,
    model: Model,
    n_threads: int,
    progress: Callable[[float], None] | None = None,
    cache: RecordingCache | None = None,
    bandwidth: Bandwidth | None = None,
) -> Iterator[Measured]:
    """Read, cut and measure.

    Args:
        source: What is read.
        cutter: What cuts it; at 16 kHz.
        model: Its `Model.measure` is called for every segment.
        n_threads: Threads that measure beside the one that reads; 0 to measure every segment at once and give it
            before more is read, as a stream needs it.
        progress: Called with the seconds read.
        cache: What was measured before, of the same samples.
        bandwidth: Gets what is read, at 16 kHz.

    Yields:
        The segments in their order; it does not depend on the threads.

    Raises:
        AudioError: If the source cannot be read.

    Example:
        >>> import io
        >>> from affectmap.audio.stream import PulseCode
        >>> from affectmap.model.model import load_model
        >>> from affectmap.audio.speech_detection import WindowCutter
        >>> pcm = PulseCode(io.BytesIO(bytes(2 * 40000)), 16000)
        >>> [segment.end_s for segment in measured_segments(pcm, WindowCutter(1.0), load_model(), 0)]
        [1.0, 2.0, 2.5]
    """
    cut = cut_segments(source, cutter, progress, bandwidth.add if bandwidth else None)
    segments = ((segment, _is_broken(segment, source.gaps)) for segment in cut)
    return in_order(lambda each: _measured(*each, model, cache), segments, n_threads)


def cut_segments(
    source: Source,
    cutter: Cutter | TurnCutter,
    progress: Callable[[float], None] | None = None,
    listener: Callable[[Signal], None] | None = None,
) -> Iterator[Segment]:
    """Read and cut; `listener` gets every block at 16 kHz, before it is cut."""
    n_samples = 0
    for block in at_rate(source, RATE):
        if listener:
            listener(block)
        yield from cutter.push(block)
        n_samples += len(block)
        if progress:
            progress(n_samples / RATE)
    yield from cutter.finish()


def _is_broken(segment: Segment, gaps: list[tuple[float, float]]) -> bool:
    """Whether a segment touches a gap; `gaps` are in order, and a long file may have one in every block."""
    start_s, end_s = _times(segment)
    after = bisect_right(gaps, start_s, key=lambda gap: gap[1])
    return after < len(gaps) and gaps[after][0] < end_s


def _times(segment: Segment) -> tuple[float, float]:
    return segment.first / RATE, (segment.first + len(segment.signal)) / RATE


def _measured(segment: Segment, is_broken: bool, model: Model, cache: RecordingCache | None) -> Measured:
    start_s, end_s = _times(segment)
    if is_broken:
        broken = SignalFlags(problem="some of its samples are NaN or infinity")
        return Measured(start_s, end_s, segment.speech, np.full(len(model.inputs), np.nan), broken)
    functionals, flags = model.measure([segment.signal], RATE, cache=cache, n_jobs=1)
    return Measured(start_s, end_s, segment.speech, functionals.to_numpy(np.float64)[0], flags[0])
