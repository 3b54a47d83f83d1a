"""A server with connections of its own, in a thread."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest
from fastapi import FastAPI, Request, WebSocket
from starlette.types import ASGIApp
from starlette.websockets import WebSocketDisconnect

from affectmap.web import connections
from affectmap.web.requests import add_error_handlers
from affectmap.web.server import Guard, listen, make_server


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """The port of a server that waits a second for heads, and half a one for clients to read."""
    monkeypatch.setattr(connections, "HEAD_S", 1.0)
    monkeypatch.setattr(connections, "READING_S", 0.5)
    app = FastAPI()
    app.get("/hello")(lambda: {"hello": "there"})
    app.get("/long")(lambda: "x" * 30_000_000)

    @app.post("/length")
    async def length(request: Request) -> int:
        return len(await request.body())

    add_error_handlers(app)
    app.add_middleware(Guard, host="127.0.0.1", max_bytes=10_000_000)
    with serving(app) as found:
        yield found


@contextmanager
def serving(app: ASGIApp, **options: int) -> Iterator[int]:
    """Serve an application in a thread, and give the port."""
    listening = listen("127.0.0.1", 0)
    server = make_server(app, **options)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    with listening:
        try:
            yield listening.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join()


@pytest.fixture
def socket_port() -> Iterator[int]:
    """The port of a server that answers a WebSocket's messages with their lengths, and requests with a word."""
    app = FastAPI()
    app.get("/hello")(lambda: {"hello": "there"})

    @app.websocket("/lengths")
    async def lengths(socket: WebSocket) -> None:
        await socket.accept()
        with suppress(WebSocketDisconnect):
            while True:
                await socket.send_text(str(len(await socket.receive_bytes())))

    app.add_middleware(Guard, host="127.0.0.1", websockets=("/lengths",))
    with serving(app, max_message=100_000) as found:
        yield found
