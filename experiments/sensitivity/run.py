"""Vary one setting of the metric map at a time around the paper's: what depends on it, and what does not.

    OMP_NUM_THREADS=1 python experiments/sensitivity/run.py DATA

DATA holds corpora/emodb, corpora/urdu, corpora/aesdd and corpora/labels. The map with both ratings in its loss (Joint)
is trained on EMO-DB with other weights λ of the metric loss, other noise σ on its inputs, and other sizes of its
latent; it is scored on the held-out speakers of EMO-DB (five folds) and on URDU and AESDD (standardised by themselves,
no label of theirs is used). A seed moves the folds and the weights. Nothing is chosen here: the defaults are the
paper's, and stay so whatever comes out. Writes `results.csv`, `results.md` and `sensitivity.png` here, in which
`notes.md` is put into words; --page writes the page alone. What was measured is kept in --cache.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from corpora_and_splits import COLOURS, QUANTITIES, TITLES, Split, read, scores, splits
from platformdirs import user_cache_path

from affectmap.files import new_file, write_text
from affectmap.model.training import TrainingSettings, TrainingTask, train_stacked
from affectmap.preparation.prepared_corpus import PreparedCorpus
from affectmap.text import markdown, score

HERE = Path(__file__).resolve().parent
N_SEEDS = 5
VARIED: dict[str, tuple[float, ...]] = {
    "weight": (0, 0.1, 0.3, 1, 3, 10),
    "noise_std": (0, 0.25, 0.5, 1, 1.5, 2, 3),
    "latent_dim": (1, 2, 3, 5, 10),
}
PAPER = {"weight": 1, "noise_std": 1, "latent_dim": 2}
NAMES = {"weight": "weight λ of the metric loss", "noise_std": "noise σ on the inputs", "latent_dim": "latent size"}


def settings() -> Iterator[tuple[str, float]]:
    """Give what is varied, with its value; the paper's comes once for each that is varied."""
    return ((name, value) for name, values in VARIED.items() for value in values)


def run(
    source: PreparedCorpus, targets: Sequence[PreparedCorpus], seeds: Sequence[int], epochs: int = 50, n_folds: int = 5
) -> pd.DataFrame:
    """Train and score all: a row a varied setting, value, seed and corpus, the mean over folds."""
    drawn = [(seed, split) for seed in seeds for split in splits(source, targets, seed, n_folds)]
    rows: list[dict[str, object]] = []
    kept: dict[tuple[float, ...], list[dict[str, object]]] = {}
    for name, value in settings():
        chosen: Mapping[str, Any] = PAPER | {name: value}
        key = tuple(chosen.values())
        if key not in kept:
            kept[key] = list(_scored(chosen, drawn, epochs))
        rows += [{"setting": name, "value": value, **row} for row in kept[key]]
    table = pd.DataFrame(rows)
    return table.groupby(["setting", "value", "seed", "corpus"], sort=False)[list(QUANTITIES)].mean().reset_index()


def _scored(chosen: Mapping[str, Any], drawn: Sequence[tuple[int, Split]], epochs: int) -> Iterator[dict[str, object]]:
    start = time.process_time()
    tasks = [
        TrainingTask(split.train.features, split.train.label, weight=chosen["weight"], seed=seed)
        for seed, split in drawn
    ]
    size = {name: chosen[name] for name in ("noise_std", "latent_dim")}
    trained = train_stacked(tasks, TrainingSettings(epochs=epochs, **size))
    for (seed, split), model in zip(drawn, trained, strict=True):
        network = model.network
        yield from ({"seed": seed, **row} for row in scores(lambda f, n=network: np.float64(n.embed(f)), split))
    print(f"{dict(chosen)}: {time.process_time() - start:.0f} s of the processor", flush=True)


def summary(results: pd.DataFrame) -> pd.DataFrame:
    """Give mean and standard deviation over seeds, of scores and of their differences to the paper's value."""
    long = results.melt(["setting", "value", "seed", "corpus"], list(QUANTITIES), "quantity", "score")
    keys = ["setting", "corpus", "quantity"]
    paper = long[long["value"] == long["setting"].map(PAPER)].set_index([*keys, "seed"])["score"]
    long["difference"] = long["score"] - paper.reindex(pd.MultiIndex.from_frame(long[[*keys, "seed"]])).to_numpy()
    return (
        long.groupby(["setting", "value", "corpus", "quantity"], sort=False)
        .agg(mean=("score", "mean"), sd=("score", "std"), d=("difference", "mean"), d_sd=("difference", "std"))
        .reset_index()
    )


def page(results: pd.DataFrame) -> str:
    """Write the page: what it says in words, and a table for each setting varied."""
    found = summary(results).set_index(["setting", "value", "corpus", "quantity"])
    parts = ["# Weight, noise and latent size around the paper's\n", (HERE / "notes.md").read_text(encoding="utf-8")]
    for name, values in VARIED.items():
        header = ["", *(f"{title}: {words}" for title in TITLES.values() for words in QUANTITIES.values())]
        rows = [header]
        for value in values:
            cells = [found.loc[(name, value, corpus, quantity)] for corpus in TITLES for quantity in QUANTITIES]
            own = f"{value:g}" + (" (paper)" if value == PAPER[name] else "")
            rows.append([own, *(_cell(cell) for cell in cells)])
        parts.append(f"\n## {NAMES[name][0].upper()}{NAMES[name][1:]}\n\n{markdown(rows)}\n")
    return "\n".join(parts)


def _cell(cell: pd.Series) -> str:
    """Write a value with its spread, and ↑ or ↓ where it lies off the paper's by more than two spreads of that."""
    mark = "" if abs(cell["d"]) <= 2 * cell["d_sd"] or not cell["d"] else " ↑" if cell["d"] > 0 else " ↓"
    return f"{score(cell['mean'])} ± {score(cell['sd'])}{mark}"


def draw(results: pd.DataFrame, path: Path) -> None:
    """Draw a column a setting, a row a quantity, a line a corpus with its standard deviation over seeds."""
    found = summary(results)
    figure, panels = plt.subplots(3, 3, figsize=(9, 7), sharex="col", sharey="row", layout="constrained")
    for column, (name, values) in enumerate(VARIED.items()):
        for row, (quantity, words) in enumerate(QUANTITIES.items()):
            panel, places = panels[row, column], np.arange(len(values))
            panel.axvline(values.index(PAPER[name]), color="#c3c9d0", lw=6, zorder=0)
            for i, (corpus, (colour, marker)) in enumerate(COLOURS.items()):
                own = found[(found["setting"] == name) & (found["corpus"] == corpus) & (found["quantity"] == quantity)]
                style = {"color": colour, "marker": marker, "markersize": 4, "linewidth": 1.2, "elinewidth": 1}
                panel.errorbar(places + 0.06 * (i - 1), own["mean"], yerr=own["sd"], label=TITLES[corpus], **style)
            panel.set_xticks(places, [f"{value:g}" for value in values])
            panel.tick_params(labelsize=8)
            panel.grid(axis="y", color="#eceff2")
            panel.spines[["top", "right"]].set_visible(False)
            if column == 0:
                panel.set_ylabel(words, fontsize=9)
        panels[-1, column].set_xlabel(NAMES[name], fontsize=9)
    handles, words = panels[0, 0].get_legend_handles_labels()
    figure.legend(handles, words, loc="outside lower center", ncols=3, fontsize=8, frameon=False)
    with new_file(path) as temporary:
        figure.savefig(temporary, format="png", dpi=110, metadata={"Software": None})
    plt.close(figure)


def write(results: pd.DataFrame) -> None:
    """Write page and picture."""
    write_text(HERE / "results.md", page(results))
    draw(results, HERE / "sensitivity.png")


def main() -> None:
    """Run and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, nargs="?", help="not needed with --page")
    parser.add_argument("--seeds", type=int, default=N_SEEDS)
    parser.add_argument("--cache", type=Path, default=user_cache_path("affectmap") / "features")
    parser.add_argument("--page", action="store_true", help="only write page and picture anew")
    arguments = parser.parse_args()
    if not arguments.page:
        if arguments.data is None:
            parser.error("DATA is missing; name the folder of the corpora, or give --page")
        results = run(*read(arguments.data, arguments.cache), range(arguments.seeds))
        write_text(HERE / "results.csv", results.round(4).to_csv(index=False))
    write(pd.read_csv(HERE / "results.csv"))


if __name__ == "__main__":
    main()
