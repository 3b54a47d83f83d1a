"""Fetching the part of an encoder that models need from the hub, which has the whole model."""

from __future__ import annotations

import hashlib
import shutil
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from affectmap.errors import ModelError, StorageError
from affectmap.features.encoders.cards import EncoderCard
from affectmap.features.encoders.download import fetch_span, fetch_start, file_url
from affectmap.features.encoders.locate import CONFIG, PREPROCESSOR, WEIGHTS
from affectmap.features.encoders.pack import PREFIX, header_bytes, read_checked, write_pack
from affectmap.files import check_new_folder
from affectmap.temporary import lock_file
from affectmap.whisper.weights import TensorEntry, WeightsError, parse_entries, read_shape, tensor_shapes

#: Largest file of settings, and largest header of weights, in bytes.
MAX_START = 1 << 20


def fetch_encoder(
    card: EncoderCard,
    folder: Path,
    *,
    revision: str = "main",
    overwrite: bool = False,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> bool:
    """Fetch what models need of an encoder, unless it is there.

    Of the hub's weights only the bytes of the needed layers are fetched. They come to a folder beside the one to be
    made, whose name ends in ``.fetching``. It stays if the process ends early, and the next one goes on from there.

    Args:
        card: The encoder.
        folder: Folder to make, as `write_pack` does.
        revision: Branch, tag or commit on the hub.
        overwrite: Whether a folder that affectmap wrote may be replaced.
        progress: Called with the numbers of bytes that are here and in total.

    Returns:
        Whether it was fetched; not where the folder holds the encoder already.

    Raises:
        ModelError: If it cannot be had, or has other weights than the known ones.
        StorageError: If it cannot be written, or another process is fetching it.
        UsageError: If the revision makes no sense.
    """
    address = file_url(card.hub, "", revision)
    if (folder / WEIGHTS).is_file() and not overwrite:
        read_checked(folder, card)
        return False
    check_new_folder(folder, overwrite=overwrite)
    work = folder.absolute().with_name(f".{folder.name}.fetching")
    with _alone(work):
        for file in (CONFIG, PREPROCESSOR):
            (work / file).write_bytes(fetch_start(address + file, MAX_START)[0])
        _fetch_weights(address + WEIGHTS, work, card, progress)
        try:
            write_pack(work, folder, card, overwrite=overwrite)
        except ModelError:  # damaged, or others
            _remove_parts(work)
            raise
        _remove_parts(work)
    return True


@contextmanager
def _alone(work: Path) -> Iterator[None]:
    """Make the folder in which files arrive, and keep other processes away; it stays if weights are in it."""
    try:
        work.mkdir(parents=True, exist_ok=True)
        with (work / ".lock").open("ab") as lock:
            if not lock_file(lock, wait=False):
                raise StorageError(f"another process is fetching to {work}; wait for it, then run it again")
            try:
                yield
            finally:
                if not any(work.glob("*.part")):
                    shutil.rmtree(work, ignore_errors=True)
    except OSError as error:
        raise StorageError(
            f"{error.filename or work} cannot be written ({error.strerror or error}); free or name another place"
        ) from error


def _fetch_weights(url: str, work: Path, card: EncoderCard, progress: Callable[[int, int], None]) -> None:
    """Fetch the tensors of the needed layers, and what lies between them, as a file of weights of their own."""
    try:
        wanted = tensor_shapes(read_shape(work)._replace(n_layers=card.layer))
    except WeightsError as error:
        raise ModelError(str(error)) from error
    start, remote = fetch_start(url, MAX_START)
    entries, n_header = _parsed(start, url)
    if missing := sorted({PREFIX + name for name in wanted} - entries.keys()):
        raise ModelError(f"{url} lacks {missing[0]}; expected the weights of {card.title}")
    first = min(entries[PREFIX + name].first for name in wanted)
    end = max(entries[PREFIX + name].end for name in wanted)
    if remote.size is not None and n_header + end > remote.size:
        raise ModelError(
            f"{url} has {remote.size:,} bytes, and its beginning speaks of {n_header + end:,}; it is damaged there"
        )
    within = {name: entry for name, entry in entries.items() if first <= entry.first and entry.end <= end}
    header = header_bytes({name: _described(entry, first) for name, entry in within.items()})
    # Weights that changed on the hub, or another part of them, get a file of their own.
    part = work / f"{hashlib.sha256(repr((remote, first, end)).encode() + header).hexdigest()[:12]}.part"
    _remove_parts(work, part)
    fetch_span(url, remote, n_header + first, n_header + end, part, progress)
    with part.open("rb") as content, (work / WEIGHTS).open("wb") as joined:
        joined.write(header)
        shutil.copyfileobj(content, joined)


def _described(entry: TensorEntry, first: int) -> dict[str, object]:
    """Say of a tensor what a header does, its bytes counted from `first`."""
    return {"dtype": entry.kind, "shape": entry.shape, "data_offsets": [entry.first - first, entry.end - first]}


def _remove_parts(work: Path, kept: Path | None = None) -> None:
    for part in work.glob("*.part"):
        if part != kept:
            part.unlink()


def _parsed(start: bytes, url: str) -> tuple[dict[str, TensorEntry], int]:
    """Read what the beginning of a file of weights says of its tensors, counted from the end of its header.

    Returns:
        The tensors, and the length of the header.
    """
    length = struct.unpack("<Q", start[:8])[0] if len(start) >= 8 else 0
    if not 0 < length <= len(start) - 8:
        raise ModelError(f"{url} is no file of weights (safetensors); correct --revision, or the mirror")
    try:
        return parse_entries(start[8 : 8 + length], 0), 8 + length
    except WeightsError as error:
        raise ModelError(f"{url} has a damaged header; correct --revision, or the mirror") from error
