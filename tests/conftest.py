"""Signals that several tests share."""

import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

import leaks
from browsers import chromium
from dask_processes import dask_processes

# A shell that starts the tests in the background has them ignore Ctrl-C, which some of them send.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_configure(config: pytest.Config) -> None:
    """Look for what tests leave open; as a plugin, since hooks of this file do not see fixtures of the session."""
    config.pluginmanager.register(leaks)


@pytest.hookimpl(wrapper=True)
def pytest_collect_file():
    """Look for examples in src alone; there are none in the docstrings of tests."""
    return [found for found in (yield) if type(found) is pytest.Module]


def make_voice(seconds: float = 0.4, sampling_rate: int = 16000, pitch: float = 150.0, seed: int = 0):
    """A buzz with a few harmonics and some noise, peak near 0.5, float64 of shape (n_samples,)."""
    time = np.arange(round(seconds * sampling_rate)) / sampling_rate
    buzz = sum(np.sin(2 * np.pi * pitch * k * time) / k for k in range(1, 9))
    noise = np.random.default_rng(seed).standard_normal(len(time))
    signal = buzz * (1 + 0.3 * np.sin(2 * np.pi * 4 * time)) + 0.05 * noise
    return 0.5 * signal / np.abs(signal).max()


@pytest.fixture
def voice() -> Callable[..., np.ndarray]:
    """Give `make_voice`."""
    return make_voice


@pytest.fixture
def write_voice(tmp_path: Path) -> Callable[..., Path]:
    """Give a function that writes a voice of its own to a file in the test's folder and returns its path."""

    def write(name: str, sampling_rate: int = 16000, n_channels: int = 1, **options) -> Path:
        channels = [
            make_voice(sampling_rate=sampling_rate, **{"seed": channel, **options}) for channel in range(n_channels)
        ]
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(file, np.stack(channels, axis=1), sampling_rate)
        return file

    return write


@pytest.fixture(scope="session")
def shared_cluster(tmp_path_factory):
    """The Dask cluster that tests share: it takes seconds to start."""
    with dask_processes(tmp_path_factory.mktemp("dask")) as started:
        started.start_scheduler()
        yield started


@pytest.fixture
def pair(shared_cluster) -> str:
    """A scheduler with the workers one and two, whatever the last test left; gives its address."""
    shared_cluster.keep_workers("one", "two")
    return shared_cluster.address


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Give the one browser of all tests of pages; each opens tabs of its own."""
    with chromium(tmp_path_factory.mktemp("browser")) as started:
        yield started
