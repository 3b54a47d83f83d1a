import numpy as np
import pytest

from affectmap.egemaps.split_radix import SplitRadix

LENGTHS = [64, 128, 256, 512, 1024, 2048, 8192]


@pytest.mark.parametrize("length", LENGTHS)
def test_is_a_fourier_transform(length):
    signals = np.random.default_rng(length).standard_normal((length, 3)).astype(np.float32)
    cosines, sines = SplitRadix(length).transform(signals)
    expected = np.fft.rfft(signals.astype(np.float64), axis=0)
    np.testing.assert_allclose(cosines, expected.real, atol=1e-6 * length**0.5)
    np.testing.assert_allclose(sines, -expected.imag, atol=1e-6 * length**0.5)


def test_frames_do_not_depend_on_each_other():
    signals = np.random.default_rng(0).standard_normal((512, 5)).astype(np.float32)
    together = np.stack(SplitRadix(512).transform(signals))
    alone = np.stack(SplitRadix(512).transform(signals[:, 2:3]))
    np.testing.assert_array_equal(together[:, :, 2:3], alone)
