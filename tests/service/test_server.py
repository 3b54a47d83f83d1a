"""A server of its own, and clients that behave badly."""

from __future__ import annotations

import asyncio
import signal
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import httpx
import psutil
import pytest

from conftest import make_voice
from waiting import until

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server(start_shared_server):
    return start_shared_server(
        "--n-jobs", "2", "--max-mb", "3",
        first="""
import affectmap.web.connections as connections
import affectmap.web.server as server
connections.HEAD_S = 1.0
connections.READING_S = 2.0
server.PATIENCE_S = 1.5
server.LINGER_S = 1.5
""",
    )  # fmt: skip


@pytest.fixture(scope="module")
def wave(tmp_path_factory):
    import soundfile

    file = tmp_path_factory.mktemp("voice") / "voice.wav"
    soundfile.write(file, make_voice(seconds=3.0), 16000)
    return file.read_bytes()


@pytest.fixture(scope="module")
def long_wave(tmp_path_factory):
    import soundfile

    file = tmp_path_factory.mktemp("voice") / "long.wav"
    soundfile.write(file, make_voice(seconds=90.0), 16000)
    return file.read_bytes()


def connect(server) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.port), timeout=20)


def head(length: int, path: str = "/embed") -> bytes:
    return f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: audio/wav\r\nContent-Length: {length}\r\n\r\n".encode()


def everything(connection: socket.socket) -> bytes:
    found = b""
    while piece := connection.recv(65536):
        found += piece
    return found


def test_an_upload_is_answered(server, wave):
    given = httpx.post(f"{server.url}/embed", files={"file": ("a.wav", wave)}, timeout=30)
    assert given.status_code == 200
    assert given.json()["rows"][0]["file"] == "a.wav"


def test_two_hundred_at_once(start_server, wave):
    """Everybody is answered. Limits of a second, as the other tests set, would cut off clients that wait for a core."""
    server = start_server("--n-jobs", "2")

    async def ask_all():
        limits = httpx.Limits(max_connections=None)
        async with httpx.AsyncClient(timeout=120, limits=limits) as client:
            return await asyncio.gather(*(client.post(f"{server.url}/embed", content=wave) for _ in range(200)))

    process = psutil.Process(server.process.pid)
    before = process.memory_info().rss
    answers = asyncio.run(ask_all())
    assert {each.status_code for each in answers} <= {200, 429}
    assert sum(each.status_code == 200 for each in answers) >= 10
    assert server.healthy()
    assert process.memory_info().rss - before < 300e6
    until(lambda: not server.uploads())


@pytest.mark.parametrize("when", ["after the head", "within the body", "while it is measured"])
def test_hanging_up(server, long_wave, when):
    for _ in range(10):
        with connect(server) as connection:
            connection.sendall(head(len(long_wave), "/track?windows=0.5&hop=0.1"))
            if when == "within the body":
                connection.sendall(long_wave[:100_000])
            if when == "while it is measured":
                connection.sendall(long_wave)
            time.sleep(0.02)
    until(lambda: not server.uploads())
    # The places are free again: otherwise these would be refused.
    for _ in range(12):
        assert httpx.get(f"{server.url}/health").status_code == 200
    until(lambda: httpx.post(f"{server.url}/embed", content=long_wave[:64_044], timeout=60).status_code in (200, 422))


def test_a_claim_that_is_too_short(server, wave):
    with connect(server) as connection:
        connection.sendall(head(1000) + wave)
        answer = everything(connection)
    assert answer.startswith(b"HTTP/1.1 422")  # a recording that is cut short; the rest is no request
    assert server.healthy()


def test_a_claim_that_is_too_long(server, wave):
    with connect(server) as connection:
        connection.sendall(head(len(wave) + 5000) + wave)
        answer = everything(connection)
    assert answer.startswith(b"HTTP/1.1 408")
    until(lambda: not server.uploads())


def test_an_endless_body(server):
    def endless():
        while True:
            yield bytes(65536)

    try:
        told = httpx.post(f"{server.url}/embed", content=endless(), timeout=30)
    except httpx.WriteError:  # cut off while it was still sending
        pass
    else:
        assert told.status_code == 413
    until(lambda: not server.uploads())
    assert server.healthy()


def test_a_large_upload_hears_why(server):
    told = httpx.post(f"{server.url}/embed", content=bytes(5_000_000), timeout=30)
    assert (told.status_code, told.json()["detail"][:33]) == (413, "the body is larger than 3 MB; sen")


def test_a_body_drop_by_drop(server):
    with connect(server) as connection:
        connection.sendall(head(100_000))
        start = time.monotonic()
        try:
            while time.monotonic() - start < 15:
                connection.sendall(b"x")
                time.sleep(0.1)
        except OSError:
            pass
        assert time.monotonic() - start < 14
    until(lambda: not server.uploads())


@pytest.mark.parametrize("first", [b"", b"G", b"GET /health HTTP/1.1\r\nHost: localhost\r\nX: "])
def test_a_head_that_never_ends(server, first):
    with connect(server) as connection:
        connection.sendall(first)
        start = time.monotonic()
        try:
            while first and time.monotonic() - start < 15:
                connection.sendall(b"y")
                time.sleep(0.1)
            assert connection.recv(100) == b""
        except ConnectionError:
            pass
        assert time.monotonic() - start < 14


def test_a_second_head_that_never_ends(server):
    with connect(server) as connection:
        connection.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        answer = b""
        while b'{"status":"ok"}' not in answer:
            answer += connection.recv(10_000)
        start = time.monotonic()
        with pytest.raises(ConnectionError):  # noqa: PT012
            while time.monotonic() - start < 15:
                connection.sendall(b"G")
                time.sleep(0.1)


def test_an_answer_that_nobody_reads(server, long_wave):
    with connect(server) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        ask = b"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n"
        connection.setblocking(False)
        try:
            for _ in range(20_000):
                connection.send(ask)
        except OSError:
            pass
        children = psutil.Process(server.process.pid)
        until(
            lambda: (
                not [c for c in children.net_connections() if c.raddr and c.raddr.port == connection.getsockname()[1]]
            )
        )
    assert server.healthy()


@pytest.mark.parametrize(
    "request_", [b"\x16\x03\x01\x02\x00", b"GET\r\n\r\n", b"POST /embed HTTP/1.1\r\nContent-Length: -1\r\n\r\n"]
)
def test_what_is_no_http(server, request_):
    with connect(server) as connection:
        connection.sendall(request_ + b"\r\n\r\n")
        answer = everything(connection)
    assert b"Traceback" not in answer
    assert answer == b"" or answer.startswith(b"HTTP/1.1 4")
    assert server.healthy()


def test_slow_uploads_keep_nobody_out(start_server, wave):
    """More slow uploads than there are places; a recording of somebody else is measured all the while."""
    server = start_server("--n-jobs", "1")
    slow = []
    for _ in range(100):
        slow.append(connect(server))
        slow[-1].sendall(head(1_000_000) + b"RIFF")
    until(lambda: httpx.post(f"{server.url}/embed", content=wave, timeout=30).status_code == 200, seconds=15)
    for _ in range(5):
        for each in slow:
            with suppress(OSError):
                each.sendall(b"x")
        assert httpx.post(f"{server.url}/embed", content=wave, timeout=30).status_code == 200
    for each in slow:
        each.close()
    until(lambda: not server.uploads())


def test_empty_parts_do_not_hold_up_others(server):
    body = b"--cut\r\n\r\n\r\n" * 250_000
    headers = {"Content-Type": "multipart/form-data; boundary=cut"}
    with ThreadPoolExecutor(4) as threads:
        forms = [
            threads.submit(httpx.post, f"{server.url}/embed", content=body, headers=headers, timeout=30)
            for _ in range(8)
        ]
        waits = []
        while not all(form.done() for form in forms):
            start = time.monotonic()
            assert server.healthy()
            waits.append(time.monotonic() - start)
    assert {form.result().status_code for form in forms} == {422}
    assert max(waits) < 2


def test_ending_under_way(start_server, long_wave):
    """SIGTERM while a track is measured: it ends within seconds, and nothing is left behind."""
    server = start_server()
    with connect(server) as connection:
        connection.sendall(head(len(long_wave), "/track?windows=0.5&hop=0.05") + long_wave)
        until(server.uploads)
        server.process.send_signal(signal.SIGTERM)
        server.process.wait(60)
    assert list(Path(server.temporary).iterdir()) == []
