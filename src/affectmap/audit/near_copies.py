"""Where the same sound stands twice: within a corpus, in two of them, or on both sides of a split."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations, combinations_with_replacement
from pathlib import PurePath

import numpy as np
import numpy.typing as npt

from affectmap.audit.near_duplicates import Pair, Rows, find_duplicates
from affectmap.audit.verdicts import Check, Mark, Verdict
from affectmap.preparation.folds import Fold
from affectmap.preparation.prepared_corpus import PooledSource, PreparedCorpus

TWICE, SPLIT, LABELLED = "duplicate recordings", "duplicates in training and test", "labels of duplicates"
#: Recordings with one sound up to which every two of them are a pair; of more, only those that were found.
MOST_ALIKE = 100
#: How two recordings can have one sound, the surest first.
_KINDS = ("same samples", "same functionals", "same sound")
#: Readings with folds by speaker within the corpus itself.
WITHIN = ("probe", "within", "supervised")


@dataclass(frozen=True, eq=False)
class Copies:
    """Pairs of utterances with the same sound, among the corpora of a run.

    Attributes:
        source: The pooled source; its rows come first.
        targets: The targets.
        pairs: By rows of all corpora, one after another; of three recordings with one sound, all three pairs.
    """

    source: PooledSource
    targets: tuple[PreparedCorpus, ...]
    pairs: tuple[Pair, ...]

    @classmethod
    def of(cls, source: PooledSource, targets: Sequence[PreparedCorpus]) -> Copies:
        """Look for them.

        Args:
            source: The pooled source.
            targets: The targets.

        Returns:
            All that was found.

        Example:
            >>> import audformat, pandas as pd
            >>> from affectmap.corpora import Corpus
            >>> from affectmap.preparation.prepared_corpus import prepare
            >>> from affectmap.schema import COLUMNS, FUNCTIONALS
            >>> def pets(name, values):
            ...     index = audformat.segmented_index([f"{name}/{i}.wav" for i in range(len(values))])
            ...     table = pd.DataFrame({"speaker": "anna"}, index, COLUMNS)
            ...     return prepare(Corpus(name, table, functionals=pd.DataFrame(values, index, FUNCTIONALS)))
            >>> cats, dogs = pets("cats", np.eye(3, 88)), pets("dogs", np.eye(5, 88)[2:])
            >>> copies = Copies.of(PooledSource.of([cats]), [dogs])
            >>> [check.detail for check, _ in copies.split_checks([]) if check.verdict == Verdict.LEAK]
            ['one recording of dogs is in the source cats: cats/2.wav, dogs/0.wav; leave it out of one of the two']
        """
        corpora = [*source.corpora, *targets]
        pairs = find_duplicates([Rows(each.table.index, each.functionals) for each in corpora])
        return cls(source, tuple(targets), tuple(sorted({*pairs, *_implied(pairs)})))

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
        """Check what is on both sides of a split, and give the figures that it bears on.

        Args:
            folds: Of the source.

        Yields:
            A check for each source corpus and its folds, for each target that has recordings of the source, and for
            each corpus in which two speakers have the same recording.
        """
        for number in range(len(self.source.corpora)) if folds else ():
            yield self._folds_check(number, folds)
        for number, corpus in enumerate(self._corpora):
            for other in range(len(self.source.corpora)):
                pairs = self._between(other, number) if number >= len(self.source.corpora) else []
                if pairs:
                    n = len({pair.second for pair in pairs})
                    yield _carried_check(self._corpora[other], corpus, self._named(pairs[0]), n)
            pairs = self._between(number, number)
            n_shared = sum(self._speaker[pair.first] != self._speaker[pair.second] for pair in pairs)
            if n_shared:
                yield _within_check(corpus, n_shared)

    @cached_property
    def _corpora(self) -> tuple[PreparedCorpus, ...]:
        return (*self.source.corpora, *self.targets)

    @cached_property
    def _which(self) -> npt.NDArray[np.int64]:
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

    def _named(self, pair: Pair) -> str:
        """Name the two recordings, with the folder they lie in."""
        names = []
        for row in pair[:2]:
            which = int(self._which[row])
            place = row - int(np.searchsorted(self._which, which))
            names.append("/".join(PurePath(str(self._corpora[which].file[place])).parts[-2:]))
        return ", ".join(names) + ("" if np.isnan(pair.shared_s) else f" ({pair.shared_s:.1f} s in common)")

    def _labels_differ(self, pair: Pair) -> bool:
        which = int(self._which[pair.first])
        corpus, begin = self._corpora[which], int(np.searchsorted(self._which, which))
        a, b = pair.first - begin, pair.second - begin
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
        corpus = self.source.corpora[number]
        n_sources = len(self.source.corpora)
        mine = [
            pair
            for i, j in combinations_with_replacement(range(n_sources), 2)
            if number in (i, j)
            for pair in self._between(i, j)
        ]
        leaking, crossing = [], set[Pair]()
        for k, fold in enumerate(folds, start=1):
            side = np.zeros(len(self._which), dtype=np.int64)  # a row in neither part is on no side
            side[fold.train], side[fold.test] = 1, 2
            both = [pair for pair in mine if self._crosses(pair, side, number)]
            leaking += [k] if both else []
            crossing.update(both)
        n = len(folds)
        if not leaking:
            detail = f"no recording of {corpus.title} is in training and test of any of {n} folds"
            return Check(SPLIT, corpus.name, "", Verdict.SOUND, 0.0, n, detail), []
        detail = (
            f"{len(leaking)} of {n} folds of {corpus.title} have the same sound in training and test, first "
            f"{self._named(min(crossing))}; keep one of each"
        )
        if all(self._one_speaker(pair) for pair in crossing):
            detail += ", or use --folds speaker"
        marks = [Mark(corpus.name, "held-out", k, Verdict.LEAK) for k in leaking]
        return Check(SPLIT, corpus.name, "", Verdict.LEAK, float(len(leaking)), n, detail), marks

    def _one_speaker(self, pair: Pair) -> bool:
        """Whether a named speaker says both, so that folds by speaker keep them together."""
        named = self._corpora[int(self._which[pair.first])].has_speakers
        return named and bool(self._speaker[pair.first] == self._speaker[pair.second])

    def _crosses(self, pair: Pair, side: npt.NDArray[np.int64], number: int) -> bool:
        """Whether one of a pair is trained on (1), and the other one, of the corpus, tested (2)."""
        trained, tested = sorted(pair[:2], key=lambda row: int(side[row]))
        return bool(side[trained] == 1 and side[tested] == 2 and self._which[tested] == number)


def _implied(pairs: Sequence[Pair]) -> Iterator[Pair]:
    """Give the pairs that follow: two recordings with the sound of a third one have one sound."""
    links = defaultdict[int, set[int]](set)
    for a, b, kind, _ in pairs:
        if kind != "overlap":
            links[a].add(b)
            links[b].add(a)
    group = dict[int, int]()
    for row in sorted(links):
        waiting = [] if row in group else [row]
        while waiting:
            one = waiting.pop()
            group[one] = row
            waiting += [each for each in links[one] if each not in group]
    alike = defaultdict[int, list[Pair]](list)
    for pair in pairs:
        if pair.kind != "overlap":
            alike[group[pair.first]].append(pair)
    for found in alike.values():
        rows, known = sorted({row for pair in found for row in pair[:2]}), {pair[:2] for pair in found}
        kind = max((pair.kind for pair in found), key=_KINDS.index)
        shared_s = min(pair.shared_s for pair in found)
        if 2 < len(rows) <= MOST_ALIKE:
            yield from (Pair(*both, kind, shared_s) for both in combinations(rows, 2) if both not in known)


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
    detail = (
        f"one recording of {target.title} is in the source {source.title}: {example}; leave it out of one of the two"
    )
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
    marks = [Mark(corpus.name, reading, 0, Verdict.LEAK) for reading in WITHIN]
    return Check(SPLIT, corpus.name, corpus.name, Verdict.LEAK, float(n), len(corpus.table), detail), marks
