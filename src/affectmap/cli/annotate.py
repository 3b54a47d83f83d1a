"""``affectmap annotate``: rate recordings in the browser, alone or in a team."""

from __future__ import annotations

import getpass
import os
import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from affectmap.errors import UsageError
from affectmap.extras import require

_Folder = Annotated[Path, typer.Argument(metavar="FOLDER", help="Recordings to rate; subfolders count.")]
_Labels = Annotated[
    Path | None, typer.Option("--labels", metavar="DIR", help="Where ratings are kept (FOLDER-labels, beside it).")
]
_Host = Annotated[str, typer.Option(help="Address to listen on; others get in by their links alone.")]
_Port = Annotated[int, typer.Option(help="Port; 0 for a free one.")]
_Browser = Annotated[bool, typer.Option("--browser/--no-browser", help="Open the page of the first rater.")]
_Rater = Annotated[str | None, typer.Option(metavar="NAME", help="Who rates (your user name).")]
_Raters = Annotated[
    str | None, typer.Option(metavar="N|NAMES", help="Several: a number, or names with commas between.")
]
_Seed = Annotated[int, typer.Option(help="Of everybody's own order.")]
_Repeat = Annotated[float, typer.Option(metavar="SHARE", help="Share that everybody meets twice, unseen.")]
_Continuous = Annotated[bool, typer.Option("--continuous", help="Ratings between half steps, too.")]
_Emotions = Annotated[str | None, typer.Option(metavar="NAMES", help="Classes to choose from, commas between (none).")]
_Language = Annotated[str | None, typer.Option(metavar="CODE", help="Of the page (as the browser asks).")]
_Database = Annotated[
    str | None,
    typer.Option(metavar="URL", help="postgresql://…, or AFFECTMAP_DATABASE (a SQLite file in --labels)."),
]
_Training = Annotated[
    Path | None,
    typer.Option(metavar="CSV", help="Up to 5 files with activation, valence, note (synthetic speech)."),
]
_Password = Annotated[
    Path | None,
    typer.Option(
        "--password-file", metavar="FILE", help="The organiser's password, or AFFECTMAP_PASSWORD (one is made)."
    ),
]


def annotate_command(
    folder: _Folder,
    labels: _Labels = None,
    host: _Host = "127.0.0.1",
    port: _Port = 8001,
    browser: _Browser = True,
    rater: _Rater = None,
    raters: _Raters = None,
    seed: _Seed = 0,
    repeat: _Repeat = 0.1,
    continuous: _Continuous = False,
    emotions: _Emotions = None,
    language: _Language = None,
    database: _Database = None,
    training: _Training = None,
    password_file: _Password = None,
) -> None:
    """Rate recordings for activation and valence in the browser, alone or in a team. Nothing leaves this machine."""
    require("annotate", "annotate", "fastapi", "uvicorn", "scipy", "sqlalchemy")
    from affectmap.annotator.app import annotate
    from affectmap.annotator.settings import AnnotatorSettings

    settings = AnnotatorSettings(
        folder=folder,
        labels=labels,
        host=host,
        port=port,
        raters=_names(rater, raters),
        seed=seed,
        repeat=repeat,
        continuous=continuous,
        emotions=_parts(emotions or ""),
        language=language,
        database=database or os.environ.get("AFFECTMAP_DATABASE"),
        training=training,
    )
    try:
        annotate(
            settings,
            password=_password(password_file),
            notify=lambda line: typer.echo(line, err=True),
            show=webbrowser.open if browser else None,
        )
    except KeyboardInterrupt:  # the way to end it
        typer.echo("ended", err=True)


def _parts(text: str) -> tuple[str, ...]:
    return tuple(part for part in (part.strip() for part in text.split(",")) if part)


def _names(rater: str | None, raters: str | None) -> tuple[str, ...]:
    if rater is not None and raters is not None:
        raise UsageError("--rater and --raters are both given; keep one of them")
    if raters is None:
        return (rater if rater is not None else _user(),)
    if raters.strip().isdecimal():
        return tuple(f"rater {number}" for number in range(1, min(int(raters), 100_000) + 1))
    return _parts(raters)


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a number without a name, as in containers
        return "rater"


def _password(file: Path | None) -> str | None:
    if file is None:
        return os.environ.get("AFFECTMAP_PASSWORD")
    try:
        return file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"--password-file {file} cannot be read ({error}); name a text file with one line") from error
