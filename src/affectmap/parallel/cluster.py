"""Work on several machines: a Dask cluster for everything that `affectmap.parallel.workers` maps.

Conventions:
    * Workers read the recordings themselves, so paths must mean the same file on every machine.
    * Workers have the same versions of whatever decides the results; that is checked when the work begins, of the
      workers that are there then.
    * Nobody but the client writes.

A worker that ends is no loss: Dask gives its tasks to another. What ends a run is a scheduler or a whole cluster that
is gone, or a task that ends one worker after another.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import logging
import math
import textwrap
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from affectmap.errors import ConfigError, UsageError
from affectmap.extras import require
from affectmap.parallel.workers import CLUSTER, Pool, WorkersError

if TYPE_CHECKING:
    from distributed import Client

BACKENDS = ("local", "dask")
#: Seconds in which a scheduler must answer.
CONNECT_S = 5.0
#: Seconds without any worker after which a run gives up; workers that were killed are often started again.
PATIENCE_S = 30.0
#: Items of a fraction of a second that are sent together, and such tasks under way for each worker: enough for the time
#: that a task takes to come and go.
BATCH_SIZE, AHEAD = 16, 4
#: What decides the last bit of a result, or has to understand what the other side sends.
SAME_VERSIONS = (
    "affectmap", "dask", "distributed", "numpy", "scipy", "scikit-learn", "pandas", "soundfile", "soxr", "torch",
)  # fmt: skip
_ADVICE = "what was measured is in the cache; start workers, and run it again"


@contextmanager
def work_on(backend: str | None = None, scheduler: str | None = None) -> Iterator[None]:
    """Let everything that is mapped within this block run on a cluster, or here.

    Args:
        backend: ``local`` (the default), or ``dask``.
        scheduler: Address of the Dask scheduler, such as ``tcp://host:8786``; a running one, with workers.

    Raises:
        UsageError: If there is no such backend, the scheduler is not named or named without need, or the extra
            ``cluster`` is not installed.
        ConfigError: If the scheduler cannot be reached, has no workers, or they have other versions.
        WorkersError: From the block, if workers or scheduler are gone for good.

    Example:
        >>> with work_on("local"):
        ...     print("here")
        here
        >>> with work_on("dask"):
        ...     pass
        Traceback (most recent call last):
        affectmap.errors.UsageError: backend dask needs its scheduler; add --scheduler tcp://HOST:8786
    """
    if backend not in (None, *BACKENDS):
        raise UsageError(f"backend is {backend!r}; expected {' or '.join(BACKENDS)}")
    if backend != "dask":
        if scheduler:
            raise UsageError(f"scheduler {scheduler} is given, but not what for; add --backend dask")
        yield
        return
    if not scheduler:
        raise UsageError("backend dask needs its scheduler; add --scheduler tcp://HOST:8786")
    require("backend dask", "cluster", "distributed")
    with _quiet(), _connected(scheduler) as client:
        check_versions(client, scheduler)
        token = CLUSTER.set(_pool(client, scheduler))
        try:
            with _explained():
                yield
        finally:
            CLUSTER.reset(token)


def _pool(client: Client, scheduler: str) -> Pool:
    alone_since = math.inf

    def n_workers() -> int:
        try:
            return sum(client.ncores().values())
        except Exception:  # whatever a broken connection raises
            return 0

    def check() -> None:
        nonlocal alone_since
        alone_since = math.inf if n_workers() else min(alone_since, time.monotonic())
        if time.monotonic() - alone_since >= PATIENCE_S:
            raise WorkersError(f"the scheduler at {scheduler} has no workers any more; {_ADVICE}")

    # At least two: the work of one is done on this machine. What nobody awaits Dask cancels by itself.
    return Pool(partial(client.submit, pure=False), lambda: max(2, n_workers()), BATCH_SIZE, AHEAD, check)


@contextmanager
def _explained() -> Iterator[None]:
    """Turn what Dask raises where a result will not come into one line."""
    from distributed.scheduler import KilledWorker

    try:
        yield
    except KilledWorker as error:
        raise WorkersError(
            f"a task ended {error.allowed_failures + 1} workers, one after another, most often for want of memory; "
            "give workers more, or fewer threads; what was measured is in the cache"
        ) from error
    except (asyncio.CancelledError, concurrent.futures.CancelledError) as error:  # nobody here cancels
        raise WorkersError(f"the connection to the cluster was lost ({_one_line(error)}); {_ADVICE}") from error
    except Exception as error:
        if not type(error).__module__.startswith("distributed."):
            raise
        lost = f"{type(error).__name__}: {_one_line(error)}"
        raise WorkersError(f"the cluster lost a task ({lost}); {_ADVICE}") from error


@contextmanager
def _connected(scheduler: str) -> Iterator[Client]:
    import dask
    from distributed import Client

    # A fold's features go with its task, tens of megabytes: on a worker alone they would be lost with it.
    with dask.config.set({"distributed.admin.large-graph-warning-threshold": "1GB"}):
        try:
            with ThreadPoolExecutor(1) as apart:  # notebooks have a running loop in this thread
                apart.submit(asyncio.run, _identify(scheduler)).result()
            client = Client(scheduler, timeout=CONNECT_S, set_as_default=False)
        except (OSError, ValueError, TimeoutError, ImportError, TypeError, RuntimeError) as error:
            # The last two: an address of another kind than Dask's settings allow, such as tls:// without a certificate.
            raise ConfigError(
                f"no Dask scheduler answers at {scheduler} within {CONNECT_S:g} s ({_one_line(error)}); start one "
                "with dask scheduler, and give the address that it prints"
            ) from error
        try:
            yield client
        finally:
            client.close(timeout=CONNECT_S)


async def _identify(scheduler: str) -> None:
    """Ask who is there; a client that fails to connect can hang, and leaves threads behind."""
    from distributed.core import rpc
    from distributed.security import Security

    async def ask() -> str:
        async with rpc(scheduler, connection_args=Security().get_connection_args("client")) as there:
            return str((await there.identity()).get("type"))

    kind = await asyncio.wait_for(ask(), CONNECT_S)
    if kind != "Scheduler":
        raise OSError(f"a {kind.lower()} is there")


def check_versions(client: Client, scheduler: str) -> None:
    """Raise a `ConfigError` if no worker is there, or one has several threads or another version of something."""
    from distributed import TimeoutError as NoWorkersError

    def versions(names: tuple[str, ...] = SAME_VERSIONS) -> dict[str, str]:
        """Give versions without their local parts; this function is sent as it is: affectmap may not be there."""
        import platform
        from importlib import metadata

        found = {"Python": ".".join(platform.python_version_tuple()[:2])}
        for name in names:
            try:
                found[name] = metadata.version(name).split("+")[0]
            except metadata.PackageNotFoundError:
                found[name] = "none"
        return found

    try:
        client.wait_for_workers(1, timeout=CONNECT_S)
    except (NoWorkersError, TimeoutError) as error:
        raise ConfigError(
            f"the scheduler at {scheduler} has no workers; start some with dask worker {scheduler} --nthreads 1"
        ) from error
    for worker, n_threads in sorted(client.nthreads().items()):
        if n_threads != 1:
            raise ConfigError(
                f"worker {worker} has {n_threads} threads; expected one, since libraries round otherwise with several; "
                f"start workers with dask worker {scheduler} --nworkers -1 --nthreads 1"
            )
    here = versions()
    for worker, there in sorted(client.run(versions).items()):
        for name, version in here.items():
            if there[name] != version:
                raise ConfigError(
                    f"worker {worker} has {name} {there[name]}, this machine {version}: results could differ; "
                    "install the same versions on all machines"
                )


def _one_line(error: BaseException) -> str:
    return textwrap.shorten(str(error) or type(error).__name__, 160, placeholder=" ...").rstrip(".")


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep what Dask logs about lost workers from the console: what matters is said in one line."""
    import distributed  # sets the levels that are put back here

    loggers = [logging.getLogger(name) for name in (distributed.__name__, "distributed.client")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
