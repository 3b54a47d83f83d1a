"""The page of a score."""

import re

import pytest

from affectmap.evaluation.scoring import score
from affectmap.report import score_map as map_module
from affectmap.report.score import _RIGHT, _WRONG, _shades, render_score
from affectmap.report.score_map import score_map
from browsers import axe_violations, check_colours, close_tabs, luminance, open_tab
from model_files import make_model
from scored import make_corpus


def test_the_page_needs_nothing_beside_it_and_escapes_names():
    found = score(make_model(name="<i>small</i>"), make_corpus("a&b; c", speaker=["<b>"] * 40))
    page = render_score(found)
    assert "<i>small" not in page
    assert "a&b" not in page
    assert "<h1>&lt;i&gt;small&lt;/i&gt; on a&amp;b; c: 40 utterances of one speaker</h1>" in page
    assert "Each recording alone, with the statistics of the model." in page
    assert not re.search(r'(?:src|href)="(?!#)', page)
    assert "<script" not in page


def test_what_warns_stands_before_what_came_out():
    page = render_score(score(make_model().described(training={"corpora": ["pets"]}), make_corpus()))
    assert (
        page.index('class="answer"')
        < page.index("The model was trained on pets.")
        < page.index('id="map"')
        < page.index('id="said"')
    )
    assert page.count("<circle") == page.count('class="gap"') > 0


def test_a_cell_is_coloured_by_its_share_and_by_whether_it_is_right():
    assert _shades(0, _RIGHT) == {"light": "rgb(255, 255, 255)", "dark": "rgb(20, 24, 29)"}
    assert _shades(1, _RIGHT) == {"light": "rgb(128, 195, 181)", "dark": "rgb(10, 80, 68)"}
    assert _shades(1, _WRONG)["light"] == "rgb(231, 196, 128)"


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


def test_the_map_has_every_utterance_and_the_means_of_each_emotion():
    found = score(make_model(), make_corpus())
    drawn = score_map(found)
    rows = found.utterances
    assert len(drawn.points) == len(rows) == drawn.n_all
    sad = rows[rows["emotion"] == "sad"]
    mean = next(each for each in drawn.means if each["name"] == "sad")
    assert mean["x"] == pytest.approx((sad["predicted_valence"].mean() - 0.75) / 4.5 * 100, abs=0.06)
    assert mean["y"] == pytest.approx((5.25 - sad["predicted_activation"].mean()) / 4.5 * 100, abs=0.06)
    assert mean["rated"][0] == pytest.approx((sad["valence"].mean() - 0.75) / 4.5 * 100, abs=0.06)


def test_of_many_utterances_some_are_drawn(monkeypatch):
    monkeypatch.setattr(map_module, "DRAWN_POINTS", 10)
    found = score(make_model(), make_corpus())
    drawn = score_map(found)
    assert (len(drawn.points), drawn.n_all, drawn.n_left) == (10, 40, 30)
    assert "(of 40, 10 chosen at random)" in render_score(found)


def test_the_page_says_what_its_answer_rests_on():
    one = render_score(score(make_model(), make_corpus()))
    assert (
        "<b>What this rests on.</b> 40 utterances of five speakers: 40 with one of the model’s classes, 40 with" in one
    )
    assert "Read this first" not in one
    other = render_score(score(make_model().described(training={"corpora": ["pets"]}), make_corpus()))
    assert "The model was trained on pets. These values say how well it knows that corpus" in other


def test_many_speakers_are_folded():
    page = render_score(score(make_model(), make_corpus(n_speakers=13)))
    assert "<details><summary>All 13 rows</summary>" in page


@pytest.mark.browser
@pytest.mark.parametrize(("width", "dark"), [(1200, False), (1200, True), (390, False), (390, True)])
def test_the_page_fits_and_can_be_read_in_light_and_dark(browser, tmp_path, width, dark):
    found = score(
        make_model().described(training={"corpora": ["pets"]}),
        make_corpus(emotion=["sad", "fear", "angry", "happy"] * 10),
    )
    (tmp_path / "score.html").write_text(render_score(found), encoding="utf-8")
    tab = open_tab(browser, tmp_path, width, 900, dark=dark)
    try:
        tab.get((tmp_path / "score.html").as_uri())
        assert tab.execute_script("return document.documentElement.scrollWidth") <= width
        ground = tab.execute_script("return getComputedStyle(document.body).backgroundColor")
        assert (luminance(ground) < 0.2) == dark
        check_colours(tab, 60)
        assert axe_violations(tab) == []
        assert tab.get_log("browser") == []
    finally:
        close_tabs(browser)
