"""Write the golden tables: what openSMILE 2.6 measures on the synthetic signals.

    python tests/egemaps/make_golden.py

Needs the package `opensmile`; the tests themselves do not.
"""

import csv
from pathlib import Path

import numpy as np
import opensmile
from signals import all_signals

FOLDER = Path(__file__).parent


def main() -> None:
    extractors = {
        level: opensmile.Smile(opensmile.FeatureSet.eGeMAPSv02, level)
        for level in (opensmile.FeatureLevel.Functionals, opensmile.FeatureLevel.LowLevelDescriptors)
    }
    functionals, lld = extractors.values()
    signals = all_signals()
    columns = [functionals.process_signal(*signal).to_numpy()[0] for signal in signals.values()]
    with (FOLDER / "golden_functionals.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["functional", *signals])
        for name, *values in zip(functionals.feature_names, *columns, strict=True):
            writer.writerow([name, *(f"{value:.7g}" for value in values)])
    contours = lld.process_signal(*signals["voice"])
    np.savetxt(
        FOLDER / "golden_lld.csv",
        contours.to_numpy(),
        fmt="%.7g",
        delimiter=",",
        header=",".join(contours.columns),
        comments="",
    )


if __name__ == "__main__":
    main()
