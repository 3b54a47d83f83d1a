"""Speakers from a table, in all the ways that people write one."""

import unicodedata

import pandas as pd
import pytest

from affectmap.corpora.speakers import read_speakers
from affectmap.errors import LabelError
from cases import each

NFC, NFD = (unicodedata.normalize(form, "Jürgen.wav") for form in ("NFC", "NFD"))


@pytest.fixture
def read(tmp_path, monkeypatch):
    """Read a table in its folder for recordings below it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rec").mkdir()

    def read_text(text, recordings=("a.wav", "b.wav"), name="who.csv"):
        (tmp_path / name).write_text(text, encoding="utf-8", newline="")
        return read_speakers(name, recordings)

    return read_text


@each(
    ("text", "speakers"),
    [
        ("file,speaker\na.wav,NA\nb.wav,nan\n", ["NA", "nan"]),
        ("file,speaker\na.wav,anna \nb.wav, anna\n", ["anna", "anna"]),
        ("file,speaker\na.wav,1.0\nb.wav,01\n", ["1", "01"]),
        ("file;speaker\r\na.wav;1\r\nb.wav;2\r\n", ["1", "2"]),
        ("sep=;\nfile;speaker\na.wav;1\nb.wav;2\n", ["1", "2"]),
        ("speaker\tage\tfile\nx\t3\ta.wav\ny\t4\t./b.wav\n", ["x", "y"]),
        ("file,speaker\n\\a.wav,x\nC:\\data\\b.wav,y\na.wav,x\nb.wav,y\n", ["x", "y"]),
        ("file,speaker\na,x\nb.flac,y\n", ["x", "y"]),
    ],
)
def test_speakers(text, speakers, read):
    assert read(text)[0] == speakers


def test_speakers_that_look_alike(read):
    note = "speakers '007' and '7' are counted apart; write them alike if they are one"
    assert read("file,speaker\na.wav,007\nb.wav,7.0\n") == (["007", "7"], [note])


def test_names_composed_in_another_way_or_with_backslashes(read):
    assert read(f"file,speaker\nrec\\{NFC},j\n", [f"rec/{NFD}"])[0] == ["j"]
    assert read(f"file,speaker\n{NFD},j\n", [f"rec/{NFC}"])[0] == ["j"]


def test_one_recording_named_in_two_ways_on_the_command_line(read):
    assert read("file,speaker\na.wav,x\n", ["a.wav", "./a.wav", "rec/../a.wav"])[0] == ["x"] * 3


def test_parquet(tmp_path):
    frame = pd.DataFrame({"Filename": ["a.wav", "b.wav", "c.wav"], "speaker": [1.0, 2.0, None]})
    frame.to_parquet(tmp_path / "who.parquet")
    names, notes = read_speakers(tmp_path / "who.parquet", [tmp_path / "a.wav", tmp_path / "b.wav"])
    assert (names, notes) == (["1", "2"], ["column 'Filename' is read as file"])
    pd.DataFrame({"file": [b"a.wav"], "speaker": [b"x"]}).to_parquet(tmp_path / "who.parquet")
    assert read_speakers(tmp_path / "who.parquet", [tmp_path / "a.wav"]) == (["x"], [])


def test_a_recording_named_again(read):
    assert read("file,speaker\na.wav,x\nb.wav,y\n./a.wav,x\n")[1] == [
        "who.csv names one recording again, with the same speaker"
    ]
    with pytest.raises(
        LabelError, match=r"who.csv, line 4: the speaker of ./a.wav is 'z', and 'x' in line 2; keep one"
    ):
        read("file,speaker\na.wav,x\nb.wav,y\n./a.wav,z\n")


def test_all_problems_at_once(read):
    with pytest.raises(LabelError) as caught:
        read("file,speaker\na.wav,x\na.wav,y\n,z\n,q\nc.wav,x\nc.wav,y\n")
    told = str(caught.value)
    for part in ("line 3: the speaker of a.wav", "line 4 and 1 more: names no file", "line 7: the speaker of c.wav"):
        assert part in told
    assert "\n" not in told


@each(
    ("text", "message"),
    [
        ("file,speaker\na.wav,x\n", "no speaker for 1 of 2 recordings, first b.wav"),
        ("file,speaker\na.wav,x\nB.WAV,y\n", r"first b.wav \(the table has B.WAV\)"),
        ("file,speaker\na.wav,x\nb.wav,\n", "no speaker for 1 of 2"),
        ("file,who\na.wav,x\n", "no column speaker, got file, who; expected file and speaker"),
        ("file,spk,speaker_id\na.wav,x,y\n", "has columns spk and speaker_id; name the one that is meant speaker"),
        ("", "is empty"),
    ],
)
def test_tables_that_do_not_do(text, message, read):
    with pytest.raises(LabelError, match=message):
        read(text)


def test_a_name_that_fits_two_recordings(read):
    with pytest.raises(
        LabelError, match=r"line 2: a.wav fits 2 recordings .*x/a.wav, .*y/a.wav\); write its whole path"
    ):
        read("file,speaker\na.wav,x\n", ["x/a.wav", "y/a.wav"])
    with pytest.raises(LabelError, match=r"none.csv does not exist; expected a table"):
        read_speakers("none.csv", ["a.wav"])
