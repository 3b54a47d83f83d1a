"""Names in tables: one reading of columns, ids and files."""

import unicodedata

import numpy as np
import pandas as pd
import pytest

from affectmap.errors import LabelError
from affectmap.names import FileFinder, Paths, lookalikes, read_columns, read_id
from cases import each

NFC, NFD = (unicodedata.normalize(form, "Jürgen") for form in ("NFC", "NFD"))


@each(
    ("cell", "name"),
    [
        *((text, text) for text in ("NA", "nan", "null", "None", "N/A", "01", "1.5", "007", "1e5", "x.0", "-")),
        ("  anna\t", "anna"),
        ("\u00a0anna\u200b", "anna"),
        ("anna \r\n bell", "anna bell"),
        (NFD, NFC),
        (1.0, "1"),
        (np.float32(12), "12"),
        ("1.0", "1"),
        ("12.00", "12"),
        ("0.0", "0"),
        ("01.0", "01.0"),
        (7, "7"),
        *((nothing, None) for nothing in ("", "  ", None, np.nan, pd.NA, pd.NaT)),
    ],
)
def test_ids(cell, name):
    assert read_id(cell) == name


@each(
    ("ids", "named"),
    [
        (["Anna", "anna", "ANNA"], "'Anna' and 'anna' and 'ANNA'"),
        (["7", "007", "x"], "'7' and '007'"),
        (["\uff11", "1"], "'\uff11' and '1'"),
        (["x\0", "x"], r"'x\x00' and 'x'"),
        (["a\u200bb", "ab"], r"'a\u200bb' and 'ab'"),
        (["a b", "a\u00a0b", "a  b"], r"'a b' and 'a\xa0b' and 'a  b'"),
        (["0", "00", "10", "1"], "'0' and '00'"),
        (["a", "A", "b", "B", "c", "C", "d", "D"], "'a' and 'A', 'b' and 'B', 'c' and 'C' and 1 more"),
    ],
)
def test_ids_that_look_alike(ids, named):
    assert lookalikes(ids, "raters") == [f"raters {named} are counted apart; write them alike if they are one"]


def test_ids_that_differ_to_the_eye():
    assert lookalikes(["a", "b", "a1", "a01", "ä", "1.5", "15", "NA", None, "a"], "raters") == []


@each(
    ("header", "names", "n_notes"),
    [
        (["file", "speaker"], ["file", "speaker"], 0),
        ([" File ", "SPEAKER"], ["file", "speaker"], 0),
        (["Filename", "Speaker ID"], ["file", "speaker"], 2),
        (["file-path", "spk"], ["file", "speaker"], 2),
        (["file", "speaker", "speaker_id"], ["file", "speaker", "speaker_id"], 0),
        (["file", "who"], ["file", "who"], 0),
    ],
)
def test_columns(header, names, n_notes):
    columns = read_columns(header, ["file", "speaker"], "a.csv", LabelError)
    assert (columns.names, len(columns.notes)) == (names, n_notes)


def test_columns_that_could_be_either():
    for header, message in (
        (["Speaker", "speaker "], "has columns Speaker and speaker , which are one; keep one"),
        (["spk", "speaker_id"], "has columns spk and speaker_id; name the one that is meant speaker"),
        (["activation", "arousal"], "has columns activation and arousal, which are one"),
    ):
        with pytest.raises(LabelError, match=message):
            read_columns(header, ["speaker", "activation"], "a.csv", LabelError)
    assert read_columns(["label"], ["emotion"], "a.csv", LabelError, doubtful=["label"]).names == ["label"]


def test_paths_by_their_end():
    paths = Paths([f"/d/s1/{NFD}.wav", "/d/s2/a.wav", "/d/s2/a.flac", "/d/b.c"])
    for name, rows in (
        (f"{NFC}.wav", [0]),
        (f" s1\\{NFC}", [0]),
        ("a.wav", [1]),
        ("s2/a", [1, 2]),
        ("a.mp3", [1, 2]),
        ("b", []),
        ("b.c", [3]),
        ("", []),
    ):
        assert paths.find(name) == rows, name


def test_files_as_the_disk_has_them(tmp_path):
    (tmp_path / NFD).mkdir()
    for name in (f"{NFD}/a.wav", "x.wav", "back\\slash.wav"):
        (tmp_path / name).touch()
    finder = FileFinder(tmp_path)
    for name, found in (
        ("x.wav", "x.wav"),
        (f"{NFC}/a.wav", f"{NFD}/a.wav"),
        (f"{NFC}\\a.wav", f"{NFD}/a.wav"),
        ("back\\slash.wav", "back\\slash.wav"),
        (f"{NFC}/none.wav", f"{NFC}/none.wav"),
        (str(tmp_path / NFC / "a.wav"), f"{NFD}/a.wav"),
        ("a" * 5000, "a" * 5000),
        ("a\0b", "a\0b"),
    ):
        assert finder.find(name) == tmp_path / found
