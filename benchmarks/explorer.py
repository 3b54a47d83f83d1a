"""The explorer's page: its size, how long it takes to write, and how smoothly it draws 100,000 points.

Frames are drawn in Debian's chromium without a graphics card, one map of 1280 by 900 pixels that moves; the time of a
frame is that of the page's own thread of the processor, which what else the machine does moves little. Recordings are
EMO-DB, URDU and AESDD where AFFECTMAP_DATA names their folder, and synthetic elsewhere.
"""

from __future__ import annotations

import io
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import soundfile
from selenium import webdriver

from affectmap.corpora.folder import find_recordings
from affectmap.explorer.page import write_page
from affectmap.explorer.points import Points, points_of
from affectmap.explorer.sound import RATE, Excerpt, encoded, places_of, read_beginning, take_excerpts
from harness import MB, Row, in_turn, main, ratios, row_of

N_POINTS, N_QUICK = 100_000, 5_000
#: Recordings of which excerpts are made where there is no corpus, or in a hurry, and seconds of each.
N_SPOKEN, SPOKEN_S = 20, 3.0
CORPORA = ("emodb", "urdu", "aesdd")
#: One recording of so many is encoded both ways; and the Opus that is compared: 2 kB a second.
ONE_OF, OPUS_COMPRESSION = 25, 0.97
#: What is timed, as the page's own words.
STEPS = {
    "a frame, one map": "explorer.view.x = 3 + 0.3 * Math.sin(k / 8); explorer.drawNow()",
    "a frame, one point in 300 chosen": "explorer.view.x = 3 + 0.3 * Math.sin(k / 8); explorer.drawNow()",
    "the point below the pointer": "explorer.map.grid.nearest(1 + (k % 40) / 10, 3, 0.05, () => true)",
}
_AIMS = {"a frame, one map": "≤ 33"}
_BEFORE = {"a frame, one point in 300 chosen": "element('find').value = 's299'; explorer.find()"}


def scattered(n: int, seed: int = 0) -> Points:
    """Points of four emotions around places of their own, rated and predicted."""
    rng = np.random.default_rng(seed)
    emotion = rng.integers(0, 4, n)
    middle = np.array([[2.6, 3.0], [2.1, 2.2], [3.5, 3.8], [4.1, 2.1]])[emotion]
    rated = np.clip(middle + rng.normal(0, 0.5, (n, 2)), 1, 5)
    found = np.clip(3 + 0.6 * (rated - 3) + rng.normal(0, 0.35, (n, 2)), 1, 5)
    rows = pd.DataFrame({"corpus": "synthetic", "file": [f"{k % 500:03}/{k:06}.wav" for k in range(n)], "start": 0.0})
    rows = rows.assign(speaker=[f"s{k % 500}" for k in range(n)], method="scattered", reading="table", use="evaluated")
    rows = rows.assign(emotion=np.array(["neutral", "sad", "happy", "angry"])[emotion], fold=0, seed=0, end=None)
    names = ("activation", "valence", "predicted_activation", "predicted_valence")
    return points_of(rows.assign(**dict(zip(names, [*rated.T, *found.T], strict=True))))


def recordings(folder: Path, *, quick: bool) -> list[Path]:
    """The corpora's recordings, or synthetic ones."""
    data = os.environ.get("AFFECTMAP_DATA")
    if data and not quick:
        roots = [Path(data, "corpora", name) for name in CORPORA]
        return [root / each for root in roots for each in find_recordings(root).files]
    time_s = np.arange(round(SPOKEN_S * RATE)) / RATE
    for number in range(N_SPOKEN):
        buzz = sum(np.sin(2 * np.pi * (110 + 5 * number) * k * time_s) / k for k in range(1, 9))
        soundfile.write(folder / f"{number:02}.wav", 0.1 * buzz * (1.2 + np.sin(2 * np.pi * 4 * time_s)), RATE)
    return sorted(folder.glob("*.wav"))


def pages(place: Path, *, quick: bool) -> tuple[list[Row], str]:
    """Write the page of recordings with their sound; give rows, and what they are of."""
    files = recordings(place, quick=quick)
    rows = pd.DataFrame({"corpus": "all", "file": map(str, files), "activation": 3.0, "valence": 3.0})
    points, clocks = points_of(rows), (time.perf_counter(), time.process_time())
    excerpts = take_excerpts(places_of(points.utterances))
    wall, cpu = time.perf_counter() - clocks[0], time.process_time() - clocks[1]
    write_page(points, excerpts, place / "page.html")
    rows = [*sizes(place / "page.html", excerpts), *seconds(wall, cpu, len(files))]
    return [
        *rows,
        *encoders(files if quick else files[::ONE_OF], rounds=1 if quick else 5),
    ], f"{len(files):,} recordings"


def sizes(page: Path, excerpts: list[Excerpt]) -> list[Row]:
    """How large the page and its sound are."""
    heard = [each for each in excerpts if each.sound]
    told = f"MP3; {len(heard):,} of {len(excerpts):,} can be heard"
    rate = sum(len(each.sound) for each in heard) / sum(min(each.length_s, 30.0) for each in heard)
    return [
        row_of("page with sound", page.stat().st_size / MB, "MB", note="one file, nothing beside it"),
        row_of("sound", rate / 1000, "kB/s", aim="≤ 4", note=told),
    ]


def seconds(wall_s: float, cpu_s: float, n: int) -> list[Row]:
    """How long the excerpts took."""
    return [
        row_of("excerpts, all cores", wall_s, "s", note="by the clock"),
        row_of("an excerpt, of the processor", 1000 * cpu_s / n, "ms", note="reading, resampling and encoding"),
    ]


def encoders(files: list[Path], *, rounds: int) -> list[Row]:
    """Where the time of an excerpt goes, and how it compares with Opus, in turn in one process."""
    places = places_of(pd.DataFrame({"file": files, "start": 0.0, "end": None}))
    signals = [read_beginning(place).signal for place in places]
    ways: dict[str, Callable[[], object]] = {
        "read": lambda: [read_beginning(place) for place in places],
        "MP3": lambda: [encoded(signal) for signal in signals],
        "Opus": lambda: [as_opus(signal) for signal in signals],
    }
    times = in_turn(ways, rounds, clock=time.process_time)
    each = {name: [1000 * seconds / len(files) for seconds in times[name]] for name in ways}
    seconds_each = sum(map(len, signals)) / RATE / len(signals)
    whole = {way: [read + own for read, own in zip(times["read"], times[way], strict=True)] for way in ("MP3", "Opus")}
    note = f"read, resampled and encoded; {len(files)} recordings of {seconds_each:.1f} s on average, in turn"
    return [
        row_of("reading and resampling an excerpt", each["read"], "ms"),
        row_of("encoding it as MP3", each["MP3"], "ms"),
        row_of("encoding it as Opus", each["Opus"], "ms", note="libsndfile's, 2 kB/s, as pages had it before"),
        row_of("excerpts as MP3, against Opus", ratios(whole, "Opus", "MP3"), "×", note=note),
    ]


def as_opus(signal: np.ndarray) -> bytes:
    """Encode a signal as Ogg Opus, for comparison."""
    buffer = io.BytesIO()
    level = np.clip(signal, -1, 1)
    soundfile.write(buffer, level, RATE, format="OGG", subtype="OPUS", compression_level=OPUS_COMPRESSION)
    return buffer.getvalue()


@contextmanager
def browser(place: Path) -> Iterator[webdriver.Chrome]:
    """Debian's chromium, headless and without a graphics card."""
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or ""
    for word in ("headless", "no-sandbox", "disable-gpu", "disable-dev-shm-usage", f"user-data-dir={place}/browser",
                 "window-size=1280,900", "force-device-scale-factor=1"):  # fmt: skip
        options.add_argument(f"--{word}")
    started = webdriver.Chrome(options, webdriver.ChromeService(shutil.which("chromedriver")))
    try:
        yield started
    finally:
        started.quit()


def frames(page: Path, place: Path, *, rounds: int, n_frames: int) -> list[Row]:
    """Time what a visitor waits for on a page, by the clock of its thread of the processor."""
    with browser(place) as driver:
        driver.set_script_timeout(600)
        driver.execute_cdp_cmd("Performance.enable", {"timeDomain": "threadTicks"})
        driver.get(page.as_uri())
        while not driver.execute_script("return document.body.dataset.ready"):
            time.sleep(0.05)
        rows = []
        for name, step in STEPS.items():
            driver.execute_script(_BEFORE.get(name, ""))
            times = [_frame_ms(driver, step, n_frames) for _ in range(rounds + 1)][1:]  # the first warms up
            rows.append(row_of(name, times, "ms", aim=_AIMS.get(name, ""), note="time of the page's thread"))
        return rows


def _frame_ms(driver: webdriver.Chrome, step: str, n_frames: int) -> float:
    before = _script_s(driver)
    driver.execute_async_script(
        f"const done = arguments[0]; let k = 0;"
        f"const next = () => {{ {step}; if (++k < {n_frames}) requestAnimationFrame(next); else done(); }}; next();"
    )
    return 1000 * (_script_s(driver) - before) / n_frames


def _script_s(driver: webdriver.Chrome) -> float:
    metrics = driver.execute_cdp_cmd("Performance.getMetrics", {})["metrics"]
    return float(next(each["value"] for each in metrics if each["name"] == "ScriptDuration"))


def measure(quick: bool = False, timed: Callable[..., list[Row]] = frames) -> dict[str, Any]:
    """Measure the part; see `harness.main`."""
    n = N_QUICK if quick else N_POINTS
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        rows, what = pages(place, quick=quick)
        points, start = scattered(n), time.process_time()
        write_page(points, None, place / "scattered.html")
        written_s = time.process_time() - start
        rows.append(row_of(f"page of {n:,} points, no sound", (place / "scattered.html").stat().st_size / MB, "MB"))
        rows.append(row_of("to write it", written_s, "s", note="of the processor"))
        rows += timed(place / "scattered.html", place, rounds=2 if quick else 7, n_frames=10 if quick else 60)
    text = f"{what}; then {n:,} synthetic points on one map of 1280 by 900 pixels, in chromium without a graphics card."
    return {"title": "The explorer's page", "text": text, "rows": rows}


if __name__ == "__main__":
    main(measure)
