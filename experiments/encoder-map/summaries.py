"""Summaries and paired comparisons of the table of all runs and its values without each speaker."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from setups import BEST
from statsmodels.stats.multitest import multipletests

from affectmap.stats.intervals import LeftOut, difference, interval, mean, p_value
from evaluation import CLASSED, QUANTITIES, RATED, UNSEEN

LeftOuts = Mapping[tuple[str, str, str, str], LeftOut]
ALL = (*RATED, *CLASSED, *UNSEEN)
#: What every small map is compared with.
TAUGHT = "88, taught by soft prototypes of all features"


def summary(runs: pd.DataFrame, values: LeftOuts) -> pd.DataFrame:
    """Give mean, standard deviation over seeds and interval over speakers, by corpus and for means of corpora.

    ``mean`` is that of the rated corpora, ``mean of all`` of every corpus (UAR).
    """
    rows = []
    for (setup, group, policy), some in runs.groupby(["setup", "group", "policy"], sort=False):
        for quantity in QUANTITIES:
            wide = some.pivot(index="seed", columns="target", values=quantity)
            names = [name for name in wide.columns if np.isfinite(wide[name]).any()]
            groups = {name: (name,) for name in names} | {"mean": RATED}
            groups |= {"mean of all": ALL} if quantity == "uar" else {}
            for target, of in groups.items():
                if not all((setup, policy, name, quantity) in values for name in of):
                    continue
                found = mean([values[setup, policy, name, quantity] for name in of])
                _, low, high, _ = interval(found, "share" if quantity == "uar" else "explained")
                deviation = wide[list(of)].mean(axis=1).std(ddof=1) if len(wide) > 1 else np.nan
                rows.append((setup, group, policy, target, quantity, found.value, deviation, low, high))
    columns = ["setup", "group", "policy", "target", "quantity", "value", "sd_seeds", "low", "high"]
    return pd.DataFrame(rows, columns=columns)


def comparisons(runs: pd.DataFrame, values: LeftOuts) -> pd.DataFrame:
    """Compare the means over corpora with soft prototypes, and small maps with the one that is taught.

    The p-value is that of the t of the interval; Holm's correction is over the setups of one reference, policy,
    quantity and mean.
    """
    groups = runs.groupby("setup", sort=False)["group"].first()
    pairs = [(name, BEST) for name, group in groups.items() if group != "small" and name != BEST]
    pairs += [(name, TAUGHT) for name, group in groups.items() if group == "small" and name != TAUGHT]
    rows = []
    for policy in runs["policy"].unique():
        for quantity in QUANTITIES:
            means = {"mean": RATED} | ({"mean of all": ALL} if quantity == "uar" else {})
            for target, of in means.items():
                for name, against in pairs:
                    keys = [[(each, policy, corpus, quantity) for corpus in of] for each in (name, against)]
                    if not all(key in values for side in keys for key in side):
                        continue
                    found = difference(*(mean([values[key] for key in side]) for side in keys))
                    _, low, high, _ = interval(found)
                    rows.append((name, against, policy, target, quantity, found.value, low, high, p_value(found)))
    columns = ["setup", "against", "policy", "target", "quantity", "difference", "low", "high", "p"]
    table = pd.DataFrame(rows, columns=columns)
    table["p_holm"] = np.nan
    for _, some in table.groupby(["against", "policy", "target", "quantity"]):
        table.loc[some.index, "p_holm"] = multipletests(some["p"], method="holm")[1]
    return table
