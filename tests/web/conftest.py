"""A server with connections of its own, in a thread."""

import threading
from collections.abc import Iterator

import pytest
from fastapi import FastAPI, Request

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
    listening = listen("127.0.0.1", 0)
    server = make_server(app)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    with listening:
        yield listening.getsockname()[1]
        server.should_exit = True
        thread.join()
