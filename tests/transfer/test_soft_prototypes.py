"""Soft prototypes: what they compute, what they learn from, and whom they count."""

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from affectmap.errors import ConfigError
from affectmap.model.training import TrainingSettings
from affectmap.schema import FUNCTIONALS
from affectmap.transfer.recipe import NEUTRAL, described, fit_transfer, gather, soft_prototypes
from affectmap.transfer.settings import SOFT_PROTOTYPES, Recipe
from affectmap.transfer.soft_prototypes import SoftPrototypes, _shares, fit_soft_prototypes
from factories import make_corpus, with_cells

FAST = replace(SOFT_PROTOTYPES, epochs=40, noise_std=0.3, batch_size=32, learning_rate=0.03)
RECIPE = Recipe(teacher="soft-prototypes", training=FAST, n_teachers=1, n_copies=60)
PLACES = {"angry": (1.5, -1.0), "happy": (1.5, 1.5), "sad": (-1.5, -1.0)}


def three_classes(n=90, *, seed=0, labelled=True):
    """Give features ``(n, 6)`` in which every class has a direction, labels around the places, and classes."""
    rng = np.random.default_rng(seed)
    emotion = np.array(list(PLACES) * (n // 3), dtype=object)
    features = np.eye(6)[[list(PLACES).index(name) for name in emotion]] * 4 + rng.normal(size=(n, 6))
    label = np.array([PLACES[name] for name in emotion]) + 0.2 * rng.normal(size=(n, 2))
    if not labelled:
        label[:] = np.nan
    return features.astype(np.float32), label, emotion


def fitted(features, label, emotion, corpus=None, *, settings=FAST, **options):
    corpus = np.zeros(len(features), dtype=np.int64) if corpus is None else corpus
    return fit_soft_prototypes(features, label, emotion, corpus, PLACES, settings, **options)


def test_a_place_is_the_mean_of_the_classes_places_by_their_probabilities():
    rng = np.random.default_rng(0)
    weight, bias, place = rng.normal(size=(4, 3)), rng.normal(size=3), rng.normal(size=(3, 2))
    soft = SoftPrototypes(("angry", "happy", "sad"), weight, bias, place)
    features = rng.normal(size=(5, 4)).astype(np.float32)
    for row, found in zip(features, soft.embed(features), strict=True):
        scores = [sum(row[i] * weight[i, c] for i in range(4)) + bias[c] for c in range(3)]
        total = sum(math.exp(score) for score in scores)
        expected = [sum(math.exp(scores[c]) / total * place[c, axis] for c in range(3)) for axis in range(2)]
        np.testing.assert_allclose(found, expected, atol=1e-5)


def test_large_scores_do_not_overflow():
    soft = SoftPrototypes(("angry", "sad"), np.array([[1e4, -1e4]]), np.zeros(2), np.array([[1.0, 2.0], [3.0, 4.0]]))
    assert soft.embed(np.array([[5.0], [-5.0]], dtype=np.float32)).tolist() == [[1.0, 2.0], [3.0, 4.0]]


@pytest.mark.slow
def test_unseen_utterances_are_placed_with_their_class():
    soft = fitted(*three_classes())
    features, label, emotion = three_classes(seed=1)
    place = soft.embed(features)
    assert place.dtype == np.float32
    names = np.array(list(PLACES), dtype=object)
    nearest = names[((place[:, None] - np.array(list(PLACES.values()))) ** 2).sum(axis=2).argmin(axis=1)]
    assert (nearest == emotion).mean() > 0.9
    for axis in range(2):
        assert np.corrcoef(place[:, axis], label[:, axis])[0, 1] > 0.9


def test_classes_alone_teach_directions_and_leave_places():
    features, label, emotion = three_classes(labelled=False)
    soft = fitted(features, label, emotion)
    np.testing.assert_allclose(soft.place, list(PLACES.values()), atol=1e-6)
    assert (np.array(soft.classes, dtype=object)[soft.probabilities(features).argmax(axis=1)] == emotion).mean() > 0.95


def test_ratings_without_a_class_count():
    features, label, emotion = three_classes()
    unknown = emotion.copy()
    unknown[45:] = None
    first = fitted(features, label, unknown)
    moved = label.copy()
    moved[45:, 1] *= -1
    assert not np.allclose(first.place, fitted(features, moved, unknown).place, atol=0.01)
    without = np.where(np.arange(90)[:, None] < 45, label, np.nan)
    assert not np.allclose(first.place, fitted(features, without, unknown).place, atol=0.01)


def test_corpora_are_drawn_equally_and_so_are_classes_within_them():
    corpus = np.array([0] * 10 + [1] * 90)
    index = np.array([0] * 8 + [1] * 2 + [0] * 30 + [2] * 30 + [-1] * 30)
    share = _shares(index, corpus)
    assert [share[corpus == one].sum() for one in (0, 1)] == pytest.approx([1, 1])
    assert [share[(corpus == 0) & (index == name)].sum() for name in (0, 1)] == pytest.approx([1 / 2] * 2)
    assert [share[(corpus == 1) & (index == name)].sum() for name in (0, 2, -1)] == pytest.approx([1 / 3] * 3)


def test_the_same_seed_gives_the_same_weights():
    material = three_classes()
    settings = replace(FAST, epochs=2)
    first, again, other = (fitted(*material, settings=settings, seed=seed) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first.weight, again.weight)
    assert not np.array_equal(first.weight, other.weight)


def test_more_noise_gives_smaller_weights():
    few, much = (fitted(*three_classes(), settings=replace(FAST, noise_std=std)) for std in (0.1, 3.0))
    assert np.linalg.norm(much.weight) < 0.7 * np.linalg.norm(few.weight)


def test_one_class_is_not_enough():
    features, label, emotion = three_classes()
    with pytest.raises(ConfigError, match="soft prototypes of 90 utterances need two classes or more"):
        fitted(features, label, np.where(emotion == "sad", emotion, None))


@pytest.mark.slow
def test_the_recipe_distils_them_into_a_network():
    cats = make_corpus("cats", n_takes=8)
    dogs = make_corpus("dogs", ("sad", "angry"), seed=1, labelled=False, offset=100.0)
    embedder = fit_transfer([cats, dogs], RECIPE)
    material = gather([cats, dogs], RECIPE)
    teacher = soft_prototypes(material, RECIPE, seed=0)
    assert set(teacher.classes) == {"angry", "happy", "neutral", "sad"}
    wanted, found = teacher.embed(material.features), embedder.network_.embed(material.features)
    assert ((found - wanted) ** 2).mean() < 0.1 * wanted.var()
    assert embedder.recipe_["settings"]["teacher"] == "soft-prototypes"
    cows = make_corpus("cows", seed=7, offset=9.0)
    table = pd.DataFrame(cows.functionals, columns=list(FUNCTIONALS))
    place = embedder.adapt(table, prior=0).transform(table) + NEUTRAL
    for axis in range(2):
        assert np.corrcoef(place[:, axis], cows.label[:, axis])[0, 1] > 0.9


def test_what_is_said_and_what_is_missing():
    cats = make_corpus("cats")
    said = described([cats], RECIPE, gather([cats], RECIPE).prototypes)
    assert said[-1] == "training one teacher (soft prototypes), then the network that learns their mean"
    nameless = with_cells(cats, emotion=None)
    with pytest.raises(
        ConfigError, match=r"a class of emotion with 5 rated utterances or more .*; give one, or --recipe paper"
    ):
        fit_transfer([nameless], RECIPE)


def test_settings_are_those_of_training():
    assert isinstance(SOFT_PROTOTYPES, TrainingSettings)
    assert Recipe(n_teachers=1).is_distilled is False
    assert RECIPE.is_distilled
