"""Raw ratings: what is read, what is refused, and what counts."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from affectmap.agreement import last_revisions, read_ratings, read_raw, write_ratings
from affectmap.agreement.ratings import RATING_COLUMNS, rating_matrix
from affectmap.errors import LabelError
from rating_files import make_ratings, simulate

HEADER = ",".join(RATING_COLUMNS)


@pytest.fixture
def write(tmp_path):
    """Write a file of rows below the full header."""

    def write(*rows, name="anna.csv", header=HEADER):
        file = tmp_path / name
        file.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
        return file

    return write


def test_a_whole_row(write):
    file = write('wav/a b.wav,Åse,3.5,1,Joy,false,"loud, then soft",1,1,2026-01-31T12:00:00Z,4.25')
    (row,) = read_raw(file).to_dict("records")
    assert row == {
        "file": "wav/a b.wav",
        "rater": "Åse",
        "activation": 3.5,
        "valence": 1.0,
        "emotion": "happy",
        "cannot_tell": False,
        "comment": "loud, then soft",
        "presentation": 1,
        "revision": 1,
        "rated_at": "2026-01-31T12:00:00Z",
        "seconds": 4.25,
    }


def test_what_a_short_table_leaves_out(write):
    table = read_raw(write("a.wav,anna,2", header="file,rater,arousal"))
    assert table.loc[0, "activation"] == 2
    assert np.isnan(table.loc[0, ["valence", "seconds"]].astype(float)).all()
    assert table.loc[0, ["emotion", "cannot_tell", "presentation", "revision"]].tolist() == [None, False, 1, 1]
    assert list(table.columns) == list(RATING_COLUMNS)


def test_a_class_of_the_study_s_own_stays(write):
    assert read_raw(write("a.wav,anna,relieved", header="file,rater,emotion")).loc[0, "emotion"] == "relieved"


def test_what_cannot_be_is_refused_with_its_line(write):
    for row, message in (
        (",anna,3,3,,false,,1,1,,", "line 2: names no recording"),
        ("/data/a.wav,anna,3,3,,false,,1,1,,", "relative to the folder of audio"),
        ("../a.wav,anna,3,3,,false,,1,1,,", "relative to the folder of audio"),
        ("\\x\\a.wav,anna,3,3,,false,,1,1,,", "relative to the folder of audio"),
        ("C:/a.wav,anna,3,3,,false,,1,1,,", "relative to the folder of audio"),
        ("a.wav, ,3,3,,false,,1,1,,", "line 2: names no rater"),
        ("a.wav,anna,6,3,,false,,1,1,,", "line 2: activation is 6; expected a number from 1 to 5, or nothing"),
        ("a.wav,anna,inf,3,,false,,1,1,,", "activation is inf; expected a number from 1 to 5"),
        ("a.wav,anna,3,high,,false,,1,1,,", "valence is 'high'; expected a number from 1 to 5, or nothing"),
        ("a.wav,anna,3,3,,maybe,,1,1,,", "cannot_tell is 'maybe'; expected true or false"),
        ("a.wav,anna,3,3,,false,,0,1,,", "presentation is '0'; expected 1, 2, 3"),
        ("a.wav,anna,3,3,,false,,1,1.5,,", "revision is '1.5'; expected 1, 2, 3"),
        ("a.wav,anna,3,3,,false,,1,9999999999999999999,,", "revision is '9999999999999999999'; expected 1, 2, 3"),
        ("a.wav,anna,3,3,,false,,1,²,,", "revision is '²'; expected 1, 2, 3"),
        ("a.wav,anna,3,3,,false,,1,1,yesterday,", "rated_at is 'yesterday'; expected a time in UTC"),
        ("a.wav,anna,3,3,,false,,1,1,2026-01-31T12:00:00,", "expected a time in UTC"),
        ("a.wav,anna,3,3,,false,,1,1,2026-01-31T12:00:00+02:00,", "expected a time in UTC"),
        ("a.wav,anna,3,3,,false,,1,1,,-1", "seconds is -1; expected 0 or more"),
        ("a.wav,anna,3,3,,false,,1,1,,soon", "seconds is 'soon'; expected a number"),
        ("a.wav,anna,3,3", "line 2: four cells, the header has 11"),
    ):
        with pytest.raises(LabelError, match=r"anna\.csv") as told:
            read_raw(write(row))
        assert message in str(told.value)


def test_columns_that_do_not_fit(write):
    for header, message in (
        ("file,activation", "has no column for rater"),
        ("file,rater,comment", "no column for activation, valence or emotion"),
        ("file,rater,activation,arousal", "has columns activation and arousal, which are one"),
        ("file,rater,activation,valnce", "has a column 'valnce'; rename it to 'valence'"),
        (
            "file,annotator,evaluator,activation",
            "has columns annotator and evaluator; name the one that is meant rater",
        ),
    ):
        with pytest.raises(LabelError, match=message):
            read_raw(write(header=header))


def test_one_revision_given_twice(write):
    row = "a.wav,anna,3,3,,false,,1,1,,"
    with pytest.raises(LabelError, match=r"anna.csv, line 2 and .*anna.csv, line 3 both give revision 1 of anna's"):
        read_raw(write(row, row.replace("3,3", "3,4")))
    with pytest.warns(UserWarning, match=r"^one rating given again with the same values, first in .*anna.csv, line 3$"):
        assert len(read_raw(write(row, row))) == 1


def test_tables_as_people_write_them(tmp_path):
    (tmp_path / "all.tsv").write_bytes(
        "Filename\tAnnotator\tArousal\tSeconds\tRevision\tmood\n"
        "x\\A\u0308.wav\t 1.0 \t3,5\t4,250\t1.0\tgood\nx/b.wav\tNA\t4\t\t\t\n".encode("utf-16")
    )
    notes = []
    raw = read_raw(tmp_path, notes.append)
    assert raw[["file", "rater", "activation", "seconds", "revision"]].iloc[0].tolist() == [
        "x/\u00c4.wav",
        "1",
        3.5,
        4.25,
        1,
    ]
    assert raw["rater"].tolist() == ["1", "NA"]
    assert [note.partition(": ")[2] for note in notes] == [
        "column 'Filename' is read as file",
        "column 'Annotator' is read as rater",
        "columns left out, for they are not known: mood",
    ]


def test_all_problems_of_a_file_at_once(write):
    with pytest.raises(LabelError) as told:
        read_raw(write("a.wav,anna,7,x,,false,,1,1,,", "a.wav,,7,,,maybe,,1,1,,"))
    for part in (
        "line 2 and 1 more: activation is 7",
        "line 2: valence is 'x'",
        "line 3: names no rater",
        "line 3: cannot",
    ):
        assert part in str(told.value)
    assert "\n" not in str(told.value)


@settings(max_examples=50, deadline=None)
@given(st.text(max_size=20) | st.text(alphabet="'=+-@\t\r\n\",; \0a", max_size=6))
def test_any_comment_comes_back(tmp_path_factory, comment):
    file = tmp_path_factory.getbasetemp() / "comment.csv"
    write_ratings(make_ratings({"file": "a.wav", "rater": "=bo", "valence": 2.0, "comment": comment}), file)
    (row,) = read_raw(file).to_dict("records")
    assert (row["comment"], row["rater"], row["valence"]) == (comment, "=bo", 2.0)


def test_the_last_revision_counts_wherever_it_stands(write):
    file = write("a.wav,anna,5,,,false,,1,3,,", "a.wav,anna,3,,,false,,1,1,,", "a.wav,anna,,,,true,,2,2,,")
    table = read_ratings(file)
    assert table[["presentation", "revision"]].values.tolist() == [[1, 3], [2, 2]]
    assert table["activation"].iloc[0] == 5
    assert len(read_raw(file)) == 3


def test_a_folder_of_raters(write, tmp_path):
    write("a.wav,anna,3,3,,false,,1,1,,")
    write("a.wav,bo,4,3,,false,,1,1,,", name="bo.csv")
    write("a.wav,3", name="sheet.csv", header="filename,activation")
    assert read_ratings(tmp_path)["rater"].tolist() == ["anna", "bo"]
    assert read_ratings([tmp_path / "bo.csv", tmp_path])["rater"].tolist() == ["anna", "bo"]


def test_a_folder_without_ratings(tmp_path):
    with pytest.raises(LabelError, match="has no CSV file with the columns file and rater"):
        read_raw(tmp_path)
    with pytest.raises(LabelError, match="no file of ratings was named"):
        read_raw([])
    with pytest.raises(LabelError, match=r"none.csv cannot be read: No such file"):
        read_raw(tmp_path / "none.csv")


def test_a_header_alone_is_no_rating(write):
    table = read_ratings(write())
    assert table.empty
    assert rating_matrix(table, "activation").empty


def test_what_is_written_is_read_again(tmp_path):
    raw = pd.concat([simulate(5, n_repeats=2), make_ratings({"file": "x.wav", "rater": "bo", "comment": 'a, "b"\nc'})])
    raw = raw.reset_index(drop=True)
    raw.loc[0, "valence"] = 1 / 3 + 2
    write_ratings(raw, tmp_path / "all.csv")
    again = read_raw(tmp_path / "all.csv")
    pd.testing.assert_frame_equal(again, raw, rtol=1e-9)


def test_the_matrix_takes_first_ratings_that_tell():
    ratings = make_ratings(
        {"file": "b.wav", "rater": "bo", "valence": 2.0},
        {"file": "b.wav", "rater": "bo", "valence": 5.0, "presentation": 2},
        {"file": "a.wav", "rater": "anna", "valence": 4.0, "cannot_tell": True},
        {"file": "a.wav", "rater": "bo", "valence": 1.0},
    )
    wide = rating_matrix(last_revisions(ratings), "valence")
    assert wide.index.tolist() == ["a.wav", "b.wav"]
    np.testing.assert_array_equal(wide.to_numpy(float), [[np.nan, 1], [np.nan, 2]])
    assert rating_matrix(ratings, "emotion").shape == (0, 2)
