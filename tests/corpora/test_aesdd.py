"""Names of AESDD, takes and spellings included."""

from pathlib import Path, PurePath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from affectmap.corpora import aesdd
from affectmap.schema import Emotion

EMOTIONS = {"a": Emotion.ANGRY, "d": Emotion.DISGUST, "f": Emotion.FEAR, "h": Emotion.HAPPY, "s": Emotion.SAD}


@given(st.sampled_from(aesdd.official_names()))
def test_every_official_name_is_read(file):
    name = aesdd.parse_name(PurePath(file))
    assert name.emotion is EMOTIONS[file[0]]
    assert name.speaker in "123456"
    assert name.sex is None


@given(st.text(max_size=10))
def test_any_text_is_read_or_refused(text):
    name = aesdd.parse_name(PurePath(f"{text}.wav"))
    assert name is None or name.emotion in aesdd.CARD.emotions


def test_speaker_one_is_spelt_in_two_ways():
    assert aesdd.parse_name(PurePath("d03 (01).wav")) == aesdd.parse_name(PurePath("d03 (1).wav"))


def test_takes_are_different_utterances():
    keys = [aesdd.parse_name(PurePath(f"s01 (5){take}.wav")).key for take in ("", "a", "b")]
    assert len(set(keys)) == 3


@pytest.mark.parametrize("stem", ["n01 (1)", "a1 (1)", "a01(1)", "a01 (0)", "a01 (10)", "a01 (1)c", "a01"])
def test_other_names_are_refused(stem):
    assert aesdd.parse_name(PurePath(f"{stem}.wav")) is None


def test_complete_corpus_has_nothing_to_tell(make_files):
    folder = make_files("corpus", aesdd.official_names())
    corpus = aesdd.load(folder)
    assert len(corpus.table) == 605
    assert corpus.findings == ()
    (folder / "f10 (01).wav").rename(folder / "f10 (1).wav")
    assert aesdd.load(folder).findings == ()
    (folder / "f10 (1).wav").unlink()
    assert [finding.file for finding in aesdd.load(folder).findings] == ["", "f10 (01).wav"]


@pytest.mark.real
def test_official_names_are_those_of_the_release(real_data):
    found = {file.name for file in Path(real_data, "corpora/aesdd").rglob("*.wav")}
    assert found == set(aesdd.official_names())
