"""joblib's Dask backend, which says so when a task is lost; joblib alone would wait for it without end."""

from __future__ import annotations

import concurrent.futures
import textwrap
from asyncio import CancelledError
from collections.abc import Callable
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from joblib._dask import DaskDistributedBackend

from affectmap.parallel.workers import WorkersError

if TYPE_CHECKING:
    from distributed import Client

ADVICE = "what was measured is in the cache; start workers, and run it again"


def one_line(error: BaseException) -> str:
    r"""Give the message of an error, or its name, in one line of at most 160 characters.

    Example:
        >>> one_line(OSError("no route\nto host."))
        'no route to host'
    """
    return textwrap.shorten(str(error) or type(error).__name__, 160, placeholder=" ...").rstrip(".")


class _Lost:
    """Takes the place of a result that will not come."""

    def __init__(self, error: BaseException) -> None:
        self.error = error


class DaskBackend(DaskDistributedBackend):  # type: ignore[misc]
    """Runs what joblib gives it on a Dask cluster; made and used by `affectmap.parallel.cluster.work_on`.

    Args:
        client: A connected client.
    """

    def __init__(self, client: Client) -> None:
        super().__init__(client=client)
        self.callbacks: dict[Future[Any], Callable[[Any], None]] = {}

    def effective_n_jobs(self, n_jobs: int) -> int:
        """Give the threads of all workers, and 2 for one: joblib does the work of a single one on this machine."""
        try:
            n_threads = int(super().effective_n_jobs(n_jobs))
        except (TimeoutError, OSError) as error:
            raise WorkersError(f"no worker of the cluster is left; {ADVICE}") from error
        return max(2, n_threads)

    def get_nested_backend(self) -> tuple[DaskBackend, int]:
        """Give the backend of maps within tasks."""
        return self, -1

    def start_call(self) -> None:
        """Begin a map; tasks of the last one may have been a thousand times shorter."""
        self.reset_batch_stats()
        super().start_call()

    def submit(self, func: Callable[[], Any], callback: Callable[[Any], None]) -> Future[Any]:
        """Send a batch of tasks."""
        future: Future[Any] = super().submit(func, callback)
        self.callbacks[future] = callback
        future.add_done_callback(self._settle)
        return future

    def _settle(self, future: Future[Any]) -> None:
        callback, error = self.callbacks.pop(future, None), future.exception()
        if callback and error:
            callback(_Lost(error))

    def give_up(self, error: BaseException) -> None:
        """End the call under way, if there is one."""
        for future in list(self.callbacks):
            callback = self.callbacks.pop(future, None)
            if callback:
                callback(_Lost(error))

    def retrieve_result_callback(self, out: Any) -> Any:  # noqa: ANN401 (whatever was mapped)
        """Give the results of a batch, or raise why there are none."""
        if isinstance(out, _Lost):
            raise _explained(out.error) from out.error
        if isinstance(out, (CancelledError, concurrent.futures.CancelledError)):  # nobody here cancels
            raise WorkersError(f"the connection to the cluster was lost ({one_line(out)}); {ADVICE}") from out
        return super().retrieve_result_callback(out)

    def abort_everything(self, ensure_ready: bool = True) -> None:
        """End a map: nobody waits for its tasks any more."""
        self.callbacks.clear()
        super().abort_everything(ensure_ready)


def _explained(error: BaseException) -> WorkersError:
    from distributed.scheduler import KilledWorker

    if isinstance(error, WorkersError):
        return error
    if isinstance(error, KilledWorker):
        return WorkersError(
            f"a task ended {error.allowed_failures + 1} workers, one after another, most often for want of memory; "
            "give workers more, or fewer threads; what was measured is in the cache"
        )
    return WorkersError(f"the cluster lost a task ({type(error).__name__}: {one_line(error)}); {ADVICE}")
