"""The page in Debian's chromium: files, the microphone, tokens, what is wrong, narrow and dark."""

from __future__ import annotations

import csv
import io
import re
import time

import numpy as np
import pytest
import soundfile

from browsers import axe_violations, check_colours, luminance
from conftest import make_voice
from waiting import until

pytestmark = pytest.mark.browser
TOKEN = "a-token-of-23-characters"


@pytest.fixture(scope="module")
def server(start_shared_server):
    return start_shared_server("--max-mb", "5")


class Page:
    """What a visitor sees and does."""

    def __init__(self, browser, url: str) -> None:
        self.browser = browser
        browser.get(url)

    def find(self, name: str):
        return self.browser.find_element("id", name)

    def until(self, name: str, pattern: str, seconds: float = 40) -> str:
        end = time.monotonic() + seconds
        while not re.search(pattern, text := self.find(name).text):
            assert time.monotonic() < end, f"{name} says {text!r}; error: {self.find('error').text!r}"
            time.sleep(0.05)
        return text

    def give(self, file) -> None:
        self.browser.execute_script("document.getElementById('status').textContent = ''")
        self.find("file").send_keys(str(file))

    def measure(self, file) -> None:
        self.give(file)
        self.until("status", "^Done")

    def choose(self, mode: str) -> None:
        self.browser.find_element("css selector", f"#mode option[value={mode}]").click()

    def table(self) -> list[dict[str, str]]:
        names = [cell.text for cell in self.browser.find_elements("css selector", "#head th")]
        lines = self.browser.execute_script(
            "return [...document.querySelectorAll('#body tr')].map((row) => [...row.cells].map((cell) => cell.textContent))"
        )
        return [dict(zip(names, line, strict=True)) for line in lines]

    def count(self, selector: str) -> int:
        return len(self.browser.find_elements("css selector", selector))

    def complaints(self) -> list[str]:
        return [entry["message"] for entry in self.browser.get_log("browser")]


@pytest.fixture
def write_spoken(talk, tmp_path):
    """Give a function that writes a part of `talk` from a second on, which is taken for speech, unlike `make_voice`."""

    def write(name: str, start: float = 0.2, seconds: float = 1.0):
        samples, rate = soundfile.read(talk)
        soundfile.write(tmp_path / name, samples[round(start * rate) : round((start + seconds) * rate)], rate)
        return tmp_path / name

    return write


@pytest.fixture
def page(open_browser, server) -> Page:
    return Page(open_browser(), server.url)


# The colour of a map's pixel where a place is, or of the first pixel around it that has a mark's colour.
COLOUR_AT = """
const [plot, valence, activation] = [document.querySelector(arguments[0] + " .plot"), arguments[1], arguments[2]];
const [width, height] = [plot.clientWidth - 58, plot.clientHeight - 54];
const scale = Math.min(width, height) / 4.8;
const [x, y] = [46 + width / 2 + (valence - 3) * scale, 10 + height / 2 - (activation - 3) * scale];
return [...plot.querySelector("canvas").getContext("2d").getImageData(x, y, 1, 1).data].slice(0, 3);
"""
MARK = [22, 97, 168]


def is_marked(page, place: str, valence: float, activation: float) -> bool:
    found = page.browser.execute_script(COLOUR_AT, place, valence, activation)
    return max(abs(one - other) for one, other in zip(found, MARK, strict=True)) < 40


def test_an_utterance_is_a_point(page, write_spoken):
    page.measure(write_spoken("voice.wav", seconds=2.0))
    assert page.find("result-title").text == "voice.wav"
    plot = page.browser.find_element("css selector", "#utterance-map .plot")
    row = page.table()[0]
    activation, valence = float(row["activation"]), float(row["valence"])
    assert plot.accessible_name == f"activation {activation:.1f}, valence {valence:.1f}, both on 1 to 5"
    until(lambda: is_marked(page, "#utterance-map", valence, activation))
    assert not is_marked(page, "#utterance-map", valence, activation + 0.5)
    assert not page.find("track").is_displayed()
    # The table has it in more digits than the words, which are rounded from what was sent.
    assert float(page.find("words").text.split()[1]) == pytest.approx(activation, abs=0.0051)
    assert page.count("#words meter") == 4
    assert "90 times in 100" in page.browser.find_element("css selector", "main").text
    assert page.complaints() == []


# Whether the track's picture has pixels of the lines' two colours.
INKS = """
const canvas = document.querySelector("#track canvas");
const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
const inks = [[0, 130, 102], [168, 75, 146]];
return inks.map((ink) => {
  for (let k = 0; k < data.length; k += 4) if (ink.every((value, i) => Math.abs(value - data[k + i]) < 12)) return true;
  return false;
});
"""


def test_a_long_one_is_drawn_over_time(page, talk):
    page.measure(talk)
    rows = page.table()
    assert rows
    assert page.find("track").get_attribute("aria-label").startswith("Over time: activation between ")
    assert page.browser.execute_script(INKS) == [True, True]
    page.choose("windows")
    page.measure(talk)
    assert [(row["start"], row["end"]) for row in page.table()][:4] == [("0", "3"), ("3", "6"), ("6", "9"), ("9", "12")]
    page.choose("embed")
    page.measure(talk)
    assert len(page.table()) == 1
    assert page.complaints() == []


def test_the_table_can_be_had_as_csv(page, talk, tmp_path):
    page.choose("windows")
    page.measure(talk)
    link = page.find("download")
    assert link.get_attribute("download") == "talk.csv"
    link.click()
    file = tmp_path / "downloads" / "talk.csv"
    until(file.exists)
    rows = list(csv.DictReader(io.StringIO(file.read_text(encoding="utf-8"))))
    assert [row["file"] for row in rows] == ["talk.wav"] * len(page.table())
    assert [float(row["activation"]) for row in rows] == [
        pytest.approx(float(row["activation"]), abs=6e-4) for row in page.table()
    ]


def test_the_microphone(page):
    page.find("record").click()
    page.until("record", r"Stop \(0:01\)")
    page.find("record").click()
    page.until("status", "^Done")
    assert page.find("result-title").text == "microphone.wav"
    assert page.find("record").text == "Record"
    assert page.table()[0]["activation"] != ""
    seconds = page.browser.execute_script("return document.getElementById('player').duration")
    assert 0.8 < seconds < 10
    page.find("record").click()  # and once more
    page.until("record", r"Stop \(0:01\)")
    page.find("record").click()
    page.until("status", "^Done")
    assert page.complaints() == []


def test_the_microphone_is_a_moving_point(open_browser, start_server, talk, tmp_path):
    server = start_server(AFFECTMAP_TOKEN=TOKEN)
    speech, rate = soundfile.read(talk)
    soundfile.write(tmp_path / "speech.wav", np.concatenate([speech, np.zeros(6 * rate)]), rate)
    page = Page(open_browser(speech=tmp_path / "speech.wav"), server.url)
    page.until("token-form", "Token")
    page.find("go-live").click()
    page.until("error", "needs the token")
    page.find("token").send_keys(TOKEN)
    page.find("token-form").submit()
    page.until("model", "Model: ")
    page.find("go-live").click()
    page.until("live-words", r"^Activation \d\.\d, valence \d\.\d$")
    assert not page.find("record").is_enabled()
    plot = page.browser.find_element("css selector", "#live-map .plot")
    until(lambda: plot.accessible_name.startswith("Now: activation "))
    until(lambda: float(page.find("live-level").get_attribute("value")) > 0.3)
    page.until("live-words", "^Silent$")  # six seconds of it after the speech
    assert "Silent: there is nothing to measure" in page.find("live-flags").text
    assert plot.accessible_name.startswith("Nobody speaks; before: ")
    until(lambda: float(page.find("live-level").get_attribute("value")) < 0.1)
    assert axe_violations(page.browser) == []
    page.find("go-live").click()
    assert page.find("live-words").text.endswith("(stopped)")
    assert page.find("record").is_enabled()
    assert page.count("#list li") == 0  # nothing of it is kept
    said = page.find("live-words").text
    time.sleep(1.5)
    assert page.find("live-words").text == said
    page.find("go-live").click()  # and once more
    page.until("live-words", r"^Activation \d\.\d, valence \d\.\d$")
    assert [each for each in page.complaints() if "401" not in each] == []


def test_live_ends_with_the_server_and_says_so(open_browser, start_server):
    server = start_server()
    page = Page(open_browser(), server.url)
    page.find("go-live").click()
    page.until("live-words", "^(Activation|No speech|Silent)")
    server.process.terminate()
    server.process.wait(30)
    page.until("error", "cannot be reached")
    assert page.find("go-live").text == "Live"


DROP_A_VIDEO = """
const done = arguments[0];
navigator.mediaDevices.getUserMedia({ audio: true }).then((stream) => {
  const recorder = new MediaRecorder(stream, { mimeType: "audio/webm" });
  recorder.ondataavailable = async (event) => {
    const transfer = new DataTransfer();
    transfer.items.add(new File([event.data], "call.webm"));
    document.getElementById("drop").dispatchEvent(new DragEvent("drop", { dataTransfer: transfer, cancelable: true }));
    done((await event.data.arrayBuffer()).byteLength);
  };
  recorder.start();
  setTimeout(() => recorder.stop(), 1500);
});
"""


def test_what_only_the_browser_can_read_is_converted_there(open_browser, start_server):
    server = start_server(first="import sys; sys.modules['av'] = None  # as if the extra formats were not installed")
    page = Page(open_browser(), server.url)
    page.until("model", "Model: ")
    assert page.browser.execute_async_script(DROP_A_VIDEO) > 1000
    page.until("status", "^Done")
    assert page.find("result-title").text == "call.webm"
    assert "Converted to 16 kHz mono by your browser." in page.find("flags").text
    assert page.table()[0]["file"] == "call.webm"


def test_another_file_comes_beside_the_first_and_is_shown(page, talk, write_voice):
    page.choose("windows")
    page.give(talk)
    page.measure(write_voice("voice.wav", seconds=1.0))
    page.until("status", "^Done.$")
    assert page.find("result-title").text == "voice.wav"
    assert [line.text for line in page.browser.find_elements("css selector", "#list .pick")] == [
        "talk.wav",
        "voice.wav",
    ]
    assert not page.find("error").is_displayed()
    assert not page.find("cancel").is_displayed()


@pytest.fixture
def several(page, talk, write_spoken):
    """A page that measured a talk, a voice, what is no sound, and another voice."""
    (talk.parent / "notes.wav").write_text("words only")
    files = [talk, write_spoken("one.wav"), talk.parent / "notes.wav", write_spoken("two.wav", 5.0)]
    page.give("\n".join(map(str, files)))
    page.until("status", "^Done, but for 1 of 4")
    return page


LENGTH = "return document.getElementById('player').duration"


def test_several_files_are_a_list_and_a_map(several, tmp_path):
    assert several.find("result-title").text == "talk.wav"  # the first that was given
    lines = several.browser.find_elements("css selector", "#list li")
    assert [line.find_element("css selector", ".pick").text for line in lines][2] == "notes.wav"
    assert "broken, or not audio" in lines[2].text
    assert not lines[2].find_element("css selector", ".pick").is_enabled()
    plot = several.browser.find_element("css selector", "#overview-map .plot")
    assert plot.accessible_name.startswith("Map of 3 recordings")
    places = [re.search(r"(\d\.\d) / (\d\.\d)", line.text) for line in lines]
    assert [place is None for place in places] == [False, False, True, False]
    for activation, valence in (map(float, place.groups()) for place in places if place):
        until(lambda at=(valence, activation): is_marked(several, "#overview-map", *at))
    several.find("download-all").click()
    file = tmp_path / "downloads" / "recordings.csv"
    until(file.exists)
    rows = list(csv.DictReader(io.StringIO(file.read_text(encoding="utf-8"))))
    assert {row["file"] for row in rows} == {"talk.wav", "one.wav", "two.wav"}
    assert several.complaints() == [] or all("422" in entry for entry in several.complaints())


def test_player_and_result_are_always_of_one_recording(several):
    from selenium.webdriver import ActionChains
    from selenium.webdriver.common.keys import Keys

    script = several.browser.execute_script
    until(lambda: script(LENGTH) > 10)
    several.browser.find_element("css selector", "#list li:nth-child(2) .pick").click()
    assert several.find("result-title").text == "one.wav"
    until(lambda: script(LENGTH) == pytest.approx(1.0, abs=0.1))
    assert len(several.table()) == 1
    assert several.table()[0]["file"] == "one.wav"
    plot = several.browser.find_element("css selector", "#overview-map .plot")
    script("arguments[0].focus()", plot)
    for key in (Keys.ARROW_UP, Keys.ARROW_DOWN, Keys.ARROW_LEFT, Keys.ARROW_RIGHT):
        ActionChains(several.browser).send_keys(key).perform()
        if several.find("result-title").text != "one.wav":
            break
    chosen = several.find("result-title").text
    assert chosen in ("talk.wav", "two.wav")
    assert several.browser.switch_to.active_element == plot
    assert script("return document.getElementById('said').textContent").startswith(f"{chosen}: activation ")
    assert several.table()[0]["file"] == chosen
    ActionChains(several.browser).send_keys(Keys.ENTER).perform()
    until(lambda: script("return !document.getElementById('player').paused"))
    several.browser.find_element("css selector", "[aria-label='Remove two.wav']").click()
    until(lambda: plot.accessible_name.startswith("Map of 2 recordings"))
    assert several.find("result-title").text != "two.wav"


def test_the_lasso_chooses_recordings_and_what_is_downloaded(several, tmp_path):
    from selenium.webdriver import ActionChains
    from selenium.webdriver.common.keys import Keys

    plot = several.browser.find_element("css selector", "#overview-map .plot")
    shown = "return [...document.querySelectorAll('#list li')].filter((line) => !line.hidden).length"
    half = plot.size["width"] // 2 - 60
    move = ActionChains(several.browser).move_to_element_with_offset(plot, -half, -half).click_and_hold()
    for dx, dy in ((2 * half, 0), (0, 2 * half), (-2 * half, 0), (0, -2 * half)):
        move.move_by_offset(dx, dy)
    move.release().perform()
    assert several.find("selected").text == "3 in the lasso"
    assert several.browser.execute_script(shown) == 3  # not the one that could not be read
    several.find("show-all").click()
    assert several.browser.execute_script(shown) == 4
    several.browser.execute_script("arguments[0].focus()", plot)
    ActionChains(several.browser).send_keys("s").perform()
    assert several.find("selected").text == "1 chosen by hand"
    assert several.find("download-all").text == "Download these as CSV"
    several.find("download-all").click()
    file = tmp_path / "downloads" / "recordings.csv"
    until(file.exists)
    rows = list(csv.DictReader(io.StringIO(file.read_text(encoding="utf-8"))))
    assert {row["file"] for row in rows} == {several.find("result-title").text}
    several.browser.execute_script("arguments[0].focus()", plot)
    ActionChains(several.browser).send_keys(Keys.ESCAPE).perform()
    assert several.browser.execute_script(shown) == 4
    assert several.find("selected").text == ""


def test_a_moment_of_a_track_can_be_looked_at_and_heard(page, tmp_path, talk):
    from selenium.webdriver import ActionChains
    from selenium.webdriver.common.keys import Keys

    speech, rate = soundfile.read(talk)
    soundfile.write(tmp_path / "pause.wav", np.concatenate([speech, np.zeros(5 * rate), speech[: 4 * rate]]), rate)
    page.choose("track")
    page.measure(tmp_path / "pause.wav")
    script = page.browser.execute_script
    plot = page.browser.find_element("css selector", "#track .u-over")
    # Grey: the row of pixels at 4.9, above all lines, is the raised colour for as long as nobody speaks.
    silent = script(SILENT) * float(plot.get_attribute("aria-valuemax"))
    assert 4.5 < silent < 9
    ActionChains(page.browser).move_to_element(plot).perform()
    read_out = page.browser.find_element("css selector", "#track .moment")
    assert re.match(r"0:\d\d: (activation \d\.\d|no speech)", read_out.text)
    script("arguments[0].focus()", plot)
    ActionChains(page.browser).send_keys(Keys.HOME, Keys.ARROW_RIGHT).perform()
    start = float(page.table()[0]["start"]) or float(page.table()[1]["start"])
    assert float(plot.get_attribute("aria-valuenow")) == pytest.approx(start, abs=0.06)
    assert "activation" in plot.get_attribute("aria-valuetext")
    assert read_out.text == plot.get_attribute("aria-valuetext")
    ActionChains(page.browser).send_keys(Keys.ENTER).perform()
    until(lambda: script("return !document.getElementById('player').paused"))
    assert script("return document.getElementById('player').currentTime") == pytest.approx(start, abs=2)
    script("document.getElementById('player').pause()")
    ActionChains(page.browser).send_keys(Keys.END).perform()
    assert plot.get_attribute("aria-valuetext")
    # Dragged over, a part is enlarged and nothing is played; 0 shows all again.
    ActionChains(page.browser).move_to_element(plot).click_and_hold().move_by_offset(80, 0).release().perform()
    assert script("return document.getElementById('player').paused")
    middle = plot.rect["width"] / 2
    ActionChains(page.browser).move_to_element_with_offset(plot, -int(middle) + 3, 0).perform()
    enlarged = float(plot.get_attribute("aria-valuenow"))
    assert enlarged > 5
    script("arguments[0].focus()", plot)
    ActionChains(page.browser).send_keys("0").perform()
    ActionChains(page.browser).move_to_element_with_offset(plot, -int(middle) + 3, 2).perform()
    assert float(plot.get_attribute("aria-valuenow")) < 1
    # A click on the plot, and on the waveform, plays from there.
    for place in (plot, page.find("waveform")):
        ActionChains(page.browser).move_to_element_with_offset(place, int(place.rect["width"] / 4), 0).click().perform()
        until(lambda: script("return !document.getElementById('player').paused"))
        at = script("return document.getElementById('player').currentTime / document.getElementById('player').duration")
        assert at == pytest.approx(0.75, abs=0.1)
        script("document.getElementById('player').pause(); document.getElementById('player').currentTime = 0")
    assert page.complaints() == []


SILENT = """
const canvas = document.querySelector("#track canvas"), over = document.querySelector("#track .u-over");
const [from, width] = [over.offsetLeft * devicePixelRatio, over.offsetWidth * devicePixelRatio];
const { data } = canvas.getContext("2d").getImageData(from, over.offsetTop + 6, width, 1);
let n = 0;
for (let k = 0; k < data.length; k += 4) n += data[k] === 0xf4 && data[k + 1] === 0xf6 && data[k + 2] === 0xf8;
return n / width;
"""


def test_a_track_can_be_enlarged_by_keys_and_buttons(page, talk):
    from selenium.webdriver import ActionChains
    from selenium.webdriver.common.keys import Keys

    page.choose("windows")
    page.measure(talk)
    plot = page.browser.find_element("css selector", "#track .u-over")

    def first_second(y: int) -> float:
        """What the left end of the plot is, at another height each time, as a pointer that stays tells nothing."""
        left = 2 - int(plot.rect["width"] / 2)
        ActionChains(page.browser).move_to_element_with_offset(plot, left, y).perform()
        return float(plot.get_attribute("aria-valuenow"))

    page.browser.execute_script("arguments[0].focus()", plot)
    ActionChains(page.browser).send_keys(Keys.END, "+", "+").perform()
    assert first_second(0) > 9  # of the last quarter
    page.browser.find_element("css selector", "[aria-label='Show all, track']").click()
    assert first_second(5) < 1
    page.browser.execute_script("arguments[0].focus()", plot)
    ActionChains(page.browser).send_keys(Keys.END).perform()
    page.browser.find_element("css selector", "[aria-label='Zoom in, track']").click()
    assert first_second(10) > 5
    page.browser.find_element("css selector", "[aria-label='Zoom out, track']").click()
    assert first_second(15) < 1
    assert page.complaints() == []


# Where the dashed line of a track stands, as a part of the plot's width.
LINE_AT = """
const [line, over] = ["#track .u-cursor-x", "#track .u-over"].map((each) => document.querySelector(each).getBoundingClientRect());
return (line.left - over.left) / over.width;
"""


@pytest.fixture
def enlarged(page, talk):
    """The plot of a track of which the last half is shown, and the seconds of the whole."""
    from selenium.webdriver import ActionChains
    from selenium.webdriver.common.keys import Keys

    page.choose("windows")
    page.measure(talk)
    plot = page.browser.find_element("css selector", "#track .u-over")
    page.browser.execute_script("arguments[0].focus()", plot)
    ActionChains(page.browser).send_keys(Keys.END, "+").perform()
    return plot, float(plot.get_attribute("aria-valuemax"))


def test_the_line_of_a_track_stays_at_the_moment_told_when_it_is_enlarged(page, talk):
    from selenium.webdriver import ActionChains

    page.choose("windows")
    page.measure(talk)
    plot = page.browser.find_element("css selector", "#track .u-over")
    duration, width = float(plot.get_attribute("aria-valuemax")), plot.rect["width"]
    # Dragged from the middle over an eighth, these seconds fill the plot, and the moment at which it ended is its end.
    ActionChains(page.browser).move_to_element(plot).click_and_hold().move_by_offset(
        int(width / 8), 0
    ).release().perform()
    assert float(plot.get_attribute("aria-valuenow")) == pytest.approx(duration * 5 / 8, abs=0.2)
    until(lambda: page.browser.execute_script(LINE_AT) == pytest.approx(1, abs=0.02))
    ActionChains(page.browser).send_keys("0").perform()
    until(lambda: page.browser.execute_script(LINE_AT) == pytest.approx(5 / 8, abs=0.02))


@pytest.mark.parametrize("change", ["width", "colours"])
def test_a_track_keeps_what_is_looked_at_when_the_window_changes(page, enlarged, change):
    from selenium.webdriver import ActionChains
    from selenium.webdriver.common.keys import Keys

    plot, duration = enlarged
    ActionChains(page.browser).send_keys(Keys.PAGE_DOWN if duration > 25 else Keys.ARROW_LEFT).perform()
    read_out = page.browser.find_element("css selector", "#track .moment")
    now, words = plot.get_attribute("aria-valuenow"), read_out.text
    line, before = page.browser.execute_script(LINE_AT), plot.rect["width"]
    if change == "width":
        size = {"width": 700, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        page.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        until(lambda: plot.rect["width"] < before - 100)
        assert page.browser.execute_script("return document.documentElement.scrollWidth") <= 700
    else:
        scheme = {"name": "prefers-color-scheme", "value": "dark"}
        assert page.browser.execute_script(INKS) == [True, True]
        page.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
        until(lambda: page.browser.execute_script(INKS) == [False, False])
    assert page.browser.switch_to.active_element == plot  # the same one, not a new one in its place
    assert plot.get_attribute("aria-valuenow") == now
    assert read_out.text == words
    until(lambda: page.browser.execute_script(LINE_AT) == pytest.approx(line, abs=0.02))
    assert [each for each in page.complaints() if "getImageData" not in each] == []  # but for what the test reads


def test_what_the_browser_cannot_decode_has_no_waveform(page, tmp_path, talk):
    samples, rate = soundfile.read(talk)
    soundfile.write(tmp_path / "talk.au", samples, rate)
    page.choose("windows")
    page.measure(talk)
    until(page.find("waveform").is_displayed)
    page.measure(tmp_path / "talk.au")
    page.browser.find_element("css selector", "#list li:nth-child(2) .pick").click()
    assert page.find("result-title").text == "talk.au"
    assert not page.find("waveform").is_displayed()
    assert page.find("player").is_displayed()
    page.browser.find_element("css selector", "#list li:nth-child(1) .pick").click()
    until(page.find("waveform").is_displayed)


def test_cancelling(page, tmp_path):
    soundfile.write(tmp_path / "long.wav", make_voice(150.0), 16000)
    page.choose("windows")
    page.give(tmp_path / "long.wav")
    page.find("cancel").click()
    page.until("status", "^Cancelled")
    assert not page.find("cancel").is_displayed()


def test_without_a_microphone(open_browser, server):
    page = Page(open_browser(microphone=False), server.url)
    for name, word in (("record", "Record"), ("go-live", "Live")):
        page.find(name).click()
        page.until("error", "microphone")
        assert page.find(name).text == word


def test_flags_are_told_in_words(page, tmp_path):
    soundfile.write(tmp_path / "silence.wav", np.zeros(16000), 16000)
    page.measure(tmp_path / "silence.wav")
    assert "Silent: there is nothing to measure" in page.find("flags").text
    plot = page.browser.find_element("css selector", "#utterance-map .plot")
    assert plot.accessible_name == "silent"
    assert "crossed ring" in page.find("caption").text
    assert page.count("#words meter") == 0  # it has no class
    soundfile.write(tmp_path / "blip.wav", np.zeros(100), 16000)
    page.measure(tmp_path / "blip.wav")
    assert "Too short to measure" in page.find("flags").text
    assert "No activation and valence" in page.find("caption").text
    assert page.table()[0]["activation"] == "–"
    told = [hint.text for hint in page.browser.find_elements("css selector", "#list .hint")]
    assert told == ["silent", "no values"]
    page.choose("track")
    page.measure(tmp_path / "silence.wav")
    assert "No speech was found in its 1.0 s" in page.find("flags").text
    assert page.table() == []


def test_what_cannot_be_read_is_told(page, tmp_path):
    (tmp_path / "notes.wav").write_text("words only")
    page.give(tmp_path / "notes.wav")
    assert page.until("error", ".").startswith("notes.wav: broken, or not audio")
    assert not page.find("cancel").is_displayed()
    soundfile.write(tmp_path / "large.wav", np.zeros(3_000_000), 16000)
    page.give(tmp_path / "large.wav")
    page.until("error", "larger than 5 MB|closed the connection")
    soundfile.write(tmp_path / "voice.wav", make_voice(1.0), 16000)
    page.measure(tmp_path / "voice.wav")
    assert not page.find("error").is_displayed()


def test_names_are_shown_as_they_are(page, tmp_path):
    file = tmp_path / "a <img src=x onerror=document.title='owned'> b.wav"
    soundfile.write(file, make_voice(1.0), 16000)
    page.measure(file)
    assert page.find("result-title").text == file.name
    assert page.browser.title == "affectmap"
    assert page.count("main img") == 0


def test_a_token_is_asked_for(open_browser, start_server, write_voice):
    server = start_server(AFFECTMAP_TOKEN=TOKEN)
    page = Page(open_browser(), server.url)
    page.until("token-form", "Token")
    page.give(write_voice("voice.wav", seconds=1.0))
    page.until("error", "needs the token")
    page.find("token").send_keys("wrong")
    page.find("token-form").submit()
    page.until("error", "needs the token")
    page.find("token").clear()
    page.find("token").send_keys(TOKEN)
    page.find("token-form").submit()
    page.until("model", "Model: ")
    assert not page.find("token-form").is_displayed()
    page.measure(write_voice("voice.wav", seconds=1.0))
    assert TOKEN not in page.browser.current_url
    stored = "return JSON.stringify([localStorage, sessionStorage, document.cookie])"
    assert TOKEN not in page.browser.execute_script(stored)


def test_a_server_that_ends_is_told(open_browser, start_server, write_voice):
    server = start_server()
    page = Page(open_browser(), server.url)
    page.until("model", "Model: ")
    server.process.terminate()
    server.process.wait(30)
    page.give(write_voice("voice.wav", seconds=1.0))
    page.until("error", "cannot be reached")


def test_every_flag_of_a_moment_is_told(page, talk, tmp_path):
    from selenium.webdriver import ActionChains
    from selenium.webdriver.common.keys import Keys

    speech, rate = soundfile.read(talk)
    speech = 0.5 * speech + 0.2 * np.sin(2 * np.pi * 8 * np.arange(len(speech)) / rate)
    soundfile.write(tmp_path / "rumble.wav", speech, rate)
    page.choose("windows")
    page.measure(tmp_path / "rumble.wav")
    assert page.table()[1]["rumble"] == "yes"
    plot = page.browser.find_element("css selector", "#track .u-over")
    page.browser.execute_script("arguments[0].focus()", plot)
    ActionChains(page.browser).send_keys(Keys.HOME, Keys.ARROW_RIGHT).perform()
    assert "rumble" in plot.get_attribute("aria-valuetext").split(", ")
    assert page.complaints() == []


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [390, 1280])
def test_fits_and_can_be_read(open_browser, server, talk, write_voice, width, dark):
    page = Page(open_browser(width, 900, dark=dark), server.url)
    page.measure(write_voice("voice.wav", seconds=1.0))
    page.measure(talk)
    assert page.browser.execute_script("return document.documentElement.scrollWidth") <= width
    check_colours(page.browser, 30)
    assert axe_violations(page.browser) == []
    ground = page.browser.execute_script("return getComputedStyle(document.body).backgroundColor")
    assert (luminance(ground) < 0.2) == dark


def test_everything_has_a_name_and_the_keyboard_reaches_it(page):
    page.until("model", "Model: ")
    for element in page.browser.find_elements("css selector", "button, a, input, select, audio"):
        if element.is_displayed() and element.tag_name != "audio":
            assert element.accessible_name, element.get_attribute("outerHTML")
    from selenium.webdriver import ActionChains
    from selenium.webdriver.common.keys import Keys

    reached = []
    for _ in range(6):
        ActionChains(page.browser).send_keys(Keys.TAB).perform()
        active = page.browser.switch_to.active_element
        reached.append(active.get_attribute("id") or active.get_attribute("href"))
    assert reached[:4] == ["file", "record", "go-live", "mode"]
    outline = "return getComputedStyle(document.getElementById('mode')).outlineStyle"
    page.browser.execute_script("document.getElementById('mode').focus({focusVisible: true})")
    assert page.browser.execute_script(outline) == "solid"


def test_nothing_is_loaded_from_elsewhere(page, server, write_voice):
    page.measure(write_voice("voice.wav", seconds=1.0))
    loaded = page.browser.execute_script("return performance.getEntriesByType('resource').map((entry) => entry.name)")
    assert len(loaded) >= 5
    assert all(name.startswith((f"{server.url}/", f"blob:{server.url}/", "data:")) for name in loaded), loaded
    page.browser.get(f"{server.url}/docs")
    assert "POST /embed" in page.browser.find_element("css selector", "main").text
    assert page.complaints() == []
