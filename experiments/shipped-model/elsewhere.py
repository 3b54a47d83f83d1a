"""RAVDESS and EMOVO, which nobody rated: classes by models that were trained without them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from training_corpora import CORPORA, Material

from affectmap.audio.quality import not_speech
from affectmap.model.heads import CLASSES
from affectmap.model.metadata import FLAG_THRESHOLDS
from affectmap.model.model import Model
from affectmap.preparation.prepared_corpus import PreparedCorpus
from affectmap.transfer.calibration import adapted, alone, by_speaker
from transfer import max_distance, quality

NORMALISATIONS = {"one recording alone": alone, "all of the corpus": adapted, "all of the speaker": by_speaker}


def elsewhere_table(
    material: Material, train: Callable[[Sequence[PreparedCorpus], int], Model], seed: int
) -> pd.DataFrame:
    """Score the classes by each normalisation; calm is not neutral and takes no part.

    Args:
        material: All corpora; the model of a row is trained on the other four.
        train: Trains a model, heads included.
        seed: Seed of the models.
    """
    rows = []
    for name, corpus in material.classed.items():
        trained = train([each for each in material.corpora.values() if each is not corpus], seed)
        limit, card = max_distance(trained), CORPORA[name]
        flagged = not_speech(np.asarray(corpus.functionals, dtype=np.float64), FLAG_THRESHOLDS)
        for normalisation, standardised in NORMALISATIONS.items():
            evaluated = standardised(trained, corpus)
            row = {"corpus": f"{card.title} ({card.languages[0]})", "statistics from": normalisation}
            row["UAR"] = quality(evaluated)["uar"]
            for each in CLASSES:
                row[f"activation of {each}"] = float(evaluated.ratings[corpus.emotion == each, 0].mean())
            row |= {"not_speech": _percent(flagged), "unfamiliar": _percent(evaluated.distance > limit)}
            rows.append(row)
    return pd.DataFrame(rows)


def _percent(flag: np.ndarray) -> str:
    return f"{100 * flag.mean():.1f} %"
