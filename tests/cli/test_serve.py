import importlib.util
import os
import signal
import socket
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--host", "0.0.0.0"], "--host 0.0.0.0 lets other machines in; set a token"),
        (["--host", "::"], "--host :: lets other machines in"),
        (["--host", "0.0.0.0", "--token", "short"], "the token must be 16 or more plain characters"),
        (["--token", ""], "the token must be 16 or more"),
        (["--root", "none"], "--root none is not a folder"),
        (["--max-mb", "0"], "--max-mb is 0"),
        (["--max-minutes", "-1"], "--max-minutes is -1"),
        (["--n-jobs", "0"], "--n-jobs is 0"),
        (["--port", "70000"], "--port is 70000"),
        (["--port", "x"], "invalid value for '--port'"),
    ],
)
def test_what_cannot_be_served(affectmap, options, reason, monkeypatch):
    monkeypatch.delenv("AFFECTMAP_TOKEN", raising=False)
    ended = affectmap("serve", *options)
    assert (ended.code, ended.out) == (2, "")
    assert ended.error.startswith(reason)


def test_a_missing_model(affectmap):
    ended = affectmap("serve", "--model", "none")
    assert ended.code == 1
    assert "none" in ended.error


def test_a_port_in_use(affectmap):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ended = affectmap("serve", "--port", taken.getsockname()[1])
    assert ended.code == 2
    assert "choose another with --port" in ended.error


def test_without_the_extra(affectmap, monkeypatch):
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "fastapi" else found(name))
    ended = affectmap("serve")
    assert (ended.code, ended.out) == (2, "")
    assert ended.error.endswith('run pip install "affectmap[serve]"')


@pytest.mark.slow
def test_starting_and_ctrl_c(here):
    program = Path(sysconfig.get_path("scripts")) / "affectmap"
    process = subprocess.Popen(
        [program, "serve", "--port", "0", "--host", "0.0.0.0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "AFFECTMAP_TOKEN": "0123456789abcdef", "TMPDIR": str(here)},
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    line = process.stderr.readline()
    assert line.startswith("serving ")
    assert "0123456789abcdef" not in line
    # Once the port answers, the signal handlers are in place.
    port = int(line.split(":")[-1].split(",")[0])
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.1 200")
    process.send_signal(signal.SIGINT)
    out, errors = process.communicate(timeout=30)
    assert (process.returncode, out, errors) == (0, "", "ended\n")
    assert not list(here.glob("affectmap-serve-*"))


def test_the_service_is_not_imported_by_other_commands():
    code = "import sys, affectmap.cli; print([name for name in ('fastapi', 'uvicorn') if name in sys.modules])"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout == "[]\n"
