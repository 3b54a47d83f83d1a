"""How often intervals hold the true value, and how often tests find what is not there: by simulation.

    OMP_NUM_THREADS=1 python experiments/coverage/run.py [--n 1000] [--n-jobs 2]

Writes results.csv, tests.csv and results.md beside this file, in about four minutes of two cores.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from simulation import DESIGNS, METHODS, TESTS, one_draw, one_test, true_values

from affectmap.files import write_text
from affectmap.stats.sign_flips import SIGNIFICANT

HERE = Path(__file__).resolve().parent


def coverage(n_draws: int, n_jobs: int) -> pd.DataFrame:
    """Draw speakers many times in each design."""
    truth, rows = true_values(), []
    for design in DESIGNS:
        draws = Parallel(n_jobs)(delayed(one_draw)(seed, design) for seed in range(n_draws))
        for quantity, method in draws[0]:
            value, low, high = np.array([each[quantity, method] for each in draws]).T
            # A fold of two speakers has a mean of its own: what is estimated is that of as many other folds.
            true = truth[quantity] if design[2] == 1 else value.mean()
            given = np.isfinite(low)
            held, width = np.mean(((low <= true) & (true <= high))[given]), np.median((high - low)[given])
            rows.append((design[0], quantity, method, true, value.std(), held, width, 1 - given.mean(), n_draws))
        print(f"{design[0]}: {len(rows)} rows", flush=True)
    columns = ["speakers", "quantity", "method", "true", "sd", "coverage", "width", "none", "n_draws"]
    return pd.DataFrame(rows, columns=columns)


def tests(n_draws: int, n_jobs: int) -> pd.DataFrame:
    """Count how often either test finds something."""
    rows = []
    for name, slope, slope_sd in TESTS:
        for n, n_folds in ((6, 1), (10, 1), (29, 1), (10, 5)):
            work = (delayed(one_test)(seed, slope, slope_sd, n, n_folds) for seed in range(n_draws))
            found = np.array(Parallel(n_jobs)(work)) < SIGNIFICANT
            rows.append((name, f"{n} in {n_folds} folds" if n_folds > 1 else str(n), *found.mean(axis=0), n_draws))
    return pd.DataFrame(rows, columns=["relation", "speakers", "F-test", "signs of speakers", "n_draws"])


def page(found: pd.DataFrame, tested: pd.DataFrame) -> str:
    """Write both as tables."""
    intro = (HERE / "notes.md").read_text(encoding="utf-8")
    parts = []
    for method in METHODS:
        mine = found[found["method"] == method]
        widths = [f"{width:.2f}" if width < 10 else "over 10" for width in mine["width"]]
        cells = mine.assign(cell=[f"{c:.3f} ({w})" for c, w in zip(mine["coverage"], widths, strict=True)])
        wide = cells.pivot(index="quantity", columns="speakers", values="cell")
        names = [name for name in dict.fromkeys(found["quantity"]) if name in wide.index]
        heads = [design[0] for design in DESIGNS if design[0] in wide.columns]
        parts.append(f"## Coverage: {method}\n\n{_markdown(wide.loc[names, heads].fillna('').reset_index())}")
    rounded = tested.drop(columns="n_draws").round(3).astype(str)
    return "\n\n".join([intro.rstrip(), *parts, f"## Tests of R²: share below .05\n\n{_markdown(rounded)}"]) + "\n"


def _markdown(table: pd.DataFrame) -> str:
    lines = [list(map(str, table.columns)), ["---"] * len(table.columns), *table.astype(str).values.tolist()]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def main() -> None:
    """Simulate, and write everything."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=1000, help="draws of each design")
    parser.add_argument("--n-jobs", type=int, default=2)
    parser.add_argument("--output", type=Path, default=HERE)
    arguments = parser.parse_args()
    start = time.perf_counter()
    tested = tests(arguments.n, arguments.n_jobs)
    found = coverage(arguments.n, arguments.n_jobs)
    write_text(arguments.output / "results.csv", found.round(4).to_csv(index=False))
    write_text(arguments.output / "tests.csv", tested.round(4).to_csv(index=False))
    write_text(arguments.output / "results.md", page(found, tested))
    print(f"{time.perf_counter() - start:.0f} s", flush=True)


if __name__ == "__main__":
    main()
