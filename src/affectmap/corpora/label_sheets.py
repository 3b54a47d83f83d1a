"""Sheets of activation and valence ratings, joined to the recordings by file name.

The sheets of Das et al. (2022, https://bit.ly/3rg6VsA) rate EMO-DB, CaFE, URDU and AESDD on 1..5 in half
steps, by one rater. Their headers carry traps (a trailing space, a misspelt ``filename``, two empty
columns), so each is mapped letter for letter by the `LabelSheet` of its card.
Any other corpus takes a sheet ``NAME.csv`` with the plain header ``filename,activation,valence``.

What is broken in a sheet is an error; what merely has no counterpart is a finding.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

from affectmap.corpora.folder import Corpus, LabelSheet
from affectmap.errors import LabelError
from affectmap.names import Paths, file_name, path_parts, read_columns
from affectmap.schema import LABELS, Finding, parse_rating
from affectmap.tables import TEXT_TABLES, Problems, Sheet, read_sheet
from affectmap.text import counted

if TYPE_CHECKING:
    import pandas as pd

_FIELDS = ("file", *LABELS)


class Rating(NamedTuple):
    """One row of a sheet: the line it stands on and the values it gives, ``NaN`` where it gives none."""

    line: int
    values: dict[str, float]


class Ratings(NamedTuple):
    """What a sheet says: ratings by the name of the recording, and what has to be known about it, for people."""

    by_name: dict[str, Rating]
    notes: list[str]


def join_labels(corpus: Corpus, folder: Path, known: Mapping[str, LabelSheet] | None = None) -> Corpus:
    r"""Join the sheet of a corpus from a folder of sheets.

    Args:
        corpus: The corpus; what it already knows of activation and valence is never overwritten.
        folder: Folder of sheets.
        known: Published sheets by corpus; any other corpus takes the plain sheet ``NAME.csv``. They also tell
            a folder of sheets from any other folder.

    Returns:
        The corpus with the labels, and with findings for rows without a recording, recordings without a row
        and rows without a value. Where the folder has no sheet for it, the corpus with a finding that says
        so.

    Raises:
        LabelError: If the folder holds no sheet at all, or the sheet is broken or fits no recording.

    Example:
        >>> import audformat, pandas as pd, tempfile
        >>> from affectmap.schema import validate_table
        >>> index = audformat.segmented_index(["/data/a.wav"])
        >>> corpus = Corpus("mine", validate_table(pd.DataFrame({"speaker": ["1"]}, index), "notes"))
        >>> folder = Path(tempfile.mkdtemp())
        >>> _ = (folder / "mine.csv").write_text("filename,valence\na.wav,4.5\n")
        >>> join_labels(corpus, folder).table["valence"].tolist()
        [4.5]
    """
    folder = folder.expanduser().absolute()
    known = {} if known is None else known
    sheet = known.get(corpus.name, LabelSheet(f"{corpus.name}.csv"))
    sheets = _find_sheets(folder, sheet, known.values())
    own = [name for name in sheets if PurePosixPath(name).stem == PurePosixPath(sheet.file).stem]
    if len(own) > 1:
        raise LabelError(f"{folder} has two sheets of {corpus.name}, {own[0]} and {own[1]}; keep one")
    if own:
        return _join(corpus, folder / own[0], sheet)
    if corpus.table[list(LABELS)].notna().any(axis=None):
        return corpus
    detail = f"{folder} has no {sheet.file} (it has {', '.join(sheets)}), so no activation and no valence"
    return replace(corpus, findings=(*corpus.findings, Finding(corpus.name, "", "unlabelled", detail)))


def _find_sheets(folder: Path, sheet: LabelSheet, known: Iterable[LabelSheet]) -> list[str]:
    if not folder.is_dir():
        problem = "is a file" if folder.is_file() else "does not exist"
        raise LabelError(f"{folder} {problem}; expected a folder of label sheets such as {sheet.file}")
    named = {sheet.file, *(other.file for other in known)}
    texts = [file for file in sorted(folder.iterdir()) if file.suffix.lower() in TEXT_TABLES]
    sheets = [file.name for file in texts if file.name in named or _is_plain(file)]
    if not sheets:
        raise LabelError(f"{folder} holds no label sheet; expected {sheet.file} in it, or another corpus's")
    return sheets


def _is_plain(file: Path) -> bool:
    try:
        columns = read_columns(read_sheet(file, LabelError).header, _FIELDS, file, LabelError)
    except LabelError:
        return False
    return "file" in columns.names and bool(set(columns.names) & set(LABELS))


def read_ratings(file: Path, sheet: LabelSheet) -> Ratings:
    """Read a sheet of ratings; one with the plain header ``filename,activation,valence`` will do, too.

    Raises:
        LabelError: If it is damaged, lacks a column, or a row names no recording, has a value that is no rating or
            contradicts another row; one message names all such rows.
    """
    cells = read_sheet(file, LabelError)
    columns, notes = _columns(cells, file, sheet)
    problems = Problems(file, LabelError)
    ratings: dict[str, Rating] = {}
    n_repeated = 0
    for line, row in zip(cells.lines, cells.rows, strict=True):
        given = dict(zip(columns, row, strict=True))
        name = file_name(given["file"])
        rating = Rating(
            line, {label: _number(given[label], label, line, problems) for label in LABELS if label in given}
        )
        if not name:
            problems.add(f"line {line}", "names no recording; write its name or remove the row")
        elif not _same(ratings.setdefault(name, rating), rating):
            problems.add(f"line {line}", f"rates {name} otherwise than line {ratings[name].line}; keep one")
        elif ratings[name] is not rating:
            n_repeated += 1
    problems.check()
    if n_repeated:
        notes.append(f"{file.name} names {counted(n_repeated, 'recording')} again, with the same values")
    return Ratings(ratings, notes)


def _columns(cells: Sheet, file: Path, sheet: LabelSheet) -> tuple[list[str], list[str]]:
    """Name the columns by what they mean; a published header counts letter for letter."""
    plain = ["file" if header.strip().lower() == "filename" else header for header in cells.header]
    published = [sheet.columns.get(own, word) or "" for own, word in zip(cells.header, plain, strict=True)]
    names, notes, others = read_columns(published, _FIELDS, file, LabelError)
    required = {"file"} | ({*sheet.columns.values()} - {None} if set(cells.header) <= set(sheet.columns) else set())
    absent = sorted(str(meaning) for meaning in required - set(names))
    if absent or not set(names) & set(LABELS):
        lacking = " or ".join(absent) or "activation or valence"
        raise LabelError(f"{file} has no column for {lacking}; expected {_expected(sheet)}, got {cells.header}")
    left_out = [name for name in others if name.strip() not in ("", "speaker")]  # recordings know theirs
    if left_out:
        notes.append(f"columns of {file.name} left out, for they are not known: {', '.join(left_out)}")
    return names, notes


def _expected(sheet: LabelSheet) -> str:
    plain = "the plain header filename,activation,valence"
    return f"{list(sheet.columns)} as published, or {plain}" if sheet.columns else plain


def _number(cell: str, label: str, line: int, problems: Problems) -> float:
    try:
        return parse_rating(cell, label)
    except LabelError as error:
        problems.add(f"line {line}", str(error))
        return math.nan


def _same(one: Rating, other: Rating) -> bool:
    return str(one.values) == str(other.values)


def _join(corpus: Corpus, file: Path, sheet: LabelSheet) -> Corpus:
    ratings, notes = read_ratings(file, sheet)
    rows = match_names(ratings, corpus.table.index.get_level_values("file"), file)
    if not any(row is not None for row in rows.values()):
        example = next(iter(rows), "none")
        raise LabelError(
            f"none of the {len(ratings)} names in {file} (first {example}) is a recording of {corpus.name}; "
            "is it the sheet of another corpus?"
        )
    table = _fill(corpus, ratings, rows, file)
    told = [Finding(corpus.name, "", "note", note) for note in notes]
    first = {row: name for name, row in reversed(rows.items())}
    again = f"names a recording again in {file.name}, with the same values"
    repeated = [name for name, row in rows.items() if row is not None and first[row] != name]
    told += [Finding(corpus.name, name, "note", again) for name in repeated]
    return replace(corpus, table=table, findings=(*corpus.findings, *told, *_findings(corpus, ratings, rows, file)))


def _fill(corpus: Corpus, ratings: Mapping[str, Rating], rows: Mapping[str, int | None], file: Path) -> pd.DataFrame:
    table = corpus.table.copy()
    given = {label for rating in ratings.values() for label in rating.values}
    for label in sorted(given):
        if table[label].notna().any():
            raise LabelError(f"{label} of {corpus.name} is given twice, by the corpus and by {file}; remove one")
        values = table[label].to_numpy(copy=True)
        for name, row in rows.items():
            if row is not None:
                values[row] = ratings[name].values[label]
        table[label] = values
    return table


def match_names(ratings: Mapping[str, Rating], files: Iterable[str], sheet: Path) -> dict[str, int | None]:
    """Find the row of each name, ``None`` if there is none; a name matches the end of a path, whatever its ending.

    Raises:
        LabelError: If a name fits several recordings, or two names rate one recording differently.
    """
    paths, problems = Paths(files), Problems(sheet, LabelError)
    rows: dict[str, int | None] = {}
    named: dict[int, str] = {}
    for name, rating in ratings.items():
        found = paths.find(name)
        if len(found) > 1:
            problems.add(f"line {rating.line}", _ambiguous(name, [paths.parts[row] for row in found]))
            continue
        rows[name] = found[0] if found else None
        if not found:
            continue
        first = named.setdefault(found[0], name)
        if not _same(ratings[first], rating):
            problems.add(f"line {rating.line}", f"rates {name} otherwise than line {ratings[first].line}; keep one")
    problems.check()
    return rows


def _ambiguous(name: str, found: list[tuple[str, ...]]) -> str:
    if len(set(found)) == 1:
        return f"{name} holds {len(found)} utterances of the corpus; give their labels in the corpus's own table"
    first, second = ("/".join(parts[-2:]) for parts in found[:2])
    return f"{name} fits {len(found)} recordings ({first}, {second}); write it with its folder"


def _findings(
    corpus: Corpus, ratings: Mapping[str, Rating], rows: Mapping[str, int | None], file: Path
) -> Iterator[Finding]:
    missing = {path_parts(finding.file) for finding in corpus.findings if finding.kind == "missing"}
    for name, row in rows.items():
        if row is None and path_parts(name) not in missing:
            detail = f"named in {file.name}, but no such recording was found"
            yield Finding(corpus.name, name, "missing", detail)
    given = next(iter(ratings.values())).values
    rated = {row: name for name, row in rows.items() if row is not None}
    for row, path in enumerate(corpus.table.index.get_level_values("file")):
        if row not in rated:
            detail = f"has no row in {file.name}, so {_none_of(given)}"
            yield Finding(corpus.name, _short(path), "unlabelled", detail)
            continue
        values = ratings[rated[row]].values
        empty = [label for label in values if math.isnan(values[label])]
        if empty:
            yield Finding(corpus.name, _short(path), "unlabelled", f"{file.name} gives {_none_of(empty)}")


def _none_of(labels: Iterable[str]) -> str:
    return " and ".join(f"no {label}" for label in labels)


def _short(path: str) -> str:
    return "/".join(PurePosixPath(path).parts[-2:])
