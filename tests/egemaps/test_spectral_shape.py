import numpy as np
import pytest

from affectmap.egemaps.framing import FrameGrid
from affectmap.egemaps.loudness import loudness, mel_bands, mel_cepstrum, mel_plan
from affectmap.egemaps.spectra import short_plan
from affectmap.egemaps.spectral_shape import (
    alpha_ratio,
    hammarberg_index,
    shape_plan,
    spectral_flux,
    spectral_slopes,
)

GRID = FrameGrid.at(16000)
PLAN = shape_plan(GRID)
FREQUENCIES = short_plan(GRID).frequencies
POWER = np.random.default_rng(3).uniform(0.1, 2, (5, 257)).astype(np.float32)


def test_alpha_ratio_by_plain_sums():
    for row, value in zip(POWER, alpha_ratio(POWER, PLAN), strict=True):
        low = sum(p for p, f in zip(row, FREQUENCIES, strict=True) if f < 1000)
        high = sum(p for p, f in zip(row, FREQUENCIES, strict=True) if 1000 <= f <= 5000)
        assert value == pytest.approx(10 * np.log10(high / low), abs=1e-4)


def test_hammarberg_index_by_plain_maxima():
    for row, value in zip(POWER, hammarberg_index(POWER, PLAN), strict=True):
        low = max(p for p, f in zip(row, FREQUENCIES, strict=True) if f < 2000)
        high = max(p for p, f in zip(row, FREQUENCIES, strict=True) if 2000 <= f <= 5000)
        assert value == pytest.approx(10 * np.log10(low / high), abs=1e-4)


def test_silence_has_no_balance():
    nothing = np.zeros((2, 257), np.float32)
    assert alpha_ratio(nothing, PLAN).tolist() == [0, 0]
    assert hammarberg_index(nothing, PLAN).tolist() == [0, 0]
    np.testing.assert_allclose(spectral_slopes(nothing + 1e-20, PLAN), spectral_slopes(nothing, PLAN))


def test_slopes_are_linear_and_follow_the_tilt():
    tilted = 10 ** (-0.02 * FREQUENCIES[None] / 10)
    steeper = 10 ** (-0.04 * FREQUENCIES[None] / 10)
    np.testing.assert_allclose(spectral_slopes(steeper, PLAN), 2 * spectral_slopes(tilted, PLAN), rtol=1e-6)
    # One bin too few is counted, so the slope is near the tilt but not the tilt.
    np.testing.assert_allclose(spectral_slopes(tilted, PLAN)[0], [-0.02, -0.02], rtol=0.25)


def test_flux_is_the_root_mean_square_change_below_5_khz():
    magnitudes = np.sqrt(POWER)
    flux = spectral_flux(magnitudes, PLAN, None)
    assert flux[0] == 0
    for t in range(1, 5):
        changes = [
            (a - b) ** 2 for a, b, f in zip(magnitudes[t], magnitudes[t - 1], FREQUENCIES, strict=True) if f < 5000
        ]
        assert flux[t] == pytest.approx(np.sqrt(np.mean(changes)), rel=1e-5)
    np.testing.assert_allclose(spectral_flux(magnitudes[2:], PLAN, magnitudes[1]), flux[2:])


class TestMelBands:
    def test_triangles_add_up_to_one_between_the_outer_centres(self):
        total = mel_plan(GRID).triangles.sum(axis=1)
        inside = (FREQUENCIES > 100) & (FREQUENCIES < 7000)
        np.testing.assert_allclose(total[inside], 1, atol=1e-5)
        assert total[0] == 0

    def test_a_louder_sound_is_louder_by_the_power_law(self):
        plan = mel_plan(GRID)
        quiet, loud = (loudness(mel_bands(factor * POWER, plan), plan) for factor in (1, 10))
        np.testing.assert_allclose(loud / quiet, 10**0.33, rtol=1e-5)

    def test_loudness_of_silence_is_positive(self):
        plan = mel_plan(GRID)
        assert 0 < loudness(np.zeros((1, 26)), plan)[0] < 1e-2

    def test_a_gain_does_not_change_the_cepstrum_above_0(self):
        plan = mel_plan(GRID)
        first, second = (mel_cepstrum(mel_bands(factor * POWER, plan), plan) for factor in (1, 10))
        np.testing.assert_allclose(first, second, atol=1e-3)

    def test_cepstrum_by_plain_loops(self):
        plan = mel_plan(GRID)
        bands = mel_bands(POWER, plan)
        for row, values in zip(bands, mel_cepstrum(bands, plan), strict=True):
            for i in range(1, 5):
                total = sum(np.log(32767**2 * row[b]) * np.cos(np.pi * i * (b + 0.5) / 26) for b in range(26))
                expected = np.sqrt(2 / 26) * total * (1 + 11 * np.sin(np.pi * i / 22))
                assert values[i - 1] == pytest.approx(expected, rel=1e-4, abs=1e-3)
