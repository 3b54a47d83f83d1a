"""The command line as a user meets it: in a folder of its own, with small corpora in it."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from affectmap.cli import main
from corpus_files import FAST, make_rows, write_settings, write_table


class Outcome(NamedTuple):
    """How a command ended and what it wrote."""

    code: int
    out: str
    err: str

    @property
    def error(self) -> str:
        """The one line that says what is wrong."""
        *notes, last = self.err.splitlines()
        assert last.startswith("affectmap: error: "), self.err
        assert not [line for line in notes if "rror" in line], self.err
        return last.removeprefix("affectmap: error: ")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in, with a cache of its own, and a terminal of 80 columns."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AFFECTMAP_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("COLUMNS", "80")
    return tmp_path


@pytest.fixture
def affectmap(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Outcome]:
    """Run a command in this process. Warnings are errors in it, as in all tests."""
    monkeypatch.setattr(sys, "warnoptions", ["error"])
    monkeypatch.setattr("affectmap.cli.progress.EVERY_S", 3600.0)  # no line of progress on a slow machine

    def run(*arguments: object) -> Outcome:
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
        return Outcome(ended.value.code, *capsys.readouterr())

    return run


@pytest.fixture
def process(here: Path) -> Callable[..., Outcome]:
    """Run a command in a process of its own, or Python code before the command."""
    program = Path(sysconfig.get_path("scripts")) / "affectmap"

    def run(*arguments: object, first: str = "", env: dict[str, str] | None = None, **options: object) -> Outcome:
        start = [sys.executable, "-c", f"{first}\nfrom affectmap.cli import main\nmain()"] if first else [program]
        ended = subprocess.run(
            [*map(str, start), *map(str, arguments)],
            **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options},
            cwd=here,
            env={**os.environ, **(env or {})},
            text=True,
            encoding="utf-8",
            check=False,
        )
        return Outcome(ended.returncode, ended.stdout or "", ended.stderr or "")

    return run


@pytest.fixture
def tables(here: Path) -> list[str]:
    """Source, target and fast settings in the folder; gives the arguments that name them."""
    write_table(here, "birds", make_rows())
    write_table(here, "cats", make_rows(n_speakers=3, seed=1))
    write_settings(here / "fast.toml", **FAST)
    return ["--config", "fast.toml", "--source", "table:birds=birds.parquet", "--target", "table:cats=cats.parquet"]
