"""One map for everything that is done to many files, folds or models: over threads, processes or a cluster.

Within `affectmap.parallel.cluster.work_on` it runs on the workers of the cluster; results are the same wherever they
come from.

Conventions:
    * What is mapped is a function of a module and takes one item that can be pickled and is small.
    * Nothing that a worker returns is kept by it: the caller alone writes.
"""

from __future__ import annotations

import warnings
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import BrokenExecutor, Future, ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache, partial
from itertools import islice
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from affectmap.errors import AffectmapError

if TYPE_CHECKING:
    from threadpoolctl import ThreadpoolController

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")

#: Seconds between two looks at the workers while no result comes.
_LOOK_S = 1.0


class WorkersError(AffectmapError):
    """Processes, machines or the memory that the work needs are gone."""


@dataclass(frozen=True)
class Known:
    """An item of `completed` that needs no work: its result."""

    result: Any


class _AbortError(Exception):
    """Nobody wants the results any more."""


def _nothing(*_: object) -> None:
    pass


@dataclass(frozen=True)
class Pool:
    """Threads, or the workers of a cluster; their futures have ``result`` and ``add_done_callback``."""

    submit: Callable[[Callable[[], Any]], Any]
    n_workers: Callable[[], int]
    batch_size: int = 1  # items sent together where the caller leaves it open
    ahead: int = 2  # such tasks under way for each worker
    check: Callable[[], None] = _nothing  # raises an error where no result can come any more
    cancel: Callable[[Iterable[Any]], None] = _nothing  # tasks that nobody awaits


#: The cluster that work goes to.
CLUSTER: ContextVar[Pool | None] = ContextVar("cluster", default=None)


def _cancel(tasks: Iterable[Any]) -> None:
    for task in tasks:
        task.cancel()


@contextmanager
def local_threads(n_threads: int) -> Iterator[Pool]:
    """Give threads of this process; when the block ends, however it ends, tasks under way are awaited.

    Args:
        n_threads: How many, ≥ 1.

    Yields:
        Where `completed` and `mapped` run.

    Example:
        >>> with local_threads(2) as threads:
        ...     mapped(abs, [-1, 2, -3], backend=threads)
        [1, 2, 3]
    """
    threads = ThreadPoolExecutor(n_threads)
    try:
        yield Pool(threads.submit, lambda: n_threads, cancel=_cancel)
    finally:
        threads.shutdown(cancel_futures=True)


def on_cluster() -> bool:
    """Say whether work goes to a cluster."""
    return CLUSTER.get() is not None


def n_cores() -> int:
    """Count the cores that this process may use."""
    import joblib  # which takes a while, and a single recording needs none of it

    return int(joblib.cpu_count())


def n_workers(n_jobs: int | None = None) -> int:
    """Say for how many workers to split work: those of the cluster, or `n_jobs`, by default one a core."""
    cluster = CLUSTER.get()
    return cluster.n_workers() if cluster else n_jobs or n_cores()


def completed(
    function: Callable[[_Item], _Result],
    items: Iterable[_Item | Known],
    *,
    n_jobs: int | None = None,
    backend: Pool | None = None,
    batch_size: int | Literal["auto"] = 1,
) -> Generator[tuple[int, _Result]]:
    """Map a function over items; give results as they are completed, with only a few items ahead.

    Wrap it in `contextlib.closing` where the loop may end early: tasks that nobody awaits are cancelled then.

    Args:
        function: Function of a module, so that it can be pickled.
        items: What it takes, one at a time; a `Known` is passed on without being sent anywhere.
        n_jobs: Processes of this machine, one a core by default; 1 keeps the work in this process, and any other
            number means nothing on a cluster.
        backend: Of `local_threads`; by default the cluster, or processes where there is none.
        batch_size: Items sent together; ``auto`` for many that take a fraction of a second each.

    Yields:
        Number of the item, from 0, and its result.

    Raises:
        WorkersError: If workers, processes or memory are gone; other errors are those of `function`.

    Example:
        >>> sorted(completed(abs, [-1, 2, -3], n_jobs=1))
        [(0, 1), (1, 2), (2, 3)]
    """
    pool = backend or (None if n_jobs == 1 else CLUSTER.get())
    with _explained():
        if pool:
            yield from _pooled(pool, function, enumerate(items), batch_size)
        elif n_jobs == 1:
            yield from ((number, _result_of(function, item)) for number, item in enumerate(items))
        else:
            yield from _processes(function, enumerate(items), n_workers(n_jobs), batch_size)


def mapped(
    function: Callable[[_Item], _Result],
    items: Iterable[_Item],
    *,
    n_jobs: int | None = None,
    backend: Pool | None = None,
    batch_size: int | Literal["auto"] = 1,
    progress: Callable[[int], None] = lambda done: None,
) -> list[_Result]:
    """Map a function over items as `completed` does, and give all results in the order of the items.

    `progress` is called with the number of items done.

    Example:
        >>> mapped(len, ["one", "three"], n_jobs=1)
        [3, 5]
    """
    with closing(completed(function, items, n_jobs=n_jobs, backend=backend, batch_size=batch_size)) as results:
        found: dict[int, _Result] = {}
        for number, result in results:
            found[number] = result
            progress(len(found))
    return [found[number] for number in range(len(found))]


def _pooled(
    pool: Pool, function: Callable[[_Item], _Result], items: Iterator[tuple[int, _Item | Known]], batch_size: int | str
) -> Generator[tuple[int, _Result]]:
    size, ahead = (pool.batch_size, pool.ahead) if isinstance(batch_size, str) else (batch_size, 2)
    ahead *= pool.n_workers()
    batches = iter(lambda: list(islice(items, size)), [])
    waiting: set[Any] = set()
    done: SimpleQueue[Any] = SimpleQueue()
    try:
        while True:
            while len(waiting) < ahead and (batch := next(batches, None)):
                yield from ((number, item.result) for number, item in batch if isinstance(item, Known))
                if to_do := [numbered for numbered in batch if not isinstance(numbered[1], Known)]:
                    task = pool.submit(partial(_each, function, to_do))
                    waiting.add(task)
                    task.add_done_callback(done.put)
            if not waiting:
                return
            try:
                task = done.get(timeout=_LOOK_S)
            except Empty:
                pool.check()
            else:
                waiting.discard(task)
                yield from _result(pool, task)
    finally:
        pool.cancel(waiting)


def _result(pool: Pool, task: Any) -> list[tuple[int, Any]]:  # noqa: ANN401 (a future of any library)
    """Fetch what a task gave: on a cluster it lies with the worker that made it, and is made anew if that is lost."""
    patience_s = _LOOK_S
    while True:
        try:
            found: list[tuple[int, Any]] = task.result(timeout=patience_s)
        except TimeoutError:
            if getattr(task, "status", "error") == "error":  # that of the task itself
                raise
            pool.check()
            patience_s *= 2  # what is large takes long, and begins again each time
        else:
            return found


def _each(function: Callable[[_Item], _Result], batch: list[tuple[int, _Item | Known]]) -> list[tuple[int, _Result]]:
    return [(number, _result_of(function, item)) for number, item in batch]


def _result_of(function: Callable[[_Item], _Result], item: _Item | Known) -> _Result:
    if isinstance(item, Known):
        known: _Result = item.result
        return known
    return function(item)


def _processes(
    function: Callable[[_Item], _Result], items: Iterator[tuple[int, _Item | Known]], n_jobs: int, batch_size: int | str
) -> Generator[tuple[int, _Result]]:
    import joblib

    # A process that has grown by 300 MB since its first task, as one does that loads PyTorch later, is replaced by
    # another. That is no fault, and a warning made an error would end joblib's own thread: work would wait for ever.
    warnings.filterwarnings("ignore", "A worker stopped while some jobs were given to the executor", UserWarning)
    parallel = joblib.Parallel(n_jobs=n_jobs, return_as="generator_unordered", batch_size=batch_size)
    results = parallel(joblib.delayed(_each)(function, [numbered]) for numbered in items)
    try:
        for result in results:
            yield from result
    except GeneratorExit:
        with suppress(_AbortError):  # closing it would warn of work that was thrown away, which is meant
            results.throw(_AbortError())
        raise


def ordered(results: Iterable[tuple[int, _Result]]) -> Generator[_Result]:
    """Give results of `completed` in the order of the items; those that come early wait.

    Example:
        >>> list(ordered([(1, "b"), (0, "a"), (2, "c")]))
        ['a', 'b', 'c']
    """
    early: dict[int, _Result] = {}
    following = 0
    for number, result in results:
        early[number] = result
        while following in early:
            yield early.pop(following)
            following += 1


def in_order(
    function: Callable[[_Item], _Result], items: Iterable[_Item], n_threads: int, *, ahead: int = 4
) -> Generator[_Result]:
    """Map a function over items on threads; give results in the order of the items, as soon as they are there.

    Args:
        function: What lets go of Python's lock, as measuring does.
        items: Taken one at a time, in the thread that asks for results.
        n_threads: Threads beside that one; 0 to work in it, each item when it comes, as a stream needs it.
        ahead: Items for each thread that may wait or be done; they bound the memory.

    Yields:
        One result an item.

    Example:
        >>> list(in_order(abs, [-1, 2, -3], 2))
        [1, 2, 3]
    """
    if not n_threads:
        yield from map(function, items)
        return
    waiting: deque[Future[_Result]] = deque()
    pool = ThreadPoolExecutor(n_threads)
    try:
        for item in items:
            waiting.append(pool.submit(function, item))
            while waiting and (len(waiting) > ahead * n_threads or waiting[0].done()):
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Let NumPy's linear algebra use one thread for a while: tasks share cores, and the last bit may depend on it."""
    with _libraries().limit(limits=1, user_api="blas"):
        yield


@cache
def _libraries() -> ThreadpoolController:
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()  # looks through all loaded libraries: once is enough


@contextmanager
def _explained() -> Iterator[None]:
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
