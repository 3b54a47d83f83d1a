"""Draw docs/annotate.png, docs/annotate-phone.png, docs/serve.png and docs/explore.png: the rating page, and others.

    python experiments/pictures/pages.py [annotate] [serve] [explore]

The rating page is in the middle of a session; the phone speaks Urdu and is dark. The recordings are the demo's
synthetic speech, what was rated so far is drawn by lot. Needs Debian's chromium, chromium-driver and fonts-noto-core.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from selenium import webdriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

from affectmap import annotator, service
from affectmap.annotator import AnnotatorSettings, Store, open_store
from affectmap.annotator.ratings import Rating
from affectmap.corpora.synthetic.recordings import speak_corpora
from affectmap.explorer.predicted import predicted_points
from affectmap.explorer.server import create_app
from affectmap.model.model import load_model
from affectmap.web.server import listen, make_server

DOCS = Path(__file__).resolve().parents[2] / "docs"
EMOTIONS = ("neutral", "sad", "happy", "angry")
N_ITEMS = 60
#: Utterances of each emotion in the recording of docs/serve.png, and seconds between them.
N_EACH, PAUSE_S = 12, 0.6
#: Utterances of each emotion beside it.
N_SINGLE = 3


def main(wanted: list[str]) -> None:
    """Speak, and take the pictures wanted, by default all."""
    wanted = wanted or ["annotate", "serve", "explore"]
    if "annotate" in wanted and not subprocess.run(["fc-list", ":lang=ur"], capture_output=True, check=True).stdout:
        sys.exit("no font here has Urdu's letters; run apt-get install fonts-noto-core")
    with tempfile.TemporaryDirectory() as place:
        if wanted != ["explore"]:
            speak_corpora(Path(place, "spoken"), languages=["en"])
        for name, draw in {"annotate": draw_annotator, "serve": draw_service, "explore": draw_explorer}.items():
            if name in wanted:
                draw(Path(place))


def draw_explorer(place: Path) -> None:
    """Put EMO-DB on two maps of the shipped model, as it is and adapted, with the 20 utterances furthest off."""
    data = Path(os.environ["AFFECTMAP_DATA"], "corpora")
    points = predicted_points(load_model(), [f"emodb={data / 'emodb'}"], data / "labels", title="EMO-DB")
    with _serving(create_app(points)) as url, _browser(place) as browser:
        _look_like(browser, 1280, 800, phone=False)
        browser.get(url)
        _until(browser, "document.body.dataset.ready === 'true'")
        browser.execute_script("element('beside').value = '1'; explorer.change(); element('worst').click()")
        _until(browser, "explorer.sound.peaks !== null")
        time.sleep(0.5)
        browser.save_screenshot(str(DOCS / "explore.png"))


def draw_service(place: Path) -> None:
    """Measure utterances, and two minutes of them, a part neutral, angry, sad and happy, by the shipped model."""
    talk = place / "synthetic speech.wav"
    signals, rate, single = [], 0, []
    for emotion in ("neutral", "angry", "sad", "happy"):
        files = sorted((place / "spoken").rglob(f"*_{emotion}_*.wav"))
        single += files[N_EACH : N_EACH + N_SINGLE]
        for file in files[:N_EACH]:
            signal, rate = soundfile.read(file)
            signals += [signal, np.zeros(round(PAUSE_S * rate))]
    soundfile.write(talk, np.concatenate(signals), rate)
    app = service.create_app(service.ServiceSettings(), load_model())
    try:
        with _serving(app) as url, _browser(place) as browser:
            _look_like(browser, 1020, 1860, phone=False)
            browser.get(url)
            browser.find_element("css selector", "input[type=file]").send_keys("\n".join(map(str, (talk, *single))))
            _until(browser, "document.querySelectorAll('#body tr').length > 10")
            _until(browser, "document.querySelector('audio').duration > 60")
            _until(browser, "document.querySelector('#waveform').checkVisibility()")
            _until(browser, "document.getElementById('status').textContent === 'Done.'")
            time.sleep(1)  # it scrolls to the result
            browser.execute_script("scrollTo({top: 0, behavior: 'instant'})")
            browser.save_screenshot(str(DOCS / "serve.png"))
    finally:
        app.state.service.close()


def draw_annotator(place: Path) -> None:
    """Rate a part, and take two pictures of what comes next."""
    with tempfile.TemporaryDirectory() as here:
        store = open_store(_settings(place / "spoken", Path(here)))
        rater = store.raters.named("Ada")
        store.raters.finish_training(rater.id)
        _rate(store, 23)
        with _serving(annotator.create_app(store, "a long password")) as url, _browser(Path(here)) as browser:
            link = f"{url}/r/{rater.token}"
            _open(browser, link, 1100, 690, phone=False)
            moves = [Keys.ARROW_UP] * 2 + [Keys.ARROW_RIGHT] * 3 + ["3"]
            ActionChains(browser, duration=0).send_keys(*moves).perform()
            _picture(browser, DOCS / "annotate.png")
            _open(browser, link, 390, 676, phone=True)
            ActionChains(browser, duration=0).send_keys(Keys.ARROW_DOWN, Keys.ARROW_LEFT, "2").perform()
            browser.execute_script("document.activeElement.blur()")
            _picture(browser, DOCS / "annotate-phone.png")
        store.close()


def _settings(spoken: Path, place: Path) -> AnnotatorSettings:
    speech = place / "speech"
    speech.mkdir()
    for file in sorted(spoken.rglob("*.wav"))[:N_ITEMS]:
        shutil.copyfile(file, speech / file.name)
    return AnnotatorSettings(speech, labels=place / "labels", raters=("Ada",), emotions=EMOTIONS, language="en")


def _rate(store: Store, n: int) -> None:
    rng, rater = np.random.default_rng(0), store.raters.named("Ada")
    for _ in range(n):
        activation, valence = (float(value) for value in rng.integers(2, 11, 2) / 2)
        body = {"item": store.ratings.progress(rater).item, "activation": activation, "valence": valence}
        body |= {"key": uuid.UUID(bytes=rng.bytes(16)), "seconds": float(rng.uniform(5, 9))}
        store.ratings.save(rater, Rating.model_validate(body))


@contextmanager
def _serving(app: Any) -> Iterator[str]:  # noqa: ANN401 (Starlette's application, of either page)
    listening = listen("127.0.0.1", 0)
    server = make_server(app)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        listening.close()


@contextmanager
def _browser(place: Path) -> Iterator[webdriver.Chrome]:
    options = webdriver.ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    for word in ("headless", "no-sandbox", "disable-gpu", "disable-dev-shm-usage", f"user-data-dir={place}/browser"):
        options.add_argument(f"--{word}")
    browser = webdriver.Chrome(options, webdriver.ChromeService("/usr/bin/chromedriver"))
    try:
        yield browser
    finally:
        browser.quit()


def _look_like(browser: webdriver.Chrome, width: int, height: int, *, phone: bool) -> None:
    metrics = {"width": width, "height": height, "deviceScaleFactor": 2 if phone else 1, "mobile": phone}
    scheme = {"name": "prefers-color-scheme", "value": "dark" if phone else "light"}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    browser.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": phone})
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
    browser.execute_cdp_cmd("Emulation.setScrollbarsHidden", {"hidden": True})


def _open(browser: webdriver.Chrome, link: str, width: int, height: int, *, phone: bool) -> None:
    _look_like(browser, width, height, phone=phone)
    browser.get(link)
    browser.execute_script(
        "sessionStorage.clear(); localStorage['affectmap-language'] = arguments[0]", "ur" if phone else "en"
    )
    browser.refresh()
    _until(browser, "document.body.dataset.phase === 'welcome'")
    ActionChains(browser).send_keys(Keys.ENTER).perform()
    _until(browser, "document.getElementById('rating').matches('[data-ready]')")


def _picture(browser: webdriver.Chrome, out: Path) -> None:
    browser.execute_script("const player = document.getElementById('player'); player.pause(); player.currentTime = 0.9")
    time.sleep(0.5)
    browser.save_screenshot(str(out))


def _until(browser: webdriver.Chrome, holds: str) -> None:
    end = time.monotonic() + 120
    while not browser.execute_script(f"return {holds}"):
        if time.monotonic() > end:
            raise TimeoutError(f"the page does not come to {holds}")
        time.sleep(0.05)


if __name__ == "__main__":
    main(sys.argv[1:])
