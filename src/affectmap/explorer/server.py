"""The page served from the recordings' folder: any number of points, sound read when it is asked for.

Conventions:
    * Only this machine is answered (`affectmap.web.server.Guard`), and only recordings of the points, by their number.
    * A recording that browsers play and that is one utterance is sent as it is, in byte ranges as players ask for them.
      Any other is read, cut and sent as an excerpt (`affectmap.explorer.sound`).
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import FileResponse, Response
from starlette.exceptions import HTTPException

from affectmap.errors import AudioError
from affectmap.explorer.page import SCRIPTS, STYLES, pack, shell
from affectmap.explorer.points import Points
from affectmap.explorer.sound import MEDIA_TYPE, Place, encoded, outline, places_of, read_beginning
from affectmap.web.requests import add_error_handlers, static_files
from affectmap.web.server import Guard, address_of, listen, run_server

HOST = "127.0.0.1"
#: Recordings that every browser plays, by their endings.
_PLAYED = {".wav": "audio/wav", ".mp3": "audio/mpeg", ".flac": "audio/flac"}
#: Recordings that are read at once.
_AT_ONCE = 4


def create_app(points: Points) -> FastAPI:
    """Make the application.

    Example:
        >>> import pandas as pd
        >>> from affectmap.explorer.points import points_of
        >>> rows = pd.DataFrame([{"corpus": "pets", "file": "a.wav", "activation": 4, "valence": 2}])
        >>> sorted(route.path for route in create_app(points_of(rows)).routes)[1:4]
        ['/data.bin', '/data.json', '/outline/{number}']
    """
    app = FastAPI(title="affectmap explore", docs_url=None, redoc_url=None, openapi_url=None)
    packed, places, turns = pack(points), places_of(points.utterances), asyncio.Semaphore(_AT_ONCE)
    about = json.dumps(packed.about, ensure_ascii=True, allow_nan=False).encode()
    head = "\n".join(f'<link rel="stylesheet" href="static/{name}">' for name in STYLES)
    scripts = "\n".join(f'<script src="static/{name}" defer></script>' for name in SCRIPTS)
    page = shell(points.title, head, scripts)

    async def read(number: int, make: Callable[[Place], bytes]) -> bytes:
        place = _listed(places, number)
        async with turns:
            try:
                return await asyncio.to_thread(make, place)
            except AudioError as error:
                raise HTTPException(404, str(error).removeprefix(f"{place.file}: ")) from error

    @app.get("/")
    async def start() -> Response:
        return Response(page, media_type="text/html; charset=utf-8")

    @app.get("/data.json")
    async def columns() -> Response:
        return Response(about, media_type="application/json")

    @app.get("/data.bin")
    async def values() -> Response:
        return Response(packed.data, media_type="application/octet-stream")

    @app.get("/sound/{number}")
    async def sound(number: int) -> Response:
        place = _listed(places, number)
        kind = _PLAYED.get(place.file.suffix.lower())
        if kind and not place.start and place.end is None and place.file.is_file():
            return FileResponse(place.file, media_type=kind)
        return Response(await read(number, lambda each: encoded(read_beginning(each).signal)), media_type=MEDIA_TYPE)

    @app.get("/outline/{number}")
    async def shape(number: int) -> Response:
        found = await read(number, lambda each: outline(read_beginning(each).signal))
        return Response(found, media_type="application/octet-stream")

    app.mount("/static", static_files(Path(__file__).parent / "static"))
    add_error_handlers(app)
    app.add_middleware(Guard, host=HOST)
    return app


def _listed(places: list[Place], number: int) -> Place:
    if not 0 <= number < len(places):
        raise HTTPException(404, f"there is no point {number}; they are numbered from 0 to {len(places) - 1}")
    return places[number]


def serve(points: Points, port: int, notify: Callable[[str], None], show: Callable[[str], object] | None) -> None:
    """Serve the page until Ctrl-C or SIGTERM.

    Args:
        points: What it shows.
        port: 0 takes a free one.
        notify: Called with a line for people once the address is known.
        show: Called with the address; opens a browser.

    Raises:
        UsageError: If the port cannot be listened on.
    """
    app = create_app(points)
    listening = listen(HOST, port)
    address = address_of(HOST, listening.getsockname()[1])
    notify(f"{len(points.utterances):,} points on {address}, until Ctrl-C")
    if show is not None:
        show(address)
    run_server(app, listening)
