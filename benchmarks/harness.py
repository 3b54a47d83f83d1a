"""What every part of the benchmarks uses: rows, timing in turn, peaks of memory, and the command line of a part.

A part is a file in this folder with a function ``measure(quick)``, run as a process of its own::

    def measure(quick: bool) -> dict[str, Any]:
        times = in_turn({"ours": ours, "theirs": theirs}, rounds=3 if quick else 7)
        return {
            "title": "Pairwise adjusted R²",
            "text": "A paragraph: what was measured, on what, and against what.",
            "rows": [row_of("against pdist", ratios(times, "theirs", "ours"), "×", aim="≥ 10", note="same process")],
            "curves": [  # optional; each becomes a panel of growth.png
                {"title": "Time by utterances", "x": "utterances", "y": "seconds", "lines": {"ours": [[1000, 0.1]]}},
            ],
        }

    if __name__ == "__main__":
        main(measure)

Conventions: seconds; MB are millions of bytes; a ratio is above 1 where ours is better. Nothing is asserted about
time: whether an aim is met is worked out when the page is written. Results that should be equal and are not end the
part with an error.
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import multiprocessing
import os
import resource
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from affectmap.files import write_json

#: Bytes of a megabyte.
MB = 1e6
_STATUS = Path("/proc/self/status")


@dataclass(frozen=True)
class Row:
    """One measured quantity.

    Attributes:
        name: What, for people.
        value: Median of the rounds.
        unit: ``×``, ``s``, ``MB``, ``%``, ``models/s`` and the like.
        low: Smallest of the rounds.
        high: Largest.
        n: Rounds.
        aim: ``≥ 5`` or ``≤ 0.15``; empty where there is none.
        note: How, in one sentence.
        headline: Whether the project's README shows it.
    """

    name: str
    value: float
    unit: str
    low: float
    high: float
    n: int
    aim: str = ""
    note: str = ""
    headline: bool = False


def in_turn(
    candidates: Mapping[str, Callable[[], object]], rounds: int, clock: Callable[[], float] = time.perf_counter
) -> dict[str, list[float]]:
    """Time functions A B C A B C …, after one warm-up of each, so that a busy moment meets all of them.

    Args:
        candidates: Functions without arguments by name; what they return is thrown away.
        rounds: How often each is timed, at least 1.
        clock: What tells the time; ``time.process_time`` leaves out what other processes did meanwhile.

    Returns:
        Seconds by name, one a round.

    Example:
        >>> times = in_turn({"none": int, "one": lambda: sum(range(9))}, rounds=3)
        >>> {name: len(seconds) for name, seconds in times.items()}
        {'none': 3, 'one': 3}
    """
    for function in candidates.values():
        function()
    times: dict[str, list[float]] = {name: [] for name in candidates}
    for _ in range(rounds):
        for name, function in candidates.items():
            times[name].append(seconds_of(function, clock))
    return times


def seconds_of(function: Callable[[], object], clock: Callable[[], float] = time.perf_counter) -> float:
    """Time one call, with what earlier calls left behind collected first.

    Example:
        >>> seconds_of(int) < 60
        True
    """
    gc.collect()
    start = clock()
    function()
    return clock() - start


def ratios(times: Mapping[str, Sequence[float]], numerator: str, denominator: str) -> list[float]:
    """Divide the times of one candidate by those of another, round by round.

    Example:
        >>> ratios({"theirs": [3.0, 4.0], "ours": [1.0, 2.0]}, "theirs", "ours")
        [3.0, 2.0]
    """
    return [one / other for one, other in zip(times[numerator], times[denominator], strict=True)]


def row_of(
    name: str, values: Sequence[float] | float, unit: str, aim: str = "", note: str = "", headline: bool = False
) -> Row:
    """Median and range of a quantity's rounds.

    Example:
        >>> row_of("help", [0.2, 0.1, 0.4], "s", aim="≤ 0.25")
        Row(name='help', value=0.2, unit='s', low=0.1, high=0.4, n=3, aim='≤ 0.25', note='', headline=False)
    """
    rounds = [float(value) for value in ([values] if isinstance(values, (int, float)) else values)]
    return Row(name, statistics.median(rounds), unit, min(rounds), max(rounds), len(rounds), aim, note, headline)


def peak_memory(function: Callable[..., object], *args: object) -> float:
    """Memory that a call takes at its peak, above a process that has imported the same and holds the arguments.

    Args:
        function: A function at the top of a module: it is called in a fresh process, which imports that module.
        args: Its arguments, sent there first.

    Returns:
        MB.

    Example:
        >>> peak_memory(bytes, range(0)) < 100
        True
    """
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        return pool.submit(_peak_of, function, args).result()


def _peak_of(function: Callable[..., object], args: tuple[object, ...]) -> float:
    gc.collect()
    with suppress(OSError, AttributeError):  # memory freed but kept would hide what the call takes
        ctypes.CDLL(None).malloc_trim(0)
    before = _start_of_peak()
    function(*args)
    return max(0.0, _peak() - before) / MB


def _start_of_peak() -> float:
    """Bytes in use now, from which on Linux the peak starts anew; elsewhere the peak so far."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")
        return _status("VmRSS")
    return _peak()


def _peak() -> float:
    if _STATUS.exists():
        return _status("VmHWM")
    unit = 1 if sys.platform == "darwin" else 1024
    return float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit)


def _status(field: str) -> float:
    (line,) = (line for line in _STATUS.read_text().splitlines() if line.startswith(f"{field}:"))
    return 1024 * float(line.split()[1])


def bytecode_kept() -> dict[str, str]:
    """Give the environment of a process that keeps compiled modules, as every usual one does.

    Example:
        >>> "PYTHONDONTWRITEBYTECODE" in bytecode_kept()
        False
    """
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def main(measure: Callable[[bool], dict[str, Any]]) -> None:
    """Measure a part; print its rows, or write them as JSON.

    Args:
        measure: Told whether to be quick; gives ``title``, ``text``, ``rows`` and, if there are any, ``curves``
            (see the top of this file).
    """
    parser = argparse.ArgumentParser(description=sys.modules[measure.__module__].__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes and few rounds")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the result there")
    arguments = parser.parse_args()
    part = measure(arguments.quick)
    part["rows"] = [asdict(row) for row in part["rows"]]
    if arguments.json:
        write_json(arguments.json, part)
    for row in part["rows"]:
        print(f"{row['name']}: {row['value']:.4g} {row['unit']} ({row['low']:.4g} to {row['high']:.4g})", flush=True)
