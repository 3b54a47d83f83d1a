"""One contract for all loaders of supported corpora, on tiny trees in their official layouts."""

import importlib
from pathlib import Path, PurePath

import pytest

from affectmap.corpora import CARDS, load_corpus
from affectmap.errors import CorpusError, LabelError, UsageError
from affectmap.schema import COLUMNS, FUNCTIONALS, INDEX, Emotion

# Official names, and for each the emotion and speaker that it tells.
TREES = {
    "iemocap": {
        "Session1/sentences/wav/Ses01F_impro01/Ses01F_impro01_F000.wav": ("neutral", "Ses01F"),
        "Session1/sentences/wav/Ses01F_impro01/Ses01F_impro01_M003.wav": ("angry", "Ses01M"),
        "Session5/sentences/wav/Ses05M_script02_1b/Ses05M_script02_1b_F012.wav": ("happy", "Ses05F"),
    },
    "savee": {
        "AudioData/DC/a01.wav": ("angry", "DC"),
        "AudioData/JE/sa15.wav": ("sad", "JE"),
        "AudioData/KL/su02.wav": ("surprise", "KL"),
        "AudioData/KL/n30.wav": ("neutral", "KL"),
    },
    "emodb": {
        "wav/03a01Fa.wav": ("happy", "03"),
        "wav/08b10Wc.wav": ("angry", "08"),
        "wav/16a05Td.wav": ("sad", "16"),
        "wav/12a02Ac.wav": ("fear", "12"),
    },
    "cafe": {
        "CaFE_48k/Colère/Faible/01-C-1-1.wav": ("angry", "01"),
        "CaFE_48k/Neutre/12-N-1-6.wav": ("neutral", "12"),
        "CaFE_48k/Tristesse/Fort/07-T-2-3.wav": ("sad", "07"),
    },
    "urdu": {
        "Angry/SM1_F10_A010.wav": ("angry", "SM1"),
        "Sad/SF10_F1_S01.wav": ("sad", "SF10"),
        "Neutral/SM5_F80_N0100.wav": ("neutral", "SM5"),
    },
    "aesdd": {
        "anger/a01 (2).wav": ("angry", "2"),
        "anger/a06 (5)b.wav": ("angry", "5"),
        "fear/f10 (01).wav": ("fear", "1"),
        "sadness/s01 (5)a.wav": ("sad", "5"),
    },
}
EVALUATION = """% [START_TIME - END_TIME] TURN_NAME EMOTION [V, A, D]

[6.2901 - 8.2357]\t{}\t{}\t[2.5000, 3.5000, 2.5000]
C-E2:\tNeutral;\t()
"""
with_sheet = [name for name, card in CARDS.items() if card.sheet is not None]


@pytest.fixture(params=list(TREES))
def name(request):
    return request.param


@pytest.fixture
def tree(name, make_files, write):
    folder = make_files("corpus", TREES[name])
    if name == "iemocap":
        for file, code in zip(TREES[name], ("neu", "ang", "exc"), strict=True):
            utterance = PurePath(file).stem
            session = PurePath(file).parts[0]
            text = EVALUATION.format(utterance, code)
            write(f"corpus/{session}/dialog/EmoEvaluation/{utterance}.txt", text)
    return folder


def sheet_text(card, names, activation="3.5", valence="2"):
    """Write a sheet with the header exactly as published."""
    header = list(card.sheet.columns)
    if "" in header:
        header = ["", *header]
    cells = {"file": None, "activation": activation, "valence": valence, None: ""}
    rows = [
        ",".join(name if meaning == "file" else cells[meaning] for meaning in map(card.sheet.columns.get, header))
        for name in names
    ]
    return "\n".join([",".join(header), *rows]) + "\n"


def kinds(corpus):
    return [finding.kind for finding in corpus.findings]


def test_reads_emotion_and_speaker_from_the_official_layout(name, tree):
    corpus = load_corpus(f"{name}={tree}")
    read = {
        Path(file).relative_to(tree).as_posix(): (emotion, speaker)
        for (file, _, _), emotion, speaker in zip(
            corpus.table.index, corpus.table["emotion"], corpus.table["speaker"], strict=True
        )
    }
    assert read == TREES[name]


def test_table_has_the_shared_shape(name, tree):
    corpus = load_corpus(f"{name}={tree}")
    table = corpus.table
    assert table.index.names == list(INDEX)
    assert list(table.columns) == list(COLUMNS)
    assert all(Path(file).is_absolute() and Path(file).is_file() for file in table.index.get_level_values("file"))
    assert table.index.is_unique
    assert (table.index.get_level_values("start").total_seconds() == 0).all()
    assert table.index.get_level_values("end").isna().all()
    assert set(table["emotion"]) <= set(map(str, CARDS[name].emotions))
    assert set(table["sex"].dropna()) <= {"female", "male"}
    assert (table["language"] == corpus.language).all()
    assert corpus.card is CARDS[name]
    assert corpus.name == name
    assert corpus.functionals is None
    assert all(finding.corpus == name for finding in corpus.findings)


def test_reading_twice_gives_the_same(name, tree):
    first, second = (load_corpus(f"{name}={tree}") for _ in range(2))
    assert first.table.equals(second.table)
    assert first.findings == second.findings


def test_says_how_many_are_missing(name, tree):
    card = CARDS[name]
    corpus = load_corpus(f"{name}={tree}")
    expected = f"recordings found: {len(TREES[name])}; {card.title} published {card.n_utterances:,}"
    assert expected in [finding.detail for finding in corpus.findings if finding.kind == "missing"]


def test_names_the_missing_where_they_can_be_listed(name, tree):
    corpus = load_corpus(f"{name}={tree}")
    listed = [finding.file for finding in corpus.findings if finding.kind == "missing" and finding.file]
    enumerable = name in ("savee", "cafe", "aesdd")
    assert len(listed) == (CARDS[name].n_utterances - len(TREES[name]) if enumerable else 0)
    assert not {PurePath(file).name for file in TREES[name]} & set(listed)


def test_tells_a_strangely_named_recording_and_leaves_it_out(name, tree, make_files):
    make_files("corpus", ["more/interview 7.wav", "notes.txt"])
    corpus = load_corpus(f"{name}={tree}")
    extra = [finding for finding in corpus.findings if finding.kind == "extra"]
    assert [finding.file for finding in extra] == ["more/interview 7.wav"]
    assert CARDS[name].example in extra[0].detail
    assert len(corpus.table) == len(TREES[name])


def test_counts_hidden_files_once(name, tree, make_files):
    hidden = [f"__MACOSX/{file}" for file in TREES[name]] + ["._a.wav"]
    make_files("corpus", hidden)
    corpus = load_corpus(f"{name}={tree}")
    assert len(corpus.table) == len(TREES[name])
    assert [finding.detail for finding in corpus.findings if "hidden" in finding.detail] == [
        f"{len(hidden)} hidden files that end like recordings (._* or in __MACOSX) were passed over"
    ]


def test_finds_recordings_through_links_and_with_other_endings(name, tree, tmp_path):
    first = next(iter(TREES[name]))
    file = tree / first
    file.rename(file.with_suffix(".FLAC"))
    link = tmp_path / "link"
    link.mkdir()
    (link / "deep").symlink_to(tree)
    (tree / "back").symlink_to(link)
    corpus = load_corpus(f"{name}={link}")
    assert len(corpus.table) == len(TREES[name])


def test_refuses_two_copies_of_an_utterance(name, tree, make_files):
    first = next(iter(TREES[name]))
    copy = "DC_a01.wav" if name == "savee" else PurePath(first).name
    make_files("corpus", [f"copy/{copy}"])
    with pytest.raises(CorpusError, match=r"holds the same utterance twice: .* and .*; give the folder that holds it"):
        load_corpus(f"{name}={tree}")


def test_recognises_another_corpus(name, tree):
    other = "urdu" if name != "urdu" else "emodb"
    title = CARDS[name].title
    with pytest.raises(CorpusError, match=rf"it looks like {title}: use {name}={tree}"):
        load_corpus(f"{other}={tree}")
    with pytest.raises(UsageError, match=rf"unknown corpus 'mine'; it looks like {title}: use {name}={tree}"):
        load_corpus(f"mine={tree}")


def test_folder_that_cannot_be_used(name, tmp_path, make_files):
    with pytest.raises(CorpusError, match=r"nowhere does not exist; expected the folder of a corpus"):
        load_corpus(f"{name}={tmp_path / 'nowhere'}")
    with pytest.raises(CorpusError, match=r"is a file; expected the folder of a corpus"):
        load_corpus(f"{name}={make_files('a', ['b.wav']) / 'b.wav'}")
    with pytest.raises(CorpusError, match=r"holds no recordings; expected files such as \*.wav"):
        load_corpus(f"{name}={make_files('texts', ['readme.txt', '.hidden.wav'])}")
    folder = make_files("others", ["one.wav", "two.wav"])
    with pytest.raises(CorpusError, match=r"no recording in .* is named as .* found 2, first one.wav$"):
        load_corpus(f"{name}={folder}")


def test_errors_are_one_line(name, tmp_path, make_files):
    for folder in (tmp_path / "nowhere", make_files("empty", ["a.txt"]), make_files("strange", ["a.wav"])):
        with pytest.raises(CorpusError) as caught:
            load_corpus(f"{name}={folder}")
        assert "\n" not in str(caught.value)


def test_card_is_complete(name):
    card = CARDS[name]
    module = importlib.import_module(f"affectmap.corpora.{name}")
    assert card.name == name
    for word in ("Origin", "Language", "Speakers", "Utterances", "Labels", "Naming", "Licence", "How to get it"):
        assert f"{word}" in module.__doc__, word
    assert "Citation:" in module.__doc__
    assert f"{card.n_utterances:,}" in module.__doc__
    assert card.licence
    assert card.citation
    assert card.access.startswith("http")
    assert len(card.emotions) == len(set(card.emotions))
    for example in card.example.split(" or "):
        assert module.parse_name(PurePath(example)) is not None


def test_names_of_one_corpus_are_not_those_of_another(name):
    for file in TREES[name]:
        owners = [
            other
            for other in CARDS
            if importlib.import_module(f"affectmap.corpora.{other}").parse_name(PurePath(file)) is not None
        ]
        assert owners == [name]


def test_without_sheets_says_that_there_are_no_labels(name, tree):
    corpus = load_corpus(f"{name}={tree}")
    told = [finding for finding in corpus.findings if finding.kind == "unlabelled"]
    if CARDS[name].sheet is None:
        assert told == []
    else:
        assert CARDS[name].sheet.file in told[0].detail
        assert corpus.table[["activation", "valence"]].isna().all(axis=None)


def test_folder_without_its_sheet_is_told_and_no_error(name, tree, write):
    write("labels/other.csv", "filename,activation,valence\nx.wav,1,2\n")
    corpus = load_corpus(f"{name}={tree}", tree.parent / "labels")
    told = [finding.detail for finding in corpus.findings if finding.kind == "unlabelled"]
    assert told == [] if CARDS[name].own_labels else "(it has other.csv), so no activation" in told[0]


@pytest.mark.parametrize("name", with_sheet)
def test_joins_its_sheet_as_published(name, tree, write):
    card = CARDS[name]
    files = [PurePath(file).name for file in TREES[name]]
    write(f"labels/{card.sheet.file}", sheet_text(card, [*files[1:], "gone.wav"]))
    corpus = load_corpus(f"{name}={tree}", tree.parent / "labels")
    labelled = corpus.table["activation"].notna()
    assert labelled.sum() == len(files) - 1
    assert (corpus.table.loc[labelled, "activation"] == 3.5).all()
    assert (corpus.table.loc[labelled, "valence"] == 2).all()
    by_name = {(finding.kind, PurePath(finding.file).name) for finding in corpus.findings if finding.file}
    assert ("missing", "gone.wav") in by_name
    assert ("unlabelled", files[0]) in by_name
    assert kinds(corpus).count("unlabelled") == 1


@pytest.mark.parametrize("name", with_sheet)
def test_header_is_taken_letter_for_letter(name, tree, write):
    card = CARDS[name]
    text = sheet_text(card, [PurePath(file).name for file in TREES[name]])
    write(f"labels/{card.sheet.file}", text.replace("activation", "activations"))
    with pytest.raises(LabelError, match=r"has a column 'activations ?'; rename it to 'activation'"):
        load_corpus(f"{name}={tree}", tree.parent / "labels")


@pytest.mark.parametrize("name", with_sheet)
def test_a_cleaned_sheet_with_the_plain_header_is_read_too(name, tree, write):
    rows = "".join(f"{PurePath(file).name},1.5,4\n" for file in TREES[name])
    write(f"labels/{CARDS[name].sheet.file}", "filename,activation,valence\n" + rows)
    corpus = load_corpus(f"{name}={tree}", tree.parent / "labels")
    assert (corpus.table["activation"] == 1.5).all()
    assert (corpus.table["valence"] == 4).all()


def test_sheet_of_one_name_for_a_corpus_without_a_published_one(make_files, write):
    folder = make_files("corpus", TREES["savee"])
    write("labels/savee.csv", "filename,valence\nDC/a01.wav,1\nKL/n30.wav,3\n")
    corpus = load_corpus(f"savee={folder}", folder.parent / "labels")
    assert sorted(corpus.table["valence"].dropna()) == [1, 3]
    assert corpus.table["activation"].isna().all()


def test_every_card_has_a_tree_here():
    assert set(TREES) == set(CARDS)
    assert len(FUNCTIONALS) == 88
    assert all(isinstance(emotion, Emotion) for card in CARDS.values() for emotion in card.emotions)


@pytest.mark.real
@pytest.mark.parametrize(
    ("name", "n_utterances", "n_speakers", "n_labelled"),
    [("emodb", 535, 10, 535), ("urdu", 400, 29, 400), ("aesdd", 605, 6, 454)],
)
def test_real_corpora(real_data, name, n_utterances, n_speakers, n_labelled):
    corpus = load_corpus(f"{name}={real_data / 'corpora' / name}", real_data / "corpora/labels")
    assert len(corpus.table) == n_utterances == corpus.card.n_utterances
    assert corpus.table["speaker"].nunique() == n_speakers == corpus.card.n_speakers
    assert corpus.table["activation"].notna().sum() == n_labelled
    assert corpus.table["valence"].notna().sum() == n_labelled
    assert set(corpus.table["emotion"]) == set(map(str, corpus.card.emotions))
    assert kinds(corpus) == ["unlabelled"] * (n_utterances - n_labelled)


@pytest.mark.real
def test_real_sheets_fit_their_own_corpus_only(real_data, tmp_path):
    wrong = tmp_path / "URDU.csv"
    wrong.write_text((real_data / "corpora/labels/EMO_DB.csv").read_text())
    with pytest.raises(LabelError, match=r"none of the 535 names .* is a recording of urdu"):
        load_corpus(f"urdu={real_data / 'corpora/urdu'}", tmp_path)
