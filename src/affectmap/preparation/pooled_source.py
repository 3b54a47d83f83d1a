"""One source corpus or several pooled, and their rows, standardised for a fold when they are asked for.

Conventions: rows of a pool are those of its corpora, one after another.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np

from affectmap.preparation.prepared_corpus import PreparedCorpus
from affectmap.preparation.standardisation import Statistics, block_statistics, target_statistics
from affectmap.schema import Features, Floats, Objects, Rows

#: Rows that are standardised at a time.
BLOCK_ROWS = 65_536


@dataclass(frozen=True, eq=False)
class PooledSource:
    """One source corpus, or several pooled: rows of all, each corpus standardised by itself.

    `rows` has for each of the `corpora` the numbers of its rows in the pool.
    """

    corpora: tuple[PreparedCorpus, ...]
    rows: tuple[Rows, ...]

    @classmethod
    def of(cls, corpora: Sequence[PreparedCorpus]) -> PooledSource:
        """Pool one corpus or more, in the order that the rows shall have."""
        ends = np.cumsum([0, *(len(corpus.table) for corpus in corpora)])
        return cls(tuple(corpora), tuple(np.arange(a, b) for a, b in itertools.pairwise(ends)))

    @property
    def name(self) -> str:
        """Names of the corpora, joined by a plus sign."""
        return "+".join(corpus.name for corpus in self.corpora)

    @cached_property
    def emotion(self) -> Objects:
        """Emotion of every row."""
        return np.concatenate([corpus.emotion for corpus in self.corpora])

    @cached_property
    def label(self) -> Floats:
        """Activation and valence of every row ``(N, 2)``."""
        return np.concatenate([corpus.label for corpus in self.corpora])

    @cached_property
    def speaker(self) -> Objects:
        """Speaker of every row, with the corpus' name before it."""
        return np.concatenate([corpus.speaker for corpus in self.corpora])

    @cached_property
    def file(self) -> Objects:
        """Recording of every row."""
        return np.concatenate([corpus.file for corpus in self.corpora])

    @cached_property
    def corpus_name(self) -> Objects:
        """Corpus of every row."""
        return np.concatenate([np.full(len(corpus.table), corpus.name, dtype=object) for corpus in self.corpora])

    def scaled(self, train: Rows, policy: str) -> tuple[ScaledRows, Statistics]:
        """Standardise every corpus of the pool by its own training rows.

        Args:
            train: Rows of the training fold.
            policy: With ``speaker``, each speaker is standardised by itself instead, test rows included, unlabelled. A
                corpus that has no training row (leave-one-corpus-out) is standardised like a target: with ``source``
                by the training rows of the others together, else by all its own rows, unlabelled.

        Returns:
            All rows, standardised when they are asked for, and the statistics of the training rows of all corpora
            together, for targets under the policy ``source``.

        Raises:
            ConfigError: If the policy is ``speaker`` and a speaker is unknown.

        Example:
            >>> scaled, statistics = PooledSource.of([pets]).scaled(np.array([0, 1]), "target-20")
            >>> scaled.features[:, :2].tolist(), statistics.mean[:2].tolist()
            ([[1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0], [-1.0, -1.0]], [0.5, 0.5])
        """
        pooled = block_statistics(len(train), lambda start, stop: self._functionals(train[start:stop]))
        parts: list[Statistics | None] = []
        for corpus, rows in zip(self.corpora, self.rows, strict=True):
            own = np.intersect1d(rows, train) - rows[0]
            if policy == "speaker":
                corpus.known_speakers()
                parts.append(None)
            elif len(own):
                parts.append(block_statistics(len(own), partial(_between, corpus.functionals, own)))
            else:
                own_policy = "source" if policy == "source" else "target-all"
                parts.append(target_statistics(corpus.functionals, own_policy, source=pooled)[0])
        return ScaledRows(self, tuple(parts), np.concatenate(self.rows)), pooled

    def _functionals(self, rows: Rows) -> Features:
        if len(self.corpora) == 1:
            return self.corpora[0].functionals[rows]
        values = np.empty((len(rows), self.corpora[0].functionals.shape[1]), dtype=np.float32)
        for corpus, own in zip(self.corpora, self.rows, strict=True):
            mine = (rows >= own[0]) & (rows <= own[-1])
            values[mine] = corpus.functionals[rows[mine] - own[0]]
        return values


@dataclass(frozen=True, eq=False)
class ScaledRows:
    """Rows of a pool, standardised for one fold when they are asked for: five folds need no five tables.

    Attributes:
        pool: The corpora.
        statistics: Statistics of each corpus; ``None`` where each speaker is standardised by itself.
        rows: Numbers of the rows in the pool.
    """

    pool: PooledSource
    statistics: tuple[Statistics | None, ...]
    rows: Rows

    @property
    def features(self) -> Features:
        """Give all rows, ``(len(rows), 88)``."""
        return self.of(self.rows)

    def of(self, rows: Rows) -> Features:
        """Standardise some rows of the pool by their numbers: ``(len(rows), 88)`` float32."""
        width = self.pool.corpora[0].functionals.shape[1]
        values = np.empty((len(rows), width), dtype=np.float32)
        for start in range(0, len(rows), BLOCK_ROWS):
            some, block = rows[start : start + BLOCK_ROWS], values[start : start + BLOCK_ROWS]
            for corpus, own, statistics in zip(self.pool.corpora, self.pool.rows, self.statistics, strict=True):
                mine = (some >= own[0]) & (some <= own[-1])
                inside = some[mine] - own[0]
                if statistics is None:
                    block[mine] = corpus.standardised_by_speaker[inside]
                else:
                    block[mine] = statistics.apply(corpus.functionals[inside])
        return values

    def blocks(self) -> Iterator[Features]:
        """Give all of them, `BLOCK_ROWS` rows at a time."""
        return (self.of(self.rows[start : start + BLOCK_ROWS]) for start in range(0, len(self.rows), BLOCK_ROWS))


def _between(functionals: Features, rows: Rows, start: int, stop: int) -> Features:
    return functionals[rows[start:stop]]
