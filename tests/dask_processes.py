"""A real Dask scheduler and real worker processes on this machine, for as long as a block lasts."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path

START_S = 60


class DaskProcesses:
    """A scheduler and its workers, each a process that a test may kill."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.folder, self.stack = folder, stack
        self.processes: dict[str, subprocess.Popen] = {}

    def start(self, name: str, module: str, *options: str) -> None:
        """Start one process; it is killed when the block ends."""
        here = str(Path(__file__).parent)  # so that workers find the functions below
        environment = {**os.environ, "PYTHONPATH": here, "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"}
        log = self.stack.enter_context((self.folder / f"{name}.log").open("w"))
        self.processes[name] = subprocess.Popen(
            [sys.executable, "-m", f"distributed.cli.{module}", "--host", "127.0.0.1", "--no-dashboard", *options],
            cwd=self.folder,
            env=environment,
            stdout=log,
            stderr=log,
        )
        self.stack.callback(self.kill, name)

    def start_scheduler(self) -> str:
        """Start the scheduler and give its address."""
        written = self.folder / "scheduler.json"
        self.start("scheduler", "dask_scheduler", "--port", "0", "--scheduler-file", str(written))
        end = time.monotonic() + START_S
        while time.monotonic() < end:
            if written.exists() and written.read_text().strip():
                self.address = json.loads(written.read_text())["address"]
                return self.address
            time.sleep(0.05)
        raise TimeoutError((self.folder / "scheduler.log").read_text())

    def start_worker(self, name: str, address: str) -> None:
        """Start a worker of one thread that nobody starts again."""
        local = str(self.folder / name)
        options = ("--nthreads", "1", "--no-nanny", "--name", name, "--local-directory", local, "--death-timeout", "60")
        self.start(name, "dask_worker", address, *options)

    def keep_workers(self, *names: str) -> None:
        """End all workers but these, start those of them that are gone, and wait until the scheduler knows."""
        from distributed import Client

        for name, process in self.processes.items():
            if name not in ("scheduler", *names) and process.poll() is None:
                self.kill(name)
        for name in names:
            if name not in self.processes or self.processes[name].poll() is not None:
                self.start_worker(name, self.address)
        end = time.monotonic() + START_S
        with Client(self.address, set_as_default=False, timeout=START_S) as client:
            while sorted(each["name"] for each in client.scheduler_info(-1)["workers"].values()) != sorted(names):
                if time.monotonic() > end:
                    raise TimeoutError(f"workers {names} are not there")
                time.sleep(0.05)

    def kill(self, name: str) -> None:
        """End a process as for want of memory; nothing happens where it is gone."""
        process = self.processes[name]
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
        process.wait(timeout=30)


@contextmanager
def dask_processes(folder: Path):
    """Give a `DaskProcesses` that leaves no process behind."""
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        yield DaskProcesses(folder, stack)


def where(_):
    """Give the name of the worker, after a while in which the others get their share."""
    import distributed

    time.sleep(0.2)
    return distributed.get_worker().name


def slow(item):
    """Give the item after a while."""
    time.sleep(0.3)
    return item


def end_the_worker(_):
    """End the process as the system does where memory is short."""
    os.kill(os.getpid(), signal.SIGKILL)


KEPT = []


def grow(_):
    """Keep 400 MB, for longer than joblib waits between two looks at a process; give the number of the process."""
    KEPT.append(b"1" * 400_000_000)
    time.sleep(1.2)
    return os.getpid()


def run_out_of_memory(_):
    """Ask NumPy for more than there is."""
    raise MemoryError("Unable to allocate 2.00 TiB")


def count_measurements():
    """Count from now on what a worker measures, of corpora and of single recordings; sent to each."""
    from affectmap.features import engines, functionals, single_recordings

    if not hasattr(engines, "n_measured"):
        measure, engines.n_measured = engines.measure_functionals, 0

        def counting(*arguments):
            engines.n_measured += 1
            return measure(*arguments)

        functionals.measure_functionals = single_recordings.measure_functionals = counting


def measurements():
    """Give how many a worker has measured since."""
    from affectmap.features import engines

    return engines.n_measured
