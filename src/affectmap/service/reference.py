"""What the endpoints take and give, for OpenAPI, and a plain page of it that loads nothing from elsewhere."""

from __future__ import annotations

from html import escape
from typing import Any

from pydantic import BaseModel

from affectmap.service.uploads import ServedPath
from affectmap.web.server import MAX_CONNECTIONS


class Refusal(BaseModel):
    """Why a request is refused."""

    detail: str


_BINARY = {"type": "string", "format": "binary"}
#: The three ways to hand over a recording.
RECORDING_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {"type": "object", "required": ["file"], "properties": {"file": _BINARY}}
            },
            "application/json": {"schema": ServedPath.model_json_schema()},
            "audio/*": {"schema": _BINARY},
            "application/octet-stream": {"schema": _BINARY},
        },
    }
}
_REFUSED = {
    401: "the token is missing or wrong",
    403: "a path out of the served folder, or a page from elsewhere",
    404: "no such file",
    406: "neither JSON nor CSV is wanted",
    408: "the body comes too slowly",
    413: "the body is too large or the recording too long",
    415: "the body is compressed",
    421: "the service is asked under a name that is not this machine's",
    422: "the recording cannot be read, or an option is out of range",
    429: "too many recordings at once; Retry-After says when to try again",
}
#: What the server itself answers before the application sees the request.
_REFUSED_UNREAD = {
    400: "the request is no HTTP; plain text",
    503: f"more than {MAX_CONNECTIONS} connections at once; plain text",
}
_ROWS = {
    "type": "object",
    "required": ["rows"],
    "properties": {
        "model": {"type": "string"},
        "duration_s": {"type": "number"},
        "smoothing_s": {"type": "number"},
        "notes": {"type": "array", "items": {"type": "string"}},
        "rows": {"type": "array", "items": {"type": "object"}},
    },
}
_TEXT = {"schema": {"type": "string"}}
#: What comes back.
RESULTS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "rows as affectmap embed and affectmap track print them",
        "content": {"application/json": {"schema": _ROWS}, "text/csv": _TEXT},
    },
    **{status: {"description": reason, "model": Refusal} for status, reason in _REFUSED.items()},
    **{status: {"description": why, "content": {"text/plain": _TEXT}} for status, why in _REFUSED_UNREAD.items()},
}

_HEAD = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>affectmap: HTTP</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,"><link rel="stylesheet" href="/static/page.css"></head>
"""


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
    body = "\n".join(parts)
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
