"""What is taken out of a signal before it is measured."""

import numpy as np

from affectmap.audio.cleaning import without_offset
from cases import each


@each("offset", [0.0, 1e-4, 0.3, -0.9])
def test_the_same_voice_remains_whatever_the_offset(voice, offset):
    signal = voice(1.0).astype(np.float32) * np.float32(0.1)
    moved = without_offset(signal + np.float32(offset))
    assert moved.dtype == np.float32
    assert abs(np.mean(moved, dtype=np.float64)) < 1e-7
    np.testing.assert_allclose(moved, without_offset(signal), atol=1e-7)


def test_a_long_recording_with_a_large_offset_keeps_its_last_bits():
    signal = np.resize(np.float32([0.9 - 2**-15, 0.9 + 2**-15]), 3_000_000)  # a mean in float32 would be off by more
    np.testing.assert_allclose(np.abs(without_offset(signal)), 2**-15, rtol=1e-2)


def test_the_given_signal_is_not_changed(voice):
    signal = voice().astype(np.float32) + np.float32(0.1)
    before = signal.copy()
    without_offset(signal)
    np.testing.assert_array_equal(signal, before)
