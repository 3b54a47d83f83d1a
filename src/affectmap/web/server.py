"""A server for clients that may be slow or unwelcome: the socket, and the guard before every endpoint.

Conventions:
    * Without a token only this machine is answered, and no page from elsewhere that a browser shows: the ``Host`` must
      be this machine's (against DNS rebinding) and an ``Origin`` the same.
    * With a token any ``Host`` will do, as a proxy passes it on; an ``Origin`` must still be the same. Everything needs
      the token but the paths named as open, as a browser cannot send a token before it has the page to type it into.
    * Where a proxy shows the application under a public address, that ``Host`` and ``Origin`` will do, too, and only
      they; the path of the address may be passed on or not. What a proxy on this machine says of its client
      (``X-Forwarded-For``, last entry) is believed then, and nobody else's word.
    * A WebSocket is let in like a request, but for its token: a browser sends no header with one, so that the path is
      named as open and the application asks for the token in the first message.
    * The middleware is pure ASGI, because one of Starlette's kind hides from the endpoint that a client has hung up.
"""

from __future__ import annotations

import asyncio
import hmac
import ipaddress
import socket
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import nullcontext, suppress
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import uvicorn
from fastapi.responses import JSONResponse
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from affectmap.errors import UsageError
from affectmap.web.connections import Connections, TimedConnection, connection_of
from affectmap.web.settings import LOCAL_NAMES, PublicUrl, is_local, origin_of

_GRACE_S = 5  # for answers under way when the server ends
#: Bytes of a body of JSON or of a plain form.
MAX_TEXT = 65_536
#: A body must come at this many bytes a second, and may fall behind by this many seconds.
SLOWEST_BODY = 100_000
PATIENCE_S = 20.0
#: Seconds that a body may take in all; a larger one may take longer, as long as at this many bytes a second.
BODY_S = 600.0
USUAL_BODY = 1_000_000
#: Seconds for which the rest of a refused body is read.
LINGER_S = 15.0
#: Both of JSON and of a plain form, which comes at once or not at all.
TEXT_S, TEXT_LINGER_S = 10.0, 2.0
#: Requests of one person that may be open at once.
MAX_OPEN = 16


def content_policy(style_nonce: str | None = None) -> str:
    """Write what a page may load: what this server has; styles with a nonce, too, where one is given.

    Example:
        >>> content_policy("x1y2").split("; ")[2]
        "style-src 'self' 'nonce-x1y2'"
    """
    nonce = f" 'nonce-{style_nonce}'" if style_nonce else ""
    return (
        f"default-src 'none'; script-src 'self'; style-src 'self'{nonce}; img-src 'self' data:; connect-src 'self'; "
        "media-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


_HEADERS = (
    (b"content-security-policy", content_policy().encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"microphone=(self), camera=(), geolocation=()"),
    (b"cache-control", b"no-store"),
)
_CHUNK = 65_536


class Guard:
    """Let in who may ask, limit what is sent, and label every answer.

    Args:
        app: The guarded application.
        host: Address that the server listens on.
        token: What clients must send; None where the application checks that itself, or only this machine is answered.
        is_open: Whether other machines may ask, by whatever name leads here.
        open_paths: Paths that need no token; one that ends in a slash stands for all below it, too.
        max_bytes: Largest body, except for JSON and plain forms.
        public: Where a proxy shows the application; None without one.
        person_of: Tells by the path who asks, of whom at most `MAX_OPEN` requests may be open; None for anybody.
        websockets: Paths at which WebSockets are taken.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        host: str,
        token: str | None = None,
        is_open: bool = False,
        open_paths: Sequence[str] = (),
        max_bytes: int = MAX_TEXT,
        public: PublicUrl | None = None,
        person_of: Callable[[str], str | None] = lambda path: None,
        websockets: Sequence[str] = (),
    ) -> None:
        self._app, self._max_bytes, self._public, self._person_of = app, max_bytes, public, person_of
        self._token = token.encode() if token else None
        self._names = None if is_open and not public else LOCAL_NAMES | {host.lower()}
        self._n_open: Counter[str] = Counter()
        self._open, self._websockets = frozenset(open_paths), tuple(websockets)
        self._below = tuple(path for path in open_paths if path.endswith("/") and path != "/")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        if self._public:
            scope = _behind_proxy(scope, headers, self._public)
        connection = connection_of(scope)
        if scope["type"] == "websocket":
            with connection or nullcontext():
                refused = self._full(connection) or self._no_websocket(scope["path"])
                refused = refused or self._refused(scope["path"], headers)
                await (refused or self._app)(scope, receive, _labelled(send))
            return
        exchange = _Exchange(receive, send, scope["method"], headers, self._max_bytes, connection)
        person = self._person_of(scope["path"])
        refused = self._full(connection)
        if not refused and person and self._n_open[person] >= MAX_OPEN:
            refused = _refusal(429, "too many requests are open; wait a moment", {"Retry-After": "1"})
        refused = refused or self._refused(scope["path"], headers)
        if person and not refused:
            self._n_open[person] += 1
        try:
            with connection or nullcontext():
                await (refused or self._app)(scope, exchange.receive, exchange.send)
        finally:
            if person and not refused:
                self._n_open -= Counter([person])

    def _full(self, connection: TimedConnection | None) -> ASGIApp | None:
        if connection and connection.others.are_too_many:
            return _refusal(503, "all places are taken; try again soon", {"Retry-After": "1"})
        return None

    def _no_websocket(self, path: str) -> ASGIApp | None:
        if path in self._websockets:
            return None
        return _refusal(404, f"WebSockets are taken only at {' and '.join(self._websockets)}; open it there")

    def _refused(self, path: str, headers: Headers) -> ASGIApp | None:
        host, origin = headers.get("host", ""), headers.get("origin")
        name, public = _name_in(host), self._public
        is_public = public is not None and name == public.host
        if self._names is not None and name not in self._names and not is_public:
            known = f"{public} or as localhost" if public else "localhost only"
            return _refusal(421, f"this service answers under {known}; open it under that name")
        own = {f"{scheme}://{host.lower()}" for scheme in ("http", "https")} if host and not is_public else set()
        if origin is not None and origin_of(origin) not in {*map(origin_of, own), public and public.origin} - {None}:
            return _refusal(403, "a page from elsewhere may not use this service")
        if self._token is None or path in self._open or path.startswith(self._below):
            return None
        scheme, _, sent = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and hmac.compare_digest(sent.strip().encode("latin-1"), self._token):
            return None
        detail = "this needs the token that the service was started with, as 'Authorization: Bearer TOKEN'"
        return _refusal(401, detail, {"WWW-Authenticate": "Bearer"})


def _refusal(status: int, detail: str, headers: dict[str, str] | None = None) -> ASGIApp:
    return JSONResponse({"detail": detail}, status, headers)


def _name_in(host: str) -> str | None:
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None


def _behind_proxy(scope: Scope, headers: Headers, public: PublicUrl) -> Scope:
    """Give a request as if it had come without the proxy: below the public path, and from the proxy's client."""
    path, client = scope["path"], scope.get("client")
    if public.path and (path == public.path or path.startswith(f"{public.path}/")):
        path = path[len(public.path) :] or "/"
    if client and is_local(client[0]):
        told = ",".join(headers.getlist("x-forwarded-for")).rpartition(",")[2].strip()
        with suppress(ValueError):  # no proxy, or none that tells
            client = (str(ipaddress.ip_address(told)), 0)
    return {**scope, "path": path, "client": client}


def _labelled(send: Send) -> Send:
    """Label the answer that refuses a WebSocket, whose connection is then closed."""

    async def send_labelled(message: Message) -> None:
        if message["type"] == "websocket.http.response.start":
            headers = [*message.get("headers", []), *_HEADERS, (b"connection", b"close")]
            message = {**message, "headers": headers}
        await send(message)

    return send_labelled


class _Exchange:
    """One request and its answer."""

    def __init__(
        self,
        receive: Receive,
        send: Send,
        method: str,
        headers: Headers,
        max_bytes: int,
        connection: TimedConnection | None,
    ) -> None:
        self._receive, self._send, self._start = receive, send, time.monotonic()
        self._connection = connection
        kind = headers.get("content-type", "").partition(";")[0].strip().lower()
        is_text = max_bytes <= MAX_TEXT or kind in ("application/json", "application/x-www-form-urlencoded")
        self._max_bytes = min(MAX_TEXT, max_bytes) if is_text else max_bytes
        claimed = headers.get("content-length", "0")
        self._claimed = int(claimed) if claimed.isascii() and claimed.isdigit() and len(claimed) < 20 else 0
        unknown = "transfer-encoding" in headers or ("content-length" not in headers and method not in ("GET", "HEAD"))
        self._n_bytes, self._unread, self._status = 0, self._claimed > 0 or unknown, 200
        self._due = self._start + PATIENCE_S
        self._longest_s = TEXT_S if is_text else max(BODY_S, self._max_bytes / USUAL_BODY)
        self._linger_s = TEXT_LINGER_S if is_text else LINGER_S

    async def receive(self) -> Message:
        """Receive a part of the body within its limits, or learn that the client hung up."""
        if not self._unread:
            return await self._receive()
        self._check_size(self._claimed)
        end = self._start + self._longest_s
        try:
            async with asyncio.timeout(min(self._due, end) - time.monotonic()):
                message = await self._next()
        except TimeoutError:
            if end <= self._due:
                raise HTTPException(
                    408, f"the body takes more than {self._longest_s:g} s; send it faster, or a shorter one"
                ) from None
            detail = f"the body comes too slowly; send at least {SLOWEST_BODY / 1000:g} kB a second"
            raise HTTPException(408, detail) from None
        n_bytes = len(message.get("body", b""))
        self._due = min(self._due + n_bytes / SLOWEST_BODY, time.monotonic() + PATIENCE_S)
        self._n_bytes += n_bytes
        self._check_size(self._n_bytes)
        return message

    def _check_size(self, n_bytes: int) -> None:
        if n_bytes > self._max_bytes:
            most = self._max_bytes
            size = f"{most / 1e6:g} MB" if most > MAX_TEXT else f"{most:,} bytes"
            raise HTTPException(413, f"the body is larger than {size}; send a shorter or compressed one")

    async def _next(self) -> Message:
        with self._connection.waiting() if self._connection else nullcontext():
            message = await self._receive()
        if message["type"] == "http.disconnect" or not message.get("more_body", False):
            self._unread = False
        return message

    async def send(self, message: Message) -> None:
        """Send a part of the answer in chunks, so that a slow reader is not taken for one that never reads."""
        if message["type"] == "http.response.start":
            self._status = message["status"]
            own = {name for name, _ in message.get("headers", [])}
            added = [header for header in _HEADERS if header[0] not in own]
            if self._unread:
                added.append((b"connection", b"close"))  # what is still to come of the body belongs to no request
            await self._send({**message, "headers": [*message.get("headers", []), *added]})
            return
        body, more = message.get("body", b""), message.get("more_body", False)
        for first in range(0, max(1, len(body)), _CHUNK):
            await self._send({**message, "body": body[first : first + _CHUNK], "more_body": True})
        if not more:
            if self._status >= 400:
                await self._linger()
            await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _linger(self) -> None:
        """Read the rest of a refused body for a while: a client that is still sending loses the answer otherwise."""
        try:
            async with asyncio.timeout(self._linger_s):
                while self._unread:
                    await self._next()
        except TimeoutError:
            pass


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


def make_server(app: ASGIApp, *, max_message: int = 0) -> uvicorn.Server:
    """Make a server for an application, with places for its connections.

    Args:
        app: The application.
        max_message: Bytes of a WebSocket's largest message; 0 for an application that has none.
    """

    class Connection(TimedConnection):
        others = Connections()

    websockets: Any = "none"
    if max_message:
        from affectmap.web.websockets import SlicedWebSocket, Turns  # wsproto, which only some applications need

        websockets = partial(SlicedWebSocket, Turns())
    config = uvicorn.Config(
        app,
        http=Connection,
        ws=websockets,
        ws_max_size=max_message,
        ws_per_message_deflate=False,  # a small frame must not unfold to a large one
        log_level="error",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=_GRACE_S,
    )
    return uvicorn.Server(config)


def run_server(app: ASGIApp, listening: socket.socket, *, max_message: int = 0) -> None:
    """Serve an application, as `make_server` makes it, until Ctrl-C or SIGTERM; the socket is closed at the end."""
    with listening:
        make_server(app, max_message=max_message).run(sockets=[listening])


def address_of(host: str, port: int) -> str:
    """Write the address of a server as a browser takes it.

    Example:
        >>> address_of("::1", 8000)
        'http://[::1]:8000'
    """
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
