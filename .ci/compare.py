"""Check two runs of the main job: equal tables, everything written, and values near those of the method's reference."""

import sys
from pathlib import Path

import pandas as pd

#: Adjusted R² and UAR of a prototype with the same defaults, and how far from it a run may be (two of its spreads).
REFERENCE = {
    ("3", "DAE-Metric-Act", "urdu", "activation", "zero-shot"): (0.372, 0.10),
    ("3", "DAE-Metric-Act", "aesdd", "activation", "zero-shot"): (0.405, 0.08),
    ("3", "DAE-Metric-Act", "emodb", "activation", "held-out"): (0.689, 0.15),
    ("4", "DAE-Metric-Val", "urdu", "N-S-H-A", "zero-shot"): (0.505, 0.10),
    ("4", "DAE-Metric-Act", "aesdd", "S-A", "zero-shot"): (0.821, 0.08),
    ("4", "DAE-Metric-Val", "emodb", "N-S-H-A", "held-out"): (0.752, 0.26),
}


def main() -> None:
    """Compare two result folders; exit with a message if something is amiss."""
    cold, warm = (Path(folder) for folder in sys.argv[1:3])
    for file in ("runs.csv", "claims.csv", "corpora.csv", "findings.csv"):
        if (cold / "tables" / file).read_bytes() != (warm / "tables" / file).read_bytes():
            sys.exit(f"{file} differs between the cold and the warm run")
    missing = [name for name in ("report.html", "figures", "models", "tables") if not (cold / name).exists()]
    if missing:
        sys.exit(f"{cold} lacks {missing}")
    tables = pd.concat(pd.read_csv(cold / "tables" / f"table{number}.csv", dtype={"table": str}) for number in "134")
    values = tables.set_index(["table", "method", "corpus", "quantity", "reading"])["mean"]
    for key, (expected, tolerance) in REFERENCE.items():
        if not abs(values[key] - expected) <= tolerance:
            sys.exit(f"{key} is {values[key]:.3f}; expected {expected} ± {tolerance}")
        print(f"{' '.join(key)}: {values[key]:.3f} (reference {expected} ± {tolerance})")


main()
