"""What the scripts here share: what is held out, where tables go, and the page that tables are put into."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

from folds import CORPORA, EARS

from affectmap.files import write_text
from affectmap.parallel.workers import mapped, n_workers
from affectmap.text import between_marks

HERE = Path(__file__).resolve().parent
PAGE = HERE.parents[1] / "docs" / "adaptation.md"
T = TypeVar("T")


def new_parser(description: str | None) -> argparse.ArgumentParser:
    """Declare the options of all scripts."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, nargs="?")
    parser.add_argument("--ears", nargs="+", choices=EARS, default=EARS)
    parser.add_argument("--corpora", nargs="+", choices=CORPORA, default=CORPORA)
    parser.add_argument("--n-jobs", type=int, default=2)
    parser.add_argument("--output", type=Path, default=HERE, help="where the tables go; the page needs them here")
    parser.add_argument("--page", action="store_true", help="write the page from the tables, no more")
    return parser


def parse(parser: argparse.ArgumentParser, write: Callable[[], None]) -> argparse.Namespace:
    """Parse the arguments and go to the folder of data; with ``--page`` write the page by `write`, and end."""
    arguments = parser.parse_args()
    if arguments.page:
        write()
        parser.exit()
    if arguments.data is None:
        parser.error("DATA is missing; give the folder of corpora/ and features/, or --page")
    arguments.output = arguments.output.absolute()
    arguments.output.mkdir(parents=True, exist_ok=True)
    os.chdir(arguments.data)
    return arguments


def write_page(page_tables: Callable[[Path], Iterable[tuple[str, str]]]) -> None:
    """Put tables that are made of the files here between their marks."""
    text = PAGE.read_text(encoding="utf-8")
    for name, table in page_tables(HERE):
        text = between_marks(text, name, table)
    write_text(PAGE, text)


def results(work: Sequence[Callable[[], T]], n_jobs: int) -> Iterator[T]:
    """Do the work, several at a time, and say how far it is."""
    began = time.monotonic()
    for number, found in enumerate(mapped(_called, work, n_jobs=n_workers(n_jobs)), start=1):
        print(f"{number} of {len(work)} after {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
        yield found


def _called(work: Callable[[], Any]) -> Any:  # noqa: ANN401
    return work()
