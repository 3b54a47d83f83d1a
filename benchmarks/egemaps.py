"""Compare our eGeMAPSv02 with openSMILE: agreement of every functional, and speed in one process.

    python benchmarks/egemaps.py --data /data/affectmap --every 20
    python benchmarks/egemaps.py --data /data/affectmap --table

Reads the recordings under corpora/emodb, corpora/urdu and corpora/aesdd of the folder that --data or AFFECTMAP_DATA
names. Times are processor seconds a second of sound, on one thread: the machine may be shared.
"""

import argparse
import os
import time
import warnings
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # read when NumPy is first imported

import numpy as np
import opensmile
import soundfile

from affectmap import egemaps

Signals = dict[str, np.ndarray]
CORPORA = ("emodb", "urdu", "aesdd")
SAMPLING_RATE = 16000


def read_recordings(folder: Path, every: int) -> Signals:
    """Read the first channel of every n-th recording at 16 kHz that can be read, clipped as 16 bit."""
    signals = {}
    files = [file for corpus in CORPORA for file in sorted((folder / "corpora" / corpus).rglob("*.wav"))]
    for file in files[::every]:
        try:
            samples, rate = soundfile.read(file, always_2d=True)
        except soundfile.LibsndfileError as error:
            print(f"left out: {error}")
            continue
        if rate == SAMPLING_RATE:
            signals[str(file)] = np.clip(samples[:, 0], -1, 32767 / 32768)
    return signals


def measure(extract: Callable[[], np.ndarray], seconds: float) -> tuple[np.ndarray, float]:
    """Run an extraction and give its values and its processor milliseconds a second of sound."""
    start = time.process_time()
    values = extract()
    return values, 1000 * (time.process_time() - start) / seconds


def compare(ours: np.ndarray, theirs: np.ndarray, every_name: bool) -> None:
    """Print how well the functionals agree; differences are in standard deviations over the recordings."""
    spread = theirs.std(axis=0)
    differences = np.abs(ours - theirs) / np.where(spread == 0, 1, spread)
    worst = np.quantile(differences, 0.99, axis=0)
    r = np.array([np.corrcoef(pair)[0, 1] for pair in zip(ours.T, theirs.T, strict=True)])
    formants = np.array([name[:2] in ("F1", "F2", "F3") and "ampl" not in name for name in egemaps.FUNCTIONAL_NAMES])
    if every_name:
        for name, *row in zip(egemaps.FUNCTIONAL_NAMES, r, np.median(differences, axis=0), worst, strict=True):
            print("{:46s} r {:.6f}  median {:.1e}  99 % {:.1e}".format(name, *row))
    for title, chosen in (("formants' frequencies and bandwidths", formants), ("the others", ~formants)):
        print(f"{title:38s} n {chosen.sum()}  least r {r[chosen].min():.6f}  99 % within {worst[chosen].max():.1e}")


def main() -> None:
    """Read, extract both ways, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=os.environ.get("AFFECTMAP_DATA"), help="folder above corpora/")
    parser.add_argument("--every", type=int, default=1, help="take every n-th recording (1)")
    parser.add_argument("--table", action="store_true", help="print a line for each functional")
    options = parser.parse_args()
    if options.data is None:
        parser.error("name the folder of recordings by --data or AFFECTMAP_DATA")
    warnings.simplefilter("ignore")  # openSMILE's of recordings in which nothing is voiced
    signals = list(read_recordings(Path(options.data), options.every).values())
    seconds = sum(map(len, signals)) / SAMPLING_RATE
    print(f"{len(signals)} recordings, {seconds:.0f} s")
    extractor = opensmile.Smile(opensmile.FeatureSet.eGeMAPSv02, opensmile.FeatureLevel.Functionals)
    extractor.process_signal(signals[0], SAMPLING_RATE)
    egemaps.functionals(signals[0], SAMPLING_RATE)
    ways: dict[str, Callable[[], np.ndarray]] = {
        "openSMILE": lambda: np.vstack([extractor.process_signal(x, SAMPLING_RATE).to_numpy() for x in signals]),
        "functionals": lambda: np.array([egemaps.functionals(x, SAMPLING_RATE) for x in signals]),
        "functionals_of_batch": lambda: egemaps.functionals_of_batch(signals, SAMPLING_RATE),
    }
    results = {name: measure(extract, seconds) for name, extract in ways.items()}
    theirs, reference = results["openSMILE"]
    for name, (_, cost) in results.items():
        print(f"{name:22s} {cost:6.2f} ms/s  {1000 / cost:5.0f} x real time  {reference / cost:.2f} x openSMILE")
    compare(results["functionals_of_batch"][0], theirs.astype(np.float64), options.table)


if __name__ == "__main__":
    main()
