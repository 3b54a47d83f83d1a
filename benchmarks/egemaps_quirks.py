"""Show what the descriptors of eGeMAPSv02 and of the corrected set make of sounds whose truth is known.

    python benchmarks/egemaps_quirks.py                             # the table of docs/egemaps.md
    python benchmarks/egemaps_quirks.py --data /data/affectmap      # formants of speech, too, against Praat

Vowels are made by source and filter (vowels.py). Praat's formants come from the package praat-parselmouth, of the
recordings under corpora/emodb, corpora/urdu and corpora/aesdd of the folder.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import parselmouth
import soundfile
import soxr

from affectmap import egemaps
from vowels import MEN, harmonics, vowel, vowel_formants, vowel_levels

RATE = 16000
PITCHES = (100, 140, 200, 250, 300)
CORPORA = ("emodb", "urdu", "aesdd")
FEWEST_FRAMES = 20
LOW_VOICE_HZ = 155
Named = dict[str, float]


def compatible(signal: np.ndarray, rate: int = RATE) -> Named:
    """Give the functionals of eGeMAPSv02 by name."""
    return dict(zip(egemaps.FUNCTIONAL_NAMES, egemaps.functionals(signal, rate), strict=True))


def corrected(signal: np.ndarray, rate: int = RATE) -> Named:
    """Give the corrected functionals by name."""
    return dict(zip(egemaps.CORRECTED_NAMES, egemaps.corrected_functionals(signal, rate), strict=True))


def praat_formants(signal: np.ndarray, rate: int, times: np.ndarray, highest: int = 5500) -> np.ndarray:
    """Give Praat's first three formants in Hz, five expected below the highest frequency, shape (n_times, 3)."""
    burg = parselmouth.Sound(signal, rate).to_formant_burg(0.01, 5, highest, 0.025, 50)
    return np.array([[burg.get_value_at_time(n, time) for n in (1, 2, 3)] for time in times])


def formant_rows() -> Iterator[tuple[str, ...]]:
    """Measure ten vowels at five pitches: the mean distance to the true formants."""
    errors: dict[str, list[np.ndarray]] = {"compatible": [], "corrected": [], "Praat": []}
    for pitch in PITCHES:
        for name in MEN:
            signal, truth = vowel(name, pitch), np.array(vowel_formants(name, pitch)[:3])
            ours, theirs = corrected(signal), compatible(signal)
            praat = np.nanmean(praat_formants(signal, RATE, np.arange(0.05, 0.5, 0.01)), axis=0)
            errors["compatible"].append([theirs[f"F{n}frequency_sma3nz_amean"] for n in (1, 2, 3)] - truth)
            errors["corrected"].append([ours[f"formant{n}_sma3nz_amean"] for n in (1, 2, 3)] - truth)
            errors["Praat"].append(praat - truth)
    distance = {name: np.abs(each).mean(axis=0) for name, each in errors.items()}
    for n in range(3):
        label = f"F{n + 1} of 50 vowels, mean distance to the truth, Hz (Praat: {distance['Praat'][n]:.0f})"
        yield label, "0", f"{distance['compatible'][n]:.0f}", f"{distance['corrected'][n]:.0f}"


def row(what: str, truth: str, old: float, new: float, form: str = ".1f") -> tuple[str, ...]:
    """Write one row."""
    return what, truth, f"{old:{form}}", f"{new:{form}}"


def harmonic_rows() -> Iterator[tuple[str, ...]]:
    """Measure levels of harmonics, noise, and formants' amplitude in a recording half of which is unvoiced."""
    tone = 0.1 * harmonics(np.array([0.0, -20, -26, *[-30.0] * 20]), 180.0, 1.0)
    old, new = compatible(tone)["logRelF0-H1-H2_sma3nz_amean"], corrected(tone)["H1-H2_sma3nz_amean"]
    yield row("H1-H2 of harmonics at 0, -20, -26 dB, dB", "20.0", old, new)
    rng = np.random.default_rng(0)
    for pitch in (100, 200):
        buzz = harmonics(-6 * np.log2(np.arange(1, 7900 // pitch + 1)), pitch, 1.0)
        noisy = 0.1 * (buzz / buzz.std() + 0.1 * rng.standard_normal(len(buzz)))
        old, new = compatible(noisy)["HNRdBACF_sma3nz_amean"], corrected(noisy)["harmonicsToNoise_sma3nz_amean"]
        yield row(f"harmonics to noise, voice of {pitch} Hz, dB", "20.0", old, new)
    voiced, levels = vowel("ɛ", 140, 1.0), vowel_levels("ɛ", 140)
    half = np.concatenate([voiced, 0.003 * rng.standard_normal(len(voiced))])
    # The fourth harmonic is the nearest to F1.
    truth = f"{levels[3] - levels[0]:.1f}"
    for what, signal in (("all voiced", voiced), ("half of it unvoiced", half)):
        old, new = (
            compatible(signal)["F1amplitudeLogRelF0_sma3nz_amean"],
            corrected(signal)["formant1Level_sma3nz_amean"],
        )
        yield row(f"level of F1 against F0, a vowel, {what}, dB", truth, old, new)


def robustness_rows() -> Iterator[tuple[str, ...]]:
    """Measure vowels otherwise recorded: nothing should change."""
    places = [egemaps.FUNCTIONAL_NAMES.index(f"F{n}frequency_sma3nz_amean") for n in (1, 2, 3)]
    changes: tuple[list[float], list[float]] = ([], [])
    for name in MEN:
        signal = vowel(name, 140, 1.0)
        faster = soxr.resample(signal, RATE, 44100, quality="VHQ")
        for each, measure in zip(changes, (egemaps.functionals, egemaps.corrected_functionals), strict=True):
            each += (measure(faster, 44100) - measure(signal, RATE))[places].tolist()
    moved = (float(np.abs(each).mean()) for each in changes)
    yield row("change of F1 to F3 at 44.1 instead of 16 kHz, ten vowels, Hz", "0", *moved, ".0f")
    signal = np.concatenate([vowel("ɛ", 140, 1.0), 0.003 * np.random.default_rng(1).standard_normal(RATE)])
    yield from changes_of(
        "20 dB quieter",
        signal,
        0.1 * signal,
        {"loudness_sma3_amean": (".2f", ""), "slopeV0-500_sma3nz_amean": (".3f", ", dB/Hz")},
    )
    yield from changes_of(
        "with an offset of 5 % of full scale",
        signal,
        signal + 0.05,
        {"alphaRatioUV_sma3nz_amean": (".1f", ", dB"), "slopeUV0-500_sma3nz_amean": (".3f", ", dB/Hz")},
    )


def changes_of(
    way: str, before: np.ndarray, after: np.ndarray, chosen: dict[str, tuple[str, str]]
) -> Iterator[tuple[str, ...]]:
    """Write how functionals change; those of the corrected set stand in the same places."""
    old, new = (
        measure(after, RATE) - measure(before, RATE) for measure in (egemaps.functionals, egemaps.corrected_functionals)
    )
    for name, (form, unit) in chosen.items():
        place = egemaps.FUNCTIONAL_NAMES.index(name)
        yield row(f"change of {name.split('_')[0]} {way}{unit}", "0", old[place], new[place], form)


def statistics_rows() -> Iterator[tuple[str, ...]]:
    """Measure contours whose statistics are known."""
    time = np.arange(8000) / RATE
    rising = sum(np.sin(2 * np.pi * k * (120 * time + 60 * time**2)) / k for k in range(1, 15)) / 20
    twice = np.concatenate([rising, np.zeros(6000), rising, np.zeros(8000)])
    old, new = compatible(twice), corrected(twice)
    yield row(
        "falling slope of F0 that only rises, twice, semitones/s",
        "0.0",
        old["F0semitoneFrom27.5Hz_sma3nz_meanFallingSlope"],
        new["F0semitone_sma3nz_fallingSlope_amean"],
    )
    last = np.concatenate([vowel("ɛ", 120, 1.0), vowel("ɛ", 240, 0.3)])
    place = egemaps.FUNCTIONAL_NAMES.index("F0semitoneFrom27.5Hz_sma3nz_percentile80.0")
    hz = [
        27.5 * 2 ** (each[place] / 12)
        for each in (egemaps.functionals(last, RATE), egemaps.corrected_functionals(last, RATE))
    ]
    yield row("80th percentile of F0, 1 s of 120 Hz, then 0.3 s of 240 Hz, Hz", "240", *hz, ".0f")


def against_praat(folder: Path, every: int) -> None:
    """Print how formants of speech agree with Praat's: frame by frame, and the means of recordings."""
    differences, means, low = [], [], []
    for file in [file for corpus in CORPORA for file in sorted((folder / "corpora" / corpus).rglob("*.wav"))][::every]:
        try:
            samples, rate = soundfile.read(file, always_2d=True)
        except soundfile.LibsndfileError:
            continue
        contours = egemaps.corrected_lld(samples[:, 0], rate)
        ours = np.column_stack([contours[f"formant{n}_sma3nz"] for n in (1, 2, 3)])
        voiced = np.flatnonzero((ours > 0).all(axis=1))
        if len(voiced) < FEWEST_FRAMES:
            continue
        ours, times = ours[voiced], 0.03 + 0.01 * voiced
        theirs = praat_formants(samples[:, 0], rate, times)
        differences.append(np.abs(ours - theirs))
        means.append((ours.mean(axis=0), np.nanmean(theirs, axis=0)))
        if np.median(contours["F0semitoneFrom27.5Hz_sma3nz"][voiced]) < 12 * np.log2(LOW_VOICE_HZ / 27.5):
            low.append(ours.mean(axis=0) - np.nanmean(praat_formants(samples[:, 0], rate, times, 5000), axis=0))
    joined, (own, other) = np.concatenate(differences), np.array(means).transpose(1, 0, 2)
    print(f"\n{len(means)} recordings, {len(joined)} voiced frames\n")
    print("| | F1 | F2 | F3 |\n|---|---:|---:|---:|")
    r = [np.corrcoef(own[:, n], other[:, n])[0, 1] for n in range(3)]
    table = {
        "half of the frames differ by less than, Hz": (np.nanquantile(joined, 0.5, axis=0), ".0f"),
        "90 % of them": (np.nanquantile(joined, 0.9, axis=0), ".0f"),
        "correlation of the recordings' means": (r, ".3f"),
        "mean difference of these, Hz": ((own - other).mean(axis=0), ".0f"),
        f"of the {len(low)} with a median F0 below {LOW_VOICE_HZ} Hz, to Praat below 5 kHz, Hz": (
            np.mean(low, axis=0),
            ".0f",
        ),
    }
    for what, (values, form) in table.items():
        print(f"| {what} | {' | '.join(f'{value:{form}}' for value in values)} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder that holds corpora/")
    parser.add_argument("--every", type=int, default=1, help="take every n-th recording only")
    given = parser.parse_args()
    print("| what is measured | truth | eGeMAPSv02 | corrected |\n|---|---:|---:|---:|")
    for rows in (formant_rows, harmonic_rows, robustness_rows, statistics_rows):
        for cells in rows():
            print(f"| {' | '.join(cells)} |")
    if given.data:
        against_praat(given.data, given.every)


if __name__ == "__main__":
    main()
