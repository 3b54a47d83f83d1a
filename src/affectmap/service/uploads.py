"""Taking a recording out of a request: a form, the bare file, or the path of one below the served folder.

An upload goes to a temporary file piece by piece and is deleted when the answer is made. What a client claims, its
length for one, is not relied upon: bytes are counted as they come.
"""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, NamedTuple

from fastapi import Request
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from affectmap.service.jobs import AbandonedError
from affectmap.service.settings import ServiceSettings
from affectmap.web.refusal import RefusalError
from affectmap.web.requests import find_recording

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

#: Bytes of a JSON body.
MAX_JSON = 65_536
#: A body may take this many seconds, and beyond them comes at this many bytes a second or is given up.
PATIENCE_S = 20.0
SLOWEST_BODY = 100_000
#: What an upload is called that brings no name.
UNNAMED = "upload"
_FIELD = "file"


class Given(NamedTuple):
    """A recording to be measured.

    Attributes:
        file: Where it lies.
        name: What it is called in answers; tells nothing of where it lies.
    """

    file: Path
    name: str


@asynccontextmanager
async def recording_of(request: Request, settings: ServiceSettings, folder: Path) -> AsyncIterator[Given]:
    """Receive the recording of a request.

    Args:
        request: Its content type tells what is in it: ``multipart/form-data`` with the field ``file``,
            ``application/json`` with ``{"path": …}``, and anything else the bytes of the recording.
        settings: Its limits and root.
        folder: Where uploads are kept meanwhile.

    Yields:
        The recording; an upload is deleted at the end.

    Raises:
        RefusalError: If it is too large or too slow, holds no recording, or names one that may not be read.
        AbandonedError: If the client hung up.
    """
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise RefusalError(415, "the body is compressed; send the recording as it is")
    kind, options = parse_options_header(request.headers.get("content-type"))
    if kind == b"application/json":
        body = b"".join([piece async for piece in _pieces(request, MAX_JSON)])
        path = _path(body)
        yield Given(find_recording(settings.root, path), path)
        return
    file = folder / uuid.uuid4().hex  # without a suffix: a few formats are believed by their name alone
    try:
        with file.open("xb") as handle:
            pieces = _pieces(request, settings.max_bytes)
            if kind == b"multipart/form-data":
                name = await _receive_form(pieces, options.get(b"boundary", b""), handle)
            else:
                name = await _receive_bare(pieces, handle)
        if not file.stat().st_size:
            raise RefusalError(422, "the body is empty; send a recording as form field 'file' or as the body itself")
        yield Given(file, name)
    finally:
        file.unlink(missing_ok=True)


async def _receive_bare(pieces: AsyncIterator[bytes], handle: IO[bytes]) -> str:
    async for piece in pieces:
        _write(handle, piece)
    return UNNAMED


async def _pieces(request: Request, max_bytes: int) -> AsyncIterator[bytes]:
    """Give the body as it comes, counting bytes and seconds."""
    claimed = request.headers.get("content-length", "0")
    too_large = RefusalError(
        413, f"the body is larger than {max_bytes / 1e6:g} MB; send a shorter or compressed recording"
    )
    if claimed.isascii() and claimed.isdigit() and int(claimed) > max_bytes:
        raise too_large
    start, n_bytes, more = time.monotonic(), 0, True
    while more:
        try:
            async with asyncio.timeout(start + PATIENCE_S + n_bytes / SLOWEST_BODY - time.monotonic()):
                message = await request.receive()
        except TimeoutError:
            raise RefusalError(
                408, f"the body comes too slowly; send at least {SLOWEST_BODY / 1000:g} kB a second"
            ) from None
        if message["type"] == "http.disconnect":
            raise AbandonedError
        piece: bytes = message.get("body", b"")
        more = message.get("more_body", False)
        n_bytes += len(piece)
        if n_bytes > max_bytes:
            raise too_large
        if piece:
            yield piece


def _write(handle: IO[bytes], piece: bytes) -> None:
    try:
        handle.write(piece)
    except OSError as error:  # the disk is full
        raise RefusalError(413, f"the recording cannot be kept while it is measured ({error.strerror})") from error


def _path(body: bytes) -> str:
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, dict) or set(content) != {"path"} or not isinstance(content["path"], str):
        raise RefusalError(
            422, 'the JSON body must be {"path": "FILE BELOW THE SERVED FOLDER"}; options go into the query'
        )
    return content["path"]


async def _receive_form(pieces: AsyncIterator[bytes], boundary: bytes, handle: IO[bytes]) -> str:
    """Write the form's one file; give its name."""
    form = _Form(handle)
    try:
        if not boundary:
            raise FormParserError("it names no boundary")
        parser = MultipartParser(boundary, form.callbacks())
        async for piece in pieces:
            parser.write(piece)
        parser.finalize()
    except FormParserError as error:
        raise RefusalError(
            422, f"the form cannot be read ({error}); send multipart/form-data with a field 'file'"
        ) from error
    if form.n_files != 1:
        raise RefusalError(422, f"the form holds {form.n_files} fields 'file', expected one")
    if not form.complete:
        raise RefusalError(422, "the form breaks off; send it again")
    return form.name


class _Form:
    """What the parser of a form calls: keeps the field ``file`` and passes over others."""

    def __init__(self, handle: IO[bytes]) -> None:
        self.name, self.n_files, self.complete = UNNAMED, 0, False
        self._handle, self._wanted = handle, False
        self._headers: dict[bytes, bytes] = {}
        self._header, self._value = b"", b""

    def callbacks(self) -> MultipartCallbacks:
        return {
            "on_part_begin": self._begin,
            "on_header_field": self._name_header,
            "on_header_value": self._read_header,
            "on_header_end": self._end_header,
            "on_headers_finished": self._look,
            "on_part_data": self._keep,
            "on_end": self._end,
        }

    def _begin(self) -> None:
        self._headers, self._header, self._value, self._wanted = {}, b"", b"", False

    def _name_header(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _read_header(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _end_header(self) -> None:
        self._headers[self._header.lower()] = self._value
        self._header, self._value = b"", b""

    def _look(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition", b"").decode("latin-1"))
        self._wanted = options.get(b"name") == _FIELD.encode()
        if self._wanted:
            self.n_files += 1
            self.name = _file_name(options.get(b"filename", b""))
        if self.n_files > 1:
            raise FormParserError("it holds several fields 'file'; send one recording at a time")

    def _keep(self, data: bytes, start: int, end: int) -> None:
        if self._wanted:
            _write(self._handle, data[start:end])

    def _end(self) -> None:
        self.complete = True


def _file_name(given: bytes) -> str:
    name = given.decode("utf-8", errors="replace").replace("\\", "/").rsplit("/", 1)[-1][:200]
    return "".join(character for character in name if character.isprintable()).strip() or UNNAMED
