"""Means, spreads and intervals by hand."""

import warnings
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
import statsmodels.api
from scipy.spatial.distance import pdist
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import cross_val_predict
from sklearn.svm import SVC

import affectmap.stats.scores
from affectmap.preparation.folds import speaker_folds
from affectmap.schema import FOUR_CLASSES
from affectmap.stats import scores as evaluation
from affectmap.stats.intervals import left_out
from affectmap.stats.measures import scenarios
from affectmap.stats.metrics import sampled_pairwise_adjusted_r2
from affectmap.stats.scores import (
    MANY_PREDICTORS,
    RUN_COLUMNS,
    SUMMARY_COLUMNS,
    Key,
    Run,
    Scores,
    SourceClassifiers,
    class_scores,
    cross_validated_scores,
    label_scores,
    linear_svc,
    pairwise_scores,
)
from factories import FOUR, RUN, make_embedded, make_score

NAN = float("nan")
KEY = make_score(0.0).key


def test_summary_by_hand():
    values = (0.5, 0.6, 0.7, 0.9)
    scores = Scores(
        make_score(v, [v - 0.1, v, v + 0.1], fold=k % 2 + 1, seed=k // 2, n=100 + k) for k, v in enumerate(values)
    )
    (row,) = scores.summary().to_dict("records")
    assert tuple(row) == SUMMARY_COLUMNS
    assert tuple(row[name] for name in Key._fields) == KEY
    assert row["mean"] == pytest.approx(0.675)
    assert row["sd"] == pytest.approx(np.sqrt((0.175**2 + 0.075**2 + 0.025**2 + 0.225**2) / 3))
    # On the scale of shares, arcsin of the root, two thirds of the squared moves are summed; t of 2 is 4.303.
    angle = np.arcsin(np.sqrt([0.575, 0.675, 0.775]))
    margin = 4.30265 * np.sqrt(2 / 3 * np.sum((angle - angle[1]) ** 2))
    assert [row["ci_low"], row["ci_high"]] == pytest.approx(
        [np.sin(angle[1] - margin) ** 2, np.sin(angle[1] + margin) ** 2], abs=1e-4
    )
    assert (row["n_runs"], row["n"], row["n_speakers"]) == (4, 102, 3)
    assert row["significant"] is None
    assert np.isnan(row["p_speakers"])


def test_one_run_has_no_spread():
    (row,) = Scores([make_score(0.5)]).summary().to_dict("records")
    assert np.isnan(row["sd"])
    assert (row["mean"], row["n_runs"]) == (0.5, 1)


def test_what_cannot_be_computed_is_left_out_of_means():
    scores = Scores(
        [make_score(0.4, [0.3, 0.5]), make_score(NAN, [NAN, NAN], fold=2), make_score(0.8, [0.7, 0.9], fold=3)]
    )
    assert scores.mean(KEY) == pytest.approx(0.6)
    (row,) = scores.summary().to_dict("records")
    assert row["sd"] == pytest.approx(np.std([0.4, 0.8], ddof=1))
    assert row["n_runs"] == 3


def test_nothing_computable_is_nan_without_a_warning():
    scores = Scores([make_score(NAN, [NAN, NAN]), make_score(NAN, [NAN, NAN], fold=2)])
    assert np.isnan(scores.mean(KEY))
    (row,) = scores.summary().to_dict("records")
    assert np.isnan([row["mean"], row["sd"], row["ci_low"], row["ci_high"]]).all()


def test_significant_is_by_the_test_over_speakers_and_not_over_utterances():
    rng = np.random.default_rng(3)
    speaker = np.repeat([*"abcdefgh"], 30)
    label = rng.uniform(1, 5, 240)
    slope = np.repeat([1, -1, 1, -1, 1, -1, 1, 0.5], 30)  # every speaker in a direction of its own
    same, own = (
        make_embedded(s * label + rng.normal(size=240), label=np.column_stack([label] * 2), speaker=speaker)
        for s in (1, slope)
    )
    for on, expected in ((same, True), (own, False)):
        row = Scores(label_scores(RUN, on, "zero-shot")).summary().iloc[0]
        assert row["significant"] == expected == (row["p_speakers"] < 0.05)
    assert all(score.p_value < 0.001 for score in label_scores(RUN, same, "zero-shot"))


def test_folds_share_the_signs_of_their_speakers():
    rng = np.random.default_rng(4)
    label, speaker = rng.uniform(1, 5, (120, 2)), np.repeat([*"abcdef"], 20)
    cloud = make_embedded(label[:, :1] + rng.normal(size=(120, 1)), label=label, speaker=speaker)
    pairs = [cloud.rows(np.isin(speaker, [*names])) for names in ("ab", "cd", "ef", "ac", "bd")]
    scores = Scores(next(label_scores(Run("PCA-2", k, 0), part, "held-out")) for k, part in enumerate(pairs, 1))
    (row,) = scores.summary().to_dict("records")
    # Signs of two groups, of four speakers and of two, may change together: 1 in 16 patterns is as large.
    assert np.isnan(row["p_speakers"])
    assert row["n_speakers"] == 6
    more = [*pairs, cloud.rows(np.isin(speaker, [*"de"]))]
    scores = Scores(next(label_scores(Run("PCA-2", k, 0), part, "held-out")) for k, part in enumerate(more, 1))
    assert scores.summary()["p_speakers"].tolist() == [1 / 32]


def test_every_value_is_a_row():
    scores = Scores(
        [make_score(0.5, fold=1), make_score(0.1, table="3", p_value=0.02, n=7), make_score(0.6, fold=2, seed=3)]
    )
    runs = scores.runs()
    assert tuple(runs.columns) == RUN_COLUMNS
    assert runs[["table", "fold", "seed", "value", "n"]].values.tolist() == [
        ["4", 1, 0, 0.5, 100],
        ["4", 2, 3, 0.6, 100],
        ["3", 1, 0, 0.1, 7],
    ]
    assert runs["p_value"].isna().tolist() == [True, True, False]


def test_cells_come_in_the_order_in_which_they_were_first_seen():
    scores = Scores(make_score(0.5, corpus=corpus) for corpus in ("dogs", "cats", "dogs", "ants"))
    assert [key.corpus for key in scores] == ["dogs", "cats", "ants"]
    assert KEY in scores
    assert KEY._replace(table="1") not in scores
    with pytest.raises(KeyError):
        scores.mean(KEY._replace(table="1"))


def test_cells_differ_in_every_part_of_their_key():
    others = [KEY._replace(**{name: "else"}) for name in Key._fields]
    scores = Scores([make_score(1.0), *(make_score(0.0)._replace(key=other) for other in others)])
    assert scores.mean(KEY) == 1.0
    assert len(scores.summary()) == 7


def test_no_scores_make_empty_tables():
    scores = Scores([])
    assert list(scores) == []
    assert tuple(scores.runs().columns) == RUN_COLUMNS
    assert tuple(scores.summary().columns) == SUMMARY_COLUMNS
    assert isinstance(scores.summary(), pd.DataFrame)
    assert scores.summary().empty


@pytest.fixture
def cloud():
    """60 utterances of six speakers in two dimensions; activation follows the first, valence nothing."""
    rng = np.random.default_rng(5)
    space = rng.normal(size=(60, 2))
    label = np.column_stack([3 + space[:, 0] + 0.3 * rng.normal(size=60), rng.uniform(1, 5, 60)])
    return make_embedded(space, label=label, speaker=np.repeat([*"abcdef"], 10), role="source")


def regression(label: np.ndarray, predictors: np.ndarray):
    return statsmodels.api.OLS(label, statsmodels.api.add_constant(predictors)).fit()


def test_table_3_is_a_linear_regression(cloud):
    for name, score, label in zip(
        ("activation", "valence"), label_scores(RUN, cloud, "held-out"), cloud.label.T, strict=True
    ):
        fit = regression(label, cloud.embedding)
        assert score.key == ("3", "PCA-2", "cats", "source", name, "held-out")
        assert (score.value, score.p_value) == (pytest.approx(fit.rsquared_adj), pytest.approx(fit.f_pvalue))
        assert (score.n, score.fold, score.seed) == (60, 1, 0)


def test_table_1_is_a_regression_over_all_pairs(cloud):
    for name, score, label in zip(("activation", "valence"), pairwise_scores(RUN, cloud), cloud.label.T, strict=True):
        fit = regression(pdist(cloud.embedding), pdist(label[:, None]))
        assert score.key == ("1", "PCA-2", "cats", "source", name, "held-out")
        assert score.value == pytest.approx(fit.rsquared_adj)
        assert score.n == 60 * 59 / 2


def test_pairs_depend_on_each_other_so_they_get_no_p_value(cloud):
    assert all(np.isnan(score.p_value) for score in pairwise_scores(RUN, cloud))


def test_without_a_speaker_it_is_the_value_of_the_others(cloud):
    for found in (label_scores(RUN, cloud, "held-out"), pairwise_scores(RUN, cloud)):
        of_rest = label_scores if next(iter(found)).key.table == "3" else pairwise_scores
        for name in "abcdef":
            rest = cloud.rows(cloud.speaker != name)
            arguments = ["held-out"] if of_rest is label_scores else []
            for whole, part in zip(of_rest(RUN, cloud, *arguments), of_rest(RUN, rest, *arguments), strict=True):
                assert whole.left_out.without["cats", name] == pytest.approx(part.value)


def test_missing_labels_leave_their_rows_out(cloud):
    cloud.label[::3, 0] = np.nan
    known = np.isfinite(cloud.label[:, 0])
    activation, valence = label_scores(RUN, cloud, "held-out")
    assert (activation.n, valence.n) == (40, 60)
    assert activation.value == pytest.approx(regression(cloud.label[known, 0], cloud.embedding[known]).rsquared_adj)
    pairs, _ = pairwise_scores(RUN, cloud)
    assert pairs.n == 40 * 39 / 2


@pytest.mark.parametrize(("n_known", "expected"), [(60, 2), (7, 2), (6, 1), (0, 1)])
def test_a_regression_needs_more_than_twice_its_coefficients(cloud, n_known, expected):
    cloud.label[n_known:, 0] = np.nan
    assert len(list(label_scores(RUN, cloud, "held-out"))) == expected


@pytest.mark.parametrize(("n_known", "expected"), [(3, 2), (2, 1), (0, 1)])
def test_pairs_need_three_labels(cloud, n_known, expected):
    cloud.label[n_known:, 0] = np.nan
    assert len(list(pairwise_scores(RUN, cloud))) == expected


def test_a_constant_label_has_nothing_to_explain(cloud):
    cloud.label[:, 1] = 3.0
    _, valence = label_scores(RUN, cloud, "held-out")
    assert np.isnan([valence.value, valence.p_value]).all()
    assert np.isnan([*valence.left_out.without.values()]).all()


def test_with_many_predictors_there_is_no_interval():
    rng = np.random.default_rng(0)
    speaker = np.repeat([*"abcdef"], 20)
    for n_dims, told in ((MANY_PREDICTORS, True), (MANY_PREDICTORS + 1, False)):
        wide = make_embedded(rng.normal(size=(120, n_dims)), label=rng.uniform(1, 5, (120, 2)), speaker=speaker)
        for score in label_scores(RUN, wide, "within"):
            assert np.isfinite(score.value)
            assert len(score.left_out.without) == 6
            row = Scores([score]).summary().iloc[0]
            assert np.isfinite([row["ci_low"], row["p_speakers"]]).tolist() == [told, told]


def test_a_single_speaker_has_a_value_and_no_interval(cloud):
    alone = make_embedded(cloud.embedding, label=cloud.label, speaker=["a"] * 60)
    for scores in (label_scores, pairwise_scores):
        for score in scores(RUN, alone, *(["held-out"] if scores is label_scores else [])):
            assert np.isfinite(score.value)
            assert np.isnan([*score.left_out.without.values()]).all()


def test_rows_by_number_and_by_mask_take_everything_along(cloud):
    rows = np.array([4, 2, 50])
    mask = np.zeros(60, dtype=bool)
    mask[rows] = True
    by_number, by_mask = cloud.rows(rows), cloud.rows(mask)
    for name in ("embedding", "emotion", "label", "speaker", "file"):
        np.testing.assert_array_equal(getattr(by_number, name), getattr(cloud, name)[rows])
        np.testing.assert_array_equal(getattr(by_mask, name), getattr(cloud, name)[np.sort(rows)])
    assert (by_mask.corpus, by_mask.role) == ("cats", "source")


def test_a_run_labels_its_scores(cloud):
    run = Run("DAE-Metric-Act", 3, 7)
    score = run.score("4", cloud, "N-S-A", "probe", 60, left_out(0.5, [0.5, 0.5], "ab", [30, 30]))
    assert score.key == ("4", "DAE-Metric-Act", "cats", "source", "N-S-A", "probe")
    assert (score.fold, score.seed, score.value, score.n) == (3, 7, 0.5, 60)
    assert np.isnan(score.p_value)


def test_more_noise_explains_less(cloud):
    rng = np.random.default_rng(1)
    noisy = [
        make_embedded(cloud.embedding + sigma * rng.normal(size=(60, 2)), label=cloud.label, speaker=cloud.speaker)
        for sigma in (0.0, 1.0, 5.0)
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        values = [next(label_scores(RUN, each, "held-out")).value for each in noisy]
    assert all(a > b for a, b in pairwise(values))


def test_above_the_limit_pairs_are_sampled_and_at_the_limit_they_are_not(monkeypatch):
    rng = np.random.default_rng(2)
    space = rng.normal(size=(2000, 2))
    label = np.column_stack([space[:, 0] + rng.normal(size=2000), rng.uniform(1, 5, 2000)])
    label[:100, 1] = np.nan
    cloud = make_embedded(space, label=label, speaker=np.repeat([*"abcdefghij"], 200), role="source")
    exact = list(pairwise_scores(RUN, cloud))
    monkeypatch.setattr(evaluation, "EXACT_UTTERANCES", 1900)
    activation, valence = pairwise_scores(RUN, cloud)
    assert activation.n == 1_000_000
    assert activation.value == sampled_pairwise_adjusted_r2(space, label[:, 0]).adjusted_r2
    assert activation.value == pytest.approx(exact[0].value, abs=0.01)
    moves = [np.array([*one.left_out.without.values()]) - one.value for one in (activation, exact[0])]
    np.testing.assert_allclose(*moves, atol=0.003)
    assert valence.left_out == exact[1].left_out
    assert (valence.value, valence.n) == (exact[1].value, 1900 * 1899 / 2)


CENTRES = {"neutral": (-1, 0), "sad": (-3, -2), "happy": (3, 2), "angry": (3, -2), "fear": (0, 9)}


def make_blobs(emotions=FOUR, *, n_speakers=5, n_takes=6, spread=1.5, seed=0, corpus="dogs", role="target"):
    rng = np.random.default_rng(seed)
    rows = [(e, s) for s in range(n_speakers) for e in emotions for _ in range(n_takes)]
    centres = np.array([CENTRES.get(e, (0, 0)) for e, _ in rows], dtype=float)
    return make_embedded(
        centres + spread * rng.normal(size=centres.shape),
        [e for e, _ in rows],
        speaker=[f"{corpus}/s{s}" for _, s in rows],
        corpus=corpus,
        role=role,
    )


def by_quantity(scores, table="4"):
    found = [score for score in scores if score.key.table == table]
    assert len({(score.key, score.fold) for score in found}) == len(found)
    return {score.key.quantity: score for score in found}


@pytest.fixture
def train():
    return make_blobs(seed=1, corpus="cats", role="source")


# Scenarios


@pytest.mark.parametrize(
    ("emotions", "names"),
    [
        (["neutral", "sad", "happy", "angry", "fear"], ["N-S-H-A", "N-S-A"]),
        (["sad", "happy", "angry", None], ["S-H-A", "S-A"]),
        (["neutral", "sad", "happy"], ["N-S-H", "N-S"]),
        (["neutral", "sad", "angry"], ["N-S-A"]),
        (["happy", "angry"], ["H-A"]),
        (["angry", "fear"], []),
        ([], []),
    ],
)
def test_scenarios_of_one_corpus(emotions, names):
    found = scenarios(emotions)
    assert list(found) == names
    assert all([str(e)[0].upper() for e in classes] == name.split("-") for name, classes in found.items())


def test_scenarios_are_what_all_have_in_common():
    assert list(scenarios(FOUR, ["sad", "happy", "angry"])) == ["S-H-A", "S-A"]
    assert list(scenarios(["neutral", "happy", "sad"], ["sad", "happy", "angry"])) == ["S-H"]
    assert scenarios(FOUR, ["sad"]) == {}


def test_the_classifier_is_the_paper_s():
    model = linear_svc(0.3)
    assert (model.kernel, model.C, model.class_weight) == ("linear", 0.3, "balanced")


# Zero-shot and held-out


def test_uar_of_a_source_classifier_on_a_target(train):
    target = make_blobs(seed=2)
    found = by_quantity(class_scores(RUN, SourceClassifiers(train, 0.5), target, "zero-shot"))
    assert list(found) == ["N-S-H-A", "N-S-A"]
    for name, classes in scenarios(FOUR).items():
        of_train, of_target = np.isin(train.emotion.astype(str), classes), np.isin(target.emotion.astype(str), classes)
        model = SVC(kernel="linear", C=0.5, class_weight="balanced")
        model.fit(train.embedding[of_train], train.emotion[of_train].astype(str))
        truth, prediction = target.emotion[of_target].astype(str), model.predict(target.embedding[of_target])
        score = found[name]
        assert score.value == pytest.approx(balanced_accuracy_score(truth, prediction))
        assert (score.n, score.key.corpus, score.key.reading) == (of_target.sum(), "dogs", "zero-shot")
        for (_, name), value in score.left_out.without.items():
            rest = target.speaker[of_target] != name
            assert value == pytest.approx(balanced_accuracy_score(truth[rest], prediction[rest]))


def test_rare_classes_weigh_as_much_as_others(train):
    # Nine of ten are sad; always saying sad would be right for nine of ten, and has a UAR of one half.
    target = make_embedded([[-3.0, -2.0]] * 10, ["sad"] * 9 + ["angry"], corpus="dogs")
    assert by_quantity(class_scores(RUN, SourceClassifiers(train, 1.0), target, "zero-shot"))["S-A"].value == 0.5


def test_a_target_without_neutral_is_told_apart_in_the_classes_it_has(train):
    target = make_blobs(("sad", "happy", "angry"), spread=0.1)
    found = by_quantity(class_scores(RUN, SourceClassifiers(train, 1.0), target, "zero-shot"))
    assert {name: score.value for name, score in found.items()} == {"S-H-A": 1.0, "S-A": 1.0}


def test_a_source_without_neutral_teaches_no_neutral():
    train = make_blobs(("sad", "happy", "angry"), corpus="cats", role="source")
    target = make_blobs(FOUR)
    found = by_quantity(class_scores(RUN, SourceClassifiers(train, 1.0), target, "zero-shot"))
    assert {name: score.n for name, score in found.items()} == {"S-H-A": 90, "S-A": 60}


def test_other_emotions_and_missing_ones_take_no_part(train):
    known = make_blobs(spread=1.0)
    more = make_embedded(
        np.vstack([known.embedding, [[0.0, 9.0]] * 2]),
        [*known.emotion, "fear", None],
        speaker=[*known.speaker, "dogs/s0", "dogs/s1"],
        corpus="dogs",
    )
    for extra_train in (train, make_blobs((*FOUR, "fear"), seed=1, corpus="cats", role="source")):
        without, with_more = (
            by_quantity(class_scores(RUN, SourceClassifiers(extra_train, 1.0), each, "zero-shot"))
            for each in (known, more)
        )
        assert {n: (s.value, s.n) for n, s in without.items()} == {n: (s.value, s.n) for n, s in with_more.items()}


def test_a_fold_is_judged_by_the_classes_of_its_corpus(train):
    fold = make_blobs(("sad", "happy", "angry"), spread=0.1, corpus="cats", role="source")
    every = np.array(FOUR, dtype=object)
    found = by_quantity(class_scores(RUN, SourceClassifiers(train, 1.0), fold, "held-out", corpus_emotion=every))
    assert list(found) == ["N-S-H-A", "N-S-A"]


def test_a_fold_of_one_class_gives_no_recall_to_average(train):
    fold = make_embedded(np.zeros((4, 2)), ["sad", "sad", "happy", "fear"], corpus="cats", role="source")
    found = by_quantity(
        class_scores(RUN, SourceClassifiers(train, 1.0), fold, "held-out", corpus_emotion=np.array(FOUR))
    )
    assert list(found) == ["N-S-H-A"]


def test_each_set_of_classes_is_fitted_once(train, monkeypatch):
    fitted = []
    monkeypatch.setattr(affectmap.stats.scores, "linear_svc", lambda c: fitted.append(c) or linear_svc(c))
    classifiers = SourceClassifiers(train, 0.7)
    for target in (make_blobs(seed=3), make_blobs(seed=4)):
        list(class_scores(RUN, classifiers, target, "zero-shot"))
    assert fitted == [0.7, 0.7]
    target = make_blobs(("sad", "happy", "angry"))
    list(class_scores(RUN, classifiers, target, "zero-shot"))
    assert len(fitted) == 4


# Happy and angry


class Oracle:
    """Says what it is told to."""

    def __init__(self, train, prediction):
        self.emotion, self.prediction = train.emotion, np.array(prediction, dtype=object)

    def predict(self, classes, embedding):
        return self.prediction[: len(embedding)]


def confusion(truth, prediction, speaker=None, train=None):
    on = make_embedded(np.zeros((len(truth), 2)), truth, speaker=speaker, corpus="dogs")
    source = make_embedded(np.zeros((4, 2)), FOUR) if train is None else train
    scores = class_scores(RUN, Oracle(source, prediction), on, "zero-shot")
    return [score for score in scores if score.key.table == "d"], on


def test_confusion_by_hand():
    truth = ["happy"] * 4 + ["angry"] * 4 + ["sad"] * 2 + ["neutral"]
    told = ["angry", "angry", "sad", "happy", "happy", "neutral", "angry", "angry", "happy", "sad", "neutral"]
    (score,), _ = confusion(truth, told)
    # Five errors of happy and angry, three of them swaps; evenly spread errors would make it one third.
    assert score.value == pytest.approx(3 / 5 - 1 / 3)
    assert (score.n, score.key.quantity, score.key.reading) == (5, "happy-angry confusion", "zero-shot")


def test_confusion_without_neutral_is_compared_with_one_half():
    train = make_embedded(np.zeros((3, 2)), ["sad", "happy", "angry"])
    (score,), _ = confusion(["happy", "happy", "angry", "sad"], ["angry", "sad", "happy", "sad"], train=train)
    assert score.value == pytest.approx(2 / 3 - 1 / 2)


def test_confusion_without_each_speaker():
    truth = ["happy", "angry", "sad", "neutral"] * 3
    told = ["angry", "angry", "sad", "sad", "sad", "happy", "sad", "neutral", "neutral", "angry", "sad", "neutral"]
    (score,), _ = confusion(truth, told, np.repeat(["a", "b", "c"], 4))
    # Errors of happy and angry: a one, a swap; b two, one a swap; c one, none.
    assert score.left_out.without == pytest.approx(
        {("dogs", "a"): 1 / 3 - 1 / 3, ("dogs", "b"): 1 / 2 - 1 / 3, ("dogs", "c"): 2 / 3 - 1 / 3}
    )


def test_without_the_only_speaker_with_errors_there_is_no_confusion():
    told = ["angry", "angry", "sad", "neutral", *FOUR[2:], *FOUR[1::-1]]
    (score,), _ = confusion(["happy", "angry", "sad", "neutral"] * 2, told, ["a"] * 4 + ["b"] * 4)
    assert np.isnan(score.left_out.without["dogs", "a"])
    assert score.left_out.without["dogs", "b"] == pytest.approx(1 - 1 / 3)


def test_one_speaker_s_confusion_says_nothing_about_others():
    (score,), _ = confusion(["happy", "angry", "sad", "neutral"], ["angry"] * 4, ["dogs/a"] * 4)
    assert np.isfinite(score.value)
    assert np.isnan([*score.left_out.without.values()]).all()


def test_no_confusion_where_nothing_is_wrong_or_only_two_classes_compete():
    assert confusion([*FOUR], [*FOUR])[0] == []
    assert confusion(["neutral", "sad", "happy", "angry"], ["sad", "neutral", "happy", "angry"])[0] == []
    train = make_embedded(np.zeros((2, 2)), ["happy", "angry"])
    assert confusion(["happy", "angry"], ["angry", "happy"], train=train)[0] == []


# Probe and within


def test_the_probe_is_cross_validated_by_speaker():
    target = make_blobs(n_speakers=7, seed=5)
    found = by_quantity(cross_validated_scores(RUN, target, "probe", 0.5))
    folds = speaker_folds(target.speaker, target.emotion, 5)
    truth = target.emotion.astype(str)
    prediction = cross_val_predict(
        SVC(kernel="linear", C=0.5, class_weight="balanced"),
        target.embedding,
        truth,
        cv=[(fold.train, fold.test) for fold in folds],
    )
    score = found["N-S-H-A"]
    assert score.value == pytest.approx(balanced_accuracy_score(truth, prediction))
    assert (score.n, score.key.reading) == (168, "probe")
    for (_, name), value in score.left_out.without.items():
        rest = target.speaker != name
        assert value == pytest.approx(balanced_accuracy_score(truth[rest], prediction[rest]))


def test_the_probe_never_hears_the_speaker_it_is_tried_on():
    # Every speaker turns the classes round another way: known speakers could be told, unknown ones cannot.
    rng = np.random.default_rng(0)
    turn = np.array([1.0, -1.0])[np.repeat(np.arange(6) % 2, 20)]
    emotion = np.tile(np.repeat(["sad", "angry"], 10), 6)
    corner = 10.0 * np.repeat(np.arange(6), 20)
    space = np.column_stack([turn * np.where(emotion == "sad", -1, 1), corner]) + 0.1 * rng.normal(size=(120, 2))
    target = make_embedded(space, emotion, speaker=np.repeat([*"abcdef"], 20), corpus="dogs")
    assert by_quantity(cross_validated_scores(RUN, target, "probe", 1.0, n_folds=6))["S-A"].value < 0.6


def test_few_speakers_get_fewer_folds_and_one_gets_none():
    for n_speakers, n_scores in ((3, 2), (2, 2), (1, 0)):
        target = make_blobs(n_speakers=n_speakers, spread=0.1)
        assert len(list(cross_validated_scores(RUN, target, "probe", 1.0))) == n_scores


def test_a_speaker_of_one_emotion_counts_too():
    speaker = ["dogs/a", "dogs/a", "dogs/b", "dogs/b", "dogs/c", "dogs/c"]
    corpus = make_embedded(
        [-1.0, 1, -1, 1, 1, 1], ["sad", "angry", "sad", "angry", "angry", "angry"], None, speaker, corpus="dogs"
    )
    # Pooled over folds that speaker's recall counts.
    (probe,) = cross_validated_scores(RUN, corpus, "probe", 1.0)
    assert (probe.n, probe.value) == (6, 1.0)


@pytest.mark.parametrize(
    ("emotion", "speaker", "n_told"),
    [
        (["sad", "angry"], ["dogs/a", "dogs/b"], 0),
        (["sad", "sad", "angry", "angry"], ["dogs/a", "dogs/a", "dogs/b", "dogs/b"], 0),
        (["sad", "angry"] * 3, [f"dogs/{name}" for name in "abcdef"], 6),
    ],
)
def test_a_few_utterances_are_cross_validated_as_far_as_they_go(emotion, speaker, n_told):
    target = make_embedded([float(e == "sad") for e in emotion], emotion, speaker=speaker, corpus="dogs")
    told = [score.n for score in cross_validated_scores(RUN, target, "probe", 1.0)]
    assert told == ([n_told] if n_told else [])


def test_enough_of_the_classes_are_named_in_order():
    assert scenarios(["angry", "happy", "sad", "neutral"])["N-S-H-A"] == FOUR_CLASSES
