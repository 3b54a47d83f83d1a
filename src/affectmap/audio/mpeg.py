"""Where the recordings of MPEG audio (MP3 and its elder layers) begin and end, frame by frame."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from affectmap.audio.links import Buffered, Found, Link, after_tags

_BITRATES = {  # kbit/s by version (1 or 2) and layer
    (1, 1): (32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (1, 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (1, 3): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (2, 1): (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (2, 2): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (2, 3): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_RATES = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}  # by the two bits of the version
_N_CONFIRMED = 2  # frames that must follow where a stream is sought
_BEGINS = re.compile(rb"\xff[\xe0-\xff]|ID3")  # of frames and tags
_GARBAGE = 1 << 16  # bytes without a frame that a decoder passes over


class _Frame(NamedTuple):
    """What the four bytes before a frame of MPEG audio say; `kind` is equal in all frames of a stream."""

    n_bytes: int
    kind: tuple[int, int, int, bool]  # version, layer, rate, mono
    side: int  # bytes from the begin of the frame to where layer III keeps its sound, or a header its counts


def _frame(head: bytes) -> _Frame | None:
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return None
    version, layer = head[1] >> 3 & 3, 4 - (head[1] >> 1 & 3)
    bitrate, rate, padding = head[2] >> 4, head[2] >> 2 & 3, head[2] >> 1 & 1
    if version == 1 or layer == 4 or not 0 < bitrate < 15 or rate == 3:
        return None
    first = version == 3
    bits, hertz = 1000 * _BITRATES[1 if first else 2, layer][bitrate - 1], _RATES[version][rate]
    if layer == 1:
        n_bytes = (12 * bits // hertz + padding) * 4
    else:
        n_bytes = (72 if layer == 3 and not first else 144) * bits // hertz + padding
    mono = head[3] >> 6 == 3
    side = 4 + ((17 if mono else 32) if first else (9 if mono else 17)) + (0 if head[1] & 1 else 2)
    return _Frame(n_bytes, (version, layer, hertz, mono), side)


def mpeg(handle: BinaryIO, start: int, size: int) -> Found:
    """Find one recording of MPEG layer I, II or III: frames of one kind up to a tag or to another header of counts.

    The frames are counted. Where no header counts them, or it counts fewer, one that does is put before them, as
    decoders guess the length of the others from their first frame.
    """
    stream = Buffered(handle, size)
    begin = _first_frame(stream, after_tags(handle, start, size), start == 0)
    if begin is None:
        return None
    kind, counts = _require(_frame(stream.at(begin, 4))).kind, _counts(stream, begin)
    position, last, n_frames, is_missing = begin, begin, 0, False
    while position + 4 <= size:
        frame = _frame(stream.at(position, 4))
        if frame is None or frame.kind != kind:
            after = _after_old_tags(stream, position)
            if after == position and frame is None:
                after = _resynchronised(stream, last + 4, position, kind)
                if after < position:  # within the last frame
                    is_missing, n_frames = True, n_frames - 1
                if after != position and (
                    _frame(stream.at(after, 4)) is None or _counts(stream, after) is not None
                ):  # a tag, or another recording
                    position = after
                    break
            if after == position:
                break
            position = after
            continue
        if position + frame.n_bytes > size:
            is_missing, position = True, size
            break
        if position > begin and _counts(stream, position) is not None:
            break
        last = position
        n_frames += 1
        position += frame.n_bytes
    n_sound = max(0, n_frames - (counts is not None))
    return [_counted(stream, (begin, position), n_sound, counts, is_missing)], position


def _require(frame: _Frame | None) -> _Frame:
    assert frame is not None
    return frame


def _first_frame(stream: Buffered, start: int, may_search: bool) -> int | None:
    """Where frames begin; only at the begin of a file there may be something before them."""
    places = _places(stream, start, start + (_GARBAGE if may_search else 1))
    return next((place for place in places if _confirmed(stream, place)), None)


def _places(stream: Buffered, start: int, end: int) -> Iterator[int]:
    """Where a frame or a tag may begin."""
    content = stream.at(start, max(0, min(end, stream.size) - start) + 2)
    for found in _BEGINS.finditer(content):
        if start + found.start() < end:
            yield start + found.start()


def _confirmed(stream: Buffered, position: int, kind: tuple[int, int, int, bool] | None = None) -> bool:
    for _ in range(_N_CONFIRMED + 1):
        frame = _frame(stream.at(position, 4))
        if frame is None or (kind is not None and frame.kind != kind):
            return False
        kind = frame.kind
        position += frame.n_bytes
        if position >= stream.size:
            return True
    return True


def _resynchronised(stream: Buffered, first: int, position: int, kind: tuple[int, int, int, bool]) -> int:
    """Where, from `first` on, a tag stands or frames of the same kind go on; `position` where neither does."""
    if stream.at(position, 3) == b"ID3":
        return position
    for place in _places(stream, first, min(position + _GARBAGE, stream.size)):
        is_tag = stream.at(place, 3) == b"ID3" and max(stream.at(place + 6, 4), default=255) < 0x80
        if is_tag or _confirmed(stream, place, kind):
            return place
    return position


def _counts(stream: Buffered, position: int) -> tuple[int, int] | None:
    """Number of frames that a frame without sound gives, 0 for none, and where it stands; ``None`` in other frames."""
    frame = _require(_frame(stream.at(position, 4)))
    content = stream.at(position, min(frame.n_bytes, 200))
    tag = content[frame.side : frame.side + 8]
    if tag[:4] in (b"Xing", b"Info") and len(tag) == 8:
        place = position + frame.side + 8
        return (int.from_bytes(stream.at(place, 4), "big") if tag[7] & 1 else 0), place
    if content[36:40] == b"VBRI":
        return int.from_bytes(content[50:54], "big"), position + 50
    return None


def _counted(
    stream: Buffered, bounds: tuple[int, int], n_frames: int, counts: tuple[int, int] | None, is_missing: bool
) -> Link:
    (begin, end), damage = bounds, "cut short within its last frame" if is_missing else ""
    head = stream.at(begin, 4)
    if counts is None:
        return Link(begin, end, _head_of_counts(head, n_frames), damage=damage)
    promised, place = counts
    if n_frames <= promised <= n_frames + 1:  # a few encoders count the frame of the counts, too
        return Link(begin, end, damage=damage)
    first = begin + _require(_frame(head)).n_bytes
    if promised:
        mended = bytearray(stream.at(begin, first - begin))
        mended[place - begin : place - begin + 4] = n_frames.to_bytes(4, "big")
        if mended[place - begin - 1] & 2 and mended[place - begin - 8 : place - begin - 4] != b"VBRI":
            mended[place - begin + 4 : place - begin + 8] = (end - begin).to_bytes(4, "big")  # bytes of the whole
        return Link(first, end, bytes(mended), max(1.0, promised / max(1, n_frames)), damage)
    return Link(first, end, _head_of_counts(head, n_frames), damage=damage)


def _head_of_counts(head: bytes, n_frames: int) -> bytes:
    """Make a frame without sound that says how many follow; layers I and II have none."""
    frame = _require(_frame(head))
    if frame.kind[1] != 3:
        return b""
    for bitrate in range(head[2] >> 4, 15):  # one that is long enough
        head = bytes([head[0], head[1] | 1, bitrate << 4 | head[2] & 0x0D, head[3]])
        frame = _require(_frame(head))
        if frame.n_bytes >= frame.side + 12:
            break
    tag = b"Xing" + (1).to_bytes(4, "big") + n_frames.to_bytes(4, "big")
    return (head + bytes(frame.side - 4) + tag).ljust(frame.n_bytes, b"\0")


def _after_old_tags(stream: Buffered, position: int) -> int:
    """Where an ID3v1 or APE tag ends; `position` where there is none."""
    head = stream.at(position, 16)
    if head[:3] == b"TAG":
        return min(position + 128, stream.size)
    if head[:8] == b"APETAGEX" and len(head) == 16:
        return min(position + 32 + int.from_bytes(head[12:16], "little"), stream.size)
    return position
