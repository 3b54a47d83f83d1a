"""The map of the model: a network that learns the mean of soft prototypes and of the line.

Soft prototypes (`affectmap.transfer.soft_prototypes`, with the losses on classes and axes) hear valence better than the
line, which hears activation better; the mean of both is better than either. One small network learns it, so that the
model is one like any other.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
from line import PENALTY

from affectmap.model.embedder import Embedder
from affectmap.model.model import Model
from affectmap.model.training import train_stacked
from affectmap.preparation.prepared_corpus import PreparedCorpus
from affectmap.preparation.standardisation import fit_statistics
from affectmap.schema import LABELS, Features
from affectmap.stats.baselines import RidgeMap
from affectmap.transfer.calibration import with_own_heads
from affectmap.transfer.recipe import Map, Material, gather, recorded, soft_prototypes, student_task
from affectmap.transfer.settings import ENCODER_RECIPE, MOST_TEACHERS, student_settings

RECIPE = ENCODER_RECIPE


class Mean:
    """The mean of several maps."""

    def __init__(self, maps: Sequence[Map]) -> None:
        self._maps = maps

    def embed(self, features: Features, /) -> Features:
        """Give the places."""
        return np.mean([each.embed(features) for each in self._maps], axis=0, dtype=np.float64).astype(np.float32)


class Line:
    """Ridge regression to the labels."""

    def __init__(self, material: Material) -> None:
        self._ridge = RidgeMap(PENALTY).fit(material.features, material.label)

    def embed(self, features: Features, /) -> Features:
        """Give the places."""
        return self._ridge.transform(features).astype(np.float32)


def train(sources: Sequence[PreparedCorpus], seed: int = 0) -> Model:
    """Train the map on some corpora; the heads are fitted on them, too."""
    return _trained(tuple(sources), seed)


@cache
def _trained(sources: tuple[PreparedCorpus, ...], seed: int) -> Model:
    material = gather(sources, RECIPE)
    seeds = range(MOST_TEACHERS * seed, MOST_TEACHERS * seed + RECIPE.n_teachers)
    soft = Mean([soft_prototypes(material, RECIPE, each) for each in seeds])
    settings = student_settings(RECIPE)
    (student,) = train_stacked([student_task(material, [soft, Line(material)], RECIPE, seed)], settings)
    embedder = Embedder.of_trained(
        student,
        fit_statistics(np.concatenate([each.functionals for each in sources])),
        list(sources[0].feature_names),
        list(LABELS),
        settings,
        recipe=recorded(sources, RECIPE, material.prototypes),
        weight=1.0,
        random_state=seed,
    )
    return with_own_heads(embedder.model_, sources)
