"""The rating page in Debian's chromium: by keyboard, by touch, in five languages, narrow and dark."""

from __future__ import annotations

import pytest

from browsers import check_colours, close_tabs, luminance, open_tab

pytest.importorskip("sqlalchemy", reason="the store needs the extra annotate")
from selenium.webdriver.common.keys import Keys

from annotator_pages import RatingPage, serving

pytestmark = pytest.mark.browser
UP, DOWN, LEFT, RIGHT = Keys.ARROW_UP, Keys.ARROW_DOWN, Keys.ARROW_LEFT, Keys.ARROW_RIGHT
VALUES = ("activation", "valence", "emotion", "cannot_tell", "comment", "revision")


@pytest.fixture
def open_page(browser, tmp_path):
    """Give a function that opens a page of its own; in the end nothing must have been complained of."""
    opened = []

    def start(link: str, width: int = 1280, height: int = 800, **options) -> RatingPage:
        opened.append(RatingPage(open_tab(browser, tmp_path, width, height, **options), link))
        return opened[-1]

    yield start
    for page in opened:
        assert page.complaints() == []
    close_tabs(browser)


def values_of(rows):
    return [tuple(row[name] for name in VALUES) for row in rows]


def test_a_session_by_keyboard(tmp_path, open_page):
    with serving(tmp_path, n_items=4, trained=False, emotions=("neutral", "sad", "happy")) as annotator:
        page = open_page(annotator.link())
        page.until_phase("welcome")
        assert page.text("panel-title") == "Hello, Ada"
        page.press(Keys.ENTER)
        page.until_phase("practice")
        assert page.text("count") == "Practice 1 of 2"
        page.press(Keys.ENTER)  # nothing is marked
        page.until_text("status", "First mark a point")
        assert not page.run("return document.querySelector('#square .reference').checkVisibility()")
        page.press(UP, Keys.ENTER)
        page.until_text("note", "To compare: activation 4.5, valence 2. Loud and hasty.")
        assert page.run("return document.querySelector('#square .reference').checkVisibility()")
        page.press(DOWN, Keys.ENTER)  # what was compared is not changed any more
        page.until_text("count", "Practice 2 of 2")
        page.until_phase("practice")
        page.press(LEFT, Keys.ENTER, Keys.ENTER)
        page.until_phase("between")
        page.press(Keys.ENTER)
        page.until_phase("rating")
        assert page.text("count") == "0 of 4"
        first = page.item
        page.press(UP, UP, RIGHT, "3", Keys.ENTER)
        page.until_another(first)
        second = page.item
        page.press(LEFT, "2", "x", "c", "x, 1 ?", Keys.ENTER, Keys.ENTER)
        page.until_another(second)
        third = page.item
        page.press("u")
        page.until("document.querySelector('#rating').dataset.item === arguments[0]", second)
        page.until_text("note", "changing your last rating")
        assert page.text("place") == "Cannot tell"
        page.press(DOWN, "1", Keys.ENTER)
        page.until("document.querySelector('#rating').dataset.item === arguments[0]", third)
        page.until_phase("rating")
        page.press("u")
        page.until_text("undo", "Leave as it was")
        page.press(Keys.BACKSPACE)
        page.until("document.querySelector('#rating').dataset.item === arguments[0]", third)
        page.until_phase("rating")
        page.press(*[UP] * 9, *[LEFT] * 9, "2", "2", Keys.ENTER)
        page.until_another(third)
        page.press(DOWN, Keys.ENTER)
        page.until_phase("done")
        assert values_of(annotator.rows()) == [
            (4.0, 3.5, "happy", False, "", 1),
            (None, None, None, True, "x, 1 ?", 1),
            (2.5, 3.0, "neutral", False, "x, 1 ?", 2),
            (5.0, 1.0, None, False, "", 1),
            (2.5, 3.0, None, False, "", 1),
        ]
        assert all(0 <= row["seconds"] < 30 for row in annotator.rows())
        page.find("panel-undo").click()
        page.until_phase("rating")
        page.press(DOWN, Keys.ENTER)
        page.until_phase("done")
        assert values_of(annotator.rows())[-1] == (2.0, 3.0, None, False, "", 2)


ASKED = (
    """performance.getEntriesByType('resource').map((each) => each.name).filter((name) => name.includes('/audio/'))"""
)
PAINTED = """document.getElementById('wave').getContext('2d').getImageData(0, 0, 300, 40).data.some((value) => value)"""


def test_nobody_waits_for_the_next_sound(tmp_path, open_page):
    with serving(tmp_path) as annotator:
        page = open_page(annotator.link())
        page.begin()
        for number in (2, 3, 4):
            page.until(f"{ASKED}.length === {number}")  # the next one, while this one is rated
            item = page.item
            page.press(UP, Keys.ENTER)
            page.until_another(item)
        assert page.run(f"return {PAINTED}")
        assert len(set(page.run(f"return {ASKED}"))) == 4  # each was fetched once


def test_playing(tmp_path, open_page):
    with serving(tmp_path) as annotator:
        page = open_page(annotator.link())
        page.begin()
        player = "document.getElementById('player')"
        page.until(f"{player}.ended")
        page.press(" ")
        page.until(f"!{player}.paused && {player}.currentTime > 0")
        page.press("s")
        assert page.text("speed") == "1.25×"
        assert page.run(f"return [{player}.playbackRate, {player}.preservesPitch]") == [1.25, True]
        page.press("s", "s")
        assert page.text("speed") == "1×"
        page.until(f"{player}.ended")
        page.find("wave").click()  # in its middle
        assert page.run(f"return {player}.currentTime") >= 0.25


def test_by_touch(tmp_path, open_page):
    with serving(tmp_path, n_items=2, emotions=("neutral", "sad", "happy", "angry")) as annotator:
        page = open_page(annotator.link(), 360, 640, touch=True)
        page.until_phase("welcome")
        page.tap("panel-button")
        page.until_phase("rating")
        first = page.item
        page.touch(page.square_at(2, 2), page.square_at(3, 3), page.square_at(4.4, 1.6))
        assert page.text("place") == "activation 4.5, valence 1.5"
        page.touch(page.place_of("#emotions button:nth-child(4)"))
        page.tap("confirm")
        page.until_another(first)
        page.touch(page.square_at(3, 4))
        page.tap("cannot-tell")
        page.tap("comment-button")
        page.press("too quiet", Keys.ENTER)
        page.tap("confirm")
        page.until_phase("done")
        assert values_of(annotator.rows()) == [
            (4.5, 1.5, "angry", False, "", 1),
            (None, None, None, True, "too quiet", 1),
        ]


def test_continuous(tmp_path, open_page):
    with serving(tmp_path, n_items=1, continuous=True) as annotator:
        page = open_page(annotator.link())
        page.begin()
        page.press(UP, UP, LEFT)
        assert page.text("place") == "activation 3.1, valence 2.95"
        page.press(RIGHT, held=Keys.SHIFT)
        assert page.text("place") == "activation 3.1, valence 3.45"
        page.press(Keys.ENTER)
        page.until_phase("done")
        assert values_of(annotator.rows()) == [(3.1, 3.45, None, False, "", 1)]


def test_right_to_left(tmp_path, open_page):
    with serving(tmp_path, n_items=2, language="ur") as annotator:
        page = open_page(annotator.link())
        page.begin()
        assert page.run("return [document.documentElement.dir, document.documentElement.lang]") == ["rtl", "ur"]
        assert page.place_of("#count")[0] > page.place_of("#help-button")[0]
        # The square is not mirrored.
        assert page.place_of(".edge.right")[0] > page.place_of("#square")[0] > page.place_of(".edge.left")[0]
        assert page.run("return document.querySelector('.edge.right').textContent") == "خوشگوار"
        page.press(RIGHT, RIGHT)
        assert page.place_of("#square .point")[0] == pytest.approx(page.square_at(3, 4)[0], abs=1)
        first = page.item
        page.press(Keys.ENTER)
        page.until_another(first)
        assert values_of(annotator.rows()) == [(3.0, 4.0, None, False, "", 1)]


def test_languages(tmp_path, open_page):
    with serving(tmp_path, emotions=("sad",)) as annotator:
        page = open_page(annotator.link())
        page.begin()
        page.press(UP, "1")
        seen = set()
        for code in ("de", "el", "fr", "ur", "en"):
            page.run("language.value = arguments[0]; language.dispatchEvent(new Event('change'))", code)
            page.until("document.documentElement.lang === arguments[0]", code)
            seen.add((page.text("place"), page.text("confirm"), page.text("emotions")))
        assert len(seen) == 5
        assert page.run("return document.querySelector('#emotions [aria-pressed=true]').textContent") == "sad1"
        page.find("help-button").click()
        assert "move the mark by half a step" in page.text("help")
        page.press("?")
        page.until("!document.getElementById('help').open")
        page.run("language.value = 'el'; language.dispatchEvent(new Event('change'))")
        page.until("document.documentElement.lang === 'el'")
        page.browser.refresh()
        page.until_text("panel-title", "Καλώς ήρθατε")


def test_keys_of_other_layouts(tmp_path, open_page):
    with serving(tmp_path, emotions=("sad", "happy")) as annotator:
        page = open_page(annotator.link())
        page.begin()
        send = "document.activeElement.dispatchEvent(new KeyboardEvent('keydown', {key: arguments[0], code: arguments[1], bubbles: true}))"
        pressed = "return [...document.querySelectorAll('[aria-pressed=true]')].map((button) => button.innerText.split('\\n')[0])"
        page.run(send, "χ", "KeyX")
        assert page.run(pressed) == ["Cannot tell"]
        page.run(send, "é", "Digit2")
        assert [text[:5] for text in page.run(pressed)] == ["happy"]


def test_screen_readers_are_told(tmp_path, open_page):
    with serving(tmp_path) as annotator:
        page = open_page(annotator.link())
        page.begin()
        tree = page.cdp("Accessibility.getFullAXTree")["nodes"]
        nodes = {(node["role"]["value"], node.get("name", {}).get("value", "")) for node in tree if "role" in node}
        assert {("slider", "activation"), ("slider", "valence"), ("group", "How does the voice sound?")} <= nodes
        assert {("button", "Play"), ("button", "Speed 1"), ("button", "Confirm"), ("combobox", "Language")} <= nodes
        assert page.run("return document.activeElement.getAttribute('aria-valuetext')") == "not marked yet"
        page.press(UP, LEFT, LEFT)
        assert page.run("return document.activeElement.getAttribute('aria-valuetext')") == "3.5"
        assert page.text("place") == "activation 3.5, valence 2"
        assert page.find("place").get_attribute("role") == "status"
        assert page.run("return getComputedStyle(document.querySelector('#square')).outlineStyle") == "solid"
        page.press(Keys.TAB)
        page.run("document.activeElement.value = 4; document.activeElement.dispatchEvent(new Event('input'))")
        assert page.text("place") == "activation 3.5, valence 4"
        reached = []
        for _ in range(12):
            page.press(Keys.TAB)
            reached.append(page.run("return document.activeElement.id"))
        assert {"play", "speed", "cannot-tell", "comment-button", "confirm", "language", "help-button"} <= set(reached)


TARGETS = """
return [...document.querySelectorAll('button, select, #comment')].filter((node) => node.checkVisibility())
  .map((node) => [node.id || node.textContent, node.getBoundingClientRect().width, node.getBoundingClientRect().height]);
"""
SIZES = [(360, 640, True, False), (640, 360, True, True), (1280, 800, False, True)]


@pytest.mark.parametrize(("width", "height", "touch", "dark"), SIZES)
def test_fits_and_can_be_read(tmp_path, open_page, width, height, touch, dark):
    with serving(tmp_path, emotions=("neutral", "sad", "happy", "angry")) as annotator:
        page = open_page(annotator.link(), width, height, touch=touch, dark=dark)
        page.until_phase("welcome")
        check(page, width, 3)
        page.begin()
        first = page.item
        page.press(UP, "2", Keys.ENTER)
        page.until_another(first)
        for code in ("de", "el", "fr", "ur", "en"):
            page.run("language.value = arguments[0]; language.dispatchEvent(new Event('change'))", code)
            page.until("document.documentElement.lang === arguments[0]", code)
            check(page, width, 12)
            assert page.run("return document.documentElement.scrollHeight") <= height, code
        page.press(DOWN, "1", "c", "a", Keys.ENTER)
        check(page, width, 12)
        ground = page.run("return getComputedStyle(document.body).backgroundColor")
        assert (luminance(ground) < 0.2) == dark


def check(page: RatingPage, width: int, n_texts: int) -> None:
    """See that nothing is too wide, too pale or too small for a finger."""
    assert page.run("return document.documentElement.scrollWidth") <= width
    # Colours fade for a tenth of a second.
    page.until("document.getAnimations().every((each) => each.playState === 'finished')")
    check_colours(page.browser, n_texts)
    for what, wide, high in page.run(TARGETS):
        assert min(wide, high) >= 43.9, (what, wide, high)
