"""Joining sheets: traps, ambiguity and damage, each told by name."""

import math
import unicodedata
from pathlib import Path

import audformat
import pandas as pd
import pytest

from affectmap.corpora import CARDS, Corpus, LabelSheet
from affectmap.corpora.label_sheets import join_labels, read_ratings
from affectmap.errors import LabelError
from affectmap.schema import Finding, validate_table

PLAIN = LabelSheet("mine.csv")


def corpus(files, **columns):
    starts = columns.pop("starts", None)
    ends = columns.pop("ends", None)
    columns.setdefault("speaker", "one")
    index = audformat.segmented_index([f"/data/{file}" for file in files], starts, ends)
    return Corpus("mine", validate_table(pd.DataFrame(columns, index=index), "here"))


@pytest.fixture
def join(write):
    def join_text(one, text, name="mine.csv"):
        return join_labels(one, write(f"labels/{name}", text).parent)

    return join_text


def test_joins_by_name_whatever_the_order(join):
    joined = join(corpus(["a.wav", "b.wav"]), "valence,filename,arousal\n4.5,b.wav,1\n2,a.wav,5\n")
    assert joined.table["activation"].tolist() == [5, 1]
    assert joined.table["valence"].tolist() == [2, 4.5]
    assert joined.findings == ()


def test_input_is_left_as_it_was(join):
    one = corpus(["a.wav"])
    join(one, "filename,activation\na.wav,3\n")
    assert one.table["activation"].isna().all()


def test_names_match_the_end_of_a_path_and_any_audio_ending(join):
    one = corpus(["s1/a.wav", "s2/a.flac", "s2/b.c.wav"])
    joined = join(one, "filename,activation\ns1/a,1\ns2\\a.wav,2\n/data/s2/b.c.wav,3\n")
    assert joined.table["activation"].tolist() == [1, 2, 3]


def test_name_that_fits_two_recordings_is_refused(join):
    text = "filename,activation\na.wav,1\n"
    with pytest.raises(LabelError, match=r"line 2: a.wav fits 2 recordings \(s1/a, s2/a\); write it with its folder"):
        join(corpus(["s1/a.wav", "s2/a.wav"]), text)


def test_name_of_a_recording_with_several_utterances_is_refused(join):
    one = corpus(["a.wav", "a.wav"], starts=[0, 1], ends=[1, 2])
    with pytest.raises(LabelError, match=r"line 2: a.wav holds 2 utterances .* in the corpus's own table"):
        join(one, "filename,activation\na.wav,1\n")


def test_one_recording_under_two_names_with_two_values_is_refused(join):
    with pytest.raises(LabelError, match=r"mine.csv, line 3: rates s/a.wav otherwise than line 2; keep one"):
        join(corpus(["s/a.wav", "s/b.wav"]), "filename,activation\na.wav,1\ns/a.wav,2\n")


def test_findings_for_all_that_does_not_meet(join):
    joined = join(
        corpus(["x/a.wav", "x/b.wav", "x/c.wav"]),
        "filename,activation,valence\na.wav,1,nan\nb.wav,,NA\ngone.wav,1,1\n",
    )
    assert joined.findings == (
        Finding("mine", "gone.wav", "missing", "named in mine.csv, but no such recording was found"),
        Finding("mine", "x/a.wav", "unlabelled", "mine.csv gives no valence"),
        Finding("mine", "x/b.wav", "unlabelled", "mine.csv gives no activation and no valence"),
        Finding("mine", "x/c.wav", "unlabelled", "has no row in mine.csv, so no activation and no valence"),
    )
    assert joined.table["activation"].tolist()[0] == 1
    assert joined.table["activation"].isna().tolist() == [False, True, True]


def test_a_recording_already_told_missing_is_not_told_again(join):
    one = corpus(["a.wav"])
    told = Finding("mine", "gone.wav", "missing", "published, but not found")
    one = Corpus("mine", one.table, (told,))
    assert join(one, "filename,activation\na.wav,1\ngone.wav,2\n").findings == (told,)


def test_labels_given_twice_are_refused(join):
    one = corpus(["a.wav"], activation=[2.0])
    with pytest.raises(LabelError, match=r"activation of mine is given twice, by the corpus and by .*mine.csv; remove"):
        join(one, "filename,activation\na.wav,2\n")
    assert join(one, "filename,valence\na.wav,4\n").table["valence"].tolist() == [4]


def test_a_corpus_that_has_labels_needs_no_sheet(join):
    one = corpus(["a.wav"], activation=[2.0])
    assert join(one, "filename,activation\nx.wav,1\n", name="another.csv") is one


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty; expected a header and rows"),
        ("filename,activation\na.wav\n", "line 2: one cell, the header has two; quote"),
        ("filename,activation\na.wav,3,5\n", "line 2: three cells, the header has two"),
        ("filename,activaton\na.wav,3\n", "has a column 'activaton'; rename it to 'activation' if it is that"),
        ("filename,comment\na.wav,fine\n", "has no column for activation or valence"),
        ("filename,activation,arousal\na.wav,3,3\n", "has columns activation and arousal, which are one"),
        ("filename,activation,activation\na.wav,3,3\n", "has columns activation and activation, which are one"),
        ("activation,valence\n3,3\n", "has no column for file; expected the plain header"),
        ("filename\na.wav\n", "has no column for activation or valence"),
        ("filename,activation\n ,3\n", "line 2: names no recording"),
        ("filename,activation\na.wav,3\n\na.wav,4\n", "line 4: rates a.wav otherwise than line 2; keep one"),
        ("filename,activation\na.wav,3\n.\\a.wav,\n", r"line 3: rates ./a.wav otherwise than line 2; keep one"),
        (
            "filename,activation\na.wav,3\nb.wav,x\n,1\nc.wav,9\nd.wav,x\n",
            "mine.csv: line 3 and 1 more: activation is 'x'; .*; line 4: names no recording; .*; line 5: activation is 9",
        ),
        (
            "filename,activation\na.wav,high\n",
            "line 2: activation is 'high'; expected a number from 1 to 5, or nothing",
        ),
        ("filename,activation\na.wav,0.5\n", "line 2: activation is 0.5; expected a number from 1 to 5, or nothing"),
        ("filename,activation\na.wav,inf\n", "activation is inf"),
        ("filename,activation\nb.wav,3\n", "none of the 1 names in .* is a recording of mine"),
        ("filename,activation\n", r"none of the 0 names in .*\(first none\)"),
        ('filename,activation\n"a.wav,3\n', "cannot be read as CSV"),
    ],
)
def test_broken_sheets(join, text, message):
    with pytest.raises(LabelError, match=message) as caught:
        join(corpus(["a.wav"]), text)
    assert "\n" not in str(caught.value)
    assert "mine.csv" in str(caught.value)


def test_sheet_in_another_encoding(tmp_path):
    sheet = tmp_path / "mine.csv"
    sheet.write_bytes("filename,activation\nä.wav,3\n".encode("latin-1"))
    with pytest.raises(LabelError, match=r"is not UTF-8 text \(byte 20\); save it as CSV in UTF-8"):
        join_labels(corpus(["ä.wav"]), tmp_path)
    sheet.write_text("\ufefffilename,activation\nä.wav,3\n", encoding="utf-8")
    assert join_labels(corpus(["ä.wav"]), tmp_path).table["activation"].tolist() == [3]


def test_folder_of_sheets(tmp_path, write):
    one = corpus(["a.wav"])
    with pytest.raises(LabelError, match=r"nowhere does not exist; expected a folder of label sheets such as mine.csv"):
        join_labels(one, tmp_path / "nowhere")
    with pytest.raises(LabelError, match=r"is a file; expected a folder of label sheets"):
        join_labels(one, write("mine.csv", "filename,activation\na.wav,3\n"))
    write("other/results.csv", "method,uar\nx,0.5\n")
    (tmp_path / "other/empty.csv").touch()
    with pytest.raises(LabelError, match=r"holds no label sheet; expected mine.csv in it, or another corpus's"):
        join_labels(one, tmp_path / "other")
    write("other/yours.csv", "filename,activation\na.wav,3\n")
    detail = f"{tmp_path / 'other'} has no mine.csv (it has yours.csv), so no activation and no valence"
    assert join_labels(one, tmp_path / "other").findings == (Finding("mine", "", "unlabelled", detail),)


def test_folder_with_sheets_of_other_supported_corpora_is_known_by_their_names(write):
    text = "filname,activation ,valence\n01-C-1-1.wav,4,1\n"  # codespell:ignore filname
    folder = write("labels/CAFE.csv", text).parent
    known = {name: card.sheet for name, card in CARDS.items() if card.sheet is not None}
    assert "(it has CAFE.csv)" in join_labels(corpus(["a.wav"]), folder, known).findings[0].detail
    with pytest.raises(LabelError, match=r"holds no label sheet"):
        join_labels(corpus(["a.wav"]), folder)


def test_published_and_plain_headers_may_be_mixed(write):
    sheet = CARDS["cafe"].sheet
    file = write("CAFE.csv", "filname,activation,valence\n01-C-1-1.wav,4,1\n")  # codespell:ignore filname
    assert read_ratings(file, sheet).by_name["01-C-1-1.wav"].values == {"activation": 4, "valence": 1}
    file = write("CAFE.csv", "filname,activation \n01-C-1-1.wav,4\n")  # codespell:ignore filname
    with pytest.raises(LabelError, match=r"has no column for valence; expected \['\w+', 'activation ', 'valence'\] as"):
        read_ratings(file, sheet)


def test_headers_and_numbers_as_people_write_them(join):
    joined = join(corpus(["a.wav", "b.wav"]), " File Name ;AROUSAL;Valence;note\n a.wav ;3,5;1,667;x\nb.wav;;4,0;\n")
    assert joined.table[["activation", "valence"]].iloc[0].tolist() == [3.5, 1.667]
    assert [finding.detail for finding in joined.findings[:2]] == [
        "column 'File Name ' is read as file",
        "columns of mine.csv left out, for they are not known: note",
    ]


def test_rows_given_again_are_noted(join):
    joined = join(
        corpus(["s/a.wav", "s/b.wav"]), "filename,valence\na.wav,3\nb.wav,2\ns\\b.wav,2\na.wav,3\ngone,1\ngone.wav,1\n"
    )
    assert joined.table["valence"].tolist() == [3, 2]
    assert joined.findings[:2] == (
        Finding("mine", "", "note", "mine.csv names one recording again, with the same values"),
        Finding("mine", "s/b.wav", "note", "names a recording again in mine.csv, with the same values"),
    )


def test_names_composed_in_another_way(join):
    nfc, nfd = (unicodedata.normalize(form, "Jürgen.wav") for form in ("NFC", "NFD"))
    for there, here in ((nfc, nfd), (nfd, nfc)):
        assert join(corpus([there]), f"filename,valence\n{here},3\n").table["valence"].tolist() == [3]


def test_sheets_separated_by_tabs(join):
    one = corpus(["a.wav"])
    assert join(one, "filename\tvalence\na.wav\t3\n", name="mine.tsv").table["valence"].tolist() == [3]
    with pytest.raises(LabelError, match=r"has two sheets of mine, mine.csv and mine.tsv; keep one"):
        join(one, "filename,valence\na.wav,3\n")


def test_read_ratings_keeps_lines_and_blanks(write):
    file = write("mine.csv", 'file,valence\n"a, b.wav",2.5\n\nc.wav,NaN\n')
    ratings = read_ratings(file, PLAIN).by_name
    assert ratings["a, b.wav"] == (2, {"valence": 2.5})
    assert ratings["c.wav"].line == 4
    assert math.isnan(ratings["c.wav"].values["valence"])


@pytest.mark.real
@pytest.mark.parametrize(("name", "n_rows"), [("emodb", 535), ("cafe", 936), ("urdu", 400), ("aesdd", 455)])
def test_real_sheets(real_data, name, n_rows):
    sheet = CARDS[name].sheet
    ratings, notes = read_ratings(Path(real_data, "corpora/labels", sheet.file), sheet)
    assert not notes
    assert len(ratings) == n_rows
    steps = {value * 2 for rating in ratings.values() for value in rating.values.values() if value == value}
    assert steps <= set(range(2, 11))
