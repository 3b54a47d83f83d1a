"""Single recordings measured by a cluster: the same rows, the same cache, and nothing twice."""

import os
import sys

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("distributed")

from distributed import Client

from affectmap.features import remote
from affectmap.features.recordings import RecordingCache
from affectmap.features.single_recordings import measure_sources
from affectmap.features.utterances import Utterance, file_digest
from affectmap.parallel.cluster import work_on
from affectmap.parallel.workers import WorkersError
from conftest import make_voice
from dask_processes import count_measurements, measurements

pytestmark = pytest.mark.cluster


@pytest.fixture
def counted(pair):
    """A cluster whose workers count what they measure."""
    with Client(pair, set_as_default=False) as client:
        client.run(count_measurements)
        yield lambda: sum(client.run(measurements).values())


@pytest.fixture
def sources(write_voice, tmp_path):
    """Good ones, bad ones, a segment and a signal."""
    voices = [write_voice(f"{seed}.wav", seed=seed, pitch=100 + 5 * seed, seconds=0.3) for seed in range(20)]
    (tmp_path / "text.wav").write_text("no sound")
    signal = make_voice(seconds=0.5).astype(np.float32)
    return [*voices, tmp_path / "text.wav", tmp_path / "gone.wav", Utterance(str(voices[0]), 0.1, 0.25), signal]


def test_rows_flags_and_cache_are_the_same(pair, counted, sources, tmp_path):
    with RecordingCache(tmp_path / "here") as cache:
        expected, flags = measure_sources(sources, 16000, 16000, cache=cache)
    for n_more in (22, 0):
        before = counted()
        with work_on("dask", pair), RecordingCache(tmp_path / "there") as cache:
            found, their_flags = measure_sources(sources, 16000, 16000, cache=cache)
        assert counted() - before == n_more
        pd.testing.assert_frame_equal(found, expected, check_exact=True)
        assert their_flags == flags
    assert [each.problem is None for each in flags] == [True] * 20 + [False] * 2 + [True] * 2
    with work_on("dask", pair), RecordingCache(tmp_path / "here") as cache:
        before = counted()
        measure_sources(sources, 16000, 16000, cache=cache)
        assert counted() == before


def test_paths_are_those_of_the_machine_with_the_command(pair, write_voice, tmp_path, monkeypatch):
    write_voice("a.wav")
    monkeypatch.chdir(tmp_path)
    with work_on("dask", pair):
        found, flags = measure_sources(["a.wav", "b.wav"], None, 16000)
    assert found.index.tolist() == ["a.wav", "b.wav"]
    assert [each.problem for each in flags] == [None, "there is no such file; restore it or correct its path"]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets a name be any bytes")
def test_a_name_that_is_no_text_is_a_row_without_values(pair, write_voice, tmp_path):
    strange = str(tmp_path / os.fsdecode(b"caf\xe9\n.wav"))
    os.link(write_voice("good.wav"), strange)
    with work_on("dask", pair):
        _, flags = measure_sources([strange, tmp_path / "good.wav"], None, 16000)
    assert [each.problem for each in flags] == ["its path is not UTF-8; rename file or folder", None]


def test_a_file_that_workers_do_not_see_ends_the_run(pair, write_voice, monkeypatch):
    file = write_voice("a.wav")
    monkeypatch.setattr(remote, "file_digest", lambda path: file_digest(path) and "other")
    with work_on("dask", pair), pytest.raises(WorkersError, match=r"a\.wav is not on .* what it is here") as raised:
        measure_sources([file], None, 16000)
    assert "\n" not in str(raised.value)


def test_another_version_of_the_engine_ends_the_run(pair, write_voice, monkeypatch):
    monkeypatch.setattr(remote, "engine_version", lambda engine: "0")
    with work_on("dask", pair), pytest.raises(WorkersError, match=r"has egemaps .*, not 0; install one on all"):
        measure_sources([write_voice("a.wav")], None, 16000)


def test_a_worker_killed_while_it_measures_loses_nothing(shared_cluster, pair, sources):
    expected, _ = measure_sources(sources[:20], None, 16000)
    done = []

    def progress(n_done, _):
        done.append(n_done)
        if n_done == 3:
            shared_cluster.kill("two")

    with work_on("dask", pair):
        found, _ = measure_sources(sources[:20], None, 16000, progress=progress)
    pd.testing.assert_frame_equal(found, expected, check_exact=True)
    assert done == list(range(1, 21))
