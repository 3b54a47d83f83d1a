"""Options made from the declarations of settings, those that several commands share, and how help shows them."""

from __future__ import annotations

import functools
import inspect
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args, get_origin

import typer
from typer.core import TyperArgument, TyperCommand

from affectmap.cli.progress import note, set_quiet, set_verbose
from affectmap.errors import UsageError
from affectmap.extras import require
from affectmap.features.encoders.locate import VARIABLE, find_encoder

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

    from affectmap.experiment.config import ExperimentConfig
    from affectmap.features.recordings import RecordingCache

#: Spellings that do not follow from a setting's name.
_SPELLINGS = {"methods": "--method", "excited_as_happy": "--excited-as-happy/--excited-apart", "strict": "--strict"}
#: What stands for a value in help, where its type does not say it.
_METAVARS = {
    "source": "SPEC", "target": "SPEC", "features": "FEATURES", "reference": "superb[=MODEL]",
    "sampling_rate": "HZ", "outlier_threshold": "Z", "max_mb": "MB", "max_minutes": "MIN", "repeat": "SHARE",
    "language": "CODE", "database": "URL", "training": "CSV", "labels": "DIR", "root": "DIR", "model": "NAME|DIR",
}  # fmt: skip

ConfigFile = Annotated[
    Path | None, typer.Option("--config", metavar="FILE", help="TOML of settings; options override it.")
]
Output = Annotated[Path, typer.Option("-o", "--output", metavar="DIR", help="Folder to make.")]
Overwrite = Annotated[
    bool, typer.Option("--overwrite", help="Replace the file, or a folder in which all was written by affectmap.")
]
ModelFolder = Annotated[
    Path | None,
    typer.Option(
        "--model", metavar="NAME|DIR", help="A shipped model, egemaps or whisper, or a folder.",
        show_default="egemaps",
    ),
]  # fmt: skip
Channel = Annotated[
    int | None,
    typer.Option(min=1, metavar="N", help="Take one channel alone, from 1.", show_default="mixed by what they hold"),
]
NJobs = Annotated[int | None, typer.Option(help="Cores to use.", show_default="all")]
Backend = Annotated[Literal["local", "dask"], typer.Option(help="Where work goes: this machine, or a cluster of Dask.")]
Scheduler = Annotated[str | None, typer.Option(metavar="ADDRESS", help="Cluster's scheduler, such as tcp://host:8786.")]
Cache = Annotated[
    Path | None, typer.Option(metavar="DIR", help="Folder of cached features.", show_default="the user's cache folder")
]
NoCache = Annotated[bool, typer.Option("--no-cache", help="Measure all anew, and keep nothing of it.")]
TableFile = Annotated[
    Path | None,
    typer.Option(
        "-o", "--output", metavar="FILE", help="Table to write; its suffix tells the format.", show_default="stdout"
    ),
]
_Quiet = Annotated[
    bool, typer.Option("-q", "--quiet", callback=set_quiet, expose_value=False, help="Print no notes and no progress.")
]
_Verbose = Annotated[
    bool,
    typer.Option(
        "-v", "--verbose", callback=set_verbose, expose_value=False, help="Print times and libraries' warnings."
    ),
]


def _use_encoder(context: typer.Context, folder: Path | None) -> None:
    """Take --encoder: the variable that names it has the folder until the command ends, for workers, too."""
    if folder is None or context.resilient_parsing:
        return
    find_encoder(folder=folder)
    before = os.environ.get(VARIABLE)
    os.environ[VARIABLE] = str(folder.absolute())
    context.call_on_close(lambda: _restore(before))


def _restore(before: str | None) -> None:
    if before is None:
        os.environ.pop(VARIABLE, None)
    else:
        os.environ[VARIABLE] = before


def _note_namesake(model: object) -> None:
    """Say so where a folder has the name of a shipped model, and is not what --model takes."""
    if model is not None and Path(str(model)).is_dir():
        from affectmap.model.model import SHIPPED_MODELS

        if str(model) in SHIPPED_MODELS:
            note(
                f"note: --model {model} is the model that comes with affectmap; for the folder of that name give "
                f"{Path(str(model)).absolute()}"
            )


_Encoder = Annotated[
    Path | None,
    typer.Option(
        "--encoder", metavar="DIR", callback=_use_encoder, expose_value=False, help="Folder of the encoder of whisper.",
        show_default=f"{VARIABLE}, then the user's cache folder",
    ),
]  # fmt: skip


def verb(
    *examples: str,
    settings: type[Any] | None = None,
    names: Sequence[str] = (),
    defaults: Mapping[str, Mapping[str, Any]] | None = None,
    spellings: Mapping[str, str] | None = None,
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Make a command of a function: with -q and -v, examples, and an option for every setting named.

    Args:
        examples: Command lines that help ends with.
        settings: A declaration (`affectmap.settings`).
        names: Which of its settings become options. The function gets those given by the user as ``given``.
        defaults: Other defaults by the case in which they apply, as in ``{"authors-code": {"epochs": 100}}``.
        spellings: Options whose names do not follow from the settings'.
    """

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        parameters: list[inspect.Parameter] = []
        for one in inspect.signature(command, eval_str=True).parameters.values():
            if one.name == "given" and settings is not None:
                made = {name: _option(settings, name, (spellings or {}).get(name), defaults or {}) for name in names}
                parameters += [_keyword(name, kind, None) for name, kind in made.items()]
            else:
                parameters.append(one.replace(kind=inspect.Parameter.KEYWORD_ONLY))
        common: dict[str, Any] = {"quiet": _Quiet, "verbose": _Verbose}
        added = [_keyword(*one, False) for one in common.items()]
        if {"features", "model"} & {*names} or any(one.annotation == ModelFolder for one in parameters):
            common["encoder"] = _Encoder
            added.insert(0, _keyword("encoder", _Encoder, None))

        @functools.wraps(command)
        def run(**values: Any) -> None:  # noqa: ANN401 (what the command line gave)
            values = {name: value for name, value in values.items() if name not in common}
            if settings is not None:
                found = {name: values.pop(name) for name in names}
                values["given"] = {name: value for name, value in found.items() if value is not None}
            _note_namesake(values.get("model", values.get("given", {}).get("model")))
            command(**values)

        run.__signature__ = inspect.Signature([*parameters, *added])  # type: ignore[attr-defined]
        run.__annotations__ = {}
        run.examples = examples  # type: ignore[attr-defined]
        return run

    return decorate


def _keyword(name: str, annotation: Any, default: Any) -> inspect.Parameter:  # noqa: ANN401 (any type)
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


def _option(declaration: type[Any], name: str, spelling: str | None, defaults: Mapping[str, Mapping[str, Any]]) -> Any:  # noqa: ANN401 (a type)
    """Make the annotation that typer reads; the option's own default is ``None``, which means not given."""
    from affectmap.settings import fields_of, kind_of, panel_of

    field = fields_of(declaration)[name]
    kind = kind_of(field)
    many = get_origin(kind) in (list, tuple)
    each = kind_of(get_args(kind)[0]) if many else kind
    metavar = _METAVARS.get(name, "NAME" if many else None)
    if many and get_origin(each) is Literal:
        metavar, each = f"[{'|'.join(get_args(each))}]", str
    spelling = spelling or _SPELLINGS.get(name)
    again = "; may be repeated" if many else ""
    option = typer.Option(
        *([spelling] if spelling else []),
        metavar=metavar,
        help=f"{sentence(field.description or name)}{again}.{_bracket(name, field, spelling, defaults)}",
        rich_help_panel=panel_of(declaration, name),
        show_default=False,
    )
    return Annotated[(list[each] if many else each) | None, option]  # type: ignore[valid-type]


def _bracket(name: str, field: FieldInfo, spelling: str | None, defaults: Mapping[str, Mapping[str, Any]]) -> str:
    from affectmap.settings import default_text, limits_of

    parts = [default_text(field)] if default_text(field) else []
    if spelling and "/" in spelling:  # two names for on and off
        parts = [spelling.split("/")[0 if field.default else 1].strip("-")]
    parts += [f"{case}: {values[name]:g}" for case, values in defaults.items() if name in values]
    shown = [f"default: {'; '.join(parts)}"] if parts else []
    shown += [limits_of(field)] if limits_of(field) else []
    return f"  [{'; '.join(shown)}]" if shown else ""


def sentence(text: str) -> str:
    """Begin with a capital."""
    return text[0].upper() + text[1:]


class Verb(TyperCommand):
    """A command whose help groups its options under headings."""

    def format_options(self, ctx: typer.Context, formatter: Any) -> None:  # type: ignore[override]  # noqa: ANN401
        """Write every heading with its options."""
        panels: dict[str, list[tuple[str, str]]] = {}
        for one in self.get_params(ctx):
            record = one.get_help_record(ctx)
            heading = getattr(one, "rich_help_panel", None)
            if record is not None:
                heading = heading or ("Arguments" if isinstance(one, TyperArgument) else "Options")
                panels.setdefault(heading, []).append(record)
        for heading in sorted(panels, key=lambda heading: heading == "Options"):
            with formatter.section(heading):
                formatter.write_dl(panels[heading])


def build(command: Callable[..., None] | typer.Typer, name: str) -> Any:  # noqa: ANN401 (typer's command)
    """Make typer's command of a function that `verb` decorated, or of a `group`."""
    if isinstance(command, typer.Typer):
        return typer.main.get_command(command)
    app = _app()
    _add(app, command, name)
    return typer.main.get_command(app)


def group(
    name: str, help: str, commands: Mapping[str, Callable[..., None]], bare: Callable[..., None] | None = None
) -> typer.Typer:
    """Put several functions that `verb` decorated under a verb, which alone does what `bare` does or shows its help."""
    app = _app(name=name, help=help, no_args_is_help=bare is None, invoke_without_command=bare is not None)

    @app.callback()
    def root(context: typer.Context) -> None:
        if bare is not None and context.invoked_subcommand is None:
            bare()

    for each, command in commands.items():
        _add(app, command, each)
    return app


def _app(**options: Any) -> typer.Typer:  # noqa: ANN401 (typer's own)
    return typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None, **options)


def _add(app: typer.Typer, command: Callable[..., None], name: str) -> None:
    examples = "\n".join(["\b", "Examples:", *(f"  {line}" for line in getattr(command, "examples", ()))])
    app.command(name, cls=Verb, epilog=examples)(command)


#: Suffixes of the files of a table's formats; with another one a name would promise what is not written.
_SUFFIXES = {"csv": (".csv", ".txt"), "json": (".json", ".jsonl", ".ndjson"), "parquet": (".parquet",)}
#: Suffixes that no folder has.
_OF_FILES = (*chain(*_SUFFIXES.values()), ".html", ".onnx", ".pdf", ".png", ".svg", ".xlsx", ".yaml", ".zip")


def table_format(format: str | None, output: Path | None) -> str:
    """Give the format asked for, or that of the output's suffix; see that the output and the packages fit it."""
    suffix = output.suffix.lower() if output else ""
    format = format or next((name for name, suffixes in _SUFFIXES.items() if suffix in suffixes), "csv")
    if format in ("parquet", "audformat"):
        if output is None:
            raise UsageError(f"{format} is no text; name {'a folder' if format == 'audformat' else 'a file'} with -o")
        require(f"--format {format}", format, "pyarrow" if format == "parquet" else "audformat")
    return format


def check_file(
    output: Path | None, kind: str = "csv", *, overwrite: bool, inputs: Iterable[str | Path | None] = ()
) -> None:
    """Make sure that a file may be written, before long work.

    Args:
        output: The file; None for stdout.
        kind: What is written: a format of a table, or a suffix.
        overwrite: Whether it may be replaced.
        inputs: What the result is made from, files and folders; these files are never replaced. None is passed over.

    Raises:
        UsageError: If its suffix is that of another kind.
        StorageError: If it may not be written.
    """
    if output is None:
        return
    from affectmap.files import check_new_file, is_stream

    _refuse_dash(output, "a file, or /dev/stdout")
    suffixes, suffix = _SUFFIXES.get(kind, (kind,)), output.suffix.lower()
    if suffix not in ("", *suffixes) and not is_stream(output):
        what = f"a table as {kind}" if kind in _SUFFIXES else "what is written"
        may_fit = kind in _SUFFIXES and any(suffix in each for each in _SUFFIXES.values())
        hint = "; another --format may fit" if may_fit else ""
        raise UsageError(f"{output} ends in {suffix}, and {what} in {' or '.join(suffixes)}; name such a file{hint}")
    check_new_file(output, overwrite=overwrite, inputs=_files_of(inputs))


def check_folder(output: Path, *, overwrite: bool, inputs: Iterable[str | Path | None] = ()) -> None:
    """Make sure that a folder may be made, before long work; arguments and errors as of `check_file`."""
    from affectmap.files import check_new_folder

    _refuse_dash(output, "a folder")
    if output.suffix.lower() in _OF_FILES and not output.is_dir():
        raise UsageError(f"{output} ends in {output.suffix} as a file does, and a folder is made; name one")
    check_new_folder(output, overwrite=overwrite, inputs=[Path(each) for each in inputs if each is not None])


def _refuse_dash(output: Path, expected: str) -> None:
    if str(output) == "-":  # stdout for many programs, and a file of that name, which nobody would look for
        raise UsageError(f"- is no name for what is written; name {expected}")


def _files_of(inputs: Iterable[str | Path | None]) -> Iterator[Path]:
    for each in inputs:
        if each is not None and Path(each).is_dir():
            yield from (file for file in Path(each).rglob("*") if file.is_file())
        elif each is not None:
            yield Path(each)


@contextmanager
def recording_cache(folder: Path | None, no_cache: bool) -> Iterator[RecordingCache | None]:
    """Open the cache of single recordings, and tell at the end what could not be read or kept."""
    if no_cache:
        if folder is not None:
            raise UsageError("--cache and --no-cache exclude each other; take one")
        yield None
        return
    from affectmap.features.recordings import RecordingCache

    with RecordingCache(folder) as cache:
        yield cache
    for notice in cache.notices:
        note(f"note: {notice}")


@contextmanager
def working_on(backend: str, scheduler: str | None) -> Iterator[None]:
    """Let the block's work go to a cluster, where one is named."""
    if backend == "local" and scheduler is None:  # what a cluster needs takes a while to load
        yield
        return
    from affectmap.parallel.cluster import work_on

    with work_on(backend, scheduler):
        yield


def inputs_of(settings: ExperimentConfig, *others: Path | None) -> list[Path | None]:
    """List the files and folders that a run reads: its corpora, labels and `others`."""
    from affectmap.corpora import parse_spec

    return [*(parse_spec(spec).path for spec in (*settings.source, *settings.target)), settings.labels, *others]


def tell_where(output: Path) -> None:
    """Print the path of what was written, unless that went to a pipe or device."""
    from affectmap.files import is_stream

    if not is_stream(output):
        typer.echo(output.resolve())


@contextmanager
def reader_may_leave() -> Iterator[None]:
    """End quietly where nobody reads the output any more, as behind `head`, also when Python flushes at its end."""
    try:
        yield
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def read_text(file: Path, option: str, expected: str) -> str:
    """Read the text file that an option names."""
    from affectmap.documents import MAX_BYTES, read_start

    try:
        content = read_start(file)
        if len(content) > MAX_BYTES:
            raise ValueError(f"it has more than {MAX_BYTES:,} bytes")
        return content.decode("utf-8").replace("\r\n", "\n")
    except (OSError, ValueError) as error:
        raise UsageError(f"{option} {file} cannot be read ({error}); name {expected}") from error


def require_training(command: str) -> None:
    """Raise a `UsageError` unless PyTorch and what the report needs are installed."""
    needed = ("torch", "safetensors", "jinja2", "matplotlib", "sklearn", "scipy")
    require(command, "demo" if command == "demo" else "train", *needed)
