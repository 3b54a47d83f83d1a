"""Near-duplicates: recordings with the same sound within a corpus, in two of them, or on both sides of a split.

They are found by content, whatever their names, levels, formats and ends. Equal functionals are the same sound to every
model here. Near-duplicates at another level, in another format or trimmed hardly differ in pitch and spectrum of voiced
frames: the nearest neighbours there are candidates, and the recordings decide, shifted to where they fit best.

Conventions:
    * Rows of several corpora are numbered one after another.
    * Not found: near-duplicates at another speed, under noise, or at another sampling rate (bring corpora to one),
      parts too short to change the functionals, and unvoiced ones that are not equal.
    * Functionals without recordings are compared among themselves.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import combinations, combinations_with_replacement
from pathlib import Path, PurePath
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from affectmap.audio.reading import Signal, read_audio, resample
from affectmap.audit.verdicts import WITHIN, Check, Mark, Verdict
from affectmap.errors import AudioError
from affectmap.features.engines import FEATURE_SETS, feature_names
from affectmap.preparation.folds import Fold
from affectmap.preparation.pooled_source import PooledSource
from affectmap.preparation.prepared_corpus import PreparedCorpus
from affectmap.schema import FUNCTIONALS, Features

Numbers = npt.NDArray[np.int64]

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
#: Distance in these up to which recordings are compared: nine of ten trimmed by 0.15 s or coded as MP3 are nearer.
NEAR = 0.45
#: The same without recordings, and the relative difference that counts as rounding.
ROUNDED = 0.001
#: Neighbours of each row that are looked at, and pairs that are compared at most, the nearest first.
N_NEIGHBOURS, MOST_COMPARED = 4, 5000
#: Least correlation of what two recordings have in common, least seconds of it, and the share of the shorter one that
#: makes it the same recording and no overlap.
ALIKE, LEAST_S, WHOLE = 0.95, 0.5, 0.9
#: Recordings with one sound up to which every two of them are a pair; of more, only those that were found.
MOST_ALIKE = 100
TWICE, SPLIT, LABELLED = "duplicate recordings", "duplicates in training and test", "labels of duplicates"
# How two recordings can have one sound, the surest first.
_KINDS = ("same samples", "same functionals", "same sound")
_BLOCK = 65_536


@dataclass(frozen=True, eq=False)
class Rows:
    """Utterances to be compared: file, start and end of each, and functionals ``(N, 88)``, or other features."""

    index: pd.Index
    functionals: Features
    names: Sequence[str] = FUNCTIONALS


class Pair(NamedTuple):
    """Two rows with the same sound, the lower number first, and the seconds in common (``NaN`` without recordings).

    The kind is ``same samples``, ``same functionals``, ``same sound`` (but for level, format or ends) or ``overlap``.
    """

    first: int
    second: int
    kind: str
    shared_s: float


def find_duplicates(corpora: Sequence[Rows]) -> list[Pair]:
    """Find the pairs of utterances with the same sound, sorted; of several equal ones, the first with each other one.

    Example:
        >>> cats = Rows(pets.table.index, pets.functionals)
        >>> find_duplicates([cats, Rows(pets.table.index[:1], pets.functionals[2:3])])
        [Pair(first=2, second=4, kind='same functionals', shared_s=nan)]
    """
    if not corpora:
        return []
    rows = _Recordings(corpora)
    pairs = [rows.equal_pair(a, b) for a, b in _equal(corpora)]
    alone = np.setdiff1d(np.arange(rows.n), [pair.second for pair in pairs])
    near = _near(corpora, alone, NEAR if rows.has_audio.any() else ROUNDED)
    compared = (rows.compare(a, b) for a, b in near)
    return sorted([*pairs, *(pair for pair in compared if pair is not None)])


class _Recordings:
    """The utterances of all corpora by number, whose recordings are read when they are needed."""

    def __init__(self, corpora: Sequence[Rows]) -> None:
        self._corpora = corpora
        self._ends = np.cumsum([len(each.functionals) for each in corpora])
        self.n = int(self._ends[-1])
        # One look a corpus: it comes with its recordings, or as a table of functionals.
        self.has_audio = np.array([Path(str(each.index[0][0])).is_file() for each in corpora], dtype=np.bool_)
        self._read = lru_cache(maxsize=64)(self._signal)

    def _position(self, row: int) -> tuple[int, int]:
        which = int(np.searchsorted(self._ends, row, side="right"))
        return which, row - int(self._ends[which - 1] if which else 0)

    def _signal(self, row: int) -> tuple[Signal, int] | None:
        which, number = self._position(row)
        if not self.has_audio[which]:
            return None
        utterance: Any = self._corpora[which].index[number]
        try:
            return read_audio(*utterance)
        except AudioError:  # gone since it was measured, or its functionals came from elsewhere
            return None

    def equal_pair(self, a: int, b: int) -> Pair:
        """Say of two utterances with the same functionals whether their samples are the same."""
        one, other = self._read(a), self._read(b)
        if one is None or other is None:
            return Pair(a, b, "same functionals", float("nan"))
        kind = "same samples" if one[1] == other[1] and np.array_equal(one[0], other[0]) else "same functionals"
        return Pair(a, b, kind, min(len(signal) / rate for signal, rate in (one, other)))

    def compare(self, a: int, b: int) -> Pair | None:
        """Decide whether two utterances have the same sound."""
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

    def _features(self, row: int) -> npt.NDArray[np.float64]:
        which, number = self._position(row)
        return np.asarray(self._corpora[which].functionals[number], dtype=np.float64)


def shared_sound(one: Signal, other: Signal) -> tuple[int, float]:
    """Shift two signals of one rate to where they fit best; give samples in common and their absolute correlation."""
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


def _near(corpora: Sequence[Rows], rows: Numbers, radius: float) -> list[tuple[int, int]]:
    """Pairs of neighbours in the steady functionals, the nearest first."""
    from scipy.spatial import cKDTree

    sets = [feature_names(engine) for engine in FEATURE_SETS]
    if any(tuple(each.names) not in sets for each in corpora):
        return []  # other features: none of them is known to stay under a change of level or format
    columns = [FUNCTIONALS.index(name) - len(FUNCTIONALS) for name in STEADY]  # they stand last in every set
    values = np.concatenate([each.functionals[:, columns] for each in corpora]).astype(np.float64)[rows]
    voiced = values[:, 0] > 0
    values, rows = values[voiced], rows[voiced]
    if len(rows) < 2:
        return []
    scaled = values / np.array([*STEADY.values()])
    found = cKDTree(scaled).query(scaled, k=N_NEIGHBOURS, distance_upper_bound=radius)
    distance, neighbour = np.asarray(found[0]), np.asarray(found[1])
    pairs: dict[tuple[int, int], float] = {}
    for row, rank in zip(*np.nonzero(neighbour < len(rows)), strict=True):
        a, b = sorted((int(rows[row]), int(rows[neighbour[row, rank]])))
        if a != b:
            pairs[a, b] = float(distance[row, rank])
    return sorted(pairs, key=lambda pair: (pairs[pair], pair))[:MOST_COMPARED]


def implied_pairs(pairs: Sequence[Pair]) -> Iterator[Pair]:
    """Give the pairs that follow from others: two recordings with the sound of a third one have one sound."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    sure = [pair for pair in pairs if pair.kind != "overlap"]
    rows, ends = np.unique([pair[:2] for pair in sure], return_inverse=True)
    first, second = ends.reshape(-1, 2).T
    links = coo_array((np.ones(len(sure)), (first, second)), (len(rows), len(rows)))
    _, group = connected_components(links, directed=False)
    alike = defaultdict[int, list[Pair]](list)
    for pair, number in zip(sure, group[first].tolist(), strict=True):
        alike[number].append(pair)
    for found in alike.values():
        same, known = sorted({row for pair in found for row in pair[:2]}), {pair[:2] for pair in found}
        kind = max((pair.kind for pair in found), key=_KINDS.index)
        shared_s = min(pair.shared_s for pair in found)
        if 2 < len(same) <= MOST_ALIKE:
            yield from (Pair(*both, kind, shared_s) for both in combinations(same, 2) if both not in known)


class NearDuplicates:
    """Pairs of utterances with the same sound among the corpora of a run, by rows of all of them, the source's first.

    Of three recordings with one sound, all three pairs are there.
    """

    def __init__(self, source: PooledSource, targets: Sequence[PreparedCorpus]) -> None:
        self._n_sources = len(source.corpora)
        self._corpora = (*source.corpora, *targets)
        pairs = find_duplicates(
            [Rows(each.table.index, each.functionals, each.feature_names) for each in self._corpora]
        )
        self.pairs = tuple(sorted({*pairs, *implied_pairs(pairs)}))

    def checks(self) -> Iterator[Check]:
        """Check every corpus, and every two, whatever the split."""
        for number, corpus in enumerate(self._corpora):
            yield self._twice(number, number)
            labelled = self._between(number, number)
            if labelled:
                yield _labels_check(corpus, [self._labels_differ(pair) for pair in labelled])
        across = [pair for pair in combinations(range(len(self._corpora)), 2) if self._between(*pair)]
        yield from (self._twice(*pair) for pair in across)
        if len(self._corpora) > 1 and not across:
            detail = "no recording was found in two corpora"
            yield Check(TWICE, "all", "", Verdict.SOUND, 0.0, len(self._which), detail)

    def split_checks(self, folds: Sequence[Fold]) -> Iterator[tuple[Check, list[Mark]]]:
        """Check what is on both sides: of the source's folds, of source and target, and of folds within a corpus."""
        for number in range(self._n_sources) if folds else ():
            yield self._folds_check(number, folds)
        for number, corpus in enumerate(self._corpora):
            for other in range(self._n_sources):
                pairs = self._between(other, number) if number >= self._n_sources else []
                if pairs:
                    n = len({pair.second for pair in pairs})
                    yield _carried_check(self._corpora[other], corpus, self._named(pairs[0]), n)
            pairs = self._between(number, number)
            n_shared = sum(self._speaker[pair.first] != self._speaker[pair.second] for pair in pairs)
            if n_shared:
                yield _within_check(corpus, n_shared)

    @cached_property
    def _which(self) -> Numbers:
        """Corpus of every row, by number."""
        return np.repeat(np.arange(len(self._corpora)), [len(each.table) for each in self._corpora])

    @cached_property
    def _speaker(self) -> npt.NDArray[np.object_]:
        return np.concatenate([each.speaker for each in self._corpora])

    @cached_property
    def _by_corpora(self) -> dict[tuple[int, int], list[Pair]]:
        found = defaultdict[tuple[int, int], list[Pair]](list)
        for pair in self.pairs:
            found[int(self._which[pair.first]), int(self._which[pair.second])].append(pair)
        return found

    def _between(self, one: int, other: int) -> list[Pair]:
        return self._by_corpora.get((one, other), [])

    def _position(self, row: int) -> tuple[PreparedCorpus, int]:
        which = int(self._which[row])
        return self._corpora[which], row - int(np.searchsorted(self._which, which))

    def _named(self, pair: Pair) -> str:
        """Name the two recordings, with the folder they are in."""
        found = [self._position(row) for row in pair[:2]]
        names = ["/".join(PurePath(str(corpus.file[row])).parts[-2:]) for corpus, row in found]
        return ", ".join(names) + ("" if np.isnan(pair.shared_s) else f" ({pair.shared_s:.1f} s in common)")

    def _labels_differ(self, pair: Pair) -> bool:
        (corpus, a), (_, b) = (self._position(row) for row in pair[:2])
        one, other = corpus.emotion[a], corpus.emotion[b]
        apart = np.abs(corpus.label[a] - corpus.label[b])
        return bool((one is not None and other is not None and one != other) or (apart > 0).any())

    def _twice(self, one: int, other: int) -> Check:
        pairs, corpus, second = self._between(one, other), self._corpora[one], self._corpora[other]
        name = "" if one == other else second.name
        n = int(np.isin(self._which, (one, other)).sum())
        if not pairs:
            detail = f"no recording of {corpus.title} was found twice"
            return Check(TWICE, corpus.name, name, Verdict.SOUND, 0.0, n, detail)
        where = f"in {corpus.title}" if one == other else f"in {corpus.title} and {second.title}"
        detail = f"{_counted(pairs)} {where}, first {self._named(pairs[0])}; keep one of each"
        return Check(TWICE, corpus.name, name, Verdict.WARNING, float(len(pairs)), n, detail)

    def _folds_check(self, number: int, folds: Sequence[Fold]) -> tuple[Check, list[Mark]]:
        corpus, n = self._corpora[number], len(folds)
        both_ways = combinations_with_replacement(range(self._n_sources), 2)
        mine = [pair for i, j in both_ways if number in (i, j) for pair in self._between(i, j)]
        leaking, within, crossing = [], [], set[Pair]()
        for k, fold in enumerate(folds, start=1):
            side = np.zeros(len(self._which), dtype=np.int64)  # a row in neither part is on no side
            side[fold.train], side[fold.test] = 1, 2
            both = [pair for pair in mine if self._crosses(pair, side, number)]
            leaking += [k] if both else []
            within += [k] if any(self._which[pair.first] == self._which[pair.second] for pair in both) else []
            crossing.update(both)
        if not leaking:
            detail = f"no recording of {corpus.title} is in training and test of any of {n} folds"
            return Check(SPLIT, corpus.name, "", Verdict.SOUND, 0.0, n, detail), []
        detail = (
            f"{len(leaking)} of {n} folds of {corpus.title} have the same sound in training and test, first "
            f"{self._named(min(crossing))}; keep one of each"
        )
        if all(self._one_speaker(pair) for pair in crossing):
            detail += ", or use --folds speaker"
        concerned = [*(("held-out", k) for k in leaking), *(("within", k) for k in within)]
        marks = [Mark(corpus.name, reading, k, Verdict.LEAK) for reading, k in concerned]
        return Check(SPLIT, corpus.name, "", Verdict.LEAK, float(len(leaking)), n, detail), marks

    def _one_speaker(self, pair: Pair) -> bool:
        """Whether a named speaker says both, so that folds by speaker keep them together."""
        named = self._position(pair.first)[0].has_speakers
        return named and bool(self._speaker[pair.first] == self._speaker[pair.second])

    def _crosses(self, pair: Pair, side: Numbers, number: int) -> bool:
        """Whether one of a pair is trained on (1), and the other one, of the corpus, tested (2)."""
        trained, tested = sorted(pair[:2], key=lambda row: int(side[row]))
        return bool(side[trained] == 1 and side[tested] == 2 and self._which[tested] == number)


def _counted(pairs: Iterable[Pair]) -> str:
    counts = Counter(pair.kind for pair in pairs)
    n = counts.total()
    kinds = ", ".join(f"{kind} {count}" for kind, count in sorted(counts.items()))
    return f"{n} pair{'s' if n > 1 else ''} of recordings with the same sound ({kinds})"


def _labels_check(corpus: PreparedCorpus, differ: Sequence[bool]) -> Check:
    n, n_differ = len(differ), sum(differ)
    if not n_differ:
        detail = f"recordings of {corpus.title} with the same sound have the same labels"
        return Check(LABELLED, corpus.name, "", Verdict.SOUND, 0.0, n, detail)
    detail = (
        f"{n_differ} of {n} pairs of recordings of {corpus.title} with the same sound have different emotions or "
        "ratings: labels are no surer than that"
    )
    return Check(LABELLED, corpus.name, "", Verdict.WARNING, float(n_differ), n, detail)


def _carried_check(source: PreparedCorpus, target: PreparedCorpus, example: str, n: int) -> tuple[Check, list[Mark]]:
    one = f"one recording of {target.title} is in the source {source.title}"
    detail = f"{one}: {example}; leave it out of one of the two"
    if n > 1:
        many = f"{n} recordings of {target.title} are in the source {source.title}"
        detail = f"{many}, first {example}; leave them out of one of the two"
    marks = [Mark(target.name, reading, 0, Verdict.LEAK) for reading in ("zero-shot", "probe")]
    return Check(SPLIT, target.name, source.name, Verdict.LEAK, float(n), len(target.table), detail), marks


def _within_check(corpus: PreparedCorpus, n: int) -> tuple[Check, list[Mark]]:
    detail = (
        f"two speakers of {corpus.title} have the same sound in {n} pair{'s' if n > 1 else ''}, so that folds by "
        "speaker within it may have it in training and test; correct the speakers, or keep one of each"
    )
    marks = [Mark(corpus.name, reading, 0, Verdict.LEAK) for reading in ("probe", *WITHIN)]
    return Check(SPLIT, corpus.name, corpus.name, Verdict.LEAK, float(n), len(corpus.table), detail), marks
