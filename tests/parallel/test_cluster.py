"""Work on a real Dask cluster: the same bits, a worker killed in the middle, and what ends a run in one line."""

import importlib.util
import logging
import socket
import threading
import time

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("distributed")

from distributed import Client

from affectmap.errors import AudioError, ConfigError, UsageError
from affectmap.features import utterances
from affectmap.features.functionals import extract_functionals
from affectmap.parallel import cluster
from affectmap.parallel.cluster import work_on
from affectmap.parallel.workers import WorkersError, completed, mapped, n_workers, on_cluster
from dask_processes import START_S, dask_processes, end_the_worker, run_out_of_memory, slow, where

NOWHERE = "tcp://127.0.0.1:9"


def table_of(files):
    zeros = pd.to_timedelta([0] * len(files), unit="s")
    ends = pd.to_timedelta([None] * len(files), unit="s")
    return pd.DataFrame(
        index=pd.MultiIndex.from_arrays([[*map(str, files)], zeros, ends], names=["file", "start", "end"])
    )


def cached(folder):
    """Give keys and rows of the one file of a cache, ordered by key."""
    (file,) = folder.glob("*.npz")
    with np.load(file) as stored:
        order = np.argsort(stored["keys"])
        return stored["keys"][order], stored["rows"][order]


@pytest.fixture
def processes(tmp_path):
    """A cluster of the test's own."""
    with dask_processes(tmp_path / "dask") as started:
        yield started


@pytest.fixture
def voices(write_voice):
    return [write_voice(f"{seed}.wav", seed=seed, pitch=100 + 5 * seed, seconds=0.3) for seed in range(30)]


def busy(client, name):
    """Whether the worker has a task on its hands."""
    tasks = {each["name"]: client.processing()[address] for address, each in client.scheduler_info()["workers"].items()}
    return bool(tasks.get(name))


# What is refused


@pytest.mark.parametrize(
    ("backend", "scheduler", "message"),
    [
        ("spark", None, "backend is 'spark'; expected local or dask"),
        ("dask", None, "needs its scheduler; add --scheduler"),
        (None, NOWHERE, "add --backend dask"),
        ("local", NOWHERE, "add --backend dask"),
    ],
)
def test_options_that_do_not_fit(backend, scheduler, message):
    with pytest.raises(UsageError, match=message), work_on(backend, scheduler):
        pytest.fail("it went on")


def test_the_extra_is_named_where_it_is_missing(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r'pip install "affectmap\[cluster\]"'), work_on("dask", NOWHERE):
        pytest.fail("it went on")


@pytest.mark.parametrize(
    "scheduler", [NOWHERE, "nonsense://here:1", "127.0.0.1:9", "tcp://no.such.host.invalid:1", "tls://127.0.0.1:9"]
)
def test_a_scheduler_that_does_not_answer(scheduler, monkeypatch):
    monkeypatch.setattr(cluster, "CONNECT_S", 0.3)
    start = time.monotonic()
    with pytest.raises(ConfigError, match="no Dask scheduler answers at") as raised, work_on("dask", scheduler):
        pytest.fail("it went on")
    assert scheduler in str(raised.value)
    assert "\n" not in str(raised.value)
    assert time.monotonic() - start < 30
    assert not on_cluster()


def test_a_port_where_nobody_speaks(monkeypatch):
    monkeypatch.setattr(cluster, "CONNECT_S", 0.3)
    before = threading.active_count()
    with socket.create_server(("127.0.0.1", 0)) as mute:
        address = f"tcp://127.0.0.1:{mute.getsockname()[1]}"
        with pytest.raises(ConfigError, match="no Dask scheduler answers at"), work_on("dask", address):
            pytest.fail("it went on")
    assert threading.active_count() <= before


@pytest.mark.cluster
def test_a_worker_is_no_scheduler(pair):
    with Client(pair, set_as_default=False) as client:
        worker = next(iter(client.ncores()))
    with pytest.raises(ConfigError, match="a worker is there"), work_on("dask", worker):
        pytest.fail("it went on")


@pytest.mark.cluster
def test_a_scheduler_without_workers(processes, monkeypatch):
    monkeypatch.setattr(cluster, "CONNECT_S", 2.0)
    address = processes.start_scheduler()
    with pytest.raises(ConfigError, match=r"has no workers; start some with dask worker tcp"), work_on("dask", address):
        pytest.fail("it went on")


@pytest.mark.cluster
def test_other_versions_are_refused(pair, monkeypatch):
    from importlib import metadata

    version = metadata.version
    monkeypatch.setattr(metadata, "version", lambda name: "0.1.2" if name == "soxr" else version(name))
    with (
        pytest.raises(ConfigError, match=r"worker tcp.* has soxr .*, this machine 0\.1\.2"),
        work_on("dask", pair),
    ):
        pytest.fail("it went on")


# What is the same


@pytest.mark.cluster
def test_work_is_shared_and_comes_back_in_order(pair):
    logger = logging.getLogger("distributed.client")
    level = logger.level
    with work_on("dask", pair):
        assert on_cluster()
        assert n_workers(7) == 2
        assert set(mapped(where, range(12))) == {"one", "two"}
        assert mapped(abs, range(-300, 0), batch_size="auto") == [*range(300, 0, -1)]
        assert mapped(abs, []) == []
        large = np.arange(3_000_000.0)  # more than Dask likes to send with a task
        assert mapped(len, [large, large[1:]]) == [3_000_000, 2_999_999]
    assert not on_cluster()
    assert n_workers(7) == 7
    assert logger.level == level


@pytest.mark.cluster
def test_one_worker_of_one_thread_works_too(processes):
    address = processes.start_scheduler()
    processes.start_worker("alone", address)
    with work_on("dask", address):
        assert set(mapped(where, range(3))) == {"alone"}


@pytest.mark.cluster
def test_features_are_the_same_bits_and_faults_are_reported_alike(pair, voices, tmp_path, monkeypatch):
    (tmp_path / "text.wav").write_text("no sound")
    monkeypatch.chdir(tmp_path)  # the workers are elsewhere
    table = table_of([*(file.name for file in voices), "text.wav", "gone.wav", "./text.wav"])
    here, findings = extract_functionals("pets", table, cache=tmp_path / "here")
    with work_on("dask", pair):
        there, their_findings = extract_functionals("pets", table, cache=tmp_path / "there")
    pd.testing.assert_frame_equal(there, here, check_exact=True)
    assert their_findings == findings
    assert len(findings) == 3
    (one, rows), (other, others) = (cached(tmp_path / name) for name in ("here", "there"))
    np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(rows, others)


@pytest.mark.cluster
def test_an_error_of_a_task_is_raised_here(pair, voices, tmp_path):
    (tmp_path / "text.wav").write_text("no sound")
    with work_on("dask", pair), pytest.raises(AudioError, match=r"text\.wav: broken, or not audio"):
        extract_functionals("pets", table_of([*voices, tmp_path / "text.wav"]), strict=True, cache=tmp_path / "cache")
    with work_on("dask", pair), pytest.raises(WorkersError, match=r"memory ran out .*2\.00 TiB"):
        mapped(run_out_of_memory, range(3))


@pytest.mark.cluster
def test_a_worker_that_sees_another_file_ends_the_run(pair, voices, tmp_path, monkeypatch):
    digest = utterances.file_digest
    monkeypatch.setattr(utterances, "file_digest", lambda file: digest(file) + ("x" if file.endswith("17.wav") else ""))
    with work_on("dask", pair), pytest.raises(WorkersError, match=r"17\.wav is not on .* what it is here") as raised:
        extract_functionals("pets", table_of(voices), cache=tmp_path / "cache")
    assert "\n" not in str(raised.value)


# Workers that end


@pytest.mark.cluster
def test_a_worker_killed_while_it_measures_loses_nothing(shared_cluster, pair, write_voice, tmp_path, monkeypatch):
    monkeypatch.setattr("affectmap.parallel.cluster.BATCH_SIZE", 2)  # so that work is left when some is done
    monkeypatch.setattr("affectmap.parallel.cluster.AHEAD", 2)
    voices = [write_voice(f"{seed}.wav", seed=seed, pitch=100 + 5 * seed, seconds=3.0) for seed in range(30)]
    here, _ = extract_functionals("pets", table_of(voices), cache=tmp_path / "here")
    seen = []

    with Client(pair, set_as_default=False) as client:

        def progress(done, total):
            seen.append(done)
            if done >= 5 and shared_cluster.processes["two"].poll() is None and busy(client, "two"):
                shared_cluster.kill("two")
                seen.append("killed")

        with work_on("dask", pair):
            there, findings = extract_functionals("pets", table_of(voices), cache=tmp_path / "there", progress=progress)
    assert 0 < seen.index("killed") < len(seen) - 1
    assert findings == []
    pd.testing.assert_frame_equal(there, here, check_exact=True)


@pytest.mark.cluster
def test_a_worker_killed_while_it_trains_loses_nothing(shared_cluster, pair, monkeypatch):
    stacked = pytest.importorskip("affectmap.model.training.stacked")
    from affectmap.model.training import TrainingSettings, TrainingTask, train_stacked

    monkeypatch.setattr(stacked, "PARALLEL_STEPS", 0)
    rng = np.random.default_rng(0)
    large, small = (rng.standard_normal((n, 88)).astype(np.float32) for n in (500, 300))
    label = rng.uniform(1, 5, (500, 2))
    tasks = [TrainingTask(large, label[:, :n] if n else None, seed=seed) for seed in range(3) for n in (0, 1, 2)]
    tasks += [TrainingTask(small, label[:300], seed=seed) for seed in range(3)]
    settings = TrainingSettings(epochs=60)
    here = train_stacked(tasks, settings)
    killed, ended = [], threading.Event()

    def kill():
        with Client(pair, set_as_default=False) as client:
            while not killed and not ended.is_set():
                time.sleep(0.1)
                if busy(client, "two"):
                    time.sleep(0.1)
                    shared_cluster.kill("two")
                    killed.append(ended.is_set())

    with Client(pair, set_as_default=False) as client:
        client.run(__import__, "affectmap.model.training")  # so that what is killed below trains
    killer = threading.Thread(target=kill, daemon=True)
    with work_on("dask", pair):
        killer.start()
        there = train_stacked(tasks, settings)
        ended.set()
    killer.join(START_S)
    assert killed == [False]
    for one, other in zip(here, there, strict=True):
        pd.testing.assert_frame_equal(one.curves, other.curves, check_exact=True)
        weights = other.network.state_dict()
        assert all(value.equal(weights[name]) for name, value in one.network.state_dict().items())


@pytest.mark.cluster
def test_a_task_that_ends_every_worker_is_reported(shared_cluster, pair):
    for name in ("three", "four", "five"):
        shared_cluster.start_worker(name, pair)
    with Client(pair, set_as_default=False) as client:
        client.wait_for_workers(5, timeout=START_S)
    with pytest.raises(WorkersError, match="ended 4 workers, one after another") as raised, work_on("dask", pair):
        mapped(end_the_worker, range(1))
    assert "\n" not in str(raised.value)


@pytest.mark.cluster
def test_no_worker_left_keeps_what_was_measured(shared_cluster, pair, voices, tmp_path, monkeypatch):
    monkeypatch.setattr(cluster, "PATIENCE_S", 3.0)

    def progress(done, total):
        if done == 5:
            shared_cluster.kill("one")
            shared_cluster.kill("two")

    with work_on("dask", pair), pytest.raises(WorkersError, match="has no workers any more; what was measured is in"):
        extract_functionals("pets", table_of(voices), cache=tmp_path / "cache", progress=progress)
    assert 5 <= len(cached(tmp_path / "cache")[0]) < 30
    assert len(extract_functionals("pets", table_of(voices), cache=tmp_path / "cache")[0]) == 30


@pytest.mark.cluster
def test_a_scheduler_that_ends_is_reported(processes):
    address, done = processes.start_scheduler(), []
    processes.keep_workers("one", "two")

    def work():
        for number, _ in completed(slow, range(30)):
            done.append(number)
            if len(done) == 3:
                processes.kill("scheduler")

    with (
        pytest.raises(WorkersError, match="the connection to the cluster was lost") as raised,
        work_on("dask", address),
    ):
        work()
    assert "\n" not in str(raised.value)
    assert len(done) < 30
