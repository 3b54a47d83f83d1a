"""Reading what a request asks for, and saying in one sentence why it is refused.

Conventions: a request is refused by an `HTTPException`, and every refusal is ``{"detail": "one sentence"}``.
"""

from __future__ import annotations

import asyncio
import json
import math
import mimetypes
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from http import HTTPStatus
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any, TypeVar

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.staticfiles import StaticFiles

from affectmap.web.connections import client_key, pause, waiting
from affectmap.web.settings import explain

_MAX_CLIENTS = 10_000
_Body = TypeVar("_Body", bound=BaseModel)
_Found = TypeVar("_Found")


def find_recording(root: Path | None, path: str) -> Path:
    """Find a recording below the served folder.

    Args:
        root: The served folder; None where the service was started without one.
        path: Relative to it, with forward slashes; taken as it is, so ``%2e`` is no dot.

    Returns:
        The file.

    Raises:
        HTTPException: If there is no served folder, the path is absolute or leads out of it, also by a link (403), it
            is no path (422), or there is no such file (404).

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> (folder / "a.wav").touch()
        >>> find_recording(folder, "a.wav").name
        'a.wav'
        >>> find_recording(folder, "../a.wav")
        Traceback (most recent call last):
        starlette.exceptions.HTTPException: 403: path '../a.wav' leads out of the served folder; name a file within
    """
    if root is None:
        raise HTTPException(403, "no folder is served; upload the recording, or start with --root FOLDER")
    shown = f"path {path[:200]!r}"
    if not path or "\0" in path or "\\" in path or not path.isprintable():
        raise HTTPException(422, f"{shown} is no path; name a file below the served folder, with forward slashes")
    if PurePosixPath(path).is_absolute() or PureWindowsPath(path).drive:
        raise HTTPException(403, f"{shown} is absolute; name a file relative to the served folder")
    outside = HTTPException(403, f"{shown} leads out of the served folder; name a file within")
    if ".." in PurePosixPath(path).parts:
        raise outside
    try:
        base = root.resolve()
        file = (base / path).resolve()
        if not file.is_relative_to(base):
            raise outside
        if file.is_file():
            return file
    except (OSError, RuntimeError, ValueError):  # a name too long, links in a circle
        pass
    raise HTTPException(404, f"{shown} is no file below the served folder")


async def read_json(request: Request, model: type[_Body], context: Mapping[str, Any] | None = None) -> _Body:
    """Read a JSON body as a pydantic model; `context` goes to its validators.

    Raises:
        HTTPException: If the body is of another type (415), or not what the model expects (422).
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise HTTPException(415, "the body must be application/json")
    try:
        return model.model_validate(json.loads(await request.body()), context=dict(context or {}))
    except ValidationError as error:
        raise HTTPException(422, explain(error.errors()[0])) from error
    except (ValueError, RecursionError) as error:
        raise HTTPException(422, "the body is no JSON") from error


class RateLimit:
    """Limit requests by a client's key: `per_s` in the long run, `burst` at once.

    Example:
        >>> limit = RateLimit(per_s=1, burst=2, clock=lambda: 0.0)
        >>> limit.take("Ada"), limit.take("Ada")
        (None, None)
        >>> limit.take("Ada")
        Traceback (most recent call last):
        starlette.exceptions.HTTPException: 429: too many requests; wait a moment
    """

    def __init__(self, per_s: float, burst: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_s, self._burst, self._clock = per_s, burst, clock
        self._left: dict[str, tuple[float, float]] = {}
        self._lock = threading.Lock()

    def take(self, key: str) -> None:
        """Count one request; refuse it with 429 and ``Retry-After`` if it is one too many."""
        with self._lock:
            now = self._clock()
            left, then = self._left.get(key, (float(self._burst), now))
            left = min(self._burst, left + (now - then) * self._per_s)
            if left < 1:
                wait = math.ceil((1 - left) / self._per_s)
                raise HTTPException(429, "too many requests; wait a moment", {"Retry-After": str(wait)})
            if len(self._left) >= _MAX_CLIENTS:
                self._left.clear()  # forgives everybody once in a long while, and keeps memory small
            self._left[key] = (left - 1, now)


class SlowGuesses:
    """Check secrets so that a right one is let in and a wrong one costs time, of which nobody else loses any.

    A wrong one is answered after `wait_s`. Of one client `at_once` are checked or answered at a time, so that many
    together are no faster; the others wait for their turn, and none is refused unseen.

    Example:
        >>> import asyncio
        >>> asyncio.run(SlowGuesses(wait_s=0.01).check(Request({"type": "http"}), lambda: "come in"))
        'come in'
    """

    def __init__(self, wait_s: float = 1.0, at_once: int = 50) -> None:
        self._wait_s, self._at_once = wait_s, at_once
        self._turns: dict[str, asyncio.Semaphore] = {}
        self._n_here: Counter[str] = Counter()

    async def check(self, request: Request, let_in: Callable[[], _Found | None]) -> _Found | None:
        """Give what `let_in` gives, at once, or None after a while where it gives None."""
        client = client_of(request)
        self._n_here[client] += 1
        turn = self._turns.setdefault(client, asyncio.Semaphore(self._at_once))
        try:
            with waiting(request.scope):
                await turn.acquire()
            try:
                found = let_in()
                if found is None:
                    await pause(request.scope, self._wait_s)
                return found
            finally:
                turn.release()
        finally:
            self._n_here[client] -= 1
            if not self._n_here[client]:
                del self._n_here[client], self._turns[client]


def client_of(request: Request) -> str:
    """Say from where a request comes, as `client_key` writes it."""
    return client_key(request.client.host) if request.client else ""


def static_files(folder: Path) -> StaticFiles:
    """Serve the files of a page and those that pages share, scripts as what browsers take, whatever the system says."""
    mimetypes.add_type("text/javascript", ".js")
    return StaticFiles(directory=folder, packages=[("affectmap.web", "static")])


def add_error_handlers(app: FastAPI, see: str = "") -> None:
    """Answer every error of an application with ``{"detail": "one sentence"}``; `see` names the documentation."""
    plain = {404: f"there is nothing here{see}", 405: f"another method is needed here{see}"}

    @app.exception_handler(HTTPException)
    async def refused(request: Request, error: HTTPException) -> Response:
        status = error.status_code
        detail = plain.get(status, error.detail) if error.detail == HTTPStatus(status).phrase else error.detail
        return JSONResponse({"detail": detail}, status, error.headers)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        return JSONResponse({"detail": f"{explain({**first, 'loc': first['loc'][-1:]})}{see}"}, 422)

    @app.exception_handler(ClientDisconnect)
    async def hung_up(request: Request, error: Exception) -> Response:
        return Response(status_code=408)  # nobody reads it

    @app.exception_handler(Exception)
    async def failed(request: Request, error: Exception) -> Response:
        return JSONResponse({"detail": "a fault of the server; see its own log"}, 500)
