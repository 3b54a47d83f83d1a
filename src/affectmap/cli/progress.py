"""Notes and progress of a command, on the error stream, so that the output stays clean."""

from __future__ import annotations

import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress

#: Seconds between lines about progress where no terminal can show a bar.
EVERY_S = 10.0
_START = time.monotonic()
_shown = {"notes": True, "times": False}
_drawn: list[Progress] = []


def reset() -> None:
    """Show notes and no times, as a command does without -q and -v."""
    _shown.update(notes=True, times=False)


def set_quiet(wanted: bool) -> None:
    """Take -q: show nothing but errors."""
    if wanted:
        _shown["notes"] = False


def set_verbose(wanted: bool) -> None:
    """Take -v: show when each note was made, how long each step took, and warnings of libraries."""
    if wanted:
        _shown["times"] = True
        warnings.simplefilter("default")


def note(line: str) -> None:
    """Print a line on the error stream, unless -q is given."""
    if _shown["notes"]:
        typer.echo(f"{time.monotonic() - _START:7.1f} s  {line}" if _shown["times"] else line, err=True)


@contextmanager
def progress_bar(label: str, console: Console | None = None) -> Iterator[Callable[[int, int], None]]:
    """Show progress while the block runs: a bar on a terminal, else a line now and then.

    Args:
        label: What is being done, in a word or two.
        console: Where to draw; by default the error stream.

    Yields:
        A function of the numbers done and in total, to be called as the work goes on. What is done at the
        first call, such as rows found in a cache, does not count towards the estimate.

    Example:
        >>> with progress_bar("emodb") as progress:
        ...     for done in range(4):
        ...         progress(done, 3)
    """
    if not _shown["notes"]:
        yield lambda done, total: None
        return
    stream = sys.stderr if console is None else console.file
    is_terminal = stream.isatty() if console is None else console.is_terminal
    start, last = time.monotonic(), [0, 0]
    with _bar(label, console) if is_terminal else _lines(label) as show:

        def report(done: int, total: int) -> None:
            last[:] = done, total
            show(done, total)

        yield report
    if _shown["times"]:
        note(f"{label}: {last[0]:,} in {time.monotonic() - start:.1f} s")


@contextmanager
def _bar(label: str, console: Console | None) -> Iterator[Callable[[int, int], None]]:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn()
    )  # fmt: skip
    drawn_on = console or Console(file=sys.stderr)
    with Progress(*columns, console=drawn_on, transient=True, redirect_stdout=False) as bar:
        task, has_begun = bar.add_task(label, total=None), False

        def show(done: int, total: int) -> None:
            nonlocal has_begun
            if has_begun:
                bar.update(task, completed=done, total=total)
            else:  # the estimate begins with what was done by now
                bar.reset(task, completed=done, total=total)
            has_begun = True

        _drawn.append(bar)
        try:
            yield show
        finally:
            _drawn.remove(bar)


@contextmanager
def bar_hidden() -> Iterator[None]:
    """Take a bar that is drawn off the terminal while the block prints there."""
    if not (_drawn and sys.stdout.isatty()):
        yield
        return
    bar = _drawn[-1]
    bar.stop()
    try:
        yield
    finally:
        bar.start()


@contextmanager
def _lines(label: str) -> Iterator[Callable[[int, int], None]]:
    """Print a line every ten seconds, also while nothing is reported."""
    start, reports, ended = time.monotonic(), list[tuple[int, int]](), threading.Event()

    def tell() -> None:
        while not ended.wait(EVERY_S):
            spent = time.monotonic() - start
            if not reports:
                note(f"{label}: {spent:,.0f} s so far")
                continue
            (first, _), (done, total) = reports[0], reports[-1]
            left = f", about {spent * (total - done) / (done - first):,.0f} s left" if done > first else ""
            note(f"{label}: {done:,} of {total:,} after {spent:,.0f} s{left}")

    def show(done: int, total: int) -> None:
        reports[1:] = [(done, total)]

    teller = threading.Thread(target=tell, daemon=True)
    teller.start()
    try:
        yield show
    finally:
        ended.set()
        teller.join()
