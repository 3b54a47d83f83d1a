"""The map through joblib: order, how far it runs ahead, errors, and how it ends."""

import subprocess
import sys
import threading
import time
from contextlib import closing

import joblib
import numpy as np
import pytest

from affectmap.errors import AffectmapError, AudioError
from affectmap.parallel.workers import (
    Known,
    Pool,
    WorkersError,
    completed,
    in_order,
    local_threads,
    mapped,
    n_workers,
    on_cluster,
    one_blas_thread,
)
from dask_processes import end_the_worker, grow, run_out_of_memory

INTERRUPTED = """
import os, signal, sys, threading, time
from contextlib import closing
from affectmap.parallel.workers import completed, local_threads

begun, ended = [], []

def work(item):
    begun.append(item)
    time.sleep(0.5)
    ended.append(item)

def interrupt():
    while len(begun) < 2:
        time.sleep(0.01)
    os.kill(os.getpid(), signal.SIGINT)

threading.Thread(target=interrupt).start()
try:
    with local_threads(2) as threads, closing(completed(work, range(100), backend=threads)) as results:
        for _ in results:
            pass
except KeyboardInterrupt:
    print(sorted(begun) == sorted(ended), len(begun) < 6)
    sys.exit(130)
"""


@pytest.mark.parametrize("batch_size", [1, 3])
@pytest.mark.parametrize("where", ["here", "threads", "processes"])
def test_what_is_known_is_passed_on(where, batch_size):
    items = [Known("a"), -1, Known("b"), Known("c"), -2, *(Known(number) for number in range(20))]
    with local_threads(1) as threads:
        options = {"n_jobs": 1 if where == "here" else 2, "backend": threads if where == "threads" else None}
        found = mapped(abs, items, batch_size=batch_size, **options)
    assert found == ["a", 1, "b", "c", 2, *range(20)]


def test_what_is_known_is_sent_nowhere():
    sent = []

    def submit(task):
        sent.append(task)
        return threads.submit(task)

    with local_threads(1) as threads:
        items = [*map(Known, range(50)), -1, Known("last")]
        found = mapped(abs, items, backend=Pool(submit, lambda: 1))
    assert (found, len(sent)) == ([*range(50), 1, "last"], 1)


def late_if_even(item):
    time.sleep(0.05 * (item % 2 == 0))
    return item * item


def refuse(item):
    if item == 3:
        raise AudioError("three: no")
    return item


@pytest.mark.parametrize("n_threads", [1, 2, 5])
@pytest.mark.parametrize("batch_size", [1, "auto"])
def test_results_carry_their_number(n_threads, batch_size):
    with local_threads(n_threads) as threads:
        found = list(completed(late_if_even, range(9), backend=threads, batch_size=batch_size))
        assert sorted(found) == [(item, item * item) for item in range(9)]
        assert mapped(late_if_even, range(9), backend=threads) == [item * item for item in range(9)]


@pytest.mark.parametrize("items", [[], [7]])
def test_few_items(items):
    with local_threads(2) as threads:
        assert mapped(abs, items, backend=threads) == items
    assert mapped(abs, iter(items), n_jobs=1) == items


def test_processes_give_the_same():
    assert mapped(np.sqrt, range(20), n_jobs=2, batch_size="auto") == [np.sqrt(item) for item in range(20)]


def test_results_come_as_they_are_completed():
    first = threading.Event()

    def wait_for_the_others(item):
        if item == 0:
            assert first.wait(30)
        return item

    with local_threads(2) as threads, closing(completed(wait_for_the_others, range(6), backend=threads)) as results:
        numbers = [next(results)[0] for _ in range(5)]
        assert 0 not in numbers
        first.set()
        assert [number for number, _ in results] == [0]


def test_only_a_few_items_are_taken_ahead():
    go, taken = threading.Event(), []

    def items():
        for item in range(100):
            taken.append(item)
            yield item

    def wait(item):
        assert go.wait(30)

    with local_threads(2) as threads, closing(completed(wait, items(), backend=threads)) as results:
        threading.Timer(0.3, lambda: (taken.append("now"), go.set())).start()
        assert len(list(results)) == 100
    assert taken.index("now") <= 8


def test_an_error_of_the_function_is_raised_and_ends_the_rest():
    with local_threads(2) as threads, pytest.raises(AudioError, match="three: no"):
        mapped(refuse, range(1000), backend=threads)
    with pytest.raises(AudioError, match="three: no"):
        mapped(refuse, range(9), n_jobs=1)


def test_a_loop_that_ends_early_cancels_the_rest_without_a_warning():
    begun = []

    def work(item):
        begun.append(item)
        time.sleep(0.01)

    with local_threads(2) as threads, closing(completed(work, range(1000), backend=threads)) as results:
        next(results)
    assert len(begun) < 100
    assert threading.active_count() < 10


def test_ctrl_c_awaits_what_is_under_way():
    run = subprocess.run([sys.executable, "-c", INTERRUPTED], capture_output=True, text=True, timeout=60, check=False)
    assert (run.returncode, run.stdout, run.stderr) == (130, "True True\n", "")


@pytest.mark.slow
def test_a_killed_process_is_reported_in_one_line():
    with pytest.raises(WorkersError, match="a process that shared the work was ended from outside") as raised:
        mapped(end_the_worker, range(4), n_jobs=2)
    assert isinstance(raised.value, AffectmapError)
    assert "\n" not in str(raised.value)
    assert mapped(abs, range(4), n_jobs=2) == [0, 1, 2, 3]


@pytest.mark.slow
def test_processes_that_grow_are_replaced_without_a_word(recwarn):
    """They are replaced after the task that made them grow, while others wait; warnings are errors here."""
    assert mapped(abs, range(4), n_jobs=2) == [0, 1, 2, 3]
    processes = mapped(grow, range(6), n_jobs=2)
    assert len(set(processes)) > 2
    assert not recwarn.list


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_memory_that_runs_out_is_reported_in_one_line(n_jobs):
    with pytest.raises(WorkersError, match=r"memory ran out \(Unable to allocate 2\.00 TiB\); use fewer --n-jobs"):
        mapped(run_out_of_memory, range(3), n_jobs=n_jobs)


def test_without_a_cluster_the_cores_decide():
    assert not on_cluster()
    assert n_workers(5) == 5
    assert n_workers() == joblib.cpu_count()
    for backend in ("threading", "loky", "sequential", "multiprocessing"):
        with joblib.parallel_config(backend):
            assert not on_cluster()


def test_blas_gets_its_threads_back():
    from threadpoolctl import threadpool_info

    def blas():
        return [each["num_threads"] for each in threadpool_info() if each["user_api"] == "blas"]

    before = blas()
    with one_blas_thread():
        assert set(blas()) <= {1}
    assert blas() == before


def test_threads_take_more_work_after_an_error():
    with local_threads(2) as threads:
        with pytest.raises(ZeroDivisionError):
            mapped(inverse, [1, 0], backend=threads)
        assert mapped(inverse, [1, 2], backend=threads) == [1, 0.5]


def inverse(number):
    return 1 / number


def test_results_come_in_order_with_few_items_ahead():
    taken, slowest = [], threading.Event()

    def items():
        for number in range(50):
            taken.append(number)
            yield number

    def work(number):
        if number == 0:
            slowest.wait(5)
        return -number

    results = in_order(work, items(), 2, ahead=3)
    threading.Timer(0.05, slowest.set).start()
    assert next(results) == 0
    assert len(taken) == 7  # the first was awaited before an eighth was taken
    assert list(results) == [-number for number in range(1, 50)]


def test_a_stream_has_each_result_before_the_next_item_is_taken():
    taken = []
    results = in_order(abs, (taken.append(number) or number for number in (-1, -2)), 0)
    assert (next(results), taken) == (1, [-1])
    assert (next(results), taken) == (2, [-1, -2])


def test_an_error_ends_what_comes_in_order():
    with pytest.raises(ValueError, match="invalid literal"):
        list(in_order(int, ["1", "two", "3"], 2))


class Lost:
    """A future of a cluster: done, but what it gave is lost with its worker for some looks, or for good."""

    def __init__(self, task, looks, status="finished"):
        self.task, self.looks, self.status = task, looks, status

    def add_done_callback(self, call):
        call(self)

    def result(self, timeout):
        self.looks -= 1
        if self.looks >= 0:
            raise TimeoutError(f"timed out after {timeout} s")
        return self.task()


def lost_results(looks, status="finished"):
    checks = []

    def check():
        checks.append(looks)
        if len(checks) > 3:
            raise WorkersError("no workers any more")

    return Pool(lambda task: Lost(task, looks, status), lambda: 2, check=check), checks


def test_a_result_that_is_lost_with_its_worker_is_awaited_while_there_are_workers():
    pool, checks = lost_results(looks=1)
    assert mapped(abs, [-1], backend=pool) == [1]
    assert len(checks) == 1
    pool, checks = lost_results(looks=1000)
    with pytest.raises(WorkersError, match="no workers any more"):
        mapped(abs, [-1], backend=pool)


def test_a_task_s_own_timeout_is_no_lost_result():
    pool, checks = lost_results(looks=1, status="error")
    with pytest.raises(TimeoutError, match="timed out"):
        mapped(abs, [-1], backend=pool)
    assert checks == []
