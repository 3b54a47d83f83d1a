"""Listening: a socket, and a server that does not wait for clients who neither send nor read."""

from __future__ import annotations

import asyncio
import socket

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from affectmap.errors import UsageError

#: Seconds after which a client that sends no complete head, or reads no answer, is let go.
HEAD_S = 15.0
READING_S = 60.0
#: Connections at once.
MAX_CONNECTIONS = 500

_GRACE_S = 5  # for answers under way when the server is told to end


class PatientProtocol(H11Protocol):
    """HTTP/1.1 that closes connections which bring no complete head, or take no answer, for a while.

    uvicorn itself only limits the wait for the first byte of a second request.
    """

    _head_timer: asyncio.TimerHandle | None = None
    _read_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a head."""
        super().connection_made(transport)
        # asyncio does so only for sockets that it made itself; without it an answer's second part waits 40 ms.
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._head_timer = self.loop.call_later(HEAD_S, self._give_up_head)

    def on_response_complete(self) -> None:
        """Begin to wait for the next head."""
        if self._head_timer:
            self._head_timer.cancel()
        self._head_timer = self.loop.call_later(HEAD_S, self._give_up_head)
        super().on_response_complete()

    def pause_writing(self) -> None:
        """Begin to wait for the client to read."""
        super().pause_writing()
        self._read_timer = self.loop.call_later(READING_S, self.transport.abort)

    def resume_writing(self) -> None:
        """The client reads."""
        super().resume_writing()
        if self._read_timer:
            self._read_timer.cancel()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        super().connection_lost(exc)
        for timer in (self._head_timer, self._read_timer):
            if timer:
                timer.cancel()

    def _give_up_head(self) -> None:
        if self.cycle is None or self.cycle.response_complete:
            self.transport.abort()


def listen(host: str, port: int) -> socket.socket:
    """Open a socket to listen on.

    Args:
        host: Address or name.
        port: 0 for a free one.

    Returns:
        The socket, to be closed by the caller.

    Raises:
        UsageError: If the address cannot be listened on.

    Example:
        >>> with listen("127.0.0.1", 0) as listening:
        ...     listening.getsockname()[1] > 0
        True
    """
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        return socket.create_server(address[:2], family=family, backlog=2048)
    except OSError as error:
        reason = error.strerror or str(error)
        raise UsageError(f"cannot listen on {host} port {port} ({reason}); choose another with --port") from error


def run_server(app: ASGIApp, listening: socket.socket) -> None:
    """Serve an application on a socket until Ctrl-C or SIGTERM.

    Args:
        app: The application.
        listening: From `listen`; closed at the end.
    """
    config = uvicorn.Config(
        app,
        http=PatientProtocol,
        ws="none",
        log_level="error",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=MAX_CONNECTIONS,
        timeout_graceful_shutdown=_GRACE_S,
    )
    with listening:
        uvicorn.Server(config).run(sockets=[listening])


def address_of(host: str, port: int) -> str:
    """Write the address of a server as a browser takes it.

    Example:
        >>> address_of("::1", 8000)
        'http://[::1]:8000'
    """
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
