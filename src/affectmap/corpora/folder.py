"""What every corpus shares (its card, the names of its recordings), and reading a folder of recordings by their names.

Nothing here opens audio. Recordings are found anywhere below the folder and checked against what the corpus published;
every difference is a `Finding`.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Literal, NamedTuple, NoReturn

from affectmap.errors import CorpusError
from affectmap.extras import installed
from affectmap.names import printable
from affectmap.schema import FOREIGN_SUFFIXES, RECORDING_SUFFIXES, Emotion, Finding, segmented_index, validate_table

if TYPE_CHECKING:
    import pandas as pd

#: Whether a recording can be used, or why it is passed over.
Kind = Literal["usable", "hidden", "foreign"]
#: Recordings passed over that are named.
N_NAMED = 5
_HIDDEN = re.compile(rf"[{re.escape(os.sep)}/](?:\.|__MACOSX[{re.escape(os.sep)}/])")


class NamingError(CorpusError):
    """A folder holds recordings, but none is named as its corpus names them."""


@dataclass(frozen=True)
class LabelSheet:
    """A sheet of activation and valence ratings and what its header says, letter for letter.

    Attributes:
        file: Name of the sheet, for example ``EMO_DB.csv``.
        columns: Maps each header exactly as it stands (a trailing space counts) to ``file``, ``activation``
            or ``valence``, or to ``None`` where a column carries nothing; empty for the plain header.
    """

    file: str
    columns: Mapping[str, str | None] = field(default_factory=dict)


@dataclass(frozen=True)
class CorpusCard:
    """What is known about a supported corpus before looking at any folder.

    Attributes:
        name: Short name used in ``NAME=DIR``.
        title: Name in print.
        languages: ISO 639-1 codes, with a region where it matters.
        n_speakers: Speakers in the published corpus.
        n_utterances: Utterances in the published corpus.
        emotions: Classes that its names or lists give.
        sheet: Sheet of activation and valence ratings, if one was published for it.
        own_labels: Whether the corpus itself rates activation and valence.
        licence: Terms of use, in a few words.
        access: Where and how to get it.
        citation: What to cite.
        example: A file name that shows the naming.
        four_classes: Whether the paper trains on its neutral, sad, happy and angry speech alone.
        balanced: Whether every speaker was recorded in all of its emotions, as its authors describe it. Where not, a
            speaker's own statistics take the emotion out with the voice; no label need be seen to know it.
    """

    name: str
    title: str
    languages: tuple[str, ...]
    n_speakers: int
    n_utterances: int
    emotions: tuple[Emotion, ...]
    sheet: LabelSheet | None
    own_labels: bool
    licence: str
    access: str
    citation: str
    example: str
    four_classes: bool = False
    balanced: bool = True


@dataclass(frozen=True, eq=False)
class Corpus:
    """A corpus as found.

    Attributes:
        name: Name given to it in this run.
        table: Utterances, as `validate_table` returns them.
        findings: What differs from the published corpus or was left out, by name.
        functionals: The 88 functionals of the same rows, or the features that were asked for, where a table brings
            them; no audio is needed then.
        card: The card of a supported corpus.
        language: Its language or languages, joined by a comma; empty where nobody said.
        n_left_out: Utterances that are no longer in the table because they were not wanted.
        single_ratings: By activation and valence, a row a file and a column a rater, where two or more are named.
    """

    name: str
    table: pd.DataFrame
    findings: tuple[Finding, ...] = ()
    functionals: pd.DataFrame | None = None
    card: CorpusCard | None = None
    language: str = ""
    n_left_out: int = 0
    single_ratings: Mapping[str, pd.DataFrame] = field(default_factory=dict)


class Name(NamedTuple):
    """What the name of a recording says.

    Attributes:
        key: Names the utterance once in its corpus, however its file is spelt.
        speaker: Speaker, unique within the corpus.
        emotion: Emotion, where the name says so.
        sex: ``female`` or ``male``, where the corpus documents it.
        session: Session, where the corpus has them.
    """

    key: str
    speaker: str
    emotion: Emotion | None = None
    sex: str | None = None
    session: str | None = None


class Reader(NamedTuple):
    """How one supported corpus is read.

    Attributes:
        card: What is known of it.
        parse_name: Reads the path of a recording; ``None`` if the corpus names none so.
        official_names: Lists the published recordings, where that can be done; else only their number is compared.
        skip: Tells the recordings (paths relative to the folder) that belong to the corpus and are no utterances.
    """

    card: CorpusCard
    parse_name: Callable[[PurePath], Name | None]
    official_names: Callable[[], list[str]] = list
    skip: Callable[[PurePath], bool] = lambda path: False

    def load(self, folder: Path) -> Corpus:
        """Read the recordings below a folder by their names and compare them with the published ones.

        Returns:
            The corpus with its findings, not yet joined with any sheet.

        Raises:
            NamingError: If no recording is named as the corpus names them.
            CorpusError: If the folder cannot be used or holds an utterance twice.

        Example:
            >>> import tempfile
            >>> from affectmap.corpora import emodb
            >>> folder = Path(tempfile.mkdtemp())
            >>> (folder / "03a01Wa.wav").touch()
            >>> emodb.READER.load(folder).findings[0].detail
            'recordings found: 1; EMO-DB published 535'
        """
        card, folder = self.card, folder.expanduser().absolute()
        found = find_recordings(folder)
        recordings = found.files
        utterances = [file for file in recordings if not self.skip(file.relative_to(folder))]
        parsed = {file: self.parse_name(file) for file in utterances}
        names = {file: name for file, name in parsed.items() if name is not None}
        if not names:
            raise NamingError(
                f"no recording in {folder} is named as {card.title} names them (such as {card.example}); "
                f"found {len(recordings)}, first {_show(recordings[0], folder)}"
            )
        # A second copy (another sampling rate, say) would share utterances between training and test.
        _refuse_copies(names, folder)
        findings = [*_missing(self, names.values())]
        strange = f"not named as {card.title} names its recordings (such as {card.example}); left out"
        findings += [
            Finding(card.name, _show(file, folder), "extra", strange) for file in utterances if file not in names
        ]
        if passed_over := note_passed_over(found, folder):
            findings.append(Finding(card.name, "", "note", passed_over))
        if n_hidden := found.n_hidden:
            detail = f"{n_hidden} hidden files that end like recordings (._* or in __MACOSX) were passed over"
            findings.append(Finding(card.name, "", "note", detail))
        table = _tabulate(card, names, folder)
        return Corpus(card.name, table, tuple(findings), card=card, language=", ".join(card.languages))


class Found(NamedTuple):
    """Recordings below a folder.

    Attributes:
        files: Those that can be read, in alphabetical order.
        n_hidden: How many hidden ones were passed over.
        passed_over: Those that need the extra ``formats``, which is not installed.
    """

    files: list[Path]
    n_hidden: int
    passed_over: list[Path]


def find_recordings(folder: Path) -> Found:
    """Find all recordings below a folder by their endings; linked folders are followed.

    Args:
        folder: The folder.

    Returns:
        Absolute paths. Hidden files, those in hidden folders and in ``__MACOSX`` are passed over.

    Raises:
        CorpusError: If the folder cannot be read, or none of its recordings can.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> (folder / "A.WAV").touch()
        >>> (folder / ".b.wav").touch()
        >>> found = find_recordings(folder)
        >>> [file.name for file in found.files], found.n_hidden
        (['A.WAV'], 1)
    """
    folder = folder.expanduser().absolute()
    if folder.is_file():
        raise CorpusError(f"{folder} is a file; expected the folder of a corpus")
    if not folder.is_dir():
        raise CorpusError(f"{folder} does not exist; expected the folder of a corpus")
    of_kind: dict[Kind, list[Path]] = {"usable": [], "hidden": [], "foreign": []}
    for file, kind in walk_recordings(str(folder)):
        of_kind[kind].append(Path(file))
    found = Found(of_kind["usable"], len(of_kind["hidden"]), of_kind["foreign"])
    if found.passed_over and not found.files:
        raise CorpusError(f"{folder} holds {note_passed_over(found, folder)}")
    if not found.files:
        raise CorpusError(f"{folder} holds no recordings; expected files such as *.wav, in it or in its subfolders")
    return found


def note_passed_over(found: Found, folder: Path) -> str:
    """Tell of recordings that libsndfile cannot read, the first by name, and what to do; empty where there are none."""
    if not found.passed_over:
        return ""
    shown = [_show(file, folder.expanduser().absolute()) for file in found.passed_over[: N_NAMED + 1]]
    return passed_over_text(Counter(file.suffix.lower() for file in found.passed_over), shown)


def passed_over_text(counts: Mapping[str, int], first: Sequence[str]) -> str:
    """Tell of recordings that libsndfile cannot read.

    Args:
        counts: Their number by suffix.
        first: The first `N_NAMED` of them, and one more where there is one.
    """
    kinds = ", ".join(f"{count} {suffix}" for suffix, count in sorted(counts.items()))
    named = ", ".join([*first[:N_NAMED], *(["..."] if len(first) > N_NAMED else [])])
    n_recordings = sum(counts.values())
    were = "recording" if n_recordings == 1 else "recordings"
    return (
        f"{n_recordings} {were} that libsndfile cannot read, passed over ({kinds}: {named}); run pip install "
        '"affectmap[formats]", or convert them to WAV with ffmpeg'
    )


def walk_recordings(folder: str) -> Iterator[tuple[str, Kind]]:
    """Give every recording below a folder by its ending, in alphabetical order, with the names of one folder in memory.

    Args:
        folder: The folder; linked ones in it are followed.

    Yields:
        Its path, which begins with `folder`, and whether it can be used: ``hidden`` ones lie under a name that begins
        with a dot or in ``__MACOSX``, ``foreign`` ones need the extra ``formats``, which is not installed.

    Raises:
        CorpusError: If something in it cannot be listed.
    """
    n_above, foreign = len(folder.rstrip(os.sep)), () if installed("av") else FOREIGN_SUFFIXES
    for file in _walk(folder, RECORDING_SUFFIXES, set()):
        suffix = _suffix(file)
        if _HIDDEN.search(file, n_above):
            yield file, "hidden"
        else:
            yield file, "foreign" if suffix in foreign else "usable"


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to where nobody may look
        return False


def _suffix(name: str) -> str:
    return os.path.splitext(name)[1].lower()  # noqa: PTH122 (a path object for each of a million takes a minute)


def walk_files(folder: Path) -> Iterator[Path]:
    """Give every file below a folder; links to folders are followed, each real folder once."""
    yield from map(Path, _walk(str(folder), None, set()))


def _walk(folder: str, suffixes: Collection[str] | None, seen: set[str]) -> Iterator[str]:
    # A link may lead back up.
    real = os.path.realpath(folder)
    if real in seen:
        return
    seen.add(real)
    names, folders = [], set()
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if _is_folder(entry):
                    folders.add(entry.name)
                elif suffixes is not None and _suffix(entry.name) not in suffixes:
                    continue
                names.append(entry.name)
    except OSError as error:
        _refuse(error)
    names.sort()
    for name in names:
        path = os.path.join(folder, name)  # noqa: PTH118
        if name in folders:
            yield from _walk(path, suffixes, seen)
        else:
            yield path


def _refuse(error: OSError) -> NoReturn:
    raise CorpusError(f"{error.filename} cannot be read ({error.strerror}); check its permissions") from error


def _show(file: Path, folder: Path) -> str:
    return printable(file.relative_to(folder))


def _refuse_copies(names: Mapping[Path, Name], folder: Path) -> None:
    first: dict[str, Path] = {}
    for file, name in names.items():
        if name.key in first:
            raise CorpusError(
                f"{folder} holds the same utterance twice: {_show(first[name.key], folder)} and "
                f"{_show(file, folder)}; give the folder that holds it once"
            )
        first[name.key] = file


def _missing(reader: Reader, names: Iterable[Name]) -> Iterator[Finding]:
    card, found = reader.card, {name.key for name in names}
    if len(found) != card.n_utterances:
        kind = "missing" if len(found) < card.n_utterances else "note"
        detail = f"recordings found: {len(found):,}; {card.title} published {card.n_utterances:,}"
        yield Finding(card.name, "", kind, detail)
    for file in reader.official_names():
        name = reader.parse_name(PurePath(file))
        if name is not None and name.key not in found:
            yield Finding(card.name, file, "missing", f"published in {card.title}, but no such recording was found")


def _tabulate(card: CorpusCard, names: Mapping[Path, Name], folder: Path) -> pd.DataFrame:
    import pandas as pd

    index = segmented_index([str(file) for file in names])
    table = pd.DataFrame(
        {
            "emotion": [None if name.emotion is None else str(name.emotion) for name in names.values()],
            "speaker": [name.speaker for name in names.values()],
            "session": [name.session for name in names.values()],
            "sex": [name.sex for name in names.values()],
            "language": ", ".join(card.languages),
        },
        index=index,
    )
    return validate_table(table, str(folder))
