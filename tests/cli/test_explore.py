"""``affectmap explore``: what it writes, and what it says when it cannot."""

import json
import re

import pandas as pd
import pytest

from cases import each
from corpus_files import make_rows, write_table


def about_of(page):
    return json.loads(re.search(r'id="about">(.*?)</script>', page.read_text(encoding="utf-8"))[1])


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
    assert about_of(here / "map.html")["n"] == 2


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


def test_embed_leaves_a_page_of_its_rows(affectmap, here, write_voice):
    write_voice("speech/a.wav", seconds=1.0)
    (here / "speech" / "b.wav").write_bytes(b"no audio")
    done = affectmap("embed", "speech", "--explore", "map.html", "--no-cache")
    assert done.code == 0
    assert len(done.out.splitlines()) == 3
    assert f"written: {here / 'map.html'}" in done.err
    about = about_of(here / "map.html")
    assert about["names"] == ["a.wav", "b.wav"]
    assert [each["name"] for each in about["maps"]] == ["model"]
    assert affectmap("embed", "speech", "--explore", "map.html").code == 1
    refused = affectmap("embed", "speech", "--explore", "new.html", "-o", "parts", "--format", "parquet")
    assert refused.error.startswith("--explore needs all recordings at once")


@pytest.mark.slow
def test_score_leaves_a_page_that_its_own_links(affectmap, here):
    write_table(here, "cats", make_rows(n_speakers=3))
    done = affectmap("score", "table:cats=cats.parquet", "-o", "score", "--explore")
    assert done.code == 0
    about = about_of(here / "score" / "explore.html")
    assert about["title"] == "cats"
    assert [each["name"] for each in about["maps"]] == ["affectmap-egemaps-v1, as it is", "ratings"]
    assert 'href="explore.html"' in (here / "score" / "score.html").read_text()
    assert affectmap("score", "table:cats=cats.parquet", "-o", "score", "--explore", "--overwrite").code == 0
    without = affectmap("score", "table:cats=cats.parquet", "--explore")
    assert (without.code, without.error) == (2, "--explore writes a page into a folder; name one with -o")


@pytest.mark.slow
def test_reproduce_leaves_a_page_that_its_report_links(affectmap, here, tables):
    assert affectmap("reproduce", *tables, "-o", "results", "--explore").code == 0
    about = about_of(here / "results" / "explore.html")
    names = [each["name"] for each in about["maps"]]
    assert {"DAE-Metric-Joint", "PCA-2", "ratings"} <= set(names)
    assert any("88 functionals has neither" in note for note in about["notes"])
    assert 'href="explore.html"' in (here / "results" / "report.html").read_text()
    again = affectmap("explore", "results", "-o", "again.html", "--no-sound")
    assert again.code == 0
    found = about_of(here / "again.html")
    assert [each["name"] for each in found["maps"]] == names
    assert found["n"] == about["n"]


@pytest.mark.slow
def test_a_corpus_is_put_on_the_map_as_it_is_and_adapted(affectmap, here):
    write_table(here, "cats", make_rows(n_speakers=3).assign(session="x"))
    assert affectmap("explore", "table:cats=cats.parquet", "-o", "map.html", "--no-sound").code == 0
    about = about_of(here / "map.html")
    assert [each["name"] for each in about["maps"]] == [
        "affectmap-egemaps-v1, as it is", "affectmap-egemaps-v1, adapted to the corpus", "ratings",
    ]  # fmt: skip
    assert about["n"] == len(make_rows(n_speakers=3))
    assert "session" in [each["name"] for each in about["facts"]]
