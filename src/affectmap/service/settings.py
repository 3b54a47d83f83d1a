"""Settings of the service, what it lets in at most, and how it says no.

Conventions: every refusal is a `RefusalError` with a status of 4xx and one sentence for people. MB are millions
of bytes.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

import soundfile

from affectmap.audio.reading import UNREADABLE, promised_share, unreadable
from affectmap.errors import UsageError
from affectmap.web.refusal import RefusalError
from affectmap.web.settings import is_local

#: An utterance lasts seconds; what is longer is told to be a recording, which a track measures in little memory.
LONGEST_UTTERANCE_S = 300.0
#: Channels and Hz of a recording: a small compressed file must not unfold to gigabytes.
MAX_CHANNELS = 8
MAX_RATE = 96_000
#: Rows of a track, and windows over each moment.
MAX_ROWS = 20_000
MAX_OVERLAP = 10
#: Bytes of a JSON body.
MAX_JSON = 65_536
#: A body may take this many seconds, and beyond them comes at this many bytes a second or is given up.
PATIENCE_S = 20.0
SLOWEST_BODY = 100_000
#: Requests that wait or upload, for each that is measured.
WAITING_EACH = 4
#: Shortest token, in characters: shorter ones can be guessed.
SHORTEST_TOKEN = 16


@dataclass(frozen=True)
class ServiceSettings:
    """What ``affectmap serve`` is told.

    Attributes:
        host: Address to listen on. Any other than this machine's own (loopback) needs a token.
        port: 0 for a free one.
        model: Folder of the model; by default the one that comes with the package.
        root: Folder whose recordings may be named by path; by default none may.
        token: What clients must send as ``Authorization: Bearer …``.
        max_mb: Largest upload in MB.
        max_minutes: Longest recording.
        concurrency: Recordings measured at once; by default one a core.

    Raises:
        UsageError: If a setting is out of range, or the service would be open to others without a token.

    Example:
        >>> ServiceSettings(max_mb=10).max_bytes
        10000000
        >>> ServiceSettings(host="0.0.0.0")
        Traceback (most recent call last):
        affectmap.errors.UsageError: --host 0.0.0.0 lets other machines in; set a token by AFFECTMAP_TOKEN ...
    """

    host: str = "127.0.0.1"
    port: int = 8000
    model: Path | None = None
    root: Path | None = None
    token: str | None = field(default=None, repr=False)
    max_mb: float = 200.0
    max_minutes: float = 120.0
    concurrency: int = field(default_factory=lambda: os.cpu_count() or 1)

    def __post_init__(self) -> None:
        if not 0 <= self.port <= 65535:
            raise UsageError(f"--port is {self.port}, expected 0 to 65535")
        for name, value, most in (("--max-mb", self.max_mb, 100_000), ("--max-minutes", self.max_minutes, 1440)):
            if not 0 < value <= most:
                raise UsageError(f"{name} is {value:g}, expected more than 0 and at most {most:,}")
        if not 1 <= self.concurrency <= 256:
            raise UsageError(f"--concurrency is {self.concurrency}, expected 1 to 256")
        if self.root is not None and not self.root.is_dir():
            raise UsageError(f"--root {self.root} is not a folder; name one that holds recordings")
        self._check_token()

    def _check_token(self) -> None:
        make_one = 'python -c "import secrets; print(secrets.token_urlsafe())" makes one'
        if self.token is None:
            if not self.is_local:
                raise UsageError(
                    f"--host {self.host} lets other machines in; set a token by AFFECTMAP_TOKEN or --token; {make_one}"
                )
        elif len(self.token) < SHORTEST_TOKEN or not all("!" <= character <= "~" for character in self.token):
            raise UsageError(f"the token must be {SHORTEST_TOKEN} or more plain characters, no spaces; {make_one}")

    @property
    def is_local(self) -> bool:
        """Whether only this machine can reach the service."""
        return is_local(self.host)

    @property
    def max_bytes(self) -> int:
        """Largest upload in bytes."""
        return int(self.max_mb * 1e6)

    @property
    def max_waiting(self) -> int:
        """Requests that may be uploading, waiting or measured together."""
        return self.concurrency * (1 + WAITING_EACH)


def check_recording(file: Path, longest_s: float, advice: str) -> float:
    """Look at a recording's head and refuse one that would take too much time or memory.

    Args:
        file: Path of the recording.
        longest_s: Seconds allowed.
        advice: What to do with a longer one.

    Returns:
        Its length in seconds, as its head has it.

    Raises:
        AudioError: If it cannot be read.
        RefusalError: If it is too long, or has too many channels or too high a rate.

    Example:
        >>> import numpy as np, tempfile
        >>> file = Path(tempfile.mkdtemp()) / "hum.wav"
        >>> soundfile.write(file, np.zeros(32000), 16000)
        >>> check_recording(file, 60, "cut it")
        2.0
        >>> check_recording(file, 1, "cut it")
        Traceback (most recent call last):
        affectmap.web.refusal.RefusalError: the recording lasts 2 s, at most 1 s are taken here; cut it
    """
    promised_share(file)
    try:
        with soundfile.SoundFile(file) as sound:
            n_samples, rate, n_channels = int(sound.frames), int(sound.samplerate), int(sound.channels)
    except UNREADABLE as error:
        raise unreadable(file, error) from error
    duration_s = n_samples / rate
    if duration_s > longest_s:
        raise RefusalError(
            413, f"the recording lasts {duration_s:,.0f} s, at most {longest_s:,.0f} s are taken here; {advice}"
        )
    if n_channels > MAX_CHANNELS:
        raise RefusalError(
            422, f"the recording has {n_channels} channels, expected at most {MAX_CHANNELS}; keep the voice's"
        )
    if rate > MAX_RATE:
        raise RefusalError(422, f"the recording has {rate} samples a second, expected at most {MAX_RATE}; resample it")
    return duration_s
