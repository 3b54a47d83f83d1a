from itertools import pairwise
from math import log

import numpy as np
import pytest

from affectmap.egemaps.framing import FrameGrid, quantise
from affectmap.egemaps.pitch import (
    enhance_peaks,
    octave_spectrum,
    pitch_candidates,
    pitch_plan,
    subharmonic_sum,
)
from affectmap.egemaps.pitch_path import PitchPath, local_costs, semitones
from affectmap.egemaps.spectra import long_plan, magnitudes
from egemaps.signals import voice

GRID = FrameGrid.at(16000)


def spectra_of(samples: np.ndarray) -> np.ndarray:
    samples = quantise(samples)
    frames = GRID.frames(samples, GRID.long, GRID.n_frames(len(samples), GRID.long))
    return magnitudes(long_plan(GRID).transform(frames))


class TestEnhancePeaks:
    def test_by_plain_loops(self):
        spectra = np.random.default_rng(0).random((20, 40)).round(1)
        spectra[0] = np.arange(40)
        spectra[1] = 40 - np.arange(40)
        spectra[2] = 1
        for row, enhanced in zip(spectra, enhance_peaks(spectra), strict=True):
            expected = row.copy()
            peaks = [k for k in range(1, 39) if row[k] > row[k - 1] and row[k] >= row[k + 1]]
            peaks = [0] * bool(row[0] > row[1]) + peaks + [39] * bool(row[39] > row[38])
            for p, q in pairwise(peaks):
                expected[p + 3 : max(p + 3, q - 2)] = 0
            if len(peaks) == 1:
                expected[3:] = 0
            np.testing.assert_array_equal(enhanced, expected)


class TestOctaveSpectrum:
    def test_is_a_natural_cubic_spline(self):
        interpolate = pytest.importorskip("scipy.interpolate")
        plan = pitch_plan(GRID)
        values = np.random.default_rng(0).random(513)
        smoothed = np.convolve(values, [0.25, 0.5, 0.25])[1:-1]
        smoothed[-1] = values[-1]
        knots = np.log2(15.625 * np.arange(1, 513))
        knots = np.concatenate([[2 * knots[0] - knots[1]], knots])
        points = np.linspace(np.log2(25), np.log2(8000), 513)
        expected = interpolate.CubicSpline(knots, smoothed, bc_type="natural")(points)
        shift = 513 / np.log2(320) * np.log2(65 / 50) - 1
        expected *= 0.5 + np.arctan(3 * (np.arange(513) + 1 - shift) * np.log2(320) / 513) / np.pi
        octaves = octave_spectrum(values[None].astype(np.float32), plan)[0]
        np.testing.assert_allclose(octaves, np.maximum(expected, 0), atol=1e-5)

    def test_subharmonic_sum_by_plain_loops(self):
        plan = pitch_plan(GRID)
        octaves = np.random.default_rng(1).random(513).astype(np.float32)
        expected = np.zeros(513)
        for j in range(513):
            for h, shift in enumerate(plan.shifts):
                if j + shift < 513:
                    expected[j] += 0.85**h * octaves[j + shift] / 15
        np.testing.assert_allclose(subharmonic_sum(octaves[None], plan)[0], expected, rtol=1e-5)
        assert plan.shifts[:4] == (0, 61, 97, 123)


class TestPitchCandidates:
    @pytest.mark.parametrize("pitch", [80.0, 140.0, 310.0])
    def test_the_first_is_the_pitch_of_a_voice(self, pitch):
        time = np.arange(8000) / 16000
        buzz = sum(np.cos(2 * np.pi * pitch * k * time) / k for k in range(1, 12)) / 8
        frequency, voicing = pitch_candidates(spectra_of(buzz), pitch_plan(GRID))
        np.testing.assert_allclose(frequency[:, 0], pitch, rtol=0.01)
        assert (voicing[:, 0] > 0.7).all()
        assert (voicing < 1).all()

    def test_silence_has_none(self):
        frequency, voicing = pitch_candidates(np.zeros((3, 513), np.float32), pitch_plan(GRID))
        assert not frequency.any()
        assert not voicing.any()

    def test_are_within_55_to_1000_hz(self):
        frequency, _ = pitch_candidates(spectra_of(voice()[0]), pitch_plan(GRID))
        kept = frequency[frequency > 0]
        assert kept.min() >= 55
        assert kept.max() <= 1000


def plain_path(frequency: np.ndarray, voicing: np.ndarray) -> list[float]:
    """Follow the path with plain loops, all frames decided at the end."""
    local = local_costs(frequency, voicing)
    costs, change, origins = list(local[0]), 1.0, []
    for t in range(1, len(frequency)):
        new, back = [], []
        for i in range(7):
            best, origin = np.inf, 0
            for j in range(7):
                if i == j == 6:
                    step = 1.0
                elif 6 in (i, j):
                    step, change = 10.0, 0.0
                elif frequency[t, i] <= 0 or frequency[t - 1, j] <= 0:
                    step = 999.0
                else:
                    jump = log(frequency[t, i] / frequency[t - 1, j])
                    step = 10 * abs(jump) + 10 * abs(jump - change)
                    change = jump
                if step + costs[j] < best:
                    best, origin = step + costs[j], j
            new.append(best + local[t, i])
            back.append(origin)
        costs = new
        origins.append(back)
    path = [int(np.argmin(costs))]
    for back in origins[::-1]:
        path.append(back[path[-1]])
    padded = np.column_stack([frequency, np.zeros(len(frequency))])
    return [row[state] for row, state in zip(padded, path[::-1], strict=True)]


class TestPitchPath:
    def candidates(self) -> tuple[np.ndarray, np.ndarray]:
        return pitch_candidates(spectra_of(voice()[0]), pitch_plan(GRID))

    def test_agrees_with_plain_loops(self):
        frequency, voicing = self.candidates()
        path = PitchPath()
        f0 = np.concatenate([path.add(frequency, voicing), path.finish()])
        np.testing.assert_allclose(f0, plain_path(frequency, voicing))
        assert (f0 == 0).any()
        assert (f0 > 0).any()

    @pytest.mark.parametrize("length", [1, 7, 45])
    def test_blocks_of_any_length_give_the_same(self, length):
        frequency, voicing = self.candidates()
        whole, parts = PitchPath(), PitchPath()
        expected = np.concatenate([whole.add(frequency, voicing), whole.finish()])
        found = [
            parts.add(frequency[first : first + length], voicing[first : first + length])
            for first in range(0, len(frequency), length)
        ]
        n_early = parts.n_decided
        assert n_early == sum(map(len, found)) >= len(frequency) - 5
        np.testing.assert_array_equal(np.concatenate([*found, parts.finish()]), expected)

    @pytest.mark.parametrize("length", [1, 30, 100])
    def test_decides_one_by_one_when_the_delay_grows_too_long(self, length):
        class SeparatePaths(PitchPath):
            def _accumulate(self, local, transitions):
                costs = np.arange(7)[::-1] + np.zeros((len(local), 1))
                return costs, np.tile(np.arange(7), (len(local), 1))

        path = SeparatePaths()
        frequency = np.add.outer(np.arange(100.0), 1000 * np.arange(1, 7))
        frequency[:, 5] = 55
        decided = [
            path.add(frequency[first : first + length], np.full((100, 6), 0.9)[first : first + length])
            for first in range(0, 100, length)
        ]
        # The cheapest state is the last, unvoiced; 39 frames wait.
        assert path.n_decided == len(np.concatenate(decided)) == 61
        assert not np.concatenate(decided).any()
        assert len(path.finish()) == 39

    def test_empty_slots_and_unvoiced_are_dear_where_a_candidate_is_voiced(self):
        costs = local_costs(np.array([[50.0, 200, 475, 700, 0, 0]]), np.array([[0.5, 0.9, 0.9, 0.9, 0, 0]]))[0]
        expected = [8 - 2 * log(0.5) + 0.5, -2 * log(0.9), -2 * log(0.9) + 0.5, -2 * log(0.9) + 1.2]
        np.testing.assert_allclose(costs[:4], expected)
        np.testing.assert_allclose(costs[4:], [8 - 2 * log(0.01) + 2] * 2 + [8])

    def test_nothing_is_nothing(self):
        path = PitchPath()
        assert len(path.add(np.zeros((0, 6)), np.zeros((0, 6)))) == len(path.finish()) == 0


def test_semitones_start_at_27_5_hz():
    np.testing.assert_allclose(semitones(np.array([0, 20.0, 29.1, 55.0, 880.0])), [0, 1, 1, 12, 60])
