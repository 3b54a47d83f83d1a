"""The annotator behind HTTP, and ``affectmap annotate``: pages for raters and the organiser until Ctrl-C."""

from __future__ import annotations

import asyncio
import secrets
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response

from affectmap import __version__
from affectmap.annotator.database import DatabaseAwayError, DatabaseFullError
from affectmap.annotator.organiser_api import OrganiserAuth, add_organiser_api
from affectmap.annotator.rater_api import STATIC, add_rater_api, rater_of
from affectmap.annotator.results import RATINGS, save_ratings
from affectmap.annotator.settings import AnnotatorSettings
from affectmap.annotator.store import Store, open_store
from affectmap.errors import AffectmapError, StorageError
from affectmap.web.requests import add_error_handlers, static_files
from affectmap.web.server import Guard, address_of, listen, run_server

#: Seconds between two scans of the folder.
SCAN_S = 60.0


def create_app(store: Store, password: str, at_end: Callable[[], None] | None = None) -> FastAPI:
    r"""Make the application.

    Args:
        store: What is rated; stays the caller's to close.
        password: The organiser's.
        at_end: Called when the server ends, also by SIGTERM.

    Returns:
        An ASGI application.

    Raises:
        UsageError: If the password is too short.

    Example:
        >>> import numpy as np, soundfile, tempfile
        >>> from pathlib import Path
        >>> folder = Path(tempfile.mkdtemp()) / "speech"
        >>> folder.mkdir()
        >>> for name in ("practice.wav", "a.wav"):
        ...     soundfile.write(folder / name, np.zeros(16000), 16000)
        >>> sheet = folder / "practice.csv"
        >>> _ = sheet.write_text("file,activation,valence\npractice.wav,3,3\n")
        >>> store = open_store(AnnotatorSettings(folder, raters=("Ada",), training=sheet))
        >>> "/r/{token}" in [route.path for route in create_app(store, "a long password").routes]
        True
        >>> store.close()
    """
    auth, public = OrganiserAuth(password), store.settings.public

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        scanning = asyncio.create_task(_keep_scanning(store))
        yield
        scanning.cancel()
        with suppress(asyncio.CancelledError):
            await scanning
        if at_end:
            await asyncio.to_thread(at_end)

    app = FastAPI(
        title="affectmap annotate",
        version=__version__,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,  # it would lead out of the public address
        lifespan=lifespan,
    )
    app.state.store = store
    app.mount("/static", static_files(STATIC))

    @app.get("/")
    def start() -> Response:
        return RedirectResponse(f"{public.path if public else ''}/organiser", 303)

    @app.get("/organiser/")
    @app.get("/r/{token}/")
    def without_slash(request: Request) -> Response:
        return RedirectResponse(f"../{request.path_params.get('token', 'organiser')}", 303)

    add_rater_api(app, store)
    add_organiser_api(app, store, auth)
    add_error_handlers(app)
    _add_error_statuses(app)
    app.add_middleware(
        Guard,
        host=store.settings.host,
        is_open=not store.settings.is_local,
        public=public,
        person_of=rater_of,
    )
    return app


async def _keep_scanning(store: Store) -> None:
    while True:
        await asyncio.sleep(SCAN_S)
        for work in (store.scan, store.checkpoint):
            with suppress(AffectmapError, OSError):  # the folder is away for a while, say; lists stay as they are
                await asyncio.to_thread(work)


def _add_error_statuses(app: FastAPI) -> None:
    for kind, status, headers in (
        (DatabaseFullError, 507, None),
        (DatabaseAwayError, 503, {"Retry-After": "5"}),
        (AffectmapError, 422, None),
    ):

        @app.exception_handler(kind)
        async def refuse(
            request: Request, error: Exception, status: int = status, headers: dict[str, str] | None = headers
        ) -> Response:
            return JSONResponse({"detail": str(error)}, status, headers)


def annotate(
    settings: AnnotatorSettings,
    *,
    password: str | None,
    notify: Callable[[str], None],
    show: Callable[[str], object] | None = None,
) -> None:
    """Serve the pages until Ctrl-C or SIGTERM, then write ``ratings.csv`` to the labels folder.

    Args:
        settings: What is rated, by whom and how.
        password: The organiser's; None makes one, which `notify` gets once.
        notify: Called with lines for people.
        show: Called with the link of the first rater once the socket is open, to open a browser; None opens none.

    Raises:
        AffectmapError: If the folder, the database or the address cannot be used.
    """
    store = open_store(settings)
    try:
        made = secrets.token_urlsafe(9)
        app = create_app(store, password or made, at_end=lambda: _end(store, notify))
        listening = listen(settings.host, settings.port)
        port = listening.getsockname()[1]
        address = str(settings.public or address_of(_reachable_name(settings.host), port))
        if settings.public:
            store.notes.append(f"the proxy must ask {address_of(_reachable_name(settings.host), port)}")
        links = _announce(store, address, None if password else made, notify)
        if show and links:
            show(links[0])
        run_server(app, listening)
    finally:
        store.close()


def _reachable_name(host: str) -> str:
    """Name this machine where it listens on all its addresses: no other can open 0.0.0.0."""
    return socket.gethostname() if host in ("", "0.0.0.0", "::") else host


def _announce(store: Store, address: str, made: str | None, notify: Callable[[str], None]) -> list[str]:
    """Say where everything is; give the links of the raters that the settings name, or of all."""
    settings = store.settings
    wanted = {name.casefold() for name in settings.raters}
    raters = [rater for rater in store.raters.all() if rater.name.casefold() in wanted or not wanted]
    links = [f"{address}/r/{rater.token}" for rater in raters]
    for rater, link in zip(raters, links, strict=True):
        notify(f"{rater.name}: {link}")
    with_password = f" with the password {made}" if made else ""
    notify(f"organiser: {address}/organiser{with_password}")
    if settings.public and not settings.public.is_secure:
        notify("the public address is not encrypted: others on the way can read links and the password; use https")
    elif not settings.is_local and not settings.public:
        notify("other machines are let in: whoever has a link can rate; put TLS before it on a network of others")
    for each in store.passed_over():
        notify(f"passed over: {each.path}: {each.note}")
    for note in store.notes:
        notify(note)
    n_recordings = sum(not each.note for each in store.worklist.known().values())
    notify(f"{n_recordings} recordings to rate, kept in {settings.labels_folder}, until Ctrl-C")
    return links


def _end(store: Store, notify: Callable[[str], None]) -> None:
    try:
        n_rows, file = save_ratings(store)
        if n_rows:
            notify(f"{n_rows} ratings written to {file}; affectmap ratings export makes labels of them")
    except StorageError as error:  # they are safe in the database
        notify(f"{RATINGS} is not written: {error}")
