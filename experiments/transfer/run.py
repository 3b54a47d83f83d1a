"""Find out what transfers: every method on a held-out corpus, and the page docs/transfer.md.

    OMP_NUM_THREADS=1 python experiments/transfer/run.py DATA

DATA is a folder with corpora/emodb, corpora/urdu, corpora/aesdd, corpora/labels, and features/ravdess.parquet and
features/emovo.parquet (columns emotion, speaker and the functionals at 16 kHz). The first three have ratings and are
held out one after another; the other two have classes only. ``--n-seeds 2 --output FOLDER`` is for a quick look.
"""

from __future__ import annotations

import argparse
import time
from functools import partial
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd
from maps import Maps
from nested import all_inner_scores, chosen
from page import write_page
from setups import Setup, all_setups
from tables import claims, compared, summary

from affectmap.files import write_json, write_text
from affectmap.parallel.workers import mapped, n_workers
from affectmap.preparation.prepared_corpus import PreparedCorpus
from affectmap.stats.intervals import LeftOut, fold_mean
from evaluation import BY_CARD, NORMALISATION, RATED, Scores, evaluate, is_balanced, read, source_rows, target_rows

HERE = Path(__file__).resolve().parent
N_SEEDS = 10
#: What the main methods are compared with.
AGAINST = (
    "ridge, rated corpora",
    "ridge, recipe's corpora and labels",
    "88 functionals, all corpora",
    "DAE-Metric-Joint",
)
MAIN = ("simple", "paper", "recipe")


def score_target(
    corpora: dict[str, PreparedCorpus], name: str, setups: list[Setup], n_seeds: int, n_jobs: int
) -> list[tuple[dict[str, object], Scores]]:
    """Train and score all setups with one corpus held out."""
    sources, target = [corpora[other] for other in corpora if other != name], corpora[name]
    maps = Maps(sources, target, n_seeds, n_jobs).of(setups)
    rated = [each for each in sources if np.isfinite(each.label).any()]
    source = {(w, all_): source_rows(sources if all_ else rated, w) for w in ("corpus", "speaker") for all_ in (0, 1)}
    rows = {
        (policy, seed): target_rows(sources, target, policy, seed)
        for policy in NORMALISATION
        for seed in range(n_seeds)
    }
    keys, work = [], []
    for setup in setups:
        for policy, normalisation in NORMALISATION.items():
            if policy == BY_CARD and is_balanced(target):  # by speaker, which is scored already
                continue
            # A map without draws is still scored on every draw of the fifth that target-20 takes its statistics from.
            n_draws = n_seeds if policy == "target-20" or len(maps[setup.name, normalisation]) > 1 else 1
            for seed in range(n_draws):
                embed = maps[setup.name, normalisation][min(seed, len(maps[setup.name, normalisation]) - 1)]
                pairs = setup.group == "paper" and policy == "target-20"
                where = source[normalisation, int(setup.recipe.classes)]
                work.append(partial(evaluate, embed, where, target, rows[policy, seed], pairs))
                keys.append({"setup": setup.name, "group": setup.group, "policy": policy, "target": name, "seed": seed})
    found = list(zip(keys, mapped(_called, work, n_jobs=n_workers(n_jobs), batch_size=64), strict=True))
    same = [(key | {"policy": BY_CARD}, scores) for key, scores in found if key["policy"] == "speaker"]
    return [*found, *same] if is_balanced(target) else found


def _called(work: partial[Scores]) -> Scores:
    return work()


def averaged(found: list[tuple[dict[str, object], Scores]]) -> dict[tuple[str, str, str, str], LeftOut]:
    """Take the mean over seeds of every quantity, with and without each speaker."""
    collected: dict[tuple[str, str, str, str], list[LeftOut]] = {}
    for key, scores in found:
        for quantity, value in scores.left_out.items():
            name = (str(key["setup"]), str(key["policy"]), str(key["target"]), quantity)
            collected.setdefault(name, []).append(value)
    return {name: fold_mean(values) for name, values in collected.items()}


def comparisons(values: dict[tuple[str, str, str, str], LeftOut], setups: list[Setup]) -> pd.DataFrame:
    """Compare the main methods with `AGAINST`, and changes of the recipe with its single model."""
    parts = []
    for policy in ("target-all", BY_CARD):
        for quantity in ("uar", "r2_activation", "r2_valence"):
            for against in AGAINST:
                pairs = [(each.name, against) for each in setups if each.name != against and each.group in MAIN]
                parts.append(compared(values, pairs, policy, quantity))
            changes = [each.name for each in setups if each.group in ("change", "sees target")]
            pairs = [(name, "recipe, one model") for name in changes]
            parts.append(compared(values, pairs, policy, quantity))
    return pd.concat(parts, ignore_index=True)


def main() -> None:
    """Run it all and write everything."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--n-seeds", type=int, default=N_SEEDS)
    parser.add_argument("--n-jobs", type=int, default=2)
    parser.add_argument("--output", type=Path, default=HERE, help="where tables go; the page is written from here only")
    arguments = parser.parse_args()
    start, out = time.perf_counter(), arguments.output
    corpora = read(arguments.data)
    found, inner = [], all_inner_scores(corpora, arguments.n_jobs)
    print(f"settings chosen after {time.perf_counter() - start:.0f} s", flush=True)
    for name in RATED:
        setups = [*all_setups(), chosen(inner[inner["left_out"] == name])]
        found += score_target(corpora, name, setups, arguments.n_seeds, arguments.n_jobs)
        print(f"{name}: {len(found)} scores after {time.perf_counter() - start:.0f} s", flush=True)
    runs, values = pd.DataFrame([key | scores.values for key, scores in found]), averaged(found)
    tables = {
        "runs": runs.round(4),
        "summary": summary(runs, values).round(4),
        "nested": inner.round(4),
        "comparisons": comparisons(values, setups).round(4),
        "claims": claims(values).round(4),
    }
    for name, table in tables.items():
        write_text(out / f"{name}.csv", table.to_csv(index=False))
    versions = {name: version(name) for name in ("affectmap", "numpy", "scikit-learn", "torch")}
    command = "OMP_NUM_THREADS=1 python experiments/transfer/run.py DATA"
    write_json(out / "settings.json", {"command": command, "n_seeds": arguments.n_seeds, "versions": versions})
    if out == HERE:
        write_page(out, corpora)
    print(f"{time.perf_counter() - start:.0f} s", flush=True)


if __name__ == "__main__":
    main()
