"""MPEG audio frame by frame: what is counted, what is put right, and where another recording begins."""

import io
import struct

import numpy as np

from affectmap.audio.mpeg import mpeg
from cases import each
from damaged_files import decoded, encoded, noise


def frames(content):
    """The frames that an encoder made of one sound: the one with the counts, and those with sound."""
    header = content[:4]
    bits = (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
    slow = (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
    rates = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}
    found, at = [], 0
    while at < len(content):
        version, rate = content[at + 1] >> 3 & 3, rates[content[at + 1] >> 3 & 3][content[at + 2] >> 2 & 3]
        speed = (bits if version == 3 else slow)[(content[at + 2] >> 4) - 1]
        n = (144 if version == 3 else 72) * 1000 * speed // rate + (content[at + 2] >> 1 & 1)
        found.append(content[at : at + n])
        at += n
    assert header[0] == 0xFF
    return found


def links(content):
    found = mpeg(io.BytesIO(content), 0, len(content))
    assert found is not None
    return found[0]


def sound(content):
    (link,) = links(content)
    return decoded(link.head + content[link.start : link.end]), link


@each("rate", [8000, 16000, 22050, 44100, 48000])
@each("n_channels", [1, 2])
def test_frames_without_a_header_of_counts_are_counted(n_channels, rate):
    # Half noise, half silence: a decoder that guesses from the first frame is far off.
    signal = np.concatenate([np.zeros((rate, n_channels)), noise(2.0, rate, n_channels)])
    whole = encoded(signal, rate, "mp3")
    head, *rest = frames(whole)
    assert b"Xing" in head or b"Info" in head
    found, link = sound(b"".join(rest))
    n_samples = len(rest) * (1152 if rate >= 32000 else 576)
    assert n_samples - 1200 <= len(found) <= n_samples
    assert link.damage == ""
    expected, lag = decoded(whole), len(found) - 3 * rate
    overlap = found[-2 * rate :][:rate]
    shifts = [np.abs(overlap - expected[3 * rate - 2 * rate + by :][:rate]).mean() for by in (-lag, 0)]
    assert min(shifts) < 0.5


def test_a_header_that_counts_fewer_frames_is_put_right():
    whole = encoded(noise(2.0), kind="mp3")
    place = next(whole.index(mark) for mark in (b"Xing", b"Info") if mark in whole) + 8
    wrong = whole[:place] + struct.pack(">I", 5) + whole[place + 4 :]
    found, link = sound(wrong)
    np.testing.assert_array_equal(found, decoded(whole))
    assert link.promised == 1


def test_a_header_that_counts_more_frames_promises_them():
    whole = encoded(noise(2.0), kind="mp3")
    n = len(frames(whole)) - 1
    cut = b"".join(frames(whole)[: n // 2 + 1])
    found, link = sound(cut)
    assert link.promised == n / (n // 2)
    assert link.damage == ""
    assert abs(len(found) - 16000) < 2000


def test_a_frame_that_is_not_whole():
    whole = encoded(noise(2.0), kind="mp3")
    assert links(whole[:-10])[0].damage == "cut short within its last frame"


def test_a_header_of_counts_alone():
    head, *_ = frames(encoded(noise(2.0), kind="mp3"))
    (link,) = links(head + head[:4] + bytes(20))
    assert link.promised > 1


def test_frames_of_another_kind_are_another_recording():
    first, second = (b"".join(frames(encoded(noise(1.0, rate), rate, "mp3"))[1:]) for rate in (16000, 44100))
    assert links(first + second)[0].end == len(first)


def test_another_recording_behind_bytes_that_are_no_frames():
    first, tag = encoded(noise(1.0), kind="mp3"), b"ID3\x04\0\0" + bytes([0, 0, 0, 20]) + bytes(20)
    assert links(first + bytes(500) + tag + first)[0].end == len(first) + 500
    cut = first[:-35]
    assert links(cut + tag + first)[0][1:] == (len(cut), *links(cut)[0][2:])


def test_bytes_that_are_no_frames_are_passed_over():
    _, *rest = frames(encoded(noise(2.0), kind="mp3"))
    content = b"".join([*rest[:20], b"rubbish" * 30, *rest[20:]])
    assert links(content)[0].end == len(content)


@each("content", [b"", b"\xff", b"\xff\xfb", bytes(1000), b"\xff" * 5000, b"ID3" + bytes(50)])
def test_what_is_no_mpeg_audio(content):
    assert mpeg(io.BytesIO(content), 0, len(content)) is None
