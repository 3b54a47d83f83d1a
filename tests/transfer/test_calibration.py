"""Heads, intervals and temperatures from held-out corpora or speakers."""

from dataclasses import replace

import numpy as np
import pytest

from affectmap.errors import ConfigError
from affectmap.model.embedder import Embedder
from affectmap.model.heads import fit_heads
from affectmap.preparation.standardisation import fit_statistics
from affectmap.transfer.calibration import (
    FAMILIAR,
    adapted,
    after,
    alone,
    by_speaker,
    held_out_parts,
    train_calibrated,
    with_card,
    with_own_heads,
)
from factories import make_corpus


@pytest.fixture(scope="module")
def corpora():
    return [make_corpus("cats"), make_corpus("dogs", seed=1)]


def unrated(corpus, **columns):
    return replace(corpus, table=corpus.table.assign(activation=np.nan, valence=np.nan, **columns))


class Training:
    """A short training that notes on what."""

    def __init__(self):
        self.corpora = []

    def __call__(self, corpora):
        self.corpora.append([(each.name, len(each.table)) for each in corpora])
        rows = np.concatenate([each.functionals for each in corpora])
        label = np.concatenate([each.label for each in corpora])
        label = None if np.isnan(label).any(axis=1).all() else label
        return Embedder(epochs=2, hidden_dims=(9,)).fit(rows, label).model_


def test_heads_are_fitted_on_corpora_that_are_each_standardised(corpora):
    model = with_own_heads(Training()(corpora), corpora)
    statistics = [fit_statistics(each.functionals) for each in corpora]
    latent = [model.embedding(each.functionals, own)[0] for each, own in zip(corpora, statistics, strict=True)]
    label, emotion = (np.concatenate([getattr(each, name) for each in corpora]) for name in ("label", "emotion"))
    expected = fit_heads(np.concatenate(latent), label, emotion)
    np.testing.assert_array_equal(model.heads.rating_weight, expected.rating_weight)
    np.testing.assert_array_equal(model.heads.class_bias, expected.class_bias)
    distances = [model.embedding(each.functionals, own)[1] for each, own in zip(corpora, statistics, strict=True)]
    limit = np.quantile(np.concatenate(distances), FAMILIAR)
    assert model.metadata["flags"]["max_distance"] == pytest.approx(limit, rel=1e-6)


def test_two_rated_corpora_are_held_out_in_turn(corpora):
    train, said = Training(), []
    model = train_calibrated(train, [*corpora, unrated(make_corpus("cows", seed=2))], notify=said.append)
    sizes = {name: size for part in train.corpora for name, size in part}
    assert [[name for name, _ in part] for part in train.corpora] == [
        ["cats", "dogs", "cows"],
        ["dogs", "cows"],
        ["cats", "cows"],
    ]
    assert said[0] == "measuring on held-out corpora (cats, dogs): 2 more trainings"
    intervals = model.metadata["intervals"]
    assert set(intervals) == {"level", "source", "adapted", "speaker"}
    assert all(0 < intervals["source"][label] <= 4 for label in ("activation", "valence"))
    assert model.metadata["training"]["calibration"] == "measured on held-out corpora (cats, dogs)"
    assert len(sizes) == 3
    # Of two held-out corpora the wider interval is taken, and the same data give the same model.
    again = train_calibrated(Training(), [*corpora, unrated(make_corpus("cows", seed=2))])
    assert again.metadata == model.metadata


def test_speakers_of_a_single_rated_corpus_are_held_out(corpora):
    train = Training()
    model = train_calibrated(train, [corpora[0], unrated(corpora[1])])
    whole, *parts = train.corpora
    held = [whole[0][1] - part[0][1] for part in parts]
    assert sum(held) == whole[0][1]
    assert all(part[1] == whole[1] for part in parts)
    assert "held-out speakers of cats" in model.metadata["training"]["calibration"]
    for rest, part in held_out_parts([corpora[0]], model.heads, 0)[0]:
        assert not set(rest[0].speaker) & set(part.speaker)


def test_without_speakers_there_are_heads_and_no_intervals(corpora):
    said, train = [], Training()
    nobody = replace(corpora[0], table=corpora[0].table.assign(speaker=None))
    model = train_calibrated(train, [nobody], notify=said.append)
    assert len(train.corpora) == 1
    assert said == ["note: no intervals: cats has no two speakers to hold out"]
    assert model.heads.labels == ("activation", "valence")
    assert "intervals" not in model.metadata
    assert "Ratings have no intervals" in with_card(model, [nobody], "mine").card


def test_without_ratings_there_are_classes_alone(corpora):
    model = train_calibrated(Training(), [unrated(each) for each in corpora])
    assert model.heads.labels == ()
    assert len(model.heads.classes) == 4
    assert "intervals" not in model.metadata
    nothing = train_calibrated(Training(), [unrated(each, emotion=None) for each in corpora])
    assert nothing.columns[:3] == ["embedding_0", "embedding_1", "too_short"]
    assert nothing.metadata["training"]["calibration"] == "no head could be fitted"


def test_a_part_that_cannot_be_trained_on_leaves_the_heads(corpora):
    def train(some):
        if len(some) == 1:
            raise ConfigError("too little")
        return Training()(some)

    said = []
    model = train_calibrated(train, corpora, notify=said.append)
    assert said[-1] == "note: no intervals: a part of the sources cannot be trained on (too little)"
    assert model.heads.labels
    assert "intervals" not in model.metadata


def test_normalisations_are_those_of_the_model(corpora):
    cats, dogs = corpora
    model = with_own_heads(Training()([cats]), [cats])
    np.testing.assert_array_equal(alone(model, dogs).latent, model.embedding(dogs.functionals)[0])
    whole = after(model, dogs, len(dogs.table), "corpus", 10, 0)
    np.testing.assert_allclose(whole.latent, adapted(model, dogs).latent, atol=1e-9)
    speakers = after(model, dogs, len(dogs.table), "speaker", 10, 0)
    np.testing.assert_allclose(speakers.latent, by_speaker(model, dogs).latent, atol=1e-9)
    assert np.isfinite(speakers.ratings).all()


def test_the_card_says_what_is_known(corpora):
    model = with_card(train_calibrated(Training(), corpora), corpora, "mine")
    assert model.name == "mine"
    for words in ("# mine", "cats: 48 utterances, 48 of them rated", "held-out corpora (cats, dogs)", "as trained"):
        assert words in model.card, words
    assert model.metadata["training"]["corpora"] == ["cats", "dogs"]
    assert model.metadata["training"]["n_utterances"] == sum(len(each.table) for each in corpora)
