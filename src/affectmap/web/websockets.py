"""WebSockets whose frames hold nobody up: read in slices between others' turns, ended where they hold little.

Conventions: a frame costs about 0.1 ms however little it holds, and one reading of a socket may bring 40,000 of them.
What came is therefore kept, and no more is read, until all of it has had its turn. Turns go round between the
WebSockets of a server, so that requests get theirs after every slice.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Generator
from typing import Any

from uvicorn.protocols.websockets.wsproto_impl import WSProtocol
from wsproto import ConnectionType, WSConnection
from wsproto.connection import ConnectionState
from wsproto.events import CloseConnection, Event, Message

#: Bytes that are parsed in a turn of the loop: at most 170 frames.
SLICE = 1024
#: Bytes that frames must hold on average; so many may hold less beyond that, as pings do, which count as empty.
FRAME_BYTES = 16
FEW_FRAMES = 500


class Turns:
    """Work of many, done a piece in every turn of the loop.

    Example:
        >>> async def first_of_two() -> list[int]:
        ...     turns, done = Turns(), []
        ...     turns.add(lambda: done.append(1))
        ...     turns.add(lambda: done.append(2))
        ...     await asyncio.sleep(0)
        ...     return list(done)
        >>> asyncio.run(first_of_two())
        [1]
    """

    def __init__(self) -> None:
        self._waiting: deque[Callable[[], None]] = deque()

    def add(self, piece: Callable[[], None]) -> None:
        """Do a piece of work after those that wait already."""
        self._waiting.append(piece)
        if len(self._waiting) == 1:
            asyncio.get_running_loop().call_soon(self._next)

    def _next(self) -> None:
        try:
            self._waiting[0]()
        finally:
            self._waiting.popleft()
            if self._waiting:
                asyncio.get_running_loop().call_soon(self._next)


class _CountedFrames(WSConnection):
    """wsproto's state of a connection, which counts the frames that hold too little."""

    def __init__(self) -> None:
        super().__init__(ConnectionType.SERVER)
        self.n_small = 0.0

    def events(self) -> Generator[Event, None, None]:
        """Give what came."""
        for event in super().events():
            n_bytes = len(event.data) if isinstance(event, Message) else 0
            self.n_small = max(0.0, self.n_small + 1 - n_bytes / FRAME_BYTES)
            yield event


class SlicedWebSocket(WSProtocol):
    """uvicorn's WebSocket, to which bytes are given in slices, and none while the application has messages to read.

    Args:
        turns: Shared by all WebSockets of a server.
        options: uvicorn's own.
    """

    def __init__(self, turns: Turns, **options: Any) -> None:  # noqa: ANN401 (uvicorn's own)
        super().__init__(**options)
        self.conn: _CountedFrames = _CountedFrames()
        self._turns, self._kept = turns, bytearray()
        self._has_head = self._has_turn = False

    def data_received(self, data: bytes) -> None:
        """Keep what came; the head, which uvicorn has read already, is passed on at once."""
        if not self._has_head:
            self._has_head = True
            super().data_received(data)
            return
        self._kept += data
        self._go_on()

    def _go_on(self) -> None:
        """Wait for a turn where something is kept, and for the application where it has messages."""
        if not self._kept:
            return
        self.transport.pause_reading()
        is_open = self.handshake_complete and not self.response_started
        if is_open and not self.read_paused and not self._has_turn:
            self._has_turn = True
            self._turns.add(self._parse)

    def _parse(self) -> None:
        self._has_turn = False
        part = bytes(self._kept[:SLICE])
        del self._kept[:SLICE]
        if not part or self.transport.is_closing():
            return
        super().data_received(part)
        if self.conn.n_small > FEW_FRAMES:
            self._end(f"frames hold less than {FRAME_BYTES} bytes on average; send larger ones")
        elif self._kept:
            self._go_on()
        elif not self.read_paused:
            self.transport.resume_reading()

    def _end(self, reason: str) -> None:
        self._kept.clear()
        if self.conn.state is ConnectionState.OPEN and not self.close_sent:
            self.transport.write(self.conn.send(CloseConnection(code=1008, reason=reason)))
            self.queue.put_nowait({"type": "websocket.disconnect", "code": 1008, "reason": reason})
            self.close_sent = True
        self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget what is kept."""
        self._kept.clear()
        super().connection_lost(exc)

    async def receive(self) -> Any:  # noqa: ANN401 (uvicorn's own)
        """Give the next message; after the last one, go on with what is kept."""
        message = await super().receive()
        self._go_on()
        return message

    async def send(self, message: Any) -> None:  # noqa: ANN401 (uvicorn's own)
        """Send a message; once the WebSocket is accepted or closed, go on with what is kept."""
        await super().send(message)
        self._go_on()
