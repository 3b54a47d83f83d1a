"""The rating page when something is in its way: nothing that was confirmed is lost, nothing counted twice."""

from __future__ import annotations

import csv
import re
import subprocess
import sysconfig
from pathlib import Path

import pytest

from browsers import close_tabs, open_tab

pytest.importorskip("sqlalchemy", reason="the store needs the extra annotate")
from selenium.webdriver.common.keys import Keys

from affectmap.annotator.database import DatabaseAwayError, DatabaseFullError
from annotator_pages import RatingPage, serving

pytestmark = pytest.mark.browser
UP, DOWN, LEFT, RIGHT = Keys.ARROW_UP, Keys.ARROW_DOWN, Keys.ARROW_LEFT, Keys.ARROW_RIGHT


@pytest.fixture
def open_page(browser, tmp_path):
    yield lambda link: RatingPage(open_tab(browser, tmp_path, 1280, 800), link)
    close_tabs(browser)


def points(annotator, name="Ada"):
    return [(row["activation"], row["valence"]) for row in annotator.rows(name)]


def waiting_ratings(page):
    return page.run("return Object.keys(localStorage).filter((name) => name.startsWith('affectmap-rating:')).length")


def test_a_refresh_in_the_middle(tmp_path, open_page):
    with serving(tmp_path) as annotator:
        page = open_page(annotator.link())
        page.begin()
        first = page.item
        page.press(UP, Keys.ENTER)
        page.until_another(first)
        second = page.item
        page.press(DOWN, DOWN, RIGHT)
        page.browser.refresh()
        page.until_phase("welcome")
        assert page.text("panel-title") == "Welcome back, Ada"
        assert "Rated so far: 1 of 4." in page.text("panel-text")
        page.begin()
        assert page.item == second
        assert page.text("place") == "activation 2, valence 3.5"  # marked, and not confirmed
        page.press(Keys.ENTER)
        page.until_another(second)
        assert points(annotator) == [(3.5, 3.0), (2.0, 3.5)]


def test_two_raters_at_once(tmp_path, open_page):
    with serving(tmp_path) as annotator:
        pages = {name: open_page(annotator.link(name)) for name in ("Ada", "Bo")}
        for page in pages.values():
            page.begin()
        for _ in range(4):
            for name, page in pages.items():
                item = page.item
                page.press(UP if name == "Ada" else DOWN, Keys.ENTER)
                page.until(
                    "document.querySelector('#rating').dataset.item !== arguments[0] || document.body.dataset.phase === 'done'",
                    item,
                )
                page.until("document.body.dataset.phase !== 'saving'")
        for page in pages.values():
            page.until_phase("done")
        assert points(annotator, "Ada") == [(3.5, 3.0)] * 4
        assert points(annotator, "Bo") == [(2.5, 3.0)] * 4
        assert {row["file"] for row in annotator.rows("Bo")} == {f"{number}.wav" for number in range(4)}


def test_a_lost_network(tmp_path, open_page):
    with serving(tmp_path) as annotator:
        page = open_page(annotator.link())
        page.begin()
        page.until(
            "performance.getEntriesByType('resource').filter((each) => each.name.includes('/audio/')).length === 2"
        )
        page.offline(True)
        first = page.item
        page.press(UP, Keys.ENTER)
        page.until_another(first)  # its sound was there already
        assert "No connection. Not saved yet – trying again." in page.text("trouble")
        assert page.text("count") == "1 of 4"
        assert page.find("undo").get_attribute("disabled")
        page.press(DOWN, DOWN, Keys.ENTER)
        page.until_phase("waiting")
        assert waiting_ratings(page) == 2
        assert annotator.rows() == []
        page.offline(False)
        page.until_phase("rating", seconds=20)
        assert page.text("trouble") == ""
        assert points(annotator) == [(3.5, 3.0), (2.0, 3.0)]
        assert waiting_ratings(page) == 0
        third = page.item
        page.press(LEFT, Keys.ENTER)
        page.until_another(third)
        assert points(annotator) == [(3.5, 3.0), (2.0, 3.0), (3.0, 2.5)]
        assert {row["revision"] for row in annotator.rows()} == {1}


@pytest.mark.parametrize(
    ("error", "told"), [(DatabaseAwayError, "cannot store anything just now"), (DatabaseFullError, "disk is full")]
)
def test_a_store_in_trouble(tmp_path, open_page, monkeypatch, error, told):
    with serving(tmp_path) as annotator:
        page = open_page(annotator.link())
        page.begin()
        first = page.item

        def fail(rater, rating):
            raise error("not now")

        with monkeypatch.context() as patch:
            patch.setattr(annotator.store.ratings, "save", fail)
            page.press(UP, Keys.ENTER)
            page.until_text("trouble", told)
            page.until_another(first)
            page.browser.refresh()  # it is kept over this
            page.until_phase("welcome")
            page.press(Keys.ENTER)
            page.until_text("trouble", told)
            assert points(annotator) == []
        page.until_phase("rating")
        assert page.text("trouble") == ""
        assert page.text("count") == "1 of 4"
        assert page.item != first
        assert points(annotator) == [(3.5, 3.0)]


def test_a_lost_answer_counts_once(tmp_path, open_page, monkeypatch):
    with serving(tmp_path) as annotator:
        page = open_page(annotator.link())
        page.begin()
        first, save = page.item, annotator.store.ratings.save
        keys = []

        def save_and_fall_silent(rater, rating):
            keys.append(rating.key)
            revision = save(rater, rating)
            if len(keys) < 3:
                raise DatabaseAwayError("the answer is lost")
            return revision

        monkeypatch.setattr(annotator.store.ratings, "save", save_and_fall_silent)
        page.press(UP, Keys.ENTER)
        page.until_another(first)
        page.until_text("trouble", "^$")
        assert len(keys) == 3
        assert len(set(keys)) == 1
        assert points(annotator) == [(3.5, 3.0)]
        assert page.text("count") == "1 of 4"


def test_two_windows_of_one_rater(tmp_path, open_page):
    with serving(tmp_path) as annotator:
        one, other = open_page(annotator.link()), open_page(annotator.link())
        one.begin()
        other.begin()
        first = one.item
        assert other.item == first
        one.press(UP, Keys.ENTER)
        one.until_another(first)
        other.press(DOWN, Keys.ENTER)
        other.until_another(first)
        assert "already rated in another window" in other.text("status")
        assert other.item == one.item
        assert points(annotator) == [(3.5, 3.0)]
        second = other.item
        other.press(DOWN, Keys.ENTER)
        other.until_another(second)
        assert points(annotator) == [(3.5, 3.0), (2.5, 3.0)]


def test_a_pause(tmp_path, open_page):
    with serving(tmp_path) as annotator:
        page = open_page(annotator.link())
        page.begin()
        rater = annotator.store.raters.named("Ada")
        annotator.store.raters.pause(rater.id, True)
        first = page.item
        page.press(UP, Keys.ENTER)
        page.until_phase("paused")
        assert "paused your ratings" in page.text("panel-text")
        assert points(annotator) == []
        annotator.store.raters.pause(rater.id, False)
        page.until_another(first)
        assert points(annotator) == [(3.5, 3.0)]


def test_a_recording_that_is_gone_is_passed_over(tmp_path, open_page):
    with serving(tmp_path) as annotator:
        rater = annotator.store.raters.named("Ada")
        coming = annotator.store.ratings.progress(rater)
        # Before the page is open, which fetches the second sound while the first is rated.
        (tmp_path / "speech" / annotator.store.ratings.recording_of(rater, coming.following)[1]).unlink()
        page = open_page(annotator.link())
        page.begin()
        page.press(UP, Keys.ENTER)
        shown = [coming.item, coming.following]  # the second for as long as nobody knows that its sound is gone
        page.until("!arguments[0].includes(document.querySelector('#rating').dataset.item)", shown)
        page.until_phase("rating")
        assert page.text("count") == "1 of 3"


def start(place, port):
    """Start ``affectmap annotate`` as a process of its own; give it, its port and the rater's link."""
    program = [
        str(Path(sysconfig.get_path("scripts")) / "affectmap"),
        "annotate",
        str(place / "speech"),
        "--no-browser",
    ]
    options = ["--ratings", str(place / "labels"), "--training", str(place / "training.csv"), "--port", str(port)]
    process = subprocess.Popen([*program, *options, "--rater", "Ada"], stderr=subprocess.PIPE, text=True)
    link = re.search(r"http://\S+:(\d+)/r/\S+", line := process.stderr.readline())
    assert link, line + process.stderr.read()
    return process, int(link.group(1)), link.group()


def test_a_server_that_is_killed(tmp_path, open_page):
    with serving(tmp_path):
        pass  # only what it wrote is needed
    process, port, link = start(tmp_path, 0)
    try:
        page = open_page(link)
        page.begin()
        first = page.item
        page.press(UP, Keys.ENTER)
        page.until_another(first)
        second = page.item
        process.kill()
        process.communicate()
        page.press(DOWN, Keys.ENTER)
        page.until_text("trouble", "No connection. Not saved yet")
        process, _, _ = start(tmp_path, port)
        page.until_text("trouble", "^$")
        page.until_another(second)
        assert page.text("count") == "2 of 4"
    finally:
        process.terminate()
        process.communicate(timeout=30)
    rows = list(csv.DictReader((tmp_path / "labels" / "ratings.csv").read_text(encoding="utf-8").splitlines()))
    assert [(row["activation"], row["revision"]) for row in rows] == [("3.5", "1"), ("2.5", "1")]


def test_what_is_refused_is_told(tmp_path, open_page):
    with serving(tmp_path) as annotator:
        page = open_page(annotator.link())
        page.begin()
        page.run(
            "localStorage.setItem(`affectmap-rating:${location.pathname.split('/').pop()}:no key`,"
            " JSON.stringify({at: 0, rating: {item: 'x', key: 'no key'}}))"
        )
        first = page.item
        page.press(UP, Keys.ENTER)
        page.until_another(first)
        assert "Not accepted: " in page.text("status")
        assert points(annotator) == [(3.5, 3.0)]
        assert waiting_ratings(page) == 0
