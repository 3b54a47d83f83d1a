"""Every test closes what it opens: a child process or a socket that outlives a test is an error of that test.

Left open, it would surface as a warning in whatever test runs when Python collects it.
"""
# What runs twice a test goes without pathlib, which takes twice as long.
# ruff: noqa: PTH112, PTH115, PTH123, PTH208

import gc
import os
import time
from contextlib import suppress
from pathlib import Path

import pytest

_BEFORE = pytest.StashKey[set[str]]()
#: What fixtures of a wider scope than one test opened.
_SHARED: set[str] = set()
#: Tests with these marks talk to a server of a wider scope, over connections that are kept.
_KEEP_SOCKETS = ("browser", "postgres")
#: Processes that joblib and Python keep for the next test and end at exit, and servers that fixtures of the session end.
_KEPT = ("loky", "resource_tracker", "postgres", "distributed.cli", "chromedriver")
_PATIENCE_S = 3.0


def open_now() -> set[str]:
    """Name the sockets and child processes of this process; none where the system does not tell."""
    found: set[str] = set()
    if not os.path.isdir("/proc/self/fd"):
        return found
    for descriptor in os.listdir("/proc/self/fd"):
        with suppress(OSError):  # closed meanwhile
            target = os.readlink(f"/proc/self/fd/{descriptor}")
            if target.startswith("socket:"):
                found.add(target)
    for thread in os.listdir("/proc/self/task"):
        with suppress(OSError), open(f"/proc/self/task/{thread}/children", "rb") as children:
            found.update(f"process {number}" for number in children.read().decode().split())
    return found


def left_open(before: set[str], keep_sockets: bool = False) -> list[str]:
    """Describe what is open now and was not before, after some patience with what is about to close."""
    end = time.monotonic() + _PATIENCE_S
    while True:
        new = sorted(open_now() - before - _SHARED)
        left = [text for name in new if (text := _described(name)) and not (keep_sockets and name.startswith("socket"))]
        if not left:
            return []
        if time.monotonic() > end:
            gc.collect()  # so that Python's own warning comes here, too
            return left
        time.sleep(0.05)


def _described(name: str) -> str:
    if name.startswith("socket"):
        return name
    try:
        command = Path(f"/proc/{name.removeprefix('process ')}/cmdline").read_text().replace("\0", " ").strip()
    except OSError:
        return ""
    return "" if any(word in command for word in _KEPT) else f"{name}: {command[:200] or 'ended, and not awaited'}"


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(fixturedef, request):
    before = open_now() if fixturedef.scope != "function" else set()
    result = yield
    if fixturedef.scope != "function":
        _SHARED.update(open_now() - before)
    return result


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_setup(item):
    item.stash[_BEFORE] = open_now()
    return (yield)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item):
    result = yield
    if item.get_closest_marker("cluster"):  # such tests end workers of the session's cluster, which are started again
        return result
    left = left_open(item.stash[_BEFORE], any(item.get_closest_marker(mark) for mark in _KEEP_SOCKETS))
    if left:
        pytest.fail(f"the test leaves open: {'; '.join(left)}")
    return result
