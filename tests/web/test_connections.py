"""Clients that are slow, or hold connections that they do not use."""

import http.client
import socket
import struct
import time
from contextlib import ExitStack

import pytest

from affectmap.web import connections
from affectmap.web import server as server_module
from waiting import until

ASK = b"GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n"


def closed_after(connection):
    """Seconds until the server closes a connection."""
    start = time.monotonic()
    try:
        while connection.recv(65_536):
            pass
    except ConnectionError:
        pass
    return time.monotonic() - start


def test_connections_without_a_complete_head_are_closed(port, monkeypatch):
    monkeypatch.setattr(connections, "HEAD_S", 0.3)
    for first in (b"", b"GET /hello HTTP/1.1\r\nHost: localhost\r\nX: ", ASK + b"GET /hel"):
        with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
            connection.sendall(first)
            assert 0.15 < closed_after(connection) < 10, first


@pytest.mark.slow
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


@pytest.mark.slow
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


def ask(connection):
    connection.sendall(ASK)
    return connection.recv(65_536)


def opened(stack, port):
    return stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=20))


def refuse_and_linger(connection):
    """Claim more than is taken and never send it: the server waits a while for the rest before it closes."""
    connection.sendall(b"POST /length HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999\r\n\r\n")
    assert connection.recv(65_536).startswith(b"HTTP/1.1 413")


def be_answered(connection):
    assert ask(connection).startswith(b"HTTP/1.1 200")


def leave_unread(connection):
    connection.sendall(ASK.replace(b"hello", b"long"))


@pytest.mark.parametrize("first", [lambda connection: None, be_answered, refuse_and_linger, leave_unread])
def test_connections_that_wait_for_their_client_give_way(port, monkeypatch, first):
    monkeypatch.setattr(connections, "HEAD_S", 30.0)
    monkeypatch.setattr(connections, "READING_S", 30.0)
    monkeypatch.setattr(connections, "MAX_CONNECTIONS", 3)
    with ExitStack() as stack:
        waiting = []
        for _ in range(4):
            waiting.append(opened(stack, port))
            first(waiting[-1])
            time.sleep(0.02)
        assert ask(opened(stack, port)).startswith(b"HTTP/1.1 200")
        assert closed_after(waiting[0]) < 10  # it waited longest


def test_a_thousand_idle_connections_shut_nobody_out(port, monkeypatch):
    monkeypatch.setattr(connections, "HEAD_S", 30.0)
    with ExitStack() as stack:
        for _ in range(10):
            for _ in range(100):
                connection = stack.enter_context(socket.socket())
                connection.setblocking(False)
                connection.connect_ex(("127.0.0.1", port))
            assert ask(opened(stack, port)).startswith(b"HTTP/1.1 200")
            stack.close()


def test_connections_that_end_are_forgotten(port, monkeypatch):
    """A lost connection that still counted would keep a place."""
    kept = []
    first = connections.TimedConnection.connection_made
    monkeypatch.setattr(
        connections.TimedConnection, "connection_made", lambda self, made: (kept.append(self), first(self, made))[1]
    )
    for sent in (b"", ASK, ASK[:20]):
        with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
            connection.sendall(sent)
    until(lambda: len(kept) == 3 and not len(kept[0].others))


def connect(port, first, client="127.0.0.1"):
    connection = socket.create_connection(("127.0.0.1", port), timeout=20, source_address=(client, 0))
    connection.sendall(first)
    return connection


def half(method="POST", length=1000, sent=b"{"):
    head = f"{method} /length HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {length}\r\n\r\n".encode() + sent


def test_half_a_text_is_waited_for_so_long(port, monkeypatch):
    monkeypatch.setattr(server_module, "TEXT_S", 0.3)
    monkeypatch.setattr(server_module, "TEXT_LINGER_S", 0.3)
    monkeypatch.setattr(connections, "HEAD_S", 10.0)
    for first, status in [(half(), 408), (half("PUT"), 405), (half("GET").replace(b"length", b"hello", 1), 200)]:
        with connect(port, first) as connection:
            answer, began = b"", time.monotonic()
            while part := connection.recv(65_536):
                answer += part
            assert time.monotonic() - began < 4, first
            assert int(answer.split()[1]) == status


def test_half_sent_bodies_keep_nobody_out(port, monkeypatch):
    monkeypatch.setattr(connections, "MAX_CONNECTIONS", 12)
    with ExitStack() as stack:
        for _ in range(40):
            stack.enter_context(connect(port, half()))
        for client in ("127.0.0.1", "127.0.0.2") * 2:
            with connect(port, b"", client) as connection:
                assert ask(connection).startswith(b"HTTP/1.1 200")


def test_who_takes_most_places_loses_them_first(port, monkeypatch):
    monkeypatch.setattr(connections, "MAX_CONNECTIONS", 12)
    with ExitStack() as stack:
        slow = stack.enter_context(connect(port, half(length=2), "127.0.0.2"))
        for _ in range(40):
            stack.enter_context(connect(port, half(), "127.0.0.3"))
        assert ask(opened(stack, port)).startswith(b"HTTP/1.1 200")
        slow.sendall(b"}")
        assert slow.recv(65_536).startswith(b"HTTP/1.1 200")


def test_where_all_are_answered_one_more_hears_so(port, monkeypatch):
    monkeypatch.setattr(connections, "MAX_CONNECTIONS", 2)
    monkeypatch.setattr(connections.TimedConnection, "waits", False)
    with ExitStack() as stack:
        for _ in range(2):
            be_answered(opened(stack, port))
        told = ask(opened(stack, port))
        assert told.startswith(b"HTTP/1.1 503")
        assert b"retry-after: 1" in told


def test_hanging_up_leaves_no_trace(port, caplog, capfd):
    for first in (half(), half(length=1), ASK.replace(b"hello", b"long"), ASK[:9]):
        connection = connect(port, first)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # a reset
        connection.close()
        connect(port, first).close()
    with connect(port, b"") as connection:
        be_answered(connection)
    assert "Traceback" not in caplog.text + capfd.readouterr().err
