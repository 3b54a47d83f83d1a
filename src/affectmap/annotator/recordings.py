"""Recordings: which files of the folder can be rated, what raters practise on, and how a browser plays them."""

from __future__ import annotations

import hashlib
import math
import os
import shutil
import threading
from collections import OrderedDict
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import numpy as np
import soundfile
from starlette.exceptions import HTTPException

from affectmap.audio.decoding import Decoding
from affectmap.audio.reading import MIN_DURATION_S, read_audio, resample
from affectmap.corpora.folder import find_recordings
from affectmap.corpora.synthetic.recordings import LANGUAGES, speak_corpora
from affectmap.errors import AffectmapError, AudioError, LabelError
from affectmap.files import new_folder, write_text
from affectmap.names import read_columns
from affectmap.schema import LABELS, parse_rating
from affectmap.tables import csv_line, read_sheet
from affectmap.temporary import temporary_folder
from affectmap.web.requests import find_recording

#: Longest utterance in seconds: nobody can give one rating to more.
LONGEST_S = 120.0
#: Practice items at most.
MAX_ITEMS = 5
#: Bytes of sounds that are kept ready.
MAX_KEPT = 64_000_000
_HIGHEST_RATE = 48_000
_NO_NAME = "not a file within the folder, or its name cannot be written; put a copy with a plain name there"
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


class ScannedFile(NamedTuple):
    """A recording in the folder.

    Attributes:
        path: Relative to the folder, with forward slashes.
        content: SHA-256 of the file; empty where it could not be read.
        n_bytes: Its size.
        changed_ns: When it was changed, as the file system has it.
        duration_s: Seconds.
        note: Why it cannot be rated; empty where it can.
    """

    path: str
    content: str
    n_bytes: int
    changed_ns: int
    duration_s: float
    note: str


def scan(folder: Path, known: Mapping[str, ScannedFile], without: Path | None = None) -> list[ScannedFile]:
    """List the recordings below a folder.

    Args:
        folder: The folder.
        known: Earlier results by path; a file of the same size and time is not read again.
        without: A folder whose files do not count, as where exports lie.

    Returns:
        Recordings in alphabetical order; those that lead out of the folder or cannot be read carry a note.

    Raises:
        CorpusError: If the folder is missing or has no recording.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> soundfile.write(folder / "a.wav", np.zeros(16000), 16000)
        >>> _ = (folder / "b.wav").write_text("no sound")
        >>> [(each.path, each.duration_s, each.note[:9]) for each in scan(folder, {})]
        [('a.wav', 1.0, ''), ('b.wav', 0.0, 'broken, o')]
    """
    base = folder.expanduser().absolute()
    found = find_recordings(base)
    files = sorted([*found.files, *found.passed_over])
    files = [file for file in files if without is None or not file.is_relative_to(without)]
    return [_scan_file(base, file, known) for file in files]


def _scan_file(base: Path, file: Path, known: Mapping[str, ScannedFile]) -> ScannedFile:
    path = file.relative_to(base).as_posix()
    unusable = ScannedFile(os.fsencode(path).decode("utf-8", errors="backslashreplace"), "", 0, 0, 0.0, _NO_NAME)
    try:
        real = find_recording(base, path)
        state = real.stat()
    except (HTTPException, OSError):
        return unusable
    if path != path.strip():  # a table of ratings drops the spaces, and would mean another file
        return unusable
    before = known.get(path)
    if before and before.content and (before.n_bytes, before.changed_ns) == (state.st_size, state.st_mtime_ns):
        return before
    try:
        with real.open("rb") as handle:
            content = hashlib.file_digest(handle, "sha256").hexdigest()
    except OSError as error:
        return ScannedFile(path, "", state.st_size, 0, 0.0, f"cannot be read ({error.strerror}); check its permissions")
    return ScannedFile(path, content, state.st_size, state.st_mtime_ns, *_check_playable(real))


def _check_playable(file: Path) -> tuple[float, str]:
    """Give the duration, and why the file cannot be played."""
    try:
        decoding = Decoding(file)
        rate, n_samples = decoding.sampling_rate, 0
        if decoding.count(LONGEST_S) > LONGEST_S * rate:
            return decoding.count(LONGEST_S) / rate, f"lasts more than {LONGEST_S:g} s; cut it anew"
        for block in decoding.blocks():
            n_samples += len(block)
    except AudioError as error:
        return 0.0, str(error).removeprefix(f"{file}: ")
    duration_s = n_samples / rate
    if missing := decoding.missing(n_samples):
        return duration_s, f"{missing}; restore the whole file"
    if not MIN_DURATION_S <= duration_s <= LONGEST_S:
        return duration_s, f"lasts {duration_s:.3g} s, expected {MIN_DURATION_S:g} to {LONGEST_S:g} s; cut it anew"
    return duration_s, ""


class TrainingItem(NamedTuple):
    """An utterance to practise on, with reference ratings 1..5 and a note that the page shows; it may be empty."""

    file: Path
    activation: float
    valence: float
    note: str


def read_training(sheet: Path, folder: Path) -> list[TrainingItem]:
    r"""Read one to five training items from a CSV.

    Args:
        sheet: CSV with ``file`` (below `folder`), ``activation``, ``valence`` and, if wanted, ``note``.
        folder: Where the recordings lie.

    Returns:
        Items in the sheet's order.

    Raises:
        LabelError: If the sheet cannot be read, lacks a column, or a row names no recording or no reference.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> (folder / "a.wav").touch()
        >>> _ = (folder / "t.csv").write_text("file,activation,valence\na.wav,4.5,2\n")
        >>> read_training(folder / "t.csv", folder)[0].activation
        4.5
    """
    written, rows, lines, _ = read_sheet(sheet, LabelError)
    header = read_columns(written, _COLUMNS, sheet, LabelError).names
    missing = [column for column in _COLUMNS[:3] if column not in header]
    if missing:
        raise LabelError(f"{sheet}: no column {', '.join(missing)}; expected file, activation, valence and note")
    if not 1 <= len(rows) <= MAX_ITEMS:
        raise LabelError(f"{sheet} has {len(rows)} rows; expected 1 to {MAX_ITEMS} training items")
    return [
        _training_item(dict(zip(header, row, strict=True)), f"{sheet}, line {line}", folder)
        for row, line in zip(rows, lines, strict=True)
    ]


def _training_item(row: dict[str, str], origin: str, folder: Path) -> TrainingItem:
    try:
        file = find_recording(folder, row["file"].strip())
        activation, valence = (parse_rating(row[label], label) for label in LABELS)
    except (HTTPException, LabelError) as error:
        raise LabelError(f"{origin}: {getattr(error, 'detail', error)}") from error
    for label, value in (("activation", activation), ("valence", valence)):
        if math.isnan(value):
            raise LabelError(f"{origin}: {label} is empty; give the reference that raters compare with")
    return TrainingItem(file, activation, valence, row.get("note", "").strip())


def synthetic_training(folder: Path, language: str | None) -> list[TrainingItem]:
    """Give five utterances of synthetic speech, spoken at the first time and kept in a folder for each language.

    The references are those of the synthetic corpus's simulated rater. English is spoken where the language is None or
    cannot be.

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
    with temporary_folder() as folder:
        table = next(iter(speak_corpora(folder / "speech", languages=[kept.name]).values()))
        sheet = read_sheet(table, LabelError)
        cells = [dict(zip(sheet.header, row, strict=True)) for row in sheet.rows]
        rows = [row for row in cells if row[LABELS[0]]]  # a few have no reference
        with new_folder(kept, overwrite=True) as temporary:
            chosen = [_take(rows, table.parent, temporary, number) for number in range(len(_CHOSEN))]
            lines = [csv_line(_COLUMNS), *(csv_line(row.get(name) for name in _COLUMNS) for row in chosen)]
            write_text(temporary / _SHEET, "".join(f"{line}\n" for line in lines))


def _take(rows: list[dict[str, str]], corpus: Path, target: Path, number: int) -> dict[str, str]:
    emotion, speaker, aim = _CHOSEN[number]
    fitting = [row for row in rows if row["emotion"] == emotion and int(row["speaker"][-2:]) == speaker]
    row = min(fitting, key=lambda row: math.dist(aim, [float(row[label]) for label in LABELS]))
    name = f"{number + 1}.wav"
    shutil.copyfile(corpus / row["file"], target / name)
    return {**row, "file": name}


class Sounds:
    """Recordings as WAV files that every browser plays, made once and kept in a temporary folder for a while.

    Example:
        >>> import tempfile
        >>> file = Path(tempfile.mkdtemp()) / "a.flac"
        >>> soundfile.write(file, np.zeros(1600), 16000)
        >>> sounds = Sounds()
        >>> sounds.wave(file).stat().st_size
        3244
        >>> sounds.close()
    """

    def __init__(self, max_kept: int = MAX_KEPT) -> None:
        self._max_kept, self._kept = max_kept, OrderedDict[Path, int]()
        self._stack, self._lock = ExitStack(), threading.Lock()
        self._folder = self._stack.enter_context(temporary_folder())

    def wave(self, file: Path) -> Path:
        """Give a recording as WAV: mono, 16 bit, its own rate up to 48 kHz.

        Raises:
            AudioError: If it cannot be read.
            OSError: If it is gone.
        """
        state = file.stat()
        name = hashlib.sha256(repr((file, state.st_size, state.st_mtime_ns)).encode()).hexdigest()
        made = self._folder / f"{name}.wav"
        with self._lock:
            if made in self._kept:
                self._kept.move_to_end(made)
                return made
        temporary = made.with_suffix(f".{threading.get_ident()}")
        _write_wave(file, temporary)
        temporary.replace(made)
        with self._lock:
            self._kept[made] = made.stat().st_size
            while len(self._kept) > 1 and sum(self._kept.values()) > self._max_kept:
                self._kept.popitem(last=False)[0].unlink()
        return made

    def close(self) -> None:
        """Delete the files."""
        self._stack.close()


def _write_wave(file: Path, target: Path) -> None:
    signal, sampling_rate = read_audio(file, longest_s=LONGEST_S + 1)
    rate = min(sampling_rate, _HIGHEST_RATE)
    samples = np.rint(np.clip(resample(signal, sampling_rate, rate), -1, 1) * (2**15 - 1)).astype(np.int16)
    soundfile.write(target, samples, rate, format="WAV", subtype="PCM_16")
