"""Measure how far values move by what recordings go through: a telephone's band, silence around speech, a low level.

    python experiments/recording-conditions/run.py DATA

DATA holds `corpora/emodb`, `corpora/urdu` and `corpora/aesdd`; every twentieth recording is taken. Each is embedded by
the shipped model as it is, and again after a change. Writes `results.csv` here and the table in docs/embed.md: the mean
change of activation and valence, the mean of its absolute value, the share of recordings that keep their likeliest
class, and the share that gets the flag that stands for the change.
"""

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import soxr
from scipy.signal import butter, sosfilt

from affectmap.audio.reading import Signal, read_audio
from affectmap.corpora import CARDS
from affectmap.files import write_text
from affectmap.model.heads import CLASSES
from affectmap.model.model import Model, load_model
from affectmap.schema import LABELS
from affectmap.text import between_marks

HERE = Path(__file__).resolve().parent
PAGE = HERE.parents[1] / "docs" / "embed.md"
CORPORA = {name: CARDS[name].title for name in ("emodb", "urdu", "aesdd")}
RATE, EVERY = 16000, 20


def at_8_khz(signal: Signal) -> Signal:
    """Resample to 8 kHz and back."""
    return soxr.resample(soxr.resample(signal, RATE, RATE / 2), RATE / 2, RATE)


def telephone(signal: Signal) -> Signal:
    """Keep 300 to 3400 Hz."""
    return np.asarray(sosfilt(butter(6, [300, 3400], "bandpass", fs=RATE, output="sos"), signal), np.float32)


def with_silence(seconds: float, noise_db: float | None = None) -> Callable[[Signal], Signal]:
    """Put silence, or noise that many dB below the speech, before and after."""

    def pad(signal: Signal) -> Signal:
        padded = np.pad(signal, round(seconds * RATE))
        if noise_db is None:
            return padded
        noise = np.random.default_rng(0).standard_normal(len(padded))
        return np.asarray(padded + signal.std() * 10 ** (noise_db / 20) * noise, np.float32)

    return pad


def at_level(level_db: float) -> Callable[[Signal], Signal]:
    """Give it another level: the root mean square in dB of full scale."""
    return lambda signal: np.asarray(signal * (10 ** (level_db / 20) / signal.std()), np.float32)


#: Name, what is done, and the flag that stands for it.
CHANGES: list[tuple[str, Callable[[Signal], Signal], str]] = [
    ("8 kHz", at_8_khz, "narrow_band"),
    ("300 to 3400 Hz", telephone, "narrow_band"),
    ("silence, 1 s around it", with_silence(1), "mostly_pause"),
    ("silence, 5 s around it", with_silence(5), "mostly_pause"),
    ("noise at -40 dB, and 5 s of it around", with_silence(5, -40), "mostly_pause"),
    ("level -30 dB", at_level(-30), "quiet"),
    ("level -40 dB", at_level(-40), "quiet"),
    ("level -50 dB", at_level(-50), "quiet"),
]


def results_of(name: str, signals: list[Signal], model: Model, n_jobs: int) -> pd.DataFrame:
    """Compare values before and after every change: a row a change."""
    before = model.embed(signals, RATE, n_jobs=n_jobs)
    rows = [{"corpus": name, "change": "none", **flag_shares(before)}]
    for change, made, _ in CHANGES:
        after = model.embed([made(signal) for signal in signals], RATE, n_jobs=n_jobs)
        row: dict[str, object] = {"corpus": name, "change": change}
        for label in LABELS:
            moved = after[label] - before[label]
            row |= {label: round(moved.mean(), 3), f"{label}_absolute": round(moved.abs().mean(), 3)}
        same = before[list(CLASSES)].to_numpy().argmax(axis=1) == after[list(CLASSES)].to_numpy().argmax(axis=1)
        rows.append(row | {"class_kept": round(float(same.mean()), 3)} | flag_shares(after))
    return pd.DataFrame(rows)


def flag_shares(table: pd.DataFrame) -> dict[str, object]:
    """Give the share of recordings with each flag."""
    flags = ("narrow_band", "mostly_pause", "quiet", "not_speech", "unfamiliar")
    return {flag: round(float(table[flag].mean()), 3) for flag in flags}


def page_table(results: pd.DataFrame) -> str:
    """Write the results as the table of the page, corpora side by side."""
    flag_of = {change: flag for change, _, flag in CHANGES}
    lines = [
        f"| {' / '.join(CORPORA.values())} | activation | valence | class kept | flagged |",
        "|---|---|---|---|---|",
    ]
    for change, rows in results[results["change"] != "none"].groupby("change", sort=False):
        cells = [" / ".join(f"{value:+.2f}" for value in rows[label]) for label in LABELS]
        kept, flagged = (
            " / ".join(f"{value:.0%}" for value in rows[column]) for column in ("class_kept", flag_of[str(change)])
        )
        lines.append(f"| {change} | {' | '.join(cells)} | {kept} | `{flag_of[str(change)]}` {flagged} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure, and write table and page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--n-jobs", type=int, default=2)
    arguments = parser.parse_args()
    parts = []
    for folder, name in CORPORA.items():
        files = sorted((arguments.data / "corpora" / folder).rglob("*.wav"))[::EVERY]
        signals = [read_audio(file)[0] for file in files if "s05 (3)" not in file.name]  # which is broken
        parts.append(results_of(name, signals, load_model(), arguments.n_jobs))
    results = pd.concat(parts)
    write_text(HERE / "results.csv", results.to_csv(index=False))
    write_text(PAGE, between_marks(PAGE.read_text(encoding="utf-8"), "conditions", page_table(results)))


if __name__ == "__main__":
    main()
