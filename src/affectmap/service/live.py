"""A voice while it speaks, over a WebSocket: samples come in, and a row goes out for every window.

Conventions:
    * The first message is text: JSON as `LiveOptions` takes it. Every other is binary: samples, 16 bit, little-endian,
      mono; an empty one ends the stream, and what is left is measured.
    * A row is a message of JSON, letter for letter what ``affectmap track --stream --format json`` prints for the same
      samples. ``{"note": "..."}`` is a note for people, ``{"detail": "..."}`` says why the server ends it; the code of
      closing tells programs: 1003, 1007, 1009 a wrong message, 1008 a limit or the token, 1013 no place.
    * The client sends no faster than the server measures: no further message is read before that. It may send slower
      than a voice speaks, but not for long: places are few. One client at another machine leaves one to others.
"""

from __future__ import annotations

import asyncio
import hmac
import time
from collections import Counter
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, Field, ValidationError
from starlette.exceptions import HTTPException
from starlette.websockets import WebSocket, WebSocketDisconnect

from affectmap.errors import AffectmapError
from affectmap.model.model import Model
from affectmap.service.results import check_overlap
from affectmap.service.settings import MAX_RATE, ServiceSettings
from affectmap.track import track_stream
from affectmap.track.recording import text_line
from affectmap.web.connections import client_key, waiting
from affectmap.web.settings import explain, is_local

#: Bytes of a message: 0.3 s at the highest rate.
MAX_MESSAGE = 65_536
#: Seconds after which a client that sends nothing is left, and by which samples may fall behind their pace.
IDLE_S = 15.0
#: Samples must come at this share of the speed at which they were recorded.
SLOWEST = 0.5
_LONGEST_REASON = 120  # bytes; a frame that closes holds no more
T = TypeVar("T")


class LiveOptions(BaseModel, extra="forbid", strict=True):
    """What the first message says."""

    sampling_rate: int = Field(ge=1, le=MAX_RATE, description="Samples a second.")
    windows: float = Field(default=3.0, gt=0, allow_inf_nan=False, description="Length of the windows (s).")
    hop: float | None = Field(
        default=None, gt=0, allow_inf_nan=False, description="From one window to the next (s); they touch if not given."
    )
    statistics: Literal["source", "running"] = Field(
        default="source", description="Normalisation: whose mean and standard deviation."
    )
    token: str | None = Field(default=None, description="The token, where the service was started with one.")


class EndedError(Exception):
    """The server ends a stream, with a code of closing and the reason."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code


class Live:
    """Streams under way, each with a thread that measures it.

    Args:
        settings: Who may send, for how long, and how many at once.
        model: What measures.
    """

    def __init__(self, settings: ServiceSettings, model: Model) -> None:
        self._settings, self._model = settings, model
        self._pool = ThreadPoolExecutor(settings.max_live, thread_name_prefix="affectmap-live")
        self._open: Counter[str] = Counter()  # by client

    @property
    def n_open(self) -> int:
        """Streams that are measured."""
        return self._open.total()

    async def answer(self, socket: WebSocket) -> None:
        """Measure what one client sends until it ends, or has to be told why it may not go on."""
        await socket.accept()
        with suppress(WebSocketDisconnect):
            try:
                await self._measure(socket, await self._options(socket))
                await socket.close(1000)
            except EndedError as error:
                await _end(socket, error.code, str(error))
            except WebSocketDisconnect:
                raise
            except Exception:
                await _end(socket, 1011, "a fault of the server; see its own log")
                raise

    async def _options(self, socket: WebSocket) -> LiveOptions:
        with waiting(socket.scope):
            message = await _receive(socket, IDLE_S, f"nothing was sent for {IDLE_S:g} s; begin anew")
        expected = 'expected JSON such as {"sampling_rate": 16000}'
        text = message.get("text")
        if text is None:
            raise EndedError(1003, f"the first message holds bytes; {expected}")
        try:
            options = LiveOptions.model_validate_json(text)
            check_overlap(options.windows, options.hop)
        except ValidationError as error:
            first = error.errors()[0]
            why = f"the first message is no JSON; {expected}" if first["type"] == "json_invalid" else explain(first)
            raise EndedError(1007, why) from error
        except HTTPException as error:
            raise EndedError(1007, error.detail) from error
        token = self._settings.token
        if token and not hmac.compare_digest((options.token or "").encode("utf-8", "replace"), token.encode()):
            raise EndedError(1008, "this needs the token that the service was started with, in the first message")
        return options

    async def _measure(self, socket: WebSocket, options: LiveOptions) -> None:
        if self.n_open >= self._settings.max_live:
            raise EndedError(1013, f"{self.n_open} voices are measured live; try again soon")
        address = socket.client.host if socket.client else ""
        client = client_key(address)
        if not is_local(address) and self._open[client] >= max(1, self._settings.max_live - 1):
            raise EndedError(1013, "the last place is kept for others than you; end a voice of yours first")
        self._open[client] += 1
        loop = asyncio.get_running_loop()
        try:
            await loop.run_in_executor(self._pool, self._work, socket, options, loop)
        finally:
            self._open -= Counter([client])

    def _work(self, socket: WebSocket, options: LiveOptions, loop: asyncio.AbstractEventLoop) -> None:
        """Measure in a thread, which asks the loop for every message that it needs and sends."""

        def wait_for(action: Coroutine[Any, Any, T]) -> T:
            if loop.is_closed():
                action.close()
                raise WebSocketDisconnect(1012)
            return asyncio.run_coroutine_threadsafe(action, loop).result()

        longest_s = self._settings.max_minutes * 60
        samples = _Samples(lambda seconds: wait_for(_samples(socket, seconds)), options.sampling_rate, longest_s)
        try:
            rows = track_stream(
                samples,
                options.sampling_rate,
                self._model,
                window_s=options.windows,
                hop_s=options.hop,
                statistics=options.statistics,
                notify=lambda note: wait_for(socket.send_json({"note": note})),
            )
            for row in rows:
                wait_for(socket.send_text(text_line(row, "json")))
        except AffectmapError as error:
            raise EndedError(1007, str(error)) from error

    def close(self) -> None:
        """Take no more; threads end as soon as they want something of their client."""
        self._pool.shutdown(wait=False, cancel_futures=True)


class _Samples:
    """What a stream's messages hold, for `track_stream` to read."""

    def __init__(self, receive: Callable[[float], bytes], sampling_rate: int, longest_s: float) -> None:
        self._receive, self._bytes_per_s, self._longest_s = receive, 2 * sampling_rate, longest_s
        self._left, self._patience_s = round(longest_s * self._bytes_per_s), IDLE_S

    def read(self, size: int = -1, /) -> bytes:
        """Give the next message, whole."""
        start = time.monotonic()
        data = self._receive(self._patience_s)
        gained_s = len(data) / self._bytes_per_s / SLOWEST - (time.monotonic() - start)
        self._patience_s = min(IDLE_S, self._patience_s + gained_s)
        if len(data) > self._left:
            raise EndedError(1008, f"it lasts longer than the {self._longest_s:,.0f} s taken here; begin anew")
        self._left -= len(data)
        return data


async def _samples(socket: WebSocket, seconds: float) -> bytes:
    late = f"samples came {IDLE_S:g} s too late; send them as they are spoken, or begin anew"
    data = (await _receive(socket, seconds, late)).get("bytes")
    if data is None:
        raise EndedError(1003, "a message holds text, expected samples: 16 bit, little-endian, mono")
    if len(data) > MAX_MESSAGE:  # uvicorn refuses it sooner
        raise EndedError(1009, f"a message has {len(data):,} bytes, expected at most {MAX_MESSAGE:,}; send more often")
    return bytes(data)


async def _receive(socket: WebSocket, seconds: float, late: str) -> dict[str, Any]:
    try:
        async with asyncio.timeout(seconds):
            message = await socket.receive()
    except TimeoutError:
        raise EndedError(1008, late) from None
    if message["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(message.get("code", 1005))
    return dict(message)


async def _end(socket: WebSocket, code: int, reason: str) -> None:
    await socket.send_json({"detail": reason})
    await socket.close(code, reason.encode()[:_LONGEST_REASON].decode("utf-8", "ignore"))
