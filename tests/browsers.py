"""Debian's chromium, headless, for tests of pages, and what every page must keep to."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

# Each text of a page that can be seen, with its colour and that of the ground below it.
_COLOURS = """
const grounds = (node) => {
  for (; node; node = node.parentElement) {
    const colour = getComputedStyle(node).backgroundColor;
    if (colour !== 'rgba(0, 0, 0, 0)') return colour;
  }
  return 'rgb(255, 255, 255)';
};
return [...document.querySelectorAll('p, h1, h2, h3, label, button, span, kbd, a, th, td, li, dt, dd, figcaption, text, select')]
  .filter((node) => node.textContent.trim() && node.checkVisibility() && !node.closest(':disabled'))
  .map((node) => {
    const style = getComputedStyle(node);
    const ink = node.namespaceURI.includes('svg') ? style.fill : style.color;
    return [node.tagName + ' ' + node.textContent.slice(0, 30), ink, grounds(node)];
  });
"""


@contextmanager
def chromium(folder: Path, *, microphone: bool = True, speech: Path | None = None) -> Iterator[Any]:
    """Give a browser whose files lie in a folder, with a microphone that beeps, or says again and again what a file holds."""
    program, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not (program and driver):
        pytest.skip("NO BROWSER: the page is NOT tested; apt-get install chromium chromium-driver")
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = program
    for word in (
        "headless", "no-sandbox", "disable-gpu", "disable-quic", "no-first-run", "disable-background-networking",
        "disable-component-update", "disable-sync", "disable-dev-shm-usage", "force-device-scale-factor=1",
        f"user-data-dir={folder}/browser", "window-size=1280,1000",
    ):  # fmt: skip
        options.add_argument(f"--{word}")
    if microphone:
        options.add_argument("--use-fake-device-for-media-stream")
        options.add_argument("--use-fake-ui-for-media-stream")
    if speech:
        options.add_argument(f"--use-file-for-fake-audio-capture={speech}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    browser = webdriver.Chrome(options, webdriver.ChromeService(driver))
    try:
        yield browser
    finally:
        browser.quit()


def open_tab(
    browser: Any, downloads: Path, width: int = 1280, height: int = 1000, *, dark: bool = False, touch: bool = False
) -> Any:
    """Open a new tab of a size; forget what was logged before."""
    browser.switch_to.new_window("tab")
    size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": touch}
    scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
    for command, values in (
        ("Emulation.setDeviceMetricsOverride", size),
        ("Emulation.setTouchEmulationEnabled", {"enabled": touch}),
        ("Emulation.setEmulatedMedia", {"features": [scheme]}),
        ("Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(downloads)}),
    ):
        browser.execute_cdp_cmd(command, values)
    browser.get_log("browser")
    return browser


def close_tabs(browser: Any) -> None:
    """Close all tabs but the browser's first."""
    first, *others = browser.window_handles
    for tab in others:
        browser.switch_to.window(tab)
        browser.close()
    browser.switch_to.window(first)


def luminance(colour: str) -> float:
    """Give the relative luminance of a colour such as ``rgb(0, 0, 0)`` (WCAG 2.2)."""
    values = [int(number) / 255 for number in re.findall(r"\d+", colour)[:3]]
    linear = [v / 12.92 if v <= 0.03928 else ((v + 0.055) / 1.055) ** 2.4 for v in values]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def check_colours(browser: Any, n_texts: int) -> None:
    """See that a page shows texts, and that each stands out from its ground (WCAG 2.2, 1.4.3)."""
    found = browser.execute_script(_COLOURS)
    assert len(found) >= n_texts
    for what, ink, ground in found:
        light, heavy = sorted([luminance(ink), luminance(ground)], reverse=True)
        assert (light + 0.05) / (heavy + 0.05) >= 4.5, (what, ink, ground)


def axe_violations(browser: Any) -> list[tuple[str, list[str]]]:
    """Give what axe-core finds wrong with a page, but for contrast, which `check_colours` sees faster."""
    # A driver may give a page a script that the page's own policy would not load.
    browser.execute_script(resources.files("axe_core_python").joinpath("axe.min.js").read_text(encoding="utf-8"))
    options = {"resultTypes": ["violations"], "rules": {"color-contrast": {"enabled": False}}}
    found = browser.execute_async_script("axe.run(document, arguments[0]).then(arguments[1])", options)
    return [(each["id"], [node["html"][:120] for node in each["nodes"]]) for each in found["violations"]]
