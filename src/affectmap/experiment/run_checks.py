"""What a run refuses, and what it has to say first, before anything is trained."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from affectmap.errors import ConfigError, CorpusError
from affectmap.experiment.training_plan import Job
from affectmap.preparation.pooled_sources import PooledSource
from affectmap.preparation.prepared_corpus import PreparedCorpus
from affectmap.preparation.standardisation import fit_statistics
from affectmap.schema import FOUR_CLASSES
from affectmap.stats.scores import scenarios


def check_measured(corpus: PreparedCorpus) -> None:
    """Make sure that a corpus has something to learn from.

    Args:
        corpus: A prepared corpus.

    Raises:
        CorpusError: If all its utterances have the same functionals.

    Example:
        >>> import audformat, pandas as pd
        >>> from affectmap.corpora import Corpus
        >>> from affectmap.preparation.prepared_corpus import prepare
        >>> from affectmap.schema import COLUMNS, FUNCTIONALS
        >>> index = audformat.segmented_index([*"12"])
        >>> table, brought = pd.DataFrame(None, index, COLUMNS), pd.DataFrame(1.0, index, FUNCTIONALS)
        >>> check_measured(prepare(Corpus("pets", table, functionals=brought)))
        Traceback (most recent call last):
            ...
        affectmap.errors.CorpusError: pets: all 2 utterances have the same functionals; expected different ones
    """
    if not fit_statistics(corpus.functionals).usable.any():
        n = len(corpus.table)
        raise CorpusError(f"{corpus.name}: all {n} utterances have the same functionals; expected different ones")


def class_notes(source: PooledSource, targets: Sequence[PreparedCorpus]) -> list[str]:
    """Say which corpora lack one of the four classes, and what they are classified as.

    Args:
        source: The pooled source.
        targets: The targets.

    Returns:
        A sentence for each corpus that lacks a class.

    Raises:
        ConfigError: If a corpus shares fewer than two classes with the source.

    Example:
        >>> import audformat, pandas as pd
        >>> from affectmap.corpora import Corpus
        >>> from affectmap.preparation.prepared_corpus import prepare
        >>> from affectmap.schema import COLUMNS, FUNCTIONALS
        >>> index = audformat.segmented_index([*"123"])
        >>> table = pd.DataFrame({"emotion": ["sad", "happy", "angry"]}, index, COLUMNS)
        >>> pets = prepare(Corpus("pets", table, functionals=pd.DataFrame(np.eye(3, 88), index, FUNCTIONALS)))
        >>> class_notes(PooledSource.of([pets]), [])
        ['pets has no neutral utterances; it is classified as S-H-A and S-A.']
    """
    notes = []
    for corpus in (*source.corpora, *targets):
        shared = scenarios(source.emotion, corpus.emotion)
        missing = [str(emotion) for emotion in FOUR_CLASSES if emotion not in set(corpus.emotion)]
        if not shared:
            raise ConfigError(
                f"{corpus.title} has no {', no '.join(missing)}, and shares fewer than two of neutral, sad, happy, "
                f"angry with the source {source.name}; name the emotions of its utterances, or leave it out"
            )
        if missing:
            notes.append(
                f"{corpus.title} has no {' and no '.join(missing)} utterances; it is classified as "
                f"{' and '.join(shared)}."
            )
    return notes


def speaker_notes(corpora: Sequence[PreparedCorpus]) -> list[str]:
    """Say whom the policy ``speaker`` cannot standardise: a speaker with one utterance has no spread.

    Args:
        corpora: All corpora of the run.

    Returns:
        A sentence for each corpus that has such speakers.

    Raises:
        ConfigError: If a corpus has no others.
    """
    notes = []
    for corpus in corpora:
        counts = Counter(corpus.table["speaker"].dropna())
        n_single = sum(count == 1 for count in counts.values())
        if counts and n_single == len(counts):
            raise ConfigError(
                f"{corpus.name}: every speaker has a single utterance, which leaves nothing under --policy speaker; "
                "use another policy"
            )
        if n_single:
            notes.append(
                f"{n_single} of {len(counts)} speakers of {corpus.name} have a single utterance; the policy speaker "
                "sets its features to 0."
            )
    return notes


def check_jobs(jobs: Sequence[Job]) -> None:
    """Make sure that every model that is given labels can learn from them; it would pass for what it is not.

    Args:
        jobs: What is to be trained.

    Raises:
        ConfigError: If in some fold no two training rows differ in their labels.

    Example:
        >>> from affectmap.model.training import TrainingTask
        >>> task = TrainingTask(np.eye(3, 88, dtype=np.float32), np.array([[1.0], [2.0], [np.nan]]))
        >>> check_jobs([Job("DAE-Metric-Act", ("activation",), "pets", 1, 0, task)])
    """
    for job in jobs:
        label = job.task.label if job.task else None
        if label is not None and len(np.unique(label[np.isfinite(label).all(axis=1)], axis=0)) < 2:
            where = f"fold {job.fold}" if job.fold else "all utterances"
            raise ConfigError(
                f"{job.corpus}, {where}: no two utterances trained on differ in {' and '.join(job.labels)}; label more "
                f"of them, use other folds, or leave out {job.method}"
            )
