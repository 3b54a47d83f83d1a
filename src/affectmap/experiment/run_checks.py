"""What a run refuses, and what it says first, before anything is trained."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from affectmap.errors import ConfigError, CorpusError
from affectmap.experiment.config import Method
from affectmap.experiment.protocol import METHOD_LABELS, Job, label_columns
from affectmap.preparation.folds import Fold
from affectmap.preparation.pooled_source import PooledSource
from affectmap.preparation.prepared_corpus import PreparedCorpus
from affectmap.preparation.standardisation import fit_statistics
from affectmap.schema import FOUR_CLASSES
from affectmap.stats.measures import scenarios
from affectmap.stats.metrics import N_PAIRS
from affectmap.stats.scores import EXACT_UTTERANCES


def check_measured(corpus: PreparedCorpus) -> None:
    """Make sure that a corpus has something to learn from.

    Raises:
        CorpusError: If all its utterances have the same functionals.
    """
    if not fit_statistics(corpus.functionals).usable.any():
        n = len(corpus.table)
        raise CorpusError(f"{corpus.name}: all {n} utterances have the same functionals; expected different ones")


def class_notes(source: PooledSource, targets: Sequence[PreparedCorpus]) -> list[str]:
    """Say in a sentence each which corpora lack one of the four classes, and what they are classified as.

    Raises:
        ConfigError: If a corpus shares fewer than two classes with the source.

    Example:
        >>> class_notes(PooledSource.of([pets]), [])
        ['pets has no neutral and no happy utterances; it is classified as S-A.']
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
    """Say whom the policy ``speaker`` cannot standardise: one utterance has no standard deviation.

    Raises:
        ConfigError: If a corpus has only such speakers.
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


def check_labels(source: PooledSource, methods: Sequence[Method]) -> None:
    """Make sure that every method has labels to learn from.

    Raises:
        ConfigError: If no utterance has all labels of a method, or one of them is the same for all that do.
    """
    for method in methods:
        names = METHOD_LABELS[method][1]
        label = source.label[:, label_columns(names)]
        label = label[np.isfinite(label).all(axis=1)]
        wanted = f"{'a column' if len(names) == 1 else 'columns'} {' and '.join(names)}"
        advice = (
            f"give its label sheet with --labels, or, in a table, {wanted}; "
            f"or leave the method {method} out, as with --method unsupervised"
        )
        if names and not len(label):
            raise ConfigError(f"{source.name}: no utterance has a rating of {' and '.join(names)}; {advice}")
        for name, values in zip(names, label.T, strict=True):
            if values.min() == values.max():
                raise ConfigError(f"{source.name}: {name} is {values[0]:g} for all {len(values)} utterances; {advice}")


def check_jobs(jobs: Sequence[Job]) -> None:
    """Make sure that every model that is given labels can learn from them; it would pass for what it is not.

    Raises:
        ConfigError: If in some fold no two training rows differ in their labels.
    """
    for job in jobs:
        label = job.task.label if job.task else None
        if label is not None and len(np.unique(label[np.isfinite(label).all(axis=1)], axis=0)) < 2:
            where = f"fold {job.fold}" if job.fold else "all utterances"
            raise ConfigError(
                f"{job.corpus}, {where}: no two utterances trained on differ in {' and '.join(job.labels)}; label more "
                f"of them, use other folds, or leave out {job.method}"
            )


def rated_held_out(source: PooledSource, folds: Sequence[Fold]) -> list[int]:
    """Count what each fold holds out of each corpus, by the label that more of these utterances have."""
    rated = np.isfinite(source.label)
    tests = [fold.test[source.corpus_name[fold.test] == corpus.name] for fold in folds for corpus in source.corpora]
    return [int(rated[rows].sum(axis=0).max()) for rows in tests]


def sampling_notes(n_held_out: Sequence[int]) -> list[str]:
    """Say in a sentence that pairs are sampled, if so; given the labelled utterances of every fold and corpus."""
    largest = max(n_held_out, default=0)
    if largest <= EXACT_UTTERANCES:
        return []
    return [
        f"table 1: pairs were sampled where over {EXACT_UTTERANCES:,} utterances are rated (up to {largest:,} in a "
        f"fold): values are those of {N_PAIRS:,} random pairs, not of all, and intervals come from "
        f"{EXACT_UTTERANCES:,} random utterances"
    ]
