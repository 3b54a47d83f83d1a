"""IEMOCAP: its names, its lists, and values off its own scale."""

from pathlib import PurePath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from affectmap.corpora import iemocap, load_corpus
from affectmap.corpora.label_sheets import join_labels
from affectmap.errors import CorpusError, LabelError
from affectmap.schema import Emotion

CODES = ["neu", "sad", "hap", "exc", "ang", "fru", "fea", "dis", "sur", "oth", "xxx"]


def line(utterance, code="neu", values="[2.5000, 3.5000, 2.0000]"):
    return f"[6.2901 - 8.2357]\t{utterance}\t{code}\t{values}\n"


@pytest.fixture
def release(make_files, write):
    """Make a release of the utterances given as {utterance: line of its list}."""

    def make(evaluations, recorded=None):
        recordings = list(evaluations) if recorded is None else recorded
        folder = make_files(
            "release",
            [f"Session{u[4]}/sentences/wav/{u.rsplit('_', 1)[0]}/{u}.wav" for u in recordings],
        )
        for utterance, text in evaluations.items():
            header = "% [START_TIME - END_TIME] TURN_NAME EMOTION [V, A, D]\n\n"
            comments = "C-E2:\tNeutral;\t(a comment; [sic])\nA-E3:\tval 3; act 2; dom  2;\t()\n\n"
            name = f"release/Session{utterance[4]}/dialog/EmoEvaluation/{utterance}.txt"
            write(name, header + text + comments)
        return folder

    return make


@given(
    st.integers(1, 5),
    st.sampled_from("FM"),
    st.sampled_from(["impro01", "impro05a", "script01_1", "script02_1b", "script03_2"]),
    st.sampled_from("FM"),
    st.integers(0, 99),
)
def test_speaker_is_session_and_letter_of_the_last_token(session, recorded, scene, spoken, number):
    stem = f"Ses0{session}{recorded}_{scene}_{spoken}{number:03}"
    name = iemocap.parse_name(PurePath(f"{stem}.wav"))
    assert name.speaker == f"Ses0{session}{spoken}"
    assert name.session == f"Ses0{session}"
    assert name.sex == {"F": "female", "M": "male"}[spoken]


@given(st.text(max_size=24))
def test_any_text_is_read_or_refused(text):
    name = iemocap.parse_name(PurePath(f"{text}.wav"))
    assert name is None or name.session.startswith("Ses0")
    if not text.startswith("["):
        assert iemocap.parse_evaluation(text) is None


@pytest.mark.parametrize("stem", ["Ses01F_impro01", "Ses06F_impro01_F000", "Ses01F_impro01_X000", "Ses01F_impro01_F"])
def test_other_names_are_refused(stem):
    assert iemocap.parse_name(PurePath(f"{stem}.wav")) is None


@pytest.mark.parametrize("code", CODES)
def test_parse_evaluation(code):
    one = iemocap.parse_evaluation(line("Ses01F_impro01_F000", code, "[1.5000, 4.0000, 5.5000]"))
    assert (one.utterance, one.valence, one.activation) == ("Ses01F_impro01_F000", 1.5, 4.0)
    assert one.emotion in iemocap.CARD.emotions


@pytest.mark.parametrize(
    "text",
    [
        line("Ses01F_impro01_F000", "joy"),
        line("Ses01F_impro01_F000", "neu", "[2.5, 3.5]"),
        line("Ses01F_impro01_F000", "neu", "[2.5, high, 2]"),
        "[6.2901 - 8.2357] Ses01F_impro01_F000 neu [2.5, 2.5, 2.5]",
        "[",
    ],
)
def test_line_that_breaks_off_is_refused(text):
    with pytest.raises(CorpusError, match=r"expected \[start - end\], utterance, emotion \(neu, .*got '\["):
        iemocap.parse_evaluation(text)


def test_valence_comes_before_activation(release):
    corpus = iemocap.load(release({"Ses01F_impro01_F000": line("Ses01F_impro01_F000")}))
    assert corpus.table["valence"].tolist() == [2.5]
    assert corpus.table["activation"].tolist() == [3.5]


def test_excited_counts_as_happy_or_stays_apart(release):
    folder = release(
        {f"Ses01F_impro01_F00{i}": line(f"Ses01F_impro01_F00{i}", code) for i, code in enumerate(["hap", "exc", "exc"])}
    )
    joint = load_corpus(f"iemocap={folder}")
    assert joint.table["emotion"].tolist() == ["happy"] * 3
    assert "2 excited utterances count as happy" in [finding.detail for finding in joint.findings]
    apart = load_corpus(f"iemocap={folder}", excited_as_happy=False)
    assert apart.table["emotion"].tolist() == ["happy", "excited", "excited"]
    assert not any("excited" in finding.detail for finding in apart.findings)


def test_no_agreement_counts_as_other(release):
    folder = release({"Ses01F_impro01_F000": line("Ses01F_impro01_F000", "xxx")})
    assert iemocap.load(folder).table["emotion"].tolist() == [str(Emotion.OTHER)]


def test_value_off_the_scale_is_blanked_and_named(release):
    folder = release(
        {
            "Ses01F_impro01_F000": line("Ses01F_impro01_F000", "neu", "[5.5000, 2.0000, 0.5000]"),
            "Ses01F_impro01_F001": line("Ses01F_impro01_F001", "neu", "[5.0000, 0.0000, 1.0000]"),
        }
    )
    corpus = iemocap.load(folder)
    assert corpus.table["valence"].isna().tolist() == [True, False]
    assert corpus.table["activation"].isna().tolist() == [False, True]
    assert [(f.file, f.detail) for f in corpus.findings if f.kind == "unlabelled"] == [
        ("Ses01F_impro01_F000.wav", "valence 5.5 lies off the scale of 1..5 and is left blank"),
        ("Ses01F_impro01_F001.wav", "activation 0 lies off the scale of 1..5 and is left blank"),
    ]


def test_lists_and_recordings_are_held_against_each_other(release):
    listed = {name: line(name) for name in ("Ses01F_impro01_F000", "Ses02M_impro01_M001")}
    corpus = iemocap.load(release(listed, ["Ses01F_impro01_F000", "Ses01F_impro01_F999"]))
    assert [(f.kind, f.file) for f in corpus.findings if f.file] == [
        ("missing", "Ses02M_impro01_M001.wav"),
        ("unlabelled", "Ses01F_impro01_F999.wav"),
    ]
    assert corpus.table["emotion"].tolist() == ["neutral", None]


def test_recordings_of_dialogues_are_no_utterances(release, make_files):
    folder = release({"Ses01F_impro01_F000": line("Ses01F_impro01_F000")})
    make_files("release", ["Session1/dialog/wav/Ses01F_impro01.wav"])
    corpus = iemocap.load(folder)
    assert len(corpus.table) == 1
    assert not [finding for finding in corpus.findings if finding.kind == "extra"]


def test_lists_of_single_raters_and_hidden_ones_do_not_count(release, write):
    folder = release({"Ses01F_impro01_F000": line("Ses01F_impro01_F000")})
    single = "release/Session1/dialog/EmoEvaluation/{}"
    for place in ("Categorical/Ses01F_impro01_e2_cat.txt", "._Ses01F_impro01.txt"):
        write(single.format(place), line("Ses01F_impro01_F000", "ang"))
    assert iemocap.load(folder).table["emotion"].tolist() == ["neutral"]


def test_broken_releases(release, write):
    folder = release({}, ["Ses01F_impro01_F000"])
    with pytest.raises(CorpusError, match=r"has no emotion lists; expected Session\*/dialog/EmoEvaluation/\*.txt"):
        iemocap.load(folder)
    name = "release/Session1/dialog/EmoEvaluation/Ses01F_impro01.txt"
    write(name, "% header\n" + line("Ses01F_impro01_F000", "joy"))
    with pytest.raises(CorpusError, match=r"Ses01F_impro01.txt, line 2: expected \[start - end\]"):
        iemocap.load(folder)
    write(name, line("Ses01F_impro01_F000") * 2)
    with pytest.raises(CorpusError, match=r"Ses01F_impro01_F000 is listed twice, in .* and "):
        iemocap.load(folder)


def test_own_labels_are_not_replaced(release, write):
    folder = release({"Ses01F_impro01_F000": line("Ses01F_impro01_F000")})
    sheets = write("labels/iemocap.csv", "filename,valence\nSes01F_impro01_F000.wav,1\n").parent
    with pytest.raises(LabelError, match=r"valence of iemocap is given twice"):
        join_labels(iemocap.load(folder), sheets)
