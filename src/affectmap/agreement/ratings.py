"""Raw ratings: one row for each rating that somebody confirmed.

A CSV file in UTF-8 with these columns; those without a default must be there, of the three values at least one:

=============== ===================================================================================================
``file``        path of the recording, relative to the folder of audio, with ``/``
``rater``       who rated
``activation``  1 to 5, or empty; ``arousal`` is read as activation
``valence``     1 to 5, or empty
``emotion``     a class, or empty
``cannot_tell`` ``true`` where the rater could not tell; values beside it do not count (false)
``comment``     any text (empty)
``presentation``  1 where this rater met the recording for the first time, 2 for an unseen repeat, and so on (1)
``revision``    1, and one more with every correction of the same file, rater and presentation; the last counts (1)
``rated_at``    ISO 8601 with its zone, UTC (empty)
``seconds``     time taken (empty)
=============== ===================================================================================================

A row is never changed in place: a correction is a new row. Agreement looks at presentation 1, a rater's own
consistency at the others.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from affectmap.agreement.cells import PARSE
from affectmap.corpora.sheet import read_sheet
from affectmap.errors import LabelError
from affectmap.files import write_text
from affectmap.schema import LABELS

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = (
    "file",
    "rater",
    "activation",
    "valence",
    "emotion",
    "cannot_tell",
    "comment",
    "presentation",
    "revision",
    "rated_at",
    "seconds",
)
#: What a rater says of a recording.
VALUES = (*LABELS, "emotion")
#: Columns that name one rating.
KEY = ["file", "rater", "presentation"]
_REQUIRED = ("file", "rater")


def read_raw(paths: Path | Sequence[Path]) -> pd.DataFrame:
    r"""Read raw ratings, all revisions.

    Args:
        paths: A CSV file, a folder of them (those with the columns ``file`` and ``rater``), or several of either.

    Returns:
        One row a rating, in the order of files and lines, with `COLUMNS`: activation, valence and seconds as
        ``float64`` with ``NaN``, emotion as text or ``None``, cannot_tell as ``bool``, presentation and revision as
        ``int64``, the rest as text.

    Raises:
        LabelError: If a file is missing, damaged, lacks a column, holds a value that cannot be, or if one revision of
            a rating is given twice; the message names file and line.

    Example:
        >>> import tempfile
        >>> file = Path(tempfile.mkdtemp(), "anna.csv")
        >>> _ = file.write_text("file,rater,activation,revision\na.wav,anna,3.5,1\na.wav,anna,4,2\n")
        >>> read_raw(file)[["file", "activation", "revision"]].values.tolist()
        [['a.wav', 3.5, 1], ['a.wav', 4.0, 2]]
    """
    rows: list[dict[str, Any]] = []
    places: list[str] = []
    for file in _files([paths] if isinstance(paths, Path) else paths):
        for line, row in _rows(file):
            rows.append(row)
            places.append(f"{file}, line {line}")
    _refuse_repeated(rows, places)
    return typed(rows)


def typed(rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Make a table of raw ratings from rows whose values are right.

    Args:
        rows: With all of `COLUMNS`.

    Returns:
        The table, each column of the kind that `read_raw` promises.

    Example:
        >>> len(typed([])), typed([])["revision"].dtype
        (0, dtype('int64'))
    """
    import pandas as pd

    kinds = {"activation": "float64", "valence": "float64", "seconds": "float64", "cannot_tell": "bool"}
    kinds |= {"presentation": "int64", "revision": "int64"}
    columns = {name: pd.Series([row[name] for row in rows], dtype=kinds.get(name, "object")) for name in COLUMNS}
    return pd.DataFrame(columns)


def _files(paths: Iterable[Path]) -> list[Path]:
    found: list[Path] = []
    for path in (path.expanduser() for path in paths):
        if path.is_dir():
            inside = [file for file in sorted(path.glob("*.csv")) if _holds_ratings(file)]
            if not inside:
                raise LabelError(f"{path} holds no CSV file with the columns file and rater; name the file itself")
            found += inside
        else:
            found.append(path)
    if not found:
        raise LabelError("no file of ratings was named; expected at least one CSV file or folder")
    return list(dict.fromkeys(found))


def _holds_ratings(file: Path) -> bool:
    try:
        return set(_REQUIRED) <= set(read_sheet(file, LabelError).header)
    except LabelError:
        return False


def _rows(file: Path) -> Iterable[tuple[int, dict[str, Any]]]:
    sheet = read_sheet(file, LabelError)
    header = ["activation" if name == "arousal" else name for name in sheet.header]
    repeated = [name for name in header if header.count(name) > 1]
    strange = [name for name in header if name not in COLUMNS]
    absent = [name for name in _REQUIRED if name not in header]
    if repeated:
        raise LabelError(f"{file} gives {repeated[0]} twice, in the columns {sheet.header}; keep one")
    if strange:
        raise LabelError(f"{file} has an unknown column {strange[0]!r}; expected some of {', '.join(COLUMNS)}")
    if absent or not set(header) & set(VALUES):
        lacking = " or ".join(absent) or "activation, valence or emotion"
        raise LabelError(f"{file} has no column for {lacking}; expected {', '.join(COLUMNS)}")
    for line, cells in zip(sheet.lines, sheet.rows, strict=True):
        given = dict(zip(header, (cell.strip() for cell in cells), strict=True))
        try:
            yield line, {column: PARSE[column](given.get(column, "")) for column in COLUMNS}
        except ValueError as error:
            raise LabelError(f"{file}, line {line}: {error}") from None


def _refuse_repeated(rows: Sequence[dict[str, Any]], places: Sequence[str]) -> None:
    met: dict[tuple[Any, ...], str] = {}
    for row, place in zip(rows, places, strict=True):
        key = tuple(row[column] for column in (*KEY, "revision"))
        if key in met:
            raise LabelError(
                f"{met[key]} and {place} both hold revision {key[3]} of {row['rater']}'s rating of {row['file']} "
                f"(presentation {key[2]}); remove one, or give a correction the next revision"
            )
        met[key] = place


def last_revisions(raw: pd.DataFrame) -> pd.DataFrame:
    """Keep the last revision of every rating.

    Args:
        raw: Raw ratings as from `read_raw`.

    Returns:
        One row for each file, rater and presentation, sorted by them.

    Example:
        >>> import pandas as pd
        >>> raw = pd.DataFrame({"file": "a.wav", "rater": "anna", "presentation": 1, "revision": [2, 1],
        ...                     "valence": [4.0, 3.0]})
        >>> last_revisions(raw)["valence"].tolist()
        [4.0]
    """
    ordered = raw.sort_values([*KEY, "revision"], kind="stable")
    return ordered.drop_duplicates(KEY, keep="last").reset_index(drop=True)


def read_ratings(paths: Path | Sequence[Path]) -> pd.DataFrame:
    r"""Read raw ratings and keep the last revision of each.

    Args:
        paths: As for `read_raw`.

    Returns:
        As `read_raw` returns them, one row for each file, rater and presentation.

    Raises:
        LabelError: As `read_raw` does.

    Example:
        >>> import tempfile
        >>> file = Path(tempfile.mkdtemp(), "anna.csv")
        >>> _ = file.write_text("file,rater,activation,revision\na.wav,anna,3.5,1\na.wav,anna,4,2\n")
        >>> read_ratings(file)["activation"].tolist()
        [4.0]
    """
    return last_revisions(read_raw(paths))


def write_ratings(raw: pd.DataFrame, file: Path) -> None:
    r"""Write raw ratings as CSV, whole or not at all.

    Args:
        raw: Raw ratings with `COLUMNS`.
        file: The file to be written.

    Raises:
        StorageError: If it cannot be written.

    Example:
        >>> import tempfile
        >>> from affectmap.agreement.ratings import read_raw
        >>> file = Path(tempfile.mkdtemp(), "anna.csv")
        >>> _ = file.write_text("file,rater,activation\na.wav,anna,3.5\n")
        >>> write_ratings(read_raw(file), file)
        >>> file.read_text().splitlines()[1]
        'a.wav,anna,3.5,,,false,,1,1,,'
    """
    write_text(file, csv_of(raw))


def csv_of(raw: pd.DataFrame) -> str:
    r"""Give raw ratings as the text of a CSV file.

    Args:
        raw: Raw ratings with `COLUMNS`.

    Returns:
        A header and one line a rating; missing values are empty, truth values ``true`` and ``false``.

    Example:
        >>> csv_of(typed([])).count(",")
        10
    """
    table = raw[list(COLUMNS)].assign(cannot_tell=raw["cannot_tell"].map({True: "true", False: "false"}))
    return str(table.to_csv(index=False, float_format="%.10g", lineterminator="\n"))


def rating_matrix(ratings: pd.DataFrame, value: str, presentation: int = 1) -> pd.DataFrame:
    """Lay one value out by item and rater.

    Args:
        ratings: Last revisions, as from `read_ratings`.
        value: ``activation``, ``valence`` or ``emotion``.
        presentation: Which meeting of rater and recording.

    Returns:
        A row an item that anybody rated and a column a rater, both sorted; missing where a rater gave no such value or
        could not tell. Every rater of `ratings` has a column.

    Example:
        >>> import pandas as pd
        >>> ratings = pd.DataFrame({"file": ["a", "a", "b"], "rater": ["x", "y", "x"], "valence": [1.0, 2.0, 3.0],
        ...                         "presentation": 1, "cannot_tell": False})
        >>> rating_matrix(ratings, "valence").values.tolist()
        [[1.0, 2.0], [3.0, nan]]
    """
    told = ratings[(ratings["presentation"] == presentation) & ~ratings["cannot_tell"] & ratings[value].notna()]
    wide = told.pivot(index="file", columns="rater", values=value)
    return wide.reindex(columns=sorted(ratings["rater"].unique())).sort_index()


def repeats(ratings: pd.DataFrame, label: str) -> pd.DataFrame:
    """Lay out the first repeat of each item and rater that has a value.

    Args:
        ratings: Last revisions, as from `read_ratings`.
        label: ``activation``, ``valence`` or ``emotion``.

    Returns:
        A row an item and a column a rater, as `rating_matrix` gives first ratings.

    Example:
        >>> import pandas as pd
        >>> ratings = pd.DataFrame({"file": "a", "rater": "x", "valence": [1.0, 2.0], "presentation": [1, 2],
        ...                         "cannot_tell": False})
        >>> repeats(ratings, "valence").values.tolist()
        [[2.0]]
    """
    later = ratings[(ratings["presentation"] > 1) & ~ratings["cannot_tell"] & ratings[label].notna()]
    later = later.sort_values(KEY).drop_duplicates(["file", "rater"]).assign(presentation=2)
    return rating_matrix(later, label, presentation=2)
