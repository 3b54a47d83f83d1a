import numpy as np
import pytest

from affectmap.egemaps.framing import FrameGrid, quantise
from affectmap.egemaps.harmonics import (
    find_harmonics,
    formant_levels,
    harmonics_to_noise,
    level_differences,
    needed_harmonics,
)
from affectmap.egemaps.period_matching import match_periods
from affectmap.egemaps.perturbation import PeriodTracker, run_walks
from affectmap.egemaps.spectra import long_plan, power

GRID = FrameGrid.at(16000)
LONG = long_plan(GRID)


def noisy_wave(n_samples: int = 4000) -> np.ndarray:
    rng = np.random.default_rng(5)
    return np.sin(2 * np.pi * np.arange(n_samples) / 97.3) + 0.3 * rng.standard_normal(n_samples)


class TestMatchPeriods:
    def test_agrees_with_plain_loops(self):
        samples = noisy_wave()
        requests = [(100, 87, 108), (731, 87, 108), (1500, 60, 74), (2222, 140, 171), (3000, 20, 26)]
        for (at, shortest, longest), match in zip(requests, match_periods(samples, requests), strict=True):
            lags = range(shortest, longest + 1)
            r = [np.corrcoef(samples[at : at + p], samples[at + p : at + 2 * p])[0, 1] for p in lags]
            peaks = [i for i in range(1, len(r) - 2) if r[i] > r[i - 1] and r[i] > r[i + 1]]
            if not peaks:
                assert match.period == 0
                continue
            best = max(peaks, key=r.__getitem__)
            period = shortest + best
            assert match.period == period
            a, b, c = np.polyfit([-1, 0, 1], r[best - 1 : best + 2], 2)
            assert match.length == pytest.approx(period - b / (2 * a))
            assert match.correlation == pytest.approx(c - b**2 / (4 * a))
            inner = samples[at + 1 : at + period - 1], samples[at + period + 1 : at + 2 * period - 1]
            assert (match.height, match.next_height) == pytest.approx([np.ptp(part) for part in inner], rel=1e-5)

    def test_a_constant_has_none(self):
        assert match_periods(np.full(500, 0.3), [(0, 90, 110)])[0].period == 0

    def test_a_window_may_reach_the_end(self):
        assert match_periods(noisy_wave(240), [(20, 90, 110)])[0].period


class TestPeriodTracker:
    def measure(self, samples: np.ndarray, f0: np.ndarray, n_parts: int = 1) -> np.ndarray:
        tracker, parts = PeriodTracker(GRID), []
        for part in np.array_split(f0, n_parts):
            values, tasks = tracker.plan(part, samples, 0)
            run_walks(tasks, samples)
            parts.append(values)
        return np.concatenate(parts)

    def test_a_steady_tone_has_neither(self):
        samples = np.sin(2 * np.pi * 200 * np.arange(16000) / 16000)
        values = self.measure(samples, np.full(90, 200.0))
        assert values[1:, 0].max() < 1e-6
        assert values[1:, 1].max() < 1e-3

    def test_finds_the_jitter_of_alternating_periods(self):
        pulses = np.zeros(16000)
        pulses[np.cumsum(np.resize([78, 82], 195))] = 1
        samples = np.convolve(pulses, np.hanning(30), "same")
        # |78 - 82| / 80, but a match sees two periods at a time, and so their mean.
        values = self.measure(samples, np.full(90, 200.0))
        assert 0.001 < np.median(values[5:-5, 0]) < 0.06

    def test_finds_the_shimmer_of_alternating_heights(self):
        pulses = np.zeros(16000)
        places = np.arange(100, 15900, 80)
        pulses[places] = np.resize([1.0, 0.8], len(places))
        samples = np.convolve(pulses, np.hanning(30), "same")
        values = self.measure(samples, np.full(90, 200.0))
        np.testing.assert_allclose(np.median(values[5:-5, 1]), 20 * np.log10(1 + 0.2 / 0.9), rtol=0.1)

    def test_unvoiced_frames_have_none(self):
        f0 = np.where(np.arange(90) % 30 < 20, 164.0, 0)
        values = self.measure(noisy_wave(16000), f0)
        assert not values[f0 == 0].any()
        assert values[f0 > 0].any()

    @pytest.mark.parametrize("n_parts", [2, 9])
    def test_parts_give_the_same(self, n_parts):
        f0 = np.where(np.arange(90) % 40 < 31, 164.0, 0)
        samples = noisy_wave(16000)
        np.testing.assert_allclose(self.measure(samples, f0, n_parts), self.measure(samples, f0), rtol=1e-9)


def spectrum_of(samples: np.ndarray) -> np.ndarray:
    return power(LONG.transform(quantise(samples)[None, :960]))


TIME = np.arange(960) / 16000


class TestHarmonicsToNoise:
    def test_noise_lowers_it(self):
        rng = np.random.default_rng(0)
        tone = sum(np.cos(2 * np.pi * 150 * k * TIME) for k in range(1, 6)) / 10
        levels = [
            harmonics_to_noise(spectrum_of(tone + noise * rng.standard_normal(960)), np.array([150.0]), 8000.0)[0]
            for noise in (0.003, 0.03, 0.3)
        ]
        assert levels == sorted(levels, reverse=True)
        assert levels[0] > 5
        assert levels[2] < 0

    def test_is_limited(self):
        value = harmonics_to_noise(np.zeros((1, 513), np.float32), np.array([150.0]), 8000.0)
        assert value[0] == pytest.approx(110)


class TestHarmonics:
    def find(self, amplitudes: list[float], f0: float = 200.0, n_harmonics: int = 20):
        tone = sum(a * np.cos(2 * np.pi * f0 * k * TIME) for k, a in enumerate(amplitudes, start=1)) / 4
        return find_harmonics(np.sqrt(spectrum_of(tone)), np.array([f0]), LONG.bin_hz, n_harmonics)

    def test_levels_and_frequencies_of_a_tone(self):
        harmonics = self.find([1.0, 0.5, 0.25, 0.125])
        np.testing.assert_allclose(harmonics.frequency[0, :4], [200, 400, 600, 800], rtol=0.01)
        np.testing.assert_allclose(harmonics.level[0, :4], [0, -6.02, -12.04, -18.06], atol=0.5)

    def test_difference_is_that_of_the_second_and_third_harmonic(self):
        harmonics = self.find([1.0, 0.1, 0.05, 0.05])
        difference, to_third = level_differences(harmonics, np.array([-30.0]), np.array([True]))
        assert difference[0] == pytest.approx(6.02, abs=0.5)
        assert to_third[0] == pytest.approx(harmonics.level[0, 1] + 30)

    def test_without_a_third_formant_the_difference_is_201_lower(self):
        harmonics = self.find([1.0, 0.1, 0.05])
        _, to_third = level_differences(harmonics, np.array([0.0]), np.array([False]))
        assert to_third[0] == pytest.approx(max(-201, harmonics.level[0, 1] - 201))

    def test_a_formant_takes_its_strongest_harmonic(self):
        harmonics = self.find([1.0, 0.1, 0.5, 0.2, 0.3])
        levels, found = formant_levels(harmonics, np.array([[610.0, 940.0, 0.0]]))
        np.testing.assert_allclose(levels, harmonics.level[:, [2, 4, 0]] * [1, 1, 0])
        assert found.tolist() == [[True, True, False]]

    def test_fewer_harmonics_change_nothing_of_what_is_needed(self):
        formants = np.array([[600.0, 1100.0, 0.0]])
        amplitudes = [1.0, 0.1, 0.5, 0.2, 0.3, 0.2, 0.1]
        count = needed_harmonics(np.array([200.0]), formants)
        few, many = (formant_levels(self.find(amplitudes, n_harmonics=n), formants)[0] for n in (count, 100))
        np.testing.assert_array_equal(few, many)

    def test_a_missing_fundamental_leaves_no_levels(self):
        harmonics = find_harmonics(np.zeros((1, 513)), np.array([200.0]), LONG.bin_hz)
        assert (harmonics.level == -201).all()
        assert not harmonics.frequency.any()
