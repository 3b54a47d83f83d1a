"""WebSockets whose frames are many and small, beside clients that want something else."""

import json
import random
import threading
import time
from contextlib import suppress

import httpx
import pytest
import websocket
from websocket import ABNF

from affectmap.web import connections, websockets
from cases import each


def frame(data: bytes = b"", opcode: int = ABNF.OPCODE_CONT, fin: int = 0) -> bytes:
    return ABNF(fin, 0, 0, 0, opcode, 1, data).format()


PING = frame(opcode=ABNF.OPCODE_PING, fin=1)
BEGUN = frame(opcode=ABNF.OPCODE_BINARY)


@pytest.fixture
def dial(socket_port):
    """Give a function that opens a WebSocket."""
    opened = []

    def start() -> websocket.WebSocket:
        opened.append(websocket.create_connection(f"ws://127.0.0.1:{socket_port}/lengths", timeout=60))
        return opened[-1]

    yield start
    for socket in opened:
        socket.shutdown()


def says_hello(port: int) -> bool:
    return httpx.get(f"http://127.0.0.1:{port}/hello", timeout=60).json() == {"hello": "there"}


@each("opcode", [ABNF.OPCODE_CONT, ABNF.OPCODE_PING])
def test_others_are_answered_between_small_frames(dial, socket_port, monkeypatch, opcode):
    """Each slice takes ten milliseconds here, so that all of them take longer than an answer on a busy machine."""
    monkeypatch.setattr(websockets, "FEW_FRAMES", 10**9)
    socket, parsed = dial(), []
    parse = websockets.WSProtocol.data_received

    def slowly(self, data):
        time.sleep(0.01)
        parse(self, data)
        parsed.append(len(data))

    monkeypatch.setattr(websockets.WSProtocol, "data_received", slowly)
    frames = 50_000 * frame(opcode=opcode, fin=int(opcode == ABNF.OPCODE_PING))
    with httpx.Client(base_url=f"http://127.0.0.1:{socket_port}", timeout=60) as client:
        client.get("/hello")  # so that it is connected
        socket.sock.sendall(BEGUN + frames)
        assert client.get("/hello").json() == {"hello": "there"}
    n_parsed = sum(parsed)
    socket.shutdown()
    assert n_parsed < len(frames) / 2
    assert max(parsed) <= 1024


@each("frames", [BEGUN + 50_000 * frame(), 50_000 * PING, 50_000 * frame(b"ab", ABNF.OPCODE_BINARY, 1)])
def test_a_connection_with_many_small_frames_is_ended(dial, socket_port, frames):
    socket = dial()
    with suppress(ConnectionError):
        socket.sock.sendall(frames)
        opcode = None
        while opcode != ABNF.OPCODE_CLOSE:
            opcode, told = socket.recv_data()
        assert told == (1008).to_bytes(2) + b"frames hold less than 16 bytes on average; send larger ones"
    assert says_hello(socket_port)


def test_who_is_ended_is_told(dial):
    socket = dial()
    socket.sock.sendall((websockets.FEW_FRAMES + 1) * PING)
    told = [socket.recv_data(control_frame=True) for _ in range(websockets.FEW_FRAMES + 2)][-1]
    reason = b"frames hold less than 16 bytes on average; send larger ones"
    assert told == (ABNF.OPCODE_CLOSE, (1008).to_bytes(2) + reason)


def test_messages_come_whole_and_in_order(dial):
    chance = random.Random(1)
    lengths = [chance.choice((0, 1, 40, 900, 1024, 5000, 66_000)) for _ in range(300)]
    frames = [frame(bytes(length), ABNF.OPCODE_BINARY, 1) for length in lengths]
    frames[150:150] = [PING] * 20
    socket = dial()
    sending = threading.Thread(target=socket.sock.sendall, args=(b"".join(frames),))
    sending.start()
    assert [int(socket.recv()) for _ in lengths] == lengths
    sending.join()


def test_samples_in_short_messages_are_no_harm(dial):
    socket, n = dial(), 3 * websockets.FEW_FRAMES
    socket.sock.sendall(n * frame(bytes(websockets.FRAME_BYTES), ABNF.OPCODE_BINARY, 1))
    assert [socket.recv() for _ in range(n)] == [str(websockets.FRAME_BYTES)] * n


def test_where_all_are_answered_one_more_hears_so(dial, monkeypatch):
    monkeypatch.setattr(connections, "MAX_CONNECTIONS", 1)
    monkeypatch.setattr(connections.TimedConnection, "waits", False)
    dial()
    with pytest.raises(websocket.WebSocketBadStatusException, match="503") as refused:
        dial()
    assert json.loads(refused.value.resp_body) == {"detail": "all places are taken; try again soon"}
