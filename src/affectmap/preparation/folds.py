"""Splits into training and test rows: by speaker, by session, by corpus, or shuffled across speakers.

Conventions:
    * The test parts of the folds of one split contain every row exactly once; training is all the rest.
    * Row numbers are sorted positions in the table that the split was made from.
    * A split by speaker says how a method does on unseen people. One that shares speakers does not,
      and every fold says which it is.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from affectmap.errors import ConfigError
from affectmap.schema import Rows

if TYPE_CHECKING:
    from affectmap.preparation.pooled_source import PooledSource


@dataclass(frozen=True, eq=False)
class Fold:
    """One split of the rows of a table.

    Attributes:
        name: For people, unique within its split.
        train: Numbers of the training rows, sorted.
        test: Numbers of the test rows, sorted.
        shares_speakers: Whether a speaker is in both parts, or may be.
    """

    name: str
    train: Rows
    test: Rows
    shares_speakers: bool


def fold_kind(source: PooledSource, setting: str = "auto", preset: str = "paper") -> str:
    """Resolve ``auto``: ``stratified`` for ``authors-code``, ``session`` where they share no speaker, ``speaker``."""
    if setting != "auto":
        return setting
    if preset == "authors-code":
        return "stratified"
    sessions = _named_sessions(source)
    pairs = set(zip(source.speaker, sessions, strict=True))
    apart = all(corpus.has_speakers for corpus in source.corpora) and len(pairs) == len(set(source.speaker))
    return "session" if apart and None not in set(sessions) and len(set(sessions)) > 1 else "speaker"


def _named_sessions(source: PooledSource) -> npt.NDArray[np.object_]:
    names = [
        None if session is None else f"{corpus.name}/{session}"
        for corpus in source.corpora
        for session in corpus.table["session"].tolist()
    ]
    return np.array(names, dtype=object)


def source_folds(source: PooledSource, kind: str, n_folds: int = 5, seed: int = 0) -> tuple[Fold, ...]:
    """Split a source.

    Args:
        source: The pooled source.
        kind: ``speaker``, ``session``, ``stratified`` (shuffled across speakers), ``corpus`` or ``auto``.
        n_folds: Folds by speaker, or stratified.
        seed: Seed of the split.

    Returns:
        The folds.

    Raises:
        ConfigError: If the source cannot be split so.

    Example:
        >>> from affectmap.preparation.pooled_source import PooledSource
        >>> [fold.test.tolist() for fold in source_folds(PooledSource.of([pets]), "speaker", n_folds=2)]
        [[0, 1], [2, 3]]
    """
    kind = fold_kind(source, kind)
    if kind == "stratified":
        everyone_known = all(corpus.has_speakers for corpus in source.corpora)
        return stratified_folds(source.emotion, n_folds, seed, source.speaker if everyone_known else None)
    if kind == "corpus":
        if len(source.corpora) < 2:
            raise ConfigError(f"folds by corpus need two sources or more, got {source.name}; add --source NAME=DIR")
        return leave_one_corpus_out(source.corpus_name)
    for corpus in source.corpora:
        corpus.known_speakers()
    if kind == "session":
        sessions = _named_sessions(source)
        if any(session is None for session in sessions):
            raise ConfigError(f"{source.name} names no sessions for some utterances; use --folds speaker")
        return session_folds(sessions, source.speaker)
    n_speakers = len(set(source.speaker))
    if n_speakers < n_folds:
        fewer = f"--n-folds {n_speakers}, or " if n_speakers > 1 else ""
        raise ConfigError(
            f"{source.name}: speakers are too few, {n_speakers} for {n_folds} folds; use {fewer}"
            "--folds stratified, which shares speakers between training and test"
        )
    return speaker_folds(source.speaker, source.emotion, n_folds, seed)


def speaker_folds(speaker: npt.ArrayLike, emotion: npt.ArrayLike, n_folds: int = 5, seed: int = 0) -> tuple[Fold, ...]:
    """Split by speaker, with emotions, utterances and speakers distributed over the folds as evenly as that allows.

    Speakers are dealt out in random order, each to the fold that has least of what the speaker brings: to the fold f of
    smallest r(f) · r(s), where r are shares of every emotion, of all utterances and of all speakers, the last two with
    twice the weight. A fold without a speaker has least.

    Args:
        speaker: Who speaks (N,).
        emotion: Emotion (N,); rows without one are distributed like a class of their own.
        n_folds: Number of folds, at least 2, at most the number of speakers.
        seed: Another seed deals speakers in another order, which is another split wherever there are several.

    Returns:
        The folds, which share no speakers.

    Raises:
        ConfigError: If a speaker is missing, or there are too few speakers or utterances for so many folds.

    Example:
        >>> folds = speaker_folds(["a", "a", "b", "b"], ["sad", "angry", "sad", "angry"], n_folds=2)
        >>> [fold.test.tolist() for fold in folds]
        [[0, 1], [2, 3]]
    """
    who, names = _numbered(speaker, "speaker", "use stratified folds")
    what = _emotion_numbers(emotion, len(who))
    _check_n_folds(n_folds, len(names), "speakers")
    if np.bincount(what).max() < n_folds:
        raise _too_rare(n_folds)
    counts = np.zeros((len(names), what.max() + 1))
    np.add.at(counts, (who, what), 1)
    columns = np.column_stack([counts, counts.sum(axis=1), np.ones(len(names))])
    shares = columns / columns.sum(axis=0)
    shares[:, -2:] *= 2
    fold_of, dealt = np.empty(len(names), dtype=np.int64), np.zeros((n_folds, shares.shape[1]))
    for each in np.random.default_rng(seed).permutation(len(names)):
        fold_of[each] = np.argmin(dealt @ shares[each])
        dealt[fold_of[each]] += shares[each]
    return tuple(_fold(f"fold {k + 1}", fold_of[who] == k, shares=False) for k in range(n_folds))


def most_speaker_folds(speaker: npt.ArrayLike, emotion: npt.ArrayLike, n_folds: int = 5) -> int:
    """Count the folds that `speaker_folds` can make of few speakers or utterances; below 2 no split can be made."""
    who, names = _numbered(speaker, "speaker", "use stratified folds")
    return min(n_folds, len(names), int(np.bincount(_emotion_numbers(emotion, len(who))).max()))


def folds_of_rows(
    speaker: npt.NDArray[np.generic], emotion: npt.NDArray[np.generic], rows: Rows, n_folds: int, seed: int
) -> tuple[Fold, ...]:
    """Split some of all rows by speaker as `speaker_folds` does; the folds have the numbers that the rows have there.

    There are fewer folds where there are fewer speakers, or utterances of any emotion, and none below two.

    Example:
        >>> speaker, emotion = np.array([*"aabbb"]), np.array(["sad", "angry", "sad", "angry", "angry"])
        >>> [fold.test.tolist() for fold in folds_of_rows(speaker, emotion, np.array([0, 1, 4]), 5, seed=0)]
        [[0, 1], [4]]
    """
    speaker, emotion = speaker[rows], emotion[rows]
    n_folds = most_speaker_folds(speaker, emotion, n_folds)
    folds = speaker_folds(speaker, emotion, n_folds, seed) if n_folds > 1 else ()
    return tuple(replace(fold, train=rows[fold.train], test=rows[fold.test]) for fold in folds)


def stratified_folds(
    emotion: npt.ArrayLike, n_folds: int = 5, seed: int = 0, speaker: npt.ArrayLike | None = None
) -> tuple[Fold, ...]:
    """Split shuffled rows, with every emotion's share the same in all folds and no regard to speakers.

    Args:
        emotion: Emotion (N,); rows without one are distributed like a class of their own.
        n_folds: Number of folds, at least 2, at most the number of rows.
        seed: Another seed shuffles otherwise.
        speaker: Who speaks (N,); the folds count as sharing speakers where it is missing, or missing for any row.

    Returns:
        The folds.

    Raises:
        ConfigError: If there are too few utterances for so many folds.

    Example:
        >>> folds = stratified_folds(["sad", "sad", "angry", "angry"], n_folds=2)
        >>> [(len(fold.train), len(fold.test), fold.shares_speakers) for fold in folds]
        [(2, 2, True), (2, 2, True)]
    """
    from sklearn.model_selection import StratifiedKFold

    what = _emotion_numbers(emotion, None)
    _check_n_folds(n_folds, len(what), "utterances")
    splitter = StratifiedKFold(n_folds, shuffle=True, random_state=seed)
    with _sklearn_errors(n_folds):
        parts = [test for _, test in splitter.split(what, what)]
    fold_of = _fold_of_row(parts, len(what))
    return _with_shared([_fold(f"fold {k + 1}", fold_of == k, shares=True) for k in range(n_folds)], speaker)


def session_folds(session: npt.ArrayLike, speaker: npt.ArrayLike | None = None) -> tuple[Fold, ...]:
    """Leave one session out: every recording session is the test part once.

    Args:
        session: Session (N,).
        speaker: Who speaks (N,). Without it every session is taken to have speakers of its own, as in IEMOCAP.

    Returns:
        One fold for each session, in sorted order and with its name.

    Raises:
        ConfigError: If a session is missing or there is only one.

    Example:
        >>> [(fold.name, fold.test.tolist()) for fold in session_folds(["two", "one", "one"])]
        [('one', [1, 2]), ('two', [0])]
    """
    return _with_shared(_leave_one_out(session, "session", "split by speaker"), speaker)


def leave_one_corpus_out(corpus: npt.ArrayLike) -> tuple[Fold, ...]:
    """Leave one corpus out: every corpus (N,) is the test part once; speakers are named within their corpus."""
    return _leave_one_out(corpus, "corpus", "name the corpus of every row")


def shared_speakers(fold: Fold, speaker: npt.ArrayLike) -> list[str]:
    """Give the sorted speakers (of all rows (N,)) in both parts of a fold, empty where it keeps speakers apart."""
    who, names = _numbered(speaker, "speaker", "a speaker without a name cannot be told apart")
    n_rows = len(fold.train) + len(fold.test)
    if len(who) != n_rows:
        raise ConfigError(f"the fold is of {n_rows} rows, speaker has {len(who)}; expected as many")
    both = np.intersect1d(who[fold.train], who[fold.test])
    return [names[k] for k in both]


def _leave_one_out(group: npt.ArrayLike, kind: str, advice: str) -> tuple[Fold, ...]:
    which, names = _numbered(group, kind, advice)
    if len(names) < 2:
        raise ConfigError(f"leaving one {kind} out needs at least 2, got {len(names)}: {names}; {advice}")
    return tuple(_fold(name, which == k, shares=False) for k, name in enumerate(names))


def _with_shared(folds: Iterable[Fold], speaker: npt.ArrayLike | None) -> tuple[Fold, ...]:
    if speaker is None or pd.isna(np.asarray(speaker, dtype=object)).any():
        return tuple(folds)
    return tuple(replace(fold, shares_speakers=bool(shared_speakers(fold, speaker))) for fold in folds)


def _fold(name: str, is_test: npt.NDArray[np.bool_], *, shares: bool) -> Fold:
    return Fold(name, np.flatnonzero(~is_test), np.flatnonzero(is_test), shares)


def _fold_of_row(parts: list[Rows], n_rows: int) -> Rows:
    fold_of = np.empty(n_rows, dtype=np.int64)
    for k, rows in enumerate(parts):
        fold_of[rows] = k
    return fold_of


def _numbered(values: npt.ArrayLike, kind: str, advice: str) -> tuple[Rows, list[str]]:
    cells = np.asarray(values, dtype=object)
    missing = int(pd.isna(cells).sum())
    if missing or not len(cells):
        raise ConfigError(f"{missing} of {len(cells)} rows have no {kind}; expected one for every row; {advice}")
    names, numbers = np.unique([str(cell) for cell in cells], return_inverse=True)
    return numbers.astype(np.int64), names.tolist()


def _emotion_numbers(emotion: npt.ArrayLike, n_rows: int | None) -> Rows:
    cells = np.asarray(emotion, dtype=object)
    if n_rows is not None and len(cells) != n_rows:
        raise ConfigError(f"emotion has {len(cells)} rows and speaker {n_rows}; expected as many")
    names = ["" if missing else str(cell) for cell, missing in zip(cells, pd.isna(cells), strict=True)]
    return np.unique(names, return_inverse=True)[1].astype(np.int64)


def _check_n_folds(n_folds: int, most: int, kind: str) -> None:
    if n_folds < 2:
        raise ConfigError(f"{n_folds} folds were asked for; expected at least 2")
    if most < n_folds:
        raise ConfigError(f"{n_folds} folds need at least {n_folds} {kind}, got {most}; ask for fewer folds")


def _too_rare(n_folds: int) -> ConfigError:
    return ConfigError(f"no emotion has {n_folds} utterances for {n_folds} folds; ask for fewer folds")


@contextmanager
def _sklearn_errors(n_folds: int) -> Iterator[None]:
    with warnings.catch_warnings():
        # A rare emotion cannot be in every fold; that is no reason to keep its rows out or to alarm anybody.
        warnings.filterwarnings("ignore", message="The least populated class")
        try:
            yield
        except ValueError:
            raise _too_rare(n_folds) from None
