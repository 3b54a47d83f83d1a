"""Compare `affectmap.egemaps.measure_voice` with Praat, and its syllables with the sentences that were spoken.

    python benchmarks/voices.py --data DATA --every 5

DATA holds corpora/emodb, corpora/urdu and corpora/aesdd; Praat comes with ``pip install praat-parselmouth``. Prints the
tables of docs/egemaps.md: correlation over recordings with Praat's values, median of the difference (ours minus
Praat's), and syllables counted in EMO-DB, whose ten sentences are known (Burkhardt et al. 2005).
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import parselmouth
import soundfile
from parselmouth.praat import call

from affectmap.audio.cleaning import without_offset
from affectmap.egemaps import lld, measure_voice
from affectmap.schema import Floats
from affectmap.text import markdown, number, score

#: Syllables of the sentences by the third to fifth letter of the file's name.
SYLLABLES = {
    "a01": 8, "a02": 9, "a04": 11, "a05": 17, "a07": 10, "b01": 15, "b02": 19, "b03": 23, "b09": 16, "b10": 14,
}  # fmt: skip
TITLES = {
    "cpp_db": "cepstral peak, dB (CPPS)",
    "f0_hz": "median F0, Hz",
    "hnr_db": "harmonics to noise, dB",
    "jitterLocal_sma3nz": "jitter of eGeMAPS (local), %",
    "shimmerLocaldB_sma3nz": "shimmer of eGeMAPS (local), dB",
}


def praat_values(sound: parselmouth.Sound) -> dict[str, float]:
    """Measure with Praat: its defaults, F0 from 60 to 500 Hz; CPPS with our smoothing and a straight line."""
    cepstra = call(sound, "To PowerCepstrogram", 60, 0.01, 5000, 50)
    smoothing, search = (False, 0.03, 0.0005), (60, 330, 0.05, "parabolic")
    cpps = call(cepstra, "Get CPPS", *smoothing, *search, 0.001, 0.05, "Straight", "Least squares")
    pitch, periods = call(sound, "To Pitch", 0.01, 60, 500), call(sound, "To PointProcess (periodic, cc)", 60, 500)
    harmonicity = call(sound, "To Harmonicity (ac)", 0.01, 60, 0.1, 4.5)
    return {
        "cpp_db": cpps,
        "f0_hz": call(pitch, "Get quantile", 0, 0, 0.5, "Hertz"),
        "hnr_db": call(harmonicity, "Get mean", 0, 0),
        "jitterLocal_sma3nz": 100 * call(periods, "Get jitter (local)", 0, 0, 0.0001, 0.02, 1.3),
        "shimmerLocaldB_sma3nz": call([sound, periods], "Get shimmer (local_dB)", 0, 0, 0.0001, 0.02, 1.3, 1.6),
    }


def _mean(values: Floats) -> float:
    return float(values.mean()) if len(values) else np.nan


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--every", type=int, default=1, help="take one recording of so many")
    arguments = parser.parse_args()
    files = [
        file
        for name in ("emodb", "urdu", "aesdd")
        for file in sorted((arguments.data / "corpora" / name).rglob("*.wav"))
    ]
    ours, theirs, counted, spoken, busy, seconds = [], [], [], [], 0.0, 0.0
    for file in files[:: arguments.every]:
        try:
            signal, rate = soundfile.read(file)
        except soundfile.LibsndfileError:
            continue
        signal = without_offset(signal)
        start = time.process_time()
        found = measure_voice(signal, rate)
        busy, seconds = busy + time.process_time() - start, seconds + found["duration_s"]
        contours = lld(signal, rate)
        contours["jitterLocal_sma3nz"] = 100 * contours["jitterLocal_sma3nz"]
        voiced = contours["F0semitoneFrom27.5Hz_sma3nz"] > 0
        ours.append([found[name] if name in found else _mean(contours[name][voiced]) for name in TITLES])
        theirs.append(list(praat_values(parselmouth.Sound(signal.astype(np.float64), rate)).values()))
        if (sentence := file.name[2:5]) in SYLLABLES and "emodb" in file.parts:
            counted.append(found["n_syllables"])
            spoken.append(SYLLABLES[sentence])
    rows = [["", "r", "median difference"]]
    for name, own, other in zip(TITLES, np.transpose(ours), np.transpose(theirs), strict=True):
        both = np.isfinite(own) & np.isfinite(other)
        shown = number(float(np.median((own - other)[both])), 2, signed=True)
        rows.append([TITLES[name], score(np.corrcoef(own[both], other[both])[0, 1]), shown])
    print(f"{len(ours)} recordings, {1000 * busy / seconds:.1f} ms a second of sound\n\n{markdown(rows)}\n")
    share = np.median(np.divide(counted, spoken))
    r = score(np.corrcoef(counted, spoken)[0, 1])
    print(f"syllables: r = {r}, {share:.0%} of those spoken in the median recording")


if __name__ == "__main__":
    main()
