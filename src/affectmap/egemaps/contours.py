"""From samples to the unsmoothed contours of all descriptors, block by block, so that a recording may be long."""

from dataclasses import dataclass

import numpy as np

from affectmap.egemaps import compiled
from affectmap.egemaps.compiled import CompiledKernels
from affectmap.egemaps.framing import Floats, FrameGrid, quantise
from affectmap.egemaps.harmonics import MISSING_LEVEL
from affectmap.egemaps.names import SMOOTHED, SMOOTHED_NONZERO
from affectmap.egemaps.perturbation import WalkTask, run_walks
from affectmap.egemaps.pitch_path import semitones
from affectmap.egemaps.plain import PlainKernels, plain_kernels

# Root mean square of a windowed frame, full scale at 1, from which F0 counts.
LEAST_ENERGY = 0.001
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


class _Rows:
    """A table that grows at its end, without a second copy of itself."""

    def __init__(self, n_columns: int) -> None:
        self._table = np.empty((512, n_columns))
        self._n_rows = 0

    def append(self, rows: Floats) -> None:
        n_rows = self._n_rows + len(rows)
        if n_rows > len(self._table):
            # Longer by a tenth, in place where the system can.
            self._table.resize((n_rows + n_rows // 10, self._table.shape[1]), refcheck=False)
        self._table[self._n_rows : n_rows] = rows
        self._n_rows = n_rows

    @property
    def rows(self) -> Floats:
        return self._table[: self._n_rows]


def fastest_kernels(sampling_rate: int, corrected: bool = False) -> CompiledKernels | PlainKernels:
    """Give the compiled kernels of a set at a sampling rate in Hz, those of NumPy where nothing is compiled."""
    grid = FrameGrid.at(sampling_rate)
    return compiled.load(grid, corrected=corrected) or plain_kernels(grid, corrected)


class ContourReader:
    """Read a recording block by block and collect its contours.

    Between blocks it keeps the samples of 30 s, those of the frames whose F0 is not decided, 40 at most, among them.
    """

    def __init__(
        self,
        sampling_rate: int,
        unvoiced_formants: bool,
        kernels: CompiledKernels | PlainKernels | None = None,
        *,
        corrected: bool = False,
    ) -> None:
        self._grid = FrameGrid.at(sampling_rate)
        self.kernels = kernels or fastest_kernels(sampling_rate, corrected)
        self._unvoiced_formants, self._corrected = unvoiced_formants, corrected
        self._samples, self._offset = np.zeros(0, np.float32), 0
        self._path, self._periods = self.kernels.path(), self.kernels.periods()
        self._before: Floats | None = None
        self._n_short = self._n_long = self._n_voice = self._n_decided_early = 0
        # Of frames whose F0 is not decided.
        self._energies = np.zeros(0)
        self._spectral, self._voice = _Rows(len(SMOOTHED)), _Rows(len(SMOOTHED_NONZERO))
        self._perturbation: list[Floats] = []
        # Of decided frames whose periods are not matched.
        self._f0: list[Floats] = []
        self._n_waiting = 0
        self._squares = 0.0

    def add(self, signal: Floats) -> None:
        """Take in the next samples, full scale at 1; for the corrected set float32."""
        samples = signal if self._corrected else quantise(signal)
        self._samples = np.concatenate([self._samples, samples])
        n_samples = self._offset + len(self._samples)
        self._add_short(self._grid.n_frames(n_samples, self._grid.short) - self._n_short)
        self._add_long(self._grid.n_frames(n_samples, self._grid.long) - self._n_long)
        if self._n_waiting >= FRAMES_OF_PERIODS:
            run_walks(self._plan_periods(), self._samples.astype(np.float64))
        undecided = self._n_voice - self._n_waiting
        position = self._periods.position
        needed = min(undecided * self._grid.step, undecided * self._grid.step if position is None else position)
        if needed > self._offset:
            self._samples, self._offset = self._samples[needed - self._offset :], needed

    def _plan_periods(self) -> list[WalkTask]:
        f0 = np.concatenate([np.zeros(0), *self._f0])
        values, tasks = self._periods.plan(f0, self._samples, self._offset)
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
        voice = self._voice.rows
        voice[:, 1:3] = np.concatenate(self._perturbation)
        return Contours(self._spectral.rows, voice, self._n_decided_early, self._squares / max(1, self._n_short))

    def _samples_from(self, frame: int) -> Floats:
        return self._samples[frame * self._grid.step - self._offset :]

    def _add_short(self, n_frames: int) -> None:
        if n_frames <= 0:
            return
        samples = self._samples_from(self._n_short)
        rows, self._before, squares = self.kernels.spectral(samples, n_frames, self._before)
        self._spectral.append(rows)
        self._squares += squares
        self._n_short += n_frames

    def _add_long(self, n_frames: int) -> None:
        if n_frames <= 0:
            return
        frequency, voicing, energies = self.kernels.candidates(self._samples_from(self._n_long), n_frames)
        self._n_long += n_frames
        self._energies = np.concatenate([self._energies, energies])
        self._add_voice(self._path.add(frequency, voicing))

    def _add_voice(self, f0: Floats) -> None:
        """Measure what rests on F0 in the first undecided frames."""
        n_frames = len(f0)
        if not n_frames:
            return
        samples = self._samples_from(self._n_voice)
        f0 = np.where(self._energies[:n_frames] > LEAST_ENERGY, f0, 0).astype(np.float32).astype(np.float64)
        self._energies = self._energies[n_frames:]
        rows = np.zeros((n_frames, len(SMOOTHED_NONZERO)))
        rows[:, 0] = semitones(f0)
        voiced = np.flatnonzero(f0)
        measure = self._measure_corrected if self._corrected else self._measure_compatible
        measure(samples, voiced, f0, rows)
        self._voice.append(rows)
        self._f0.append(f0)
        self._n_waiting += n_frames
        self._n_voice += n_frames

    def _measure_corrected(self, samples: Floats, voiced: Floats, f0: Floats, rows: Floats) -> None:
        if len(voiced):
            rows_voiced = rows[voiced]
            self.kernels.voice(samples, voiced, f0[voiced], rows_voiced)
            rows[voiced] = rows_voiced

    def _measure_compatible(self, samples: Floats, voiced: Floats, f0: Floats, rows: Floats) -> None:
        rows[:, 8::3] = MISSING_LEVEL
        measured = np.arange(len(rows)) if self._unvoiced_formants else voiced
        rows[measured, 6::3], rows[measured, 7::3] = self.kernels.formants(samples, measured)
        if len(voiced):
            rows_voiced = rows[voiced]
            self.kernels.harmonics(samples, voiced, f0[voiced], rows_voiced)
            rows[voiced] = rows_voiced


def finish_together(readers: list[ContourReader]) -> list[Contours]:
    """Finish recordings and give their contours; matching the periods of all together is faster than one by one."""
    tasks, samples, length = [], [], 0
    for reader in readers:
        of_reader, rest = reader.end()
        if of_reader:
            tasks += [task._replace(shift=task.shift + length) for task in of_reader]
            samples.append(rest)
            length += len(rest)
    run_walks(tasks, np.concatenate([np.zeros(0), *samples]))
    return [reader.contours() for reader in readers]
