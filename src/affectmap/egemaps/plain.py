"""The descriptors' kernels with NumPy alone, for a machine without the compiled ones.

Conventions: `samples` start with the first sample of frame 0; frames are numbered from there on.
"""

from functools import lru_cache

import numpy as np

from affectmap.egemaps.formants import formant_plan, formants
from affectmap.egemaps.framing import Floats, FrameGrid
from affectmap.egemaps.harmonics import (
    find_harmonics,
    formant_levels,
    harmonics_to_noise,
    level_differences,
    needed_harmonics,
)
from affectmap.egemaps.loudness import loudness, mel_bands, mel_cepstrum, mel_plan
from affectmap.egemaps.perturbation import PeriodTracker
from affectmap.egemaps.pitch import pitch_candidates, pitch_plan
from affectmap.egemaps.pitch_path import PitchPath
from affectmap.egemaps.spectra import long_plan, power, short_plan
from affectmap.egemaps.spectral_shape import alpha_ratio, hammarberg_index, shape_plan, spectral_flux, spectral_slopes
from affectmap.egemaps.summary import summarise
from affectmap.egemaps.vocal_tract import measure_voiced_frames, voice_plan

# So many spectra fit the processor's cache.
FRAMES_AT_ONCE = 128


@lru_cache(maxsize=16)
def plain_kernels(grid: FrameGrid, corrected: bool = False) -> "PlainKernels":
    """Give the kernels of the compatible or the corrected set at a sampling rate."""
    return PlainKernels(grid, corrected)


class PlainKernels:
    """What the frames of a recording are measured by."""

    def __init__(self, grid: FrameGrid, corrected: bool = False) -> None:
        self._grid = grid
        self._shape = shape_plan(grid, corrected)
        self._short, self._long = short_plan(grid), long_plan(grid)

    def spectral(self, samples: Floats, n_frames: int, before: Floats | None) -> tuple[Floats, Floats, float]:
        """Measure the descriptors of the first 20 ms frames.

        Args:
            samples: float32.
            n_frames: How many frames, at least one.
            before: What this gave of the frame before the first; None at the start of a recording.

        Returns:
            Descriptors in the order of `names.SMOOTHED`, shape (n_frames, 10); magnitudes of the last frame; sum of
            the frames' mean squares.
        """
        frames = self._grid.frames(samples, self._grid.short, n_frames)
        squares = float(np.einsum("ij,ij->", frames, frames, dtype=np.float64)) / self._grid.short
        parts = range(0, n_frames, FRAMES_AT_ONCE)
        powers = np.concatenate([power(self._short.transform(frames[i : i + FRAMES_AT_ONCE])) for i in parts])
        magnitudes = np.sqrt(powers)
        powers = powers.astype(np.float64)
        shape, mel = self._shape, mel_plan(self._grid)
        bands = mel_bands(powers, mel)
        columns = (
            loudness(bands, mel),
            alpha_ratio(powers, shape),
            hammarberg_index(powers, shape),
            spectral_slopes(powers, shape),
            spectral_flux(magnitudes, shape, before),
            mel_cepstrum(bands, mel),
        )
        return np.column_stack(columns), magnitudes[-1, : shape.flux], squares

    def candidates(self, samples: Floats, n_frames: int) -> tuple[Floats, Floats, Floats]:
        """Find candidates of F0 in the first 60 ms frames.

        Returns:
            Frequency in Hz and voicing, each of shape (n_frames, 6), and the root mean square of the windowed frames,
            shape (n_frames,).
        """
        parts = []
        frames = self._grid.frames(samples, self._grid.long, n_frames)
        for first in range(0, n_frames, FRAMES_AT_ONCE):
            powers = power(self._long.transform(frames[first : first + FRAMES_AT_ONCE]))
            parts.append((*pitch_candidates(np.sqrt(powers), pitch_plan(self._grid)), self._energies(powers)))
        frequency, voicing, energies = (np.concatenate(columns) for columns in zip(*parts, strict=True))
        return frequency, voicing, energies

    def _energies(self, powers: Floats) -> Floats:
        """Give the root mean square of the windowed frames, by Parseval's theorem."""
        both_sides = 2 * powers.sum(axis=1, dtype=np.float64) - powers[:, 0] - powers[:, -1]
        return np.asarray(np.sqrt(both_sides / (self._long.n_fft * self._grid.long)))

    def formants(self, samples: Floats, frames: Floats) -> tuple[Floats, Floats]:
        """Estimate the formants of the 20 ms frames with these numbers.

        Returns:
            Frequencies and bandwidths in Hz, 0 where missing, each of shape (n_frames, 3).
        """
        chosen = self._chosen(samples, self._grid.short, frames)
        parts = [np.zeros((2, 0, 3))]
        for first in range(0, len(frames), FRAMES_AT_ONCE):
            spectra = self._short.transform(chosen[first : first + FRAMES_AT_ONCE])
            parts.append(np.stack(formants(spectra, formant_plan(self._grid))))
        frequency, bandwidth = np.concatenate(parts, axis=1)
        return frequency, bandwidth

    def _chosen(self, samples: Floats, length: int, frames: Floats) -> Floats:
        return self._grid.frames(samples, length, self._grid.n_frames(len(samples), length))[frames]

    def harmonics(self, samples: Floats, frames: Floats, f0: Floats, rows: Floats) -> None:
        """Measure what the 60 ms spectra of voiced frames tell: noise ratio, levels of harmonics.

        Args:
            samples: float32.
            frames: Numbers of the frames, at least one.
            f0: In Hz, > 0, shape (n_frames,).
            rows: Descriptors in the order of `names.SMOOTHED_NONZERO`, shape (n_frames, 15). The formants are given;
                the noise ratio, two differences of levels and the formants' levels are filled in.
        """
        chosen = self._chosen(samples, self._grid.long, frames)
        for first in range(0, len(frames), FRAMES_AT_ONCE):
            part = slice(first, first + FRAMES_AT_ONCE)
            self._measure_harmonics(power(self._long.transform(chosen[part])), f0[part], rows[part])

    def _measure_harmonics(self, powers: Floats, f0: Floats, rows: Floats) -> None:
        rows[:, 3] = harmonics_to_noise(powers, f0, self._long.frequencies[-1])
        n_harmonics = needed_harmonics(f0, rows[:, 6::3])
        harmonics = find_harmonics(np.sqrt(powers), f0, self._long.bin_hz, n_harmonics)
        levels, found = formant_levels(harmonics, rows[:, 6::3])
        rows[:, 4], rows[:, 5] = level_differences(harmonics, levels[:, -1], found[:, -1])
        rows[:, 8::3] = levels

    def voice(self, samples: Floats, frames: Floats, f0: Floats, rows: Floats) -> None:
        """Measure noise, harmonics and formants of the corrected set; see `vocal_tract.measure_voiced_frames`."""
        chosen = self._chosen(samples, self._grid.long, frames)
        for first in range(0, len(frames), FRAMES_AT_ONCE):
            part = slice(first, first + FRAMES_AT_ONCE)
            powers = power(self._long.transform(chosen[part]))
            measure_voiced_frames(powers, f0[part], voice_plan(self._grid), rows[part])

    def path(self) -> PitchPath:
        """Begin a path through the candidates."""
        return PitchPath()

    def periods(self) -> PeriodTracker:
        """Begin a walk from period to period."""
        return PeriodTracker(self._grid)

    def summarise(self, spectral: Floats, voice: Floats, n_decided: int, mean_square: float) -> Floats:
        """Give the functionals of contours with at least one frame."""
        return summarise(spectral, voice, n_decided, mean_square)
