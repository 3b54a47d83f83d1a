"""``affectmap embed``: recordings named on the command line, and what is made of them."""

from __future__ import annotations

import shutil
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from affectmap.cli import options
from affectmap.cli.archive import embed_into_parts
from affectmap.cli.explore import ExplorePage, explored
from affectmap.cli.progress import bar_hidden, note, progress_bar
from affectmap.cli.standard_input import STDIN, readable
from affectmap.errors import AudioError, UsageError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pandas as pd

    from affectmap.audio.quality import SignalFlags

    #: Columns of rows by name, ``file`` first.
    Columns = dict[str, npt.NDArray[np.generic]]

#: Recordings that are measured before their rows are printed; on a cluster more, since at the end of them workers wait.
CHUNK, CLUSTER_CHUNK = 64, 4096

Sources = Annotated[
    list[str], typer.Argument(metavar="FILE|FOLDER|-", help="Recordings, folders of them, or - for one on the input.")
]
_Format = Annotated[
    Literal["csv", "json", "parquet", "audformat"] | None,
    typer.Option(
        "--format",
        help="csv; json: a line each; audformat: -o is a folder to make.",
        show_default="csv; on a terminal what reads well there",
    ),
]
_PartSize = Annotated[
    int | None,
    typer.Option(min=1, metavar="N", help="Recordings of a part, where -o is a folder of them.", show_default="10000"),
]
Speakers = Annotated[
    Path | None,
    typer.Option(metavar="TABLE", help="Columns file, speaker: standardise each speaker by their own recordings."),
]


_Given = Annotated[
    list[str],
    typer.Argument(
        metavar="FILE|FOLDER|-",
        help="Recordings, folders of them, - for one on the input, or a table with the model's features as columns.",
    ),
]


@options.verb("affectmap embed speech/ > map.csv", "affectmap embed --format json a.wav b.wav")
def embed_command(
    source: _Given,
    output: options.TableFile = None,
    format: _Format = None,
    part_size: _PartSize = None,
    model: options.ModelFolder = None,
    speakers: Speakers = None,
    explore: ExplorePage = None,
    overwrite: options.Overwrite = False,
    channel: options.Channel = None,
    cache: options.Cache = None,
    no_cache: options.NoCache = False,
    n_jobs: options.NJobs = None,
    backend: options.Backend = "local",
    scheduler: options.Scheduler = None,
) -> None:
    """Embed recordings: embedding, activation, valence, classes and flags, one row a recording.

    A terminal is shown the values alone, in a list or table to read; --format csv prints every column there, too.
    A recording that cannot be used is a row without values, and the column problem says why; the exit code is 1 only if
    none could be used. A file may last ten minutes; affectmap track takes longer ones.

    With --format parquet and a folder after -o (a name without an ending) any number of recordings is written in parts,
    and the same command goes on where it was interrupted.
    """
    chosen = options.table_format(format, output)
    to_read = format is None and output is None and sys.stdout.isatty()
    table = feature_table(source)
    if output is not None and _is_archive(output, chosen) and table is None:
        if speakers or explore:
            name = "--speakers" if speakers else "--explore"
            raise UsageError(f"{name} needs all recordings at once; name a file, such as map.parquet, with -o")
        check_sendable(source, backend)
        with options.working_on(backend, scheduler):
            embed_into_parts(
                source, output, model, part_size=part_size, overwrite=overwrite, channel=channel, cache=cache,
                no_cache=no_cache, n_jobs=n_jobs,
            )  # fmt: skip
        return
    if part_size is not None:
        raise UsageError("--part-size is for a folder of parts; add --format parquet and name a folder with -o")
    recordings = [str(table)] if table else list_recordings(source)
    inputs = [*recordings, model, speakers]
    if output is not None and chosen == "audformat":
        options.check_folder(output, overwrite=overwrite, inputs=inputs)
    else:
        options.check_file(output, chosen, overwrite=overwrite, inputs=inputs)
    options.check_file(explore, ".html", overwrite=overwrite, inputs=inputs)
    check_sendable(recordings, backend)
    with options.working_on(backend, scheduler), options.recording_cache(cache, no_cache) as known:
        if table is not None:
            rows = _embedded_table(table, speakers, model)
            recordings, tables = rows["file"].tolist(), iter([rows])
        else:
            names = speaker_names(speakers, recordings) if speakers else None
            noted = not (to_read and len(recordings) == 1)  # the list of one recording tells the same
            tables = _embedded(recordings, source, names, model, noted, channel=channel, cache=known, n_jobs=n_jobs)
        tables = explored(tables, explore, overwrite=overwrite, n_jobs=n_jobs)
        if output is not None:
            n_failed = write_rows(tables, chosen, output, overwrite=overwrite)
        else:
            n_failed = _show_rows(tables) if to_read else print_rows(tables, chosen)
    if n_failed == len(recordings):
        where = "what is shown" if to_read else "the column problem"
        raise AudioError(f"none of {n_failed} recordings could be used; {where} says why")


def _is_archive(output: Path, format: str) -> bool:
    from affectmap.files import is_stream

    return format == "parquet" and not output.suffix and not is_stream(output)


def check_sendable(recordings: Sequence[str], backend: str) -> None:
    """Raise a `UsageError` if a recording on the input should go to a cluster."""
    if backend != "local" and STDIN in recordings:
        raise UsageError("a recording on the input stays on this machine; name files, or leave out --backend")


def feature_table(sources: Sequence[str]) -> Path | None:
    """Give the table of features that is named instead of recordings, as FILE or table:NAME=FILE, if there is one."""
    files = [Path(source.partition("=")[2] if source.startswith("table:") else source) for source in sources]
    tables = [file for file in files if file.suffix.lower() in (".csv", ".tsv", ".parquet") and file.is_file()]
    if tables and len(sources) > 1:
        raise UsageError(f"{tables[0]} is a table of features; give it alone, without recordings or other tables")
    return tables[0] if tables else None


def _embedded_table(table: Path, speakers: Path | None, model: Path | None) -> Columns:
    """Embed the rows of a table; nothing is opened but the table."""
    import numpy as np

    from affectmap.corpora.feature_columns import read_inputs
    from affectmap.model.model import load_model

    loaded = load_model(model)
    features = read_inputs(table, loaded.inputs)
    names = speaker_names(speakers, features.index.tolist()) if speakers else None
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        embedded = loaded.embed(features, speaker=names)
    for line in [f"{table}: what measured its features is not known", *(str(each.message) for each in caught)]:
        note(f"note: {line}")
    files = np.array(features.index.tolist(), dtype=object)
    return {"file": files, **{str(name): values.to_numpy() for name, values in embedded.items()}}


def speaker_names(table: Path, recordings: list[str]) -> list[str]:
    """Read who speaks in each recording from a table, and note what is odd about it."""
    from affectmap.corpora.speakers import read_speakers

    if STDIN in recordings:
        raise UsageError("--speakers needs the names of files; a recording on the input has none")
    names, notes = read_speakers(table, recordings)
    for line in notes:
        note(f"note: {line}")
    return names


def _embedded(
    recordings: list[str],
    named: list[str],
    names: list[str] | None,
    model: Path | None,
    noted: bool,
    **measuring: Any,  # noqa: ANN401 (options of Model.measure)
) -> Iterator[Columns]:
    """Give the embedded rows of some recordings after another; speakers need all at once."""
    from affectmap.model.model import load_model
    from affectmap.parallel.workers import on_cluster

    embed = partial(load_model(model).embed_columns, speaker=names, **measuring)
    size = CLUSTER_CHUNK if on_cluster() else CHUNK
    return measured_rows(recordings, named, embed, max(1, len(recordings)) if names else size, noted=noted)


def measured_rows(
    recordings: list[str],
    named: list[str],
    measure: Callable[..., tuple[Columns, list[SignalFlags]]],
    size: int,
    *,
    noted: bool = True,
) -> Iterator[Columns]:
    """Give what `measure` makes of so many recordings after another, and note what is wrong with them, if `noted`."""
    import numpy as np

    from affectmap.audio.quality import notes_on
    from affectmap.names import printable

    total, printed, found = len(recordings), [printable(each) for each in recordings], []
    with readable(recordings, named) as files, progress_bar("recordings") as progress:
        for start in range(0, total, size):
            some = files[start : start + size]

            def _report(done: int, _total: int, before: int = start) -> None:
                progress(before + done, total)

            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                columns, flags = measure(some, progress=_report)
            found += flags
            shown = printed[start : start + size]
            problems = [f"no values for {f}: {one.problem}" for f, one in zip(shown, flags, strict=True) if one.problem]
            for line in [*(str(warning.message) for warning in caught), *(problems if noted else [])]:
                note(f"note: {line}")
            yield {"file": np.array(shown, dtype=object), **columns}
        for line in notes_on(printed, found) if noted else []:
            note(f"note: {line}")


def _show_rows(parts: Iterator[Columns]) -> int:
    """Show rows on the terminal when all are there; give the number of those without values."""
    from affectmap.cli.terminal import shown

    columns = _joined(parts)
    rows = [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
    with options.reader_may_leave():
        typer.echo(shown(rows, shutil.get_terminal_size().columns))
    if _n_failed(columns) < len(rows):
        brackets = "nine of ten ratings are meant to lie within the brackets; " if len(rows) == 1 else ""
        note(f"note: {brackets}--format csv prints every column here, and -o FILE writes them")
    return _n_failed(columns)


def print_rows(parts: Iterator[Columns], format: str) -> int:
    """Print rows as they come; give the number of those without values."""
    n_failed = 0
    with options.reader_may_leave():
        for number, columns in enumerate(parts):
            n_failed += _n_failed(columns)
            with bar_hidden():
                typer.echo(_text(columns, format, header=number == 0), nl=False)
    return n_failed


def _n_failed(columns: Columns) -> int:
    return sum(problem is not None for problem in columns["problem"])


def _text(columns: Columns, format: str, *, header: bool = True) -> str:
    from affectmap.tables import csv_text

    # Seven digits: what float32 functionals bear.
    if format == "csv":
        return csv_text(columns, header=header, float_format="%.7g")
    return _table(columns).reset_index().to_json(orient="records", lines=True, double_precision=7, force_ascii=False)


def _table(columns: Columns) -> pd.DataFrame:
    import pandas as pd

    index = pd.Index(columns["file"].tolist(), name="file")
    series = {name: pd.Series(values, index, values.dtype) for name, values in columns.items() if name != "file"}
    return pd.DataFrame(series, index)


def write_rows(parts: Iterator[Columns], format: str, output: Path, *, overwrite: bool) -> int:
    """Write all rows, whole or not at all; give the number of those without values."""
    from affectmap.files import new_file

    columns = _joined(parts)
    if format == "audformat":
        _write_database(_table(columns), output, overwrite=overwrite)
    else:
        with new_file(output, overwrite=overwrite) as temporary:
            if format == "parquet":
                _table(columns).to_parquet(temporary)
            else:
                temporary.write_text(_text(columns, format), encoding="utf-8")
    return _n_failed(columns)


def _joined(parts: Iterator[Columns]) -> Columns:
    import numpy as np

    listed = list(parts)
    return {name: np.concatenate([part[name] for part in listed]) for name in listed[0]}


def _write_database(table: pd.DataFrame, folder: Path, *, overwrite: bool) -> None:
    """Write an audformat database: the recordings stay where they are, with their absolute paths in the table."""
    import audformat

    from affectmap.files import new_folder

    database = audformat.Database("affectmap", description="Recordings embedded by affectmap embed", usage="research")
    files = audformat.filewise_index([str(Path(file).absolute()) for file in table.index])
    database["embedding"] = audformat.Table(files)
    for name, values in table.items():
        kind = {"b": "bool", "f": "float"}.get(values.dtype.kind, "str")
        low, high = (1, 5) if str(name).startswith(("activation", "valence")) else (None, None)
        database.schemes[name] = audformat.Scheme(kind, minimum=low, maximum=high)
        database["embedding"][name] = audformat.Column(scheme_id=name)
        database["embedding"][name].set(values.to_numpy())
    with new_folder(folder, overwrite=overwrite) as temporary:
        database.save(str(temporary), storage_format="csv")


def list_recordings(sources: Sequence[str]) -> list[str]:
    """List the recordings named, each once, and those below the folders named, in the order of their names."""
    if not any(source != STDIN and Path(source).is_dir() for source in sources):
        return list(dict.fromkeys(sources))  # files alone need nothing that knows corpora
    from affectmap.corpora.listing import Listing

    listing = Listing(sources)
    listed = list(dict.fromkeys(listing))
    for line in listing.notes:
        note(f"note: {line}")
    return listed
