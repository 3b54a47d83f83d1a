"""Any audformat database: a folder with ``db.yaml`` and tables as CSV or parquet.

The utterances are the rows of one table: the one with most of emotion, activation and valence, then the one with most
rows, then the first by name; or of those that ``audformat:NAME=DIR#TABLE,TABLE`` names. What it lacks is taken from the
other tables, by file or segment, and from the metadata of labels, such as the ``gender`` of a speaker. A finding says
which table served for what, and which others could have.

Tables are read from CSV and parquet alone: a pickle runs code when it is read.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from affectmap.corpora.folder import Corpus
from affectmap.corpora.table import build_corpus, parse_time
from affectmap.documents import parse_yaml, read_start
from affectmap.errors import CorpusError
from affectmap.extras import require
from affectmap.names import WORDS, FileFinder, file_name, read_id
from affectmap.schema import LABEL_RANGE, LABELS, Emotion, Finding, parse_emotion, text_of
from affectmap.tables import Rows, read_rows

if TYPE_CHECKING:
    import audformat
    import pandas as pd

HEADER = "db.yaml"
#: A header may list thousands of speakers.
_SCALE = 16

_FIELDS = {
    "emotion": ("emotion",),
    "activation": ("activation", "arousal"),
    "valence": ("valence",),
    "speaker": ("speaker",),
    "session": ("session",),
    "sex": ("sex", "gender"),
    "language": ("language",),
}
_TARGETS = ("emotion", *LABELS)
#: Fields of which a label may be a number or letter that the scheme names.
_NAMED = ("emotion", "sex", "language")


class Source(NamedTuple):
    """Source of a field: a column of a table, or an entry in the metadata of that column's labels."""

    column: str
    scheme: str | None
    key: str | None = None


@dataclass(frozen=True, eq=False)
class _Table:
    name: str
    rows: Rows
    sources: dict[str, Source]

    @property
    def n_targets(self) -> int:
        """How many of emotion, activation and valence it has."""
        return sum(field in self.sources for field in _TARGETS)


def is_database(folder: Path) -> bool:
    """Tell whether a folder is an audformat database."""
    return (folder.expanduser() / HEADER).is_file()


def load(name: str, folder: Path, tables: Sequence[str] = ()) -> Corpus:
    """Read a corpus from an audformat database.

    Args:
        name: Name of the corpus in this run.
        folder: Folder with ``db.yaml``; the files of its tables are relative to it.
        tables: Tables whose rows are the utterances; by default one is chosen as the module says.

    Returns:
        The corpus, with a finding that says which tables served.

    Raises:
        CorpusError: If the header or a table is missing or damaged, no table has emotion, activation or
            valence, or a cell cannot be read.
        LabelError: If activation or valence is no number or lies outside 1..5.

    Example:
        >>> import audformat, tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> (folder / "a.wav").touch()
        >>> database = audformat.Database("mine")
        >>> database.schemes["emotion"] = audformat.Scheme(labels=["anger", "joy"])
        >>> database["files"] = audformat.Table(audformat.filewise_index(["a.wav"]))
        >>> database["files"]["emotion"] = audformat.Column(scheme_id="emotion")
        >>> database["files"]["emotion"].set(["joy"])
        >>> database.save(str(folder), storage_format="csv")
        >>> load("mine", folder).table["emotion"].tolist()
        ['happy']
    """
    folder = folder.expanduser().absolute()
    database = _read_header(folder)
    candidates = [_read_table(database, folder, table) for table in database.tables]
    main = _choose(candidates, tables, folder)
    others = [table for table in candidates if table.name not in {chosen.name for chosen in main}]
    rows, origins = _collect(database, main, others)
    findings = [Finding(name, "", "note", _describe(main, others, origins))]
    for field, table in origins.items():
        scheme = table.sources[field].scheme
        if field in LABELS and scheme is not None:
            findings += _leave_other_scale(name, rows, field, database.schemes[scheme])
    if "emotion" in origins:
        sources = [table.sources["emotion"] for table in {*main, origins["emotion"]} if "emotion" in table.sources]
        declared = {name for each in sources for name in _meanings(database, folder, each, "emotion").values() if name}
        findings += _count_as_other(name, rows, sorted(declared))
    languages = [str(language) for language in database.languages or []]
    corpus = build_corpus(name, rows, languages[0] if len(languages) == 1 else "")
    return replace(
        corpus,
        findings=(*findings, *corpus.findings),
        language=corpus.language or ", ".join(languages),
        single_ratings=_single_ratings(database, candidates),
    )


def _single_ratings(database: audformat.Database, tables: Sequence[_Table]) -> dict[str, pd.DataFrame]:
    """Read activation and valence by rater from the table of files that names the raters of most columns."""
    import pandas as pd

    found, find = dict[str, pd.DataFrame](), FileFinder(tables[0].rows.root).find
    for table in tables:
        definition, frame = database.tables[table.name], table.rows.frame
        for label in () if definition.is_segmented else LABELS:
            columns = [
                name
                for name, column in definition.columns.items()
                if column.rater_id is not None and column.scheme_id in _FIELDS[label]
            ]
            if len(columns) > max(1, found[label].shape[1] if label in found else 0):
                files = [str(find(text_of(cell) or "")) for cell in frame["file"]]
                values = frame[columns].apply(pd.to_numeric, errors="coerce")
                found[label] = values.set_axis(files, axis=0)[~pd.Index(files).duplicated()]
    return found


def _read_header(folder: Path) -> audformat.Database:
    file = folder / HEADER
    if not file.is_file():
        raise CorpusError(f"{folder} is no audformat database; expected a folder with {HEADER}")
    require(f"{folder} is an audformat database, which", "audformat", "audformat")
    import audformat

    try:
        # audformat's own reading of the header would build any Python object that a tag in it names.
        header = parse_yaml(read_start(file, _SCALE), references=True, scale=_SCALE)
        database = audformat.Database.load_header_from_yaml(header)
        _check_header(database)
        return database
    except Exception as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise CorpusError(f"{file} cannot be read as an audformat header: {reason}") from error


def _check_header(database: audformat.Database) -> None:
    """See that the parts of a header are of the kinds that are read; audformat itself takes many others."""
    for name, scheme in database.schemes.items():
        labels, bounds = scheme.labels, (scheme.minimum, scheme.maximum)
        if not isinstance(labels, (list, dict, str, type(None))):
            raise ValueError(f"labels of scheme {name} are {str(labels)[:40]}")
        if not all(bound is None or type(bound) in (int, float) for bound in bounds):
            raise ValueError(f"scheme {name} runs from {bounds[0]} to {bounds[1]}")
    for name in database.tables:
        if not isinstance(name, str) or "/" in name or "\\" in name:
            raise ValueError(f"a table is called {name}")


def _read_table(database: audformat.Database, folder: Path, table: str) -> _Table:
    rows = _read_cells(folder, table)
    definition = database.tables[table]
    for column, each in definition.columns.items():
        if each.scheme_id is not None and each.scheme_id not in database.schemes:
            raise CorpusError(
                f"{folder / HEADER} gives column {column!r} of table {table!r} the scheme {each.scheme_id!r}, which it "
                f"does not define; it has {', '.join(database.schemes) or 'none'}"
            )
    index = ("file", "start", "end") if definition.is_segmented else ("file",)
    absent = [column for column in (*index, *definition.columns) if column not in rows.frame]
    if absent:
        raise CorpusError(f"{rows.origin} lacks the columns {absent} that {HEADER} gives it; save the database anew")
    return _Table(table, rows, _find_sources(database, folder, table))


def _read_cells(folder: Path, table: str) -> Rows:
    for suffix in ("csv", "parquet"):
        file = folder / f"db.{table}.{suffix}"
        if file.is_file():
            return replace(read_rows(file), root=folder)
    stored = " only as .pkl, which is not read" if (folder / f"db.{table}.pkl").is_file() else " in no file"
    raise CorpusError(f"{folder} keeps its table {table!r}{stored}; store it as CSV or parquet")


def _find_sources(database: audformat.Database, folder: Path, table: str) -> dict[str, Source]:
    columns = {column: definition.scheme_id for column, definition in database.tables[table].columns.items()}
    sources: dict[str, Source] = {}
    for field, words in _FIELDS.items():
        named = [column for word in words for column in columns if column == word]
        typed = [column for word in words for column, scheme in columns.items() if scheme == word]
        for column in (*named, *typed)[:1]:
            sources[field] = Source(column, columns[column])
    for column, scheme in columns.items():
        entries = [entry for entry in _metadata(database, folder, scheme).values() if isinstance(entry, dict)]
        for field, words in _FIELDS.items():
            keys = [word for word in words if any(word in entry for entry in entries)]
            if keys and field not in sources:
                sources[field] = Source(column, scheme, keys[0])
    return sources


def _metadata(database: audformat.Database, folder: Path, scheme: str | None) -> dict[str, Any]:
    """Look up what is known of each label of a scheme, in its header or in its own table; empty if nothing says."""
    labels = None if scheme is None else database.schemes[scheme].labels
    if isinstance(labels, str):
        frame = _read_cells(folder, labels).frame
        entries = frame.iloc[:, 1:].rename(columns=str).to_dict("records")
        return {str(read_id(label)): entry for label, entry in zip(frame.iloc[:, 0], entries, strict=True)}
    if isinstance(labels, dict):
        return {str(read_id(label)): entry for label, entry in labels.items()}
    return {str(read_id(label)): None for label in labels or ()}


def _meanings(database: audformat.Database, folder: Path, source: Source, field: str) -> dict[str, str | None]:
    """Say what each label of a column's scheme means for a field; empty if no labels are declared."""
    metadata = _metadata(database, folder, source.scheme)
    if source.key is not None:
        return {label: text_of(_entry(entry, (source.key,))) for label, entry in metadata.items()}
    # A text beside anything else describes the label: it still is who spoke, or how strong it was.
    words = (*_FIELDS[field], *WORDS.get(field, ()), "name") if field in _NAMED else _FIELDS[field]
    meanings: dict[str, str | None] = {}
    for label, entry in metadata.items():
        said = text_of(entry if isinstance(entry, str) and field in _NAMED else _entry(entry, words))
        is_described = field == "emotion" and _is_emotion(label) and not _is_emotion(said or "")
        meanings[label] = label if said is None or is_described else said
    return meanings


def _entry(entry: object, keys: Sequence[str]) -> object:
    return next((entry[key] for key in keys if key in entry), None) if isinstance(entry, dict) else None


def _choose(candidates: list[_Table], wanted: Sequence[str], folder: Path) -> list[_Table]:
    known = {table.name: table for table in candidates}
    unknown = [table for table in wanted if table not in known]
    if unknown:
        raise CorpusError(f"{folder} has no table {unknown[0]!r}; it has {', '.join(known) or 'none'}")
    if wanted:
        return [known[table] for table in dict.fromkeys(wanted)]
    ranked = sorted(candidates, key=lambda table: (-table.n_targets, -len(table.rows.places), table.name))
    if not ranked or not ranked[0].n_targets:
        raise CorpusError(
            f"no table of {folder} has a column for emotion, activation (arousal) or valence; its tables are "
            f"{', '.join(known) or 'none'}"
        )
    return ranked[:1]


def _collect(database: audformat.Database, main: list[_Table], others: list[_Table]) -> tuple[Rows, dict[str, _Table]]:
    """Put the rows of the chosen tables below each other, and beside them what other tables know of them."""
    import pandas as pd

    folder = main[0].rows.root
    frame = pd.concat([_own_columns(database, folder, table) for table in main], ignore_index=True)
    places = [f"{table.name}, {place}" for table in main for place in table.rows.places]
    origins = {field: table for table in reversed(main) for field in table.sources}
    for table in sorted(others, key=lambda table: (-len(table.rows.places), table.name)):
        lacking = [field for field in table.sources if field not in frame]
        own = _own_columns(database, folder, table) if lacking else None
        for field in lacking:
            values = None if own is None else _look_up(own, field, frame, table.rows.origin)
            if values is not None:
                frame[field] = values
                origins[field] = table
    return Rows(frame, places, str(folder / HEADER), folder), origins


def _own_columns(database: audformat.Database, folder: Path, table: _Table) -> pd.DataFrame:
    frame = table.rows.frame
    own = frame[[column for column in ("file", "start", "end") if column in frame]].copy()
    for field, source in table.sources.items():
        meanings = _meanings(database, folder, source, field)
        names = [read_id(cell) for cell in frame[source.column]]
        own[field] = [meanings.get(str(name), None if source.key else name) for name in names]
    return own


def _look_up(other: pd.DataFrame, field: str, frame: pd.DataFrame, origin: str) -> list[str | None] | None:
    """Find a field of the rows in another table; ``None`` if it says nothing of any of them."""
    if "start" in other and "start" not in frame:
        return None
    known: dict[Hashable, str] = {}
    for key, value in zip(_keys(other, "start" in other), other[field], strict=True):
        if isinstance(value, str) and known.setdefault(key, value) != value:
            file = key[0] if isinstance(key, tuple) else key
            raise CorpusError(f"{origin}: {field} of {file} is {known[key]!r} and {value!r}; keep one")
    values = [known.get(key) for key in _keys(frame, "start" in other)]
    return values if any(value is not None for value in values) else None


def _keys(frame: pd.DataFrame, segmented: bool) -> list[Hashable]:
    files = [file_name(text_of(cell) or "") for cell in frame["file"]]
    if not segmented:
        return list(files)
    times = [
        [None if cell is None else parse_time(cell, column) for cell in map(text_of, frame[column])]
        for column in ("start", "end")
    ]
    return list(zip(files, *times, strict=True))


def _describe(main: list[_Table], others: list[_Table], origins: dict[str, _Table]) -> str:
    def name(tables: list[_Table]) -> str:
        """Name tables with their size."""
        return ", ".join(f"{table.name} ({len(table.rows.places):,} rows)" for table in tables)

    own = [field for field, table in origins.items() if table in main]
    parts = [f"the utterances are those of table {name(main)}, with {', '.join(own) or 'no field'}"]
    parts += [f"{field} is from table {table.name}" for field, table in origins.items() if table not in main]
    rest = [table for table in others if table.n_targets and table not in origins.values()]
    if rest:
        parts.append(f"not used, though they too have emotion, activation or valence: {name(rest)}")
    return "; ".join(parts)


def _leave_other_scale(name: str, rows: Rows, field: str, scheme: audformat.Scheme) -> list[Finding]:
    """Leave out ratings whose scheme says that they are on another scale."""
    bounds = (scheme.minimum, scheme.maximum)
    if None in bounds or (LABEL_RANGE[0] <= bounds[0] and bounds[1] <= LABEL_RANGE[1]):
        return []
    del rows.frame[field]
    low, high = LABEL_RANGE
    detail = f"{field} runs from {bounds[0]:g} to {bounds[1]:g}, not from {low:g} to {high:g}, and is left out"
    return [Finding(name, "", "unlabelled", detail)]


def _count_as_other(name: str, rows: Rows, declared: Sequence[str]) -> list[Finding]:
    """Count declared classes that are none of ours as other: they cannot be a slip of the pen.

    One that nobody declared is refused when it is parsed.
    """
    strange = [label for label in declared if not _is_emotion(label)]
    if len(strange) > 1 and len(declared) - len(strange) < 2 and not set(LABELS) & set(rows.frame.columns):
        shown = ", ".join(strange[:12])
        raise CorpusError(
            f"{rows.origin}: its classes {shown} are no known emotions; name them in the labels of the scheme, "
            f"such as {strange[0]}: {{emotion: angry}}"
        )
    cells = rows.frame["emotion"]
    counted = {label: int((cells == label).sum()) for label in strange}
    rows.frame["emotion"] = cells.where(~cells.isin(strange), str(Emotion.OTHER))
    return [
        Finding(name, "", "note", f"{count:,} utterances labelled {label!r} count as other")
        for label, count in counted.items()
        if count
    ]


def _is_emotion(label: str) -> bool:
    with suppress(CorpusError):
        return parse_emotion(label) in Emotion
    return False
