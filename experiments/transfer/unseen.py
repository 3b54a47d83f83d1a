"""Score the shipped model on TurEV-DB (Turkish) and CASIA (Mandarin), which took part in nothing.

    python experiments/transfer/unseen.py DATA

No setting was chosen on these corpora and nothing was trained on them. Nobody rated them, so that classes are all there
is. Beside the model stand a line and a classifier on all functionals, fitted on the five corpora it was trained on.
Writes `unseen.csv` and the table of docs/transfer.md.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from maps import Maps
from page import write_tables
from setups import SIMPLE

from affectmap.files import write_text
from affectmap.model.encoder import encode
from affectmap.model.model import load_model
from affectmap.preparation.standardisation import Statistics
from affectmap.stats.intervals import difference, interval, mean
from evaluation import (
    BY_CARD,
    CLASSED,
    NORMALISATION,
    RATED,
    UNSEEN,
    Embed,
    evaluate,
    read,
    source_rows,
    target_rows,
)

HERE = Path(__file__).resolve().parent
POLICIES = ("source", "target-all", BY_CARD)
#: What stands beside the model.
BESIDE = ("ridge, recipe's corpora and labels", "88 functionals, all corpora")


def shipped_embed() -> Embed:
    """Give the map of the shipped model, on features that are standardised already."""
    layers = load_model().layers
    return lambda features: encode(features, _same(features.shape[1]), layers)[0]


def _same(n_features: int) -> Statistics:
    return Statistics(np.zeros(n_features), np.ones(n_features))


def main() -> None:
    """Score everything and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    corpora = read(parser.parse_args().data, (*CLASSED, *UNSEEN))
    sources = [corpora[name] for name in (*RATED, *CLASSED)]
    maps = Maps(sources, corpora[UNSEEN[0]], 1, 1).of([setup for setup in SIMPLE if setup.name in BESIDE])
    of_model = {("shipped model", normalisation): [shipped_embed()] for normalisation in ("corpus", "speaker")}
    rows, means = [], {}
    for (name, normalisation), (embed,) in (of_model | maps).items():
        source = source_rows(sources, normalisation)
        for policy in (policy for policy in POLICIES if NORMALISATION[policy] == normalisation):
            targets = [corpora[name] for name in UNSEEN]
            scored = [
                evaluate(embed, source, each, target_rows(sources, each, policy, 0), pairs=False) for each in targets
            ]
            found = [scores.left_out["uar"] for scores in scored]
            means[name, policy] = mean(found)
            for target, one in [*zip(UNSEEN, found, strict=True), ("mean", mean(found))]:
                rows.append((name, policy, target, *interval(one, "share")))
    for (name, policy), one in means.items():
        if name in BESIDE:
            less = difference(means["shipped model", policy], one)
            rows.append((f"shipped model minus {name}", policy, "mean", *interval(less)))
    table = pd.DataFrame(rows, columns=["method", "policy", "target", "uar", "low", "high", "n_speakers"])
    write_text(HERE / "unseen.csv", table.round(4).to_csv(index=False))
    write_tables(HERE)


if __name__ == "__main__":
    main()
