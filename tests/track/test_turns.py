"""Turns: split where the speaker changes, cut as they were found."""

from itertools import pairwise

import numpy as np
import pytest

from affectmap.audio.speech_detection import CHUNK, RATE
from affectmap.track.turns import MIN_TURN_S, Levels, Turn, TurnCutter, split_segment, states_by_chunk


@pytest.mark.parametrize("sizes", [[16000], [1] * 40 + [15960], [511, 513, 14976], [4096] * 3 + [3712]])
def test_turns_do_not_depend_on_the_blocks(sizes):
    signal = np.arange(16000, dtype=np.float32)
    turns = [Turn(0, 100, 0.9), Turn(50, 9000, 0.8), Turn(8999, 9001, np.nan), Turn(15000, 16000, 0.7)]
    cutter, found, first = TurnCutter(turns), [], 0
    for size in sizes:
        found += cutter.push(signal[first : first + size])
        first += size
    found += cutter.finish()
    assert [each.first for each in found] == [turn.first for turn in turns]
    for each, turn in zip(found, turns, strict=True):
        np.testing.assert_array_equal(each.signal, signal[turn.first : turn.last])
    assert not cutter.notes()


def test_only_what_is_needed_is_kept():
    cutter = TurnCutter([Turn(100 * RATE, 101 * RATE, 1.0)])
    for _ in range(99):
        cutter.push(np.zeros(RATE, np.float32))
        assert len(cutter._signal) == 0


def test_levels_are_those_of_whole_chunks():
    signal = np.random.default_rng(0).normal(size=10 * CHUNK + 77).astype(np.float32)
    levels = Levels()
    for part in np.array_split(signal, 23):
        levels.add(part)
    expected = [10 * np.log10(np.mean(signal[i * CHUNK : (i + 1) * CHUNK].astype(float) ** 2)) for i in range(10)]
    np.testing.assert_allclose(levels.decibels(), expected)
    assert len(Levels().decibels()) == 0


def test_a_change_lies_in_the_pause_between():
    levels = np.zeros(200)
    levels[70] = -60
    middles = np.array([25, 50, 75, 100]) * CHUNK
    states = states_by_chunk(0, 125 * CHUNK, middles, np.array([0, 0, 1, 1]), levels)
    assert np.flatnonzero(np.diff(states)).tolist() == [69]
    assert split_segment(0, 125 * CHUNK, states) == [(0, 70 * CHUNK, 0), (70 * CHUNK, 125 * CHUNK, 1)]


@pytest.mark.parametrize("seed", range(20))
def test_parts_tile_the_segment_and_none_is_short(seed):
    rng = np.random.default_rng(seed)
    first = int(rng.integers(0, 5000))
    last = first + int(rng.integers(CHUNK, 7 * RATE))
    n_chunks = -(-last // CHUNK) - first // CHUNK
    parts = split_segment(first, last, rng.integers(0, 2, n_chunks))
    assert [parts[0][0], parts[-1][1]] == [first, last]
    assert all(one[1] == other[0] and one[2] != other[2] for one, other in pairwise(parts))
    if len(parts) > 1:
        assert min(end - begin for begin, end, _ in parts) >= MIN_TURN_S * RATE - CHUNK
