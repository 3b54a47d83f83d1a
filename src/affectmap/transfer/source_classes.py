"""Fit what a model listens with: the classes of its training corpora, as `affectmap.model.listening` begins with them.

The classifier and the places of the classes are those of soft prototypes. The space is that of the first principal
components of all rows, every corpus weighing the same, divided so that classes within corpora have unit covariance
(linear discriminant analysis without its last step): in it, how far recordings lie from a class mean can be compared
between directions, and the folder's own covariance, drawn to a sphere, stays near what it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from affectmap.errors import ConfigError
from affectmap.model.listening import SourceClasses
from affectmap.preparation.prepared_corpus import PreparedCorpus
from affectmap.schema import LABELS, Floats
from affectmap.transfer.recipe import Material, gather, soft_prototypes
from affectmap.transfer.settings import ENCODER_RECIPE

if TYPE_CHECKING:
    from affectmap.model.model import Model

#: Dimensions of the space, at most.
SPACE_DIM = 60
#: Models whose mean the classifier is.
N_SEEDS = 3
#: Rows of a class that a corpus must have for its mean to count.
LEAST_ROWS = 10
#: How far the covariance within classes is drawn to a sphere.
SHRINKAGE = 0.1
_RECIPE = replace(ENCODER_RECIPE, n_teachers=1)


def fit_source_classes(corpora: Sequence[PreparedCorpus], *, seed: int = 0, n_seeds: int = N_SEEDS) -> SourceClasses:
    """Fit the classes of training corpora.

    Args:
        corpora: At least one with ratings and classes; others may have classes alone.
        seed: Seed of the first of the models whose mean is taken.
        n_seeds: Models.

    Returns:
        The classes.

    Raises:
        ConfigError: If fewer than two classes have prototypes, or enough rows in any corpus.
    """
    return classes_of(gather(corpora, _RECIPE), seed=seed, n_seeds=n_seeds)


def classes_of(material: Material, *, seed: int = 0, n_seeds: int = N_SEEDS) -> SourceClasses:
    """Fit the classes of standardised rows of training corpora; arguments and errors as of `fit_source_classes`."""
    fitted = [soft_prototypes(material, _RECIPE, seed + number) for number in range(n_seeds)]
    weight, bias, place = (
        np.asarray(np.mean([getattr(each, name) for each in fitted], axis=0, dtype=np.float64))
        for name in ("weight", "bias", "place")
    )
    classes = fitted[0].classes
    return SourceClasses(classes, weight, bias, place, *_space(material, classes))


def with_source_classes(model: Model, corpora: Sequence[PreparedCorpus], *, seed: int = 0) -> Model:
    """Give a model what it can listen with; a model whose corpora have no such classes stays as it is.

    Args:
        model: Trained on the corpora by the recipe, so that activation and valence are the first axes of its map; on
            further ones, classes have no place of their own.
        corpora: The corpora.
        seed: Seed of the fit.
    """
    n_further = len(model.metadata["outputs"]["embedding"]) - len(LABELS)
    if n_further < 0:
        return model
    try:
        source = fit_source_classes(corpora, seed=seed)
    except ConfigError:  # too few classes, or none with ratings
        return model
    place = np.pad(source.place, ((0, 0), (0, n_further)))
    return type(model)(model.folder.with_source_classes(replace(source, place=place)))


def _space(material: Material, classes: Sequence[str]) -> tuple[Floats, Floats]:
    """Give the projection (F, P) to the space, and the class means (K, P) in it."""
    features = material.features.astype(np.float64)
    counts = np.bincount(material.corpus)
    share = 1 / counts[material.corpus] / np.count_nonzero(counts)
    centred = features - share @ features
    values, directions = np.linalg.eigh(centred.T @ (share[:, None] * centred))
    known = values[::-1][:SPACE_DIM] > 1e-6 * values[-1]  # features that depend on others have no directions of theirs
    components = directions[:, ::-1][:, :SPACE_DIM][:, known]
    groups = _groups(material, classes)
    points = features @ components
    residuals = [points[rows] - points[rows].mean(axis=0) for of in groups for rows in of]
    within = np.mean([each.T @ each / len(each) for each in residuals], axis=0)
    sphere = np.trace(within) / len(within) * np.eye(len(within))
    values, directions = np.linalg.eigh((1 - SHRINKAGE) * within + SHRINKAGE * sphere)
    projection = components @ (directions / np.sqrt(values))
    mean = [np.mean([(features[rows] @ projection).mean(axis=0) for rows in of], axis=0) for of in groups]
    return projection, np.array(mean)


def _groups(material: Material, classes: Sequence[str]) -> list[list[npt.NDArray[np.int64]]]:
    """Give the rows of every class, corpus by corpus."""
    found = []
    for name in classes:
        rows = [
            np.flatnonzero((material.emotion == name) & (material.corpus == corpus))
            for corpus in np.unique(material.corpus)
        ]
        found.append([each for each in rows if len(each) >= LEAST_ROWS])
        if not found[-1]:
            raise ConfigError(f"no corpus has {LEAST_ROWS} utterances of {name}; listening begins with its mean")
    return found
