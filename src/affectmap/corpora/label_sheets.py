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
from affectmap.names import Paths, path_parts
from affectmap.schema import LABELS, Finding, parse_rating
from affectmap.tables import Sheet, read_sheet

if TYPE_CHECKING:
    import pandas as pd

#: Headers of a sheet that somebody wrote for their own corpus.
PLAIN_HEADER: Mapping[str, str | None] = {
    "filename": "file",
    "file": "file",
    "activation": "activation",
    "arousal": "activation",
    "valence": "valence",
}


class Rating(NamedTuple):
    """One row of a sheet: the line it stands on and the values it gives, ``NaN`` where it gives none."""

    line: int
    values: dict[str, float]


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
    sheet = known.get(corpus.name, LabelSheet(f"{corpus.name}.csv", PLAIN_HEADER))
    sheets = _find_sheets(folder, sheet, known.values())
    if sheet.file in sheets:
        return _join(corpus, folder / sheet.file, sheet)
    if corpus.table[list(LABELS)].notna().any(axis=None):
        return corpus
    detail = f"{folder} has no {sheet.file} (it has {', '.join(sheets)}), so no activation and no valence"
    return replace(corpus, findings=(*corpus.findings, Finding(corpus.name, "", "unlabelled", detail)))


def _find_sheets(folder: Path, sheet: LabelSheet, known: Iterable[LabelSheet]) -> list[str]:
    if not folder.is_dir():
        problem = "is a file" if folder.is_file() else "does not exist"
        raise LabelError(f"{folder} {problem}; expected a folder of label sheets such as {sheet.file}")
    named = {sheet.file, *(other.file for other in known)}
    sheets = [file.name for file in sorted(folder.glob("*.csv")) if file.name in named or _is_plain(file)]
    if not sheets:
        raise LabelError(f"{folder} holds no label sheet; expected {sheet.file} in it, or another corpus's")
    return sheets


def _is_plain(file: Path) -> bool:
    try:
        header = read_sheet(file, LabelError).header
    except LabelError:
        return False
    meanings = [PLAIN_HEADER.get(name) for name in header]
    return "file" in meanings and bool(set(meanings) & set(LABELS))


def read_ratings(file: Path, sheet: LabelSheet) -> dict[str, Rating]:
    """Read a sheet of ratings by name; one with the plain header ``filename,activation,valence`` will do, too."""
    cells = read_sheet(file, LabelError)
    position = _columns(cells, file, sheet)
    labels = [label for label in LABELS if label in position]
    ratings: dict[str, Rating] = {}
    for row, line in zip(cells.rows, cells.lines, strict=True):
        name = row[position["file"]].strip()
        if not name:
            raise LabelError(f"{file}, line {line} names no recording; write its name or remove the row")
        if name in ratings:
            raise LabelError(f"{file} names {name} twice, in lines {ratings[name].line} and {line}; keep one")
        values = {label: _number(row[position[label]], label, file, line) for label in labels}
        ratings[name] = Rating(line, values)
    return ratings


def _columns(cells: Sheet, file: Path, sheet: LabelSheet) -> dict[str, int]:
    columns = sheet.columns if set(cells.header) <= set(sheet.columns) else PLAIN_HEADER
    if not set(cells.header) <= set(columns):
        nowhere = [header for header in cells.header if header not in {*sheet.columns, *PLAIN_HEADER}]
        strange = (nowhere or [header for header in cells.header if header not in sheet.columns])[0]
        raise LabelError(f"{file} has an unknown column {strange!r}; expected {_expected(sheet)}")
    position: dict[str, int] = {}
    for place, header in enumerate(cells.header):
        meaning = columns[header]
        if meaning in position:
            raise LabelError(f"{file} gives {meaning} twice, in the columns {cells.header}; keep one")
        if meaning is not None:
            position[meaning] = place
    required = set(columns.values()) - {None} if columns is not PLAIN_HEADER else {"file"}
    absent = sorted(str(meaning) for meaning in required - set(position))
    if absent or not set(position) & set(LABELS):
        lacking = " or ".join(absent) or "activation or valence"
        raise LabelError(f"{file} has no column for {lacking}; expected {_expected(sheet)}, got {cells.header}")
    return position


def _expected(sheet: LabelSheet) -> str:
    plain = "the plain header filename,activation,valence"
    if sheet.columns is PLAIN_HEADER:
        return plain
    return f"{list(sheet.columns)} as published, or {plain}"


def _number(cell: str, label: str, file: Path, line: int) -> float:
    try:
        return parse_rating(cell, label)
    except LabelError as error:
        raise LabelError(f"{file}, line {line}: {error}") from None


def _join(corpus: Corpus, file: Path, sheet: LabelSheet) -> Corpus:
    ratings = read_ratings(file, sheet)
    rows = match_names(ratings, corpus.table.index.get_level_values("file"), file)
    if not any(row is not None for row in rows.values()):
        example = next(iter(rows), "none")
        raise LabelError(
            f"none of the {len(ratings)} names in {file} (first {example}) is a recording of {corpus.name}; "
            "is it the sheet of another corpus?"
        )
    table = _fill(corpus, ratings, rows, file)
    findings = (*corpus.findings, *_findings(corpus, ratings, rows, file))
    return replace(corpus, table=table, findings=findings)


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
    """Find the row of each name, ``None`` if there is none; a name matches the end of a path, whatever its ending."""
    paths = Paths(files)
    rows: dict[str, int | None] = {}
    named: dict[int, str] = {}
    for name, rating in ratings.items():
        found = paths.find(name)
        if len(found) > 1:
            raise LabelError(_ambiguous(name, rating.line, [paths.parts[row] for row in found], sheet))
        rows[name] = found[0] if found else None
        if found and found[0] in named:
            raise LabelError(f"{sheet} rates one recording twice, as {named[found[0]]} and as {name}; keep one")
        named.update(dict.fromkeys(found, name))
    return rows


def _ambiguous(name: str, line: int, found: list[tuple[str, ...]], sheet: Path) -> str:
    if len(set(found)) == 1:
        return (
            f"{sheet}, line {line}: {name} holds {len(found)} utterances of the corpus; give their labels "
            "in the corpus's own table"
        )
    first, second = ("/".join(parts[-2:]) for parts in found[:2])
    fits = f"{name} fits {len(found)} recordings ({first}, {second})"
    return f"{sheet}, line {line}: {fits}; write it with its folder"


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
