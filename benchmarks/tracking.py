"""What an hour of sound costs to track, in fixed windows and as detected speech, and how soon a stream answers."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from affectmap.audio.reading import read_audio
from affectmap.errors import ModelError
from affectmap.features.encoders.locate import find_encoder
from affectmap.features.engines import measure_functionals
from affectmap.model.model import load_model
from affectmap.track import track, track_stream
from harness import Row, main, peak_memory, row_of

RATE = 16000
WINDOW_S = 3.0


def join(out: Path, seconds: float) -> str:
    """Write a recording of 16 kHz without pauses but those within its utterances; tell of what it is made."""
    n_samples = round(seconds * RATE)
    folder = Path(os.environ.get("AFFECTMAP_DATA", "nowhere"), "corpora/emodb/wav")
    files = sorted(folder.glob("*.wav"))
    order = np.random.default_rng(0).permutation(len(files))
    with soundfile.SoundFile(out, "w", RATE, 1, subtype="PCM_16") as sound:
        done, turn = 0, 0
        while done < n_samples:
            part = soundfile.read(files[order[turn % len(files)]])[0] if files else buzz(turn)
            sound.write(part[: n_samples - done])
            done, turn = done + len(part), turn + 1
    return "EMO-DB's files joined" if files else "synthetic buzzes, which the detector hardly takes for speech"


def buzz(seed: int) -> np.ndarray:
    """Three seconds of a harmonic sound whose pitch moves."""
    rng = np.random.default_rng(seed)
    pitch = 150 * np.exp(0.1 * np.cumsum(rng.standard_normal(3 * RATE)) / 100)
    phase = 2 * np.pi * np.cumsum(pitch) / RATE
    return 0.2 * sum(np.sin(k * phase) / k for k in range(1, 9)) + 0.005 * rng.standard_normal(3 * RATE)


@contextmanager
def recordings(*seconds: float) -> Iterator[tuple[list[Path], str]]:
    """Give recordings of these lengths in a folder that vanishes, and of what they are made."""
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder, f"{length:g}.wav") for length in seconds]
        made_of = {join(file, length) for file, length in zip(files, seconds, strict=True)}
        yield files, made_of.pop()


def timed(call: Callable[[], object]) -> tuple[float, float]:
    """Seconds of processor time and by the clock."""
    clock, processor = time.perf_counter(), time.process_time()
    call()
    return time.process_time() - processor, time.perf_counter() - clock


def openly(file: Path) -> None:
    """What measuring alone takes for the same windows."""
    signal, window = read_audio(file)[0], round(WINDOW_S * RATE)
    for first in range(0, len(signal), window):
        measure_functionals(signal[first : first + window], RATE)


def speed_rows(file: Path, seconds: float, rounds: int, made_of: str) -> list[Row]:
    """An hour's processor time, extrapolated, and what a second core brings, both ways of cutting in turn."""
    model, hour = load_model(), 3600 / seconds
    ways: dict[tuple[str, int], Callable[[], object]] = {
        (name, n_jobs): partial(track, file, model, window_s=window_s, n_jobs=n_jobs)
        for name, window_s in (("windows", WINDOW_S), ("speech", None))
        for n_jobs in (1, 2)
    }
    ways["measuring", 1] = partial(openly, file)
    if has_encoder():
        ways["whisper", 1] = partial(track, file, load_model("whisper"), window_s=WINDOW_S, n_jobs=1)
    track(file, model, window_s=60.0)  # what is prepared at its first use
    found: dict[tuple[str, int], list[tuple[float, float]]] = {way: [] for way in ways}
    for _ in range(rounds):
        for way, call in ways.items():
            found[way].append(timed(call))
    how = f"{seconds / 60:g} min of {made_of}, taken times {hour:g}"
    shares = [ours[0] / theirs[0] for ours, theirs in zip(found["windows", 1], found["measuring", 1], strict=True)]
    note = "processor time, in turn in one process: reading, detector, model and table on top of what measuring takes"
    rows = [row_of("windows of 3 s against measuring alone", shares, "×", "≤ 1.25", note)]
    for name, title, aim in (
        ("windows", "an hour in windows of 3 s, every third chunk listened to", "≤ 20"),
        ("speech", "an hour of detected speech", "≤ 190"),
    ):
        processor = [each[0] * hour for each in found[name, 1]]
        rows.append(row_of(f"{title}: one core", processor, "s", aim, f"processor time of all threads; {how}"))
        rows.append(
            row_of(f"{title}: by the clock, two cores", [each[1] * hour for each in found[name, 2]], "s", "", how)
        )
    if has_encoder():
        processor = [each[0] * hour for each in found["whisper", 1]]
        title = "an hour in windows of 3 s with the model whisper: one core"
        rows.append(row_of(title, processor, "s", "", f"processor time of all threads; {how}"))
    return rows


def has_encoder() -> bool:
    """Whether the encoder of the model whisper is here."""
    try:
        find_encoder()
    except ModelError:
        return False
    return True


def track_windows(name: str, file: str) -> None:
    """Track with a model by its name: what `memory_rows` looks at."""
    track(file, load_model(name), window_s=WINDOW_S)


def memory_rows(short: Path, long: Path, seconds: tuple[float, float], name: str = "egemaps") -> list[Row]:
    """Peaks of memory of two lengths, each in a process of its own."""
    peaks = [peak_memory(track_windows, name, str(file)) for file in (short, long)]
    note = f"peak for {seconds[1] / 60:g} min less that for {seconds[0] / 60:g} min of 16 kHz, windows of 3 s"
    model = "" if name == "egemaps" else f", model {name}"
    return [
        row_of(f"memory that a longer recording takes on top{model}", [peaks[1] - peaks[0]], "MB", "≤ 25", note),
        row_of(f"peak of memory above a fresh process{model}", [peaks[1]], "MB", "", "models and table included"),
    ]


class Spoken:
    """Samples in parts of 32 ms, as a microphone gives them, which remembers when it gave the last one."""

    def __init__(self, samples: bytes) -> None:
        self._samples, self._first, self.last = samples, 0, 0.0

    def read1(self, _: int) -> bytes:
        part = self._samples[self._first : self._first + 1024]
        self._first += len(part)
        self.last = time.perf_counter()
        return part


def stream_rows(file: Path, made_of: str) -> list[Row]:
    """How long after its last sample a window's row comes; the values must be the file's to the last bit."""
    samples = soundfile.read(file, dtype="int16")[0].astype("<i2").tobytes()
    model = load_model()
    expected = track(file, model, window_s=WINDOW_S).flat()
    spoken, rows, late = Spoken(samples), [], []
    for row in track_stream(spoken, RATE, model, window_s=WINDOW_S):
        late.append(1000 * (time.perf_counter() - spoken.last))
        rows.append(row)
    for name in ("start", "speech", "embedding_0", "activation", "valence_high", "angry"):
        if not np.array_equal([row[name] for row in rows], expected[name], equal_nan=True):
            raise SystemExit(f"the stream's {name} differs from the file's")
    note = f"over {len(late)} windows of 3 s of {made_of}; values compared with the file's, bit for bit"
    return [row_of("a stream's row after its window's last sample", late, "ms", "", note)]


def measure(quick: bool, seconds: float | None = None) -> dict[str, Any]:
    """Measure this part."""
    seconds = seconds or (30.0 if quick else 300.0)
    lengths = (seconds, (2 if quick else 6) * seconds)
    with recordings(*lengths) as (files, made_of):
        rows = [
            *speed_rows(files[0], seconds, 2 if quick else 5, made_of),
            *memory_rows(*files, lengths),
            *(memory_rows(*files, lengths, "whisper") if has_encoder() else []),
            *stream_rows(files[0], made_of),
        ]
    return {
        "title": "Tracking an hour",
        "text": "A recording is read in blocks, cut, measured and embedded by the shipped model. It is "
        "speech throughout: pauses cost less, because only speech is measured. What tracking adds to measuring the "
        "functionals of the same windows is the first row.",
        "rows": rows,
    }


if __name__ == "__main__":
    main(measure)
