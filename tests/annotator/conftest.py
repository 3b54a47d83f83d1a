"""Stores on SQLite and on a real PostgreSQL, the application in this process, and servers of their own."""

from __future__ import annotations

import asyncio
import os
import pwd
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest
import soundfile

from conftest import make_voice
from waiting import until

pytest.importorskip("sqlalchemy", reason="the store needs the extra annotate")
from affectmap.annotator import AnnotatorSettings, Store, create_app, open_store

BASE = "http://localhost:8001"
PASSWORD = "a long password"


def fill(folder: Path, n_files: int, first: int = 0) -> None:
    """Write short recordings ``00.wav``, ``01.wav`` and so on, none like another."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(first, first + n_files):
        soundfile.write(folder / f"{number:02}.wav", make_voice(0.1, 8000, pitch=100 + 5 * number, seed=number), 8000)


@pytest.fixture
def speech(tmp_path: Path) -> Path:
    """A folder of twelve recordings and one for training."""
    folder = tmp_path / "speech"
    fill(folder, 12)
    soundfile.write(folder / "training.wav", make_voice(0.1, 8000), 8000)
    sheet = "file,activation,valence,note\ntraining.wav,4,2.5,Loud.\n"
    (tmp_path / "training.csv").write_text(sheet)
    return folder


@pytest.fixture
def make_store(speech: Path) -> Iterator[Callable[..., Store]]:
    """Give a function that opens a store over that folder."""
    opened: list[Store] = []

    def make(**settings) -> Store:
        given = {"folder": speech, "training": speech.parent / "training.csv", "raters": ("Ada",), **settings}
        opened.append(open_store(AnnotatorSettings(**given)))
        return opened[-1]

    yield make
    for store in opened:
        store.close()


class Postgres:
    """A PostgreSQL server of the tests' own, on a socket in a temporary folder."""

    def __init__(self, binaries: Path, folder: Path) -> None:
        self.folder, self._binaries, self._process = folder, binaries, None
        user = pwd.getpwnam("nobody" if os.getuid() == 0 else pwd.getpwuid(os.getuid()).pw_name)
        self._as = {"user": user.pw_uid, "group": user.pw_gid} if os.getuid() == 0 else {}
        if self._as:
            shutil.chown(folder, user.pw_uid, user.pw_gid)
        self._run("initdb", "-D", str(folder / "data"), "-U", "tests", "-A", "trust", "--no-sync", "-E", "UTF8")

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [self._binaries / program, *arguments], cwd=self.folder, capture_output=True, text=True, **self._as
        )
        assert done.returncode == 0, done.stderr

    def start(self) -> None:
        self._process = subprocess.Popen(
            [
                self._binaries / "postgres",
                "-D",
                self.folder / "data",
                "-k",
                self.folder,
                "-c",
                "listen_addresses=",
                "-c",
                "fsync=off",
            ],
            cwd=self.folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            **self._as,
        )
        until(self.answers)

    def answers(self) -> bool:
        import psycopg

        try:
            psycopg.connect(host=str(self.folder), user="tests", dbname="postgres").close()
        except psycopg.OperationalError:
            return False
        return True

    def stop(self) -> None:
        self._process.send_signal(signal.SIGINT)  # ends connections at once
        self._process.wait(30)

    def new_url(self) -> str:
        """Make an empty database."""
        import psycopg

        name = f"d{uuid.uuid4().hex[:10]}"
        with psycopg.connect(host=str(self.folder), user="tests", dbname="postgres", autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return f"postgresql://tests@/{name}?host={self.folder}"


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    pytest.importorskip("psycopg", reason="NO DRIVER: PostgreSQL is NOT tested; pip install psycopg[binary]")
    debian = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    found = sorted((each.parent for each in debian), key=lambda each: float(each.parent.name))
    if not found:
        pytest.skip("NO POSTGRESQL: the store for teams is NOT tested; apt-get install postgresql")
    folder = Path(tempfile.mkdtemp(prefix="affectmap-postgres-"))
    server = Postgres(found[-1], folder)
    server.start()
    yield server
    server.stop()
    shutil.rmtree(folder)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def database(request: pytest.FixtureRequest) -> str | None:
    """URL of an empty database; None for SQLite's file."""
    return request.getfixturevalue("postgres").new_url() if request.param == "postgresql" else None


class Site:
    """The application over a store, asked in this process without a network."""

    def __init__(self, store: Store) -> None:
        self.store, self.app = store, create_app(store, PASSWORD)
        self.token = store.raters.all()[0].token
        self.cookies: dict[str, str] = {}

    def ask(self, method: str, path: str, **options) -> httpx.Response:
        return self.ask_together([(method, path, options)])[0]

    def ask_together(self, requests: list[tuple[str, str, dict]]) -> list[httpx.Response]:
        async def run() -> list[httpx.Response]:
            transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
            async with httpx.AsyncClient(
                transport=transport, base_url=BASE, timeout=60, cookies=self.cookies
            ) as client:
                return await asyncio.gather(
                    *(client.request(method, path, **options) for method, path, options in requests)
                )

        return asyncio.run(run())

    def get(self, what: str) -> dict:
        answer = self.ask("GET", f"/api/{self.token}/{what}")
        assert answer.status_code == 200, answer.text
        return answer.json()

    def rate(self, item: str, **values) -> httpx.Response:
        return self.ask("POST", f"/api/{self.token}/ratings", json=rating(item, **values))

    def sign_in(self) -> str:
        """Sign in as the organiser; give what changes must send along."""
        answer = self.ask("POST", "/organiser/login", data={"password": PASSWORD})
        assert answer.status_code == 303, answer.text
        self.cookies = dict(answer.cookies)
        return self.ask("GET", "/organiser/state").json()["csrf"]


def rating(item: str, **values) -> dict:
    """What the page sends."""
    usual = {"activation": 3.5, "valence": 2, "emotion": None, "cannot_tell": False, "comment": "", "seconds": 4.5}
    return {"item": item, **usual, "key": str(uuid.uuid4()), **values}


@pytest.fixture
def site(make_store: Callable[..., Store]) -> Site:
    return Site(make_store())


class Running(NamedTuple):
    """A server of its own."""

    url: str
    link: str
    process: subprocess.Popen
    told: list[str]


@pytest.fixture
def start_server(speech: Path) -> Iterator[Callable[..., Running]]:
    """Give a function that starts ``affectmap annotate`` over the folder; each is killed in the end."""
    started: list[subprocess.Popen] = []

    def start(*options: str) -> Running:
        process = subprocess.Popen(
            [
                *(sys.executable, "-c", "from affectmap.cli import main; main()", "annotate", str(speech)),
                *("--port", "0", "--no-browser", "--training", str(speech.parent / "training.csv"), *options),
            ],
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        told = []
        while "until Ctrl-C" not in (line := process.stderr.readline()):
            assert line, "".join(told)
            told.append(line)
        url = re.search(r"http://[^/]+", told[0]).group()
        until(lambda: httpx.get(f"{url}/api/languages").status_code == 200, httpx.ConnectError)
        return Running(url, re.search(r"/r/(\S+)", told[0]).group(1), process, told)

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
def tools():
    """Functions that tests share."""

    class Tools:
        fill = staticmethod(fill)
        rating = staticmethod(rating)
        until = staticmethod(until)
        site = Site

    return Tools
