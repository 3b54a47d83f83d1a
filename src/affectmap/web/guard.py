"""What stands before every endpoint: who may ask, how answers are labelled, and how a refused upload is let down.

Pure ASGI, because a middleware of Starlette's kind hides from the endpoint that a client has hung up.

Conventions:
    * Without a token the service listens on this machine alone, and a page from elsewhere that a browser shows must
      not use it: the ``Host`` must be this machine's (against DNS rebinding) and an ``Origin`` the same.
    * With a token any ``Host`` will do, as a proxy passes it on; an ``Origin`` must still be the same. Everything
      needs the token but what is named as open, which holds nothing of anybody's: a browser cannot send a token before
      it has the page to type it into.
"""

from __future__ import annotations

import asyncio
import hmac
import json
from collections.abc import Sequence
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from affectmap.web.settings import LOCAL_NAMES

_HEADERS = (
    (
        b"content-security-policy",
        b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        b"media-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"microphone=(self), camera=(), geolocation=()"),
    (b"cache-control", b"no-store"),
)
_PIECE = 65_536
_LINGER_S = 2.0


class Guard:
    """Lets in who may, and sees every answer out.

    Args:
        app: What is guarded.
        host: What the server listens on.
        token: What clients must send; None where the application sees to that itself, or nobody else gets in.
        is_open: Whether other machines may ask, by whatever name leads here.
        open_paths: Paths that need no token; one that ends in a slash stands for all below it, too.
        told_as: Field of the answer that says why a request is refused.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        host: str,
        token: str | None = None,
        is_open: bool = False,
        open_paths: Sequence[str] = (),
        told_as: str = "detail",
    ) -> None:
        self._app, self._told_as = app, told_as
        self._token = token.encode() if token else None
        self._names = None if is_open else LOCAL_NAMES | {host.lower()}
        self._open = frozenset(open_paths)
        self._below = tuple(path for path in open_paths if path.endswith("/") and path != "/")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            return
        visit = _Visit(receive, send, self._told_as)
        refused = self._refused(scope["path"], Headers(scope=scope))
        if refused:
            await visit.refuse(*refused)
        else:
            await self._app(scope, visit.receive, visit.send)

    def _refused(self, path: str, headers: Headers) -> tuple[int, str] | None:
        host, origin = headers.get("host", ""), headers.get("origin")
        if self._names is not None and _place(f"//{host}")[0] not in self._names:
            return 421, "this service answers under localhost only; open it under that name"
        if origin is not None and _place(origin)[1] != host.lower():
            return 403, "a page from elsewhere may not use this service"
        if self._token is None or path in self._open or path.startswith(self._below):
            return None
        scheme, _, given = headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not hmac.compare_digest(given.strip().encode("latin-1"), self._token):
            return 401, "this needs the token that the service was started with, as 'Authorization: Bearer TOKEN'"
        return None


def _place(address: str) -> tuple[str | None, str | None]:
    """Give the name, and the name with its port, that an address holds; None where it holds none."""
    try:
        parts = urlsplit(address)
        return parts.hostname, parts.netloc.lower() or None
    except ValueError:
        return None, None


class _Visit:
    """One request and its answer."""

    def __init__(self, receive: Receive, send: Send, told_as: str) -> None:
        self._receive, self._send, self._told_as = receive, send, told_as
        self._unread, self._status = True, 200

    async def receive(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.disconnect" or not message.get("more_body", False):
            self._unread = False
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._status = message["status"]
            own = {name for name, _ in message.get("headers", [])}
            added = [header for header in _HEADERS if header[0] not in own]
            await self._send({**message, "headers": [*message.get("headers", []), *added]})
            return
        body, more = message.get("body", b""), message.get("more_body", False)
        # In pieces, so that a client that does not read is noticed.
        for first in range(0, max(1, len(body)), _PIECE):
            await self._send({**message, "body": body[first : first + _PIECE], "more_body": True})
        if not more:
            if self._status >= 400 and self._unread:
                await self._linger()
            await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _linger(self) -> None:
        """Read on for a moment: a client that is still sending would lose the answer with the connection."""
        try:
            async with asyncio.timeout(_LINGER_S):
                while self._unread:
                    await self.receive()
        except TimeoutError:
            pass

    async def refuse(self, status: int, detail: str) -> None:
        body = json.dumps({self._told_as: detail}).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        if status == 401:
            headers.append((b"www-authenticate", b"Bearer"))
        await self.send({"type": "http.response.start", "status": status, "headers": headers})
        await self.send({"type": "http.response.body", "body": body})
