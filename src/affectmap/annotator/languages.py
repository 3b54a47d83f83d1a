"""Languages of the rating page: one JSON file each in ``static/languages``; one more file is one more language."""

from __future__ import annotations

import json
from importlib import resources


def languages() -> list[dict[str, str]]:
    """List the languages.

    Returns:
        Code, name in the language itself and direction (``ltr`` or ``rtl``) of each, by code.

    Example:
        >>> isinstance(languages(), list)
        True
    """
    folder = resources.files("affectmap.annotator").joinpath("static", "languages")
    if not folder.is_dir():
        return []
    found = []
    for file in sorted(folder.iterdir(), key=lambda file: file.name):
        code, _, kind = file.name.rpartition(".")
        if kind == "json":
            words = json.loads(file.read_text(encoding="utf-8"))
            found.append({"code": code, "name": words["name"], "direction": words["direction"]})
    return found
