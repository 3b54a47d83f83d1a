"""Tables of others in all the ways that programs write them, and tables of ours that come back letter for letter."""

import csv
import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from affectmap.errors import CorpusError, LabelError
from affectmap.tables import MAX_PROBLEMS, Problems, csv_line, csv_lines, csv_text, read_rows, read_sheet
from cases import each

ROWS = [["a.wav", "x, y"], ["b.wav", "3,5"]]


@pytest.fixture
def write(tmp_path):
    def write_bytes(content, name="a.csv"):
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        return file

    return write_bytes


def test_lines_count_as_in_an_editor(write):
    sheet = read_sheet(write('x,y\n1,"two\nlines"\n\n3,4\r\n'), CorpusError)
    assert sheet == (["x", "y"], [["1", "two\nlines"], ["3", "4"]], [3, 5], ",")
    assert read_sheet(write("sep=;\r\nx;y\r\n1;2\r\n"), CorpusError) == (["x", "y"], [["1", "2"]], [3], ";")


def test_raises_the_error_it_is_given(write, tmp_path):
    for error in (CorpusError, LabelError):
        with pytest.raises(error, match=r"nowhere.csv cannot be read: No such file"):
            read_sheet(tmp_path / "nowhere.csv", error)
        with pytest.raises(error, match=r"a.csv, line 3: three cells, the header has two"):
            read_sheet(write("x,y\n1,2\n1,2,3\n"), error)
        with pytest.raises(error, match=r"line 2 cannot be read as CSV"):
            read_sheet(write('x,y\n1,"2\n'), error)


@each("separator", [",", ";", "\t", "|"])
@each("end", ["\n", "\r\n", "\r"])
@each("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_separators_ends_and_encodings(separator, end, encoding, write):
    text = end.join([f"file{separator}note", *(f'{file}{separator}"{note}"' for file, note in ROWS), ""])
    for first in ("", f"sep={separator}{end}", end):
        sheet = read_sheet(write((first + text).encode(encoding)), CorpusError)
        assert (sheet.header, sheet.rows, sheet.separator) == (["file", "note"], ROWS, separator)
        assert sheet.lines == [number + bool(first) for number in (2, 3)]


def test_utf16_of_either_kind(write):
    for encoding, mark in (("utf-16-le", b"\xff\xfe"), ("utf-16-be", b"\xfe\xff")):
        assert read_sheet(write(mark + "file\nä.wav\n".encode(encoding)), CorpusError).rows == [["ä.wav"]]
        with pytest.raises(CorpusError, match=r"zero bytes in its header; save it as CSV in UTF-8"):
            read_sheet(write("file\na.wav\n".encode(encoding)), CorpusError)


@each(
    ("content", "message"),
    [
        (b"", "is empty; expected a header and rows"),
        (b"\xef\xbb\xbf\n\n", "is empty"),
        (b"file\n\xe4.wav\n", r"is not UTF-8 text \(byte 5\); save it as CSV in UTF-8"),
        (b"\xff\xfef", r"is not UTF-16-LE text"),
        (b"PK\x03\x04rest", "is a spreadsheet or an archive, not text; save it as CSV"),
    ],
)
def test_what_is_no_table(content, message, write):
    with pytest.raises(LabelError, match=message) as caught:
        read_sheet(write(content), LabelError)
    assert "\n" not in str(caught.value)


def test_semicolons_beside_commas_are_text(write):
    assert read_sheet(write("file,a;b\nx,1;2\n"), CorpusError).header == ["file", "a;b"]


def test_spaces_after_a_separator_do_not_hide_quotes(write):
    assert read_sheet(write('file, note\na.wav, "x, y"\n'), CorpusError).rows == [["a.wav", "x, y"]]


def test_rows_and_columns_that_a_spreadsheet_left_empty(write):
    rows = read_rows(write("file;speaker;;\na.wav;1;;\n;;;\n"))
    assert rows.frame.to_dict("list") == {"file": ["a.wav"], "speaker": ["1"]}
    assert rows.decimal_comma


def test_empty_cells_at_the_end_of_a_row_do_not_count(write):
    sheet = read_sheet(write("file;speaker\na.wav;1;\nb.wav;2;;\nc.wav;3\n"), CorpusError)
    assert sheet.rows == [["a.wav", "1"], ["b.wav", "2"], ["c.wav", "3"]]
    assert read_sheet(write("file;speaker;\na.wav;1\n"), CorpusError).rows == [["a.wav", "1", ""]]
    for text in ("x,y\n1\n", "x,y\n1,2,,3\n"):
        with pytest.raises(CorpusError, match=r"line 2: .* the header has two"):
            read_sheet(write(text), CorpusError)


def test_a_comment_is_no_header(write):
    with pytest.raises(CorpusError, match=r"a.csv, line 2 is a comment; remove it, so that"):
        read_sheet(write("\n# of June\nx,y\n1,2\n"), CorpusError)
    assert read_sheet(write("#file,y\n1,2\n"), CorpusError).header == ["#file", "y"]


def test_rows_know_their_place_and_folder(write):
    file = write("x\n1\n\n2\n", "deep/a.csv")
    rows = read_rows(file)
    assert (rows.places, rows.frame["x"].tolist(), rows.root) == (["line 2", "line 4"], ["1", "2"], file.parent)
    assert not rows.decimal_comma


def test_all_ragged_rows_are_named_at_once(write):
    with pytest.raises(CorpusError, match=r"a.csv: line 2 and 1 more: three cells, .*; line 3: one cell, the header"):
        read_sheet(write("x,y\n1,2,3\n1\n1,2\n4,5,6\n"), CorpusError)


def test_problems_are_bounded():
    problems = Problems("mine.csv", LabelError)
    problems.check()
    for row in range(MAX_PROBLEMS + 2):
        problems.add(f"line {row}", f"problem {row}")
    with pytest.raises(LabelError) as caught:
        problems.check()
    assert str(caught.value).startswith("mine.csv: line 0: problem 0; line 1: problem 1; ")
    assert str(caught.value).endswith("line 7: problem 7; and 2 other problems")


ANY = st.text(max_size=12) | st.text(alphabet="'=+-@\t\r\n\",;|\\ 1\0\ufeffa", max_size=6)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(ANY, ANY), min_size=1, max_size=4), ANY)
@example([("'=1", "'"), ("''-1", "'-1"), ("sep=;", "\r"), ("1,5", " x ")], "sep=|")
def test_any_text_comes_back(tmp_path_factory, rows, header):
    rows = [(first, second, "x") for first, second in rows]
    columns = [header.replace("\0", ""), "b", "c"]
    file = tmp_path_factory.getbasetemp() / "any.csv"
    file.write_bytes(csv_text(pd.DataFrame(rows, columns=columns)).encode())
    sheet = read_sheet(file, CorpusError)
    assert sheet[:2] == (columns, [list(row) for row in rows])


@settings(max_examples=200, deadline=None)
@given(ANY)
def test_no_cell_is_a_formula(text):
    (cell, _) = next(csv.reader(io.StringIO(csv_line([text, "x"]), newline="")))
    is_number = cell.strip("+-.eE0123456789") == "" != cell.strip("+-.eE")
    assert is_number or len(cell.lstrip()) == 1 or not cell.lstrip().startswith(("=", "+", "-", "@"))


@each(
    ("cell", "written"),
    [
        ("=SUM(A1)", "'=SUM(A1)"),
        ("+49 30", "'+49 30"),
        ("-2+3", "'-2+3"),
        ("@eaDir/a.wav", "'@eaDir/a.wav"),
        (" =1", "' =1"),
        ("＝1", "'＝1"),
        ("-1.5e-3", "-1.5e-3"),
        ("+7", "+7"),
        (-1.5, "-1.5"),
        (-0.1 - 0.2, "-0.30000000000000004"),
        (np.float64(-0.5), "-0.5"),
        (True, "True"),
        (np.nan, ""),
        (None, ""),
        (pd.NA, ""),
        (pd.NaT, ""),
        ("nan", "nan"),
        ("caf\udce9", "caf\\udce9"),
    ],
)
def test_formulas_are_defused_and_numbers_stay(cell, written):
    assert csv_line([cell, 1]) == f"{written},1"


def test_tables_are_written_as_pandas_writes_them():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(5, 2)) * 10.0 ** rng.integers(-9, 9, (5, 2)), columns=["x", "y"])
    frame = frame.assign(n=range(5), yes=[True, False] * 2 + [True], name=["a", "b, c", 'd"e', None, "f\ng"])
    frame.loc[1, "x"], frame.loc[2, "y"] = np.nan, np.inf
    for options in ({}, {"float_format": "%.7g"}):
        assert csv_text(frame, **options) == frame.to_csv(index=False, lineterminator="\n", **options)
        assert csv_text(frame, index=True, header=False) == frame.rename_axis("index").to_csv(
            header=False, lineterminator="\n"
        )
        assert csv_text({name: frame[name].to_numpy() for name in frame}, **options) == csv_text(frame, **options)
    assert csv_lines(frame[["name"]])[-2:] == ['""', '"f\ng"']


def test_a_table_without_end_is_not_read_to_its_end(tmp_path, monkeypatch):
    monkeypatch.setattr("affectmap.tables.MAX_BYTES", 1000)
    (tmp_path / "long.csv").write_text("x,y\n" + "1,2\n" * 250)
    for file in (tmp_path / "long.csv", Path("/dev/zero")):
        with pytest.raises(LabelError, match=r"has more than 1,000 bytes; store it as parquet"):
            read_sheet(file, LabelError)
