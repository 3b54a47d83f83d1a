"""``affectmap serve``: the model over HTTP, and a page for the browser."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from typing import Annotated

import typer

from affectmap.errors import UsageError

_Host = Annotated[str, typer.Option(help="Address to listen on; any but this machine's own needs a token.")]
_Port = Annotated[int, typer.Option(help="Port; 0 for a free one.")]
_ModelFolder = Annotated[Path | None, typer.Option("--model", metavar="DIR", help="Model folder (the one shipped).")]
_Root = Annotated[Path | None, typer.Option(metavar="DIR", help="Recordings below it may be named by path (none).")]
_Token = Annotated[
    str | None, typer.Option(help="What clients must send; better in AFFECTMAP_TOKEN, unseen by others.")
]
_MaxMb = Annotated[float, typer.Option("--max-mb", metavar="MB", help="Largest upload.")]
_MaxMinutes = Annotated[float, typer.Option("--max-minutes", metavar="MIN", help="Longest recording.")]
_Concurrency = Annotated[int | None, typer.Option(help="Recordings measured at once (one a core).")]


def serve_command(
    host: _Host = "127.0.0.1",
    port: _Port = 8000,
    model: _ModelFolder = None,
    root: _Root = None,
    token: _Token = None,
    max_mb: _MaxMb = 200.0,
    max_minutes: _MaxMinutes = 120.0,
    concurrency: _Concurrency = None,
) -> None:
    """Serve a page and an HTTP interface that give what embed and track give. Nothing leaves this machine."""
    if any(importlib.util.find_spec(name) is None for name in ("fastapi", "uvicorn", "python_multipart")):
        raise UsageError("serve needs fastapi, uvicorn and python-multipart; run pip install 'affectmap[serve]'")
    from affectmap.service.app import serve
    from affectmap.service.settings import ServiceSettings

    settings = ServiceSettings(
        host=host,
        port=port,
        model=model,
        root=root,
        token=token if token is not None else os.environ.get("AFFECTMAP_TOKEN"),
        max_mb=max_mb,
        max_minutes=max_minutes,
        concurrency=concurrency if concurrency is not None else os.cpu_count() or 1,
    )
    try:
        serve(settings, lambda line: typer.echo(line, err=True))
    except KeyboardInterrupt:  # the way to end it
        typer.echo("ended", err=True)
