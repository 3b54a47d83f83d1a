"""Names of CaFE."""

from pathlib import Path, PurePath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from affectmap.corpora import cafe
from affectmap.schema import Emotion


@given(st.sampled_from(cafe.official_names()))
def test_every_official_name_is_read(file):
    name = cafe.parse_name(PurePath("Colère") / file)
    assert name.key == file[:-4]
    assert name.speaker == file[:2]
    assert name.sex == ("male" if file[1] in "13579" else "female")


@given(st.text(max_size=12))
def test_any_text_is_read_or_refused(text):
    name = cafe.parse_name(PurePath(f"{text}.wav"))
    assert name is None or name.emotion in cafe.CARD.emotions


def test_emotions_have_french_initials():
    read = {letter: cafe.parse_name(PurePath(f"01-{letter}-1-1.wav")).emotion for letter in "CDJNPST"}
    assert read == {
        "C": Emotion.ANGRY,
        "D": Emotion.DISGUST,
        "J": Emotion.HAPPY,
        "N": Emotion.NEUTRAL,
        "P": Emotion.FEAR,
        "S": Emotion.SURPRISE,
        "T": Emotion.SAD,
    }


@pytest.mark.parametrize(
    "stem", ["00-C-1-1", "13-C-1-1", "01-X-1-1", "01-C-3-1", "01-C-1-7", "1-C-1-1", "03-01-01-01-01-01-01"]
)
def test_other_names_are_refused(stem):
    assert cafe.parse_name(PurePath(f"{stem}.wav")) is None


def test_complete_corpus_has_nothing_to_tell(make_files):
    folder = make_files("corpus", cafe.official_names())
    corpus = cafe.load(folder)
    assert len(corpus.table) == 936
    assert corpus.table["speaker"].nunique() == 12
    assert corpus.findings == ()
    (folder / "07-N-1-3.wav").unlink()
    assert [finding.file for finding in cafe.load(folder).findings] == ["", "07-N-1-3.wav"]


@pytest.mark.real
def test_official_names_are_those_of_the_sheet(real_data):
    lines = Path(real_data, "corpora/labels/CAFE.csv").read_text().splitlines()[1:]
    assert {line.split(",")[0] for line in lines} == set(cafe.official_names())
