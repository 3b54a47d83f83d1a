"""A server of rating pages in this process, and what a rater sees and does."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import soundfile

from affectmap.annotator import AnnotatorSettings, Store, create_app, open_store
from affectmap.web.server import listen, make_server
from conftest import make_voice
from waiting import until

TRAINING = "file,activation,valence,note\nt1.wav,4.5,2,Loud and hasty.\nt2.wav,2,3,\n"


class Annotator:
    """A running server and its store."""

    def __init__(self, store: Store, url: str) -> None:
        self.store, self.url = store, url

    def link(self, name: str = "Ada") -> str:
        return f"{self.url}/r/{self.store.raters.named(name).token}"

    def rows(self, name: str = "Ada") -> list[dict[str, Any]]:
        return [row for row in self.store.ratings.all() if row["rater"] == name]


@contextmanager
def serving(folder: Path, n_items: int = 4, *, trained: bool = True, **settings: Any) -> Iterator[Annotator]:
    """Write recordings and serve them; raters who are trained begin with the first of them."""
    speech = folder / "speech"
    speech.mkdir(parents=True)
    for number in range(n_items):
        soundfile.write(speech / f"{number}.wav", make_voice(0.6, pitch=100 + 40 * number, seed=number), 16000)
    for name in ("t1", "t2"):
        soundfile.write(speech / f"{name}.wav", make_voice(0.5, seed=7), 16000)
    (folder / "training.csv").write_text(TRAINING, encoding="utf-8")
    given = {"raters": ("Ada", "Bo"), "repeat": 0.0, "training": folder / "training.csv", "language": "en"}
    store = open_store(AnnotatorSettings(speech, labels=folder / "labels", **{**given, **settings}))
    if trained:
        for rater in store.raters.all():
            store.raters.finish_training(rater.id)
    listening = listen("127.0.0.1", 0)
    app = create_app(store, "a long password")
    server = make_server(app)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        yield Annotator(store, f"http://127.0.0.1:{listening.getsockname()[1]}")
    finally:
        server.should_exit = True
        thread.join()
        listening.close()
        store.close()


class RatingPage:
    """A window with a rating page. Several may share a browser, each in the tab that was opened for it."""

    def __init__(self, browser: Any, link: str) -> None:
        self.browser = browser
        self._window = browser.current_window_handle
        browser.get(link)

    def run(self, script: str, *values: Any) -> Any:
        if self.browser.current_window_handle != self._window:
            self.browser.switch_to.window(self._window)
        return self.browser.execute_script(script, *values)

    def find(self, name: str) -> Any:
        self.run("")
        return self.browser.find_element("id", name)

    def text(self, name: str) -> str:
        return self.run("return document.getElementById(arguments[0]).innerText", name)

    def until(self, script: str, *values: Any, seconds: float = 15) -> None:
        until(
            lambda: self.run(f"return {script}", *values),
            seconds=seconds,
            what=lambda: self.run("return document.body.innerText"),
        )

    def until_text(self, name: str, pattern: str, seconds: float = 15) -> None:
        until(lambda: re.search(pattern, self.text(name)), seconds=seconds, what=lambda: self.text(name))

    def until_phase(self, phase: str, seconds: float = 15) -> None:
        ready = " && document.querySelector('#rating').matches('[data-ready]')" * (phase in ("practice", "rating"))
        self.until(f"document.body.dataset.phase === arguments[0]{ready}", phase, seconds=seconds)

    @property
    def item(self) -> str:
        return self.run("return document.querySelector('#rating').dataset.item")

    def until_another(self, item: str) -> None:
        self.until("document.querySelector('#rating').dataset.item !== arguments[0]", item)
        self.until_phase("rating")

    def press(self, *keys: str, held: str = "") -> None:
        from selenium.webdriver.common.action_chains import ActionChains

        self.run("")
        chain = ActionChains(self.browser, duration=0)
        if held:
            chain.key_down(held)
        chain.send_keys(*keys)
        if held:
            chain.key_up(held)
        chain.perform()

    def begin(self) -> None:
        from selenium.webdriver.common.keys import Keys

        self.until_phase("welcome")
        self.press(Keys.ENTER)
        self.until_phase("rating")

    def cdp(self, command: str, **values: Any) -> Any:
        self.run("")
        return self.browser.execute_cdp_cmd(command, values)

    def touch(self, *points: tuple[float, float]) -> None:
        """Put a finger down at the first point, move it along the others, lift it."""
        for kind, (x, y) in zip(["touchStart", *["touchMove"] * (len(points) - 1)], points, strict=True):
            self.cdp("Input.dispatchTouchEvent", type=kind, touchPoints=[{"x": x, "y": y}])
        self.cdp("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])

    def place_of(self, selector: str, across: float = 0.5, down: float = 0.5) -> tuple[float, float]:
        box = self.run("return document.querySelector(arguments[0]).getBoundingClientRect().toJSON()", selector)
        return box["left"] + across * box["width"], box["top"] + down * box["height"]

    def tap(self, name: str) -> None:
        self.run("document.getElementById(arguments[0]).scrollIntoView({block: 'nearest'})", name)
        self.touch(self.place_of(f"#{name}"))

    def square_at(self, activation: float, valence: float) -> tuple[float, float]:
        """Where a rating lies on the screen."""
        share = [0.06 + 0.88 * (value - 1) / 4 for value in (valence, 5 - (activation - 1))]
        return self.place_of("#square svg", *share)

    def offline(self, offline: bool) -> None:
        self.cdp("Network.enable")
        self.cdp(
            "Network.emulateNetworkConditions",
            **{"offline": offline, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1},
        )

    def complaints(self) -> list[str]:
        self.run("")
        return [entry["message"] for entry in self.browser.get_log("browser")]
