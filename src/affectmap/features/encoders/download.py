"""Parts of files from the Hugging Face hub or a mirror, over HTTP, so that what has come stays whatever happens.

Conventions:
    * Nothing but the standard library is needed. Proxies are those of the environment (``https_proxy``).
    * A span is a range of bytes of a file. A server that knows no ranges is read from the file's beginning, and what
      is not wanted, or there already, is passed over.
    * A connection that breaks is opened again, and the span goes on from where it was.
"""

from __future__ import annotations

import http
import http.client
import os
import re
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from affectmap.errors import ModelError, StorageError, UsageError
from affectmap.features.encoders.cards import HUB

#: Seconds that a server may be silent.
TIMEOUT_S = 20.0
#: Seconds before a broken connection is opened again; after the last one it is given up.
WAITS_S = (1.0, 2.0, 4.0, 8.0)
#: The variable that names a mirror of the hub, as the hub's own library has it.
VARIABLE = "HF_ENDPOINT"

_BLOCK = 1 << 16
_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+)")
_REVISION = re.compile(r"[\w][\w./-]*")


class Remote(NamedTuple):
    """A file as a server gave it: its size in bytes, where that is known, and a tag that changes with its content."""

    size: int | None
    tag: str


def file_url(hub: str, file: str, revision: str = "main") -> str:
    """Give the address of a file of a model.

    Args:
        hub: Identifier on the hub.
        file: Its name.
        revision: Branch, tag or commit.

    Raises:
        UsageError: If the revision, or the mirror that ``HF_ENDPOINT`` names, is no such thing.

    Example:
        >>> file_url("openai/whisper-base", "config.json").partition("/openai")[2]
        '/whisper-base/resolve/main/config.json'
    """
    endpoint = os.environ.get(VARIABLE) or HUB
    if not endpoint.startswith(("https://", "http://")):
        raise UsageError(f"{VARIABLE} is {endpoint}; expected an address such as {HUB}")
    if not _REVISION.fullmatch(revision) or ".." in revision:
        raise UsageError(f"the revision is {revision!r}; expected a branch, tag or commit of {hub}, such as main")
    return f"{endpoint.rstrip('/')}/{hub}/resolve/{revision}/{file}"


def fetch_start(url: str, n_bytes: int) -> tuple[bytes, Remote]:
    """Fetch the beginning of a file, all of a shorter one.

    Raises:
        ModelError: If it cannot be had.
    """
    try:
        with _opened(url, 0, n_bytes) as (response, remote):
            content = b"".join(_blocks(response, n_bytes))
        if len(content) < min(n_bytes, remote.size or 0):
            raise _BrokenError("the connection was cut")
    except _BrokenError as error:
        raise ModelError(
            f"{url} cannot be reached ({error}); where there is a network run it again, or name a mirror by {VARIABLE}"
            "; else bring a folder that `affectmap models pack` wrote elsewhere, and name it by --encoder"
        ) from error
    return content, remote


def fetch_span(
    url: str,
    remote: Remote,
    first: int,
    end: int,
    part: Path,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> None:
    """Append to a file what it lacks of a span, until it has all.

    Args:
        url: Address of the file.
        remote: What the server said of it; if it changes meanwhile, that is an error.
        first: First byte of the span.
        end: Byte after its last.
        part: The file on this machine, with the first bytes of the span or none; it is kept whatever happens.
        progress: Called with the numbers of bytes of the span that are there and in total.

    Raises:
        ModelError: If the rest cannot be had; what came is kept.
        StorageError: If it cannot be written.
    """
    n_broken, total = 0, end - first
    while (done := part.stat().st_size if part.exists() else 0) < total:
        progress(done, total)
        try:
            with _opened(url, first + done, end) as (response, found):
                if _differ(found, remote):
                    raise ModelError(f"{url} changed while it was fetched; run it again")
                _append(part, _blocks(response, total - done), lambda n: progress(n, total))
            reason = "the connection was cut"
        except _BrokenError as error:
            reason = str(error)
        now = part.stat().st_size if part.exists() else 0
        n_broken = 1 if now > done else n_broken + 1
        if now < total:
            if n_broken > len(WAITS_S):
                raise ModelError(
                    f"{url}: {reason} after {now / 1e6:.1f} of {total / 1e6:.1f} MB; run it again, and it goes on there"
                )
            time.sleep(WAITS_S[n_broken - 1])
    progress(total, total)


class _BrokenError(Exception):
    """A connection failed; the message says how."""


def _differ(one: Remote, other: Remote) -> bool:
    sizes, tags = {one.size, other.size} - {None}, {one.tag, other.tag} - {""}
    return len(sizes) > 1 or len(tags) > 1


def _append(part: Path, blocks: Iterator[bytes], progress: Callable[[int], None]) -> None:
    try:
        with part.open("ab") as handle:
            for block in blocks:
                handle.write(block)
                handle.flush()  # so that a kill loses nothing
                progress(handle.tell())
    except OSError as error:
        raise StorageError(
            f"{part} cannot be written ({error.strerror or error}); free space and run it again, and it goes on there"
        ) from error


@contextmanager
def _opened(url: str, first: int, end: int) -> Iterator[tuple[http.client.HTTPResponse, Remote]]:
    """Ask for a range of bytes; give the answer, at the range's first byte, and what it says of the file."""
    headers = {"Range": f"bytes={first}-{end - 1}", "User-Agent": "affectmap"}
    try:
        response = urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=TIMEOUT_S)
    except urllib.error.HTTPError as error:
        with error:
            raise _refused(url, error.code, error.reason) from error
    except urllib.error.URLError as error:
        raise _BrokenError(str(getattr(error.reason, "strerror", None) or error.reason)) from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise _BrokenError(str(error) or type(error).__name__) from error
    with response:
        length, tag = response.headers.get("Content-Length", ""), response.headers.get("ETag", "")
        if response.status != http.HTTPStatus.PARTIAL_CONTENT:  # the whole file
            for _ in _blocks(response, first):
                pass
            yield response, Remote(int(length) if length.isdigit() else None, tag)
            return
        found = _RANGE.match(response.headers.get("Content-Range", ""))
        if found is None or int(found[1]) != first:
            raise ModelError(f"{url}: the server gives other bytes than were asked for; name a mirror by {VARIABLE}")
        yield response, Remote(int(found[2]), tag)


def _refused(url: str, code: int, reason: str) -> Exception:
    if code == http.HTTPStatus.NOT_FOUND:
        return ModelError(f"{url} is not there (404); correct --revision, or {VARIABLE} if it is set")
    if code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
        return ModelError(f"{url} is shorter than its beginning says; it is damaged there, name another --revision")
    if code in (http.HTTPStatus.TOO_MANY_REQUESTS, http.HTTPStatus.REQUEST_TIMEOUT) or code >= 500:
        return _BrokenError(f"the server answers {code} {reason}")
    return ModelError(f"{url} is refused by the server ({code} {reason}); name another place by {VARIABLE}")


def _blocks(response: http.client.HTTPResponse, n_bytes: int) -> Iterator[bytes]:
    """Give up to so many bytes as they come; fewer where the answer ends."""
    while n_bytes > 0:
        try:
            block = response.read1(min(_BLOCK, n_bytes))
        except (OSError, http.client.HTTPException) as error:
            raise _BrokenError(str(error) or type(error).__name__) from error
        if not block:
            return
        n_bytes -= len(block)
        yield block
