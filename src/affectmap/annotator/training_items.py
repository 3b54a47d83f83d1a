"""What raters practise on: a few utterances with references, own ones or synthetic speech."""

from __future__ import annotations

import csv
import io
import math
import shutil
import tempfile
from pathlib import Path
from typing import NamedTuple

from affectmap.corpora.label_sheets import read_sheet
from affectmap.corpora.synthetic.recordings import LANGUAGES, speak_corpora
from affectmap.errors import AffectmapError, LabelError
from affectmap.files import new_folder, write_text
from affectmap.schema import LABEL_RANGE, LABELS
from affectmap.web.refusal import RefusalError
from affectmap.web.requests import find_recording

#: Training items at most.
MAX_ITEMS = 5
_SHEET = "training.csv"
_COLUMNS = ("file", *LABELS, "note")
# Emotion and number of the speaker of each utterance that is taken from the synthetic corpus, and the activation and
# valence that its rating should come close to, so that the five lie far apart.
_CHOSEN = (
    ("neutral", 1, (2.5, 3.0)),
    ("angry", 2, (4.5, 1.5)),
    ("sad", 3, (1.5, 2.0)),
    ("happy", 4, (4.5, 4.5)),
    ("neutral", 5, (3.0, 3.5)),
)


class TrainingItem(NamedTuple):
    """An utterance with a reference.

    Attributes:
        file: The recording.
        activation: The reference, 1..5.
        valence: The reference, 1..5.
        note: A sentence that the page shows with it; may be empty.
    """

    file: Path
    activation: float
    valence: float
    note: str


def read_training(sheet: Path, folder: Path) -> list[TrainingItem]:
    r"""Read training items from a sheet.

    Args:
        sheet: CSV with ``file`` (below `folder`), ``activation``, ``valence`` and, if wanted, ``note``.
        folder: Where the recordings lie.

    Returns:
        One to five items in the sheet's order.

    Raises:
        LabelError: If the sheet cannot be read, lacks a column, or a row names no recording or no reference.

    Example:
        >>> folder = Path(tempfile.mkdtemp())
        >>> (folder / "a.wav").touch()
        >>> _ = (folder / "t.csv").write_text("file,activation,valence\na.wav,4.5,2\n")
        >>> read_training(folder / "t.csv", folder)[0].activation
        4.5
    """
    header, rows, lines = read_sheet(sheet, LabelError)
    missing = [column for column in _COLUMNS[:3] if column not in header]
    if missing:
        raise LabelError(f"{sheet}: no column {', '.join(missing)}; expected file, activation, valence and note")
    if not 1 <= len(rows) <= MAX_ITEMS:
        raise LabelError(f"{sheet} has {len(rows)} rows; expected 1 to {MAX_ITEMS} training items")
    return [
        _item(dict(zip(header, row, strict=True)), f"{sheet}, line {line}", folder)
        for row, line in zip(rows, lines, strict=True)
    ]


def _item(row: dict[str, str], place: str, folder: Path) -> TrainingItem:
    try:
        file = find_recording(folder, row["file"].strip())
    except RefusalError as error:
        raise LabelError(f"{place}: {error.detail}") from error
    low, high = LABEL_RANGE
    values = []
    for label in LABELS:
        try:
            value = float(row[label])
        except ValueError:
            value = float("nan")
        if not low <= value <= high:
            raise LabelError(f"{place}: {label} is {row[label]!r}, expected a number from {low:g} to {high:g}")
        values.append(value)
    return TrainingItem(file, values[0], values[1], row.get("note", "").strip())


def synthetic_training(folder: Path, language: str | None) -> list[TrainingItem]:
    """Give five utterances of synthetic speech, spoken at the first time and kept.

    Args:
        folder: Where to keep them, a folder for each language.
        language: Code of the language; English if it is None or cannot be spoken.

    Returns:
        Five items; their references are those of the synthetic corpus's simulated rater.

    Raises:
        ConfigError: If espeak-ng is missing or fails.
        StorageError: If the folder cannot be written.
    """
    code = (language or "").split("-")[0]
    kept = folder / (code if code in LANGUAGES else LANGUAGES[0])
    try:
        return read_training(kept / _SHEET, kept)
    except AffectmapError:
        _speak(kept)
    return read_training(kept / _SHEET, kept)


def _speak(kept: Path) -> None:
    with tempfile.TemporaryDirectory() as place:
        table = next(iter(speak_corpora(Path(place) / "speech", languages=[kept.name]).values()))
        with table.open(encoding="utf-8", newline="") as stream:
            rows = [row for row in csv.DictReader(stream) if row[LABELS[0]]]  # a few have no reference
        with new_folder(kept, overwrite=True) as temporary:
            chosen = [_take(rows, table.parent, temporary, number) for number in range(len(_CHOSEN))]
            text = io.StringIO()
            writer = csv.DictWriter(text, _COLUMNS, extrasaction="ignore", restval="", lineterminator="\n")
            writer.writeheader()
            writer.writerows(chosen)
            write_text(temporary / _SHEET, text.getvalue())


def _take(rows: list[dict[str, str]], corpus: Path, target: Path, number: int) -> dict[str, str]:
    emotion, speaker, aim = _CHOSEN[number]
    fitting = [row for row in rows if row["emotion"] == emotion and int(row["speaker"][-2:]) == speaker]
    row = min(fitting, key=lambda row: math.dist(aim, [float(row[label]) for label in LABELS]))
    name = f"{number + 1}.wav"
    shutil.copyfile(corpus / row["file"], target / name)
    return {**row, "file": name}
