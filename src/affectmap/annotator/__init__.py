"""Rating recordings in the browser: pages for raters and for who organises them, and a store that loses nothing."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from affectmap.annotator.settings import AnnotatorSettings

if TYPE_CHECKING:
    from affectmap.annotator.app import create_app
    from affectmap.annotator.store import Store, open_store

__all__ = ["AnnotatorSettings", "Store", "create_app", "open_store"]


def __getattr__(name: str) -> object:
    """Import the application and the store when they are asked for: settings need neither framework nor database."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"affectmap.annotator.{'app' if name == 'create_app' else 'store'}"), name)
