"""The page of a score."""

import re

import pytest

from affectmap.evaluation.scoring import score
from affectmap.report.score import render_score
from model_files import make_model
from scored import make_corpus


def test_the_page_needs_nothing_beside_it_and_escapes_names():
    found = score(make_model(name="<i>small</i>"), make_corpus("a&b", speaker=["<b>"] * 40))
    page = render_score(found)
    assert "<i>small" not in page
    assert "a&b" not in page
    assert "&lt;i&gt;small&lt;/i&gt; on a&amp;b" in page
    assert not re.search(r'(?:src|href)="(?!#)', page)
    assert "<script" not in page


def test_what_warns_stands_before_what_came_out():
    page = render_score(score(make_model().described(training={"corpora": ["pets"]}), make_corpus()))
    assert page.index("IN-SAMPLE:") < page.index("What came out") < page.index("Each class")
    assert page.count("<circle") == page.count('class="gap"') > 0
    assert 'class="wrong"' in page


def test_shares_of_a_row_are_its_counts():
    found = score(make_model(), make_corpus())
    page = render_score(found)
    for name, counts in found.confusion.iterrows():
        row = re.search(rf'<th scope="row">{name}</th>(.*?)</tr>', page)[1]
        assert [int(n) for n in re.findall(r"<small>(\d+)</small>", row)] == counts.tolist()


@pytest.mark.parametrize(
    "cells", [{"emotion": None}, {"activation": float("nan"), "valence": float("nan")}, {"emotions": ("sad",)}]
)
def test_a_page_of_a_corpus_that_lacks_something(cells):
    page = render_score(score(make_model(), make_corpus(**cells)))
    assert "nan" not in page.replace("nanny", "")
    assert ("<circle" in page) == ("emotion" not in cells)


def test_many_speakers_are_folded():
    page = render_score(score(make_model(), make_corpus(n_speakers=13)))
    assert "<details><summary>All 13 rows</summary>" in page
