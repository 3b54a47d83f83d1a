"""Summaries, paired comparisons and claims from the table of all runs and its values without each speaker."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from statsmodels.stats.multitest import multipletests

from affectmap.stats.intervals import NAN, LeftOut, difference, interval, mean, p_value
from evaluation import QUANTITIES, RATED

#: Mean over seeds, of each setup, policy, target and quantity, with and without each speaker.
LeftOuts = Mapping[tuple[str, str, str, str], LeftOut]


def summary(runs: pd.DataFrame, left_out: LeftOuts) -> pd.DataFrame:
    """Give mean, standard deviation over seeds and interval over speakers, by target and for the mean of the three."""
    rows = []
    for (setup, policy), some in runs.groupby(["setup", "policy"], sort=False):
        for quantity in QUANTITIES:
            wide = some.pivot(index="seed", columns="target", values=quantity)[list(RATED)]
            columns = {name: wide[name] for name in RATED} | {"mean": wide.mean(axis=1, skipna=False)}
            for target, values in columns.items():
                scale = "share" if quantity == "uar" else "explained"
                _, low, high, _ = interval(_value(left_out, setup, policy, target, quantity), scale)
                sd = values.std(ddof=1) if len(values) > 1 else np.nan
                rows.append((setup, some["group"].iloc[0], policy, target, quantity, values.mean(), sd, low, high))
    columns = ["setup", "group", "policy", "target", "quantity", "value", "sd_seeds", "low", "high"]
    return pd.DataFrame(rows, columns=columns)


def compared(values: LeftOuts, pairs: Sequence[tuple[str, str]], policy: str, quantity: str) -> pd.DataFrame:
    """Compare pairs of setups by their mean over the targets, leaving a speaker out of both.

    The p-value is that of the t of the interval; Holm's correction is over the pairs given.
    """
    rows = []
    for more, less in pairs:
        found = difference(*(_value(values, name, policy, "mean", quantity) for name in (more, less)))
        value, low, high, _ = interval(found)
        if np.isfinite(low):
            rows.append((more, less, policy, quantity, value, low, high, p_value(found)))
    table = pd.DataFrame(rows, columns=["setup", "against", "policy", "quantity", "difference", "low", "high", "p"])
    table["p_holm"] = multipletests(table["p"], method="holm")[1] if len(table) else []
    return table


def claims(values: LeftOuts, policy: str = "target-20") -> pd.DataFrame:
    """Test the paper's claims again: all sources but the target, ten seeds, over speakers, Holm over all tests."""
    metric = ("DAE-Metric-Act", "DAE-Metric-Val", "DAE-Metric-Joint")
    tests = []
    for target in RATED:
        for name in metric:
            for label in ("activation", "valence"):
                if label != "valence" or name != "DAE-Metric-Act":
                    tests.append(("a", target, (name, f"r2_{label}"), ("DAE-Unsupervised", f"r2_{label}")))
            tests += [
                ("b", target, (name, "r2_activation"), (name, "r2_valence")),
                ("c", target, (name, "uar"), ("DAE-Unsupervised", "uar")),
            ]
            if target != "aesdd":
                tests.append(("d", target, (name, "uar_3"), (name, "uar")))
        pairwise = "pairwise_activation"
        for other in ("DAE-Unsupervised", "DAE-Metric-Val", "DAE-Metric-Joint"):
            tests.append(("e", target, ("DAE-Metric-Act", pairwise), (other, pairwise)))
        tests.append(("f", target, ("DAE-Metric-Val", "uar"), ("DAE-Metric-Act", "uar")))
    rows = []
    for claim, target, more, less in tests:
        found = difference(*(values[name, policy, target, quantity] for name, quantity in (more, less)))
        # Chance is 1/3 of three classes and 1/4 of four; the claim is of more than that.
        chance = (1 / 3 - 1 / 4) if claim == "d" else 0.0
        found = found.moved_to(found.value - chance)
        rows.append((claim, target, " ".join(more), " ".join(less), found.value, p_value(found)))
    table = pd.DataFrame(rows, columns=["claim", "target", "more", "less", "difference", "p"])
    table["p_holm"] = multipletests(table["p"], method="holm")[1]
    table["verdict"] = np.where(
        table["p_holm"] >= 0.05, "cannot be told", np.where(table["difference"] > 0, "holds", "does not hold")
    )
    return table


def _value(values: LeftOuts, setup: str, policy: str, target: str, quantity: str) -> LeftOut:
    targets = RATED if target == "mean" else (target,)
    found = [values.get((setup, policy, name, quantity), LeftOut(NAN, {}, {})) for name in targets]
    return mean(found)
