"""The classes that a model listens with: their space, and which corpora have none."""

import numpy as np
import pytest

from affectmap.errors import ConfigError
from affectmap.transfer.prototypes import Prototypes
from affectmap.transfer.recipe import Material
from affectmap.transfer.source_classes import classes_of

CLASSES = ("angry", "happy", "neutral", "sad")
PLACES = np.array([[1.0, -1.0], [1.0, 1.0], [0.0, 0.0], [-1.0, -1.0]])


def made(n_rows=400, dim=5):
    rng = np.random.default_rng(1)
    emotion = np.resize(np.array(CLASSES, dtype=object), n_rows)
    which = np.resize(np.arange(4), n_rows)
    centre = 3 * rng.normal(size=(4, dim))
    features = centre[which] + rng.normal(size=(n_rows, dim)) * [1, 2, 3, 1, 1]
    label, corpus = PLACES[which], np.arange(n_rows) * 2 // n_rows
    return Material(features.astype(np.float32), label, emotion, corpus, Prototypes.of([emotion], [label + 3]))


@pytest.fixture(scope="module")
def fitted():
    return classes_of(made(), n_seeds=1)


def test_the_space_whitens_within_classes(fitted):
    material = made()
    points = material.features.astype(np.float64) @ fitted.projection
    groups = [points[(material.emotion == name) & (material.corpus == k)] for name in CLASSES for k in (0, 1)]
    within = np.mean([np.cov(each.T, bias=True) for each in groups], axis=0)
    # Drawn to a sphere by a tenth before: eigenvalues are near 1, not at it.
    assert np.linalg.eigvalsh(within) == pytest.approx(1.0, abs=0.25)
    assert fitted.classes == CLASSES
    for name, mean in zip(CLASSES, fitted.mean, strict=True):
        assert mean == pytest.approx(points[material.emotion == name].mean(axis=0), abs=1e-6)


def test_the_classifier_knows_the_rows(fitted):
    material = made()
    guess = np.array(CLASSES)[(material.features @ fitted.weight + fitted.bias).argmax(axis=1)]
    assert np.mean(guess == material.emotion) > 0.7
    assert fitted.place.shape == (4, 2)


def test_features_that_depend_on_others_add_no_direction():
    material = made()
    doubled = material._replace(features=np.hstack([material.features, material.features[:, :2]]))
    assert classes_of(doubled, n_seeds=1).projection.shape == (7, 5)


def test_a_class_of_few_rows_is_refused():
    with pytest.raises(ConfigError, match="no corpus has 10 utterances of angry; listening begins with its mean"):
        classes_of(made(n_rows=32), n_seeds=1)
