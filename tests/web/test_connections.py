"""Clients that are slow, or hold connections that they do not use."""

import http.client
import socket
import time
from contextlib import ExitStack

import pytest

from affectmap.web import connections
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
    monkeypatch.setattr(connections, "MAX_CONNECTIONS", 22)  # with 20 spare, two wait at most
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
    """A lost connection that still counted as waiting would be closed in place of one that waits."""
    monkeypatch.setattr(connections, "HEAD_S", 30.0)
    kept = []
    first = connections.TimedConnection.connection_made
    monkeypatch.setattr(
        connections.TimedConnection, "connection_made", lambda self, made: (kept.append(self), first(self, made))[1]
    )
    for sent in (b"", ASK, ASK[:20]):
        with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
            connection.sendall(sent)
    until(lambda: len(kept) == 3 and not kept[0]._waiting)
