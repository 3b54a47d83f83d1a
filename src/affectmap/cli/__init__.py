"""The command line: parsing and printing; the work is done by the modules below.

Data goes to stdout, notes and errors to stderr. Exit codes: 0 done, 1 the data or the disk is at fault, 2 the command
line or the settings are.
"""

from __future__ import annotations

import sys
from typing import Annotated, NoReturn

import typer

from affectmap import __version__
from affectmap.cli.corpora import corpora_command
from affectmap.cli.demo import demo_command
from affectmap.cli.reproduce import reproduce_command
from affectmap.cli.train import train_command
from affectmap.schema import AffectmapError, UsageError

app = typer.Typer(
    name="affectmap",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Speech in any language to a small, readable affect space: activation and valence.",
)
app.command("corpora")(corpora_command)
app.command("reproduce")(reproduce_command)
app.command("train")(train_command)
app.command("demo")(demo_command)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"affectmap {__version__}")
        raise typer.Exit()


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run the command and exit.

    Args:
        arguments: Words of the command line after the program's name; those of the process by default.
    """
    try:
        code = app(arguments, standalone_mode=True)
    except AffectmapError as error:
        code = _fail(str(error), 2 if isinstance(error, UsageError) else 1)
    except KeyboardInterrupt:
        code = _fail("stopped by Ctrl-C; nothing was half written, and a second run goes on from the cache")
    except BrokenPipeError:
        code = 1  # the reader of our output has left; there is nobody to tell
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        code = _fail(f"{where}{error.strerror or error}; free space or choose another place, and run it again")
    sys.exit(code or 0)


def _fail(line: str, code: int = 1) -> int:
    typer.echo(f"affectmap: error: {line}", err=True)
    return code
