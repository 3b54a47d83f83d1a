"""What a file holds, by its bytes: recordings one after another, and those of Ogg and FLAC page by page."""

from __future__ import annotations

import io
import os
import struct
from collections.abc import Callable
from typing import BinaryIO, NamedTuple

from affectmap.errors import AudioError

#: Bytes that are searched at once.
PIECE = 1 << 20
#: Recordings in one file at most; each takes time to open.
MAX_LINKS = 2000
_MAX_LOST = 1000  # places in one recording at which pages are lost
_MAX_TAGS = 100  # tags before one recording


class Link(NamedTuple):
    """One recording in a file.

    Attributes:
        start: The first of its bytes that the decoder is given.
        end: The byte behind its last.
        head: Bytes that stand before them, in place of a header that does not tell the length.
        promised: How many times the sound that it holds its header promises; 1 where nothing is missing.
        damage: What is missing that no header counts, in words.
    """

    start: int
    end: int
    head: bytes = b""
    promised: float = 1.0
    damage: str = ""


def too_many() -> AudioError:
    """Refuse a file of more than `MAX_LINKS` recordings; the caller puts its name before."""
    return AudioError(f"more than {MAX_LINKS:,} recordings follow one another in it; split it")


#: Recordings, and where the next may begin; ``None`` where the bytes are of another format.
Found = tuple[list[Link], int] | None
Parser = Callable[[BinaryIO, int, int], Found]


def bytes_at(handle: BinaryIO, position: int, n: int) -> bytes:
    """Read up to `n` bytes from a position of a file."""
    handle.seek(position)
    return handle.read(n)


class Buffered:
    """Small reads at rising positions, from a few large ones.

    Args:
        handle: The file, open for reading bytes.
        size: Its size in bytes.
    """

    def __init__(self, handle: BinaryIO, size: int) -> None:
        self._handle, self.size, self._start, self._piece = handle, size, 0, b""

    def at(self, position: int, n: int) -> bytes:
        """Read up to `n` bytes from a position."""
        offset = position - self._start
        if not 0 <= offset <= len(self._piece) - n:
            self._start, offset = position, 0
            self._piece = bytes_at(self._handle, position, min(max(PIECE, n), max(0, self.size - position)))
        return self._piece[offset : offset + n]


def search(handle: BinaryIO, start: int, end: int, begin: bytes, is_right: Callable[[bytes], bool], n: int) -> int:
    """Find where `begin` stands and the `n` bytes from there on are right; `end` where they nowhere are."""
    position = start
    while position < end:
        piece = bytes_at(handle, position, min(PIECE + n - 1, end - position))
        found = piece.find(begin)
        while 0 <= found < PIECE:
            if is_right(piece[found : found + n]):
                return position + found
            found = piece.find(begin, found + 1)
        position += PIECE
    return end


def ogg(handle: BinaryIO, start: int, size: int) -> Found:
    """Find chained recordings: pages that begin streams after pages that do not (RFC 3533, section 4)."""
    links: list[Link] = []
    first, position, damage, had_sound = start, start, "", False
    next_number: dict[bytes, int] = {}
    stream, n_lost = Buffered(handle, size), 0
    while (head := stream.at(position, 27 + 255))[:4] == b"OggS":
        length = 27 + head[26] + sum(head[27 : 27 + head[26]]) if len(head) >= 27 else 27
        if len(head) < 27 or position + length > size:
            damage = "cut short within its last page"
            position = size
            break
        is_begin, serial, number = bool(head[5] & 2), head[14:18], struct.unpack("<I", head[18:22])[0]
        if is_begin and had_sound:
            links.append(Link(first, position, damage=damage))
            first, damage, had_sound, next_number = position, "", False, {}
            if len(links) > MAX_LINKS:
                raise too_many()
        elif next_number.get(serial, number) != number:
            damage = "cut short, pages within it are missing"
        had_sound |= not is_begin
        next_number[serial] = (number + 1) % (1 << 32)
        position += length
        if position < size and stream.at(position, 4) != b"OggS":
            n_lost += 1
            found = search(handle, position - length + 1, size, b"OggS\0", lambda page: True, 5)
            if found == size or n_lost > _MAX_LOST:  # what follows is no Ogg: a tag, or another format
                break
            damage, position = "cut short, pages within it are missing", found
    if position == start:
        return None
    return [*links, Link(first, position, damage=damage)], position


def flac(handle: BinaryIO, start: int, size: int) -> Found:
    """Find one recording: from its mark to that of the next, or to the end of the file."""
    position = after_tags(handle, start, size)
    if not _is_flac(bytes_at(handle, position, 8)):
        return None
    begin, position, is_last = position, position + 4, False
    while not is_last and len(head := bytes_at(handle, position, 4)) == 4:
        is_last = bool(head[0] & 0x80)
        position += 4 + int.from_bytes(head[1:], "big")
    end = search(handle, position, size, b"fLaC", _is_flac, 8)
    n_samples = int.from_bytes(bytes_at(handle, begin + 18, 8), "big") & ((1 << 36) - 1)
    if not n_samples and bytes_at(handle, end - 128, 3) == b"TAG":  # a decoder would read on
        return [Link(begin, end - 128)], end
    return [Link(begin, end)], end


def _is_flac(head: bytes) -> bool:
    return head[:4] == b"fLaC" and head[4:5] in (b"\0", b"\x80") and head[5:8] == b"\0\0\x22"


def after_tags(handle: BinaryIO, position: int, size: int) -> int:
    """Where ID3v2 tags end."""
    for _ in range(_MAX_TAGS):
        head = bytes_at(handle, position, 10)
        if head[:3] != b"ID3" or len(head) < 10 or max(head[6:10]) >= 0x80:
            break
        length = sum(byte << 7 * (3 - place) for place, byte in enumerate(head[6:10]))
        position += 10 + length + (10 if head[5] & 0x10 else 0)
    return min(position, size)


class View(io.RawIOBase):
    """One recording of a file as a file of its own, with its head mended.

    Args:
        handle: The file, open for reading bytes.
        link: Where the recording lies in it.

    Attributes:
        error: What reading the file raised; decoders in C would print it and go on.

    Example:
        >>> View(io.BytesIO(b"abcdef"), Link(2, 5, b"XY")).read()
        b'XYcde'
    """

    def __init__(self, handle: BinaryIO, link: Link) -> None:
        self._handle, self._link, self._position = handle, link, 0
        self._size = len(link.head) + link.end - link.start
        self.error: OSError | None = None

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def seekable(self) -> bool:
        """Say that any place in it can be gone to."""
        return True

    def tell(self) -> int:
        """Give the place that is read next."""
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to a place."""
        origin = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._size}[whence]
        self._position = max(0, origin + offset)
        return self._position

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Read as many bytes as the buffer takes, and give their number."""
        head, n = self._link.head, min(len(buffer), max(0, self._size - self._position))
        content = head[self._position : self._position + n]
        try:
            if len(content) < n:
                self._handle.seek(self._link.start + self._position + len(content) - len(head))
                content += self._handle.read(n - len(content))
        except OSError as error:
            self.error = error
        buffer[: len(content)] = content
        self._position += len(content)
        return len(content)
