"""Where the recordings of a file lie, by its bytes: headers may promise too much, nothing, or speak of the first only.

A file may hold several recordings one after another (``cat a.ogg b.ogg``; Ogg calls it chaining), and a program that
writes to a pipe cannot know their length: it leaves 0, -1 or the like where a size belongs. So sizes are compared with
the bytes that are there. What is known here: WAV in its forms (RIFF, RIFX, RF64, BW64, W64), AIFF, AU, CAF and, from
`affectmap.audio.links` and `affectmap.audio.mpeg`, Ogg, FLAC and MPEG audio. Other files are handed to the decoder as
they are.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import BinaryIO

from affectmap.audio.links import MAX_LINKS, Found, Link, Parser, bytes_at, flac, ogg, search, too_many
from affectmap.audio.mpeg import mpeg

#: A header with more chunks is not a header: it is not searched to the end of a large file.
MAX_CHUNKS = 1000
#: Bytes of a header that are kept to mend a size in it.
_MAX_HEAD = 1 << 20
# Sizes that programs write when they cannot know the length in advance, and their remainders when the header is taken
# off or they are rounded to whole frames: SoX writes 0x7FFFF000 in WAV and 0x7F000000 in AIFF.
_PLACEHOLDERS = (0x7F000000, 0x80000000, 0xFFFFFFFF)
_ROUNDED = 1 << 16
_UNKNOWN_LARGE = 1 << 62  # 64 bits hold no such recording
_MPEG_TAGS = (0x50, 0x55)
_W64_RIFF = bytes.fromhex("726966662e91cf11a5d628db04c10000")
_W64_DATA = bytes.fromhex("64617461f3acd3118cd100c04f8edb8a")


def _is_unknown(size: int) -> bool:
    return any(abs(size - each) <= _ROUNDED for each in _PLACEHOLDERS) or size >= _UNKNOWN_LARGE


def _is_wave(head: bytes) -> bool:
    return head[:4] in (b"RIFF", b"RIFX", b"RF64", b"BW64") and head[8:12] == b"WAVE"


def _is_aiff(head: bytes) -> bool:
    return head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC")


def _is_au(head: bytes) -> bool:
    if len(head) < 24:
        return False
    offset, _, encoding, rate, n_channels = struct.unpack("<5I" if head[:4] == b"dns." else ">5I", head[4:24])
    return bool(24 <= offset <= _MAX_HEAD and 1 <= encoding <= 27 and 0 < rate < 1 << 20 and 1 <= n_channels <= 1024)


def _is_caf(head: bytes) -> bool:
    return head[:6] == b"caff\0\1" and head[8:12] == b"desc"


def _is_w64(head: bytes) -> bool:
    return head[:16] == _W64_RIFF


def _is_told(handle: BinaryIO, first: int, promised: int, size: int, order: str) -> bool:
    """Whether a size of the sound says how long it is; 0 does where nothing or other chunks follow."""
    rest = size - first - promised
    if _is_unknown(promised) or (rest > 0 and rest % (1 << 32) == 0):  # the field may have overflowed
        return False
    return promised > 0 or _after_chunks(handle, first, size, order) >= size


def _ends(
    handle: BinaryIO,
    bounds: tuple[int, int],
    promised: int | None,
    order: str,
    mark: tuple[bytes, Callable[[bytes], bool]],
) -> tuple[int, int, float]:
    """Where a recording of chunks ends, where its sound does, and how many times that its header promises."""
    first, size = bounds
    sound_end = size if promised is None else min(size, first + promised)
    following = search(handle, first, sound_end, *mark, 24)
    if promised is None or following < sound_end:
        return following, following, 1.0 if promised is None else promised / max(1, following - first)
    share = promised / max(1, sound_end - first)
    for place in (sound_end + promised % 2, sound_end):  # a few programs leave out the byte that makes it even
        end = _after_chunks(handle, place, size, order)
        if end >= size or mark[1](bytes_at(handle, end, 24)):
            return min(end, size), sound_end, share
    return sound_end, sound_end, share


def _after_chunks(handle: BinaryIO, position: int, size: int, order: str) -> int:
    for _ in range(MAX_CHUNKS):
        head = bytes_at(handle, position, 12)
        if len(head) < 8 or head[:4] in (b"RIFF", b"RIFX", b"RF64", b"BW64", b"FORM") or not head[:4].isascii():
            break
        length = struct.unpack(f"{order}I", head[4:8])[0]
        if not head[:4].decode("ascii").isprintable() or position + 8 + length > size:
            break
        position = min(size, position + 8 + length + length % 2)
    return position


def _wave(handle: BinaryIO, start: int, size: int) -> Found:
    form = bytes_at(handle, start, 12)
    if not _is_wave(form):
        return None
    order = ">" if form[:4] == b"RIFX" else "<"
    position, large, about = start + 12, 0, b""
    for _ in range(MAX_CHUNKS):
        head = bytes_at(handle, position, 24)
        if len(head) < 8:
            break
        name, length = struct.unpack(f"{order}4sI", head[:8])
        if name == b"ds64" and len(head) == 24:  # RF64 keeps the size of its data here, in 64 bits
            large = struct.unpack("<Q", head[16:24])[0]
        elif name == b"fmt ":
            about = bytes_at(handle, position + 8, min(length, 1 << 16))
        elif name == b"data":
            return _wave_data(handle, (start, position + 8, size), large or length, (form[:4], order, about))
        position += 8 + length + length % 2
    return None


def _wave_data(handle: BinaryIO, places: tuple[int, int, int], promised: int, kind: tuple[bytes, str, bytes]) -> Found:
    (start, first, size), (magic, order, about) = places, kind
    is_known = _is_told(handle, first, promised, size, order)
    end, sound_end, share = _ends(handle, (first, size), promised if is_known else None, order, (magic, _is_wave))
    if len(about) >= 2 and struct.unpack(f"{order}H", about[:2])[0] in _MPEG_TAGS:
        inner = mpeg(handle, first, sound_end)
        if inner:
            return [link._replace(promised=max(link.promised, share)) for link in inner[0]], end
    if is_known and magic != b"BW64":
        return [Link(start, end, promised=share)], end
    return [Link(first, sound_end, _wave_head(about, sound_end - first, order), share)], end


def _wave_head(about: bytes, n_bytes: int, order: str) -> bytes:
    about = b"fmt " + struct.pack(f"{order}I", len(about)) + about + b"\0" * (len(about) % 2)
    if n_bytes < 0xFFFF0000:
        magic, large, n_counted = b"RIFX" if order == ">" else b"RIFF", b"", n_bytes
    else:
        sizes = struct.pack("<QQQI", n_bytes + 72, n_bytes, 0, 0)
        magic, large, n_counted = b"RF64", b"ds64" + struct.pack("<I", len(sizes)) + sizes, 0xFFFFFFFF
    riff = min(n_counted + 4 + len(large) + len(about) + 8, 0xFFFFFFFF)
    head = magic + struct.pack(f"{order}I", riff) + b"WAVE" + large + about
    return head + b"data" + struct.pack(f"{order}I", n_counted)


def _aiff(handle: BinaryIO, start: int, size: int) -> Found:
    if not _is_aiff(bytes_at(handle, start, 12)):
        return None
    position = start + 12
    for _ in range(MAX_CHUNKS):
        head = bytes_at(handle, position, 8)
        if len(head) < 8:
            break
        name, length = struct.unpack(">4sI", head)
        if name == b"SSND":
            first = position + 8
            promised = length if _is_told(handle, first, length, size, ">") else None
            end, _, share = _ends(handle, (first, size), promised, ">", (b"FORM", _is_aiff))
            return [Link(start, end, promised=share)], end
        position += 8 + length + length % 2
    return None


def _au(handle: BinaryIO, start: int, size: int) -> Found:
    head = bytes_at(handle, start, 24)
    if head[:4] not in (b".snd", b"dns.") or not _is_au(head):
        return None
    order = "<" if head[:4] == b"dns." else ">"
    offset, promised = struct.unpack(f"{order}2I", head[4:12])
    first = start + offset
    return _mended(handle, (start, first, size), 8, struct.Struct(f"{order}I"), promised, (head[:4], _is_au))


def _caf(handle: BinaryIO, start: int, size: int) -> Found:
    if not _is_caf(bytes_at(handle, start, 12)):
        return None
    position = start + 8
    for _ in range(MAX_CHUNKS):
        head = bytes_at(handle, position, 12)
        if len(head) < 12:
            break
        name, length = struct.unpack(">4sq", head)
        if name == b"data":
            places, place = (start, position + 12, size), position + 4 - start
            return _mended(handle, places, place, struct.Struct(">Q"), length % (1 << 64), (b"caff", _is_caf))
        if length < 0:
            break
        position += 12 + length
    return None


def _w64(handle: BinaryIO, start: int, size: int) -> Found:
    if not _is_w64(bytes_at(handle, start, 16)):
        return None
    position = start + 40
    for _ in range(MAX_CHUNKS):
        head = bytes_at(handle, position, 24)
        if len(head) < 24:
            break
        length = struct.unpack("<Q", head[16:])[0]
        if head[:16] == _W64_DATA:
            places, place = (start, position + 24, size), position + 16 - start
            kind = (_W64_RIFF, _is_w64)
            return _mended(handle, places, place, struct.Struct("<Q"), max(0, length - 24), kind, n_counted=24)
        if length < 24:
            break
        position += length + -length % 8
    return None


def _mended(
    handle: BinaryIO,
    places: tuple[int, int, int],
    place: int,
    field: struct.Struct,
    promised: int,
    kind: tuple[bytes, Callable[[bytes], bool]],
    n_counted: int = 0,
) -> Found:
    """Give a recording whose size stands in one field of its header, put right where it says nothing."""
    (start, first, size), (begin, is_next) = places, kind
    is_told = promised > 0 and not _is_unknown(promised)
    end = search(handle, first, size, begin, is_next, 24)
    if is_told and promised <= end - first:
        return [Link(start, end)], end
    share = promised / max(1, end - first) if is_told else 1.0
    if end <= first or first - start > _MAX_HEAD:
        return [Link(start, end, promised=share)], end
    head = bytearray(bytes_at(handle, start, first - start))
    field.pack_into(head, place, end - first + n_counted)
    return [Link(first, end, bytes(head), share)], end


def find_links(handle: BinaryIO, size: int) -> list[Link]:
    """Find the recordings of a file.

    Args:
        handle: The file, open for reading bytes.
        size: Its size in bytes.

    Returns:
        The recordings in their order; none where the format is not known here.

    Raises:
        AudioError: If there are more than `affectmap.audio.links.MAX_LINKS`.

    Example:
        >>> import io, soundfile
        >>> file = io.BytesIO()
        >>> soundfile.write(file, [0.0] * 100, 8000, format="WAV")
        >>> twice = file.getvalue() * 2
        >>> [(link.start, link.end) for link in find_links(io.BytesIO(twice), len(twice))]
        [(0, 244), (244, 488)]
    """
    links: list[Link] = []
    position = 0
    parsers: tuple[Parser, ...] = (_wave, _aiff, _au, _caf, _w64, ogg, flac, mpeg)
    while position < size:
        found = next((each for parse in parsers if (each := parse(handle, position, size))), None)
        if found is None or not found[0]:
            break
        links += found[0]
        position = found[1]
        if len(links) > MAX_LINKS:
            raise too_many()
    return links
