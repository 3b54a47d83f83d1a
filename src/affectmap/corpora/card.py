"""What every corpus shares: its card, what the name of a recording tells, and a corpus as found."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, NamedTuple

from affectmap.errors import CorpusError
from affectmap.schema import Emotion, Finding

if TYPE_CHECKING:
    import pandas as pd


class NamingError(CorpusError):
    """A folder holds recordings, but none is named as its corpus names them."""


@dataclass(frozen=True)
class LabelSheet:
    """A sheet of activation and valence ratings and what its header says, letter for letter.

    Attributes:
        file: Name of the sheet, for example ``EMO_DB.csv``.
        columns: From each header exactly as it stands (a trailing space counts) to ``file``, ``activation``
            or ``valence``, or to ``None`` where a column carries nothing.
    """

    file: str
    columns: Mapping[str, str | None]


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


@dataclass(frozen=True, eq=False)
class Corpus:
    """A corpus as found.

    Attributes:
        name: Name given to it in this run.
        table: Utterances, as `validate_table` returns them.
        findings: What differs from the published corpus or was left out, by name.
        functionals: The 88 functionals of the same rows, where a table brings them; no audio is needed then.
        card: The card of a supported corpus.
        language: Its language or languages, joined by a comma; empty where nobody said.
        n_left_out: Utterances that are no longer in the table because they were not wanted.
    """

    name: str
    table: pd.DataFrame
    findings: tuple[Finding, ...] = ()
    functionals: pd.DataFrame | None = None
    card: CorpusCard | None = None
    language: str = ""
    n_left_out: int = 0


class Name(NamedTuple):
    """What the name of a recording tells.

    Attributes:
        key: Names the utterance once in its corpus, however its file is spelt.
        speaker: Speaker, unique within the corpus.
        emotion: Emotion, where the name tells it.
        sex: ``female`` or ``male``, where the corpus documents it.
        session: Session, where the corpus has them.
    """

    key: str
    speaker: str
    emotion: Emotion | None = None
    sex: str | None = None
    session: str | None = None


class Reader(NamedTuple):
    """How one supported corpus is read: its card, its naming and its loader."""

    card: CorpusCard
    parse_name: Callable[[PurePath], Name | None]
    load: Callable[[Path], Corpus]
