"""Find the map for an encoder's features: every method on seven held-out corpora, and the page docs/encoder-map.md.

    AFFECTMAP_ENCODERS=DATA/encoders OMP_NUM_THREADS=1 python experiments/encoder-map/run.py DATA

DATA is as for experiments/whisper-model, with the tables of TurEV-DB and CASIA besides. EMO-DB, URDU and AESDD have
ratings; the other four have classes only. ``--n-seeds 1 --output FOLDER`` is for a quick look.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from importlib.metadata import version
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd

HERE = Path(__file__).resolve().parent
sys.path += [str(HERE.parent / name) for name in ("transfer", "whisper-model", "shipped-model")]

from encoder_material import read_table  # noqa: E402
from maps import maps_of  # noqa: E402
from page import DOCS, draw_maps, draw_summary, write_tables  # noqa: E402
from setups import CHOICES, Setup, all_setups  # noqa: E402
from summaries import comparisons, summary  # noqa: E402

from affectmap.corpora import load_corpus  # noqa: E402
from affectmap.files import write_json, write_text  # noqa: E402
from affectmap.parallel.workers import mapped, n_workers  # noqa: E402
from affectmap.preparation.prepared_corpus import PreparedCorpus, prepare  # noqa: E402
from affectmap.schema import WHISPER  # noqa: E402
from affectmap.stats.intervals import LeftOut, fold_mean  # noqa: E402
from evaluation import BY_CARD, CLASSED, QUANTITIES, RATED, UNSEEN, Scores, evaluate, source_rows, target_rows  # noqa: E402

N_SEEDS = 10
#: Models a choice when settings are chosen.
N_INNER = 1
#: Most models a setup on corpora without ratings.
N_CLASSED = 3
#: Scored on corpora without ratings besides what is chosen from.
ALSO = "all features, no map"
POLICIES = {"target-all": "corpus", BY_CARD: "speaker"}
Key = tuple[str, str, str, str, int]


def read() -> dict[str, PreparedCorpus]:
    """Read all corpora from the folder of data, which is the current one."""
    corpora = {
        name: prepare(load_corpus(f"{name}=corpora/{name}", Path("corpora/labels")), engine=WHISPER) for name in RATED
    }
    return corpora | {name: read_table(name) for name in (*CLASSED, *UNSEEN)}


def scored(
    setup: Setup, sources: Sequence[PreparedCorpus], targets: Sequence[PreparedCorpus], n_seeds: int
) -> list[tuple[Key, Scores]]:
    """Train a setup on the sources, and score it on targets under both policies."""
    used = [each for each in sources if setup.recipe.classes or np.isfinite(each.label).any()]
    found = []
    for seed, embed in enumerate(maps_of(setup, sources, n_seeds)):
        for policy, normalisation in POLICIES.items():
            source = source_rows(used, normalisation)
            for target in targets:
                rows = target_rows(sources, target, policy, seed)
                key = (setup.name, setup.group, policy, target.name, seed)
                found.append((key, evaluate(embed, source, target, rows, pairs=False)))
    return found


def outer(corpora: Mapping[str, PreparedCorpus], n_seeds: int) -> Iterator[partial[list[tuple[Key, Scores]]]]:
    """Plan the runs that are reported: every setup, each corpus held out."""
    for setup in all_setups():
        for name, target in corpora.items():
            if name not in RATED and setup.name not in (*CHOICES, ALSO):
                continue
            n_models = n_seeds if name in RATED else min(n_seeds, N_CLASSED)
            yield partial(scored, setup, [corpora[other] for other in corpora if other != name], [target], n_models)


def inner(corpora: Mapping[str, PreparedCorpus]) -> Iterator[tuple[tuple[str, str], partial[list[tuple[Key, Scores]]]]]:
    """Plan the runs that settings are chosen by: two corpora held out, each to choose for the other."""
    choices = {setup.name: setup for setup in all_setups()}
    for pair in combinations(corpora, 2):
        if not set(pair) & set(RATED):  # what is chosen is reported of rated corpora alone
            continue
        sources, targets = [corpora[name] for name in corpora if name not in pair], [corpora[name] for name in pair]
        for name in CHOICES:
            yield pair, partial(scored, choices[name], sources, targets, N_INNER)


def nested(corpora: Mapping[str, PreparedCorpus], n_jobs: int) -> pd.DataFrame:
    """Give the scores of every choice by the rated corpus left out, which plays no part, and the inner one."""
    plan = list(inner(corpora))
    rows = []
    for (pair, _), found in zip(plan, mapped(_called, [work for _, work in plan], n_jobs=n_jobs), strict=True):
        for (choice, _, policy, target, _), scores in found:
            left_out = next(name for name in pair if name != target)
            if left_out not in RATED:
                continue
            rows.append({"left_out": left_out, "inner": target, "policy": policy, "choice": choice} | scores.values)
    table = pd.DataFrame(rows).groupby(["left_out", "inner", "policy", "choice"], sort=False)[list(QUANTITIES)].mean()
    # A corpus without ratings is scored by its classes alone.
    table["score"] = table.mean(axis=1)
    return table.reset_index()


def with_chosen(
    runs: pd.DataFrame, values: dict[tuple[str, str, str, str], LeftOut], table: pd.DataFrame
) -> pd.DataFrame:
    """Add the row that has, for every corpus, the choice that the others make."""
    means = table.groupby(["left_out", "choice"])["score"].mean().unstack()
    parts = [runs]
    for target, choice in means.idxmax(axis=1).items():
        some = runs[(runs["setup"] == choice) & (runs["target"] == target)]
        parts.append(some.assign(setup="chosen by nesting", group="chosen"))
        for (name, policy, of, quantity), value in list(values.items()):
            if (name, of) == (choice, target):
                values["chosen by nesting", policy, of, quantity] = value
    return pd.concat(parts, ignore_index=True)


def _called(work: partial[list[tuple[Key, Scores]]]) -> list[tuple[Key, Scores]]:
    return work()


def averaged(found: Sequence[tuple[Key, Scores]]) -> dict[tuple[str, str, str, str], LeftOut]:
    """Take the mean over seeds of every quantity, with and without each speaker."""
    collected: dict[tuple[str, str, str, str], list[LeftOut]] = {}
    for (setup, _, policy, target, _), scores in found:
        for quantity, value in scores.left_out.items():
            collected.setdefault((setup, policy, target, quantity), []).append(value)
    return {name: fold_mean(values) for name, values in collected.items()}


def main() -> None:
    """Run it all and write everything."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--n-seeds", type=int, default=N_SEEDS)
    parser.add_argument("--n-jobs", type=int, default=2)
    parser.add_argument("--output", type=Path, default=HERE, help="where tables go; the page is written from here only")
    arguments = parser.parse_args()
    start, out, n_jobs = time.perf_counter(), arguments.output.absolute(), n_workers(arguments.n_jobs)
    os.chdir(arguments.data)
    corpora = read()
    groups = mapped(_called, list(outer(corpora, arguments.n_seeds)), n_jobs=n_jobs)
    found = [each for group in groups for each in group]
    print(f"{len(found)} scores after {time.perf_counter() - start:.0f} s", flush=True)
    table = nested(corpora, n_jobs)
    columns = ["setup", "group", "policy", "target", "seed"]
    values = averaged(found)
    runs = pd.DataFrame([dict(zip(columns, key, strict=True)) | scores.values for key, scores in found])
    runs = with_chosen(runs, values, table)
    tables = {"runs": runs, "summary": summary(runs, values), "comparisons": comparisons(runs, values), "nested": table}
    for name, each in tables.items():
        write_text(out / f"{name}.csv", each.round(4).to_csv(index=False))
    versions = {name: version(name) for name in ("affectmap", "numpy", "scikit-learn", "torch")}
    command = "AFFECTMAP_ENCODERS=DATA/encoders OMP_NUM_THREADS=1 python experiments/encoder-map/run.py DATA"
    write_json(out / "settings.json", {"command": command, "n_seeds": arguments.n_seeds, "versions": versions})
    if out == HERE:
        write_tables(out)
        draw_summary(tables["summary"], DOCS / "encoder-map.png")
        draw_maps(corpora, DOCS / "encoder-maps.png")
    print(f"{time.perf_counter() - start:.0f} s", flush=True)


if __name__ == "__main__":
    main()
