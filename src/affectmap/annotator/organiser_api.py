"""The organiser's page: who has done what, at what pace and how consistently; links, pauses and exports."""

from __future__ import annotations

import hmac
from html import escape
from typing import Any
from urllib.parse import parse_qs

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response
from starlette.concurrency import run_in_threadpool

from affectmap.annotator.body import read_body, read_json
from affectmap.annotator.consistency import own_consistency
from affectmap.annotator.door import COOKIE, SESSION_S, Door, Session
from affectmap.annotator.raters import Rater
from affectmap.annotator.rates import Rates
from affectmap.annotator.results import EXPORTS
from affectmap.annotator.standing import Standing
from affectmap.annotator.store import Store
from affectmap.web.refusal import RefusalError

#: Passwords that may be tried, a second and at once: of one address.
LOGIN_RATE = (0.1, 5)
#: Names of the pages' files.
_PAGE, _LOGIN = "organiser.html", "login.html"
# A browser that tells no referrer at all sends a form with the origin "null", which is refused.
_WITH_FORM = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'",
    "Referrer-Policy": "same-origin",
}


def add_organiser_pages(app: FastAPI, store: Store, door: Door, pages: dict[str, bytes]) -> None:
    """Add the organiser's page and its endpoints.

    Args:
        app: The application.
        store: What is organised.
        door: Lets the organiser in.
        pages: Static files by name.
    """
    tries = Rates(*LOGIN_RATE)

    @app.get("/organiser")
    def page(request: Request) -> Response:
        if door.session(request.cookies.get(COOKIE)) is None:
            return _login(pages, "")
        return Response(pages[_PAGE], media_type="text/html")

    @app.post("/organiser/login")
    async def login(request: Request) -> Response:
        try:
            tries.take(request.client.host if request.client else "")
            form = parse_qs((await read_body(request, "application/x-www-form-urlencoded")).decode("utf-8", "replace"))
        except RefusalError as refusal:
            return _login(pages, refusal.detail, refusal.status, refusal.headers)
        cookie = await run_in_threadpool(door.enter, form.get("password", [""])[0])
        if cookie is None:
            return _login(pages, "This is not the password.", 401)
        answer = RedirectResponse("/organiser", 303)
        answer.set_cookie(
            COOKIE,
            cookie,
            max_age=SESSION_S,
            path="/organiser",
            httponly=True,
            samesite="strict",
            secure=request.url.scheme == "https",
        )
        return answer

    @app.post("/organiser/logout")
    def logout(request: Request) -> Response:
        _changing(request, door)
        door.leave(request.cookies.get(COOKIE))
        return Response(status_code=204)

    _add_state(app, store, door)
    _add_changes(app, store, door)


def _login(pages: dict[str, bytes], told: str, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    page = pages[_LOGIN].replace(b"{told}", escape(told).encode())
    return Response(page, status, media_type="text/html", headers={**_WITH_FORM, **(headers or {})})


def _inside(request: Request, door: Door) -> Session:
    session = door.session(request.cookies.get(COOKIE))
    if session is None:
        raise RefusalError(401, "you are not signed in, or not any more; load the page again")
    return session


def _changing(request: Request, door: Door) -> None:
    """See that a request which changes something comes from the organiser's own page."""
    session = _inside(request, door)
    given = request.headers.get("x-csrf-token", "").encode("latin-1", "replace")
    if not hmac.compare_digest(given, session.csrf.encode()):
        raise RefusalError(403, "this request does not come from the organiser's page; load the page again")


def _add_state(app: FastAPI, store: Store, door: Door) -> None:
    standing = Standing()

    @app.get("/organiser/state")
    def state(request: Request) -> dict[str, Any]:
        session = _inside(request, door)
        return {**state_of(store, standing), "csrf": session.csrf}

    @app.get("/organiser/export/{name}")
    def export(request: Request, name: str) -> Response:
        _inside(request, door)
        if name not in EXPORTS:
            raise RefusalError(404, f"there is no such export; there are {', '.join(EXPORTS)}")
        _, kind, write = EXPORTS[name]
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        return Response(write(store), media_type=kind, headers=headers)


def _add_changes(app: FastAPI, store: Store, door: Door) -> None:
    @app.post("/organiser/raters")
    async def add(request: Request) -> Response:
        _changing(request, door)
        body = await read_json(request)
        name = body.get("name") if isinstance(body, dict) else None
        if not isinstance(name, str):
            raise RefusalError(422, 'send {"name": "…"}')
        rater = await run_in_threadpool(store.add_rater, name.strip())
        return JSONResponse({"name": rater.name}, 201)

    @app.post("/organiser/raters/{rater_id}/{verb}")
    def pause(request: Request, rater_id: int, verb: str) -> Response:
        _changing(request, door)
        if verb not in ("pause", "resume") or not store.people.pause(rater_id, verb == "pause"):
            raise RefusalError(404, "there is no such rater")
        return Response(status_code=204)

    @app.post("/organiser/look")
    def look(request: Request) -> dict[str, int]:
        _changing(request, door)
        return {"n_recordings": store.look()}


def state_of(store: Store, standing: Standing) -> dict[str, Any]:
    """Say what the organiser's page shows.

    Args:
        store: What is organised.
        standing: Agreement so far.

    Returns:
        Raters with links, counts, pace and own consistency, agreement, exports, and what is passed over.
    """
    rows = store.ratings.all()
    consistency = own_consistency(rows)
    known = store.worklist.known().values()
    last = {row["rater"]: row["rated_at"] for row in rows}
    return {
        "folder": store.settings.folder.name,
        "raters": [
            {**_rater(store, each), "consistency": consistency.get(each.name), "last": last.get(each.name)}
            for each in store.people.all()
        ],
        "exports": {name: title for name, (title, *_) in EXPORTS.items()},
        "n_recordings": sum(not each.note for each in known),
        "passed_over": [{"file": each.path, "note": each.note} for each in known if each.note],
        "notes": store.notes,
        "agreement": standing.of(rows),
    }


def _rater(store: Store, rater: Rater) -> dict[str, Any]:
    progress = store.ratings.progress(rater)
    return {
        "id": rater.id,
        "name": rater.name,
        "link": f"/r/{rater.token}",
        "n_done": progress.n_done,
        "n_items": progress.n_items,
        "pace_s": store.ratings.pace_s(rater),
        "paused": rater.paused,
        "trained": rater.trained,
    }
