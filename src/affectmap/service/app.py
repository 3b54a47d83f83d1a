"""The service behind HTTP: endpoints, pages, and ``affectmap serve``.

Nothing of what is sent is kept: an upload lies in a temporary file without a name while it is measured.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from html import escape
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import numpy as np
from fastapi import FastAPI, Query, Request
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from affectmap import __version__
from affectmap.model.model import Model, load_model
from affectmap.service.jobs import AbandonedError, Jobs, Uploads
from affectmap.service.live import MAX_MESSAGE, Live, LiveOptions
from affectmap.service.results import (
    RESULTS,
    EmbedOptions,
    Format,
    Progress,
    Result,
    TrackOptions,
    embed_result,
    track_result,
)
from affectmap.service.settings import LONGEST_UTTERANCE_S, MAX_CHANNELS, MAX_RATE, ServiceSettings
from affectmap.service.uploads import RECORDING_BODY, receive_recording
from affectmap.temporary import temporary_place
from affectmap.web.requests import add_error_handlers, static_files
from affectmap.web.server import Guard, address_of, content_policy, listen, run_server

_STATIC = Path(__file__).parent / "static"
_TYPES = {"csv": "text/csv; charset=utf-8", "json": "application/json"}
#: Paths that need no token, and all below the last; a voice that is measured live brings it in its first message.
_OPEN = ("/", "/health", "/docs", "/live", "/static/")
_HEAD = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>affectmap: HTTP</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,"><link rel="stylesheet" href="/static/page.css"></head>
"""


def create_app(settings: ServiceSettings, model: Model | None = None) -> FastAPI:
    """Make the application.

    Args:
        settings: What it serves, to whom, and how much.
        model: A loaded model; by default the one that the settings name.

    Returns:
        An ASGI application.

    Raises:
        ModelError: If the model cannot be loaded, or needs an encoder that cannot be found.

    Example:
        >>> sorted(route.path for route in create_app(ServiceSettings()).routes)[:4]
        ['/', '/docs', '/embed', '/health']
    """
    service = Service(settings, model or load_model(settings.model))
    service.model.check_takes_recordings()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        model = service.model
        await asyncio.to_thread(model.embed, np.zeros(model.sampling_rate), model.sampling_rate)  # what is built once
        yield
        service.close()

    app = FastAPI(
        title="affectmap",
        version=__version__,
        description="Recordings of speech to activation, valence and four classes. Nothing that is sent is kept.",
        docs_url=None,  # FastAPI's own page loads scripts from elsewhere
        redoc_url=None,
        lifespan=lifespan,
    )
    app.state.service = service
    _add_pages(app)
    _add_endpoints(app, service)
    add_error_handlers(app, see="; see /docs")

    @app.exception_handler(AbandonedError)
    async def hung_up(request: Request, error: Exception) -> Response:
        return Response(status_code=408)  # nobody reads it

    app.add_middleware(
        Guard,
        host=settings.host,
        token=settings.token,
        is_open=settings.token is not None or not settings.is_local,
        open_paths=_OPEN,
        max_bytes=settings.max_bytes,
        websockets=("/live",),
    )
    return app


class Service:
    """What the endpoints share: settings, the model, threads, and room for uploads."""

    def __init__(self, settings: ServiceSettings, model: Model) -> None:
        self.settings, self.model = settings, model
        self.jobs = Jobs(settings.n_jobs, settings.max_waiting)
        self.uploads = Uploads(settings.max_uploads, settings.max_upload_bytes)
        self.progress = Progress()
        self.live = Live(settings, model)

    async def answer(self, request: Request, format: Format | None, measure: Callable[..., Result]) -> Response:
        """Receive a recording, measure it in a thread, and write the result."""
        kind = format or _accepted(request.headers.get("accept", ""))

        async def hang_up() -> None:
            while (await request.receive())["type"] != "http.disconnect":
                pass

        self.jobs.check_room()
        async with receive_recording(request, self.settings, self.uploads) as recording:

            def work(abandoned: threading.Event) -> tuple[str, str]:
                result = measure(self.model, recording, self.settings, abandoned)
                return result.write(kind), json.dumps(result.about.get("notes", []))

            text, notes = await self.jobs.run(work, hang_up())
        # Lone surrogates, as names on disk may hold, are no text for others.
        body = text.encode("utf-8", errors="replace")
        return Response(body, media_type=_TYPES[kind], headers={"Affectmap-Notes": notes} if kind == "csv" else None)

    def close(self) -> None:
        """Stop the work."""
        self.live.close()
        self.jobs.close()


def _add_endpoints(app: FastAPI, service: Service) -> None:
    settings, model = service.settings, service.model

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
            "concurrency": settings.n_jobs,
            "paths": settings.root is not None,
        }
        return {"metadata": model.metadata, "columns": model.columns, "card": model.card, "limits": limits}

    @app.post("/embed", summary="One utterance to one row", openapi_extra=RECORDING_BODY, responses=RESULTS)
    async def embed(request: Request, options: Annotated[EmbedOptions, Query()]) -> Response:
        return await service.answer(request, options.format, partial(embed_result, options=options))

    @app.post("/track", summary="A recording to a row a segment", openapi_extra=RECORDING_BODY, responses=RESULTS)
    async def track(request: Request, options: Annotated[TrackOptions, Query()]) -> Response:
        with service.progress.told(options.progress) as tell:
            return await service.answer(request, options.format, partial(track_result, options=options, tell=tell))

    @app.get("/progress/{key}", summary="How far a track under way is", response_description="seconds done and in all")
    async def progress(key: UUID) -> dict[str, float]:
        return service.progress.of(key)

    app.websocket("/live")(service.live.answer)


def _add_pages(app: FastAPI) -> None:
    app.mount("/static", static_files(_STATIC))

    page = (_STATIC / "index.html").read_text(encoding="utf-8")

    @app.get("/", include_in_schema=False)
    async def start() -> Response:
        nonce = secrets.token_urlsafe(16)  # for the style that the waveform brings
        headers = {"Content-Security-Policy": content_policy(nonce)}
        return Response(page.replace("{{ nonce }}", nonce), media_type="text/html", headers=headers)

    @app.get("/docs", include_in_schema=False)
    async def docs() -> Response:
        return Response(reference_page(app.openapi()), media_type="text/html")


def reference_page(schema: dict[str, Any]) -> str:
    """Write an OpenAPI description, as FastAPI gives it, as a plain page of HTML.

    Example:
        >>> "<h1>pets" in reference_page({"info": {"title": "pets", "version": "1"}, "paths": {}})
        True
    """
    info = schema["info"]
    parts = [
        f"<h1>{escape(info['title'])} {escape(info['version'])}: HTTP</h1>",
        f"<p>{escape(info.get('description', ''))}</p>",
        '<p>For programs: <a href="/openapi.json">openapi.json</a>. For people: <a href="/">the page</a>.</p>',
    ]
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            parts += _operation(path, method, operation)
    body = "\n".join([*parts, *_live_operation()])
    return f"{_HEAD}<body><main>{body}</main></body></html>\n"


def _operation(path: str, method: str, operation: dict[str, Any]) -> list[str]:
    parts = [f"<h2><code>{method.upper()} {escape(path)}</code></h2>", f"<p>{escape(operation['summary'])}.</p>"]
    content = operation.get("requestBody", {}).get("content", {})
    if content:
        kinds = ", ".join(f"<code>{escape(kind)}</code>" for kind in content)
        parts.append(f"<p>Body: {kinds}.</p>")
    for option in operation.get("parameters", []):
        description = escape(option.get("description", ""))
        choices = [
            value for part in (option["schema"], *option["schema"].get("anyOf", [])) for value in part.get("enum", [])
        ]
        shown = f" ({escape(', '.join(choices))})" if choices else ""
        parts.append(f"<p>Option <code>{escape(option['name'])}</code>{shown}: {description}</p>")
    answers = "".join(
        f"<tr><th scope=row>{escape(str(status))}</th><td>{escape(answer['description'])}</td></tr>"
        for status, answer in operation.get("responses", {}).items()
    )
    return [*parts, f'<div class="scroll"><table>{answers}</table></div>']


def _live_operation() -> list[str]:
    """Describe the WebSocket, of which OpenAPI knows nothing."""
    options = [
        f"<p>Option <code>{escape(name)}</code>: {escape(str(field.description))}</p>"
        for name, field in LiveOptions.model_fields.items()
    ]
    return [
        "<h2><code>WebSocket /live</code></h2>",
        "<p>A voice while it speaks to a row a window. The first message is a JSON object of the options below; all "
        f"others are samples: 16 bit, little-endian, mono, at most {MAX_MESSAGE:,} bytes a message; an empty one ends "
        "it. Every row comes as a message of JSON, as <code>affectmap track --stream --format json</code> prints it; "
        "<code>{&quot;note&quot;: …}</code> is for people, <code>{&quot;detail&quot;: …}</code> says why the server "
        "ends it.</p>",
        *options,
    ]


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
        raise HTTPException(406, "answers are application/json or text/csv; ask for one of them")
    return best[1]


def serve(settings: ServiceSettings, notify: Callable[[str], None]) -> None:
    """Serve until Ctrl-C or SIGTERM; `notify` is called with a line for people once the address is known.

    Raises:
        UsageError: If the address cannot be listened on.
        ModelError: If the model cannot be loaded.
        StorageError: If there is no folder for temporary files.
    """
    temporary_place()
    app = create_app(settings)
    listening = listen(settings.host, settings.port)
    address = address_of(settings.host, listening.getsockname()[1])
    notify(f"serving {app.state.service.model.metadata['name']} on {address}, until Ctrl-C")
    run_server(app, listening, max_message=MAX_MESSAGE)
