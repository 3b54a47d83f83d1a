"""Raw ratings: one row for each rating that somebody confirmed.

The annotator's own database (`affectmap.agreement.database`), or a CSV file in UTF-8 with these columns; ``file``,
``rater`` and one of the three values must be there, the others have a default:

=============== ===================================================================================================
``file``        path of the recording, relative to the folder of audio, with ``/``
``rater``       who rated
``activation``  1 to 5, or empty; ``arousal`` is another name of this column
``valence``     1 to 5, or empty
``emotion``     a class, or empty
``cannot_tell`` ``true`` where the rater could not tell; values beside it do not count (false)
``comment``     any text (empty)
``presentation``  1 for this rater's first rating of the recording, 2 for an unseen repeat, and so on (1)
``revision``    1, and one more with every correction of the same file, rater and presentation; the last counts (1)
``rated_at``    ISO 8601 with its zone, UTC (empty)
``seconds``     time taken (empty)
``speaker``     who speaks, where it is known (empty)
=============== ===================================================================================================

A row is never changed in place: a correction is a new row. Agreement uses presentation 1, a rater's own consistency the
others.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, NamedTuple

from affectmap.agreement.database import DATABASE, is_database, is_server, read_database, read_server
from affectmap.errors import CorpusError, LabelError
from affectmap.files import write_text
from affectmap.names import file_name, lookalikes, read_columns, read_id
from affectmap.schema import LABELS, parse_emotion, parse_number, parse_rating
from affectmap.tables import TEXT_TABLES, Problems, csv_text, read_sheet
from affectmap.text import counted

if TYPE_CHECKING:
    import pandas as pd

#: What a rater says of a recording.
VALUES = (*LABELS, "emotion")
#: Columns that name one rating.
KEY = ["file", "rater", "presentation"]
_REQUIRED = ("file", "rater")


def _path(cell: str) -> str:
    if not cell:
        raise ValueError("names no recording; write its path in the column file, or remove the row")
    path = PurePosixPath(file_name(cell))
    if path.is_absolute() or ".." in path.parts or cell[1:2] == ":":
        raise ValueError(f"file is {cell!r}; expected a path relative to the folder of audio")
    return str(path)


def _rater(cell: str) -> str:
    rater = read_id(cell)
    if rater is None:
        raise ValueError("names no rater; write a name or number in the column rater")
    return rater


def parse_class(cell: str) -> str | None:
    """Read a class: an emotion under its common name, or one of the study's own; ``None`` where it is empty."""
    if not cell:
        return None
    try:
        return str(parse_emotion(cell))
    except CorpusError:
        return cell  # raters may be asked for classes of the study's own


def _cannot_tell(cell: str) -> bool:
    if cell.lower() not in ("true", "false", ""):
        raise ValueError(f"cannot_tell is {cell!r}; expected true or false")
    return cell.lower() == "true"


def _count(name: str) -> Callable[[str], int]:
    def parse(cell: str) -> int:
        number = read_id(cell) or "1"  # a column of whole numbers with gaps is written as 1.0, 2.0
        if not (number.isascii() and number.isdigit() and len(number) < 10 and int(number)):
            raise ValueError(f"{name} is {cell!r}; expected 1, 2, 3 and so on")
        return int(number)

    return parse


def _time(cell: str) -> str:
    try:
        zone = datetime.fromisoformat(cell).utcoffset() if cell else timedelta(0)
    except ValueError:
        zone = None
    if zone != timedelta(0):
        raise ValueError(f"rated_at is {cell!r}; expected a time in UTC such as 2026-01-31T12:00:00Z")
    return cell


def _seconds(cell: str) -> float:
    try:
        value = parse_number(cell)
    except ValueError:
        raise ValueError(f"seconds is {cell!r}; expected a number, or nothing") from None
    if value < 0 or math.isinf(value):
        raise ValueError(f"seconds is {cell}; expected 0 or more")
    return value


#: From the text of a cell, without spaces around it, to its value; what a cell cannot be is a ``ValueError`` or
#: `LabelError` without file and line, which the reader adds. The order of the columns.
_PARSE: dict[str, Callable[[str], Any]] = {
    "file": _path,
    "rater": _rater,
    "activation": lambda cell: parse_rating(cell, "activation"),
    "valence": lambda cell: parse_rating(cell, "valence"),
    "emotion": parse_class,
    "cannot_tell": _cannot_tell,
    "comment": str,
    "presentation": _count("presentation"),
    "revision": _count("revision"),
    "rated_at": _time,
    "seconds": _seconds,
}
RATING_COLUMNS = tuple(_PARSE)
#: One more, where it is known.
SPEAKER = "speaker"
_FIELDS = (*RATING_COLUMNS, SPEAKER)


def read_raw(paths: str | Path | Sequence[str | Path], notify: Callable[[str], None] = warnings.warn) -> pd.DataFrame:
    r"""Read raw ratings, all revisions.

    Args:
        paths: A CSV file, the annotator's ``ratings.sqlite3`` (also while the annotator runs) or the URL of its
            PostgreSQL database, a folder (its ``ratings.sqlite3`` and the CSV files with the columns ``file`` and
            ``rater``), or several of these. A rating that a database and a CSV file both have counts once.
        notify: Called with a line where ratings may be missing.

    Returns:
        One row a rating, in the order of files and lines, with `RATING_COLUMNS`: activation, valence and seconds as
        ``float64`` with ``NaN``, emotion as text or ``None``, cannot_tell as ``bool``, presentation and revision as
        ``int64``, the rest as text; with ``speaker``, text or ``None``, where any is known.

    Raises:
        LabelError: If a file is missing, damaged, lacks a column, has a value that cannot be, or repeats a revision of
            a rating; the message names file and line.

    Example:
        >>> import tempfile
        >>> file = Path(tempfile.mkdtemp(), "anna.csv")
        >>> _ = file.write_text("file,rater,activation,revision\na.wav,anna,3.5,1\na.wav,anna,4,2\n")
        >>> read_raw(file)["activation"].tolist(), read_ratings(file)["activation"].tolist()
        ([3.5, 4.0], [4.0])
    """
    placed: list[_Placed] = []
    for source in _sources([paths] if isinstance(paths, str | Path) else paths):
        if isinstance(source, str):
            placed += _of_database(read_server(source), "the database")
        elif is_database(source):
            placed += _of_database(read_database(source, notify), str(source))
        else:
            placed += [_Placed(row, f"{source}, line {line}") for line, row in _rows(source, notify)]
    rows = _once(placed, notify)
    for note in lookalikes((row["rater"] for row in rows), "raters"):
        notify(note)
    return typed(rows)


class _Placed(NamedTuple):
    """A rating and where it stands."""

    row: dict[str, Any]
    place: str
    in_database: bool = False


def _of_database(rows: Iterable[Mapping[str, str]], origin: str) -> Iterator[_Placed]:
    for number, cells in enumerate(rows, start=1):
        place = f"{origin}, rating {number}"
        problems = Problems(origin, LabelError)
        row = _parsed(cells, f"rating {number}", problems)
        problems.check()
        yield _Placed(row, place, in_database=True)


def _parsed(written: Mapping[str, str], place: str, problems: Problems) -> dict[str, Any]:
    """Read the cells of a row; a comment stays letter for letter."""
    cells = {name: cell if name == "comment" else cell.strip() for name, cell in written.items()}
    parsed: dict[str, Any] = {}
    for column, parse in _PARSE.items():
        try:
            parsed[column] = parse(cells.get(column, ""))
        except (ValueError, LabelError) as error:
            problems.add(place, str(error))
    return {**parsed, SPEAKER: read_id(cells[SPEAKER])} if cells.get(SPEAKER) else parsed


def typed(rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Make a table of raw ratings, as `read_raw` returns it, from rows with all of `RATING_COLUMNS`.

    It has a column ``speaker``, too, where any row has one.
    """
    import pandas as pd

    kinds = {"activation": "float64", "valence": "float64", "seconds": "float64", "cannot_tell": "bool"}
    kinds |= {"presentation": "int64", "revision": "int64"}
    columns = {name: pd.Series([row[name] for row in rows], dtype=kinds.get(name, "object")) for name in RATING_COLUMNS}
    if any(row.get(SPEAKER) is not None for row in rows):
        columns[SPEAKER] = pd.Series([row.get(SPEAKER) for row in rows], dtype="object")
    return pd.DataFrame(columns)


def _sources(paths: Iterable[str | Path]) -> list[str | Path]:
    """List files, and URLs of servers, of ratings."""
    found: list[str | Path] = []
    for each in paths:
        if is_server(each):
            found.append(each)
            continue
        path = Path(each).expanduser()
        if path.is_dir():
            inside = [file for file in [path / DATABASE] if file.exists()]
            tables = [file for file in sorted(path.iterdir()) if file.suffix.lower() in TEXT_TABLES]
            inside += [file for file in tables if _has_ratings(file)]
            if not inside:
                raise LabelError(
                    f"{path} has no CSV file with the columns file and rater, and no {DATABASE}; name the file itself"
                )
            found += inside
        else:
            found.append(path)
    if not found:
        raise LabelError(f"no file of ratings was named; expected {DATABASE}, a CSV file or a folder")
    return list(dict.fromkeys(found))


def _has_ratings(file: Path) -> bool:
    try:
        header = read_sheet(file, LabelError).header
        return set(_REQUIRED) <= set(read_columns(header, _FIELDS, file, LabelError).names)
    except LabelError:
        return False


def _rows(file: Path, notify: Callable[[str], None]) -> Iterator[tuple[int, dict[str, Any]]]:
    sheet = read_sheet(file, LabelError)
    names, notes, others = read_columns(sheet.header, _FIELDS, file, LabelError)
    absent = [name for name in _REQUIRED if name not in names]
    if absent or not set(names) & set(VALUES):
        lacking = " or ".join(absent) or "activation, valence or emotion"
        raise LabelError(f"{file} has no column for {lacking}; expected {', '.join(RATING_COLUMNS)}")
    if left_out := [name for name in others if name.strip()]:
        notes.append(f"columns left out, for they are not known: {', '.join(left_out)}")
    for note in notes:
        notify(f"{file}: {note}")
    problems, rows = Problems(file, LabelError), []
    for line, cells in zip(sheet.lines, sheet.rows, strict=True):
        given = dict(zip(names, cells, strict=True))
        if sheet.separator != ",":
            given["seconds"] = given.get("seconds", "").replace(",", ".")
        rows.append((line, _parsed(given, f"line {line}", problems)))
    problems.check()
    yield from rows


def _once(placed: Iterable[_Placed], notify: Callable[[str], None]) -> list[dict[str, Any]]:
    """Give every rating once: what is given again with the same values, as by a database and its export, is one."""
    met: dict[tuple[Any, ...], _Placed] = {}
    again: list[_Placed] = []
    for each in placed:
        row, key = each.row, tuple(each.row[column] for column in (*KEY, "revision"))
        other = met.setdefault(key, each)
        if other is each:
            continue
        if _said(row) != _said(other.row):
            raise LabelError(
                f"{other.place} and {each.place} both give revision {key[3]} of {row['rater']}'s rating of "
                f"{row['file']} (presentation {key[2]}); remove one, or give a correction the next revision"
            )
        again += [] if each.in_database or other.in_database else [each]
    if again:
        notify(f"{counted(len(again), 'rating')} given again with the same values, first in {again[0].place}")
    return [each.row for each in met.values()]


def _said(row: Mapping[str, Any]) -> str:
    """What a rater said, to be compared; ``NaN`` equals ``NaN``."""
    return repr([row[value] for value in (*VALUES, "cannot_tell")])


def last_revisions(raw: pd.DataFrame) -> pd.DataFrame:
    """Keep the last revision of every rating: one row for each file, rater and presentation, sorted by them."""
    ordered = raw.sort_values([*KEY, "revision"], kind="stable")
    return ordered.drop_duplicates(KEY, keep="last").reset_index(drop=True)


def read_ratings(
    paths: str | Path | Sequence[str | Path], notify: Callable[[str], None] = warnings.warn
) -> pd.DataFrame:
    """Read raw ratings as `read_raw` does, and keep the last revision of each."""
    return last_revisions(read_raw(paths, notify))


def write_ratings(raw: pd.DataFrame, file: Path, *, overwrite: bool = True) -> None:
    """Write raw ratings as CSV, whole or not at all; `read_raw` reads the file."""
    write_text(file, csv_of(raw), overwrite=overwrite)


def csv_of(raw: pd.DataFrame) -> str:
    """Give raw ratings as the text of a CSV file; missing values are empty."""
    columns = [*RATING_COLUMNS, *([SPEAKER] if SPEAKER in raw else [])]
    table = raw[columns].assign(cannot_tell=raw["cannot_tell"].map({True: "true", False: "false"}))
    return csv_text(table, float_format="%.10g")


def rating_matrix(ratings: pd.DataFrame, value: str, presentation: int = 1) -> pd.DataFrame:
    """Lay one value out by item and rater.

    Args:
        ratings: Last revisions, as from `read_ratings`.
        value: ``activation``, ``valence`` or ``emotion``.
        presentation: 1 for first ratings, 2 and more for repeats.

    Returns:
        A row an item that anybody rated and a column a rater, both sorted; missing where a rater gave no such value or
        could not tell. Every rater of `ratings` has a column.

    Example:
        >>> rating_matrix(ratings, "activation").values.tolist()
        [[2.0, 3.0], [4.0, 4.0], [5.0, 4.0]]
    """
    given = ratings[(ratings["presentation"] == presentation) & ~ratings["cannot_tell"] & ratings[value].notna()]
    wide = given.pivot(index="file", columns="rater", values=value)
    return wide.reindex(columns=sorted(ratings["rater"].unique())).sort_index()


def repeats(ratings: pd.DataFrame, label: str) -> pd.DataFrame:
    """Lay out the first repeat of each item and rater that has a value, as `rating_matrix` does first ratings."""
    later = ratings[(ratings["presentation"] > 1) & ~ratings["cannot_tell"] & ratings[label].notna()]
    later = later.sort_values(KEY).drop_duplicates(["file", "rater"]).assign(presentation=2)
    return rating_matrix(later, label, presentation=2)
