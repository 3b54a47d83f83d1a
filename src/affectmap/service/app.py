"""The application: endpoints, and what they answer when something is wrong.

Every refusal is ``{"detail": "one sentence"}``. Nothing is kept of what is sent: an upload lies in a temporary file
while it is measured.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import cached_property, partial
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from fastapi import FastAPI, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from affectmap import __version__
from affectmap.model.model import Model, load_model
from affectmap.service.jobs import AbandonedError, Jobs
from affectmap.service.reference import RECORDING_BODY, RESULTS, reference_page
from affectmap.service.results import Answer, Format, TrackOptions, embed_answer, track_answer
from affectmap.service.settings import LONGEST_UTTERANCE_S, MAX_CHANNELS, MAX_RATE, ServiceSettings
from affectmap.service.uploads import Given, recording_of
from affectmap.web.guard import Guard
from affectmap.web.refusal import RefusalError

_KINDS = {".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8", ".js": "text/javascript"}
_TYPES = {"csv": "text/csv; charset=utf-8", "json": "application/json"}

#: Paths that need no token, and all below the last.
_OPEN = ("/", "/health", "/docs", "/static/")

_Format = Annotated[Format | None, Query(description="json or csv; else as the header Accept asks, JSON by default.")]
_Seconds = Annotated[float | None, Query(gt=0, allow_inf_nan=False)]
_Statistics = Annotated[Literal["source", "recording", "running"], Query(description="Whose mean and spread.")]


def create_app(settings: ServiceSettings, model: Model | None = None) -> FastAPI:
    """Make the application.

    Args:
        settings: What it serves, to whom, and how much.
        model: A loaded model; by default the one that the settings name.

    Returns:
        An ASGI application.

    Raises:
        ModelError: If the model cannot be loaded.

    Example:
        >>> sorted(route.path for route in create_app(ServiceSettings()).routes)[:4]
        ['/', '/docs', '/embed', '/health']
    """
    model = model or load_model(settings.model)
    desk = _Desk(settings, model)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        await asyncio.to_thread(model.embed, np.zeros(model.sampling_rate), model.sampling_rate)  # openSMILE, once
        yield
        desk.close()

    app = FastAPI(
        title="affectmap",
        version=__version__,
        description="Recordings of speech to activation, valence and four classes. Nothing that is sent is kept.",
        docs_url=None,  # FastAPI's own page loads scripts from elsewhere
        redoc_url=None,
        lifespan=lifespan,
    )
    app.state.desk = desk
    _add_pages(app)
    _add_endpoints(app, desk)
    _add_handlers(app)
    app.add_middleware(
        Guard,
        host=settings.host,
        token=settings.token,
        is_open=settings.token is not None or not settings.is_local,
        open_paths=_OPEN,
    )
    return app


class _Desk:
    """What the endpoints share."""

    def __init__(self, settings: ServiceSettings, model: Model) -> None:
        self.settings, self.model = settings, model
        self.jobs = Jobs(settings.concurrency, settings.max_waiting)

    @cached_property
    def _temporary(self) -> tempfile.TemporaryDirectory[str]:
        return tempfile.TemporaryDirectory(prefix="affectmap-serve-")

    @property
    def folder(self) -> Path:
        """Where uploads lie; made when first needed."""
        return Path(self._temporary.name)

    async def answer(
        self, request: Request, format: Format | None, work: Callable[[Given, threading.Event], Answer]
    ) -> Response:
        """Receive, measure, write; a place is held meanwhile."""
        kind = format or _accepted(request.headers.get("accept", ""))

        def measure(given: Given, gone: threading.Event) -> tuple[str, str]:
            found = work(given, gone)
            return found.write(kind), json.dumps(found.about.get("notes", []))

        async with self.jobs.place(), recording_of(request, self.settings, self.folder) as given:
            text, notes = await self.jobs.run(partial(measure, given), _hung_up(request))
        # Lone surrogates, as names on disk may hold, are no text for others.
        body = text.encode("utf-8", errors="replace")
        return Response(body, media_type=_TYPES[kind], headers={"Affectmap-Notes": notes} if kind == "csv" else None)

    def close(self) -> None:
        self.jobs.close()
        if "_temporary" in vars(self):
            self._temporary.cleanup()


def _add_endpoints(app: FastAPI, desk: _Desk) -> None:
    settings, model = desk.settings, desk.model

    @app.get("/health", summary="Whether the service is up", response_description="it is")
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/model", summary="The model, its card, and the limits here", response_description="an object")
    async def about_model() -> dict[str, Any]:
        limits = {
            "max_mb": settings.max_mb,
            "max_minutes": settings.max_minutes,
            "longest_utterance_s": min(LONGEST_UTTERANCE_S, settings.max_minutes * 60),
            "max_channels": MAX_CHANNELS,
            "max_sampling_rate": MAX_RATE,
            "concurrency": settings.concurrency,
            "paths": settings.root is not None,
        }
        return {"metadata": model.metadata, "columns": model.columns, "card": model.card, "limits": limits}

    @app.post("/embed", summary="One utterance to one row", openapi_extra=RECORDING_BODY, responses=RESULTS)
    async def embed(request: Request, format: _Format = None) -> Response:
        return await desk.answer(request, format, lambda given, gone: embed_answer(model, given, settings, gone))

    @app.post("/track", summary="A recording to a row a segment", openapi_extra=RECORDING_BODY, responses=RESULTS)
    async def track(
        request: Request,
        format: _Format = None,
        windows: _Seconds = None,
        hop: _Seconds = None,
        statistics: _Statistics = "source",
        smoothing: _Seconds = None,
    ) -> Response:
        options = TrackOptions(windows, hop, statistics, smoothing)
        return await desk.answer(
            request, format, lambda given, gone: track_answer(model, given, settings, gone, options)
        )


def _add_pages(app: FastAPI) -> None:
    folder = resources.files("affectmap.service").joinpath("static")
    pages = {each.name: each.read_bytes() for each in folder.iterdir() if Path(each.name).suffix in _KINDS}

    def page(name: str) -> Response:
        if name not in pages:
            raise HTTPException(404)
        return Response(pages[name], headers={"Content-Type": _KINDS[Path(name).suffix]})

    @app.get("/", include_in_schema=False)
    async def start() -> Response:
        return page("index.html")

    @app.get("/static/{name}", include_in_schema=False)
    async def static(name: str) -> Response:
        return page(name)

    @app.get("/docs", include_in_schema=False)
    async def docs() -> Response:
        return Response(reference_page(app.openapi()), media_type="text/html")


def _add_handlers(app: FastAPI) -> None:
    @app.exception_handler(RefusalError)
    async def refuse(request: Request, refusal: RefusalError) -> Response:
        return JSONResponse({"detail": refusal.detail}, refusal.status, refusal.headers)

    @app.exception_handler(AbandonedError)
    async def let_go(request: Request, error: AbandonedError) -> Response:
        return Response(status_code=408)  # nobody reads it

    @app.exception_handler(RequestValidationError)
    async def tell_misuse(request: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        return JSONResponse({"detail": f"{first['loc'][-1]}: {first['msg']}; see /docs"}, 422)

    @app.exception_handler(HTTPException)
    async def tell_status(request: Request, error: HTTPException) -> Response:
        detail = {404: "there is nothing here; see /docs", 405: "another method is needed here; see /docs"}
        return JSONResponse({"detail": detail.get(error.status_code, error.detail)}, error.status_code, error.headers)

    @app.exception_handler(Exception)
    async def tell_fault(request: Request, error: Exception) -> Response:
        return JSONResponse({"detail": "a fault of the service; what happened stands in its own log"}, 500)


async def _hung_up(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _accepted(accept: str) -> Format:
    """Choose between JSON and CSV as a header ``Accept`` asks."""
    best: tuple[float, Format | None] = (0.0, None)
    for part in accept.split(",") if accept.strip() else ["*/*"]:
        kind, *options = (word.strip().lower() for word in part.split(";"))
        quality = next((word[2:] for word in options if word.startswith("q=")), "1")
        if kind in ("application/json", "application/*", "*/*"):
            wanted: Format = "json"
        elif kind in ("text/csv", "text/*"):
            wanted = "csv"
        else:
            continue
        try:
            best = max(best, (float(quality), wanted), key=lambda each: each[0])
        except ValueError:
            continue
    if best[1] is None:
        raise RefusalError(406, "answers are application/json or text/csv; ask for one of them")
    return best[1]
