"""Connections of a server: closed when a client dawdles, and given up for others when all places are taken.

Conventions: a connection *waits* while the server waits for its client: for a head, for the rest of a body, for
somebody to read an answer. Where one comes too many, the client that has most connections loses the one that has waited
longest, so that neither many half-sent requests nor many idle connections keep others out.
"""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from typing import Any, ClassVar

from starlette.types import Scope
from uvicorn.protocols.http.h11_impl import H11Protocol

#: Seconds after which a connection is closed whose client sends no complete head, or reads no answer.
HEAD_S = 15.0
READING_S = 60.0
#: Bytes that may wait for a client to read them; answers wait for that by themselves, a WebSocket's pongs do not.
MAX_UNREAD = 1_000_000
#: Connections at once.
MAX_CONNECTIONS = 500


class Connections:
    """The open connections of a server, at most `MAX_CONNECTIONS` of them unless all are being answered."""

    def __init__(self) -> None:
        # By client, in the order in which each began what it does now.
        self._open: dict[str, dict[TimedConnection, None]] = {}
        self._n_open = 0

    def __len__(self) -> int:
        return self._n_open

    def add(self, new: TimedConnection) -> None:
        """Take a connection in, at the cost of one that waits where there are too many."""
        victim = self._longest_waiting() if len(self) >= MAX_CONNECTIONS else None
        if victim:
            self.remove(victim)
            victim.abort()
        self._open.setdefault(new.client, {})[new] = None
        self._n_open += 1

    def _longest_waiting(self) -> TimedConnection | None:
        clients = sorted(self._open.values(), key=len, reverse=True)
        return next((each for client in clients for each in client if each.waits), None)

    def renew(self, connection: TimedConnection) -> None:
        """Note that a connection begins something: a request, or the wait for one."""
        same = self._open.get(connection.client, {})
        if connection in same:
            del same[connection]
            same[connection] = None

    @property
    def are_too_many(self) -> bool:
        """Whether one had to be let in beyond the others, as all of them are being answered."""
        return len(self) > MAX_CONNECTIONS

    def remove(self, connection: TimedConnection) -> None:
        """Forget a connection that is closed."""
        same = self._open.get(connection.client, {})
        if connection in same:
            del same[connection]
            self._n_open -= 1
            if not same:
                del self._open[connection.client]


class TimedConnection(asyncio.Protocol):
    """uvicorn's HTTP/1.1 or WebSocket connection, closed when a head or the reading of an answer takes too long.

    uvicorn itself limits only the wait for the first byte of a second request. The middleware finds the connection in
    the state of the ASGI scope and enters it for as long as a request is served.

    Attributes:
        client: Who is at the other end, as `client_key` writes it.
    """

    others: ClassVar[Connections]

    def __init__(self, *, app_state: dict[str, Any], **options: Any) -> None:  # noqa: ANN401 (uvicorn's own)
        self._inner: asyncio.Protocol = H11Protocol(app_state={**app_state, "connection": self}, **options)
        self._n_requests, self._n_waits, self._unread = 0, 0, False
        self._head_timer: asyncio.TimerHandle | None = None
        self._read_timer: asyncio.TimerHandle | None = None
        self._closed = asyncio.Event()
        self.client = ""

    @property
    def waits(self) -> bool:
        """Whether the server waits for the client."""
        return not self._n_requests or self._n_waits > 0 or self._unread

    def __enter__(self) -> None:
        """Begin a request: its head is complete."""
        self._n_requests += 1
        self.others.renew(self)
        _cancel(self._head_timer)

    def __exit__(self, *error: object) -> None:
        """End a request and wait for the head of the next."""
        self._n_requests -= 1
        if not self._n_requests:
            self._await_head()

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Mark that the server waits for the client within a request."""
        self._n_waits += 1
        try:
            yield
        finally:
            self._n_waits -= 1

    async def pause(self, seconds: float) -> None:
        """Let the client wait, no longer than it stays."""
        with self.waiting(), suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._closed.wait()

    def abort(self) -> None:
        """Close the connection at once."""
        self._transport.abort()

    def _await_head(self) -> None:
        _cancel(self._head_timer)
        self.others.renew(self)
        self._head_timer = asyncio.get_running_loop().call_later(HEAD_S, self._transport.abort)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for the first head."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self.client = client_key(str((transport.get_extra_info("peername") or ("",))[0]))
        self._await_head()
        self._inner.connection_made(transport)
        self.others.add(self)

    def data_received(self, data: bytes) -> None:
        """Pass on what came; stay before the protocol that a WebSocket's opening puts in the place of HTTP."""
        self._inner.data_received(data)
        current = self._transport.get_protocol()
        if current is not self and isinstance(current, asyncio.Protocol):
            self._inner = current
            self._transport.set_protocol(self)
        if self._transport.get_write_buffer_size() > MAX_UNREAD:
            self.abort()

    def eof_received(self) -> None:
        """Pass on that the client sends no more."""
        self._inner.eof_received()

    def pause_writing(self) -> None:
        """Wait for the client to read."""
        self._inner.pause_writing()
        self._unread = True
        self._read_timer = asyncio.get_running_loop().call_later(READING_S, self._transport.abort)

    def resume_writing(self) -> None:
        """Go on: the client reads."""
        self._inner.resume_writing()
        self._unread = False
        _cancel(self._read_timer)

    def connection_lost(self, error: Exception | None) -> None:
        """Stop waiting."""
        self.others.remove(self)
        self._closed.set()
        self._inner.connection_lost(error)
        _cancel(self._head_timer, self._read_timer)


def _cancel(*timers: asyncio.TimerHandle | None) -> None:
    for timer in timers:
        if timer:
            timer.cancel()


def connection_of(scope: Scope) -> TimedConnection | None:
    """Give the connection of a request; None where it came without one, as in tests."""
    connection = scope.get("state", {}).get("connection")
    return connection if isinstance(connection, TimedConnection) else None


def waiting(scope: Scope) -> AbstractContextManager[None]:
    """Mark that the client of a request may lose its connection to others meanwhile."""
    connection = connection_of(scope)
    return connection.waiting() if connection else nullcontext()


async def pause(scope: Scope, seconds: float) -> None:
    """Let the client of a request wait, no longer than it stays."""
    connection = connection_of(scope)
    await (connection.pause(seconds) if connection else asyncio.sleep(seconds))


def client_key(address: str) -> str:
    """Write the address of a client, of IPv6 only the network of its own, within which it may take any.

    Example:
        >>> client_key("192.0.2.7"), client_key("2001:db8:1:2:3:4:5:6"), client_key("::ffff:192.0.2.7")
        ('192.0.2.7', '2001:db8:1:2::/64', '192.0.2.7')
    """
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    if found.ipv4_mapped:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((int(found), 64), strict=False))
