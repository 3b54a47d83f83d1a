"""Work in threads: a fixed number at once, a bounded number that waits, and none for clients that have gone."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from affectmap.web.refusal import RefusalError

T = TypeVar("T")


class AbandonedError(Exception):
    """Nobody waits for the result any more."""


class Jobs:
    """The threads of a service.

    Args:
        concurrency: Jobs at once.
        max_open: Requests that may upload, wait or be worked on together.

    Example:
        >>> async def measure() -> int:
        ...     jobs = Jobs(1, 2)
        ...     async with jobs.place():
        ...         return await jobs.run(lambda gone: 7, asyncio.Event().wait())
        >>> asyncio.run(measure())
        7
    """

    def __init__(self, concurrency: int, max_open: int) -> None:
        self._pool = ThreadPoolExecutor(concurrency, thread_name_prefix="affectmap-serve")
        self._max_open, self.n_open = max_open, 0
        self._running: set[threading.Event] = set()

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """Hold one of the places for requests.

        Raises:
            RefusalError: If all are taken.
        """
        if self.n_open >= self._max_open:
            raise RefusalError(
                429, f"{self.n_open} recordings are at work or waiting; try again soon", {"Retry-After": "2"}
            )
        self.n_open += 1
        try:
            yield
        finally:
            self.n_open -= 1

    async def run(self, work: Callable[[threading.Event], T], gone: Coroutine[object, object, None]) -> T:
        """Do work in a thread.

        Args:
            work: Called with an event that is set once nobody waits any more; it should then raise
                `AbandonedError`.
            gone: Ends when the client has hung up.

        Returns:
            What `work` returns; whatever it raises is raised.

        Raises:
            AbandonedError: If the client hung up. Work that waits is dropped; what has begun has ended by then, so that
                files may be deleted and the place is free.
        """
        stop = threading.Event()
        future = self._pool.submit(work, stop)
        waiting, leaving = asyncio.wrap_future(future), asyncio.create_task(gone)
        self._running.add(stop)
        try:
            both: list[asyncio.Future[Any]] = [waiting, leaving]
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            if waiting.done():
                return waiting.result()
            raise AbandonedError
        finally:
            leaving.cancel()
            stop.set()
            if not future.cancel():
                await asyncio.wait({waiting})
                waiting.exception()  # so that it counts as seen
            self._running.discard(stop)

    def close(self) -> None:
        """End: waiting work is dropped, and what has begun is told to stop."""
        for stop in list(self._running):
            stop.set()
        self._pool.shutdown(wait=True, cancel_futures=True)
