"""Turn a corpus into arrays that a model takes: utterances with functionals, without outliers.

The steps, in order: functionals of every utterance, and outliers dropped within the corpus (Das et al. 2022, section 4
"Preprocessing"). `affectmap.preparation.pooled_source` pools corpora and standardises their rows.

Conventions:
    * Rows of a corpus are those that stay; N counts them.
    * A speaker's name carries the corpus before it, so that no two corpora share one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from affectmap.corpora import Corpus, load_corpus, parse_spec
from affectmap.errors import ConfigError, CorpusError, UsageError
from affectmap.features.encoders.features import FeatureEncoder
from affectmap.features.engines import engine_of, feature_names, how_measured
from affectmap.features.functionals import corpus_functionals
from affectmap.preparation.config import PreparationSettings
from affectmap.preparation.standardisation import (
    constant_features,
    fit_statistics,
    outlier_mask,
    standardise_target,
)
from affectmap.schema import (
    CORRECTED,
    DEFAULT_ENGINE,
    EGEMAPS,
    FOUR_CLASSES,
    FUNCTIONALS,
    LABELS,
    USUAL_RATE,
    WHISPER,
    Engine,
    Features,
    Finding,
    Floats,
    Objects,
    column_prefixes,
)


@dataclass(frozen=True, eq=False)
class PreparedCorpus:
    """A corpus whose rows can be trained on and evaluated: measured, without outliers.

    Attributes:
        name: Name in this run.
        corpus: The corpus as it was found, without its functionals, which need not be kept twice.
        table: Rows that stay; columns of the utterance table.
        functionals: ``(N, F)`` float32, not standardised: 88 functionals, or other features.
        findings: All that is known about rows dropped or doubtful, the loader's findings first.
        feature_names: Names of the columns of `functionals`.
        conditions: Recording conditions, a row each, columns as in `affectmap.audio.conditions.Conditions`; ``None``
            where no recording was read for functionals.
        is_given: Whether the features are columns of a table, so that nothing was measured here.
    """

    name: str
    corpus: Corpus
    table: pd.DataFrame
    functionals: Features
    findings: tuple[Finding, ...]
    feature_names: tuple[str, ...] = FUNCTIONALS
    conditions: pd.DataFrame | None = None
    is_given: bool = False

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
        """Every speaker's rows standardised by themselves ``(N, F)``; the same for all folds."""
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
    options: dict[str, Any] = {"excited_as_happy": config.excited_as_happy, "features": config.features}
    corpora = [load_corpus(spec, config.labels, **options) for spec in specs]
    if column_prefixes(config.features) is not None:
        corpora = same_features(corpora)
    for number, corpus in enumerate(corpora[: len(config.source)]):
        in_paper = corpus.card is not None and corpus.card.four_classes
        if config.emotions == "four" or (config.emotions == "auto" and in_paper):
            corpora[number] = keep_four_classes(corpus)
    return corpora


def same_features(corpora: Sequence[Corpus]) -> list[Corpus]:
    """Give all corpora that bring their features those of the first, in its order; note which others are left out.

    Raises:
        CorpusError: If one lacks any of them.
    """
    first, aligned = corpora[0], list[Corpus]()
    if first.functionals is None:
        return list(corpora)
    names = list(first.functionals.columns)
    for corpus in corpora:
        frame, findings = corpus.functionals, corpus.findings
        if frame is not None and list(frame.columns) != names:
            if missing := [name for name in names if name not in frame]:
                raise CorpusError(
                    f"{corpus.name} lacks {len(missing)} of the {len(names)} features of {first.name}, first "
                    f"{missing[0]}; choose those that both have with --features columns:PREFIX"
                )
            if others := [name for name in frame if name not in names]:
                what = f"{len(others)} features that {first.name} has not were left out, first {others[0]}"
                findings = (*findings, Finding(corpus.name, "", "note", what))
            frame = frame[names]
        aligned.append(replace(corpus, functionals=frame, findings=findings))
    return aligned


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
    features: Sequence[str] = FUNCTIONALS,
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
        features: Names of the features that a corpus brings, the functionals by default.
        cache: Folder of cached features; the user's cache folder by default.
        sampling_rate: Rate in Hz to which recordings are resampled for functionals.
        engine: What measures; where a corpus brings others than an engine with a set of its own measures, its
            recordings are measured.
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
        brought = corpus.functionals
        if engine in (CORRECTED, WHISPER):
            features = feature_names(engine)
            brought = brought if brought is not None and set(features) <= set(brought.columns) else None
        functionals, conditions, measured = corpus_functionals(
            corpus.name, corpus.table, brought, features, sampling_rate=sampling_rate, engine=engine, **options
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
        kind = "functionals" if encoder is None and tuple(features) == FUNCTIONALS else "features"
        detail = f"{len(constant)} {kind} have one value for all utterances and are set to 0: {', '.join(constant)}"
        findings.append(Finding(corpus.name, "", "constant", detail))
    table = corpus.table.loc[functionals.index[~outlier]]
    conditions = None if conditions is None else conditions[~outlier]
    is_given = encoder is None and conditions is None
    without = replace(corpus, functionals=None)
    return PreparedCorpus(corpus.name, without, table, values, tuple(findings), names, conditions, is_given)


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
    features: Sequence[str] = FUNCTIONALS
    if corpus.functionals is not None and config.features in (EGEMAPS, WHISPER):
        how = how_measured(engine_of(config.features, config.engine))
        noun = "functionals" if config.features == EGEMAPS else "features"
        detail = (
            f"its {noun} are columns of a table; what measured them is not known, and they are taken for those of "
            f"{how['engine']} at {config.sampling_rate} Hz, {how['cleaning']}"
        )
        corpus = replace(corpus, findings=(*corpus.findings, Finding(corpus.name, "", "note", detail)))
    if corpus.functionals is not None and config.features == CORRECTED:
        detail = "its functionals are those of eGeMAPSv02 and play no part; the corrected ones are measured"
        corpus = replace(corpus, findings=(*corpus.findings, Finding(corpus.name, "", "note", detail)))
    if corpus.functionals is not None and column_prefixes(config.features) is not None:
        features = tuple(corpus.functionals.columns)
    return prepare(
        corpus,
        outlier_threshold=config.outlier_threshold,
        encoder=encoder,
        features=features,
        cache=cache,
        sampling_rate=config.sampling_rate,
        engine=engine_of(config.features, config.engine),
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
