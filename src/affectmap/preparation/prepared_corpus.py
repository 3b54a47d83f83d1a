"""From a corpus as found to arrays that a model takes: functionals, labels, speakers, what was dropped and why.

The steps, in order: functionals of every utterance, outliers dropped within the corpus (Das et al. 2022, section 4
"Preprocessing"), then standardisation, which depends on the fold and on the policy.

Conventions:
    * Rows of a corpus are those that stay; N counts them.
    * A speaker's name carries the corpus before it, so that no two corpora share one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from affectmap.corpora import Corpus, load_corpus, parse_spec
from affectmap.errors import ConfigError, CorpusError, UsageError
from affectmap.features.encoders.features import FeatureEncoder
from affectmap.features.functionals import corpus_functionals
from affectmap.preparation.config import PreparationSettings
from affectmap.preparation.standardisation import (
    constant_features,
    fit_statistics,
    outlier_mask,
    standardise_target,
)
from affectmap.schema import FOUR_CLASSES, FUNCTIONALS, LABELS, Finding

Features = npt.NDArray[np.float32]
Floats = npt.NDArray[np.float64]
Objects = npt.NDArray[np.object_]


@dataclass(frozen=True, eq=False)
class PreparedCorpus:
    """A corpus whose rows can be trained on and evaluated: measured, without outliers.

    Attributes:
        name: Name in this run.
        corpus: The corpus as it was found, without its functionals, which need not be kept twice.
        table: Rows that stay; columns of the utterance table.
        functionals: ``(N, 88)`` float32 in the order of `table`, not standardised; or an encoder's features.
        findings: All that is known about rows dropped or doubtful, the loader's findings first.
        feature_names: Names of the columns of `functionals`.
    """

    name: str
    corpus: Corpus
    table: pd.DataFrame
    functionals: Features
    findings: tuple[Finding, ...]
    feature_names: tuple[str, ...] = FUNCTIONALS

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

    @cached_property
    def standardised_by_speaker(self) -> Features:
        """Every speaker's rows standardised by themselves ``(N, 88)``; the same for all folds.

        Raises:
            ConfigError: If any row's speaker is unknown.
        """
        return standardise_target(self.functionals, "speaker", speaker=known_speakers(self))[0]


def read_corpora(config: PreparationSettings) -> list[Corpus]:
    """Read the corpora of a run: sources with the emotions wanted of them, then targets.

    Args:
        config: `source`, `target`, `labels`, `excited_as_happy` and `emotions` matter.

    Returns:
        The corpora as found, sources first.

    Raises:
        AffectmapError: If a corpus is given twice, cannot be read, or nothing of it is wanted.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> (folder / "03a01Wa.wav").touch()
        >>> [corpus.name for corpus in read_corpora(PreparationSettings(source=[f"emodb={folder}"]))]
        ['emodb']
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
    encoder: FeatureEncoder | None = None,
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
        encoder: Gives the features instead of the functionals; those that a corpus brings then play no part.
        cache: Folder of cached features; the user's cache folder by default.
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
    if encoder is not None:
        functionals, measured = encoder.extract(
            corpus.name, corpus.table.index, cache=cache, n_jobs=n_jobs, strict=strict, progress=progress
        )
    else:
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
    names = tuple(functionals.columns)
    values = functionals.to_numpy(dtype=np.float32)
    outlier = outlier_mask(values, outlier_threshold)
    findings = [*corpus.findings, *measured]
    findings += _outlier_findings(corpus.name, functionals, outlier, outlier_threshold)
    if outlier.all():
        raise CorpusError(f"{corpus.name}: all {len(outlier)} utterances are outliers at |z| > {outlier_threshold:g}")
    values = values[~outlier] if outlier.any() else values
    constant = constant_features(values, names)
    if constant:
        kind = "functionals" if encoder is None else "features"
        detail = f"{len(constant)} {kind} have one value for all utterances and are set to 0: {', '.join(constant)}"
        findings.append(Finding(corpus.name, "", "constant", detail))
    table = corpus.table.loc[functionals.index[~outlier]]
    return PreparedCorpus(corpus.name, replace(corpus, functionals=None), table, values, tuple(findings), names)


def prepare_for(
    config: PreparationSettings,
    corpus: Corpus,
    *,
    encoder: FeatureEncoder | None = None,
    cache: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> PreparedCorpus:
    """Prepare a corpus as the settings of a run want it.

    Args:
        config: `outlier_threshold`, `sampling_rate`, `n_jobs` and `strict` matter.
        corpus: The corpus as found.
        encoder: As in `prepare`.
        cache: As there.
        progress: As there.

    Returns:
        The prepared corpus.

    Raises:
        AffectmapError: As in `prepare`; and if `strict` is set and a recording was left out before.
    """
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
        n_jobs=config.n_jobs,
        strict=config.strict,
        progress=progress,
    )


def _outlier_findings(
    name: str, functionals: pd.DataFrame, outlier: npt.NDArray[np.bool_], threshold: float
) -> list[Finding]:
    if not outlier.any():
        return []
    index, values = functionals.index, functionals.to_numpy(dtype=np.float32)
    statistics = fit_statistics(values)
    findings = []
    for row in np.flatnonzero(outlier).tolist():
        z = np.abs(statistics.apply(values[row : row + 1])[0])
        worst = int(z.argmax())
        detail = f"outlier: |z| of {functionals.columns[worst]} is {z[worst]:.1f}, above {threshold:g}"
        findings.append(Finding(name, str(index[row][0]), "outlier", detail, dropped=True))
    return findings


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
