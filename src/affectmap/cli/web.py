"""``affectmap serve`` and ``affectmap annotate``: the two web applications."""

from __future__ import annotations

import getpass
import os
import webbrowser
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from affectmap.annotator.settings import AnnotatorSettings
from affectmap.cli import options
from affectmap.cli.progress import note
from affectmap.errors import UsageError
from affectmap.extras import require
from affectmap.service.settings import ServiceSettings


@options.verb(
    "affectmap serve",
    "AFFECTMAP_TOKEN=$TOKEN affectmap serve --host 0.0.0.0 --model adapted",
    settings=ServiceSettings,
    names=("host", "port", "model", "root", "token", "max_mb", "max_minutes", "n_jobs"),
)
def serve_command(given: dict[str, Any]) -> None:
    """Serve a page and an HTTP interface that give what embed and track give. Nothing leaves this machine."""
    require("serve", "serve", "fastapi", "uvicorn", "python_multipart", "wsproto")
    from affectmap.service.app import serve

    given.setdefault("token", os.environ.get("AFFECTMAP_TOKEN"))
    try:
        serve(ServiceSettings(**given), lambda line: typer.echo(line, err=True))  # with -q, too: the address is needed
    except KeyboardInterrupt:  # the way to end it
        note("ended")


_Folder = Annotated[Path, typer.Argument(metavar="FOLDER", help="Folder of the recordings to rate; subfolders count.")]
_Browser = Annotated[bool, typer.Option("--browser/--no-browser", help="Open the page of the first rater.")]
_Raters = Annotated[
    list[str] | None,
    typer.Option(
        "--rater",
        "--raters",
        metavar="NAME|N",
        help="Who rates, or how many; may be repeated.",
        show_default="your user name",
    ),
]
_Password = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE", help="File of the organiser's password, or AFFECTMAP_PASSWORD.", show_default="one is made"
    ),
]


_Suggest = Annotated[
    int | None,
    typer.Option(
        min=1, metavar="N", help="Let raters meet first N recordings that are spread over the map of --model.",
        show_default="in an order of chance",
    ),
]  # fmt: skip


@options.verb(
    "affectmap annotate speech --suggest 20",
    "affectmap annotate speech --rater Ada --rater Bo --classes sad,happy",
    settings=AnnotatorSettings,
    names=(
        "labels",
        "host",
        "port",
        "public_url",
        "seed",
        "repeat",
        "continuous",
        "emotions",
        "language",
        "database",
        "training",
    ),
    spellings={"labels": "--ratings", "emotions": "--classes", "continuous": "--continuous"},
)
def annotate_command(
    folder: _Folder,
    given: dict[str, Any],
    browser: _Browser = True,
    raters: _Raters = None,
    password_file: _Password = None,
    suggest: _Suggest = None,
    model: options.ModelFolder = None,
) -> None:
    """Rate recordings for activation and valence in the browser, alone or in a team. Nothing leaves this machine.

    With --suggest raters first meet recordings that are spread over the map of a model: these are worth most where only
    a few are rated, for adapt --ratings. Lists that raters already have stay as they are.
    """
    require("annotate", "annotate", "fastapi", "uvicorn", "scipy", "sqlalchemy")
    from affectmap.annotator.app import annotate

    given.setdefault("database", os.environ.get("AFFECTMAP_DATABASE"))
    given["emotions"] = _parts(given.get("emotions", ()))
    if model is not None and suggest is None:
        raise UsageError("--model says on whose map recordings are suggested; give --suggest N, too")
    settings = AnnotatorSettings(folder=folder, raters=_names(raters), **given)
    if suggest is not None:
        settings = replace(settings, first=_first(folder, suggest, model))
    try:
        annotate(
            settings,
            password=_password(password_file),
            notify=lambda line: typer.echo(line, err=True),  # with -q, too: raters need their links
            show=webbrowser.open if browser else None,
        )
    except KeyboardInterrupt:  # the way to end it
        note("ended")


def _first(folder: Path, n: int, model: Path | None) -> tuple[str, ...]:
    """Choose recordings to be rated first, by their paths in the folder."""
    from affectmap.cli.embed import list_recordings
    from affectmap.cli.rate_first import to_rate_first

    base = folder.expanduser().absolute()
    recordings = list_recordings([str(base)])
    with options.recording_cache(None, False) as cache:
        chosen = to_rate_first(recordings, n, model, cache)
    note(f"the first {len(chosen)} recordings of every new list are spread over the map")
    return tuple(Path(file).relative_to(base).as_posix() for file in chosen)


def _parts(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(part for part in (part.strip() for text in texts for part in text.split(",")) if part)


def _names(raters: list[str] | None) -> tuple[str, ...]:
    if raters is None:
        return (_user(),)
    if len(raters) == 1 and raters[0].strip().isdecimal():
        return tuple(f"rater {number}" for number in range(1, min(int(raters[0]), 100_000) + 1))
    return _parts(raters) or ("",)


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a number without a name, as in containers
        return "rater"


def _password(file: Path | None) -> str | None:
    if file is None:
        return os.environ.get("AFFECTMAP_PASSWORD")
    return options.read_text(file, "--password-file", "a text file with one line").strip()
