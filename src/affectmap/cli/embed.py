"""``affectmap embed``: place recordings on the map with a trained model."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from affectmap.cli import options
from affectmap.cli.recordings import find_recordings, read_speakers, readable
from affectmap.schema import AudioError, UsageError

if TYPE_CHECKING:
    import pandas as pd

Format = Literal["csv", "json", "parquet", "audformat"]

_Sources = Annotated[
    list[str], typer.Argument(metavar="FILE|FOLDER|-", help="Recordings, folders of them, or - for one on the input.")
]
_Output = Annotated[
    Path | None,
    typer.Option("-o", "--output", metavar="FILE", help="Table to write; its suffix tells the format (stdout)."),
]
_Format = Annotated[
    Format | None, typer.Option("--format", help="csv; json: a line each; audformat: -o is a folder to be made.")
]
ModelFolder = Annotated[Path | None, typer.Option("--model", metavar="DIR", help="Model folder (the one shipped).")]
_Speakers = Annotated[
    Path | None,
    typer.Option(metavar="CSV", help="Columns file, speaker: standardise each speaker by their own recordings."),
]


def embed_command(
    source: _Sources,
    output: _Output = None,
    format: _Format = None,
    model: ModelFolder = None,
    speakers: _Speakers = None,
    overwrite: options.Overwrite = False,
    n_jobs: options.NJobs = None,
) -> None:
    """Place recordings on the map: embedding, activation, valence, classes and flags, one row a recording.

    A recording that cannot be used is a row without values, and the column problem says why; the exit code is 1 only if
    none could be used.
    """
    format = format or _format_of(output)
    if output is None and format in ("parquet", "audformat"):
        raise UsageError(f"{format} is no text; name {'a folder' if format == 'audformat' else 'a file'} with -o")
    if output is not None and format == "audformat":
        from affectmap.storage import check_new_folder

        check_new_folder(output, overwrite=overwrite)
    recordings = find_recordings(source)
    names = read_speakers(speakers, recordings) if speakers else None
    table = _embedded(recordings, names, model, n_jobs)
    if output is None:
        typer.echo(_text(table, format), nl=False)
    else:
        _write(table, format, output, overwrite=overwrite)
    problems = table["problem"].dropna()
    for file, problem in problems.items():
        typer.echo(f"note: no values for {file}: {problem}", err=True)
    if len(problems) == len(table):
        raise AudioError(f"none of {len(table)} recordings could be used; the column problem says why")


def _embedded(recordings: list[str], names: list[str] | None, model: Path | None, n_jobs: int | None) -> pd.DataFrame:
    from affectmap.cli.progress import progress_bar
    from affectmap.inference import load_model

    loaded = load_model(model)
    with (
        readable(recordings) as files,
        progress_bar("recordings") as progress,
        warnings.catch_warnings(record=True) as told,
    ):
        warnings.simplefilter("always")
        table = loaded.embed(files, speaker=names, n_jobs=n_jobs, progress=progress)
    for warning in told:
        typer.echo(f"note: {warning.message}", err=True)
    table.index = table.index.map(dict(zip(files, recordings, strict=True))).rename("file")
    return table


def _format_of(output: Path | None) -> Format:
    suffix = output.suffix.lower() if output else ""
    if suffix == ".parquet":
        return "parquet"
    return "json" if suffix in (".json", ".jsonl", ".ndjson") else "csv"


def _text(table: pd.DataFrame, format: Format) -> str:
    # Seven digits: what float32 functionals bear.
    if format == "csv":
        return table.to_csv(float_format="%.7g", lineterminator="\n")
    return table.reset_index().to_json(orient="records", lines=True, double_precision=7, force_ascii=False)


def _write(table: pd.DataFrame, format: Format, output: Path, *, overwrite: bool) -> None:
    from affectmap.storage import new_file, write_text

    if format == "audformat":
        _write_database(table, output, overwrite=overwrite)
    elif format == "parquet":
        with new_file(output) as temporary:
            table.to_parquet(temporary)
    else:
        write_text(output, _text(table, format))


def _write_database(table: pd.DataFrame, folder: Path, *, overwrite: bool) -> None:
    """Write an audformat database: the recordings stay where they are, with their absolute paths in the table."""
    import audformat

    from affectmap.storage import new_folder

    database = audformat.Database("affectmap", description="Recordings placed by affectmap embed", usage="research")
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
