"""Names of SAVEE in both layouts."""

from pathlib import PurePath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from affectmap.corpora import savee
from affectmap.schema import Emotion

EMOTIONS = {
    "a": Emotion.ANGRY,
    "d": Emotion.DISGUST,
    "f": Emotion.FEAR,
    "h": Emotion.HAPPY,
    "n": Emotion.NEUTRAL,
    "sa": Emotion.SAD,
    "su": Emotion.SURPRISE,
}


@given(st.sampled_from(savee.official_names()))
def test_both_layouts_say_the_same(file):
    speaker, rest = file.split("_")
    flat, nested = savee.parse_name(PurePath(file)), savee.parse_name(PurePath("AudioData", speaker, rest))
    assert flat == nested
    assert flat.speaker == speaker
    assert flat.emotion is EMOTIONS[rest[:-6]]
    assert flat.sex == "male"


@given(st.text(max_size=8), st.text(max_size=8))
def test_any_text_is_read_or_refused(folder, text):
    name = savee.parse_name(PurePath(folder, f"{text}.wav"))
    assert name is None or name.emotion in savee.CARD.emotions


@pytest.mark.parametrize("file", ["a01.wav", "AB/a01.wav", "DC/s01.wav", "DC/a1.wav", "DC_a01b.wav", "DC-a01.wav"])
def test_other_names_are_refused(file):
    assert savee.parse_name(PurePath(file)) is None


@pytest.mark.parametrize("nested", [True, False])
def test_complete_corpus_has_nothing_to_tell(make_files, nested):
    names = [name.replace("_", "/") if nested else name for name in savee.official_names()]
    corpus = savee.load(make_files("AudioData", names))
    assert corpus.findings == ()
    assert corpus.table["emotion"].value_counts().to_dict() == {
        **dict.fromkeys(["angry", "disgust", "fear", "happy", "sad", "surprise"], 60),
        "neutral": 120,
    }


def test_folder_of_one_speaker(make_files):
    folder = make_files("AudioData", ["JK/sa01.wav", "DC/a01.wav"])
    assert savee.load(folder / "JK").table["speaker"].tolist() == ["JK"]
