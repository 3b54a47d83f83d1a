"""What ``affectmap annotate`` is told."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from pathlib import Path

from affectmap.errors import UsageError
from affectmap.web.settings import is_local

#: Longest name of a rater or an emotion class, in characters.
LONGEST_NAME = 60
#: Raters at most: more are a mistake on the command line.
MAX_RATERS = 1000
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})?")


@dataclass(frozen=True)
class AnnotatorSettings:
    """Which recordings are rated, by whom and how.

    Attributes:
        folder: The recordings; those in its subfolders count.
        labels: Where ratings and exports lie; by default the folder's name with ``-labels``, beside it.
        host: Address to listen on. From another machine, only links that hold a token and the organiser's
            password let anybody in, as on this one.
        port: 0 for a free one.
        raters: Names of the raters; those who are known already stay.
        seed: Of every rater's own order.
        repeat: Share of the recordings that every rater meets twice, 0..0.5.
        continuous: Whether ratings may lie between half steps.
        emotions: Classes to choose from; none by default.
        language: Code of the page's language; by default as the rater's browser asks.
        database: SQLAlchemy URL of PostgreSQL; by default a SQLite file in `labels`.
        training: CSV with ``file``, ``activation``, ``valence`` and, if wanted, ``note``; by default five utterances
            of synthetic speech.

    Raises:
        UsageError: If a setting is out of range or cannot be used.

    Example:
        >>> AnnotatorSettings(Path("speech"), raters=("Ada",)).labels_folder.name
        'speech-labels'
        >>> AnnotatorSettings(Path("speech"), repeat=2)
        Traceback (most recent call last):
        affectmap.errors.UsageError: --repeat is 2, expected a share from 0 to 0.5
    """

    folder: Path
    labels: Path | None = None
    host: str = "127.0.0.1"
    port: int = 8001
    raters: tuple[str, ...] = ()
    seed: int = 0
    repeat: float = 0.1
    continuous: bool = False
    emotions: tuple[str, ...] = ()
    language: str | None = None
    database: str | None = field(default=None, repr=False)
    training: Path | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.port <= 65535:
            raise UsageError(f"--port is {self.port}, expected 0 to 65535")
        if not (math.isfinite(self.repeat) and 0 <= self.repeat <= 0.5):
            raise UsageError(f"--repeat is {self.repeat:g}, expected a share from 0 to 0.5")
        if self.language is not None and not _LANGUAGE.fullmatch(self.language):
            raise UsageError(f"--language is {self.language!r}, expected a code such as en or ur")
        if len(self.raters) > MAX_RATERS:
            raise UsageError(f"--raters names {len(self.raters):,} raters, expected at most {MAX_RATERS:,}")
        for option, names in (("--raters", self.raters), ("--emotions", self.emotions)):
            for name in names:
                check_name(name, option)
            if len({name.casefold() for name in names}) < len(names):
                raise UsageError(f"{option} names one twice: {', '.join(names)}; name each once")

    @property
    def labels_folder(self) -> Path:
        """Where ratings and exports lie."""
        folder = self.folder.expanduser().absolute()
        return (self.labels or folder.with_name(f"{folder.name}-labels")).expanduser().absolute()

    @property
    def is_local(self) -> bool:
        """Whether only this machine can reach the pages."""
        return is_local(self.host)


def check_name(name: str, origin: str) -> None:
    """See that a rater or an emotion class can go by a name.

    Args:
        name: The name.
        origin: Where it was given, for the message.

    Raises:
        UsageError: If it is empty, too long, has spaces around it or characters that cannot be printed.

    Example:
        >>> check_name("Ada", "--raters")
    """
    if not name or name != name.strip() or not name.isprintable() or len(name) > LONGEST_NAME:
        raise UsageError(f"{origin}: {name[:LONGEST_NAME]!r} is no name; use 1 to {LONGEST_NAME} printable characters")
