"""The organiser's page in Debian's chromium."""

import httpx
import pytest
from selenium.webdriver.common.by import By

from browsers import chromium

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with chromium(tmp_path_factory.mktemp("browser")) as start:
        yield start(400, 800)


def test_organising(start_server, browser, tools, tmp_path, monkeypatch):
    monkeypatch.setenv("AFFECTMAP_PASSWORD", "a long password")
    server = start_server("--ratings", str(tmp_path / "labels"), "--rater", "<b>Ada</b>")

    def text(identity):
        return browser.find_element(By.ID, identity).text

    def press(label):
        # At once: the table is drawn anew now and then.
        browser.execute_script("document.querySelector(`[aria-label='${arguments[0]}']`).click()", label)

    browser.get(f"{server.url}/organiser")
    browser.find_element(By.ID, "password").send_keys("not the password\n")
    tools.until(lambda: "This is not the password." in browser.page_source)
    assert "SEVERE" not in {entry["level"] for entry in browser.get_log("browser") if "401" not in entry["message"]}
    browser.find_element(By.ID, "password").send_keys("a long password\n")
    tools.until(lambda: "<b>Ada</b> (not begun)" in text("raters"), Exception)
    browser.find_element(By.ID, "name").send_keys("Bob\n")
    tools.until(lambda: text("status") == "Bob is added; copy the link from the table.")
    tools.until(lambda: "Bob (not begun)" in text("raters"), Exception)
    press("Pause Bob")
    tools.until(lambda: text("status") == "Bob: paused.")
    tools.until(lambda: "Bob (paused)" in text("raters"), Exception)
    press("Resume Bob")
    tools.until(lambda: text("status") == "Bob: resumed.")
    press("Copy the link of Bob")
    tools.until(lambda: "Bob's link" in text("status"))
    state = httpx.get(f"{server.url}/api/{server.link}/next").json()
    httpx.post(f"{server.url}/api/{server.link}/ratings", json=tools.rating(state["item"]["id"]))
    browser.find_element(By.ID, "scan").click()
    tools.until(lambda: "1 of 13" in text("raters"), Exception)
    assert text("recordings") == "12 to rate, 1 passed over."
    assert len(browser.find_elements(By.CSS_SELECTOR, "#exports a")) == 3
    assert browser.execute_script("return document.documentElement.scrollWidth <= innerWidth")
    browser.find_element(By.ID, "leave").click()
    tools.until(lambda: browser.find_elements(By.ID, "password"))
    assert [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"] == []
