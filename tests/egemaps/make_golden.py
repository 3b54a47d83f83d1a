"""Write the golden tables: what openSMILE 2.6 measures on the synthetic signals.

    PYTHONPATH=tests python tests/egemaps/make_golden.py

Needs the package `opensmile`; the tests themselves do not.
"""

import csv
from pathlib import Path

import numpy as np

from egemaps.signals import all_signals

FOLDER = Path(__file__).parent


def main() -> None:
    """Write both tables beside this script."""
    import opensmile

    functionals = opensmile.Smile(opensmile.FeatureSet.eGeMAPSv02, opensmile.FeatureLevel.Functionals)
    lld = opensmile.Smile(opensmile.FeatureSet.eGeMAPSv02, opensmile.FeatureLevel.LowLevelDescriptors)
    signals = all_signals()
    columns = [functionals.process_signal(*signal).to_numpy()[0] for signal in signals.values()]
    with (FOLDER / "golden_functionals.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["functional", *signals])
        for name, *values in zip(functionals.feature_names, *columns, strict=True):
            writer.writerow([name, *(f"{value:.7g}" for value in values)])
    contours = lld.process_signal(*signals["voice"])
    header = ",".join(contours.columns)
    np.savetxt(FOLDER / "golden_lld.csv", contours, fmt="%.7g", delimiter=",", header=header, comments="")


if __name__ == "__main__":
    main()
