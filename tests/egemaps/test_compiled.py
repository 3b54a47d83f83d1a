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


def assert_equal_contours(found: Contours, expected: Contours) -> None:
    assert found.n_decided == expected.n_decided
    assert found.mean_square == pytest.approx(expected.mean_square, rel=1e-12)
    np.testing.assert_array_equal(found.voice[:, 0] > 0, expected.voice[:, 0] > 0)
    for group in ("spectral", "voice"):
        for column, (ours, theirs) in enumerate(zip(getattr(found, group).T, getattr(expected, group).T, strict=True)):
            scale = np.abs(theirs).max(initial=0)
            np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-7 * scale, err_msg=f"{group} {column}")


@pytest.mark.parametrize("build", compiled.builds())
@pytest.mark.parametrize("name", SIGNALS)
def test_contours_are_those_of_numpy(name, build):
    signal, rate = SIGNALS[name]
    grid = FrameGrid.at(rate)
    expected = contours_of(signal, rate, plain_kernels(grid))
    found = contours_of(signal, rate, compiled.load(grid, build))
    assert_equal_contours(found, expected)


@pytest.mark.parametrize("build", compiled.builds())
@pytest.mark.parametrize("name", SIGNALS)
def test_functionals_are_those_of_numpy(name, build):
    signal, rate = SIGNALS[name]
    grid = FrameGrid.at(rate)
    contours = contours_of(signal, rate, compiled.load(grid, build))
    arguments = contours.spectral, contours.voice, contours.n_decided, contours.mean_square
    expected = plain_kernels(grid).summarise(*arguments)
    np.testing.assert_allclose(compiled.load(grid, build).summarise(*arguments), expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("seed", range(24))
def test_any_signal_in_blocks_of_any_length(seed):
    rng = np.random.default_rng(seed)
    rate = int(rng.choice([2000, 8000, 11025, 16000, 44100]))
    grid = FrameGrid.at(rate)
    n_samples = int(rng.choice([grid.long - 1, grid.long, grid.long + 2 * grid.step, rate // 5])) + int(rng.integers(3))
    time = np.arange(n_samples) / rate
    signals = [
        np.full(n_samples, rng.uniform(-2, 2)),
        rng.standard_normal(n_samples) * 10 ** rng.uniform(-6, 30),
        np.sign(np.sin(2 * np.pi * rng.uniform(50, 500) * time)),
        np.sin(2 * np.pi * rng.uniform(20, 1200) * time) + 1e-3 * rng.standard_normal(n_samples),
        np.where(rng.random(n_samples) < 0.01, 1e300, 0),
        (np.arange(n_samples) % 2 * 2.0 - 1),
    ]
    signal = signals[seed % len(signals)]
    expected = contours_of(signal, rate, plain_kernels(grid))
    found = contours_of(signal, rate, compiled.load(grid), block=int(rng.integers(1, n_samples)))
    assert_equal_contours(found, expected)
    assert np.isfinite(found.voice).all()
    assert np.isfinite(found.spectral).all()


def test_a_file_of_another_version_is_left_alone(monkeypatch):
    monkeypatch.setattr(compiled, "VERSION", -1)
    assert compiled._library.__wrapped__() is None


class TestSummary:
    """Contours at random, with what speech seldom has: plateaus, zeros, few frames, none decided."""

    @pytest.mark.parametrize("seed", range(40))
    def test_of_any_contours(self, seed):
        rng = np.random.default_rng(seed)
        n_long = int(rng.integers(1, 12 if seed % 2 else 400))
        n_short = n_long + 4
        steps = float(rng.choice([1, 3, 1000]))
        spectral = np.round(rng.standard_normal((n_short, 10)).cumsum(axis=0) * steps) / steps
        voice = np.round(np.abs(rng.standard_normal((n_long, 15)).cumsum(axis=0)) * steps) / steps
        voice[rng.random(n_long) < 0.4] = 0
        n_decided = int(rng.integers(0, n_long + 1))
        grid = FrameGrid.at(16000)
        arguments = spectral, voice, n_decided, float(rng.random())
        expected = plain_kernels(grid).summarise(*arguments)
        found = compiled.load(grid).summarise(*arguments)
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)
