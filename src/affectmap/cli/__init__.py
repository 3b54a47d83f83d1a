"""The command line: parsing and printing; the work is done by the modules below.

Data goes to stdout, notes and errors to stderr. Exit codes: 0 done, 1 the data or the disk is at fault, 2 the command
line or the settings are.
"""

from __future__ import annotations

import errno
import os
import signal
import sys
import warnings
from typing import Annotated, NoReturn, cast

import typer

from affectmap import __version__
from affectmap.cli import ratings
from affectmap.cli.adapt import adapt_command
from affectmap.cli.agreement import agreement_command
from affectmap.cli.annotate import annotate_command
from affectmap.cli.audit import audit_command
from affectmap.cli.corpora import corpora_command
from affectmap.cli.demo import demo_command
from affectmap.cli.embed import embed_command
from affectmap.cli.export import export_command
from affectmap.cli.reproduce import reproduce_command
from affectmap.cli.serve import serve_command
from affectmap.cli.track import track_command
from affectmap.cli.train import train_command
from affectmap.errors import AffectmapError, UsageError

app = typer.Typer(
    name="affectmap",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Speech in any language to a small, readable affect space: activation and valence.",
)
# In the order in which they are met; typer puts groups last.
app.command("demo", short_help="The whole protocol on synthetic speech.")(demo_command)
app.command("embed", short_help="Recordings on the map, with a model that is ready.")(embed_command)
app.command("adapt", short_help="That model for other recordings, without labels.")(adapt_command)
app.command("track", short_help="How a voice moves over an hour.")(track_command)
app.command("serve", short_help="embed and track over HTTP, with a page.")(serve_command)
app.command("corpora", short_help="What is supported, and what a folder or table holds.")(corpora_command)
app.command("audit", short_help="What to know before any figure is believed.")(audit_command)
app.command("reproduce", short_help="The whole protocol: tables, report and models.")(reproduce_command)
app.command("train", short_help="One embedder from all of the source.")(train_command)
app.command("export", short_help="A trained embedder without PyTorch.")(export_command)
app.command("annotate", short_help="Rate recordings in the browser, alone or in a team.")(annotate_command)
app.command("agreement", short_help="How far raters agree, and a gold standard.")(agreement_command)
app.add_typer(ratings.app, name="ratings", short_help="Raw ratings in and out of other formats.")

# Typer does not name the base of what it raises for a wrong command line.
_Misuse = cast(type[typer.BadParameter], typer.BadParameter.__mro__[1])
#: What typer makes of Ctrl-C.
_STOPPED = 130


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
    _keep_streams_clean()
    try:
        code = app(arguments, prog_name="affectmap", standalone_mode=False)
        if code == _STOPPED:
            raise KeyboardInterrupt
    except AffectmapError as error:
        code = _fail(str(error), 2 if isinstance(error, UsageError) else 1)
    except _Misuse as error:
        code = _tell_misuse(error)
    except (KeyboardInterrupt, typer.Abort):
        # Who presses again while threads and processes end means it.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        code = _fail("stopped by Ctrl-C; nothing was half written, and a second run goes on from the cache")
    except MemoryError as error:
        code = _fail(f"memory ran out{f' ({error})' if str(error) else ''}; use fewer --n-jobs, or a larger machine")
    except UnicodeEncodeError as error:
        code = _fail(
            f"a name holds {error.object[error.start : error.end]!r}, which is not UTF-8; rename file or folder"
        )
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        advice = "free space" if error.errno in (errno.ENOSPC, errno.EDQUOT) else "give access to it, or name another"
        code = _fail(f"{where}{error.strerror or error}; {advice}, and run it again")
    sys.exit(code or 0)


def _keep_streams_clean() -> None:
    """Let no character stop a run that the terminal cannot show, and no warning of a library reach the user."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    if not sys.warnoptions:
        warnings.simplefilter("ignore")
        os.environ["PYTHONWARNINGS"] = "ignore"  # for processes that share the work


def _tell_misuse(error: typer.BadParameter) -> int:
    if "\n" in error.format_message():  # no command at all: the message is the help
        error.show()
        return error.exit_code
    message = error.format_message().rstrip(".").replace("Value error, ", "")
    command = error.ctx.command_path if error.ctx else "affectmap"
    return _fail(f"{message[0].lower()}{message[1:]}; see {command} --help", error.exit_code)


def _fail(line: str, code: int = 1) -> int:
    typer.echo(f"affectmap: error: {' '.join(line.splitlines())}", err=True)
    return code
