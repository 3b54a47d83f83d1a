"""URDU, emotional speech from Urdu talk shows.

Origin: Information Technology University, Lahore, 2018; spontaneous, cut from broadcasts.
Language: Urdu. Speakers: 29 different speaker ids in the names, though its README counts 38 (27 men, 11
women).
Utterances: 400, 100 for each emotion.
Emotions: anger, happiness, neutral, sadness. 26 of the 29 speakers show one emotion only, so a classifier may
learn speakers instead of emotions.
Labels of activation and valence: none of its own; ``URDU.csv`` of Das et al. (2022) rates all 400.
Naming: ``Angry/SM1_F10_A010.wav`` is speaker SM1 (M a man, F a woman), that speaker's file 10, emotion A and
its number within the emotion.
Licence: research only.
How to get it: https://github.com/siddiquelatif/URDU-Dataset.
Citation: Latif, Qayyum, Usman and Qadir: Cross lingual speech emotion recognition: Urdu vs. Western
languages. Frontiers of Information Technology 2018.
"""

from __future__ import annotations

import re
from pathlib import PurePath

from affectmap.corpora.folder import CorpusCard, LabelSheet, Name, Reader
from affectmap.schema import Emotion

_EMOTIONS = {"A": Emotion.ANGRY, "H": Emotion.HAPPY, "N": Emotion.NEUTRAL, "S": Emotion.SAD}
_SEX = {"M": "male", "F": "female"}
_NAME = re.compile(r"(?P<speaker>S(?P<sex>[MF])\d+)_F\d+_(?P<emotion>[AHNS])0\d+", re.ASCII)

CARD = CorpusCard(
    name="urdu",
    title="URDU",
    languages=("ur",),
    n_speakers=29,
    n_utterances=400,
    emotions=tuple(_EMOTIONS.values()),
    # The sheet begins with two empty columns without a header.
    sheet=LabelSheet("URDU.csv", {"": None, "filename": "file", "activation": "activation", "valence": "valence"}),
    own_labels=False,
    licence="research only",
    access="https://github.com/siddiquelatif/URDU-Dataset",
    citation="Latif et al., Cross lingual speech emotion recognition: Urdu vs. Western languages, FIT 2018",
    example="SM1_F10_A010.wav",
    balanced=False,  # cut from talk shows: nobody was asked for all emotions
)


def parse_name(path: PurePath) -> Name | None:
    """Read the name of a URDU recording; ``None`` if it is not one.

    Args:
        path: Path of the recording; only its name counts.

    Returns:
        What the name says.

    Example:
        >>> parse_name(PurePath("Sad/SF11_F2_S04.wav"))[1:4]
        ('SF11', <Emotion.SAD: 'sad'>, 'female')
    """
    match = _NAME.fullmatch(path.stem)
    if match is None:
        return None
    return Name(path.stem, match["speaker"], _EMOTIONS[match["emotion"]], _SEX[match["sex"]])


READER = Reader(CARD, parse_name)
load = READER.load
