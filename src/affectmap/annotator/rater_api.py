"""What a rater's page asks for. Names, classes and the ratings of others are in no answer."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response
from starlette.concurrency import run_in_threadpool

from affectmap.annotator.body import read_json
from affectmap.annotator.languages import languages
from affectmap.annotator.raters import Rater
from affectmap.annotator.rates import Rates
from affectmap.annotator.rating import read_rating
from affectmap.annotator.ratings import ConflictError, Progress
from affectmap.annotator.sounds import part_of
from affectmap.annotator.store import Store
from affectmap.web.refusal import RefusalError

#: Requests a second and at once: of one rater, and of one address that guesses links.
RATER_RATE = (20.0, 100)
GUESS_RATE = (0.5, 20)
_UNKNOWN = "this link is not known here; ask the organiser for yours"


class RaterDesk:
    """Answers raters.

    Args:
        store: What they rate.
    """

    def __init__(self, store: Store) -> None:
        self.store, self._rates, self._guesses = store, Rates(*RATER_RATE), Rates(*GUESS_RATE)

    def rater(self, request: Request, token: str) -> Rater:
        """Find who asks, and count it.

        Args:
            request: The request.
            token: From the link.

        Returns:
            The rater.

        Raises:
            RefusalError: If nobody has that link (404), or it is one request too many (429).
        """
        rater = self.store.people.by_token(token)
        if rater is None:
            self._guesses.take(request.client.host if request.client else "")
            raise RefusalError(404, _UNKNOWN)
        self._rates.take(rater.token)
        return rater

    def session(self, rater: Rater) -> dict[str, Any]:
        """Say who rates, how far they are and what is asked of them.

        Args:
            rater: Who.

        Returns:
            The answer of ``/session``.
        """
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
        """Say what comes next.

        Args:
            rater: Who.

        Returns:
            The answer of ``/next``.
        """
        progress = self.store.ratings.progress(rater)
        previous = _entry(rater, progress.previous)
        return {
            "item": _entry(rater, progress.item),
            "following": _entry(rater, progress.following),
            **_counts(progress),
            "previous": previous and {**previous, "rating": progress.rating},
        }

    def rate(self, rater: Rater, body: object) -> tuple[int, dict[str, Any]]:
        """Keep a rating.

        Args:
            rater: Whose.
            body: What the page sent.

        Returns:
            Status and the answer of ``/ratings``; 201 once it is on the disk, 409 if things have moved on.

        Raises:
            RefusalError: If the rating is not one.
            StorageError: If it cannot be kept.
        """
        settings = self.store.settings
        rating = read_rating(body, half_steps=not settings.continuous, emotions=settings.emotions)
        try:
            revision = self.store.ratings.save(rater, rating)
        except ConflictError as conflict:
            return 409, {"error": conflict.detail, "paused": conflict.paused, "next": self.next(rater)}
        return 201, {"saved": True, "revision": revision, "next": self.next(rater)}


def _entry(rater: Rater, code: str | None) -> dict[str, str] | None:
    return None if code is None else {"id": code, "audio": f"/api/{rater.token}/audio/{code}"}


def _counts(progress: Progress) -> dict[str, int]:
    return {"n_done": progress.n_done, "n_items": progress.n_items}


def add_rater_pages(app: FastAPI, desk: RaterDesk) -> None:
    """Add the endpoints of the rating page.

    Args:
        app: The application.
        desk: Answers them.
    """

    @app.get("/api/languages")
    def known_languages() -> list[dict[str, str]]:
        return languages()

    @app.get("/api/{token}/session")
    def session(request: Request, token: str) -> dict[str, Any]:
        return desk.session(desk.rater(request, token))

    @app.post("/api/{token}/trained", status_code=204)
    def trained(request: Request, token: str) -> Response:
        desk.store.people.finish_training(desk.rater(request, token).id)
        return Response(status_code=204)

    @app.get("/api/{token}/next")
    def coming(request: Request, token: str) -> dict[str, Any]:
        return desk.next(desk.rater(request, token))

    @app.get("/api/{token}/audio/{code}")
    def audio(request: Request, token: str, code: str) -> Response:
        return _sound(request, desk.store.sound(desk.rater(request, token), code))

    @app.get("/api/{token}/training/{number}")
    def training(request: Request, token: str, number: int) -> Response:
        desk.rater(request, token)
        return _sound(request, desk.store.training_sound(number))

    @app.post("/api/{token}/ratings")
    async def rate(request: Request, token: str) -> Response:
        rater = await run_in_threadpool(desk.rater, request, token)
        body = await read_json(request)
        status, answer = await run_in_threadpool(desk.rate, rater, body)
        return JSONResponse(answer, status)


def _sound(request: Request, content: bytes) -> Response:
    status, part, headers = part_of(content, request.headers.get("range"))
    kept = {"Cache-Control": "private, max-age=3600"}
    return Response(part, status, media_type="audio/wav", headers={**headers, **kept})
