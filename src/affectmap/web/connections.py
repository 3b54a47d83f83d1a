"""Connections of clients that may be slow or unwelcome: how long each is waited for, and which gives way to others."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

#: Seconds after which a connection is closed whose client sends no complete head, or reads no answer.
HEAD_S = 15.0
READING_S = 60.0
#: Connections at once.
MAX_CONNECTIONS = 500
#: As many below it, the connection that has waited longest for its client is closed.
SPARE = 20


class TimedConnection(asyncio.Protocol):
    """uvicorn's HTTP/1.1 connection, closed when a head or the reading of an answer takes too long.

    uvicorn itself limits only the wait for the first byte of a second request. The middleware finds the connection in
    the state of the ASGI scope and enters it for as long as a request is served.

    Where there are too many connections, the one that has waited longest for its client is closed, so that clients that
    hold connections and send nothing shut nobody out.
    """

    def __init__(
        self,
        *,
        waiting: dict[TimedConnection, None],
        app_state: dict[str, Any],
        server_state: ServerState,
        **options: Any,  # noqa: ANN401 (uvicorn's own)
    ) -> None:
        state = {**app_state, "connection": self}
        self._http = H11Protocol(app_state=state, server_state=server_state, **options)
        self._waiting, self._all = waiting, server_state.connections
        self._n_requests = 0
        self._head_timer: asyncio.TimerHandle | None = None
        self._read_timer: asyncio.TimerHandle | None = None

    def __enter__(self) -> None:
        """Begin a request: its head is complete."""
        self._n_requests += 1
        self._waiting.pop(self, None)
        _cancel(self._head_timer)

    def __exit__(self, *error: object) -> None:
        """End a request and wait for the head of the next."""
        self._n_requests -= 1
        if not self._n_requests:
            self._await_head()

    def _await_head(self) -> None:
        _cancel(self._head_timer)
        if self._transport.is_closing():
            return
        self._head_timer = asyncio.get_running_loop().call_later(HEAD_S, self._transport.abort)
        self.await_client()

    def await_client(self) -> None:
        """Let the connection be closed from now on where room is needed for others, until a request begins."""
        self._waiting[self] = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for the first head."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._http.connection_made(transport)
        if len(self._all) > MAX_CONNECTIONS - SPARE and self._waiting:
            longest = next(iter(self._waiting))
            del self._waiting[longest]
            longest._transport.abort()
        self._await_head()

    def data_received(self, data: bytes) -> None:
        """Pass on what came."""
        self._http.data_received(data)

    def eof_received(self) -> None:
        """Pass on that the client sends no more."""
        self._http.eof_received()

    def pause_writing(self) -> None:
        """Wait for the client to read."""
        self._http.pause_writing()
        self.await_client()
        self._read_timer = asyncio.get_running_loop().call_later(READING_S, self._transport.abort)

    def resume_writing(self) -> None:
        """Go on: the client reads."""
        self._http.resume_writing()
        if self._n_requests:
            self._waiting.pop(self, None)
        _cancel(self._read_timer)

    def connection_lost(self, error: Exception | None) -> None:
        """Stop waiting."""
        self._http.connection_lost(error)
        self._waiting.pop(self, None)
        _cancel(self._head_timer, self._read_timer)


def _cancel(*timers: asyncio.TimerHandle | None) -> None:
    for timer in timers:
        if timer:
            timer.cancel()
