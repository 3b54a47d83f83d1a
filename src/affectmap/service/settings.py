"""Settings and limits of the service. MB are millions of bytes."""

from __future__ import annotations

import os
from pathlib import Path

from pydantic import Field
from pydantic.dataclasses import dataclass

from affectmap.errors import UsageError
from affectmap.settings import CHECKED, Real, Whole
from affectmap.web.settings import ListenSettings

#: Longest utterance in seconds; a track takes what is longer, in little memory.
LONGEST_UTTERANCE_S = 300.0
#: Channels and Hz of a recording: a small compressed file must not unfold to gigabytes.
MAX_CHANNELS = 8
MAX_RATE = 96_000
#: Rows of a track, and windows that overlap at any time.
MAX_ROWS = 20_000
MAX_OVERLAP = 10
#: Recordings that wait, for each that is measured.
WAITING_EACH = 4
#: Voices measured live, for each recording that is measured at once.
LIVE_EACH = 2
#: Uploads under way at once.
UPLOADS = 64
#: Shortest token, in characters: shorter ones can be guessed.
SHORTEST_TOKEN = 16


@dataclass(frozen=True, kw_only=True, config=CHECKED)
class ServiceSettings(ListenSettings):
    """What ``affectmap serve`` serves, to whom, and how much.

    Raises:
        UsageError: If a setting is out of range, or the service would be open to others without a token.

    Example:
        >>> ServiceSettings(max_mb=10).max_bytes
        10000000
        >>> ServiceSettings(host="0.0.0.0")
        Traceback (most recent call last):
        affectmap.errors.UsageError: --host 0.0.0.0 lets other machines in; set a token by AFFECTMAP_TOKEN ...
    """

    host: str = Field(
        default="127.0.0.1", description="address to listen on; any other than this machine's own needs a token"
    )
    model: Path | None = Field(
        default=None, description="a shipped model, egemaps or whisper, or a model folder; egemaps if not given"
    )
    root: Path | None = Field(
        default=None, description="folder whose recordings may be named by path; none if not given"
    )
    token: str | None = Field(
        default=None,
        repr=False,
        description=f"what clients must send as 'Authorization: Bearer TOKEN', {SHORTEST_TOKEN} or more characters; "
        "better set by AFFECTMAP_TOKEN, which others on this machine cannot see",
    )
    max_mb: Real = Field(default=200.0, gt=0, le=100_000, description="largest upload in MB")
    max_minutes: Real = Field(default=120.0, gt=0, le=1440, description="longest recording in minutes")
    n_jobs: Whole = Field(
        default_factory=lambda: os.cpu_count() or 1,
        ge=1,
        le=256,
        description="recordings measured at once; one a core if not given",
    )

    def __post_init__(self) -> None:
        if self.root is not None and not self.root.is_dir():
            raise UsageError(f"--root {self.root} is not a folder; name one that holds recordings")
        make_one = 'python -c "import secrets; print(secrets.token_urlsafe())" makes one'
        if self.token is None:
            if not self.is_local:
                raise UsageError(
                    f"--host {self.host} lets other machines in; set a token by AFFECTMAP_TOKEN or --token; {make_one}"
                )
        elif len(self.token) < SHORTEST_TOKEN or not all("!" <= character <= "~" for character in self.token):
            raise UsageError(f"the token must be {SHORTEST_TOKEN} or more plain characters, no spaces; {make_one}")

    @property
    def max_bytes(self) -> int:
        """Largest upload in bytes."""
        return int(self.max_mb * 1e6)

    @property
    def max_waiting(self) -> int:
        """Recordings that may be waiting or measured together before a further upload is refused."""
        return self.n_jobs * (1 + WAITING_EACH)

    @property
    def max_uploads(self) -> int:
        """Uploads that may be under way together."""
        return max(UPLOADS, self.n_jobs)

    @property
    def max_live(self) -> int:
        """Voices that may be measured live together: each takes a small part of a core."""
        return LIVE_EACH * self.n_jobs

    @property
    def max_upload_bytes(self) -> int:
        """Bytes on disk of all uploads together, until they are measured."""
        return self.max_bytes * self.max_waiting
