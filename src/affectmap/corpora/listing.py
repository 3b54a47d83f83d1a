"""Recordings as a command line names them: files, and folders with any number of files below them."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from affectmap.corpora.folder import N_NAMED, passed_over_text, walk_recordings
from affectmap.errors import CorpusError
from affectmap.names import printable


class Listing:
    """The recordings that are named and those below the folders that are named, one at a time.

    Args:
        sources: Recordings and folders; one that is named twice counts once.

    Attributes:
        n_recordings: How many were given so far.
        notes: What was passed over, a line a folder.

    Raises:
        CorpusError: While it is gone through, if a folder holds none or cannot be read.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> (folder / "b.wav").touch()
        >>> listing = Listing([str(folder), "a.wav"])
        >>> [Path(each).name for each in listing], listing.n_recordings
        (['b.wav', 'a.wav'], 2)
    """

    def __init__(self, sources: Sequence[str]) -> None:
        self.sources, self.n_recordings, self.notes = sources, 0, list[str]()

    def __iter__(self) -> Iterator[str]:
        for source in dict.fromkeys(self.sources):
            for path in self._below(source) if Path(source).is_dir() else [source]:
                self.n_recordings += 1
                yield path

    def _below(self, source: str) -> Iterator[str]:
        folder, n_usable = str(Path(source)), 0
        counts, first = Counter[str](), list[str]()
        for path, kind in walk_recordings(folder):
            if kind == "usable":
                n_usable += 1
                yield path.removeprefix(f".{os.sep}")
            elif kind == "foreign":
                counts[Path(path).suffix.lower()] += 1
                if len(first) <= N_NAMED:
                    first.append(printable(Path(path).relative_to(folder)))
        passed_over = f"{source} holds {passed_over_text(counts, first)}" if counts else ""
        if not n_usable:
            expected = f"{source} holds no recordings; expected files such as *.wav, in it or in its subfolders"
            raise CorpusError(passed_over or expected)
        self.notes += [passed_over] if passed_over else []
