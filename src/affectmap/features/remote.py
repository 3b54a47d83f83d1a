"""Single recordings measured where the work goes: on threads of this process, or by the workers of a cluster.

Workers read the files themselves, twice: to digest them, so that nothing is measured that the cache knows, and to
measure them. The machine with the command reads one file in `CHECKED` and those that workers do not find, to see that
all machines mean the same file by a path; it alone writes.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from functools import partial
from typing import NamedTuple

import numpy as np

from affectmap.features.engines import engine_version
from affectmap.features.recordings import (
    Measured,
    RecordingCache,
    Source,
    file_of,
    full_how,
    source_digest,
    with_times,
)
from affectmap.features.utterances import Utterance, file_digest
from affectmap.parallel.workers import Known, WorkersError, completed, in_order, on_cluster, ordered
from affectmap.schema import WHISPER, Engine

#: Files that are digested together, of which the first is read here, too.
CHECKED = 64


class _Item(NamedTuple):
    """What is to be measured, the digest of its file, and its key in the cache."""

    source: Source
    digest: str = ""
    key: str = ""


def measured_in_order(
    measure: partial[Measured],
    sources: Iterable[Source],
    engine: Engine,
    how: str,
    cache: RecordingCache | None = None,
    n_jobs: int | None = None,
) -> Generator[Measured]:
    """Measure recordings or signals, or find them in a cache; give results in their order, with a few items ahead.

    Args:
        measure: Function of a module, with keywords, that takes one of them.
        sources: Taken one at a time; any number.
        engine: What measures, of which workers must have the same version.
        how: What results depend on beside the recording and the keywords.
        cache: What was measured before.
        n_jobs: Threads; one a core by default. On a cluster it means nothing.

    Yields:
        One result a source.

    Raises:
        WorkersError: If a worker has another version of the engine, or another file under a path.
    """
    if on_cluster():
        yield from _remote(measure, sources, engine, full_how(measure, how), cache)
        return
    # Threads, not processes: what takes long, in our engine and openSMILE, lets go of Python's lock.
    found_or_measured = cache.remembered(measure, how) if cache else measure
    yield from in_order(found_or_measured, sources, n_jobs or os.cpu_count() or 1)


def check_worker(engine: Engine, version: str, path: str = "", digest: str | None = None) -> None:
    """Raise a `WorkersError` unless engine and file are here what they are where the work comes from.

    Args:
        engine: What measures.
        version: Of the engine, there.
        path: The file.
        digest: Of its bytes, there; ``None`` where it cannot be another one.
    """
    if digest is not None and file_digest(path) != digest:
        raise _other_file(path, platform.node())
    if (there := engine_version(engine)) != version:
        advice = "name one encoder on all by AFFECTMAP_ENCODERS" if engine == WHISPER else "install one on all"
        raise WorkersError(f"{platform.node()} has {engine} {there or 'none'}, not {version}; {advice}")


def _other_file(path: str, machine: str) -> WorkersError:
    return WorkersError(
        f"{path} is not on {machine} what it is here; workers read recordings themselves: keep them where all machines "
        "see them under one path"
    )


def _remote(
    measure: partial[Measured], sources: Iterable[Source], engine: Engine, how: str, cache: RecordingCache | None
) -> Generator[Measured]:
    def items() -> Iterator[_Item | Known]:
        for item in digested:
            found = cache.find(item.key, how) if cache else None
            yield item if found is None else Known(("", found))

    with closing(_digested(sources)) as digested:
        task = partial(_measured, measure, engine, engine_version(engine))
        with closing(completed(task, items(), batch_size="auto")) as results:
            for key, result in ordered(results):
                yield cache.keep(key, how, result) if cache else result


def _measured(measure: partial[Measured], engine: Engine, version: str, item: _Item) -> tuple[str, Measured]:
    path = file_of(item.source)
    check_worker(engine, version, path or "", item.digest if path else None)
    return item.key, measure(item.source)


def _digested(sources: Iterable[Source]) -> Generator[_Item]:
    """Give sources with absolute paths, and the digests of their files as workers find them."""
    with closing(completed(_digest, map(_absolute, sources), batch_size=CHECKED)) as results:
        for number, (item, machine) in enumerate(ordered(results)):
            path = file_of(item.source)
            if path and (not item.digest or number % CHECKED == 0) and file_digest(path) != item.digest:
                raise _other_file(path, machine)
            yield item


def _absolute(source: Source) -> _Item | Known:
    """Make a path absolute; links have the same names everywhere, maybe: they are not followed."""
    if isinstance(source, np.ndarray):
        return Known((_Item(source, "", source_digest(source)), ""))
    path = os.path.abspath(file_of(source) or "")  # noqa: PTH100
    return _Item(source._replace(file=path) if isinstance(source, Utterance) else path)


def _digest(item: _Item) -> tuple[_Item, str]:
    digest = file_digest(file_of(item.source) or "")
    return _Item(item.source, digest, with_times(item.source, digest)), platform.node()
