"""Bring docstrings to what mkdocstrings knows: the section "Examples", and Markdown's blocks of code."""

from __future__ import annotations

import re

from griffe import Extension, Object

SECTION = re.compile(r"^(\s*)Example:$", flags=re.MULTILINE)
#: What comes before an indented block; Markdown wants one colon and an empty line.
BLOCK = re.compile(r"::$", flags=re.MULTILINE)


class Examples(Extension):
    """Change docstrings before mkdocstrings reads them."""

    def on_object(self, *, obj: Object, **_: object) -> None:
        """Change the docstring of a module, class, function or attribute."""
        if obj.docstring:
            obj.docstring.value = BLOCK.sub(":", SECTION.sub(r"\1Examples:", obj.docstring.value))
