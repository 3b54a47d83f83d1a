"""Jitter and shimmer: the length and height of single glottal periods, found by correlating neighbouring periods.

Conventions: positions count samples from the start of the recording; lengths of periods are in samples. Every voiced
stretch is walked through on its own; all stretches of a block take their next step together, for speed.

Source: Eyben et al. (2016), "jitter" and "shimmer"; the walk from period to period as in openSMILE 2.6.
"""

from collections.abc import Generator
from math import ceil, floor, log10
from typing import NamedTuple

import numpy as np

from affectmap.egemaps.framing import STEP_S, Floats, FrameGrid
from affectmap.egemaps.period_matching import Match, Request, match_periods

# Periods are looked for within 10 % of the length that F0 tells.
SEARCH_RANGE = 0.1
LEAST_CORRELATION = 0.5
# Two frames may match the same periods. Their lengths' difference is 0 but for rounding, and a jitter of exactly 0 is
# left out of smoothing and statistics.
ROUNDING = 1e-10
REQUESTS_AT_ONCE = 32

Walk = Generator[Request, Match, list[tuple[float, float]]]


class WalkTask(NamedTuple):
    """A walk through one stretch.

    Attributes:
        walk: What asks for matches and ends with jitter and shimmer of each frame.
        shift: What to add to the walk's positions to get places in the samples at hand.
        values: Where the result belongs, shape (n_frames, 2).
    """

    walk: Walk
    shift: int
    values: Floats


class PeriodTracker:
    """Follow the periods of a recording, some frames at a time."""

    def __init__(self, grid: FrameGrid) -> None:
        self._grid = grid
        self._n_frames = 0
        self._open: _Stretch | None = None

    @property
    def position(self) -> int | None:
        """Give the first sample that is needed from now on, None between stretches."""
        return self._open.position if self._open else None

    def plan(self, f0: Floats, samples: Floats, offset: int) -> tuple[Floats, list[WalkTask]]:
        """Take in the next frames, whose walks are to be run before more are taken in.

        Args:
            f0: In Hz, 0 for unvoiced, shape (n_frames,).
            samples: Not needed before the walks are run.
            offset: Position of the first sample at hand, `position` or earlier.

        Returns:
            Local jitter in [0, 1] and shimmer in dB, 0 in unvoiced frames, shape (n_frames, 2), known once the walks
            have run; and the walks.
        """
        values = np.zeros((len(f0), 2))
        tasks = []
        if len(f0) and f0[0] <= 0:
            self._open = None
        borders = np.flatnonzero(np.diff(f0 > 0, prepend=False, append=False)).reshape(-1, 2)
        for first, end in borders.tolist():
            stretch = self._open or _Stretch(self._grid, self._n_frames + first)
            tasks.append(WalkTask(stretch.walk(f0[first:end].tolist()), -offset, values[first:end]))
            self._open = stretch if end == len(f0) else None
        self._n_frames += len(f0)
        return values, tasks


def run_walks(tasks: list[WalkTask], samples: Floats) -> None:
    """Run walks side by side: in each round the requests of all are answered at once.

    Args:
        tasks: Of one recording or several.
        samples: float64, shape (n_samples,).
    """
    answers: list[tuple[WalkTask, Match | None]] = [(task, None) for task in tasks]
    while answers:
        waiting: list[tuple[Request, WalkTask]] = []
        for task, answer in answers:
            try:
                position, shortest, longest = next(task.walk) if answer is None else task.walk.send(answer)
            except StopIteration as stop:
                task.values[:] = stop.value
                continue
            waiting.append(((position + task.shift, shortest, longest), task))
        # Periods of about one length, for shorter ones are filled up.
        waiting.sort(key=_longest)
        answers = []
        for first in range(0, len(waiting), REQUESTS_AT_ONCE):
            requests, askers = zip(*waiting[first : first + REQUESTS_AT_ONCE], strict=True)
            answers += zip(askers, match_periods(samples, list(requests)), strict=True)


def _longest(waiting: tuple[Request, WalkTask]) -> int:
    return waiting[0][2]


class _Stretch:
    """A voiced stretch; the last period of a frame is compared with the first of the next."""

    def __init__(self, grid: FrameGrid, first_frame: int) -> None:
        self._grid = grid
        self._hop = ceil(STEP_S * grid.sampling_rate)
        self._frame = first_frame
        self.position = first_frame * grid.step
        self._rest = 0
        self._last_length = self._jitter = self._shimmer = 0.0

    def walk(self, f0: list[float]) -> Walk:
        """Walk through the next frames: ask for matches, and give jitter and shimmer of each frame."""
        rows = []
        for value in f0:
            yield from self._walk_frame(value)
            rows.append((min(1.0, self._jitter), 20 * log10(1 + min(1.0, self._shimmer))))
        return rows

    def _walk_frame(self, f0: float) -> Generator[Request, Match, None]:
        """Walk through a frame and update jitter and shimmer; without any period they stay.

        jitter = mean(|T_i - T_(i-1)|) / mean(T_i),   shimmer = sum(|A_i - A_(i+1)|) / sum((A_i + A_(i+1)) / 2)
        """
        start = self._frame * self._grid.step
        self._frame += 1
        n_new, limit = self._hop + self._rest, self._grid.long + self._rest
        if start - self._rest != self.position:
            self.position, limit = start, self._grid.long
        length = self._grid.sampling_rate / f0
        shortest, longest = floor((1 - SEARCH_RANGE) * length), ceil((1 + SEARCH_RANGE) * length)
        end = min(max(n_new, 2 * longest + 2), limit) - 2 * longest - 1
        expected = floor(length + 0.5)
        n_lengths = n_jumps = at = done = 0
        lengths = jumps = heights = differences = 0.0
        while at < end:
            match = yield self.position + at, shortest, longest
            period, length, correlation, height, next_height = match
            if correlation > LEAST_CORRELATION:
                if self._last_length > 0:
                    jump = abs(self._last_length - length)
                    jumps += jump if jump > ROUNDING * length else 0.0
                    n_jumps += 1
                self._last_length = length
                lengths += length
                n_lengths += 1
                heights += (height + next_height) / 2
                differences += abs(height - next_height)
            at += period or expected
            if at < n_new - 1:
                done = at
        if n_lengths:
            self._jitter = (jumps / n_jumps) / (lengths / n_lengths) if n_jumps else 0.0
            self._shimmer = differences / heights if heights else 0.0
        self._rest = n_new - done
        self.position += done
