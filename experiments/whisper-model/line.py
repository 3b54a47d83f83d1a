"""The line to beat: ridge regression from all features straight to the ratings, as a model of one layer."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from affectmap.model.folder import ModelFolder
from affectmap.model.metadata import new_metadata
from affectmap.model.model import Model
from affectmap.preparation.prepared_corpus import PreparedCorpus
from affectmap.preparation.standardisation import fit_statistics
from affectmap.schema import LABELS
from affectmap.stats.baselines import RidgeMap
from affectmap.transfer.calibration import with_own_heads
from affectmap.transfer.recipe import gather, recorded
from affectmap.transfer.settings import Recipe

#: Penalty of the squared coefficients.
PENALTY = 3000.0


def line(sources: Sequence[PreparedCorpus]) -> Model:
    """Fit the line on the rows and labels of the recipe; heads are fitted on it as on any map."""
    recipe, names = Recipe(), sources[0].feature_names
    material = gather(sources, recipe)
    fitted = RidgeMap(PENALTY).fit(material.features, material.label).ridge_
    statistics = fit_statistics(np.concatenate([each.functionals for each in sources]))
    tensors = {
        "mean": statistics.mean, "std": statistics.std,
        "encoder.0.weight": fitted.coef_.astype(np.float32), "encoder.0.bias": fitted.intercept_.astype(np.float32),
    }  # fmt: skip
    metadata = new_metadata(names, len(LABELS))
    metadata["units"]["embedding"] = "points of the scale from its middle, 3; first activation, then valence"
    metadata["training"] = {"recipe": recorded(sources, recipe, material.prototypes), "labels": list(LABELS)}
    return with_own_heads(Model(ModelFolder(tensors, metadata, "")), sources)
