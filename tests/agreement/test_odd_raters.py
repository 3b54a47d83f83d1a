"""Raters of any name: as columns are called, with separators, line ends, formulas, markup and pictures."""

import warnings

import pandas as pd
import pytest

from affectmap.agreement import agreement_table, export_database, export_sheet, read_raw, warnings_of, write_ratings
from affectmap.agreement.exchange import column_names
from affectmap.agreement.table import text_tables
from affectmap.corpora import load_corpus
from affectmap.names import read_id
from rating_files import make_ratings

NAMES = [
    *("file", "File", "start", "end", "rater", "activation", "valence", "emotion", "speaker", "gender", "label"),
    *("a,b", "a\nb", "c\r\nd", "a;b", 'say "a"', "tab\tbed", "=1+1", "@me", "-1", "'quoted", "NA", "nan", "1.5", "01"),
    *("😀", "Zoë", "<b>bold</b>", "$x^$", "$", "x_{1", "100 %", "{0}", "a" * 300, "raters.activation", "db", "\u202eevil"),
]  # fmt: skip


@pytest.fixture
def ratings():
    rows = []
    for number, name in enumerate(NAMES):
        for item in range(6):
            label = 1 + (number * 7 + item * 3) % 9 / 2
            row = {"file": f"{item}.wav", "rater": name, "activation": label, "valence": 6 - label}
            rows.append({**row, "emotion": ("sad", "happy")[item % 2]})
    return make_ratings(*rows)


def test_raw_ratings_go_round(ratings, tmp_path):
    write_ratings(ratings, tmp_path / "raw.csv")
    with pytest.warns(UserWarning, match=r"^raters 'file' and 'File' are counted apart; write them alike"):
        read = read_raw(tmp_path / "raw.csv")
    assert read["rater"].tolist() == [read_id(name) for name in ratings["rater"]]
    assert read["rater"].nunique() == len(NAMES)
    assert read["activation"].equals(ratings["activation"])


@pytest.mark.slow
def test_tables_and_the_page(ratings, tmp_path):
    pytest.importorskip("jinja2")
    pytest.importorskip("matplotlib")
    from affectmap.report.agreement import write_agreement

    table = agreement_table(ratings)
    assert len(text_tables(ratings, table)) > 3
    assert set(table["rater"]) == {"", *NAMES} - {sorted(NAMES)[-1]}
    for first in range(0, len(NAMES), 12):  # as many as are drawn
        some = ratings[ratings["rater"].isin(NAMES[first : first + 12])]
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            write_agreement(some, table, warnings_of(some), tmp_path / str(first))
    page = "".join((tmp_path / str(first) / "agreement.html").read_text() for first in range(0, len(NAMES), 12))
    assert "<b>bold" not in page
    assert pd.read_csv(tmp_path / "0" / "agreement.csv", keep_default_na=False)["rater"].nunique() > 30


@pytest.mark.filterwarnings("ignore:The inplace keyword")  # of pandas, in audformat
def test_a_database_has_a_column_for_everybody(ratings, tmp_path):
    audformat = pytest.importorskip("audformat")
    folder = tmp_path / "database"
    export_database(ratings, folder)
    loaded = audformat.Database.load(str(folder))
    table = loaded["raters.activation"]
    whose = {column.rater_id: name for name, column in table.columns.items()}
    assert sorted(whose) == sorted(NAMES)
    assert whose["file"] == "rater.file"
    for name in NAMES:
        expected = ratings.loc[ratings["rater"] == name, "activation"].tolist()
        assert table.df[whose[name]].tolist() == expected, name
    for item in range(6):
        (folder / f"{item}.wav").touch()
    corpus = load_corpus(f"mine={folder}")
    assert len(corpus.table) == 6
    assert corpus.table["speaker"].isna().all()


def test_a_sheet(ratings, tmp_path):
    export_sheet(ratings, tmp_path / "sheet.csv")
    assert len((tmp_path / "sheet.csv").read_text().splitlines()) == 7


def test_columns_are_told_apart():
    names = column_names(["file", "rater.file", "a b", "a\nb", "a\tb", "", " ", "\n", "Gender", "rater"])
    assert len(set(names.values())) == len(names)
    assert names["rater.file"] == "rater.file"
    assert names["file"] == "rater.file 2"
    assert (names["a b"], names["a\nb"], names["a\tb"]) == ("a b", "a b 2", "a b 3")
    assert names["Gender"] == "rater.Gender"
