"""Functionals: affectmap with its cache, checks and threads against openSMILE called file by file.

python benchmarks/extraction.py [--quick] [--json FILE]
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import audformat
import numpy as np
import opensmile
import pandas as pd
import soundfile

from affectmap import extract_functionals, load_corpus
from affectmap.audio.cleaning import without_offset
from affectmap.audio.reading import read_audio
from affectmap.schema import Floats
from harness import Row, in_turn, main, ratios, row_of, seconds_of

#: Utterances of the warm cache.
N_WARM = 1500
RATE = 16000


def measure(quick: bool) -> dict[str, Any]:
    """Measure the part."""
    return measure_sizes(24, 2, 100) if quick else measure_sizes(150, 5, N_WARM)


def measure_sizes(n_cold: int, rounds: int, n_warm: int) -> dict[str, Any]:
    """Measure with so many utterances to be measured and to be found."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        recordings, what = _recordings(folder, n_warm)
        shuffled = recordings[np.random.default_rng(0).permutation(len(recordings))]
        rows = _cold(shuffled[:n_cold], rounds, folder, what)
        rows += _warm(recordings if n_warm >= N_WARM else shuffled[:n_warm], rounds, folder, what)
    text = (
        "eGeMAPSv02 of recordings at 16 kHz, their mean removed. openSMILE: one `Smile`, called for each file, rows "
        "joined; affectmap: `extract_functionals` with an empty cache, so with digests, checks and writing it. With "
        "`engine='opensmile'` the results have to be equal bit for bit. In turn, in one process, files in the "
        "system's cache. Rounds of one run differ by a tenth and more on a shared machine: where the range of two "
        "threads holds the aim, a miss of the median is within that."
    )
    return {"title": "Functionals", "text": text, "rows": rows}


def _recordings(folder: Path, n: int) -> tuple[pd.Index, str]:
    data = os.environ.get("AFFECTMAP_DATA")
    if data:
        corpora = Path(data) / "corpora"
        index = [load_corpus(f"{name}={corpora / name}").table.index for name in ("emodb", "urdu", "aesdd")]
        return index[0].append(index[1:]), "EMO-DB, URDU and AESDD"
    rng, files = np.random.default_rng(0), []
    for number in range(n):
        time = np.arange(int(RATE * rng.uniform(1, 3))) / RATE
        pitch = np.cumsum(120 + 60 * rng.uniform() + 20 * np.sin(2 * np.pi * 3 * time)) / RATE
        voice = sum(np.sin(2 * np.pi * k * pitch) / k for k in range(1, 12)) * (1 + np.sin(2 * np.pi * 4 * time))
        files.append(str(folder / f"{number}.wav"))
        soundfile.write(files[-1], 0.1 * voice + 0.01 * rng.normal(size=len(time)), RATE)
    return audformat.segmented_index(
        files
    ), "synthetic buzzing at 16 kHz, no speech; AFFECTMAP_DATA names no recordings"


def _cold(index: pd.Index, rounds: int, folder: Path, what: str) -> list[Row]:
    files = index.get_level_values("file").tolist()
    table, seconds = pd.DataFrame(index=index), sum(soundfile.info(file).duration for file in files)
    smile = opensmile.Smile(opensmile.FeatureSet.eGeMAPSv02, opensmile.FeatureLevel.Functionals)

    def theirs() -> Floats:
        signals = (without_offset(read_audio(file)[0]) for file in files)
        # Beyond full scale openSMILE takes a sample for one of the other sign.
        return np.vstack([smile(np.clip(signal, -1.0, 32767 / 32768), RATE).ravel() for signal in signals])

    functionals, _ = extract_functionals("check", table, engine="opensmile", cache=folder / "check", n_jobs=2)
    if not np.array_equal(functionals.to_numpy(), theirs().astype(np.float32)):
        raise RuntimeError("the functionals are not those of openSMILE, bit for bit")

    def ours(n_jobs: int) -> None:
        with tempfile.TemporaryDirectory(dir=folder) as cache:
            extract_functionals("cold", table, cache=Path(cache), n_jobs=n_jobs)

    candidates = {
        "opensmile": theirs,
        "one": lambda: ours(1),
        "two": lambda: ours(2),
    }
    times = in_turn(candidates, rounds)
    note = f"{len(files)} files, {seconds:.0f} s of audio: {what}"
    cores = "this machine has a single core" if os.cpu_count() == 1 else ""
    overhead = [100 * (ratio - 1) for ratio in ratios(times, "one", "opensmile")]
    return [
        row_of("overhead over openSMILE, one thread", overhead, "%", "≤ 5", note),
        row_of("two threads / one", ratios(times, "one", "two"), "×", "≥ 1.9", cores),
        row_of("openSMILE itself", [seconds / one for one in times["opensmile"]], "× real time"),
        row_of("affectmap, one thread", [seconds / one for one in times["one"]], "× real time"),
        row_of("functionals, two threads", [seconds / one for one in times["two"]], "× real time", headline=True),
    ]


def _warm(index: pd.Index, rounds: int, folder: Path, what: str) -> list[Row]:
    table, cache = pd.DataFrame(index=index), folder / "warm"
    first = seconds_of(lambda: extract_functionals("warm", table, cache=cache))
    times = in_turn({"warm": lambda: extract_functionals("warm", table, cache=cache)}, rounds)["warm"]
    note = f"{what}; the first time, with nothing cached, took {first:.1f} s"
    return [row_of(f"{len(index):,} utterances from the cache", times, "s", "≤ 1", note)]


if __name__ == "__main__":
    main(measure)
