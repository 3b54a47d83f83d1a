"""The compiled kernels give what those of NumPy give."""

import numpy as np
import pytest

from affectmap.egemaps import compiled
from affectmap.egemaps.contours import ContourReader, Contours, finish_together
from affectmap.egemaps.framing import FrameGrid
from affectmap.egemaps.plain import plain_kernels
from egemaps.signals import all_signals

pytestmark = pytest.mark.skipif(not compiled.builds(), reason="nothing is compiled (python setup.py build_ext -i)")
SIGNALS = all_signals()


def contours_of(signal: np.ndarray, rate: int, kernels, block: int = 80000) -> Contours:
    reader = ContourReader(rate, unvoiced_formants=True, kernels=kernels)
    for first in range(0, len(signal), block):
        reader.add(signal[first : first + block])
    return finish_together([reader])[0]


@pytest.mark.parametrize("build", compiled.builds())
@pytest.mark.parametrize("name", SIGNALS)
def test_contours_are_those_of_numpy(name, build):
    signal, rate = SIGNALS[name]
    grid = FrameGrid.at(rate)
    expected = contours_of(signal, rate, plain_kernels(grid))
    found = contours_of(signal, rate, compiled.load(grid, build))
    assert found.n_decided == expected.n_decided
    assert found.mean_square == pytest.approx(expected.mean_square, rel=1e-12)
    np.testing.assert_array_equal(found.voice[:, 0] > 0, expected.voice[:, 0] > 0)
    for group in ("spectral", "voice"):
        for column, (ours, theirs) in enumerate(zip(getattr(found, group).T, getattr(expected, group).T, strict=True)):
            scale = np.abs(theirs).max()
            np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-7 * scale, err_msg=f"{group} {column}")
