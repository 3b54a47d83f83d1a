"""The descriptors' loops in C, for whoever had a compiler when the package was installed.

`load` gives kernels with the same values as those of `plain`, and None without the compiled file. Calls release
Python's lock, so that threads run side by side. Every header names the module that it computes.
"""

import ctypes
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from affectmap.egemaps.formants import formant_plan
from affectmap.egemaps.framing import Floats, FrameGrid
from affectmap.egemaps.loudness import mel_plan
from affectmap.egemaps.names import FUNCTIONAL_NAMES, SMOOTHED
from affectmap.egemaps.perturbation import WalkTask
from affectmap.egemaps.pitch import pitch_plan
from affectmap.egemaps.pitch_path import LONGEST_DELAY
from affectmap.egemaps.spectra import SpectrumPlan, long_plan, short_plan
from affectmap.egemaps.spectral_shape import shape_plan
from affectmap.egemaps.vocal_tract import voice_plan

# That of plan.h: a compiled file of another is left alone, until the package is installed anew.
VERSION = 2
Pointer = ctypes.c_void_p
INTEGER = ctypes.c_int64
REAL = ctypes.c_double


class _Transform(ctypes.Structure):
    _fields_ = (
        *((name, INTEGER) for name in ("length", "n_fft", "delay", "n_pairs")),
        ("bin_hz", REAL),
        *((name, Pointer) for name in ("window", "w", "pairs")),
    )


class _Plan(ctypes.Structure):
    """Struct Plan of plan.h."""

    _fields_ = (
        ("sampling_rate", INTEGER),
        ("step", INTEGER),
        ("brief", _Transform),
        ("lengthy", _Transform),
        ("acf_w", Pointer),
        *((name, INTEGER) for name in ("low", "middle", "high", "flux", "n_slopes")),
        ("slopes", Pointer),
        ("first_bin", INTEGER),
        ("end_bin", INTEGER),
        *((name, Pointer) for name in ("band", "band_weights", "hearing", "cosines")),
        ("shifts", INTEGER * 15),
        ("octave_step", REAL),
        *((name, Pointer) for name in ("gaps", "ratios", "pivots", "left", "point_weights")),
        ("band_bins", INTEGER),
        ("band_samples", INTEGER),
        ("waves", Pointer),
    )


class _VoicePlan(ctypes.Structure):
    """Struct VoicePlan of vocal_tract.h."""

    _fields_ = (("n_cosines", INTEGER), ("cosines", Pointer), ("window", Pointer))


@lru_cache(maxsize=1)
def _library() -> ctypes.CDLL | None:
    """Load the compiled file; one of another version, or for another system, counts as none."""
    for file in sorted(Path(__file__).parent.glob("_kernels*.so")):
        try:
            library = ctypes.CDLL(str(file))
            if library.kernels_version() == VERSION:
                return library
        except (OSError, AttributeError):
            continue
    return None


def builds() -> tuple[str, ...]:
    """Name the compiled kernels that this processor can run, the fastest first; () without a compiled file."""
    library = _library()
    if library is None:
        return ()
    return ("avx2", "plain") if library.has_avx2() else ("plain",)


def load(grid: FrameGrid, build: str | None = None, corrected: bool = False) -> "CompiledKernels | None":
    """Give the compiled kernels of either set at a sampling rate, None where there are none."""
    build = build or next(iter(builds()), None)
    return _kernels(grid, build, corrected) if build else None


@lru_cache(maxsize=16)
def _kernels(grid: FrameGrid, build: str, corrected: bool) -> "CompiledKernels":
    return CompiledKernels(grid, build, corrected)


def _at(array: Floats) -> int:
    return int(array.__array_interface__["data"][0])


class CompiledKernels:
    """The kernels at one sampling rate; see `plain.PlainKernels` for what each computes."""

    def __init__(self, grid: FrameGrid, build: str, corrected: bool = False) -> None:
        self._grid = grid
        self._shape = shape_plan(grid, corrected)
        self._library = _library()
        self._build = build
        # What the plan points to must live as long as it.
        self._tables: list[Floats] = []
        self._plan = self._fill_plan()
        self._address = ctypes.addressof(self._plan)
        voice = voice_plan(grid)
        tables = self._keep(voice.cosines, np.float64), self._keep(voice.window, np.float64)
        self._voice_plan = _VoicePlan(len(voice.cosines), *tables)
        signatures = {
            "spectral": (REAL, Pointer, Pointer, INTEGER, Pointer, ctypes.c_int, Pointer),
            "candidates": (ctypes.c_int, Pointer, Pointer, INTEGER, Pointer, Pointer, Pointer),
            "follow_path": (INTEGER, Pointer, INTEGER, Pointer, Pointer, ctypes.c_int, Pointer),
            "perturbation": (ctypes.c_int, Pointer, Pointer, Pointer, INTEGER, INTEGER, INTEGER, Pointer, Pointer),
            "harmonics": (ctypes.c_int, Pointer, Pointer, INTEGER, Pointer, Pointer, Pointer),
            "voice": (ctypes.c_int, Pointer, Pointer, Pointer, INTEGER, Pointer, Pointer, Pointer),
            "formants": (ctypes.c_int, Pointer, Pointer, INTEGER, Pointer, Pointer, Pointer),
            "functionals": (ctypes.c_int, Pointer, INTEGER, Pointer, INTEGER, INTEGER, REAL, Pointer),
            "size_of_path": (INTEGER,),
            "size_of_walk": (INTEGER,),
        }
        self.functions = {name: self._function(name, *signature) for name, signature in signatures.items()}

    def _function(self, name: str, result: Any, *arguments: Any) -> Any:  # noqa: ANN401
        function = getattr(self._library, f"{self._build}_{name}")
        function.restype, function.argtypes = result, arguments
        return function

    def _keep(self, array: Floats, dtype: Any) -> int:  # noqa: ANN401
        kept = np.ascontiguousarray(array, dtype)
        self._tables.append(kept)
        return _at(kept)

    def _transform(self, plan: SpectrumPlan) -> tuple[_Transform, Floats]:
        floats, doubles = np.empty(plan.n_fft // 2, np.float32), np.empty(plan.n_fft // 2)
        pairs = np.zeros(plan.n_fft, np.int32)
        tables = self._function("tables", INTEGER, INTEGER, Pointer, Pointer, Pointer)
        n_pairs = tables(plan.n_fft, _at(floats), _at(doubles), _at(pairs))
        pointers = self._keep(plan.window, np.float32), self._keep(floats, np.float32), self._keep(pairs, np.int32)
        return _Transform(len(plan.window), plan.n_fft, plan.delay, n_pairs, plan.bin_hz, *pointers), doubles

    def _fill_plan(self) -> _Plan:
        grid = self._grid
        shape, mel, pitch, formant = self._shape, mel_plan(grid), pitch_plan(grid), formant_plan(grid)
        brief, _ = self._transform(short_plan(grid))
        lengthy, acf_table = self._transform(long_plan(grid))
        used = np.flatnonzero(mel.triangles.any(axis=1))
        band = np.minimum((mel.triangles != 0).argmax(axis=1), mel.triangles.shape[1] - 1)
        weights = np.take_along_axis(np.pad(mel.triangles, ((0, 0), (0, 1))), band[:, None] + [0, 1], axis=1)
        waves = formant.waves
        return _Plan(
            grid.sampling_rate,
            grid.step,
            brief,
            lengthy,
            self._keep(acf_table, np.float64),
            shape.low,
            shape.middle,
            shape.high,
            shape.flux,
            len(shape.slopes),
            self._keep(shape.slopes, np.float64),
            int(used[0]),
            int(used[-1]) + 1,
            self._keep(band, np.int64),
            self._keep(weights, np.float64),
            self._keep(mel.hearing, np.float64),
            self._keep(mel.cosines, np.float64),
            (INTEGER * 15)(*pitch.shifts),
            pitch.step,
            self._keep(pitch.spline.rises, np.float64),
            self._keep(pitch.spline.ratios, np.float64),
            self._keep(pitch.spline.pivots, np.float64),
            self._keep(pitch.spline.left, np.int64),
            self._keep(pitch.spline.weights, np.float64),
            formant.n_bins,
            formant.n_samples,
            self._keep(_in_fours(waves), np.float32),
        )

    def spectral(self, samples: Floats, n_frames: int, before: Floats | None) -> tuple[Floats, Floats, float]:
        """Measure the descriptors of the 20 ms frames."""
        rows = np.empty((n_frames, len(SMOOTHED)))
        last = np.zeros(self._plan.flux, np.float32) if before is None else before.copy()
        total = self.functions["spectral"](
            self._address, _at(samples), n_frames, _at(last), before is not None, _at(rows)
        )
        if np.isnan(total):
            raise MemoryError
        return rows, last, total

    def candidates(self, samples: Floats, n_frames: int) -> tuple[Floats, Floats, Floats]:
        """Find candidates of F0 in the 60 ms frames, and their energy."""
        frequency, voicing, energy = np.empty((n_frames, 6)), np.empty((n_frames, 6)), np.empty(n_frames)
        outputs = _at(frequency), _at(voicing), _at(energy)
        _check(self.functions["candidates"](self._address, _at(samples), n_frames, *outputs))
        return frequency, voicing, energy

    def formants(self, samples: Floats, frames: Floats) -> tuple[Floats, Floats]:
        """Estimate the formants of some 20 ms frames."""
        frequency, bandwidth = np.empty((len(frames), 3)), np.empty((len(frames), 3))
        outputs = _at(frequency), _at(bandwidth)
        _check(self.functions["formants"](self._address, _at(samples), len(frames), _at(frames), *outputs))
        return frequency, bandwidth

    def harmonics(self, samples: Floats, frames: Floats, f0: Floats, rows: Floats) -> None:
        """Measure what the 60 ms spectra of voiced frames tell, into rows whose formants are known."""
        _check(self.functions["harmonics"](self._address, _at(samples), len(frames), _at(frames), _at(f0), _at(rows)))

    def voice(self, samples: Floats, frames: Floats, f0: Floats, rows: Floats) -> None:
        """Measure noise, harmonics and formants of the corrected set."""
        arguments = _at(samples), len(frames), _at(frames), _at(f0), _at(rows)
        _check(self.functions["voice"](self._address, ctypes.addressof(self._voice_plan), *arguments))

    def summarise(self, spectral: Floats, voice: Floats, n_decided: int, mean_square: float) -> Floats:
        """Give the functionals of contours with at least one frame."""
        values = np.empty(len(FUNCTIONAL_NAMES))
        arguments = _at(spectral), len(spectral), _at(voice), len(voice), n_decided, mean_square, _at(values)
        _check(self.functions["functionals"](*arguments))
        return values

    def path(self) -> "CompiledPath":
        """Begin a path through the candidates."""
        return CompiledPath(self)

    def periods(self) -> "CompiledPeriods":
        """Begin a walk from period to period."""
        return CompiledPeriods(self, self._address)


def _in_fours(waves: Floats) -> Floats:
    """Order cosines and sines, shape (n_bins - 1, 2, n_samples), as the loop over four samples at once reads them."""
    n_bins, _, n_samples = waves.shape
    padded = np.pad(waves, ((0, 0), (0, 0), (0, -n_samples % 4)))
    return padded.reshape(n_bins, 2, -1, 4).transpose(2, 0, 1, 3)


def _check(status: int) -> None:
    if status < 0:
        raise MemoryError


class CompiledPath:
    """As `pitch_path.PitchPath`."""

    def __init__(self, kernels: CompiledKernels) -> None:
        self._follow = kernels.functions["follow_path"]
        self._state = np.zeros(kernels.functions["size_of_path"](), np.uint8)
        self.n_decided = 0

    def add(self, frequency: Floats, voicing: Floats, ends: bool = False) -> Floats:
        """Take in candidates and give F0 of the frames that are decided by now."""
        f0 = np.empty(len(frequency) + LONGEST_DELAY)
        arguments = _at(self._state), len(frequency), _at(frequency), _at(voicing), ends, _at(f0)
        n_decided = self._follow(*arguments)
        self.n_decided += n_decided
        return f0[:n_decided]

    def finish(self) -> Floats:
        """Decide what is left."""
        return self.add(np.zeros((0, 6)), np.zeros((0, 6)), ends=True)


class CompiledPeriods:
    """As `perturbation.PeriodTracker`, but nothing is left to be run."""

    def __init__(self, kernels: CompiledKernels, plan: int) -> None:
        self._measure = kernels.functions["perturbation"]
        self._plan = plan
        # Of int64: frame, position, rest, whether a stretch is open; see periods.h.
        self._state = np.zeros(kernels.functions["size_of_walk"]() // 8, np.int64)

    @property
    def position(self) -> int | None:
        """Give the first sample that is needed from now on, None between stretches."""
        return int(self._state[1]) if self._state[3] else None

    def plan(self, f0: Floats, samples: Floats, offset: int) -> tuple[Floats, list[WalkTask]]:
        """Measure jitter and shimmer of the next frames."""
        values = np.empty((len(f0), 2))
        f0 = np.ascontiguousarray(f0, np.float64)
        arguments = self._plan, _at(self._state), _at(samples), offset, len(samples), len(f0), _at(f0), _at(values)
        _check(self._measure(*arguments))
        return values, []
