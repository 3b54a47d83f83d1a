"""Measured segments: in order, the same with any number of threads, few in memory, and gaps without values."""

import io
import threading

import numpy as np
import pytest
import soundfile

from affectmap.audio.speech_detection import RATE, Segment, WindowCutter
from affectmap.audio.stream import PulseCode, Recording
from affectmap.errors import AudioError
from affectmap.model.model import load_model
from affectmap.track.segments import _is_broken, measured_segments


@pytest.fixture(scope="module")
def model():
    return load_model()


def test_threads_do_not_matter(write_voice, model):
    file = write_voice("a.wav", seconds=7.3)
    expected = list(measured_segments(Recording(file), WindowCutter(1.0), model, 0))
    assert [segment.start_s for segment in expected] == [0, 1, 2, 3, 4, 5, 6, 7]
    for n_threads in (1, 3):
        found = list(measured_segments(Recording(file), WindowCutter(1.0), model, n_threads))
        assert [each[:3] for each in found] == [each[:3] for each in expected]
        np.testing.assert_array_equal([each.functionals for each in found], [each.functionals for each in expected])


def test_functionals_are_those_of_the_window_alone(write_voice, model):
    file = write_voice("a.wav", seconds=3.0)
    signal = soundfile.read(file, dtype="float32")[0]
    _, second, _ = measured_segments(Recording(file), WindowCutter(1.0), model, 1)
    alone, _ = model.measure([signal[16000:32000]], 16000)
    np.testing.assert_array_equal(second.functionals, alone.to_numpy()[0])


class Counting:
    """A model that is slow to measure and remembers how much waits."""

    sampling_rate = 16000

    def __init__(self, model):
        self.model, self.n_begun = model, 0
        self.lock = threading.Lock()

    def measure(self, *arguments, **options):
        with self.lock:
            self.n_begun += 1
        return self.model.measure(*arguments, **options)


def test_only_a_few_are_measured_ahead(model):
    pcm = PulseCode(io.BytesIO(np.random.default_rng(0).integers(-99, 99, 16000 * 40).astype("<i2").tobytes()), 16000)
    counting = Counting(model)
    segments = measured_segments(pcm, WindowCutter(0.5), counting, 2)
    next(segments)
    assert counting.n_begun <= 30
    segments.close()
    assert counting.n_begun <= 30


def test_a_stream_is_given_before_more_is_read(model):
    taken = []

    class Slow(io.BytesIO):
        def read1(self, n):
            taken.append(n)
            return super().read1(n)

    segments = measured_segments(PulseCode(Slow(bytes(2 * 16000 * 10)), 16000), WindowCutter(1.0), model, 0)
    next(segments)
    assert len(taken) == 2  # of 8192 samples each: the first window is complete
    assert next(segments).end_s == 2.0


def test_pieces_that_touch_a_gap_have_no_values(tmp_path, voice, model):
    signal = voice(3.0)
    signal[16000 + 5] = np.nan
    soundfile.write(tmp_path / "a.wav", signal, 16000, subtype="FLOAT")
    segments = list(measured_segments(Recording(tmp_path / "a.wav"), WindowCutter(1.0), model, 2))
    assert [np.isnan(segment.functionals).all() for segment in segments] == [False, True, False]
    assert "NaN" in segments[1].flags.problem


@pytest.mark.parametrize("seed", range(5))
def test_which_pieces_touch_a_gap(seed):
    rng = np.random.default_rng(seed)
    edges = np.sort(rng.choice(400, 40, replace=False)).astype(float)
    gaps = list(zip(edges[::2], edges[1::2], strict=True))
    for start, length in zip(rng.integers(0, 400, 200), rng.integers(1, 30, 200), strict=True):
        segment = Segment(int(start) * RATE, np.zeros(length * RATE, np.int8), 1.0)
        assert _is_broken(segment, gaps) == any(a < start + length and b > start for a, b in gaps)
    assert not _is_broken(segment, [])


def test_a_recording_with_a_gap_in_every_block(tmp_path, model):
    signal = np.full(5 * 64_000, 0.25, np.float32)
    signal[32_000::64_000] = np.nan
    soundfile.write(tmp_path / "a.wav", signal, 16000, subtype="FLOAT")
    recording = Recording(tmp_path / "a.wav")
    segments = list(measured_segments(recording, WindowCutter(2.0), model, 1))
    assert len(recording.gaps) == 5
    assert [segment.flags.problem is None for segment in segments] == [True, False] * 5


def test_an_error_ends_the_threads(tmp_path, model):
    soundfile.write(tmp_path / "a.wav", np.zeros(16000), 16000)
    recording = Recording(tmp_path / "a.wav")
    (tmp_path / "a.wav").unlink()
    n_before = threading.active_count()
    with pytest.raises(AudioError, match="not audio"):
        list(measured_segments(recording, WindowCutter(1.0), model, 2))
    assert threading.active_count() == n_before
