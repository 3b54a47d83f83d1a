"""What the shipped model is trained on: three corpora with ratings and two that have classes alone.

The cards of the latter two say where their facts come from; the package has no reader for them, they come as tables.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from affectmap.corpora import CARDS, CorpusCard, load_corpus
from affectmap.preparation.prepared_corpus import PreparedCorpus, prepare
from affectmap.schema import Emotion

#: Corpora with ratings: those that are held out.
RATED = ("emodb", "urdu", "aesdd")
_SIX = (Emotion.ANGRY, Emotion.DISGUST, Emotion.FEAR, Emotion.HAPPY, Emotion.NEUTRAL, Emotion.SAD)
#: Corpora with classes alone, placed by class prototypes.
CLASSED = {
    "ravdess": CorpusCard(
        name="ravdess",
        title="RAVDESS",
        languages=("en",),
        n_speakers=24,
        n_utterances=1440,
        emotions=_SIX,
        sheet=None,
        own_labels=False,
        licence="CC BY-NC-SA 4.0",
        access="https://zenodo.org/record/1188976 (Audio_Speech_Actors_01-24.zip)",
        citation="Livingstone and Russo, The Ryerson Audio-Visual Database of Emotional Speech and Song (RAVDESS), "
        "PLoS ONE 13(5): e0196391, 2018",
        example="03-01-06-01-02-01-12.wav",
    ),
    "emovo": CorpusCard(
        name="emovo",
        title="EMOVO",
        languages=("it",),
        n_speakers=6,
        n_utterances=588,
        emotions=_SIX,
        sheet=None,
        own_labels=False,
        licence="research, says a mirror; no licence text found",
        access="http://voice.fub.it/activities/corpora/emovo/index.html, as others cite it",
        citation="Costantini et al., EMOVO corpus: an Italian emotional speech database, LREC 2014",
        example="f1/rab-f1-b1.wav",
    ),
}


#: Cards of all corpora.
CORPORA = {name: CARDS[name] for name in RATED} | CLASSED


class Material(NamedTuple):
    """The corpora, prepared, by name."""

    rated: dict[str, PreparedCorpus]
    classed: dict[str, PreparedCorpus]

    @property
    def corpora(self) -> dict[str, PreparedCorpus]:
        """Read all corpora, those with ratings first."""
        return self.rated | self.classed


def read_material() -> Material:
    """Read and measure all corpora; paths are relative to the folder of data."""
    rated = {name: prepare(load_corpus(f"{name}=corpora/{name}", Path("corpora/labels"))) for name in RATED}
    classed = {name: prepare(load_corpus(f"table:{name}=features/{name}.parquet")) for name in CLASSED}
    return Material(rated, classed)
