import socket

import pytest

from affectmap.errors import UsageError
from affectmap.web.server import listen


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
