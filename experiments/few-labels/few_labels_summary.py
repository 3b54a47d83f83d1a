"""Means and standard deviations over draws, and how often ratings made things worse."""

from __future__ import annotations

import pandas as pd
from few_labels_choices import RANDOM, SUGGESTED
from few_labels_methods import NONE

from affectmap.schema import LABELS

KEYS = ["features", "start", "corpus", "choice", "n"]


def summary(draws: pd.DataFrame) -> pd.DataFrame:
    """Summarise all draws: a row a method and quantity.

    Besides what was scored there are ``ratio_activation`` and ``ratio_valence``, the mean square error divided by that
    without ratings on the same recordings. ``worse`` is the share of draws in which that is above 1, or a UAR below
    that without ratings. Of choices besides two only these are kept.
    """
    own = draws.set_index([*KEYS, "draw", "of", "method"])
    before = own.xs(NONE, level="method").reindex(own.index.droplevel("method"))
    found = own.copy()
    for label in LABELS:
        found[f"ratio_{label}"] = own[f"mse_{label}"].to_numpy() / before[f"mse_{label}"].to_numpy()
    found = found.drop(columns=[f"mse_{label}" for label in LABELS])
    worse = (found[[f"ratio_{label}" for label in LABELS]] > 1).astype(float)
    worse["uar"] = (own["uar"].to_numpy() < before["uar"].to_numpy()).astype(float)
    worse = worse.where(found[list(worse)].notna())  # a row is of ratings or of classes
    long = found.melt(var_name="quantity", ignore_index=False).dropna()
    harm = worse.melt(var_name="quantity", value_name="worse", ignore_index=False)
    by = [*KEYS, "method", "quantity"]
    table = long.groupby(by, sort=False)["value"].agg(mean="mean", sd="std")
    table["worse"] = harm.groupby(by, sort=False)["worse"].mean().reindex(table.index)
    table = table.reset_index()
    compared = table["quantity"].str.startswith("ratio") | (table["quantity"] == "uar")
    return table[compared | table["choice"].isin([RANDOM, SUGGESTED])]


def covered(draws: pd.DataFrame) -> pd.DataFrame:
    """Average what intervals contain and how wide they are: a row a width, number of ratings and label."""
    by = [*KEYS, "label", "width"]
    return draws.groupby(by, sort=False)[["coverage", "half_width"]].mean().reset_index()
