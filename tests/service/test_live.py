"""A voice while it speaks, over a WebSocket: rows as the command prints them, and what ends a stream."""

from __future__ import annotations

import io
import json
import socket as sockets
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager, suppress

import numpy as np
import pytest
import soundfile
import websocket
from starlette.testclient import TestClient, WebSocketDenialResponse
from starlette.websockets import WebSocketDisconnect

from affectmap.service import live
from affectmap.track import track_stream
from affectmap.track.recording import text_line
from conftest import make_voice
from waiting import until

HELLO = {"sampling_rate": 16000, "windows": 2}
TOKEN = "a-token-of-23-characters"
LATE = "samples came 0.2 s too late; send them as they are spoken, or begin anew"


def pcm(signal) -> bytes:
    return (np.clip(signal, -1, 1) * 32767).astype("<i2").tobytes()


@pytest.fixture(scope="module")
def spoken() -> bytes:
    """A voice of 5 s, a second of silence, and a rest too short for a window."""
    return pcm(np.concatenate([make_voice(5.0), np.zeros(16000), make_voice(0.7)]))


@contextmanager
def opened(service, address="127.0.0.1", **headers):
    with TestClient(service.app, client=(address, 1)) as client:
        yield lambda: client.websocket_connect("ws://localhost:8000/live", headers=headers)


def send(socket, data: bytes, size: int = 7001) -> None:
    for first in range(0, len(data), size):
        socket.send_bytes(data[first : first + size])


def rows_of(socket) -> list[str]:
    """What comes until the server closes, which it must do as after a good end."""
    found = []
    while (message := socket.receive())["type"] == "websocket.send":
        found.append(message["text"])
    assert message == {"type": "websocket.close", "code": 1000, "reason": ""}
    return found


def end_of(socket) -> tuple[int, str]:
    """The code and the reason with which a stream is ended, rows before it left out."""
    while "detail" not in (answer := socket.receive_json()):
        pass
    with pytest.raises(WebSocketDisconnect) as closed:
        socket.receive_text()
    assert answer["detail"].startswith(closed.value.reason)
    return closed.value.code, answer["detail"]


def expected(data: bytes, model, **options) -> list[str]:
    return [text_line(row, "json") for row in track_stream(io.BytesIO(data), 16000, model, **options)]


def test_rows_are_those_of_the_stream(service, model, spoken):
    with opened(service) as connect:
        for options, same in (
            ({"windows": 2}, {"window_s": 2.0}),
            (
                {"windows": 1.5, "hop": 0.5, "statistics": "running"},
                {"window_s": 1.5, "hop_s": 0.5, "statistics": "running"},
            ),
        ):
            with connect() as socket:
                socket.send_json({"sampling_rate": 16000, **options})
                send(socket, spoken)
                socket.send_bytes(b"")
                assert rows_of(socket) == expected(spoken, model, **same)
    assert service.core.live.n_open == 0


def test_a_row_comes_as_soon_as_its_window_is_complete(service, spoken):
    with opened(service) as connect, connect() as socket:
        socket.send_json(HELLO)
        send(socket, spoken[: 2 * 2 * 16000])
        row = socket.receive_json()
        assert (row["file"], row["start"], row["end"]) == ("-", 0, 2)
        assert 1 <= row["activation_low"] <= row["activation"] <= row["activation_high"] <= 5


def test_silence_and_notes_are_told(service):
    with opened(service) as connect, connect() as socket:
        socket.send_json({"sampling_rate": 48000, "windows": 1})
        send(socket, bytes(2 * 48000 * 2), 48000)
        socket.send_bytes(b"")
        note, *rows = map(json.loads, rows_of(socket))
    assert note["note"].startswith("recorded at 48000 Hz, resampled")
    assert [row["silent"] for row in rows] == [True, True]


@pytest.mark.parametrize(
    ("first", "code", "reason"),
    [
        (b"\0\0", 1003, "the first message holds bytes; expected JSON"),
        ("{", 1007, "the first message is no JSON; expected JSON such as"),
        ("[1]", 1007, "the body is a list; expected an object"),
        ("null", 1007, "the body is null; expected an object"),
        ('{"sampling_rate": true}', 1007, "sampling_rate is true; expected a valid integer"),
        ('{"sampling_rate": {"a": 1}}', 1007, "sampling_rate is an object; expected a valid integer"),
        ("{}", 1007, "sampling_rate is missing"),
        ('{"sampling_rate": "fast"}', 1007, "sampling_rate is fast"),
        ('{"sampling_rate": 10}', 1007, "sampling_rate is 10, expected"),
        ('{"sampling_rate": 960000}', 1007, "sampling_rate is 960000; expected"),
        ('{"sampling_rate": 16000, "windows": 1e9}', 1007, "windows last 1e+09 s, expected 0.2 to 60 s"),
        ('{"sampling_rate": 16000, "windows": NaN}', 1007, "windows is nan"),
        ('{"sampling_rate": 16000, "windows": 10, "hop": 0.1}', 1007, "the hop must be a tenth"),
        ('{"sampling_rate": 16000, "hop": 9}', 1007, "the hop is 9 s, expected"),
        ('{"sampling_rate": 16000, "statistics": "recording"}', 1007, "statistics is recording"),
        ('{"sampling_rate": 16000, "colour": 1}', 1007, "unknown field 'colour'"),
        ('{"sampling_rate": 16000, "token": "\\ud800"}', 1007, "the first message is no JSON"),
    ],
)  # fmt: skip
def test_a_first_message_that_does_not_fit_is_told(service, first, code, reason):
    with opened(service) as connect, connect() as socket:
        (socket.send_bytes if isinstance(first, bytes) else socket.send_text)(first)
        found, told = end_of(socket)
    assert (found, reason in told) == (code, True), told
    assert service.core.live.n_open == 0


def test_messages_that_hold_no_samples_are_told(service):
    with opened(service) as connect:
        with connect() as socket:
            socket.send_json(HELLO)
            socket.send_text("hello?")
            assert end_of(socket) == (1003, "a message holds text, expected samples: 16 bit, little-endian, mono")
        with connect() as socket:
            socket.send_json(HELLO)
            socket.send_bytes(bytes(live.MAX_MESSAGE + 1))
            code, told = end_of(socket)
            assert code == 1009
            assert "65,537 bytes, expected at most 65,536" in told
        with connect() as socket:  # half a sample at the end
            socket.send_json(HELLO)
            socket.send_bytes(bytes(4001))
            socket.send_bytes(b"")
            assert "the last byte is half a sample and was left out" in "".join(rows_of(socket))


def test_a_stream_has_a_longest(make_service):
    with opened(make_service(max_minutes=0.05)) as connect, connect() as socket:
        socket.send_json(HELLO)
        send(socket, bytes(2 * 4 * 16000), 32000)
        assert end_of(socket) == (1008, "it lasts longer than the 3 s taken here; begin anew")


def test_who_sends_nothing_is_left(service, monkeypatch):
    monkeypatch.setattr(live, "IDLE_S", 0.2)
    with opened(service) as connect:
        with connect() as socket:
            assert end_of(socket) == (1008, "nothing was sent for 0.2 s; begin anew")
        with connect() as socket:
            socket.send_json(HELLO)
            assert end_of(socket) == (1008, LATE)


def test_a_place_is_not_kept_by_a_few_samples_now_and_then(service, monkeypatch):
    monkeypatch.setattr(live, "IDLE_S", 0.2)
    with opened(service) as connect:
        with connect() as socket:
            socket.send_json(HELLO)
            for _ in range(8):
                time.sleep(0.05)
                socket.send_bytes(bytes(2))
            assert end_of(socket) == (1008, LATE)
        monkeypatch.setattr(live, "IDLE_S", 0.8)
        with connect() as socket:  # as they are spoken, but for 0.15 s now and then
            socket.send_json(HELLO)
            for pause in (0.0, 0.15, 0.1) * 3:
                time.sleep(0.05 + pause)
                socket.send_bytes(bytes(4800 + 1600))
            socket.send_bytes(b"")
            assert all("note" not in json.loads(row) for row in rows_of(socket))


def test_places_are_few_and_free_again_at_once(make_service, spoken):
    service = make_service(n_jobs=1)
    with opened(service) as connect:
        with connect() as one, connect() as two:
            for socket in (one, two):
                socket.send_json(HELLO)
                send(socket, spoken[:70_000])
                assert socket.receive_json()["end"] == 2
            with connect() as third:
                third.send_json(HELLO)
                assert end_of(third) == (1013, "2 voices are measured live; try again soon")
        until(lambda: service.core.live.n_open == 0)  # both hung up
        with connect() as again:
            again.send_json(HELLO)
            send(again, spoken[:70_000])
            assert again.receive_json()["end"] == 2


def test_one_client_elsewhere_leaves_a_place_to_others(make_service):
    service = make_service(n_jobs=1)
    with opened(service, "192.0.2.7") as connect, connect() as first:
        first.send_json(HELLO)
        until(lambda: service.core.live.n_open == 1)
        with connect() as second:
            second.send_json(HELLO)
            assert end_of(second) == (1013, "the last place is kept for others than you; end a voice of yours first")
        other = TestClient(service.app, client=("192.0.2.8", 1))
        with other.websocket_connect("ws://localhost:8000/live") as socket:
            socket.send_json(HELLO)
            socket.send_bytes(b"")
            assert rows_of(socket) == []
        first.send_bytes(b"")
        assert rows_of(first) == []
        with connect() as again:
            again.send_json(HELLO)
            again.send_bytes(b"")
            assert rows_of(again) == []


def test_pages_from_elsewhere_and_other_names_are_refused(make_service):
    service = make_service()
    for headers, status, reason in (
        ({"Origin": "http://evil.example"}, 403, "a page from elsewhere may not use this service"),
        ({"Origin": "null"}, 403, "a page from elsewhere"),
        ({"Host": "evil.example"}, 421, "localhost only"),
    ):
        with opened(service, **headers) as connect:
            with pytest.raises(WebSocketDenialResponse) as refused, connect():
                pass
            assert refused.value.status_code == status
            assert reason in refused.value.json()["detail"]
            assert refused.value.headers["x-content-type-options"] == "nosniff"
    with opened(make_service(), Origin="http://localhost:8000") as connect, connect() as socket:
        socket.send_json(HELLO)
        socket.send_bytes(b"")
        assert rows_of(socket) == []


def test_the_token_comes_in_the_first_message(make_service):
    with opened(make_service(token=TOKEN)) as connect:
        for sent in ({}, {"token": "wrong"}, {"token": "ü" * 20}):
            with connect() as socket:
                socket.send_json({**HELLO, **sent})
                code, told = end_of(socket)
                assert code == 1008
                assert "needs the token that the service was started with" in told
        with connect() as socket:
            socket.send_json({**HELLO, "token": TOKEN})
            socket.send_bytes(b"")
            assert rows_of(socket) == []


def test_a_fault_is_told_and_frees_the_place(service, monkeypatch):
    def broken(*args, **options):
        raise RuntimeError("a fault for this test")

    monkeypatch.setattr(live, "track_stream", broken)

    def visit():
        with opened(service) as connect, connect() as socket:
            socket.send_json(HELLO)
            assert end_of(socket) == (1011, "a fault of the server; see its own log")

    with pytest.raises(RuntimeError, match="for this test"):  # which a server writes to its log
        visit()
    assert service.core.live.n_open == 0


# A server of its own


@pytest.fixture
def dial():
    """Give a function that opens a WebSocket of a server."""
    with ExitStack() as opened:

        def start(server, path: str = "/live", **options) -> websocket.WebSocket:
            address = f"{server.url.replace('http', 'ws', 1)}{path}"
            socket = websocket.create_connection(address, timeout=30, **options)
            opened.callback(socket.shutdown)
            return socket

        yield start


@pytest.mark.slow
def test_over_a_network_as_the_command_prints_it(start_server, dial, talk):
    server = start_server("--n-jobs", "1")
    samples, rate = soundfile.read(talk, dtype="int16")
    data = samples.tobytes()
    options = ["--windows", "3", "--hop", "1"]
    command = [sys.executable, "-c", "from affectmap.cli import main; main()", "track", "--stream", *options]
    printed = subprocess.run(
        [*command, "--stream-rate", str(rate), "--format", "json"], input=data, capture_output=True, check=True
    )
    socket = dial(server)
    socket.send(json.dumps({"sampling_rate": rate, "windows": 3, "hop": 1}))
    for first in range(0, len(data), 16384):  # the command reads so much at once, by whose first its offset is taken
        socket.send_binary(data[first : first + 16384])
    socket.send_binary(b"")
    found = []
    while message := socket.recv():
        found.append(message)
    assert [each for each in found if "note" not in json.loads(each)] == printed.stdout.decode().splitlines()
    assert len(found) > 10
    assert server.healthy()


@pytest.mark.slow
def test_bad_clients_leave_no_trace(start_server, dial):
    server = start_server(
        "--n-jobs", "1", first="import affectmap.web.connections as c; c.HEAD_S = 1.0; c.READING_S = 2.0"
    )
    large = dial(server)
    large.send(json.dumps(HELLO))
    large.send_binary(bytes(live.MAX_MESSAGE + 1))
    assert large.recv_data() == (
        websocket.ABNF.OPCODE_CLOSE,
        (1009).to_bytes(2) + b"Message exceeds the maximum size (65536 bytes)",
    )
    with pytest.raises(websocket.WebSocketBadStatusException, match="403") as refused:
        dial(server, origin="http://evil.example")
    assert json.loads(refused.value.resp_body)["detail"].startswith("a page from elsewhere")
    for path in ("/nowhere", "/embed"):
        with pytest.raises(websocket.WebSocketBadStatusException, match="404") as refused:
            dial(server, path)
        assert json.loads(refused.value.resp_body) == {"detail": "WebSockets are taken only at /live; open it there"}
    rubbish = dial(server)
    rubbish.sock.sendall(b"\xff" * 100)  # no frame
    with suppress(ConnectionResetError):
        while rubbish.sock.recv(100):  # until the server closes
            pass
    for _ in range(5):  # more than there are places, each gone without a word
        rude = dial(server)
        rude.send(json.dumps(HELLO))
        rude.send_binary(pcm(make_voice(3.0))[:64000])
        rude.sock.close()
    until(server.healthy)

    def found_a_place() -> bool:
        late = dial(server)
        late.send(json.dumps(HELLO))
        late.send_binary(b"")
        return late.recv() == ""

    until(found_a_place)
    left = dial(server)
    left.send(json.dumps(HELLO))
    server.process.terminate()
    assert left.recv_data() == (websocket.ABNF.OPCODE_CLOSE, (1012).to_bytes(2))
    server.process.wait(30)


@pytest.mark.slow
def test_who_reads_no_pongs_is_left(start_server, dial):
    server = start_server("--n-jobs", "1", first="import affectmap.web.connections as c; c.MAX_UNREAD = 200_000")
    deaf = dial(server, sockopt=((sockets.SOL_SOCKET, sockets.SO_RCVBUF, 4096),))
    pings = 1000 * websocket.ABNF.create_frame(bytes(125), websocket.ABNF.OPCODE_PING).format()
    with pytest.raises(ConnectionError):
        deaf.sock.sendall(1000 * pings)  # whose answers it never reads
    assert server.healthy()
