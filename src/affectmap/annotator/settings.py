"""Settings of ``affectmap annotate``."""

from __future__ import annotations

import re
from pathlib import Path

from pydantic import Field
from pydantic.dataclasses import dataclass

from affectmap.errors import UsageError
from affectmap.settings import CHECKED, Real, Switch, Whole
from affectmap.web.settings import ListenSettings, PublicUrl, parse_public_url

#: Longest name of a rater or an emotion class, in characters.
LONGEST_NAME = 60
#: Raters at most: more are a mistake on the command line.
MAX_RATERS = 1000
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})?")


@dataclass(frozen=True, config=CHECKED)
class AnnotatorSettings(ListenSettings):
    """Which recordings are rated, by whom and how.

    Raises:
        UsageError: If a setting is out of range or cannot be used.

    Example:
        >>> AnnotatorSettings(Path("speech"), raters=("Ada",)).labels_folder.name
        'speech-labels'
    """

    folder: Path = Field(description="folder of the recordings to rate; subfolders count")
    labels: Path | None = Field(
        default=None, description="folder where ratings are kept; FOLDER-labels, beside it, if not given"
    )
    host: str = Field(
        default="127.0.0.1",
        kw_only=True,
        description="address to listen on; from elsewhere, too, nobody gets in without a rater's link or the password",
    )
    port: Whole = Field(default=8001, ge=0, le=65535, kw_only=True, description="port to listen on; 0 for a free one")
    public_url: str | None = Field(
        default=None,
        kw_only=True,
        description="address under which a proxy on this machine shows the pages to others, such as "
        "https://example.org/ratings; links are printed with it",
    )
    raters: tuple[str, ...] = Field(default=(), description="names of the raters")
    seed: Whole = Field(default=0, description="seed of every rater's own order")
    repeat: Real = Field(default=0.1, ge=0, le=0.5, description="share of recordings that every rater meets twice")
    continuous: Switch = Field(default=False, description="let ratings lie between half steps, too")
    emotions: tuple[str, ...] = Field(default=(), description="classes to choose from; none if not given")
    language: str | None = Field(
        default=None, description="code of the page's language; as the rater's browser asks if not given"
    )
    database: str | None = Field(
        default=None,
        repr=False,
        description="PostgreSQL, as postgresql://user:password@host/name, or AFFECTMAP_DATABASE; a SQLite file in "
        "--ratings if not given",
    )
    training: Path | None = Field(
        default=None,
        description="CSV of up to five practice items: file, activation, valence, note; synthetic speech if not given",
    )

    first: tuple[str, ...] = Field(
        default=(), description="recordings that every rater meets before all others, by their paths in the folder"
    )

    def __post_init__(self) -> None:
        if self.public_url is not None:
            parse_public_url(self.public_url)
        if self.language is not None and not _LANGUAGE.fullmatch(self.language):
            raise UsageError(f"--language is {self.language!r}, expected a code such as en or ur")
        if len(self.raters) > MAX_RATERS:
            raise UsageError(f"--raters names {len(self.raters):,} raters, expected at most {MAX_RATERS:,}")
        for option, names in (("--raters", self.raters), ("--classes", self.emotions)):
            for name in names:
                check_name(name, option)
            if len({name.casefold() for name in names}) < len(names):
                raise UsageError(f"{option} names one twice: {', '.join(names)}; name each once")

    @property
    def public(self) -> PublicUrl | None:
        """Where a proxy shows the pages."""
        return parse_public_url(self.public_url) if self.public_url is not None else None

    @property
    def labels_folder(self) -> Path:
        """Folder of ratings and exports."""
        folder = self.folder.expanduser().absolute()
        return (self.labels or folder.with_name(f"{folder.name}-labels")).expanduser().absolute()


def check_name(name: str, origin: str) -> None:
    """Raise `UsageError` where neither rater nor class can go by a name; `origin` says where it was given."""
    if not name or name != name.strip() or not name.isprintable() or len(name) > LONGEST_NAME:
        raise UsageError(f"{origin}: {name[:LONGEST_NAME]!r} is no name; use 1 to {LONGEST_NAME} printable characters")
