"""``affectmap annotate``: the pages behind a socket, until Ctrl-C."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Callable

from affectmap.annotator.app import create_app
from affectmap.annotator.results import RATINGS, keep_ratings
from affectmap.annotator.settings import AnnotatorSettings
from affectmap.annotator.store import Store, open_store
from affectmap.errors import StorageError
from affectmap.web.server import address_of, listen, run_server


def annotate(
    settings: AnnotatorSettings,
    *,
    password: str | None,
    notify: Callable[[str], None],
    show: Callable[[str], object] | None = None,
) -> None:
    """Serve the pages until Ctrl-C or SIGTERM, then write ``ratings.csv`` to the labels folder.

    Args:
        settings: What is rated, by whom and how.
        password: The organiser's; None makes one, which is told once.
        notify: Called with lines for people.
        show: Called with the link of the first rater once the socket is open, to open a browser; None opens none.

    Raises:
        AffectmapError: If the folder, the database or the address cannot be used.
    """
    store = open_store(settings)
    try:
        made = secrets.token_urlsafe(9)
        app = create_app(store, password or made, at_end=lambda: _end(store, notify))
        listening = listen(settings.host, settings.port)
        address = address_of(_reached_as(settings.host), listening.getsockname()[1])
        links = _tell(store, address, None if password else made, notify)
        if show and links:
            show(links[0])
        run_server(app, listening)
    finally:
        store.close()


def _reached_as(host: str) -> str:
    """Name this machine where it listens on all its addresses: no other can open 0.0.0.0."""
    return socket.gethostname() if host in ("", "0.0.0.0", "::") else host


def _tell(store: Store, address: str, made: str | None, notify: Callable[[str], None]) -> list[str]:
    """Say where everything is; give the links of the raters that the settings name, or of all."""
    settings = store.settings
    wanted = {name.casefold() for name in settings.raters}
    raters = [rater for rater in store.people.all() if rater.name.casefold() in wanted or not wanted]
    links = [f"{address}/r/{rater.token}" for rater in raters]
    for rater, link in zip(raters, links, strict=True):
        notify(f"{rater.name}: {link}")
    told = f" with the password {made}" if made else ""
    notify(f"organiser: {address}/organiser{told}")
    if not settings.is_local:
        notify("other machines are let in: whoever has a link can rate; put TLS before it on a network of others")
    for found in store.passed_over():
        notify(f"passed over: {found.path}: {found.note}")
    for note in store.notes:
        notify(note)
    n_recordings = sum(not found.note for found in store.worklist.known().values())
    notify(f"{n_recordings} recordings to rate, kept in {settings.labels_folder}, until Ctrl-C")
    return links


def _end(store: Store, notify: Callable[[str], None]) -> None:
    try:
        n_rows, file = keep_ratings(store)
        if n_rows:
            notify(f"{n_rows} ratings written to {file}; affectmap ratings export makes labels of them")
    except StorageError as error:  # they are safe in the database
        notify(f"{RATINGS} is not written: {error}")
