import numpy as np
import pytest

from affectmap.egemaps.formants import band_samples, formant_plan, formants, predictor
from affectmap.egemaps.framing import FrameGrid
from affectmap.egemaps.spectra import short_plan

GRID = FrameGrid.at(16000)
SHORT = short_plan(GRID)
FRAMES = np.random.default_rng(2).standard_normal((4, 320)).astype(np.float32)
SPECTRUM = SHORT.transform(FRAMES)


@pytest.mark.parametrize(("rate", "n_bins", "n_samples"), [(16000, 110, 220), (44100, 110, 220), (8000, 110, 220)])
def test_the_band_has_as_many_bins_as_the_samples_allow(rate, n_bins, n_samples):
    plan = formant_plan(FrameGrid.at(rate))
    assert plan.n_bins == n_bins
    assert plan.waves.shape == (n_bins - 1, 2, n_samples)
    assert plan.n_samples == n_samples


def test_band_samples_by_plain_loops():
    samples = band_samples(SPECTRUM, formant_plan(GRID))
    for row, expected in zip(SPECTRUM, samples, strict=True):
        for i in (0, 1, 100, 219):
            total = row[0].real + sum((row[k] * np.exp(2j * np.pi * k * i / 352)).real for k in range(1, 110))
            assert expected[i] == pytest.approx(total / 256, abs=1e-5)


def test_predictor_solves_the_normal_equations():
    samples = FRAMES[:, :220]
    coefficients = predictor(samples)
    for row, solution in zip(samples.astype(np.float64), coefficients.T, strict=True):
        acf = [row[: 220 - lag] @ row[lag:] for lag in range(12)]
        toeplitz = np.array([[acf[abs(i - j)] for j in range(11)] for i in range(11)])
        np.testing.assert_allclose(solution, -np.linalg.solve(toeplitz, acf[1:]), atol=1e-4)


def test_silence_has_no_formants():
    frequency, bandwidth = formants(np.zeros((2, 257), np.complex64), formant_plan(GRID))
    assert not frequency.any()
    assert not bandwidth.any()


def test_formants_ascend_within_the_band():
    frequency, bandwidth = formants(SPECTRUM, formant_plan(GRID))
    assert frequency.shape == bandwidth.shape == (4, 3)
    assert (np.diff(frequency, axis=1) > 0).all()
    assert (bandwidth > 0).all()
    assert frequency.min() >= 50
    assert frequency.max() <= 5450


def test_frequencies_are_the_angles_of_the_turned_predictors_roots():
    coefficients = predictor(band_samples(SPECTRUM, formant_plan(GRID)))
    frequency, _ = formants(SPECTRUM, formant_plan(GRID))
    for column, found in zip(coefficients.T, frequency, strict=True):
        angles = np.angle(np.roots(np.concatenate([[1], -column]))) * 11000 / (2 * np.pi)
        expected = sorted(angle for angle in angles if 50 <= angle <= 5450)[:3]
        np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_no_frames_give_no_formants():
    frequency, _ = formants(np.zeros((0, 257), np.complex64), formant_plan(GRID))
    assert frequency.shape == (0, 3)
