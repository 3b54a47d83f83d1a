"""CaFE, the Canadian French emotional speech dataset.

Origin: Université de Sherbrooke, 2017; acted.
Language: Canadian French. Speakers: 12 actors, 6 men (odd numbers) and 6 women (even numbers). Utterances:
936, six sentences in six emotions at two intensities and once neutral.
Emotions: anger, disgust, happiness, neutral, fear, surprise, sadness.
Labels of activation and valence: none of its own; ``CAFE.csv`` of Das et al. (2022) rates all 936.
Naming: ``01-C-1-1.wav`` is speaker 01, emotion C (French *colère*), intensity 1 (weak), sentence 1.
Licence: CC BY-NC-SA 4.0.
How to get it: https://zenodo.org/record/1478765, ``CaFE_48k.zip``. The 192 kHz edition holds the same
utterances once more; keep the two in separate folders.
Citation: Gournay, Lahaie and Lefebvre: A Canadian French emotional speech dataset. ACM Multimedia Systems
2018.
"""

from __future__ import annotations

import re
from itertools import product
from pathlib import PurePath

from affectmap.corpora.folder import CorpusCard, LabelSheet, Name, Reader
from affectmap.schema import Emotion

_EMOTIONS = {
    "C": Emotion.ANGRY,
    "D": Emotion.DISGUST,
    "J": Emotion.HAPPY,
    "N": Emotion.NEUTRAL,
    "P": Emotion.FEAR,
    "S": Emotion.SURPRISE,
    "T": Emotion.SAD,
}
_NAME = re.compile(r"(?P<speaker>0[1-9]|1[0-2])-(?P<emotion>[CDJNPST])-[12]-[1-6]", re.ASCII)

CARD = CorpusCard(
    name="cafe",
    title="CaFE",
    languages=("fr-CA",),
    n_speakers=12,
    n_utterances=936,
    emotions=tuple(_EMOTIONS.values()),
    sheet=LabelSheet(
        "CAFE.csv",
        {"filname": "file", "activation ": "activation", "valence": "valence"},  # codespell:ignore filname
    ),
    own_labels=False,
    licence="CC BY-NC-SA 4.0",
    access="https://zenodo.org/record/1478765 (CaFE_48k.zip)",
    citation="Gournay et al., A Canadian French emotional speech dataset, ACM MMSys 2018",
    example="01-C-1-1.wav",
)


def parse_name(path: PurePath) -> Name | None:
    """Read the name of a CaFE recording; ``None`` if it is not one."""
    match = _NAME.fullmatch(path.stem)
    if match is None:
        return None
    speaker = match["speaker"]
    sex = "male" if int(speaker) % 2 else "female"
    return Name(path.stem, speaker, _EMOTIONS[match["emotion"]], sex)


def official_names() -> list[str]:
    """Name all 936 published recordings."""
    return [
        f"{speaker:02}-{emotion}-{intensity}-{sentence}.wav"
        for speaker, emotion, intensity, sentence in product(range(1, 13), _EMOTIONS, (1, 2), range(1, 7))
        if (emotion, intensity) != ("N", 2)
    ]


READER = Reader(CARD, parse_name, official_names)
load = READER.load
