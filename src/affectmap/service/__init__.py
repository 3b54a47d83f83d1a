"""The model over HTTP, with a page for the browser: the same numbers as ``affectmap embed`` and ``affectmap track``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from affectmap.service.settings import ServiceSettings

if TYPE_CHECKING:
    from affectmap.service.app import create_app

__all__ = ["ServiceSettings", "create_app"]


def __getattr__(name: str) -> object:
    """Import the application when it is asked for: settings need no web framework."""
    if name != "create_app":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from affectmap.service.app import create_app

    return create_app
