"""Debian's chromium, headless, for tests of pages."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest


@contextmanager
def chromium(folder: Path) -> Iterator[Callable[..., Any]]:
    """Give a function that opens a browser whose files lie in a folder, with a microphone that beeps."""
    browser, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not (browser and driver):
        pytest.skip("NO BROWSER: the page is NOT tested; apt-get install chromium chromium-driver")
    from selenium import webdriver

    opened: list[Any] = []

    def start(
        width: int = 1280, height: int = 1000, *, dark: bool = False, microphone: bool = True, touch: bool = False
    ):
        options = webdriver.ChromeOptions()
        options.binary_location = browser
        for word in (
            "headless", "no-sandbox", "disable-gpu", "disable-quic", "no-first-run", "disable-background-networking",
            "disable-component-update", "disable-sync", "disable-dev-shm-usage", "force-device-scale-factor=1",
            f"user-data-dir={folder}/browser{len(opened)}", f"window-size={width},{height}",
        ):  # fmt: skip
            options.add_argument(f"--{word}")
        if microphone:
            options.add_argument("--use-fake-device-for-media-stream")
            options.add_argument("--use-fake-ui-for-media-stream")
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        options.add_experimental_option("prefs", {"download.default_directory": str(folder / "downloads")})
        page = webdriver.Chrome(options, webdriver.ChromeService(driver))
        opened.append(page)
        resize(page, width, height, touch=touch)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
        return page

    try:
        yield start
    finally:
        for page in opened:
            page.quit()


def resize(page: Any, width: int, height: int, *, touch: bool = False) -> None:
    """Give a page the size of a window, or of a phone that is touched."""
    size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": touch}
    page.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    page.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": touch})
