"""Who may upload, and whose recording is measured: counted apart, so that slow uploads keep no recording waiting.

Conventions: a request that finds no place is refused with 429 and ``Retry-After``; whoever was let in with an upload is
measured once it has come.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any, TypeVar

from starlette.exceptions import HTTPException

from affectmap.web.server import SLOWEST_BODY

#: Seconds after which an upload that comes too slowly gives its place to another.
FAIR_S = 2.0
_AGAIN = {"Retry-After": "2"}
T = TypeVar("T")


class AbandonedError(Exception):
    """The client hung up."""


class Upload:
    """An upload under way: since when it comes, and how much of it came."""

    def __init__(self, count: Callable[[int], None]) -> None:
        self.n_bytes, self._start, self._count = 0, time.monotonic(), count
        #: Ends the upload when it is rescheduled.
        self.limit = asyncio.timeout(None)

    def count(self, n_bytes: int) -> None:
        """Count bytes that are about to be written; refuse those that do not fit beside all others (429)."""
        self._count(n_bytes)
        self.n_bytes += n_bytes

    @property
    def age_s(self) -> float:
        """Seconds since it began."""
        return time.monotonic() - self._start

    @property
    def is_slow(self) -> bool:
        """Whether it had its time and came more slowly than is asked for."""
        return self.age_s > FAIR_S and self.n_bytes < SLOWEST_BODY * self.age_s


class Uploads:
    """Places of uploads under way, and the room that they take on disk until they are measured.

    Args:
        max_open: Uploads at once. One more takes the place of the slowest that is too slow.
        max_bytes: Bytes of all uploads that are under way or wait to be measured.

    Example:
        >>> async def send() -> int:
        ...     uploads = Uploads(max_open=1, max_bytes=100)
        ...     with uploads.kept() as upload:
        ...         async with uploads.arriving(upload):
        ...             upload.count(60)
        ...         return uploads.n_bytes
        >>> asyncio.run(send())
        60
    """

    def __init__(self, max_open: int, max_bytes: int) -> None:
        self._max_open, self._max_bytes = max_open, max_bytes
        self._arriving: set[Upload] = set()
        self.n_bytes = 0

    @property
    def n_open(self) -> int:
        """Uploads under way."""
        return len(self._arriving)

    @contextmanager
    def kept(self) -> Iterator[Upload]:
        """Count what an upload takes on disk until the context ends."""
        upload = Upload(self._count)
        try:
            yield upload
        finally:
            self.n_bytes -= upload.n_bytes

    def _count(self, n_bytes: int) -> None:
        if self.n_bytes + n_bytes > self._max_bytes:
            detail = f"{self.n_bytes / 1e6:,.0f} MB of recordings wait here; try again soon"
            raise HTTPException(429, detail, _AGAIN)
        self.n_bytes += n_bytes

    @asynccontextmanager
    async def arriving(self, upload: Upload) -> AsyncIterator[None]:
        """Take a place for an upload until it has come.

        Raises:
            HTTPException: If all places are taken by uploads that come fast enough (429), or another upload took this
                one's place because it comes too slowly (408).
        """
        self._make_room()
        self._arriving.add(upload)
        try:
            async with upload.limit:
                yield
        except TimeoutError:
            rate = f"{SLOWEST_BODY / 1000:g} kB a second"
            raise HTTPException(
                408, f"the recording comes at less than {rate} while others wait; send it again"
            ) from None
        finally:
            self._arriving.discard(upload)

    def _make_room(self) -> None:
        if len(self._arriving) < self._max_open:
            return
        slow = [upload for upload in self._arriving if upload.is_slow]
        if not slow:
            raise HTTPException(429, f"{len(self._arriving)} recordings are uploaded; try again soon", _AGAIN)
        slowest = min(slow, key=lambda upload: upload.n_bytes / upload.age_s)
        self._arriving.discard(slowest)
        slowest.limit.reschedule(asyncio.get_running_loop().time())


class Jobs:
    """Threads of the service: `n_jobs` jobs at once, others wait.

    Args:
        n_jobs: Jobs at once.
        max_open: Jobs, waiting ones included, at which no further upload is begun.

    Example:
        >>> async def measure() -> int:
        ...     jobs = Jobs(1, 2)
        ...     jobs.check_room()
        ...     return await jobs.run(lambda abandoned: 7, asyncio.Event().wait())
        >>> asyncio.run(measure())
        7
    """

    def __init__(self, n_jobs: int, max_open: int) -> None:
        self._pool = ThreadPoolExecutor(n_jobs, thread_name_prefix="affectmap-serve")
        self._max_open = max_open
        self._open: set[threading.Event] = set()

    @property
    def n_open(self) -> int:
        """Jobs under way and waiting."""
        return len(self._open)

    def check_room(self) -> None:
        """Refuse with 429 a request that would have to wait for too many others."""
        if self.n_open >= self._max_open:
            raise HTTPException(429, f"{self.n_open} recordings are measured or waiting; try again soon", _AGAIN)

    async def run(self, work: Callable[[threading.Event], T], hang_up: Coroutine[object, object, object]) -> T:
        """Do work in a thread until it is done or `hang_up` ends.

        Work gets an event that is set when the client has hung up; it then raises `AbandonedError`, as this does. Work
        that waits is dropped; what has begun has ended by then, so that its files may be deleted.
        """
        abandoned = threading.Event()
        future = self._pool.submit(work, abandoned)
        waiting, leaving = asyncio.wrap_future(future), asyncio.create_task(hang_up)
        self._open.add(abandoned)
        try:
            both: list[asyncio.Future[Any]] = [waiting, leaving]
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            if waiting.done():
                return waiting.result()
            raise AbandonedError
        except asyncio.CancelledError:  # the server ends, and waits no longer
            raise HTTPException(503, "the server is ending; try again soon", _AGAIN) from None
        finally:
            leaving.cancel()
            abandoned.set()
            waiting.add_done_callback(_count_as_seen)
            if not future.cancel():
                with suppress(asyncio.CancelledError):
                    await asyncio.wait({waiting})
            self._open.discard(abandoned)

    def close(self) -> None:
        """Drop work that waits and stop what has begun."""
        for abandoned in list(self._open):
            abandoned.set()
        self._pool.shutdown(wait=True, cancel_futures=True)


def _count_as_seen(done: asyncio.Future[Any]) -> None:
    if not done.cancelled():
        done.exception()
