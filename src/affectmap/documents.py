"""Documents of strangers, YAML, JSON and TOML: their size and nesting are known before anything is built of them.

A file of a few kilobytes can ask for gigabytes, or for hours: by references to itself, lists within lists, names with
thousands of dots, numbers of a million digits. Documents of affectmap have none of these.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import yaml

#: Largest document in bytes, unless the reader of a kind allows more.
MAX_BYTES = 1 << 20
#: Levels of lists and tables within each other, far more than is needed.
MAX_DEPTH = 20
#: Values, lists and tables of YAML, whose reader is slow.
MAX_VALUES = 50_000
#: Digits of a number, and parts of a name with dots.
MAX_DIGITS = 1000
MAX_PARTS = 32

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_NUMBER = re.compile(r"[-+0-9.:_]*")
_PART = r"(?:[\w-]++|\"[^\"\n]*\"|'[^'\n]*')"
_DOTTED = re.compile(rf"(?<![\w-]){_PART}(?:[ \t]*\.[ \t]*{_PART}){{{MAX_PARTS}}}")


class DocumentError(ValueError):
    """A document is damaged or too much; the message says why in a few words, without the file."""


def parse_yaml(content: bytes, *, references: bool = False, scale: int = 1) -> Any:  # noqa: ANN401 (anything)
    r"""Read YAML, as `yaml.safe_load` does.

    Args:
        content: The text.
        references: Whether parts may be referred to, as in files of other programs; they count as often as they stand.
        scale: By how much the limits of bytes and values are larger, for a kind that may be long.

    Raises:
        DocumentError: If it is damaged, too large, nested too deeply, or refers to itself.

    Example:
        >>> parse_yaml(b"speaker: [1, 2]")
        {'speaker': [1, 2]}
        >>> parse_yaml(b"a: &many [x, x]\nb: [*many, *many]")
        Traceback (most recent call last):
        affectmap.documents.DocumentError: it refers to another part of itself
    """
    return _parsed(partial(_build_yaml, references, scale * MAX_VALUES), content, scale)


def _build_yaml(references: bool, max_values: int, content: bytes) -> Any:  # noqa: ANN401
    depth = 0
    for number, event in enumerate(yaml.parse(content, _LOADER)):
        if number > max_values:
            raise DocumentError(f"it has more than {max_values:,} values")
        if isinstance(event, yaml.AliasEvent) and not references:
            raise DocumentError("it refers to another part of itself")
        # Numbers to the base of 60, as in 1:30:00, take quadratic time.
        if isinstance(event, yaml.ScalarEvent) and len(event.value) > MAX_DIGITS and _NUMBER.fullmatch(event.value):
            raise DocumentError(f"it has a number of more than {MAX_DIGITS} digits")
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH:
            raise DocumentError(f"its lists lie in each other more than {MAX_DEPTH} times")
    document = yaml.load(content, _LOADER)
    if references and _size(document, {}, 0) > max_values:
        raise DocumentError(f"it has more than {max_values:,} values, written as references")
    return document


def _size(document: object, known: dict[int, int], depth: int) -> int:
    """Count the values of a document whose parts may stand in it many times, or within themselves."""
    if not isinstance(document, (dict, list)):
        return 1
    if depth > MAX_DEPTH:
        raise RecursionError
    if id(document) not in known:
        held = document.values() if isinstance(document, dict) else document
        known[id(document)] = 1 + sum(_size(each, known, depth + 1) for each in held)
    return known[id(document)]


def parse_json(content: bytes) -> Any:  # noqa: ANN401 (anything that JSON has)
    """Read JSON; raise `DocumentError` if it is damaged, too large, or nested too deeply."""
    return _parsed(json.loads, content)


def parse_toml(content: bytes) -> dict[str, Any]:
    """Read TOML; raise `DocumentError` if it is damaged, too large, or nested too deeply."""
    found: dict[str, Any] = _parsed(_build_toml, content)
    return found


def _build_toml(content: bytes) -> dict[str, Any]:
    text = content.decode("utf-8-sig")
    if _DOTTED.search(text):
        raise DocumentError(f"it has a name of more than {MAX_PARTS} parts")
    return tomllib.loads(text)


def read_start(file: Path, scale: int = 1) -> bytes:
    """Read a file, but no more of it than shows that it is too large."""
    with file.open("rb") as handle:
        return handle.read(scale * MAX_BYTES + 1)


def _parsed(build: Callable[[bytes], Any], content: bytes, scale: int = 1) -> Any:  # noqa: ANN401
    if len(content) > scale * MAX_BYTES:
        raise DocumentError(f"it has more than {scale * MAX_BYTES:,} bytes")
    try:
        document = build(content)
        _check_depth(document)
    except RecursionError as error:
        raise DocumentError(f"its lists lie in each other more than {MAX_DEPTH} times") from error
    # A date that is none, a key that is a list, a number with too many digits: each library has errors of its own.
    except (yaml.YAMLError, ValueError, TypeError, AttributeError, OverflowError, LookupError) as error:
        raise DocumentError(first_line(error)) from error
    return document


def _check_depth(document: object) -> None:
    level = [document]
    for _ in range(MAX_DEPTH + 1):
        held = [each for each in level if isinstance(each, (dict, list))]
        if not held:
            return
        level = [value for each in held for value in (each.values() if isinstance(each, dict) else each)]
    raise DocumentError(f"its lists lie in each other more than {MAX_DEPTH} times")


def first_line(error: Exception) -> str:
    """Give the first line of an error's message, or its kind where it has none."""
    return next(iter(str(error).strip().splitlines()), type(error).__name__)
