"""Work in threads: a fixed number at once, a bounded number that waits, and none for clients that hung up."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

from starlette.exceptions import HTTPException

T = TypeVar("T")


class AbandonedError(Exception):
    """The client hung up."""


class Jobs:
    """Threads of the service: `concurrency` jobs at once, `max_open` requests that upload, wait or are worked on.

    Example:
        >>> async def measure() -> int:
        ...     jobs = Jobs(1, 2)
        ...     with jobs.slot():
        ...         return await jobs.run(lambda abandoned: 7, asyncio.Event().wait())
        >>> asyncio.run(measure())
        7
    """

    def __init__(self, concurrency: int, max_open: int) -> None:
        self._pool = ThreadPoolExecutor(concurrency, thread_name_prefix="affectmap-serve")
        self._max_open, self.n_open = max_open, 0
        self._running: set[threading.Event] = set()

    @contextmanager
    def slot(self) -> Iterator[None]:
        """Take one of the slots for requests; refuse with 429 if all are taken."""
        if self.n_open >= self._max_open:
            detail = f"{self.n_open} recordings are measured or waiting; try again soon"
            raise HTTPException(429, detail, {"Retry-After": "2"})
        self.n_open += 1
        try:
            yield
        finally:
            self.n_open -= 1

    async def run(self, work: Callable[[threading.Event], T], hang_up: Coroutine[object, object, object]) -> T:
        """Do work in a thread until it is done or `hang_up` ends.

        Work gets an event that is set when the client has hung up; it then raises `AbandonedError`, as this does. Work
        that waits is dropped; what has begun has ended by then, so that its files may be deleted and its slot is free.
        """
        abandoned = threading.Event()
        future = self._pool.submit(work, abandoned)
        waiting, leaving = asyncio.wrap_future(future), asyncio.create_task(hang_up)
        self._running.add(abandoned)
        try:
            both: list[asyncio.Future[Any]] = [waiting, leaving]
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            if waiting.done():
                return waiting.result()
            raise AbandonedError
        finally:
            leaving.cancel()
            abandoned.set()
            if not future.cancel():
                await asyncio.wait({waiting})
                waiting.exception()  # so that it counts as seen
            self._running.discard(abandoned)

    def close(self) -> None:
        """Drop work that waits and stop what has begun."""
        for abandoned in list(self._running):
            abandoned.set()
        self._pool.shutdown(wait=True, cancel_futures=True)
