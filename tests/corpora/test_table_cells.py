"""Strict reading of CSV."""

import numpy as np
import pandas as pd
import pytest

from affectmap.corpora.label_sheets import read_sheet
from affectmap.corpora.table import read_rows
from affectmap.errors import CorpusError, LabelError
from affectmap.schema import text_of


def test_lines_count_as_in_an_editor(write):
    sheet = read_sheet(write("a.csv", 'x,y\n1,"two\nlines"\n\n3,4\r\n'), CorpusError)
    assert sheet == (["x", "y"], [["1", "two\nlines"], ["3", "4"]], [3, 5])


def test_raises_the_error_it_is_given(write, tmp_path):
    for error in (CorpusError, LabelError):
        with pytest.raises(error, match=r"nowhere.csv cannot be read: No such file"):
            read_sheet(tmp_path / "nowhere.csv", error)
        with pytest.raises(error, match=r"line 3 has 3 cells, the header 2"):
            read_sheet(write("a.csv", "x,y\n1,2\n1,2,3\n"), error)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("file;valence\na.wav;3,5\n", "semicolons"),
        ('\ufeff\n"file";"valence"\na.wav;3\n', "semicolons"),
        ("file\tvalence\na.wav\t3,5\n", "tabs"),
    ],
)
def test_other_separators_are_told(write, text, name):
    with pytest.raises(CorpusError, match=rf"a.csv looks separated by {name}; save it with commas"):
        read_sheet(write("a.csv", text), CorpusError)


def test_semicolons_beside_commas_are_text(write):
    assert read_sheet(write("a.csv", "file,a;b\nx,1;2\n"), CorpusError).header == ["file", "a;b"]


def test_rows_know_their_place_and_folder(write):
    file = write("deep/a.csv", "x\n1\n\n2\n")
    rows = read_rows(file)
    assert rows.places == ["line 2", "line 4"]
    assert rows.frame["x"].tolist() == ["1", "2"]
    assert rows.root == file.parent


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (" a b ", "a b"),
        ("", None),
        ("  ", None),
        (None, None),
        (np.nan, None),
        (pd.NaT, None),
        (pd.NA, None),
        (3, "3"),
        (3.0, "3"),
        (np.float32(3), "3"),
        (3.5, "3.5"),
        ("03", "03"),
        (pd.Timedelta("1s"), "0 days 00:00:01"),
    ],
)
def test_text_of(cell, text):
    assert text_of(cell) == text
