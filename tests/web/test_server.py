import http.client
import socket
import time

import pytest

from affectmap.errors import UsageError
from affectmap.web import server as server_module
from affectmap.web.server import listen


def send(port, pieces, claimed=5_000_000):
    """Send a body piece by piece, a number standing for a pause, and give status and answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.putrequest("POST", "/length")
    connection.putheader("Content-Length", str(claimed))
    connection.endheaders()
    try:
        for piece in pieces:
            if isinstance(piece, bytes):
                connection.send(piece)
            else:
                time.sleep(piece)
    except OSError:  # the answer came first
        pass
    answer = connection.getresponse()
    found = answer.status, answer.read().decode()
    connection.close()
    return found


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(server_module, "PATIENCE_S", 0.5)
    monkeypatch.setattr(server_module, "LINGER_S", 0.1)


def test_a_body_that_comes_well_is_read(port, quick):
    assert send(port, [bytes(100_000)] * 50) == (200, "5000000")


def test_a_body_that_stops_is_given_up_however_fast_it_began(port, quick):
    start = time.monotonic()
    status, told = send(port, [bytes(4_000_000), 2])
    assert (status, time.monotonic() - start < 10) == (408, True)
    assert "at least 100 kB a second" in told


def test_a_body_may_not_take_for_ever(port, quick, monkeypatch):
    monkeypatch.setattr(server_module, "BODY_S", 0.6)
    monkeypatch.setattr(server_module, "USUAL_BODY", 1e9)
    monkeypatch.setattr(server_module, "SLOWEST_BODY", 1000)
    status, told = send(port, [bytes(1000), 0.1] * 20)
    assert status == 408
    assert "the body takes more than 0.6 s" in told


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
