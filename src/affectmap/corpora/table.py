"""Any corpus from one table, ``table:NAME=FILE``: CSV or parquet, one row for each utterance.

Columns: ``file`` (relative to the table's folder), and any of ``start``, ``end`` (seconds, or a time such as
``0 days 00:00:01.5``), ``emotion``, ``activation`` (or ``arousal``), ``valence``, ``speaker``, ``session``,
``sex``, ``language``, or other words for them (`affectmap.names`), with a finding. With the 88 eGeMAPSv02 functionals
as further columns no audio is needed, nor with any other features that are asked for: all columns with numbers, those
with a prefix, or those of given names. Columns beyond these are left out, and an utterance that is named again with the
same values is counted once, with a finding, too. All that cannot be read is one error.
"""

from __future__ import annotations

import math
import os
import re
from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from affectmap.corpora.feature_columns import (
    BROUGHT,
    brought_features,
    constant_notes,
    has_number,
    named_features,
    read_features,
    unasked_features,
)
from affectmap.corpora.folder import Corpus
from affectmap.errors import CorpusError, LabelError
from affectmap.names import FileFinder, is_word_for, lookalikes, read_columns, read_id, read_sex
from affectmap.schema import (
    COLUMNS,
    EGEMAPS,
    FUNCTIONALS,
    INDEX,
    LABEL_RANGE,
    LABELS,
    Emotion,
    Finding,
    closest_emotion,
    parse_emotion,
    parse_number,
    segmented_index,
    text_of,
    validate_table,
)
from affectmap.tables import Problems, Rows, read_rows
from affectmap.text import listed

if TYPE_CHECKING:
    import pandas as pd

_CLOCK = re.compile(r"(?:-?\d+ days? \+?)?\d{1,2}:\d\d:\d\d(?:[.,]\d+)?", re.ASCII)
_FIELDS = (*INDEX, *COLUMNS)
_MAX_NAMED = 12
_AGAIN = "named again with the same values, and counted once"


def load(name: str, file: Path, features: str | Sequence[str] = EGEMAPS) -> Corpus:
    r"""Read a corpus from a table.

    Args:
        name: Name of the corpus in this run.
        file: A CSV file (``.csv``, ``.tsv``) or a parquet file (``.parquet``).
        features: Columns that are features, as in `affectmap.corpora.load_corpus`.

    Returns:
        The corpus, with its functionals, or the features asked for, where the table brings them.

    Raises:
        CorpusError: If the file cannot be read, a column is missing, misspelt or given twice, a cell cannot be read, an
            utterance is described in two ways, or none of the recordings exists.
        LabelError: If activation or valence is no number or lies outside 1..5.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> (folder / "a.wav").touch()
        >>> _ = (folder / "mine.csv").write_text("file,emotion,speaker\na.wav,Anger,1\n")
        >>> load("mine", folder / "mine.csv").table["emotion"].tolist()
        ['angry']
    """
    return build_corpus(name, read_rows(file.expanduser().absolute()), features=features)


def build_corpus(name: str, rows: Rows, language: str = "", features: str | Sequence[str] = EGEMAPS) -> Corpus:
    """Make a corpus of rows as they were written; rows that cannot be used are left out with a finding.

    Raises:
        CorpusError: If columns or rows cannot be read; one message names them all.
        LabelError: If ratings alone cannot be read.
    """
    import pandas as pd

    rows, notes, arousal, names = _named(rows, features)
    problems = Problems(rows.origin, CorpusError)
    written = _written_files(rows, problems)
    starts, ends = _times(rows, problems)
    columns = {column: _column(rows, column, arousal, problems) for column in COLUMNS}
    functionals = read_features(rows, names, problems) if names else None
    problems.check()
    find = FileFinder(rows.root).find if functionals is None else rows.root.joinpath
    files = [str(find(cell)) for cell in written]

    def described(row: int) -> str:
        """Tell all that a row says, to be compared."""
        values = [cells[row] for cells in columns.values()]
        return repr(values if functionals is None else [*values, functionals.iloc[row].tolist()])

    once = _named_once([*zip(files, starts, ends, strict=True)], described, rows, problems)
    problems.check()
    again = [Finding(name, written[row], "note", _AGAIN) for row in range(len(files)) if row not in once]

    def kept(values: Sequence[Any]) -> list[Any]:
        """Give the values of the rows that count."""
        return [values[row] for row in once]

    index = segmented_index(kept(files), kept(starts), kept(ends))
    if language and not any(columns["language"]):
        columns["language"] = [language] * len(files)
    table = validate_table(pd.DataFrame({key: kept(each) for key, each in columns.items()}, index=index), rows.origin)
    if functionals is not None:
        functionals = functionals.iloc[list(once)].set_axis(index, axis=0)
    usable, left_out = _usable(name, kept(written), kept(files), functionals, rows)
    used = [cell for cell, keep in zip(kept(written), usable, strict=True) if keep]
    table = table[usable]
    if functionals is not None:
        notes += constant_notes(functionals[usable])
    findings = [*(Finding(name, "", "note", note) for note in notes), *again, *left_out]
    return Corpus(
        name,
        table,
        (*findings, *_unlabelled(name, table, used), *_notes(name, table)),
        functionals=None if functionals is None else functionals[usable],
        language=", ".join(sorted(set(table["language"].dropna()))),
    )


def _named(rows: Rows, features: str | Sequence[str]) -> tuple[Rows, list[str], str, list[str]]:
    """Give columns their names in the schema; also notes for people, what activation is called, and the features."""
    given = [str(column) for column in rows.frame.columns]
    if rows.frame.empty:
        raise CorpusError(f"{rows.origin} has no rows; expected at least one utterance")
    wanted = features if isinstance(features, str) else EGEMAPS if list(features) == list(FUNCTIONALS) else [*features]
    chosen = named_features(given, wanted, rows.origin)
    rest = [name for name in given if name not in chosen]
    usual = wanted if isinstance(wanted, str) and wanted in BROUGHT else ""
    fields = (*_FIELDS, *BROUGHT[usual]) if usual else _FIELDS
    doubtful = [each for each in rest if is_word_for(each, "emotion") and not _any_emotion(rows.frame[each])]
    names, notes, others = read_columns(rest, fields, rows.origin, CorpusError, doubtful=doubtful)
    if usual:
        chosen = brought_features(names, usual, rows.origin)
    elif wanted == "columns":
        chosen = [name for name in others if has_number(rows, name)]
        others = [name for name in others if name not in chosen]
        if not chosen:
            raise CorpusError(
                f"{rows.origin} has no column of numbers beside {', '.join(given[:8])}; expected features"
            )
    renamed = dict(zip(rest, names, strict=True))
    activation = next((name for name in rest if renamed[name] == "activation"), "activation").strip().lower()
    frame = rows.frame.set_axis([renamed.get(name, name) for name in given], axis=1)
    if "file" not in frame:
        if not chosen:
            raise CorpusError(
                f"{rows.origin} has no column file; got {', '.join(given[:8])}{unasked_features(rows, others)}"
            )
        frame = frame.assign(file=rows.places)
        notes.append("no column file: utterances are named by the line of the table")
    if chosen and not usual:
        which = f"{len(chosen):,} columns, {chosen[0]} to {chosen[-1]}" if len(chosen) > 1 else f"column {chosen[0]}"
        notes.append(f"features are {which}; what measured them is not known")
    if others:
        more = f" and {len(others) - _MAX_NAMED} more" if len(others) > _MAX_NAMED else ""
        notes.append(f"columns left out, for they are not known: {', '.join(others[:_MAX_NAMED])}{more}")
    return replace(rows, frame=frame), notes, activation, chosen


def _any_emotion(cells: pd.Series) -> bool:
    for cell in set(map(text_of, cells)) - {None}:
        with suppress(CorpusError):
            return bool(parse_emotion(str(cell)))
    return False


def _written_files(rows: Rows, problems: Problems) -> list[str]:
    cells = [text_of(cell) or "" for cell in rows.frame["file"]]
    for cell, place in zip(cells, rows.places, strict=True):
        if not cell:
            problems.add(place, "names no file; write one or remove the row")
    return cells


def _column(rows: Rows, column: str, arousal: str, problems: Problems) -> list[Any]:
    """Read one column of the shared schema; ``None`` where it is missing."""
    cells = list(rows.frame.get(column, [None] * len(rows.places)))
    if column in LABELS:
        return _labels(rows, cells, arousal if column == "activation" else column, problems)
    if column in ("speaker", "session"):
        return [read_id(cell) for cell in cells]
    if column == "sex":
        return [read_sex(cell) for cell in cells]
    written = [text_of(cell) for cell in cells]
    return _emotions(rows, written, problems) if column == "emotion" else written


def _labels(rows: Rows, cells: list[Any], label: str, problems: Problems) -> list[float]:
    """Read ratings; those off the scale are told together, as they will have one reason."""
    low, high = LABEL_RANGE
    numbers: list[float] = []
    outside: dict[str, float] = {}
    for cell, place in zip(cells, rows.places, strict=True):
        try:
            number = math.nan if text_of(cell) is None else parse_number(cell, decimal_comma=True)
        except ValueError:
            number = math.nan
            problems.add(place, f"{label} is {str(cell)[:40]!r}, not a number; correct or blank it", LabelError)
        if number < low or number > high:
            outside[place] = number
        numbers.append(number)
    values = sorted(set(outside.values()))
    for place, number in outside.items():
        found = f"is {number:g}, outside" if len(values) == 1 else f"is {values[0]:g} to {values[-1]:g}, outside"
        problems.add(
            place,
            f"{label} {found} {low:g}..{high:g}; correct or blank {'it' if len(outside) == 1 else 'them'}, or rescale "
            "ratings on 0..1 or -1..1 first",
            LabelError,
        )
    return numbers


def _emotions(rows: Rows, cells: list[str | None], problems: Problems) -> list[str | None]:
    """Read all emotions; unknown ones are named in one problem, value by value."""
    emotions: dict[str | None, str | None] = {None: None}
    strange: dict[str, str] = {}
    for cell, place in zip(cells, rows.places, strict=True):
        if cell is None or cell in emotions or cell in strange:
            continue
        try:
            emotions[cell] = str(parse_emotion(cell))
        except CorpusError:
            strange[cell] = place
    if strange:
        counts = Counter(cells)
        named = [_strange_emotion(cell, counts[cell], place) for cell, place in strange.items()]
        more = f" and {len(named) - _MAX_NAMED} more" if len(named) > _MAX_NAMED else ""
        problems.add(
            "",
            f"unknown emotion{'s' if len(named) > 1 else ''} {', '.join(named[:_MAX_NAMED])}{more}; "
            f"expected some of {', '.join(sorted(Emotion))}",
        )
    return [emotions.get(cell) for cell in cells]


def _strange_emotion(cell: str, count: int, place: str) -> str:
    close = closest_emotion(cell)
    where = place if count == 1 else f"{count} times, first {place}"
    return f"{cell!r} ({where}{'' if close is None else f'; did you mean {close}?'})"


def _times(rows: Rows, problems: Problems) -> tuple[list[pd.Timedelta], list[Any]]:
    import pandas as pd

    empty: list[Any] = [None] * len(rows.places)
    starts, ends = (
        [
            _time(rows, cell, place, column, problems)
            for cell, place in zip(rows.frame.get(column, empty), rows.places, strict=True)
        ]
        for column in ("start", "end")
    )
    begins = [pd.Timedelta(0) if start is None else start for start in starts]
    for start, end, place in zip(begins, ends, rows.places, strict=True):
        if end is not None and end <= start:
            problems.add(
                place,
                f"ends at {end.total_seconds():g} s and starts at {start.total_seconds():g} s; expected an end after "
                "the start",
            )
    return begins, [pd.NaT if end is None else end for end in ends]


def _time(rows: Rows, cell: object, place: str, column: str, problems: Problems) -> pd.Timedelta | None:
    text = text_of(cell)
    try:
        return None if text is None else parse_time(text, column, decimal_comma=rows.decimal_comma)
    except CorpusError as error:
        problems.add(place, str(error))
        return None


def parse_time(cell: str, column: str, *, decimal_comma: bool = False) -> pd.Timedelta | None:
    """Read seconds, or a time such as ``0 days 00:00:01.5``; ``None`` for ``NaT`` and ``nan``."""
    import pandas as pd

    try:
        # pandas would also read "5S" or "3 weeks"; what nobody writes for a recording is a slip here.
        if _CLOCK.fullmatch(cell):
            time = pd.Timedelta(cell.replace(",", "."))
        else:
            seconds = math.nan if cell.lower() == "nat" else parse_number(cell, decimal_comma=decimal_comma)
            if math.isnan(seconds):
                return None
            time = pd.Timedelta(seconds, unit="s")
    except (ValueError, OverflowError):
        raise CorpusError(f"{column} is {cell!r}; expected seconds, or a time such as 0 days 00:00:01.5") from None
    if time < pd.Timedelta(0):
        raise CorpusError(f"{column} is {cell}; expected 0 s or more")
    return time


def _named_once(
    keys: Sequence[Hashable], described: Callable[[int], str], rows: Rows, problems: Problems
) -> dict[int, None]:
    """Give the rows that count, in order: the first of those that describe an utterance in the same way."""
    first: dict[Hashable, int] = {}
    for row, key in enumerate(keys):
        earlier = first.setdefault(key, row)
        if earlier != row and described(earlier) != described(row):
            problems.add(
                rows.places[row],
                f"describes {rows.frame['file'].iloc[row]} otherwise than {rows.places[earlier]}; keep one",
            )
    return dict.fromkeys(first.values())


def _usable(
    name: str, written: list[str], files: list[str], functionals: pd.DataFrame | None, rows: Rows
) -> tuple[list[bool], list[Finding]]:
    """Tell the rows to keep: those with finite functionals or, where the table has none, with a recording."""
    import numpy as np

    if functionals is not None:
        finite = np.isfinite(functionals.to_numpy())
        kept = finite.all(axis=1).tolist()
        noun = "functionals" if tuple(functionals.columns) == FUNCTIONALS else "features"
        kind, detail = "unreadable", f"its {noun} are not all finite numbers; left out"
        if not any(kept) and (empty := functionals.columns[~finite.any(axis=0)].tolist()):
            raise CorpusError(
                f"{rows.origin}: {', '.join(empty[:_MAX_NAMED])} has no finite number in any of its {len(files)} rows; "
                "remove it from all tables, or choose others with --features columns:PREFIX"
            )
    else:
        # A sentence that stands where a path should be is too long for the file system, and for Path.is_file.
        exists = {file: os.path.isfile(file) for file in set(files)}  # noqa: PTH113
        kept = [exists[file] for file in files]
        kind, detail = "missing", f"named in {Path(rows.origin).name}, but no such recording was found; left out"
    if not any(kept):
        others = [str(column) for column in rows.frame if column not in _FIELDS]
        asked = unasked_features(rows, others) if functionals is None else ""
        raise CorpusError(
            f"{rows.origin}: none of its {len(files)} rows can be used, first {files[0]} ({detail}); "
            f"paths are relative to {rows.root}{asked}"
        )
    absent = (cell for cell, keep in zip(written, kept, strict=True) if not keep)
    return kept, [Finding(name, cell, kind, detail, dropped=True) for cell in absent]


def _unlabelled(name: str, table: pd.DataFrame, written: list[str]) -> Iterator[Finding]:
    columns = [column for column in ("emotion", *LABELS) if table[column].notna().any()]
    for cell, empty in zip(written, table[columns].isna().to_numpy(), strict=True):
        absent = [f"no {column}" for column, missing in zip(columns, empty, strict=True) if missing]
        if absent:
            yield Finding(name, cell, "unlabelled", " and ".join(absent))


def _notes(name: str, table: pd.DataFrame) -> Iterator[Finding]:
    if table["speaker"].isna().all():
        yield Finding(name, "", "note", "no speaker is named: speakers cannot be kept apart in folds")
    elif table["speaker"].isna().any():
        detail = f"utterances without a speaker: {int(table['speaker'].isna().sum()):,}"
        yield Finding(name, "", "note", detail)
    for note in lookalikes(table["speaker"].dropna(), "speakers"):
        yield Finding(name, "", "note", note)
    for speaker, sexes in table.groupby("speaker")["sex"]:
        if len(both := sorted(set(sexes.dropna()))) > 1:
            detail = f"speaker {speaker} is {listed(both)}; correct the sex, or give two people two names"
            yield Finding(name, "", "note", detail)
