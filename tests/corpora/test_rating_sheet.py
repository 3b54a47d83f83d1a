"""Sheets of ratings of some recordings, as people write them."""

import numpy as np
import pandas as pd
import pytest

from affectmap.corpora.rating_sheet import read_sheet_of_ratings
from affectmap.errors import LabelError
from cases import each

RECORDINGS = ["rec/s1/a.wav", "rec/s2/a.wav", "rec/s2/b.wav"]


def read(folder, text, recordings=RECORDINGS):
    sheet = folder / "rated.csv"
    sheet.write_text(text, encoding="utf-8")
    return read_sheet_of_ratings(sheet, [folder / each for each in recordings])


def test_ratings_and_classes_of_some_recordings(tmp_path):
    table, notes = read(tmp_path, "Filename;arousal;emotion;age\ns1/a;4,5;Anger;30\nrec/s2/b.wav;;joy;\n")
    np.testing.assert_array_equal(table["activation"], [4.5, np.nan, np.nan])
    assert table["emotion"].tolist() == ["angry", None, "happy"]
    assert list(table) == ["activation", "emotion"]
    assert notes == [f"{tmp_path / 'rated.csv'}: column 'Filename' is read as file"]


def test_a_table_in_parquet(tmp_path):
    pytest.importorskip("pyarrow")
    pd.DataFrame({"file": ["b.wav"], "valence": [2]}).to_parquet(tmp_path / "rated.parquet")
    table, notes = read_sheet_of_ratings(tmp_path / "rated.parquet", [tmp_path / "b.wav"])
    assert table["valence"].tolist() == [2.0]
    assert not notes


def test_rows_that_nobody_rated_yet_and_other_recordings(tmp_path):
    table, notes = read(
        tmp_path, "file,activation,valence\nb.wav,3,\nx.wav,2,2\ny.wav,2,2\ns1/a.wav,,\nnan.wav,nan,na\n"
    )
    np.testing.assert_array_equal(table, [[np.nan, np.nan], [np.nan, np.nan], [3.0, np.nan]])
    assert [note.partition(": ")[2] for note in notes] == ["two recordings are not among those given, first x.wav"]


def test_the_same_again_is_told(tmp_path):
    _, notes = read(tmp_path, "file,valence\nb.wav,3\nrec/s2/b.wav,3.0\n")
    assert [note.partition(": ")[2] for note in notes] == ["names one recording again, with the same ratings"]


@each(
    ("text", "message"),
    [
        ("file,valence\n", "has no rating in valence; fill in some rows"),
        ("file,valence\nb.wav,\n", "has no rating in valence; fill in some rows"),
        ("file,valence\nx.wav,3\n", r"rates none of the recordings given \(first x.wav\)"),
        ("file,valence\na.wav,3\n", "line 2: a.wav fits 2 recordings"),
        ("file,valence\nb.wav,3\nb.wav,4\n", "line 3: rates b.wav otherwise than line 2; keep one, or their mean"),
        ("file,valence\nb.wav,6\n", "line 2: valence is 6; expected a number from 1 to 5, or nothing"),
        ("file,valence\nb.wav,inf\n", "valence is inf; expected a number from 1 to 5"),
        ("file,valence\nb.wav,good\n", "valence is 'good'; expected a number"),
        ("file,emotion\nb.wav,grumpy\n", "unknown emotion 'grumpy'; expected one of"),
        ("file,valence\n,3\n", "line 2: names no file; write one or remove the row"),
        ("file,dominance\nb.wav,3\n", "no column activation, valence or emotion, got file, dominance"),
        ("valence\n3\n", "no column file, got valence"),
        ("file,valence,Valence\nb.wav,3,3\n", "has columns"),
        ("", "rated.csv"),
    ],
)
def test_a_sheet_that_cannot_be_used(text, message, tmp_path):
    with pytest.raises(LabelError, match=message):
        read(tmp_path, text)


def test_a_sheet_that_is_none(tmp_path):
    with pytest.raises(LabelError, match="does not exist; expected a table"):
        read_sheet_of_ratings(tmp_path / "none.csv", [])
    (tmp_path / "ratings.sqlite3").write_bytes(b"SQLite")
    with pytest.raises(LabelError, match=r"ends in \.sqlite3; expected a table"):
        read_sheet_of_ratings(tmp_path / "ratings.sqlite3", [])
