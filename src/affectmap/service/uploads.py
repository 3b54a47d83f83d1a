"""Receiving a recording: a form, the bare file, or the path of one below the served folder.

An upload goes, as it comes, to a temporary file without a name, which is gone when the answer is made or the process
ends; the middleware limits its size and time.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

from fastapi import Request
from pydantic import BaseModel
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.exceptions import HTTPException

from affectmap.errors import StorageError
from affectmap.service.jobs import Upload, Uploads
from affectmap.service.settings import ServiceSettings
from affectmap.temporary import unnamed_file
from affectmap.web.requests import find_recording, read_json

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

#: Name of an upload that comes without one.
UNNAMED = "upload"
#: Parts of a form, and lines of the head of each.
MAX_PARTS = 100
_MAX_HEADERS = 20

# It writes a line about each form that it cannot read; what clients send does not belong into the server's log.
logging.getLogger("python_multipart").setLevel(logging.CRITICAL)


class Recording(NamedTuple):
    """A file to be measured, and what it is called in answers, which shows nothing of where it lies."""

    file: Path
    name: str


class ServedPath(BaseModel, extra="forbid", strict=True):
    """The JSON body that names a recording below the served folder."""

    path: str


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


@asynccontextmanager
async def receive_recording(request: Request, settings: ServiceSettings, uploads: Uploads) -> AsyncIterator[Recording]:
    """Receive the recording of a request, kept until the context ends.

    Raises:
        HTTPException: If it is too large or too slow, finds no place, has no recording, or names one that may not be
            read.
        ClientDisconnect: If the client hung up.
    """
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise HTTPException(415, "the body is compressed; send the recording as it is")
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    with uploads.kept() as upload:
        if kind == "application/json":
            async with uploads.arriving(upload):
                path = await _served_path(request)
            yield Recording(find_recording(settings.root, path), path)
            return
        with _kept_nowhere() as (handle, file):
            async with uploads.arriving(upload):
                receive = _receive_form if kind == "multipart/form-data" else _receive_bare
                name = await receive(request, partial(_write, handle, upload))
            _write(handle, upload, b"", last=True)
            if not handle.tell():
                detail = "the body is empty; send a recording as form field 'file' or as the body itself"
                raise HTTPException(422, detail)
            yield Recording(file, name)


@contextmanager
def _kept_nowhere() -> Iterator[tuple[BinaryIO, Path]]:
    try:
        with unnamed_file() as found:
            yield found
    except StorageError as error:
        raise HTTPException(507, str(error)) from error


def _write(handle: BinaryIO, upload: Upload, chunk: bytes, *, last: bool = False) -> None:
    upload.count(len(chunk))
    try:
        handle.write(chunk)
        if last:
            handle.flush()
    except OSError as error:
        detail = f"the recording cannot be kept while it is measured ({error.strerror})"
        raise HTTPException(507, detail) from error


async def _served_path(request: Request) -> str:
    try:
        return (await read_json(request, ServedPath)).path
    except HTTPException as error:
        if error.status_code != 422:
            raise
        detail = 'the JSON body must be {"path": "FILE BELOW THE SERVED FOLDER"}; options go into the query'
        raise HTTPException(422, detail) from error


async def _receive_bare(request: Request, write: Callable[[bytes], None]) -> str:
    async for chunk in request.stream():
        write(chunk)
    return UNNAMED


async def _receive_form(request: Request, write: Callable[[bytes], None]) -> str:
    """Write the form's one file as it comes and give its name; other fields are passed over."""
    form = _Form(write)
    try:
        boundary = parse_options_header(request.headers["content-type"])[1].get(b"boundary")
        if not boundary:
            raise FormParserError("it names no boundary")
        parser = MultipartParser(boundary, form.callbacks, max_header_count=_MAX_HEADERS)
        async for chunk in request.stream():
            parser.write(chunk)
        if not form.is_complete:
            raise FormParserError("it ends before its last boundary")
    except FormParserError as error:
        detail = f"the form cannot be read ({error}); send multipart/form-data with one field 'file'"
        raise HTTPException(422, detail) from error
    if form.name is None:
        raise HTTPException(422, "the form holds no file in the field 'file', expected one")
    return form.name


class _Form:
    """What a form's parser calls: the file goes to `write`, and nothing else is kept."""

    def __init__(self, write: Callable[[bytes], None]) -> None:
        self.name: str | None = None
        self.is_complete = False
        self._write, self._n_parts, self._is_file = write, 0, False
        self._header, self._value, self._disposition = b"", b"", b""
        self.callbacks: MultipartCallbacks = {
            "on_part_begin": self._begin_part,
            "on_header_field": self._add_header,
            "on_header_value": self._add_value,
            "on_header_end": self._end_header,
            "on_headers_finished": self._end_headers,
            "on_part_data": self._add_data,
            "on_end": self._end,
        }

    def _begin_part(self) -> None:
        self._n_parts += 1
        if self._n_parts > MAX_PARTS:
            raise FormParserError(f"it has more than {MAX_PARTS} parts")
        self._is_file, self._disposition = False, b""

    def _add_header(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _add_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _end_header(self) -> None:
        if self._header.lower() == b"content-disposition":
            self._disposition = self._value
        self._header = self._value = b""

    def _end_headers(self) -> None:
        options = parse_options_header(self._disposition)[1]
        if options.get(b"name") != b"file" or b"filename" not in options:
            return
        if self.name is not None:
            raise FormParserError("the field 'file' holds more than one file")
        self._is_file, self.name = True, _plain_name(options[b"filename"].decode("utf-8", "replace"))

    def _add_data(self, data: bytes, start: int, end: int) -> None:
        if self._is_file:
            self._write(data[start:end])

    def _end(self) -> None:
        self.is_complete = True


def _plain_name(sent: str) -> str:
    name = sent.replace("\\", "/").rsplit("/", 1)[-1][:200]
    return "".join(character for character in name if character.isprintable()).strip() or UNNAMED
