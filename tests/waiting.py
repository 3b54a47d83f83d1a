"""Waiting in tests for something to become true."""

from __future__ import annotations

import time
from collections.abc import Callable


def until(
    holds: Callable[[], object],
    *ignored: type[Exception],
    seconds: float = 30,
    what: Callable[[], object] = lambda: "what was waited for",
) -> None:
    """Wait until a function gives something true; errors of the kinds `ignored` count as false."""
    end = time.monotonic() + seconds
    while True:
        try:
            if holds():
                return
        except ignored:
            pass
        assert time.monotonic() < end, f"it did not happen in time; there is {what()}"
        time.sleep(0.02)
