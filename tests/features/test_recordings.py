"""What was measured of single recordings is found again, to the bit, and nothing else is kept."""

import json
import os
import signal
import subprocess
import sys
import zipfile

import numpy as np
import pandas as pd
import pytest
import soundfile

from affectmap.audio.quality import SignalFlags
from affectmap.features import single_recordings as module
from affectmap.features.recordings import RecordingCache
from affectmap.features.single_recordings import measure_sources
from affectmap.features.utterances import file_digest
from conftest import make_voice


@pytest.fixture
def measured(monkeypatch):
    """What is measured: the number of samples, each time."""
    asked, measure = [], module.measure_functionals
    monkeypatch.setattr(
        module, "measure_functionals", lambda one, *how: (asked.append(len(one)), measure(one, *how))[1]
    )
    return asked


def write(file, seconds=0.5, **options):
    soundfile.write(file, make_voice(seconds=seconds, **options), 16000)
    return file


def test_the_same_bits_and_flags_measured_and_found(tmp_path, measured):
    clipped = tmp_path / "clipped.wav"
    soundfile.write(clipped, np.clip(20 * make_voice(seconds=0.5), -1, 1), 16000)
    sources = [write(tmp_path / "a.wav"), clipped, write(tmp_path / "b.flac", pitch=200.0), tmp_path / "gone.wav"]
    expected, flags = measure_sources(sources, None, 16000, clipped_share=0.001)
    n_alone = len(measured)
    for n_more in (3, 0):
        before = len(measured)
        with RecordingCache(tmp_path / "cache") as cache:
            found, again = measure_sources(sources, None, 16000, clipped_share=0.001, cache=cache)
        assert len(measured) - before == n_more
        pd.testing.assert_frame_equal(found, expected, check_exact=True)
        assert again == flags
        assert all(isinstance(each, SignalFlags) for each in again)
        assert cache.notices == []
    assert (n_alone, flags[1].clipped, flags[3].problem) == (
        3,
        True,
        "there is no such file; restore it or correct its path",
    )


def test_a_problem_names_no_file_that_its_row_names(tmp_path):
    _, flags = measure_sources([tmp_path / "two\nlines.wav"], None, 16000)
    assert flags[0].problem == "there is no such file; restore it or correct its path"


def test_content_counts_and_not_the_name(tmp_path, measured):
    with RecordingCache(tmp_path / "cache") as cache:
        measure_sources([write(tmp_path / "a.wav")], None, 16000, cache=cache)
        (tmp_path / "a.wav").rename(tmp_path / "b.wav")
        measure_sources([tmp_path / "b.wav", str(tmp_path / "b.wav")], None, 16000, cache=cache)
        assert len(measured) == 1
        measure_sources([write(tmp_path / "b.wav", pitch=300.0)], None, 16000, cache=cache)
        assert len(measured) == 2


def test_what_the_result_depends_on_is_measured_apart(tmp_path, measured):
    source = write(tmp_path / "a.wav")
    voice = make_voice(seconds=0.5)
    with RecordingCache(tmp_path / "cache") as cache:
        for again in (False, True):
            before = len(measured)
            measure_sources([source], None, 16000, cache=cache)
            measure_sources([source], None, 8000, cache=cache)
            measure_sources([source], None, 16000, clipped_share=0.5, cache=cache)
            measure_sources([voice], 16000, 16000, cache=cache)
            measure_sources([voice], 22050, 16000, cache=cache)
            assert len(measured) - before == (0 if again else 5)


def test_the_cache_holds_functionals_and_flags_and_nothing_else(tmp_path):
    with RecordingCache(tmp_path / "cache") as cache:
        measure_sources([write(tmp_path / "anna-on-the-phone.wav")], None, 16000, cache=cache)
    (file,) = (tmp_path / "cache").glob("*.npz")
    with zipfile.ZipFile(file) as archive:
        assert sorted(archive.namelist()) == ["columns.npy", "keys.npy", "rows.npy", "texts.npy"]
    assert b"anna" not in file.read_bytes()
    with np.load(file) as stored:
        assert stored["rows"].shape == (1, 88)
        assert json.loads(stored["texts"][0]) == json.loads(json.dumps(SignalFlags()))
        assert stored["keys"][0].split()[0].decode() == file_digest(str(tmp_path / "anna-on-the-phone.wav"))


def test_a_damaged_cache_is_told_and_measured_again(tmp_path, measured):
    source = write(tmp_path / "a.wav")
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "recordings.npz").write_bytes(b"PK damaged")
    for n_expected in (1, 1):
        with RecordingCache(tmp_path / "cache") as cache:
            measure_sources([source], None, 16000, cache=cache)
        assert len(measured) == n_expected
    (tmp_path / "file").touch()
    with RecordingCache(tmp_path / "file") as cache:
        assert measure_sources([source], None, 16000, cache=cache)[1][0].problem is None
    assert "cannot be written" in cache.notices[-1]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="signals as on POSIX")
def test_a_killed_run_is_gone_on_with(tmp_path, measured):
    sources = [write(tmp_path / f"{number}.wav", pitch=100.0 + number) for number in range(6)]
    code = f"""
import os, signal
from affectmap.features import cache
from affectmap.features.single_recordings import measure_sources
from affectmap.features.recordings import RecordingCache
from affectmap.features.utterances import file_digest
cache.FLUSH_S = 0.0
def kill(done, total):
    if done == 4: os.kill(os.getpid(), signal.SIGKILL)
with RecordingCache({str(tmp_path / "cache")!r}) as known:
    measure_sources({[str(each) for each in sources]!r}, None, 16000, cache=known, n_jobs=1, progress=kill)
"""
    ended = subprocess.run([sys.executable, "-c", code], env=dict(os.environ), check=False)
    assert ended.returncode == -signal.SIGKILL
    with RecordingCache(tmp_path / "cache") as cache:
        found, _ = measure_sources(sources, None, 16000, cache=cache)
    assert len(measured) <= 2
    pd.testing.assert_frame_equal(found, measure_sources(sources, None, 16000)[0], check_exact=True)
