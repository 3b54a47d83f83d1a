"""The Fourier transform whose rounding in float32 the formants depend on: Ooura's split-radix transform.

Conventions: signals have shape (n, n_frames), real and imaginary parts are float32 arrays of their own.

Source: T. Ooura, General Purpose FFT Package, `fftsg.c`: the same sums and products in the same order, a stage at a
time for all frames, so that every value has the same bits. Its notice is in `fftsg.LICENSE`; `compiled/fftsg.h` is the
original.
"""

from functools import lru_cache
from math import atan
from typing import NamedTuple

import numpy as np

from affectmap.egemaps.framing import Floats

Complex = tuple[Floats, Floats]
# Into what kinds of blocks the four parts of a block of each kind are to be transformed.
PARTS = {1: (1, 2, 1, 1), 2: (1, 2, 1, 2)}


class _Stage(NamedTuple):
    """A stage turns blocks of `size` complex values into four blocks of a quarter.

    Attributes:
        size: Of a block.
        kinds: For both kinds, the blocks' numbers and the quarters' factors, shape (n_factors, 2, size / 4).
    """

    size: int
    kinds: tuple[tuple[Floats, Floats], tuple[Floats, Floats]]


class SplitRadix:
    """A real transform of one length, a power of two from 64 on."""

    def __init__(self, length: int) -> None:
        self._half = length // 2
        table = _Table(length // 4)
        self._eighth = table.eighth
        self._stages, self._last_kinds = self._plan(table)
        self._reversed = _reversed_bits(self._half)
        self._even = _split_factors(length // 4)

    def _plan(self, table: "_Table") -> tuple[list[_Stage], Floats]:
        stages, kinds, size = [], np.ones(1, np.int64), self._half
        while size >= 4:
            first = table.first(size) if size == self._half else table.one(size)
            blocks = [np.flatnonzero(kinds == kind) for kind in (1, 2)]
            second = table.two(size) if len(blocks[1]) else first
            stages.append(_Stage(size, ((blocks[0], first), (blocks[1], second))))
            kinds = np.concatenate([PARTS[kind] for kind in kinds.tolist()])
            size //= 4
        return stages, kinds if size == 2 else np.zeros(0, np.int64)

    def transform(self, signals: Floats) -> Complex:
        """Give sum_j x_j cos(2 pi jk / n) and sum_j x_j sin(2 pi jk / n), each of shape (n / 2 + 1, n_frames)."""
        n_frames = signals.shape[1]
        real, imaginary = (np.array(signals[start::2], np.float32) for start in (0, 1))
        for stage in self._stages:
            shape = -1, 4, stage.size // 4, n_frames
            views = real.reshape(shape), imaginary.reshape(shape)
            for (blocks, factors), pass_ in zip(stage.kinds, (self._first_kind, self._second_kind), strict=True):
                if len(blocks):
                    results = pass_(views[0][blocks], views[1][blocks], factors)
                    for view, parts in zip(views, zip(*results, strict=True), strict=True):
                        view[blocks] = np.stack(parts, axis=1)
        if len(self._last_kinds):
            _finish_pairs(real.reshape(-1, 2, n_frames), imaginary.reshape(-1, 2, n_frames), self._last_kinds)
        return self._split(real[self._reversed], imaginary[self._reversed])

    def _first_kind(self, real: Floats, imaginary: Floats, factors: Floats) -> list[Complex]:
        parts = [(real[:, part], imaginary[:, part]) for part in range(4)]
        sums, differences = _both(parts[0], parts[2])
        other_sums, other_differences = _both(parts[1], parts[3])
        results = [*_both(sums, other_sums)]
        middle = real.shape[2] // 2
        for sign, factor in zip((1, -1), factors, strict=True):
            turned = _add_turned(differences, other_differences, sign)
            result = _product(turned, factor)
            if middle:
                _set(result, middle, _turn(self._diagonal(turned, middle), 0 if sign > 0 else 1))
            results.append(result)
        return results

    def _second_kind(self, real: Floats, imaginary: Floats, factors: Floats) -> list[Complex]:
        parts = [(real[:, part], imaginary[:, part]) for part in range(4)]
        results: list[Complex] = []
        for sign, factor, other_factor in zip((1, -1), factors[:2], factors[2:], strict=True):
            here, there = _add_turned(parts[0], parts[2], sign), _add_turned(parts[1], parts[3], sign)
            result, other = _product(here, factor), _product(there, other_factor)
            _set(other, 0, _turn(self._diagonal(there, 0), 0 if sign > 0 else 1))
            results += _both(result, other)
        return results

    def _diagonal(self, values: Complex, place: int) -> Complex:
        """Turn by 45 degrees."""
        real, imaginary = values[0][:, place], values[1][:, place]
        return self._eighth * (real - imaginary), self._eighth * (imaginary + real)

    def _split(self, real: Floats, imaginary: Floats) -> Complex:
        """Make the transform of n real values of that of n / 2 complex ones."""
        half, quarter = self._half, self._half // 2
        low, high = slice(1, quarter), slice(half - 1, quarter, -1)
        x, y = real[low] - real[high], imaginary[low] + imaginary[high]
        x, y = _product((x, y), self._even)
        real[low] -= x
        imaginary[low] -= y
        real[high] += x
        imaginary[high] -= y
        ends = real[0] - imaginary[0]
        real[0] += imaginary[0]
        imaginary[0] = 0
        return np.concatenate([real, ends[None]]), np.concatenate([imaginary, np.zeros_like(ends)[None]])


def _both(a: Complex, b: Complex) -> tuple[Complex, Complex]:
    return (a[0] + b[0], a[1] + b[1]), (a[0] - b[0], a[1] - b[1])


def _add_turned(a: Complex, b: Complex, sign: int) -> Complex:
    """Give a + ib, or a - ib."""
    return (a[0] - b[1], a[1] + b[0]) if sign > 0 else (a[0] + b[1], a[1] - b[0])


def _turn(values: Complex, quarters: int) -> Complex:
    return (-values[1], values[0]) if quarters else values


def _product(values: Complex, factor: Floats) -> Complex:
    """Multiply by factors of shape (2, n_places), rounded product by product; complex numbers of NumPy are not."""
    real, imaginary = values
    cosine, sine = factor[:, :, None]
    return cosine * real - sine * imaginary, cosine * imaginary + sine * real


def _set(values: Complex, place: int, new: Complex) -> None:
    for part, new_part in zip(values, new, strict=True):
        part[:, place] = new_part


def _finish_pairs(real: Floats, imaginary: Floats, kinds: Floats) -> None:
    a, b = ((real[:, place], imaginary[:, place]) for place in (0, 1))
    first, second = _both(a, b), (_add_turned(a, b, 1), _add_turned(a, b, -1))
    chosen = (kinds == 1)[:, None]
    for place in (0, 1):
        for part, values in enumerate((real, imaginary)):
            values[:, place] = np.where(chosen, first[place][part], second[place][part])


class _Table:
    """Cosines and sines as the original rounds them.

    `_levels[m]` has m entries: for j < m / 4 the row j has cos jd, sin jd, cos 3jd, -sin 3jd with d = 4 atan(1) / m.
    """

    def __init__(self, n_entries: int) -> None:
        n_rows = n_entries // 2
        delta = np.float32(atan(1.0) / n_rows)
        self.eighth = np.float32(np.cos(np.float64(delta * np.float32(n_rows))))
        places = np.arange(0, n_rows, 4, dtype=np.float32)
        once, thrice = (delta * places).astype(np.float64), (np.float32(3) * delta * places).astype(np.float64)
        level = np.stack([np.cos(once), np.sin(once), np.cos(thrice), -np.sin(thrice)], axis=1).astype(np.float32)
        self._levels = {n_rows: level}
        while n_rows > 8:
            n_rows //= 2
            level = level[::2]
            self._levels[n_rows] = level
        self._interpolation = [
            np.float32(0.5 / np.cos(np.float64(delta * np.float32(factor)))) for factor in (2.0, 6.0)
        ]

    def first(self, size: int) -> Floats:
        """Give the factors of the first stage: every second is made of its neighbours."""
        known = np.concatenate([self._levels[size // 4], self.eighth * np.array([[1, 1, -1, -1]], np.float32)])
        rows = np.repeat(known, 2, axis=0)[:-1]
        rows[1::2] = np.repeat(self._interpolation, 2) * (known[:-1] + known[1:])
        return _mirrored(rows[: size // 8])

    def one(self, size: int) -> Floats:
        """Give the factors of the two upper parts of a block of the first kind."""
        if size <= 8:
            return _mirrored(np.array([[1, 0, 1, 0]], np.float32))[:, :, : size // 4]
        rows = self._levels[size // 2][: size // 8]
        factors = _mirrored(rows)
        if size == 16:
            cosine, sine = rows[1, :2]
            factors[1, :, [1, 3]] = (sine, cosine), (-cosine, -sine)
        return factors

    def two(self, size: int) -> Floats:
        """Give the factors of a block of the second kind: of the parts 0 and 2, once and thrice, then of 1 and 3."""
        quarter = size // 4
        if quarter < 2:
            return np.array([[[1], [0]]] * 4, np.float32)
        rows = self._levels[max(size, 8)]
        here, there = rows[:quarter].T, np.zeros((4, quarter), np.float32)
        there[:, 1:] = rows[1:quarter][::-1].T
        factors = np.stack([here[:2], [here[2], -here[3]], [there[1], there[0]], [there[3], -there[2]]])
        middle = quarter // 2
        cosine, sine = rows[middle, :2]
        factors[:, :, middle] = (cosine, sine), (sine, cosine), (sine, cosine), (-cosine, -sine)
        if size == 16:
            cosine, sine, cosine_3, sine_3 = rows[1]
            factors[2, :, 1], factors[3, :, 1] = (-sine_3, cosine_3), (-cosine, sine)
            factors[0, :, 3], factors[1, :, 3] = (cosine_3, -sine_3), (-sine, cosine)
        return factors


def _mirrored(rows: Floats) -> Floats:
    """Give factors of all places from those of the lower half; the middle one is not used."""
    cosine, sine, cosine_3, sine_3 = rows.T
    lower = np.stack([[cosine, sine], [cosine_3, -sine_3]])
    upper = np.stack([[sine, cosine], [sine_3, -cosine_3]])
    middle = np.ones((2, 2, 1), np.float32)
    return np.concatenate([lower, middle, upper[:, :, :0:-1]], axis=2)


def _reversed_bits(n_places: int) -> Floats:
    places = np.zeros(1, np.int64)
    while len(places) < n_places:
        places = np.concatenate([2 * places, 2 * places + 1])
    return places


def _split_factors(n_entries: int) -> Floats:
    half = n_entries // 2
    delta = np.float32(atan(1.0) / half)
    angles = (delta * np.arange(half + 1, dtype=np.float32)).astype(np.float64)
    entries = np.empty(n_entries + 1, np.float32)
    entries[: half + 1], entries[half:] = 0.5 * np.cos(angles), 0.5 * np.sin(angles)[::-1]
    entries[half] = np.float32(0.5) * np.float32(np.cos(angles[-1]))
    return np.stack([np.float32(0.5) - entries[n_entries - 1 : 0 : -1], entries[1:n_entries]])


@lru_cache(maxsize=16)
def split_radix(length: int) -> SplitRadix:
    """Give the transform of a length."""
    return SplitRadix(length)
