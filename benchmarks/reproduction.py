"""The main job: `affectmap reproduce` as a process, without and with cached features, and where its time goes.

python benchmarks/reproduction.py [--quick] [--json FILE]
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from multiprocessing import get_context
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import soundfile

from harness import Row, main, row_of

#: What may take more than its share of a cold run: other people's work.
FREE = ("measuring and reading audio", "classifiers (libsvm)")
#: Most that anything else may take, in percent of the cold run, and seconds of a warm one.
AIMS = "≤ 15", "≤ 60"

Stages = dict[str, float]


def real_corpora(folder: Path) -> list[str]:
    """Give the arguments for EMO-DB as source, URDU and AESDD as targets."""
    corpora = folder / "corpora"
    names = [("--source", "emodb"), ("--target", "urdu"), ("--target", "aesdd")]
    specs = [word for flag, name in names for word in (flag, f"{name}={corpora / name}")]
    return [*specs, "--labels", str(corpora / "labels")]


def synthetic_corpora(folder: Path) -> list[str]:
    """Speak the corpora of `affectmap demo`; give the arguments for them."""
    from affectmap.corpora.synthetic.recordings import speak_corpora

    first, *others = [f"table:{name}={table}" for name, table in speak_corpora(folder / "speech", seed=0).items()]
    targets = [word for spec in others for word in ("--target", spec)]
    return ["--source", first, *targets, "--sampling-rate", "16000"]


def small_corpora(folder: Path, n_speakers: int = 6) -> list[str]:
    """Write two corpora of noise that swells, a second a recording; give arguments for a short run over them."""
    rng, tables = np.random.default_rng(0), []
    swell = np.sin(np.linspace(0, 20, 16000)) ** 2
    for name in ("sea", "wind"):
        lines = ["file,speaker,emotion,activation,valence"]
        for row in range(4 * n_speakers):
            file, label = f"{name}{row}.wav", 1 + row % 4
            soundfile.write(folder / file, 0.1 * label * swell * rng.uniform(-1, 1, 16000), 16000)
            emotion = ("neutral", "sad", "happy", "angry")[row % 4]
            lines.append(f"{file},s{row // 4},{emotion},{label},{rng.integers(1, 6)}")
        tables.append(folder / f"{name}.csv")
        tables[-1].write_text("\n".join(lines), encoding="utf-8")
    return [
        "--source",
        f"table:sea={tables[0]}",
        "--target",
        f"table:wind={tables[1]}",
        "--epochs",
        "2",
        "--method",
        "activation",
    ]


def run_process(arguments: Sequence[str], cache: Path, output: Path) -> Stages:
    """Run `affectmap reproduce`; tell the seconds of its stages, and of the whole as ``whole``.

    Stages inside the experiment are those that the run itself notes. What comes before is the rest of the time until
    it says that it writes the report; what comes after is the report.
    """
    call = [sys.executable, "-c", "from affectmap.cli import main; main()", "reproduce", *arguments]
    call += ["--cache", str(cache), "-o", str(output)]
    start = time.perf_counter()
    with subprocess.Popen(call, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        lines, writing = [], start
        for line in process.stderr or ():
            lines.append(line)
            writing = time.perf_counter() if line.startswith("writing the report") else writing
    whole = time.perf_counter() - start
    if process.returncode:
        raise SystemExit("".join(lines))
    stages: Stages = json.loads((output / "tables" / "settings.json").read_text(encoding="utf-8"))["timings"]
    before = writing - start - sum(stages.values())
    return {"starting Python and imports": before, **stages, "report": whole - (writing - start), "whole": whole}


def shares_inside(arguments: Sequence[str], cache: Path, output: Path) -> dict[str, float]:
    """Run the same in one process with cached features; tell which share of scoring and report their parts take.

    Returns:
        Shares of 1: ``classifiers`` of scoring, ``figures`` and ``models`` of the report.
    """
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(_shares, list(arguments), str(cache), str(output)).result()


def _shares(arguments: list[str], cache: str, output: str) -> dict[str, float]:
    import sklearn.svm

    from affectmap import report
    from affectmap.cli import app
    from affectmap.experiment import experiment
    from affectmap.model import embedder

    spent: dict[str, float] = {}
    patched = [
        (sklearn.svm.SVC, "fit", "classifiers"),
        (sklearn.svm.SVC, "predict", "classifiers"),
        (experiment.Experiment, "score", "scoring"),
        (report, "draw_figures", "figures"),
        (report, "write_report", "report"),
        (embedder.Embedder, "save", "models"),
    ]
    words = ["reproduce", *arguments, "--cache", cache, "-o", output, "--n-jobs", "1"]
    with ExitStack() as stack, Path(os.devnull).open("w") as nowhere:
        for owner, name, stage in patched:
            stack.enter_context(patch.object(owner, name, _adding(spent, stage, getattr(owner, name))))
        stack.enter_context(patch.object(sys, "stdout", nowhere))
        app(words, standalone_mode=False)
    written = spent["report"] + spent["models"]
    return {
        "classifiers": spent.get("classifiers", 0.0) / spent["scoring"],
        "figures": spent["figures"] / written,
        "models": spent["models"] / written,
    }


def _adding(spent: dict[str, float], stage: str, function: Callable[..., Any]) -> Callable[..., Any]:
    @contextmanager
    def timed() -> Any:  # noqa: ANN401 (a generator)
        start = time.perf_counter()
        yield
        spent[stage] = spent.get(stage, 0.0) + time.perf_counter() - start

    def call(*arguments: Any, **named: Any) -> Any:  # noqa: ANN401 (whatever the function takes and gives)
        with timed():
            return function(*arguments, **named)

    return call


def named_stages(run: Mapping[str, float], warm: Mapping[str, float], shares: Mapping[str, float]) -> Stages:
    """Name every part of a run's time; they add up to the whole.

    Args:
        run: Stages of the run.
        warm: Those of the run with cached features: what it takes for features is hashing and reading the cache.
        shares: Shares as from `shares_inside`.
    """
    hashing = min(warm["functionals"], run["functionals"])
    scoring, report = run["scoring"], run["report"]
    figures, models = shares["figures"] * report, shares["models"] * report
    stages = {
        "starting Python and imports": run["starting Python and imports"],
        "reading corpora": run["reading corpora"],
        "hashing and reading the cache": hashing,
        FREE[0]: run["functionals"] - hashing,
        "folds and standardisation": run["folds and standardisation"],
        "training": run["training"],
        "embedding": run["embedding"],
        FREE[1]: shares["classifiers"] * scoring,
        "bootstrap and regressions": (1 - shares["classifiers"]) * scoring,
        "claims and tables": run["claims and tables"],
        "figures": figures,
        "writing models": models,
        "page, tables and the end": report - figures - models,
    }
    return stages


def stage_rows(kind: str, stages: Stages, whole: float, aim: str) -> list[Row]:
    """Rows of a run's stages: seconds, and in a cold run the share of the largest that is ours."""
    rows = [row_of(f"{kind} run: {name}", seconds, "s") for name, seconds in stages.items()]
    if kind == "cold":
        worst = max((name for name in stages if name not in FREE), key=lambda name: stages[name])
        share = 100 * stages[worst] / whole
        note = f"of what is neither measuring nor libsvm; it is {worst}"
        rows.append(row_of("cold run: largest stage of our own", share, "%", aim, note))
    return rows


def measure(quick: bool) -> dict[str, Any]:
    """Measure the part."""
    data = os.environ.get("AFFECTMAP_DATA")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if quick:
            # So small a run is all imports and figures: the aims do not bear on it.
            return measure_runs(small_corpora(folder), folder, "two small corpora of noise, 2 epochs", ("", ""))
        if data:
            return measure_runs(real_corpora(Path(data)), folder, "EMO-DB to URDU and AESDD, default settings")
        return measure_runs(synthetic_corpora(folder), folder, "synthetic speech of `affectmap demo`, for want of data")


def measure_runs(arguments: Sequence[str], folder: Path, what: str, aims: tuple[str, str] = AIMS) -> dict[str, Any]:
    """Measure a cold run, a warm one, and the shares inside of stages."""
    cache = folder / "cache"
    cold, warm = (run_process(arguments, cache, folder / kind) for kind in ("cold", "warm"))
    check_equal(folder / "cold", folder / "warm")
    shares = shares_inside(arguments, cache, folder / "profile")
    rows = [
        row_of("whole run, nothing cached", cold["whole"], "s", note=f"{what}; the process from start to end"),
        row_of("whole run, features cached", warm["whole"], "s", aims[1], what, headline=True),
        *stage_rows("cold", named_stages(cold, warm, shares), cold["whole"], aims[0]),
        *stage_rows("warm", named_stages(warm, warm, shares), warm["whole"], ""),
    ]
    return {"title": "The whole of `affectmap reproduce`", "text": TEXT.format(what=what), "rows": rows}


def check_equal(cold: Path, warm: Path) -> None:
    """End with a message if two runs wrote different tables."""
    for file in ("runs.csv", "claims.csv", "curves.csv", "findings.csv"):
        if (cold / "tables" / file).read_bytes() != (warm / "tables" / file).read_bytes():
            raise SystemExit(f"{file} differs between the cold and the warm run")


TEXT = (
    "The command as users start it, once with an empty cache and once with a full one ({what}); both must write the "
    "same tables. The run itself notes its stages; imports and report are what comes before and after. Which share of "
    "scoring is spent inside libsvm, and which of the report on figures, is taken from a run in one process. What the "
    "cold run takes for features above the warm one is measuring and reading audio."
)


if __name__ == "__main__":
    main(measure)
