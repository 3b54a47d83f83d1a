"""Adapt a model to unlabelled utterances: by their statistics, and by listening."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from affectmap.errors import ConfigError
from affectmap.model.computation import Computation
from affectmap.model.encoder import standardised
from affectmap.model.folder import ModelFolder
from affectmap.model.listening import Listened, SourceClasses, listen
from affectmap.preparation.standardisation import Statistics, adapted_statistics, outlier_mask, speaker_statistics
from affectmap.schema import Floats


class Adaptation(NamedTuple):
    """How to adapt; see `affectmap.model.model.Model.adapt`.

    Attributes:
        prior: How many utterances the model's own statistics count for.
        listen: Whether to learn the classes of the utterances.
        speaker: Who speaks in each (N,), for listening; ``None`` if nobody knows.
    """

    prior: float
    listen: bool
    speaker: npt.ArrayLike | None


def adapted_folder(folder: ModelFolder, computation: Computation, values: Floats, how: Adaptation) -> ModelFolder:
    """Give the content of a model's folder adapted to features (N, F) of unlabelled utterances.

    Raises:
        ConfigError: If too few are usable, or the model shall listen and cannot.
    """
    speech = computation.speech_only(values)
    statistics, n_used = adapted_statistics(speech, computation.statistics, how.prior)
    standardisation = {
        "policy": "adapted",
        "n_utterances": n_used,
        "n_left_out": len(values) - n_used,
        "prior": float(how.prior),
    }
    if how.listen:
        check_can_listen(folder)
    source = computation.source_classes if how.listen else None
    listened = None if source is None else _listened(source, speech, statistics, how.speaker)
    return folder.adapted(statistics, standardisation, listened)


def check_can_listen(folder: ModelFolder) -> None:
    """Raise a `ConfigError` if a model knows nothing of the classes of its training corpora."""
    if "source_classes" not in folder.metadata:
        raise ConfigError(
            f"{folder.metadata['name']} knows nothing of the classes of its training corpora, which listening begins "
            "with; take a model that comes with affectmap, or train one with affectmap train on corpora with classes"
        )


def _listened(source: SourceClasses, speech: Floats, statistics: Statistics, speaker: npt.ArrayLike | None) -> Listened:
    each, which = [statistics], np.zeros(len(speech), dtype=np.int64)
    if speaker is not None:
        each, which = speaker_statistics(speech, speaker, statistics)
    features = np.empty_like(speech)
    for number, one in enumerate(each):
        features[which == number] = standardised(speech[which == number], one)
    return listen(features[~outlier_mask(speech)], source)
