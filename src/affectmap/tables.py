r"""Tables as CSV: one reader for what others wrote, one writer whose text any reader gives back.

Conventions:
    * Read: UTF-8, or UTF-16 and UTF-32 with a byte order mark; cells separated by commas, semicolons, tabs or ``|``, as
      the header has them or a first line ``sep=;`` says; lines ended in any way; quoted cells may hold all of these.
      A row with a cell too many or too few is an error that names its line, unless the cells are empty and at its end;
      blank rows are skipped.
    * Written: UTF-8, commas, lines ended by ``\n``. A cell that a spreadsheet would take for a formula (``=``, ``+``,
      ``-`` or ``@`` first) gets an apostrophe before it, unless it is a number, and `read_sheet` takes it away again.
"""

from __future__ import annotations

import codecs
import csv
import io
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from affectmap.errors import AffectmapError, CorpusError
from affectmap.extras import require
from affectmap.schema import INDEX, Floats, parse_number
from affectmap.text import counted, spelt

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    #: Columns of a table by name, of one length.
    Columns = Mapping[str, Sequence[object] | NDArray[Any]]

#: Endings, in lower case, of tables as text.
TEXT_TABLES = (".csv", ".tsv", ".txt")
#: Largest table as text, in bytes; a larger one is better kept as parquet.
MAX_BYTES = 512 << 20
#: Problems of a table that one message names.
MAX_PROBLEMS = 8

_SEPARATORS = ",;\t|"
_SEPARATOR_LINE = re.compile(r"sep=(.)[ \t]*(?:\r\n|\r|\n|$)", re.IGNORECASE)
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_FORMULA = re.compile(r"\s*[=+\-@＝＋－＠].", re.DOTALL)
_DEFUSED = re.compile(r"'+\s*[=+\-@＝＋－＠].", re.DOTALL)
_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_QUOTED = re.compile(r'[,;|"\r\n\t\ufeff]|^\s|\s$|^sep=', re.IGNORECASE)


class Sheet(NamedTuple):
    """The cells of a CSV file as text.

    Attributes:
        header: The first row.
        rows: The others, as long as the header.
        lines: The line on which each row ends, counted from 1 as an editor does.
        separator: What stands between cells; where it is no comma, numbers may have decimal commas.
    """

    header: list[str]
    rows: list[list[str]]
    lines: list[int]
    separator: str = ","


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows of a table as they were written, before anything is read from them.

    Attributes:
        frame: One column for each column of the file.
        places: Where each row stands, for messages, for example ``line 3``.
        origin: The file the rows come from.
        root: Folder that relative paths in ``file`` start from.
        decimal_comma: Whether 1,5 is one and a half, since cells are separated by something else.
    """

    frame: pd.DataFrame
    places: list[str]
    origin: str
    root: Path
    decimal_comma: bool = False


class Problems:
    """What is wrong with a table, collected so that one message tells all of it.

    Args:
        origin: The table.
        error: Class of the error to raise.

    Example:
        >>> problems = Problems("mine.csv", CorpusError)
        >>> for line in (3, 5, 6):
        ...     problems.add(f"line {line}", "names no file")
        >>> problems.add("line 9", "start is 'soon'")
        >>> problems.check()
        Traceback (most recent call last):
        affectmap.errors.CorpusError: mine.csv: line 3 and 2 more: names no file; line 9: start is 'soon'
    """

    def __init__(self, origin: object, error: type[AffectmapError]) -> None:
        self._origin, self._error = origin, error
        self._places: dict[str, list[str]] = {}

    def __bool__(self) -> bool:
        """Tell whether there is any."""
        return bool(self._places)

    def add(self, place: str, what: str, error: type[AffectmapError] | None = None) -> None:
        """Note a problem of a row, or of the table where the place is empty; the same of several rows is told once.

        The first problem decides which error is raised: the one given with it, or that of the table.
        """
        if not self._places:
            self._error = error or self._error
        self._places.setdefault(what, []).append(place)

    def check(self) -> None:
        """Raise the error, in one line, if there is any problem."""
        if not self._places:
            return
        told = [_told(places, what) for what, places in self._places.items()]
        first = ", " if len(told) == 1 and next(iter(self._places.values()))[0] else ": "
        more = f"; and {len(told) - MAX_PROBLEMS} other problems" if len(told) > MAX_PROBLEMS else ""
        raise self._error(f"{self._origin}{first}{'; '.join(told[:MAX_PROBLEMS])}{more}")


def _told(places: list[str], what: str) -> str:
    more = f" and {len(places) - 1} more" if len(places) > 1 else ""
    return f"{places[0]}{more}: {what}" if places[0] else what


def read_sheet(file: Path, error: type[AffectmapError]) -> Sheet:
    r"""Read a CSV file as the module says; what cannot be read raises the error given.

    Example:
        >>> import tempfile
        >>> file = Path(tempfile.mkdtemp(), "mine.csv")
        >>> _ = file.write_text("file;valence\na.wav;3,5\n")
        >>> read_sheet(file, CorpusError)
        Sheet(header=['file', 'valence'], rows=[['a.wav', '3,5']], lines=[2], separator=';')
    """
    try:
        with file.expanduser().open("rb") as handle:
            data = handle.read(MAX_BYTES + 1)
    except OSError as reason:
        raise error(f"{file} cannot be read: {reason.strerror}") from reason
    if len(data) > MAX_BYTES:
        raise error(f"{file} has more than {MAX_BYTES:,} bytes; store it as parquet")
    text = _decoded(data, file, error)
    separator, text, n_before = _separated(text)
    rows: list[list[str]] = []
    lines: list[int] = []
    reader = _cells(text, separator)
    try:
        for cells in reader:
            if any(cells):
                rows.append(cells)
                lines.append(reader.line_num + n_before)
    except csv.Error as reason:
        raise error(f"{file}, line {reader.line_num + n_before} cannot be read as CSV: {reason}") from reason
    if not rows:
        raise error(f"{file} is empty; expected a header and rows")
    if any("\0" in cell for cell in rows[0]):
        raise error(f"{file} has zero bytes in its header; save it as CSV in UTF-8")
    rows = [_fitted(cells, rows[0]) for cells in rows]
    _refuse_ragged(rows, lines, file, error)
    if "'" in text:
        rows = [[_plain(cell) for cell in cells] for cells in rows]
    return Sheet(rows[0], rows[1:], lines[1:], separator)


def _decoded(data: bytes, file: Path, error: type[AffectmapError]) -> str:
    if data.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise error(f"{file} is a spreadsheet or an archive, not text; save it as CSV")
    mark, encoding = next(((mark, name) for mark, name in _MARKS if data.startswith(mark)), (b"", "utf-8"))
    try:
        return data[len(mark) :].decode(encoding)
    except UnicodeDecodeError as reason:
        name = encoding.upper() if mark else "UTF-8"
        raise error(f"{file} is not {name} text (byte {reason.start + len(mark)}); save it as CSV in UTF-8") from reason


def _separated(text: str) -> tuple[str, str, int]:
    """Give what separates the cells, the text without a line that says so, and how many lines that takes away."""
    said = _SEPARATOR_LINE.match(text)
    if said:
        return said[1], text[said.end() :], 1
    widths = dict.fromkeys(_SEPARATORS, 0)
    for separator in _SEPARATORS:
        try:
            widths[separator] = len(next((cells for cells in _cells(text, separator) if any(cells)), []))
        except csv.Error:
            continue
    return max(widths, key=lambda separator: widths[separator]), text, 0


def _cells(text: str, separator: str) -> csv._reader:  # type: ignore[name-defined]
    return csv.reader(io.StringIO(text, newline=""), delimiter=separator, skipinitialspace=True, strict=True)


def _fitted(cells: list[str], header: list[str]) -> list[str]:
    """Remove or add empty cells at the end of a row, of which programs write some too many or too few."""
    width = len(header)
    if not any(cells[width:]) and not any(header[len(cells) :]):
        return [*cells[:width], *[""] * (width - len(cells))]
    return cells


def _refuse_ragged(rows: list[list[str]], lines: list[int], file: Path, error: type[AffectmapError]) -> None:
    if rows[0][0].startswith("#") and any(len(cells) > len(rows[0]) for cells in rows):
        raise error(f"{file}, line {lines[0]} is a comment; remove it, so that the names of the columns come first")
    problems = Problems(file, error)
    for cells, line in zip(rows, lines, strict=True):
        if len(cells) != len(rows[0]):
            problems.add(
                f"line {line}",
                f"{counted(len(cells), 'cell')}, the header has {spelt(len(rows[0]))}; quote what holds a separator",
            )
    problems.check()


def _plain(cell: str) -> str:
    return cell[1:] if _DEFUSED.match(cell) else cell


def read_rows(file: Path, error: type[AffectmapError] = CorpusError) -> Rows:
    """Read the cells of a CSV or parquet table; those of a CSV file are text.

    Raises:
        AffectmapError: The error given, if it is missing, damaged, of another kind, or has two columns of one name.
    """
    import pandas as pd

    if file.is_dir() or not file.exists():
        problem = "is a folder" if file.is_dir() else "does not exist"
        raise error(f"{file} {problem}; expected a table, .csv, .tsv or .parquet")
    if file.suffix.lower() in TEXT_TABLES or not file.is_file():  # what is no plain file is a pipe
        sheet = read_sheet(file, error)
        kept = _named_columns(sheet)
        header = [sheet.header[number] for number in kept]
        repeated = sorted({name for name in header if header.count(name) > 1})
        if repeated:
            raise error(f"{file} has columns of the same name: {', '.join(repeated)}; name each once")
        cells = [[row[number] for number in kept] for row in sheet.rows]
        frame = pd.DataFrame(cells, columns=header, dtype=object)
        return Rows(frame, [f"line {line}" for line in sheet.lines], str(file), file.parent, sheet.separator != ",")
    if file.suffix.lower() != ".parquet":
        raise error(f"{file} ends in {file.suffix or 'nothing'}; expected a table, .csv, .tsv or .parquet")
    require(f"{file} is parquet, which", "parquet", "pyarrow")
    try:
        frame = pd.read_parquet(file)
    # Damaged files make pyarrow raise errors of many unrelated classes.
    except Exception as damage:
        reason = (str(damage).splitlines() or [type(damage).__name__])[0]
        raise error(f"{file} cannot be read as parquet: {reason}") from damage
    # Tables saved from pandas often keep file, start and end as their index.
    if set(frame.index.names) & set(INDEX):
        frame = frame.reset_index()
    frame = frame.rename(columns=str)
    if repeated := sorted(set(frame.columns[frame.columns.duplicated()])):
        raise error(f"{file} has columns of the same name: {', '.join(repeated)}; name each once")
    return Rows(frame, [f"row {row}" for row in range(1, len(frame) + 1)], str(file), file.parent)


def read_numbers(rows: Rows, column: str, problems: Problems) -> Floats:
    """Read a column of numbers.

    Args:
        rows: The table.
        column: Name of the column.
        problems: Where a cell that holds anything else is noted.

    Returns:
        Shape (n_rows,); ``NaN`` where a cell is empty or noted.

    Example:
        >>> import pandas as pd
        >>> cells = pd.DataFrame({"f0": ["1,5", "", "2"]})
        >>> rows = Rows(cells, ["line 2", "line 3", "line 4"], "mine.csv", Path(), decimal_comma=True)
        >>> read_numbers(rows, "f0", Problems("mine.csv", CorpusError)).tolist()
        [1.5, nan, 2.0]
    """
    import pandas as pd

    written = rows.frame[column]
    if pd.api.types.is_float_dtype(written.dtype) or pd.api.types.is_integer_dtype(written.dtype):
        return written.to_numpy("float64", copy=True, na_value=math.nan)  # nothing to read in text
    if rows.decimal_comma:
        _refuse_mixed(rows, column, problems)
    numbers = pd.to_numeric(written.where(written != "", None), errors="coerce").to_numpy("float64", copy=True)
    for row in (written.notna().to_numpy() & pd.isna(numbers)).nonzero()[0].tolist():
        cell = written.iloc[row]
        try:
            numbers[row] = parse_number(cell, decimal_comma=rows.decimal_comma)
        except ValueError:
            problems.add(rows.places[row], f"{column} is {str(cell)[:40]!r}; expected a number")
    return numbers


def _refuse_mixed(rows: Rows, column: str, problems: Problems) -> None:
    """Note a column with decimal commas in some cells and points in others: one of them may mean thousands."""
    cells = [str(cell) for cell in rows.frame[column]]
    places = [
        next((place for place, cell in zip(rows.places, cells, strict=True) if mark in cell), "") for mark in ",."
    ]
    if all(places):
        problems.add("", f"{column} has a decimal comma ({places[0]}) and a point ({places[1]}); write all alike")


def _named_columns(sheet: Sheet) -> list[int]:
    """Number the columns without those that have neither a name nor a cell, as spreadsheets leave them behind."""
    return [
        number
        for number, name in enumerate(sheet.header)
        if name.strip() or any(row[number].strip() for row in sheet.rows)
    ]


def csv_text(
    table: pd.DataFrame | Columns, *, index: bool = False, header: bool = True, float_format: str | None = None
) -> str:
    """Write a table as CSV, as the module says; missing values are empty.

    Args:
        table: The table, or its columns by name.
        index: Whether the table's index becomes the first columns.
        header: Whether to write the names of columns.
        float_format: Such as ``%.7g``; by default numbers are written so that they come back the same.

    Returns:
        The text of the file.

    Example:
        >>> import pandas as pd
        >>> print(csv_text(pd.DataFrame({"comment": ["=1+1", "a, b", "-3"], "valence": [3.5, None, 2]})), end="")
        comment,valence
        '=1+1,3.5
        "a, b",
        -3,2.0
    """
    lines = csv_lines(table, index=index, float_format=float_format)
    return "".join(f"{line}\n" for line in (lines if header else lines[1:]))


def csv_lines(table: pd.DataFrame | Columns, *, index: bool = False, float_format: str | None = None) -> list[str]:
    """Write a table as `csv_text` does, a text for each row and the header first, without their ends."""
    if isinstance(table, Mapping):
        names, columns = list(table), [getattr(each, "tolist", lambda each=each: each)() for each in table.values()]
    else:
        frame = table.reset_index() if index else table
        names, columns = list(frame.columns), [frame.iloc[:, number].tolist() for number in range(frame.shape[1])]
    rows = (csv_line(cells, float_format) for cells in zip(*columns, strict=True))
    return [csv_line(map(str, names)), *rows]


def csv_line(cells: Iterable[object], float_format: str | None = None) -> str:
    """Write a row as `csv_text` does, without its end."""
    written = [_written(cell, float_format) for cell in cells]
    return ",".join(written) if written != [""] else '""'


def _written(cell: object, float_format: str | None) -> str:
    if cell is None or (not isinstance(cell, str) and str(cell).lower() in ("<na>", "nat", "nan")):
        return ""
    if isinstance(cell, float):
        return repr(float(cell)) if float_format is None else float_format % cell
    if not isinstance(cell, str):
        return str(cell)
    # A name in another encoding holds bytes that could not be written.
    text = cell.encode("utf-8", "backslashreplace").decode()
    if _DEFUSED.match(text) or (_FORMULA.match(text) and not _NUMBER.fullmatch(text)):
        text = f"'{text}"
    return '"{}"'.format(text.replace('"', '""')) if _QUOTED.search(text) else text
