"""Receiving a recording: a form, the bare file, or the path of one below the served folder.

An upload goes to a temporary file and is deleted when the answer is made; the middleware limits its size and time.
"""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import IO, Any, NamedTuple

from fastapi import Request
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException

from affectmap.service.settings import ServiceSettings
from affectmap.web.requests import find_recording, read_json

#: Name of an upload that comes without one.
UNNAMED = "upload"
_CHUNK = 1_000_000


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
async def receive_recording(request: Request, settings: ServiceSettings, folder: Path) -> AsyncIterator[Recording]:
    """Receive the recording of a request, kept in a folder until the context ends.

    Raises:
        HTTPException: If it is too large or too slow, has no recording, or names one that may not be read.
        ClientDisconnect: If the client hung up.
    """
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise HTTPException(415, "the body is compressed; send the recording as it is")
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/json":
        path = await _served_path(request)
        yield Recording(find_recording(settings.root, path), path)
        return
    file = folder / uuid.uuid4().hex  # without a suffix: a few formats are believed by their name alone
    try:
        with file.open("xb") as handle:
            name = await (_receive_form if kind == "multipart/form-data" else _receive_bare)(request, handle)
        if not file.stat().st_size:
            raise HTTPException(422, "the body is empty; send a recording as form field 'file' or as the body itself")
        yield Recording(file, name)
    finally:
        file.unlink(missing_ok=True)


async def _served_path(request: Request) -> str:
    try:
        return (await read_json(request, ServedPath)).path
    except HTTPException as error:
        if error.status_code != 422:
            raise
        detail = 'the JSON body must be {"path": "FILE BELOW THE SERVED FOLDER"}; options go into the query'
        raise HTTPException(422, detail) from error


async def _receive_bare(request: Request, handle: IO[bytes]) -> str:
    async for chunk in request.stream():
        _write(handle, chunk)
    return UNNAMED


async def _receive_form(request: Request, handle: IO[bytes]) -> str:
    """Write the form's one file and give its name; other fields are passed over."""
    try:
        form = await request.form(max_files=1)
    except OSError as error:
        raise _full(error) from error
    except HTTPException as error:
        if error.status_code != 400:
            raise
        detail = f"the form cannot be read ({error.detail}); send multipart/form-data with one field 'file'"
        raise HTTPException(422, detail) from error
    try:
        uploads = [each for each in form.getlist("file") if isinstance(each, UploadFile)]
        if len(uploads) != 1:
            raise HTTPException(422, f"the form holds {len(uploads)} files in the field 'file', expected one")
        await run_in_threadpool(_copy, uploads[0].file, handle)
        return _plain_name(uploads[0].filename or "")
    finally:
        await form.close()


def _copy(source: IO[bytes], handle: IO[bytes]) -> None:
    while chunk := source.read(_CHUNK):
        _write(handle, chunk)


def _write(handle: IO[bytes], chunk: bytes) -> None:
    try:
        handle.write(chunk)
    except OSError as error:
        raise _full(error) from error


def _full(error: OSError) -> HTTPException:
    return HTTPException(413, f"the recording cannot be kept while it is measured ({error.strerror})")


def _plain_name(sent: str) -> str:
    name = sent.replace("\\", "/").rsplit("/", 1)[-1][:200]
    return "".join(character for character in name if character.isprintable()).strip() or UNNAMED
