"""What a rater's page asks for. Names, classes and the ratings of others are in no answer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import FileResponse, JSONResponse, Response
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.types import Message, Receive, Scope, Send

from affectmap.annotator.raters import Rater
from affectmap.annotator.ratings import ConflictError, Rating
from affectmap.annotator.store import Store
from affectmap.web.requests import RateLimit, client_of, read_json

#: Pages of the annotator.
STATIC = Path(__file__).parent / "static"
#: Requests a second and at once: of one rater, and of one address that guesses links.
RATER_RATE = (20.0, 100)
GUESS_RATE = (0.5, 20)


class RaterApi:
    """Answers to raters."""

    def __init__(self, store: Store) -> None:
        self.store, self._requests, self._guesses = store, RateLimit(*RATER_RATE), RateLimit(*GUESS_RATE)

    def rater(self, request: Request, token: str) -> Rater:
        """Find who asks; refuse unknown links (404) and too many requests (429)."""
        rater = self.store.raters.by_token(token)
        if rater is None:
            self._guesses.take(client_of(request))
            raise HTTPException(404, "this link is not known here; ask the organiser for yours")
        self._requests.take(rater.token)
        return rater

    def session(self, rater: Rater) -> dict[str, Any]:
        """Say who rates, how far they are and what is asked of them."""
        settings, progress = self.store.settings, self.store.ratings.progress(rater)
        return {
            "rater": rater.name,
            "paused": rater.paused,
            "language": settings.language,
            "settings": {
                "half_steps": not settings.continuous,
                "continuous": settings.continuous,
                "emotions": list(settings.emotions),
                "comment": True,
            },
            "n_items": progress.n_items,
            "n_done": progress.n_done,
            "pace_s": self.store.ratings.pace_s(rater),
            "trained": rater.trained,
            "training": [
                {
                    "audio": f"/api/{rater.token}/training/{number}",
                    "activation": item.activation,
                    "valence": item.valence,
                    "note": item.note,
                }
                for number, item in enumerate(self.store.training)
            ],
        }

    def next(self, rater: Rater) -> dict[str, Any]:
        """Say what comes next, and what was rated last."""
        progress = self.store.ratings.progress(rater)
        previous = _entry(rater, progress.previous)
        return {
            "item": _entry(rater, progress.item),
            "following": _entry(rater, progress.following),
            "n_done": progress.n_done,
            "n_items": progress.n_items,
            "previous": previous and {**previous, "rating": progress.rating},
        }

    def rate(self, rater: Rater, rating: Rating) -> tuple[int, dict[str, Any]]:
        """Store a rating; give 201 and what comes next once it is on the disk, 409 if things have moved on."""
        try:
            revision = self.store.ratings.save(rater, rating)
        except ConflictError as conflict:
            return 409, {"detail": conflict.detail, "paused": conflict.paused, "next": self.next(rater)}
        return 201, {"saved": True, "revision": revision, "next": self.next(rater)}


def _entry(rater: Rater, code: str | None) -> dict[str, str] | None:
    return None if code is None else {"id": code, "audio": f"/api/{rater.token}/audio/{code}"}


class SoundResponse(FileResponse):
    """A sound, or the range of it that is asked for, without date and tag: equal ones would show repeats."""

    def __init__(self, wave: Path) -> None:
        super().__init__(wave, media_type="audio/wav", headers={"Cache-Control": "private, max-age=3600"})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""

        async def send_plain(message: Message) -> None:
            if message["type"] == "http.response.start":
                shown = [each for each in message["headers"] if each[0] not in (b"etag", b"last-modified")]
                message = {**message, "headers": shown}
            await send(message)

        await super().__call__(scope, receive, send_plain)


def rater_of(path: str) -> str | None:
    """Tell by the path of a request whose link it uses; None where it uses none.

    Example:
        >>> rater_of("/api/q7D-k/next"), rater_of("/r/q7D-k"), rater_of("/api/languages")
        ('q7D-k', 'q7D-k', None)
    """
    place, *rest = path.lstrip("/").split("/")
    return rest[0] if (place == "api" and len(rest) > 1) or (place == "r" and rest) else None


def languages() -> list[dict[str, str]]:
    """List the languages of the page: code, name in the language itself, and direction (``ltr`` or ``rtl``)."""
    words = {file.stem: json.loads(file.read_text(encoding="utf-8")) for file in (STATIC / "languages").glob("*.json")}
    return [
        {"code": code, "name": words[code]["name"], "direction": words[code]["direction"]} for code in sorted(words)
    ]


def add_rater_api(app: FastAPI, store: Store) -> None:
    """Add the rating page and its endpoints."""
    api = RaterApi(store)

    @app.get("/r/{token}")
    def page(request: Request, token: str) -> Response:
        api.rater(request, token)
        return FileResponse(STATIC / "index.html")

    @app.get("/api/languages")
    def known_languages() -> list[dict[str, str]]:
        return languages()

    @app.get("/api/{token}/session")
    def session(request: Request, token: str) -> dict[str, Any]:
        return api.session(api.rater(request, token))

    @app.post("/api/{token}/trained", status_code=204)
    def trained(request: Request, token: str) -> Response:
        store.raters.finish_training(api.rater(request, token).id)
        return Response(status_code=204)

    @app.get("/api/{token}/next")
    def coming(request: Request, token: str) -> dict[str, Any]:
        return api.next(api.rater(request, token))

    @app.get("/api/{token}/audio/{code}")
    def audio(request: Request, token: str, code: str) -> Response:
        return SoundResponse(store.sound(api.rater(request, token), code))

    @app.get("/api/{token}/training/{number}")
    def training(request: Request, token: str, number: int) -> Response:
        api.rater(request, token)
        return SoundResponse(store.training_sound(number))

    @app.post("/api/{token}/ratings")
    async def rate(request: Request, token: str) -> Response:
        rater = await run_in_threadpool(api.rater, request, token)
        asked = {"half_steps": not store.settings.continuous, "emotions": store.settings.emotions}
        rating = await read_json(request, Rating, asked)
        status, answer = await run_in_threadpool(api.rate, rater, rating)
        return JSONResponse(answer, status)
