"""Lines that are written again into pages."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from pathlib import Path

from affectmap.files import write_text
from affectmap.text import between_marks


def write_between_marks(file: Path, name: str, content: str) -> None:
    """Put lines between a file's marks of that name."""
    write_text(file, between_marks(file.read_text(encoding="utf-8"), name, content))


def filled(lines: Sequence[str]) -> str:
    """Break items of a list where lines end."""
    return "".join(
        textwrap.fill(line, 120, initial_indent="- ", subsequent_indent="  ", break_on_hyphens=False) + "\n"
        for line in lines
    )
