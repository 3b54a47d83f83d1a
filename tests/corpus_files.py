"""Small corpora on disk: tables that bring their functionals, and tones named as EMO-DB names its recordings."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import soundfile

from affectmap.schema import FUNCTIONALS

FOUR = ("neutral", "sad", "happy", "angry")
RATED = {"neutral": (2.5, 3.0), "sad": (1.5, 2.0), "happy": (4.0, 4.5), "angry": (4.5, 1.5)}
LETTERS = {"N": "neutral", "T": "sad", "F": "happy", "W": "angry"}
#: Settings of a run that is over in a moment.
FAST = {"epochs": 2, "n_jobs": 1, "n_folds": 2, "n_seeds": 1, "methods": ["joint"]}


def make_rows(n_speakers: int = 4, n_takes: int = 2, emotions: Sequence[str] = FOUR, seed: int = 0) -> pd.DataFrame:
    """A table of utterances whose 88 functionals follow activation and valence, with noise."""
    return _rows(n_speakers, n_takes, tuple(emotions), seed).copy()


@cache
def _rows(n_speakers: int, n_takes: int, emotions: tuple[str, ...], seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    said = [(s, e, k) for s in range(n_speakers) for e in emotions for k in range(n_takes)]
    label = np.array([RATED[emotion] for _, emotion, _ in said]) + rng.choice([-0.5, 0.0, 0.5], (len(said), 2))
    # The same in every corpus, so that there is something to carry over.
    ways = np.random.default_rng(99).normal(size=(2, len(FUNCTIONALS)))
    functionals = label @ ways + rng.normal(size=(len(said), len(FUNCTIONALS)))
    rows = pd.DataFrame(
        {
            "file": [f"s{s}_{emotion}_{k}.wav" for s, emotion, k in said],
            "emotion": [emotion for _, emotion, _ in said],
            "activation": label[:, 0].clip(1, 5),
            "valence": label[:, 1].clip(1, 5),
            "speaker": [f"s{s}" for s, _, _ in said],
        }
    )
    return rows.join(pd.DataFrame(functionals, columns=list(FUNCTIONALS)))


def write_table(folder: Path, name: str, rows: pd.DataFrame | None = None) -> str:
    """Write a table and give the text that names it as a corpus."""
    file = folder / f"{name}.parquet"
    (make_rows() if rows is None else rows).to_parquet(file)
    return f"table:{name}={file}"


def write_tone(file: Path, seconds: float = 0.3, pitch: float = 150.0, seed: int = 0) -> None:
    """A tone with an overtone and noise, 16 kHz."""
    time = np.arange(round(seconds * 16000)) / 16000
    noise = np.random.default_rng(seed).standard_normal(len(time))
    tone = 0.3 * np.sin(2 * np.pi * pitch * time) + 0.1 * np.sin(4 * np.pi * pitch * time) + 0.02 * noise
    soundfile.write(file, tone, 16000)


def write_emodb(folder: Path) -> Path:
    """Sixteen recordings of four speakers in ``emodb/wav``, and their sheet in ``labels``; gives the recordings' folder."""
    wav, labels = folder / "emodb" / "wav", folder / "labels"
    wav.mkdir(parents=True)
    labels.mkdir()
    lines = []
    for speaker in (3, 8, 9, 10):
        for number, (letter, emotion) in enumerate(LETTERS.items()):
            name = f"{speaker:02}a01{letter}a.wav"
            write_tone(wav / name, pitch=110 + 15 * number + speaker, seed=10 * speaker + number)
            activation, valence = RATED[emotion]
            lines.append(f"{name},{activation},{valence}")
    write_sheet(folder, lines)
    return wav


def read_sheet(folder: Path) -> list[str]:
    """Lines of the label sheet without its header."""
    return (folder / "labels" / "EMO_DB.csv").read_text().splitlines()[1:]


def write_sheet(folder: Path, lines: Sequence[str], header: str = "filename,activation,valence ") -> None:
    """Write the label sheet; its published header ends in a space."""
    (folder / "labels" / "EMO_DB.csv").write_text("\n".join([header, *lines]) + "\n")


def write_settings(file: Path, **settings: object) -> None:
    """Write settings as TOML; numbers, texts, truth values and lists of them look alike in Python."""
    lines = [
        f"{name} = {str(value).lower() if isinstance(value, bool) else repr(value)}" for name, value in settings.items()
    ]
    file.write_text("\n".join(lines) + "\n")


def tree(folder: Path) -> set[str]:
    """All files and folders below a folder, hidden ones included."""
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}
