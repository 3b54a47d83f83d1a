"""Rows that stay, what is known about them, and the statistics that each fold may use."""

import dataclasses

import audformat
import numpy as np
import pandas as pd
import pytest

from affectmap.corpora import Corpus
from affectmap.errors import AffectmapError, ConfigError, CorpusError
from affectmap.preparation import prepared_corpus as pooling
from affectmap.preparation.prepared_corpus import PooledSource, keep_four_classes, prepare
from affectmap.schema import FUNCTIONALS, Finding, validate_table
from factories import make_corpus, with_cells


@pytest.fixture
def found() -> Corpus:
    """200 utterances of four speakers with functionals of their own; utterance 7 is far out in jitter."""
    rng = np.random.default_rng(3)
    index = audformat.segmented_index([f"/cats/{i}.wav" for i in range(200)])
    columns = {"emotion": ["sad", None] * 100, "activation": [2.0, np.nan] * 100, "speaker": [*"abcd"] * 50}
    functionals = pd.DataFrame(rng.normal(size=(200, 88)), index, list(FUNCTIONALS))
    functionals.iloc[7, FUNCTIONALS.index("jitterLocal_sma3nz_amean")] = 1e6
    return Corpus("cats", validate_table(pd.DataFrame(columns, index), "cats"), functionals=functionals)


def test_an_outlier_leaves_and_is_named(found):
    prepared = prepare(found)
    assert len(prepared.table) == len(prepared.functionals) == 199
    assert "/cats/7.wav" not in prepared.file
    (finding,) = prepared.findings
    assert (finding.corpus, finding.file, finding.kind, finding.dropped) == ("cats", "/cats/7.wav", "outlier", True)
    assert "jitterLocal_sma3nz_amean is 14.1, above 10" in finding.detail


def test_rows_keep_their_order_and_their_functionals(found):
    prepared = prepare(found)
    expected = found.functionals.drop(index=found.functionals.index[7])
    assert prepared.table.index.equals(expected.index)
    np.testing.assert_allclose(prepared.functionals, expected.to_numpy(), rtol=1e-6)


def test_shuffled_functionals_find_their_rows(found):
    order = np.random.default_rng(0).permutation(200)
    shuffled = Corpus("cats", found.table, functionals=found.functionals.iloc[order])
    once, again = prepare(found), prepare(shuffled)
    assert again.table.index.equals(once.table.index)
    np.testing.assert_array_equal(again.functionals, once.functionals)


def test_the_threshold_decides(found):
    assert len(prepare(found, outlier_threshold=15).table) == 200
    assert len(prepare(found, outlier_threshold=2.5).table) < 199


def test_nothing_left_is_told_in_one_line(found):
    with pytest.raises(CorpusError, match=r"^cats: all 200 utterances are outliers at \|z\| > 0.001"):
        prepare(found, outlier_threshold=0.001)


def test_unusable_functionals_leave_before_outliers_are_sought(found):
    found.functionals.iloc[3, 5] = np.nan
    prepared = prepare(found)
    assert [(finding.file, finding.dropped) for finding in prepared.findings] == [
        ("/cats/3.wav", True),
        ("/cats/7.wav", True),
    ]
    assert len(prepared.table) == 198
    with pytest.raises(AffectmapError, match=r"3\.wav"):
        prepare(found, strict=True)


def test_the_loader_s_findings_come_first_and_count_as_found(found):
    missing = Finding("cats", "/cats/gone.wav", "missing", "is not there", dropped=True)
    noted = Finding("cats", "", "note", "the sheet has an empty column")
    corpus = Corpus("cats", found.table, (missing, noted), found.functionals)
    prepared = prepare(corpus)
    assert prepared.findings[:2] == (missing, noted)
    assert (prepared.n_found, len(prepared.table)) == (201, 199)


def test_constant_functionals_are_reported(found):
    found.functionals["loudness_sma3_amean"] = 0.25
    detail = prepare(found).findings[-1]
    assert (detail.kind, detail.dropped) == ("constant", False)
    assert "loudness_sma3_amean" in detail.detail


def test_missing_cells_are_none_and_nan(found):
    prepared = prepare(found)
    assert set(prepared.emotion) == {"sad", None}
    assert prepared.label.shape == (199, 2)
    assert np.isnan(prepared.label[:, 1]).all()
    assert np.isfinite(prepared.label[:, 0]).sum() == 100
    assert prepared.speaker[:4].tolist() == ["cats/a", "cats/b", "cats/c", "cats/d"]
    assert prepared.has_speakers


def test_with_an_unknown_speaker_all_rows_are_one_speakers(found):
    found.table.loc[found.table.index[:2], "speaker"] = None
    prepared = prepare(found)
    assert set(prepared.speaker) == {"cats/unknown"}
    assert not prepared.has_speakers
    with pytest.raises(ConfigError, match="cats: the speaker of 2 of 199 utterances is unknown; name them, or use"):
        prepared.known_speakers()


def test_other_emotions_leave_and_are_counted(found):
    kept = keep_four_classes(found)
    assert len(kept.table) == 100
    assert kept.functionals.index.equals(kept.table.index)
    assert kept.findings[-1].detail.startswith("100 of 200 utterances are not neutral, sad, happy or angry")
    assert keep_four_classes(kept) is kept


def test_a_corpus_of_other_emotions_alone_is_refused(found):
    with pytest.raises(CorpusError, match=r"cats: .* are not neutral, sad, happy or angry; name their emotions"):
        keep_four_classes(dataclasses.replace(found, table=found.table.assign(emotion="fear")))


def test_functionals_are_kept_once_and_in_single_precision(found):
    prepared = prepare(found)
    assert prepared.functionals.dtype == np.float32
    assert prepared.corpus.functionals is None
    assert found.functionals is not None


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
    monkeypatch.setattr(pooling, "BLOCK_ROWS", 7)
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
