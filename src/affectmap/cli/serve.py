"""``affectmap serve``: the model over HTTP, and a page for the browser."""

from __future__ import annotations

import os
from typing import Any

import typer

from affectmap.cli import options
from affectmap.cli.progress import note
from affectmap.extras import require
from affectmap.service.settings import ServiceSettings


@options.verb(
    "affectmap serve",
    "AFFECTMAP_TOKEN=$TOKEN affectmap serve --host 0.0.0.0 --model adapted",
    settings=ServiceSettings,
    names=("host", "port", "model", "root", "token", "max_mb", "max_minutes", "n_jobs"),
    renamed={"--concurrency": "--n-jobs"},
)
def serve_command(given: dict[str, Any]) -> None:
    """Serve a page and an HTTP interface that give what embed and track give. Nothing leaves this machine."""
    require("serve", "serve", "fastapi", "uvicorn", "python_multipart")
    from affectmap.service.app import serve

    given.setdefault("token", os.environ.get("AFFECTMAP_TOKEN"))
    try:
        serve(ServiceSettings(**given), lambda line: typer.echo(line, err=True))  # with -q, too: the address is needed
    except KeyboardInterrupt:  # the way to end it
        note("ended")


command = options.build(serve_command, "serve")
