"""Listening: a socket, and a server that does not wait for clients that neither send nor read."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from affectmap.errors import UsageError

#: Seconds after which a connection is closed whose client sends no complete head, or reads no answer.
HEAD_S = 15.0
READING_S = 60.0
#: Connections at once.
MAX_CONNECTIONS = 500
_GRACE_S = 5  # for answers under way when the server ends


class TimedConnection(asyncio.Protocol):
    """uvicorn's HTTP/1.1 connection, closed when a head or the reading of an answer takes too long.

    uvicorn itself limits only the wait for the first byte of a second request. The middleware finds the connection in
    the state of the ASGI scope and enters it for as long as a request is served.
    """

    def __init__(self, *, app_state: dict[str, Any], **options: Any) -> None:  # noqa: ANN401 (uvicorn's own)
        self._http = H11Protocol(app_state={**app_state, "connection": self}, **options)
        self._n_requests = 0
        self._head_timer: asyncio.TimerHandle | None = None
        self._read_timer: asyncio.TimerHandle | None = None

    def __enter__(self) -> None:
        """Begin a request: its head is complete."""
        self._n_requests += 1
        _cancel(self._head_timer)

    def __exit__(self, *error: object) -> None:
        """End a request and wait for the head of the next."""
        self._n_requests -= 1
        if not self._n_requests:
            self._await_head()

    def _await_head(self) -> None:
        _cancel(self._head_timer)
        self._head_timer = asyncio.get_running_loop().call_later(HEAD_S, self._transport.abort)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for the first head."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._await_head()
        self._http.connection_made(transport)

    def data_received(self, data: bytes) -> None:
        """Pass on what came."""
        self._http.data_received(data)

    def eof_received(self) -> None:
        """Pass on that the client sends no more."""
        self._http.eof_received()

    def pause_writing(self) -> None:
        """Wait for the client to read."""
        self._http.pause_writing()
        self._read_timer = asyncio.get_running_loop().call_later(READING_S, self._transport.abort)

    def resume_writing(self) -> None:
        """Go on: the client reads."""
        self._http.resume_writing()
        _cancel(self._read_timer)

    def connection_lost(self, error: Exception | None) -> None:
        """Stop waiting."""
        self._http.connection_lost(error)
        _cancel(self._head_timer, self._read_timer)


def _cancel(*timers: asyncio.TimerHandle | None) -> None:
    for timer in timers:
        if timer:
            timer.cancel()


def listen(host: str, port: int) -> socket.socket:
    """Open a socket to listen on; the caller closes it. Port 0 takes a free one.

    Raises:
        UsageError: If the address cannot be listened on.

    Example:
        >>> with listen("127.0.0.1", 0) as listening:
        ...     listening.getsockname()[1] > 0
        True
    """
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        listening = socket.create_server(address[:2], family=family, backlog=2048)
    except OSError as error:
        reason = error.strerror or str(error)
        raise UsageError(f"cannot listen on {host} port {port} ({reason}); choose another with --port") from error
    # Connections inherit it; asyncio sets it only on sockets that it made. Else an answer's second part waits 40 ms.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening


def make_server(app: ASGIApp) -> uvicorn.Server:
    """Make a server for an application; it answers at most `MAX_CONNECTIONS` at once."""
    config = uvicorn.Config(
        app,
        http=TimedConnection,
        ws="none",
        log_level="error",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=MAX_CONNECTIONS,
        timeout_graceful_shutdown=_GRACE_S,
    )
    return uvicorn.Server(config)


def run_server(app: ASGIApp, listening: socket.socket) -> None:
    """Serve an application on a socket until Ctrl-C or SIGTERM; the socket is closed at the end."""
    with listening:
        make_server(app).run(sockets=[listening])


def address_of(host: str, port: int) -> str:
    """Write the address of a server as a browser takes it.

    Example:
        >>> address_of("::1", 8000)
        'http://[::1]:8000'
    """
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
