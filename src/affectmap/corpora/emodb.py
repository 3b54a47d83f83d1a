"""EMO-DB, the Berlin database of emotional speech.

Origin: Technical University of Berlin, 1997 to 1999; acted, in an anechoic chamber.
Language: German. Speakers: 10 actors, 5 women and 5 men. Utterances: 535 of 10 sentences, those that at least
80 % of the listeners recognised.
Emotions: anger, boredom, disgust, fear, happiness, sadness, neutral.
Labels of activation and valence: none of its own; ``EMO_DB.csv`` of Das et al. (2022) rates all 535.
Naming: ``03a01Fa.wav`` is speaker 03, sentence a01, emotion F (German *Freude*), version a.
Licence: free to use (CC0 1.0 in audEERING's edition).
How to get it: http://emodb.bilderbar.info, ``download.zip``; the recordings lie in ``wav``.
Citation: Burkhardt, Paeschke, Rolfes, Sendlmeier and Weiss: A database of German emotional speech.
Interspeech 2005.
"""

from __future__ import annotations

import re
from pathlib import PurePath

from affectmap.corpora.folder import CorpusCard, LabelSheet, Name, Reader
from affectmap.schema import Emotion

_EMOTIONS = {
    "W": Emotion.ANGRY,
    "L": Emotion.BOREDOM,
    "E": Emotion.DISGUST,
    "A": Emotion.FEAR,
    "F": Emotion.HAPPY,
    "T": Emotion.SAD,
    "N": Emotion.NEUTRAL,
}
# The corpus's own list of its speakers.
_SEX = dict.fromkeys(("03", "10", "11", "12", "15"), "male") | dict.fromkeys(("08", "09", "13", "14", "16"), "female")
_NAME = re.compile(r"(?P<speaker>03|08|09|1[0-6])[ab]\d\d(?P<emotion>[WLEAFTN])[a-z]?", re.ASCII)

CARD = CorpusCard(
    name="emodb",
    title="EMO-DB",
    languages=("de",),
    n_speakers=10,
    n_utterances=535,
    emotions=tuple(_EMOTIONS.values()),
    sheet=LabelSheet("EMO_DB.csv", {"filename": "file", "activation": "activation", "valence ": "valence"}),
    own_labels=False,
    licence="free",
    access="http://emodb.bilderbar.info (download.zip)",
    citation="Burkhardt et al., A database of German emotional speech, Interspeech 2005",
    example="03a01Fa.wav",
)


def parse_name(path: PurePath) -> Name | None:
    """Read the name of an EMO-DB recording; ``None`` if it is not one.

    Args:
        path: Path of the recording; only its name counts.

    Returns:
        What the name says.

    Example:
        >>> parse_name(PurePath("wav/03a01Wa.wav")).emotion
        <Emotion.ANGRY: 'angry'>
    """
    match = _NAME.fullmatch(path.stem)
    if match is None:
        return None
    speaker = match["speaker"]
    return Name(path.stem, speaker, _EMOTIONS[match["emotion"]], _SEX[speaker])


READER = Reader(CARD, parse_name)
load = READER.load
