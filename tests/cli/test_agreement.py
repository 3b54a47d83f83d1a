"""``affectmap agreement`` as a user meets it."""

import pytest

from affectmap.agreement import write_ratings
from affectmap.cli.ratings import N_SHOWN
from affectmap.text import TextTable, table_text
from rating_files import make_ratings, simulate

PAIR = """\
file,rater,activation
a.wav,anna,1
b.wav,anna,2
c.wav,anna,4
a.wav,bo,2
b.wav,bo,3
c.wav,bo,5
"""


def test_tables_and_warnings(affectmap, here):
    (here / "all.csv").write_text(PAIR)
    done = affectmap("agreement", "all.csv")
    assert done.code == 0
    assert done.err == (
        "warning: Activation: only 3 items have ratings of two or more people; 20 is little, 100 is better.\n"
    )
    blocks = done.out.rstrip("\n").split("\n\n")
    assert blocks[0].splitlines()[:3] == [
        "All raters",
        "            ICC(2,1)  ICC(2,k)  Krippendorff’s α  items  raters",
        "activation       .82       .90               .77      3       2",
    ]
    assert blocks[1].splitlines()[:3] == [
        "Two raters",
        "raters                CCC  Pearson  difference  items",
        "anna, bo  activation  .76     1.00       +1.00      3",
    ]
    assert blocks[2].splitlines()[:4] == [
        "Each rater",
        "rater  first  repeats  cannot tell  seconds  activation  weight  valence  weight",
        "anna       3        0            0        –   2.3 ± 1.2    1.00        –       –",
        "bo         3        0            0        –   3.3 ± 1.2    1.00        –       –",
    ]
    assert len(blocks) == 3
    assert [file.name for file in here.iterdir()] == ["all.csv"]


@pytest.mark.slow
def test_a_folder_becomes_a_page(affectmap, here):
    ratings = simulate(25, n_repeats=5)
    for rater, mine in ratings.groupby("rater"):
        write_ratings(mine, here / "raters" / f"{rater}.csv")
    done = affectmap("agreement", "raters", "-o", "out")
    assert done.code == 0, done.err
    assert done.out.splitlines()[-1] == str(here / "out" / "agreement.html")
    assert {file.name for file in (here / "out").iterdir()} >= {"agreement.html", "agreement.csv", "gold_standard.csv"}
    done = affectmap("agreement", "raters", "-o", "out")
    assert (done.code, done.error) == (1, "out exists; name another folder with -o, or add --overwrite to replace it")
    assert affectmap("agreement", "raters", "-o", "out", "--overwrite").code == 0


def test_data_that_is_wrong(affectmap, here):
    (here / "bad.csv").write_text("file,rater,valence\na.wav,bo,7\n")
    done = affectmap("agreement", "bad.csv", "-o", "out")
    assert (done.code, done.error) == (1, "bad.csv, line 2: valence is 7; expected a number from 1 to 5, or nothing")
    done = affectmap("agreement", "none.csv")
    assert (done.code, done.error) == (1, "none.csv cannot be read: No such file or directory")
    assert not (here / "out").exists()


def test_a_wrong_command_line(affectmap):
    assert affectmap("agreement").code == 2
    done = affectmap("agreement", "a.csv", "--resamples", "50")
    assert done.code == 2


def test_next_to_nothing_gives_a_page_and_a_warning(affectmap, here):
    for i, row in enumerate(([], [{"file": "a.wav", "rater": "x"}], [{"file": "a.wav", "rater": "x", "valence": 2.0}])):
        write_ratings(make_ratings(*row), here / "all.csv")
        done = affectmap("agreement", "all.csv", "-o", f"out{i}")
        assert done.code == 0, done.err
        assert done.err.startswith("warning: "), row
        assert (here / f"out{i}" / "agreement.html").exists(), row


def test_long_tables_are_cut():
    rows = [[f"r{i}", ".50"] for i in range(N_SHOWN + 2)]
    lines = table_text(TextTable("Two raters", ["raters", "CCC"], rows, 1, "A legend."), N_SHOWN).splitlines()
    assert lines[-3:] == [f"r{N_SHOWN - 1}     .50", "and 2 more; -o DIR writes all of them", "  A legend."]


def test_what_is_not_installed(affectmap, here, monkeypatch):
    (here / "all.csv").write_text(PAIR)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "jinja2" else object())
    done = affectmap("agreement", "all.csv", "-o", "out")
    expected = 'the page of agreement needs jinja2; run pip install "affectmap[agreement]"'
    assert (done.code, done.error) == (2, expected)
