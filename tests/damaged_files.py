"""Recordings as programs leave them: joined, cut, and with sizes that say nothing."""

import io
import struct
from pathlib import Path

import numpy as np
import soundfile

#: Formats that can be joined byte after byte: file format and subtype.
FORMATS = {
    "ogg": ("OGG", "VORBIS"),
    "opus": ("OGG", "OPUS"),
    "flac": ("FLAC", "PCM_16"),
    "mp3": ("MP3", "MPEG_LAYER_III"),
    "wav": ("WAV", "PCM_16"),
    "wavex": ("WAVEX", "PCM_24"),
    "rf64": ("RF64", "PCM_16"),
    "w64": ("W64", "PCM_16"),
    "aiff": ("AIFF", "PCM_16"),
    "au": ("AU", "PCM_16"),
    "caf": ("CAF", "PCM_16"),
}


def encoded(signal, sampling_rate=16000, kind="wav", **options):
    """The bytes of a file."""
    file, (format, subtype) = io.BytesIO(), FORMATS[kind]
    soundfile.write(file, signal, sampling_rate, **{"format": format, "subtype": subtype, **options})
    return file.getvalue()


def decoded(content):
    """What libsndfile makes of the bytes of one sound file, (n_samples, n_channels)."""
    return soundfile.read(io.BytesIO(content), dtype="float32", always_2d=True)[0]


def with_field(content, mark, offset, value, code):
    """Bytes with another number at an offset from where a mark first stands."""
    changed, place = bytearray(content), content.index(mark) + offset
    changed[place : place + struct.calcsize(code)] = struct.pack(code, value)
    return bytes(changed)


def with_wav_size(content, size):
    return with_field(content, b"data", 4, size, "<I")


def without_flac_length(content):
    changed = bytearray(content)
    changed[21] &= 0xF0
    changed[22:26] = bytes(4)
    return bytes(changed)


def saved(folder: Path, content: bytes, name: str = "a.bin") -> Path:
    (folder / name).write_bytes(content)
    return folder / name


def noise(seconds=1.0, sampling_rate=16000, n_channels=1, seed=0):
    shape = (round(seconds * sampling_rate), n_channels)
    return np.random.default_rng(seed).uniform(-0.3, 0.3, shape)
