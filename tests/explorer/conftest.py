"""Recordings of the explorer's points."""

from __future__ import annotations

from pathlib import Path

import pytest
import soundfile

from conftest import make_voice
from explorer_rows import make_rows


@pytest.fixture(scope="session")
def spoken(tmp_path_factory) -> Path:
    """A folder of the recordings of `make_rows`; number 5 is missing, 6 is no audio."""
    folder = tmp_path_factory.mktemp("spoken")
    for row in make_rows(folder)["file"].unique():
        name = Path(row).name
        if name == "06.wav":
            Path(row).write_bytes(b"no audio at all")
        elif name != "05.wav":
            soundfile.write(row, make_voice(0.6, pitch=120 + 5 * len(name)), 16000)
    return folder
