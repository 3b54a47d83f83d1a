"""The organiser's page: signing in, who has done what, links, pauses and exports."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
import time
from collections.abc import Callable
from functools import partial
from html import escape
from typing import Any, NamedTuple
from urllib.parse import parse_qs

from fastapi import FastAPI, Request
from fastapi.responses import FileResponse, JSONResponse, RedirectResponse, Response
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from affectmap.annotator.rater_api import STATIC
from affectmap.annotator.raters import Rater
from affectmap.annotator.results import EXPORTS, AgreementSoFar, own_consistency
from affectmap.annotator.store import Store
from affectmap.errors import UsageError
from affectmap.web.requests import SlowGuesses, read_json
from affectmap.web.settings import PublicUrl

#: Shortest password, in characters.
SHORTEST_PASSWORD = 8
#: Seconds that a session lasts.
SESSION_S = 12 * 3600
COOKIE = "affectmap_organiser"
_MAX_SESSIONS = 100
# A browser that sends no referrer at all sends a form with the origin "null", which is refused.
_WITH_FORM = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'",
    "Referrer-Policy": "same-origin",
}


class Session(NamedTuple):
    """A signed-in organiser; whatever changes something must send `csrf` along."""

    csrf: str
    ends: float


class OrganiserAuth:
    """The organiser's password, kept as a keyed hash only, and sessions in cookies.

    The hash is a quick one: it never leaves this process, whose guests could tire it with a slow one.

    Raises:
        UsageError: If the password is too short.

    Example:
        >>> auth = OrganiserAuth("a long password")
        >>> auth.sign_in("a guess") is None
        True
        >>> auth.session(auth.sign_in("a long password")) is None
        False
    """

    def __init__(self, password: str, clock: Callable[[], float] = time.monotonic) -> None:
        if len(password) < SHORTEST_PASSWORD:
            raise UsageError(f"the organiser's password is too short; use {SHORTEST_PASSWORD} characters or more")
        self._key = secrets.token_bytes(32)
        self._hash, self._clock = self._hashed(password), clock
        self._sessions: dict[bytes, Session] = {}
        self._lock = threading.Lock()

    def _hashed(self, password: str) -> bytes:
        return hashlib.blake2b(password.encode("utf-8", errors="replace"), key=self._key).digest()

    def sign_in(self, password: str) -> str | None:
        """Check a password; give the value of a new session's cookie, None if it is wrong."""
        if not hmac.compare_digest(self._hashed(password), self._hash):
            return None
        cookie = secrets.token_urlsafe(32)
        with self._lock:
            if len(self._sessions) >= _MAX_SESSIONS:
                self._sessions.pop(min(self._sessions, key=lambda key: self._sessions[key].ends))
            self._sessions[_digest(cookie)] = Session(secrets.token_urlsafe(32), self._clock() + SESSION_S)
        return cookie

    def session(self, cookie: str | None) -> Session | None:
        """Find the session of a cookie; None if there is none or it has ended."""
        with self._lock:
            found = self._sessions.get(_digest(cookie)) if cookie else None
        return found if found and found.ends > self._clock() else None

    def sign_out(self, cookie: str | None) -> None:
        """End the session of a cookie."""
        with self._lock:
            self._sessions.pop(_digest(cookie or ""), None)

    def require(self, request: Request) -> Session:
        """Give the session of a request, or refuse it."""
        session = self.session(request.cookies.get(COOKIE))
        if session is None:
            raise HTTPException(401, "you are not signed in, or not any more; load the page again")
        return session

    def require_page(self, request: Request) -> None:
        """Refuse a request that changes something and does not come from the organiser's own page."""
        session = self.require(request)
        sent = request.headers.get("x-csrf-token", "").encode("latin-1", "replace")
        if not hmac.compare_digest(sent, session.csrf.encode()):
            raise HTTPException(403, "this request does not come from the organiser's page; load the page again")


def _digest(cookie: str) -> bytes:
    return hashlib.sha256(cookie.encode("utf-8", errors="replace")).digest()


class NewRater(BaseModel, strict=True):
    """The body that names a new rater."""

    name: str


def add_organiser_api(app: FastAPI, store: Store, auth: OrganiserAuth) -> None:
    """Add the organiser's page and its endpoints."""
    _add_login(app, auth, store.settings.public)
    _add_state(app, store, auth)
    _add_changes(app, store, auth)


def _add_login(app: FastAPI, auth: OrganiserAuth, public: PublicUrl | None) -> None:
    guesses, base = SlowGuesses(), public.path if public else ""

    @app.get("/organiser")
    def page(request: Request) -> Response:
        if auth.session(request.cookies.get(COOKIE)) is None:
            return _login_page("", base)
        return FileResponse(STATIC / "organiser.html")

    @app.post("/organiser/login")
    async def login(request: Request) -> Response:
        form = parse_qs((await request.body()).decode("utf-8", "replace"))
        cookie = await guesses.check(request, partial(auth.sign_in, form.get("password", [""])[0]))
        if cookie is None:
            return _login_page("This is not the password.", base, 401)
        answer = RedirectResponse(f"{base}/organiser", 303)
        secure = public is not None and public.is_secure
        answer.set_cookie(
            COOKIE, cookie, SESSION_S, path=f"{base}/organiser", httponly=True, samesite="strict", secure=secure
        )
        return answer

    @app.post("/organiser/logout")
    def logout(request: Request) -> Response:
        auth.require_page(request)
        auth.sign_out(request.cookies.get(COOKIE))
        return Response(status_code=204)


def _login_page(message: str, base: str, status: int = 200) -> Response:
    page = (STATIC / "login.html").read_text(encoding="utf-8")
    page = page.replace("{message}", escape(message)).replace("{base}", escape(base))
    return Response(page, status, media_type="text/html", headers=_WITH_FORM)


def _add_state(app: FastAPI, store: Store, auth: OrganiserAuth) -> None:
    agreement = AgreementSoFar()

    @app.get("/organiser/state")
    def state(request: Request) -> dict[str, Any]:
        session = auth.require(request)
        return {**state_of(store, agreement), "csrf": session.csrf}

    @app.get("/organiser/export/{name}")
    def export(request: Request, name: str) -> Response:
        auth.require(request)
        if name not in EXPORTS:
            raise HTTPException(404, f"there is no such export; there are {', '.join(EXPORTS)}")
        _, kind, write = EXPORTS[name]
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        return Response(write(store.ratings.all()), media_type=kind, headers=headers)


def _add_changes(app: FastAPI, store: Store, auth: OrganiserAuth) -> None:
    @app.post("/organiser/raters")
    async def add(request: Request) -> Response:
        auth.require_page(request)
        body = await read_json(request, NewRater)
        rater = await run_in_threadpool(store.add_rater, body.name.strip())
        return JSONResponse({"name": rater.name}, 201)

    @app.post("/organiser/raters/{rater_id}/{verb}")
    def pause(request: Request, rater_id: int, verb: str) -> Response:
        auth.require_page(request)
        if verb not in ("pause", "resume") or not store.raters.pause(rater_id, verb == "pause"):
            raise HTTPException(404, "there is no such rater")
        return Response(status_code=204)

    @app.post("/organiser/scan")
    def scan(request: Request) -> dict[str, int]:
        auth.require_page(request)
        return {"n_recordings": store.scan()}


def state_of(store: Store, agreement: AgreementSoFar) -> dict[str, Any]:
    """Say what the organiser's page shows.

    Raters with links (below `address`, or below the page's own where that is empty), counts, pace and own consistency;
    agreement, exports, and what is passed over.
    """
    rows = store.ratings.all()
    consistency = own_consistency(rows)
    known = store.worklist.known().values()
    last = {row["rater"]: row["rated_at"] for row in rows}
    return {
        "folder": store.settings.folder.name,
        "address": str(store.settings.public or ""),
        "raters": [
            {**_rater_state(store, each), "consistency": consistency.get(each.name), "last": last.get(each.name)}
            for each in store.raters.all()
        ],
        "exports": {name: title for name, (title, *_) in EXPORTS.items()},
        "n_recordings": sum(not each.note for each in known),
        "passed_over": [{"file": each.path, "note": each.note} for each in known if each.note],
        "notes": store.notes,
        "agreement": agreement.of(rows),
    }


def _rater_state(store: Store, rater: Rater) -> dict[str, Any]:
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
