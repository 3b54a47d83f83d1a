"""Draw docs/annotate.png and docs/annotate-phone.png: the rating page in the middle of a session.

    python experiments/annotate/pictures.py

The phone speaks Urdu and is dark. The recordings are the demo's synthetic speech, what was rated so far is drawn by
lot. Needs Debian's chromium, chromium-driver and fonts-noto-core.
"""

from __future__ import annotations

import shutil
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from selenium import webdriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

from affectmap.annotator import AnnotatorSettings, Store, create_app, open_store
from affectmap.annotator.ratings import Rating
from affectmap.corpora.synthetic.recordings import speak_corpora
from affectmap.web.server import listen, make_server

DOCS = Path(__file__).resolve().parents[2] / "docs"
EMOTIONS = ("neutral", "sad", "happy", "angry")
N_ITEMS = 60


def main() -> None:
    """Speak, rate a part, and take two pictures of what comes next."""
    with tempfile.TemporaryDirectory() as place:
        store = open_store(_settings(Path(place)))
        rater = store.raters.named("Ada")
        store.raters.finish_training(rater.id)
        _rate(store, 23)
        with _serving(store) as url, _browser(Path(place)) as browser:
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


def _settings(place: Path) -> AnnotatorSettings:
    speak_corpora(place / "spoken", languages=["en"])
    speech = place / "speech"
    speech.mkdir()
    for file in sorted((place / "spoken").rglob("*.wav"))[:N_ITEMS]:
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
def _serving(store: Store) -> Iterator[str]:
    listening = listen("127.0.0.1", 0)
    app = create_app(store, "a long password")
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


def _open(browser: webdriver.Chrome, link: str, width: int, height: int, *, phone: bool) -> None:
    metrics = {"width": width, "height": height, "deviceScaleFactor": 2 if phone else 1, "mobile": phone}
    scheme = {"name": "prefers-color-scheme", "value": "dark" if phone else "light"}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    browser.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": phone})
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
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
    end = time.monotonic() + 20
    while not browser.execute_script(f"return {holds}"):
        if time.monotonic() > end:
            raise TimeoutError(f"the page does not come to {holds}")
        time.sleep(0.05)


if __name__ == "__main__":
    main()
