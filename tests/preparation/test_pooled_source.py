"""Corpora pooled into one source, and the statistics that each fold may use."""

import numpy as np
import pytest

from affectmap.errors import ConfigError
from affectmap.preparation import pooled_source as module
from affectmap.preparation.pooled_source import PooledSource
from factories import make_corpus, with_cells


def standardised(pool, train, policy):
    scaled, statistics = pool.scaled(train, policy)
    return scaled.features, statistics


def test_a_pool_has_the_rows_of_all_in_order():
    cats, dogs = make_corpus("cats"), make_corpus("dogs", ("sad", "angry"), seed=1)
    pool = PooledSource.of([dogs, cats])
    assert pool.name == "dogs+cats"
    assert [rows.tolist() for rows in pool.rows] == [list(range(24)), list(range(24, 72))]
    for corpus, rows in zip(pool.corpora, pool.rows, strict=True):
        assert (pool.corpus_name[rows] == corpus.name).all()
        for name in ("emotion", "speaker", "file"):
            assert getattr(pool, name)[rows].tolist() == getattr(corpus, name).tolist()
        np.testing.assert_array_equal(pool.label[rows], corpus.label)


def test_same_named_speakers_of_two_corpora_stay_apart():
    pool = PooledSource.of([make_corpus("cats"), make_corpus("dogs")])
    assert len(set(pool.speaker)) == 8


@pytest.fixture
def pool() -> PooledSource:
    """Two corpora on scales far apart."""
    return PooledSource.of([make_corpus("cats"), make_corpus("dogs", seed=1, offset=1000.0, scale=50.0)])


def test_each_pooled_corpus_is_standardised_by_its_own_training_rows(pool):
    train = np.arange(0, 96, 2)
    values, statistics = standardised(pool, train, "target-20")
    assert values.dtype == np.float32
    for corpus, rows in zip(pool.corpora, pool.rows, strict=True):
        own = corpus.functionals[::2]
        np.testing.assert_allclose(
            values[rows], (corpus.functionals - own.mean(axis=0)) / own.std(axis=0), rtol=1e-4, atol=1e-4
        )
    both = np.concatenate([corpus.functionals[::2] for corpus in pool.corpora])
    np.testing.assert_allclose(statistics.mean, both.mean(axis=0))
    np.testing.assert_allclose(statistics.std, both.std(axis=0))


@pytest.mark.parametrize("policy", ["target-20", "target-all"])
def test_a_corpus_left_out_is_standardised_by_all_its_rows(pool, policy):
    values, statistics = standardised(pool, pool.rows[0], policy)
    np.testing.assert_allclose(values[pool.rows[1]].mean(axis=0), 0, atol=1e-4)
    np.testing.assert_allclose(values[pool.rows[1]].std(axis=0), 1, atol=1e-4)
    np.testing.assert_allclose(statistics.mean, pool.corpora[0].functionals.mean(axis=0))


def test_with_the_policy_source_a_corpus_left_out_lends_no_statistics(pool):
    values, statistics = standardised(pool, pool.rows[0], "source")
    cats, dogs = pool.corpora
    expected = (dogs.functionals - cats.functionals.mean(axis=0)) / cats.functionals.std(axis=0)
    np.testing.assert_allclose(values[pool.rows[1]], expected, rtol=1e-4)
    np.testing.assert_array_equal(values[pool.rows[1]], statistics.apply(dogs.functionals))


def test_by_speaker_every_speaker_is_centred(pool):
    values, _ = standardised(pool, pool.rows[0], "speaker")
    for name in set(pool.speaker):
        np.testing.assert_allclose(values[pool.speaker == name].mean(axis=0), 0, atol=1e-4)
        np.testing.assert_allclose(values[pool.speaker == name].std(axis=0), 1, atol=1e-4)


def test_by_speaker_needs_every_speaker(pool):
    nameless = with_cells(pool.corpora[1], speaker=None)
    with pytest.raises(ConfigError, match="dogs: the speaker of 48 of 48 utterances is unknown"):
        standardised(PooledSource.of([pool.corpora[0], nameless]), np.arange(96), "speaker")


@pytest.mark.parametrize("policy", ["source", "target-20", "target-all", "speaker"])
def test_statistics_and_training_rows_do_not_see_test_rows(pool, policy):
    # Whole speakers, so that the policy by speaker shares none either.
    test = np.flatnonzero(np.isin(pool.speaker, ["cats/s1", "dogs/s3"]))
    train = np.setdiff1d(np.arange(96), test)
    changed = []
    for corpus, rows in zip(pool.corpora, pool.rows, strict=True):
        functionals = corpus.functionals.copy()
        functionals[np.isin(rows, test)] = -(functionals[np.isin(rows, test)] ** 2)
        changed.append(with_cells(corpus, functionals=functionals))
    before, after = standardised(pool, train, policy), standardised(PooledSource.of(changed), train, policy)
    np.testing.assert_array_equal(before[0][train], after[0][train])
    np.testing.assert_array_equal(before[1].mean, after[1].mean)
    np.testing.assert_array_equal(before[1].std, after[1].std)
    assert (before[0][test] != after[0][test]).any()


@pytest.mark.parametrize("policy", ["target-20", "speaker", "source"])
def test_rows_asked_for_are_those_of_the_whole_in_any_order_and_block(pool, policy, monkeypatch):
    train = np.arange(48, 96, 2) if policy == "source" else np.arange(0, 96, 2)
    whole, statistics = standardised(pool, train, policy)
    monkeypatch.setattr(module, "BLOCK_ROWS", 7)
    scaled, again = pool.scaled(train, policy)
    rows = np.random.default_rng(0).permutation(96)[:30]
    np.testing.assert_array_equal(scaled.of(rows), whole[rows])
    np.testing.assert_array_equal(np.concatenate(list(scaled.blocks())), whole)
    np.testing.assert_array_equal(again.mean, statistics.mean)


def test_what_is_known_of_the_rows_is_worked_out_once(pool):
    corpus = pool.corpora[0]
    for name in ("emotion", "label", "speaker", "file"):
        assert getattr(corpus, name) is getattr(corpus, name)
        assert getattr(pool, name) is getattr(pool, name)
    assert len({id(name) for name in corpus.speaker}) == 4
