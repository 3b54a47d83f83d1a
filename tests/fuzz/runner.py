"""Read many damaged files, one after another, in processes of their own that may hang, swell or die."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

#: Seconds and bytes that one input may take.
MAX_S = 10.0
MAX_BYTES = 1_000_000_000
#: A process is killed that says nothing for so many times as long, or for so many seconds after its start.
KILL_AFTER = 2.5
START_S = 120.0
#: Bytes of address space beyond which nothing is allocated, so that the machine stays well.
MAX_ADDRESSES = 16 << 30


class Finding(NamedTuple):
    """An input that was neither read nor refused as it should: its kind, number and seed, and what happened."""

    kind: str
    number: int
    seed: int
    problem: str
    details: str


class _TooSlowError(BaseException):
    """An input took longer than `MAX_S`."""


def search(
    names: list[str],
    n_inputs: int,
    seed: int = 0,
    seconds: float = float("inf"),
    module: str = "fuzz.kinds",
    max_s: float = MAX_S,
) -> Iterator[Finding]:
    """Damage and read `n_inputs` files of some kinds, in turn, and give what came of each; its problem may be empty."""
    end = time.monotonic() + seconds
    for place, name in enumerate(names):
        first, last = 0, (n_inputs + len(names) - 1 - place) // len(names)
        until = time.monotonic() + (end - time.monotonic()) / (len(names) - place)
        while first < last and time.monotonic() < until:
            with _worker(module, name, *map(str, (seed, first, last, max_s))) as (process, errors):
                for number, problem, details in _lines(process, until, max_s):
                    first = number + 1
                    yield Finding(name, number, seed, problem, details)
                ended = process.poll()
                process.kill()
            if first < last and (ended is not None or time.monotonic() < until):
                problem = "hangs, and cannot be stopped" if ended is None else f"the process ends with {ended}"
                yield Finding(name, first, seed, problem, errors[0])
                first += 1


@contextlib.contextmanager
def _worker(*arguments: str) -> Iterator[tuple[subprocess.Popen, list[str]]]:
    """Give a process that reads inputs, and the last that it wrote as errors once the context is left."""
    command = [sys.executable, "-X", "faulthandler", "-c", "from fuzz.runner import work; work()", *arguments]
    path = os.pathsep.join([str(Path(__file__).resolve().parents[1]), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
    told = [""]
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, env=environment)
        try:
            yield process, told
        finally:
            process.kill()
            process.communicate()
            errors.seek(0)
            told[0] = errors.read().decode(errors="replace")[-3000:]


def _lines(process: subprocess.Popen, until: float, max_s: float) -> Iterator[tuple[int, str, str]]:
    """Give what a process says of its inputs, until it ends, the time is up, or it is silent for too long."""
    rest, heard, patience_s = b"", time.monotonic(), START_S
    assert process.stdout is not None
    os.set_blocking(process.stdout.fileno(), False)
    while time.monotonic() < until and time.monotonic() - heard < patience_s:
        ended = process.poll() is not None
        more = process.stdout.read()
        if not more:
            if ended:
                return
            time.sleep(0.02)
            continue
        *lines, rest = (rest + more).split(b"\n")
        for line in lines:
            heard, patience_s = time.monotonic(), KILL_AFTER * max_s
            yield tuple(json.loads(line))


def work() -> None:
    """Read inputs in this process and write a line of JSON about each."""
    import importlib

    module, name, seed, first, last, max_s = sys.argv[1:]
    kind = importlib.import_module(module).KINDS[name]
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever is printed is no line of ours
    resource.setrlimit(resource.RLIMIT_AS, (MAX_ADDRESSES, MAX_ADDRESSES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGALRM, _stop)
    with tempfile.TemporaryDirectory(prefix="affectmap-fuzz-") as folder:
        seeded = Path(folder) / "seed"
        seeded.mkdir()
        kind.make(seeded)
        problem, details = attempt(kind, seeded, Path(folder) / "first", max_s=START_S)  # loads what is loaded once
        if problem:
            raise RuntimeError(f"valid files of the kind {name}: {problem}\n{details}")
        for number in range(int(first), int(last)):
            place = Path(folder) / "input"
            problem, details = attempt(kind, seeded, place, generator(name, int(seed), number), float(max_s))
            shutil.rmtree(place, ignore_errors=True)
            out.write(json.dumps([number, problem, details]) + "\n")
            out.flush()


def generator(name: str, seed: int, number: int) -> np.random.Generator:
    """Give the random numbers of one input."""
    return np.random.default_rng([seed, zlib.crc32(name.encode()), number])


def attempt(
    kind, seeded: Path, place: Path, rng: np.random.Generator | None = None, max_s: float = MAX_S
) -> tuple[str, str]:
    """Damage a copy of the valid files and read it; give what went wrong, and its traceback.

    Without random numbers the files stay as they are and must be read.
    """
    from affectmap.errors import AffectmapError

    shutil.copytree(seeded, place)
    if rng is not None:
        kind.damage(place, rng)
    before = _peak(reset=True)
    signal.setitimer(signal.ITIMER_REAL, max_s)
    start = time.monotonic()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            kind.read(place)
    except AffectmapError as error:
        signal.setitimer(signal.ITIMER_REAL, 0)
        if rng is None:
            raise
        if problem := _unfit(error):
            return problem, traceback.format_exc(limit=-8)
    except _TooSlowError:
        return f"takes more than {max_s:g} s", traceback.format_exc(limit=-12)
    except Exception as error:
        if rng is None:
            raise
        return f"{type(error).__module__}.{type(error).__qualname__}: {str(error)[:200]}", traceback.format_exc(
            limit=-12
        )
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    if (grown := _peak() - before) > MAX_BYTES:
        return f"takes {grown / 1e6:,.0f} MB", ""
    if (took := time.monotonic() - start) > max_s:
        return f"takes {took:.1f} s", ""
    return "", ""


def _unfit(error: Exception) -> str:
    """Say why a message is no good, if it is not: it must be one line of bearable length."""
    message = str(error)
    if "\n" in message.strip("\n"):
        return f"a message of several lines: {message[:200]!r}"
    return f"a message of {len(message)} characters" if len(message) > 2000 else ""


def _stop(_number: int, _frame: object) -> None:
    raise _TooSlowError


def _peak(*, reset: bool = False) -> int:
    """Give the bytes that this process has or, unless it is reset, had in memory at most; 0 where nobody counts."""
    status = Path("/proc/self/status")
    if not status.exists():
        return 0
    if reset:
        with contextlib.suppress(OSError):
            Path("/proc/self/clear_refs").write_text("5")
    word = "VmRSS:" if reset else "VmHWM:"
    return 1024 * int(next(line for line in status.read_text().splitlines() if line.startswith(word)).split()[1])
