"""``affectmap serve``: the application behind a socket."""

from __future__ import annotations

from collections.abc import Callable

from affectmap.service.app import create_app
from affectmap.service.settings import ServiceSettings
from affectmap.web.server import address_of, listen, run_server


def serve(settings: ServiceSettings, notify: Callable[[str], None]) -> None:
    """Serve until Ctrl-C or SIGTERM.

    Args:
        settings: What is served, and where.
        notify: Called with a line for people once the address is known.

    Raises:
        UsageError: If the address cannot be listened on.
        ModelError: If the model cannot be loaded.
    """
    app = create_app(settings)
    listening = listen(settings.host, settings.port)
    address = address_of(settings.host, listening.getsockname()[1])
    notify(f"serving {app.state.desk.model.metadata['name']} on {address}, until Ctrl-C")
    run_server(app, listening)
