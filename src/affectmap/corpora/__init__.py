"""Corpora: what is supported, and how to read one from a folder, a table or an audformat database.

A corpus is named by one text, its *spec*:
    * ``emodb=DIR``: a supported corpus in the layout in which it is published (`CARDS`);
    * ``table:NAME=FILE``: any corpus as a CSV or parquet table (`affectmap.corpora.table`);
    * ``NAME=DIR`` or ``audformat:NAME=DIR#TABLE``: any audformat database
      (`affectmap.corpora.audformat`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path, PurePath
from typing import NamedTuple

from affectmap.corpora import aesdd, audformat, cafe, emodb, iemocap, savee, table, urdu
from affectmap.corpora.folder import Corpus, CorpusCard, LabelSheet, Name, NamingError, Reader, find_recordings
from affectmap.corpora.label_sheets import join_labels
from affectmap.errors import CorpusError, UsageError
from affectmap.schema import EGEMAPS, Finding, column_prefixes
from affectmap.tables import TEXT_TABLES

__all__ = [
    "CARDS",
    "Corpus",
    "CorpusCard",
    "LabelSheet",
    "Spec",
    "load_corpus",
    "name_readers",
    "parse_spec",
    "speakers_by_name",
]

_READERS: dict[str, Reader] = {
    module.READER.card.name: module.READER for module in (iemocap, savee, emodb, cafe, urdu, aesdd)
}
#: The supported corpora by name.
CARDS: dict[str, CorpusCard] = {name: reader.card for name, reader in _READERS.items()}
_SHEETS: dict[str, LabelSheet] = {name: card.sheet for name, card in CARDS.items() if card.sheet is not None}

_FORMS = "table:NAME=FILE (CSV or parquet) or NAME=DIR (audformat database)"
_NAME = re.compile(r"[\w.-]+")
_NOT_IN_NAME = re.compile(r"[^\w.-]")
_TABLES = (*TEXT_TABLES, ".parquet")


class Spec(NamedTuple):
    """A corpus as named by the user; its kind is ``corpus`` (supported), ``table`` or ``audformat``."""

    kind: str
    name: str
    path: Path
    tables: tuple[str, ...] = ()


def parse_spec(text: str) -> Spec:
    """Read the text that names a corpus, such as ``emodb=DIR``, ``table:NAME=FILE`` or ``audformat:NAME=DIR#TABLE``."""
    front, equals, path = text.partition("=")
    kind, colon, name = front.rpartition(":")
    if not equals or not path or not _NAME.fullmatch(name) or (colon and kind not in ("table", "audformat")):
        raise UsageError(
            f"cannot read corpus {text!r}{_spec_fault(text)}; "
            f"expected NAME=DIR with NAME one of {', '.join(sorted(CARDS))}, or {_FORMS}"
        )
    if kind == "table":
        return Spec(kind, name, Path(path))
    if not kind and name in CARDS:
        return Spec("corpus", name, Path(path))
    # A folder may itself have # in its name; what exists as written is not taken apart.
    folder, tables = Path(path), ""
    if not audformat.is_database(folder):
        before, hash_sign, after = path.rpartition("#")
        if hash_sign and before:
            folder, tables = Path(before), after
    if not kind and not audformat.is_database(folder):
        raise UsageError(_unknown(name, folder))
    return Spec("audformat", name, folder, tuple(filter(None, tables.split(","))))


def _spec_fault(text: str) -> str:
    """Tell in brackets what is probably wrong with a text that is no spec, or nothing."""
    front, equals, _ = text.partition("=")
    name = front.rpartition(":")[2]
    if equals:
        strange = _NOT_IN_NAME.search(name)
        if strange is None:
            return ""
        fault = "a space" if strange[0] == " " else repr(strange[0])
        return f" (its name {name!r} has {fault}; a name is of letters, digits, _, . and -)"
    path = Path(text).expanduser()
    if not text or not path.exists():
        return ""
    if path.is_file():
        return f" (did you mean table:NAME={text}?)" if path.suffix.lower() in _TABLES else ""
    owner = _recognise(path)
    return f" (did you mean {owner.name}={text}?)" if owner else ""


def _unknown(name: str, folder: Path) -> str:
    close = get_close_matches(name.lower(), CARDS, n=1)
    if folder.suffix.lower() in _TABLES and folder.expanduser().is_file():
        hint = f" (did you mean table:{name}={folder}?)"
    elif not (hint := _looks_like(folder)):
        hint = f" (did you mean {close[0]}?)" if close else ""
        hint += f"; {folder} holds no audformat database (db.yaml)" if folder.expanduser().is_dir() else ""
    return f"unknown corpus {name!r}{hint}; known are {', '.join(sorted(CARDS))}; any other goes as {_FORMS}"


def load_corpus(
    spec: str,
    labels: str | Path | None = None,
    *,
    excited_as_happy: bool = True,
    features: str | Sequence[str] = EGEMAPS,
) -> Corpus:
    """Read a corpus, compare it with what was published, and join its labels.

    Args:
        spec: ``emodb=DIR``, ``table:NAME=FILE``, ``NAME=DIR`` or ``audformat:NAME=DIR#TABLE``.
        labels: Folder of label sheets: those that the cards name, or ``NAME.csv`` with the header
            ``filename,activation,valence`` for any other corpus; by default none is joined.
        excited_as_happy: Whether IEMOCAP's excited utterances count as happy.
        features: Columns of a table that are features: the 88 functionals where it has them (``whisper``: the 600
            that the model of that name takes), ``columns``, ``columns:PREFIX``, or their names, such as a model's
            ``inputs``.

    Returns:
        The corpus, with a finding for all that is missing, extra, unlabelled or left out.

    Raises:
        UsageError: If the spec cannot be read or names no corpus, or columns are wanted of what is no table.
        CorpusError: If the folder or table is missing, broken, empty, or another corpus.
        LabelError: If a label sheet is broken or fits no recording.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> (folder / "03a01Wa.wav").touch()
        >>> load_corpus(f"emodb={folder}").table["emotion"].tolist()
        ['angry']
    """
    kind, name, path, tables = parse_spec(spec)
    if kind != "table" and isinstance(features, str) and column_prefixes(features) is not None:
        raise UsageError(
            f"{spec} is no table, and features are columns of tables; give a table as table:NAME=FILE, or leave "
            "--features out"
        )
    if kind == "table":
        corpus = table.load(name, path, features)
    elif kind == "audformat":
        corpus = audformat.load(name, path, tables)
    else:
        corpus = _load_supported(name, path, excited_as_happy)
    if labels is not None:
        return join_labels(corpus, Path(labels), _SHEETS)
    if corpus.card is not None and corpus.card.sheet is not None:
        sheet = corpus.card.sheet.file
        detail = f"no folder of label sheets was given (its sheet is {sheet}), so no activation and no valence"
        return replace(corpus, findings=(*corpus.findings, Finding(name, "", "unlabelled", detail)))
    return corpus


def name_readers() -> Iterator[tuple[str, Callable[[PurePath], Name | None]]]:
    """Give the title of each supported corpus with what reads its file names."""
    return ((reader.card.title, reader.parse_name) for reader in _READERS.values())


def _load_supported(name: str, folder: Path, excited_as_happy: bool) -> Corpus:
    try:
        if name == iemocap.CARD.name:
            return iemocap.load(folder, excited_as_happy=excited_as_happy)
        return _READERS[name].load(folder)
    except NamingError as error:
        raise CorpusError(f"{error}{_looks_like(folder)}") from None


def _looks_like(folder: Path) -> str:
    owner = _recognise(folder) if folder.is_dir() else None
    return f"; it looks like {owner.title}: use {owner.name}={folder}" if owner else ""


def speakers_by_name(files: Sequence[PurePath]) -> list[str | None]:
    """Tell who speaks in recordings that are named as those of a supported corpus.

    Args:
        files: Paths of recordings.

    Returns:
        The speaker of each, ``None`` where its name does not say; none at all unless more than half of the files are
        named as in one corpus.

    Example:
        >>> speakers_by_name([PurePath("03a01Fa.wav"), PurePath("11b03Wc.wav"), PurePath("room.wav")])
        ['03', '11', None]
    """
    reader = _reader_of(files)
    names = [reader.parse_name(file) if reader else None for file in files]
    return [name.speaker if name else None for name in names]


def _recognise(folder: Path) -> CorpusCard | None:
    """Tell which supported corpus names its recordings as most of those in a folder are named."""
    try:
        reader = _reader_of(find_recordings(folder).files)
    except CorpusError:
        return None
    return reader.card if reader else None


def _reader_of(files: Sequence[PurePath]) -> Reader | None:
    fitting = {name: sum(reader.parse_name(file) is not None for file in files) for name, reader in _READERS.items()}
    best = max(fitting, key=lambda name: fitting[name])
    return _READERS[best] if fitting[best] * 2 > len(files) else None
