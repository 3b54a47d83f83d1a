"""Run the examples of pages in the order in which they stand, and write or compare what they print.

    python docs/site/executed.py docs/tutorials/*.md           # run, and write what came out into the pages
    python docs/site/executed.py --check docs/tutorials/*.md   # run, and fail where a page says something else

Every page gets an empty folder. Blocks ``sh`` are run by bash, blocks ``py`` in one Python for the page. A block
``text`` right after one is what that one printed. Compared are words, and numbers up to a tenth, or a tenth of their
size: results of training differ by the last digits from processor to processor.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from affectmap.files import write_text

BLOCK = re.compile(r"^```(sh|py)\n(.*?)^```\n(?:\n```text\n(.*?)^```\n)?", flags=re.MULTILINE | re.DOTALL)
NUMBER = re.compile(r"[-−+]?\d*\.?\d+")


class Printed(NamedTuple):
    """What a block of a page printed.

    Attributes:
        block: Its place in the page.
        text: What it printed now.
        known: What the page says, None where it says nothing.
    """

    block: re.Match[str]
    text: str
    known: str | None


class PageError(Exception):
    """A block of a page failed, or printed something else than the page says."""


def main(words: list[str]) -> None:
    """Run pages; write their output, or compare it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pages", nargs="+", type=Path)
    parser.add_argument("--check", action="store_true")
    given = parser.parse_args(words)
    for page in given.pages:
        print(f"== {page}", file=sys.stderr, flush=True)
        text = page.read_text(encoding="utf-8")
        with tempfile.TemporaryDirectory() as place:
            printed = list(run(text, Path(place)))
        if given.check:
            compare(page.name, printed)
        else:
            write_text(page, filled(text, printed))


def run(text: str, place: Path) -> Iterator[Printed]:
    """Run the blocks of a page in a folder."""
    namespace: dict[str, object] = {"__name__": "page"}
    for block in BLOCK.finditer(text):
        language, code, known = block.groups()
        with contextlib.chdir(place):
            printed = run_shell(code) if language == "sh" else run_python(code, namespace)
        shown = printed.replace(f"{place.resolve()}{os.sep}", "")
        yield Printed(block, re.sub(r"[ \t]+$", "", shown, flags=re.MULTILINE), known)


def run_shell(code: str) -> str:
    """Run lines by bash, with the programs of this Python's environment first; give what they print."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    environment = os.environ | {"PATH": path, "XDG_CACHE_HOME": str(Path.cwd() / ".cache"), "COLUMNS": "100"}
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise PageError(f"{code}fails with {done.returncode}: {done.stderr}")
    return done.stdout


def run_python(code: str, namespace: dict[str, object]) -> str:
    """Run Python in the namespace of a page; give what it prints."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(compile(code, "page", "exec"), namespace)
    return out.getvalue()


def filled(text: str, printed: list[Printed]) -> str:
    """Put what blocks printed behind them."""
    parts, end = [], 0
    for each in printed:
        code = f"```{each.block[1]}\n{each.block[2]}```\n"
        parts += [
            text[end : each.block.start()],
            code,
            f"\n```text\n{each.text.rstrip()}\n```\n" * bool(each.text.strip()),
        ]
        end = each.block.end()
    return "".join([*parts, text[end:]])


def compare(page: str, printed: list[Printed]) -> None:
    """Compare what blocks printed with what their page says.

    Raises:
        PageError: For the first block where words differ, or a number by more than a tenth.
    """
    for each in printed:
        found, known = each.text.strip(), (each.known or "").strip()
        if NUMBER.sub("#", " ".join(found.split())) != NUMBER.sub("#", " ".join(known.split())):
            raise PageError(f"{page}: {each.block[2]}prints\n{found}\nand not\n{known}")
        for now, then in zip(numbers(found), numbers(known), strict=True):
            if abs(now - then) > max(0.1, 0.1 * abs(then)):
                raise PageError(f"{page}: {each.block[2]}prints {now}, and not {then}:\n{found}")


def numbers(text: str) -> list[float]:
    """Give the numbers in a text.

    >>> numbers("UAR .62 (−0.1 to +.3)")
    [0.62, -0.1, 0.3]
    """
    return [float(number.replace("−", "-")) for number in NUMBER.findall(text)]


if __name__ == "__main__":
    main(sys.argv[1:])
