"""Utterances of a corpus as what is measured: recordings, their bytes, and which of them can be used.

Shared by everything that gives a row of numbers an utterance and keeps it in a cache
(`affectmap.features.cache`): the functionals, encoders' features, and the reference.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from affectmap.errors import AudioError
from affectmap.parallel.workers import Pool, mapped
from affectmap.schema import Finding

_DIGESTED_TOGETHER = 64  # files; each takes a fraction of a millisecond


class Utterance(NamedTuple):
    """A recording, or a segment of one.

    Attributes:
        file: Its path.
        start_s: Begin in seconds.
        end_s: End in seconds, ``None`` for the end of the file.
    """

    file: str
    start_s: float
    end_s: float | None


def list_utterances(index: pd.Index) -> list[Utterance]:
    """Give the utterances of a table.

    Args:
        index: Of the table: file, start and end.

    Returns:
        One item a row.

    Example:
        >>> import audformat
        >>> list_utterances(audformat.segmented_index(["a.wav", "b.wav"], [0, 1], [pd.NaT, 2]))[1]
        Utterance(file='b.wav', start_s=1.0, end_s=2.0)
    """
    starts = pd.TimedeltaIndex(index.get_level_values("start")).total_seconds().fillna(0.0)
    ends = pd.TimedeltaIndex(index.get_level_values("end")).total_seconds()
    return [
        Utterance(file, start, None if end != end else end)
        for file, start, end in zip(index.get_level_values("file"), starts, ends, strict=True)
    ]


def file_digest(file: str) -> str:
    """Digest a file's bytes.

    Args:
        file: Its path.

    Returns:
        SHA-256 in hexadecimal digits; empty where there is nothing to read, which reading it then explains.

    Example:
        >>> file_digest("missing.wav")
        ''
    """
    try:
        if not Path(file).is_file():
            return ""
        with Path(file).open("rb") as handle:
            return hashlib.file_digest(handle, "sha256").hexdigest()
    except OSError:
        return ""


def file_digests(utterances: Sequence[Utterance], threads: Pool | None) -> dict[str, str]:
    """Digest every file once.

    Args:
        utterances: Of any files.
        threads: Where to do it; by default where workers are.

    Returns:
        Digests by file.

    Example:
        >>> file_digests([Utterance("missing.wav", 0, 1), Utterance("missing.wav", 1, 2)], None)
        {'missing.wav': ''}
    """
    files = list(dict.fromkeys(utterance.file for utterance in utterances))
    batches = [files[first : first + _DIGESTED_TOGETHER] for first in range(0, len(files), _DIGESTED_TOGETHER)]
    return dict(zip(files, chain.from_iterable(mapped(_digests, batches, backend=threads)), strict=True))


def _digests(files: Sequence[str]) -> list[str]:
    return [file_digest(file) for file in files]


def row_keys(utterances: Iterable[Utterance], digests: Mapping[str, str], how: str) -> list[str]:
    """Name what each row of a cache was measured from.

    Args:
        utterances: One a row.
        digests: Of their files.
        how: All else that the numbers depend on.

    Returns:
        The keys; empty where there is no file.

    Example:
        >>> row_keys([Utterance("a.wav", 0.0, None), Utterance("b.wav", 0.0, 1.5)], {"a.wav": "", "b.wav": "1f"}, "x-1")
        ['', '1f 0.0-1.5 x-1']
    """
    return [f"{digests[file]} {start}-{end} {how}" if digests[file] else "" for file, start, end in utterances]


def fill_known(values: NDArray[np.float32], keys: Sequence[str], known: pd.DataFrame) -> list[int]:
    """Fill in the rows that a cache knows.

    Args:
        values: Shape (n_rows, n_columns); changed in place.
        keys: One a row.
        known: Rows of the cache, indexed by key.

    Returns:
        Numbers of the rows that are still to be measured.

    Example:
        >>> values = np.full((2, 1), np.nan, np.float32)
        >>> fill_known(values, ["new", "old"], pd.DataFrame([[5.0]], ["old"]))
        [0]
        >>> values[1].tolist()
        [5.0]
    """
    position = known.index.get_indexer(pd.Index(keys, dtype=object))
    found = position >= 0
    values[found] = known.to_numpy()[position[found]]
    return [int(row) for row in np.flatnonzero(~found)]


def usable_rows(
    corpus: str,
    index: pd.Index,
    values: NDArray[np.float32],
    columns: Sequence[str],
    failures: Mapping[int, AudioError],
) -> tuple[pd.DataFrame, list[Finding]]:
    """Keep the utterances that could be measured, and tell of the others.

    Args:
        corpus: Its name.
        index: Of its table.
        values: What was measured, shape (n_rows, n_columns).
        columns: Names of the columns.
        failures: Why a row could not be measured, by its number.

    Returns:
        The rows that can be used, and a finding (``unreadable``) for each that cannot.

    Raises:
        AudioError: If no utterance can be used.

    Example:
        >>> import audformat
        >>> index = audformat.segmented_index(["a.wav", "b.wav"])
        >>> rows, findings = usable_rows("pets", index, np.eye(2), ["x", "y"], {0: AudioError("a.wav: silent")})
        >>> len(rows), findings[0].file, findings[0].detail
        (1, 'a.wav', 'silent')
    """
    used = np.setdiff1d(np.arange(len(index)), list(failures))
    if len(used) == 0:
        first = "; ".join(str(failures[row]) for row in sorted(failures)[:3])
        raise AudioError(f"{corpus}: none of its {len(index)} utterances can be used: {first}")
    # A table of which every row is used is handed on, not copied.
    kept, kept_index = (values[used], index[used]) if failures else (values, index)
    rows = pd.DataFrame(kept, index=kept_index, columns=list(columns), copy=False)
    utterances = list_utterances(index)
    return rows, [
        Finding(corpus, utterances[row].file, "unreadable", _reason(failures[row], utterances[row]), True)
        for row in sorted(failures)
    ]


def _reason(failure: AudioError, utterance: Utterance) -> str:
    text = str(failure).removeprefix(f"{utterance.file}: ")
    if utterance.start_s == 0 and utterance.end_s is None:
        return text
    end = "its end" if utterance.end_s is None else f"{utterance.end_s:g} s"
    return f"from {utterance.start_s:g} s to {end}: {text}"
