"""``affectmap explore``: what it writes, and what it says when it cannot."""

import json
import re

import pandas as pd
import pytest

from cases import each


@pytest.fixture
def table(here, write_voice):
    write_voice("a.wav")
    text = "file,activation,valence,emotion\na.wav,4,2,angry\nmissing.wav,2,3,sad\n"
    (here / "mine.csv").write_text(text)
    return "mine.csv"


def test_a_page_and_a_table_for_embedding_atlas(affectmap, table, here):
    done = affectmap("explore", table, "-o", "map.html", "--atlas", "atlas.parquet", "--title", "Mine")
    assert done.code == 0
    assert done.out.splitlines() == [str(here / "map.html"), str(here / "atlas.parquet")]
    assert "note: 1 of 2 points have no sound, first: there is no such file" in done.err
    assert "to see it: embedding-atlas atlas.parquet --x ratings_valence --y ratings_activation" in done.err
    assert "<h1>Mine</h1>" in (here / "map.html").read_text()
    assert len(pd.read_parquet("atlas.parquet")) == 2


def test_without_sound_nothing_is_opened(affectmap, table, here):
    assert affectmap("explore", table, "-o", "map.html", "--no-sound").err == ""
    about = re.search(r'id="about">(.*?)</script>', (here / "map.html").read_text())[1]
    assert json.loads(about)["n"] == 2


def test_a_page_is_replaced_only_when_asked(affectmap, table):
    affectmap("explore", table, "-o", "map.html", "--no-sound")
    done = affectmap("explore", table, "-o", "map.html", "--no-sound")
    assert (done.code, done.error) == (
        1,
        "map.html exists; name another file with -o, or add --overwrite to replace it",
    )
    assert affectmap("explore", table, "-o", "map.html", "--no-sound", "--overwrite").code == 0


@each(
    ("words", "code", "error"),
    [
        (["none"], 2, "none does not exist; expected a folder of results, a table"),
        (["mine.csv", "-o", "map.txt"], 2, "map.txt ends in .txt, and what is written in .html; name such a file"),
        (["mine.csv", "-o", "mine.csv"], 2, "mine.csv ends in .csv"),
        (["mine.csv", "--labels", ".", "-o", "map.html"], 2, "--labels and --model are for corpora"),
        (["mine.csv", "emodb=.", "-o", "map.html"], 2, "mine.csv is no corpus as NAME=DIR, and the others are"),
        (["emodb=nowhere", "-o", "map.html"], 1, "nowhere"),
        (["mine.csv", "--atlas", "a.csv"], 2, "a.csv ends in .csv, and a table as parquet in .parquet"),
        (["mine.csv", "--port", "99999"], 2, "invalid value for '--port'"),
    ],
)
def test_what_is_wrong_is_one_line(affectmap, table, words, code, error):
    done = affectmap("explore", *words)
    assert done.code == code
    assert error in done.error
