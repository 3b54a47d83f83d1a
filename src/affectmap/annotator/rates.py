"""How often somebody may ask: a bucket that fills slowly and holds a few requests for haste."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable

from affectmap.web.refusal import RefusalError

_MAX_KNOWN = 10_000


class Rates:
    """Limits requests by somebody's key.

    Args:
        per_s: Requests a second in the long run.
        burst: Requests at once.
        clock: Gives seconds.

    Example:
        >>> rates = Rates(per_s=1, burst=2, clock=lambda: 0.0)
        >>> rates.take("Ada"), rates.take("Ada")
        (None, None)
        >>> rates.take("Ada")
        Traceback (most recent call last):
        affectmap.web.refusal.RefusalError: too many requests; wait a moment
    """

    def __init__(self, per_s: float, burst: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_s, self._burst, self._clock = per_s, burst, clock
        self._left: dict[str, tuple[float, float]] = {}
        self._turn = threading.Lock()

    def take(self, key: str) -> None:
        """Count one request.

        Args:
            key: Who asks.

        Raises:
            RefusalError: With status 429 and ``Retry-After``, if it is one too many.
        """
        with self._turn:
            now = self._clock()
            left, then = self._left.get(key, (float(self._burst), now))
            left = min(self._burst, left + (now - then) * self._per_s)
            if left < 1:
                wait = math.ceil((1 - left) / self._per_s)
                raise RefusalError(429, "too many requests; wait a moment", {"Retry-After": str(wait)})
            if len(self._left) >= _MAX_KNOWN:
                self._left.clear()  # forgives everybody once in a long while, and holds little
            self._left[key] = (left - 1, now)
