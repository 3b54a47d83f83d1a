"""Choose among settings without the corpus that is then reported: nested leave-one-corpus-out.

The candidates were found on these corpora, so that what is chosen is not free of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from itertools import combinations

import numpy as np
import pandas as pd
from maps import Maps
from setups import CHOICES, RECIPE, Setup

from affectmap.parallel.workers import mapped, n_workers
from affectmap.preparation.prepared_corpus import PreparedCorpus
from evaluation import BY_CARD, QUANTITIES, RATED, Embed, Scores, evaluate, source_rows, target_rows

#: Models a choice and inner corpus.
N_SEEDS = 3
POLICIES = {"target-all": "corpus", BY_CARD: "speaker"}


def all_inner_scores(corpora: Mapping[str, PreparedCorpus], n_jobs: int) -> pd.DataFrame:
    """Score every choice on every corpus but one, each held out from the models it is scored with.

    Args:
        corpora: All of them.
        n_jobs: Processes.

    Returns:
        UAR, adjusted R² and their mean by the held-out corpus (of which nothing is used), the inner corpus, policy
        and choice; means over seeds.
        Two corpora that are each held out while the other is scored share their models.
    """
    rows = []
    for pair in combinations(corpora, 2):
        reported = [name for name in pair if name in RATED]
        if not reported:
            continue
        sources = [corpora[name] for name in corpora if name not in pair]
        # No setup among the choices uses the target.
        maps = Maps(sources, corpora[pair[0]], N_SEEDS, n_jobs).of(CHOICES)
        for left_out in reported:
            inner = next(name for name in pair if name != left_out)
            work = list(_planned(maps, sources, corpora[inner]))
            found = mapped(_values, [each for _, each in work], n_jobs=n_workers(n_jobs), batch_size=16)
            keys = [{"left_out": left_out, "inner": inner} | key for key, _ in work]
            rows += [key | values for key, values in zip(keys, found, strict=True)]
    table = pd.DataFrame(rows).groupby(["left_out", "inner", "policy", "choice"], sort=False)[list(QUANTITIES)].mean()
    # A corpus without ratings is scored by its classes alone.
    table["score"] = table.mean(axis=1)
    return table.reset_index()


def _planned(
    maps: dict[tuple[str, str], list[Embed]], sources: list[PreparedCorpus], target: PreparedCorpus
) -> Iterator[tuple[dict[str, str], partial[Scores]]]:
    for policy, normalisation in POLICIES.items():
        features = target_rows(sources, target, policy, seed=0)
        for setup in CHOICES:
            used = [each for each in sources if setup.recipe.classes or np.isfinite(each.label).any()]
            source = source_rows(used, normalisation)
            for embed in maps[setup.name, normalisation]:
                work = partial(evaluate, embed, source, target, features, pairs=False)
                yield {"policy": policy, "choice": setup.name}, work


def _values(work: partial[Scores]) -> dict[str, float]:
    return work().values


def chosen(scores: pd.DataFrame) -> Setup:
    """Give the choice with the highest mean score (of UAR and both adjusted R²), as a distilled network of ten."""
    best = scores.groupby("choice")["score"].mean().idxmax()
    setup = next(setup for setup in CHOICES if setup.name == best)
    return Setup("recipe, chosen by nesting", "recipe", replace(setup.recipe, n_teachers=RECIPE.n_teachers), "student")
