"""What an optional part needs: is it installed, and if not, what to run."""

from __future__ import annotations

import importlib.util

from affectmap.errors import UsageError


def installed(module: str) -> bool:
    """Tell whether a module could be imported, without doing so."""
    return importlib.util.find_spec(module) is not None


def require(what: str, extra: str, *modules: str) -> None:
    """Make sure that the modules of an extra are installed.

    Args:
        what: What needs them, for the message.
        extra: The extra that brings them.
        *modules: Names that are imported.

    Raises:
        UsageError: If one is missing; the message says what to run.

    Example:
        >>> require("this example", "statistics", "json")
        >>> require("this example", "statistics", "json", "no_such_module")
        Traceback (most recent call last):
        affectmap.errors.UsageError: this example needs no_such_module; run pip install "affectmap[statistics]"
    """
    missing = [name for name in modules if not installed(name)]
    if missing:
        raise UsageError(f'{what} needs {", ".join(missing)}; run pip install "affectmap[{extra}]"')
