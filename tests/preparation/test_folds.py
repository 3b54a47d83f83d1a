import itertools
import re
import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from affectmap.errors import ConfigError
from affectmap.experiment.config import ExperimentConfig
from affectmap.preparation.folds import (
    Fold,
    fold_kind,
    folds_of_rows,
    leave_one_corpus_out,
    most_speaker_folds,
    session_folds,
    shared_speakers,
    speaker_folds,
    stratified_folds,
)
from affectmap.preparation.pooled_source import PooledSource
from factories import folds_of, make_corpus, with_cells

EMOTIONS = ["neutral", "sad", "happy", "angry"]


def corpus(seed=0, n_speakers=10, n_rows=200):
    rng = np.random.default_rng(seed)
    speaker = np.array([f"s{k:02}" for k in range(n_speakers)])[rng.integers(0, n_speakers, n_rows)]
    return speaker, np.array(EMOTIONS)[rng.integers(0, 4, n_rows)]


def assert_partition(folds, n_rows):
    tested = np.concatenate([fold.test for fold in folds])
    assert sorted(tested.tolist()) == list(range(n_rows))
    assert len({fold.name for fold in folds}) == len(folds)
    for fold in folds:
        assert len(fold.train)
        assert len(fold.test)
        both = np.concatenate([fold.train, fold.test])
        assert sorted(both.tolist()) == list(range(n_rows))
        assert (np.diff(fold.train) > 0).all()
        assert (np.diff(fold.test) > 0).all()


# By speaker


@pytest.mark.parametrize(
    ("speaker", "emotion", "expected"),
    [
        ([*"abcdefg"], ["sad"] * 7, 5),
        ([*"abc"], ["sad"] * 3, 3),
        ([*"abcde"], ["sad", "sad", "angry", None, None], 2),
        ([*"abc"], ["sad", "angry", None], 1),
        (["a", "a"], ["sad", "sad"], 1),
    ],
)
def test_as_many_folds_as_speakers_and_utterances_allow(speaker, emotion, expected):
    assert most_speaker_folds(speaker, emotion) == expected
    if expected > 1:
        assert len(speaker_folds(speaker, emotion, expected)) == expected
    if expected < 5:
        with pytest.raises(ConfigError):
            speaker_folds(speaker, emotion, max(expected + 1, 2))


@pytest.mark.parametrize("n_folds", [2, 3, 5, 10])
@pytest.mark.parametrize("seed", [0, 7])
def test_speaker_folds_keep_every_speaker_on_one_side(n_folds, seed):
    speaker, emotion = corpus()
    folds = speaker_folds(speaker, emotion, n_folds, seed)
    assert len(folds) == n_folds
    assert_partition(folds, 200)
    for fold in folds:
        assert not fold.shares_speakers
        assert not set(speaker[fold.train]) & set(speaker[fold.test])
        assert shared_speakers(fold, speaker) == []


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    cells=st.lists(st.tuples(st.integers(0, 5), st.integers(0, 2)), min_size=6, max_size=40),
    n_folds=st.integers(2, 4),
    seed=st.integers(0, 3),
)
def test_any_table_is_split_unless_it_is_too_small(cells, n_folds, seed):
    speaker, emotion = [f"s{who}" for who, _ in cells], [EMOTIONS[what] for _, what in cells]
    try:
        folds = speaker_folds(speaker, emotion, n_folds, seed)
    except ConfigError:
        most = max(emotion.count(name) for name in EMOTIONS)
        assert len(set(speaker)) < n_folds or most < n_folds
    else:
        assert_partition(folds, len(cells))
        assert all(shared_speakers(fold, speaker) == [] for fold in folds)


def test_emotions_are_spread_over_the_folds():
    speaker, emotion = corpus(1, n_speakers=40, n_rows=800)
    for fold in speaker_folds(speaker, emotion):
        share = pd.Series(emotion[fold.test]).value_counts(normalize=True)
        assert share.between(0.17, 0.33).all()
        assert 120 < len(fold.test) < 200


def test_every_seed_makes_its_own_split_of_unlike_speakers():
    rng = np.random.default_rng(0)
    sizes = rng.integers(20, 60, 10)  # ten speakers, as in EMO-DB, no two alike
    speaker, emotion = np.repeat([f"s{k}" for k in range(10)], sizes), rng.choice(EMOTIONS, sizes.sum())

    def parts(seed):
        return frozenset(frozenset(speaker[fold.test]) for fold in speaker_folds(speaker, emotion, seed=seed))

    assert parts(1) == parts(1)
    assert len({parts(seed) for seed in range(10)}) > 8
    for seed in range(10):
        for fold in speaker_folds(speaker, emotion, seed=seed):
            assert 1 <= len(set(speaker[fold.test])) <= 3
            assert 0.1 < len(fold.test) / len(speaker) < 0.35


def test_speakers_go_where_least_is_of_what_they_bring():
    # By hand: whatever the order, those of one emotion each are kept apart, for r(f) · r(s) is least there.
    speaker, emotion = list("abcd"), ["sad", "sad", "angry", "angry"]
    for seed in range(8):
        for fold in speaker_folds(speaker, emotion, 2, seed):
            assert sorted(emotion[row] for row in fold.test) == ["angry", "sad"]


def test_names_of_speakers_do_not_matter():
    speaker, emotion = corpus()
    renamed = np.array([f"person {name}" for name in speaker], dtype=object)
    for one, two in zip(speaker_folds(speaker, emotion), speaker_folds(renamed, emotion), strict=True):
        np.testing.assert_array_equal(one.test, two.test)


def test_no_fold_is_without_a_speaker():
    speaker = np.repeat(["a", "b", "c", "d"], [1, 3, 3, 2])
    emotion = ["sad"] * 6 + ["angry"] * 3
    for seed in range(8):
        folds = speaker_folds(speaker, emotion, n_folds=4, seed=seed)
        assert_partition(folds, 9)
        assert sorted(len(set(speaker[fold.test])) for fold in folds) == [1, 1, 1, 1]


def test_speakers_of_one_emotion_each_are_split_without_a_warning():
    speaker = np.repeat([f"s{k}" for k in range(12)], 6)
    emotion = np.repeat(np.tile(EMOTIONS, 3), 6)
    folds = speaker_folds(speaker, emotion)
    assert_partition(folds, 72)
    for fold in folds:
        assert set(emotion[fold.train]) == set(EMOTIONS)


def test_rare_and_missing_emotions_stay_in_and_warn_of_nothing():
    speaker, emotion = corpus()
    emotion = emotion.astype(object)
    emotion[3] = "boredom"
    emotion[[5, 9, 11, 40]] = None, np.nan, pd.NA, None
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert_partition(speaker_folds(speaker, emotion), 200)
        assert_partition(stratified_folds(emotion), 200)


def test_warning_filters_are_left_as_they_were():
    before = list(warnings.filters)
    speaker_folds(*corpus())
    with pytest.raises(ConfigError):
        stratified_folds(["sad", "angry", "happy"], n_folds=2)
    assert list(warnings.filters) == before


@pytest.mark.parametrize("split", [lambda n: speaker_folds(*corpus(), n), lambda n: stratified_folds(corpus()[1], n)])
@pytest.mark.parametrize("n_folds", [1, 0, -3])
def test_one_fold_is_no_split(split, n_folds):
    with pytest.raises(ConfigError, match=f"{n_folds} folds were asked for; expected at least 2"):
        split(n_folds)


def test_too_few_speakers():
    speaker, emotion = corpus(n_speakers=4)
    with pytest.raises(ConfigError, match="5 folds need at least 5 speakers, got 4; ask for fewer folds"):
        speaker_folds(speaker, emotion)


@pytest.mark.parametrize("missing", [None, np.nan, pd.NA])
def test_missing_speakers(missing):
    speaker, emotion = corpus()
    speaker = speaker.astype(object)
    speaker[[1, 2]] = missing
    with pytest.raises(ConfigError, match=r"2 of 200 rows have no speaker; .*use stratified folds"):
        speaker_folds(speaker, emotion)
    with pytest.raises(ConfigError, match="2 of 200 rows have no speaker"):
        shared_speakers(Fold("fold 1", np.array([0]), np.array([3]), True), speaker)


def test_every_emotion_too_rare():
    with pytest.raises(ConfigError, match="no emotion has 4 utterances for 4 folds; ask for fewer folds"):
        speaker_folds(["a", "b", "c", "d"], EMOTIONS, n_folds=4)
    with pytest.raises(ConfigError, match="no emotion has 2 utterances for 2 folds"):
        stratified_folds(EMOTIONS, n_folds=2)


def test_lengths_that_differ_and_empty_tables():
    with pytest.raises(ConfigError, match="emotion has 1 rows and speaker 2; expected as many"):
        speaker_folds(["a", "b"], ["sad"], n_folds=2)
    with pytest.raises(ConfigError, match="0 of 0 rows have no speaker"):
        speaker_folds([], [])
    with pytest.raises(ConfigError, match="5 folds need at least 5 utterances, got 0"):
        stratified_folds([])


# Shuffled across speakers


def test_stratified_folds_have_the_same_share_of_every_emotion():
    _, emotion = corpus()
    folds = stratified_folds(emotion, 4, seed=2)
    assert_partition(folds, 200)
    for name in EMOTIONS:
        counts = [int((emotion[fold.test] == name).sum()) for fold in folds]
        assert max(counts) - min(counts) <= 1


def test_stratified_folds_are_shuffled_by_their_seed():
    _, emotion = corpus()
    one, same, other = (stratified_folds(emotion, seed=seed)[0].test for seed in (0, 0, 1))
    np.testing.assert_array_equal(one, same)
    assert set(one) != set(other)
    assert np.ptp(one) > 100


def test_stratified_folds_say_whether_they_really_share_speakers():
    speaker, emotion = corpus()
    assert all(fold.shares_speakers for fold in stratified_folds(emotion))
    assert all(fold.shares_speakers for fold in stratified_folds(emotion, speaker=speaker))
    own = [f"s{k}" for k in range(200)]
    assert not any(fold.shares_speakers for fold in stratified_folds(emotion, speaker=own))
    unknown = np.array([*own[:-1], None], dtype=object)
    assert all(fold.shares_speakers for fold in stratified_folds(emotion, speaker=unknown))


# One session or corpus out


def test_session_folds_leave_each_session_out_once():
    session = np.repeat(["Ses02", "Ses01", "Ses03"], [3, 5, 4])
    folds = session_folds(session)
    assert_partition(folds, 12)
    assert [fold.name for fold in folds] == ["Ses01", "Ses02", "Ses03"]
    assert [set(session[fold.test]) for fold in folds] == [{"Ses01"}, {"Ses02"}, {"Ses03"}]
    assert not any(fold.shares_speakers for fold in folds)


def test_session_folds_say_when_a_speaker_comes_back():
    session = ["one", "one", "two", "three"]
    folds = session_folds(session, speaker=["a", "b", "b", "c"])
    assert {fold.name: fold.shares_speakers for fold in folds} == {"one": True, "three": False, "two": True}


@pytest.mark.parametrize("split", [session_folds, leave_one_corpus_out])
def test_one_group_cannot_be_left_out(split):
    with pytest.raises(ConfigError, match=r"needs at least 2, got 1: \['x'\]"):
        split(["x", "x"])
    with pytest.raises(ConfigError, match=r"1 of 3 rows have no (session|corpus)"):
        split(["x", None, "y"])


def test_leave_one_corpus_out():
    name = np.array(["urdu", "emodb", "urdu", "aesdd", "emodb"])
    folds = leave_one_corpus_out(name)
    assert_partition(folds, 5)
    assert [fold.name for fold in folds] == ["aesdd", "emodb", "urdu"]
    for fold in folds:
        assert set(name[fold.test]) == {fold.name}
        assert fold.name not in name[fold.train]


# Shared speakers


def test_shared_speakers_are_named_once_and_sorted():
    fold = Fold("fold 1", np.array([0, 1, 2, 3]), np.array([4, 5, 6]), shares_speakers=True)
    assert shared_speakers(fold, ["z", "a", "a", "m", "a", "z", "q"]) == ["a", "z"]


def test_numbers_may_name_speakers():
    fold = Fold("fold 1", np.array([0]), np.array([1]), shares_speakers=True)
    assert shared_speakers(fold, [3, 3]) == ["3"]


def test_speakers_of_another_table_are_refused():
    fold = Fold("fold 1", np.array([0]), np.array([1, 2]), shares_speakers=True)
    with pytest.raises(ConfigError, match=re.escape("the fold is of 3 rows, speaker has 2; expected as many")):
        shared_speakers(fold, ["a", "b"])


def test_folds_are_compared_by_identity_as_arrays_have_no_single_truth():
    one, two = (Fold("fold 1", np.array([0, 1]), np.array([2, 3]), False) for _ in range(2))
    assert one != two
    assert one == one
    assert len({one, two}) == 2


def test_splits_do_not_depend_on_the_kind_of_column():
    speaker, emotion = corpus()
    kinds = [lambda v: v, list, pd.Series, lambda v: pd.Series(v, index=range(1000, 1200)), pd.Categorical]
    tests = [[fold.test.tolist() for fold in speaker_folds(kind(speaker), kind(emotion))] for kind in kinds]
    assert all(one == two for one, two in itertools.pairwise(tests))


def make_config(**settings) -> ExperimentConfig:
    return ExperimentConfig(source=["cats=cats"], **settings)


@pytest.fixture
def source() -> PooledSource:
    return PooledSource.of([make_corpus("cats", n_speakers=6, n_sessions=3)])


def test_auto_means_by_speaker_where_there_are_no_sessions():
    pool = PooledSource.of([make_corpus(n_speakers=6)])
    folds = folds_of(pool, make_config(n_folds=3))
    assert [fold.name for fold in folds] == ["fold 1", "fold 2", "fold 3"]
    assert not any(
        fold.shares_speakers or set(pool.speaker[fold.train]) & set(pool.speaker[fold.test]) for fold in folds
    )
    assert sorted(np.concatenate([fold.test for fold in folds])) == list(range(len(pool.emotion)))


def test_auto_means_by_session_where_all_have_one(source):
    folds = folds_of(source, make_config())
    assert [fold.name for fold in folds] == ["cats/day 0", "cats/day 1", "cats/day 2"]
    assert [fold.shares_speakers for fold in folds] == [False] * 3


def test_auto_means_shuffled_for_the_authors_code(source):
    folds = folds_of(source, make_config(preset="authors-code"))
    assert len(folds) == 5
    assert all(fold.shares_speakers for fold in folds)


def test_auto_goes_by_speaker_where_one_corpus_has_no_sessions(source):
    pool = PooledSource.of([*source.corpora, make_corpus("dogs")])
    assert {fold.name for fold in folds_of(pool, make_config())} == {f"fold {k}" for k in range(1, 6)}


def test_sessions_of_two_corpora_stay_apart(source):
    pool = PooledSource.of([*source.corpora, make_corpus("dogs", n_sessions=2)])
    names = [fold.name for fold in folds_of(pool, make_config())]
    assert names == ["cats/day 0", "cats/day 1", "cats/day 2", "dogs/day 0", "dogs/day 1"]


def test_sessions_that_share_a_speaker_say_so(source):
    corpus = with_cells(source.corpora[0], speaker="the same")
    assert all(fold.shares_speakers for fold in folds_of(PooledSource.of([corpus]), make_config(folds="session")))


def test_stratified_folds_need_no_speakers():
    nameless = PooledSource.of([with_cells(make_corpus(), speaker=None)])
    folds = folds_of(nameless, make_config(folds="stratified"))
    assert [fold.shares_speakers for fold in folds] == [True] * 5


def test_folds_by_corpus_leave_each_out_once():
    pool = PooledSource.of([make_corpus("dogs"), make_corpus("cats", seed=1)])
    folds = folds_of(pool, make_config(folds="corpus"))
    assert [(fold.name, set(pool.corpus_name[fold.test])) for fold in folds] == [("cats", {"cats"}), ("dogs", {"dogs"})]


@pytest.mark.parametrize(
    ("settings", "changes", "message"),
    [
        ({"folds": "corpus"}, {}, "folds by corpus need two sources or more, got cats; add --source NAME=DIR"),
        ({"folds": "session"}, {"session": None}, "cats names no sessions for some utterances; use --folds speaker"),
        (
            {"folds": "speaker", "n_folds": 7},
            {},
            "cats: speakers are too few, 6 for 7 folds; use --n-folds 6, or --folds stratified",
        ),
        (
            {"folds": "speaker"},
            {"speaker": "only"},
            "cats: speakers are too few, 1 for 5 folds; use --folds stratified",
        ),
        ({"folds": "speaker"}, {"speaker": None}, "cats: the speaker of 72 of 72 utterances is unknown"),
    ],
)
def test_impossible_folds_are_told_in_one_line(source, settings, changes, message):
    pool = PooledSource.of([with_cells(source.corpora[0], **changes)])
    with pytest.raises(ConfigError, match=message) as told:
        folds_of(pool, make_config(**settings))
    assert "\n" not in str(told.value)


def test_sessions_that_share_speakers_are_no_folds_by_default():
    apart, shared = make_corpus("cats", n_sessions=2), make_corpus("cats", n_sessions=2)
    shared = with_cells(shared, session=["morning", "evening"] * (len(shared.table) // 2))
    config = make_config(folds="auto", n_folds=2)
    assert fold_kind(PooledSource.of([apart])) == "session"
    assert fold_kind(PooledSource.of([shared])) == "speaker"
    assert not any(fold.shares_speakers for fold in folds_of(PooledSource.of([shared]), config))


def test_some_rows_are_split_with_their_own_numbers_and_not_at_all_where_one_speaker_is_left():
    speaker, emotion = corpus()
    rows = np.flatnonzero(speaker < "s04")
    folds = folds_of_rows(speaker, emotion, rows, 5, seed=1)
    assert len(folds) == 4
    for fold in folds:
        assert sorted([*fold.train, *fold.test]) == rows.tolist()
        assert not set(speaker[fold.train]) & set(speaker[fold.test])
    assert folds_of_rows(speaker, emotion, np.flatnonzero(speaker == "s00"), 5, seed=1) == ()
