"""One map through joblib for everything that is done to many files, folds or models.

Locally it runs on threads or processes; within `affectmap.parallel.cluster.work_on`, or any ``joblib.parallel_config``
whose backend is not one of joblib's own, on the workers of a cluster. Results are the same wherever they come from.

Conventions:
    * What is mapped is a function of a module and takes one item that can be pickled and carries little.
    * Nothing that a worker returns is kept by it: the caller alone writes.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import BrokenExecutor, Future, ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from functools import cache
from typing import Any, Literal, TypeVar

import joblib
from joblib.parallel import BACKENDS, ParallelBackendBase, get_active_backend
from threadpoolctl import ThreadpoolController

from affectmap.errors import AffectmapError

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


class WorkersError(AffectmapError):
    """Processes, machines or the memory that the work needs are gone."""


class _AbortError(Exception):
    """Nobody wants the results any more."""


class _Threads(ParallelBackendBase):  # type: ignore[misc]
    """Threads that Python awaits when it exits.

    joblib's own are daemons: interrupted within openSMILE's C++ they make Python abort.
    """

    uses_threads = True
    supports_sharedmem = True
    supports_retrieve_callback = True

    def __init__(self, n_threads: int) -> None:
        super().__init__(nesting_level=0)
        self.n_threads, self.pool, self.ended = n_threads, ThreadPoolExecutor(n_threads), False

    def effective_n_jobs(self, n_jobs: int) -> int:
        return self.n_threads

    def submit(self, func: Callable[[], Any], callback: Callable[[Future[Any]], None]) -> Future[Any]:
        try:
            future = self.pool.submit(func)
        except RuntimeError:  # a thread that goes on to the next task while another one ends the work
            return Future()
        future.add_done_callback(callback)
        return future

    def retrieve_result_callback(self, out: Future[Any]) -> Any:  # noqa: ANN401 (whatever was mapped)
        return out.result()

    def abort_everything(self, ensure_ready: bool = True) -> None:
        self.ended = True
        self.pool.shutdown(wait=False, cancel_futures=True)

    def start_call(self) -> None:
        if self.ended:  # work submitted now would never be done
            raise WorkersError("these threads were ended by an error or an interrupt; make new ones for more work")


@contextmanager
def local_threads(n_threads: int) -> Iterator[ParallelBackendBase]:
    """Give threads of this process; when the block ends, however it ends, tasks under way are awaited.

    Args:
        n_threads: How many, ≥ 1.

    Yields:
        A backend for `completed`. After an interrupted map it takes no more work.

    Example:
        >>> with local_threads(2) as threads:
        ...     mapped(abs, [-1, 2, -3], backend=threads)
        [1, 2, 3]
    """
    threads = _Threads(n_threads)
    try:
        yield threads
    finally:
        threads.pool.shutdown(cancel_futures=True)


def on_cluster() -> bool:
    """Say whether work goes to a cluster: whether the active backend is none of joblib's local ones.

    Example:
        >>> on_cluster()
        False
    """
    local = [BACKENDS[name] for name in ("loky", "multiprocessing", "sequential", "threading") if name in BACKENDS]
    return type(get_active_backend()[0]) not in {*local, _Threads}


def n_workers(n_jobs: int | None = None) -> int:
    """Say for how many workers to split work.

    Args:
        n_jobs: Cores of this machine, all by default; it has no say on a cluster.

    Returns:
        That number, or the threads of all workers of the cluster.

    Raises:
        WorkersError: If the cluster has no worker.

    Example:
        >>> n_workers(3)
        3
    """
    return int(joblib.effective_n_jobs(-1)) if on_cluster() else n_jobs or int(joblib.cpu_count())


def completed(
    function: Callable[[_Item], _Result],
    items: Iterable[_Item],
    *,
    n_jobs: int | None = None,
    backend: ParallelBackendBase | None = None,
    batch_size: int | Literal["auto"] = 1,
) -> Generator[tuple[int, _Result]]:
    """Map a function over items; give results as they are completed, with only a few items ahead.

    Wrap it in `contextlib.closing` where the loop may end early: tasks that nobody awaits are cancelled
    then, on a cluster when its connection is closed.

    Args:
        function: Of a module, so that it can be pickled.
        items: What it takes, one at a time.
        n_jobs: Processes of this machine, one a core by default; 1 keeps the work in this process, and any other
            number means nothing on a cluster.
        backend: Of `local_threads`; by default the active one: processes, or a cluster.
        batch_size: Items sent together; ``auto`` for many that take a fraction of a second each.

    Yields:
        Number of the item, from 0, and its result.

    Raises:
        WorkersError: If workers, processes or memory are gone; other errors are those of `function`.

    Example:
        >>> sorted(completed(abs, [-1, 2, -3], n_jobs=1))
        [(0, 1), (1, 2), (2, 3)]
    """
    # One tuple a task: joblib's Dask backend would keep larger arguments on single workers, to be lost with them.
    tasks = (joblib.delayed(_numbered)((function, number, item)) for number, item in enumerate(items))
    with _told():
        results = joblib.Parallel(
            n_jobs=-1 if backend else n_workers(n_jobs),
            backend="sequential" if n_jobs == 1 and not backend else backend,
            return_as="generator_unordered",
            batch_size=batch_size,
        )(tasks)
        try:
            for result in results:  # noqa: UP028 (a generator that is delegated to would be closed before)
                yield result
        except GeneratorExit:
            with suppress(_AbortError):  # closing it would warn of work that was thrown away, which is meant
                results.throw(_AbortError())
            raise


def mapped(
    function: Callable[[_Item], _Result],
    items: Iterable[_Item],
    *,
    n_jobs: int | None = None,
    backend: ParallelBackendBase | None = None,
    batch_size: int | Literal["auto"] = 1,
) -> list[_Result]:
    """Map a function over items as `completed` does, and give all results in the order of the items.

    Args:
        function: Here and below see `completed`.
        items: What it takes.
        n_jobs: Processes.
        backend: Of `local_threads`.
        batch_size: Items sent together.

    Returns:
        One result an item.

    Raises:
        WorkersError: If workers, processes or memory are gone.

    Example:
        >>> mapped(len, ["one", "three"], n_jobs=1)
        [3, 5]
    """
    with closing(completed(function, items, n_jobs=n_jobs, backend=backend, batch_size=batch_size)) as results:
        found = dict(results)
    return [found[number] for number in range(len(found))]


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Let NumPy's linear algebra use one thread for a while: tasks share cores, and the last bit may depend on it.

    Example:
        >>> with one_blas_thread():
        ...     total = sum(range(3))
    """
    with _libraries().limit(limits=1, user_api="blas"):
        yield


@cache
def _libraries() -> ThreadpoolController:
    return ThreadpoolController()  # looks through all loaded libraries: once is enough


def _numbered(task: tuple[Callable[[_Item], _Result], int, _Item]) -> tuple[int, _Result]:
    function, number, item = task
    return number, function(item)


@contextmanager
def _told() -> Iterator[None]:
    """Turn what ends workers into one line."""
    try:
        yield
    except BrokenExecutor as error:
        raise WorkersError(
            "a process that shared the work was ended from outside, most often for want of memory; use fewer "
            "--n-jobs, or free memory, and run it again"
        ) from error
    except MemoryError as error:
        advice = "give workers more memory" if on_cluster() else "use fewer --n-jobs, or a larger machine"
        raise WorkersError(f"memory ran out ({str(error) or 'no more is to be had'}); {advice}") from error
