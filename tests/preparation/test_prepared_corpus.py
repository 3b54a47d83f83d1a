"""Rows that stay, and what is known about them."""

import dataclasses

import audformat
import numpy as np
import pandas as pd
import pytest

from affectmap.corpora import Corpus
from affectmap.egemaps import CORRECTED_NAMES
from affectmap.errors import AffectmapError, ConfigError, CorpusError, UsageError
from affectmap.preparation.config import PreparationSettings
from affectmap.preparation.prepared_corpus import keep_four_classes, prepare, prepare_for
from affectmap.schema import FUNCTIONALS, Finding, validate_table


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


def test_corrected_functionals_are_measured_where_a_corpus_brings_others(tmp_path, write_voice):
    files = [str(write_voice(f"{pitch}.wav", pitch=pitch)) for pitch in (100.0, 150.0, 220.0)]
    index = audformat.segmented_index(files)
    table = validate_table(pd.DataFrame({"emotion": ["sad", "angry", "sad"]}, index), "cats")
    brought = pd.DataFrame(np.ones((3, 88)), index, list(FUNCTIONALS))
    corpus = Corpus("cats", table, functionals=brought)
    settings = PreparationSettings(source=["cats"], features="egemaps-corrected")
    prepared = prepare_for(settings, corpus, cache=tmp_path)
    assert prepared.feature_names == CORRECTED_NAMES
    assert [finding.detail for finding in prepared.findings if "play no part" in finding.detail]
    assert prepared.functionals.std() > 0
    with pytest.raises(
        UsageError, match="engine is opensmile, which does not measure egemaps-corrected; leave --engine"
    ):
        prepare_for(dataclasses.replace(settings, engine="opensmile"), corpus, cache=tmp_path)
