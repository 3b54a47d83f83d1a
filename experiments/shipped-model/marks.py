"""Lines that are written again into pages."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from pathlib import Path

from affectmap.files import write_text


def between_marks(file: Path, name: str, content: str) -> None:
    """Put lines between a file's marks of that name, where it has them; indented like the marks."""
    text = file.read_text(encoding="utf-8")
    begin, end = f"<!-- {name}:begin -->\n", f"<!-- {name}:end -->"
    if begin not in text:
        return
    before, rest = text.split(begin)
    inside, after_it = rest.split(end)
    indent = inside.rpartition("\n")[2]
    write_text(file, f"{before}{begin}{textwrap.indent(content, indent)}{indent}{end}{after_it}")


def filled(lines: Sequence[str]) -> str:
    """Break items of a list where lines end."""
    return "".join(
        textwrap.fill(line, 120, initial_indent="- ", subsequent_indent="  ", break_on_hyphens=False) + "\n"
        for line in lines
    )
