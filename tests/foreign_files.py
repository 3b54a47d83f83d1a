"""Recordings in formats that libsndfile cannot read, made by PyAV; tests that need them are skipped without it."""

import io
from fractions import Fraction

import numpy as np
import pytest

RATE = 16000
#: Container, codec and rate that PyAV writes, what the file is called, and how much longer it may get.
KINDS = {
    "m4a": ("ipod", "aac", 16000, "AAC in MP4", 0.15),
    "mp4": ("mp4", "aac", 16000, "AAC in MP4", 0.15),
    "mov": ("mov", "pcm_s16le", 16000, "PCM in QuickTime", 0),
    "3gp": ("3gp", "libopencore_amrnb", 8000, "AMR in 3GP", 0.05),
    "amr": ("amr", "libopencore_amrnb", 8000, "AMR", 0.05),
    "aac": ("adts", "aac", 16000, "AAC", 0.15),
    "webm": ("webm", "libopus", 48000, "Opus in WebM", 0.05),
    "mka": ("matroska", "pcm_s16le", 16000, "PCM in Matroska", 0.01),
    "wma": ("asf", "wmav2", 16000, "WMA", 0.15),
    "wav": ("wav", "wmav2", 16000, "WMA in WAV", 0.15),
}


def tone(seconds=2.0, rate=RATE):
    """Louder and louder, so that no part can be taken for another; shape (n_samples,)."""
    time = np.arange(round(seconds * rate)) / rate
    return 0.1 + 0 * time + (0.3 * time / seconds) * np.sin(2 * np.pi * 300 * time)


def made(suffix, seconds=2.0, n_channels=1):
    """The bytes of a file of a kind."""
    av = pytest.importorskip("av")
    container_name, codec, rate = {**KINDS, "oga": ("ogg", "flac", 16000)}[suffix][:3]
    target, layout = io.BytesIO(), "mono" if n_channels == 1 else "stereo"
    signal = np.round(np.tile(tone(seconds, rate), (n_channels, 1)) * 32767).astype(np.int16)
    with av.open(target, "w", format=container_name) as container:
        stream = container.add_stream(codec, rate=rate, layout=layout)
        if not codec.startswith(("pcm", "libopencore")):
            stream.bit_rate = 64_000
        if codec == "flac":
            stream.codec_context.format = "s16"
        frame = av.AudioFrame.from_ndarray(signal.T.reshape(1, -1).copy(), format="s16", layout=layout)
        frame.sample_rate, frame.pts, frame.time_base = rate, 0, Fraction(1, rate)
        resampler = av.AudioResampler(
            format="s16" if codec == "flac" else stream.codec_context.format,
            layout=layout,
            rate=rate,
            frame_size=stream.codec_context.frame_size or 1024,
        )
        for part in [*resampler.resample(frame), *resampler.resample(None), None]:
            container.mux(stream.encode(part))
    return target.getvalue()
