"""Turns: segments of speech split where the speaker changes, and cut anew in a second reading.

Conventions:
    * Places are samples at 16 kHz; levels and states come one a chunk of 512 samples, 32 ms.
    * A part shorter than `MIN_TURN_S` goes to its longer neighbour in the segment: so short a part can hardly be
      measured, and a wrong change costs more than a missed one.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from affectmap.audio.reading import Signal
from affectmap.audio.speech_detection import CHUNK, RATE, Segment
from affectmap.schema import Floats

#: Shortest part that a segment is split into, in seconds.
MIN_TURN_S = 1.0

States = NDArray[np.int64]


class Turn(NamedTuple):
    """A part of a recording in which one speaks.

    Attributes:
        first: Its first sample.
        last: The sample after its last.
        speech: Mean probability of speech, NaN where it is not known.
        speaker: Who speaks; None where it is not known.
        wanted: Whether it is to be measured.
    """

    first: int
    last: int
    speech: float
    speaker: str | None = None
    wanted: bool = True


class Levels:
    """Loudness of every chunk of a recording, in dB of full scale.

    Example:
        >>> levels = Levels()
        >>> for block in (np.ones(300, np.float32), np.ones(1000, np.float32)):
        ...     levels.add(block)
        >>> levels.decibels().tolist()
        [0.0, 0.0]
    """

    def __init__(self) -> None:
        self._left = np.empty(0, np.float32)
        self._powers: list[Floats] = []

    def add(self, block: Signal) -> None:
        """Take the next block."""
        signal = np.concatenate([self._left, block])
        n_whole = len(signal) // CHUNK
        self._left = signal[n_whole * CHUNK :].copy()
        self._powers.append(np.square(signal[: n_whole * CHUNK], dtype=np.float64).reshape(-1, CHUNK).mean(axis=1))

    def decibels(self) -> Floats:
        """Give the levels so far, at least -130."""
        powers = np.concatenate(self._powers) if self._powers else np.empty(0)
        return np.asarray(10 * np.log10(np.maximum(powers, 1e-13)))


class TurnCutter:
    """Cut a signal into turns that are known, in whatever blocks it comes; only what is still needed is kept.

    Args:
        turns: By their first sample; they may overlap.

    Example:
        >>> cutter = TurnCutter([Turn(2, 5, 1.0), Turn(4, 8, 1.0)])
        >>> parts = cutter.push(np.arange(6, dtype=np.float32)) + cutter.push(np.arange(6, 9, dtype=np.float32))
        >>> [part.signal.tolist() for part in parts]
        [[2.0, 3.0, 4.0], [4.0, 5.0, 6.0, 7.0]]
    """

    def __init__(self, turns: Sequence[Turn]) -> None:
        self._turns, self._next = turns, 0
        self._signal, self._first = np.empty(0, np.float32), 0

    def push(self, block: Signal) -> list[Segment]:
        """Take the next block and give the turns that it completes."""
        self._signal = np.concatenate([self._signal, block])
        segments, end = [], self._first + len(self._signal)
        while self._next < len(self._turns) and self._turns[self._next].last <= end:
            turn = self._turns[self._next]
            signal = self._signal[turn.first - self._first : turn.last - self._first].copy()
            segments.append(Segment(turn.first, signal, turn.speech))
            self._next += 1
        needed = self._turns[self._next].first if self._next < len(self._turns) else end
        dropped = min(max(needed - self._first, 0), len(self._signal))
        self._signal, self._first = self._signal[dropped:], self._first + dropped
        return segments

    def finish(self) -> list[Segment]:
        """Give nothing more: every turn ends within the signal."""
        return []

    def notes(self) -> list[str]:
        """Tell nothing: what was left out was told when the turns were found."""
        return []


def states_by_chunk(first: int, last: int, middles: Floats, states: States, levels: Floats) -> States:
    """Carry the states of windows to the chunks of their segment; a change lies where it is quietest in between.

    Args:
        first: First sample of the segment.
        last: The sample after its last.
        middles: Middles of the windows, in samples of the recording.
        states: State of each window.
        levels: Of all chunks of the recording, in dB.

    Returns:
        One state a chunk, the first being that of the sample `first`.

    Example:
        >>> levels = np.array([0, 0, 0, -30, 0, 0, 0.0])
        >>> states_by_chunk(0, 7 * CHUNK, np.array([512, 2560]), np.array([0, 1]), levels).tolist()
        [0, 0, 0, 1, 1, 1, 1]
    """
    begin = first // CHUNK
    found = np.full(max(1, -(-last // CHUNK) - begin), states[0], np.int64)
    for i in np.flatnonzero(np.diff(states)) + 1:
        low, high = (int(middles[each]) // CHUNK for each in (i - 1, i))
        between = levels[low + 1 : high + 1]
        change = low + 1 + int(np.argmin(between)) if len(between) else high
        found[change - begin :] = states[i]
    return found


def split_segment(first: int, last: int, states: States) -> list[tuple[int, int, int]]:
    """Split a segment where the state changes, none of the parts being shorter than `MIN_TURN_S` unless it is all.

    Args:
        first: First sample of the segment.
        last: The sample after its last.
        states: As `states_by_chunk` gives them.

    Returns:
        First sample, the sample after the last, and the state of each part.

    Example:
        >>> split_segment(0, 100 * CHUNK, np.repeat([0, 1, 0], [50, 10, 40]))
        [(0, 51200, 0)]
        >>> split_segment(0, 100 * CHUNK, np.repeat([0, 1], [60, 40]))
        [(0, 30720, 0), (30720, 51200, 1)]
    """
    runs = [[state, len(list(group))] for state, group in groupby(states.tolist())]
    while len(runs) > 1 and min(length for _, length in runs) * CHUNK < MIN_TURN_S * RATE:
        shortest = min(range(len(runs)), key=lambda i: runs[i][1])
        around = [i for i in (shortest - 1, shortest + 1) if 0 <= i < len(runs)]
        runs[shortest][0] = runs[max(around, key=lambda i: runs[i][1])][0]
        runs = [[state, sum(length for _, length in group)] for state, group in groupby(runs, key=lambda run: run[0])]
    parts, begin, chunk = [], first, first // CHUNK
    for i, (state, length) in enumerate(runs):
        chunk += length
        end = last if i == len(runs) - 1 else chunk * CHUNK
        parts.append((begin, end, state))
        begin = end
    return parts
