import struct
import tracemalloc
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
import soxr

from affectmap.audio.reading import (
    MIN_DURATION_S,
    OVERLOAD_PEAK,
    SILENCE_PEAK,
    check_signal,
    read_audio,
    resample,
)
from affectmap.errors import AudioError

LOSSLESS = {"a.wav": "PCM_16", "b.flac": "PCM_16", "c.aiff": "PCM_16", "d.wav": "FLOAT", "e.au": "PCM_24"}


def cut(file: Path, share: float) -> Path:
    data = file.read_bytes()
    file.write_bytes(data[: int(len(data) * share)])
    return file


def set_wav_size(file: Path, size: int) -> Path:
    data = bytearray(file.read_bytes())
    place = data.index(b"data") + 4
    data[place : place + 4] = struct.pack("<I", size)
    file.write_bytes(data)
    return file


@pytest.mark.parametrize("name", LOSSLESS)
@pytest.mark.parametrize("sampling_rate", [8000, 16000, 44100, 48000])
def test_lossless_formats_are_read_as_written(tmp_path, voice, name, sampling_rate):
    written = voice(sampling_rate=sampling_rate)
    soundfile.write(tmp_path / name, written, sampling_rate, subtype=LOSSLESS[name])
    signal, rate = read_audio(tmp_path / name)
    assert rate == sampling_rate
    assert signal.dtype == np.float32
    np.testing.assert_allclose(signal, written, atol=1 / 32768)


@pytest.mark.parametrize("name", ["a.ogg", "b.mp3"])
@pytest.mark.parametrize("seconds", [0.2, 0.77])
def test_lossy_formats_keep_their_length(write_voice, voice, name, seconds):
    signal, rate = read_audio(write_voice(name, seconds=seconds))
    assert len(signal) == round(seconds * rate)
    assert np.corrcoef(signal, voice(seconds=seconds))[0, 1] > 0.9


def alike(n_samples, n_channels, seed):
    """Channels of one sound, each with some noise of its own."""
    noise = np.random.default_rng(seed)
    return noise.uniform(-0.4, 0.4, (n_samples, 1)) + noise.uniform(-0.1, 0.1, (n_samples, n_channels))


def test_channels_that_are_alike_are_mixed_down_by_their_mean(tmp_path):
    channels = alike(1000, 3, 1)
    soundfile.write(tmp_path / "three.wav", channels, 16000, subtype="FLOAT")
    signal, _ = read_audio(tmp_path / "three.wav")
    np.testing.assert_allclose(signal, channels.mean(axis=1), atol=1e-7)


def test_long_recordings_are_read_in_blocks(tmp_path, monkeypatch):
    monkeypatch.setattr("affectmap.audio.decoding.BLOCK_VALUES", 100)
    channels = alike(1234, 2, 2)
    soundfile.write(tmp_path / "long.wav", channels, 8000, subtype="FLOAT")
    np.testing.assert_allclose(read_audio(tmp_path / "long.wav")[0], channels.mean(axis=1), atol=1e-7)


@pytest.mark.parametrize(
    ("start", "end", "first", "last"),
    [
        (None, None, 0, 16000),
        (0.25, 0.5, 4000, 8000),
        (0.25, None, 4000, 16000),
        (None, 0.5, 0, 8000),
        (pd.Timedelta("250ms"), pd.Timedelta("500ms"), 4000, 8000),
        (pd.Timedelta(0), pd.NaT, 0, 16000),
        (float("nan"), float("nan"), 0, 16000),
        (0.5, 1.009, 8000, 16000),
    ],
)
@pytest.mark.parametrize("name", ["ramp.wav", "ramp.flac"])
def test_segments(tmp_path, name, start, end, first, last):
    ramp = np.arange(16000) / 32768
    soundfile.write(tmp_path / name, ramp, 16000)
    np.testing.assert_array_equal(read_audio(tmp_path / name, start, end)[0], ramp[first:last].astype("f4"))


@pytest.mark.parametrize(("start", "end"), [(1.0, None), (0.9, 1.02), (-0.1, 0.5), (0.5, 0.5), (0.6, 0.5), (5, 6)])
def test_segments_outside_of_the_file_are_refused(write_voice, start, end):
    file = write_voice("second.wav", seconds=1.0)
    with pytest.raises(AudioError, match=r"second\.wav: segment .* lies outside of its 1\.000 s or is empty"):
        read_audio(file, start, end)


def test_missing_file(tmp_path):
    with pytest.raises(AudioError, match=r"gone\.wav: there is no such file"):
        read_audio(tmp_path / "gone.wav")


def test_a_folder_is_not_a_recording(tmp_path):
    with pytest.raises(AudioError, match="not a file"):
        read_audio(tmp_path)


def test_empty_file(tmp_path):
    (tmp_path / "empty.wav").touch()
    with pytest.raises(AudioError, match=r"empty\.wav: empty \(0 bytes\)"):
        read_audio(tmp_path / "empty.wav")


def test_an_error_of_the_disk_is_told(write_voice, monkeypatch):
    def fail(*arguments, **options):
        raise OSError(5, "Input/output error")

    file = write_voice("a.wav")
    monkeypatch.setattr(Path, "open", fail)
    with pytest.raises(AudioError, match=r"a\.wav: cannot be opened \(Input/output error\)"):
        read_audio(file)


def test_a_header_alone_is_broken(write_voice):
    file = write_voice("head.wav")
    file.write_bytes(file.read_bytes()[:36])
    with pytest.raises(AudioError, match=r"head\.wav: broken, or not audio \(.*data.*\); restore"):
        read_audio(file)


@pytest.mark.parametrize("name", ["notes.wav", "notes.flac", "notes.raw", "notes"])
def test_text_is_not_audio(tmp_path, name):
    (tmp_path / name).write_text("dear diary " * 50)
    with pytest.raises(AudioError, match="broken, or not audio"):
        read_audio(tmp_path / name)


def test_zeros_after_a_riff_header_are_not_searched_to_the_end(tmp_path):
    (tmp_path / "zeros.wav").write_bytes(b"RIFF\x00\x00\x00\x00WAVE" + bytes(100_000))
    with pytest.raises(AudioError, match="broken, or not audio"):
        read_audio(tmp_path / "zeros.wav")


def test_no_samples(tmp_path):
    soundfile.write(tmp_path / "none.wav", np.empty(0), 16000)
    with pytest.raises(AudioError, match="holds no samples"):
        read_audio(tmp_path / "none.wav")


@pytest.mark.parametrize("share", [0.97, 0.6, 0.1])
@pytest.mark.parametrize("kind", ["WAV", "WAVEX", "RF64", "AIFF", "RIFX"])
def test_cut_pcm_is_refused(tmp_path, voice, kind, share):
    options = {"format": "WAV", "endian": "BIG"} if kind == "RIFX" else {"format": kind}
    soundfile.write(tmp_path / "a.bin", voice(1.0), 16000, subtype="PCM_16", **options)
    assert len(read_audio(tmp_path / "a.bin")[0]) == 16000
    with pytest.raises(AudioError, match=r"cut short, it holds 0\.\d\d s of (1\.00|0\.99|0\.98) s"):
        read_audio(cut(tmp_path / "a.bin", share))


@pytest.mark.parametrize("share", [0.97, 0.6, 0.3])
@pytest.mark.parametrize("name", ["a.flac", "a.ogg", "a.mp3"])
def test_cut_compressed_recordings_are_refused(write_voice, name, share):
    with pytest.raises(AudioError, match=r"cut short, it holds|cut short within"):
        read_audio(cut(write_voice(name, seconds=2.0), share))


def test_a_few_missing_samples_are_tolerated(write_voice):
    file = write_voice("short.wav", seconds=1.0)
    file.write_bytes(file.read_bytes()[:-200])
    assert len(read_audio(file)[0]) == 15900


@pytest.mark.parametrize("size", [0xFFFFFFFF, 0x7FFFFFFF, 0x7FFFF000, 0x80000000])
def test_headers_of_streams_promise_nothing(write_voice, size):
    assert len(read_audio(set_wav_size(write_voice("stream.wav", seconds=1.0), size))[0]) == 16000


def test_a_header_that_was_never_completed_is_no_matter(write_voice):
    whole = read_audio(write_voice("whole.wav", seconds=1.0))[0]
    np.testing.assert_array_equal(read_audio(set_wav_size(write_voice("torn.wav", seconds=1.0), 0))[0], whole)


def test_chunks_after_the_sound_do_not_matter(write_voice):
    file = write_voice("tagged.wav", seconds=1.0)
    file.write_bytes(file.read_bytes() + b"LIST" + struct.pack("<I", 4) + b"INFO")
    assert len(read_audio(file)[0]) == 16000


def test_segments_of_formats_that_cannot_seek(tmp_path, voice):
    soundfile.write(tmp_path / "phone.wav", voice(1.0, 8000), 8000, subtype="GSM610")
    whole = read_audio(tmp_path / "phone.wav")[0]
    assert len(whole) >= 8000
    np.testing.assert_array_equal(read_audio(tmp_path / "phone.wav", start=0.5)[0], whole[4000:])


def test_a_voice_passes_the_check(voice):
    check_signal(voice().astype(np.float32), 16000, "voice.wav")


@pytest.mark.parametrize("sampling_rate", [8000, 11025, 16000, 22050, 44100])
def test_the_shortest_signal(voice, sampling_rate):
    enough = int(np.ceil(MIN_DURATION_S * sampling_rate))
    signal = voice(1.0, sampling_rate).astype(np.float32)
    check_signal(signal[:enough], sampling_rate, "a.wav")
    with pytest.raises(AudioError, match=r"a\.wav: lasts 0\.0\d+ s, expected at least 0\.06 s"):
        check_signal(signal[: enough - 1], sampling_rate, "a.wav")
    with pytest.raises(AudioError, match=r"lasts 0 s"):
        check_signal(signal[:0], sampling_rate, "a.wav")


@pytest.mark.parametrize("strange", [np.nan, np.inf, -np.inf])
def test_samples_that_are_not_finite(voice, strange):
    signal = voice().astype(np.float32)
    signal[[5, 77]] = strange
    with pytest.raises(AudioError, match="2 of 6400 samples are NaN or infinity"):
        check_signal(signal, 16000, "a.wav")


def test_opposite_infinities(voice):
    signal = voice().astype(np.float32)
    signal[:2] = np.inf, -np.inf
    with pytest.raises(AudioError, match="2 of 6400 samples"):
        check_signal(signal, 16000, "a.wav")


def test_silence(voice):
    with pytest.raises(AudioError, match="silent, its peak of 0 is below"):
        check_signal(np.zeros(8000, np.float32), 16000, "a.wav")
    loud = (voice() / np.abs(voice()).max()).astype(np.float32)
    check_signal(loud * SILENCE_PEAK * 1.01, 16000, "a.wav")
    with pytest.raises(AudioError, match="silent"):
        check_signal(loud * SILENCE_PEAK * 0.99, 16000, "a.wav")


def test_a_constant_is_no_sound():
    hum = np.full(8000, -0.3, np.float32)
    with pytest.raises(AudioError, match=r"silent, its peak of 0 without its offset of -0\.3 is below"):
        check_signal(hum, 16000, "a.wav")
    hum[::2] += 0.0005
    with pytest.raises(AudioError, match=r"silent, its peak of 0\.00025 without its offset"):
        check_signal(hum, 16000, "a.wav")


def test_samples_that_are_not_scaled(voice):
    check_signal((voice() * 2 * OVERLOAD_PEAK * 0.99).astype(np.float32), 16000, "a.wav")
    with pytest.raises(AudioError, match=r"peaks at 1\.6\d?e\+04, expected -1\.\.1"):
        check_signal((voice() * 32768).astype(np.float32), 16000, "a.wav")


def test_resampling(voice):
    signal = voice(1.0, 44100).astype(np.float32)
    lower = resample(signal, 44100, 16000)
    assert lower.dtype == np.float32
    np.testing.assert_allclose(lower, soxr.resample(signal, 44100, 16000), atol=1e-4)
    assert len(lower) == 16000
    assert resample(signal, 44100, 44100) is signal


def test_resampling_an_offset_leaves_no_step_at_the_ends(voice):
    assert np.ptp(resample(np.full(44100, 0.3, np.float32), 44100, 16000)) == 0
    signal = voice(1.0, 44100).astype(np.float32)
    moved = resample(signal + np.float32(0.3), 44100, 16000)
    np.testing.assert_allclose(moved - np.float32(0.3), resample(signal, 44100, 16000), atol=1e-6)


def test_resampling_keeps_a_tone():
    tone = np.sin(2 * np.pi * 440 * np.arange(48000) / 48000).astype(np.float32)
    expected = np.sin(2 * np.pi * 440 * np.arange(16000) / 16000)
    np.testing.assert_allclose(resample(tone, 48000, 16000)[500:-500], expected[500:-500], atol=1e-3)


@pytest.mark.parametrize("make", [lambda f: f, lambda f: cut(f, 0.5), lambda f: set_wav_size(f, 10**6)])
def test_errors_are_one_line_and_name_the_file_first(write_voice, make):
    file = make(write_voice("a.wav"))
    with pytest.raises(AudioError) as caught:
        read_audio(file, start=9)
    assert str(caught.value).startswith(f"{file}: ")
    assert "\n" not in str(caught.value)


def test_a_long_file_may_be_read_in_segments_unless_a_limit_is_set(tmp_path):
    file = tmp_path / "session.wav"
    soundfile.write(file, np.full(12 * 16000, 0.5), 16000)
    assert len(read_audio(file, 3, 4, longest_s=12)[0]) == 16000
    assert len(read_audio(file, 3, 4)[0]) == 16000
    with pytest.raises(AudioError, match=r"session\.wav: lasts 12 s, expected up to 10 s at once; use affectmap track"):
        read_audio(file, 3, 4, longest_s=10)


def test_many_channels_are_never_in_memory_together(tmp_path):
    soundfile.write(tmp_path / "wide.wav", np.full((20_000, 1000), 0.5, np.float32), 16000, subtype="PCM_U8")
    tracemalloc.start()
    signal, _ = read_audio(tmp_path / "wide.wav")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(signal) == 20_000
    assert peak < 60e6  # all of them are 80 MB
