"""The application: rating pages, the organiser's page, and what they answer when something is wrong.

Every refusal is ``{"error": "one sentence"}``.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import PurePosixPath

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse, Response
from starlette.exceptions import HTTPException

from affectmap import __version__
from affectmap.annotator.database import DatabaseAwayError, DatabaseFullError
from affectmap.annotator.door import Door
from affectmap.annotator.organiser_api import add_organiser_pages
from affectmap.annotator.rater_api import RaterDesk, add_rater_pages
from affectmap.annotator.store import Store
from affectmap.errors import AffectmapError
from affectmap.web.guard import Guard
from affectmap.web.refusal import RefusalError

#: Seconds between two looks into the folder.
LOOK_S = 60.0
_KINDS = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
}


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
        >>> from affectmap.annotator import AnnotatorSettings, open_store
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

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        looking = asyncio.create_task(_keep_looking(store))
        yield
        looking.cancel()
        with suppress(asyncio.CancelledError):
            await looking
        if at_end:
            await asyncio.to_thread(at_end)

    app = FastAPI(
        title="affectmap annotate",
        version=__version__,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        lifespan=lifespan,
    )
    app.state.store = store
    pages = _static(resources.files("affectmap.annotator").joinpath("static"))
    _add_static(app, pages)
    _add_rating_page(app, pages, desk := RaterDesk(store))
    add_rater_pages(app, desk)
    add_organiser_pages(app, store, Door(password), pages)
    _add_handlers(app)
    settings = store.settings
    app.add_middleware(Guard, host=settings.host, is_open=not settings.is_local, told_as="error")
    return app


async def _keep_looking(store: Store) -> None:
    while True:
        await asyncio.sleep(LOOK_S)
        with suppress(AffectmapError, OSError):  # the folder is away for a while, say; lists stay as they are
            await asyncio.to_thread(store.look)


def _static(folder: Traversable, below: str = "") -> dict[str, bytes]:
    """Read the pages' files once, by their paths: nothing else can be asked for."""
    pages: dict[str, bytes] = {}
    for each in folder.iterdir():
        path = PurePosixPath(below, each.name)
        if each.is_dir():
            pages |= _static(each, str(path))
        elif path.suffix in _KINDS:
            pages[str(path)] = each.read_bytes()
    return pages


def _add_static(app: FastAPI, pages: dict[str, bytes]) -> None:
    @app.get("/")
    def start() -> Response:
        return RedirectResponse("/organiser", 303)

    @app.get("/static/{name:path}")
    def static(name: str) -> Response:
        if name not in pages:
            raise HTTPException(404)
        return Response(pages[name], headers={"Content-Type": _KINDS[PurePosixPath(name).suffix]})


def _add_rating_page(app: FastAPI, pages: dict[str, bytes], desk: RaterDesk) -> None:
    @app.get("/r/{token}")
    def rating_page(request: Request, token: str) -> Response:
        desk.rater(request, token)
        return Response(pages.get("index.html", b""), media_type="text/html")


def _add_handlers(app: FastAPI) -> None:
    @app.exception_handler(RefusalError)
    async def refuse(request: Request, refusal: RefusalError) -> Response:
        return JSONResponse({"error": refusal.detail}, refusal.status, refusal.headers)

    @app.exception_handler(DatabaseFullError)
    async def tell_full(request: Request, error: DatabaseFullError) -> Response:
        return JSONResponse({"error": str(error)}, 507)

    @app.exception_handler(DatabaseAwayError)
    async def tell_away(request: Request, error: DatabaseAwayError) -> Response:
        return JSONResponse({"error": str(error)}, 503, {"Retry-After": "5"})

    @app.exception_handler(AffectmapError)
    async def tell_misuse(request: Request, error: AffectmapError) -> Response:
        return JSONResponse({"error": str(error)}, 422)

    @app.exception_handler(RequestValidationError)
    async def tell_nonsense(request: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        return JSONResponse({"error": f"{first['loc'][-1]}: {first['msg']}"}, 422)

    @app.exception_handler(HTTPException)
    async def tell_status(request: Request, error: HTTPException) -> Response:
        told = {404: "there is nothing here", 405: "another method is needed here"}
        return JSONResponse({"error": told.get(error.status_code, error.detail)}, error.status_code, error.headers)

    @app.exception_handler(Exception)
    async def tell_fault(request: Request, error: Exception) -> Response:
        return JSONResponse({"error": "a fault of the server; what happened stands in its own log"}, 500)
