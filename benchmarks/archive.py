"""An archive of 10,000 short files on a cluster of two workers, killed twice; and what 10,000 hours would cost.

The command that embeds is killed after two parts (SIGKILL), started again, and one of the two workers is killed when
half of the parts are there; workers count what they measure. The costs beside it are times of the processor, which
what else the machine does moves little.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import islice
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import soundfile

from affectmap.archive.plan import open_plan
from affectmap.audio.quality import SignalFlags
from affectmap.errors import ModelError
from affectmap.features import cache as store
from affectmap.features.encoders.locate import find_encoder
from affectmap.features.recordings import RecordingCache
from affectmap.features.single_recordings import measure_each
from affectmap.model.model import load_model
from affectmap.schema import FUNCTIONALS, WHISPER_FEATURES
from harness import MB, Row, main, row_of
from tracking import RATE, buzz

N_FILES, N_PARTS, SHORT_S = 10_000, 10, 0.5
#: Hours of the archive on paper, and seconds of one of its recordings.
HOURS, UTTERANCE_S = 10_000, 3.0
MODELS = {"egemaps": "the 88 functionals", "whisper": "the 88 functionals and Whisper base, three layers"}
_STEP_S = 0.2

COUNT = """
import sys
from affectmap.features import single_recordings
single_recordings.n_measured, single_recordings.measured_by = 0, single_recordings.measure_functionals
def counting(*given):
    single_recordings.n_measured += 1
    return single_recordings.measured_by(*given)
single_recordings.measure_functionals = counting
from distributed.cli.dask_worker import main
main(sys.argv[1:])
"""


def speech() -> tuple[np.ndarray, str]:
    """Give a minute or more of sound, and of what it is made."""
    folder = Path(os.environ.get("AFFECTMAP_DATA", "nowhere"), "corpora/emodb/wav")
    files = sorted(folder.glob("*.wav"))[::5]
    parts = [soundfile.read(file)[0] for file in files] or [buzz(seed) for seed in range(20)]
    return np.concatenate(parts), "pieces of EMO-DB's files" if files else "synthetic buzzes"


def write_pieces(folder: Path, n_files: int, seconds: float, sound: np.ndarray) -> None:
    """Write so many pieces of a sound, each from another place."""
    n_samples = round(seconds * RATE)
    starts = np.random.default_rng(0).choice(len(sound) - n_samples, n_files, replace=False)
    for number, start in enumerate(starts.tolist()):
        place = folder / f"{number // 1000:03}"
        place.mkdir(parents=True, exist_ok=True)
        soundfile.write(place / f"{number:06}.wav", sound[start : start + n_samples], RATE)


class Cluster:
    """A scheduler and its workers, each a process of this machine."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.folder, self.stack = folder, stack
        written = folder / "scheduler.json"
        self.start("-m", "distributed.cli.dask_scheduler", "--port", "0", "--scheduler-file", str(written))
        self.address = json.loads(awaited(lambda: written.exists() and written.read_text()))["address"]
        options = ("--nthreads", "1", "--no-nanny", "--local-directory", str(folder))
        self.workers = [self.start("-c", COUNT, self.address, *options, "--name", name) for name in ("one", "two")]

    def start(self, *words: str) -> subprocess.Popen[bytes]:
        """Start a process that ends with the block."""
        log = self.stack.enter_context((self.folder / "log").open("ab"))
        more = ("--host", "127.0.0.1", "--no-dashboard")
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        process = subprocess.Popen([sys.executable, *words, *more], stdout=log, stderr=log, env=environment)
        self.stack.callback(ended, process)
        return process

    def n_measured(self) -> dict[str, int]:
        """Count what each living worker has measured."""
        from distributed import Client

        with Client(self.address, set_as_default=False) as client:
            client.wait_for_workers(1)
            names = {address: each["name"] for address, each in client.scheduler_info(-1)["workers"].items()}
            return {names[address]: count for address, count in client.run(_n_measured).items()}


def _n_measured() -> int:
    from affectmap.features import single_recordings

    return int(single_recordings.n_measured)  # type: ignore[attr-defined]


def ended(process: subprocess.Popen[bytes]) -> None:
    """End a process as the system does where memory is short."""
    if process.poll() is None:
        process.send_signal(signal.SIGKILL)
    process.wait()


def awaited(found: Callable[[], Any], patience_s: float = 1800.0) -> Any:  # noqa: ANN401 (whatever is awaited)
    """Wait until something is there, and give it."""
    end = time.monotonic() + patience_s
    while time.monotonic() < end:
        if value := found():
            return value
        time.sleep(_STEP_S)
    raise TimeoutError("it did not come")


@contextmanager
def cluster(folder: Path) -> Iterator[Cluster]:
    """Give a cluster that leaves no process behind."""
    folder.mkdir()
    with ExitStack() as stack:
        yield Cluster(folder, stack)


def killed_twice(n_files: int, sound: np.ndarray) -> list[Row]:
    """Embed many files on two workers, kill the command, and then a worker, and count what was measured."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        write_pieces(folder / "speech", n_files, SHORT_S, sound)
        with cluster(folder / "dask") as machines:
            words = [
                sys.executable,
                "-c",
                "from affectmap.cli import main; main()",
                "embed",
                str(folder / "speech"),
                "--format",
                "parquet",
            ]
            words += [
                "-o",
                str(folder / "out"),
                "--part-size",
                str(n_files // N_PARTS),
                "--cache",
                str(folder / "cache"),
            ]
            words += ["-q", "--backend", "dask", "--scheduler", machines.address]

            def n_parts() -> int:
                return len(list((folder / "out").glob("part-*")))

            start = time.perf_counter()
            first = subprocess.Popen(words)
            awaited(lambda: n_parts() >= 2 or first.poll() is not None)
            ended(first)
            n_before = n_parts()
            again = subprocess.Popen(words)
            awaited(lambda: n_parts() >= N_PARTS // 2 or again.poll() is not None)
            counts = machines.n_measured()
            ended(machines.workers[1])
            _, status, used = os.wait4(again.pid, 0)
            again.returncode = os.waitstatus_to_exitcode(status)
            if again.returncode:
                raise RuntimeError("the second run failed")
            seconds = time.perf_counter() - start
            counts |= machines.n_measured()
            check_rows(folder, n_files)
            sizes = [sum(file.stat().st_size for file in folder.glob(each)) for each in ("out/part-*", "cache/*.npz")]
    own_ms = 1000 * (used.ru_utime + used.ru_stime) / (n_files * (N_PARTS - n_before) // N_PARTS)
    peak_mb = used.ru_maxrss * (1 if sys.platform == "darwin" else 1024) / MB
    note, twice = f"{n_files:,} files of {SHORT_S} s, two workers", sum(counts.values()) - n_files
    return [
        row_of("files embedded, command and one worker killed", n_files, "", note=f"{note}; each is in the parts once"),
        row_of(
            "measured more than once", twice, "files", f"≤ {n_files // 100}", "those on workers' hands, and two seconds"
        ),
        row_of("by the clock, with both kills", seconds, "s", note="one worker for the second half"),
        row_of("command's own processor time", own_ms, "ms/file", note="it lists, looks up, keeps and writes"),
        row_of("command's memory at its peak", peak_mb, "MB", note="of the second run, libraries included"),
        row_of("parts on disk", sizes[0] / n_files, "bytes/file"),
        row_of("cache on disk", sizes[1] / n_files, "bytes/file"),
    ]


def check_rows(folder: Path, n_files: int) -> None:
    """Raise an error unless the parts have every file once, with values."""
    import pandas as pd

    rows = pd.read_parquet(folder / "out")
    files = sorted(str(file) for file in (folder / "speech").rglob("*.wav"))
    if sorted(rows.index) != files or len(files) != n_files or rows["activation"].isna().any():
        raise RuntimeError(f"the parts have {len(rows)} rows for {n_files} files, or rows without values")


def throughput(name: str, n_files: int, sound: np.ndarray) -> float:
    """Give hours of sound measured in one hour of one core, reading and flags included."""
    with tempfile.TemporaryDirectory() as folder:
        write_pieces(Path(folder), n_files, UTTERANCE_S, sound)
        files = sorted(Path(folder).rglob("*.wav"))
        measuring = load_model(name).how_measured() | {"n_jobs": 1}
        list(measure_each(files[:2], None, **measuring))
        start = time.process_time()
        list(measure_each(files, None, **measuring))
        return len(files) * UTTERANCE_S / (time.process_time() - start)


def kept(n_rows: int, columns: tuple[str, ...]) -> tuple[float, float]:
    """Give seconds of processor time that keeping rows takes, 600 at once, and finding one of them then."""
    engine = "whisper" if columns is WHISPER_FEATURES else "egemaps"
    row, flags = np.random.default_rng(0).random(len(columns), dtype=np.float32), SignalFlags()
    with tempfile.TemporaryDirectory() as folder:
        start = time.process_time()
        with RecordingCache(Path(folder)) as cache:
            for number in range(n_rows):
                with mock.patch.object(store, "FLUSH_S", 0.0 if number % 600 == 599 else 3600.0):
                    cache.keep(f"{number:064x}", f"{engine} 1", (row, flags))
        keeping_s, start = time.process_time() - start, time.process_time()
        if RecordingCache(Path(folder)).find(f"{n_rows // 2:064x}", f"{engine} 1") is None:
            raise RuntimeError("a row that was kept is not found")
        return keeping_s, time.process_time() - start


def listed(n_files: int) -> float:
    """Give seconds of processor time that listing so many files takes."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made, "speech")
        for number in range(n_files):
            if number % 1000 == 0:
                (folder / f"{number // 1000:04}").mkdir(parents=True)
            (folder / f"{number // 1000:04}" / f"{number:07}.wav").touch()
        start = time.process_time()
        plan = open_plan(Path(made, "out"), [str(folder)], {})
        if sum(1 for _ in islice(plan.recordings(range(plan.n_parts)), n_files)) != n_files:
            raise RuntimeError("files are missing in the list")
        return time.process_time() - start


def measure(quick: bool) -> dict[str, Any]:
    """Measure all."""
    sound, made_of = speech()
    rows = killed_twice(500 if quick else N_FILES, sound)
    models = ["egemaps"]
    try:
        find_encoder()
        models.append("whisper")
    except ModelError as error:
        print(f"without the encoder: {error}", file=sys.stderr)
    for name in models:
        hours = throughput(name, 20 if quick else 200, sound)
        columns = MODELS[name]
        rows.append(
            row_of(f"throughput with --model {name}", hours, "h/core h", note=f"{UTTERANCE_S:g} s a file; {columns}")
        )
        rows.append(
            row_of(
                f"{HOURS:,} hours with --model {name}", HOURS / hours, "core h", note="on paper: hours by throughput"
            )
        )
    for n_rows in (2000, 4000) if quick else (10_000, 100_000):
        for columns in (FUNCTIONALS, WHISPER_FEATURES):
            keeping_s, finding_s = kept(n_rows, columns)
            note = f"{finding_s:.2f} s to open them and find one"
            rows.append(row_of(f"{n_rows:,} rows of {len(columns)} kept in the cache", keeping_s, "s", note=note))
    n_listed = 2000 if quick else 100_000
    rows.append(row_of(f"{n_listed:,} files listed and read back", listed(n_listed), "s", note="processor time"))
    text = f"Recordings are {made_of}. Times but the one by the clock are of the processor, of one thread."
    return {"title": "An archive", "text": text, "rows": rows}


if __name__ == "__main__":
    main(measure)
