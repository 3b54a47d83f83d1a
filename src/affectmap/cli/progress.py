"""A bar for work that takes a while, on the error stream, so that the output stays clean."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn


@contextmanager
def progress_bar(label: str, console: Console | None = None) -> Iterator[Callable[[int, int], None]]:
    """Show a bar with the time left while the block runs; nothing is shown where there is no terminal.

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
    console = console or Console(file=sys.stderr)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    tasks: list[TaskID] = []
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:

        def _show(done: int, total: int) -> None:
            if tasks:
                bar.update(tasks[0], completed=done, total=total)
            else:
                tasks.append(bar.add_task(label, completed=done, total=total))

        yield _show
