"""Compare our eGeMAPSv02 with openSMILE: agreement, speed, memory. Prints the tables of docs/egemaps.md.

    python benchmarks/egemaps.py --data /data/affectmap                  # ten minutes
    python benchmarks/egemaps.py --data /data/affectmap --every 20 agreement speed
    python benchmarks/egemaps.py --data /data/affectmap --table agreement    # a line for each functional

Reads the recordings under corpora/emodb, corpora/urdu and corpora/aesdd of the folder that --data or AFFECTMAP_DATA
names. Differences are in standard deviations of the functional over the recordings. Times are processor milliseconds a
second of sound, on one thread: the machine may be shared.
"""

import argparse
import functools
import importlib.util
import itertools
import os
import resource
import subprocess
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib import metadata
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # read when NumPy is first imported

import numpy as np
import opensmile
import soundfile
import soxr

import install
from affectmap import egemaps
from affectmap.egemaps import compiled
from affectmap.text import markdown
from harness import MB, peak_memory

Signals = list[np.ndarray]
# Imported here, so that peaks of memory leave imports out.
afx = importlib.import_module("afx_audio") if importlib.util.find_spec("afx_audio") else None
CORPORA = ("emodb", "urdu", "aesdd")
SAMPLING_RATE = 16000
OTHER_RATES = (8000, 11025, 22050, 24000, 32000, 44100, 48000)
SHORT_S = (0.06, 0.075, 0.09, 0.12, 0.25, 0.5)
# Of the recordings at other rates and of snippets every so many-th is enough.
SPARSE = 8
LONG_S = 600
# Length of the recording of which the peaks of memory are compared.
PEAK_S = 120
OTHERS_ROWS = (
    "functionals with r > .9999, > .999, > .99",
    "least r",
    "ms a second of sound",
    f"peak of memory, {PEAK_S} s of sound (MB)",
    "fresh environment (MB)",
    "packages beside pip",
    "processor time of the import (s)",
    "licence",
)
GROUPS = {
    "F0": range(0, 10),
    "loudness, flux, MFCC, level, segments": (*range(10, 30), *range(66, 76), *range(80, 88)),
    "jitter, shimmer, HNR, H1-H2": range(30, 38),
    "formants' amplitude, H1-A3": (38, 39, 44, 45, 50, 51, 56, 57),
    "formants' frequency": (40, 41, 46, 47, 52, 53),
    "formants' bandwidth": (42, 43, 48, 49, 54, 55),
    "spectral balance and slopes": (*range(58, 66), *range(76, 80)),
}


def read_recordings(folder: Path, every: int) -> Signals:
    """Read the first channel of every n-th recording at 16 kHz that can be read, clipped as 16 bit."""
    signals = []
    files = [file for corpus in CORPORA for file in sorted((folder / "corpora" / corpus).rglob("*.wav"))]
    for file in files[::every]:
        try:
            samples, rate = soundfile.read(file, always_2d=True)
        except soundfile.LibsndfileError as error:
            print(f"left out: {error}")
            continue
        if rate == SAMPLING_RATE:
            signals.append(clip(samples[:, 0]))
    return signals


def clip(signal: np.ndarray) -> np.ndarray:
    """Keep samples in the range of 16 bits, beyond which openSMILE's wrap around."""
    return np.clip(signal, -1, 32767 / 32768)


@functools.cache
def extractor(level: str) -> opensmile.Smile:
    """Give openSMILE's extractor."""
    return opensmile.Smile(opensmile.FeatureSet.eGeMAPSv02, getattr(opensmile.FeatureLevel, level))


def by_opensmile(signals: Signals, rate: int = SAMPLING_RATE) -> np.ndarray:
    """Measure functionals by openSMILE, one by one."""
    smile = extractor("Functionals")
    return np.vstack([smile.process_signal(signal, rate).to_numpy() for signal in signals]).astype(np.float64)


def one_by_one(signals: Signals, rate: int = SAMPLING_RATE) -> np.ndarray:
    """Measure functionals by ours, one by one."""
    return np.array([egemaps.functionals(signal, rate) for signal in signals])


def by_numpy(signals: Signals) -> np.ndarray:
    """Measure functionals by ours without the compiled kernels."""
    builds, compiled.builds = compiled.builds, tuple
    try:
        return one_by_one(signals)
    finally:
        compiled.builds = builds


def correlations(ours: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    """Give Pearson's r of every column."""
    return np.array([np.corrcoef(pair)[0, 1] for pair in zip(ours.T, theirs.T, strict=True)])


def agreement(signals: Signals, every_name: bool) -> None:
    """Print how well the functionals agree."""
    ours, theirs = one_by_one(signals), by_opensmile(signals)
    spread = theirs.std(axis=0)
    differences = np.abs(ours - theirs) / np.where(spread == 0, 1, spread)
    worst, r = np.quantile(differences, 0.99, axis=0), correlations(ours, theirs)
    print("\n| group | functionals | least r | 99 % of differences below, worst functional |\n|---|---:|---:|---:|")
    for group, chosen in GROUPS.items():
        chosen = list(chosen)
        print(f"| {group} | {len(chosen)} | {r[chosen].min():.6f} | {worst[chosen].max():.1e} |")
    if every_name:
        for name, *row in zip(egemaps.FUNCTIONAL_NAMES, r, np.median(differences, axis=0), worst, strict=True):
            print("{:46s} r {:.6f}  median {:.1e}  99 % {:.1e}".format(name, *row))


def descriptors(signals: Signals) -> None:
    """Print how well the 25 descriptors agree, frame by frame."""
    smile = extractor("LowLevelDescriptors")
    ours = np.concatenate([np.column_stack(list(egemaps.lld(x, SAMPLING_RATE).values())) for x in signals])
    theirs = np.concatenate([smile.process_signal(x, SAMPLING_RATE).to_numpy() for x in signals]).astype(np.float64)
    off = np.abs(ours - theirs) > 1e-3 * np.maximum(np.abs(theirs), 1e-2)
    voicing = (ours[:, 10] != 0) != (theirs[:, 10] != 0)
    print(f"\n{len(ours)} frames, {voicing.sum()} of them voiced for one alone")
    print("\n| descriptor | r | frames off by more than a thousandth |\n|---|---:|---:|")
    for name, r, share in zip(egemaps.LLD_NAMES, correlations(ours, theirs), off.mean(axis=0), strict=True):
        print(f"| {name} | {r:.7f} | {share:.2%} |")


def rates(signals: Signals) -> None:
    """Print the agreement at other sampling rates."""
    print("\n| rate in Hz | recordings | functionals with r > .9999 | least r | which |\n|---:|---:|---:|---:|---|")
    for rate in OTHER_RATES:
        resampled = [clip(soxr.resample(signal, SAMPLING_RATE, rate)) for signal in signals[::SPARSE]]
        print_least(str(rate), one_by_one(resampled, rate), by_opensmile(resampled, rate))


def short(signals: Signals) -> None:
    """Print the agreement on snippets out of the middle."""
    print("\n| length in ms | snippets | functionals with r > .9999 | least r | which |\n|---:|---:|---:|---:|---|")
    for seconds in SHORT_S:
        length = round(seconds * SAMPLING_RATE)
        snippets = [x[(len(x) - length) // 2 :][:length] for x in signals[::SPARSE] if len(x) > length]
        print_least(f"{1000 * seconds:.0f}", one_by_one(snippets), by_opensmile(snippets))


def print_least(title: str, ours: np.ndarray, theirs: np.ndarray) -> None:
    """Print a row: how many functionals agree and which the least; those that do not vary are left out."""
    varies = np.flatnonzero((theirs.std(axis=0) > 0) & (ours.std(axis=0) > 0))
    r = correlations(ours[:, varies], theirs[:, varies])
    name = egemaps.FUNCTIONAL_NAMES[varies[r.argmin()]]
    print(f"| {title} | {len(ours)} | {(r > 0.9999).sum()} of {len(varies)} | {r.min():.4f} | {name} |")


def measure(extract: Callable[[], object], seconds: float) -> float:
    """Run an extraction and give its processor milliseconds a second of sound."""
    start = time.process_time()
    extract()
    return 1000 * (time.process_time() - start) / seconds


def print_speed(ways: dict[str, Callable[[], object]], seconds: float) -> None:
    """Print the cost of each way against the first."""
    print("\n| | ms a second of sound | against openSMILE |\n|---|---:|---:|")
    reference = None
    for name, extract in ways.items():
        cost = measure(extract, seconds)
        reference = reference or cost
        print(f"| {name} | {cost:.2f} | {reference / cost:.1f} × |")


def speed(signals: Signals) -> None:
    """Print what recordings cost."""
    by_opensmile(signals[:1])
    one_by_one(signals[:1])
    by_numpy(signals[:1])
    ways: dict[str, Callable[[], object]] = {
        "openSMILE": lambda: by_opensmile(signals),
        f"`functionals`, {egemaps.kernels()}": lambda: one_by_one(signals),
        "`functionals_of_batch`": lambda: egemaps.functionals_of_batch(signals, SAMPLING_RATE),
        "`functionals`, NumPy alone": lambda: by_numpy(signals),
    }
    print_speed(ways, sum(map(len, signals)) / SAMPLING_RATE)


def blocks_of(signal: np.ndarray, seconds: int) -> Iterator[np.ndarray]:
    """Repeat a signal for so long, in blocks of at most 10 s."""
    length = 10 * SAMPLING_RATE
    parts = [signal[first : first + length] for first in range(0, len(signal), length)]
    left = seconds * SAMPLING_RATE
    for part in itertools.cycle(parts):
        yield part[:left]
        left -= len(part)
        if left <= 0:
            return


def measure_long(signal: np.ndarray, seconds: int) -> None:
    """Measure a long recording that comes in blocks."""
    egemaps.functionals_of_blocks(blocks_of(signal, seconds), SAMPLING_RATE)


def long(signals: Signals) -> None:
    """Print what a long recording costs, and how much memory."""
    joined = np.resize(np.concatenate(signals[: 2 * LONG_S]), LONG_S * SAMPLING_RATE)
    ways: dict[str, Callable[[], object]] = {
        f"openSMILE, {LONG_S} s": lambda: by_opensmile([joined]),
        f"`functionals`, {LONG_S} s": lambda: one_by_one([joined]),
    }
    print_speed(ways, LONG_S)
    print("\n| length in s | ms a second of sound | peak of memory in MB |\n|---:|---:|---:|")
    for seconds in (60, LONG_S, 3600):
        cost = measure(functools.partial(measure_long, joined, seconds), seconds)
        print(f"| {seconds} | {cost:.2f} | {peak_memory(measure_long, joined, seconds):.0f} |")


def others(signals: Signals) -> None:
    """Print what each implementation gives and costs; afx-audio must be installed. Needs the package registry."""
    if afx is None:
        print("\nafx-audio is left out: pip install afx-audio==0.3.1")
    theirs, seconds = by_opensmile(signals), sum(map(len, signals)) / SAMPLING_RATE
    joined = np.resize(np.concatenate(signals), PEAK_S * SAMPLING_RATE)
    columns, known = [["", *OTHERS_ROWS]], dict[str, list[str]]()
    for name, (extract, package, module, licence) in others_compared().items():
        if importlib.util.find_spec(module) is None:
            continue
        extract(signals[:1])
        start = time.process_time()
        values = extract(signals)
        cost = 1000 * (time.process_time() - start) / seconds
        r = np.nan_to_num(correlations(values, theirs))
        agrees = [", ".join(str((r > limit).sum()) for limit in (0.9999, 0.999, 0.99)), f"{r.min():.4f}"]
        peak = f"{peak_memory(extract, [joined]):.0f}"
        known[package] = known.get(package) or installed_cost(package, module)
        columns.append([name, *(["", ""] if extract is by_opensmile else agrees), f"{cost:.2f}", peak])
        columns[-1] += [*known[package], licence]
    print("\n" + markdown(list(zip(*columns, strict=True))))


def others_compared() -> dict[str, tuple[Callable[[Signals], np.ndarray], str, str, str]]:
    """Give what measures, what pip installs, what is imported, and the licence, by name."""
    ours = str(install.ROOT), "affectmap.egemaps", "MIT"
    return {
        f"openSMILE {metadata.version('opensmile')}": (by_opensmile, "opensmile", "opensmile", "no products"),
        f"affectmap, {egemaps.kernels()}": (one_by_one, *ours),
        "affectmap, NumPy alone": (by_numpy, *ours),
        "afx-audio 0.3.1": (by_afx, "afx-audio==0.3.1", "afx_audio", "MIT"),
    }


def by_afx(signals: Signals) -> np.ndarray:
    """Measure functionals by afx-audio, one by one."""
    assert afx is not None
    return np.array([list(afx.egemaps(signal, SAMPLING_RATE).values()) for signal in signals], dtype=np.float64)


def installed_cost(package: str, module: str) -> list[str]:
    """Give megabytes and number of packages of a fresh environment, and processor seconds of an import."""
    with tempfile.TemporaryDirectory() as folder:
        environment = Path(folder, "environment")
        python = install.install(environment, package)
        size = sum(install.sizes_of(environment).values()) / MB
        packages = install.installed(python) - {"pip", "setuptools"}
        times = [[processor_s(python, code) for _ in range(5)] for code in (f"import {module}", "pass")]
    return [f"{size:.0f}", str(len(packages)), f"{np.median(times[0][1:]) - np.median(times[1][1:]):.2f}"]


def processor_s(python: Path, code: str) -> float:
    """Run code and give the processor seconds of its process."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([python, "-E", "-c", code], check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def threads(signals: Signals) -> None:
    """Print how much sooner two threads are done, by the clock: the machine should be idle."""
    parts = signals[::2], signals[1::2]  # as long as each other, whatever corpus comes first
    times = {}
    for n_threads in (1, 2) * 4:
        with ThreadPoolExecutor(n_threads) as pool:
            start = time.perf_counter()
            list(pool.map(one_by_one, parts))
            times[n_threads] = min(time.perf_counter() - start, times.get(n_threads, np.inf))
    print(f"\ntwo threads: {times[1] / times[2]:.2f} × as fast as one ({times[1]:.2f} s, {times[2]:.2f} s)")


PARTS = {part.__name__: part for part in (agreement, descriptors, rates, short, speed, long, threads, others)}


def main() -> None:
    """Read, extract both ways, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"{', '.join(PARTS)} (all)")
    parser.add_argument("--data", type=Path, default=os.environ.get("AFFECTMAP_DATA"), help="folder above corpora/")
    parser.add_argument("--every", type=int, default=1, help="take every n-th recording (1)")
    parser.add_argument("--table", action="store_true", help="print a line for each functional")
    options = parser.parse_args()
    if options.data is None:
        parser.error("name the folder of recordings by --data or AFFECTMAP_DATA")
    if unknown := set(options.parts) - set(PARTS):
        parser.error(f"there is no part {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    warnings.simplefilter("ignore")  # openSMILE's of recordings in which nothing is voiced
    signals = read_recordings(Path(options.data), options.every)
    print(f"{len(signals)} recordings, {sum(map(len, signals)) / SAMPLING_RATE:.0f} s; load {os.getloadavg()[0]:.1f}")
    for name in options.parts or PARTS:
        if name == "agreement":
            agreement(signals, options.table)
        else:
            PARTS[name](signals)


if __name__ == "__main__":
    main()
