"""From samples to the unsmoothed contours of all descriptors, block by block, so that a recording may be long."""

from dataclasses import dataclass

import numpy as np

from affectmap.egemaps.formants import formant_plan, formants
from affectmap.egemaps.framing import Floats, FrameGrid, quantise
from affectmap.egemaps.harmonics import (
    MISSING_LEVEL,
    find_harmonics,
    formant_levels,
    harmonics_to_noise,
    level_differences,
    needed_harmonics,
)
from affectmap.egemaps.loudness import loudness, mel_bands, mel_cepstrum, mel_plan
from affectmap.egemaps.names import SMOOTHED, SMOOTHED_NONZERO
from affectmap.egemaps.perturbation import PeriodTracker, WalkTask, run_walks
from affectmap.egemaps.pitch import pitch_candidates, pitch_plan
from affectmap.egemaps.pitch_path import PitchPath, semitones
from affectmap.egemaps.spectra import long_plan, power, short_plan
from affectmap.egemaps.spectral_shape import alpha_ratio, hammarberg_index, shape_plan, spectral_flux, spectral_slopes

# Root mean square of a windowed frame, full scale at 1, from which F0 counts.
LEAST_ENERGY = 0.001
# So many spectra fit the processor's cache.
FRAMES_AT_ONCE = 128
# Periods are matched for so many frames together, 30 s.
FRAMES_OF_PERIODS = 3000


@dataclass(frozen=True, eq=False)
class Contours:
    """Unsmoothed descriptors of a recording.

    Attributes:
        spectral: Descriptors of the 20 ms frames in the order of `names.SMOOTHED`, shape (n_short_frames, 10).
        voice: Those that rest on F0 in the order of `names.SMOOTHED_NONZERO`, shape (n_long_frames, 15).
        n_decided: Of how many frames F0 was decided before the recording's end was known.
        mean_square: Mean over the 20 ms frames of their mean square.
    """

    spectral: Floats
    voice: Floats
    n_decided: int
    mean_square: float


class ContourReader:
    """Read a recording block by block and collect its contours.

    Between blocks it keeps the samples of 30 s and the spectra of frames whose F0 is not decided, 40 at most.
    """

    def __init__(self, sampling_rate: int, unvoiced_formants: bool) -> None:
        self._grid = FrameGrid.at(sampling_rate)
        self._short, self._long = short_plan(self._grid), long_plan(self._grid)
        self._unvoiced_formants = unvoiced_formants
        self._samples, self._offset = np.zeros(0, np.float32), 0
        self._path, self._periods = PitchPath(), PeriodTracker(self._grid)
        self._before: Floats | None = None
        # Of undecided frames.
        self._short_spectra = np.zeros((0, self._short.n_bins), np.complex64)
        self._long_powers: list[Floats] = []
        self._n_short = self._n_long = self._n_decided_early = 0
        self._spectral: list[Floats] = []
        self._voice: list[Floats] = []
        self._perturbation: list[Floats] = []
        # Of decided frames whose periods are not matched.
        self._f0: list[Floats] = []
        self._n_waiting = 0
        self._squares = 0.0

    def add(self, signal: Floats) -> None:
        """Take in the next samples, full scale at 1."""
        self._samples = np.concatenate([self._samples, quantise(signal)])
        n_samples = self._offset + len(self._samples)
        self._add_short(self._grid.n_frames(n_samples, self._grid.short) - self._n_short)
        self._add_long(self._grid.n_frames(n_samples, self._grid.long) - self._n_long)
        if self._n_waiting >= FRAMES_OF_PERIODS:
            run_walks(self._plan_periods(), self._samples.astype(np.float64))
        needed = min(self._n_long * self._grid.step, self._periods.position)
        if needed > self._offset:
            self._samples, self._offset = self._samples[needed - self._offset :], needed

    def _plan_periods(self) -> list[WalkTask]:
        values, tasks = self._periods.plan(np.concatenate([np.zeros(0), *self._f0]), self._offset)
        self._perturbation.append(values)
        self._f0, self._n_waiting = [], 0
        return tasks

    def end(self) -> tuple[list[WalkTask], Floats]:
        """Decide what was left open and give the walks that are to be run before `contours`, and their samples."""
        self._n_decided_early = self._path.n_decided
        self._add_voice(self._path.finish())
        return self._plan_periods(), self._samples

    def contours(self) -> Contours:
        """Give the contours of a recording that has ended."""
        spectral = np.concatenate([np.zeros((0, len(SMOOTHED))), *self._spectral])
        voice = np.concatenate([np.zeros((0, len(SMOOTHED_NONZERO))), *self._voice])
        voice[:, 1:3] = np.concatenate(self._perturbation)
        return Contours(spectral, voice, self._n_decided_early, self._squares / max(1, self._n_short))

    def _frames(self, first: int, length: int, n_frames: int) -> Floats:
        return self._grid.frames(self._samples[first * self._grid.step - self._offset :], length, n_frames)

    def _add_short(self, n_frames: int) -> None:
        if n_frames <= 0:
            return
        frames = self._frames(self._n_short, self._grid.short, n_frames)
        self._n_short += n_frames
        self._squares += float(np.einsum("ij,ij->i", frames, frames).sum(dtype=np.float64)) / self._grid.short
        spectrum = self._short.transform(frames)
        powers = power(spectrum)
        magnitudes = np.sqrt(powers)
        shape, mel = shape_plan(self._grid), mel_plan(self._grid)
        bands = mel_bands(powers, mel)
        columns = (
            loudness(bands, mel),
            alpha_ratio(powers, shape),
            hammarberg_index(powers, shape),
            spectral_slopes(powers, shape),
            spectral_flux(magnitudes, shape, self._before),
            mel_cepstrum(bands, mel),
        )
        self._spectral.append(np.column_stack(columns))
        self._before = magnitudes[-1]
        self._short_spectra = np.concatenate([self._short_spectra, spectrum])

    def _add_long(self, n_frames: int) -> None:
        if n_frames <= 0:
            return
        frames = self._frames(self._n_long, self._grid.long, n_frames)
        self._n_long += n_frames
        candidates = []
        for first in range(0, n_frames, FRAMES_AT_ONCE):
            powers = power(self._long.transform(frames[first : first + FRAMES_AT_ONCE]))
            self._long_powers.append(powers)
            candidates.append(pitch_candidates(np.sqrt(powers), pitch_plan(self._grid)))
        frequency, voicing = (np.concatenate(parts) for parts in zip(*candidates, strict=True))
        self._add_voice(self._path.add(frequency, voicing))

    def _add_voice(self, f0: Floats) -> None:
        """Measure what rests on F0 in the first undecided frames."""
        n_frames = len(f0)
        if not n_frames:
            return
        kept = np.concatenate(self._long_powers)
        powers, self._long_powers = kept[:n_frames], [kept[n_frames:]]
        spectra, self._short_spectra = self._short_spectra[:n_frames], self._short_spectra[n_frames:]
        f0 = np.where(self._energies(powers) > LEAST_ENERGY, f0, 0).astype(np.float32)
        voiced = f0 > 0
        rows = np.zeros((n_frames, len(SMOOTHED_NONZERO)))
        rows[:, 0] = semitones(f0)
        self._f0.append(f0)
        self._n_waiting += n_frames
        measured = np.ones(n_frames, bool) if self._unvoiced_formants else voiced
        rows[measured, 6::3], rows[measured, 7::3] = formants(spectra[measured], formant_plan(self._grid))
        rows[:, 8::3] = MISSING_LEVEL
        self._measure_harmonics(rows, voiced, powers, f0)
        self._voice.append(rows)

    def _energies(self, powers: Floats) -> Floats:
        """Give the root mean square of the windowed frames, by Parseval's theorem."""
        both_sides = 2 * powers.sum(axis=1) - powers[:, 0] - powers[:, -1]
        return np.asarray(np.sqrt(both_sides / (self._long.n_fft * self._grid.long)))

    def _measure_harmonics(self, rows: Floats, voiced: Floats, powers: Floats, f0: Floats) -> None:
        if not voiced.any():
            return
        powers, f0 = powers[voiced], f0[voiced].astype(np.float64)
        rows[voiced, 3] = harmonics_to_noise(powers, f0, self._long.frequencies[-1])
        n_harmonics = needed_harmonics(f0, rows[voiced, 6::3])
        harmonics = find_harmonics(np.sqrt(powers), f0, self._long.bin_hz, n_harmonics)
        levels, found = formant_levels(harmonics, rows[voiced, 6::3])
        rows[voiced, 4], rows[voiced, 5] = level_differences(harmonics, levels[:, -1], found[:, -1])
        rows[voiced, 8::3] = levels


def finish_together(readers: list[ContourReader]) -> list[Contours]:
    """Finish recordings and give their contours; matching the periods of all together is faster than one by one."""
    tasks, samples, length = [], [], 0
    for reader in readers:
        of_reader, rest = reader.end()
        tasks += [task._replace(shift=task.shift + length) for task in of_reader]
        samples.append(rest)
        length += len(rest)
    run_walks(tasks, np.concatenate([np.zeros(0), *samples]))
    return [reader.contours() for reader in readers]
