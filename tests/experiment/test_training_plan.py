"""Which models are trained, on what, from which seed."""

import numpy as np
import pytest

from affectmap.errors import ConfigError
from affectmap.experiment.config import ExperimentConfig
from affectmap.experiment.protocol import make_material
from affectmap.experiment.training_plan import (
    METHOD_LABELS,
    SUPERVISED,
    check_labels,
    label_columns,
    source_jobs,
    supervised_jobs,
    training_settings,
)
from affectmap.model.training import train_stacked
from affectmap.preparation.folds import Fold
from affectmap.preparation.pooled_sources import PooledSource
from factories import make_corpus, with_cells

NAN = float("nan")


def make_config(**settings) -> ExperimentConfig:
    return ExperimentConfig(source=["cats=cats"], **settings)


def plan(source: PooledSource, config: ExperimentConfig, number: int = 1, test: np.ndarray | None = None) -> list:
    test = np.arange(12) if test is None else test
    fold = Fold("fold", np.setdiff1d(np.arange(len(source.emotion)), test), test, shares_speakers=False)
    return list(source_jobs(source, make_material(source, [], fold, config), number, config))


@pytest.fixture
def source() -> PooledSource:
    return PooledSource.of([make_corpus("cats")])


def test_settings_are_the_preset_s_but_for_what_is_set():
    paper, authors = training_settings(make_config()), training_settings(make_config(preset="authors-code", epochs=7))
    assert (paper.epochs, paper.learning_rate, paper.batch_size, paper.noise_std) == (50, 1e-3, 64, 1.0)
    assert (paper.hidden_dims, paper.latent_dim) == ((40, 20, 10), 2)
    assert (authors.epochs, authors.learning_rate) == (7, 1e-4)


@pytest.mark.parametrize(("names", "columns"), [([], []), (["valence"], [1]), (["activation", "valence"], [0, 1])])
def test_columns_of_labels(names, columns):
    assert label_columns(names) == columns


def test_every_method_gets_its_own_labels_and_the_same_features(source):
    jobs = {job.method: job for job in plan(source, make_config())}
    assert list(jobs) == ["DAE-Unsupervised", "DAE-Metric-Act", "DAE-Metric-Val", "DAE-Metric-Joint"]
    label = source.label[12:]
    assert jobs["DAE-Unsupervised"].task.label is None
    np.testing.assert_array_equal(jobs["DAE-Metric-Act"].task.label, label[:, :1])
    np.testing.assert_array_equal(jobs["DAE-Metric-Val"].task.label, label[:, 1:])
    np.testing.assert_array_equal(jobs["DAE-Metric-Joint"].task.label, label)
    values = source.scaled(np.arange(12, 48), "target-20")[0].features
    for job in jobs.values():
        np.testing.assert_array_equal(job.task.features, values[12:])
        assert job.task.weight == 1.0
        assert job.labels == METHOD_LABELS[next(k for k, v in METHOD_LABELS.items() if v[0] == job.method)][1]


def test_methods_of_a_fold_share_their_seed_and_no_other_fold_has_it(source):
    config = make_config(n_seeds=3, seed=4)
    jobs = [job for number in range(6) for job in plan(source, config, number)]
    assert len(jobs) == 6 * 3 * 4
    seeds = {(job.fold, job.seed): set() for job in jobs}
    for job in jobs:
        seeds[job.fold, job.seed].add(job.task.seed)
    assert {seed for _, seed in seeds} == {4, 5, 6}
    assert all(len(each) == 1 for each in seeds.values())
    assert len(set.union(*seeds.values())) == 18


def test_paired_methods_start_from_equal_weights(source):
    config = make_config(epochs=1, learning_rate=1e-12)
    models = train_stacked([job.task for job in plan(source, config)], training_settings(config))
    first, *others = [model.network.encoder[0].weight.detach().numpy() for model in models]
    for other in others:
        np.testing.assert_allclose(other, first, atol=1e-9)


def test_the_weight_of_the_metric_loss_is_passed_on(source):
    assert {job.task.weight for job in plan(source, make_config(weight=0.25))} == {0.25}


def test_an_unlabelled_corpus_of_the_pool_trains_without_pairs():
    pool = PooledSource.of([make_corpus("cats"), make_corpus("cows", seed=1, labelled=False)])
    check_labels(pool, ["activation", "joint"])
    job = plan(pool, make_config(methods=["activation"]))[0]
    assert len(job.task.features) == 84
    assert np.isfinite(job.task.label).sum() == 36


def test_held_out_rows_are_in_no_task(source):
    corpus = source.corpora[0]
    functionals, activation, valence = corpus.functionals.copy(), corpus.label[:, 0].copy(), corpus.label[:, 1].copy()
    functionals[:12], activation[:12], valence[:12] = 1e4, 5.0, 1.0
    changed = with_cells(corpus, functionals=functionals, activation=activation, valence=valence)
    before, after = plan(source, make_config()), plan(PooledSource.of([changed]), make_config())
    for one, other in zip(before, after, strict=True):
        np.testing.assert_array_equal(one.task.features, other.task.features)
        if one.task.label is not None:
            np.testing.assert_array_equal(one.task.label, other.task.label)


@pytest.mark.parametrize(
    ("methods", "columns", "message"),
    [
        (["activation"], {"activation": NAN}, "cats: no utterance has a rating of activation; give its label sheet"),
        (
            ["joint"],
            {"valence": NAN},
            "no utterance has a rating of activation and valence; .* in a table, columns activation and valence; or leave the method joint out",
        ),
        (
            ["valence"],
            {"valence": 3.0},
            "cats: valence is 3 for all 48 utterances; .* leave the method valence out, as with --method unsupervised",
        ),
        (["unsupervised", "joint"], {"activation": 2.5}, "cats: activation is 2.5 for all 48 utterances"),
        (
            ["joint"],
            {"activation": [1.0, 2.0] * 12 + [NAN] * 24, "valence": [NAN] * 24 + [1.0, 2.0] * 12},
            "no utterance has a rating of activation and valence",
        ),
    ],
)
def test_a_method_without_labels_is_told_in_one_line(source, methods, columns, message):
    pool = PooledSource.of([with_cells(source.corpora[0], **columns)])
    with pytest.raises(ConfigError, match=message) as told:
        check_labels(pool, methods)
    assert "\n" not in str(told.value)


def test_labels_are_asked_for_only_where_they_are_used():
    source = PooledSource.of([make_corpus("cats", labelled=False)])
    check_labels(source, ["unsupervised"])
    check_labels(PooledSource.of([with_cells(source.corpora[0], valence=[1.0, 2.0] * 24)]), ["unsupervised", "valence"])


# Upper bounds of table 3


def test_upper_bounds_are_trained_on_the_target_by_speaker():
    target = make_corpus("dogs", n_speakers=6)
    jobs = list(supervised_jobs(target, make_config(n_folds=3, seed=2)))
    assert [(job.fold, job.method) for job in jobs] == [
        (fold, name) for fold in (1, 2, 3) for name in SUPERVISED.values()
    ]
    for job in jobs:
        features, rows = job.held_out.features, job.held_out.rows
        train = np.setdiff1d(np.arange(72), rows)
        assert not set(target.speaker[train]) & set(target.speaker[rows])
        own = target.functionals[train]
        expected = (target.functionals - own.mean(axis=0)) / own.std(axis=0)
        np.testing.assert_allclose(job.task.features, expected[train], rtol=1e-3, atol=1e-5)
        np.testing.assert_allclose(features, expected[rows], rtol=1e-3, atol=1e-5)
        np.testing.assert_array_equal(job.task.label[:, 0], target.label[train, label_columns(job.labels)[0]])
        assert (job.corpus, job.seed, job.task.seed) == ("dogs", 2, 2000 + job.fold)
    assert sorted(np.concatenate([job.held_out.rows for job in jobs[::2]])) == list(range(72))


def test_few_speakers_give_fewer_folds():
    jobs = list(supervised_jobs(make_corpus("dogs", n_speakers=2), make_config()))
    assert [job.fold for job in jobs] == [1, 1, 2, 2]


def test_few_utterances_give_fewer_folds():
    target = make_corpus("dogs", n_speakers=6, n_takes=1)
    rare = with_cells(target, emotion=[*"abcdefghijklmnopqrstuv", "sad", "sad"])
    assert {job.fold for job in supervised_jobs(rare, make_config())} == {1, 2}


@pytest.mark.parametrize("speaker", [None, "only"])
def test_no_upper_bound_without_two_known_speakers(speaker):
    assert list(supervised_jobs(with_cells(make_corpus("dogs"), speaker=speaker), make_config())) == []


def test_no_upper_bound_for_a_method_or_label_that_is_not_there():
    target = make_corpus("dogs")
    assert {job.labels for job in supervised_jobs(target, make_config(methods=["valence", "joint"]))} == {("valence",)}
    constant = with_cells(target, activation=3.0)
    assert {job.labels for job in supervised_jobs(constant, make_config())} == {("valence",)}
    assert list(supervised_jobs(make_corpus("dogs", labelled=False), make_config())) == []


def test_a_fold_whose_training_rows_lack_the_label_is_left_out():
    target = make_corpus("dogs", n_speakers=3)
    only_one = np.where(target.speaker == "dogs/s0", target.label[:, 0], NAN)
    jobs = [
        job
        for job in supervised_jobs(with_cells(target, activation=only_one), make_config())
        if job.labels == ("activation",)
    ]
    assert len(jobs) == 2
    assert all("dogs/s0" not in target.speaker[job.held_out.rows] for job in jobs)
