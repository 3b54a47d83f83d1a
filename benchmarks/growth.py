"""Growth: time and peak memory from a thousand utterances to a million.

python benchmarks/growth.py [--quick] [--json FILE]
"""

from __future__ import annotations

import math
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch  # noqa: F401 (imported before memory is counted)

from affectmap import sampled_pairwise_adjusted_r2
from affectmap.model.embedder import Embedder
from affectmap.preparation.standardisation import fit_statistics, outlier_mask, standardise_target
from affectmap.stats import metrics
from affectmap.stats.left_out import adjusted_r2_left_out, pairwise_left_out
from affectmap.stats.scores import linear_svc
from growth_run import run_experiment
from harness import MB, Row, main, peak_memory, row_of

N_FEATURES = 88
#: Utterances of one speaker.
OF_SPEAKER = 500
#: Tables held at once at most, the given one among them.
MOST_TABLES = 3.0
#: Seconds; a size that is expected to take longer is left out.
LONGEST = 60.0
CLASSES = np.array(["neutral", "sad", "happy", "angry"])

Floats = npt.NDArray[np.float32]
#: Utterances, seconds (a training's are those of one epoch) and peak in MB.
Point = tuple[int, float, float]


@dataclass(frozen=True)
class Sizes:
    """Utterances that tasks are measured with, smallest first."""

    linear: tuple[int, ...] = (1_000, 10_000, 100_000, 1_000_000)
    pairs: tuple[int, ...] = (1_000, 10_000, 50_000)
    left_out_pairs: tuple[int, ...] = (1_000, 10_000)
    classifier: tuple[int, ...] = (1_000, 3_000, 10_000, 20_000)
    experiment: tuple[int, ...] = (1_000, 100_000, 1_000_000)


QUICK = Sizes((10_000,), (5_000,), (1_000,), (1_000, 3_000), ())


def make_table(n_rows: int) -> Floats:
    """Make features of speech that nobody spoke, all in float32 from the start; ``(n_rows, 88)``."""
    table = np.empty((n_rows, N_FEATURES), dtype=np.float32)
    rng = np.random.default_rng(0)
    for start in range(0, n_rows, 8192):
        block = table[start : start + 8192]
        rng.standard_normal(out=block, dtype=np.float32)
    return table


def make_speakers(n_rows: int) -> npt.NDArray[np.object_]:
    """Name a speaker for every row, `OF_SPEAKER` rows each, in turn."""
    names = np.array([f"s{k:04}" for k in range(max(2, n_rows // OF_SPEAKER))], dtype=object)
    return names[np.arange(n_rows) % len(names)]


def make_placed(n_rows: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Make an embedding ``(n_rows, 2)`` and the ratings ``(n_rows,)`` that it partly explains."""
    rng = np.random.default_rng(1)
    latent = rng.standard_normal((n_rows, 2))
    return latent, np.clip(3 + latent[:, 0] + rng.standard_normal(n_rows), 1, 5)


def _timed(function: Callable[..., object], *arguments: Any) -> float:  # noqa: ANN401 (whatever the function takes)
    start = time.perf_counter()
    function(*arguments)
    return time.perf_counter() - start


def _train(n_rows: int) -> float:
    features, epochs = make_table(n_rows), 1 if n_rows > 10_000 else 5
    _, label = make_placed(n_rows)
    return _timed(Embedder(epochs=epochs).fit, features, label) / epochs


def _standardise(n_rows: int) -> float:
    features = make_table(n_rows)
    return _timed(lambda: fit_statistics(features).apply(features))


def _outliers(n_rows: int) -> float:
    return _timed(outlier_mask, make_table(n_rows))


def _by_speaker(n_rows: int) -> float:
    features, speaker = make_table(n_rows), make_speakers(n_rows)
    return _timed(lambda: standardise_target(features, "speaker", speaker=speaker))


def _embed(n_rows: int) -> float:
    features = make_table(n_rows)
    return _timed(Embedder(epochs=1).fit(features[:500]).transform, features)


def _adjusted_r2(n_rows: int) -> float:
    latent, label = make_placed(n_rows)
    return _timed(metrics.adjusted_r2, label, latent)


def _left_out(n_rows: int, quantity: str) -> float:
    latent, label = make_placed(n_rows)
    speaker = make_speakers(n_rows)
    if quantity == "pairs":
        return _timed(pairwise_left_out, latent, label, speaker)
    return _timed(adjusted_r2_left_out, label, latent, speaker)


def _pairs(n_rows: int) -> float:
    latent, label = make_placed(n_rows)
    return _timed(metrics.pairwise_adjusted_r2, latent, label)


def _sampled_pairs(n_rows: int) -> float:
    latent, label = make_placed(n_rows)
    return _timed(sampled_pairwise_adjusted_r2, latent, label)


def _classify(n_rows: int) -> float:
    latent, label = make_placed(n_rows)
    noise = np.random.default_rng(2).normal(size=n_rows)
    emotion = CLASSES[2 * (label > 3) + (latent[:, 1] + noise > 0)]
    return _timed(linear_svc(1.0).fit, latent, emotion)


def _experiment(n_rows: int) -> float:
    return run_experiment(make_table(n_rows), make_speakers(n_rows))


#: Tasks by name: what is run, on which of the sizes, and whether the feature table is there.
TASKS: dict[str, tuple[Callable[[int], float], str, bool]] = {
    "training, an epoch": (_train, "linear", True),
    "statistics and standardising": (_standardise, "linear", True),
    "outliers": (_outliers, "linear", True),
    "standardising by speaker": (_by_speaker, "linear", True),
    "embedding": (_embed, "linear", True),
    "whole experiment": (_experiment, "experiment", True),
    "adjusted R²": (_adjusted_r2, "linear", False),
    "adjusted R², without each speaker": (partial(_left_out, quantity="rows"), "linear", False),
    "pairwise R², all pairs": (_pairs, "pairs", False),
    "pairwise R², a million pairs": (_sampled_pairs, "linear", False),
    "pairwise R², without each speaker": (partial(_left_out, quantity="pairs"), "left_out_pairs", False),
    "support vector machine": (_classify, "classifier", False),
}


def run_task(name: str, n_rows: int, file: str) -> None:
    """Run a task in this process and write its seconds to a file; small ones are warmed up first."""
    task = TASKS[name][0]
    if n_rows <= 10_000:
        task(min(n_rows, 1_000))
    Path(file).write_text(str(task(n_rows)), encoding="utf-8")


def measure_task(name: str, n_rows: int) -> Point:
    """Measure a task in a process of its own, the making of its data within the peak."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "seconds"
        peak = peak_memory(run_task, name, n_rows, str(file))
        seconds = float(file.read_text(encoding="utf-8"))
    print(f"{name}, {n_rows:,}: {seconds:.3g} s, {peak:.0f} MB", file=sys.stderr, flush=True)
    return n_rows, seconds, peak


def measure_growth(
    name: str, sizes: Sequence[int], measured: Callable[[str, int], Point] = measure_task
) -> list[Point]:
    """Measure a task at one size after another, until the next would take longer than `LONGEST`."""
    points: list[Point] = []
    for n_rows in sizes:
        if len(points) > 1 and points[-1][1] * (n_rows / points[-1][0]) ** exponent(points) > LONGEST:
            break
        points.append(measured(name, n_rows))
    return points


def exponent(points: Sequence[Point]) -> float:
    """Power of the number of utterances that the seconds of the two largest sizes grow with.

    Example:
        >>> exponent([(10, 1.0, 0.0), (100, 100.0, 0.0)])
        2.0
    """
    (few, short, _), (many, long, _) = points[-2:]
    return math.log(long / short) / math.log(many / few)


def rows_of(name: str, points: Sequence[Point]) -> list[Row]:
    """Rows of a task: its time and, where it holds the feature table, how many of them it holds."""
    n_rows, seconds, peak = points[-1]
    power = f"; seconds grow with utterances to the power {exponent(points):.2f}" if len(points) > 1 else ""
    rows = [row_of(f"{name}, {n_rows:,} utterances", seconds, "s", note=f"one run{power}")]
    table = n_rows * N_FEATURES * 4 / MB
    if TASKS[name][2]:
        note = f"peak {peak:.0f} MB, the table itself has {table:.0f}"
        aim = f"≤ {MOST_TABLES:g}" if n_rows >= 1_000_000 else ""
        rows.append(row_of(f"{name}, {n_rows:,} utterances: memory", peak / table, "tables", aim, note))
    else:
        rows.append(row_of(f"{name}, {n_rows:,} utterances: memory", peak, "MB", note="above what the imports take"))
    return rows


def reach(points: Sequence[Point], seconds: float) -> float:
    """Utterances for which a task is expected to take some seconds, from its last two sizes."""
    n_rows, last, _ = points[-1]
    return float(n_rows * (seconds / last) ** (1 / exponent(points)))


def classifier_row(points: Sequence[Point]) -> Row:
    """Say where the classifier ends to be practical; worked out, not measured."""
    note = f"worked out from {points[-2][0]:,} and {points[-1][0]:,} utterances; libsvm holds no promise beyond"
    return row_of("support vector machine: utterances in an hour", reach(points, 3600), "utterances", note=note)


def measure(quick: bool) -> dict[str, Any]:
    """Measure the part."""
    return measure_sizes(QUICK if quick else Sizes())


def measure_sizes(sizes: Sizes) -> dict[str, Any]:
    """Measure the part with chosen sizes."""
    found = {
        name: measure_growth(name, chosen) for name, (_, which, _) in TASKS.items() if (chosen := getattr(sizes, which))
    }
    rows = [row for name, points in found.items() for row in rows_of(name, points)]
    rows.append(classifier_row(found["support vector machine"]))
    lines = {"seconds": 1, "peak MB": 2}
    curves = [
        {
            "title": f"{unit[0].upper()}{unit[1:]} by utterances",
            "x": "utterances",
            "y": unit,
            "lines": {name: [[point[0], point[place]] for point in points] for name, points in found.items()},
        }
        for unit, place in lines.items()
    ]
    return {"title": "Growth", "text": TEXT, "rows": rows, "curves": curves}


TEXT = (
    "Synthetic features, 88 of float32 an utterance (a million are 352 MB), 500 utterances a speaker. Every size runs "
    "in a process of its own; memory is the peak above what the imports take, data included, in tables where the "
    "feature table is part of it: 3 means the table and two more of its size. Training is one model of the default "
    "settings, 5 epochs up to 10,000 utterances and 1 beyond, in seconds an epoch. Evaluation has two dimensions. "
    "The whole experiment trains one method on two folds for one epoch, with 2,000 utterances rated and named by "
    "emotion: classifiers and pairs of many more would take the time that their own rows tell. Seconds of one size "
    "are one run."
)


if __name__ == "__main__":
    main(measure)
