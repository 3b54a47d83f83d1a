"""Pairwise adjusted R²: six sums in blocks and a sample of pairs, against all pairs written out and regressed.

python benchmarks/pairwise.py [--quick] [--json FILE]
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy.spatial.distance import pdist

from affectmap import pairwise_adjusted_r2, sampled_pairwise_adjusted_r2
from harness import Row, in_turn, main, peak_memory, ratios, row_of, seconds_of

#: Utterances of IEMOCAP's four classes, the largest table of the paper: 15.3 million pairs.
PAPER, LARGE, LARGEST = 5532, 50_000, 1_000_000

Arrays = tuple[np.ndarray, np.ndarray]


def utterances(n: int) -> Arrays:
    """Give positions in two dimensions and a label in half steps that the first of them follows."""
    rng = np.random.default_rng(0)
    label = rng.integers(2, 11, n) / 2
    return np.column_stack([label + rng.normal(size=n), rng.normal(size=n)]), label


def written_out(latent: np.ndarray, label: np.ndarray) -> float:
    """Regress as a researcher would: all distances with pdist, and ordinary least squares of NumPy."""
    latent_diff, label_diff = pdist(latent), pdist(label[:, None])
    design = np.column_stack([np.ones_like(label_diff), label_diff])
    left = np.linalg.lstsq(design, latent_diff, rcond=None)[1][0]
    r2 = 1 - left / np.sum((latent_diff - latent_diff.mean()) ** 2)
    return float(1 - (1 - r2) * (len(latent_diff) - 1) / (len(latent_diff) - 2))


def by_statsmodels(latent: np.ndarray, label: np.ndarray) -> float:
    """Regress with statsmodels instead."""
    import statsmodels.api

    return float(
        statsmodels.api.OLS(pdist(latent), statsmodels.api.add_constant(pdist(label[:, None]))).fit().rsquared_adj
    )


def measure(quick: bool) -> dict[str, Any]:
    """Measure the part."""
    return measure_sizes(PAPER, 10_000, 100_000, 2) if quick else measure_sizes(PAPER, LARGE, LARGEST, 5)


def measure_sizes(paper: int, large: int, largest: int, rounds: int) -> dict[str, Any]:
    """Measure with so many utterances as in the paper, exactly, and sampled."""
    rows, curve = _against_written_out(paper, rounds)
    more, points = _growth(paper, large, largest, rounds)
    curves = [
        {"title": "Pairwise adjusted R²", "x": "utterances", "y": "seconds", "lines": {**points, "written out": curve}}
    ]
    text = (
        "Adjusted R² of latent distances (two dimensions) on distances of one label in half steps, over all pairs of "
        "utterances, and for the largest table over a million pairs drawn at random. Compared with all distances from "
        "`pdist` and a regression by NumPy or statsmodels, in turn in one process, which have to agree to 1e-9. The "
        "data are random numbers; time does not depend on them."
    )
    return {"title": "Pairwise adjusted R²", "text": text, "rows": [*rows, *more], "curves": curves}


def _against_written_out(n: int, rounds: int) -> tuple[list[Row], list[list[float]]]:
    data = utterances(n)
    expected = pairwise_adjusted_r2(*data).adjusted_r2
    for other in (written_out, by_statsmodels):
        if not math.isclose(other(*data), expected, abs_tol=1e-9):
            raise RuntimeError(f"{other.__name__} gives {other(*data)} and affectmap {expected}")
    functions = {"ours": pairwise_adjusted_r2, "numpy": written_out, "statsmodels": by_statsmodels}
    times = in_turn({name: (lambda f=f: f(*data)) for name, f in functions.items()}, rounds)
    pairs = f"{n * (n - 1) / 2e6:.1f} M pairs"
    rows = [
        row_of(f"pairwise R² of {pairs}", times["ours"], "s", "≤ 0.15", f"{n:,} utterances", headline=True),
        row_of(f"memory, {pairs}", peak_memory(pairwise_adjusted_r2, *data), "MB", "≤ 50", "above the data"),
        row_of(f"pdist + NumPy / affectmap, {pairs}", ratios(times, "numpy", "ours"), "×"),
        row_of(f"pdist + statsmodels / affectmap, {pairs}", ratios(times, "statsmodels", "ours"), "×"),
        row_of("memory of pdist + statsmodels", peak_memory(by_statsmodels, *data), "MB", note="statsmodels included"),
    ]
    return rows, [[n, float(np.median(times["numpy"]))]]


def _growth(paper: int, large: int, largest: int, rounds: int) -> tuple[list[Row], dict[str, list[list[float]]]]:
    lines: dict[str, list[list[float]]] = {"all pairs": [], "a million pairs": []}
    for n in sorted({paper // 4, paper // 2, paper, 2 * paper}):
        data = utterances(n)
        lines["all pairs"].append([n, seconds_of(lambda data=data: pairwise_adjusted_r2(*data))])
    data, rows = utterances(large), []
    found: list[Any] = []
    taken = seconds_of(lambda: found.append(pairwise_adjusted_r2(*data)))
    exact = found[0].adjusted_r2
    lines["all pairs"].append([large, taken])
    pairs = f"{large * (large - 1) / 2e9:.2f} G pairs"
    sampled = sampled_pairwise_adjusted_r2(*data)
    beside = (
        f"all pairs {exact:.5f}; a million {sampled.adjusted_r2:.5f}, interval {sampled.low:.5f} to {sampled.high:.5f}"
    )
    rows.append(row_of(f"all {pairs}", taken, "s", note=f"{large:,} utterances, one round"))
    rows.append(row_of(f"memory, {pairs}", peak_memory(pairwise_adjusted_r2, *data), "MB", note="above the data"))
    off = abs(sampled.adjusted_r2 - exact)
    rows.append(row_of(f"a million pairs instead of {pairs}: error", off, "R²", note=beside))
    for n in sorted({paper, large, largest}):
        data = utterances(n)
        times = in_turn({"sampled": lambda data=data: sampled_pairwise_adjusted_r2(*data)}, rounds)["sampled"]
        lines["a million pairs"].append([n, float(np.median(times))])
    rows.append(row_of(f"a million pairs of {largest:,} utterances", times, "s"))
    note = "above the data; grows with the utterances (a centred copy), not with the pairs"
    rows.append(row_of("memory of it", peak_memory(sampled_pairwise_adjusted_r2, *data), "MB", note=note))
    return rows, lines


if __name__ == "__main__":
    main(measure)
