"""What an evaluation says: one statement a thing."""

from __future__ import annotations

from typing import NamedTuple


class Statement(NamedTuple):
    """One thing that an evaluation says: what about, in words, and whether it has to be read first."""

    about: str
    words: str
    warns: bool = False
