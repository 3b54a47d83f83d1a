"""AESDD, the acted emotional speech dynamic database.

Origin: Aristotle University of Thessaloniki, since 2017; acted by theatre professionals, and growing.
Language: Greek. Speakers: 6; the first five are 3 women and 2 men, but nothing says who is who. Utterances:
605, 20 for each speaker and emotion, less three, and a second take of eight.
Emotions: anger, disgust, fear, happiness, sadness; there is no neutral speech.
Labels of activation and valence: none of its own; ``AESD.csv`` of Das et al. (2022) rates 454 of 605.
Naming: ``anger/a01 (2).wav`` is emotion a, sentence 01, speaker 2; ``(01)`` is speaker 1. Takes follow the
bracket: ``a06 (5)b.wav``. ``sadness/s05 (3).wav`` is broken as published.
Licence: none stated.
How to get it: http://m3c.web.auth.gr/research/aesdd-speech-emotion-recognition.
Citation: Vryzas, Kotsakis, Liatsou, Dimoulas and Kalliris: Speech emotion recognition for performance
interaction. Journal of the Audio Engineering Society 66(6), 2018.
"""

from __future__ import annotations

import re
from itertools import product
from pathlib import PurePath

from affectmap.corpora.folder import CorpusCard, LabelSheet, Name, Reader
from affectmap.schema import Emotion

_EMOTIONS = {"a": Emotion.ANGRY, "d": Emotion.DISGUST, "f": Emotion.FEAR, "h": Emotion.HAPPY, "s": Emotion.SAD}
_NAME = re.compile(r"(?P<emotion>[adfhs])(?P<sentence>\d\d) \(0?(?P<speaker>[1-9])\)(?P<take>[ab]?)", re.ASCII)
# How the published files depart from one take of 5 emotions x 20 sentences x 6 speakers.
_ABSENT = {"d18 (5)", "f02 (4)", "h11 (3)", "s01 (5)"}
_SPELT = {f"{sentence} (1)": f"{sentence} (01)" for sentence in ("d03", "f10", "f11", "f12", "f13")}
_SECOND_TAKES = (
    "a06 (5)b",
    "d01 (5)b",
    "d03 (5)b",
    "d04 (5)b",
    "f18 (5)b",
    "s01 (5)a",
    "s01 (5)b",
    "s02 (5)b",
    "s04 (5)b",
)

CARD = CorpusCard(
    name="aesdd",
    title="AESDD",
    languages=("el",),
    n_speakers=6,
    n_utterances=605,
    emotions=tuple(_EMOTIONS.values()),
    sheet=LabelSheet("AESD.csv", {"filename": "file", "activation": "activation", "valence ": "valence"}),
    own_labels=False,
    licence="none stated",
    access="http://m3c.web.auth.gr/research/aesdd-speech-emotion-recognition",
    citation="Vryzas et al., Speech emotion recognition for performance interaction, JAES 66(6), 2018",
    example="a01 (2).wav",
)


def parse_name(path: PurePath) -> Name | None:
    """Read the name of an AESDD recording; ``None`` if it is not one."""
    match = _NAME.fullmatch(path.stem)
    if match is None:
        return None
    key = f"{match['emotion']}{match['sentence']} ({match['speaker']}){match['take']}"
    return Name(key, match["speaker"], _EMOTIONS[match["emotion"]])


def official_names() -> list[str]:
    """Name all 605 published recordings, each spelt as published."""
    grid = (f"{e}{sentence:02} ({n})" for e, sentence, n in product(_EMOTIONS, range(1, 21), range(1, 7)))
    stems = [_SPELT.get(stem, stem) for stem in grid if stem not in _ABSENT]
    return sorted(f"{stem}.wav" for stem in (*stems, *_SECOND_TAKES))


READER = Reader(CARD, parse_name, official_names)
load = READER.load
