"""From a corpus as found to arrays that a model takes: functionals, labels, speakers, what was dropped and why.

The steps, in order: functionals of every utterance, outliers dropped within the corpus (Das et al. 2022, section 4
"Preprocessing"), then standardisation, which depends on the fold and on the policy.

Conventions:
    * Rows of a corpus are those that stay; N counts them. Rows of a pool are those of its corpora, one after another.
    * A speaker's name carries the corpus before it, so that no two corpora share one.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from affectmap.corpora import Corpus
from affectmap.features import corpus_functionals
from affectmap.preprocessing import (
    Statistics,
    constant_features,
    fit_statistics,
    outlier_mask,
    standardise_target,
)
from affectmap.schema import FOUR_CLASSES, FUNCTIONALS, LABELS, ConfigError, CorpusError, Finding

Floats = npt.NDArray[np.float64]
Objects = npt.NDArray[np.object_]


@dataclass(frozen=True, eq=False)
class PreparedCorpus:
    """A corpus whose rows can be trained on and evaluated: measured, without outliers.

    Attributes:
        name: Name in this run.
        corpus: The corpus as it was found.
        table: Rows that stay; columns of the utterance table.
        functionals: ``(N, 88)`` in the order of `table`, not standardised.
        findings: All that is known about rows dropped or doubtful, the loader's findings first.
    """

    name: str
    corpus: Corpus
    table: pd.DataFrame
    functionals: Floats
    findings: tuple[Finding, ...]

    @property
    def title(self) -> str:
        """Name for people: the published one of a supported corpus."""
        return self.corpus.card.title if self.corpus.card else self.name

    @property
    def n_found(self) -> int:
        """Utterances before anything was dropped or left out."""
        dropped = sum(finding.dropped for finding in self.corpus.findings)
        return len(self.corpus.table) + dropped + self.corpus.n_left_out

    @property
    def emotion(self) -> Objects:
        """Emotion of every row, ``None`` where unknown."""
        return self.table["emotion"].to_numpy(dtype=object)

    @property
    def label(self) -> Floats:
        """Activation and valence ``(N, 2)``, ``NaN`` where missing."""
        return self.table[list(LABELS)].to_numpy(dtype=np.float64)

    @property
    def speaker(self) -> Objects:
        """Speaker of every row with the corpus' name before it; if any is unknown, all rows count as one speaker's.

        Then nothing is claimed about other speakers: there is no interval, and no split by speaker.
        """
        names = self.table["speaker"].tolist() if self.has_speakers else ["unknown"] * len(self.table)
        return np.array([f"{self.name}/{name}" for name in names], dtype=object)

    @property
    def file(self) -> Objects:
        """Recording of every row."""
        return self.table.index.get_level_values("file").to_numpy(dtype=object)

    @property
    def has_speakers(self) -> bool:
        """Whether every row's speaker is known."""
        return bool(self.table["speaker"].notna().all())


def keep_four_classes(corpus: Corpus) -> Corpus:
    """Leave out the utterances that are not neutral, sad, happy or angry, as the paper does on IEMOCAP.

    Args:
        corpus: The corpus as found.

    Returns:
        The rest of it, with a finding that says how many were left out.

    Raises:
        CorpusError: If nothing is left.

    Example:
        >>> import audformat
        >>> from affectmap.schema import COLUMNS
        >>> table = pd.DataFrame({"emotion": ["sad", "fear", None]}, audformat.segmented_index([*"123"]), COLUMNS)
        >>> keep_four_classes(Corpus("pets", table)).findings[0].detail
        '2 of 3 utterances are not neutral, sad, happy or angry and were left out (emotions: four)'
    """
    kept = corpus.table["emotion"].isin([str(emotion) for emotion in FOUR_CLASSES])
    if kept.all():
        return corpus
    n_left_out = int((~kept).sum())
    detail = f"{n_left_out} of {len(kept)} utterances are not neutral, sad, happy or angry"
    if not kept.any():
        raise CorpusError(f"{corpus.name}: {detail}; name their emotions, or train on all with --emotions all")
    finding = Finding(corpus.name, "", "note", f"{detail} and were left out (emotions: four)")
    functionals = None if corpus.functionals is None else corpus.functionals[kept.to_numpy()]
    findings = (*corpus.findings, finding)
    return replace(corpus, table=corpus.table[kept], functionals=functionals, findings=findings, n_left_out=n_left_out)


def prepare(
    corpus: Corpus,
    *,
    outlier_threshold: float = 10.0,
    cache: Path | None = None,
    sampling_rate: int | None = None,
    n_jobs: int | None = None,
    strict: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> PreparedCorpus:
    """Measure a corpus and drop its outliers.

    Args:
        corpus: The corpus as found.
        outlier_threshold: An utterance with any |z| above it, within this corpus, is dropped; 10 in the paper.
        cache: Folder of cached functionals; the user's cache folder by default.
        sampling_rate: Rate in Hz to resample to; each file's own by default.
        n_jobs: Threads; one a core by default.
        strict: Whether an unusable recording is an error.
        progress: Called with the numbers of utterances measured and in total.

    Returns:
        The prepared corpus.

    Raises:
        AudioError: If no recording can be used, or one cannot and `strict` is set.
        CorpusError: If nothing is left after dropping outliers, or functionals that the corpus brings are damaged.

    Example:
        >>> import audformat
        >>> table = pd.DataFrame({"speaker": [*"aabb"]}, audformat.segmented_index([*"1234"]))
        >>> brought = pd.DataFrame(np.eye(4, 88), table.index, list(FUNCTIONALS))
        >>> pets = prepare(Corpus("pets", table, functionals=brought))
        >>> pets.functionals.shape, pets.speaker.tolist()
        ((4, 88), ['pets/a', 'pets/a', 'pets/b', 'pets/b'])
    """
    functionals, measured = corpus_functionals(
        corpus.name,
        corpus.table,
        corpus.functionals,
        cache=cache,
        sampling_rate=sampling_rate,
        n_jobs=n_jobs,
        strict=strict,
        progress=progress,
    )
    values = functionals.to_numpy(dtype=np.float64)
    outlier = outlier_mask(values, outlier_threshold)
    findings = [*corpus.findings, *measured]
    findings += _outlier_findings(corpus.name, functionals.index, values, outlier, outlier_threshold)
    if outlier.all():
        raise CorpusError(f"{corpus.name}: all {len(outlier)} utterances are outliers at |z| > {outlier_threshold:g}")
    values = values[~outlier]
    constant = constant_features(values, FUNCTIONALS)
    if constant:
        names = ", ".join(constant)
        detail = f"{len(constant)} functionals have one value for all utterances and are set to 0: {names}"
        findings.append(Finding(corpus.name, "", "constant", detail))
    table = corpus.table.loc[functionals.index[~outlier]]
    return PreparedCorpus(corpus.name, corpus, table, values, tuple(findings))


def _outlier_findings(
    name: str, index: pd.Index, values: Floats, outlier: npt.NDArray[np.bool_], threshold: float
) -> list[Finding]:
    statistics = fit_statistics(values)
    findings = []
    for row in np.flatnonzero(outlier).tolist():
        z = np.abs(statistics.apply(values[row : row + 1])[0])
        worst = int(z.argmax())
        detail = f"outlier: |z| of {FUNCTIONALS[worst]} is {z[worst]:.1f}, above {threshold:g}"
        findings.append(Finding(name, str(index[row][0]), "outlier", detail, dropped=True))
    return findings


@dataclass(frozen=True, eq=False)
class PooledSource:
    """One source corpus, or several pooled: rows of all, each corpus standardised by itself.

    Attributes:
        corpora: The prepared corpora, in the order of the rows.
        rows: For each corpus, the numbers of its rows in the pool.
    """

    corpora: tuple[PreparedCorpus, ...]
    rows: tuple[npt.NDArray[np.int64], ...]

    @classmethod
    def of(cls, corpora: Sequence[PreparedCorpus]) -> PooledSource:
        """Pool corpora.

        Args:
            corpora: One or more, in the order that the rows shall have.

        Returns:
            The pool.

        Example:
            >>> import audformat
            >>> table = pd.DataFrame({"speaker": [*"aabb"]}, audformat.segmented_index([*"1234"]))
            >>> brought = pd.DataFrame(np.eye(4, 88), table.index, list(FUNCTIONALS))
            >>> pets = prepare(Corpus("pets", table, functionals=brought))
            >>> pool = PooledSource.of([pets, pets])
            >>> pool.name, [rows.tolist() for rows in pool.rows]
            ('pets+pets', [[0, 1, 2, 3], [4, 5, 6, 7]])
        """
        ends = np.cumsum([0, *(len(corpus.table) for corpus in corpora)])
        return cls(tuple(corpora), tuple(np.arange(a, b) for a, b in itertools.pairwise(ends)))

    @property
    def name(self) -> str:
        """Names of the corpora, joined by a plus sign."""
        return "+".join(corpus.name for corpus in self.corpora)

    @property
    def emotion(self) -> Objects:
        """Emotion of every row."""
        return np.concatenate([corpus.emotion for corpus in self.corpora])

    @property
    def label(self) -> Floats:
        """Activation and valence of every row ``(N, 2)``."""
        return np.concatenate([corpus.label for corpus in self.corpora])

    @property
    def speaker(self) -> Objects:
        """Speaker of every row, with the corpus' name before it."""
        return np.concatenate([corpus.speaker for corpus in self.corpora])

    @property
    def file(self) -> Objects:
        """Recording of every row."""
        return np.concatenate([corpus.file for corpus in self.corpora])

    @property
    def corpus_name(self) -> Objects:
        """Corpus of every row."""
        return np.concatenate([np.full(len(corpus.table), corpus.name, dtype=object) for corpus in self.corpora])

    def standardise(self, train: npt.NDArray[np.int64], policy: str) -> tuple[npt.NDArray[np.float32], Statistics]:
        """Standardise every corpus of the pool by its own training rows.

        Args:
            train: Rows of the training fold.
            policy: With ``speaker``, each speaker is standardised by itself instead, test rows included, unlabelled. A
                corpus that has no training row (leave-one-corpus-out) is standardised like a target: with ``source``
                by the training rows of the others together, else by all its own rows, unlabelled.

        Returns:
            All rows ``(N, 88)`` float32, and the statistics of the training rows of all corpora together, for
            targets under the policy ``source``.

        Raises:
            ConfigError: If the policy is ``speaker`` and a speaker is unknown.

        Example:
            >>> import audformat
            >>> table = pd.DataFrame({"speaker": [*"aabb"]}, audformat.segmented_index([*"1234"]))
            >>> brought = pd.DataFrame(np.eye(4, 88), table.index, list(FUNCTIONALS))
            >>> pets = prepare(Corpus("pets", table, functionals=brought))
            >>> values, statistics = PooledSource.of([pets]).standardise(np.array([0, 1]), "target-20")
            >>> values[:, :2].tolist(), statistics.mean[:2].tolist()
            ([[1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0], [-1.0, -1.0]], [0.5, 0.5])
        """
        pooled = fit_statistics(np.concatenate([corpus.functionals for corpus in self.corpora])[train])
        parts = []
        for corpus, rows in zip(self.corpora, self.rows, strict=True):
            own = np.intersect1d(rows, train) - rows[0]
            if policy == "speaker":
                part, _ = standardise_target(corpus.functionals, "speaker", speaker=known_speakers(corpus))
            elif len(own):
                part = fit_statistics(corpus.functionals[own]).apply(corpus.functionals)
            else:
                unheard = "source" if policy == "source" else "target-all"
                part, _ = standardise_target(corpus.functionals, unheard, source=pooled)
            parts.append(part)
        return np.concatenate(parts), pooled


def known_speakers(corpus: PreparedCorpus) -> Objects:
    """Give the speakers of a corpus, or say that they are needed.

    Args:
        corpus: A prepared corpus.

    Returns:
        Speaker of every row ``(N,)``.

    Raises:
        ConfigError: If any row's speaker is unknown.

    Example:
        >>> import audformat
        >>> table = pd.DataFrame({"speaker": [*"aabb"]}, audformat.segmented_index([*"1234"]))
        >>> brought = pd.DataFrame(np.eye(4, 88), table.index, list(FUNCTIONALS))
        >>> pets = prepare(Corpus("pets", table, functionals=brought))
        >>> known_speakers(pets).tolist()
        ['pets/a', 'pets/a', 'pets/b', 'pets/b']
    """
    if not corpus.has_speakers:
        missing = int(corpus.table["speaker"].isna().sum())
        raise ConfigError(
            f"{corpus.name}: the speaker of {missing} of {len(corpus.table)} utterances is unknown; name them, or use "
            "--folds stratified and a --policy other than speaker"
        )
    return corpus.speaker
