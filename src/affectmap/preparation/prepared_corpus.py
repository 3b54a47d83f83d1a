"""Turn corpora into arrays that a model takes: utterances with functionals, one corpus or several pooled.

The steps, in order: functionals of every utterance, outliers dropped within the corpus (Das et al. 2022, section 4
"Preprocessing"), corpora pooled into one source, and rows standardised for a fold when they are asked for.

Conventions:
    * Rows of a corpus are those that stay; N counts them. Rows of a pool are those of its corpora, one after another.
    * A speaker's name carries the corpus before it, so that no two corpora share one.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from affectmap.corpora import Corpus, load_corpus, parse_spec
from affectmap.errors import ConfigError, CorpusError, UsageError
from affectmap.features.encoders.features import FeatureEncoder
from affectmap.features.engines import DEFAULT_ENGINE, USUAL_RATE, Engine
from affectmap.features.functionals import corpus_functionals
from affectmap.preparation.config import PreparationSettings
from affectmap.preparation.standardisation import (
    Statistics,
    block_statistics,
    constant_features,
    fit_statistics,
    outlier_mask,
    standardise_target,
    target_statistics,
)
from affectmap.schema import FOUR_CLASSES, FUNCTIONALS, LABELS, Features, Finding, Floats, Objects, Rows

#: Rows that are standardised at a time.
BLOCK_ROWS = 65_536


@dataclass(frozen=True, eq=False)
class PreparedCorpus:
    """A corpus whose rows can be trained on and evaluated: measured, without outliers.

    Attributes:
        name: Name in this run.
        corpus: The corpus as it was found, without its functionals, which need not be kept twice.
        table: Rows that stay; columns of the utterance table.
        functionals: ``(N, 88)`` float32, not standardised; or an encoder's features.
        findings: All that is known about rows dropped or doubtful, the loader's findings first.
        feature_names: Names of the columns of `functionals`.
        conditions: Recording conditions, a row each, columns as in `affectmap.audio.conditions.Conditions`; ``None``
            where no recording was read for functionals.
    """

    name: str
    corpus: Corpus
    table: pd.DataFrame
    functionals: Features
    findings: tuple[Finding, ...]
    feature_names: tuple[str, ...] = FUNCTIONALS
    conditions: pd.DataFrame | None = None

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
    def counts(self) -> str:
        """A line of what was found, dropped, used and rated."""
        n_found, n_used = self.n_found, len(self.table)
        kinds = Counter(finding.kind for finding in self.findings if finding.dropped)
        why = f" ({', '.join(f'{kind} {n}' for kind, n in kinds.items())})" if kinds else ""
        n_rated = int(self.table[list(LABELS)].notna().any(axis=1).sum())
        return (
            f"{self.name}: {n_found} utterances found, {n_found - n_used} dropped{why}, {n_used} used, {n_rated} rated"
        )

    @cached_property
    def emotion(self) -> Objects:
        """Emotion of every row, ``None`` where unknown."""
        return self.table["emotion"].to_numpy(dtype=object)

    @cached_property
    def label(self) -> Floats:
        """Activation and valence ``(N, 2)``, ``NaN`` where missing."""
        return self.table[list(LABELS)].to_numpy(dtype=np.float64)

    @cached_property
    def speaker(self) -> Objects:
        """Speaker of every row with the corpus' name before it; if any is unknown, all rows count as one speaker's.

        Then nothing is claimed about other speakers: there is no interval, and no split by speaker.
        """
        speaker = self.table["speaker"] if self.has_speakers else np.full(len(self.table), "unknown", dtype=object)
        # A speaker's name is kept once, not once a row.
        numbers, names = pd.factorize(speaker)
        return np.array([f"{self.name}/{name}" for name in names], dtype=object)[numbers]

    @cached_property
    def file(self) -> Objects:
        """Recording of every row."""
        return self.table.index.get_level_values("file").to_numpy(dtype=object)

    @property
    def has_speakers(self) -> bool:
        """Whether every row's speaker is known."""
        return bool(self.table["speaker"].notna().all())

    def known_speakers(self) -> Objects:
        """Give `speaker`, or raise a `ConfigError` where any row's speaker is unknown."""
        if not self.has_speakers:
            missing = int(self.table["speaker"].isna().sum())
            raise ConfigError(
                f"{self.name}: the speaker of {missing} of {len(self.table)} utterances is unknown; name them, or use "
                "--folds stratified and a --policy other than speaker"
            )
        return self.speaker

    @cached_property
    def standardised_by_speaker(self) -> Features:
        """Every speaker's rows standardised by themselves ``(N, 88)``; the same for all folds."""
        return standardise_target(self.functionals, "speaker", speaker=self.known_speakers())[0]


def read_corpora(config: PreparationSettings) -> list[Corpus]:
    """Read the corpora of a run, sources first, and of these only the emotions that are wanted.

    Raises:
        AffectmapError: If a corpus is given twice, cannot be read, or nothing of it is wanted.
    """
    specs = [*config.source, *config.target]
    names = [parse_spec(spec).name for spec in specs]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"corpus {name} is given twice; a corpus is one source or one target")
    corpora = [load_corpus(spec, config.labels, excited_as_happy=config.excited_as_happy) for spec in specs]
    for number, corpus in enumerate(corpora[: len(config.source)]):
        in_paper = corpus.card is not None and corpus.card.four_classes
        if config.emotions == "four" or (config.emotions == "auto" and in_paper):
            corpora[number] = keep_four_classes(corpus)
    return corpora


def keep_four_classes(corpus: Corpus) -> Corpus:
    """Leave out utterances that are not neutral, sad, happy or angry, as the paper does on IEMOCAP; note how many."""
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
    encoder: FeatureEncoder | None = None,
    cache: Path | None = None,
    sampling_rate: int = USUAL_RATE,
    engine: Engine = DEFAULT_ENGINE,
    n_jobs: int | None = None,
    strict: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> PreparedCorpus:
    """Measure a corpus and drop its outliers.

    Args:
        corpus: The corpus as found.
        outlier_threshold: An utterance with any |z| above it, within this corpus, is dropped; 10 in the paper.
        encoder: Gives the features instead of the functionals; those that a corpus brings then play no part.
        cache: Folder of cached features; the user's cache folder by default.
        sampling_rate: Rate in Hz to which recordings are resampled for functionals.
        engine: What measures functionals.
        n_jobs: Threads; one a core by default.
        strict: Whether an unusable recording is an error.
        progress: Called with the numbers of utterances measured and in total.

    Raises:
        AudioError: If no recording can be used, or one cannot and `strict` is set.
        CorpusError: If nothing is left after dropping outliers, or functionals that the corpus brings are damaged.

    Example:
        >>> table = pets.table.assign(speaker="anna")
        >>> brought = pd.DataFrame(pets.functionals, table.index, list(FUNCTIONALS))
        >>> cats = prepare(Corpus("cats", table, functionals=brought))
        >>> cats.functionals.shape, cats.speaker[0], cats.emotion.tolist()
        ((4, 88), 'cats/anna', ['sad', 'angry', 'sad', 'angry'])
    """
    options: dict[str, Any] = {"cache": cache, "n_jobs": n_jobs, "strict": strict, "progress": progress}
    conditions = None
    if encoder is not None:
        functionals, measured = encoder.extract(corpus.name, corpus.table.index, **options)
    else:
        functionals, conditions, measured = corpus_functionals(
            corpus.name, corpus.table, corpus.functionals, sampling_rate=sampling_rate, engine=engine, **options
        )
    names = tuple(functionals.columns)
    values = functionals.to_numpy(dtype=np.float32)
    outlier = outlier_mask(values, outlier_threshold)
    findings = [*corpus.findings, *measured]
    findings += _outlier_findings(corpus.name, functionals, outlier, outlier_threshold) if outlier.any() else []
    if outlier.all():
        raise CorpusError(f"{corpus.name}: all {len(outlier)} utterances are outliers at |z| > {outlier_threshold:g}")
    values = values[~outlier] if outlier.any() else values
    constant = constant_features(values, names)
    if constant:
        kind = "functionals" if encoder is None else "features"
        detail = f"{len(constant)} {kind} have one value for all utterances and are set to 0: {', '.join(constant)}"
        findings.append(Finding(corpus.name, "", "constant", detail))
    table = corpus.table.loc[functionals.index[~outlier]]
    conditions = None if conditions is None else conditions[~outlier]
    without = replace(corpus, functionals=None)
    return PreparedCorpus(corpus.name, without, table, values, tuple(findings), names, conditions)


def prepare_for(
    config: PreparationSettings,
    corpus: Corpus,
    *,
    encoder: FeatureEncoder | None = None,
    cache: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> PreparedCorpus:
    """Prepare a corpus as the settings of a run want it; under `strict`, nothing may have been left out before."""
    left_out = [finding for finding in corpus.findings if finding.dropped]
    if config.strict and left_out:
        detail = left_out[0].detail.removesuffix("; left out")
        raise CorpusError(f"{corpus.name}: {left_out[0].file} cannot be used: {detail}; mend it first")
    return prepare(
        corpus,
        outlier_threshold=config.outlier_threshold,
        encoder=encoder,
        cache=cache,
        sampling_rate=config.sampling_rate,
        engine=config.engine,
        n_jobs=config.n_jobs,
        strict=config.strict,
        progress=progress,
    )


def _outlier_findings(
    name: str, functionals: pd.DataFrame, outlier: npt.NDArray[np.bool_], threshold: float
) -> list[Finding]:
    index, values = functionals.index, functionals.to_numpy(dtype=np.float32)
    statistics = fit_statistics(values)
    findings = []
    for row in np.flatnonzero(outlier).tolist():
        z = np.abs(statistics.apply(values[row : row + 1])[0])
        worst = int(z.argmax())
        detail = f"outlier: |z| of {functionals.columns[worst]} is {z[worst]:.1f}, above {threshold:g}"
        findings.append(Finding(name, str(index[row][0]), "outlier", detail, dropped=True))
    return findings


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
