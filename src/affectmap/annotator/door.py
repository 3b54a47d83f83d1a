"""The organiser's way in: a password, kept as a hash only, and a session in a cookie."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
import time
from collections.abc import Callable
from typing import NamedTuple

from affectmap.errors import UsageError

#: Shortest password, in characters.
SHORTEST_PASSWORD = 8
#: Seconds that a session lasts.
SESSION_S = 12 * 3600
COOKIE = "affectmap_organiser"
_MAX_SESSIONS = 100


class Session(NamedTuple):
    """An organiser who is in.

    Attributes:
        csrf: What the page must send along with everything that changes something.
        ends: When the session ends, by the door's clock.
    """

    csrf: str
    ends: float


class Door:
    """Lets the organiser in.

    Args:
        password: What to ask for; only its hash (scrypt) is kept.
        clock: Gives seconds.

    Raises:
        UsageError: If the password is too short.

    Example:
        >>> door = Door("a long password")
        >>> door.enter("a guess") is None
        True
        >>> cookie = door.enter("a long password")
        >>> door.session(cookie) is not None, door.session("a guess") is None
        (True, True)
    """

    def __init__(self, password: str, clock: Callable[[], float] = time.monotonic) -> None:
        if len(password) < SHORTEST_PASSWORD:
            raise UsageError(f"the organiser's password is too short; use {SHORTEST_PASSWORD} characters or more")
        self._salt = secrets.token_bytes(16)
        self._hash, self._clock = self._hashed(password), clock
        self._sessions: dict[bytes, Session] = {}
        self._turn = threading.Lock()

    def _hashed(self, password: str) -> bytes:
        return hashlib.scrypt(password.encode("utf-8", errors="replace"), salt=self._salt, n=2**14, r=8, p=1)

    def enter(self, password: str) -> str | None:
        """Check a password.

        Args:
            password: What was typed.

        Returns:
            The value of a new session's cookie; None if the password is wrong.
        """
        if not hmac.compare_digest(self._hashed(password), self._hash):
            return None
        cookie = secrets.token_urlsafe(32)
        with self._turn:
            if len(self._sessions) >= _MAX_SESSIONS:
                self._sessions.pop(min(self._sessions, key=lambda key: self._sessions[key].ends))
            self._sessions[_digest(cookie)] = Session(secrets.token_urlsafe(32), self._clock() + SESSION_S)
        return cookie

    def session(self, cookie: str | None) -> Session | None:
        """Find a session.

        Args:
            cookie: Its cookie's value.

        Returns:
            The session; None if there is none or it has ended.
        """
        with self._turn:
            found = self._sessions.get(_digest(cookie)) if cookie else None
        return found if found and found.ends > self._clock() else None

    def leave(self, cookie: str | None) -> None:
        """End a session.

        Args:
            cookie: Its cookie's value.
        """
        with self._turn:
            self._sessions.pop(_digest(cookie or ""), None)


def _digest(cookie: str) -> bytes:
    return hashlib.sha256(cookie.encode("utf-8", errors="replace")).digest()
