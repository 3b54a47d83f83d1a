"""Check two runs of the main job, the first of one seed: equal tables, everything written, values where expected."""

import sys
from pathlib import Path

import pandas as pd

#: Seeds of the second run.
N_SEEDS = 5
#: Values of another implementation of the same settings, and its spread: .05 on targets, .1 on the source.
#: Means of five seeds are compared: one alone may lie further off (URDU's activation from .30 to .40).
REFERENCE = {
    ("1", "DAE-Metric-Act", "emodb", "activation", "held-out"): (0.385, 0.09),
    ("1", "DAE-Metric-Val", "emodb", "valence", "held-out"): (0.055, 0.03),
    ("3", "DAE-Metric-Act", "emodb", "activation", "held-out"): (0.689, 0.10),
    ("3", "DAE-Metric-Act", "urdu", "activation", "zero-shot"): (0.372, 0.05),
    ("3", "DAE-Metric-Act", "aesdd", "activation", "zero-shot"): (0.405, 0.05),
    ("3", "DAE-Metric-Joint", "urdu", "activation", "zero-shot"): (0.367, 0.05),
    ("3", "DAE-Unsupervised", "aesdd", "activation", "zero-shot"): (0.312, 0.05),
    ("4", "DAE-Metric-Val", "emodb", "N-S-H-A", "held-out"): (0.752, 0.10),
    ("4", "DAE-Metric-Val", "urdu", "N-S-H-A", "zero-shot"): (0.505, 0.05),
    ("4", "DAE-Unsupervised", "urdu", "N-S-A", "zero-shot"): (0.653, 0.05),
    ("4", "DAE-Metric-Act", "aesdd", "S-A", "zero-shot"): (0.821, 0.05),
}


def main() -> None:
    """Compare two result folders; exit with a message if something is amiss."""
    cold, warm = (Path(folder) for folder in sys.argv[1:3])
    for file in ("corpora.csv", "findings.csv"):
        if (cold / "tables" / file).read_bytes() != (warm / "tables" / file).read_bytes():
            sys.exit(f"{file} differs between the cold and the warm run")
    # As text: equal to the last digit.
    one, all_seeds = (pd.read_csv(folder / "tables" / "runs.csv", dtype=str) for folder in (cold, warm))
    if set(one["seed"]) != {"0"} or all_seeds["seed"].nunique() != N_SEEDS:
        sys.exit(f"runs.csv: expected seed 0 in the cold run and {N_SEEDS} seeds in the warm one")
    if not one.equals(all_seeds[all_seeds["seed"] == "0"].reset_index(drop=True)):
        sys.exit("runs.csv: seed 0 differs between the cold and the warm run")
    missing = [name for name in ("report.html", "figures", "models", "tables") if not (warm / name).exists()]
    if missing:
        sys.exit(f"{warm} lacks {missing}")
    tables = pd.concat(pd.read_csv(warm / "tables" / f"table{number}.csv", dtype={"table": str}) for number in "134")
    values = tables.set_index(["table", "method", "corpus", "quantity", "reading"])["mean"]
    for key, (expected, tolerance) in REFERENCE.items():
        if not abs(values[key] - expected) <= tolerance:
            sys.exit(f"{key} is {values[key]:.3f}; expected {expected} ± {tolerance}")
        print(f"{' '.join(key)}: {values[key]:.3f} (reference {expected} ± {tolerance})")


main()
