"""Names of URDU."""

from pathlib import Path, PurePath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from affectmap.corpora import urdu

EMOTIONS = {"A": "angry", "H": "happy", "N": "neutral", "S": "sad"}


@given(
    st.sampled_from(["M", "F"]),
    st.integers(1, 27),
    st.integers(1, 72),
    st.sampled_from(sorted(EMOTIONS)),
    st.integers(1, 100),
)
def test_every_official_name_is_read(sex, speaker, file, emotion, number):
    stem = f"S{sex}{speaker}_F{file}_{emotion}0{number}"
    name = urdu.parse_name(PurePath("Angry") / f"{stem}.wav")
    assert (name.key, name.speaker, name.emotion) == (stem, f"S{sex}{speaker}", EMOTIONS[emotion])
    assert name.sex == {"M": "male", "F": "female"}[sex]


@given(st.text(max_size=14))
def test_any_text_is_read_or_refused(text):
    name = urdu.parse_name(PurePath(f"{text}.wav"))
    assert name is None or name.emotion in urdu.CARD.emotions


@pytest.mark.parametrize("stem", ["SX1_F1_A01", "SM1_A01", "SM1_F1_B01", "SM1_F1_A1", "SM_F1_A01", "SM1_F1_A01b"])
def test_other_names_are_refused(stem):
    assert urdu.parse_name(PurePath(f"{stem}.wav")) is None


@pytest.mark.real
def test_most_real_speakers_show_one_emotion(real_data):
    table = urdu.load(Path(real_data, "corpora/urdu")).table
    shown = table.groupby("speaker")["emotion"].nunique()
    assert (shown == 1).sum() == 26
    assert table["emotion"].value_counts().to_dict() == dict.fromkeys(["angry", "happy", "neutral", "sad"], 100)
