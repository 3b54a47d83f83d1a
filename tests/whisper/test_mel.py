"""The spectrogram is that of transformers' feature extractor."""

import numpy as np
import pytest

from affectmap.whisper.mel import log_mel, mel_filters


def their_extractor(**options):
    """Make transformers' extractor; transformers is imported late, for its import alone takes seconds."""
    from transformers import WhisperFeatureExtractor

    return WhisperFeatureExtractor(**options)


@pytest.mark.parametrize("n_bands", [8, 80, 128])
def test_filters(n_bands):
    expected = their_extractor(feature_size=n_bands).mel_filters
    np.testing.assert_allclose(mel_filters(n_bands), expected, atol=1e-7)


@pytest.mark.parametrize("scale", [1.0, 1e-4, 0.0])
def test_thirty_seconds(voice, scale):
    signal = scale * np.pad(voice(seconds=2.0), (0, 28 * 16000)).astype(np.float32)
    expected = their_extractor()(signal, sampling_rate=16000)["input_features"][0].T
    np.testing.assert_allclose(log_mel(signal), expected, atol=1e-4)


def test_powers_below_the_floor_count_as_the_floor():
    np.testing.assert_allclose(log_mel(np.zeros(1600, np.float32)), (-10 + 4) / 4, rtol=1e-6)


def test_eighty_decibels_are_kept(voice):
    signal = np.pad(voice(seconds=1.0), (0, 16000)).astype(np.float32)
    values = log_mel(signal)
    assert values.min() == pytest.approx(values.max() - 2)
