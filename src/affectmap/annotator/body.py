"""Reading the small bodies that the pages send."""

from __future__ import annotations

import json

from fastapi import Request

from affectmap.web.refusal import RefusalError

#: Bytes of a body.
MAX_BODY = 65_536


async def read_body(request: Request, kind: str) -> bytes:
    """Read a body.

    Args:
        request: The request.
        kind: The content type that it must be of.

    Returns:
        The body.

    Raises:
        RefusalError: If it is too large (413) or of another type (415).
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != kind:
        raise RefusalError(415, f"the body must be {kind}")
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > MAX_BODY:
            raise RefusalError(413, f"the body is larger than {MAX_BODY:,} bytes")
    return body


async def read_json(request: Request) -> object:
    """Read a body as JSON.

    Args:
        request: The request.

    Returns:
        What it holds.

    Raises:
        RefusalError: If it is too large (413), of another type (415) or no JSON (422).
    """
    try:
        return json.loads(await read_body(request, "application/json"))
    except (ValueError, RecursionError) as error:
        raise RefusalError(422, "the body is no JSON") from error
