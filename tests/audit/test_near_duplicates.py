"""Copies at another level, in another format, trimmed or cut out are found; different recordings are not."""

import audformat
import numpy as np
import pytest
import soundfile

from affectmap.audit.near_duplicates import Rows, find_duplicates, shared_sound
from affectmap.features.functionals import measure_functionals


def babble(seed, seconds=2.0, sampling_rate=16000):
    """A voice whose pitch and formant wander, so that no two stretches are alike."""
    rng = np.random.default_rng(seed)
    time = np.arange(round(seconds * sampling_rate)) / sampling_rate
    knots = np.linspace(0, seconds, 12)
    pitch = np.interp(time, knots, rng.uniform(90, 260, 12))
    phase = 2 * np.pi * np.cumsum(pitch) / sampling_rate
    level = np.interp(time, knots, rng.uniform(0.3, 1.0, 12))
    tilt = rng.uniform(0.8, 1.6)
    signal = level * sum(np.sin(k * phase + rng.uniform(0, 6)) / k**tilt for k in range(1, 14))
    signal += 0.02 * rng.standard_normal(len(time))
    return (0.4 * signal / np.abs(signal).max()).astype(np.float32)


@pytest.fixture
def write(tmp_path):
    """Write signals and measure them; gives rows in the order of their names."""

    def make(**signals):
        files = {}
        for name, signal in signals.items():
            file = tmp_path / name.replace("__", ".")
            whole = np.round(32767 * signal).astype(np.int16)
            soundfile.write(file, signal if file.suffix == ".ogg" else whole, 16000)
            files[str(file)] = soundfile.read(file, dtype="float32")[0]
        values = np.stack([measure_functionals(signal, 16000) for signal in files.values()])
        return Rows(audformat.segmented_index(list(files)), values)

    return make


def pairs_of(*corpora):
    return [(pair.first, pair.second, pair.kind) for pair in find_duplicates(corpora)]


def test_different_recordings_are_no_duplicates(write):
    assert pairs_of(write(**{f"n{seed}__wav": babble(seed) for seed in range(12)})) == []


def test_the_same_samples_under_other_names_and_formats(write):
    rows = write(a__wav=babble(0), b__wav=babble(1), c__flac=babble(0), d__wav=babble(0))
    assert pairs_of(rows) == [(0, 2, "same samples"), (0, 3, "same samples")]


@pytest.mark.parametrize(
    "change",
    [
        lambda signal: 0.25 * signal,
        lambda signal: signal[1600:-800],
        lambda signal: np.concatenate([np.zeros(8000, np.float32), signal, np.zeros(4000, np.float32)]),
    ],
    ids=["quieter", "trimmed", "padded"],
)
def test_copies_at_another_level_or_with_other_ends(write, change):
    others = {f"n{seed}__wav": babble(seed) for seed in range(1, 9)}
    rows = write(a__wav=babble(0), **others, z__wav=change(babble(0)))
    assert pairs_of(rows) == [(0, 9, "same sound")]


def test_a_lossy_copy(write):
    others = {f"n{seed}__wav": babble(seed) for seed in range(1, 9)}
    assert pairs_of(write(a__wav=babble(0), **others, z__ogg=babble(0))) == [(0, 9, "same sound")]


def test_across_corpora_rows_are_numbered_one_after_another(write):
    one, other = write(a__wav=babble(0), b__wav=babble(1)), write(c__wav=babble(2), d__wav=babble(1))
    assert pairs_of(one, other) == [(1, 3, "same samples")]


def test_segments_of_one_file_are_told_apart(tmp_path):
    file = str(tmp_path / "long.wav")
    signal = np.concatenate([babble(0), babble(1), babble(0)])
    soundfile.write(file, signal, 16000)
    signal = soundfile.read(file, dtype="float32")[0]
    parts = [(0, 2), (2, 4), (4, 6)]
    values = np.stack([measure_functionals(signal[16000 * a : 16000 * b], 16000) for a, b in parts])
    index = audformat.segmented_index([file] * 3, [f"{a}s" for a, _ in parts], [f"{b}s" for _, b in parts])
    assert pairs_of(Rows(index, values)) == [(0, 2, "same samples")]


def test_functionals_without_recordings_are_compared_among_themselves():
    values = 3 + np.random.default_rng(0).normal(size=(50, 88)).astype(np.float32)
    values[7], values[9] = values[3], np.round(values[4], 4)
    rows = Rows(audformat.segmented_index([f"/nowhere/{i}.wav" for i in range(50)]), values)
    assert pairs_of(rows) == [(3, 7, "same functionals"), (4, 9, "same functionals")]


def test_constant_functionals_and_few_rows_do_no_harm():
    index = audformat.segmented_index([*"abc"])
    assert len(pairs_of(Rows(index, np.ones((3, 88), np.float32)))) == 2
    assert pairs_of(Rows(index[:1], np.ones((1, 88), np.float32))) == []
    assert pairs_of() == []


def test_overlap_is_measured_where_it_is():
    long = babble(0, seconds=3.0)
    n_shared, likeness = shared_sound(long[:32000], -0.5 * long[16000:])
    assert (n_shared, round(likeness, 3)) == (16000, 1.0)
    assert shared_sound(babble(1), babble(2))[1] < 0.9
    assert shared_sound(np.zeros(100, np.float32), np.zeros(80, np.float32))[1] == 0.0
