"""Exchange with other programs: label sheets and audformat databases written, label sheets read as one rater's."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from affectmap.agreement.estimators import Estimator, gold_standard
from affectmap.agreement.ratings import SPEAKER, VALUES, rating_matrix, typed
from affectmap.agreement.speakers import speakers_of
from affectmap.corpora import CARDS, LabelSheet
from affectmap.corpora.folder import find_recordings
from affectmap.corpora.label_sheets import Rating, match_names
from affectmap.corpora.label_sheets import read_ratings as read_label_sheet
from affectmap.errors import LabelError
from affectmap.extras import require
from affectmap.files import new_folder, write_text
from affectmap.names import WORDS
from affectmap.schema import INDEX, LABEL_RANGE, LABELS
from affectmap.tables import csv_text

if TYPE_CHECKING:
    import audformat
    import pandas as pd

#: Tables of a database: the gold standard, and what each rater said of each value.
GOLD_TABLE = "gold_standard"
RATER_TABLES = {value: f"raters.{value}" for value in VALUES}

#: What columns of a table mean, and so no column of a rater may be called.
_RESERVED = frozenset({*INDEX, *WORDS, *VALUES, *(word for words in WORDS.values() for word in words)})

#: What is unknown of a rating in a label sheet.
_UNKNOWN: dict[str, Any] = dict.fromkeys(("activation", "valence", "seconds"), float("nan"))
_UNKNOWN |= dict.fromkeys(("comment", "rated_at"), "") | dict.fromkeys(("presentation", "revision"), 1)
_UNKNOWN |= {"emotion": None, "cannot_tell": False}


def export_sheet(ratings: pd.DataFrame, file: Path, estimator: Estimator = "ewe", *, overwrite: bool = True) -> None:
    r"""Write the gold standard as a label sheet: ``filename,activation,valence``, and ``speaker`` where it is known.

    ``affectmap reproduce --labels FOLDER`` and `affectmap.corpora.load_corpus` read it where it is named as the
    corpus's own sheet or, for a corpus ``NAME``, ``NAME.csv``.

    Args:
        ratings: Table as from `read_ratings`.
        file: The file to be written.
        estimator: ``ewe``, ``mean`` or ``median``.
        overwrite: Whether an existing file may be replaced.

    Raises:
        LabelError: If nobody gave an activation or a valence.
        StorageError: If it cannot be written.

    Example:
        >>> import tempfile
        >>> file = Path(tempfile.mkdtemp(), "mine.csv")
        >>> export_sheet(ratings, file)
        >>> file.read_text().splitlines()[:2]
        ['filename,activation,valence', 'a.wav,2.5,1']
    """
    gold = gold_standard(ratings, estimator).dropna(subset=list(LABELS), how="all")
    if gold.empty:
        raise LabelError("no rating has an activation or a valence; a label sheet of classes alone cannot be written")
    sheet = gold[["file", *LABELS]].rename(columns={"file": "filename"})
    if speakers := speakers_of(ratings, gold["file"].tolist()):
        sheet[SPEAKER] = speakers
    write_text(file, csv_text(sheet, float_format="%.10g"), overwrite=overwrite)


def export_database(
    ratings: pd.DataFrame,
    folder: Path,
    estimator: Estimator = "ewe",
    *,
    audio: Path | None = None,
    overwrite: bool = False,
) -> None:
    """Write an audformat database: a table for each value with one column a rater, and the gold standard.

    The tables have first ratings (presentation 1). A rater whose name would be taken for another column, such as
    ``file`` or ``speaker``, has a column ``rater.file``; the name itself is the column's rater. The gold standard has
    the speaker where the ratings name one; `affectmap.corpora.load_corpus` reads it.

    Args:
        ratings: Table as from `read_ratings`.
        folder: The folder to be made.
        estimator: ``ewe``, ``mean`` or ``median``.
        audio: Folder that the names of files start from; the tables then have absolute paths. By default they stay
            relative, for a database that is moved beside its audio.
        overwrite: Whether a folder that affectmap wrote may be replaced.

    Raises:
        LabelError: If there is no value.
        StorageError: If it cannot be written.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp(), "database")
        >>> export_database(ratings, folder)
        >>> (folder / "db.raters.activation.csv").read_text().splitlines()[:2]
        ['file,x,y', 'a.wav,2.0,3.0']
    """
    require("an audformat database", "audformat", "audformat")
    import audformat

    wide = {value: rating_matrix(ratings, value).dropna(axis="columns", how="all") for value in VALUES}
    given = [value for value in VALUES if not wide[value].empty]
    if not given:
        raise LabelError("no rating has an activation, a valence or an emotion; there is nothing to write")
    database = audformat.Database("ratings", description="Ratings by several raters", usage="research")
    for value in given:
        database.schemes[value] = _scheme(value, wide[value])
        for rater in wide[value].columns:
            database.raters[rater] = audformat.Rater("human")
    gold = gold_standard(ratings, estimator).set_index("file")
    columns = {value: audformat.Column(scheme_id=value) for value in given}
    if speakers := speakers_of(ratings, list(gold.index)):
        database.schemes[SPEAKER] = audformat.Scheme(labels=sorted({name for name in speakers if name is not None}))
        columns[SPEAKER] = audformat.Column(scheme_id=SPEAKER)
        gold[SPEAKER] = speakers
    _add_table(database, GOLD_TABLE, columns, gold, audio)
    for value in given:
        names = column_names(list(wide[value].columns))
        columns = {name: audformat.Column(scheme_id=value, rater_id=rater) for rater, name in names.items()}
        _add_table(database, RATER_TABLES[value], columns, wide[value].rename(columns=names), audio)
    with new_folder(folder, overwrite=overwrite) as temporary:
        database.save(str(temporary), storage_format="csv")


def _scheme(value: str, wide: pd.DataFrame) -> audformat.Scheme:
    import audformat

    if value in LABELS:
        return audformat.Scheme("float", minimum=LABEL_RANGE[0], maximum=LABEL_RANGE[1])
    return audformat.Scheme(labels=sorted({str(cell) for cell in wide.to_numpy().ravel() if isinstance(cell, str)}))


def column_names(raters: Sequence[str]) -> dict[str, str]:
    r"""Name a column for each rater, none twice and none that means something else in a table.

    Example:
        >>> column_names(["Ada", "file", "a\nb", ""])
        {'Ada': 'Ada', 'file': 'rater.file', 'a\nb': 'a b', '': 'nameless'}
    """
    names: dict[str, str] = {}
    for rater in raters:
        plain = " ".join("".join(sign if sign.isprintable() else " " for sign in rater).split()) or "nameless"
        name = plain = f"rater.{plain}" if plain.casefold() in _RESERVED else plain
        number = 1
        while name in names.values() or (name != rater and name in raters):
            number += 1
            name = f"{plain} {number}"
        names[rater] = name
    return names


def _add_table(
    database: audformat.Database,
    name: str,
    columns: Mapping[str, audformat.Column],
    values: pd.DataFrame,
    audio: Path | None,
) -> None:
    """Add a table with some columns of `values`."""
    import audformat

    files = [str(file) if audio is None else str(audio.expanduser().absolute() / file) for file in values.index]
    database[name] = audformat.Table(audformat.filewise_index(files))
    for column, kind in columns.items():
        database[name][column] = kind
        cells = values[column]
        database[name][column].set(cells.astype(object).where(cells.notna(), None).tolist())


def import_sheets(
    sheets: Sequence[Path], rater: str, audio: Path | None = None, notify: Callable[[str], None] = warnings.warn
) -> tuple[pd.DataFrame, dict[Path, list[str]]]:
    r"""Read label sheets as the raw ratings of one rater.

    A sheet named as one of Das et al. (2022) is read by its header as published; any other needs
    ``filename,activation,valence``. Rows without a value are left out. Time and duration are not known and stay empty.

    Args:
        sheets: The sheets.
        rater: Name to give to the rater.
        audio: Folder of audio: names become paths relative to it, as other raters' ratings have them. A name matches
            the end of a path, and its audio ending does not count.
        notify: Called with a line about what was read otherwise than it stands, or left out.

    Returns:
        Raw ratings as `read_raw` returns them, and for each sheet the names that
        have no recording in `audio` and were left out.

    Raises:
        LabelError: If a sheet is broken, two sheets rate one recording, no name has a recording, or the name of the
            rater is empty.
        CorpusError: If `audio` is no folder of recordings.

    Example:
        >>> import tempfile
        >>> sheet = Path(tempfile.mkdtemp(), "EMO_DB.csv")
        >>> _ = sheet.write_text("filename,activation,valence \n03a01Fa.wav,3,3.5\n")
        >>> import_sheets([sheet], "first")[0][["file", "rater", "valence"]].values.tolist()
        [['03a01Fa.wav', 'first', 3.5]]
    """
    if not rater.strip():
        raise LabelError("the rater of the sheets has no name; give one")
    known = {card.sheet.file: card.sheet for card in CARDS.values() if card.sheet is not None}
    recordings = None
    if audio is not None:
        audio = audio.expanduser().absolute()
        found = find_recordings(audio)
        recordings = [file.relative_to(audio).as_posix() for file in sorted([*found.files, *found.passed_over])]
    rows: list[dict[str, Any]] = []
    lacking: dict[Path, list[str]] = {}
    origin: dict[str, Path] = {}
    for sheet in sheets:
        ratings, notes = read_label_sheet(sheet, known.get(sheet.name, LabelSheet(sheet.name)))
        for note in notes:
            notify(f"{sheet}: {note}")
        names, lacking[sheet] = _names(ratings, recordings, sheet)
        for name, file in names.items():
            values = ratings[name].values
            if all(value != value for value in values.values()):
                continue
            if origin.get(file) == sheet:  # under two names, with the same values
                continue
            if file in origin:
                raise LabelError(f"{file} is rated in {origin[file]} and in {sheet}; import them as two raters")
            origin[file] = sheet
            rows.append({**_UNKNOWN, "file": file, "rater": rater.strip(), **values})
    return typed(rows), lacking


def _names(
    ratings: Mapping[str, Rating], recordings: Sequence[str] | None, sheet: Path
) -> tuple[dict[str, str], list[str]]:
    """Give the file of each name, and the names that have none."""
    if recordings is None:
        return {name: name for name in ratings}, []
    rows = match_names(ratings, recordings, sheet)
    names = {name: recordings[row] for name, row in rows.items() if row is not None}
    if not names:
        raise LabelError(f"none of the {len(ratings)} names in {sheet} is a recording below the folder of audio")
    return names, [name for name, row in rows.items() if row is None]
