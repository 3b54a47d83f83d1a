"""Compare all losses on the same small encoder, leave-one-corpus-out over EMO-DB, URDU and AESDD.

    OMP_NUM_THREADS=1 python experiments/losses/run.py DATA

DATA is a folder with corpora/emodb, corpora/urdu, corpora/aesdd and corpora/labels. Writes `results.csv` (every loss,
corpus left out and seed), `times.csv` and `settings.json` beside this file, the table in `docs/losses.md` and the
picture `docs/losses.png`. Every loss has the defaults of its class; nothing was tuned.
"""

from __future__ import annotations

import argparse
import os
import platform
import time
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import compare
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from compare import Fold

from affectmap.corpora import CARDS, load_corpus
from affectmap.files import new_file, write_json, write_text
from affectmap.losses import LOSSES
from affectmap.preparation.prepared_corpus import prepare
from affectmap.stats.baselines import PCA_2, baseline
from affectmap.style import RIDGE
from affectmap.text import between_marks, markdown, number, score

HERE = Path(__file__).resolve().parent
DOCS = HERE.parents[1] / "docs"
CORPORA = {name: CARDS[name].title for name in ("emodb", "urdu", "aesdd")}
COLUMNS = {"r2_activation": "R² activation", "r2_valence": "R² valence", "uar": "UAR"}
UNTRAINED = "untrained encoder"
BASELINES = {RIDGE: "ridge regression", PCA_2: PCA_2}


def load_folds(data: Path) -> list[Fold]:
    """Measure the corpora and leave each out once."""
    corpora = [
        prepare(load_corpus(f"{name}={data / 'corpora' / name}", data / "corpora" / "labels")) for name in CORPORA
    ]
    return [Fold(target, [each for each in corpora if each is not target]) for target in corpora]


def without_training(folds: Sequence[Fold]) -> pd.DataFrame:
    """Score two maps that need no network: ridge regression to the ratings, and principal components."""
    rows = []
    for fold in folds:
        for method, name in BASELINES.items():
            line = baseline(method).fit(fold.features, fold.label)
            places = (line.transform(features) for features in (fold.features, fold.target_features))
            rows.append({"loss": name, "target": fold.name, "seed": 0, **fold.scores(*places)})
    return pd.DataFrame(rows)


def table(results: pd.DataFrame, times: pd.DataFrame) -> pd.DataFrame:
    """Mean over corpora and seeds, and the standard deviation over seeds of the mean over corpora."""
    by_seed = results.groupby(["loss", "seed"], sort=False)[list(COLUMNS)].mean()
    mean, sd = (by_seed.groupby("loss", sort=False).agg(how) for how in ("mean", "std"))
    cells = (
        pd.DataFrame({"ms": times["ms"], "× paper": times["ratio"]})
        .reindex(mean.index)
        .map(lambda value: number(value, 2))
    )
    for column, title in COLUMNS.items():
        cells[title] = [_with_sd(*pair) for pair in zip(mean[column], sd[column], strict=True)]
    return cells


def _with_sd(mean: float, sd: float) -> str:
    return score(mean) if np.isnan(sd) else f"{score(mean)} ± {score(sd)}"


def page_table(results: pd.DataFrame, times: pd.DataFrame) -> str:
    """Write the table as Markdown."""
    cells = table(results, times)
    rows = [[f"`{name}`" if name in LOSSES else name, *row] for name, *row in cells.itertuples()]
    return markdown([["loss", *cells.columns], *rows])


def draw(results: pd.DataFrame, path: Path) -> None:
    """Draw a row a loss: the mean, and each held-out corpus with its standard deviation over seeds."""
    names = list(dict.fromkeys(results["loss"]))
    figure, panels = plt.subplots(1, 3, figsize=(11, 0.31 * len(names) + 1.3), sharey=True, layout="constrained")
    marks = {"emodb": ("#1661a8", "o"), "urdu": ("#cf8a00", "^"), "aesdd": ("#b01e52", "s")}
    for panel, (column, title) in zip(panels, COLUMNS.items(), strict=True):
        for i, (target, (colour, marker)) in enumerate(marks.items()):
            own = results[results["target"] == target].groupby("loss")[column]
            places = np.arange(len(names)) + 0.2 * (i - 1)
            mean, sd = own.mean()[names], own.std()[names].fillna(0)
            style = {"color": colour, "marker": marker, "markersize": 4, "linestyle": "", "elinewidth": 1}
            panel.errorbar(mean, places, xerr=sd, label=CORPORA[target], **style)
        overall = results.groupby("loss")[column].mean()[names]
        panel.vlines(overall, np.arange(len(names)) - 0.42, np.arange(len(names)) + 0.42, color="#1c2128", lw=1.5)
        panel.axvline(overall["paper"], color="#8c949e", lw=0.8, ls=":")
        panel.axhline(len(names) - len(BASELINES) - 1.5, color="#8c949e", lw=0.8)
        panel.set_title(title, fontsize=10)
        panel.tick_params(axis="x", labelsize=8)
        panel.grid(axis="y", color="#eceff2")
        panel.spines[["top", "right"]].set_visible(False)
    panels[0].set_yticks(range(len(names)), names, fontsize=8)
    panels[0].set_ylim(len(names) - 0.4, -0.6)
    handles, words = panels[0].get_legend_handles_labels()
    figure.legend(handles, words, loc="outside lower center", ncols=3, fontsize=8, frameon=False)
    with new_file(path) as temporary:
        figure.savefig(temporary, format="png", dpi=110, metadata={"Software": None})


def main() -> None:
    """Compare and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, nargs="?")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--times", action="store_true", help="only take the times anew, and write table and picture")
    parser.add_argument("--picture", action="store_true", help="only draw the picture anew")
    arguments = parser.parse_args()
    if arguments.picture:
        draw(pd.read_csv(HERE / "results.csv"), DOCS / "losses.png")
        return
    if arguments.data is None and not arguments.times:
        parser.error("name the folder of the data, or add --times or --picture")
    torch.set_num_threads(1)
    names = ["paper", *sorted(set(LOSSES) - {"paper"})]
    times = pd.DataFrame({"ms": compare.step_ms({name: LOSSES[name] for name in names})}).rename_axis("loss")
    times["ratio"] = times["ms"] / times.loc["paper", "ms"]
    if arguments.times:
        results = pd.read_csv(HERE / "results.csv")
    else:
        results = compare_all(load_folds(arguments.data), names, range(arguments.seeds))
    write(results, times)


def compare_all(folds: Sequence[Fold], names: Sequence[str], seeds: Sequence[int]) -> pd.DataFrame:
    """Train and score every loss, and what needs no loss."""
    parts = []
    for name in [*names, UNTRAINED]:
        start = time.process_time()
        parts.append(compare.compare(name, LOSSES.get(name), folds, seeds))
        means = parts[-1][list(COLUMNS)].mean().round(3).to_dict()
        print(f"{name}: {means} in {time.process_time() - start:.0f} s", flush=True)
    parts.insert(-1, without_training(folds))
    return pd.concat(parts, ignore_index=True).round(4)


def write(results: pd.DataFrame, times: pd.DataFrame) -> None:
    """Write results, table and picture."""
    write_text(HERE / "results.csv", results.to_csv(index=False))
    write_text(HERE / "times.csv", times.round(3).to_csv())
    settings = {
        "command": "OMP_NUM_THREADS=1 python experiments/losses/run.py DATA",
        "n_seeds": int(results["seed"].nunique()),
        "n_steps": compare.N_STEPS,
        "batch_size": compare.BATCH_SIZE,
        "learning_rate": compare.LEARNING_RATE,
        "noise_std": compare.NOISE_STD,
        "svc_c": compare.SVC_C,
        "versions": {name: version(name) for name in ("affectmap", "numpy", "scikit-learn", "torch")},
        "machine": platform.machine(),
        "python": platform.python_version(),
        "threads": os.environ.get("OMP_NUM_THREADS", "default"),
    }
    write_json(HERE / "settings.json", settings)
    draw(results, DOCS / "losses.png")
    page = DOCS / "losses.md"
    write_text(page, between_marks(page.read_text(encoding="utf-8"), "comparison", page_table(results, times)))


if __name__ == "__main__":
    main()
