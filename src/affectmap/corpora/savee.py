"""SAVEE, the Surrey audio-visual expressed emotion database.

Origin: University of Surrey; acted by students and researchers.
Language: British English. Speakers: 4 men (DC, JE, JK, KL). Utterances: 480, 15 in each of six emotions and
30 neutral from every speaker.
Emotions: anger, disgust, fear, happiness, neutral, sadness, surprise.
Labels of activation and valence: none.
Naming: ``AudioData/DC/a01.wav``, or flat ``DC_a01.wav``: speaker, emotion (``sa`` sadness, ``su`` surprise,
else one letter), sentence.
Licence: free for research, after registration.
How to get it: http://kahlan.eps.surrey.ac.uk/savee, ``AudioData.zip``.
Citation: Jackson and Haq: Surrey audio-visual expressed emotion (SAVEE) database. University of Surrey, 2014.
"""

from __future__ import annotations

import re
from itertools import product
from pathlib import PurePath

from affectmap.corpora.folder import CorpusCard, Name, Reader
from affectmap.schema import Emotion

_SPEAKERS = ("DC", "JE", "JK", "KL")
_EMOTIONS = {
    "a": Emotion.ANGRY,
    "d": Emotion.DISGUST,
    "f": Emotion.FEAR,
    "h": Emotion.HAPPY,
    "n": Emotion.NEUTRAL,
    "sa": Emotion.SAD,
    "su": Emotion.SURPRISE,
}
_NAME = re.compile(r"(?P<speaker>DC|JE|JK|KL)[/_](?P<emotion>a|d|f|h|n|sa|su)(?P<sentence>\d\d)", re.ASCII)

CARD = CorpusCard(
    name="savee",
    title="SAVEE",
    languages=("en-GB",),
    n_speakers=4,
    n_utterances=480,
    emotions=tuple(_EMOTIONS.values()),
    sheet=None,
    own_labels=False,
    licence="research, by registration",
    access="http://kahlan.eps.surrey.ac.uk/savee (AudioData.zip)",
    citation="Jackson and Haq, Surrey audio-visual expressed emotion (SAVEE) database, 2014",
    example="DC/a01.wav or DC_a01.wav",
)


def parse_name(path: PurePath) -> Name | None:
    """Read the name of a SAVEE recording in either layout; ``None`` if it is not one."""
    match = _NAME.fullmatch(path.stem) or _NAME.fullmatch(f"{path.parent.name}/{path.stem}")
    if match is None:
        return None
    key = f"{match['speaker']}_{match['emotion']}{match['sentence']}"
    return Name(key, match["speaker"], _EMOTIONS[match["emotion"]], "male")


def official_names() -> list[str]:
    """Name all 480 published recordings, in the flat layout."""
    return [
        f"{speaker}_{emotion}{sentence:02}.wav"
        for speaker, emotion, sentence in product(_SPEAKERS, _EMOTIONS, range(1, 31))
        if sentence <= 15 or emotion == "n"
    ]


READER = Reader(CARD, parse_name, official_names)
load = READER.load
