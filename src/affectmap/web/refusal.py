"""How a request is told no: a status and one sentence for people."""

from __future__ import annotations


class RefusalError(Exception):
    """A request is not served.

    Args:
        status: HTTP status, 4xx or 5xx.
        detail: Why, and what to do, for people.
        headers: Of the answer.

    Example:
        >>> RefusalError(404, "there is nothing here").status
        404
    """

    def __init__(self, status: int, detail: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status, self.detail, self.headers = status, detail, headers or {}
