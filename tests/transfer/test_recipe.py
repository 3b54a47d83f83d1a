"""The recipe: what is gathered, what is trained, and what is remembered of it."""

import json
import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from affectmap.errors import ConfigError
from affectmap.model.embedder import Embedder
from affectmap.model.model import load_model
from affectmap.model.training import TrainingSettings, train_stacked
from affectmap.schema import FUNCTIONALS, LABELS
from affectmap.transfer.recipe import (
    NEUTRAL,
    described,
    fit_transfer,
    gather,
    n_labelled,
    recorded,
    student_task,
    teacher_tasks,
)
from affectmap.transfer.settings import Recipe, student_settings
from factories import make_corpus, with_cells

NAN = float("nan")
FAST = Recipe(
    training=TrainingSettings(losses="paper+axis", reconstruction=0.0, epochs=2, schedule="one-cycle"),
    n_teachers=2,
    n_copies=2,
)


@pytest.fixture(scope="module")
def rated():
    return make_corpus("cats", n_takes=4)


@pytest.fixture(scope="module")
def classed():
    """Classes alone, two of them the rated corpus does not have; on another scale."""
    return make_corpus("dogs", ("sad", "angry", "fear"), seed=1, labelled=False, offset=100.0, scale=3.0)


@pytest.fixture(scope="module")
def confounded():
    """Every speaker shows one emotion."""
    corpus = make_corpus("birds", n_takes=4, seed=2)
    return with_cells(corpus, speaker=corpus.table["emotion"].to_numpy())


def z_scores(values):
    """Standardise by plain loops."""
    columns = []
    for column in np.asarray(values, dtype=np.float64).T:
        mean = sum(column) / len(column)
        std = math.sqrt(sum((x - mean) ** 2 for x in column) / len(column))
        columns.append([(x - mean) / std for x in column])
    return np.array(columns).T


def by_speaker(corpus):
    values = np.zeros(corpus.functionals.shape)
    for name in set(corpus.speaker):
        rows = corpus.speaker == name
        values[rows] = z_scores(corpus.functionals[rows])
    return values


@pytest.mark.parametrize("ways", [("corpus",), ("speaker",), ("corpus", "speaker")])
def test_an_utterance_has_a_row_for_every_way_of_standardising(rated, ways):
    material = gather([rated], replace(FAST, standardised=ways))
    expected = np.concatenate([{"corpus": z_scores(rated.functionals), "speaker": by_speaker(rated)}[w] for w in ways])
    np.testing.assert_allclose(material.features, expected, atol=1e-4)
    assert material.features.dtype == np.float32
    assert material.emotion.tolist() == rated.emotion.tolist() * len(ways)
    assert len(material.label) == len(material.corpus) == len(expected)


@pytest.mark.parametrize("ways", [("speaker",), ("corpus", "speaker")])
def test_where_speakers_tell_emotions_or_are_unknown_only_the_whole_is_standardised(rated, confounded, ways):
    unknown = with_cells(rated, speaker=None)
    for corpus in (confounded, unknown):
        material = gather([corpus], replace(FAST, standardised=ways))
        np.testing.assert_allclose(material.features, z_scores(corpus.functionals), atol=1e-4)


def test_corpora_are_standardised_apart_and_keep_their_number(rated, classed):
    material = gather([rated, classed], FAST)
    assert [int((material.corpus == number).sum()) for number in (0, 1)] == [2 * len(rated.table), 2 * 24]
    np.testing.assert_allclose(material.features[: len(rated.table)], z_scores(rated.functionals), atol=1e-4)
    known = classed.emotion != "fear"
    np.testing.assert_allclose(
        material.features[2 * len(rated.table) :][:24], z_scores(classed.functionals)[known], atol=1e-4
    )


def test_ratings_are_smoothed_and_classes_placed(rated, classed):
    material = gather([rated, classed], replace(FAST, standardised=("corpus",), smoothing=0.25))
    n = len(rated.table)
    means = {name: rated.label[rated.emotion == name].mean(axis=0) for name in set(rated.emotion)}
    for row in range(n):
        expected = [0.75 * rated.label[row, i] + 0.25 * means[rated.emotion[row]][i] - NEUTRAL for i in range(2)]
        np.testing.assert_allclose(material.label[row], expected)
    for emotion, label in zip(material.emotion[n:], material.label[n:], strict=True):
        np.testing.assert_allclose(label, means[emotion] - NEUTRAL)
    assert set(material.emotion[n:]) == {"sad", "angry"}  # fear was never rated


def test_corpora_with_classes_alone_never_change_prototypes_or_other_rows(rated, classed):
    alone, together = gather([rated], FAST), gather([rated, classed], FAST)
    pd.testing.assert_frame_equal(alone.prototypes.table, together.prototypes.table)
    own = together.corpus == 0
    np.testing.assert_array_equal(together.features[own], alone.features)
    np.testing.assert_array_equal(together.label[own], alone.label)


def test_without_classes_only_ratings_count(rated, classed):
    material = gather([rated, classed], replace(FAST, classes=False))
    assert set(material.corpus) == {0}
    plain = gather([rated, classed], replace(FAST, classes=False, smoothing=0.0))
    assert plain.prototypes is None
    np.testing.assert_allclose(plain.label, np.concatenate([rated.label - NEUTRAL] * 2))


def test_rows_without_labels_are_dropped_unless_something_is_reconstructed(rated):
    label = rated.table["activation"].to_numpy(copy=True)
    label[:6] = NAN
    emotion = rated.table["emotion"].to_numpy(dtype=object, copy=True)
    emotion[:4] = None
    holes = with_cells(rated, activation=label, emotion=emotion)
    one_way = replace(FAST, standardised=("corpus",))
    assert len(gather([holes], one_way).features) == len(rated.table) - 4  # two are labelled by class
    assert len(gather([holes], replace(one_way, classes=False)).features) == len(rated.table) - 6
    kept = gather([holes], replace(one_way, training=replace(FAST.training, reconstruction=1.0)))
    assert len(kept.features) == len(rated.table)
    assert np.isnan(kept.label[:4]).all()
    assert np.isfinite(kept.label[4:]).all()


def test_drawn_labels_spread_and_ratings_do_not_change(rated, classed):
    placed, drawn = (gather([rated, classed], replace(FAST, drawn=drawn)) for drawn in (False, True))
    own = placed.corpus == 0
    np.testing.assert_array_equal(drawn.label[own], placed.label[own])
    sad = ~own & (placed.emotion == "sad")
    assert (placed.label[sad].std(axis=0) < 1e-9).all()
    assert (drawn.label[sad].std(axis=0) > 0.05).all()
    assert (np.abs(drawn.label) <= 2).all()
    again = gather([rated, classed], replace(FAST, drawn=True))
    np.testing.assert_array_equal(again.label, drawn.label)


def test_ratings_do_without_prototypes_where_classes_are_few_or_unknown():
    few = make_corpus("cats", n_speakers=2, n_takes=2)
    for corpus in (few, with_cells(few, emotion=None)):
        material = gather([corpus], replace(FAST, standardised=("corpus",)))
        assert material.prototypes is None
        np.testing.assert_allclose(material.label, few.label - NEUTRAL)


def test_classes_alone_do_not():
    few, classed = make_corpus("cats", n_speakers=2, n_takes=2), make_corpus("dogs", labelled=False)
    with pytest.raises(ConfigError, match="no class of emotion has 5 utterances with activation and valence"):
        gather([few, classed], FAST)
    assert gather([few, classed], replace(FAST, classes=False)).prototypes is None


@pytest.mark.parametrize("labels", [{"activation": NAN}, {"valence": NAN}, {"activation": NAN, "valence": NAN}])
def test_nobody_rated_anything(rated, classed, labels):
    with pytest.raises(ConfigError, match="no utterance has ratings of activation and valence; give the label sheets"):
        gather([with_cells(rated, **labels), classed], FAST)


def test_no_corpus():
    with pytest.raises(ConfigError, match="no utterance has ratings"):
        gather([], FAST)


def test_ratings_that_are_all_the_same(rated, classed):
    with pytest.raises(ConfigError, match=r"cats\+dogs: valence is 3 for all 64 utterances; give its label sheet"):
        gather([with_cells(rated, valence=3.0), classed], FAST)


def test_corpora_of_different_features(rated, classed):
    other = replace(classed, feature_names=tuple(f"encoder_{i}" for i in range(88)))
    with pytest.raises(ConfigError, match="dogs has other features than cats; measure both in the same way"):
        gather([rated, other], FAST)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            {"standardised": ()},
            r"standardised is \(\); expected a list with at least one item, each item one of corpus, speaker",
        ),
        ({"standardised": ("target",)}, r"standardised\[0\] is 'target'; expected one of corpus, speaker"),
        ({"n_teachers": 0}, "n_teachers is 0; expected a whole number from 1 to 1000"),
        ({"n_teachers": 1001}, "n_teachers is 1001"),
        ({"n_copies": 0}, "n_copies is 0; expected a whole number of 1 or more"),
        ({"weight": 0}, "weight is 0; expected a number above 0"),
        ({"weight": NAN}, "weight is nan"),
        ({"smoothing": 1.5}, r"smoothing is 1\.5; expected a number from 0 to 1"),
    ],
)
def test_settings_out_of_range(values, message):
    with pytest.raises(ConfigError, match=message):
        replace(FAST, **values)


def encoded(network, rows):
    """Apply the encoder layer by layer."""
    values = np.asarray(rows, dtype=np.float64)
    for layer, bends in zip(network.encoder, network.encoder_relu, strict=True):
        values = values @ layer.weight.detach().numpy().T + layer.bias.detach().numpy()
        values = np.maximum(values, 0) if bends else values
    return values


@pytest.mark.slow
def test_the_students_labels_are_the_teachers_mean(rated):
    material = gather([rated], FAST)
    teachers = train_stacked(teacher_tasks(material, FAST, [5, 6, 7]), FAST.training)
    task = student_task(material, [teacher.network for teacher in teachers], replace(FAST, n_copies=3), seed=1)
    n = len(material.features)
    assert task.features.shape == (3 * n, 88)
    np.testing.assert_array_equal(task.features[:n], material.features)
    noise = task.features[n:] - np.concatenate([material.features] * 2)
    assert noise.std() == pytest.approx(FAST.training.noise_std, rel=0.02)
    mean = sum(encoded(teacher.network, task.features) for teacher in teachers) / 3
    np.testing.assert_allclose(task.label, mean, atol=1e-4)


def test_the_student_comes_near_the_teachers_mean(rated):
    recipe = replace(FAST, n_copies=20)
    material = gather([rated], recipe)
    teachers = train_stacked(teacher_tasks(material, recipe, range(3)), recipe.training)
    task = student_task(material, [teacher.network for teacher in teachers], recipe, seed=0)
    (student,) = train_stacked([task], student_settings(recipe))
    n = len(material.features)
    off = student.network.embed(material.features) - task.label[:n]
    assert np.sqrt((off**2).mean()) < 0.3 * task.label[:n].std()
    one = teachers[0].network.embed(material.features) - task.label[:n]
    assert (off**2).mean() < (one**2).mean()


def test_the_student_learns_without_noise_of_its_own():
    settings = student_settings(Recipe())
    assert (settings.noise_std, settings.reconstruction, settings.losses) == (0.0, 0.0, "axis")
    assert settings.hidden_dims == Recipe().training.hidden_dims


@pytest.mark.slow
def test_seeds_of_teachers_of_two_runs_do_not_overlap(rated, monkeypatch):
    trained = []

    def remember(tasks, settings, **options):
        trained.append([task.seed for task in tasks])
        return train_stacked(tasks, settings, **options)

    monkeypatch.setattr("affectmap.transfer.recipe.train_stacked", remember)
    for seed in (0, 1, 2):
        fit_transfer([rated], replace(FAST, n_teachers=3, n_copies=1), seed=seed)
    teachers = [seeds for seeds in trained if len(seeds) == 3]
    assert len(teachers) == 3
    assert len(set().union(*teachers)) == 9


def weights(embedder):
    return torch.cat([value.flatten() for value in embedder.network_.state_dict().values()])


def test_the_same_seed_gives_the_same_weights_and_another_does_not(rated, classed):
    first, again, other = (fit_transfer([rated, classed], FAST, seed=seed) for seed in (3, 3, 4))
    assert torch.equal(weights(first), weights(again))
    assert not torch.equal(weights(first), weights(other))


def test_processes_change_nothing(rated):
    one, two = (fit_transfer([rated], FAST, n_jobs=n_jobs) for n_jobs in (1, 2))
    assert torch.equal(weights(one), weights(two))


@pytest.mark.slow
def test_the_axes_are_activation_and_valence_from_the_middle():
    dogs = make_corpus("dogs", n_takes=20, seed=1)
    embedder = fit_transfer([dogs], replace(FAST, training=replace(FAST.training, epochs=60), n_copies=10))
    cows = make_corpus("cows", seed=7, offset=9.0)
    table = pd.DataFrame(cows.functionals, columns=list(FUNCTIONALS))
    place = embedder.adapt(table, prior=0).transform(table) + NEUTRAL
    for i in range(2):
        assert np.corrcoef(place[:, i], cows.label[:, i])[0, 1] > 0.9
        assert abs(place[:, i].mean() - cows.label[:, i].mean()) < 0.5


def test_statistics_are_those_of_all_corpora_together(rated, classed):
    embedder = fit_transfer([rated, classed], FAST)
    rows = np.concatenate([rated.functionals, classed.functionals])
    np.testing.assert_allclose(embedder.statistics_.mean, rows.mean(axis=0))
    np.testing.assert_allclose(embedder.statistics_.std, rows.std(axis=0))
    assert embedder.label_names_ == list(LABELS)


def test_one_teacher_is_the_model_itself(rated):
    recipe = replace(FAST, n_teachers=1, weight=0.5)
    embedder = fit_transfer([rated], recipe, seed=2)
    (model,) = train_stacked(teacher_tasks(gather([rated], recipe), recipe, [2000]), recipe.training)
    rows = gather([rated], recipe).features
    np.testing.assert_array_equal(embedder.network_.embed(rows), model.network.embed(rows))
    assert (embedder.weight, embedder.losses, embedder.epochs) == (0.5, "paper+axis", 2)


def test_other_features_than_functionals(rated):
    names = tuple(f"encoder_{i}" for i in range(30))
    encoded = replace(rated, functionals=rated.functionals[:, :30], feature_names=names)
    embedder = fit_transfer([encoded], FAST)
    assert embedder.n_features_in_ == 30
    assert embedder.transform(pd.DataFrame(encoded.functionals, columns=list(names))).shape == (len(rated.table), 2)


def test_what_is_said(rated, classed, confounded):
    said = []
    fit_transfer([rated, classed, confounded], FAST, notify=said.append)
    assert said == described([rated, classed, confounded], FAST, gather([rated, classed, confounded], FAST).prototypes)
    assert said[:3] == [
        "cats: 64 rated, 0 labelled by class, 0 without; standardised as a whole and speaker by speaker",
        "dogs: 0 rated, 24 labelled by class, 12 without; standardised as a whole and speaker by speaker",
        "birds: 64 rated, 0 labelled by class, 0 without; standardised as a whole",
    ]
    assert said[3].startswith("prototypes (activation/valence): angry 4.7/1.4, happy ")
    assert said[4:] == ["training 2 teachers, then the network that learns their mean"]
    only = replace(FAST, n_teachers=1, smoothing=0.0, classes=False, standardised=("speaker",))
    assert described([rated], only, None) == [
        "cats: 64 rated, 0 labelled by class, 0 without; standardised speaker by speaker",
        "training one model",
    ]
    assert n_labelled(classed, only, None) == (0, 0)


def test_the_record_is_plain_and_comes_back_with_the_embedder(rated, classed, tmp_path):
    embedder = fit_transfer([rated, classed], FAST)
    record = embedder.recipe_
    assert record == json.loads(json.dumps(record, allow_nan=False))
    assert record == recorded([rated, classed], FAST, gather([rated, classed], FAST).prototypes)
    assert record["sources"] == {"cats": {"rated": 64, "by_class": 0}, "dogs": {"rated": 0, "by_class": 24}}
    assert record["settings"]["training"]["losses"] == "paper+axis"
    assert record["settings"]["n_teachers"] == 2
    assert set(record["prototypes"]) == {"angry", "happy", "neutral", "sad"}
    sad = record["prototypes"]["sad"]
    assert sad["activation"] == pytest.approx(rated.label[rated.emotion == "sad", 0].mean())
    assert (sad["n"], sad["n_corpora"], sad["activation_between"]) == (16, 1, None)
    embedder.save(tmp_path / "embedder")
    loaded = Embedder.load(tmp_path / "embedder")
    assert loaded.recipe_ == record
    table = pd.DataFrame(rated.functionals, columns=list(FUNCTIONALS))
    np.testing.assert_array_equal(loaded.transform(table), embedder.transform(table))
    assert loaded.adapt(table).recipe_ == record
    assert loaded.fit(table).recipe_ is None


def test_other_embedders_have_no_recipe(rated, tmp_path):
    embedder = Embedder(epochs=1).fit(rated.functionals)
    embedder.save(tmp_path / "embedder")
    assert "recipe" not in (tmp_path / "embedder" / "model.yaml").read_text()
    assert Embedder.load(tmp_path / "embedder").recipe_ is None


def test_a_saved_model_tells_its_recipe(rated, tmp_path):
    embedder = fit_transfer([rated], FAST)
    embedder.save(tmp_path / "model")
    model = load_model(tmp_path / "model")
    assert model.metadata["training"]["recipe"] == embedder.recipe_
    assert "activation, then valence" in model.metadata["units"]["embedding"]
    table = pd.DataFrame(rated.functionals, columns=list(FUNCTIONALS))
    found = model.transform(table)[["embedding_0", "embedding_1"]].to_numpy()
    np.testing.assert_allclose(found, embedder.transform(table), atol=1e-4)
