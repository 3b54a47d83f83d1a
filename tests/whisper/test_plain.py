"""The parts of a layer against formulas."""

import math

import numpy as np

from affectmap.whisper.plain import gelu, normalised


def test_gelu_is_exact():
    x = np.linspace(-12, 12, 20001).astype(np.float32)
    expected = np.array([value * 0.5 * math.erfc(-value / math.sqrt(2)) for value in x.astype(float)])
    assert (np.abs(gelu(x) - expected) <= 2e-7 * np.maximum(1, np.abs(x))).all()


def test_normalisation():
    frames = np.random.default_rng(0).normal(3, 2, (5, 40)).astype(np.float32)
    gain, offset = np.full(40, 2, np.float32), np.full(40, 1, np.float32)
    found = normalised(frames, gain, offset)
    np.testing.assert_allclose(found.mean(axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(found.std(axis=1), 2, rtol=1e-5)
    assert np.isfinite(normalised(np.ones((2, 40), np.float32), gain, offset)).all()
