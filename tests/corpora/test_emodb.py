"""Names of EMO-DB."""

from pathlib import Path, PurePath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from affectmap.corpora import emodb
from affectmap.schema import Emotion

SPEAKERS = ["03", "08", "09", "10", "11", "12", "13", "14", "15", "16"]
EMOTIONS = {"W": "angry", "L": "boredom", "E": "disgust", "A": "fear", "F": "happy", "T": "sad", "N": "neutral"}


@given(
    st.sampled_from(SPEAKERS),
    st.sampled_from(["a01", "a02", "a04", "a05", "a07", "b01", "b02", "b03", "b09", "b10"]),
    st.sampled_from(sorted(EMOTIONS)),
    st.sampled_from("abcdef"),
)
def test_every_official_name_is_read(speaker, sentence, emotion, version):
    stem = f"{speaker}{sentence}{emotion}{version}"
    name = emodb.parse_name(PurePath(f"wav/{stem}.wav"))
    assert (name.key, name.speaker, name.emotion) == (stem, speaker, Emotion(EMOTIONS[emotion]))


@given(st.text(max_size=12))
def test_any_text_is_read_or_refused(text):
    name = emodb.parse_name(PurePath(f"{text}.wav"))
    assert name is None or name.speaker in SPEAKERS


@pytest.mark.parametrize("stem", ["04a01Fa", "03c01Fa", "03a01Xa", "03a01fa", "3a01Fa", "03a01Fa2", "x03a01Fa", ""])
def test_other_names_are_refused(stem):
    assert emodb.parse_name(PurePath(f"{stem}.wav")) is None


@pytest.mark.real
def test_real_speakers_and_emotions(real_data):
    table = emodb.load(Path(real_data, "corpora/emodb")).table
    assert table["emotion"].value_counts().to_dict() == {
        "angry": 127,
        "boredom": 81,
        "neutral": 79,
        "happy": 71,
        "fear": 69,
        "sad": 62,
        "disgust": 46,
    }
    assert table.groupby("sex")["speaker"].nunique().to_dict() == {"female": 5, "male": 5}
