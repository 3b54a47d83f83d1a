import numpy as np
import pytest

from affectmap.egemaps.framing import FrameGrid, quantise
from affectmap.egemaps.spectra import long_plan, magnitudes, power, short_plan


@pytest.mark.parametrize(
    ("rate", "expected"),
    [(8000, (80, 160, 480)), (11025, (110, 221, 662)), (22050, (221, 441, 1323)), (48000, (480, 960, 2880))],
)
def test_lengths_are_rounded_half_up(rate, expected):
    grid = FrameGrid.at(rate)
    assert (grid.step, grid.short, grid.long) == expected


def test_only_complete_frames_count():
    grid = FrameGrid.at(16000)
    assert [grid.n_frames(n, 320) for n in (0, 319, 320, 479, 480)] == [0, 0, 1, 1, 2]


def test_frames_start_a_step_apart():
    samples = np.arange(2000, dtype=np.float32)
    frames = FrameGrid.at(16000).frames(samples, 320, 11)
    assert frames.shape == (11, 320)
    np.testing.assert_array_equal(frames[:, 0], 160 * np.arange(11))
    np.testing.assert_array_equal(frames[-1], samples[1600:1920])


def test_quantisation_truncates_toward_zero_and_clips():
    steps = quantise(np.array([1.9, -1.9, 0.9, 40000.0, -40000.0]) / 32768) * 32767
    np.testing.assert_allclose(steps, [1, -1, 0, 32767, -32768])
    assert steps.dtype == np.float32


@pytest.mark.parametrize("plan_of", [short_plan, long_plan])
@pytest.mark.parametrize("rate", [11025, 16000])
def test_spectra_are_plain_sums(plan_of, rate):
    plan = plan_of(FrameGrid.at(rate))
    n_samples = len(plan.window)
    frames = np.random.default_rng(0).standard_normal((3, n_samples)).astype(np.float32)
    places = plan.delay + np.arange(n_samples)
    waves = np.exp(-2j * np.pi * np.outer(places, np.arange(plan.n_bins)) / plan.n_fft)
    expected = (frames * plan.window) @ waves
    spectrum = plan.transform(frames)
    np.testing.assert_allclose(spectrum, expected, atol=1e-4)
    np.testing.assert_allclose(magnitudes(spectrum), np.abs(expected), atol=1e-4)
    np.testing.assert_allclose(power(spectrum), np.abs(expected) ** 2, rtol=1e-4, atol=1e-3)


def test_windows_are_symmetric_and_a_peak_lies_at_its_frequency():
    grid = FrameGrid.at(16000)
    for plan in (short_plan(grid), long_plan(grid)):
        np.testing.assert_allclose(plan.window, plan.window[::-1], atol=1e-6)
        tone = np.sin(2 * np.pi * 1000 * np.arange(len(plan.window)) / 16000).astype(np.float32)
        peak = magnitudes(plan.transform(tone[None])).argmax()
        assert plan.frequencies[peak] == pytest.approx(1000, abs=plan.bin_hz / 2)
