import http.client
import socket
import threading
import time

import pytest
from fastapi import FastAPI

from affectmap.errors import UsageError
from affectmap.web import server as server_module
from affectmap.web.server import Guard, listen, make_server

ASK = b"GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.fixture
def port(monkeypatch):
    """The port of a server that waits a second for heads, and half a one for clients to read."""
    monkeypatch.setattr(server_module, "HEAD_S", 1.0)
    monkeypatch.setattr(server_module, "READING_S", 0.5)
    app = FastAPI()
    app.get("/hello")(lambda: {"hello": "there"})
    app.get("/long")(lambda: "x" * 30_000_000)
    app.add_middleware(Guard, host="127.0.0.1")
    listening = listen("127.0.0.1", 0)
    server = make_server(app)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    with listening:
        yield listening.getsockname()[1]
        server.should_exit = True
        thread.join()


def closed_after(connection):
    """Seconds until the server closes a connection."""
    start = time.monotonic()
    try:
        while connection.recv(65_536):
            pass
    except ConnectionError:
        pass
    return time.monotonic() - start


def test_connections_without_a_complete_head_are_closed(port):
    for first in (b"", b"GET /hello HTTP/1.1\r\nHost: localhost\r\nX: ", ASK + b"GET /hel"):
        with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
            connection.sendall(first)
            assert 0.5 < closed_after(connection) < 10, first


def test_a_connection_that_is_used_stays_open(port):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.connect()
    used = connection.sock
    for _ in range(4):
        connection.request("GET", "/hello")
        assert connection.getresponse().read() == b'{"hello":"there"}'
        time.sleep(0.3)
    assert connection.sock is used
    connection.close()


def test_answers_that_nobody_reads_end(port):
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(20)
        connection.connect(("127.0.0.1", port))
        connection.sendall(ASK.replace(b"hello", b"long"))
        time.sleep(2)
        received = 0
        try:
            while part := connection.recv(65_536):
                received += len(part)
        except ConnectionError:
            pass
        assert received < 30_000_000


def test_an_address_in_use_is_refused():
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UsageError, match=rf"cannot listen on 127.0.0.1 port {port} \(.*\); choose another"):
            listen("127.0.0.1", port)
    with pytest.raises(UsageError, match=r"cannot listen on no\.such\.host\.invalid port 1"):
        listen("no.such.host.invalid", 1)


def test_answers_are_sent_at_once():
    """Without this option the second part of an answer waits until the client has confirmed the first."""
    with listen("127.0.0.1", 0) as listening, socket.create_connection(listening.getsockname()):
        accepted, _ = listening.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
