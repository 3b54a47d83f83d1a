"""Synthetic speech in five languages, spoken on the spot by espeak-ng: five small corpora for the demo.

**It shows that the pipeline works, and says nothing about how people express emotion:** which sound goes with
which emotion was written down here, so finding it again proves nothing.

==========  ================================================================================================
Origin      espeak-ng 1.52 through the wheel ``espeakng-loader``; coloured afterwards (`Expression`)
Languages   English (10 speakers, 240 utterances); German, French, Urdu, Greek (each 6 and 96)
Speakers    variants of the language's voice, half of them female, each with habits of its own
Emotions    neutral, sad, happy, angry: every speaker says every sentence once in each
Labels      activation and valence in half steps on 1..5, by one simulated rater who is not exact
Recordings  22,050 Hz, mono, 16 bit, with background noise; the Greek corpus has two more, one silent and one
            too short to measure, on purpose
Licence     sentences and settings: as this project. espeak-ng is free under the GNU GPL, version 3 or later;
            it is no part of this project and is loaded only while the corpora are spoken
Access      ``pip install "affectmap[demo]"``, then ``affectmap demo``
==========  ================================================================================================

An intended activation and valence become a way of speaking: what espeak-ng is asked, and what follows. The directions
are those that studies of acted speech agree on (Scherer 2003, Vocal communication of emotion; Tartter 1980 for the
smile): activation raises loudness, pitch, its range, rate and the energy of high frequencies; valence widens the
range, lifts the formants as a smile does, and softens and steadies the voice. The strengths are this project's own,
set so that the corpora are about as hard as real ones.

Conventions:
    * `activation` and `valence` lie in 1..5; 3 is the middle.
    * Signals are ``float64``, ``(n_samples,)``, with full scale at 1.
    * A corpus depends on its language and the seed alone; the same ones give the same bytes on one machine.
    * ``table.csv`` has the columns of an utterance table, ``file`` relative to its own folder.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
import zlib
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, fields
from importlib import resources
from itertools import product
from pathlib import Path
from typing import NamedTuple

import numpy as np
import soundfile
from numpy.typing import NDArray
from scipy.fft import irfft, next_fast_len, rfft, rfftfreq
from scipy.ndimage import map_coordinates, uniform_filter1d

from affectmap.corpora.synthetic import espeak
from affectmap.corpora.synthetic.espeak import Line
from affectmap.errors import ConfigError
from affectmap.files import check_new_folder, new_folder, write_text
from affectmap.schema import LABEL_RANGE, Emotion
from affectmap.tables import csv_line

Signal = NDArray[np.float64]

#: To be said wherever something made from these corpora is printed or drawn.
NOTICE = "The speech is synthetic: it shows that the pipeline works and says nothing about people."

TABLE = "table.csv"
_COLUMNS = ("file", "emotion", "activation", "valence", "speaker", "sex", "language")
#: Mean activation and valence of an emotion as intended; _SPREAD and _RATER_NOISE are standard deviations.
_CENTRES = {Emotion.NEUTRAL: (2.7, 3.0), Emotion.SAD: (1.5, 2.0), Emotion.HAPPY: (4.2, 4.1), Emotion.ANGRY: (4.3, 1.8)}
_SPREAD = 0.35
_RATER_NOISE = 0.4
_TOO_SHORT = 0.02


@dataclass(frozen=True)
class _Language:
    """What synthetic.toml says of one language."""

    code: str
    name: str
    voice: str
    pace: float
    female: Sequence[str]
    male: Sequence[str]
    noise: float
    sentences: Sequence[str]
    expression: dict[str, float] = field(default_factory=dict)
    damaged: bool = False


def _read_languages() -> dict[str, _Language]:
    text = resources.files("affectmap.corpora.synthetic").joinpath("synthetic.toml").read_text(encoding="utf-8")
    return {code: _Language(code, **settings) for code, settings in tomllib.loads(text).items()}


_LANGUAGES = _read_languages()
#: ISO 639-1 codes of the languages; the first one has the most speech and serves as the source.
LANGUAGES = tuple(_LANGUAGES)


def speak_corpora(
    folder: Path, *, seed: int = 0, languages: Sequence[str] = LANGUAGES, overwrite: bool = False
) -> dict[str, Path]:
    """Speak the corpora into a new folder: one folder each with recordings and ``table.csv``, and a README.

    Args:
        folder: The folder to be made, whole or not at all.
        seed: Seed, at least 0; another one gives other habits of the speakers, other ratings and other noise.
        languages: Some of `LANGUAGES`; default all.
        overwrite: Whether a folder that affectmap wrote may be replaced.

    Returns:
        The table of each corpus by the corpus's name, in the order of `languages`.

    Raises:
        ConfigError: If a language is unknown or named twice, `seed` is negative, or espeak-ng is missing or
            fails.
        StorageError: If `folder` exists and may not be replaced.

    Example:
        >>> import tempfile
        >>> tables = speak_corpora(Path(tempfile.mkdtemp()) / "speech", languages=["ur"])
        >>> print(tables["synthetic-urdu"].read_text().splitlines()[0])
        file,emotion,activation,valence,speaker,sex,language
    """
    chosen = _chosen(languages)
    if seed < 0:
        raise ConfigError(f"seed is {seed}; give a whole number of at least 0")
    library, data = _installed()
    check_new_folder(folder, overwrite=overwrite)
    with new_folder(folder, overwrite=overwrite) as temporary:
        write_text(temporary / "README.txt", _readme(chosen, seed))
        with ThreadPoolExecutor(len(chosen)) as pool:  # each waits for a process of its own most of the time
            list(pool.map(lambda language: _speak_corpus(temporary, language, seed, library, data), chosen))
    return {language.name: folder / language.name / TABLE for language in chosen}


def _chosen(languages: Sequence[str]) -> list[_Language]:
    unknown = [code for code in languages if code not in _LANGUAGES]
    if unknown or not languages or len(set(languages)) < len(languages):
        raise ConfigError(f"languages are {list(languages)}; give some of {list(LANGUAGES)}, each once")
    return [_LANGUAGES[code] for code in languages]


def _installed() -> tuple[Path, Path]:
    """Find the library and the folder of its voices."""
    try:
        import espeakng_loader

        return Path(espeakng_loader.get_library_path()), Path(espeakng_loader.get_data_path())
    except (ImportError, RuntimeError) as error:
        raise ConfigError('synthetic speech needs espeak-ng; run pip install "affectmap[demo]"') from error


def _readme(chosen: Sequence[_Language], seed: int) -> str:
    corpora = "".join(f"  {language.name}/{TABLE}\n" for language in chosen)
    damaged = "".join(
        f"\nTwo recordings of {language.name} cannot be measured: one is silent, one too short.\n"
        "They are there on purpose, to be named among the dropped ones.\n"
        for language in chosen
        if language.damaged
    )
    return f"{NOTICE}\n\nSpoken by espeak-ng (GNU GPL 3 or later), seed {seed}.\n\n{corpora}{damaged}"


_Row = dict[str, str | float]


class _Take(NamedTuple):
    """One utterance: its row in the table, what espeak-ng is asked to say, and what is done afterwards."""

    row: _Row
    line: espeak.Line
    expression: Expression


def _speak_corpus(folder: Path, language: _Language, seed: int, library: Path, data: Path) -> None:
    random = np.random.default_rng([seed, zlib.crc32(language.code.encode())])
    takes = list(_plan(language, random))
    spoken, sampling_rate = _spoken([take.line for take in takes], seed, library, data)
    corpus = folder / language.name
    (corpus / "wav").mkdir(parents=True)
    for take, signal in zip(takes, spoken, strict=True):
        recording = colour(signal, sampling_rate, take.expression, language.noise, random)
        _write(corpus / str(take.row["file"]), recording, sampling_rate)
    rows = [take.row for take in takes]
    if language.damaged:
        rows += _write_damaged(corpus, rows[0], sampling_rate)
    lines = [csv_line(_COLUMNS), *(csv_line(row.values()) for row in rows)]
    (corpus / TABLE).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def _plan(language: _Language, random: np.random.Generator) -> Iterator[_Take]:
    voices = [("female", voice) for voice in language.female] + [("male", voice) for voice in language.male]
    for number, (sex, variant) in enumerate(voices, start=1):
        name = f"{language.code}{number:02}"
        speaker = Speaker(language.expression, random)
        for emotion, (sentence, text) in product(_CENTRES, enumerate(language.sentences, start=1)):
            intended, rated = _intend_and_rate(emotion, random)
            expression = speaker.express(*intended, random)
            file = f"wav/{name}_{emotion}_{sentence}.wav"
            cells = (file, str(emotion), *rated, name, sex, language.code)
            request = line(f"{text}.", f"{language.voice}+{variant}", language.pace, expression)
            yield _Take(dict(zip(_COLUMNS, cells, strict=True)), request, expression)


def _intend_and_rate(emotion: Emotion, random: np.random.Generator) -> tuple[tuple[float, float], tuple[float, float]]:
    """Draw the activation and valence that a speaker intends and those that a rater writes, in half steps."""
    intended = np.clip(random.normal(_CENTRES[emotion], _SPREAD), *LABEL_RANGE)
    rated = np.clip(np.rint(2 * random.normal(intended, _RATER_NOISE)) / 2, *LABEL_RANGE)
    return (float(intended[0]), float(intended[1])), (float(rated[0]), float(rated[1]))


def _spoken(lines: Sequence[espeak.Line], seed: int, library: Path, data: Path) -> tuple[list[Signal], int]:
    """Speak the lines in a process of their own; see espeak.py for why."""
    request = {"library": str(library), "data": str(data), "seed": seed % 2**31, "lines": lines}
    process = subprocess.run(
        [sys.executable, "-I", espeak.__file__], input=json.dumps(request).encode(), capture_output=True, check=False
    )
    if process.returncode:
        reason = process.stderr.decode(errors="replace").strip() or f"it ended with {process.returncode}"
        raise ConfigError(
            f"espeak-ng failed: {reason.splitlines()[-1]}; try pip install --force-reinstall espeakng-loader"
        )
    first, _, samples = process.stdout.partition(b"\n")
    header = json.loads(first)
    signal = np.frombuffer(samples, dtype=np.int16) / 2.0**15
    return np.split(signal, np.cumsum(header["n_samples"])[:-1]), header["sampling_rate"]


def _write(file: Path, signal: Signal, sampling_rate: int) -> None:
    soundfile.write(file, np.rint(signal * (2**15 - 1)).astype(np.int16), sampling_rate, subtype="PCM_16")


def _write_damaged(corpus: Path, like: _Row, sampling_rate: int) -> list[_Row]:
    """Write a silent and a very short recording; nobody could rate them, so they have no labels."""
    rows = []
    too_short = int(_TOO_SHORT * sampling_rate)
    for name, signal in (("silent", np.zeros(sampling_rate)), ("too_short", np.full(too_short, 0.1))):
        file = f"wav/{like['speaker']}_{name}.wav"
        _write(corpus / file, signal, sampling_rate)
        rows.append({**like, "file": file, "activation": "", "valence": ""})
    return rows


@dataclass(frozen=True)
class Expression:
    """A way of speaking: its cues, as differences from the voice's own.

    Attributes:
        rate: Speaking rate, natural logarithm of the factor.
        pitch: Semitones.
        range: Pitch range, natural logarithm of the factor.
        loudness: Decibels.
        tilt: Slope of the spectrum above 500 Hz, decibels an octave.
        breath: Aspiration noise, decibels above the usual level.
        tremor: Depth of the irregular wavering of pitch, semitones; below 0 it is 0.
        smile: Formants, natural logarithm of the factor.
        gap: Pause between words, seconds; below 0 it is 0.

    Example:
        >>> Expression(pitch=2.0).loudness
        0.0
    """

    rate: float = 0.0
    pitch: float = 0.0
    range: float = 0.0
    loudness: float = 0.0
    tilt: float = 0.0
    breath: float = 0.0
    tremor: float = 0.0
    smile: float = 0.0
    gap: float = 0.0


#: The cues in the order of every array below.
CUES = tuple(field.name for field in fields(Expression))

#: For each cue: its change from the middle (3) to the end (5) of activation, the same for valence, and the
#: standard deviations of speakers' habits and of utterances of one speaker.
_STRENGTH = {
    "rate": (0.22, 0.015, 0.03, 0.05),
    "pitch": (3.7, 0.7, 0.45, 0.75),
    "range": (0.6, 0.3, 0.08, 0.2),
    "loudness": (7.0, -1.1, 0.8, 1.2),
    "tilt": (2.2, -1.35, 0.3, 0.4),
    "breath": (-4.0, 1.9, 1.1, 1.5),
    "tremor": (0.0, -0.25, 0.03, 0.06),
    "smile": (0.0, 0.055, 0.006, 0.01),
    "gap": (-0.04, -0.01, 0.006, 0.01),
}
_ON_ACTIVATION, _ON_VALENCE, _BETWEEN_SPEAKERS, _BETWEEN_TAKES = np.array([_STRENGTH[cue] for cue in CUES]).T
#: Spread of how strongly a speaker uses each cue (standard deviation of the logarithm).
_IDIOSYNCRASY = 0.2


class Speaker:
    """The habits of one speaker; `usage` says how strongly the language uses each cue, 1 where it is not named."""

    def __init__(self, usage: Mapping[str, float], random: np.random.Generator) -> None:
        self._habit = random.normal(0.0, _BETWEEN_SPEAKERS)
        language = np.array([usage.get(cue, 1.0) for cue in CUES])
        self._gain = language * np.exp(random.normal(0.0, _IDIOSYNCRASY, (2, len(CUES))))

    def express(self, activation: float, valence: float, random: np.random.Generator) -> Expression:
        """Decide how to speak one utterance."""
        by_activation = self._gain[0] * _ON_ACTIVATION * (activation - 3) / 2
        by_valence = self._gain[1] * _ON_VALENCE * (valence - 3) / 2
        by_chance = random.normal(0.0, _BETWEEN_TAKES)
        return Expression(*(self._habit + by_activation + by_valence + by_chance).tolist())


def line(text: str, voice: str, pace: float, expression: Expression) -> Line:
    """Give what espeak-ng is asked to say; the smile, which raises pitch and rate too, is taken off beforehand."""
    smile = expression.smile
    return Line(
        text=text,
        voice=voice,
        rate=_within(pace * np.exp(expression.rate - smile), 80, 450),
        pitch=_within(50 + 5 * (expression.pitch - 12 * smile / np.log(2)), 0, 99),
        range=_within(50 * np.exp(expression.range), 0, 99),
        gap=_within(expression.gap / 0.01, 0, 50),
    )


def _within(value: float, low: int, high: int) -> int:
    return int(np.clip(np.rint(value), low, high))


def colour(
    signal: Signal, sampling_rate: int, expression: Expression, noise: float, random: np.random.Generator
) -> Signal:
    """Give a spoken sentence its smile, tremor, tilt, breath, loudness, and the noise of its room (dB)."""
    signal = _warp(signal, sampling_rate, expression, random)
    signal = _tilt(signal, sampling_rate, expression.tilt)
    signal = _breathe(signal, sampling_rate, expression.breath, random)
    level = np.sqrt(np.mean(signal[np.abs(signal) > 0.05 * np.abs(signal).max()] ** 2))
    signal = signal * _factor(expression.loudness - 24) / level
    signal = signal + random.normal(0.0, _factor(noise), signal.size)
    return np.tanh(signal)  # a peak above full scale is rounded off, not cut


def _factor(decibels: float) -> float:
    return float(10 ** (decibels / 20))


def _warp(signal: Signal, sampling_rate: int, expression: Expression, random: np.random.Generator) -> Signal:
    """Read the signal at a wavering speed: its mean moves the formants, its wavering is the tremor."""
    speed = np.exp(expression.smile)
    n_samples = int(signal.size / speed)
    points = np.arange(0.0, signal.size + sampling_rate, sampling_rate / 20)
    depth = np.log(2) / 12 * max(0.0, 0.1 + expression.tremor)
    wavering = np.interp(np.arange(n_samples), points, random.normal(0.0, depth, points.size))
    position = np.cumsum(speed * np.exp(wavering))
    return np.asarray(map_coordinates(signal, [position], order=3, mode="constant"), dtype=np.float64)


def _tilt(signal: Signal, sampling_rate: int, slope: float) -> Signal:
    length = next_fast_len(signal.size, real=True)
    octaves = np.log2(np.maximum(rfftfreq(length, 1 / sampling_rate), 500) / 500)
    return np.asarray(irfft(rfft(signal, length) * 10 ** (slope * octaves / 20), length)[: signal.size])


def _breathe(signal: Signal, sampling_rate: int, level: float, random: np.random.Generator) -> Signal:
    """Add high-frequency noise that follows the loudness of the voice."""
    envelope = uniform_filter1d(np.abs(signal), sampling_rate // 50)
    hiss = np.diff(random.normal(0.0, 1.0, signal.size + 1))
    return signal + _factor(level - 34) * envelope * hiss
