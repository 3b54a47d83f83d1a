"""Strict reading of sheets and tables: every row knows its place; no cell is shifted, padded or guessed.

In a CSV file, a row with a cell too many or too few is an error that names the line; only blank lines are
skipped.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from numbers import Integral, Real
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from affectmap.errors import AffectmapError, CorpusError
from affectmap.extras import require
from affectmap.schema import INDEX

if TYPE_CHECKING:
    import pandas as pd


class Sheet(NamedTuple):
    """The cells of a CSV file as text.

    Attributes:
        header: Column names exactly as written.
        rows: Cells, one list for each row.
        lines: Line in the file where each row ends, counted from 1 (the header is line 1).
    """

    header: list[str]
    rows: list[list[str]]
    lines: list[int]


def read_sheet(file: Path, error: type[AffectmapError]) -> Sheet:
    r"""Read a comma-separated file with a header.

    Args:
        file: The file, UTF-8 with or without a byte order mark.
        error: Error to raise if it cannot be read.

    Returns:
        Its cells as text.

    Raises:
        AffectmapError: Of the given class, if the file is missing, empty, no UTF-8 text, not separated by commas, or
            has a ragged row.

    Example:
        >>> import tempfile
        >>> file = Path(tempfile.mkdtemp(), "a.csv")
        >>> _ = file.write_text("filename,activation\na.wav,3.5\n")
        >>> read_sheet(file, AffectmapError).rows
        [['a.wav', '3.5']]
    """
    rows: list[list[str]] = []
    lines: list[int] = []
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            first = next((line for line in stream if line.strip()), "")
            _refuse_other_separators(first, file, error)
            stream.seek(0)
            reader = csv.reader(stream, strict=True)
            for cells in reader:
                if cells:
                    rows.append(cells)
                    lines.append(reader.line_num)
    except OSError as reason:
        raise error(f"{file} cannot be read: {reason.strerror}") from reason
    except UnicodeDecodeError as reason:
        raise error(f"{file} is not UTF-8 text (byte {reason.start}); save it as CSV in UTF-8") from reason
    except csv.Error as reason:
        raise error(f"{file} cannot be read as CSV: {reason}") from reason
    if not rows:
        raise error(f"{file} is empty; expected a header and rows")
    _refuse_ragged(rows, lines, file, error)
    return Sheet(rows[0], rows[1:], lines[1:])


def _refuse_other_separators(header: str, file: Path, error: type[AffectmapError]) -> None:
    # Never read with another separator: cells that hold decimal commas would have to be guessed, too.
    for separator, name in ((";", "semicolons"), ("\t", "tabs")):
        if "," not in header and separator in header.strip():
            raise error(f"{file} looks separated by {name}; save it with commas (and numbers with points)")


def _refuse_ragged(rows: list[list[str]], lines: list[int], file: Path, error: type[AffectmapError]) -> None:
    for cells, line in zip(rows, lines, strict=True):
        if len(cells) != len(rows[0]):
            raise error(
                f"{file}, line {line} has {len(cells)} cells, the header {len(rows[0])}; separate cells by "
                "commas and quote those that hold one"
            )


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows as they were written, before anything is read from them.

    Attributes:
        frame: One column for each column of the file.
        places: Where each row stands, for messages, for example ``line 3``.
        origin: The file the rows come from.
        root: Folder that relative paths in ``file`` start from.
    """

    frame: pd.DataFrame
    places: list[str]
    origin: str
    root: Path


def read_rows(file: Path) -> Rows:
    r"""Read the cells of a table.

    Args:
        file: A CSV or parquet file.

    Returns:
        Its rows; cells of a CSV file are text.

    Raises:
        CorpusError: If it is missing, of another kind, or damaged.

    Example:
        >>> import tempfile
        >>> file = Path(tempfile.mkdtemp(), "mine.csv")
        >>> _ = file.write_text("file,emotion\na.wav,sad\n")
        >>> read_rows(file).places
        ['line 2']
    """
    import pandas as pd

    if not file.is_file():
        problem = "is a folder" if file.is_dir() else "does not exist"
        raise CorpusError(f"{file} {problem}; expected a table, .csv or .parquet")
    if file.suffix.lower() == ".csv":
        sheet = read_sheet(file, CorpusError)
        repeated = sorted({header for header in sheet.header if sheet.header.count(header) > 1})
        if repeated:
            raise CorpusError(f"{file} has columns of the same name: {', '.join(repeated)}; name each once")
        frame = pd.DataFrame(sheet.rows, columns=sheet.header, dtype=object)
        return Rows(frame, [f"line {line}" for line in sheet.lines], str(file), file.parent)
    if file.suffix.lower() != ".parquet":
        raise CorpusError(f"{file} ends in {file.suffix or 'nothing'}; expected a table, .csv or .parquet")
    require(f"{file} is parquet, which", "parquet", "pyarrow")
    try:
        frame = pd.read_parquet(file)
    # Damaged files make pyarrow raise errors of many unrelated classes.
    except Exception as error:
        reason = str(error).splitlines()[0]
        raise CorpusError(f"{file} cannot be read as parquet: {reason}") from error
    # Tables saved from pandas often keep file, start and end as their index.
    if set(frame.index.names) & set(INDEX):
        frame = frame.reset_index()
    frame = frame.rename(columns=str)
    return Rows(frame, [f"row {row}" for row in range(1, len(frame) + 1)], str(file), file.parent)


def text_of(cell: object) -> str | None:
    """Give a cell as text.

    Args:
        cell: A cell of a CSV or parquet file.

    Returns:
        Its text without spaces around it; ``None`` if it is empty.

    Example:
        >>> text_of(" anger "), text_of(1.0), text_of(float("nan"))
        ('anger', '1', None)
    """
    import pandas as pd

    if cell is None or cell is pd.NA or cell != cell:
        return None
    # A column of whole numbers with gaps arrives as 1.0, 2.0; speaker 1 is meant.
    if isinstance(cell, Real) and not isinstance(cell, Integral) and float(cell).is_integer():
        cell = int(float(cell))
    return str(cell).strip() or None
