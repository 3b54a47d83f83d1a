"""The command line: parsing and printing; the work is done by the modules below.

Data goes to stdout, notes and errors to stderr. Exit codes: 0 done, 1 the data or the disk is at fault, 2 the command
line or the settings are. A verb's module is imported when the verb is named, so that help comes at once.
"""

from __future__ import annotations

import errno
import importlib
import os
import signal
import sys
import threading
import warnings
from typing import Annotated, Any, NoReturn, cast

import typer
from typer.core import TyperGroup

from affectmap import __version__
from affectmap.cli import progress
from affectmap.errors import AffectmapError, UsageError

#: Verbs in the order in which they are met, and what each does.
VERBS = {
    "demo": "Run the whole protocol on synthetic speech.",
    "embed": "Embed recordings.",
    "voice": "Measure voices for people to read: pitch, noise, rate, pauses.",
    "adapt": "Adapt a model to unlabelled recordings.",
    "track": "Follow activation and valence through a long recording.",
    "serve": "Serve a model over HTTP, with a page.",
    "models": "List the models that come with it; fetch and pack their encoders.",
    "corpora": "List supported corpora, or what a folder or table contains.",
    "audit": "Check corpora before any result is believed.",
    "reproduce": "Run the whole protocol: tables, report and models.",
    "train": "Train a model on corpora.",
    "score": "Score a model on a labelled corpus.",
    "explore": "Show every utterance as a point that can be heard.",
    "export": "Export a model as an ONNX graph or for the Hugging Face Hub.",
    "annotate": "Rate recordings in the browser, alone or in a team.",
    "agreement": "Measure how far raters agree, and make a gold standard.",
    "ratings": "Convert raw ratings from and to other formats.",
}

#: Modules of verbs that have another's or a common one.
_MODULES = {
    "agreement": "ratings", "annotate": "web", "audit": "corpora", "demo": "reproduce", "export": "models",
    "models": "encoders", "serve": "web", "train": "models",
}  # fmt: skip


#: Former spellings of options, and what to write instead.
_RENAMED = {
    "annotate": {"--labels": "--ratings", "--emotions": "--classes"},
    "audit": {"--strict": "--fail"},
    "corpora": {"--json": "--format json"},
    "serve": {"--concurrency": "--n-jobs"},
    "track": {"--sampling-rate": "--stream-rate"},
}


class _Verbs(TyperGroup):
    """Verbs whose modules are imported when they are named; their help comes from `VERBS`."""

    def __init__(self, **attributes: Any) -> None:  # noqa: ANN401 (typer's own)
        super().__init__(**attributes)
        self.commands = dict.fromkeys(VERBS)  # type: ignore[assignment]  # the names alone

    def get_command(self, ctx: typer.Context, cmd_name: str) -> Any:  # type: ignore[override]  # noqa: ANN401
        if cmd_name not in VERBS:
            return None
        from affectmap.cli.options import build

        module = importlib.import_module(f"affectmap.cli.{_MODULES.get(cmd_name, cmd_name)}")
        return build(getattr(module, f"{cmd_name}_command"), cmd_name)

    def format_commands(self, ctx: typer.Context, formatter: Any) -> None:  # type: ignore[override]  # noqa: ANN401
        with formatter.section("Commands"):
            formatter.write_dl(list(VERBS.items()))


app = typer.Typer(
    name="affectmap",
    cls=_Verbs,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Speech in any language to a small, readable affect space: activation and valence.",
)
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
    _end_in_order()
    progress.reset()
    try:
        code = app(arguments, prog_name="affectmap", standalone_mode=False)
        if code == _STOPPED:
            raise KeyboardInterrupt
    except AffectmapError as error:
        code = _fail(str(error), 2 if isinstance(error, UsageError) else 1)
    except _Misuse as error:
        code = _report_misuse(error)
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


def _end_in_order() -> None:
    """Let the signals that end a process remove its temporary files and keep its cache, as Ctrl-C does."""

    def end(number: int, frame: object) -> None:
        if signal.getsignal(signal.SIGTERM) not in (end, signal.SIG_DFL):  # a server's, which ends it in its own way
            signal.raise_signal(signal.SIGTERM)
            return
        signal.signal(number, signal.SIG_DFL)  # who sends it again means it
        raise SystemExit(128 + number)

    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)):
            if signal.getsignal(number) is signal.SIG_DFL:  # nohup ignores one
                signal.signal(number, end)


def _keep_streams_clean() -> None:
    """Let no character stop a run that the terminal cannot show, and no warning of a library reach the user."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    if not sys.warnoptions:
        warnings.simplefilter("ignore")
        os.environ["PYTHONWARNINGS"] = "ignore"  # for processes that share the work


def _report_misuse(error: typer.BadParameter) -> int:
    if "\n" in error.format_message():  # no command at all: the message is the help
        error.show()
        return error.exit_code
    old = getattr(error, "option_name", "")
    if error.ctx and (new := _RENAMED.get(str(error.ctx.info_name), {}).get(old)):
        return _fail(f"{old} is called {new} now; write {new}", error.exit_code)
    message = error.format_message().rstrip(".").replace("Value error, ", "")
    command = error.ctx.command_path if error.ctx else "affectmap"
    return _fail(f"{message[0].lower()}{message[1:]}; see {command} --help", error.exit_code)


def _fail(line: str, code: int = 1) -> int:
    typer.echo(f"affectmap: error: {' '.join(line.splitlines())}", err=True)
    return code
