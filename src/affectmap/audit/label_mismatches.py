"""Whether labels and recordings fit: what has no counterpart, names that say another emotion, odd durations.

What loaders and measuring found is counted, not repeated: ``affectmap corpora`` and the report name it. Ratings outside
of 1..5 need no check here: no loader lets them in.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path, PurePath

import numpy as np
import numpy.typing as npt
import pandas as pd

from affectmap.audio.decoding import Decoding
from affectmap.audit.verdicts import Check, Verdict
from affectmap.corpora import name_readers
from affectmap.errors import AudioError
from affectmap.preparation.prepared_corpus import PreparedCorpus

#: Findings of a loader that mean that labels and recordings do not fit.
UNFIT = ("missing", "extra", "unlabelled", "unreadable")
#: Robust standard deviations of the logarithm of the duration beyond which an utterance is odd.
ODD = 5.0
#: Share of the names that a corpus' naming must fit, and predict right, to be believed about the others.
BELIEVED = 0.5
NAN = float("nan")


def mismatch_checks(corpus: PreparedCorpus) -> Iterator[Check]:
    """Check whether the labels of a corpus fit its recordings.

    Args:
        corpus: A prepared corpus.

    Yields:
        A check of what was found without its counterpart; one of the emotions in file names, where names are those of
        a supported corpus and the emotions came from elsewhere; and one of durations, where there are recordings.

    Example:
        >>> [(check.check, str(check.verdict)) for check in mismatch_checks(pets)]
        [('labels and recordings', 'sound')]
    """
    yield _fit(corpus)
    named = _named_emotions(corpus)
    if named is not None:
        yield named
    seconds = _durations(corpus)
    if seconds is not None:
        yield _odd_durations(corpus, seconds)


def _fit(corpus: PreparedCorpus) -> Check:
    kinds = Counter(finding.kind for finding in corpus.findings if finding.kind in UNFIT)
    n, counts = corpus.n_found, ", ".join(f"{kind} {kinds[kind]}" for kind in UNFIT if kinds[kind])
    if not kinds:
        detail = f"all labels of {corpus.title} have their recordings, and recordings their labels"
        return Check("labels and recordings", corpus.name, "", Verdict.SOUND, 0.0, n, detail)
    detail = (
        f"labels and recordings of {corpus.title} do not fit everywhere ({counts}); affectmap corpora or the report "
        "names each"
    )
    return Check("labels and recordings", corpus.name, "", Verdict.WARNING, float(kinds.total()), n, detail)


def _named_emotions(corpus: PreparedCorpus) -> Check | None:
    # The loader of a supported corpus took the emotions from these very names.
    if corpus.corpus.card is not None or not pd.notna(corpus.emotion).any():
        return None
    names = [PurePath(str(file).replace("\\", "/")) for file in corpus.file]
    for title, parse_name in name_readers():
        parsed = [parse_name(name) for name in names]
        named = np.array([None if one is None or one.emotion is None else str(one.emotion) for one in parsed], object)
        both = pd.notna(named) & pd.notna(corpus.emotion)
        other = both & (named != corpus.emotion)
        # Another naming that happens to fit some names would contradict most of them.
        if both.sum() >= BELIEVED * len(names) and other.sum() < BELIEVED * both.sum():
            return _named_check(corpus, title, named, both, other)
    return None


def _named_check(
    corpus: PreparedCorpus,
    title: str,
    named: npt.NDArray[np.object_],
    both: npt.NDArray[np.bool_],
    other: npt.NDArray[np.bool_],
) -> Check:
    check, n = "emotions and file names", int(both.sum())
    if not other.any():
        detail = f"names of {corpus.title}, which are those of {title}, say the emotions that the table gives"
        return Check(check, corpus.name, "", Verdict.SOUND, 0.0, n, detail)
    row = int(np.flatnonzero(other)[0])
    detail = (
        f"{int(other.sum())} of {n} names of {corpus.title} say another emotion than its table, as {title} names them; "
        f"first {PurePath(str(corpus.file[row])).name}: {named[row]} in the name, {corpus.emotion[row]} in the table; "
        "correct the table"
    )
    return Check(check, corpus.name, "", Verdict.WARNING, float(other.sum()), n, detail)


def _durations(corpus: PreparedCorpus) -> npt.NDArray[np.float64] | None:
    """Seconds of every utterance; ``None`` where the corpus came without recordings."""
    if corpus.conditions is not None:
        return corpus.conditions["duration_s"].to_numpy(np.float64)
    if not Path(str(corpus.file[0])).is_file():
        return None
    index = corpus.table.index
    start = pd.TimedeltaIndex(index.get_level_values("start")).total_seconds().fillna(0.0).to_numpy()
    end = pd.TimedeltaIndex(index.get_level_values("end")).total_seconds().to_numpy(dtype=np.float64).copy()
    open_ended = np.flatnonzero(np.isnan(end))
    end[open_ended] = [_length(str(corpus.file[row])) for row in open_ended]
    return np.asarray(end - start, dtype=np.float64)


def _length(file: str) -> float:
    try:
        return Decoding(file).duration_s
    except AudioError:  # gone since it was measured
        return NAN


def _odd_durations(corpus: PreparedCorpus, seconds: npt.NDArray[np.float64]) -> Check:
    known = np.isfinite(seconds) & (seconds > 0)
    logs = np.log(np.where(known, seconds, 1.0))
    middle = float(np.median(logs[known])) if known.any() else 0.0
    # At least a quarter: where most are cut to one length, others of twice that are not odd.
    spread = max(1.4826 * float(np.median(np.abs(logs[known] - middle))), 0.25) if known.any() else 1.0
    odd = np.flatnonzero(known & (np.abs(logs - middle) > ODD * spread))
    usual, n = float(np.exp(middle)), int(known.sum())
    if not len(odd):
        detail = f"no utterance of {corpus.title} is unusually short or long (median {usual:.1f} s)"
        return Check("durations", corpus.name, "", Verdict.SOUND, 0.0, n, detail)
    worst = int(odd[np.argmax(np.abs(logs[odd] - middle))])
    detail = (
        f"{len(odd)} of {n} utterances of {corpus.title} are unusually short or long (median {usual:.1f} s), most "
        f"{PurePath(str(corpus.file[worst])).name} with {seconds[worst]:.1f} s; listen to them"
    )
    return Check("durations", corpus.name, "", Verdict.WARNING, float(len(odd)), n, detail)
