"""Training: the stacked trainer against the loops of loops.py, everyone on all cores.

python benchmarks/training.py [--quick] [--only-gpu] [--json FILE]
"""

from __future__ import annotations

import math
import os
import sys
import time
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any
from unittest.mock import patch

import joblib
import numpy as np
import torch
from joblib.externals.loky import get_reusable_executor

import loops
from affectmap.model.training import TrainingTask, stacked, train_plain, train_stacked
from harness import Row, in_turn, main, peak_memory, ratios, row_of, seconds_of
from step_profile import profile_table, step_gflop
from training_work import FULL_EPOCHS, FULL_STEPS, QUICK, Sizes, folds, settings, steps_of, tasks

LOOPS = {
    "researcher's loop": loops.researcher_loop,
    "in-memory loop": loops.in_memory_loop,
    "pair loop": loops.pair_loop,
}

#: Wall seconds a model-step takes while all cores work, one value a round.
Costs = Mapping[str, Sequence[float]]


def measure(quick: bool) -> dict[str, Any]:
    """Measure the part."""
    return measure_sizes(QUICK if quick else Sizes())


def measure_gpu(quick: bool) -> dict[str, Any]:
    """Measure the rows that need a GPU, alone."""
    rows, points = gpu_rows(QUICK if quick else Sizes())
    return {"title": "Training on a GPU", "text": GPU_TEXT, "rows": rows, "curves": [curve({"GPU": points})]}


def measure_sizes(sizes: Sizes) -> dict[str, Any]:
    """Measure the part with chosen sizes."""
    check_same_loss(sizes)
    start_s = seconds_of(partial(start_workers, sizes.cores))
    few = costs(sizes, sizes.few, sizes.few_epochs, sizes.loop_few, [*LOOPS])
    many = costs(sizes, sizes.many, sizes.many_epochs, sizes.loop_many, [*LOOPS][:2])
    rows = [
        *ratio_rows(few, sizes.few, ("≥ 5", "≥ 3.5")),
        *ratio_rows(many, sizes.many, ("≥ 7", "≥ 4.5")),
        *pair_rows(few, sizes.few),
        *model_rows(few, many, sizes),
        *rate_rows({sizes.few: few["stacked"], sizes.many: many["stacked"]}, sizes),
        *scaling_rows(sizes),
        *cold_rows(few, start_s, sizes),
        *memory_rows(sizes),
    ]
    gpu, points = gpu_rows(sizes)
    lines = {name: rates({sizes.few: few[name], sizes.many: many[name]}) for name in many}
    profiled = [(n, tasks(n, sizes), settings(sizes.profiled_epochs)) for n in sizes.profiled]
    return {
        "title": "Training",
        "text": f"{text_of(sizes)}\n\n{profile_table(profiled, sizes.n_steps * sizes.profiled_epochs)}",
        "rows": rows + gpu,
        "curves": [curve({**lines, "stacked, GPU": points})],
    }


def check_same_loss(sizes: Sizes) -> None:
    """Raise an error unless the candidates learn the same thing, so that nobody is fast by doing less."""
    # Up to 4,096 rows the in-memory loop draws the same numbers as the trainers do, so it must give their loss.
    features, label = (values[:4096] for values in folds(sizes.n_rows)[0])
    task = TrainingTask(features, label[:, None])
    expected = train_plain(task, settings(2)).curves["total"].to_numpy()
    found = {
        "stacked": (train_stacked([task], settings(2))[0].curves["total"], 1e-3),
        "in-memory loop": (loops.in_memory_loop(features, label, 2, seed=0), 1e-3),
        "researcher's loop": (loops.researcher_loop(features, label, 2, seed=0), 0.2),
    }
    for name, (losses, tolerance) in found.items():
        if not np.allclose(losses, expected, rtol=tolerance, atol=0):
            raise RuntimeError(f"{name}: losses {list(losses)}; expected those of the plain trainer, {list(expected)}")


def start_workers(cores: int) -> None:
    """Start one process a core and import everything there; joblib keeps them for all candidates alike."""
    seen: set[int] = set()
    while len(seen) < cores:
        seen.update(joblib.Parallel(n_jobs=cores)(joblib.delayed(_ready)() for _ in range(2 * cores)))


def _ready() -> int:
    train_stacked([TrainingTask(np.eye(88, dtype=np.float32), np.arange(88.0)[:, None])], settings(1))
    time.sleep(0.05)
    return os.getpid()


def run_loop(name: str, n_models: int, epochs: int, n_rows: int, sizes: Sizes) -> None:
    """Train `n_models` a core by a loop, one process a core."""
    features, label = (values[:n_rows] for values in folds(sizes.n_rows)[0])
    seeds = [list(range(core * n_models, (core + 1) * n_models)) for core in range(sizes.cores)]
    joblib.Parallel(n_jobs=sizes.cores)(
        joblib.delayed(loops.train_in_turn)(LOOPS[name], features, label, epochs, some) for some in seeds
    )


def run_stacked(n_models: int, epochs: int, sizes: Sizes) -> None:
    """Train by the stacked trainer on all cores."""
    # The trainer weighs whether a process pays for its start; here that is before the clock, for all alike.
    with patch.object(stacked, "PARALLEL_STEPS", 0):
        train_stacked(tasks(n_models, sizes), settings(epochs), n_jobs=sizes.cores)


def costs(sizes: Sizes, n_models: int, epochs: int, loop_models: int, names: list[str]) -> dict[str, list[float]]:
    """Time loops and stacked trainer in turn.

    Args:
        sizes: Rows, cores, rounds.
        n_models: Models in the stack.
        epochs: Passes of all but the pair loop.
        loop_models: Models a core that each loop trains; one for the pair loop.
        names: Loops.

    Returns:
        By candidate, seconds a model-step.
    """
    shapes = dict.fromkeys(names, (loop_models, epochs, sizes.n_rows))
    if "pair loop" in shapes:
        shapes["pair loop"] = (1, 2, min(sizes.pair_rows, sizes.n_rows))
    candidates = {name: partial(run_loop, name, *shape, sizes) for name, shape in shapes.items()}
    candidates["stacked"] = partial(run_stacked, n_models, epochs, sizes)
    times = in_turn(candidates, sizes.rounds)
    n_steps = {name: sizes.cores * n * n_epochs * steps_of(rows) for name, (n, n_epochs, rows) in shapes.items()}
    n_steps["stacked"] = n_models * epochs * sizes.n_steps
    return {name: [seconds / n_steps[name] for seconds in times[name]] for name in times}


def ratio_rows(taken: Costs, n_models: int, aims: tuple[str, str]) -> list[Row]:
    """Compare the loops with the stacked trainer."""
    note = "time of a model-step, round by round; both on all cores, workers running before the clock starts"
    rows = []
    for name, aim in zip(LOOPS, aims, strict=False):
        found, shown = ratios(taken, name, "stacked"), n_models >= 100 and name == "researcher's loop"
        rows.append(row_of(f"{n_models} models: {name} / stacked", found, "×", aim, note, headline=shown))
    return rows


def pair_rows(taken: Costs, n_models: int) -> list[Row]:
    """Say what the Python loop over pairs costs, and how much of that is the pairs and how much the stacking."""
    pairs, plain = "pair loop", "researcher's loop"
    return [
        row_of(f"{n_models} models: {pairs} / stacked", ratios(taken, pairs, "stacked"), "×"),
        row_of(f"of that the Python pairs: {pairs} / {plain}", ratios(taken, pairs, plain), "×"),
        row_of(f"and the stacking: {plain} / stacked", ratios(taken, plain, "stacked"), "×"),
    ]


def model_rows(few: Costs, many: Costs, sizes: Sizes) -> list[Row]:
    """Say how long a model takes."""
    named = [(f"{name}", values) for name, values in few.items() if name != "stacked"]
    named += [(f"stacked, {n} models", taken["stacked"]) for n, taken in ((sizes.few, few), (sizes.many, many))]
    note = f"wall time of {FULL_STEPS:,} steps with all {sizes.cores} cores at work, divided by the models trained"
    return [
        row_of(f"a model, {name}", [cost * FULL_STEPS for cost in values], "s", note=note if i == 0 else "")
        for i, (name, values) in enumerate(named)
    ]


def cold_rows(few: Costs, start_s: float, sizes: Sizes) -> list[Row]:
    """Time what a user waits for who trains `few` models first thing: with the start of the processes."""
    given = tasks(sizes.few, sizes), settings(sizes.few_epochs)
    whole = []
    for _ in range(max(1, sizes.rounds - 1)):
        get_reusable_executor().shutdown(wait=True)
        whole.append(seconds_of(lambda: train_stacked(*given, n_jobs=sizes.cores)))
    loop = start_s + float(np.median(few["in-memory loop"])) * sizes.few * sizes.few_epochs * sizes.n_steps
    size = f"{sizes.few} models of {sizes.few_epochs * sizes.n_steps:,} steps"
    return [
        row_of("starting a process a core", start_s, "s", note="with the import of torch and of the package"),
        row_of(f"{size}, stacked, from cold", whole, "s", note="the trainer decides whether to start processes"),
        row_of(
            f"{size}, from cold: in-memory loop / stacked",
            [loop / seconds for seconds in whole],
            "×",
            note="the loop's time is that with running processes, and their start",
        ),
    ]


def rate_rows(taken: Mapping[int, Sequence[float]], sizes: Sizes) -> list[Row]:
    """Say what share of the machine's rate of matrix products the stacked trainer reaches."""
    calls = [joblib.delayed(loops.product_rate)(sizes.gemm_size, sizes.gemm_s) for _ in range(sizes.cores)]
    measured = [sum(joblib.Parallel(n_jobs=sizes.cores)(calls)) for _ in range(sizes.rounds)]
    machine = row_of(
        "this machine's matrix products, all cores",
        measured,
        "GFLOP/s",
        note=f"float32, {sizes.gemm_size} × {sizes.gemm_size}, one thread a core",
    )
    note = f"{step_gflop() * 1e3:.2f} MFLOP a model-step, counted from the layers, forward and backward"
    shares = [
        row_of(
            f"share of it reached by stacked training, {n} models",
            [100 * step_gflop() / cost / machine.value for cost in values],
            "%",
            note=note,
        )
        for n, values in taken.items()
    ]
    return [machine, *shares]


def scaling_rows(sizes: Sizes) -> list[Row]:
    """Show that few models stand for many in the loops, and few epochs for many in the stacked trainer."""
    epochs, name = max(1, sizes.many_epochs // 2), "in-memory loop"
    times = in_turn(
        {
            "2": lambda: run_loop(name, 2, epochs, sizes.n_rows, sizes),
            "4": lambda: run_loop(name, 4, epochs, sizes.n_rows, sizes),
            "first": lambda: train_stacked(tasks(sizes.few, sizes), settings(epochs)),
            "both": lambda: train_stacked(tasks(sizes.few, sizes), settings(2 * epochs)),
        },
        sizes.rounds,
    )
    later = [both / first - 1 for both, first in zip(times["both"], times["first"], strict=True)]
    return [
        row_of(f"{name}: 4 models a core / 2", ratios(times, "4", "2"), "×", note="2 where loops scale linearly"),
        row_of(
            f"stacked: epochs {epochs + 1} to {2 * epochs} / 1 to {epochs}",
            later,
            "×",
            note="1 where a step costs the same throughout",
        ),
    ]


def memory_rows(sizes: Sizes) -> list[Row]:
    """Say how much memory stacked training takes above torch, package and data."""
    return [
        row_of(
            f"memory of stacked training, {n} models",
            peak_memory(train_stacked, tasks(n, sizes), settings(1)),
            "MB",
            note="one process",
        )
        for n in sizes.memory
    ]


def gpu_rows(sizes: Sizes) -> tuple[list[Row], list[list[float]]]:
    """Measure stacked training on a GPU; also the points of its curve."""
    name = "GPU: stacked, {} models at once".format
    if not torch.cuda.is_available():
        note = "not measured: no CUDA device here"
        return [
            Row(
                name(f"{min(sizes.gpu):,} to {max(sizes.gpu):,}"),
                math.nan,
                "models/s",
                math.nan,
                math.nan,
                0,
                note=note,
            )
        ], []
    cores = min(2, sizes.cores)
    start_workers(cores)
    device = torch.cuda.get_device_name()
    train_stacked(tasks(2, sizes), settings(1), device="cuda")
    processor = models_a_second(300, sizes, n_jobs=cores)
    rows = [row_of(f"stacked, 300 models, {cores} cores beside the GPU", processor, "models/s")]
    for n in sizes.gpu:
        speed = [models_a_second(n, sizes, device="cuda") for _ in range(sizes.rounds if n <= 1000 else 1)]
        memory = torch.cuda.max_memory_allocated() / 1e6
        rows += [
            row_of(name(f"{n:,}"), speed, "models/s", note=f"{device}, at most {memory:,.0f} MB of its memory so far"),
            row_of(f"GPU / {cores} cores, {n:,} models", [value / processor for value in speed], "×"),
        ]
    return rows, [[n, row.value] for n, row in zip(sizes.gpu, rows[1::2], strict=True)]


def models_a_second(n_models: int, sizes: Sizes, **how: Any) -> float:  # noqa: ANN401 (the trainer's arguments)
    """Extrapolate full training from one epoch and two."""
    given = tasks(n_models, sizes)
    with patch.object(stacked, "PARALLEL_STEPS", 0):
        one, two = (seconds_of(partial(train_stacked, given, settings(n), **how)) for n in (1, 2))
    return n_models / (one + (FULL_EPOCHS - 1) * (two - one))


def rates(taken: Mapping[int, Sequence[float]]) -> list[list[float]]:
    """Turn costs by number of models into the points of a curve, models a second."""
    return [[n, 1 / (float(np.median(values)) * FULL_STEPS)] for n, values in taken.items()]


def curve(lines: Mapping[str, list[list[float]]]) -> dict[str, Any]:
    """Draw models a second by number of models."""
    known = {name: points for name, points in lines.items() if points}
    return {"title": f"Training, {FULL_STEPS:,} steps", "x": "models", "y": "models a second", "lines": known}


GPU_TEXT = (
    "The stacked trainer on a GPU, and on two cores of the same machine: models a second when each is trained for "
    f"{FULL_EPOCHS} epochs, extrapolated from the first epoch and the second."
)


def text_of(sizes: Sizes) -> str:
    """Say what was measured, on what, and against what."""
    short = " These runs are short: what is done once a model weighs more in them than it should."
    return (
        f"The autoencoder 88-40-20-10-2 with the metric loss on {sizes.n_rows:,} synthetic utterances a fold, batches "
        f"of 64, {sizes.few_epochs} epochs for {sizes.few} models and {sizes.many_epochs} for {sizes.many}. Everyone "
        f"works on all {sizes.cores} cores, one process a core with one thread. The researcher's loop has a "
        "DataLoader, pdist and Adam and reads the loss at every step; the in-memory loop is the fastest plain one "
        "found; the pair loop is the researcher's with a Python loop over the pairs of a batch. The loops train "
        f"{sizes.loop_few} and {sizes.loop_many} models a core (the pair loop one, for fewer steps) and are taken to "
        "scale linearly, which favours them where models do not divide by cores. All are checked to learn, the "
        "in-memory loop and the stacked trainer to give the plain trainer's losses."
    ) + (short if sizes.few_epochs < FULL_EPOCHS else "")


if __name__ == "__main__":
    only_gpu = "--only-gpu" in sys.argv
    sys.argv = [word for word in sys.argv if word != "--only-gpu"]
    main(measure_gpu if only_gpu else measure)
