"""Who speaks in a recording, from a table with the columns ``file`` and ``speaker``."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from pathlib import Path, PurePosixPath

from affectmap.errors import LabelError
from affectmap.names import Paths, file_name, lookalikes, plain_name, printable, read_columns, read_id
from affectmap.schema import text_of
from affectmap.tables import Problems, Rows, read_rows
from affectmap.text import counted

_FIELDS = ("file", "speaker")


def read_speakers(table: str | Path, recordings: Sequence[str | Path]) -> tuple[list[str], list[str]]:
    r"""Look up who speaks in each recording.

    Args:
        table: CSV or parquet with the columns ``file`` and ``speaker``; others play no part. A file is named by its
            path from the table's folder or the current one or, where that is none of the recordings, by the end of its
            path.
        recordings: Their paths.

    Returns:
        The speaker of each, and what has to be known about the table, sentences for people.

    Raises:
        LabelError: If the table cannot be read, gives a recording two speakers, or does not have one of them.

    Example:
        >>> import tempfile
        >>> table = Path(tempfile.mkdtemp(), "who.csv")
        >>> _ = table.write_text("file;spk\na.wav;NA\nb.wav;1.0\n")
        >>> read_speakers(table, [table.parent / "b.wav", table.parent / "a.wav"])
        (['1', 'NA'], ["column 'spk' is read as speaker"])
    """
    file = Path(table).expanduser()
    rows = read_rows(file, LabelError)
    names, notes = _columns(rows)
    problems = Problems(file, LabelError)
    speaker_of: dict[str, tuple[str, str]] = {}
    known: dict[str, tuple[str, str]] = {}
    n_repeated = 0
    paths = [absolute(path) for path in recordings]
    finder = Finder(file.absolute().parent, list(dict.fromkeys(paths)))
    for place, name, speaker in _named(rows, names, problems):
        found = finder.find(name)
        if len(found) > 1:
            problems.add(place, f"{name} fits {len(found)} recordings ({', '.join(found[:2])}); write its whole path")
            continue
        earlier = known.setdefault(_key(name), (speaker, place))
        for path in found:
            earlier = speaker_of.setdefault(path, earlier)
        if earlier[0] != speaker:
            problems.add(place, f"the speaker of {name} is {speaker!r}, and {earlier[0]!r} in {earlier[1]}; keep one")
        n_repeated += earlier[1] != place
    problems.check()
    lacking = [printable(name) for name, path in zip(recordings, paths, strict=True) if path not in speaker_of]
    if lacking:
        raise LabelError(
            f"{file}: no speaker for {len(lacking)} of {len(recordings)} recordings, first {lacking[0]}"
            f"{_closest(lacking[0], known)}"
        )
    if n_repeated:
        notes = [*notes, f"{file} names {counted(n_repeated, 'recording')} again, with the same speaker"]
    speakers = [speaker_of[path][0] for path in paths]
    return speakers, [*notes, *lookalikes(speakers, "speakers")]


def _columns(rows: Rows) -> tuple[list[str], list[str]]:
    header = [str(name) for name in rows.frame.columns]
    names, notes, _ = read_columns(header, _FIELDS, rows.origin, LabelError)
    missing = [name for name in _FIELDS if name not in names]
    if missing:
        raise LabelError(
            f"{rows.origin}: no column {missing[0]}, got {', '.join(header[:8])}; expected file and speaker"
        )
    return names, notes


def _named(rows: Rows, names: list[str], problems: Problems) -> Iterator[tuple[str, str, str]]:
    """Give place, file and speaker of the rows that have both."""
    files, speakers = (rows.frame.iloc[:, names.index(field)] for field in _FIELDS)
    for place, cell, who in zip(rows.places, files, speakers, strict=True):
        name, speaker = text_of(cell), read_id(who)
        if name is None and speaker is not None:
            problems.add(place, "names no file; write one or remove the row")
        if name is not None and speaker is not None:
            yield place, name, speaker


class Finder:
    """Finds recordings by a name in a table of a folder.

    Args:
        folder: The table's folder.
        paths: The recordings' absolute paths, each once.

    Example:
        >>> Finder(Path("/data"), ["/data/s1/a.wav", "/data/s2/b.wav"]).find("s1/a.wav")
        ['/data/s1/a.wav']
    """

    def __init__(self, folder: Path, paths: list[str]) -> None:
        self._folder, self._by_end = folder, Paths(paths)
        self._by_path = {plain_name(path): path for path in paths}

    def find(self, name: str) -> list[str]:
        """Give the paths of the recordings that a name may mean."""
        for written in (name, name.replace("\\", "/")):
            meant = (plain_name(absolute(written)), plain_name(absolute(self._folder / written)))
            found = [self._by_path[path] for path in dict.fromkeys(meant) if path in self._by_path]
            if found:
                return found
        return [self._by_end.files[row] for row in self._by_end.find(name)]


def absolute(path: str | Path) -> str:
    """Give the absolute path of a recording as text, by which tables find it."""
    return os.path.normpath(printable(Path(path).absolute()))


def _key(name: str) -> str:
    return str(PurePosixPath(file_name(name)))


def _closest(recording: str, known: dict[str, tuple[str, str]]) -> str:
    """Name the file of the table that is probably meant, for messages."""
    ends = {PurePosixPath(name).name.lower(): name for name in known}
    close = get_close_matches(PurePosixPath(recording).name.lower(), ends, n=1, cutoff=0.8)
    return f" (the table has {ends[close[0]]})" if close else ""
