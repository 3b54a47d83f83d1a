"""The service in this process, as a process of its own, and in a browser."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import numpy as np
import pytest
import soundfile

from affectmap.corpora.synthetic.espeak import Line
from affectmap.corpora.synthetic.recordings import _spoken
from affectmap.model.model import Model, load_model
from affectmap.service import ServiceSettings, create_app
from browsers import chromium, close_tabs, open_tab
from waiting import until

BASE = "http://localhost:8000"


@pytest.fixture(scope="session")
def model() -> Model:
    return load_model()


class Client:
    """An application in this process, asked without a network."""

    def __init__(self, settings: ServiceSettings, model: Model) -> None:
        self.app = create_app(settings, model)
        self.core = self.app.state.service

    def ask(self, method: str, path: str, **options) -> httpx.Response:
        return self.ask_together([(method, path, options)])[0]

    def ask_together(self, requests: list[tuple[str, str, dict]]) -> list[httpx.Response]:
        async def run() -> list[httpx.Response]:
            transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url=BASE, timeout=60) as client:
                return await asyncio.gather(
                    *(client.request(method, path, **options) for method, path, options in requests)
                )

        return asyncio.run(run())

    def uploads(self) -> list[str]:
        """Names of the temporary files that are there."""
        return files_in(Path(os.environ["TMPDIR"]), "self")


def files_in(folder: Path, process: int | str) -> list[str]:
    """Give the files of a folder, and those without a name that a process has open there."""
    found = [file.name for file in folder.iterdir()]
    for descriptor in Path(f"/proc/{process}/fd").iterdir():
        with suppress(OSError):  # closed meanwhile
            found += [descriptor.name] if str(folder) in str(descriptor.readlink()) else []
    return found


@pytest.fixture
def make_service(
    model: Model, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Client]]:
    """Give a function that makes a service with settings."""
    monkeypatch.setenv("TMPDIR", str(tmp_path_factory.mktemp("temporary")))
    monkeypatch.setattr(tempfile, "tempdir", None)
    made: list[Client] = []

    def make(**settings) -> Client:
        made.append(Client(ServiceSettings(**{"n_jobs": 2, **settings}), model))
        return made[-1]

    yield make
    for service in made:
        service.core.close()
        assert service.uploads() == []


@pytest.fixture
def service(make_service: Callable[..., Client]) -> Client:
    return make_service()


class Running(NamedTuple):
    """A server of its own."""

    url: str
    port: int
    process: subprocess.Popen
    temporary: Path

    def uploads(self) -> list[str]:
        return files_in(self.temporary, self.process.pid)

    def healthy(self) -> bool:
        return httpx.get(f"{self.url}/health", timeout=30).json() == {"status": "ok"}


@contextmanager
def running_servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Running]]:
    """Give a function that starts ``affectmap serve`` on a free port; every server must end well."""
    started: list[Running] = []

    def start(*options: str, first: str = "", **env: str) -> Running:
        folder = tmp_path_factory.mktemp("temporary")
        process = subprocess.Popen(
            [
                sys.executable,
                "-c",
                f"{first}\nfrom affectmap.cli import main\nmain()",
                "serve",
                "--port",
                "0",
                *options,
            ],
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "TMPDIR": str(folder), **env},
        )
        line = process.stderr.readline()
        found = re.search(r"http://\S+:(\d+)", line)
        assert found, line + process.stderr.read()
        server = Running(found.group().rstrip(","), int(found.group(1)), process, folder)
        started.append(server)
        until(server.healthy, httpx.ConnectError)
        return server

    yield start
    for server in started:
        server.process.send_signal(signal.SIGTERM)
        errors = server.process.communicate(timeout=30)[1]
        assert "Traceback" not in errors, errors
        assert server.process.returncode in (0, 128 + signal.SIGTERM), errors
        assert list(server.temporary.iterdir()) == []


@pytest.fixture
def start_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Running]]:
    with running_servers(tmp_path_factory) as start:
        yield start


@pytest.fixture(scope="module")
def start_shared_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Running]]:
    """Give `start_server` for a server that the tests of a module share."""
    with running_servers(tmp_path_factory) as start:
        yield start


@pytest.fixture(scope="session")
def talk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four sentences of espeak-ng's with pauses between: 14 seconds or so that a detector takes for speech."""
    espeakng_loader = pytest.importorskip("espeakng_loader")
    said = [
        "The ship came in late, and nobody was there to meet it.",
        "So we went home!",
        "What a long and quiet evening.",
    ]
    lines = [
        Line(sentence, voice, rate=150, pitch=pitch, range=60, gap=0)
        for sentence, voice, pitch in zip(
            [*said, said[0]], ("en+f2", "en+m3", "en+f3", "en+m1"), (55, 40, 70, 50), strict=True
        )
    ]
    library, data = espeakng_loader.get_library_path(), espeakng_loader.get_data_path()
    signals, sampling_rate = _spoken(lines, 0, Path(library), Path(data))
    pause = np.zeros(sampling_rate)
    file = tmp_path_factory.mktemp("talk") / "talk.wav"
    soundfile.write(file, np.concatenate([part for signal in signals for part in (signal, pause)]), sampling_rate)
    return file


@pytest.fixture
def open_browser(browser: Any, tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """Give a function that opens a tab of chromium, in a browser of its own for no microphone or one that speaks."""
    with ExitStack() as opened:

        def start(*size: int, microphone: bool = True, speech: Path | None = None, **options: Any) -> Any:
            is_own = speech or not microphone
            used = opened.enter_context(chromium(tmp_path, microphone=microphone, speech=speech)) if is_own else browser
            return open_tab(used, tmp_path / "downloads", *size, **options)

        yield start
    close_tabs(browser)
