"""IEMOCAP, the interactive emotional dyadic motion capture database.

Origin: University of Southern California, 2008; acted and improvised dialogues.
Language: American English. Speakers: 10 actors, a woman and a man in each of 5 sessions. Utterances: 10,039,
of which 5,531 are neutral, sad, angry, or happy with excited counted in (4,490 without).
Emotions: anger, happiness, excitement, sadness, frustration, fear, surprise, disgust, neutral, other; raters
who did not agree (``xxx``) count as other.
Labels of activation and valence: its own, on 1..5, mean of several raters; a few leave the scale (a valence
of 5.5) and are blanked, each named in a finding.
Naming: ``Session1/sentences/wav/Ses01F_impro01/Ses01F_impro01_M003.wav``; the speaker is the session and the
letter that begins the last token, here the man of session 1.
``Session1/dialog/EmoEvaluation/Ses01F_impro01.txt`` lists utterance, emotion and [valence, activation,
dominance].
Licence: research, by signed agreement.
How to get it: https://sail.usc.edu/iemocap.
Citation: Busso, Bulut, Lee, Kazemzadeh, Mower, Kim, Chang, Lee and Narayanan: IEMOCAP: interactive emotional
dyadic motion capture database. Language Resources and Evaluation 42(4), 2008.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path, PurePath
from typing import NamedTuple

from affectmap.corpora.folder import Corpus, CorpusCard, Name, Reader, walk_files
from affectmap.errors import CorpusError
from affectmap.schema import LABEL_RANGE, LABELS, Emotion, Finding, validate_table

_EMOTIONS = {
    "neu": Emotion.NEUTRAL,
    "sad": Emotion.SAD,
    "hap": Emotion.HAPPY,
    "exc": Emotion.EXCITED,
    "ang": Emotion.ANGRY,
    "fru": Emotion.FRUSTRATED,
    "fea": Emotion.FEAR,
    "dis": Emotion.DISGUST,
    "sur": Emotion.SURPRISE,
    "oth": Emotion.OTHER,
    "xxx": Emotion.OTHER,
}
_SEX = {"F": "female", "M": "male"}
_NAME = re.compile(r"(?P<session>Ses0[1-5])[FM]_(?:impro|script)\w+_(?P<sex>[FM])(?:XX)?\d+", re.ASCII)
_NUMBER = r"\d+(?:\.\d+)?"
_LINE = re.compile(
    rf"\[{_NUMBER} - {_NUMBER}\]\t(?P<utterance>\w+)\t(?P<emotion>\w{{3}})\t"
    rf"\[(?P<valence>{_NUMBER}), (?P<activation>{_NUMBER}), {_NUMBER}\]\s*",
    re.ASCII,
)

CARD = CorpusCard(
    name="iemocap",
    title="IEMOCAP",
    languages=("en",),
    n_speakers=10,
    n_utterances=10_039,
    emotions=tuple(dict.fromkeys(_EMOTIONS.values())),
    sheet=None,
    own_labels=True,
    licence="research, by signed agreement",
    access="https://sail.usc.edu/iemocap",
    citation="Busso et al., IEMOCAP, Language Resources and Evaluation 42(4), 2008",
    example="Ses01F_impro01_F000.wav",
    four_classes=True,
)


class Evaluation(NamedTuple):
    """What the corpus says of one utterance; activation and valence as written, on the scale or off it."""

    utterance: str
    emotion: Emotion
    activation: float
    valence: float


def parse_name(path: PurePath) -> Name | None:
    """Read the name of an IEMOCAP utterance; ``None`` if it is not one."""
    match = _NAME.fullmatch(path.stem)
    if match is None:
        return None
    session, sex = match["session"], match["sex"]
    return Name(path.stem, session + sex, sex=_SEX[sex], session=session)


def parse_evaluation(line: str) -> Evaluation | None:
    """Read one line of an ``EmoEvaluation`` list; ``None`` if it is not about one utterance."""
    if not line.startswith("["):
        return None
    match = _LINE.fullmatch(line)
    if match is None or match["emotion"] not in _EMOTIONS:
        raise CorpusError(
            f"expected [start - end], utterance, emotion ({', '.join(_EMOTIONS)}), [valence, activation, "
            f"dominance], got {line.rstrip()!r}"
        )
    activation, valence = float(match["activation"]), float(match["valence"])
    return Evaluation(match["utterance"], _EMOTIONS[match["emotion"]], activation, valence)


def load(folder: Path, *, excited_as_happy: bool = True) -> Corpus:
    r"""Read IEMOCAP with its own emotions, activation and valence.

    Args:
        folder: The folder that holds ``Session1`` and its like.
        excited_as_happy: Whether excited counts as happy (5,531 utterances in the four classes) or stays a
            class of its own (4,490).

    Returns:
        The corpus. A value outside 1..5, an utterance without a recording and a recording without an
        evaluation are findings.

    Raises:
        CorpusError: If there are no recordings or no lists, or a list is broken.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> lists = folder / "Session1" / "dialog" / "EmoEvaluation"
        >>> lists.mkdir(parents=True)
        >>> (folder / "Ses01F_impro01_M003.wav").touch()
        >>> text = "[6.2 - 8.2]\tSes01F_impro01_M003\tsad\t[2.0, 1.5, 1.0]"
        >>> _ = (lists / "Ses01F_impro01.txt").write_text(text)
        >>> load(folder).table[["emotion", "activation", "valence", "speaker"]].values.tolist()
        [['sad', 1.5, 2.0, 'Ses01M']]
    """
    corpus = READER.load(folder)
    evaluations = {one.utterance: one for one in _read_evaluations(folder.expanduser().absolute())}
    files = corpus.table.index.get_level_values("file")
    names = [PurePath(file).stem for file in files]
    rows = [evaluations.get(name) for name in names]
    findings = list(_findings(names, evaluations))
    emotions = [None if row is None else row.emotion for row in rows]
    n_excited = emotions.count(Emotion.EXCITED)
    if excited_as_happy and n_excited:
        emotions = [Emotion.HAPPY if emotion is Emotion.EXCITED else emotion for emotion in emotions]
        findings.append(Finding(CARD.name, "", "note", f"{n_excited:,} excited utterances count as happy"))
    table = corpus.table.copy()
    table["emotion"] = [None if emotion is None else str(emotion) for emotion in emotions]
    for label in LABELS:
        table[label] = [math.nan if row is None else _on_scale(getattr(row, label)) for row in rows]
    return replace(corpus, table=validate_table(table, str(folder)), findings=(*corpus.findings, *findings))


def _read_evaluations(folder: Path) -> Iterator[Evaluation]:
    # Lists of single raters lie in subfolders of EmoEvaluation; only the joint ones directly in it count.
    lists = sorted(
        file
        for file in walk_files(folder)
        if file.parent.name == "EmoEvaluation" and file.suffix == ".txt" and not file.name.startswith(".")
    )
    if not lists:
        raise CorpusError(f"{folder} has no emotion lists; expected Session*/dialog/EmoEvaluation/*.txt, as published")
    first: dict[str, Path] = {}
    for file in lists:
        for number, line in enumerate(file.read_text(encoding="latin-1").split("\n"), start=1):
            try:
                evaluation = parse_evaluation(line)
            except CorpusError as error:
                raise CorpusError(f"{file}, line {number}: {error}") from None
            if evaluation is None:
                continue
            if evaluation.utterance in first:
                raise CorpusError(
                    f"{evaluation.utterance} is listed twice, in {first[evaluation.utterance]} and {file}"
                )
            first[evaluation.utterance] = file
            yield evaluation


def _on_scale(value: float) -> float:
    low, high = LABEL_RANGE
    return value if low <= value <= high else math.nan


def _findings(names: list[str], evaluations: dict[str, Evaluation]) -> Iterator[Finding]:
    found = set(names)
    for evaluation in evaluations.values():
        if evaluation.utterance not in found:
            detail = "listed in EmoEvaluation, but no such recording was found"
            yield Finding(CARD.name, f"{evaluation.utterance}.wav", "missing", detail)
            continue
        for label in LABELS:
            value = getattr(evaluation, label)
            if math.isnan(_on_scale(value)):
                detail = f"{label} {value:g} lies off the scale of 1..5 and is left blank"
                yield Finding(CARD.name, f"{evaluation.utterance}.wav", "unlabelled", detail)
    for name in names:
        if name not in evaluations:
            detail = "not listed in EmoEvaluation, so no emotion, no activation and no valence"
            yield Finding(CARD.name, f"{name}.wav", "unlabelled", detail)


# dialog/wav holds whole dialogues, which are no utterances.
READER = Reader(CARD, parse_name, skip=lambda path: "dialog" in path.parts)
