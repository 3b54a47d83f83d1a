"""Formats that need FFmpeg: recognised by their bytes, decoded where PyAV is there, refused with advice elsewhere."""

import io

import numpy as np
import pytest

from affectmap.audio.decoding import Decoding
from affectmap.audio.formats import recognised
from affectmap.audio.reading import read_audio
from affectmap.errors import AudioError
from cases import each
from damaged_files import encoded, saved
from foreign_files import KINDS, RATE, made, tone


def near(found, expected, rate):
    """Whether two sounds go the same way, whatever the delay of a codec."""
    step, n = rate // 10, min(len(found), len(expected))
    levels = [
        np.sqrt(np.mean(np.square(each[: n // step * step].reshape(-1, step)), axis=1)) for each in (found, expected)
    ]
    return np.corrcoef(*levels)[0, 1] > 0.98


@each("suffix", KINDS)
def test_they_are_decoded_whole(suffix, tmp_path):
    _, _, rate, name, longer_s = KINDS[suffix]
    content = made(suffix)
    file = saved(tmp_path, content, f"a.{suffix}")
    found, sampling_rate = read_audio(file)
    assert recognised(io.BytesIO(content), len(content)).name == name
    assert sampling_rate == rate
    assert 1.98 <= len(found) / rate <= 2 + longer_s
    assert near(found, tone(rate=rate), rate)
    part, _ = read_audio(file, 0.5, 1.0)
    np.testing.assert_array_equal(part, found[rate // 2 : rate])


@each("suffix", ["m4a", "aac", "amr", "webm", "wma"])
def test_recordings_one_after_another_are_one(suffix, tmp_path):
    once = len(read_audio(saved(tmp_path, made(suffix), "a"))[0])
    twice, rate = read_audio(saved(tmp_path, 2 * made(suffix), "b"))
    assert abs(len(twice) - 2 * once) < 0.1 * rate
    assert near(twice[-once:], tone(rate=rate), rate)


def test_what_libsndfile_refuses_of_a_format_that_it_reads(tmp_path):
    content = made("oga")
    found, rate = read_audio(saved(tmp_path, content + content))
    assert rate == RATE
    np.testing.assert_allclose(found, np.tile(tone(), 2), atol=1e-4)


def test_channels_keep_apart(tmp_path):
    decoding = Decoding(saved(tmp_path, made("m4a", n_channels=2)))
    assert decoding.n_channels == 2
    assert {block.shape[1] for block in decoding.blocks(1000)} == {2}
    assert max(len(block) for block in decoding.blocks(1000)) == 1000


@each("suffix", ["m4a", "webm", "wma", "mov"])
@each("share", [0.3, 0.7])
def test_cut_ones_are_refused(share, suffix, tmp_path):
    content = made(suffix, seconds=5.0)
    with pytest.raises(AudioError, match=r"cut short|broken|cannot be decoded"):
        read_audio(saved(tmp_path, content[: int(share * len(content))]))


def test_a_length_that_is_not_known(tmp_path):
    content = made("webm")
    place = content.index(b"\x44\x89")  # the element that holds the duration
    decoding = Decoding(saved(tmp_path, content[:place] + b"\xec\x89" + content[place + 2 :]))
    assert abs(decoding.duration_s - 2) < 0.1
    assert decoding.missing(decoding.n_samples) == ""


def test_without_the_extra_they_are_named_with_advice(tmp_path, monkeypatch):
    monkeypatch.setattr("affectmap.audio.decoding.installed", lambda module: False)
    monkeypatch.setattr("affectmap.audio.formats.installed", lambda module: False)
    for content, name in (
        (b"\0\0\0\x1cftypM4A \0\0\x02\0M4A isomiso2" + bytes(2000), "AAC in MP4"),
        (b"#!AMR\n" + bytes(999), "AMR"),
        (b"\x1aE\xdf\xa3" + bytes(999), "Matroska"),
        (b"\xff\xf1\x50\x80" + bytes(999), "AAC"),
        (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11" + bytes(99), "WMA"),
    ):
        with pytest.raises(AudioError) as caught:
            read_audio(saved(tmp_path, content, "my voice.m4a"))
        assert str(caught.value) == (
            f'{tmp_path}/my voice.m4a: {name}, which libsndfile cannot read; run pip install "affectmap[formats]", or '
            "convert it: ffmpeg -i 'my voice.m4a' 'my voice.wav'"
        )
    with pytest.raises(AudioError, match=r"or convert it with ffmpeg to WAV$"):
        read_audio(saved(tmp_path, b"#!AMR\n" + bytes(999), "upload"))


@each(
    ("content", "told"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid", "a pointer of Git LFS, .*; run git lfs pull"),
        (b"<!DOCTYPE html><title>404", "a web page, and no recording"),
        (b"PK\x03\x04" + bytes(99), "a ZIP archive; unpack it"),
        (b"MThd" + bytes(99), "MIDI: notes, and no sound"),
        (b"#!SILK_V3" + bytes(99), "SILK, which libsndfile cannot read; convert it"),
    ],
)
def test_what_is_no_sound_is_told(content, told, tmp_path):
    with pytest.raises(AudioError, match=told):
        Decoding(saved(tmp_path, content, "a.wav"))


@each(
    "content",
    [b"\0\0\0\x1cftypM4A \0\0\x02\0M4A isomiso2" + bytes(2000), b"#!AMR\n" + b"\xff" * 99, b"wvpk" + bytes(99)],
)
def test_broken_ones_are_told(content, tmp_path):
    pytest.importorskip("av")
    with pytest.raises(AudioError, match=r"a\.bin: (AAC in MP4|AMR|WavPack)(, but broken| without any sound)"):
        Decoding(saved(tmp_path, content))


def test_a_video_without_sound(tmp_path):
    av = pytest.importorskip("av")
    target = io.BytesIO()
    with av.open(target, "w", format="mp4") as container:
        stream = container.add_stream("mpeg4", rate=5, width=16, height=16)
        stream.pix_fmt = "yuv420p"
        for _ in range(5):
            picture = av.VideoFrame.from_ndarray(np.zeros((16, 16, 3), np.uint8), format="rgb24")
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    with pytest.raises(AudioError, match="MP4 without sound"):
        Decoding(saved(tmp_path, target.getvalue()))


@each(
    ("content", "name"),
    [(b"\x03dss" + bytes(99), "DSS, as of dictation machines"), (b"\0\0\1\xba" + bytes(99), "MPEG video"),
     (b"RIFF\0\0\0\0AVI " + bytes(99), "AVI")],
)  # fmt: skip
def test_what_a_dictation_machine_or_a_camera_leaves_is_named(content, name, tmp_path):
    assert recognised(io.BytesIO(content), len(content)).name == name
    with pytest.raises(AudioError, match=f"{name}.* broken"):
        Decoding(saved(tmp_path, content))


def test_formats_of_libsndfile_are_not_taken_for_others():
    for kind in ("wav", "flac", "ogg", "mp3", "aiff", "au", "caf", "w64"):
        content = encoded(tone(0.2), kind=kind)
        assert recognised(io.BytesIO(content), len(content)) is None
