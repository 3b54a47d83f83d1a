"""Recordings decoded to their last sample: joined ones, those whose header does not know the length, and cut ones."""

import struct
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import soundfile

from affectmap.audio.decoding import Decoding
from affectmap.errors import AudioError
from cases import each
from damaged_files import (
    FORMATS,
    decoded,
    encoded,
    noise,
    saved,
    with_field,
    with_wav_size,
    without_flac_length,
)

FIRST, SECOND = noise(1.0, seed=1), noise(0.5, seed=2)


def joined(file):
    return np.concatenate([*Decoding(file).blocks(3000)])


def refusal(file):
    """Why a file is refused, or what of it is missing."""
    decoding = Decoding(file)
    return decoding.missing(sum(map(len, decoding.blocks())))


def answer(file):
    """What is missing of a file, or the error that it raises."""
    try:
        return refusal(file)
    except AudioError as error:
        return str(error)


@each("kind", FORMATS)
def test_recordings_one_after_another_are_one(kind, tmp_path):
    parts = encoded(FIRST, kind=kind), encoded(SECOND, kind=kind), encoded(FIRST, kind=kind)
    decoding = Decoding(saved(tmp_path, b"".join(parts)))
    expected = np.concatenate([*map(decoded, parts)])
    assert (decoding.n_links, decoding.n_samples) == (3, len(expected))
    found = np.concatenate([*decoding.blocks(3000)])
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert decoding.missing(len(found)) == ""
    for first in (0, 7, 15999, 16000, 16001, 23999, 39000):
        np.testing.assert_allclose(
            np.concatenate([*decoding.blocks(3000, first=first)]),
            expected[first:],
            atol=1e-4 if kind == "ogg" else 0.02,
        )


@each("kind", ["wav", "flac", "ogg", "mp3"])
@each("second", [noise(0.5, 8000), noise(0.5, n_channels=2)])
def test_recordings_that_do_not_go_together_are_refused(second, kind, tmp_path):
    rate = 16000 if second.shape[1] == 2 else 8000
    file = saved(tmp_path, encoded(FIRST, kind=kind) + encoded(second, rate, kind=kind))
    with pytest.raises(AudioError, match=r"holds 2 recordings one after another, of 16000 Hz with 1 channel and"):
        Decoding(file)


def test_recordings_of_different_formats_are_one(tmp_path):
    kinds = ["wav", "mp3", "ogg", "aiff", "flac"]
    file = saved(tmp_path, b"".join(encoded(FIRST, kind=kind) for kind in kinds))
    assert Decoding(file).n_links == len(kinds)
    assert len(joined(file)) == len(kinds) * 16000


@each("size", [0, 0xFFFFFFFF, 0xFFFFFFFF - 36, 0x7FFFFFFF, 0x80000000, 0x7FFFF000, 0x7FFFEFFF, 0x7FFFEFFC])
@each("kind", ["wav", "wavex"])
def test_a_wav_from_a_pipe_is_read_to_its_end(kind, size, tmp_path):
    content = encoded(FIRST, kind=kind)
    np.testing.assert_array_equal(joined(saved(tmp_path, with_wav_size(content, size))), decoded(content))
    # Another one behind it begins with a header, which is no sound.
    np.testing.assert_array_equal(
        joined(saved(tmp_path, with_wav_size(content, size) * 2)), np.concatenate([decoded(content)] * 2)
    )


def test_a_wav_without_a_length_in_a_form_that_libsndfile_does_not_know(tmp_path):
    content = encoded(FIRST, kind="rf64")
    size = content.index(b"ds64") + 16
    for magic in (b"RF64", b"BW64"):
        for promised in (0, 2**64 - 1, 2**63 - 1):
            file = magic + content[4:size] + struct.pack("<Q", promised) + content[size + 8 :]
            np.testing.assert_array_equal(joined(saved(tmp_path, file)), decoded(content))
        np.testing.assert_array_equal(joined(saved(tmp_path, magic + content[4:])), decoded(content))


def test_a_big_endian_wav_from_a_pipe(tmp_path):
    content = encoded(FIRST, endian="BIG")
    assert content[:4] == b"RIFX"
    torn = with_field(content, b"data", 4, 0xFFFFFFFF, ">I")
    np.testing.assert_array_equal(joined(saved(tmp_path, torn)), decoded(content))


UNKNOWN = {
    "au": [(b".snd", 8, value, ">I") for value in (0, 0xFFFFFFFF, 0x7FFFFFFF)],
    "aiff": [(b"SSND", 4, value, ">I") for value in (0, 0x7FFFFFFF, 0x7F000000, 0xFFFFFFFF)],
    "caf": [(b"data", 4, value, ">q") for value in (-1, 0, 2**63 - 1)],
    "w64": [(b"data\xf3", 16, value, "<Q") for value in (24, 0, 2**63 - 1, 2**64 - 1)],
}


@each("kind", UNKNOWN)
def test_other_headers_that_do_not_know_the_length(kind, tmp_path):
    content = encoded(FIRST, kind=kind)
    for mark, offset, value, code in UNKNOWN[kind]:
        torn = with_field(content, mark, offset, value, code)
        expected = decoded(content)
        np.testing.assert_array_equal(joined(saved(tmp_path, torn)), expected, err_msg=f"{value}")
        assert refusal(saved(tmp_path, torn)) == ""
        np.testing.assert_array_equal(joined(saved(tmp_path, torn + torn)), np.concatenate([expected] * 2))


def test_a_flac_without_a_length(tmp_path):
    content = encoded(FIRST, kind="flac")
    for torn in (without_flac_length(content), without_flac_length(content) + b"TAG" + bytes(125)):
        file = saved(tmp_path, torn)
        np.testing.assert_array_equal(joined(file), decoded(content))
        assert (Decoding(file).n_samples, Decoding(file).is_counted(), refusal(file)) == (16000, False, "")
    np.testing.assert_array_equal(joined(saved(tmp_path, without_flac_length(content) * 2))[16000:], decoded(content))


def test_counting_stops_where_it_may(tmp_path):
    file = saved(tmp_path, without_flac_length(encoded(noise(9.0), kind="flac")))
    decoding = Decoding(file)
    assert decoding.count(1.0) > 16000
    assert decoding.count() == decoding.count(1.0) == decoding.n_samples == 9 * 16000


def test_absurd_lengths_take_no_memory(tmp_path):
    flac = bytearray(encoded(FIRST, kind="flac"))
    flac[21] |= 0x0F
    flac[22:26] = b"\xff" * 4
    wav = with_wav_size(encoded(FIRST), 0x60000000)
    for content in (bytes(flac), wav):
        tracemalloc.start()
        assert refusal(saved(tmp_path, content)).startswith("cut short, it holds 1.00 s of ")
        assert Decoding(tmp_path / "a.bin").n_samples == 16000
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 20e6


@each("kind", ["wav", "wavex", "rf64", "w64", "aiff", "au", "caf"])
@each("share", [0.97, 0.6, 0.2])
def test_cut_files_are_told_alone_and_before_others(share, kind, tmp_path):
    content = encoded(FIRST, kind=kind)
    cut = content[: int(share * len(content))]
    assert refusal(saved(tmp_path, cut)).startswith("cut short, it holds ")
    assert refusal(saved(tmp_path, content + cut)).startswith("cut short, it holds 1.")
    assert refusal(saved(tmp_path, cut + content)).startswith("cut short, it holds 1.")


@each("kind", ["ogg", "opus", "mp3"])
@each("share", [0.97, 0.5])
def test_cut_streams_are_told_alone_and_before_others(share, kind, tmp_path):
    content = encoded(noise(2.0), kind=kind)
    cut = content[: int(share * len(content))]
    for joint in (cut, content + cut, cut + content):
        assert answer(saved(tmp_path, joint)).removeprefix(f"{tmp_path}/a.bin: ").startswith("cut short")


@each("kind", ["flac"])
@each("share", [0.97, 0.6, 0.4])
def test_cut_flac_breaks_off(share, kind, tmp_path):
    content = encoded(noise(4.0), kind=kind)
    cut = content[: int(share * len(content))]
    for joint in (cut, content + cut, cut + content, without_flac_length(cut)):
        with pytest.raises(AudioError, match=r"cut short, it holds [0-9.]+ s of|breaks off after"):
            refusal(saved(tmp_path, joint))
    decoding = Decoding(saved(tmp_path, without_flac_length(cut)))
    assert decoding.missing(decoding.n_samples).startswith("breaks off after ")


def test_a_page_that_is_missing(tmp_path):
    content = encoded(noise(9.0), kind="ogg")
    pages = [at for at in range(len(content)) if content[at : at + 5] == b"OggS\0"]
    assert len(pages) > 5
    gap = content[: pages[3]] + content[pages[4] :]
    assert refusal(saved(tmp_path, gap)).startswith("cut short, it holds 8.")


def test_chunks_and_tags_around_the_sound_do_not_matter(tmp_path):
    chunk = b"LIST" + struct.pack("<I", 4) + b"INFO"
    id3 = b"ID3\x04\0\0" + bytes([0, 0, 0, 20]) + bytes(20)
    for content, before, after in (
        (encoded(FIRST), b"", chunk),
        (encoded(FIRST), b"", chunk + encoded(FIRST)),
        (encoded(FIRST, kind="mp3"), id3, b"TAG" + bytes(125)),
        (encoded(FIRST, kind="flac"), id3, b""),
    ):
        file = saved(tmp_path, before + content + after)
        np.testing.assert_allclose(joined(file)[:16000], decoded(content), atol=1e-6)
        assert refusal(file) == ""


def test_bytes_that_no_header_counts_are_told(tmp_path):
    content, rest = encoded(FIRST), encoded(SECOND)[44:]
    decoding = Decoding(saved(tmp_path, content + rest))
    assert len(np.concatenate([*decoding.blocks()])) == 16000
    assert decoding.notes() == [
        "16,000 bytes behind its sound are not counted by its header and were left out; if they are sound, mend the "
        "header"
    ]
    for after in (bytes(5000), b"rest of a sector", b"LIST" + struct.pack("<I", 4000) + bytes(4000)):
        assert Decoding(saved(tmp_path, content + after)).notes() == []


def test_more_recordings_than_anyone_joins(tmp_path, monkeypatch):
    monkeypatch.setattr("affectmap.audio.containers.MAX_LINKS", 5)
    monkeypatch.setattr("affectmap.audio.links.MAX_LINKS", 5)
    assert Decoding(saved(tmp_path, encoded(SECOND) * 5)).n_links == 5
    with pytest.raises(AudioError, match=r"a\.bin: more than 5 recordings follow one another in it; split it"):
        Decoding(saved(tmp_path, encoded(SECOND) * 6))


def test_an_error_of_the_disk_while_it_is_read(tmp_path, monkeypatch):
    file, real = saved(tmp_path, encoded(FIRST) * 2), Path.open

    class Failing:
        def __init__(self, handle):
            self._handle, self._n_read = handle, 0

        def __enter__(self):
            return self

        def __exit__(self, *error):
            self._handle.close()

        def __getattr__(self, name):
            return getattr(self._handle, name)

        def read(self, n):
            self._n_read += 1
            if self._n_read > 3:
                raise OSError(5, "Input/output error")
            return self._handle.read(n)

    decoding = Decoding(file)
    monkeypatch.setattr(Path, "open", lambda self, mode: Failing(real(self, mode)))
    with pytest.raises(AudioError, match="Input/output error"):
        list(decoding.blocks())


@each("seed", range(120))
def test_whatever_the_bytes_the_file_is_read_or_refused_in_one_line(seed, tmp_path):
    rng = np.random.default_rng(seed)
    content = bytearray(encoded(SECOND, kind=list(FORMATS)[seed % len(FORMATS)]))
    for _ in range(rng.integers(1, 6)):
        place = int(rng.integers(min(len(content), 200 if rng.random() < 0.7 else len(content))))
        strange = [b"\0" * 4, b"\xff" * 4, b"\x7f\xff\xff\xff", b"OggS", b"fLaC", b"ID3\4", b"RIFF", b""]
        content[place : place + int(rng.integers(9))] = strange[rng.integers(len(strange))]
    content = content[: int(rng.integers(40, len(content) + 1))] if rng.random() < 0.4 else content
    file = saved(tmp_path, bytes(content))
    told = answer(file)
    assert told.startswith((f"{file}: ", "cut short", "breaks off")) or told == ""
    assert "\n" not in told


def test_memory_is_flat(tmp_path):
    soundfile.write(tmp_path / "long.wav", np.zeros((2_000_000, 2), np.int16), 16000)
    file = saved(tmp_path, (tmp_path / "long.wav").read_bytes() * 2)
    tracemalloc.start()
    assert sum(len(block) for block in Decoding(file).blocks(10_000)) == 4_000_000
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10e6
