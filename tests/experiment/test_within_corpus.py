"""What a corpus' own labels give by held-out speakers: the same rows, policy and folds as beside it, and no leak."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import statsmodels.api
from sklearn.linear_model import Ridge
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import cross_val_predict

from affectmap.experiment.config import ExperimentConfig
from affectmap.experiment.protocol import make_material, make_materials
from affectmap.experiment.within_corpus import (
    as_within,
    few_speakers_notes,
    rater_scores,
    source_within,
    supervised_folds,
    supervised_scores,
    target_within,
    within_work,
)
from affectmap.preparation.folds import folds_of_rows, source_folds
from affectmap.preparation.pooled_source import PooledSource
from affectmap.preparation.standardisation import POLICIES
from affectmap.stats.baselines import FUNCTIONALS_88
from affectmap.stats.scores import linear_svc
from affectmap.style import ONE_RATER, RIDGE, SUPERVISED
from cases import each
from factories import RUN, make_corpus, make_score, with_cells

NAN = float("nan")


def make_config(**settings) -> ExperimentConfig:
    return ExperimentConfig(**{"source": ["cats=cats"], **settings})


@pytest.fixture(scope="module")
def source() -> PooledSource:
    return PooledSource.of([make_corpus("cats", n_speakers=5)])


@pytest.fixture(scope="module")
def target():
    return make_corpus("dogs", n_speakers=6, n_takes=5, seed=1, offset=3.0, scale=2.0)


def material_of(source, target, config):
    fold = source_folds(source, "speaker", config.n_folds, config.seed)[0]
    return make_material(source, [target], fold, config)


def value(scores, table, quantity):
    (found,) = (score for score in scores if (score.key.table, score.key.quantity) == (table, quantity))
    return found


def scored(source, target, **settings):
    config = make_config(**settings)
    scaled = material_of(source, target, config).targets["dogs"]
    return scaled, target_within(replace(RUN, fold=0), scaled, source.emotion, config)


# Folds


@each("policy", POLICIES)
def test_every_evaluated_row_is_held_out_once_and_no_speaker_is_on_both_sides(source, target, policy):
    rows = material_of(source, target, make_config(policy=policy)).targets["dogs"].rows
    pool = PooledSource.of([target])
    folds = folds_of_rows(pool.speaker, pool.emotion, rows, 3, seed=4)
    assert sorted(np.concatenate([fold.test for fold in folds])) == sorted(rows)
    for fold in folds:
        assert not set(pool.speaker[fold.train]) & set(pool.speaker[fold.test])
        assert sorted([*fold.train, *fold.test]) == sorted(rows)


@each(("n_speakers", "n_folds"), [(6, 5), (4, 4), (2, 2), (1, 0)])
def test_few_speakers_give_fewer_folds(n_speakers, n_folds):
    pool = PooledSource.of([make_corpus("dogs", n_speakers=n_speakers)])
    assert len(folds_of_rows(pool.speaker, pool.emotion, np.arange(len(pool.emotion)), 5, seed=0)) == n_folds


def test_speakers_without_names_give_no_fold_and_no_value(source, target):
    nameless = with_cells(target, speaker=None)
    scaled, found = scored(source, nameless)
    assert found == []
    assert list(supervised_folds(scaled, 0, make_config())) == []


@each(
    ("options", "cells", "notes"),
    [
        ({"n_speakers": 5}, None, []),
        (
            {"n_speakers": 3},
            None,
            ["dogs has three speakers: its within-corpus values are of models trained on two of them."],
        ),
        (
            {"n_speakers": 1},
            None,
            ["dogs has no within-corpus values: it has one speaker, and no other to be held out."],
        ),
        ({}, {"speaker": None}, ["dogs has no within-corpus values: its speakers are not all named."]),
    ],
)
def test_what_cannot_be_had_is_said(options, cells, notes):
    assert few_speakers_notes([with_cells(make_corpus("dogs", **options), **(cells or {}))], 5) == notes


# Ridge and classifiers


@each("policy", POLICIES)
def test_ridge_is_that_of_other_speakers_on_the_rows_of_the_zero_shot_cells(source, target, policy):
    scaled, found = scored(source, target, policy=policy, ridge_penalty=40.0)
    features, label = scaled.features, target.label[scaled.rows]
    prediction = np.empty_like(label)
    for fold in folds_of_rows(target.speaker, target.emotion, scaled.rows, 5, seed=0):
        train, test = (np.searchsorted(scaled.rows, part) for part in (fold.train, fold.test))
        prediction[test] = Ridge(alpha=40.0).fit(features[train], label[train]).predict(features[test])
    for column, name in enumerate(("activation", "valence")):
        fit = statsmodels.api.OLS(label[:, column], statsmodels.api.add_constant(prediction)).fit()
        score = value(found, "3", name)
        assert score.value == pytest.approx(fit.rsquared_adj, abs=1e-6)
        assert score.key == ("3", RIDGE, "dogs", "target", name, "within")
        assert (score.fold, score.n) == (0, len(scaled.rows))


def test_classifiers_have_the_same_folds_and_the_shared_classes(source, target):
    cats = make_corpus("cats", ("sad", "happy", "angry"), n_speakers=5)
    scaled, found = scored(PooledSource.of([cats]), target, policy="target-all", svc_c_functionals=0.02)
    scores = {score.key.quantity: score for score in found if score.key.table == "4"}
    assert set(scores) == {"N-S-H-A", "N-S-A", "S-H-A", "S-A"}
    folds = folds_of_rows(target.speaker, target.emotion, scaled.rows, 5, seed=0)
    truth = target.emotion.astype(str)
    prediction = cross_val_predict(
        linear_svc(0.02), scaled.features, truth, cv=[(fold.train, fold.test) for fold in folds]
    )
    score = scores["N-S-H-A"]
    assert score.value == pytest.approx(balanced_accuracy_score(truth, prediction))
    assert score.key == ("4", FUNCTIONALS_88, "dogs", "target", "N-S-H-A", "within")
    assert score.n == len(target.emotion)
    assert scores["S-A"].n == len(target.emotion) / 2


def test_ratings_and_emotions_of_chance_give_nothing(source):
    target = make_corpus("dogs", n_speakers=8, n_takes=4, seed=2)
    rng = np.random.default_rng(0)
    order = rng.permutation(len(target.emotion))
    chance = with_cells(
        target, activation=target.label[order, 0], valence=target.label[order, 1], emotion=target.emotion[order]
    )
    _, found = scored(source, chance, policy="target-all")
    assert value(found, "3", "activation").value < 0.1
    assert value(found, "3", "valence").value < 0.1
    assert value(found, "4", "N-S-H-A").value < 0.4
    _, true = scored(source, target, policy="target-all")
    assert value(true, "3", "activation").value > 0.5
    assert value(true, "4", "N-S-H-A").value > 0.6


@each(("cells", "rated"), [({"valence": NAN}, {"activation"}), ({"activation": NAN, "valence": NAN}, set())])
def test_ratings_that_are_missing_are_not_scored(source, target, cells, rated):
    _, found = scored(source, with_cells(target, **cells))
    assert {score.key.quantity for score in found if score.key.table == "3"} == rated


def test_folds_whose_training_rows_have_no_rating_are_left_out(source, target):
    only_one = np.where(target.speaker == "dogs/s0", target.label[:, 0], NAN)
    _, found = scored(source, with_cells(target, activation=only_one, valence=NAN), policy="target-all")
    # The speaker with ratings is the only one to be scored, and nobody else could have trained.
    assert [score for score in found if score.key.table == "3"] == []


# Sources


def test_the_values_of_a_single_source_are_those_held_out():
    names = [("3", RIDGE), ("4", FUNCTIONALS_88), ("3", FUNCTIONALS_88), ("4", RIDGE), ("3", "PCA-2")]
    scores = [make_score(0.1 * i, table=t, method=m, reading="held-out") for i, (t, m) in enumerate(names)]
    scores.append(make_score(0.9, table="3", method=RIDGE, reading="zero-shot"))
    found = as_within(scores)
    assert [(score.key.table, score.key.method, score.key.reading, score.value) for score in found] == [
        ("3", RIDGE, "within", 0.0),
        ("4", FUNCTIONALS_88, "within", 0.1),
    ]


def test_pooled_sources_are_trained_on_their_own_training_rows_alone():
    cats, dogs = make_corpus("cats"), make_corpus("dogs", seed=1)
    liar = with_cells(dogs, activation=dogs.label[::-1, 0], emotion=dogs.emotion[::-1])
    config, values = make_config(n_folds=4), []
    for other in (dogs, liar):
        pool = PooledSource.of([cats, other])
        material = make_material(pool, [], source_folds(pool, "speaker", 4)[0], config)
        found = source_within(RUN, material, config)
        values.append({score.key: score.value for score in found if score.key.corpus == "cats"})
        assert {score.key.corpus for score in found} == {"cats", "dogs"}
        assert {score.key.role for score in found} == {"source"}
        assert {score.n for score in found if score.key.table == "3"} == {12}
    assert values[0] == values[1]


def test_a_corpus_that_is_held_out_whole_is_split_by_speaker():
    pool = PooledSource.of([make_corpus("cats"), make_corpus("dogs", seed=1)])
    config = make_config(n_seeds=1)
    materials = make_materials(pool, [], "corpus", config)
    found = [score for work in within_work(pool, materials, config) for score in work()]
    assert sorted((score.key.corpus, score.fold, score.n) for score in found if score.key.quantity == "activation") == [
        ("cats", 1, 48),
        ("dogs", 2, 48),
    ]


# Supervised models


def supervised_jobs(source, target, seed=0, **settings):
    config = make_config(**settings)
    scaled = material_of(source, target, config).targets["dogs"]
    return [job for fold in supervised_folds(scaled, seed, config) for job in fold]


@each("policy", POLICIES)
def test_supervised_models_have_the_policy_and_the_folds_of_ridge(source, target, policy):
    scaled = material_of(source, target, make_config(policy=policy)).targets["dogs"]
    folds = folds_of_rows(target.speaker, target.emotion, scaled.rows, 5, seed=7)
    jobs = supervised_jobs(source, target, seed=7, policy=policy)
    assert [(job.fold, job.method) for job in jobs] == [(k, name) for k in range(1, 6) for name in SUPERVISED.values()]
    for job in jobs:
        fold = folds[job.fold - 1]
        np.testing.assert_array_equal(job.own.fold.test, fold.test)
        np.testing.assert_array_equal(job.task.features, scaled.of(fold.train))
        column = ("activation", "valence").index(*job.labels)
        np.testing.assert_array_equal(job.task.label[:, 0], target.label[fold.train, column])
        assert (job.corpus, job.seed, job.task.seed) == ("dogs", 7, 7000 + job.fold)


def test_no_supervised_model_for_a_method_or_label_that_is_not_there(source, target):
    assert {job.labels for job in supervised_jobs(source, target, methods=["valence", "joint"])} == {("valence",)}
    assert {job.labels for job in supervised_jobs(source, with_cells(target, activation=3.0))} == {("valence",)}
    assert supervised_jobs(source, make_corpus("dogs", labelled=False)) == []


def test_batches_of_one_corpus_know_their_group(source, target):
    assert {job.task.group.max() for job in supervised_jobs(source, target, batches="by-group")} == {0}


def linear_models(jobs, turn):
    """Stand-ins for trained models: a linear latent of the first features, turned and scaled another way each."""
    way = np.random.default_rng(99).normal(size=(2, 88)).T  # the way of the made corpora from labels to features
    networks = [SimpleNamespace(embed=lambda values, k=k: values @ way @ turn(k) + 5.0 * k) for k in range(len(jobs))]
    return [(job, SimpleNamespace(network=network)) for job, network in zip(jobs, networks, strict=True)]


def test_supervised_latents_of_all_folds_are_scored_in_one_space(source, target):
    jobs = [job for job in supervised_jobs(source, target) if job.labels == ("activation",)]
    rng = np.random.default_rng(0)
    turns = [rng.normal(size=(2, 2)) for _ in jobs]
    same, turned = (supervised_scores(linear_models(jobs, turn)) for turn in (lambda k: np.eye(2), turns.__getitem__))
    assert [score.key.quantity for score in same] == ["activation", "valence"]
    for one, other in zip(same, turned, strict=True):
        assert one.key[1:4] == ("Metric-Act (supervised)", "dogs", "target")
        assert (one.key.reading, one.fold, one.n) == ("supervised", 0, 96)
        assert other.value == pytest.approx(one.value, abs=1e-9)
        assert one.value > 0.5


def test_a_supervised_model_of_some_folds_alone_scores_their_rows(source, target):
    only = np.where(np.isin(target.speaker, ["dogs/s0", "dogs/s1"]), target.label[:, 0], NAN)
    jobs = [
        job
        for job in supervised_jobs(source, with_cells(target, activation=only, valence=NAN), policy="target-all")
        if job.labels == ("activation",)
    ]
    assert jobs
    found = supervised_scores(linear_models(jobs, lambda k: np.eye(2)))
    assert {score.key.quantity for score in found} <= {"activation"}


# Raters


def with_raters(corpus, values, label="valence"):
    ratings = pd.DataFrame(values, corpus.file, columns=[f"rater {k}" for k in range(np.shape(values)[1])])
    return replace(
        corpus, corpus=replace(corpus.corpus, single_ratings={label: ratings.sample(frac=1, random_state=0)})
    )


def test_a_rater_explains_the_mean_of_the_others():
    rng = np.random.default_rng(0)
    corpus = make_corpus("dogs", n_speakers=6)
    truth = rng.normal(size=72)
    values = truth[:, None] + np.array([0.1, 0.5, 2.0]) * rng.normal(size=(72, 3))
    values[:10, 2] = np.nan
    values[10:12, :2] = np.nan  # the third alone
    scores = rater_scores(with_raters(corpus, values), "target", 3)
    assert {score.key for score in scores} == {("3", ONE_RATER, "dogs", "target", "valence", "rater")}
    assert [(score.fold, score.seed) for score in scores] == [(1, 3), (2, 3), (3, 3)]
    for k, score in enumerate(scores):
        others = np.delete(values, k, axis=1)
        known = np.isfinite(values[:, k]) & np.isfinite(others).any(axis=1)
        mean = np.nanmean(others[known], axis=1)
        fit = statsmodels.api.OLS(mean, statsmodels.api.add_constant(values[known, k])).fit()
        assert (score.n, score.value) == (known.sum(), pytest.approx(fit.rsquared_adj))
    assert scores[0].value > scores[2].value


def test_without_raters_there_is_no_row_of_theirs(target):
    assert rater_scores(target, "target", 0) == []
    empty = with_raters(target, np.full((len(target.emotion), 2), NAN))
    assert rater_scores(empty, "target", 0) == []
