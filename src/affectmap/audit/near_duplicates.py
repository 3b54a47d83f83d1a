"""Recordings that hold the same sound, found by content: whatever their names, levels, formats and ends.

Two utterances whose 88 functionals are equal to the last bit are the same sound to every model here. Copies at another
level, in another format or trimmed differ in most functionals, but hardly in the pitch and the spectrum of voiced
frames: the nearest neighbours there are candidates, and the recordings decide. They are shifted to where they fit best
(the highest cross-correlation) and must then be alike in all that they have in common. So recordings that were cut from
one another, and overlap, are found as well.

Conventions:
    * Rows of several corpora are numbered one after another.
    * Not found: copies played at another speed, under noise, or at another sampling rate (bring corpora to one), parts
      so short that they hardly bear on the functionals, and copies without any voiced frame that are not equal.
    * Functionals without recordings are compared among themselves.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from affectmap.audio.reading import read_audio, resample
from affectmap.errors import AudioError
from affectmap.schema import FUNCTIONALS

Features = npt.NDArray[np.float32]
Floats = npt.NDArray[np.float64]
Signal = npt.NDArray[np.float32]

#: What neither level nor ends change much, pitch and spectrum of voiced frames, with its usual spread (1.48 times the
#: median distance to the median, over the recordings of EMO-DB, URDU and AESDD).
STEADY = {
    "F0semitoneFrom27.5Hz_sma3nz_percentile50.0": 6.6,
    "F0semitoneFrom27.5Hz_sma3nz_percentile80.0": 6.9,
    "mfcc1V_sma3nz_amean": 8.8,
    "mfcc2V_sma3nz_amean": 10.7,
    "mfcc3V_sma3nz_amean": 12.2,
    "mfcc4V_sma3nz_amean": 12.0,
    "alphaRatioV_sma3nz_amean": 5.4,
    "hammarbergIndexV_sma3nz_amean": 5.9,
}
#: Distance in these, in spreads, up to which recordings are compared: nine of ten copies that are trimmed by 0.15 s at
#: both ends or coded as MP3 lie below it.
NEAR = 0.45
#: Where there are no recordings: the same distance, and the relative difference up to which functionals count as equal
#: but for rounding.
ROUNDED = 0.001
#: Neighbours of each row that are looked at, and pairs that are compared at most, the nearest first.
N_NEIGHBOURS, MOST_COMPARED = 4, 5000
#: Least correlation of what two recordings have in common, least seconds of it, and the share of the shorter one that
#: makes it the same recording and no overlap.
ALIKE, LEAST_S, WHOLE = 0.95, 0.5, 0.9

_BLOCK = 65_536


@dataclass(frozen=True, eq=False)
class Rows:
    """Utterances to be compared.

    Attributes:
        index: File, start and end of each.
        functionals: ``(N, 88)``.
    """

    index: pd.Index
    functionals: Features


class Pair(NamedTuple):
    """Two utterances with the same sound.

    Attributes:
        first: Row of one, the lower number.
        second: Row of the other.
        kind: ``same samples``, ``same functionals``, ``same sound`` (but for level, format or ends) or ``overlap``.
        shared_s: Seconds in common; ``NaN`` where there are no recordings.
    """

    first: int
    second: int
    kind: str
    shared_s: float


def find_duplicates(corpora: Sequence[Rows]) -> list[Pair]:
    """Find the utterances that hold the same sound, within and across corpora.

    Args:
        corpora: Utterances of each corpus.

    Returns:
        Pairs, sorted. Of several equal ones, the first is paired with each of the others.

    Example:
        >>> import audformat
        >>> values = np.random.default_rng(0).normal(size=(3, 88)).astype(np.float32)
        >>> cats = Rows(audformat.segmented_index([*"abc"]), values)
        >>> dogs = Rows(audformat.segmented_index([*"de"]), values[[1, 1]] + np.float32([[0], [1]]))
        >>> find_duplicates([cats, dogs])
        [Pair(first=1, second=3, kind='same functionals', shared_s=nan)]
    """
    if not corpora:
        return []
    rows = _Recordings(corpora)
    pairs = [rows.told_equal(a, b) for a, b in _equal(corpora)]
    repeated = {pair.second for pair in pairs}
    alone = np.setdiff1d(np.arange(rows.n), list(repeated))
    for a, b in _near(corpora, alone, NEAR if rows.has_audio.any() else ROUNDED):
        pair = rows.compare(a, b)
        if pair is not None:
            pairs.append(pair)
    return sorted(pairs)


class _Recordings:
    """The utterances of all corpora by number, read when they are needed."""

    def __init__(self, corpora: Sequence[Rows]) -> None:
        self._corpora = corpora
        self._ends = np.cumsum([len(each.functionals) for each in corpora])
        self.n = int(self._ends[-1])
        # One look a corpus: it comes with its recordings, or as a table of functionals.
        self.has_audio = np.array([Path(str(each.index[0][0])).is_file() for each in corpora], dtype=np.bool_)
        self._read = lru_cache(maxsize=64)(self._signal)

    def _place(self, row: int) -> tuple[int, int]:
        which = int(np.searchsorted(self._ends, row, side="right"))
        return which, row - int(self._ends[which - 1] if which else 0)

    def _signal(self, row: int) -> tuple[Signal, int] | None:
        which, number = self._place(row)
        if not self.has_audio[which]:
            return None
        place: Any = self._corpora[which].index[number]
        try:
            return read_audio(*place)
        except AudioError:  # gone since it was measured, or its functionals came from elsewhere
            return None

    def told_equal(self, a: int, b: int) -> Pair:
        one, other = self._read(a), self._read(b)
        if one is None or other is None:
            return Pair(a, b, "same functionals", float("nan"))
        kind = "same samples" if one[1] == other[1] and np.array_equal(one[0], other[0]) else "same functionals"
        return Pair(a, b, kind, min(len(signal) / rate for signal, rate in (one, other)))

    def compare(self, a: int, b: int) -> Pair | None:
        one, other = self._read(a), self._read(b)
        if one is None or other is None:
            x, y = self._features(a), self._features(b)
            least = ROUNDED * np.maximum(np.maximum(np.abs(x), np.abs(y)), ROUNDED)
            return Pair(a, b, "same functionals", float("nan")) if (np.abs(x - y) <= least).all() else None
        rate = min(one[1], other[1])
        signals = [resample(signal, own, rate) for signal, own in (one, other)]
        n_shared, likeness = shared_sound(*signals)
        whole = n_shared >= WHOLE * min(map(len, signals))
        if likeness < ALIKE or not (whole or n_shared >= LEAST_S * rate):
            return None
        return Pair(a, b, "same sound" if whole else "overlap", round(n_shared / rate, 3))

    def _features(self, row: int) -> Floats:
        which, number = self._place(row)
        return np.asarray(self._corpora[which].functionals[number], dtype=np.float64)


def shared_sound(one: Signal, other: Signal) -> tuple[int, float]:
    """Shift two signals to where they fit best, and tell how alike they are there.

    Args:
        one: Samples of one, at the rate of the other.
        other: Samples of the other.

    Returns:
        Samples in common, and the absolute correlation ``|x·y| / (‖x‖ ‖y‖)`` of these.

    Example:
        >>> noise = np.random.default_rng(0).normal(size=5000).astype(np.float32)
        >>> n_shared, likeness = shared_sound(noise[:3000], 0.5 * noise[1000:])
        >>> n_shared, round(likeness, 3)
        (2000, 1.0)
    """
    from scipy import fft

    size = fft.next_fast_len(len(one) + len(other), real=True)
    product = fft.rfft(one, size) * np.conj(fft.rfft(other, size))
    best = int(np.argmax(np.abs(fft.irfft(product, size))))
    shift = best if best < len(one) else best - size
    x, y = one[max(shift, 0) :], other[max(-shift, 0) :]
    n_shared = min(len(x), len(y))
    x, y = x[:n_shared], y[:n_shared]
    energy = float(np.linalg.norm(x)) * float(np.linalg.norm(y))
    return n_shared, abs(float(np.dot(x, y))) / energy if energy else 0.0


def _equal(corpora: Sequence[Rows]) -> Iterator[tuple[int, int]]:
    """Rows equal to the last bit, by a number made of all their bits."""
    numbers = np.concatenate([_digests(each.functionals) for each in corpora])
    order = np.argsort(numbers, kind="stable")
    starts = np.flatnonzero(np.r_[True, numbers[order][1:] != numbers[order][:-1]])
    for group in np.split(order, starts[1:]):
        yield from ((int(group[0]), int(row)) for row in group[1:])


def _digests(functionals: Features) -> npt.NDArray[np.uint64]:
    weights = np.random.default_rng(0).integers(2**63, size=functionals.shape[1], dtype=np.uint64) * 2 + 1
    digests = np.empty(len(functionals), dtype=np.uint64)
    for start in range(0, len(functionals), _BLOCK):
        # Adding 0 makes one of the two zeros.
        bits = np.ascontiguousarray(functionals[start : start + _BLOCK] + np.float32(0)).view(np.uint32)
        mixed = (bits.astype(np.uint64) + np.uint64(1)) * weights
        digests[start : start + _BLOCK] = (mixed ^ (mixed >> np.uint64(29))).sum(axis=1, dtype=np.uint64)
    return digests


def _near(corpora: Sequence[Rows], rows: npt.NDArray[np.int64], radius: float) -> list[tuple[int, int]]:
    """Pairs of neighbours in the steady functionals, the nearest first."""
    from scipy.spatial import cKDTree

    if any(each.functionals.shape[1] != len(FUNCTIONALS) for each in corpora):
        return []  # an encoder's features: none of them is known to bear a change of level or format
    columns = [FUNCTIONALS.index(name) for name in STEADY]
    values = np.concatenate([each.functionals[:, columns] for each in corpora]).astype(np.float64)[rows]
    voiced = values[:, 0] > 0
    values, rows = values[voiced], rows[voiced]
    if len(rows) < 2:
        return []
    scaled = values / np.array([*STEADY.values()])
    found = cKDTree(scaled).query(scaled, k=N_NEIGHBOURS, distance_upper_bound=radius)
    distance, neighbour = np.asarray(found[0]), np.asarray(found[1])
    pairs: dict[tuple[int, int], float] = {}
    for row, place in zip(*np.nonzero(neighbour < len(rows)), strict=True):
        a, b = sorted((int(rows[row]), int(rows[neighbour[row, place]])))
        if a != b:
            pairs[a, b] = float(distance[row, place])
    return sorted(pairs, key=lambda pair: (pairs[pair], pair))[:MOST_COMPARED]
