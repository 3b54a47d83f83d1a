"""Folds of a source, material of a fold, and the scores of a model; what may not leak does not."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score
from sklearn.svm import SVC

import affectmap.stats.scores
from affectmap.errors import ConfigError
from affectmap.experiment.config import ExperimentConfig
from affectmap.experiment.embeddings import embed_all, embed_rows, score
from affectmap.experiment.protocol import (
    METHOD_LABELS,
    Material,
    label_columns,
    make_material,
    make_materials,
    source_jobs,
    training_settings,
)
from affectmap.experiment.run_checks import check_labels
from affectmap.experiment.within_corpus import within_work
from affectmap.model.training import train_stacked
from affectmap.preparation.folds import Fold
from affectmap.preparation.pooled_source import PooledSource
from affectmap.preparation.standardisation import POLICIES
from affectmap.stats.baselines import FUNCTIONALS_88, PCA_2, baseline
from affectmap.stats.measures import scenarios
from affectmap.stats.scores import Run, SourceClassifiers
from affectmap.style import RIDGE
from factories import FOUR, RUN, folds_of, make_corpus, with_cells

CLASSES = scenarios(FOUR)["N-S-H-A"]


def make_config(**settings) -> ExperimentConfig:
    return ExperimentConfig(source=["cats=cats"], **settings)


def make_fold(source: PooledSource, held_out: list[str]) -> Fold:
    """Hold out the named speakers."""
    is_test = np.isin(source.speaker, held_out)
    return Fold("fold 1", np.flatnonzero(~is_test), np.flatnonzero(is_test), shares_speakers=False)


@pytest.fixture
def source() -> PooledSource:
    return PooledSource.of([make_corpus("cats", n_speakers=6, n_sessions=3)])


@pytest.fixture
def target():
    return make_corpus("dogs", n_speakers=5, seed=1, offset=3.0, scale=2.0)


# Material


@pytest.mark.parametrize("policy", POLICIES)
def test_targets_follow_the_policy(source, target, policy):
    fold = make_fold(source, ["cats/s0"])
    material = make_material(source, [target], fold, make_config(policy=policy, seed=3))
    features, rows = material.targets["dogs"].features, material.targets["dogs"].rows
    assert features.dtype == np.float32
    if policy == "source":
        own = source.corpora[0].functionals[fold.train]
        expected = (target.functionals - own.mean(axis=0)) / own.std(axis=0)
    elif policy == "target-20":
        rest = np.setdiff1d(np.arange(60), rows)
        assert len(rest) == 12
        fitted = target.functionals[rest]
        expected = ((target.functionals - fitted.mean(axis=0)) / fitted.std(axis=0))[rows]
    elif policy == "target-all":
        expected = (target.functionals - target.functionals.mean(axis=0)) / target.functionals.std(axis=0)
    else:
        expected = np.empty((60, 88))
        for name in set(target.speaker):
            own = target.functionals[target.speaker == name]
            expected[target.speaker == name] = (own - own.mean(axis=0)) / own.std(axis=0)
    np.testing.assert_allclose(features, expected, rtol=1e-3, atol=1e-4)


def test_a_target_is_the_same_in_every_fold(source, target):
    config = make_config(policy="target-20")
    one, other = (make_material(source, [target], make_fold(source, [name]), config) for name in ("cats/s0", "cats/s4"))
    for name in ("features", "rows"):
        np.testing.assert_array_equal(getattr(one.targets["dogs"], name), getattr(other.targets["dogs"], name))


def test_by_speaker_every_speaker_of_a_target_must_be_known(source, target):
    with pytest.raises(ConfigError, match="dogs: the speaker of 60 of 60 utterances is unknown"):
        make_material(source, [with_cells(target, speaker=None)], make_fold(source, []), make_config(policy="speaker"))


def test_a_target_too_small_for_the_policy_is_named(source):
    few = make_corpus("ants", ("sad", "angry"), n_speakers=1, n_takes=2)
    with pytest.raises(ConfigError, match="ants: policy 'target-20' takes its statistics from 1 of 4 utterances"):
        make_material(source, [few], make_fold(source, []), make_config(policy="target-20"))


@pytest.mark.parametrize("folds", ["speaker", "stratified", "corpus"])
@pytest.mark.parametrize("policy", POLICIES)
def test_every_policy_goes_with_every_kind_of_folds(target, policy, folds):
    pool = PooledSource.of([make_corpus("cats"), make_corpus("cows", seed=2, offset=-7.0)])
    config = make_config(policy=policy, folds=folds, n_folds=3)
    for fold in folds_of(pool, config):
        material = make_material(pool, [target], fold, config)
        assert np.isfinite(material.source.features).all()
        assert len(material.targets["dogs"].features) == (48 if policy == "target-20" else 60)
        if policy != "speaker":
            for name in set(pool.corpus_name[fold.train]):
                own = material.source.of(fold.train)[pool.corpus_name[fold.train] == name]
                np.testing.assert_allclose(own.mean(axis=0), 0, atol=1e-4)


# Placing


def test_rows_are_placed_with_all_that_is_known_of_them(source, target):
    fold = make_fold(source, ["cats/s2", "cats/s3"])
    material = make_material(source, [target], fold, make_config())
    embeddings = embed_all(RUN, source, [target], material, lambda features: features[:, :2])
    (held_out,), (dogs,) = embeddings.held_out, embeddings.targets
    assert (embeddings.train.corpus, held_out.corpus, dogs.corpus) == ("cats", "cats", "dogs")
    assert (embeddings.train.role, held_out.role, dogs.role) == ("source", "source", "target")
    for part, corpus, rows in (
        (embeddings.train, source, fold.train),
        (held_out, source, fold.test),
        (dogs, target, material.targets["dogs"].rows),
    ):
        assert part.emotion.tolist() == corpus.emotion[rows].tolist()
        assert part.speaker.tolist() == corpus.speaker[rows].tolist()
        assert part.file.tolist() == corpus.file[rows].tolist()
        np.testing.assert_array_equal(part.label, corpus.label[rows])
    assert held_out.embedding.dtype == np.float64
    np.testing.assert_array_equal(held_out.embedding, material.source.of(fold.test)[:, :2])
    np.testing.assert_array_equal(dogs.embedding, material.targets["dogs"].features[:, :2])


def test_a_pooled_source_is_held_out_corpus_by_corpus():
    pool = PooledSource.of([make_corpus("dogs"), make_corpus("cats", seed=1)])
    run = RUN
    both = make_fold(pool, ["cats/s0", "dogs/s1"])
    embeddings = embed_all(run, pool, [], make_material(pool, [], both, make_config()), lambda features: features)
    assert [(part.corpus, set(part.speaker)) for part in embeddings.held_out] == [
        ("dogs", {"dogs/s1"}),
        ("cats", {"cats/s0"}),
    ]
    one = make_fold(pool, ["cats/s0"])
    embeddings = embed_all(run, pool, [], make_material(pool, [], one, make_config()), lambda features: features)
    assert [part.corpus for part in embeddings.held_out] == ["cats"]
    assert embeddings.train.corpus == "dogs+cats"


# Scoring


def embed_by(method: str, source: PooledSource, targets: list, material: Material):
    """Place by a baseline."""
    run = Run(method, 1, 0)
    fitted = baseline(method).fit(material.source.of(material.fold.train), source.label[material.fold.train])
    return embed_all(run, source, targets, material, fitted.transform)


def test_a_model_gets_every_cell_of_the_tables_once(source, target):
    config = make_config()
    material = make_material(source, [target], make_fold(source, ["cats/s0", "cats/s1"]), config)
    scores = score(embed_by(PCA_2, source, [target], material), {"cats": source.emotion}, config)
    cells = Counter((each.key.table, each.key.corpus, each.key.reading) for each in scores if each.key.table != "d")
    assert cells == {
        ("1", "cats", "held-out"): 2,
        ("3", "cats", "held-out"): 2,
        ("3", "dogs", "zero-shot"): 2,
        ("4", "cats", "held-out"): 2,
        ("4", "dogs", "zero-shot"): 2,
        ("4", "dogs", "probe"): 2,
    }
    assert {(each.fold, each.seed, each.key.method) for each in scores} == {(1, 0, PCA_2)}


def test_a_fold_has_the_classes_of_its_corpus_even_where_its_speakers_lack_one(source):
    fold = make_fold(source, ["cats/s0"])
    emotion = source.emotion.copy()
    emotion[(source.speaker == "cats/s0") & (emotion == "neutral")] = None
    pool = PooledSource.of([with_cells(source.corpora[0], emotion=emotion)])
    embeddings = embed_by(PCA_2, pool, [], make_material(pool, [], fold, make_config()))
    scores = score(embeddings, {"cats": emotion}, make_config())
    assert [each.key.quantity for each in scores if each.key.table == "4"] == ["N-S-H-A", "N-S-A"]


def test_functionals_themselves_have_no_probe_and_no_regression_here(source, target):
    config = make_config()
    material = make_material(source, [target], make_fold(source, ["cats/s0"]), config)
    scores = score(embed_by(FUNCTIONALS_88, source, [target], material), {"cats": source.emotion}, config)
    assert {(each.key.table, each.key.reading) for each in scores} - {("d", "held-out"), ("d", "zero-shot")} == {
        ("1", "held-out"),
        ("4", "held-out"),
        ("4", "zero-shot"),
    }


@pytest.mark.parametrize(("method", "c"), [(PCA_2, 2.0), (FUNCTIONALS_88, 0.01)])
def test_zero_shot_is_a_classifier_of_the_source_on_the_target(source, target, method, c):
    config = make_config(policy="target-all", svc_c=2.0, svc_c_functionals=0.01)
    fold = make_fold(source, ["cats/s0"])
    embeddings = embed_by(method, source, [target], make_material(source, [target], fold, config))
    scores = score(embeddings, {"cats": source.emotion}, config)
    found = next(each for each in scores if each.key[2:] == ("dogs", "target", "N-S-H-A", "zero-shot"))
    model = SVC(kernel="linear", C=c, class_weight="balanced").fit(
        embeddings.train.embedding, embeddings.train.emotion.astype(str)
    )
    prediction = model.predict(embeddings.targets[0].embedding)
    assert found.value == pytest.approx(balanced_accuracy_score(target.emotion.astype(str), prediction))
    assert found.n == 60


def test_no_classifier_is_fitted_twice_on_the_same_rows(source, target, monkeypatch):
    fitted = []

    class Recorded(SVC):
        def fit(self, X, y):
            fitted.append((self.C, np.asarray(X).tobytes(), tuple(y)))
            return super().fit(X, y)

    monkeypatch.setattr(affectmap.stats.scores, "linear_svc", lambda c: Recorded(kernel="linear", C=c))
    config = make_config(n_folds=3)
    cows = make_corpus("cows", ("sad", "happy", "angry"), seed=5)
    material = make_material(source, [target, cows], make_fold(source, ["cats/s0"]), config)
    for method in (PCA_2, FUNCTIONALS_88):
        score(embed_by(method, source, [target, cows], material), {"cats": source.emotion}, config)
    for work in within_work(source, [material], config):
        work()
    assert len(fitted) == len(set(fitted)) > 20


def test_without_speakers_there_is_no_probe_and_no_interval(source, target):
    nameless = with_cells(target, speaker=None)
    material = make_material(source, [nameless], make_fold(source, ["cats/s0"]), make_config())
    embeddings = embed_by(PCA_2, source, [nameless], material)
    scores = [each for each in score(embeddings, {"cats": source.emotion}, make_config()) if each.key.corpus == "dogs"]
    assert scores
    assert all(each.key.reading == "zero-shot" and len(each.left_out.without) == 1 for each in scores)


# Leaks


def predictions(embeddings, c: float = 1.0) -> np.ndarray:
    return SourceClassifiers(embeddings.train, c).predict(CLASSES, embeddings.targets[0].embedding)


@pytest.mark.parametrize("method", [PCA_2, RIDGE, FUNCTIONALS_88])
@pytest.mark.parametrize("policy", POLICIES)
def test_labels_of_a_target_change_no_embedding_and_no_zero_shot_prediction(source, target, policy, method):
    config, fold = make_config(policy=policy), make_fold(source, ["cats/s0"])
    liar = with_cells(target, emotion=target.emotion[::-1], activation=np.nan, valence=5.0 - target.label[::-1, 1])
    true, false = (
        embed_by(method, source, [each], make_material(source, [each], fold, config)) for each in (target, liar)
    )
    np.testing.assert_array_equal(true.targets[0].embedding, false.targets[0].embedding)
    np.testing.assert_array_equal(predictions(true), predictions(false))
    assert true.targets[0].emotion.tolist() != false.targets[0].emotion.tolist()


@pytest.mark.parametrize("method", [PCA_2, RIDGE, FUNCTIONALS_88])
@pytest.mark.parametrize("policy", POLICIES)
def test_a_held_out_row_changes_nothing_but_itself(source, target, policy, method):
    config, fold = make_config(policy=policy), make_fold(source, ["cats/s2", "cats/s3"])
    corpus = source.corpora[0]
    functionals, emotion, activation = corpus.functionals.copy(), corpus.emotion.copy(), corpus.label[:, 0].copy()
    functionals[fold.test] **= 2
    emotion[fold.test], activation[fold.test] = "angry", 1.0
    changed = PooledSource.of([with_cells(corpus, functionals=functionals, emotion=emotion, activation=activation)])
    before, after = (
        embed_by(method, each, [target], make_material(each, [target], fold, config)) for each in (source, changed)
    )
    np.testing.assert_array_equal(before.train.embedding, after.train.embedding)
    np.testing.assert_array_equal(before.targets[0].embedding, after.targets[0].embedding)
    np.testing.assert_array_equal(predictions(before), predictions(after))
    assert (before.held_out[0].embedding != after.held_out[0].embedding).any()


@pytest.mark.parametrize("policy", POLICIES)
def test_features_of_a_target_change_nothing_in_the_source(source, target, policy):
    config, fold = make_config(policy=policy), make_fold(source, ["cats/s0"])
    loud = replace(target, functionals=target.functionals * 100)
    before, after = (make_material(source, [each], fold, config) for each in (target, loud))
    np.testing.assert_array_equal(before.source.features, after.source.features)
    np.testing.assert_array_equal(before.statistics.mean, after.statistics.mean)


def test_with_the_policy_source_a_target_row_changes_no_other(source, target):
    functionals = target.functionals.copy()
    functionals[5] = 1e3
    config, fold = make_config(policy="source"), make_fold(source, ["cats/s0"])
    before, after = (
        make_material(source, [each], fold, config).targets["dogs"].features
        for each in (target, with_cells(target, functionals=functionals))
    )
    np.testing.assert_array_equal(np.delete(before, 5, axis=0), np.delete(after, 5, axis=0))


def test_with_target_20_an_evaluated_row_changes_no_other(source, target):
    config, fold = make_config(policy="target-20"), make_fold(source, ["cats/s0"])
    scaled = make_material(source, [target], fold, config).targets["dogs"]
    features, rows = scaled.features, scaled.rows
    functionals = target.functionals.copy()
    functionals[rows[7]] = 1e3
    scaled = make_material(source, [with_cells(target, functionals=functionals)], fold, config).targets["dogs"]
    again, same = scaled.features, scaled.rows
    assert same.tolist() == rows.tolist()
    np.testing.assert_array_equal(np.delete(features, 7, axis=0), np.delete(again, 7, axis=0))


def test_embed_rows_takes_the_rows_it_is_told(target):
    rows = np.array([3, 1])
    part = embed_rows(target, "target", np.ones((2, 2), dtype=np.float32), rows)
    assert part.file.tolist() == [target.file[3], target.file[1]]
    assert part.embedding.dtype == np.float64


def test_rows_of_which_nothing_is_known_take_part_in_no_score(source, target):
    emotion = source.corpora[0].emotion.copy()
    emotion[::3] = None
    unrated = source.corpora[0].label[:, 0].copy()
    unrated[::2] = np.nan
    cats = with_cells(source.corpora[0], emotion=emotion, activation=unrated, valence=unrated)
    pool, config = PooledSource.of([cats]), make_config()
    material = make_material(pool, [target], make_fold(pool, ["cats/s0"]), config)
    run = RUN
    whole, known = (
        embed_all(run, pool, [target], material, lambda features: features[:, :2], only_known=only)
        for only in (False, True)
    )
    assert len(known.train.emotion) < len(whole.train.emotion)
    unknown = [e is None and np.isnan(a) for e, a in zip(emotion, unrated, strict=True)]
    assert len(known.train.emotion) + len(known.held_out[0].emotion) == len(emotion) - sum(unknown)
    assert len(known.targets[0].emotion) == len(whole.targets[0].emotion)
    emotions = {"cats": cats.emotion}
    for one, other in zip(score(whole, emotions, config), score(known, emotions, config), strict=True):
        assert (one.key, one.value, one.n) == (other.key, other.value, other.n)
        assert one.left_out.without == pytest.approx(other.left_out.without, nan_ok=True)


NAN = float("nan")


def plan(cats: PooledSource, config: ExperimentConfig) -> list:
    test = np.arange(12)
    fold = Fold("fold", np.setdiff1d(np.arange(len(cats.emotion)), test), test, shares_speakers=False)
    return list(source_jobs(cats, make_material(cats, [], fold, config), config))


@pytest.fixture
def cats() -> PooledSource:
    return PooledSource.of([make_corpus("cats")])


def test_settings_are_the_preset_s_but_for_what_is_set():
    paper, authors = training_settings(make_config()), training_settings(make_config(preset="authors-code", epochs=7))
    assert (paper.epochs, paper.learning_rate, paper.batch_size, paper.noise_std) == (50, 1e-3, 64, 1.0)
    assert (paper.hidden_dims, paper.latent_dim) == ((40, 20, 10), 2)
    assert (authors.epochs, authors.learning_rate) == (7, 1e-4)


@pytest.mark.parametrize(("names", "columns"), [([], []), (["valence"], [1]), (["activation", "valence"], [0, 1])])
def test_columns_of_labels(names, columns):
    assert label_columns(names) == columns


def test_every_method_gets_its_own_labels_and_the_same_features(cats):
    jobs = {job.method: job for job in plan(cats, make_config())}
    assert list(jobs) == ["DAE-Unsupervised", "DAE-Metric-Act", "DAE-Metric-Val", "DAE-Metric-Joint"]
    label = cats.label[12:]
    assert jobs["DAE-Unsupervised"].task.label is None
    np.testing.assert_array_equal(jobs["DAE-Metric-Act"].task.label, label[:, :1])
    np.testing.assert_array_equal(jobs["DAE-Metric-Val"].task.label, label[:, 1:])
    np.testing.assert_array_equal(jobs["DAE-Metric-Joint"].task.label, label)
    values = cats.scaled(np.arange(12, 48), "target-20")[0].features
    for job in jobs.values():
        np.testing.assert_array_equal(job.task.features, values[12:])
        assert job.task.weight == 1.0
        assert job.labels == METHOD_LABELS[next(k for k, v in METHOD_LABELS.items() if v[0] == job.method)][1]


def test_batches_of_one_corpus_know_the_corpus_of_every_row():
    pool = PooledSource.of([make_corpus("cats"), make_corpus("dogs", seed=1)])
    mixed, by_group = (plan(pool, make_config(batches=batches))[0].task for batches in ("mixed", "by-group"))
    names = np.delete(pool.corpus_name, np.arange(12))
    assert mixed.group is None
    assert (by_group.group == (names == "dogs")).all()


def test_methods_of_a_fold_share_their_seed_and_no_other_fold_has_it(cats):
    config = make_config(n_seeds=3, seed=4, n_folds=4)
    jobs = [job for each in make_materials(cats, [], "speaker", config) for job in source_jobs(cats, each, config)]
    assert len(jobs) == 4 * 3 * 4
    seeds = {(job.fold, job.seed): set() for job in jobs}
    for job in jobs:
        seeds[job.fold, job.seed].add(job.task.seed)
    assert {seed for _, seed in seeds} == {4, 5, 6}
    assert all(len(each) == 1 for each in seeds.values())
    assert len(set.union(*seeds.values())) == 12


def test_every_seed_has_its_own_split_and_its_own_fifth_of_a_target():
    rng = np.random.default_rng(1)
    cats = make_corpus("cats")
    kept = np.sort(rng.choice(len(cats.table), 40, replace=False))  # speakers who are not alike
    source = PooledSource.of([replace(cats, table=cats.table.iloc[kept], functionals=cats.functionals[kept])])
    dogs = make_corpus("dogs", seed=1)
    config = make_config(n_seeds=4, seed=2, n_folds=2)
    materials = make_materials(source, [dogs], "speaker", config)
    assert [(each.seed, each.number) for each in materials] == [(s, k) for s in (2, 3, 4, 5) for k in (1, 2)]
    assert len({frozenset(each.fold.test.tolist()) for each in materials}) > 4
    evaluated = [tuple(each.targets["dogs"].rows) for each in materials]
    assert len(set(evaluated)) == 4
    assert evaluated[::2] == evaluated[1::2]
    for seed in (2, 3, 4, 5):  # the split of a seed holds every row out once
        tests = [each.fold.test for each in materials if each.seed == seed]
        assert sorted(np.concatenate(tests)) == list(range(40))
    alone = make_materials(source, [dogs], "speaker", replace(config, seed=4, n_seeds=1))
    for one, other in zip(alone, materials[4:6], strict=True):  # whatever seeds come before
        np.testing.assert_array_equal(one.fold.test, other.fold.test)
        np.testing.assert_array_equal(one.targets["dogs"].features, other.targets["dogs"].features)


def test_paired_methods_start_from_equal_weights(cats):
    config = make_config(epochs=1, learning_rate=1e-12)
    models = train_stacked([job.task for job in plan(cats, config)], training_settings(config))
    first, *others = [model.network.encoder[0].weight.detach().numpy() for model in models]
    for other in others:
        np.testing.assert_allclose(other, first, atol=1e-9)


def test_the_weight_of_the_metric_loss_is_passed_on(cats):
    assert {job.task.weight for job in plan(cats, make_config(weight=0.25))} == {0.25}


def test_an_unlabelled_corpus_of_the_pool_trains_without_pairs():
    pool = PooledSource.of([make_corpus("cats"), make_corpus("cows", seed=1, labelled=False)])
    check_labels(pool, ["activation", "joint"])
    job = plan(pool, make_config(methods=["activation"]))[0]
    assert len(job.task.features) == 84
    assert np.isfinite(job.task.label).sum() == 36


def test_held_out_rows_are_in_no_task(cats):
    corpus = cats.corpora[0]
    functionals, activation, valence = corpus.functionals.copy(), corpus.label[:, 0].copy(), corpus.label[:, 1].copy()
    functionals[:12], activation[:12], valence[:12] = 1e4, 5.0, 1.0
    changed = with_cells(corpus, functionals=functionals, activation=activation, valence=valence)
    before, after = plan(cats, make_config()), plan(PooledSource.of([changed]), make_config())
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
def test_a_method_without_labels_is_told_in_one_line(cats, methods, columns, message):
    pool = PooledSource.of([with_cells(cats.corpora[0], **columns)])
    with pytest.raises(ConfigError, match=message) as told:
        check_labels(pool, methods)
    assert "\n" not in str(told.value)


def test_labels_are_asked_for_only_where_they_are_used():
    cats = PooledSource.of([make_corpus("cats", labelled=False)])
    check_labels(cats, ["unsupervised"])
    check_labels(PooledSource.of([with_cells(cats.corpora[0], valence=[1.0, 2.0] * 24)]), ["unsupervised", "valence"])
