r"""Names in tables, read the same way everywhere: columns, ids of people, and files.

Conventions:
    * Spaces around a name do not count, and it does not matter how an accent is composed (Unicode NFC and NFD).
    * An id is text: ``NA``, ``nan`` and ``None`` are ids, 1.0 is 1, and 01 stays 01. Only an empty cell is no id.
    * In the name of a file ``\`` counts as ``/``, where no file is called so, and its audio ending may be left out.
    * A column may have the name of its field in any case, or another word for it (`WORDS`) where only one column has
      such a name; a note says so.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from affectmap.errors import AffectmapError
from affectmap.schema import RECORDING_SUFFIXES, text_of

#: Other words for the columns of tables.
WORDS: Mapping[str, tuple[str, ...]] = {
    "file": ("filename", "file_name", "filepath", "file_path", "path", "audio", "audio_path", "recording", "wav"),
    "speaker": ("speaker_id", "speakerid", "speaker_name", "spk", "spk_id", "spkid", "subject", "subject_id"),
    "emotion": ("label", "emotion_label", "class", "category"),
    "activation": ("arousal", "act", "aro"),
    "valence": ("val",),
    "sex": ("gender",),
    "session": ("session_id",),
    "language": ("lang",),
    "rater": ("rater_id", "annotator", "annotator_id", "evaluator"),
}
#: Other words for a sex; any word that is none of these stays as it is written.
SEXES: Mapping[str, tuple[str, ...]] = {
    "female": ("f", "fem", "w", "woman", "women", "girl", "weiblich", "frau", "femme", "féminin", "femminile"),
    "male": ("m", "man", "men", "boy", "männlich", "mann", "homme", "masculin", "maschile"),
}
#: Words that need no note: both are terms of the field.
_EQUAL = frozenset({"arousal"})
_MAX_GROUPS = 3
_BREAK = re.compile(r"\s*[\r\n]\s*")
_WHOLE = re.compile(r"(-?(?:0|[1-9]\d*))\.0+", re.ASCII)


def printable(path: str | Path) -> str:
    r"""Write a path as text, with ``\x`` and two digits for each byte that is not UTF-8."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def plain_name(text: str) -> str:
    """Write a name in Unicode's composed form, in one line, without spaces around it."""
    return _BREAK.sub(" ", unicodedata.normalize("NFC", text).strip().strip("\ufeff\u200b").strip())


def read_id(cell: object) -> str | None:
    """Read who or what a cell names, ``None`` if it is empty.

    Example:
        >>> [read_id(cell) for cell in ("NA", " anna ", 1.0, "1.0", "01", "", None, float("nan"))]
        ['NA', 'anna', '1', '1', '01', None, None, None]
    """
    text = text_of(cell)
    name = "" if text is None else plain_name(text)
    whole = _WHOLE.fullmatch(name)
    return (whole[1] if whole else name) or None


def read_sex(cell: object) -> str | None:
    """Read a sex, ``None`` if the cell is empty; a number, or another word, stays as it is.

    Example:
        >>> [read_sex(cell) for cell in ("F", "female", "w", "Männlich", "diverse", "1", "")]
        ['female', 'female', 'female', 'male', 'diverse', '1', None]
    """
    name = read_id(cell)
    word = name.lower().removesuffix(".") if name else ""
    return next((sex for sex, words in SEXES.items() if word in (sex, *words)), name)


def lookalikes(ids: Iterable[str | None], kind: str) -> list[str]:
    """Tell of ids that differ in what is easily overlooked alone: case, width, zeros before it, what cannot be seen.

    Args:
        ids: Ids, as `read_id` reads them.
        kind: What they are, in the plural.

    Returns:
        No sentence, or one for people.

    Example:
        >>> lookalikes(["Anna", "anna", "bo", None], "speakers")
        ["speakers 'Anna' and 'anna' are counted apart; write them alike if they are one"]
    """
    alike: dict[str, list[str]] = defaultdict(list)
    for name in dict.fromkeys(ids):
        if name is not None:
            alike[_looks(name)].append(name)
    groups = [" and ".join(map(repr, names)) for names in alike.values() if len(names) > 1]
    if not groups:
        return []
    more = f" and {len(groups) - _MAX_GROUPS} more" if len(groups) > _MAX_GROUPS else ""
    named = ", ".join(groups[:_MAX_GROUPS])
    return [f"{kind} {named}{more} are counted apart; write them alike if they are one"]


def _looks(name: str) -> str:
    letters = unicodedata.normalize("NFKC", name).casefold()
    seen = "".join(letter for letter in letters if unicodedata.category(letter) not in ("Cc", "Cf"))
    return (seen.lstrip("0") or "0") if seen.isdecimal() else " ".join(seen.split())


class Columns(NamedTuple):
    """Columns of a table by the fields wanted.

    Attributes:
        names: The name of each column: that of its field, or its own.
        notes: What was read under another word, sentences for people.
        others: Columns of no field.
    """

    names: list[str]
    notes: list[str]
    others: list[str]


def read_columns(
    header: Sequence[str],
    wanted: Collection[str],
    origin: object,
    error: type[AffectmapError],
    *,
    doubtful: Collection[str] = (),
) -> Columns:
    """Find the columns of the fields wanted.

    Args:
        header: Names of columns, as they stand.
        wanted: Names of fields.
        origin: The table, for messages.
        error: Class of the error to raise.
        doubtful: Columns that are not taken for a field under another word, since their cells speak against it.

    Returns:
        The columns.

    Raises:
        AffectmapError: If two columns are one field's, or a column's name is probably misspelt; the message says what
            to write.

    Example:
        >>> read_columns(["Filename", "spk", "age"], ["file", "speaker"], "mine.csv", AffectmapError).notes
        ["column 'Filename' is read as file", "column 'spk' is read as speaker"]
    """
    field_of = {name.lower(): name for name in wanted}
    written = [_word(name) for name in header]
    names = [
        field_of.get(word, field_of.get(name.strip().lower(), name)) for word, name in zip(written, header, strict=True)
    ]
    notes = []
    for field in wanted:
        own = [name for name, found in zip(header, names, strict=True) if found == field]
        words = set(WORDS.get(field, ())) - set(field_of)
        others = [n for n, word in enumerate(written) if word in words and header[n] not in doubtful]
        own += [header[n] for n in others if own and written[n] in _EQUAL]
        if len(own) > 1:
            raise error(f"{origin} has columns {' and '.join(own)}, which are one; keep one of them")
        if len(others) > 1 and not own:
            both = " and ".join(header[n] for n in others)
            raise error(f"{origin} has columns {both}; name the one that is meant {field}")
        if others and not own:
            names[others[0]] = field
            if written[others[0]] not in _EQUAL:
                notes.append(f"column {header[others[0]]!r} is read as {field}")
    others = [n for n, name in enumerate(names) if name not in field_of.values()]
    lacking = [field for field in wanted if field not in names and field.islower()]
    # A misspelt column must not pass for one that is merely not known.
    for n in others:
        close = get_close_matches(written[n], lacking, n=1, cutoff=0.8)
        if close:
            raise error(f"{origin} has a column {header[n]!r}; rename it to {close[0]!r} if it is that")
    return Columns(names, notes, [header[n] for n in others])


def is_word_for(name: str, field: str) -> bool:
    """Tell whether the name of a column is another word for a field."""
    return _word(name) in WORDS[field]


def _word(name: str) -> str:
    return re.sub(r"[\s-]+", "_", plain_name(name)).lower()


def file_name(name: str) -> str:
    """Write the name of a file as tables of ours have it: composed, with ``/``, without spaces around it."""
    return plain_name(name).replace("\\", "/")


def path_parts(name: str) -> tuple[str, ...]:
    """Take the name of a file apart, without its audio ending; the same for all ways to write it."""
    path = PurePosixPath(file_name(name))
    return (path.with_suffix("") if path.suffix.lower() in RECORDING_SUFFIXES else path).parts


class Paths:
    r"""Paths of recordings, to be found by the end of their names, whatever their ending.

    Args:
        files: Paths, one a row.

    Example:
        >>> paths = Paths(["/data/s1/a.wav", "/data/s2/a.wav", "/data/s2/b.flac"])
        >>> paths.find(r"s2\a.wav"), paths.find("b"), paths.find("a.wav"), paths.find("c.wav")
        ([1], [2], [0, 1], [])
    """

    def __init__(self, files: Iterable[str]) -> None:
        self.files = list(files)
        self.parts = [path_parts(file) for file in self.files]
        self._by_depth: dict[int, dict[tuple[str, ...], list[int]]] = {}

    def find(self, name: str) -> list[int]:
        """Give the rows whose path ends as a name does; with its own ending, if only some have that."""
        wanted = path_parts(name)
        depth = len(wanted)
        if depth not in self._by_depth:
            rows = defaultdict(list)
            for row, parts in enumerate(self.parts):
                rows[parts[-depth:] if depth else ()].append(row)
            self._by_depth[depth] = rows
        found = self._by_depth[depth].get(wanted, []) if depth else []
        if len(found) > 1:
            ending = PurePosixPath(name.strip()).suffix.lower()
            alike = [row for row in found if PurePosixPath(self.files[row]).suffix.lower() == ending]
            return alike or found
        return found


class FileFinder:
    r"""Find the files that a table names, as they are called on the disk.

    Args:
        root: Folder that relative names start from.

    Example:
        >>> import tempfile
        >>> root = Path(tempfile.mkdtemp())
        >>> (root / "Ju\u0308rgen").mkdir()
        >>> (root / "Ju\u0308rgen" / "a.wav").touch()
        >>> FileFinder(root).find("J\u00fcrgen\\a.wav") == root / "Ju\u0308rgen" / "a.wav"
        True
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._inside: dict[Path, dict[str, str]] = {}

    def find(self, name: str) -> Path:
        """Give the path of a file; if there is none, the path that the name means."""
        meant = self._root / name
        if (name.isascii() and "\\" not in name) or _exists(meant):
            return meant
        converted = self._root / name.replace("\\", "/")
        path = Path(converted.anchor)
        for part in converted.parts[1:] if converted.anchor else converted.parts:
            path /= part if _exists(path / part) else self._names(path).get(plain_name(part), part)
        return path if _exists(path) else meant

    def _names(self, folder: Path) -> dict[str, str]:
        if folder not in self._inside:
            try:
                self._inside[folder] = {plain_name(entry.name): entry.name for entry in folder.iterdir()}
            except OSError:
                self._inside[folder] = {}
        return self._inside[folder]


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # a sentence where a path should be, or a zero byte in it
        return False
