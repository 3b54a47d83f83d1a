"""The page in Debian's chromium: by mouse, keyboard and finger, dark and narrow, and as axe-core judges it."""

from __future__ import annotations

import csv
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources

import numpy as np
import pandas as pd
import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

from affectmap.errors import CorpusError
from affectmap.explorer.page import write_page
from affectmap.explorer.points import points_of
from affectmap.explorer.server import create_app
from affectmap.explorer.sound import places_of, take_excerpts
from affectmap.tables import read_sheet
from affectmap.web.server import listen, make_server
from browsers import check_colours, close_tabs, open_tab
from explorer_rows import HOSTILE, make_rows, row
from waiting import until

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def points(spoken):
    return points_of(make_rows(spoken), "Birds <b>and</b> cats")


@pytest.fixture(scope="module")
def file(points, tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "map.html"
    write_page(points, take_excerpts(places_of(points.utterances)), path)
    return path


@contextmanager
def served(points) -> Iterator[str]:
    """Serve points from a thread; give the address."""
    listening = listen("127.0.0.1", 0)
    server = make_server(create_app(points))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    with listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        server.should_exit = True
        thread.join()


class Page:
    """What a visitor sees and does."""

    def __init__(self, browser, address):
        self.browser = browser
        browser.get(address)
        until(lambda: self.run("return document.body.dataset.ready"))

    def run(self, script, *arguments):
        return self.browser.execute_script(script, *arguments)

    def find(self, name):
        return self.browser.find_element("id", name)

    def choose(self, name, text):
        self.browser.find_element("xpath", f"//select[@id='{name}']/option[.='{text}']").click()

    def pixel(self, number, chart=0):
        """Where a point lies on the screen."""
        return self.run(
            "const chart = explorer.charts[arguments[1]], box = chart.plot.getBoundingClientRect();"
            "const [x, y] = chart.pixel(arguments[0]); return [box.x + x / chart.ratio, box.y + y / chart.ratio]",
            number, chart,
        )  # fmt: skip

    def click_point(self, number):
        x, y = map(round, self.pixel(number))
        actions = ActionChains(self.browser, duration=0)
        actions.w3c_actions.pointer_action.move_to_location(x, y)
        actions.w3c_actions.pointer_action.click()
        actions.perform()

    def keys(self, *keys):
        ActionChains(self.browser, duration=0).send_keys(*keys).perform()

    def details(self):
        return self.run(
            "return Object.fromEntries([...document.querySelectorAll('#details dt')]"
            ".map((name) => [name.textContent, name.nextSibling.textContent]))"
        )

    def listed(self):
        return self.run("return [...document.querySelectorAll('#list > div')].map((row) => row.firstChild.textContent)")

    def is_heard(self):
        until(
            lambda: self.run(
                "const audio = document.getElementById('audio'); return audio.currentTime > 0 || audio.ended"
            )
        )
        return True

    def complaints(self):
        return [entry["message"] for entry in self.browser.get_log("browser")]


@pytest.fixture
def open_page(browser, file, tmp_path):
    def start(address="", **look):
        return Page(open_tab(browser, tmp_path, **look), address or file.as_uri())

    yield start
    close_tabs(browser)


@pytest.fixture
def page(open_page):
    opened = open_page()
    yield opened
    assert opened.complaints() == []
    assert opened.run("return window.hacked") is None


def test_a_click_plays_a_point_and_tells_of_it(page, points):
    page.click_point(4)
    found = page.details()
    assert (found["file"], found["speaker"], found["emotion"]) == ("04.wav", "s0", "fear")
    place = points.maps[0]
    where = f"activation {place.activation[4]:.2f}, valence {place.valence[4]:.2f}"
    assert found["on the map"] == f"{where}, sad (of neutral, sad, happy, angry)"
    assert found["rated"].startswith("activation ")
    assert page.is_heard()
    assert page.run("return explorer.sound.peaks.length") == 56


def test_hovering_tells_of_a_point_and_plays_it_only_when_asked(page):
    def hover(number):
        actions = ActionChains(page.browser, duration=0)
        actions.w3c_actions.pointer_action.move_to_location(*map(round, page.pixel(number)))
        actions.perform()

    hover(8)
    until(lambda: page.details().get("file") == "08.wav")
    assert page.run("return document.getElementById('audio').getAttribute('src')") is None
    page.click_point(9)
    page.find("hover").click()
    hover(8)
    until(lambda: page.run("return explorer.sound.loaded") == 8)


def test_everything_works_by_keyboard_alone(page):
    for _ in range(30):
        page.keys(Keys.TAB)
        if page.run("return document.activeElement.className") == "plot":
            break
    page.keys(Keys.ARROW_RIGHT)
    first = page.run("return explorer.state.current")
    assert first >= 0
    page.keys(Keys.ARROW_UP)
    second = page.run("return explorer.state.current")
    higher = page.run(
        "return explorer.map.activation[arguments[1]] > explorer.map.activation[arguments[0]]", first, second
    )
    assert higher
    page.keys(Keys.ENTER)
    assert page.is_heard()
    assert "activation" in page.find("said").get_attribute("textContent")
    page.keys("s", Keys.ARROW_DOWN)
    assert page.find("list-title").text == "1 chosen by hand"
    page.keys(Keys.ESCAPE)
    assert page.find("list-title").text == "24 points"
    span = page.run("return explorer.view.span")
    page.keys("+")
    assert page.run("return explorer.view.span") < span
    page.keys("0")
    assert page.run("return explorer.view.span") == span


def test_the_list_is_gone_through_by_keys(page):
    page.find("worst").click()
    names = page.listed()
    assert len(names) == 20
    page.find("list").send_keys(Keys.ARROW_DOWN)
    assert page.details()["file"].endswith(names[1])
    selected = page.run("return document.querySelectorAll('#list [aria-selected=true]').length")
    assert selected == 1
    assert page.find("list").get_attribute("aria-activedescendant") == "row-1"


def test_the_20_worst_are_those_furthest_from_their_ratings(page, points):
    page.find("worst").click()
    place, table = points.maps[0], points.utterances
    distance = ((place.activation - table["activation"]) ** 2 + (place.valence - table["valence"]) ** 2).fillna(-1)
    expected = [points.names[k] for k in distance.sort_values(ascending=False).index[:20]]
    assert [points.names[k] for k in page.run("return explorer.list.points")] == expected


def test_a_lasso_selects_what_lies_in_it_on_both_maps(page):
    page.choose("beside", "DAE-Metric-Joint")
    box = page.run("return JSON.parse(JSON.stringify(explorer.charts[0].plot.getBoundingClientRect()))")
    page.run("scrollTo(0, 0)")
    actions = ActionChains(page.browser, duration=0)
    pointer = actions.w3c_actions.pointer_action
    left, top = round(box["x"]) + 2, round(box["y"]) + 2
    right, bottom = left + round(box["width"]) - 4, top + round(box["height"] / 2)
    pointer.move_to_location(left, top)
    pointer.pointer_down()
    for x, y in ((right, top), (right, bottom), (left, bottom)):
        pointer.move_to_location(x, y)
    pointer.pointer_up()
    actions.perform()
    assert page.find("list-title").text.endswith("in the lasso")
    middle = page.run("const c = explorer.charts[0]; return c.value(10, arguments[0])[1]", box["height"] / 2 + 2)
    above = page.run("return [...explorer.map.activation].filter((value) => value > arguments[0]).length", middle)
    assert len(page.listed()) == above > 0
    assert page.run("return explorer.chosen.reduce((a, b) => a + b)") == above


def test_search_and_corpus_narrow_the_list(page):
    page.find("find").send_keys("S1 happy")
    expected = page.listed()
    assert page.find("list-title").text == f"{len(expected)} found"
    assert len(expected) < 24
    first = page.browser.find_element("css selector", "#list [role=option]")
    first.click()  # which leaves the field
    assert first.get_attribute("aria-selected") == "true"
    page.find("find").clear()
    page.choose("corpus", "cats")
    assert page.find("list-title").text == "8 points"


def test_colours_of_every_kind_have_a_legend_whose_marks_differ(page):
    keys = page.run("return [...document.getElementById('colour').options].map((each) => each.textContent)")
    assert keys[:3] == ["emotion", "corpus", "speaker"]
    assert {
        "error, activation",
        "error, valence",
        "distance from rating",
        "predicted class",
        "sex",
        "length",
    } <= set(keys)
    for key in keys:
        page.choose("colour", key)
        marks = page.run("return explorer.scale.marks.map((mark) => mark.shape + mark.colour)")
        assert len(set(marks)) == len(marks), key
        counts = page.run("return explorer.scale.marks.map((mark) => mark.count)")
        assert sum(counts) == 24, key
    page.choose("colour", "emotion")
    shapes = page.run("return explorer.scale.marks.map((mark) => mark.shape)")
    assert len(set(shapes)) == len(shapes)
    page.browser.find_element("css selector", "#legend button").click()
    assert page.find("list-title").text == "5: neutral"


@pytest.fixture
def flagged(open_page, tmp_path):
    """A page of five points off their ratings: a silent, a clipped, an unfamiliar on one map alone, two without flags."""
    cells = ["silent", "clipped", "none", "none", "none"]
    rows = [
        row(f"{k}.wav", reading=reading, activation=3, valence=3, predicted_activation=2, predicted_valence=1.5 + k / 2,
            flags="unfamiliar" if (k, reading) == (2, "alone") else flags, **{"N-S-H-A": "angry"})
        for reading in ("alone", "corpus") for k, flags in enumerate(cells)
    ]  # fmt: skip
    write_page(points_of(pd.DataFrame(rows)), None, tmp_path / "flagged.html")
    return open_page((tmp_path / "flagged.html").as_uri())


def test_a_silent_recording_looks_like_no_affect_wherever_it_is_told_of(flagged):
    page = flagged
    legend = page.run("return [...document.querySelectorAll('#legend button')].map((each) => each.textContent)")
    assert legend == ["sad 4", "flagged 2", "silent or no speech 1"]
    page.find("worst").click()
    assert page.find("list-title").text.endswith("; 1 silent or without speech left out")
    assert "0.wav" not in page.listed()
    assert "1 of them silent or without speech" in page.browser.find_element("css selector", "figcaption").text
    page.browser.find_elements("css selector", "#legend button")[-1].click()
    row_text = page.browser.find_element("css selector", "#list > div").text
    assert row_text.split() == ["0.wav", "sad", "silent"]
    page.run("explorer.choose(0, {play: false})")
    found = page.details()
    assert (found["flags"], found["on the map"]) == ("silent", "says nothing of affect (activation 2.00, valence 1.50)")
    assert "off by" not in found
    classes = page.run("return [0, 1].map((i) => Columns.text(explorer.map.classes, i))")
    assert classes == ["", "angry"]
    assert page.run("return Flags.inWords('clipped, not_speech')") == "clipped, no speech"


def test_flagged_points_are_hollow_and_silent_ones_crossed_whatever_is_shown(flagged):
    page = flagged

    def inside(number):
        """Whether the middle of a point has the colour of the ground."""
        return page.run(
            "explorer.drawNow(); const chart = explorer.charts[0], [x, y] = chart.pixel(arguments[0]).map((each) => Math.floor(each + 0.5));"
            "return [...chart.base.getContext('2d').getImageData(x, y, 1, 1).data].every((value) => value > 245)",
            number,
        )

    page.run("explorer.select(null, '')")
    for colour in ("emotion", "predicted class", "flags", "error, valence"):
        page.choose("colour", colour)
        # In the middle of a silent one its lines cross.
        assert [inside(number) for number in range(5)] == [False, True, True, False, False], colour
    page.choose("map", "PCA-2, adapted to the corpus")
    assert [inside(number) for number in range(5)] == [False, True, False, False, False]


def test_points_are_filtered_by_flags(flagged):
    page = flagged
    for choice, expected in {
        "none": "34",
        "some": "012",
        "clipped": "1",
        "unfamiliar": "2",
        "any or none": "01234",
    }.items():
        page.choose("flags", choice)
        assert page.listed() == [f"{k}.wav" for k in expected], choice
    page.choose("beside", "PCA-2, adapted to the corpus")
    page.find("find").send_keys("clipped")
    assert page.listed() == ["1.wav"]


def test_names_of_maps_are_whole(open_page, tmp_path):
    name = "a-model-of-a-long-name-v1"
    rows = [row(method=name, reading=each, predicted_activation=2, predicted_valence=2) for each in ("alone", "listen")]
    write_page(points_of(pd.DataFrame(rows)), None, tmp_path / "long.html")
    page = open_page((tmp_path / "long.html").as_uri(), width=1280, height=800)
    long = f"{name}, adapted to the corpus, listening"
    for box in ("map", "beside"):
        page.choose(box, long)
        assert page.find(box).get_attribute("title") == long
        room = page.run(
            "const box = element(arguments[0]), c = document.createElement('canvas').getContext('2d');"
            "c.font = getComputedStyle(box).font; return box.clientWidth - c.measureText(box.selectedOptions[0].textContent).width",
            box,
        )
        assert room > 20  # of the arrow
    cut = page.run(
        "return [...document.querySelectorAll('figcaption b')].filter((each) => each.scrollWidth > each.clientWidth)"
    )
    assert cut == []


def test_a_point_without_sound_or_place_says_so(page):
    page.run("explorer.choose(5, {play: true})")
    assert page.details()["problem"] == "there is no such file; restore it or correct its path"
    assert not page.find("play").is_enabled()
    page.choose("map", "ratings")
    button = page.browser.find_element("css selector", ".chart figcaption button")
    assert button.text == "1 without a place here"
    button.click()
    assert page.listed() == ["03.wav"]
    page.find("list").send_keys(Keys.HOME)
    assert page.details()["rated"] == "not rated"


def test_hostile_names_are_text_on_the_page_and_in_the_list(page):
    page.run("explorer.choose(0, {play: false})")
    assert page.details()["file"] == HOSTILE.replace("/", "")
    assert page.browser.title == "affectmap: Birds <b>and</b> cats"
    assert page.browser.find_elements("css selector", "img") == []


def test_the_list_is_exported_as_a_table_that_comes_back(page, tmp_path, points):
    page.find("export").click()
    until(lambda: (tmp_path / "list.csv").exists())
    sheet = read_sheet(tmp_path / "list.csv", CorpusError)
    assert len(sheet.rows) == 24
    rows = [dict(zip(sheet.header, each, strict=True)) for each in sheet.rows]
    assert rows[0]["file"] == HOSTILE.replace("/", "")
    assert float(rows[4]["DAE-Unsupervised: activation"]) == pytest.approx(points.maps[0].activation[4], abs=1e-5)
    assert rows[3]["activation"] == ""


def test_no_cell_of_an_export_is_a_formula(page):
    cells = ["=1+1", "+x", "-y", "@z", "'=q", " =a", "-3.5", "plain", 'quo"te', "a,b", "＝full"]
    written = page.run("return arguments[0].map(cell)", cells)
    for given, text in zip(cells, written, strict=True):
        value = next(csv.reader([text]))[0]
        assert value == given or value == "'" + given
        assert given == "-3.5" or not value.lstrip().startswith(("=", "+", "-", "@", "＝"))


def test_zooming_and_moving_keep_both_maps_together(page):
    page.choose("beside", "ratings")
    page.browser.find_elements("css selector", ".zoom button")[0].click()
    page.choose("drag", "moves the map")
    before = page.run("return explorer.view.x")
    plot = page.browser.find_element("css selector", ".plot")
    ActionChains(page.browser, duration=0).drag_and_drop_by_offset(plot, 60, 0).perform()
    assert page.run("return explorer.view.x") < before
    assert page.run("return explorer.charts[0].place().scale === explorer.charts[1].place().scale")


def violations(page):
    page.run(resources.files("axe_core_python").joinpath("axe.min.js").read_text(encoding="utf-8"))
    found = page.browser.execute_async_script("axe.run().then(arguments[arguments.length - 1])")
    return [(each["id"], [node["html"][:120] for node in each["nodes"]]) for each in found["violations"]]


@pytest.mark.parametrize(
    "look", [{}, {"dark": True}, {"width": 390, "height": 844, "touch": True}], ids=["wide", "dark", "phone"]
)
def test_axe_finds_nothing_and_texts_stand_out(open_page, look):
    page = open_page(**look)
    page.run("explorer.choose(4, {play: false})")
    page.run("element('beside').value = '1'; element('beside').dispatchEvent(new Event('change'))")
    # The policy of the page lets no foreign script run but one that a driver gives it.
    assert violations(page) == []
    check_colours(page.browser, 20)
    assert page.run("return document.documentElement.scrollWidth <= document.documentElement.clientWidth")


def test_a_finger_chooses_a_point_and_scrolls_the_page(open_page):
    page = open_page(width=390, height=844, touch=True)
    assert page.run("return document.querySelector('.plot').dataset.drag") == "scroll"
    x, y = page.pixel(4)
    for kind, touches in (("touchStart", [{"x": x, "y": y}]), ("touchEnd", [])):
        page.browser.execute_cdp_cmd("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touches})
    until(lambda: page.details().get("file") == "04.wav")
    assert page.complaints() == []


def test_a_served_page_hears_recordings_and_says_what_is_wrong(open_page, points):
    with served(points) as address:
        page = open_page(address)
        page.click_point(9)
        assert page.is_heard()
        until(lambda: page.run("return explorer.sound.peaks && explorer.sound.peaks.length") == 56)
        assert page.complaints() == []
        page.click_point(6)
        until(lambda: "sound" in page.details())
        assert page.details()["sound"]
        assert page.run("return window.hacked") is None
    assert all("sound/6" in line or "outline/6" in line for line in page.complaints())


def test_100000_points_are_drawn_searched_and_picked(open_page, tmp_path):
    rng = np.random.default_rng(0)
    n = 100_000
    places = rng.uniform(1, 5, (n, 2))
    rows = pd.DataFrame({"corpus": "many", "file": [f"{k}.wav" for k in range(n)], "start": 0.0, "end": None})
    rows = rows.assign(speaker=[f"s{k % 300}" for k in range(n)], activation=places[:, 0], valence=places[:, 1])
    write_page(points_of(rows), None, tmp_path / "many.html")
    page = open_page((tmp_path / "many.html").as_uri())
    assert page.find("list-title").text == "100,000 points"
    drawn = page.run(
        "explorer.drawNow(); const c = explorer.charts[0], data = c.base.getContext('2d').getImageData(0, 0, c.width, c.height).data;"
        "let n = 0; for (let k = 0; k < data.length; k += 4) if (Math.abs(data[k] - data[k + 2]) > 40) n++; return n"
    )
    assert drawn > 50_000
    page.find("find").send_keys("s299")
    assert page.find("list-title").text == "333 found"
    found = page.run("return explorer.map.grid.nearest(arguments[1], arguments[0], 0.01, () => true)", *places[777])
    assert places[found] == pytest.approx(places[777], abs=0.01)
    assert page.run("return explorer.scale.marks.map((mark) => mark.label).includes('many')")
    page.choose("colour", "speaker")
    assert page.run("return explorer.scale.marks.some((mark) => mark.label === 'others')")
