"""What has to be known before any result is believed: who and what is on both sides of a split, and what gives it away.

Each check ends in a `Verdict`:
    * ``sound``: nothing was found;
    * ``warning``: results are worth less than they seem to, as the sentence says;
    * ``leak``: what is tested was in training;
    * ``confounded``: a corpus is standardised by speaker, although its speakers predict the emotion;
    * ``cannot be told``: speakers or emotions are not named, or nothing was split.

Not checked: whether speakers of two corpora are the same people; whether outliers, which are sought among all
utterances of a corpus without their labels, would be others without those evaluated.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from affectmap.audit.label_mismatches import mismatch_checks
from affectmap.audit.near_duplicates import NearDuplicates
from affectmap.audit.recording_conditions import emotion_from_conditions
from affectmap.audit.speaker_confounding import emotion_from_speaker
from affectmap.audit.verdicts import CARRIED, SHARED, WITHIN, Audit, Check, Mark, Verdict
from affectmap.errors import ConfigError
from affectmap.preparation.folds import Fold
from affectmap.preparation.pooled_source import PooledSource
from affectmap.preparation.prepared_corpus import PreparedCorpus
from affectmap.preparation.standardisation import target_statistics
from affectmap.text import score

__all__ = ["Audit", "examine", "speaker_sound"]

#: Share of what chance leaves open that the speaker, or the recording conditions, may predict of the emotion.
MOST_PREDICTED = 0.25
#: Recording conditions as people say them.
CONDITION_WORDS = {
    "offset": "offset", "level_db": "level", "noise_floor_db": "noise floor", "bandwidth_hz": "bandwidth",
    "duration_s": "duration",
}  # fmt: skip
NAN = float("nan")


def speaker_sound(corpus: PreparedCorpus) -> bool:
    """Say whether statistics of each speaker leave the emotions of a corpus alone.

    Args:
        corpus: A prepared corpus.

    Returns:
        True where speakers and emotions are named, the speaker predicts little of the emotion, and no card says that
        speakers were not recorded in all emotions. It looks at labels, so it is for corpora that are trained on; of a
        held-out one only the card may be asked.

    Example:
        >>> speaker_sound(pets)
        True
    """
    card = corpus.corpus.card
    return (card is None or card.balanced) and _speaker_check(corpus, 0).verdict == Verdict.SOUND


def examine(
    source: PooledSource,
    targets: Sequence[PreparedCorpus],
    folds: Sequence[Fold],
    *,
    policy: str = "target-20",
    seed: int = 0,
) -> Audit:
    """Run all checks.

    Args:
        source: The pooled source.
        targets: The targets.
        folds: Folds of the source; none if it cannot be split.
        policy: Whose statistics standardise the targets, one of `affectmap.preparation.standardisation.POLICIES`.
        seed: Seed of the policy ``target-20``, and of chance.

    Returns:
        The checks, and the results that they concern.

    Raises:
        ConfigError: If a target is too small for the policy.

    Example:
        >>> source = PooledSource.of([pets])
        >>> fold = Fold("fold 1", np.array([0, 2]), np.array([1, 3]), shares_speakers=True)
        >>> audit = examine(source, [], [fold])
        >>> [(check.check, check.value) for check in audit.of(Verdict.LEAK)]
        [('shared speakers', 1.0)]
        >>> [mark.reading for mark in audit.marks]
        ['held-out', 'within']
    """
    corpora = [*source.corpora, *targets]
    checks, marks = list[Check](), list[Mark]()
    for number in range(len(source.corpora)):
        check, leaking = _shared_speakers(source, number, folds)
        checks.append(check)
        marks += leaking
    by_speaker = {corpus.name: _speaker_check(corpus, seed) for corpus in corpora}
    checks += by_speaker.values()
    checks += [check for corpus in corpora for check in _condition_checks(corpus, seed)]
    duplicates = NearDuplicates(source, targets)
    checks += duplicates.checks()
    for check, leaking in duplicates.split_checks(folds):
        checks.append(check)
        marks += leaking
    for corpus in corpora:
        checks += mismatch_checks(corpus)
    for corpus in corpora:
        confounded = policy == "speaker" and by_speaker[corpus.name].verdict == Verdict.WARNING
        found = _statistics_of(corpus, source, folds, policy, seed)
        checks.append(_statistics_check(corpus, policy, found, confounded=confounded))
        marks += [Mark(corpus.name, reading, 0, Verdict.CONFOUNDED) for reading in CARRIED + WITHIN if confounded]
    return Audit(tuple(checks), tuple(marks))


def _shared_speakers(source: PooledSource, number: int, folds: Sequence[Fold]) -> tuple[Check, list[Mark]]:
    """Look for speakers of one source corpus on both sides of its folds."""
    corpus, rows = source.corpora[number], source.rows[number]
    name, title = corpus.name, corpus.title
    if not folds:
        detail = f"{title} was not split, so nothing can be said of speakers on both sides"
        return Check(SHARED, name, "", Verdict.UNKNOWN, NAN, 0, detail), []
    shared = [_both(source, rows, fold) for fold in folds]
    leaking = [k for k, who in enumerate(shared, start=1) if who]
    marks = [Mark(name, reading, k, Verdict.LEAK) for reading in ("held-out", "within") for k in leaking]
    n_leaking, n = len(leaking), len(folds)
    if not leaking:
        detail = f"no speaker of {title} is in training and test of any of {n} folds"
        return Check(SHARED, name, "", Verdict.SOUND, 0.0, n, detail), []
    if not corpus.has_speakers:
        detail = (
            f"{n_leaking} of {n} folds of {title} may share speakers between training and test: not all are named; "
            "name them, and use --folds speaker"
        )
        return Check(SHARED, name, "", Verdict.UNKNOWN, NAN, n, detail), marks
    n_shared = len(set().union(*shared))
    detail = (
        f"{n_leaking} of {n} folds of {title} share speakers between training and test ({n_shared} of "
        f"{len(set(corpus.speaker))} speakers): the held-out results say nothing about unseen speakers; "
        "use --folds speaker"
    )
    return Check(SHARED, name, "", Verdict.LEAK, float(n_leaking), n, detail), marks


def _both(source: PooledSource, rows: npt.NDArray[np.int64], fold: Fold) -> set[str]:
    test = np.intersect1d(fold.test, rows)
    train = np.intersect1d(fold.train, rows)
    return set(source.speaker[test]) & set(source.speaker[train])


def _speaker_check(corpus: PreparedCorpus, seed: int) -> Check:
    """Measure how much of the emotion the speaker predicts."""
    check, title = "emotion from the speaker", corpus.title
    n = int(corpus.table["emotion"].notna().sum())
    if not n or not corpus.has_speakers:
        what = "emotions" if not n else "all speakers"
        detail = f"{title} does not name {what}, so what the speaker predicts of the emotion is unknown"
        return Check(check, corpus.name, "", Verdict.UNKNOWN, NAN, n, detail)
    found = emotion_from_speaker(corpus.speaker, corpus.emotion, seed=seed)
    guess = f"the best guess from the speaker alone reaches {score(found.accuracy)} (chance {score(found.chance)})"
    about = f"{found.n_of_one} of {found.n_speakers} speakers of {title} show one emotion only"
    if np.isnan(found.excess) or found.n_speakers == found.n:
        detail = f"{guess} in {title}, with too few emotions or utterances a speaker to tell more"
        return Check(check, corpus.name, "", Verdict.UNKNOWN, found.accuracy, n, detail)
    if found.excess <= MOST_PREDICTED:
        detail = f"{guess} in {title}: who speaks does not predict the emotion"
        return Check(check, corpus.name, "", Verdict.SOUND, found.accuracy, n, detail)
    detail = (
        f"{about}, and {guess}: --policy speaker would take the emotion out, and folds that share speakers would "
        "reward knowing the voice; use neither on it"
    )
    return Check(check, corpus.name, "", Verdict.WARNING, found.accuracy, n, detail)


def _condition_checks(corpus: PreparedCorpus, seed: int) -> Iterator[Check]:
    """Measure how much of the emotion the recording conditions predict, on speakers held out, where they are known."""
    if corpus.conditions is None:
        return
    check, title, n = "emotion from the recording", corpus.title, len(corpus.table)
    names, values = tuple(map(str, corpus.conditions)), corpus.conditions.to_numpy(np.float64)
    try:
        found = emotion_from_conditions(values, names, corpus.emotion, corpus.known_speakers(), seed=seed)
    except ConfigError as error:
        detail = f"what recording conditions predict of the emotion in {title} is unknown: {error}"
        yield Check(check, corpus.name, "", Verdict.UNKNOWN, NAN, n, detail)
        return
    guess = (
        f"offset, level, noise floor, bandwidth and duration alone tell emotions of unseen speakers of {title} with a "
        f"UAR of {score(found.uar)} (chance {score(found.chance)}, 95 % from {score(found.low)} to {score(found.high)})"
        f", most of all the {CONDITION_WORDS[found.strongest]} ({score(found.of_each[found.strongest])})"
    )
    verdict = Verdict.SOUND
    if (found.uar - found.chance) / (1 - found.chance) > MOST_PREDICTED and found.low > found.chance:
        verdict = Verdict.WARNING
        guess += (
            ": a result may rest on how emotions were recorded, not on how they sound (level and duration are part of "
            "the emotion as well); believe results on other corpora rather than those within this one"
        )
    yield Check(check, corpus.name, "", verdict, found.uar, found.n, guess)


def _statistics_of(
    corpus: PreparedCorpus, source: PooledSource, folds: Sequence[Fold], policy: str, seed: int
) -> tuple[str, int, float]:
    """Say where the statistics of a corpus come from, of how many utterances, and the share of them evaluated."""
    n = len(corpus.table)
    if policy == "speaker":
        return "each speaker's own utterances", n, 1.0
    n_source = min((len(fold.train) for fold in folds), default=len(source.emotion))
    if corpus in source.corpora:
        rows = source.rows[source.corpora.index(corpus)]
        in_training = [len(np.intersect1d(fold.train, rows)) for fold in folds if np.isin(fold.test, rows).any()]
        n_own = min(in_training, default=n)
        if n_own:
            return f"the training utterances of {corpus.title} itself", n_own, 0.0
        policy = policy if policy == "source" else "target-all"
    if policy == "source":
        return "the training utterances of the source", n_source, 0.0
    _, evaluated = target_statistics(corpus.functionals, policy, seed=seed)
    if evaluated.all():
        return "all its utterances", n, 1.0
    return "a part of its utterances that is not evaluated", int((~evaluated).sum()), 0.0


def _statistics_check(corpus: PreparedCorpus, policy: str, found: tuple[str, int, float], *, confounded: bool) -> Check:
    words, n, share_evaluated = found
    begin = f"mean and standard deviation of {corpus.title} come from {words} ({n})"
    verdict, detail = Verdict.SOUND, f"{begin}; none of these is evaluated with them"
    if share_evaluated:
        verdict = Verdict.WARNING
        detail = (
            f"{begin}, those evaluated among them, without labels (transductive): results are valid where all that "
            "is to be judged is at hand beforehand; compare with --policy target-20"
        )
    if confounded:
        verdict = Verdict.CONFOUNDED
        detail = (
            f"{corpus.title} is standardised by speaker, although its speakers predict the emotion, so its "
            f"results say little about emotion; use another --policy than {policy}"
        )
    return Check("mean and standard deviation", corpus.name, "", verdict, share_evaluated, n, detail)
