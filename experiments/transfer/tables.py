"""Summaries, paired comparisons and claims from the table of all runs and its resamples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
from evaluation import QUANTITIES, RATED
from statsmodels.stats.multitest import multipletests

Floats = npt.NDArray[np.float64]
#: Mean over seeds, of each setup, policy, target and quantity, over resampled speakers (B,).
Resampled = Mapping[tuple[str, str, str, str], Floats]


def summary(runs: pd.DataFrame, resampled: Resampled) -> pd.DataFrame:
    """Give mean, standard deviation over seeds and interval over speakers, by target and for the mean of the three."""
    rows = []
    for (setup, policy), some in runs.groupby(["setup", "policy"], sort=False):
        for quantity in QUANTITIES:
            wide = some.pivot(index="seed", columns="target", values=quantity)[list(RATED)]
            columns = {name: wide[name] for name in RATED} | {"mean": wide.mean(axis=1, skipna=False)}
            for target, values in columns.items():
                drawn = _drawn(resampled, setup, policy, target, quantity)
                low, high = np.nanquantile(drawn, [0.025, 0.975]) if np.isfinite(drawn).any() else (np.nan, np.nan)
                sd = values.std(ddof=1) if len(values) > 1 else np.nan
                rows.append((setup, some["group"].iloc[0], policy, target, quantity, values.mean(), sd, low, high))
    columns = ["setup", "group", "policy", "target", "quantity", "value", "sd_seeds", "low", "high"]
    return pd.DataFrame(rows, columns=columns)


def compared(resampled: Resampled, pairs: Sequence[tuple[str, str]], policy: str, quantity: str) -> pd.DataFrame:
    """Compare pairs of setups by their mean over the targets, on the same resampled speakers.

    The p-value is twice the smaller share of resamples on one side of 0, at least 1 in B; Holm's correction is over the
    pairs given.
    """
    rows = []
    for more, less in pairs:
        first, second = (_drawn(resampled, name, policy, "mean", quantity) for name in (more, less))
        difference = (first - second)[np.isfinite(first - second)]
        if not len(difference):
            continue
        share = min((difference <= 0).mean(), (difference >= 0).mean())
        p = min(1.0, max(2 * share, 1 / len(difference)))
        low, high = np.quantile(difference, [0.025, 0.975])
        rows.append((more, less, policy, quantity, *map(float, (difference.mean(), low, high, p))))
    table = pd.DataFrame(rows, columns=["setup", "against", "policy", "quantity", "difference", "low", "high", "p"])
    table["p_holm"] = multipletests(table["p"], method="holm")[1] if len(table) else []
    return table


def claims(resampled: Resampled, policy: str = "target-20") -> pd.DataFrame:
    """Test the paper's claims again: all sources but the target, ten seeds, resampled speakers, Holm over all tests."""
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
        first, second = (resampled[name, policy, target, quantity] for name, quantity in (more, less))
        # Chance is 1/3 of three classes and 1/4 of four; the claim is of more than that.
        chance = (1 / 3 - 1 / 4) if claim == "d" else 0.0
        difference = (first - second - chance)[np.isfinite(first - second)]
        p = min(1.0, max(2 * min((difference <= 0).mean(), (difference >= 0).mean()), 1 / len(difference)))
        rows.append((claim, target, " ".join(more), " ".join(less), float(difference.mean()), float(p)))
    table = pd.DataFrame(rows, columns=["claim", "target", "more", "less", "difference", "p"])
    table["p_holm"] = multipletests(table["p"], method="holm")[1]
    table["verdict"] = np.where(
        table["p_holm"] >= 0.05, "cannot be told", np.where(table["difference"] > 0, "holds", "does not hold")
    )
    return table


def _drawn(resampled: Resampled, setup: str, policy: str, target: str, quantity: str) -> Floats:
    if target != "mean":
        return resampled.get((setup, policy, target, quantity), np.array([np.nan]))
    values = [resampled.get((setup, policy, name, quantity), np.array([np.nan])) for name in RATED]
    return np.mean(values, axis=0) if len({len(each) for each in values}) == 1 else np.array([np.nan])
