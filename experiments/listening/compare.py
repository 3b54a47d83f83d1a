"""Compare methods that adapt to unlabelled recordings of a held-out corpus, from the same start and features.

    OMP_NUM_THREADS=1 AFFECTMAP_ENCODERS=DATA/encoders python experiments/listening/compare.py DATA

DATA is as for experiments/encoder-map. Writes methods.csv, and the tables of docs/adaptation.md. ``pip install skada``
adds the methods of that package, which are left out without it. ``--corpora casia --output FOLDER`` is for a quick
look, ``--page`` writes the tables of the page again from methods.csv.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import peers  # noqa: E402
from folds import APART, FOUR, N_SEEDS, WHOLE, Fold, Target, read, targets, train  # noqa: E402
from methods_page import page_tables  # noqa: E402
from with_sources import HAS_SKADA, NEED_SOURCES, SKADA  # noqa: E402

from affectmap.files import write_text  # noqa: E402
from affectmap.preparation.prepared_corpus import PreparedCorpus  # noqa: E402
from affectmap.schema import FOUR_CLASSES, LABELS  # noqa: E402
from affectmap.stats.measures import class_measures, rating_measures  # noqa: E402
from affectmap.stats.metrics import adjusted_r2  # noqa: E402
from affectmap.transfer.recipe import NEUTRAL  # noqa: E402
from command import new_parser, parse, results, write_page  # noqa: E402

#: Methods that need a model folder and the held-out recordings; the first is what the others adapt.
MODEL_ONLY: dict[str, peers.Method] = {
    "statistics only": peers.statistics_only,
    "listening (affectmap adapt --listen)": peers.listening,
    "EM, shared covariance": peers.shared_covariance,
    "EM, mean with the start": peers.em_and_start,
    "nearest class mean": peers.nearest_mean,
    "prototype pulling (T3A)": peers.pulled_prototypes,
    "label propagation": peers.propagated,
    "entropy, scale and shift (TENT)": peers.tent,
    "entropy, linear map (SHOT)": peers.shot,
    "statistics only, classes read off the map": peers.read_off_map,
    "self-training of the metric map": peers.self_trained,
}
#: Methods for features of two parts.
TWO_EARS: dict[str, peers.Method] = {
    "two ears, statistics only": peers.two_ears,
    "two ears, co-training": peers.co_trained,
}


#: What takes seconds a folder; it runs on whole folders alone, by statistics of the corpus, with all sources.
LONG = (
    "self-training of the metric map",
    "self-training of the metric map with the sources",
    "optimal transport (skada)",
    "entropic optimal transport (skada)",
)


def methods(fold: Fold, folder: str, normalisation: str, left_out: str) -> dict[str, peers.Method]:
    """Give the methods that a fold has in a folder: without a source corpus, only those that need a model alone."""
    found = MODEL_ONLY | (TWO_EARS if fold.views else {})
    if not left_out:
        found |= NEED_SOURCES | (SKADA if HAS_SKADA else {})
    is_first = (folder, normalisation, left_out) == (WHOLE, "corpus", "")
    return {name: method for name, method in found.items() if is_first or name not in LONG}


def scores(fold: Fold, target: Target, outcome: peers.Outcome) -> dict[str, float]:
    """Score classes on the utterances of the four, places on those that were rated."""
    four = [str(name) for name in FOUR_CLASSES]
    shown = outcome.log_probability[:, [fold.classes.names.index(name) for name in four]]
    guess = np.array(four)[shown.argmax(axis=1)]
    found = {"uar": class_measures(target.emotion, guess, four)["uar"].value}
    for i, label in enumerate(LABELS):
        rated = np.isfinite(target.label[:, i])
        value = outcome.embedding[:, i] + NEUTRAL
        found[f"ccc_{label}"] = rating_measures(target.label[:, i], value)["ccc"].value
        fit = adjusted_r2(target.label[rated, i], outcome.embedding[rated]) if rated.any() else None
        found[f"r2_{label}"] = fit.adjusted_r2 if fit else np.nan
    return found


def compared(
    ear: str, sources: Sequence[PreparedCorpus], held_out: PreparedCorpus, left_out: str, n_seeds: int
) -> list[dict[str, Any]]:
    """Train a fold and run every method on every folder; `left_out` is a corpus that the sources lack besides."""
    trained, rows = train(ear, sources, n_seeds), []
    for target in targets(held_out):
        if left_out and target.folder == FOUR:
            continue
        fold = trained.only(FOUR_CLASSES) if target.folder == FOUR else trained
        key = {"ear": ear, "sources_without": left_out, "folder": target.folder}
        key |= {"normalisation": target.normalisation, "corpus": held_out.name}
        for name, method in methods(fold, target.folder, target.normalisation, left_out).items():
            needs = name in NEED_SOURCES or name in SKADA
            rows.append(key | {"method": name, "needs_sources": needs} | scores(fold, target, method(fold, target.z)))
    return rows


def plan(
    ear: str, corpora: dict[str, PreparedCorpus], wanted: Sequence[str], n_seeds: int
) -> list[Callable[[], list[dict[str, Any]]]]:
    """Hold out each corpus that is wanted; then once more, without the corpus that stands apart among the sources."""
    work: list[Callable[[], list[dict[str, Any]]]] = []
    for left_out in ("", APART):
        for name in wanted:
            if name != left_out:
                sources = [each for other, each in corpora.items() if other not in (name, left_out)]
                work.append(partial(compared, ear, sources, corpora[name], left_out, n_seeds))
    return work


def main() -> None:
    """Run it all and write everything."""
    parser = new_parser(__doc__)
    parser.add_argument("--n-seeds", type=int, default=N_SEEDS)
    arguments = parse(parser, partial(write_page, page_tables))
    work = [each for ear in arguments.ears for each in plan(ear, read(ear), arguments.corpora, arguments.n_seeds)]
    table = pd.DataFrame([row for rows in results(work, arguments.n_jobs) for row in rows])
    write_text(arguments.output / "methods.csv", table.round(4).to_csv(index=False))
    if arguments.output == HERE:
        write_page(page_tables)
    if not HAS_SKADA:
        print("without the methods of skada, which is not installed (pip install skada)")


if __name__ == "__main__":
    main()
