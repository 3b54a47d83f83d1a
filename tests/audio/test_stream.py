"""Recordings in blocks: the same samples as the whole file, whatever it is, and what damage is told."""

import io
import struct

import numpy as np
import pytest
import soundfile

from affectmap.audio.reading import read_audio, resample
from affectmap.audio.stream import PulseCode, Recording, at_rate
from affectmap.errors import AudioError, ConfigError
from damaged_files import encoded, noise, saved, without_flac_length


def joined(blocks):
    return np.concatenate([*blocks, np.empty(0, np.float32)])


@pytest.mark.parametrize(
    ("name", "n_channels", "sampling_rate", "subtype"),
    [
        ("a.wav", 1, 16000, "PCM_16"),
        ("a.wav", 2, 44100, "PCM_U8"),
        ("a.wav", 1, 192000, "PCM_24"),
        ("a.flac", 3, 48000, "PCM_24"),
        ("a.ogg", 1, 16000, "VORBIS"),
        ("a.mp3", 2, 44100, "MPEG_LAYER_III"),
    ],
)
def test_blocks_are_the_file(tmp_path, name, n_channels, sampling_rate, subtype):
    file = tmp_path / name
    noise = np.random.default_rng(0)  # the same in all channels, and a little of their own
    signal = 0.1 * noise.standard_normal((sampling_rate * 9 + 7, 1))
    signal = signal + 0.02 * noise.standard_normal((len(signal), n_channels))
    soundfile.write(file, signal, sampling_rate, subtype=subtype)
    recording = Recording(file)
    blocks = list(recording.blocks())
    assert len(blocks) > 1
    np.testing.assert_array_equal(joined(blocks), read_audio(file)[0])
    assert recording.notes() == []
    np.testing.assert_array_equal(joined(recording.blocks()), joined(blocks))  # a second time, too


@pytest.mark.parametrize("sampling_rate", [8000, 22050, 44100, 192000])
def test_resampled_in_blocks_as_at_once(tmp_path, sampling_rate):
    file = tmp_path / "noise.wav"
    signal = 0.1 * np.random.default_rng(0).standard_normal(sampling_rate * 9)
    soundfile.write(file, signal, sampling_rate, subtype="FLOAT")
    once = resample(read_audio(file)[0], sampling_rate, 16000)
    found = joined(at_rate(Recording(file), 16000))
    assert len(found) == len(once) == 9 * 16000
    np.testing.assert_allclose(found[50:-50], once[50:-50], atol=1e-5)
    np.testing.assert_allclose(found, once, atol=1e-3)  # the offset is known from the first block alone


def test_an_offset_leaves_no_step_at_the_ends_of_a_stream(tmp_path):
    file = tmp_path / "constant.wav"
    soundfile.write(file, np.full(44100 * 9, 0.25), 44100, subtype="FLOAT")
    assert np.ptp(joined(at_rate(Recording(file), 16000))) == 0


def test_own_rate_is_left_alone(tmp_path):
    file = tmp_path / "noise.wav"
    soundfile.write(file, 0.1 * np.random.default_rng(0).standard_normal(9000), 16000, subtype="FLOAT")
    np.testing.assert_array_equal(joined(at_rate(Recording(file), 16000)), read_audio(file)[0])


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.wav", b"", "empty"),
        ("a.wav", b"These are notes of an interview.\n" * 40, "not audio"),
        ("a.wav", b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom" + bytes(500), "MP4"),
        ("a.raw", bytes(4000), "not audio"),
    ],
)
def test_what_is_no_recording(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(AudioError, match=message):
        Recording(tmp_path / name)


def test_a_folder_and_a_missing_file(tmp_path):
    with pytest.raises(AudioError, match="not a file"):
        Recording(tmp_path)
    with pytest.raises(AudioError, match="no such file"):
        Recording(tmp_path / "missing.wav")


def test_a_header_alone(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.empty(0), 16000)
    with pytest.raises(AudioError, match="no samples"):
        Recording(tmp_path / "a.wav")


def test_a_rate_that_cannot_be(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.zeros(100), 4)
    with pytest.raises(AudioError, match="rate is 4 Hz"):
        Recording(tmp_path / "a.wav")


def test_a_file_that_vanishes_before_it_is_read(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.zeros(100), 16000)
    recording = Recording(tmp_path / "a.wav")
    (tmp_path / "a.wav").unlink()
    with pytest.raises(AudioError, match="not audio"):
        list(recording.blocks())


def test_a_file_that_breaks_off_and_does_not_know_its_length(tmp_path):
    content = without_flac_length(encoded(noise(9.0), kind="flac"))
    recording = Recording(saved(tmp_path, content[: len(content) // 2]))
    assert 4 < len(joined(recording.blocks())) / 16000 == recording.seconds_read < 5
    assert recording.notes()[0].startswith("breaks off after 4.")


def test_recordings_one_after_another_are_told(tmp_path):
    recording = Recording(saved(tmp_path, encoded(noise(1.0), kind="ogg") * 2))
    assert (len(joined(recording.blocks())), recording.duration_s) == (32000, 2.0)
    assert recording.notes() == ["2 recordings follow one another in the file; all were used"]


@pytest.mark.parametrize("name", ["a.wav", "a.flac"])
def test_what_a_cut_file_holds_is_given_and_the_cut_told(tmp_path, name):
    file = tmp_path / name
    signal = 0.1 * np.random.default_rng(0).standard_normal(160000)
    soundfile.write(file, signal, 16000)
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) * 6 // 10])
    recording = Recording(file)
    found = joined(recording.blocks())
    assert 0.35 * 160000 < len(found) < 0.7 * 160000
    np.testing.assert_allclose(found, signal[: len(found)], atol=1e-4)
    (note,) = recording.notes()
    assert "cut short" in note
    assert "of 10.00 s" in note
    assert recording.seconds_read == len(found) / 16000


def test_samples_that_are_no_numbers_are_silence_and_told(tmp_path):
    signal = np.full(160000, 0.25, np.float32)
    signal[70000:70010] = np.nan
    signal[150000] = -np.inf
    soundfile.write(tmp_path / "a.wav", signal, 16000, subtype="FLOAT")
    recording = Recording(tmp_path / "a.wav")
    found = joined(recording.blocks())
    np.testing.assert_array_equal(found, np.where(np.isfinite(signal), signal, 0))
    assert recording.gaps == [(70000 / 16000, 70010 / 16000), (150000 / 16000, 150001 / 16000)]
    assert "between 4.38 and 9.38 s" in recording.notes()[0]


def test_samples_of_channels_that_do_not_count_may_be_anything(tmp_path):
    voice = 0.1 * np.random.default_rng(0).standard_normal(160000)
    soundfile.write(tmp_path / "a.wav", np.stack([voice, np.full(160000, np.nan)], axis=1), 16000, subtype="FLOAT")
    recording = Recording(tmp_path / "a.wav")
    np.testing.assert_array_equal(joined(recording.blocks()), np.float32(voice))
    assert recording.gaps == []
    assert recording.notes() == ["channel 2 of 2 is silent and was left out"]


def test_gaps_that_touch_are_one(tmp_path):
    signal = np.full(40 * 16000, np.nan, np.float32)
    signal[:100] = signal[600_000:600_100] = 0.25
    soundfile.write(tmp_path / "a.wav", signal, 16000, subtype="FLOAT")
    recording = Recording(tmp_path / "a.wav")
    for _ in range(2):  # a second reading begins anew
        assert len(joined(recording.blocks())) == len(signal)
        assert recording.gaps == [(100 / 16000, 40.0)]
    signal[200_000:] = 0.25
    soundfile.write(tmp_path / "b.wav", signal, 16000, subtype="FLOAT")
    recording = Recording(tmp_path / "b.wav")
    joined(recording.blocks())
    assert recording.gaps == [(100 / 16000, 12.5)]


def test_a_dead_channel_is_told(tmp_path):
    voice = 0.1 * np.random.default_rng(0).standard_normal(16000)
    soundfile.write(tmp_path / "a.wav", np.stack([voice, 0 * voice], axis=1), 16000)
    recording = Recording(tmp_path / "a.wav")
    list(recording.blocks())
    assert recording.notes() == ["channel 2 of 2 is silent and was left out"]


def test_many_channels_do_not_make_large_blocks(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.zeros((20000, 1000), np.int16), 16000)
    assert max(len(block) for block in Recording(tmp_path / "a.wav").blocks()) * 1000 <= 1 << 22


class Trickle(io.RawIOBase):
    """Gives a few bytes at a time, as a slow pipe does."""

    def __init__(self, content, seed):
        self._content, self._rng = content, np.random.default_rng(seed)

    def read1(self, n):
        n = min(n, int(self._rng.integers(1, 7)))
        part, self._content = self._content[:n], self._content[n:]
        return part


@pytest.mark.parametrize("seed", range(3))
def test_a_stream_in_odd_parts(seed):
    samples = np.random.default_rng(seed).integers(-32768, 32768, 501)
    pcm = PulseCode(Trickle(struct.pack("<501h", *samples), seed), 16000)
    np.testing.assert_array_equal(joined(pcm.blocks()), samples / 32768)
    assert pcm.notes() == []


def test_a_stream_has_the_samples_of_a_file(tmp_path):
    samples = np.random.default_rng(0).integers(-32768, 32768, 9000).astype(np.int16)
    soundfile.write(tmp_path / "a.wav", samples, 16000)
    pcm = PulseCode(io.BytesIO(samples.tobytes()), 16000)
    np.testing.assert_array_equal(joined(pcm.blocks()), joined(Recording(tmp_path / "a.wav").blocks()))


@pytest.mark.parametrize("content", [b"", b"x", b"xyz"])
def test_odd_ends_of_a_stream(content):
    pcm = PulseCode(io.BytesIO(content), 16000)
    assert len(joined(pcm.blocks())) == len(content) // 2
    assert pcm.notes() == (["the last byte is half a sample and was left out"] if len(content) % 2 else [])


@pytest.mark.parametrize("sampling_rate", [-1, 0, 10**7])
def test_a_stream_with_a_rate_that_cannot_be(sampling_rate):
    with pytest.raises(ConfigError, match="sampling_rate is"):
        PulseCode(io.BytesIO(), sampling_rate)
