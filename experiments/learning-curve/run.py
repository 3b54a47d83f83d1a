"""Learn from few labelled utterances of EMO-DB and from many: what labels bring, there and on unseen corpora.

    OMP_NUM_THREADS=1 python experiments/learning-curve/run.py DATA

DATA holds corpora/emodb, corpora/urdu, corpora/aesdd and corpora/labels. Of every draw some speakers of EMO-DB are held
out; of the others' utterances so many are labelled, spread over these speakers as evenly as can be, and those of a
smaller number are among those of a larger. Four maps: the metric map with both ratings in its loss (Joint) trained on
the labelled utterances alone, or on all with the ratings of the labelled ones; ridge regression to the ratings; two
principal components of the labelled utterances. A classifier (for the UAR) learns the emotions of the labelled ones
alone. Standardisation uses no label: of EMO-DB by all training speakers, of a target by itself. A network makes as many
steps however few utterances it sees. Writes `results.csv`, `results.md` and `learning-curve.png` here; --page writes
the last two alone, with the words of `notes.md`. What was measured is kept in --cache.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import numpy.typing as npt
import pandas as pd
from platformdirs import user_cache_path

from affectmap.files import new_file, write_text
from affectmap.model.training import TrainingSettings, TrainingTask, train_stacked
from affectmap.preparation.prepared_corpus import PreparedCorpus
from affectmap.schema import Objects, Rows
from affectmap.stats.baselines import PCA_2, baseline
from affectmap.style import RIDGE
from affectmap.text import markdown, number, score

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parent / "sensitivity"))
from corpora_and_splits import COLOURS, N_FOLDS, QUANTITIES, TITLES, Embed, Split, read, scores, splits  # noqa: E402

SIZES = (5, 10, 20, 40, 80, 160, 0)
N_DRAWS = 10
ALONE, REST = "map, labelled alone", "map, the rest unlabelled"
LINES = {ALONE: ("#00876b", "s", "-"), REST: ("#4aa3df", "^", "--"), RIDGE: ("#b3491d", "o", "-"),
         PCA_2: ("#8c949e", "D", ":")}  # fmt: skip
WORDS = {RIDGE: "ridge"}


def nested_order(speaker: Objects, seed: int) -> Rows:
    """Order rows so that any first n of them are spread over the speakers as evenly as these have rows."""
    random = np.random.default_rng(seed)
    turns: list[tuple[int, float, int]] = []
    for name in sorted(set(speaker.tolist())):
        own = random.permutation(np.flatnonzero(speaker == name))
        turns += [(turn, random.random(), int(row)) for turn, row in enumerate(own)]
    return np.array([row for *_, row in sorted(turns)], dtype=np.int64)


def run(
    source: PreparedCorpus,
    targets: Sequence[PreparedCorpus],
    draws: Sequence[int],
    sizes: Sequence[int] = SIZES,
    settings: TrainingSettings | None = None,
    n_folds: int = N_FOLDS,
) -> pd.DataFrame:
    """Train and score all: a row a method, number of labelled utterances (0: all), draw and corpus.

    Draw d holds out fold d modulo `n_folds` of a split of its own, so that as many draws as folds try all speakers
    about once.
    """
    settings = settings or TrainingSettings()
    drawn = {draw: splits(source, targets, draw, n_folds)[draw % n_folds] for draw in draws}
    order = {draw: nested_order(split.train.speaker, draw) for draw, split in drawn.items()}
    rows: list[dict[str, object]] = []
    for size in sizes:
        start = time.process_time()
        chosen = {draw: np.sort(order[draw][: size or None]) for draw in draws}
        embeddings = _embeddings(drawn, chosen, settings)
        for (method, draw), embed in embeddings:
            about = {"method": method, "n": size, "n_labelled": len(chosen[draw]), "draw": draw}
            rows += [about | row for row in scores(embed, drawn[draw], chosen[draw])]
        print(f"{size or 'all'}: {time.process_time() - start:.0f} s of the processor", flush=True)
    return pd.DataFrame(rows)


def _embeddings(
    drawn: dict[int, Split], chosen: dict[int, Rows], settings: TrainingSettings
) -> Iterator[tuple[tuple[str, int], Embed]]:
    groups: dict[int, list[tuple[tuple[str, int], TrainingTask]]] = defaultdict(list)
    for draw, split in drawn.items():
        features, label, rows = split.train.features, split.train.label, chosen[draw]
        known = np.full_like(label, np.nan)
        known[rows] = label[rows]
        for method in (PCA_2, RIDGE):
            fitted = baseline(method).fit(features[rows], label[rows])
            yield (method, draw), fitted.transform
        alone = TrainingTask(features[rows], label[rows], seed=draw)
        n_steps = math.ceil(len(features) / settings.batch_size) * settings.epochs
        epochs = round(n_steps / math.ceil(len(rows) / settings.batch_size))
        groups[epochs].append(((ALONE, draw), alone))
        groups[settings.epochs].append(((REST, draw), TrainingTask(features, known, seed=draw)))
    for epochs, tasks in groups.items():
        again = TrainingSettings(epochs=epochs, batch_size=settings.batch_size)
        trained = train_stacked([task for _, task in tasks], again)
        for (name, _), model in zip(tasks, trained, strict=True):
            yield name, lambda features, network=model.network: np.asarray(network.embed(features), np.float64)


def page(results: pd.DataFrame) -> str:
    """Write the page: what it says in words, and a table for each quantity and corpus."""
    parts = ["# What labelled utterances bring\n", (HERE / "notes.md").read_text(encoding="utf-8")]
    long = results.melt(["method", "n", "n_labelled", "draw", "corpus"], list(QUANTITIES), "quantity", "score")
    cells = long.groupby(["corpus", "quantity", "method", "n"])["score"].agg(["mean", "std"])
    sizes = list(dict.fromkeys(results["n"]))
    every = results.loc[results["n"] == 0, "n_labelled"].mean()
    header = ["", *(f"{n}" if n else f"all (about {number(every, 0)})" for n in sizes)]
    for quantity, words in QUANTITIES.items():
        for corpus, title in TITLES.items():
            rows = [header]
            for method in LINES:
                own = [cells.loc[(corpus, quantity, method, n)] for n in sizes]
                rows.append([WORDS.get(method, method), *(f"{score(c['mean'])} ± {score(c['std'])}" for c in own)])
            parts.append(f"\n## {words}: {title}\n\n{markdown(rows)}\n")
    return "\n".join(parts)


def draw_curves(results: pd.DataFrame, path: Path) -> None:
    """Draw a column a corpus, a row a quantity, a line a method with its standard deviation over draws."""
    figure, panels = plt.subplots(3, len(COLOURS), figsize=(9, 7), sharex=True, sharey="row", layout="constrained")
    for column, corpus in enumerate(TITLES):
        for row, (quantity, words) in enumerate(QUANTITIES.items()):
            panel = panels[row, column]
            for i, (method, (colour, marker, dash)) in enumerate(LINES.items()):
                own = results[(results["method"] == method) & (results["corpus"] == corpus)].groupby("n_labelled_mean")
                places = np.array(list(own.groups), dtype=np.float64) * 1.04 ** (i - 1.5)
                style = {"color": colour, "marker": marker, "linestyle": dash, "markersize": 4, "linewidth": 1.2}
                mean, sd = own[quantity].mean(), own[quantity].std()
                panel.errorbar(places, mean, yerr=sd, elinewidth=0.8, label=WORDS.get(method, method), **style)
            panel.set_xscale("log")
            panel.tick_params(labelsize=8)
            panel.grid(axis="y", color="#eceff2")
            panel.spines[["top", "right"]].set_visible(False)
            if column == 0:
                panel.set_ylabel(words, fontsize=9)
        panels[0, column].set_title(TITLES[corpus], fontsize=10)
        panels[-1, column].set_xlabel("labelled utterances", fontsize=9)
        _label_sizes(panels[-1, column], np.unique(results["n_labelled_mean"]))
    handles, words = panels[0, 0].get_legend_handles_labels()
    figure.legend(handles, words, loc="outside lower center", ncols=4, fontsize=8, frameon=False)
    with new_file(path) as temporary:
        figure.savefig(temporary, format="png", dpi=110, metadata={"Software": None})
    plt.close(figure)


def _label_sizes(panel: plt.Axes, sizes: npt.NDArray[np.float64]) -> None:
    panel.set_xticks(sizes, [f"{size:.0f}" for size in sizes])
    panel.minorticks_off()


def write(results: pd.DataFrame, folder: Path = HERE) -> None:
    """Write page and picture."""
    write_text(folder / "results.md", page(results))
    mean_size = results.groupby("n")["n_labelled"].transform("mean")
    draw_curves(results.assign(n_labelled_mean=mean_size), folder / "learning-curve.png")


def main() -> None:
    """Run and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, nargs="?", help="not needed with --page")
    parser.add_argument("--draws", type=int, default=N_DRAWS)
    parser.add_argument("--cache", type=Path, default=user_cache_path("affectmap") / "features")
    parser.add_argument("--page", action="store_true", help="only write page and picture anew")
    arguments = parser.parse_args()
    if not arguments.page:
        if arguments.data is None:
            parser.error("DATA is missing; name the folder of the corpora, or give --page")
        results = run(*read(arguments.data, arguments.cache), range(arguments.draws))
        write_text(HERE / "results.csv", results.round(4).to_csv(index=False))
    write(pd.read_csv(HERE / "results.csv"))


if __name__ == "__main__":
    main()
